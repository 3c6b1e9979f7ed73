// Whether controller and agents run what their Deployment and DaemonSet say, on every node, before an upgrade begins and after it.
// Sources: docs/usage/upgrade.md; k8s.io/kubectl pkg/polymorphichelpers/rollout_status.go.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, RowOf } from '../../../engine/contracts.ts';
import { each, label, list, number, word } from '../../../engine/read/index.ts';

const COMMON = {
  instance: label('app.kubernetes.io/instance'),
  generation: number('metadata.generation', 0),
  observed: number('status.observedGeneration'),
  containers: each('spec.template.spec.containers', { image: word('image', '') }),
};
const CONTROLLER = {
  ...COMMON,
  wanted: number('spec.replicas', 1),
  updated: number('status.updatedReplicas', 0),
  ready: number('status.readyReplicas', 0),
};
const AGENT = {
  ...COMMON,
  wanted: number('status.desiredNumberScheduled', 0),
  updated: number('status.updatedNumberScheduled', 0),
  ready: number('status.numberReady', 0),
};
const OWN = { labels: 'app.kubernetes.io/name=spiderpool' } as const;
const reads = { controllers: list('deployments.apps', CONTROLLER, OWN), agents: list('daemonsets.apps', AGENT, OWN) };
type Workload = RowOf<typeof CONTROLLER>;

interface Args {
  kind: string;
  name: string;
  wanted: number;
  updated: number;
  ready: number;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/rollout',
  title: {
    en: 'all Pods of spiderpool-controller and spiderpool-agent are ready',
    zh: 'spiderpool-controller 和 spiderpool-agent 的 Pod 均已就绪',
  },
  headline: { en: 'Pods of spiderpool-controller or agent are not ready', zh: 'spiderpool-controller 或 agent 的 Pod 未就绪' },
  page: {
    impact: {
      en: 'Without a ready spiderpool-agent no Pod on that node gets an IP. Without a ready spiderpool-controller its webhooks (failurePolicy Fail) reject every change of Spiderpool objects, so an upgrade and its fixes stop unfinished.',
      zh: '节点上没有就绪的 spiderpool-agent 时，该节点的 Pod 无法分配 IP。没有就绪的 spiderpool-controller 时，其 webhook（failurePolicy Fail）会拒绝对 Spiderpool 对象的所有修改，升级和修复会中途停止。',
    },
    detection: {
      en: 'Reads the status of the Deployment and the DaemonSet of the release, as kubectl rollout status does.',
      zh: '与 kubectl rollout status 相同，读取 release 的 Deployment 和 DaemonSet 的状态。',
    },
    fix: {
      en: 'manual: see the events of the Pods that are not ready. Pending with "didn\'t have free ports" is the case of controller-ports.',
      zh: "手动：查看未就绪 Pod 的事件。如果 Pending 且提示“didn't have free ports”，见 controller-ports。",
    },
    limits: { en: 'A workload whose status was never written is not judged.', zh: '尚未写入状态的工作负载不作判断。' },
  },
  sources: [
    'spidernet-io/spiderpool: charts/spiderpool/templates/{deployment,daemonset,tls}.yaml@v0.9.4',
    'kubernetes/kubectl: pkg/polymorphichelpers/rollout_status.go',
  ],
  applies: { stage: 'both' },
  reads,
  judge: ({ controllers, agents }, { path: { installation } }) =>
    [...controllers, ...agents].flatMap((row) => {
      const isOwn = row.ref.namespace === installation.namespace && row.instance === installation.name && isSpiderpools(row);
      if (!isOwn || row.observed === undefined || !isBehind(row)) return [];
      return [found(row)];
    }),
  say: ({ kind, name, wanted, updated, ready }) => ({
    en: `${kind} ${name}: ${ready} of ${wanted} Pods ready, ${updated} of ${wanted} updated`,
    zh: `${kind} ${name}：${wanted} 个 Pod 中 ${ready} 个就绪、${updated} 个已更新`,
  }),
};
export default check;

/** Subcharts have the same labels. */
const isSpiderpools = ({ containers }: Workload): boolean =>
  containers.some(({ image }) => /\/spiderpool-(?:agent|controller)[:@]/.test(image));

const isBehind = ({ generation, observed, wanted, updated, ready }: Workload): boolean =>
  (observed ?? 0) < generation || updated < wanted || ready < wanted;

/** Pods that cannot get an IP, or webhooks that reject all; with some ready it works, and the upgrade would come on top of a rollout. */
function found({ ref, wanted, updated, ready, generation, observed }: Workload): Finding<Args> {
  return finding<Args>({
    severity: ready === 0 && wanted > 0 ? 'blocker' : 'warning',
    key: [ref.kind, ref.name],
    objects: [ref] as Ref[],
    args: { kind: ref.kind, name: ref.name, wanted, updated, ready },
    evidence: [{ seen: `metadata.generation: ${generation}; status.observedGeneration: ${observed}` }],
  });
}
