// Makes src/cli/demo.tar.gz: breaks the newest control plane of the test bed the way old Spiderpool installations are broken, and takes our own `snapshot` of it.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BINARY } from '../test/bed/binary.ts';
import { clientOf } from '../test/bed/client.ts';
import { kubeconfigOf, startControlPlane } from '../test/bed/control-plane.ts';
import { crdsOf } from '../test/bed/crds-of.ts';
import { BED_VERSIONS, foundBed, prepareBeds } from '../test/bed/prepare.ts';
import { prepareTools, tools } from '../test/bed/tools.ts';

const ROOT = join(import.meta.dirname, '..');
const version = BED_VERSIONS.at(-1)!;
await prepareBeds([version], console.log);
const binaries = await foundBed(version);
await prepareTools(console.log);

const plane = await startControlPlane(version, binaries);
try {
  const client = clientOf(plane);
  const env = { ...process.env, KUBECONFIG: kubeconfigOf(plane, 'admin') };
  execFileSync(tools().helm3, ['install', 'spiderpool', join(ROOT, 'test/bed/helm-chart'), '-n', 'kube-system'], { env });
  await client.apply(...crdsOf('0.9.13'));
  execFileSync(tools().kubectl, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'], { env });
  for (const [namespace, name, type, owner] of [
    ['default', 'debug', 'None', ''],
    ['ops', 'probe-a', 'None', ''],
    ['ops', 'probe-b', 'None', ''],
    ['shop', 'cart-0', 'StatefulSet', 'cart'],
    ['shop', 'web-6c9f-x2x', 'Deployment', 'web'],
  ] as const) {
    await client.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'spiderpool.spidernet.io/v2beta1',
        kind: 'SpiderEndpoint',
        metadata: { name, namespace },
        status: { current: { uid: `uid-${name}`, node: 'n1', ips: [] }, ownerControllerType: type, ownerControllerName: owner },
      },
    );
  }
  // A helm that was cut off in the middle of an upgrade leaves its newest record pending, and the one before deployed.
  execFileSync(tools().helm3, ['upgrade', 'spiderpool', join(ROOT, 'test/bed/helm-chart'), '-n', 'kube-system'], { env });
  const record = (revision: number) => `/api/v1/namespaces/kube-system/secrets/sh.helm.release.v1.spiderpool.v${revision}`;
  await client.request('PATCH', record(1), { metadata: { labels: { status: 'deployed' } } });
  await client.request('PATCH', record(2), { metadata: { labels: { status: 'pending-upgrade' } } });
  execFileSync(BINARY, ['snapshot', join(ROOT, 'src/cli/demo.tar.gz'), '--force'], { env, stdio: 'inherit' });
} finally {
  await plane.stop();
}
