// Upgrades of Spiderpool between the releases that are installed most, with the real charts, by real Helm 3 or 4 and the Helm plugin: each is killed in the middle, resumed, proven,
// undone, and proven again; nothing that Spiderpool or a user keeps is lost on the way. `npm test` kills each pair at one place under one Helm, `npm run test:sweep` at every place under both.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { helmPluginFolder } from '../../../scripts/archive.ts';
import { hostTarget } from '../../../scripts/targets.ts';
import { type Actor, startKubelet, startSpiderpool } from '../../bed/actors/index.ts';
import { BINARY, hastened, killStarted } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { layCrds } from '../../bed/crds.ts';
import { type Fault, type Seen, startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { tools } from '../../bed/tools.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { LEASE } from '../scene.ts';
import type { Cell } from './sweep.ts';
import { isLeft, SWEEPING, tell } from './told.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const cluster = bed();
const NAMESPACE = 'kube-system';

const PAIRS = [
  ['0.6.1', '1.2.2'],
  ['0.7.3', '0.9.13'],
  ['0.9.4', '0.9.13'],
  ['0.9.13', '1.0.6'],
  ['1.1.2', '1.2.2'],
] as const;
type Helm = 'helm3' | 'helm4';

// ---- where it is killed ---------------------------------------------------------------------------------------------

const isHelms = ({ headers }: Seen) => /^Helm/.test(String(headers['user-agent']));
const secrets = `/api/v1/namespaces/${NAMESPACE}/secrets`;
/** Writes of ours, and those inside helm, which is killed too then. */
const PLACES: Record<string, { by: 'us' | 'helm'; method: string; path: RegExp; do: 'hold' | 'forward-unanswered' | 'answer-then' }> = {
  'POST secrets': { by: 'us', method: 'POST', path: new RegExp(`^${secrets}`), do: 'forward-unanswered' },
  'PATCH customresourcedefinitions': { by: 'us', method: 'PATCH', path: /customresourcedefinitions/, do: 'hold' },
  'helm: POST secrets': { by: 'helm', method: 'POST', path: new RegExp(`^${secrets}`), do: 'forward-unanswered' },
  'helm: PATCH daemonsets': { by: 'helm', method: 'PATCH', path: /daemonsets\/spiderpool-agent/, do: 'answer-then' },
  'helm: PATCH deployments': { by: 'helm', method: 'PATCH', path: /deployments\/spiderpool-controller/, do: 'hold' },
  'helm: PUT secrets': { by: 'helm', method: 'PUT', path: new RegExp(`^${secrets}`), do: 'hold' },
  'DELETE secrets': { by: 'us', method: 'DELETE', path: new RegExp(`^${secrets}`), do: 'hold' },
};

interface Case {
  from: string;
  to: string;
  which: Helm;
  write: string;
}
const every: Case[] = PAIRS.flatMap(([from, to]) =>
  (['helm3', 'helm4'] as const).flatMap((which) => Object.keys(PLACES).map((write) => ({ from, to, which, write }))),
);
const cellOf = ({ from, to, which, write }: Case): Cell => ({
  ...{ name: `upgrade ${from} → ${to}, ${which}`, command: 'upgrade', write },
  ...{ place: PLACES[write]!.do, ending: 'resume' },
});
/** Of a pair one, chosen by its name; another seed, other places. */
const chosen = PAIRS.map(([from, to], nth) => {
  const own = every.filter((each) => each.from === from && each.to === to && each.which === (nth % 2 ? 'helm4' : 'helm3'));
  const digest = createHash('sha256')
    .update(`${from} ${to} ${process.env.UPGRADE_GUARD_TEST_SEED ?? ''}`)
    .digest();
  return own[digest.readUInt32BE() % own.length]!;
});
const cases = SWEEPING ? every.filter((each) => isLeft(cellOf(each))) : chosen;

// ---- what must not be lost ------------------------------------------------------------------------------------------

const apiVersion = 'spiderpool.spidernet.io/v2beta1';
const pool = {
  apiVersion,
  kind: 'SpiderIPPool',
  metadata: { name: 'pool' },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.1.9'] },
  status: {},
};
/** Of what a version does not know its CRD keeps nothing. */
const coordinator = {
  apiVersion,
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: {
    ...{ mode: 'underlay', podCIDRType: 'cluster', tunePodRoutes: true, hijackCIDR: ['169.254.0.0/16'] },
    ...{ detectGateway: true, detectIPConflict: false, hostRPFilter: 1, hostRuleTable: 500, podRPFilter: 0, txQueueLen: 0 },
  },
  status: { phase: 'Synced', overlayPodCIDR: ['10.42.0.0/16'], serviceCIDR: ['10.43.0.0/16'] },
};
const network = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'made-by-a-user', namespace: 'default' },
  spec: { config: '{"cniVersion":"0.3.1","type":"macvlan","master":"eth1"}' },
};
const web = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    ...{ serviceName: 'web', replicas: 1, selector: { matchLabels: { app: 'web' } } },
    template: {
      metadata: { labels: { app: 'web' }, annotations: { 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: ['pool'] }) } },
      spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] },
    },
  },
};
const NETWORKS = 'network-attachment-definitions.k8s.cni.cncf.io';
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', namespace: 'default' } };
const endpoint = { ...pod, apiVersion, kind: 'SpiderEndpoint' };
const controller = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'spiderpool-controller', namespace: NAMESPACE } };

/** Objects that belong to the chart. */
const OWNED = [
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ...['configmaps', 'services', 'serviceaccounts'].map((name) => `/api/v1/namespaces/${NAMESPACE}/${name}`),
  ...['deployments', 'daemonsets'].map((name) => `/apis/apps/v1/namespaces/${NAMESPACE}/${name}`),
  ...['clusterroles', 'clusterrolebindings'].map((name) => `/apis/rbac.authorization.k8s.io/v1/${name}`),
  ...['validating', 'mutating'].map((name) => `/apis/admissionregistration.k8s.io/v1/${name}webhookconfigurations`),
];
/** Without what a server or a controller counts up. */
function steady({ metadata, status: _, ...rest }: Body): object {
  const { resourceVersion: _v, generation: _g, managedFields: _m, uid: _u, creationTimestamp: _c, annotations = {}, ...who } = metadata;
  if (rest.webhooks) rest.webhooks = rest.webhooks.map(({ failurePolicy: _p, ...webhook }: Body) => webhook);
  const { 'deployment.kubernetes.io/revision': _r, 'deprecated.daemonset.template.generation': _t, ...notes } = annotations;
  return { metadata: { ...who, annotations: notes }, ...rest };
}

describeUpstream('from release to release', ['data', 'spiderpool', 'charts'], (charts) => {
  const chartOf = (version: string) => join(charts, version, 'spiderpool');
  const folder = mkdtempSync(join(tmpdir(), 'ug-pairs-'));
  const plugged = helmPluginFolder({ target: hostTarget(), path: BINARY }, folder);
  mkdirSync(join(folder, 'data', 'plugins'), { recursive: true });
  symlinkSync(plugged, join(folder, 'data', 'plugins', 'spiderpool-upgrade'));
  const running = join(folder, 'data', 'plugins', 'spiderpool-upgrade', 'bin', 'upgrade-guard');
  let [proxy, kubeconfig, state] = [{} as Awaited<ReturnType<typeof startFaultProxy>>, '', ''];
  const actors: Actor[] = [];
  beforeAll(async () => {
    const spiderpool = await startSpiderpool(cluster);
    actors.push(await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'], ips: spiderpool.ips }), spiderpool);
    proxy = await startFaultProxy(cluster);
    kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
  });
  afterAll(async () => {
    await proxy.close();
    for (const actor of actors) await actor.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const plugin = (which: Helm, ...words: string[]) => {
    const env = { HELM_DATA_HOME: join(folder, 'data'), HELM_CACHE_HOME: join(folder, 'cache'), XDG_STATE_HOME: state, ...hastened(10) };
    return cluster[which](['spiderpool-upgrade', ...words], { kubeconfig, env });
  };
  const done = async (running: Promise<{ code: number | null; stdout: string; stderr: string }>) => {
    const { code, stdout, stderr } = await running;
    expect(code, stdout + stderr).toBe(0);
    return stdout;
  };

  const keptSecrets = async (): Promise<Body[]> =>
    (await cluster.request('GET', secrets)).body.items.filter(({ metadata }: Body) => metadata.name.startsWith('upgrade-guard-'));
  async function install(which: Helm, version: string): Promise<void> {
    proxy.faults.length = 0;
    await cluster.request('DELETE', LEASE);
    for (const { metadata } of await keptSecrets()) await cluster.request('DELETE', `${secrets}/${metadata.name}`);
    await cluster[which](['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks', '--wait']);
    // Up to 0.7.3 the chart has it among its templates, and helm makes no object that is there.
    await cluster.kubectl(['delete', 'crd', NETWORKS, '--ignore-not-found', '--timeout=60s']);
    await layCrds(cluster, join(chartOf(version), 'crds'));
    // Before helm, whose webhooks nothing answers here.
    const missing = (await Promise.all([pool, web].map(async (each) => ((await cluster.get(each)) ? [] : [each])))).flat();
    await cluster.apply(coordinator, ...missing);
    const values = ['spiderpoolController.replicas=2', 'multus.multusCNI.defaultCniCRName=k8s-pod-network'];
    const set = values.flatMap((each) => ['--set', each]);
    await done(cluster[which](['install', 'sp', chartOf(version), '-n', NAMESPACE, '--no-hooks', '--skip-crds', ...set]));
    await cluster.apply(network);
    await vi.waitFor(async () => expect((await cluster.get(pod))?.status.phase).toBe('Running'), { timeout: 30_000, interval: 100 });
  }
  /** What is the user's: kept by every way. */
  async function kept() {
    const { status } = await cluster.get(pod);
    const records = (await cluster.get(pool)).status;
    const { current } = (await cluster.get(endpoint)).status;
    const { uid } = (await cluster.get(network)).metadata;
    return { pod: status.podIPs, records, current, network: uid };
  }
  /** No controller answers here: as one that admits everything. */
  async function admit(): Promise<void> {
    for (const kind of ['validating', 'mutating']) {
      const { items } = (await cluster.request('GET', `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`)).body;
      for (const { metadata, webhooks } of items as Body[]) {
        const ops = webhooks.flatMap(({ failurePolicy }: Body, nth: number) =>
          failurePolicy === 'Fail' ? [{ op: 'replace', path: `/webhooks/${nth}/failurePolicy`, value: 'Ignore' }] : [],
        );
        const path = `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/${metadata.name}`;
        if (ops.length) await cluster.request('PATCH', path, ops, 'application/json-patch+json');
      }
    }
  }
  async function owned() {
    const lists = OWNED.map(async (path) =>
      (await cluster.request('GET', path)).body.items.map((object: Body) => [`${path}/${object.metadata.name}`, steady(object)]),
    );
    return { ...Object.fromEntries((await Promise.all(lists)).flat()), coordinator: (await cluster.get(coordinator)).spec };
  }
  async function runs(which: Helm, version: string): Promise<void> {
    const history = JSON.parse(await done(cluster[which](['history', 'sp', '-n', NAMESPACE, '-o', 'json'])));
    expect(history.at(-1)).toMatchObject({ status: 'deployed', chart: `spiderpool-${version}` });
    const { spec, status } = await cluster.get(controller);
    expect(spec.template.spec.containers[0].image).toContain(`:v${version}`);
    expect([spec.replicas, status.readyReplicas]).toEqual([2, 2]);
    expect((await cluster.request('GET', LEASE)).status).toBe(404);
    expect(await keptSecrets()).toEqual([]);
  }

  test.each(cases)('$from → $to by $which, killed at $write, resumed, and undone', async (it) => {
    const { from, to, which } = it;
    state = mkdtempSync(join(folder, 'state-'));
    await install(which, from);
    const [mine, before] = [await kept(), await owned()];

    const { by, do: how, ...where } = PLACES[it.write]!;
    let killed = false;
    const andThen = () => {
      killed = true;
      killStarted(running);
      if (by === 'helm') killStarted(tools()[which], 'upgrade', NAMESPACE, '--reset-values');
    };
    proxy.faults.push({ do: how, ...where, where: (seen) => isHelms(seen) === (by === 'helm'), andThen } as Fault);
    const cut = await plugin(which, 'sp', '--version', to, '--chart', chartOf(to), '--no-pull-images', '--yes');
    expect(killed, cut.stdout + cut.stderr).toBe(true);
    proxy.faults.length = 0;

    await done(plugin(which, 'resume', '--yes'));
    // What took the place of spec.detectGateway.
    if (from < '1' && to >= '1') {
      const values = JSON.parse(await done(cluster[which](['get', 'values', 'sp', '-n', NAMESPACE, '-o', 'json'])));
      expect(values.ipam).toEqual({ enableGatewayDetection: true });
    }
    await runs(which, to);
    expect(await kept()).toEqual(mine);
    // As its controller does: what the new CRD does not know is gone for good with the first write.
    await cluster.request('PATCH', `/apis/${apiVersion}/spidercoordinators/default/status`, {
      status: { overlayPodCIDR: ['10.44.0.0/16'] },
    });
    await done(plugin(which, 'check', 'spiderpool', '--chart', chartOf(to)));

    const admitting = setInterval(() => void admit(), 500);
    await done(plugin(which, 'undo', '--yes')).finally(() => clearInterval(admitting));
    await runs(which, from);
    expect(await kept()).toEqual(mine);
    expect(await owned()).toEqual(before);
    tell(cellOf(it));
  });
});
