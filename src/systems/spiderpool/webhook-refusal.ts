// Whether the webhooks of Spiderpool would reject what a remedy writes: with no controller ready, every write of a pool, subnet, coordinator or SpiderMultusConfig fails (failurePolicy Fail).
// Writes of a status and of SpiderEndpoints do not pass them. Sources: charts/spiderpool/templates/tls.yaml@v0.9.13, @v1.2.2; recorded with 1.2.2 on Kubernetes 1.24 and 1.37.
import type { Json, PointRead, Raw, Ref, Situation, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { each, number, rowOf, texts, time, tree, word } from '../../engine/read/index.ts';
import { inRanges, isRange } from '../../kube/addresses.ts';
import { selects } from '../../kube/budgets.ts';
import { isRaw } from '../../kube/json.ts';
import { oneLine } from '../../text/sanitise.ts';
import { records } from './kept.ts';
import { entriesOf } from './rows.ts';
import { PODS_HOOK } from './webhooks.ts';

/** spiderpoolController.name of the charts by default: of the Deployment, and of both webhook configurations. */
const CONTROLLER = 'spiderpool-controller';
const STATUS = { observed: number('status.observedGeneration'), ready: number('status.readyReplicas', 0) };

export const WEBHOOK_READS: PointRead[] = [
  { resource: 'deployments.apps', names: [CONTROLLER], columns: Object.values(STATUS) },
  { resource: 'validatingwebhookconfigurations.admissionregistration.k8s.io', names: [CONTROLLER], columns: [] },
];

type At = Pick<Situation, 'look' | 'path'>;

/** undefined: a write gets through, as far as can be told. */
export async function webhookRefusal(at: At): Promise<Text | undefined> {
  const controller = await controllerDown(at);
  return controller && (await configuration('ValidatingWebhookConfiguration', at)) ? rejects(controller) : undefined;
}

/** Its name, where it is there and no Pod of it is ready. */
async function controllerDown({ look, path: { installation } }: At): Promise<string | undefined> {
  const on: Ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: installation.namespace, name: CONTROLLER };
  const deployment = await look.get(on);
  if (!deployment || isGap(deployment)) return undefined;
  const { observed, ready } = rowOf(STATUS)(deployment);
  return observed === undefined || ready > 0 ? undefined : `${on.namespace}/${CONTROLLER}`;
}

async function configuration(kind: string, { look }: At): Promise<Raw | undefined> {
  const found = await look.get({ apiVersion: 'admissionregistration.k8s.io/v1', kind, name: CONTROLLER });
  return isGap(found) ? undefined : found;
}

const rejects = (controller: string): Text => ({
  en: `its webhook rejects the change while no Pod of Deployment ${controller} is ready: start one first`,
  zh: `Deployment ${controller} 没有就绪的 Pod，其 webhook 会拒绝该修改：请先使其就绪`,
});

// ---- Pods -----------------------------------------------------------------------------------------------------------

const HOOKS = { hooks: each('webhooks', { name: word('name', ''), policy: word('failurePolicy', ''), of: tree('namespaceSelector') }) };

export const POD_WEBHOOK_READS: PointRead[] = [
  WEBHOOK_READS[0]!,
  { resource: 'mutatingwebhookconfigurations.admissionregistration.k8s.io', names: [CONTROLLER], columns: Object.values(HOOKS) },
];

/** Whether a Pod of this namespace that is evicted now could be created again: with podResourceInject a webhook stands before that, too. */
export async function podRefusal(at: At): Promise<(namespace: string) => Text | undefined> {
  const controller = await controllerDown(at);
  const webhooks = controller && (await configuration('MutatingWebhookConfiguration', at));
  const hook = (webhooks ? rowOf(HOOKS)(webhooks).hooks : []).find(({ name }) => name === PODS_HOOK);
  if (!controller || hook?.policy !== 'Fail') return () => undefined;
  return (namespace) => (selects(hook.of ?? {}, { 'kubernetes.io/metadata.name': namespace }) ? rejectsPods(controller) : undefined);
}

const rejectsPods = (controller: string): Text => ({
  en: `the webhook of Spiderpool rejects new Pods while no Pod of Deployment ${controller} is ready: start one first`,
  zh: `Deployment ${controller} 没有就绪的 Pod，Spiderpool 的 webhook 会拒绝新建 Pod：请先使其就绪`,
});

// ---- what is written ------------------------------------------------------------------------------------------------

/** Of a pool: what makes its webhook reject every change (pkg/ippoolmanager/ippool_validate.go, ippool_webhook.go). */
export const POOL_SHAPE = {
  deleted: time('metadata.deletionTimestamp'),
  ips: texts('spec.ips'),
  excluded: texts('spec.excludeIPs'),
  gateway: word('spec.gateway'),
  written: records,
};
export interface PoolShape {
  deleted: number | undefined;
  ips: string[];
  excluded: string[];
  gateway: string | undefined;
  /** status.allocatedIPs as it is written. */
  written: Json | undefined;
}

/** undefined: a change of other fields gets through. */
export function poolRefusal({ deleted, ips, excluded, gateway, written }: PoolShape): Text | undefined {
  if (deleted !== undefined) return DELETING;
  const [included, left] = [inRanges(ips), inRanges(excluded)];
  const gives = (address: string) => included(address) && !left(address);
  if (gateway !== undefined && gives(gateway)) return GATEWAY;
  const used = Object.keys(entriesOf({ written }).entries).find((address) => isRange(address) && !gives(address));
  return used === undefined ? undefined : outside(used);
}

const outside = (address: string): Text => ({
  en: `its webhook rejects changes because ${address} is allocated, but not in spec.ips: add it to spec.ips first`,
  zh: `${address} 已分配但不在 spec.ips 中，webhook 会拒绝修改：请先将其加入 spec.ips`,
});
/** Of the spec of a SpiderCoordinator (pkg/coordinatormanager/coordinator_webhook.go). undefined: a change of other fields gets through. */
export function coordinatorRefusal(spec: Json | undefined): Text | undefined {
  const cidrs = isRaw(spec) && Array.isArray(spec.hijackCIDR) ? spec.hijackCIDR : [];
  const odd = cidrs.find((each) => typeof each !== 'string' || !isRange(each));
  return odd === undefined ? undefined : badCidr(oneLine(String(odd), 60));
}

const badCidr = (entry: string): Text => ({
  en: `its webhook rejects changes because "${entry}" in spec.hijackCIDR is not an IP or a CIDR: correct it first`,
  zh: `spec.hijackCIDR 中的“${entry}”不是 IP 或 CIDR，webhook 会拒绝修改：请先更正`,
});

const DELETING: Text = { en: 'it is being deleted, and its webhook rejects changes', zh: '它正在删除，webhook 会拒绝修改' };
const GATEWAY: Text = {
  en: 'its webhook rejects changes because spec.ips contains spec.gateway: add the gateway to spec.excludeIPs first',
  zh: 'spec.ips 含有 spec.gateway，webhook 会拒绝修改：请先将网关加入 spec.excludeIPs',
};
