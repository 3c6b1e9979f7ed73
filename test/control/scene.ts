// The scene of the first thread: Spiderpool installed by real helm, three SpiderEndpoints of bare Pods as 0.3.x wrote them, one healthy one.
import { join } from 'node:path';
import type { Ran } from '../bed/binary.ts';
import { authority } from '../bed/certificates.ts';
import type { Body } from '../bed/client.ts';
import { type CrdName, installCrd } from '../bed/crds.ts';
import { startFaultProxy } from '../bed/fault-proxy.ts';
import type { Bed } from '../bed/index.ts';

export const CHART = join(import.meta.dirname, '..', 'bed', 'helm-chart');
export const BROKEN = ['bare-a', 'bare-b', 'bare-c'];
export const CHECK = 'spiderpool/owner-controller-type';
/** What the hook of the install looks up and writes into the configuration of Multus; no hook runs where the charts are installed without a network. */
export const DEFAULT_NETWORK = ['--set', 'multus.multusCNI.defaultCniCRName=k8s-pod-network'];
/** The manual step that a run waits for: its number and text. */
export function waitsFor({ stdout, stderr }: Pick<Ran, 'stdout' | 'stderr'>): { id: string; text: string } | undefined {
  const [, rest = ''] = `${stdout}${stderr}`.split('Manual steps that the run waits for:');
  const [, id = '', text = ''] = /^ {2}(\d+)\. (.*)$/m.exec(rest) ?? [];
  return id ? { id, text } : undefined;
}
/** The API server of the bed as one of a distribution says what it is: everything else goes through. Its kubeconfig, as the admin. `more`: of its answer to GET /version. */
export async function callingItself(
  cluster: Bed,
  gitVersion: string,
  more: Record<string, string> = {},
): Promise<{ kubeconfig: string; close(): Promise<void> }> {
  const proxy = await startFaultProxy(cluster);
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(gitVersion)!;
  const { body } = await cluster.request('GET', '/version');
  proxy.faults.push({
    ...{ do: 'answer', path: '/version', times: Number.POSITIVE_INFINITY },
    ...{ status: 200, body: { ...body, major, minor, gitVersion, ...more } },
  });
  return { kubeconfig: await proxy.kubeconfigFrom(cluster.kubeconfig), close: () => proxy.close() };
}
export const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/upgrade-guard';

export interface Scene {
  /** Puts the SpiderEndpoints back to how they were at first, and takes any Lease of ours away. */
  reset(): Promise<void>;
  /** Every SpiderEndpoint by name, without what a server counts up. */
  state(): Promise<Record<string, object>>;
  /** status.ownerControllerType of the broken ones, in order. */
  types(): Promise<string[]>;
  lease(): Promise<{ metadata: { annotations?: Record<string, string> }; spec: { holderIdentity?: string } } | undefined>;
}

/** `v2beta1`: status is an ordinary field; `v1`: it is a subresource. */
export async function scene(cluster: Bed, version: 'v1' | 'v2beta1' = 'v2beta1'): Promise<Scene> {
  const apiVersion = `spiderpool.spidernet.io/${version}`;
  const objects = [...BROKEN.map((name) => endpoint(name, version)), endpoint('web-0', version, 'Deployment', 'web')];
  await installCrd(cluster, `spiderendpoints-${version}` as CrdName);
  const { code, stderr } = await cluster.helm3(['install', 'spiderpool', CHART, '-n', 'kube-system']);
  if (code) throw new Error(`helm install: ${stderr}`);
  const listed = async () => (await cluster.request('GET', `/apis/${apiVersion}/namespaces/default/spiderendpoints`)).body.items;
  await cluster.apply(...objects);
  return {
    reset: async () => {
      await cluster.request('DELETE', LEASE);
      await cluster.apply(...objects);
    },
    state: async () => Object.fromEntries((await listed()).map((item: Item) => [item.metadata.name, steady(item)])),
    types: async () =>
      (await listed()).filter(({ metadata }: Item) => BROKEN.includes(metadata.name)).map(({ status }: Item) => status.ownerControllerType),
    lease: async () => {
      const { status, body } = await cluster.request('GET', LEASE);
      return status === 200 ? body : undefined;
    },
  };
}

/** As 0.3.x wrote it of a bare Pod, unless told otherwise. */
export const endpoint = (name: string, version = 'v2beta1', ownerControllerType = 'None', ownerControllerName = '') => ({
  apiVersion: `spiderpool.spidernet.io/${version}`,
  kind: 'SpiderEndpoint',
  metadata: { name, namespace: 'default' },
  status: { current: { uid: `uid-${name}`, node: 'n1', ips: [] }, ownerControllerType, ownerControllerName },
});

interface Item {
  metadata: Record<string, unknown> & { name: string };
  status: { ownerControllerType: string };
}

function steady({ metadata: { resourceVersion: _, generation: __, managedFields: ___, ...metadata }, ...rest }: Item): object {
  return { metadata, ...rest };
}

/** What spiderpool-init makes at an install, and the controller keeps in step; neither runs here. */
export const COORDINATOR = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: {
    ...{ mode: 'auto', podCIDRType: 'auto', tunePodRoutes: true, hijackCIDR: ['169.254.0.0/16'] },
    ...{ detectGateway: false, detectIPConflict: false, hostRuleTable: 500, podRPFilter: 0, txQueueLen: 0 },
  },
  status: { phase: 'Synced', overlayPodCIDR: ['10.42.0.0/16'], serviceCIDR: ['10.43.0.0/16'] },
};

/** It never allows one of its Pods to go. */
export const SHUT_BUDGET: Body = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'shop' } } },
};

/** What is not served here. */
export const OF_NOTHING_HERE = [{ apiGroups: ['example.com'], apiVersions: ['*'], resources: ['left-overs'], operations: ['CREATE'] }];
const A_YEAR = 365 * 86_400_000;
const LEFT_OVER_CA = authority('left-over').issue({ name: 'left-over', until: new Date(Date.now() + A_YEAR) });
/** A webhook whose backend does not exist; it rejects nothing here. */
export const DEAD_WEBHOOK = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'left-over' },
  webhooks: [
    {
      ...{ name: 'a.left-over.example.com', failurePolicy: 'Fail', admissionReviewVersions: ['v1'], sideEffects: 'None' },
      rules: OF_NOTHING_HERE,
      clientConfig: {
        service: { namespace: 'default', name: 'gone' },
        caBundle: Buffer.from(LEFT_OVER_CA.cert).toString('base64'),
      },
    },
  ],
};

/** Who the Jobs of its Plans run as, with what upstream's manifest allows them. */
export const upgradeAccess = (namespace: string): Body[] => {
  const named = (kind: string, more: object): Body => ({
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name: 'system-upgrade-controller-drainer' } },
    ...more,
  });
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'system-upgrade', namespace } },
    named('ClusterRole', {
      rules: [
        { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'delete'] },
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'patch'] },
        { apiGroups: ['apps'], resources: ['statefulsets', 'daemonsets', 'replicasets'], verbs: ['get', 'list'] },
        { apiGroups: ['upgrade.cattle.io'], resources: ['plans'], verbs: ['get', 'list', 'watch'] },
      ],
    }),
    named('ClusterRoleBinding', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system-upgrade-controller-drainer' },
      subjects: [{ kind: 'ServiceAccount', name: 'system-upgrade', namespace }],
    }),
  ];
};

/** The Deployment of the system-upgrade-controller, by which its version is known. `more`: of its Pods' spec. */
export const upgradeController = (namespace: string, version = 'v0.20.1', more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'system-upgrade-controller', namespace },
  spec: {
    selector: { matchLabels: { app: 'suc' } },
    template: {
      metadata: { labels: { app: 'suc' } },
      spec: { ...more, containers: [{ name: 'system-upgrade-controller', image: `rancher/system-upgrade-controller:${version}` }] },
    },
  },
});

/** As K3s records what `k3s etcd-snapshot save` has made. */
export const snapshot = (name: string): Body => ({
  apiVersion: 'k3s.cattle.io/v1',
  kind: 'ETCDSnapshotFile',
  metadata: { name: `local-${name}-s1-1` },
  spec: { snapshotName: `${name}-s1-1`, nodeName: 's1', location: `file:///var/lib/rancher/k3s/server/db/snapshots/${name}-s1-1` },
  status: { readyToUse: true, creationTime: new Date().toISOString().replace(/\.\d+Z/, 'Z') },
});
const ANYTHING = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
export const SNAPSHOTS: Body = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'etcdsnapshotfiles.k3s.cattle.io' },
  spec: {
    group: 'k3s.cattle.io',
    scope: 'Cluster',
    names: { kind: 'ETCDSnapshotFile', plural: 'etcdsnapshotfiles' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: ANYTHING } }],
  },
};
