// Admission webhooks that reject when they fail and match what the cluster needs to come back: Nodes, Leases of the control plane, Pods of kube-system, the one Pod that answers
// for them, or evictions. While their backend is drained, no Node reports, no leader is elected, no such Pod is re-created, or no further Pod is evicted. Source: kubernetes/website, Admission Webhook Good Practices.
import type { Check, Finding, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { each, label, labels, list, maybe, texts, tree, word } from '../../../engine/read/index.ts';
import { selects } from '../../../kube/budgets.ts';
import { hooksOf, webhookReads } from '../webhooks.ts';

const reads = {
  ...webhookReads({
    rules: each('rules', {
      groups: texts('apiGroups'),
      resources: texts('resources'),
      operations: texts('operations'),
      scope: word('scope', '*'),
    }),
    namespaces: tree('namespaceSelector'),
    objects: tree('objectSelector'),
    conditions: each('matchConditions', {}),
    service: maybe('clientConfig.service', { namespace: word('namespace', ''), name: word('name', '') }),
  }),
  slices: list(
    'endpointslices.discovery.k8s.io',
    { service: label('kubernetes.io/service-name'), endpoints: each('endpoints', { pod: word('targetRef.name', '') }) },
    { optional: true },
  ),
  namespaces: list('namespaces', { labels: labels() }, { optional: true }),
};
type Is = 'nodes' | 'leases' | 'pods' | 'own' | 'evictions';
interface Args {
  is: Is;
  hooks: string[];
  /** `own`: the namespace of its backend. */
  namespace?: string;
}
/** Any namespace will do: a drain evicts from all. */
const EVICTIONS: Need = { group: '', resource: 'pods', subresource: 'eviction', operations: ['CREATE'] };
/** What is matched there, and with which operations it hurts. */
interface Need {
  group: string;
  resource: string;
  subresource?: string;
  operations: string[];
  /** In any of these; left out: in any at all. */
  namespaces?: string[];
  /** It is not in a namespace. */
  cluster?: true;
}
const podsIn = (namespace: string): Need => ({ group: '', resource: 'pods', operations: ['CREATE'], namespaces: [namespace] });
const NEEDED: [Is, Need][] = [
  ['nodes', { group: '', resource: 'nodes', operations: ['CREATE', 'UPDATE'], cluster: true }],
  // Of the elected controllers, and those by which kubelets say that they are alive.
  [
    'leases',
    { group: 'coordination.k8s.io', resource: 'leases', operations: ['CREATE', 'UPDATE'], namespaces: ['kube-system', 'kube-node-lease'] },
  ],
  ['pods', podsIn('kube-system')],
];

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/webhook-scope',
  title: {
    en: 'webhooks with failurePolicy Fail exclude Nodes, Leases and kube-system',
    zh: 'failurePolicy 为 Fail 的 webhook 不匹配 Node、Lease 和 kube-system',
  },
  headline: { en: 'webhooks can reject what the cluster needs to recover', zh: 'webhook 可能拒绝集群恢复所需的请求' },
  page: {
    impact: {
      en: 'While the backend of a webhook with failurePolicy Fail is evicted, the API server rejects every request that the webhook matches. If it matches Nodes, Leases or Pods of kube-system, the control plane or the network cannot come back; without their Leases in kube-node-lease all Nodes become NotReady. If it matches the only Pod of its own backend, that Pod cannot be re-created. If it matches evictions, kubectl drain stops with an error once that Pod is evicted.',
      zh: 'failurePolicy 为 Fail 的 webhook 的后端被驱逐期间，API 服务器会拒绝其匹配的所有请求。如果匹配 Node、Lease 或 kube-system 的 Pod，控制平面或网络可能无法恢复；kube-node-lease 中的 Lease 无法更新时，所有节点会变为 NotReady。如果还匹配自己唯一的后端 Pod，该 Pod 无法重新创建。如果匹配驱逐请求（pods/eviction），kubectl drain 驱逐该 Pod 后即报错停止。',
    },
    detection: {
      en: 'Compares rules and namespaceSelector of each such webhook with Nodes, with Leases in kube-system and kube-node-lease, and with Pods in kube-system. If its Service has a single Pod, also with Pods in the namespace of that Service and with evictions (pods/eviction). Webhooks with an objectSelector or matchConditions are ignored.',
      zh: '将此类 webhook 的 rules 和 namespaceSelector 与 Node、kube-system 和 kube-node-lease 中的 Lease 以及 kube-system 中的 Pod 比较。如果其 Service 后端只有一个 Pod，还与该 Service 所在命名空间的 Pod 以及驱逐（pods/eviction）比较。设置了 objectSelector 或 matchConditions 的 webhook 会被忽略。',
    },
    fix: {
      en: 'manual: exclude namespaces kube-system and kube-node-lease in namespaceSelector, and remove nodes and leases from rules, or set failurePolicy Ignore during the upgrade. For a backend of one Pod: exclude its own namespace and remove pods/eviction from rules, or scale it to two replicas.',
      zh: '手动：在 namespaceSelector 中排除命名空间 kube-system 和 kube-node-lease，并从 rules 中移除 nodes 和 leases；或在升级期间将 failurePolicy 设为 Ignore。后端只有一个 Pod 时：排除其自身的命名空间并从 rules 中移除 pods/eviction，或扩容到两个副本。',
    },
  },
  sources: ['kubernetes/website: Admission Webhook Good Practices'],
  applies: { stage: 'before' },
  reads,
  judge: ({ namespaces, slices, ...rows }: Rows<typeof reads>) => {
    // Every API server labels its namespaces with their names.
    const labelsOf = (name: string) =>
      seen(namespaces).find(({ ref }) => ref.name === name)?.labels ?? { 'kubernetes.io/metadata.name': name };
    const failing = hooksOf(rows).filter(
      ({ policy, objects, conditions }) => policy === 'Fail' && isEverything(objects) && !conditions.length,
    );
    const matches = (hook: (typeof failing)[number], { group, resource, subresource = '', operations, namespaces, cluster }: Need) =>
      (!namespaces || isEverything(hook.namespaces) || namespaces.some((name) => selects(hook.namespaces ?? null, labelsOf(name)))) &&
      hook.rules.some(
        (rule) =>
          rule.scope !== (cluster ? 'Namespaced' : 'Cluster') &&
          has(rule.groups, [group]) &&
          rule.resources.some((each) => isMatched(each, resource, subresource)) &&
          has(rule.operations, operations),
      );
    const single = failing.flatMap((hook) => {
      const { service } = hook;
      return service && podsBehind(service, seen(slices)) === 1 ? [{ ...hook, service }] : [];
    });
    const alone = single.filter((hook) => matches(hook, podsIn(hook.service.namespace)));
    const evictions = single.filter((hook) => matches(hook, EVICTIONS));
    return [
      ...NEEDED.flatMap(([is, need]) => {
        const hits = failing.filter((hook) => matches(hook, need));
        return hits.length ? [finding({ is }, hits)] : [];
      }),
      ...(evictions.length ? [finding({ is: 'evictions' }, evictions)] : []),
      ...[...Map.groupBy(alone, ({ service }) => service.namespace)].map(([namespace, hits]) => finding({ is: 'own', namespace }, hits)),
    ];
  },
  say: ({ is, hooks, namespace = '' }) => {
    const which =
      hooks.length === 1
        ? { en: `webhook ${hooks[0]} rejects`, zh: `webhook ${hooks[0]} 会拒绝` }
        : { en: `${hooks.length} webhooks reject`, zh: `${hooks.length} 个 webhook 会拒绝` };
    const what = MATCHED[is](namespace);
    return is === 'evictions'
      ? {
          en: `${which.en} ${what.en} while its only Pod is down: kubectl drain stops with an error once that Pod is evicted (failurePolicy Fail)`,
          zh: `后端不可用时，${which.zh}${what.zh}，而其后端只有一个 Pod：该 Pod 被驱逐后 kubectl drain 会报错停止（failurePolicy Fail）`,
        }
      : is === 'own'
        ? {
            en: `${which.en} ${what.en} while its only Pod, in the same namespace, is down: once evicted, that Pod is not re-created (failurePolicy Fail)`,
            zh: `后端不可用时，${which.zh}${what.zh}，而其唯一的后端 Pod 就在该命名空间：被驱逐后无法重新创建（failurePolicy Fail）`,
          }
        : {
            en: `${which.en} ${what.en} while the backend is down (failurePolicy Fail)`,
            zh: `后端不可用时，${which.zh}${what.zh}（failurePolicy Fail）`,
          };
  },
};
export default check;

const MATCHED: Record<Is, (namespace: string) => Text> = {
  nodes: () => ({ en: 'changes to Nodes', zh: '对 Node 的更改' }),
  leases: () => ({ en: 'Leases in kube-system or kube-node-lease', zh: ' kube-system 或 kube-node-lease 中的 Lease' }),
  pods: () => ({ en: 'new Pods in kube-system', zh: ' kube-system 中新建的 Pod' }),
  evictions: () => ({ en: 'evictions', zh: '驱逐' }),
  own: (namespace) => ({ en: `new Pods in ${namespace}`, zh: ` ${namespace} 中新建的 Pod` }),
};

/** No selector, or an empty one. */
const isEverything = (selector: unknown): boolean =>
  selector === undefined || selector === null || Object.values(selector).every((part) => Object.keys(part ?? {}).length === 0);
const has = (listed: readonly string[], wanted: readonly string[]): boolean =>
  listed.includes('*') || wanted.some((each) => listed.includes(each));

/** `*`: every resource, and none of their subresources. */
function isMatched(rule: string, resource: string, subresource: string): boolean {
  const [of, below = ''] = rule.split('/');
  return (of === '*' || of === resource) && (below === '*' || below === subresource);
}

/** By name: a Service of two address families has slices of both. */
const podsBehind = (
  { namespace, name }: { namespace: string; name: string },
  slices: readonly { ref: Ref; service?: string; endpoints: { pod: string }[] }[],
): number =>
  new Set(
    slices
      .filter(({ ref, service }) => ref.namespace === namespace && service === name)
      .flatMap(({ endpoints }) => endpoints.flatMap(({ pod }) => pod || [])),
  ).size;

function finding(args: Pick<Args, 'is' | 'namespace'>, hits: { name: string; on: Ref }[]): Finding<Args> {
  return {
    severity: 'warning',
    key: [args.is, ...(args.namespace ? [args.namespace] : [])],
    certainty: 'high',
    objects: [...new Map(hits.map(({ on }) => [`${on.kind}/${on.name}`, on])).values()],
    args: { ...args, hooks: hits.map(({ name }) => name) },
    evidence: hits.slice(0, 3).map(({ name, on }) => ({ seen: `webhooks[name=${name}].failurePolicy=Fail`, at: on })),
  };
}
