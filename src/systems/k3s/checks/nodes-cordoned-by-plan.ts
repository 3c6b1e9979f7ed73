// Nodes that a failed Plan of the system-upgrade-controller left cordoned. How they are found and confirmed: cordon-findings.ts; who cordoned them: the table in cordons.ts;
// how they come back: repair.ts and remedy.ts.
import type { Certainty, Check, PointRead } from '../../../engine/contracts.ts';
import { CONFIG_MAPS, DEPLOYMENTS } from '../controller.ts';
import { type Args, CORDON_READS, type CordonReads, findings } from '../cordon-findings.ts';
import { CERTAINTY } from '../cordons.ts';
import { NODE_NOW, PLANS } from '../reads.ts';
import { repairSteps } from '../remedy.ts';

const check: Check<CordonReads, Args> = {
  id: 'k3s/nodes-cordoned-by-plan',
  title: { en: 'no node is left cordoned by a failed Plan', zh: '没有节点因 Plan 失败而处于封锁状态' },
  headline: { en: 'nodes left cordoned by a failed Plan', zh: 'Plan 失败后节点仍处于封锁状态' },
  page: {
    impact: {
      en: 'The system-upgrade-controller cordons (or drains) a node before upgrading it and uncordons it only if the upgrade Job succeeds. If the Job fails (image refuses a downgrade, image pull error, deadline), the node stays cordoned and keeps using one of the concurrency slots of the Plan.',
      zh: 'system-upgrade-controller 升级节点前会先封锁（cordon）或腾空（drain）节点，只有升级 Job 成功后才取消封锁。Job 失败时（镜像拒绝降级、镜像拉取失败、超时），节点会一直处于封锁状态，并占用 Plan 的一个并发名额。',
    },
    detection: {
      en: 'Who cordoned the node is decided from the kubectl log in the Pods of the Job, the timestamps in managedFields and the Plan status. Nodes cordoned by anyone else are ignored.',
      zh: '根据 Job Pod 中的 kubectl 日志、managedFields 的时间戳和 Plan 的 status 判断封锁的来源；并非由 Plan 封锁的节点会被忽略。',
    },
    fix: {
      en: 'Uncordons a node that the Plan has already finished with. Otherwise sets the Plan to the version that its nodes run (if it names that version already: deletes its failed Jobs and touches the Plan), and the controller uncordons them. If that is not possible: excludes the node from a Plan that succeeded on other nodes, deletes its Job and uncordons it; or deletes the Plan and its Jobs, then uncordons it.',
      zh: 'Plan 已处理完该节点时，直接取消封锁。否则将 Plan 的版本改为节点当前运行的版本；如果 Plan 已是该版本，则删除失败的 Job 并更新 Plan 的注解：随后由控制器取消封锁。如果无法这样做，且 Plan 已在其他节点上成功，则将该节点排除在 Plan 之外，删除其 Job 并取消封锁；否则删除 Plan 及其 Job，然后取消封锁。',
    },
    limits: {
      en: 'Clusters that Rancher manages, and Plans that Argo CD or Flux own, are changed where they are declared. A node whose cordon cannot be attributed is only named.',
      zh: '由 Rancher 管理的集群、由 Argo CD 或 Flux 管理的 Plan，需在其声明处修改。无法确定封锁来源的节点只会列出。',
    },
  },
  sources: [
    'docs.k3s.io/upgrades/automated (downgrade prevention, recovery)',
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/handle_batch.go, pkg/upgrade/job/job.go',
    'rancher/system-upgrade-controller: issues 71, 341, pull request 369',
    'k3s-io/k3s-upgrade v1.36.1+k3s1: scripts/upgrade.sh',
    {
      en: 'k3s-io/k3s: issue 14282 (a retargeted Plan that runs nowhere)',
      zh: 'k3s-io/k3s: issue 14282（Plan 更换目标版本后不在任何节点运行）',
    },
  ],
  applies: { stage: 'both' },
  reads: CORDON_READS,
  pointReads: [NODE_NOW, { resource: PLANS }, { resource: 'pods', verb: 'log' }, DEPLOYMENTS, CONFIG_MAPS] satisfies PointRead[],
  judge: (rows, { look }) => findings(rows, look),
  say: ({ node, plan, row }) => ({
    en: `Node ${node} ${SAID[CERTAINTY[row] ?? 'low'].en(plan)}`,
    zh: `Node ${node} ${SAID[CERTAINTY[row] ?? 'low'].zh(plan)}`,
  }),
  remedy: {
    writes: [
      { verbs: ['get', 'patch'], group: '', resource: 'nodes' },
      { verbs: ['delete', 'get', 'patch'], group: 'upgrade.cattle.io', resource: 'plans' },
      { verbs: ['delete', 'get'], group: 'batch', resource: 'jobs' },
    ],
    steps: async (found) => repairSteps(found.map(({ args }) => args.left)),
  },
};
export default check;

const PROVEN = {
  en: (plan: string) => `was left cordoned by Plan ${plan}`,
  zh: (plan: string) => `因 Plan ${plan} 失败而仍处于封锁状态`,
};
const SAID: Record<Certainty, typeof PROVEN> = {
  certain: PROVEN,
  high: PROVEN,
  medium: { en: (plan) => `is cordoned, probably by Plan ${plan}`, zh: (plan) => `处于封锁状态，推断由 Plan ${plan} 造成` },
  low: {
    en: (plan) => `is cordoned, possibly by Plan ${plan} (not enough evidence)`,
    zh: (plan) => `处于封锁状态，证据不足以确定由 Plan ${plan} 造成`,
  },
};
