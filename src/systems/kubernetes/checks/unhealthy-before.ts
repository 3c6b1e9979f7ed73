// What is broken already: Pods that are not ready, cannot be scheduled or restart over and over. The baseline with which the check after the upgrade is compared, so that old
// damage is told from new: one finding for each workload, by its name and not by those of its Pods.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, RowOf } from '../../../engine/contracts.ts';
import { each, flag, label, list, time, word } from '../../../engine/read/index.ts';
import { workloadOf } from '../workloads.ts';

const status = { waiting: word('state.waiting.reason', '') };
const POD = {
  phase: word('status.phase', ''),
  tier: label('tier'),
  app: label('k8s-app'),
  created: time('metadata.creationTimestamp'),
  deleted: time('metadata.deletionTimestamp'),
  owners: each('metadata.ownerReferences', { kind: word('kind', ''), name: word('name', ''), controller: flag('controller', false) }),
  conditions: each('status.conditions', { type: word('type', ''), status: word('status', ''), since: time('lastTransitionTime') }),
  containers: each('status.containerStatuses', status),
  inits: each('status.initContainerStatuses', status),
};
type Pod = RowOf<typeof POD>;
const reads = {
  pods: list('pods', POD, { only: ({ phase, deleted }) => phase !== 'Succeeded' && phase !== 'Failed' && deleted === undefined }),
};
interface Args {
  state: string;
  /** Not ready, and not for 5 minutes yet. */
  young?: boolean;
  kind: string;
  name: string;
}
/** A Pod on its way up is not ready for a moment. */
const MOMENT = 5 * 60 * 1000;
/** Why a container waits that does not come up by itself. */
const STUCK = [
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
];

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/unhealthy-before',
  title: { en: 'every Pod is ready', zh: '所有 Pod 均已就绪' },
  headline: { en: 'Pods are not ready, Pending or restarting', zh: '有 Pod 未就绪、Pending 或反复重启' },
  page: {
    impact: {
      en: 'These Pods are broken before the upgrade. They can block a drain, and afterwards old damage cannot be told from new without this list.',
      zh: '这些 Pod 在升级前已有问题。它们可能阻止节点腾空；没有这份清单，升级后无法区分新旧问题。',
    },
    detection: {
      en: 'Reads phase, condition Ready and waiting reasons of Pods. If Pods have been in that state for less than 5 minutes, the finding says so: check again later. Pods of the control plane, kube-proxy and cluster DNS are a warning. Completed and terminating Pods are ignored.',
      zh: '读取 Pod 的阶段、Ready 状况和容器等待原因。处于该状态未满 5 分钟的 Pod 会注明，请稍后重新检查。控制平面、kube-proxy 和集群 DNS 的 Pod 为警告。已结束和正在终止的 Pod 会被忽略。',
    },
    fix: {
      en: 'manual: fix or scale down the workload. Or keep the list: save this result with -o json > before.json, after the upgrade another as after.json, then kubectl upgrade-guard compare before.json after.json.',
      zh: '手动：修复或缩容该工作负载。也可保留这份清单：用“-o json > before.json”保存本结果，升级后再保存为“after.json”，然后执行“kubectl upgrade-guard compare before.json after.json”。',
    },
  },
  sources: ['kubernetes/website: content/en/docs/concepts/workloads/pods/pod-lifecycle.md'],
  applies: { stage: 'both' },
  reads,
  judge: ({ pods }, { now }) => {
    const bad = pods.flatMap((pod) => {
      const state = stateOf(pod, now);
      return state ? [{ ...workloadOf(pod), ...state, needed: isNeeded(pod), ref: pod.ref }] : [];
    });
    const alike = ({ state, young, kind, name, ref }: (typeof bad)[number]) => [ref.namespace, kind, name, state, young].join(' ');
    return [...Map.groupBy(bad, alike).values()].map((same): Finding<Args> => {
      const { state, young, needed, kind, name, ref } = same[0]!;
      return finding({
        severity: needed && !young ? 'warning' : 'notice',
        key: [ref.namespace ?? '', kind, name, state, ...(young ? ['young'] : [])],
        objects: same.map(({ ref }) => ref),
        args: { state, ...(young ? { young } : {}), kind, name: `${ref.namespace}/${name}` },
        evidence: same.slice(0, 3).map(({ ref }) => ({ seen: state, at: ref })),
      });
    });
  },
  say: ({ state, young, kind, name }, { length }) => ({
    en: `${kind} ${name}: ${length} Pod${length === 1 ? '' : 's'} ${state}${young ? ' for less than 5 minutes: check again later' : ''}`,
    zh: `${kind} ${name}：${length} 个 Pod ${state}${young ? '，未满 5 分钟：请稍后重新检查' : ''}`,
  }),
};
export default check;

/** What the cluster itself runs on: an upgrade begins there. */
const isNeeded = ({ ref, tier, app }: Pod): boolean =>
  ref.namespace === 'kube-system' && (tier === 'control-plane' || app === 'kube-dns' || app === 'kube-proxy');

/** As kubectl names it; undefined: in order. */
function stateOf({ phase, created, conditions, containers, inits }: Pod, now: number): Pick<Args, 'state' | 'young'> | undefined {
  const stuck = [...inits, ...containers].find(({ waiting }) => STUCK.includes(waiting))?.waiting;
  if (stuck) return { state: stuck };
  const failing = (wanted: string) => conditions.find(({ type, status }) => type === wanted && status !== 'True');
  const young = (since: number | undefined) => (since !== undefined && now - since > MOMENT ? {} : { young: true });
  if (phase === 'Pending') return { state: 'Pending', ...young(failing('PodScheduled')?.since ?? created) };
  const ready = failing('Ready');
  return ready && { state: 'NotReady', ...young(ready.since) };
}
