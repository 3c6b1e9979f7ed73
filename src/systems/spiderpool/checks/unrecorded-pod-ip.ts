// IPs that a running Pod uses and its pool has not allocated to it: the next IP conflict, before it happens.
// Sources: issues 3751, 3817 (the record of a running Pod was released); UpdateAllocatedIPs in pkg/ippoolmanager/ippool_manager.go@v0.9.13.
// The check finds and confirms; whether the record can be put back, and the steps, stand in unrecorded.ts.
import type { Check, PointReader, Text } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import { type AddressRows, apiVersionOf, type Hold, holdOf, nameOf, settle, sharedAddresses } from '../ledger.ts';
import { ADDRESS_READS, budgets, endpoints, pods, pools } from '../reads.ts';
import { isClear, oddClaims, oddRanges, RECORD_RIGHTS, readPool } from '../records.ts';
import { RESTART_RIGHTS, type Restart } from '../restart.ts';
import { isRecordOf, suspicionsOf, type Unrecorded } from '../suspicions.ts';
import { type Look, type MissingRecord, missingRecord, unrecordedSteps } from '../unrecorded.ts';
import { POD_WEBHOOK_READS } from '../webhook-refusal.ts';

const reads = { pods, endpoints, pools, budgets };

const check: Check<typeof reads, MissingRecord> = {
  id: 'spiderpool/unrecorded-pod-ip',
  title: { en: 'every IP used by a running Pod is allocated to it', zh: '运行中的 Pod 使用的 IP 均已在 IPPool 中分配给它' },
  headline: { en: 'running Pods use IPs that their IPPool has not allocated', zh: '运行中的 Pod 使用的 IP 未在 IPPool 中分配给它' },
  page: {
    impact: {
      en: 'An IPPool assigns an IP that it has no record of to the next Pod that asks: an unrecorded IP is a conflict waiting to happen. Left behind by IP garbage collection in 0.8.7 and older and in 0.9.0–0.9.4.',
      zh: 'IPPool 会把没有记录的 IP 分配给下一个申请的 Pod，未记录的 IP 就是潜在的冲突。原因是 0.8.7 及更早版本和 0.9.0–0.9.4 的 IP 回收缺陷。',
    },
    detection: {
      en: 'Compares the IPs of SpiderEndpoints and Pods with status.allocatedIPs of the pools; suspects are read again twice, a second apart. IPs that two running Pods already share are reported by duplicate-pod-ip.',
      zh: '将 SpiderEndpoint 和 Pod 的 IP 与地址池的 status.allocatedIPs 比较；可疑项间隔一秒重读两遍。两个运行中的 Pod 已共用的 IP 由 duplicate-pod-ip 报告。',
    },
    fix: {
      en: 'Restores the record if no other object holds the IP and the pool can assign it (undo: exact). Otherwise evicts the Pod as duplicate-pod-ip does (cannot be undone).',
      zh: '没有其他持有者且地址池可以分配该 IP 时恢复记录（可完全撤销）；否则按 duplicate-pod-ip 的方式驱逐 Pod（无法撤销）。',
    },
    limits: { en: 'Pods without a controller and KubeVirt VMs are manual.', zh: '没有控制器的 Pod 和 KubeVirt 虚拟机需手动处理。' },
  },
  sources: [
    'spidernet-io/spiderpool: issues 3751, 3817',
    'spidernet-io/spiderpool: pkg/ippoolmanager/ippool_manager.go@v0.9.13 (UpdateAllocatedIPs, ReleaseIP)',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: ADDRESS_READS,
  async judge(rows, { look, path }) {
    const version = typeof path.from === 'string' ? path.from : undefined;
    const suspects = suspectsOf(rows);
    const gaps = [...suspicionsOf(rows).odd, ...oddRanges(rows.pools), ...oddClaims(rows)];
    if (!suspects.length) return { findings: [], gaps };
    const first = await lookedAt(suspects, rows, look);
    if (!first.length) return { findings: [], gaps };
    await settle();
    const second = await lookedAt(
      first.map(({ suspect }) => suspect),
      rows,
      look,
    );
    return { findings: second.map((look) => missingRecord(look, rows, version)), gaps };
  },
  say: ({ address, pool, instead, holder }) => ({
    en: `${nameOf(holder.pod)} uses ${address}, which ${instead ? `SpiderIPPool ${pool} has allocated to ${another(instead, holder).en}` : `is not allocated in SpiderIPPool ${pool}`}`,
    zh: `${nameOf(holder.pod)} 使用 ${address}，而 SpiderIPPool ${pool} ${instead ? `已将其分配给${another(instead, holder).zh}` : '没有它的分配记录'}`,
  }),
  remedy: {
    pointReads: [...ADDRESS_READS.filter(({ resource }) => resource === endpoints.resource), ...POD_WEBHOOK_READS],
    writes: [...RESTART_RIGHTS, ...RECORD_RIGHTS],
    steps: (found, at) => unrecordedSteps(found, at),
  },
};
export default check;

// ---- looking --------------------------------------------------------------------------------------------------------

/** What two running Pods share is the matter of duplicate-pod-ip. */
function suspectsOf(rows: AddressRows): Unrecorded[] {
  const { unrecorded } = suspicionsOf(rows);
  if (!unrecorded.length) return [];
  const twice = sharedAddresses(rows);
  return unrecorded.filter(({ address }) => !twice.has(address));
}

/** Endpoint and Pod, then the pool, then the Pod once more: the record was missing while the Pod lived and used the address. */
async function lookedAt(suspects: Unrecorded[], rows: AddressRows, look: PointReader): Promise<Look[]> {
  const hold = ({ pod, address }: Unrecorded) => holdOf(pod, address, apiVersionOf(rows), look);
  const held = await each(suspects, async (suspect) => ({ suspect, hold: await hold(suspect) }));
  const still = held.filter((one): one is { suspect: Unrecorded; hold: Hold } => one.hold !== undefined);
  const wanted = [...new Set(still.map(({ suspect }) => suspect.pool))];
  const read = new Map(await each(wanted, async (pool) => [pool.name, await readPool(pool, look)] as const));
  const missing = still.flatMap(({ suspect, hold }) => {
    const pool = read.get(suspect.pool.name);
    return pool && isClear(pool, suspect.address) && !isRecordOf(pool.records.get(suspect.address), hold.claim?.endpoint.name, hold.pod)
      ? [{ suspect, hold, pool }]
      : [];
  });
  const again = await each(missing, async (look) => ({ ...look, hold: await hold(look.suspect) }));
  return again.filter((look): look is Look => look.hold !== undefined);
}

/** Whom the record names; of the same name it can only be another by its uid. */
const another = (instead: string, { pod }: Restart): Text =>
  instead === nameOf(pod)
    ? { en: 'an earlier Pod of the same name (different UID)', zh: '此前的同名 Pod（UID 不同）' }
    : { en: instead, zh: ` ${instead}` };
