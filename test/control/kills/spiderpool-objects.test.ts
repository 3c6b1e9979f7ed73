// Kills of the Spiderpool remedies that change objects of the upgrade itself: ConfigMaps, DaemonSets, Deployments, CRDs, coordinators, automatic pools, stale endpoints, leftovers.
// Three installations stand beside each other, each a Deployment that names its version; `-n` chooses one. There is no kubelet: no Pod of theirs runs, and none is waited for.
import { beforeAll, describe, expect, vi } from 'vitest';
import type { Body } from '../../bed/client.ts';
import { installCrd } from '../../bed/crds.ts';
import { bed } from '../../bed/index.ts';
import { putStored } from '../../bed/store.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const apiVersion = 'spiderpool.spidernet.io/v2beta1';
const [OLD, NOW, NEW] = ['sp-07', 'sp-09', 'sp-10'];
const VERSION: Record<string, string> = { [OLD]: '0.7.3', [NOW]: '0.9.4', [NEW]: '1.0.6' };
const soon = <T>(look: () => Promise<T>, timeout = 30_000) => vi.waitFor(look, { timeout, interval: 100 });
const to = (namespace: string, version: string) => ['-n', namespace, '--to', `spiderpool@${namespace}/spiderpool=${version}`];

const labels = { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool' };
const workload = (kind: string, namespace: string, name: string, container: object, spec: object = {}, more: object = {}): Body => {
  const its = { ...labels, 'app.kubernetes.io/component': name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels: { ...its, 'app.kubernetes.io/version': VERSION[namespace]!, ...more } },
    spec: {
      selector: { matchLabels: its },
      // Nothing is placed: no Node has this label.
      template: {
        metadata: { labels: its },
        spec: { nodeSelector: { placed: 'nowhere' }, containers: [{ name, image: `registry.example/${name}:1`, ...container }] },
      },
      ...spec,
    },
  };
};
const controller = (namespace: string): Body => {
  const made = workload('Deployment', namespace, 'spiderpool-controller', {
    image: `registry.example/spidernet-io/spiderpool/spiderpool-controller:v${VERSION[namespace]}`,
  });
  made.spec.template.spec.hostNetwork = true;
  return made;
};
const crd = (plural: string, kind: string, group: string, scope: string, spec: object = {}, metadata: object = {}): Body => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}`, ...metadata },
  spec: {
    group,
    scope,
    names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
    versions: [
      {
        ...{ name: group.startsWith('k8s.') ? 'v1' : 'v2beta1', served: true, storage: true },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: spec } },
          },
        },
      },
    ],
  },
});
/** Applied, and served. */
async function served(one: Body): Promise<void> {
  await cluster.apply(one);
  await soon(async () => {
    const { conditions = [] } = (await cluster.get(one)).status ?? {};
    expect(conditions.some(({ type, status }: Body) => type === 'Established' && status === 'True')).toBe(true);
  });
}
const specOf = async (object: Body) => (await cluster.get(object))?.spec;
/** Who else has a hand on its fields must not pile up from case to case. */
async function again(...objects: Body[]): Promise<void> {
  await cluster.remove(...objects);
  await cluster.apply(...objects);
}

/** With no IP, made again under its name two minutes ago and more: sooner it is not a finding. */
const waiting: Body = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'llm-0', namespace: 'jobs' },
  spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }], nodeSelector: { placed: 'nowhere' } },
};

async function waitingSince(ms: number): Promise<void> {
  const path = '/api/v1/namespaces/jobs/pods/llm-0';
  const { metadata, ...pod } = await soon(async () => {
    const { body } = await cluster.request('GET', path);
    // The scheduler has said that no Node takes it, and writes no more.
    expect(body.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False' }]);
    return body;
  });
  const creationTimestamp = new Date(Date.now() - ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const { resourceVersion: _, ...its } = metadata;
  await putStored(cluster.etcd, '/registry/pods/jobs/llm-0', { ...pod, metadata: { ...its, creationTimestamp } });
  await soon(async () => expect((await cluster.request('GET', path)).body.metadata).toMatchObject({ uid: its.uid, creationTimestamp }));
}

beforeAll(async () => {
  await cluster.apply(...[OLD, NOW, NEW, 'jobs'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: name! } })));
  await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'jobs' } }, waiting);
  await waitingSince(180_000);
  await installCrd(cluster, 'spiderippools-v2beta1');
  await installCrd(cluster, 'spiderendpoints-v2beta1');
  await served(crd('spidercoordinators', 'SpiderCoordinator', 'spiderpool.spidernet.io', 'Cluster', { txQueueLen: { type: 'integer' } }));
  await cluster.apply(...[OLD, NOW, NEW].map((namespace) => controller(namespace!)));
});

// ---- 0.7.3 ----------------------------------------------------------------------------------------------------------

describe('0.7.3', () => {
  const networks = crd(
    'network-attachment-definitions',
    'NetworkAttachmentDefinition',
    'k8s.cni.cncf.io',
    'Namespaced',
    {},
    {
      annotations: { 'meta.helm.sh/release-name': 'spiderpool', 'meta.helm.sh/release-namespace': OLD },
      labels: { 'app.kubernetes.io/managed-by': 'Helm' },
    },
  );
  const policy = async () => (await cluster.get(networks)).metadata.annotations['helm.sh/resource-policy'];

  sweeps.remedy({
    name: 'spiderpool/nad-crd-kept',
    fix: ['fix', 'spiderpool/nad-crd-kept', ...to(OLD!, '0.9.13')],
    writes: ['POST leases', 'PATCH customresourcedefinitions', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH customresourcedefinitions', 'DELETE leases'],
    async reset() {
      await served(networks);
      await cluster.request('PATCH', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${networks.metadata.name}`, {
        metadata: { annotations: { 'helm.sh/resource-policy': null } },
      });
      await soon(() =>
        cluster.apply({
          apiVersion: 'k8s.cni.cncf.io/v1',
          kind: 'NetworkAttachmentDefinition',
          metadata: { name: 'macvlan', namespace: 'jobs' },
          spec: { config: '{}' },
        }),
      );
    },
    state: policy,
    fixed: async () => expect(await policy()).toBe('keep'),
    undone: async () => expect(await policy()).toBeUndefined(),
  });

  const stop = { preStop: { exec: { command: ['/bin/sh', '-c', 'rm -f /host/etc/cni/net.d/00-multus.conf'] } } };
  const multus = workload('DaemonSet', OLD!, 'spiderpool-multus', { lifecycle: stop }, {}, { app: 'multus' });
  const preStop = async () => (await cluster.get(multus)).spec.template.spec.containers[0].lifecycle?.preStop;

  sweeps.remedy({
    name: 'spiderpool/multus-uninstall-hook',
    fix: ['fix', 'spiderpool/multus-uninstall-hook', ...to(OLD!, '0.9.13')],
    writes: ['POST leases', 'PATCH daemonsets', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH daemonsets', 'DELETE leases'],
    reset: () => again(multus),
    state: preStop,
    fixed: async () => expect(await preStop()).toBeUndefined(),
    undone: async (before) => expect(await preStop()).toEqual(before),
  });
});

// ---- 0.9.4 ----------------------------------------------------------------------------------------------------------

describe('0.9.4', () => {
  const conf = (name: string, network: string): Body => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: NOW! },
    data: { 'cni-conf.json': JSON.stringify({ name: 'multus-cni-network', clusterNetwork: network }) },
  });
  const [empty, former] = [conf('spiderpool-multus', ''), conf('multus-cni-config', 'k8s-pod-network')];
  const agent = workload('DaemonSet', NOW!, 'spiderpool-agent', {
    image: 'registry.example/spidernet-io/spiderpool/spiderpool-agent:v0.9.4',
  });
  const network = async () => JSON.parse((await cluster.get(empty)).data['cni-conf.json']).clusterNetwork;
  const mark = async () => (await cluster.get(agent)).spec.template.metadata.annotations?.['upgrade-guard/clusterNetwork'];

  sweeps.remedy({
    name: 'spiderpool/multus-default-network',
    fix: ['fix', 'spiderpool/multus-default-network', '-n', NOW!],
    writes: ['POST leases', 'PATCH configmaps', 'PATCH daemonsets', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH configmaps', 'PATCH daemonsets', 'DELETE leases'],
    async reset() {
      await cluster.apply(former);
      await again(empty, agent);
    },
    state: async () => [await network(), await mark()],
    fixed: async () => expect([await network(), await mark()]).toEqual(['k8s-pod-network', 'k8s-pod-network']),
    undone: async (before) => expect([await network(), await mark()]).toEqual(before),
  });

  const coordinator: Body = {
    apiVersion,
    kind: 'SpiderCoordinator',
    metadata: { name: 'default' },
    spec: { mode: 'auto', detectGateway: false, detectIPConflict: false, hostRPFilter: 0, hostRuleTable: 500 },
  };

  sweeps.remedy({
    name: 'spiderpool/coordinator-fields',
    fix: ['fix', 'spiderpool/coordinator-fields', '-n', NOW!],
    writes: ['POST leases', 'PATCH spidercoordinators', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH spidercoordinators', 'DELETE leases'],
    reset: () => again(coordinator),
    state: () => specOf(coordinator),
    fixed: async (before) => expect(await specOf(coordinator)).toEqual({ ...before, txQueueLen: 0 }),
    undone: async (before) => expect(await specOf(coordinator)).toEqual(before),
  });

  sweeps.remedy({
    name: 'spiderpool/coordinator-object',
    fix: ['fix', 'spiderpool/coordinator-object', '-n', NOW!],
    writes: ['POST leases', 'POST spidercoordinators', 'DELETE leases'],
    undoWrites: ['POST leases', 'DELETE spidercoordinators', 'DELETE leases'],
    reset: () => cluster.remove(coordinator),
    state: async () => undefined,
    fixed: async () => expect(await specOf(coordinator)).toMatchObject({ mode: 'auto', txQueueLen: 0 }),
    undone: async () => expect(await cluster.get(coordinator)).toBeUndefined(),
  });

  const node: Body = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'only', labels: { 'kubernetes.io/os': 'linux' } } };
  const rolling = async () => (await specOf(controller(NOW!))).strategy.rollingUpdate;

  sweeps.remedy({
    name: 'spiderpool/controller-ports',
    fix: ['fix', 'spiderpool/controller-ports', ...to(NOW!, '0.9.13')],
    writes: ['POST leases', 'PATCH deployments', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH deployments', 'DELETE leases'],
    async reset() {
      await cluster.apply(node);
      await again(controller(NOW!));
    },
    state: rolling,
    fixed: async () => expect(await rolling()).toEqual({ maxSurge: 0, maxUnavailable: 1 }),
    undone: async (before) => expect(await rolling()).toEqual(before),
  });

  const web: Body = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'jobs' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] } },
    },
  };
  const P = 'ipam.spidernet.io/';
  const pool: Body = {
    apiVersion,
    kind: 'SpiderIPPool',
    metadata: { name: 'auto-web', annotations: { [`${P}application`]: 'apps/v1:Deployment:jobs:web' } },
    spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.1.4'], podAffinity: { matchLabels: { app: 'web' } } },
    status: { allocatedIPCount: 0 },
  };
  const poolNow = async () => {
    const { metadata, spec } = await cluster.get(pool);
    return { labels: metadata.labels, affinity: spec.podAffinity };
  };

  sweeps.remedy({
    name: 'spiderpool/auto-pool-labels',
    fix: ['fix', 'spiderpool/auto-pool-labels', '-n', NOW!],
    writes: ['POST leases', 'PATCH spiderippools', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH spiderippools', 'DELETE leases'],
    async reset() {
      await cluster.apply(web);
      const { uid } = (await cluster.get(web)).metadata;
      const marks = { [`${P}owner-spider-subnet`]: 'subnet-6', [`${P}owner-application-uid`]: uid, [`${P}ippool-reclaim`]: 'true' };
      await again({ ...pool, metadata: { ...pool.metadata, labels: marks } } as Body);
    },
    state: poolNow,
    async fixed(before) {
      const { labels: now, affinity } = await poolNow();
      expect(now).toMatchObject({
        ...before.labels,
        [`${P}owner-application-gv`]: 'apps_v1',
        [`${P}interface`]: 'eth0',
        [`${P}ip-version`]: 'IPv4',
      });
      expect(Object.keys(affinity.matchLabels)).toHaveLength(5);
    },
    undone: async (before) => expect(await poolNow()).toEqual(before),
  });

  const settings: Body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'spiderpool-conf', namespace: NOW! },
    data: { 'conf.yml': 'clusterDefaultIPv4IPPool: [default-v4]\nclusterDefaultIPv6IPPool: []\n' },
  };
  const byDefault: Body = {
    ...pool,
    metadata: { name: 'default-v4' },
    spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.4.1-10.6.4.4'] },
  };

  sweeps.remedy({
    name: 'spiderpool/default-pool-flag',
    fix: ['fix', 'spiderpool/default-pool-flag', '-n', NOW!],
    writes: ['POST leases', 'PATCH spiderippools', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH spiderippools', 'DELETE leases'],
    async reset() {
      await cluster.apply(settings);
      await again(byDefault);
    },
    state: () => specOf(byDefault),
    fixed: async (before) => expect(await specOf(byDefault)).toEqual({ ...before, default: true }),
    undone: async (before) => expect(await specOf(byDefault)).toEqual(before),
  });

  const counted: Body = { ...pool, metadata: { name: 'counted' }, spec: { ...pool.spec, ips: ['10.6.2.1-10.6.2.4'] } };
  const count = async () => (await cluster.get(counted)).status.allocatedIPCount;

  sweeps.remedy({
    name: 'spiderpool/pool-state',
    fix: ['fix', 'spiderpool/pool-state', '-n', NOW!],
    writes: ['POST leases', 'PATCH spiderippools/status', 'DELETE leases'],
    undoWrites: ['POST leases', 'PATCH spiderippools/status', 'DELETE leases'],
    async reset() {
      await cluster.apply(counted);
      await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/counted/status`, {
        status: { allocatedIPs: null, allocatedIPCount: 3 },
      });
    },
    state: count,
    fixed: async () => expect(await count()).toBe(0),
    undone: async (before) => expect(await count()).toBe(before),
  });
});

// ---- 1.0.6 ----------------------------------------------------------------------------------------------------------

describe('1.0.6', () => {
  const named = (kind: string, group: string, more: object = {}): Body => ({
    ...{ apiVersion: group, kind, metadata: { name: 'spiderpool-multus', ...(kind.startsWith('Cluster') ? {} : { namespace: NEW! }) } },
    ...more,
  });
  const rbac = 'rbac.authorization.k8s.io/v1';
  const left: Body[] = [
    workload('DaemonSet', NEW!, 'spiderpool-multus', {}),
    named('ClusterRoleBinding', rbac, {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'spiderpool-multus' },
      subjects: [{ kind: 'ServiceAccount', name: 'spiderpool-multus', namespace: NEW! }],
    }),
    named('ClusterRole', rbac, { rules: [{ apiGroups: ['k8s.cni.cncf.io'], resources: ['*'], verbs: ['*'] }] }),
    named('ServiceAccount', 'v1'),
    { ...named('ConfigMap', 'v1', { data: { 'cni-conf.json': '{}' } }), metadata: { name: 'multus-cni-config', namespace: NEW! } },
  ];
  const there = async () =>
    (await Promise.all(left.map((each) => cluster.get(each)))).map((each) => each !== undefined && !each.metadata.deletionTimestamp);
  const plurals = ['daemonsets', 'clusterrolebindings', 'clusterroles', 'serviceaccounts', 'configmaps'];

  sweeps.remedy({
    name: 'spiderpool/leftovers',
    fix: ['fix', 'spiderpool/leftovers', '-n', NEW!],
    writes: ['POST leases', ...plurals.map((plural) => `DELETE ${plural}`), 'DELETE leases'],
    undoWrites: ['POST leases', ...plurals.map((plural) => `POST ${plural}`), 'DELETE leases'],
    reset: () => again(...left),
    state: there,
    fixed: () => soon(async () => expect(await there()).toEqual(left.map(() => false))),
    undone: async () => expect(await there()).toEqual(left.map(() => true)),
  });
});

// ---- a Pod that has waited ------------------------------------------------------------------------------------------

describe('a stale endpoint', () => {
  const endpoint: Body = {
    apiVersion,
    kind: 'SpiderEndpoint',
    metadata: { name: 'llm-0', namespace: 'jobs', finalizers: ['spiderpool.spidernet.io'] },
    status: {
      current: { uid: 'of-the-earlier-pod', node: 'n1', ips: [{ interface: 'eth0', ipv4: '10.6.3.2/16', ipv4Pool: 'stale4' }] },
      ownerControllerType: 'Job',
      ownerControllerName: 'llm',
    },
  };
  const pool: Body = {
    apiVersion,
    kind: 'SpiderIPPool',
    metadata: { name: 'stale4' },
    spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.3.1-10.6.3.9'] },
  };
  const record = { '10.6.3.2': { pod: 'jobs/llm-0', podUid: 'of-the-earlier-pod' } };
  const now = async () => {
    const [one, its] = [await cluster.get(endpoint), await cluster.get(pool)];
    return {
      status: one?.status,
      finalizers: one?.metadata.finalizers,
      records: its.status?.allocatedIPs,
      count: its.status?.allocatedIPCount,
    };
  };

  sweeps.remedy({
    name: 'spiderpool/stale-endpoint',
    fix: ['fix', 'spiderpool/stale-endpoint', '-n', NOW!],
    writes: ['POST leases', 'PATCH spiderendpoints', 'DELETE spiderendpoints', 'PATCH spiderippools/status', 'DELETE leases'],
    // The finalizer is there again with the endpoint itself.
    undoWrites: ['POST leases', 'PATCH spiderippools/status', 'POST spiderendpoints', 'DELETE leases'],
    async reset() {
      await cluster.apply(pool);
      await again(endpoint);
      await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/stale4/status`, {
        status: { allocatedIPs: JSON.stringify(record), allocatedIPCount: 1 },
      });
    },
    state: now,
    fixed: async () => expect(await now()).toEqual({ count: 0 }),
    undone: async (before) => expect(await now()).toEqual(before),
  });
});
