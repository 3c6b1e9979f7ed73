import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';
import { releaseOf } from './release.ts';

const NEWEST = 'Secret/kube-system/sh.helm.release.v1.spiderpool.v2';

/** A record of revision 2 with another status in its label. */
function edited(status: string, label: string): Raw {
  const record = releaseOf('0.9.4', {}, { revision: 2, status });
  const metadata = record.metadata as Raw;
  return { ...record, metadata: { ...metadata, labels: { ...(metadata.labels as Raw), status: label } } };
}

grid('spiderpool/release-deployed', [
  { fixture: 'found', expect: `blocker ${NEWEST}` },
  // HELM_DRIVER=configmap alone; with Secrets as well, those count and the other history is named.
  { fixture: 'in-configmap', expect: 'notice ConfigMap/kube-system/sh.helm.release.v1.spiderpool.v2' },
  {
    base: 'installed-by-configmaps',
    fixture: 'in-configmap',
    expect: 'blocker ConfigMap/kube-system/sh.helm.release.v1.spiderpool.v2',
    steps: [
      'HELM_DRIVER=configmap helm history spiderpool -n kube-system',
      'HELM_DRIVER=configmap helm rollback spiderpool 1 -n kube-system',
      'kubectl delete configmap sh.helm.release.v1.spiderpool.v2 -n kube-system',
    ],
  },
  // An older revision is still labelled deployed: helm goes on from it.
  { fixture: 'uninstalled', expect: `warning ${NEWEST}` },
  // What the record says counts, also where its label was edited; one that cannot be read is never passed.
  { objects: [edited('pending-upgrade', 'deployed')], expect: `blocker ${NEWEST}` },
  { objects: [edited('deployed', 'pending-upgrade')], expect: 'passed' },
  { objects: [{ ...edited('deployed', 'deployed'), data: { release: 'Z2FyYmFnZQ==' } }], expect: 'unknown' },
  { fixture: 'failed', expect: `warning ${NEWEST}` },
  { fixture: 'odd-exponent', expect: 'unknown' },
  { fixture: 'odd-word', expect: 'unknown' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['secrets'], expect: 'unknown' },
]);
