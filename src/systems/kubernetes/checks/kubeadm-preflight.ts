// The test Pod of kubeadm's preflight check CreateJob: it has to end within 15 s (1 minute from kubeadm 1.36 on), so a Node has to take it. kubeadm passes over the check where every Node is cordoned,
// but not where those that are not cordoned are not Ready or have a taint that the Pod does not tolerate. Sources: cmd/kubeadm/app/phases/upgrade/health.go of 1.29.15 to 1.37.2; kubernetes/kubeadm
// 3050 (up to 1.29 its failure is overwritten; 1.30.0 does not look for cordoned Nodes), kubernetes 124503, 136273.
import type { Check, Finding, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, flag, label, list, word } from '../../../engine/read/index.ts';
import { minor, minorOf, satisfies } from '../../../versions/kubernetes.ts';
import { providersMatter } from '../managed.ts';
import { PREFLIGHT_SINCE, preflightSeconds } from '../upgrade-kubeadm.ts';

const NODE = {
  aks: label('kubernetes.azure.com/cluster'),
  cordoned: flag('spec.unschedulable', false),
  taints: each('spec.taints', { key: word('key', ''), value: word('value', ''), effect: word('effect', '') }),
  conditions: each('status.conditions', { type: word('type', ''), status: word('status', '') }),
};
type Node = RowOf<typeof NODE>;
const reads = { nodes: list('nodes', NODE) };
const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };
interface Args {
  is: 'cordoned' | 'unfit';
  /** Of kubeadm. */
  version: string;
  seconds: number;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/kubeadm-preflight',
  title: { en: 'a Node can run the test Pod of kubeadm upgrade', zh: '有节点可运行 kubeadm upgrade 的测试 Pod' },
  headline: { en: 'Nodes cannot run the test Pod of kubeadm upgrade', zh: '没有节点可运行 kubeadm upgrade 的测试 Pod' },
  page: {
    impact: {
      en: 'kubeadm upgrade apply and kubeadm upgrade plan first run a test Pod (Job upgrade-health-check in kube-system). If it does not complete within 15 s (1 minute from 1.36 on), kubeadm stops with ERROR CreateJob.',
      zh: '“kubeadm upgrade apply”和“kubeadm upgrade plan”会先运行一个测试 Pod（kube-system 中的 Job upgrade-health-check）。如果 15 秒内（自 1.36 起为 1 分钟）没有结束，kubeadm 会报告 ERROR CreateJob 并停止。',
    },
    detection: {
      en: 'Looks for a Node that is Ready, not cordoned, and without a taint other than node-role.kubernetes.io/control-plane:NoSchedule, the only one that the Pod tolerates. If every Node is cordoned, kubeadm skips the test (except 1.30.0). kubeadm 1.29 and older do not stop if the test fails.',
      zh: '查找已就绪、未封锁、且污点均为该 Pod 所容忍的节点；该 Pod 只容忍 node-role.kubernetes.io/control-plane:NoSchedule。所有节点都处于封锁状态时，kubeadm 会跳过该测试（1.30.0 除外）。kubeadm 1.29 及更早版本不会因此停止。',
    },
    fix: {
      en: 'manual: before kubeadm runs, make a Node Ready, uncordon one or remove the taint from one. Or accept it and run kubeadm with --ignore-preflight-errors=CreateJob.',
      zh: '手动：运行 kubeadm 之前，使一个节点就绪，或取消封锁、移除其污点。也可接受该问题，并为 kubeadm 加上 --ignore-preflight-errors=CreateJob。',
    },
    limits: {
      en: 'How long it takes to pull the pause image, and whether the Node has room for one more Pod, is not checked.',
      zh: '不检查拉取其镜像（“pause”）所需的时间，也不检查节点能否再运行一个 Pod。',
    },
  },
  sources: [
    'kubernetes/kubernetes: cmd/kubeadm/app/phases/upgrade/health.go',
    'kubernetes/kubeadm#3050, kubernetes/kubernetes#124503, #136248, #136273',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  pointReads: [{ resource: 'configmaps', names: [CONFIG.name], columns: [] }],
  judge: async ({ nodes }: Rows<typeof reads>, { path: { from, to = '', hops }, look }) => {
    const theirs = providersMatter(from, nodes);
    if (theirs) return theirs;
    const config = await look.get(CONFIG);
    if (isGap(config)) return [];
    if (!config) return { notApplicable: NONE };
    if (from === to) return [];
    const versions = [...hops.slice(0, -1), to];
    const version = versions.find((each) => minorOf(each) >= PREFLIGHT_SINCE);
    if (version === undefined) return [];
    const open = nodes.filter(({ cordoned }) => !cordoned);
    if (open.some(runsIt)) return [];
    if (open.length) return [finding('unfit', version, open)];
    // Only this patch does not pass over the check.
    return nodes.length && version.startsWith('v') && satisfies(version, '>=1.30.0 <1.30.1') ? [finding('cordoned', version, nodes)] : [];
  },
  say: ({ is, version, seconds }, { length }) => {
    const nodes = `${length} Node${length === 1 ? '' : 's'}`;
    const [en, zh] = is === 'cordoned' ? ['cordoned', '处于封锁状态'] : ['not ready or tainted', '未就绪或有污点'];
    return {
      en: `kubeadm ${version} stops: its test Pod must complete within ${seconds} s, and no Node can run it (${nodes} ${en})`,
      zh: `kubeadm ${version} 会停止：其测试 Pod 须在 ${seconds} 秒内结束，而没有节点可运行它（${length} 个 Node ${zh}）`,
    };
  },
};
export default check;

const NONE: Text = {
  en: 'there is no ConfigMap kube-system/kubeadm-config: kubeadm did not install this cluster',
  zh: '没有 ConfigMap kube-system/kubeadm-config：该集群不是由 kubeadm 安装的',
};

const isReady = ({ conditions }: Node): boolean => conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
/** The Pod tolerates the taint that kubeadm itself gives, with no value. */
const repels = ({ key, value, effect }: Node['taints'][number]): boolean =>
  effect !== 'PreferNoSchedule' && !(key === 'node-role.kubernetes.io/control-plane' && value === '' && effect === 'NoSchedule');
const runsIt = (node: Node): boolean => isReady(node) && !node.taints.some(repels);

function why(node: Node): string {
  if (node.cordoned) return 'spec.unschedulable=true';
  const taint = node.taints.find(repels);
  if (isReady(node) && taint) return `spec.taints[key=${taint.key}${taint.value && `,value=${taint.value}`},effect=${taint.effect}]`;
  return `status.conditions[type=Ready].status=${node.conditions.find(({ type }) => type === 'Ready')?.status ?? ''}`;
}

const finding = (is: Args['is'], version: string, nodes: readonly Node[]): Finding<Args> => ({
  severity: 'warning',
  key: [is],
  certainty: 'high',
  objects: nodes.map(({ ref }) => ref),
  args: { is, version, seconds: preflightSeconds(version) },
  evidence: nodes.slice(0, 3).map((node) => ({ seen: why(node), at: node.ref })),
  hop: minor(minorOf(version)),
});
