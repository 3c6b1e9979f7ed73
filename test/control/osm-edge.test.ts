// osm-edge on a real API server, by its real charts and real helm: what the upgrade over 1.3.0 breaks is found, the upgrade of the tool gets past it, is killed and resumed, and is undone by itself.
// None of its programs runs here: what they do at their start (CRDs of the version, the MeshConfig if there is none, the CA, webhook configurations) is played, from the Deployment that helm writes.
// Nor is a sidecar injected: the workload of the mesh has one, and the webhooks let Pods through without an answer.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { hastened, killStarted, newHome, type Ran, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { certificateOf } from '../bed/control-plane.ts';
import { layCrds } from '../bed/crds.ts';
import { type Fault, type Mischief, type Seen, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';
import type { Cell, Ending } from './kills/sweep.ts';
import { isLeft, SWEEPING, tell } from './kills/told.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const cluster = bed();
const NAMESPACE = 'osm-system';
const CONFIG = `/apis/config.openservicemesh.io/v1alpha2/namespaces/${NAMESPACE}/meshconfigs/osm-mesh-config`;
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const SHOP = '/apis/apps/v1/namespaces/shop/deployments/api';
const WEBHOOKS = ['mutatingwebhookconfigurations/osm-webhook-osm', 'validatingwebhookconfigurations/osm-validator-mesh-osm'];
/** The chart of 1.1.3 deploys images 1.1.1. */
const CHART_OF: Record<string, string> = { '1.1.1': '1.1.3' };

/** Writes of an upgrade over 1.3.0, in their order; those of helm are seen as well. */
const WRITES: [name: string, method: string, path: RegExp][] = [
  ['the Lease', 'POST', /\/leases/],
  ['the values', 'POST', /\/secrets/],
  ['the old Deployment', 'DELETE', /\/deployments\/osm-controller/],
  ['a Deployment, by helm', 'PATCH', /\/deployments\/osm-bootstrap/],
  ['the MeshConfig', 'PATCH', /\/meshconfigs\/osm-mesh-config/],
  ['the values put away', 'DELETE', /\/secrets\/upgrade-guard-/],
  ['an old ReplicaSet', 'DELETE', /\/replicasets\/osm-controller/],
  ['the label of a webhook', 'PATCH', /\/mutatingwebhookconfigurations\//],
  ['a workload of the mesh', 'PATCH', /\/namespaces\/shop\/deployments\/api/],
];
const CELLS = WRITES.flatMap(([name, method, path]) =>
  (['hold', 'forward-unanswered', 'answer-then'] as const).map((place) => ({ name, write: [method, path] as [string, RegExp], place })),
);
/** One of them is killed each time: another seed, another place. */
const OURS = CELLS.filter(({ name }) => name !== 'the Lease' && !name.endsWith('by helm'));
const TURN = createHash('sha256')
  .update(`osm-edge ${process.env.UPGRADE_GUARD_TEST_SEED ?? ''}`)
  .digest()
  .readUInt32BE();

describeUpstream('osm-edge by its real charts', ['data', 'osm-edge', 'charts'], (charts) => {
  const started: Actor[] = [];
  const proxy = { ...({} as Awaited<ReturnType<typeof startFaultProxy>>) };
  let kubeconfig = '';
  let bootstrap: ReturnType<typeof startBootstrap>;
  beforeAll(async () => {
    Object.assign(proxy, await startFaultProxy(cluster));
    kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
    started.push(
      await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'].map((name) => ({ name, labels: { 'kubernetes.io/arch': 'amd64' } })) }),
    );
    bootstrap = startBootstrap(charts);
  });
  afterAll(async () => {
    await bootstrap.stop();
    await proxy.close();
    for (const actor of started) await actor.stop();
  });

  const chartOf = (version: string) => join(charts, version, 'osm-edge');
  /** What a test leaves running when its time is over would go on through the proxy of the next one, and keep its helm busy. */
  const begun = (words: string[], home: string) => {
    const it = start(words, { kubeconfig, home, input: '', env: { HELM_BIN: tools().helm3, ...hastened(10) } });
    onTestFinished(() => {
      it.kill();
      killStarted(tools().helm3, NAMESPACE);
    });
    return it;
  };
  const call = (words: string[], home = newHome()): Promise<Ran> => begun(words, home).ended;
  const upgrade = (to: string) => ['upgrade', 'osm-edge', '--chart', chartOf(to), '--yes'];
  const fine = (ran: Ran) => expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  /** Killed when a write reaches the server. */
  async function killed(words: string[], home: string, [method, path]: [string, RegExp], place: Mischief['do']): Promise<void> {
    const it = begun(words, home);
    const where = (seen: Seen) => seen.method === method && path.test(seen.path);
    // With the machine, so its helm as well: one that waits for an answer that never comes would be waited for in turn.
    const down = () => {
      it.kill();
      killStarted(tools().helm3, NAMESPACE);
    };
    proxy.faults.push({ do: place, where, andThen: down } as Fault);
    const { signal, stdout, stderr } = await it.ended;
    expect(signal, stdout + stderr).toBe('SIGKILL');
    proxy.faults.length = 0;
  }
  /** What an upgrade changes, without what a server or a controller counts up. */
  async function state(): Promise<Body> {
    const { items } = (await cluster.request('GET', DEPLOYMENTS)).body;
    const [config, api] = [(await cluster.request('GET', CONFIG)).body, (await cluster.request('GET', SHOP)).body];
    return {
      ...Object.fromEntries(items.map(({ metadata, spec }: Body) => [metadata.name, spec])),
      config: config.spec,
      api: api.spec?.template,
      webhooks: await Promise.all(
        WEBHOOKS.map(async (name) => (await cluster.request('GET', `/apis/admissionregistration.k8s.io/v1/${name}`)).body.metadata?.labels),
      ),
    };
  }
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
    await cluster.helm3(['uninstall', 'b', '-n', 'edge-b', '--no-hooks']);
    for (const name of ['cart', 'web']) await cluster.request('DELETE', `/apis/apps/v1/namespaces/shop/deployments/${name}`);
    await cluster.request('DELETE', '/apis/apps/v1/namespaces/upstream/deployments/osm-controller');
    await cluster.request('DELETE', CONFIG);
    for (const name of WEBHOOKS) await cluster.request('DELETE', `/apis/admissionregistration.k8s.io/v1/${name}`);
    await cluster.request('DELETE', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/upgrade-guard');
    for (const { metadata } of (await cluster.request('GET', `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`)).body.items ?? [])
      await cluster.request('DELETE', `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets/${metadata.name}`);
  });
  async function install(version: string, values: string[] = []): Promise<void> {
    await layCrds(cluster, join(charts, version, 'crds'));
    const { code, stderr } = await cluster.helm3([
      'install',
      'osm',
      chartOf(version),
      '-n',
      NAMESPACE,
      '--create-namespace',
      '--no-hooks',
      ...values,
    ]);
    expect(code, stderr).toBe(0);
    await until('the MeshConfig is there', async () => (await cluster.request('GET', CONFIG)).status === 200);
    await until('the control plane is ready', async () => isReady((await cluster.request('GET', DEPLOYMENTS)).body.items, 3));
    await cluster.request('DELETE', SHOP);
    for (const object of workload(PIPY[version]!)) await cluster.apply(object);
    await until('the workload is ready', async () => isReady([(await cluster.request('GET', SHOP)).body], 1));
  }
  async function withoutCa(): Promise<void> {
    const injects = `/apis/admissionregistration.k8s.io/v1/${WEBHOOKS[0]}`;
    const { body } = await cluster.request('GET', injects);
    const webhooks = body.webhooks.map((hook: Body) => ({ ...hook, clientConfig: { ...hook.clientConfig, caBundle: undefined } }));
    expect((await cluster.request('PUT', injects, { ...body, webhooks })).status).toBe(200);
  }
  const version = async (): Promise<string> => {
    const { spec } = (await cluster.request('GET', `${DEPLOYMENTS}/osm-controller`)).body;
    return spec.template.spec.containers.find(({ name }: Body) => name === 'osm-controller').image.split(':')[1];
  };
  const restarted = async () =>
    (await cluster.request('GET', SHOP)).body.spec.template.metadata.annotations?.['kubectl.kubernetes.io/restartedAt'];

  test('1.1.3 to 1.2.3 to 1.3.9, and back', async () => {
    await install('1.1.3');
    const oldest = await state();
    const [first, second] = [newHome(), newHome()];
    // Over 1.3.0 at once is refused.
    const refused = await call(['upgrade', 'osm-edge', '--chart', chartOf('1.3.9'), '--yes']);
    expect(refused.code, refused.stdout + refused.stderr).toBe(2);
    expect(refused.stdout + refused.stderr).toContain('Upgrade to 1.2.3 first');
    expect(await state()).toEqual(oldest);

    await killed(upgrade('1.2.3'), first, ['PATCH', /\/namespaces\/shop\/deployments\/api/], 'forward-unanswered');
    fine(await call(['resume', '--yes'], first));
    expect(await version()).toBe('1.2.3');
    expect(await restarted()).toBeDefined();
    const middle = await state();
    fine(await call(upgrade('1.3.9'), second));
    expect(await version()).toBe('1.3.9');
    fine(await call(['undo', '--yes'], second));
    expect(await state()).toEqual(middle);
    fine(await call(['undo', '--yes'], first));
    // What the CRD of 1.2.3 gave by default goes with it, as soon as osm-bootstrap of 1.1.3 has applied its own.
    await until('the old CRD prunes', async () => !('localProxyMode' in (await state()).config.sidecar));
    expect(await state()).toEqual(oldest);
    await until('the workload runs its old template', async () => isReady([(await cluster.request('GET', SHOP)).body], 1));
  });

  test('1.2.3 to 1.3.9: both hazards are found, the upgrade gets past them, killed and resumed, and is undone, killed on the way', async () => {
    await install('1.2.3');
    // Its webhook has lost its CA besides: the new osm-injector writes it, and nothing is restarted before.
    await withoutCa();
    const before = await json(['check', 'osm-edge', '--to', 'osm-edge=1.3.9']);
    expect(before.code).toBe(2);
    expect(found(before.result)).toEqual(
      expect.arrayContaining([
        ...['blocker osm-edge/mesh-config-fields', 'blocker osm-edge/selector-immutable'],
        'warning osm-edge/webhook-certificate',
      ]),
    );
    // As plain helm fails there.
    const plain = await cluster.helm3(['upgrade', 'osm', chartOf('1.3.9'), '-n', NAMESPACE, '--dry-run=server', '--no-hooks']);
    expect(plain.code === 0 || plain.stderr.includes('immutable')).toBe(true);
    const earlier = await state();
    const plan = await call(['plan', 'osm-edge', '--chart', chartOf('1.3.9')]);
    expect(plan.stdout).toContain('wave 1 of 1 (2 Pods)');
    expect(plan.stdout).not.toContain('restart Deployment osm-system');

    const home = newHome();
    mkdirSync(home, { recursive: true });
    const { write, place } = OURS[TURN % OURS.length]!;
    await killed(upgrade('1.3.9'), home, write, place);
    fine(await call(['resume', '--yes'], home));
    expect(await selector()).toEqual({ app: 'osm-controller', codebase: '' });
    expect(await mode()).toBe('iptables');
    expect(await restarted()).toBeDefined();
    const after = await json(['check', 'osm-edge']);
    expect(found(after.result).filter((line) => line.startsWith('blocker') || line.endsWith('/webhook-certificate'))).toEqual([]);

    // The selector is as immutable on the way back: the new Deployment goes before helm rollback.
    await killed(['undo', '--yes'], home, ['DELETE', /\/deployments\/osm-controller/], 'answer-then');
    fine(await call(['undo', '--yes'], home));
    expect(await selector()).toEqual({ app: 'osm-controller' });
    expect(await state()).toEqual(earlier);
    await until('one osm-controller is left', async () => {
      const { items } = (await cluster.request('GET', `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app%3Dosm-controller`)).body;
      return items.length === 1;
    });
  });

  const cellOf = ({ name, place, ending }: (typeof CELLS)[number] & { ending: Ending }): Cell => ({
    ...{ name: 'upgrade osm-edge 1.2.3 → 1.3.9', command: 'upgrade', write: name, place, ending },
  });
  if (SWEEPING)
    test.each(
      CELLS.flatMap((cell) => (['resume', 'undo'] as const).map((ending) => ({ ...cell, ending }))).filter((cell) => isLeft(cellOf(cell))),
    )('the same upgrade, killed at $name, $place, then $ending', async (cell) => {
      const { write, place, ending } = cell;
      await install('1.2.3');
      const earlier = await state();
      const home = newHome();
      mkdirSync(home, { recursive: true });
      await killed(upgrade('1.3.9'), home, write, place);
      fine(await call([ending, '--yes'], home));
      if (ending === 'resume') {
        expect(await version()).toBe('1.3.9');
        expect(await mode()).toBe('iptables');
        fine(await call(['undo', '--yes'], home));
      }
      expect(await state()).toEqual(earlier);
      tell(cellOf(cell));
    });

  test('1.3.0 to 1.3.9: silent about both, upgraded, killed in the restart, resumed and undone', async () => {
    // Its osm-bootstrap would put the old CRDs back.
    await install('1.3.0', ['--set', 'osm.enableReconciler=true']);
    const earlier = await state();
    expect(earlier['osm-bootstrap'].replicas).toBe(1);
    const { result } = await json(['check', 'osm-edge', '--to', 'osm-edge=1.3.9']);
    expect(found(result).filter((line) => line.startsWith('blocker'))).toEqual([]);
    expect(found(result)).toContain('warning osm-edge/compatibility-policy');
    const home = newHome();
    await killed(upgrade('1.3.9'), home, ['PATCH', /\/namespaces\/shop\/deployments\/api/], 'hold');
    fine(await call(['resume', '--yes'], home));
    expect(await version()).toBe('1.3.9');
    expect((await state())['osm-bootstrap'].replicas).toBe(1);
    fine(await call(['undo', '--yes'], home));
    expect(await version()).toBe('1.3.0');
    expect(await state()).toEqual(earlier);
  });

  test('two meshes and upstream OSM beside them: one is selected, its values go to helm explicitly, its workloads restart in waves within their budget', async () => {
    await install('1.3.0', ['--set', 'osm.deployPrometheus=true']);
    const prometheus = `${DEPLOYMENTS}/osm-prometheus`;
    const images = async () =>
      (await cluster.request('GET', prometheus)).body.spec.template.spec.containers.map(({ image }: Body) => image);
    await cluster.request('PATCH', prometheus, {
      spec: { template: { spec: { containers: [{ name: 'prometheus', image: 'prom/prometheus:v2.45.0' }] } } },
    });
    const second = await cluster.helm3([
      ...['install', 'b', chartOf('1.3.0'), '-n', 'edge-b', '--create-namespace', '--no-hooks'],
      ...['--set', 'osm.meshName=b', '--set', 'contour.enabled=false'],
    ]);
    expect(second.code, second.stderr).toBe(0);
    await cluster.apply(...UPSTREAM, ...together(PIPY['1.3.0']!));
    await until('all workloads are ready', async () =>
      isReady((await cluster.request('GET', '/apis/apps/v1/namespaces/shop/deployments')).body.items, 3),
    );

    const both = await json(['check', 'osm-edge']);
    const installations = ['osm-edge@edge-b/b', 'osm-edge@osm-system/osm'];
    expect(both.result.installations.map(({ id }: Body) => id)).toEqual(installations);
    const beside = both.result.checks.filter(({ id }: Body) => id === 'osm-edge/mesh-found').flatMap(({ findings }: Body) => findings);
    expect(beside.filter(({ severity }: Body) => severity === 'notice')).toHaveLength(2);
    expect(beside.filter(({ message }: Body) => /upstream\/osm: upstream Open Service Mesh/.test(message.en))).toHaveLength(2);
    const asked = await call(['upgrade', 'osm-edge', '--chart', chartOf('1.3.9'), '--yes']);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain(installations.join(', '));

    const least = watchLeast('shop');
    const home = newHome();
    const done = await call(['upgrade', 'osm-edge', 'osm', '--chart', chartOf('1.3.9'), '--yes'], home);
    fine(done);
    expect(done.stderr).toContain('with these values: --set-string osm.prometheus.image=prom/prometheus:v2.45.0');
    for (const wave of ['wave 1 of 2 (4 Pods)', 'wave 2 of 2 (2 Pods)']) expect(done.stderr).toContain(wave);
    // Of the six Pods of one budget five stay.
    expect(await least.stop()).toBeGreaterThanOrEqual(5);
    expect(await images()).toEqual(['prom/prometheus:v2.45.0']);
    const values = await cluster.helm3(['get', 'values', 'osm', '-n', NAMESPACE, '-o', 'json']);
    expect(JSON.parse(values.stdout)).toEqual({ osm: { deployPrometheus: true, prometheus: { image: 'prom/prometheus:v2.45.0' } } });
    expect((await cluster.request('GET', '/apis/apps/v1/namespaces/edge-b/deployments/osm-controller')).body.metadata.labels).toMatchObject(
      {
        'app.kubernetes.io/version': '1.3.0',
        meshName: 'b',
      },
    );
    fine(await call(['undo', '--yes'], home));
    expect(await version()).toBe('1.3.0');
    // helm upgrade by itself would name the mesh b osm.
    const planned = await json(['plan', 'osm-edge', '--to', 'osm-edge@edge-b/b=1.3.9', '--chart', chartOf('1.3.9'), '--reset-values']);
    expect(JSON.stringify(planned.result)).toContain('with these values: --set-string osm.meshName=b');
  });

  test('1.3.9: a webhook without its CA and a CRD that is gone are written again by a restart, killed, resumed and undone', async () => {
    await install('1.3.9');
    const earlier = await state();
    const gone = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/egressgateways.policy.openservicemesh.io';
    const CHECKS = ['osm-edge/webhook-certificate', 'osm-edge/crds-current'];
    const open = async () => found((await json(['check', ...CHECKS])).result);
    expect(await open()).toEqual([]);
    for (const place of SWEEPING ? (['hold', 'forward-unanswered', 'answer-then'] as const) : (['forward-unanswered'] as const))
      for (const [method, path] of [
        ['PATCH', /\/deployments\/osm-injector/],
        ['PATCH', /\/deployments\/osm-bootstrap/],
      ] as [string, RegExp][]) {
        // What plays osm-bootstrap has done what the undo before made it do.
        await until('osm-bootstrap has started', async () => bootstrap.started() === '1.3.9 undefined');
        await withoutCa();
        await cluster.request('DELETE', gone);
        await until('the CRD is gone', async () => (await cluster.request('GET', gone)).status === 404);
        expect(await open()).toHaveLength(2);
        const home = newHome();
        mkdirSync(home, { recursive: true });
        await killed(['fix', ...CHECKS, '--yes'], home, [method, path], place);
        fine(await call(['resume', '--yes'], home));
        expect(await open(), `${place} ${path}`).toEqual([]);
        fine(await call(['undo', '--yes'], home));
        expect(await state()).toEqual(earlier);
      }
  });
});

const PIPY: Record<string, string> = {
  '1.1.3': 'flomesh/pipy:0.50.0-25',
  '1.2.3': 'flomesh/pipy:0.70.0-46',
  '1.3.0': 'flomesh/pipy:0.90.0-18',
  '1.3.9': 'flomesh/pipy:0.90.3-38',
};
const isReady = (items: Body[], least: number): boolean =>
  items.length >= least &&
  items.every(
    ({ status, spec, metadata }: Body) =>
      status?.observedGeneration === metadata.generation &&
      status.readyReplicas === spec.replicas &&
      status.updatedReplicas === spec.replicas &&
      status.replicas === spec.replicas,
  );

/** Two Pods with a sidecar of that image, of which one must stay. */
function workload(image: string): Body[] {
  const labels = { app: 'api', 'osm-proxy-uuid': '0000-1' };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'osm' } } },
    {
      ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'api', namespace: 'shop' } },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'api' } } },
    },
    {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'api', namespace: 'shop' } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'api' } },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              { name: 'app', image: 'shop/api' },
              { name: 'sidecar', image },
            ],
            initContainers: [{ name: 'osm-init', image: 'x' }],
          },
        },
      },
    },
  ];
}

/** Upstream's control plane: the same labels, other images. */
const UPSTREAM: Body[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'upstream' } },
  {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
    metadata: {
      name: 'osm-controller',
      namespace: 'upstream',
      labels: { app: 'osm-controller', 'app.kubernetes.io/name': 'openservicemesh.io', meshName: 'osm' },
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'osm-controller' } },
      template: {
        metadata: { labels: { app: 'osm-controller' } },
        spec: { containers: [{ name: 'osm-controller', image: 'openservicemesh/osm-controller:v1.2.4' }] },
      },
    },
  },
];

/** Two more workloads of two Pods, which share one budget: they are restarted one after the other. */
function together(image: string): Body[] {
  const [, , deployment] = workload(image) as [Body, Body, Body];
  const named = (name: string): Body => {
    const { spec } = deployment;
    const labels = { ...spec.template.metadata.labels, app: name, tier: 'web' };
    return {
      ...deployment,
      metadata: { name, namespace: 'shop' },
      spec: { ...spec, selector: { matchLabels: { app: name } }, template: { ...spec.template, metadata: { labels } } },
    };
  };
  return [
    named('cart'),
    named('web'),
    {
      ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace: 'shop' } },
      spec: { maxUnavailable: 1, selector: { matchLabels: { tier: 'web' } } },
    },
  ];
}

/** The fewest ready Pods of the mesh that were seen in a namespace. */
function watchLeast(namespace: string) {
  let stopped = false;
  let least = Number.POSITIVE_INFINITY;
  const running = (async () => {
    while (!stopped) {
      const { items } = (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=osm-proxy-uuid`)).body;
      const ready = items.filter(({ status }: Body) =>
        status?.conditions?.some(({ type, status: is }: Body) => type === 'Ready' && is === 'True'),
      );
      least = Math.min(least, ready.length);
      await sleep(100);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      return least;
    },
  };
}

/** What osm-bootstrap of the version that helm last wrote does; once each half second. */
function startBootstrap(charts: string) {
  let stopped = false;
  let last = '';
  const running = (async () => {
    const written = new Map<string, string>();
    while (!stopped) {
      const { body } = await cluster.request('GET', `${DEPLOYMENTS}/osm-bootstrap`);
      const { metadata: { annotations = {} } = {}, spec: of } = body?.spec?.template ?? {};
      const tag = /:([\w.]+)$/.exec(of?.containers[0]?.image ?? '')?.[1];
      // A restart is a start.
      const begun = `${tag} ${annotations[RESTARTED]}`;
      if (tag && begun !== last) {
        // Another writer of a CRD comes in between: it tries again, as a container that is restarted.
        const laid = await layCrds(cluster, join(charts, CHART_OF[tag] ?? tag, 'crds')).then(
          () => true,
          () => false,
        );
        await createMeshConfig();
        await createWebhooks(CHART_OF[tag] ?? tag);
        if (laid) last = begun;
      }
      if (!tag) last = '';
      for (const [name, config] of WRITERS) await writeCa(name, config, written);
      await sleep(500);
    }
  })();
  return {
    /** The version and the restart that it has answered to. */
    started: () => last,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

const RESTARTED = 'kubectl.kubernetes.io/restartedAt';
/** Which program writes the CA of which webhook at its start. */
const WRITERS = [
  ['osm-injector', WEBHOOKS[0]!],
  ['osm-controller', WEBHOOKS[1]!],
] as const;

/** Once for each image and each restart of the Deployment. `written`: for which it was done. */
async function writeCa(deployment: string, config: string, written: Map<string, string>): Promise<void> {
  const { body } = await cluster.request('GET', `${DEPLOYMENTS}/${deployment}`);
  if (!body?.spec) return;
  const { metadata, spec } = body.spec.template;
  const { image } = spec.containers.find(({ name }: Body) => name === deployment);
  const at = metadata.annotations?.[RESTARTED] ?? '';
  const [lastImage, lastAt] = (written.get(deployment) ?? '').split(' ');
  if (image === lastImage && (!at || at === lastAt)) return;
  const path = `/apis/admissionregistration.k8s.io/v1/${config}`;
  const { status, body: now } = await cluster.request('GET', path);
  if (status !== 200) return;
  const caBundle = readFileSync(certificateOf(cluster)).toString('base64');
  const webhooks = now.webhooks.map((hook: Body) => ({ ...hook, clientConfig: { ...hook.clientConfig, caBundle } }));
  if ((await cluster.request('PUT', path, { ...now, webhooks })).status === 200) written.set(deployment, `${image} ${at}`);
}

/** As osm-injector and osm-controller write them once; the version is the label of the first install. */
async function createWebhooks(tag: string): Promise<void> {
  const ca = readFileSync(certificateOf(cluster)).toString('base64');
  const configs = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/osm-webhook-osm';
  if ((await cluster.request('GET', configs)).status !== 404) return;
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'osm-ca-bundle', namespace: NAMESPACE },
    data: { 'ca.crt': ca },
  });
  const labels = { 'app.kubernetes.io/name': 'openservicemesh.io', 'app.kubernetes.io/instance': 'osm', 'app.kubernetes.io/version': tag };
  const config = (kind: string, name: string, hook: string, service: object, rule: object) => ({
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name, labels } },
    webhooks: [
      {
        ...{ name: hook, failurePolicy: 'Ignore', sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 1 },
        clientConfig: { service: { namespace: NAMESPACE, ...service }, caBundle: ca },
        namespaceSelector: { matchLabels: { 'openservicemesh.io/monitored-by': 'osm' } },
        rules: [{ apiVersions: ['v1'], operations: ['CREATE'], ...rule }],
      },
    ],
  });
  const pods = { apiGroups: [''], resources: ['pods'] };
  const policies = { apiGroups: ['policy.openservicemesh.io'], apiVersions: ['v1alpha1'], resources: ['egresses'] };
  const [inject, validate] = [
    { name: 'osm-injector', path: '/mutate-pod-creation', port: 9090 },
    { name: 'osm-validator', path: '/validate', port: 9093 },
  ];
  await cluster.apply(config('MutatingWebhookConfiguration', 'osm-webhook-osm', 'osm-inject.k8s.io', inject, pods));
  await cluster.apply(config('ValidatingWebhookConfiguration', 'osm-validator-mesh-osm', 'osm-validator.k8s.io', validate, policies));
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
