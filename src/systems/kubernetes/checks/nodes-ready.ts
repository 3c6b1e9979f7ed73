// Nodes that are not Ready before an upgrade: a drain elsewhere has less room, and afterwards old damage cannot be told from new. kubeadm refuses to upgrade over a
// control-plane node that is not Ready (cmd/kubeadm/app/phases/upgrade/health.go).
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { each, label, list, word } from '../../../engine/read/index.ts';

const reads = {
  nodes: list('nodes', {
    controlPlane: label('node-role.kubernetes.io/control-plane'),
    conditions: each('status.conditions', { type: word('type'), status: word('status'), reason: word('reason', '') }),
  }),
};
interface Args {
  role: 'control-plane' | 'worker';
  reason: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/nodes-ready',
  title: { en: 'every Node is Ready', zh: '所有节点均已就绪' },
  headline: { en: 'Nodes are not Ready', zh: '有 Node 未就绪' },
  page: {
    impact: {
      en: 'A Node that is not Ready cannot be drained or upgraded, and takes no Pods that are evicted from other Nodes. kubeadm refuses to upgrade while a control-plane node is not Ready.',
      zh: '未就绪的 Node 无法腾空或升级，也不能接收从其他节点驱逐的 Pod。控制平面节点未就绪时 kubeadm 会拒绝升级。',
    },
    detection: { en: 'Reads condition Ready of each Node.', zh: '读取每个 Node 的 Ready 状况。' },
    fix: { en: 'manual: fix or remove these Nodes.', zh: '手动：修复或移除这些节点。' },
  },
  sources: ['kubernetes/kubernetes: cmd/kubeadm/app/phases/upgrade/health.go'],
  applies: { stage: 'both' },
  reads,
  judge: ({ nodes }) => {
    const down = nodes.flatMap(({ ref, controlPlane, conditions }) => {
      const ready = conditions.find(({ type }) => type === 'Ready');
      if (ready?.status === 'True') return [];
      return [
        {
          ref,
          role: controlPlane === undefined ? ('worker' as const) : ('control-plane' as const),
          reason: ready?.reason || 'NodeStatusUnknown',
        },
      ];
    });
    return [...Map.groupBy(down, ({ role, reason }) => `${role} ${reason}`).values()].map(finding);
  },
  say: ({ role, reason }, { length }) => ({
    en: `${length} ${role} Node${length === 1 ? '' : 's'} not Ready: ${reason}`,
    zh: `${length} 个${ROLE[role].zh}节点未就绪：${reason}`,
  }),
};
export default check;

const ROLE: Record<Args['role'], Text> = { worker: { en: 'worker', zh: '工作' }, 'control-plane': { en: 'control-plane', zh: '控制平面' } };

function finding(same: { ref: Ref; role: Args['role']; reason: string }[]): Finding<Args> {
  const { role, reason } = same[0]!;
  return {
    severity: role === 'worker' ? 'warning' : 'blocker',
    key: [role, reason],
    certainty: 'certain',
    objects: same.map(({ ref }) => ref),
    args: { role, reason },
    evidence: [{ seen: `status.conditions[type=Ready].reason=${reason}`, at: same[0]!.ref }],
  };
}
