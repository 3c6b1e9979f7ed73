// osm-edge on a real API server, by its real charts and real helm: what the upgrade over 1.3.0 breaks is found, the upgrade of the tool gets past it, and is undone.
// No osm-bootstrap runs here: what it does (CRDs of its version, the MeshConfig if there is none) is played, from the Deployment that helm writes.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { hastened, newHome, type Ran, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { layCrds } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const cluster = bed();
const NAMESPACE = 'osm-system';
const CONFIG = `/apis/config.openservicemesh.io/v1alpha2/namespaces/${NAMESPACE}/meshconfigs/osm-mesh-config`;
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;

describeUpstream('osm-edge by its real charts', ['data', 'osm-edge', 'charts'], (charts) => {
  const started: Actor[] = [];
  let bootstrap: { stop(): Promise<void> };
  beforeAll(async () => {
    started.push(
      await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'].map((name) => ({ name, labels: { 'kubernetes.io/arch': 'amd64' } })) }),
    );
    bootstrap = startBootstrap(charts);
  });
  afterAll(async () => {
    await bootstrap.stop();
    for (const actor of started) await actor.stop();
  });

  const chartOf = (version: string) => join(charts, version, 'osm-edge');
  const call = (words: string[], home = newHome()): Promise<Ran> =>
    run(words, { kubeconfig: cluster.kubeconfig, home, env: { HELM_BIN: tools().helm3, ...hastened(10) } });
  const json = async (words: string[]): Promise<{ code: number | null; result: Body }> => {
    const { code, stdout, stderr } = await call([...words, '-o', 'json']);
    return { code, result: JSON.parse(stdout || JSON.stringify(stderr)) };
  };
  const found = ({ checks }: Body): string[] =>
    checks.flatMap(({ id, findings }: Body) => findings.map(({ severity }: Body) => `${severity} ${id}`)).sort();
  const selector = async () => (await cluster.request('GET', `${DEPLOYMENTS}/osm-controller`)).body.spec?.selector.matchLabels;
  const mode = async () => (await cluster.request('GET', CONFIG)).body.spec?.traffic?.interceptionMode;

  beforeEach(async () => {
    await cluster.helm3(['uninstall', 'osm', '-n', NAMESPACE, '--no-hooks']);
    await cluster.request('DELETE', CONFIG);
    await cluster.request('DELETE', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/upgrade-guard');
    for (const { metadata } of (await cluster.request('GET', `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`)).body.items ?? [])
      await cluster.request('DELETE', `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets/${metadata.name}`);
  });
  async function install(version: string): Promise<void> {
    await layCrds(cluster, join(charts, version, 'crds'));
    const { code, stderr } = await cluster.helm3(['install', 'osm', chartOf(version), '-n', NAMESPACE, '--create-namespace', '--no-hooks']);
    expect(code, stderr).toBe(0);
    await until('the MeshConfig is there', async () => (await cluster.request('GET', CONFIG)).status === 200);
    await until('the control plane is ready', async () => {
      const { items } = (await cluster.request('GET', DEPLOYMENTS)).body;
      return items.length > 2 && items.every(({ status, spec }: Body) => status?.readyReplicas === spec.replicas);
    });
  }

  test('1.2.3 to 1.3.9: both hazards are found, the upgrade gets past them, and is undone', async () => {
    await install('1.2.3');
    const before = await json(['check', 'osm-edge', '--to', 'osm-edge=1.3.9']);
    expect(before.code).toBe(2);
    expect(found(before.result)).toEqual(
      expect.arrayContaining(['blocker osm-edge/mesh-config-fields', 'blocker osm-edge/selector-immutable']),
    );
    // As plain helm fails there.
    const plain = await cluster.helm3(['upgrade', 'osm', chartOf('1.3.9'), '-n', NAMESPACE, '--dry-run=server', '--no-hooks']);
    expect(plain.code === 0 || plain.stderr.includes('immutable')).toBe(true);

    const home = newHome();
    mkdirSync(home, { recursive: true });
    const upgraded = await call(['upgrade', 'osm-edge', '--chart', chartOf('1.3.9'), '--yes'], home);
    // The last step, restarting the workloads of the mesh, is done where nothing runs an old sidecar.
    expect(upgraded.code, upgraded.stdout + upgraded.stderr).toBe(0);
    expect(await selector()).toEqual({ app: 'osm-controller', codebase: '' });
    expect(await mode()).toBe('iptables');
    const after = await json(['check', 'osm-edge']);
    expect(found(after.result).filter((line) => line.startsWith('blocker'))).toEqual([]);

    // The selector is as immutable on the way back: undo stops there, and says so; the plan has named the command that clears the way.
    const stopped = await call(['undo', '--yes'], home);
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(4);
    await cluster.kubectl(['delete', 'deployment', 'osm-controller', '-n', NAMESPACE, '--cascade=orphan']);
    const undone = await call(['undo', '--yes'], home);
    expect(undone.code, undone.stdout + undone.stderr).toBe(0);
    expect(await selector()).toEqual({ app: 'osm-controller' });
  });

  test('1.3.0 to 1.3.9: silent about both, upgraded and undone', async () => {
    await install('1.3.0');
    const { result } = await json(['check', 'osm-edge', '--to', 'osm-edge=1.3.9']);
    expect(found(result).filter((line) => line.startsWith('blocker'))).toEqual([]);
    const home = newHome();
    const upgraded = await call(['upgrade', 'osm-edge', '--chart', chartOf('1.3.9'), '--yes'], home);
    expect(upgraded.code, upgraded.stdout + upgraded.stderr).toBe(0);
    const undone = await call(['undo', '--yes'], home);
    expect(undone.code, undone.stdout + undone.stderr).toBe(0);
    const { items } = (await cluster.request('GET', DEPLOYMENTS)).body;
    const images = items.flatMap(({ spec }: Body) => spec.template.spec.containers.map(({ image }: Body) => image));
    expect(images.filter((image: string) => image.includes('osm-edge-controller'))).toEqual(['flomesh/osm-edge-controller:1.3.0']);
  });
});

/** What osm-bootstrap of the version that helm last wrote does; once each half second. */
function startBootstrap(charts: string): { stop(): Promise<void> } {
  let stopped = false;
  const running = (async () => {
    let last = '';
    while (!stopped) {
      const { body } = await cluster.request('GET', `${DEPLOYMENTS}/osm-bootstrap`);
      const tag = /:([\w.]+)$/.exec(body?.spec?.template.spec.containers[0]?.image ?? '')?.[1];
      if (tag && tag !== last) {
        // Another writer of a CRD comes in between: it tries again, as a container that is restarted.
        const laid = await layCrds(cluster, join(charts, tag, 'crds')).then(
          () => true,
          () => false,
        );
        await createMeshConfig();
        if (laid) last = tag;
      }
      if (!tag) last = '';
      await sleep(500);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
    },
  };
}

async function createMeshConfig(): Promise<void> {
  const preset = await cluster.request('GET', `/api/v1/namespaces/${NAMESPACE}/configmaps/preset-mesh-config`);
  if ((await cluster.request('GET', CONFIG)).status !== 404 || preset.status !== 200) return;
  await cluster.apply({
    apiVersion: 'config.openservicemesh.io/v1alpha2',
    kind: 'MeshConfig',
    metadata: { name: 'osm-mesh-config', namespace: NAMESPACE },
    spec: JSON.parse(preset.body.data['preset-mesh-config.json']),
  });
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`waited 60 s until ${what}`);
    await sleep(200);
  }
}
