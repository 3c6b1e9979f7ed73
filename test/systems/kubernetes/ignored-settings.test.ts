import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const KEY = 'container.seccomp.security.alpha.kubernetes.io/';
/** A DaemonSet; `of`: profiles in annotations by container, `pod`: in the annotation of the Pod, `spec`: of its template. */
const withProfiles = (of: Record<string, string>, spec: Raw, pod?: string): Raw => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'p', namespace: 'default' } },
  spec: {
    selector: { matchLabels: { app: 'p' } },
    template: {
      metadata: {
        labels: { app: 'p' },
        annotations: {
          ...Object.fromEntries(Object.entries(of).map(([name, profile]) => [`${KEY}${name}`, profile])),
          ...(pod ? { 'seccomp.security.alpha.kubernetes.io/pod': pod } : {}),
        },
      },
      spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec },
    },
  },
});
const field = (type: string, localhostProfile?: string): Raw => ({
  securityContext: { seccompProfile: { type, ...(localhostProfile ? { localhostProfile } : {}) } },
});
const [FOUND, to] = ['warning DaemonSet/default/p', 'kubernetes=1.27'];
const profiles = (expect: string, ...given: Parameters<typeof withProfiles>) => ({
  ...{ server: 'v1.26.15', to, expect },
  objects: [withProfiles(...given)],
});

const both = 'Deployment/default/confined, DaemonSet/default/confined-agent';

grid('kubernetes/ignored-settings', [
  { fixture: 'found', to: 'kubernetes=1.27', expect: `warning ${both}` },
  { fixture: 'found', to: 'kubernetes=v1.26.15', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.29', expect: 'passed' },
  { fixture: 'found-zone', to: 'kubernetes=1.29', expect: 'notice CronJob/default/zoned' },
  { fixture: 'found-zone', server: 'v1.29.15', to: 'kubernetes=1.37', expect: 'passed' },
  // An init container has its own annotation, and the one of the Pod besides.
  profiles(FOUND, { i: 'localhost/i.json' }, { initContainers: [{ name: 'i', image: 'i:1' }] }),
  profiles(
    FOUND,
    {},
    { containers: [{ name: 'c', image: 'i:1', ...field('RuntimeDefault') }], initContainers: [{ name: 'i' }] },
    'docker/default',
  ),
  profiles('passed', { i: 'localhost/i.json' }, { initContainers: [{ name: 'i', image: 'i:1', ...field('Localhost', 'i.json') }] }),
  // The annotation of a container stands above the field of its Pod.
  profiles(FOUND, { c: 'localhost/c.json' }, field('RuntimeDefault')),
  profiles(FOUND, { c: 'unconfined' }, field('RuntimeDefault')),
  profiles('passed', { c: 'localhost/c.json' }, field('Localhost', 'c.json')),
  // Without any, nothing is lost; nor is what the API server never understood, or of a container that is not there.
  profiles('passed', { c: 'unconfined' }, {}),
  profiles('passed', { c: 'localhost/' }, {}, 'odd'),
  profiles('passed', { gone: 'runtime/default' }, {}),
  { to: 'kubernetes=1.31', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.29', forbidden: ['cronjobs.batch'], expect: 'unknown' },
]);
