// IPs that a running Pod uses and its pool has not allocated to it: the next IP conflict, before it happens.
// Sources: issues 3751, 3817 (the record of a living Pod was released); UpdateAllocatedIPs in pkg/ippoolmanager/ippool_manager.go@v0.9.13.
import type { Check, Finding, Gap, PointReader, StepDraft, Text } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import type { BudgetRow } from '../../../kube/budgets.ts';
import { lives } from '../../../kube/refs.ts';
import { satisfies } from '../../../versions/chart.ts';
import {
  type AddressRows,
  apiVersionOf,
  gives,
  type Hold,
  holdOf,
  nameOf,
  recordKey,
  saidByPod,
  settle,
  sharedAddresses,
} from '../ledger.ts';
import { ADDRESS_READS, budgets, endpoints, pods, pools } from '../reads.ts';
import {
  inTurn,
  isClear,
  newRecord,
  oddClaims,
  oddRanges,
  type PoolNow,
  RECORD_RIGHTS,
  type RecordChange,
  readPool,
  recordAt,
  recordStep,
} from '../records.ts';
import { RESTART_RIGHTS, type Restart, restartOf, restarts } from '../restart.ts';
import { claimsOf } from '../rows.ts';
import { isRecordOf, suspicionsOf, type Unrecorded } from '../suspicions.ts';

const reads = { pods, endpoints, pools, budgets };

interface Args {
  address: string;
  pool: string;
  /** Whom the pool has it allocated to instead; '': none. */
  instead: string;
  holder: Restart;
  /** null: the record cannot simply be put back. */
  putBack: RecordChange | null;
  /** Why not; '' where it can. */
  because: '' | 'held' | 'outside' | 'no-endpoint' | 'old';
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/unrecorded-pod-ip',
  title: { en: 'every IP used by a running Pod is allocated to it', zh: '运行中的 Pod 使用的 IP 均已在 IPPool 中分配给它' },
  headline: { en: 'running Pods use IPs that their IPPool has not allocated', zh: '运行中的 Pod 使用的 IP 未在 IPPool 中分配给它' },
  page: {
    impact: {
      en: 'An IPPool assigns an IP that it has no record of to the next Pod that asks: an unrecorded IP is a conflict waiting to happen. Left behind by IP garbage collection in 0.8.7 and older and in 0.9.0–0.9.4.',
      zh: 'IPPool 会把没有记录的 IP 分配给下一个申请的 Pod，未记录的 IP 就是潜在的冲突。由 0.8.7 及更早版本和 0.9.0–0.9.4 的 IP 回收遗留。',
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
    return { findings: second.map((look) => finding(look, rows, version)), gaps };
  },
  say: ({ address, pool, instead, holder }) => ({
    en: `${nameOf(holder.pod)} uses ${address}, which ${instead ? `SpiderIPPool ${pool} has allocated to ${another(instead, holder).en}` : `is not allocated in SpiderIPPool ${pool}`}`,
    zh: `${nameOf(holder.pod)} 使用 ${address}，而 SpiderIPPool ${pool} ${instead ? `已将其分配给${another(instead, holder).zh}` : '没有它的分配记录'}`,
  }),
  remedy: {
    pointReads: ADDRESS_READS.filter(({ resource }) => resource === endpoints.resource),
    writes: [...RESTART_RIGHTS, ...RECORD_RIGHTS],
    async steps(found, { look }) {
      const records = inTurn(found.flatMap(({ args }) => (args.putBack ? [recorded(args.putBack, args)] : [])));
      const others = found.filter(({ args }) => !args.putBack);
      const wanted = others.map(({ args }) => ({ restart: args.holder, because: BECAUSE(args), guard: [], after: [] }));
      return [...records, ...(await restarts(wanted, look))];
    },
  },
};
export default check;

// ---- looking --------------------------------------------------------------------------------------------------------

interface Look {
  suspect: Unrecorded;
  hold: Hold;
  pool: PoolNow;
}

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

// ---- the finding ----------------------------------------------------------------------------------------------------

function finding(
  { suspect: { address }, hold, pool }: Look,
  rows: AddressRows & { budgets: BudgetRow[] | Gap },
  version?: string,
): Finding<Args> {
  const record = pool.records.get(address);
  const because = whyNotBack(address, hold, pool, rows);
  const at = { apiVersion: 'v1', kind: 'Pod', namespace: hold.pod.namespace, name: hold.pod.name };
  return {
    severity: 'warning',
    key: [pool.row.name, address],
    certainty: hold.claim ? 'certain' : 'medium',
    objects: [at],
    args: {
      address,
      pool: pool.row.name,
      instead: record?.pod ?? '',
      holder: restartOf(hold, rows.budgets),
      putBack: because === '' ? recordFor(address, hold, pool, version) : null,
      because,
    },
    evidence: [
      hold.claim
        ? { seen: `status.current.ips: ${address}`, at: { ...hold.claim.endpoint, uid: undefined } }
        : { seen: saidByPod(address), at },
      {
        seen: record
          ? `status.allocatedIPs: ${address} → ${record.pod}${record.pod === nameOf(hold.pod) ? `, podUid ${record.uid}` : ''}`
          : { en: `status.allocatedIPs: no ${address}`, zh: `status.allocatedIPs 中没有 ${address}` },
        at: { apiVersion: pool.row.apiVersion, kind: 'SpiderIPPool', name: pool.row.name },
      },
    ],
  };
}

function whyNotBack(address: string, { pod, claim }: Hold, { row, coding, records }: PoolNow, rows: AddressRows): Args['because'] {
  if (coding !== 'string') return 'old';
  if (!claim) return 'no-endpoint';
  if (!gives(row, address)) return 'outside';
  const others = rows.endpoints.filter((each) => !each.deleted && nameOf(each) !== nameOf(claim.endpoint));
  if (others.some((each) => claimsOf(each).some((other) => other.address === address))) return 'held';
  const record = records.get(address);
  const isThere = (one: { namespace: string; name: string }) => nameOf(one) === record?.pod;
  const itself = record?.pod === recordKey(pod, false) || record?.pod === nameOf(claim.endpoint);
  return record && !itself && (rows.pods.some(isThere) || others.some(isThere)) ? 'held' : '';
}

function recordFor(address: string, { pod, claim }: Hold, pool: PoolNow, version: string | undefined): RecordChange | null {
  if (!claim) return null;
  const hasInterface = version !== undefined && satisfies(version, '<0.8.2');
  return { ...recordAt(pool, address), after: newRecord(pool, nameOf(claim.endpoint), pod.uid, claim.interface, hasInterface) };
}

// ---- wording and steps ----------------------------------------------------------------------------------------------

/** Whom the record names; of the same name it can only be another by its uid. */
const another = (instead: string, { pod }: Restart): Text =>
  instead === nameOf(pod)
    ? { en: 'an earlier Pod of the same name (different UID)', zh: '此前的同名 Pod（UID 不同）' }
    : { en: instead, zh: ` ${instead}` };

const BECAUSE = ({ address, pool, because }: Args): Text =>
  ({
    held: { en: `because another object also holds ${address}`, zh: `因为 ${address} 另有持有者` },
    outside: { en: `because SpiderIPPool ${pool} cannot assign ${address}`, zh: `因为 SpiderIPPool ${pool} 不能分配 ${address}` },
    'no-endpoint': { en: `because no SpiderEndpoint of it has ${address}`, zh: `因为它没有带 ${address} 的 SpiderEndpoint` },
    old: { en: `because SpiderIPPool ${pool} has no record of ${address}`, zh: `因为 SpiderIPPool ${pool} 没有 ${address} 的记录` },
    '': { en: '', zh: '' },
  })[because];

function recorded(change: RecordChange, { holder, address, pool }: Args): StepDraft {
  const { endpoint, pod } = holder;
  return recordStep(change, [lives(pod), ...(endpoint ? [{ on: endpoint, must: 'exist' as const }] : [])], {
    en: `allocate ${address} in SpiderIPPool ${pool} to Pod ${nameOf(pod)}, which uses it`,
    zh: `在 SpiderIPPool ${pool} 中将 ${address} 分配给正在使用它的 Pod ${nameOf(pod)}`,
  });
}
