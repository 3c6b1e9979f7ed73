// A record of a pool that belongs to nobody: its address is given to no one any more, and the pool runs dry.
// Sources: executeScanAll in pkg/gcmanager/scanAll_IPPool.go@v0.9.13 (what the IP garbage collection frees: no Pod and no endpoint of that name);
// IsValidVMPod in pkg/kubevirtmanager/kubevirt_manager.go@v0.9.13 (a machine keeps its address as long as its instance, or itself, is there).
import type { Check, Condition, Finding, Gap, PointReader, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { type AddressRows, apiVersionOf, each, nameOf, settle, someOf } from '../ledger.ts';
import { ADDRESS_READS, endpoints, pods, pools } from '../reads.ts';
import {
  inTurn,
  oddClaims,
  oddRecords,
  type PoolNow,
  poolOfRow,
  RECORD_RIGHTS,
  type RecordChange,
  readPool,
  recordAt,
  recordStep,
} from '../records.ts';
import { MACHINE, type PoolRow, wordsOf } from '../rows.ts';

/** Seconds for which nobody may turn up before a record is taken out. */
const LASTING = 60;
/** Seconds in which the watch must begin. */
const WITHIN = 30;
/** Records of one watch: each costs a small read a second. */
const PER_WAIT = 50;

const reads = { pods, endpoints, pools };

interface Args {
  address: string;
  pool: string;
  /** Whom the record names, `NAMESPACE/NAME`. */
  pod: string;
  /** The record; null where it is not ours to take out (v1). */
  record: RecordChange | null;
  /** Whoever could have it, by that name. */
  claimants: Ref[];
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/leaked-ip',
  title: { en: 'every recorded address belongs to somebody', zh: '每个已记录的地址都有归属' },
  headline: { en: 'recorded addresses belong to nobody', zh: '有已记录的地址没有归属' },
  page: {
    impact: {
      en: 'An address whose record names nobody who still exists is never given again; such leaks fill a pool until no Pod gets an address. Found where nobody uses the address, and neither a Pod, nor a SpiderEndpoint, nor a KubeVirt machine or its instance has the name that the record gives; looked at twice, a second apart, since a Pod that ends is gone a moment before its record. The record is taken out only after nobody of that name was seen for 60 seconds, one address per write, and only if it still says the same; an undo puts it back as long as nobody was given the address.',
      zh: '如果记录所指的对象已不存在，其地址就不会再被分配；这类泄漏会逐渐耗尽地址池，直到 Pod 无法获得地址。当地址无人使用，且记录中的名称既没有对应的 Pod 和 SpiderEndpoint，也没有对应的 KubeVirt 虚拟机或其实例时，即为泄漏；由于 Pod 结束后记录会稍晚消失，检查会间隔一秒看两遍。只有在 60 秒内始终没有该名称的对象、且记录内容未变时，才会移除记录，每次写入只移除一个地址；只要该地址尚未分配给他人，就可以通过撤销放回。',
    },
  },
  sources: [
    'spidernet-io/spiderpool: pkg/gcmanager/scanAll_IPPool.go@v0.9.13',
    'spidernet-io/spiderpool: pkg/kubevirtmanager/kubevirt_manager.go@v0.9.13',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [...ADDRESS_READS, { resource: 'virtualmachineinstances.kubevirt.io' }, { resource: 'virtualmachines.kubevirt.io' }],
  async judge(rows, { look }) {
    const apiVersion = apiVersionOf(rows);
    const { suspects, odd } = suspectsOf(rows);
    const gaps = [...odd, ...oddClaims(rows)];
    const first = await lookedAt(suspects, apiVersion, look);
    if (!first.length) return { findings: [], gaps };
    await settle();
    const second = await lookedAt(
      first.map(({ suspect }) => suspect),
      apiVersion,
      look,
    );
    return { findings: second.map((look) => finding(look, apiVersion)), gaps };
  },
  say: ({ address, pool, pod }) => ({
    en: `SpiderIPPool ${pool} has ${address} on record for ${pod}, and there is nothing of that name`,
    zh: `SpiderIPPool ${pool} 把 ${address} 记录给了 ${pod}，但不存在该名称的对象`,
  }),
  remedy: {
    writes: [
      ...RECORD_RIGHTS,
      { verbs: ['get'], group: '', resource: 'pods' },
      { verbs: ['get'], group: 'spiderpool.spidernet.io', resource: 'spiderendpoints' },
      { verbs: ['get'], group: 'kubevirt.io', resource: 'virtualmachineinstances' },
      { verbs: ['get'], group: 'kubevirt.io', resource: 'virtualmachines' },
    ],
    steps: async (found) => {
      const ours = found.filter(({ args }) => args.record);
      const waits = Array.from({ length: Math.ceil(ours.length / PER_WAIT) }, (_, at) => ours.slice(at * PER_WAIT, (at + 1) * PER_WAIT));
      return [
        ...found.filter(({ args }) => !args.record).map(({ objects }) => ({ refused: OLD, objects })),
        ...waits.flatMap((some) => {
          const first = wait(some);
          return [first, ...inTurn(some.map(({ args }) => takeOut(args, first)))];
        }),
      ];
    },
  },
};
export default check;

const OLD: Text = {
  en: 'records as 0.3.7 and older write them are left to the IP garbage collection of Spiderpool itself (every 10 minutes by default)',
  zh: '0.3.7 及更早版本写入的记录交由 Spiderpool 自身的 IP 回收处理（默认每 10 分钟一次）',
};

// ---- looking --------------------------------------------------------------------------------------------------------

interface Suspect {
  address: string;
  pod: string;
  uid: string;
  pool: PoolRow;
}

/** Records whose name no Pod and no endpoint of the lists has, of addresses that nobody uses: one in use with a wrong record is the matter of spiderpool/unrecorded-pod-ip. */
function suspectsOf({ pods, endpoints, pools }: AddressRows): { suspects: Suspect[]; odd: Gap[] } {
  const uids = new Set(pods.map(({ uid }) => uid));
  const open: Suspect[] = [];
  const odd: Gap[] = [];
  for (const pool of pools) {
    const now = poolOfRow(pool);
    odd.push(...oddRecords(now));
    for (const [address, { pod, uid }] of now.records) if (!uids.has(uid)) open.push({ address, pod, uid, pool });
  }
  if (!open.length) return { suspects: [], odd };
  // Only what is asked for is put together: there may be 150,000 Pods.
  const [names, addresses] = [new Set(open.map(({ pod }) => pod)), new Set(open.map(({ address }) => address))];
  for (const one of [...pods, ...endpoints]) {
    names.delete(nameOf(one));
    for (const address of wordsOf('addresses' in one ? one.addresses : one.deleted ? '' : one.claims)) addresses.delete(address);
  }
  return { suspects: open.filter(({ pod, address }) => names.has(pod) && addresses.has(address)), odd };
}

interface Look {
  suspect: Suspect;
  pool: PoolNow;
}

/** Nobody of that name, and behind that the record is still the same. */
async function lookedAt(suspects: Suspect[], apiVersion: string, look: PointReader): Promise<Look[]> {
  const looked = await each(suspects, async (suspect) => ({ suspect, nobody: await isNobody(claimantsOf(suspect.pod, apiVersion), look) }));
  const open = looked.filter(({ nobody }) => nobody).map(({ suspect }) => suspect);
  const wanted = [...new Set(open.map(({ pool }) => pool))];
  const read = new Map(await each(wanted, async (pool) => [pool.name, await readPool(pool, look)] as const));
  return open.flatMap((suspect) => {
    const pool = read.get(suspect.pool.name);
    const record = pool?.records.get(suspect.address);
    return pool && record?.pod === suspect.pod && record.uid === suspect.uid ? [{ suspect, pool }] : [];
  });
}

async function isNobody(claimants: Ref[], look: PointReader): Promise<boolean> {
  for (const claimant of claimants) {
    const found = await look.get(claimant);
    if (found !== undefined || isGap(found)) return false;
  }
  return true;
}

/** Everything that the name of a record can mean. */
function claimantsOf(pod: string, apiVersion: string): Ref[] {
  const [namespace = '', ...rest] = pod.split('/');
  const name = rest.join('/');
  return [
    { apiVersion: 'v1', kind: 'Pod', namespace, name },
    { apiVersion, kind: 'SpiderEndpoint', namespace, name },
    { apiVersion: 'kubevirt.io/v1', kind: MACHINE, namespace, name },
    { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', namespace, name },
  ];
}

// ---- the finding and its steps --------------------------------------------------------------------------------------

function finding({ suspect: { address, pod }, pool }: Look, apiVersion: string): Finding<Args> {
  const { row, coding } = pool;
  const at = { apiVersion: row.apiVersion, kind: 'SpiderIPPool', name: row.name };
  return {
    severity: 'warning',
    key: [row.name, address],
    certainty: 'certain',
    objects: [at],
    args: {
      address,
      pool: row.name,
      pod,
      record: coding === 'string' ? { ...recordAt(pool, address), after: null } : null,
      claimants: claimantsOf(pod, apiVersion),
    },
    evidence: [{ seen: `status.allocatedIPs: ${address} → ${pod}`, at }],
  };
}

const nobody = ({ claimants }: Args): Condition[] => claimants.map((on) => ({ on, must: 'be-gone' }));

/** Only Pods are watched: whoever comes to claim an address comes as a Pod. The writes behind it look for everybody once more. */
function wait(found: Finding<Args>[]): StepDraft {
  const byName = new Map(found.map(({ args }) => [args.pod, nobody(args)[0]!]));
  const names = someOf([...byName.keys()]);
  return {
    do: 'wait',
    until: [...byName.values()],
    within: WITHIN,
    lasting: LASTING,
    assume: [],
    guard: [],
    text: {
      en: `watch for ${LASTING} s that nothing by these names turns up: ${names.en}`,
      zh: `观察 ${LASTING} 秒，确认没有出现以下名称的对象：${names.zh}`,
    },
    undo: 'none',
    undoNote: { en: 'changes nothing', zh: '不做任何更改' },
  };
}

function takeOut(args: Args, first: StepDraft): StepDraft {
  const step = recordStep(args.record!, nobody(args), {
    en: `take ${args.address} out of SpiderIPPool ${args.pool}: it is on record for ${args.pod}, which is gone`,
    zh: `从 SpiderIPPool ${args.pool} 移除 ${args.address}：它被记录给了已不存在的 ${args.pod}`,
  });
  return { ...step, after: [first] };
}
