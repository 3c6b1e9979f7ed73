// Kubelets that restart all their running containers when they are replaced in place, without a drain: the hash that they compare is made in another way.
// Source: the rows of knowledge/container-hash.json (kubernetes 63814, 124220, 129385).
import type { Check, Finding, Ref } from '../../../engine/contracts.ts';
import { list, word } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { containerHash } from '../knowledge/tables.ts';
import { isDrained } from '../nodes-way.ts';

const reads = { nodes: list('nodes', { kubelet: word('status.nodeInfo.kubeletVersion', '') }) };
interface Args {
  from: string;
  to: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/container-restart',
  title: { en: 'containers keep running while kubelets are upgraded in place', zh: '原地升级 kubelet 时容器保持运行' },
  headline: { en: 'upgrading a kubelet in place restarts all containers', zh: '原地升级 kubelet 会重启所有容器' },
  page: {
    impact: {
      en: 'A kubelet restarts each container whose hash has changed. Across these versions every hash changes, so an upgrade without a drain restarts all containers of the Node at once.',
      zh: 'kubelet 会重启哈希发生变化的容器。跨越某些 kubelet 版本时，所有容器的哈希都会变化，因此不腾空节点直接升级会同时重启该节点上的所有容器。',
    },
    detection: {
      en: 'Compares the kubelet of each Node and the target version with the versions at which the hash changed.',
      zh: '将各 Node 的 kubelet 版本及目标版本与哈希发生变化的版本比较。',
    },
    fix: { en: 'manual: drain each Node before its kubelet is upgraded.', zh: '手动：升级 kubelet 前先腾空节点。' },
    limits: {
      en: 'Concerns upgrades without a drain only. With --nodes drain it does not apply; with --nodes in-place it is a warning.',
      zh: '仅涉及不腾空节点的升级。使用 --nodes drain 时不适用；使用 --nodes in-place 时为警告。',
    },
  },
  sources: ['kubernetes/kubernetes: pkg/kubelet/container/helpers.go, issues 63814, 129385, PR 124220'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ nodes }, at) => {
    const drained = isDrained(at);
    if (drained) return drained;
    const { hops } = at.path;
    const last = minorOf(hops.at(-1) ?? '');
    return containerHash()
      .boundaries.filter(({ to, restartsAll }) => restartsAll && minorOf(to) <= last)
      .flatMap(({ from, to }): Finding<Args>[] => {
        const behind = nodes.filter(({ kubelet }) => minorOf(kubelet) <= minorOf(from));
        const hop = hops.includes(to) ? to : undefined;
        return behind.length ? [finding({ from, to }, behind, hop, at.nodes === 'in-place' ? 'warning' : 'notice')] : [];
      });
  },
  say: ({ to }, { length }) => ({
    en: `${length} Node${length === 1 ? '' : 's'} with a kubelet older than ${to}: upgraded in place, ${length === 1 ? 'it restarts' : 'they restart'} every running container`,
    zh: `${length} 个 Node 的 kubelet 低于 ${to}：原地升级会重启所有运行中的容器`,
  }),
};
export default check;

const finding = (
  args: Args,
  nodes: { ref: Ref; kubelet: string }[],
  hop: string | undefined,
  severity: Finding['severity'],
): Finding<Args> => ({
  severity,
  key: [args.from, args.to],
  certainty: 'high',
  objects: nodes.map(({ ref }) => ref),
  args,
  evidence: [{ seen: `status.nodeInfo.kubeletVersion=${nodes[0]!.kubelet}`, at: nodes[0]!.ref }],
  hop,
});
