import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { parseTarget } from '../../../src/engine/paths.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { layOut } from '../../fixtures.ts';
import { grid } from '../../grid.ts';

const corefile = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'coredns', namespace: 'kube-system' } };
const found = 'ConfigMap/kube-system/coredns';

test('on a path of several minors each finding names the CoreDNS of the hop at which it stands', async () => {
  const folder = layOut('kubernetes/coredns-corefile', { fixture: 'found' });
  try {
    const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, {
      checks: ['kubernetes/coredns-corefile'],
      targets: [parseTarget('kubernetes=1.37', SYSTEMS)],
    });
    const found = results.flatMap(({ findings }) => findings);
    const said = /CoreDNS (\S+?)[ ,].*?(does not start|stops in preflight)/;
    expect(found.map(({ severity, hop, message }) => [severity, hop, ...(said.exec(message.en) ?? []).slice(1)])).toEqual([
      ['blocker', '1.31', '1.11.3', 'does not start'],
      ['warning', '1.31', '1.11.3', 'stops in preflight'],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

grid('kubernetes/coredns-corefile', [
  {
    fixture: 'found',
    to: 'kubernetes=1.31',
    expect: [`blocker ${found}`, `warning ${found}`],
  },
  { fixture: 'found', to: 'kubernetes=1.31', forbidden: ['deployments.apps'], expect: 'unknown' },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.31', expect: 'passed' },
  // Without the Deployment the version is that of kubeadm: the option is long gone there.
  {
    objects: [{ ...corefile, data: { Corefile: '. {\n  kubernetes {\n    upstream\n  }\n  bind lo\n}' } }],
    to: 'kubernetes=1.31',
    expect: 'passed',
  },
  { fixture: 'found', server: 'v1.30.4+k3s1', to: 'kubernetes=1.31', expect: 'not-applicable' },
  { objects: [corefile], to: 'kubernetes=1.31', expect: 'not-applicable' },
  { to: 'kubernetes=1.31', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'kubernetes=1.31', forbidden: ['configmaps'], expect: 'unknown' },
]);
