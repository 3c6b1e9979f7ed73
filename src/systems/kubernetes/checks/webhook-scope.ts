// Admission webhooks that reject when they fail and match what the cluster needs to come back: Nodes, Leases of the control plane, Pods of kube-system. While their backend
// is drained, no Node reports, no leader is elected, or no system Pod is re-created. Source: kubernetes/website, Admission Webhook Good Practices.
import type { Check, Finding, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { each, labels, list, texts, tree } from '../../../engine/read/index.ts';
import { selects } from '../../../kube/budgets.ts';
import { hooksOf, webhookReads } from '../webhooks.ts';

const reads = {
  ...webhookReads({
    rules: each('rules', { groups: texts('apiGroups'), resources: texts('resources'), operations: texts('operations') }),
    namespaces: tree('namespaceSelector'),
    objects: tree('objectSelector'),
    conditions: each('matchConditions', {}),
  }),
  namespaces: list('namespaces', { labels: labels() }, { optional: true }),
};
type Is = 'nodes' | 'leases' | 'pods';
interface Args {
  is: Is;
  hooks: string[];
}
/** What is matched there, and with which operations it hurts. */
const NEEDED: { is: Is; group: string; resource: string; operations: string[]; namespace?: string }[] = [
  { is: 'nodes', group: '', resource: 'nodes', operations: ['CREATE', 'UPDATE'] },
  { is: 'leases', group: 'coordination.k8s.io', resource: 'leases', operations: ['CREATE', 'UPDATE'], namespace: 'kube-system' },
  { is: 'pods', group: '', resource: 'pods', operations: ['CREATE'], namespace: 'kube-system' },
];

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/webhook-scope',
  title: { en: 'rejecting webhooks leave out Nodes, Leases and kube-system', zh: '会拒绝请求的 webhook 不匹配 Node、Lease 和 kube-system' },
  headline: { en: 'webhooks can reject what the cluster needs to recover', zh: 'webhook 可能拒绝集群恢复所需的请求' },
  page: {
    impact: {
      en: 'While the backend of a webhook with failurePolicy Fail is evicted, the API server rejects every request that it matches. If these are Nodes, Leases or Pods of kube-system, the control plane or the network cannot come back.',
      zh: 'failurePolicy 为 Fail 的 webhook 的后端被驱逐期间，API 服务器会拒绝其匹配的所有请求。如果匹配 Node、Lease 或 kube-system 的 Pod，控制平面或网络可能无法恢复。',
    },
    detection: {
      en: 'Compares rules and namespaceSelector of each such webhook with Nodes, and with Leases and Pods in kube-system. Webhooks with an objectSelector or matchConditions are ignored.',
      zh: '将此类 webhook 的 rules 和 namespaceSelector 与 Node 以及 kube-system 中的 Lease、Pod 比较。设置了 objectSelector 或 matchConditions 的 webhook 会被忽略。',
    },
    fix: {
      en: 'manual: exclude namespace kube-system in namespaceSelector, and remove nodes and leases from rules, or set failurePolicy Ignore during the upgrade.',
      zh: '手动：在 namespaceSelector 中排除命名空间 kube-system，并从 rules 中移除 nodes 和 leases；或在升级期间将 failurePolicy 设为 Ignore。',
    },
  },
  sources: ['kubernetes/website: Admission Webhook Good Practices'],
  applies: { stage: 'before' },
  reads,
  judge: ({ namespaces, ...rows }: Rows<typeof reads>) => {
    // Every API server labels its namespaces with their names.
    const system = seen(namespaces).find(({ ref }) => ref.name === 'kube-system') ?? {
      labels: { 'kubernetes.io/metadata.name': 'kube-system' },
    };
    const failing = hooksOf(rows).filter(
      ({ policy, objects, conditions }) => policy === 'Fail' && isEverything(objects) && !conditions.length,
    );
    return NEEDED.flatMap(({ is, group, resource, operations, namespace }): Finding<Args>[] => {
      const hits = failing.filter(
        (hook) =>
          (!namespace || isEverything(hook.namespaces) || selects(hook.namespaces ?? null, system.labels)) &&
          hook.rules.some(
            (rule) =>
              has(rule.groups, [group]) && has(rule.resources, [resource, `${resource}/*`, '*/*']) && has(rule.operations, operations),
          ),
      );
      return hits.length ? [finding(is, hits)] : [];
    });
  },
  say: ({ is, hooks }) => ({
    en: `${hooks.length === 1 ? `webhook ${hooks[0]} rejects` : `${hooks.length} webhooks reject`} ${MATCHED[is].en} while the backend is down (failurePolicy Fail)`,
    zh: `后端不可用时，${hooks.length === 1 ? `webhook ${hooks[0]} 会拒绝` : `${hooks.length} 个 webhook 会拒绝`}${MATCHED[is].zh}（failurePolicy Fail）`,
  }),
};
export default check;

const MATCHED: Record<Is, Text> = {
  nodes: { en: 'changes to Nodes', zh: '对 Node 的更改' },
  leases: { en: 'Leases in kube-system', zh: ' kube-system 中的 Lease' },
  pods: { en: 'new Pods in kube-system', zh: ' kube-system 中新建的 Pod' },
};

/** No selector, or an empty one. */
const isEverything = (selector: unknown): boolean =>
  selector === undefined || selector === null || Object.values(selector).every((part) => Object.keys(part ?? {}).length === 0);
const has = (listed: readonly string[], wanted: readonly string[]): boolean =>
  listed.includes('*') || wanted.some((each) => listed.includes(each));

function finding(is: Is, hits: { name: string; on: Ref }[]): Finding<Args> {
  return {
    severity: 'warning',
    key: [is],
    certainty: 'high',
    objects: [...new Map(hits.map(({ on }) => [`${on.kind}/${on.name}`, on])).values()],
    args: { is, hooks: hits.map(({ name }) => name) },
    evidence: hits.slice(0, 3).map(({ name, on }) => ({ seen: `webhooks[name=${name}].failurePolicy=Fail`, at: on })),
  };
}
