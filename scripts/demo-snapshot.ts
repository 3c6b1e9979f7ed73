// Makes src/cli/demo.tar.gz: breaks the newest control plane of the test bed the way old Spiderpool installations are broken, and takes our own `snapshot` of it.
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { BINARY } from '../test/bed/binary.ts';
import { clientOf } from '../test/bed/client.ts';
import { kubeconfigOf, startControlPlane } from '../test/bed/control-plane.ts';
import { crdsOf } from '../test/bed/crds-of.ts';
import { BED_VERSIONS, foundBed, prepareBeds } from '../test/bed/prepare.ts';
import { startRoutes } from '../test/bed/routes.ts';
import { prepareTools, tools } from '../test/bed/tools.ts';
import { COORDINATOR } from '../test/control/scene.ts';

const ROOT = join(import.meta.dirname, '..');
const version = BED_VERSIONS.at(-1)!;
await prepareBeds([version], console.log);
const binaries = await foundBed(version);
await prepareTools(console.log);

/** Helm's record, base64 twice of what gzip made, with another status. */
function withStatus(data: string, status: string): string {
  const release = JSON.parse(gunzipSync(Buffer.from(Buffer.from(data, 'base64').toString(), 'base64')).toString());
  const changed = gzipSync(JSON.stringify({ ...release, info: { ...release.info, status } })).toString('base64');
  return Buffer.from(changed).toString('base64');
}

// Of one server alone the address that it says it is at leads nowhere; `routes` leads to several, and the snapshot asks each for its metrics.
const plane = await startControlPlane(version, binaries, { servers: 2 });
const routes = await startRoutes(plane);
try {
  const client = clientOf(plane);
  const env = { ...process.env, KUBECONFIG: kubeconfigOf(plane, 'admin') };
  execFileSync(tools().helm3, ['install', 'spiderpool', join(ROOT, 'test/bed/helm-chart'), '-n', 'kube-system'], { env });
  await client.apply(...crdsOf('0.9.13'));
  execFileSync(tools().kubectl, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'], { env });
  await client.apply(COORDINATOR);
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
  // A helm that was interrupted in an upgrade leaves its newest record pending, and the one before deployed: inside the record, which helm goes by, and in its label.
  execFileSync(tools().helm3, ['upgrade', 'spiderpool', join(ROOT, 'test/bed/helm-chart'), '-n', 'kube-system'], { env });
  const record = (revision: number) => `/api/v1/namespaces/kube-system/secrets/sh.helm.release.v1.spiderpool.v${revision}`;
  for (const [revision, status] of [
    [1, 'deployed'],
    [2, 'pending-upgrade'],
  ] as const) {
    const { body } = await client.request('GET', record(revision));
    await client.request('PATCH', record(revision), {
      metadata: { labels: { status } },
      data: { release: withStatus(body.data.release, status) },
    });
  }
  // What the demo shows as the name of its cluster.
  execFileSync(tools().kubectl, ['config', 'rename-context', 'bed', 'demo', '--kubeconfig', routes.kubeconfig], { env });
  // Not in sync: the routes are in this process.
  const { stdout } = await promisify(execFile)(BINARY, ['snapshot', join(ROOT, 'src/cli/demo.tar.gz'), '--force'], {
    env: { ...env, KUBECONFIG: routes.kubeconfig },
  });
  process.stdout.write(stdout);
} finally {
  await routes.close();
  await plane.stop();
}
