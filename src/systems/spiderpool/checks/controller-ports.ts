// The controller listens on ports of its node (hostNetwork). With a replica on every node and maxUnavailable rounded down to 0, no new Pod finds free ports and no old one goes: the rollout hangs.
// Sources: charts/spiderpool/templates/deployment.yaml (no strategy field at any tag); docs/usage/upgrade.md; k8s.io/kubernetes pkg/controller/deployment/util (ResolveFenceposts).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Json, Ref, Rows, StepDraft } from '../../../engine/contracts.ts';
import { each, flag, label, list, number, tree, word } from '../../../engine/read/index.ts';
import { isRaw } from '../../../kube/json.ts';

const ROLLING = '/spec/strategy/rollingUpdate';
const IN_PLACE = { maxSurge: 0, maxUnavailable: 1 };

const reads = {
  controllers: list(
    'deployments.apps',
    {
      instance: label('app.kubernetes.io/instance'),
      replicas: number('spec.replicas', 1),
      strategy: word('spec.strategy.type', 'RollingUpdate'),
      rolling: tree('spec.strategy.rollingUpdate'),
      hostNetwork: flag('spec.template.spec.hostNetwork', false),
      everywhere: each('spec.template.spec.tolerations', { key: word('key', ''), operator: word('operator', '') }),
    },
    { labels: 'app.kubernetes.io/name=spiderpool' },
  ),
  nodes: list('nodes', { cordoned: flag('spec.unschedulable', false), os: label('kubernetes.io/os') }),
};
type Controller = Rows<typeof reads>['controllers'][number];
interface Args {
  name: string;
  replicas: number;
  nodes: number;
  /** spec.strategy.rollingUpdate as it stands. */
  rolling?: Json;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/controller-ports',
  title: { en: 'a new spiderpool-controller Pod finds a node with free ports', zh: '新的 spiderpool-controller Pod 有空闲的主机端口可用' },
  headline: { en: 'rollout of spiderpool-controller will hang: no free ports', zh: 'spiderpool-controller 滚动更新会因端口占用而卡住' },
  page: {
    impact: {
      en: 'spiderpool-controller uses ports of its node (5720–5722). With as many replicas as nodes and at most 3 of them, the new Pod stays Pending ("didn\'t have free ports") and no old Pod is stopped, since the default maxUnavailable of 25% rounds down to 0. helm upgrade --wait then fails. This includes the default install on one node.',
      zh: "spiderpool-controller 占用主机端口（5720–5722）。副本数不少于节点数且不超过 3 时，新的 Pod 会一直 Pending（“didn't have free ports”），而 maxUnavailable 默认的 25% 向下取整为 0，旧的 Pod 也不会停止，helm upgrade --wait 因此失败。单节点的默认安装也属于这种情况。",
    },
    detection: {
      en: 'Compares replicas with the Linux nodes that the Deployment can use, and computes maxUnavailable as Kubernetes does. Only with hostNetwork.',
      zh: '比较副本数与 Deployment 可用的 Linux 节点数，并按 Kubernetes 的规则计算 maxUnavailable。仅在使用 hostNetwork 时检查。',
    },
    fix: {
      en: 'Sets rollingUpdate to maxSurge 0 and maxUnavailable 1. The charts do not set the field, so helm leaves it. Undo sets it back.',
      zh: '将 rollingUpdate 设为 maxSurge 0、maxUnavailable 1。chart 未设置该字段，因此 helm 会保留。撤销时改回。',
    },
    limits: {
      en: "Ports taken by other programs are not seen. Spiderpool's upgrade guide suggests another httpPort, which alone does not help: webhookPort collides as well. Its example, 5 replicas on 5 nodes, does roll out.",
      zh: '看不到其他程序占用的端口。Spiderpool 的升级指南建议修改 httpPort，但仅修改它无效：webhookPort 同样冲突。指南中 5 个节点 5 个副本的例子实际可以完成更新。',
    },
  },
  sources: [
    'spidernet-io/spiderpool: charts/spiderpool/templates/deployment.yaml@v0.9.4, @v1.2.2; docs/usage/upgrade.md',
    'kubernetes/kubernetes: pkg/controller/deployment/util/deployment_util.go (ResolveFenceposts)',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ controllers, nodes }, { path: { installation, from, to } }) => {
    if (from === to) return [];
    return controllers.flatMap((controller) => {
      const { ref, instance, hostNetwork, replicas, rolling } = controller;
      if (ref.namespace !== installation.namespace || instance !== installation.name || !hostNetwork || !replicas) return [];
      const usable = nodes.filter((node) => (node.os ?? 'linux') === 'linux' && (!node.cordoned || toleratesAll(controller))).length;
      if (replicas < usable || !usable || !hangs(controller)) return [];
      return [found(ref, { name: ref.name, replicas, nodes: usable, rolling })];
    });
  },
  say: ({ name, replicas, nodes }) => ({
    en: `Deployment ${name} has ${replicas} replica${replicas === 1 ? '' : 's'} with hostNetwork on ${nodes} node${nodes === 1 ? '' : 's'}: the new Pod finds no free ports and the rollout hangs`,
    zh: `Deployment ${name} 在 ${nodes} 个节点上以 hostNetwork 运行 ${replicas} 个副本：新的 Pod 没有可用端口，滚动更新会卡住`,
  }),
  remedy: {
    writes: [{ verbs: ['get', 'patch'], group: 'apps', resource: 'deployments' }],
    steps: async (found) => found.flatMap(({ objects, args }) => objects.map((on) => inPlace(on, args))),
  },
};
export default check;

const toleratesAll = ({ everywhere }: Controller): boolean =>
  everywhere.some(({ key, operator }) => operator === 'Exists' && (key === '' || key === 'node.kubernetes.io/unschedulable'));

/** May no old Pod go before a new one is ready? A number, or a percentage of the replicas, rounded down. */
function hangs({ strategy, rolling, replicas }: Controller): boolean {
  if (strategy !== 'RollingUpdate') return false;
  const { maxUnavailable = '25%', maxSurge = '25%' } = (rolling ?? {}) as { maxUnavailable?: Json; maxSurge?: Json };
  const unavailable = partOf(maxUnavailable, replicas, Math.floor);
  // Both 0: Kubernetes takes 1 (ResolveFenceposts).
  return unavailable === 0 && partOf(maxSurge, replicas, Math.ceil) > 0;
}

function partOf(value: Json, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d{1,3})%$/.exec(String(value))?.[1];
  return percent === undefined ? Number.NaN : round((Number(percent) * of) / 100);
}

const found = (on: Ref, args: Args): Finding<Args> =>
  finding({
    severity: 'blocker',
    key: [on.name],
    objects: [on],
    args,
    evidence: [{ seen: `spec.replicas: ${args.replicas}; spec.strategy.rollingUpdate: ${inOrder(args.rolling)}` }],
  });

/** Fields in the order of their names, whatever order they were stored in. */
const inOrder = (rolling: Json | undefined): string =>
  JSON.stringify(isRaw(rolling) ? Object.fromEntries(Object.entries(rolling).sort()) : null);

function inPlace(on: Ref, { rolling, replicas }: Args): StepDraft {
  return {
    ...{ do: 'patch', on, undo: 'exact' },
    changes: [{ path: ROLLING, ...(rolling === undefined ? {} : { before: rolling }), after: IN_PLACE }],
    guard: [
      {
        on,
        must: [
          { path: '/spec/template/spec/hostNetwork', is: true },
          { path: '/spec/replicas', is: replicas },
        ],
      },
    ],
    text: {
      en: `set rollingUpdate of Deployment ${on.namespace}/${on.name} to maxSurge 0, maxUnavailable 1, so that an old Pod goes first`,
      zh: `将 Deployment ${on.namespace}/${on.name} 的 rollingUpdate 设为 maxSurge 0、maxUnavailable 1，使旧的 Pod 先停止`,
    },
  };
}
