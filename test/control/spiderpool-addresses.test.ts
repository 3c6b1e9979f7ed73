// The address checks on a real API server, with a kubelet and Spiderpool played: found, fixed by the binary, verified, undone where that is promised;
// and silent while Pods come and go.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Actor, startKubelet, startSpiderpool } from '../bed/actors/index.ts';
import { hastened, newHome, run, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { CHART } from './scene.ts';

const cluster = bed();
const { kubeconfig } = cluster;
const apiVersion = 'spiderpool.spidernet.io/v2beta1';
const CHECKS = ['duplicate-pod-ip', 'unrecorded-pod-ip', 'leaked-ip'].map((name) => `spiderpool/${name}`);
const [DUPLICATE, UNRECORDED, LEAKED] = CHECKS as [string, string, string];
const soon = <T>(look: () => Promise<T>, timeout = 30_000) => vi.waitFor(look, { timeout, interval: 100 });

let spiderpool: Awaited<ReturnType<typeof startSpiderpool>>;
let kubelet: Actor;
beforeAll(async () => {
  await installCrd(cluster, 'spiderippools-v2beta1');
  await installCrd(cluster, 'spiderendpoints-v2beta1');
  const { code, stderr } = await cluster.helm3(['install', 'spiderpool', CHART, '-n', 'kube-system']);
  expect(code, stderr).toBe(0);
  spiderpool = await startSpiderpool(cluster);
  kubelet = await startKubelet(cluster, { nodes: ['n1', 'n2'], ips: spiderpool.ips });
});
afterAll(async () => {
  await kubelet?.stop();
  await spiderpool?.stop();
});

const object = (kind: string, name: string, namespace?: string) => ({
  apiVersion: { SpiderIPPool: apiVersion, SpiderEndpoint: apiVersion, Pod: 'v1' }[kind] ?? 'apps/v1',
  kind,
  metadata: { name, namespace },
});
const pool = (name: string, ips: string[], ipVersion = 4) => ({
  ...object('SpiderIPPool', name),
  spec: { ipVersion, subnet: ipVersion === 4 ? '10.6.0.0/16' : 'fd00::/64', ips },
  status: {},
});
const template = (app: string, pools: object) => ({
  metadata: { labels: { app }, annotations: { 'ipam.spidernet.io/ippool': JSON.stringify(pools) } },
  spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] },
});
const workload = (kind: string, name: string, namespace: string, pools: object, replicas = 1) => ({
  ...object(kind, name, namespace),
  spec: {
    replicas,
    ...(kind === 'StatefulSet' ? { serviceName: name, podManagementPolicy: 'Parallel' } : {}),
    selector: { matchLabels: { app: name } },
    template: template(name, pools),
  },
});
const podsOf = async (namespace: string, app: string): Promise<Body[]> =>
  (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`)).body.items;
const running = (namespace: string, app: string, count = 1) =>
  soon(async () => {
    const pods = (await podsOf(namespace, app)).filter(({ metadata }) => !metadata.deletionTimestamp);
    expect(pods.map(({ status }) => [status.phase, status.podIPs?.length ?? 0])).toEqual(
      new Array(count).fill(['Running', expect.any(Number)]),
    );
    for (const { status } of pods) expect(status.podIPs?.length).toBeGreaterThan(0);
    return pods;
  });
const poolNow = async (name: string) => (await cluster.get(object('SpiderIPPool', name))).status;
const recordsOf = async (name: string): Promise<Record<string, { pod: string; podUid: string }>> =>
  JSON.parse((await poolNow(name)).allocatedIPs || '{}');
/** As the garbage collection did it, or did not: behind everybody's back. */
const rewrite = async (name: string, change: (records: Record<string, unknown>) => void) => {
  const records = await recordsOf(name);
  change(records);
  const status = { allocatedIPs: JSON.stringify(records), allocatedIPCount: Object.keys(records).length };
  await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/${name}/status`, { status });
};

const checked = async (options: object = {}) => {
  const ran = await run(['check', 'spiderpool', '-o', 'json'], { kubeconfig, ...options });
  const { checks } = JSON.parse(ran.stdout) as { checks: { id: string; outcome: string; gaps: object[]; findings: Body[] }[] };
  return new Map(checks.filter(({ id }) => CHECKS.includes(id)).map((each) => [each.id, each]));
};
const outcomes = async (options?: object) => Object.fromEntries([...(await checked(options))].map(([id, { outcome }]) => [id, outcome]));
const ALL_PASSED = Object.fromEntries(CHECKS.map((id) => [id, 'passed']));

/** Under a second budget the API server evicts no Pod: the line says so, the plan has nothing, and an eviction is indeed refused. */
async function isRefused(pod: string, second: Body): Promise<void> {
  await cluster.apply(second as never);
  const [namespace, name] = pod.split('/') as [string, string];
  const why = `skipped: several PodDisruptionBudgets select ${pod} (${namespace}/cart, ${namespace}/cart-too); the API server rejects such evictions`;
  expect((await checked()).get(DUPLICATE)!.findings[0]!.remedy.text.en).toBe(why);
  const { code, stderr } = await run(['fix', DUPLICATE, '--yes'], { kubeconfig });
  expect([code, stderr.replace(/\s+/g, ' ')]).toEqual([2, expect.stringContaining('several PodDisruptionBudgets select')]);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  const answer = await cluster.request('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, eviction);
  expect([answer.status, JSON.stringify(answer.body)]).toEqual([500, expect.stringContaining('more than one PodDisruptionBudget')]);
  await cluster.remove(second as never);
}

describe('one IP, two running Pods', () => {
  test('the Pod that the pool allocated it to keeps it; the StatefulSet Pod loses its endpoint first and comes back with another address, both families', async () => {
    const namespace = await cluster.namespace('shop');
    await cluster.apply(pool('dup4', ['10.6.1.1-10.6.1.20']), pool('dup6', ['fd00::1-fd00::1f'], 6));
    const pools = { ipv4: ['dup4'], ipv6: ['dup6'] };
    await cluster.apply(workload('StatefulSet', 'cart', namespace, pools));
    const [cart] = await running(namespace, 'cart');
    const [v4, v6] = cart.status.podIPs.map(({ ip }: Body) => ip);
    await rewrite('dup4', (records) => delete records[v4]);
    await cluster.apply(workload('Deployment', 'web', namespace, pools));
    const [web] = await running(namespace, 'web');
    expect(web.status.podIPs[0].ip).toBe(v4);
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'cart', namespace },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'cart' } } },
    };
    await cluster.apply(budget);
    await soon(async () => expect((await cluster.get(budget)).status?.disruptionsAllowed).toBe(1));
    await isRefused(`${namespace}/cart-0`, { ...budget, metadata: { name: 'cart-too', namespace } });

    const found = (await checked()).get(DUPLICATE)!;
    expect(found.findings).toHaveLength(1);
    expect(found.findings[0]).toMatchObject({
      severity: 'blocker',
      certainty: 'certain',
      args: { address: v4, because: 'record' },
      objects: [{ name: web.metadata.name }, { name: 'cart-0' }],
    });
    // The line promises what the plan holds: the SpiderEndpoint of the Pod that goes, and that Pod.
    const cart0 = `${namespace}/cart-0`;
    expect(found.findings[0]!.remedy.text.en).toBe(
      `removes metadata.finalizers of SpiderEndpoint ${cart0}; deletes SpiderEndpoint ${cart0}; evicts Pod ${cart0}`,
    );
    const home = newHome();
    const dry = await run(['fix', DUPLICATE, '--dry-run=server'], { kubeconfig, home });
    expect(dry.code, dry.stdout).toBe(0);
    // Without the right to evict nothing begins: the Pod would lose its SpiderEndpoint and keep its address.
    const { rules } = parse((await run(['rbac', '--for', 'fix'])).stdout) as { rules: Body[] };
    const fewer = await cluster.user('user-1', rules.filter(({ resources = [] }) => !resources.includes('pods/eviction')) as never);
    const endpoint = await cluster.get(object('SpiderEndpoint', 'cart-0', namespace));
    const refused = await run(['fix', DUPLICATE, '--yes'], { kubeconfig: fewer, home });
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(`no permission to create pods/eviction cart-0 in ${namespace}; nothing was changed`),
    ]);
    expect(await cluster.get(object('SpiderEndpoint', 'cart-0', namespace))).toEqual(endpoint);
    expect((await run(['runs'], { kubeconfig, home })).stdout).toContain('No runs');
    const fixed = await run(['fix', DUPLICATE, '--yes'], { kubeconfig, home });
    expect(fixed.code, fixed.stderr).toBe(0);
    expect(fixed.stderr).toContain('SpiderEndpoint');
    const after = await soon(async () => {
      const [pod] = await running(namespace, 'cart');
      expect(pod.metadata.uid).not.toBe(cart.metadata.uid);
      return pod;
    });
    expect(after.status.podIPs[0].ip).not.toBe(v4);
    expect((await podsOf(namespace, 'web'))[0].metadata.uid).toBe(web.metadata.uid);
    await soon(async () => {
      const records = await recordsOf('dup4');
      expect(records[v4]).toEqual({ pod: `${namespace}/${web.metadata.name}`, podUid: web.metadata.uid });
      expect(records[after.status.podIPs[0].ip]!.podUid).toBe(after.metadata.uid);
    });
    expect(v6).toBeDefined();
    await soon(async () => expect(await outcomes()).toEqual(ALL_PASSED));
    const undone = await run(['undo', '--yes'], { kubeconfig, home });
    expect(undone.code, undone.stderr).toBe(0);
    await cluster.remove(workload('StatefulSet', 'cart', namespace, pools), workload('Deployment', 'web', namespace, pools), budget);
  });

  test('no record at all: it is put back for the one that stays, before the other goes; a Pod without a controller stays', async () => {
    const namespace = await cluster.namespace('shop');
    await cluster.apply(pool('none4', ['10.6.2.1-10.6.2.2']));
    const pools = { ipv4: ['none4'] };
    const bare = {
      ...object('Pod', 'bare', namespace),
      ...template('bare', pools),
      metadata: { ...template('bare', pools).metadata, name: 'bare', namespace },
    };
    await cluster.apply(bare);
    const [first] = await running(namespace, 'bare');
    const address = first.status.podIPs[0].ip;
    await rewrite('none4', (records) => delete records[address]);
    await cluster.apply(workload('Deployment', 'web', namespace, pools));
    await running(namespace, 'web');
    await rewrite('none4', (records) => delete records[address]);
    const home = newHome();
    const fixed = await run(['fix', DUPLICATE, '--yes'], { kubeconfig, home });
    expect(fixed.code, fixed.stderr).toBe(0);
    const [second] = await soon(async () => {
      const pods = await running(namespace, 'web');
      expect(pods[0].status.podIPs[0].ip).not.toBe(address);
      return pods;
    });
    expect((await cluster.get(bare)).metadata.uid).toBe(first.metadata.uid);
    expect((await recordsOf('none4'))[address]).toEqual({ pod: `${namespace}/bare`, podUid: first.metadata.uid });
    expect(second.status.podIPs[0].ip).toBe('10.6.2.2');
    await soon(async () => expect(await outcomes()).toEqual(ALL_PASSED));
    await cluster.remove(workload('Deployment', 'web', namespace, pools), bare);
  });
});

test('an address without a record: put back with its count, and undone exactly', async () => {
  const namespace = await cluster.namespace('shop');
  await cluster.apply(pool('lost4', ['10.6.3.1-10.6.3.9']));
  const web = workload('Deployment', 'web', namespace, { ipv4: ['lost4'] }, 2);
  await cluster.apply(web);
  const pods = await running(namespace, 'web', 2);
  const address = pods[0].status.podIPs[0].ip;
  const whole = await recordsOf('lost4');
  await rewrite('lost4', (records) => delete records[address]);
  const broken = await recordsOf('lost4');
  const found = (await checked()).get(UNRECORDED)!.findings;
  expect(found).toMatchObject([{ certainty: 'certain', args: { address, pool: 'lost4' }, remedy: { automatic: true } }]);

  const home = newHome();
  expect((await run(['fix', UNRECORDED, '--yes'], { kubeconfig, home })).code).toBe(0);
  expect(await recordsOf('lost4')).toEqual(whole);
  expect((await poolNow('lost4')).allocatedIPCount).toBe(2);
  expect((await outcomes())[UNRECORDED]).toBe('passed');
  expect((await run(['undo', '--yes'], { kubeconfig, home })).code).toBe(0);
  expect(await recordsOf('lost4')).toEqual(broken);
  expect((await poolNow('lost4')).allocatedIPCount).toBe(1);
  expect((await run(['fix', UNRECORDED, '--yes'], { kubeconfig })).code).toBe(0);
  await cluster.remove(web);
});

describe('a record without an owner', () => {
  test('watched for a minute, taken out, and put back by an undo', async () => {
    await cluster.apply(pool('leak4', ['10.6.4.1-10.6.4.9']));
    await rewrite('leak4', (records) => {
      records['10.6.4.5'] = { pod: 'shop/ghost', podUid: 'gone' };
      records['10.6.4.6'] = { pod: 'shop/ghost', podUid: 'gone' };
    });
    const before = await recordsOf('leak4');
    expect((await checked()).get(LEAKED)!.findings).toHaveLength(2);
    const home = newHome();
    const fixed = await run(['fix', LEAKED, '--yes'], { kubeconfig, home, env: hastened(20) });
    expect(fixed.code, fixed.stderr).toBe(0);
    expect(fixed.ms).toBeGreaterThan(60_000 / 20);
    expect(await recordsOf('leak4')).toEqual({});
    expect((await poolNow('leak4')).allocatedIPCount).toBe(0);
    expect((await outcomes())[LEAKED]).toBe('passed');
    expect((await run(['undo', '--yes'], { kubeconfig, home })).code).toBe(0);
    expect(await recordsOf('leak4')).toEqual(before);
    expect((await poolNow('leak4')).allocatedIPCount).toBe(2);
    await cluster.remove(pool('leak4', []));
  });
  test('an object of that name appears meanwhile: nothing is released', async () => {
    const namespace = await cluster.namespace('shop');
    await cluster.apply(pool('late4', ['10.6.5.1-10.6.5.9']));
    await rewrite('late4', (records) => {
      records['10.6.5.5'] = { pod: `${namespace}/ghost`, podUid: 'gone' };
    });
    const fixing = start(['fix', LEAKED, '--yes'], { kubeconfig, input: '', env: hastened(6) });
    await soon(async () =>
      expect((await cluster.request('GET', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/upgrade-guard')).status).toBe(200),
    );
    await sleep(2000);
    const ghost = { ...object('Pod', 'ghost', namespace), spec: { containers: [{ name: 'c', image: 'i' }], nodeName: 'nowhere' } };
    await cluster.apply(ghost);
    const { code, stderr } = await fixing.ended;
    expect(code, stderr).not.toBe(0);
    expect(Object.keys(await recordsOf('late4'))).toEqual(['10.6.5.5']);
    await cluster.remove(ghost, pool('late4', []));
  });
});

test('without the right to one of the lists: unknown, never passed', async () => {
  const rules = [
    { apiGroups: [''], resources: ['pods', 'secrets', 'configmaps', 'namespaces'], verbs: ['get', 'list'] },
    { apiGroups: ['apps'], resources: ['deployments', 'daemonsets'], verbs: ['list'] },
    { apiGroups: ['spiderpool.spidernet.io'], resources: ['spiderippools', 'spiderendpoints'], verbs: ['get', 'list'] },
  ];
  expect(await outcomes({ kubeconfig: await cluster.user('user-1', rules) })).toEqual(ALL_PASSED);
  for (const resource of ['pods', 'spiderippools', 'spiderendpoints']) {
    const fewer = rules.map((rule) => ({ ...rule, resources: rule.resources.filter((each) => each !== resource) }));
    const seen = await outcomes({ kubeconfig: await cluster.user('user-1', fewer) });
    expect(Object.values(seen), `without ${resource}`).toEqual(['unknown', 'unknown', 'unknown']);
  }
});

test('Pods that come and go: no finding', { timeout: 180_000 }, async () => {
  const namespace = await cluster.namespace('churn');
  // Too few for all: one Pod always waits for the next IP that is released.
  await cluster.apply(pool('churn4', ['10.6.7.1-10.6.7.9']), pool('churn6', ['fd00::7001-fd00::7009'], 6));
  const pools = { ipv4: ['churn4'], ipv6: ['churn6'] };
  const workloads = [workload('Deployment', 'web', namespace, pools, 8), workload('StatefulSet', 'cart', namespace, pools, 4)];
  await cluster.apply(...workloads);
  // The lists lie half a second apart, as those of a large cluster do: what was seen in one is over in the next.
  const proxy = await startFaultProxy(cluster);
  for (const path of [/\/spiderendpoints\?/, /\/spiderippools\?/])
    proxy.faults.push({ do: 'delay', ms: 500, path, times: Number.POSITIVE_INFINITY });
  const through = { kubeconfig: await proxy.kubeconfigFrom(kubeconfig) };
  const until = performance.now() + 25_000;
  let [deleted, looked] = [0, 0];
  const churn = async () => {
    while (performance.now() < until) {
      const { body } = await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods`);
      const victims = (body.items as Body[]).filter(({ metadata }) => !metadata.deletionTimestamp);
      const victim = victims[deleted % Math.max(1, victims.length)];
      if (victim) {
        const grace = deleted % 3 === 0 ? '?gracePeriodSeconds=0' : '';
        await cluster.request('DELETE', `/api/v1/namespaces/${namespace}/pods/${victim.metadata.name}${grace}`);
        deleted++;
      }
      await sleep(100);
    }
  };
  const look = async () => {
    while (performance.now() < until) {
      const seen = await checked(through);
      for (const [id, { findings, outcome }] of seen) expect(outcome, `${id}: ${JSON.stringify(findings)}`).toBe('passed');
      looked++;
    }
  };
  await Promise.all([churn(), look()]);
  expect(deleted).toBeGreaterThan(50);
  expect(looked).toBeGreaterThan(3);
  const doubted = proxy.seen.filter(({ path }) => path.includes(`/namespaces/${namespace}/pods/`));
  expect(doubted.length, 'point reads, since the lists did show conflicts').toBeGreaterThan(looked);
  await proxy.close();
  await cluster.remove(...workloads);
});
