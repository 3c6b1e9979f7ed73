// IPs that a pool still has allocated to an owner that no longer exists: they are never assigned again, and the pool runs dry.
// Sources: executeScanAll in pkg/gcmanager/scanAll_IPPool.go@v0.9.13 (what the IP garbage collection frees: no Pod and no endpoint of that name);
// IsValidVMPod in pkg/kubevirtmanager/kubevirt_manager.go@v0.9.13 (a machine keeps its address as long as its instance, or itself, is there).
import type { Check, Condition, Finding, PointReader, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import { isGap } from '../../../engine/gaps.ts';
import { type AddressRows, apiVersionOf, nameOf, settle, someOf } from '../ledger.ts';
import { ADDRESS_READS, endpoints, pods, pools } from '../reads.ts';
import { inTurn, oddClaims, type PoolNow, RECORD_RIGHTS, type RecordChange, readPool, recordAt, recordStep } from '../records.ts';
import { MACHINE, type PoolRow, podRow, wordsOf } from '../rows.ts';
import { type Ownerless, suspicionsOf } from '../suspicions.ts';

/** Seconds without an owner before an IP is released. */
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
  /** The record; null where Spiderpool itself releases it (v1). */
  record: RecordChange | null;
  /** The objects of that name that could own it. */
  claimants: Ref[];
  /** So many IPs of a running Pod that has none; 0: the owner no longer exists. */
  unused: number;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/leaked-ip',
  title: { en: 'every allocated IP has an existing owner', zh: '每个已分配的 IP 都有所属对象' },
  headline: {
    en: 'leaked IPs: still allocated, but nothing uses them',
    zh: '存在泄漏的 IP：仍处于已分配状态，但没有使用者',
  },
  page: {
    impact: {
      en: 'If the owner recorded for an IP no longer exists, the IP is never assigned again. Such leaks fill the pool until new Pods get no IP. Up to 0.8.8 and 0.9.7, a Pod that fails to start on one of its networks also leaks another IP at each attempt; IP garbage collection does not release them while the Pod exists.',
      zh: 'IP 记录的所属对象不存在时，该 IP 不会再被分配；泄漏会逐渐占满地址池，直到新 Pod 无法获得 IP。在 0.8 的 0.8.8 及更早版本、0.9 的 0.9.7 及更早版本中，如果 Pod 的某个网络一直无法就绪，每次重试都会再占用一个 IP；只要该 Pod 存在，IP 回收就不会释放。',
    },
    detection: {
      en: 'Reports IPs that no Pod uses and whose recorded name belongs to no Pod, SpiderEndpoint, KubeVirt VM or VM instance; and pools with several IPs allocated to one Pod that has none. Checked twice, a second apart, because a record outlives its Pod for a moment.',
      zh: '报告这样的 IP：没有 Pod 使用，且记录中的名称没有对应的 Pod、SpiderEndpoint、KubeVirt 虚拟机或虚拟机实例。还报告这样的池：把多个 IP 分配给同一个没有 IP 的 Pod。间隔一秒检查两次，因为记录会比 Pod 稍晚消失。',
    },
    fix: {
      en: 'Releases the IP only after 60 seconds without such an owner, one IP per write, and only if the record is unchanged. Undo puts the record back unless the IP has been assigned since.',
      zh: '持续 60 秒没有所属对象、且记录未变时才释放，每次写操作只释放一个 IP。只要该 IP 尚未重新分配，就可以撤销。',
    },
    limits: {
      en: 'Records in the format of 0.3.7 and older are released by the IP garbage collection of Spiderpool. So are the IPs of a Pod that never started, once it is deleted; until then it is unknown which of them the Pod will use.',
      zh: '0.3.7 及更早格式的记录由 Spiderpool 自身的 IP 回收释放。从未启动的 Pod 的 IP，也由 IP 回收在该 Pod 删除后释放；在此之前无法得知 Pod 会使用哪一个。',
    },
  },
  sources: [
    'spidernet-io/spiderpool: pkg/gcmanager/scanAll_IPPool.go@v0.9.13',
    'spidernet-io/spiderpool: pkg/kubevirtmanager/kubevirt_manager.go@v0.9.13',
    {
      en: 'spidernet-io/spiderpool: issues 2517, 4295; PR 4379 (genRandomIP in pkg/ippoolmanager/ippool_manager.go)',
      zh: 'spidernet-io/spiderpool: issues 2517, 4295; PR 4379（pkg/ippoolmanager/ippool_manager.go 中的 genRandomIP）',
    },
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [...ADDRESS_READS, { resource: 'virtualmachineinstances.kubevirt.io' }, { resource: 'virtualmachines.kubevirt.io' }],
  async judge(rows, { look }) {
    const apiVersion = apiVersionOf(rows);
    const suspects = suspectsOf(rows);
    const gaps = [...suspicionsOf(rows).odd, ...oddClaims(rows)];
    const first = await lookedAt(suspects, apiVersion, look);
    const held = await stillHeld(manyOf(rows), look);
    if (!first.length && !held.length) return { findings: [], gaps };
    await settle();
    const second = await lookedAt(
      first.map(({ suspect }) => suspect),
      apiVersion,
      look,
    );
    const unused = await stillHeld(held, look);
    return { findings: [...second.map((look) => finding(look, apiVersion)), ...unused.map(ofWaiting)], gaps };
  },
  say: ({ address, pool, pod, unused }) =>
    unused
      ? {
          en: `SpiderIPPool ${pool} has ${unused} IPs allocated to Pod ${pod}, which has none of them`,
          zh: `SpiderIPPool ${pool} 中有 ${unused} 个 IP 分配给 Pod ${pod}，但它一个也没有使用`,
        }
      : {
          en: `SpiderIPPool ${pool} still has ${address} allocated to ${pod}, which no longer exists`,
          zh: `SpiderIPPool ${pool} 中 ${address} 仍分配给 ${pod}，但该对象已不存在`,
        },
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
        ...found
          .filter(({ args }) => !args.record)
          .map(({ objects, args }) => ({ refused: args.unused ? STARTING(args.pod) : OLD, objects })),
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
  en: 'records in the format of 0.3.7 and older are released by the IP garbage collection of Spiderpool (every 10 minutes by default)',
  zh: '0.3.7 及更早格式的记录由 Spiderpool 自身的 IP 回收释放（默认每 10 分钟一次）',
};

const STARTING = (pod: string): Text => ({
  en: `delete Pod ${pod}: IP garbage collection then releases its IPs (every 10 minutes by default)`,
  zh: `请删除 Pod ${pod}：IP 回收随后会释放其 IP（默认每 10 分钟一次）`,
});

// ---- looking --------------------------------------------------------------------------------------------------------

/** Records whose name no Pod and no endpoint of the lists has, of IPs that are not in use: one in use with a wrong record is the matter of spiderpool/unrecorded-pod-ip. */
function suspectsOf(rows: AddressRows): Ownerless[] {
  const { ownerless } = suspicionsOf(rows);
  if (!ownerless.length) return [];
  // Only what is asked for is put together: there may be 150,000 Pods.
  const [names, addresses] = [new Set(ownerless.map(({ pod }) => pod)), new Set(ownerless.map(({ address }) => address))];
  for (const one of [...rows.pods, ...rows.endpoints]) {
    names.delete(nameOf(one));
    for (const address of wordsOf('addresses' in one ? one.addresses : one.deleted ? '' : one.claims)) addresses.delete(address);
  }
  return ownerless.filter(({ pod, address }) => names.has(pod) && addresses.has(address));
}

interface Look {
  suspect: Ownerless;
  pool: PoolNow;
}

/** There is no object of that name, and after that the record is still the same. */
async function lookedAt(suspects: Ownerless[], apiVersion: string, look: PointReader): Promise<Look[]> {
  const looked = await each(suspects, async (suspect) => ({ suspect, gone: await hasNoOwner(claimantsOf(suspect.pod, apiVersion), look) }));
  const open = looked.filter(({ gone }) => gone).map(({ suspect }) => suspect);
  const wanted = [...new Set(open.map(({ pool }) => pool))];
  const read = new Map(await each(wanted, async (pool) => [pool.name, await readPool(pool, look)] as const));
  return open.flatMap((suspect) => {
    const pool = read.get(suspect.pool.name);
    const record = pool?.records.get(suspect.address);
    return pool && record?.pod === suspect.pod && record.uid === suspect.uid ? [{ suspect, pool }] : [];
  });
}

async function hasNoOwner(claimants: Ref[], look: PointReader): Promise<boolean> {
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

// ---- many IPs of one Pod that has none ------------------------------------------------------------------------------

interface Held {
  pod: string;
  uid: string;
  pool: PoolRow;
  addresses: string[];
}

/** Each attempt of a Pod leaves one behind; a single one may be the one that it is about to get, and so may what its endpoint claims. */
function manyOf(rows: AddressRows): Held[] {
  const { waiting } = suspicionsOf(rows);
  if (!waiting.length) return [];
  const claimed = new Set(rows.endpoints.filter(({ deleted }) => !deleted).flatMap(({ podUid, claims }) => (claims ? [podUid] : [])));
  const open = waiting.filter(({ uid }) => !claimed.has(uid));
  return [...Map.groupBy(open, ({ uid, pool }) => `${pool.name} ${uid}`).values()]
    .filter((same) => same.length > 1)
    .map((same) => ({ pod: same[0]!.pod, uid: same[0]!.uid, pool: same[0]!.pool, addresses: same.map(({ address }) => address) }));
}

/** The Pod has none now either, and behind that the records are still its. */
async function stillHeld(all: readonly Held[], look: PointReader): Promise<Held[]> {
  const looked = await each(all, async (held) => {
    const [namespace = '', name = ''] = held.pod.split('/');
    const pod = await look.get({ apiVersion: 'v1', kind: 'Pod', namespace, name, uid: held.uid });
    if (!pod || isGap(pod)) return [];
    const row = podRow(pod);
    if (!row.uses || row.addresses !== '' || row.uid !== held.uid) return [];
    const pool = await readPool(held.pool, look);
    const addresses = held.addresses.filter((address) => pool?.records.get(address)?.uid === held.uid);
    return addresses.length > 1 ? [{ ...held, addresses }] : [];
  });
  return looked.flat();
}

function ofWaiting({ pod, uid, pool, addresses }: Held): Finding<Args> {
  const at = { apiVersion: pool.apiVersion, kind: 'SpiderIPPool', name: pool.name };
  const [namespace, name = ''] = pod.split('/');
  return {
    severity: 'warning',
    key: [pool.name, 'unused', pod],
    certainty: 'high',
    objects: [at, { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }],
    args: { address: '', pool: pool.name, pod, record: null, claimants: [], unused: addresses.length },
    evidence: [{ seen: `status.allocatedIPs: ${addresses.length} → ${pod}`, at }],
  };
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
      unused: 0,
    },
    evidence: [{ seen: `status.allocatedIPs: ${address} → ${pod}`, at }],
  };
}

const noOwner = ({ claimants }: Args): Condition[] => claimants.map((on) => ({ on, must: 'be-gone' }));

/** Only Pods are watched: a new owner of an IP comes as a Pod. The writes after it look for all owners once more. */
function wait(found: Finding<Args>[]): StepDraft {
  const byName = new Map(found.map(({ args }) => [args.pod, noOwner(args)[0]!]));
  const names = someOf([...byName.keys()]);
  return {
    do: 'wait',
    until: [...byName.values()],
    within: WITHIN,
    lasting: LASTING,
    assume: [],
    guard: [],
    text: {
      en: `confirm for ${LASTING} s that none of these exist: ${names.en}`,
      zh: `持续 ${LASTING} 秒确认以下对象均不存在：${names.zh}`,
    },
    undo: 'none',
  };
}

function takeOut(args: Args, first: StepDraft): StepDraft {
  const step = recordStep(args.record!, noOwner(args), {
    en: `release ${args.address} in SpiderIPPool ${args.pool}: allocated to ${args.pod}, which no longer exists`,
    zh: `释放 SpiderIPPool ${args.pool} 中的 ${args.address}：其所属的 ${args.pod} 已不存在`,
  });
  return { ...step, after: [first] };
}
