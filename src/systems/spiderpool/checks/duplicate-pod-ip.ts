// Two running Pods that share one IP: left behind by IP garbage collection in 0.8.7 and older and in 0.9.0 to 0.9.4, which released IPs of running Pods.
// Sources: issues 2526, 3751, 3817; pull requests 3778, 3912, 3914; overlapping pools are refused by the webhook (pkg/ippoolmanager/ippool_validate.go),
// so that within Spiderpool one address is one place in the network.
// Three questions, one file each: whether the conflict is real (conflicts.ts), who keeps the IP (keeper.ts), how the others lose it (conflict-steps.ts).
import type { Check, Screen } from '../../../engine/contracts.ts';
import { conflictSteps } from '../conflict-steps.ts';
import { conflictsIn, namesIn } from '../conflicts.ts';
import type { Conflict } from '../keeper.ts';
import { nameOf } from '../ledger.ts';
import { rowsOf, type Suspicion, suspect, TABLES, thereOf } from '../quick.ts';
import { ADDRESS_READS, budgets, endpoints, pods, pools } from '../reads.ts';
import { oddClaims, oddRanges, RECORD_RIGHTS } from '../records.ts';
import { RESTART_RIGHTS, type Restart } from '../restart.ts';
import { terminatingText, usedByTerminating } from '../terminating.ts';
import { POD_WEBHOOK_READS } from '../webhook-refusal.ts';

const reads = { pods, endpoints, pools, budgets };

const quickReads = { pools, budgets };
const screen: Screen<typeof TABLES, typeof quickReads, Suspicion, Conflict> = {
  tables: TABLES,
  suspect,
  reads: quickReads,
  pointReads: [{ resource: pods.resource, verb: 'list' }],
  async judge(suspicions, { pools, budgets }, at) {
    const rows = await rowsOf(suspicions, pools, at.look);
    return conflictsIn({ ...rows, budgets }, at, (names) => thereOf(names, rows, at.look));
  },
};

const check: Check<typeof reads, Conflict> = {
  id: 'spiderpool/duplicate-pod-ip',
  title: { en: 'no two running Pods share an IP', zh: '没有两个运行中的 Pod 使用同一 IP' },
  headline: { en: 'IP conflict: two running Pods share one IP', zh: 'IP 冲突：两个运行中的 Pod 使用同一 IP' },
  page: {
    impact: {
      en: 'In 0.8.7 and older, and in 0.9.0–0.9.4, IP garbage collection could release the IP of a running Pod, which was then assigned to another Pod. Upgrading prevents new conflicts but does not fix existing ones. A terminating Pod counts while its containers run: Spiderpool can release its IP before the kubelet has stopped it.',
      zh: '在 0.8.7 及更早版本和 0.9.0–0.9.4 中，IP 回收可能释放运行中 Pod 的 IP，随后又分配给其他 Pod。升级可避免新的冲突，但不会修复已有的冲突。正在终止的 Pod 在其容器停止之前也算：Spiderpool 可能在 kubelet 停止它之前就释放其 IP。',
    },
    detection: {
      en: 'Compares SpiderEndpoints, Pod status and the network-status of Multus, for IPv4 and IPv6. Ignored: host-network and completed Pods, and terminating ones whose containers have stopped; the Pods of one KubeVirt VM count as one. Every suspect is read again twice, so Pods that merely come and go are not reported.',
      zh: '比较 SpiderEndpoint、Pod 的 status 和 Multus 写入的 network-status，覆盖 IPv4 和 IPv6。忽略使用主机网络的 Pod、已结束的 Pod，以及正在终止且容器已停止的 Pod；同一 KubeVirt 虚拟机的 Pod 视为一个。可疑的 Pod 会重读两遍，不会误报正常的增减。',
    },
    fix: {
      en: 'The Pod recorded in the IPPool keeps the IP; without a record, the one whose SpiderEndpoint claims it, then one that cannot be evicted automatically, then the oldest. The others are evicted, so PodDisruptionBudgets are respected; for a StatefulSet Pod the SpiderEndpoint is deleted first, otherwise the same IP comes back. An eviction cannot be undone; a restored record can. In an upgrade that fixes IP garbage collection, records are restored before it and Pods evicted after it.',
      zh: 'IPPool 中有记录的 Pod 保留 IP；没有记录时按以下顺序选一个保留：其 SpiderEndpoint 声明该 IP 的 Pod、无法自动驱逐的 Pod、创建最早的 Pod。驱逐其余 Pod（遵守 PodDisruptionBudget）；StatefulSet 的 Pod 会先删除其 SpiderEndpoint，否则会取回同一 IP。驱逐无法撤销，恢复的记录可以撤销。如果本次升级会修复 IP 回收的缺陷，则先恢复记录，升级后再驱逐 Pod。',
    },
    limits: {
      en: 'Pods without a controller, KubeVirt VMs and terminating Pods are manual. --quick sees only conflicts on the first IP of each Pod, and none of terminating Pods.',
      zh: '没有控制器的 Pod、KubeVirt 虚拟机和正在终止的 Pod 需手动处理。--quick 只能发现 Pod 第一个 IP 上的冲突，且看不到正在终止的 Pod。',
    },
  },
  sources: [
    'spidernet-io/spiderpool: issues 2526, 3751, 3817; pull requests 3778, 3912, 3914',
    'spidernet-io/spiderpool: pkg/gcmanager, pkg/ipam/allocate.go, pkg/ipam/release.go@v0.9.13',
    'spidernet-io/spiderpool: pkg/ippoolmanager/ippool_validate.go@v0.9.4',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: ADDRESS_READS,
  // Which addresses of Pods concern Spiderpool hangs on the ranges of its pools.
  judge: async (rows, at) => ({
    findings: [
      ...(await conflictsIn(rows, at, async (names) => namesIn(rows, names))),
      ...(await usedByTerminating(rows, at.look, at.now)),
    ],
    gaps: [...oddRanges(rows.pools), ...oddClaims(rows)],
  }),
  screen,
  say: ({ address, holders, terminating }) => {
    const other = terminating && terminatingText(terminating);
    return {
      en: `${address} is used by ${[...holders.map(placed.en), ...(other ? [other.en] : [])].join(' and ')}`,
      zh: `${address} 同时被 ${[...holders.map(placed.zh), ...(other ? [other.zh] : [])].join('、')} 使用`,
    };
  },
  remedy: {
    pointReads: [...ADDRESS_READS.filter(({ resource }) => resource === endpoints.resource), ...POD_WEBHOOK_READS],
    writes: [...RESTART_RIGHTS, ...RECORD_RIGHTS],
    steps: (found, at) => conflictSteps(found, at),
  },
};
export default check;

const placed = {
  en: ({ pod, node }: Restart) => `${nameOf(pod)}${node ? ` on ${node}` : ''}`,
  zh: ({ pod, node }: Restart) => `${nameOf(pod)}${node ? `（节点 ${node}）` : ''}`,
};
