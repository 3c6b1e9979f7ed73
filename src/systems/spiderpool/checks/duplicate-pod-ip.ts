// Two running Pods that share one IP: left behind by IP garbage collection in 0.8.7 and older and in 0.9.0 to 0.9.4, which released IPs of running Pods.
// Sources: issues 2526, 3751, 3817; pull requests 3778, 3912, 3914; overlapping pools are refused by the webhook (pkg/ippoolmanager/ippool_validate.go),
// so that within Spiderpool one address is one place in the network.
import type { Check, Finding, PointReader, Raw, Screen, Situation, StepDraft, Text } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import { lives } from '../../../kube/refs.ts';
import { shellWord } from '../../../text/shell.ts';
import { satisfies } from '../../../versions/chart.ts';
import {
  type AddressRows,
  apiVersionOf,
  gives,
  type Hold,
  holdOf,
  nameOf,
  poolOf,
  recordKey,
  saidByPod,
  sharedAddresses,
  someOf,
} from '../ledger.ts';
import { rowsOf, type Suspicion, suspect, TABLES, thereOf } from '../quick.ts';
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
import { isAutomatic, RESTART_RIGHTS, type Restart, type RestartRequest, restartOf, restarts } from '../restart.ts';
import type { PodRow, PoolRow } from '../rows.ts';

const reads = { pods, endpoints, pools, budgets };

/** Why the one that keeps the address keeps it. */
type Because = 'record' | 'endpoint' | 'restart' | 'older';
interface Args {
  address: string;
  /** The one that keeps the address first. */
  holders: Restart[];
  because: Because;
  /** The winner's record, where the pool does not have it: else the next Pod would be given the address once more. */
  putBack: RecordChange | null;
  /** The pool could give the address again, and the record that would keep it from that cannot be put back. `exclude`: the command that takes the address out. */
  stuck: { pool: string; exclude: string } | null;
}

const quickReads = { pools, budgets };
const screen: Screen<typeof TABLES, typeof quickReads, Suspicion, Args> = {
  tables: TABLES,
  suspect,
  reads: quickReads,
  pointReads: [{ resource: pods.resource, verb: 'list' }],
  async judge(suspicions, { pools, budgets }, at) {
    const rows = await rowsOf(suspicions, pools, at.look);
    return settled({ ...rows, budgets }, at, (names) => thereOf(names, rows, at.look));
  },
};

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/duplicate-pod-ip',
  title: { en: 'no two running Pods share an IP', zh: '没有两个运行中的 Pod 使用同一 IP' },
  headline: { en: 'IP conflict: two running Pods share one IP', zh: 'IP 冲突：两个运行中的 Pod 使用同一 IP' },
  page: {
    impact: {
      en: 'In 0.8.7 and older, and in 0.9.0–0.9.4, IP garbage collection could release the IP of a running Pod, which was then assigned to another Pod. Upgrading prevents new conflicts but does not repair existing ones. Running means: not completed and not terminating.',
      zh: '在 0.8.7 及更早版本和 0.9.0–0.9.4 中，IP 回收可能释放运行中 Pod 的 IP，随后又分配给其他 Pod。升级可避免新的冲突，但不会修复已有的冲突。“运行中”指未结束且未在终止。',
    },
    detection: {
      en: 'Compares SpiderEndpoints, Pod status and the network-status of Multus, for IPv4 and IPv6. Ignored: host-network, completed and terminating Pods; the Pods of one KubeVirt VM count as one. Every suspect is read again twice, so Pods that merely come and go are not reported.',
      zh: '比较 SpiderEndpoint、Pod 的 status 和 Multus 写入的 network-status，覆盖 IPv4 和 IPv6。忽略使用主机网络、已结束和正在终止的 Pod；同一 KubeVirt 虚拟机的 Pod 视为一个。可疑的 Pod 会重读两遍，不会误报正常的增减。',
    },
    fix: {
      en: 'The Pod recorded in the IPPool keeps the IP; without a record, the one whose SpiderEndpoint claims it, then one that cannot be evicted automatically, then the oldest. The others are evicted, so PodDisruptionBudgets are respected; for a StatefulSet Pod the SpiderEndpoint is deleted first, otherwise the same IP comes back. An eviction cannot be undone; a restored record can.',
      zh: 'IPPool 中有记录的 Pod 保留 IP；没有记录时依次保留其 SpiderEndpoint 声明该 IP 的 Pod、无法自动驱逐的 Pod、创建最早的 Pod。其余 Pod 被驱逐（遵守 PodDisruptionBudget）；StatefulSet 的 Pod 会先删除其 SpiderEndpoint，否则会取回同一 IP。驱逐无法撤销，恢复的记录可以撤销。',
    },
    limits: {
      en: 'Pods without a controller and KubeVirt VMs are manual. --quick sees only conflicts on the first IP of each Pod.',
      zh: '没有控制器的 Pod 和 KubeVirt 虚拟机需手动处理。--quick 只能发现 Pod 第一个 IP 上的冲突。',
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
    findings: await settled(rows, at, async (names) => namesIn(rows, names)),
    gaps: [...oddRanges(rows.pools), ...oddClaims(rows)],
  }),
  screen,
  say: ({ address, holders }) => ({
    en: `${address} is used by ${holders.map(placed.en).join(' and ')}`,
    zh: `${address} 同时被 ${holders.map(placed.zh).join('、')} 使用`,
  }),
  remedy: {
    pointReads: ADDRESS_READS.filter(({ resource }) => resource === endpoints.resource),
    writes: [...RESTART_RIGHTS, ...RECORD_RIGHTS],
    async steps(found, { look }) {
      const stuck = found.filter(({ args }) => args.stuck);
      const open = found.filter(({ args }) => !args.stuck);
      const missing = open.flatMap(({ args }) => (args.putBack ? [{ address: args.address, step: recorded(args.putBack, args) }] : []));
      const records = inTurn(missing.map(({ step }) => step));
      const putBack = new Map(missing.map(({ address }, at) => [address, records[at]]));
      return [
        ...stuck.map(({ args, objects }) => ({ refused: STUCK(args), objects, command: args.stuck!.exclude })),
        ...records,
        ...(await restarts(
          open.flatMap(({ args }) => losersOf(args, putBack.get(args.address))),
          look,
        )),
      ];
    },
  },
};
export default check;

// ---- looking --------------------------------------------------------------------------------------------------------

/** What these rows show, confirmed. `thereOf`: those of these names that a Pod or an endpoint has. */
async function settled(
  rows: AddressRows & Pick<Around, 'budgets'>,
  { look, path }: Situation,
  thereOf: (names: readonly string[]) => Promise<Set<string>>,
): Promise<Finding<Args>[]> {
  const apiVersion = apiVersionOf(rows);
  const confirm = (addresses: Map<string, PodRow[]>) => lookedAt(addresses, apiVersion, look);
  const first = await confirm(sharedAddresses(rows));
  const read = await poolsOf(first, rows.pools, look);
  // All first looks lie before all second ones: who holds the address in both held it at the same moment as the other.
  const second = await confirm(new Map([...first].map(([address, holds]) => [address, holds.map(({ pod }) => pod)])));
  const version = typeof path.from === 'string' ? path.from : undefined;
  const there = await thereOf([...second.keys()].flatMap((address) => read.get(address)?.records.get(address)?.pod ?? []));
  return [...second].map(([address, holds]) => finding(address, holds, read.get(address), { version, there, budgets: rows.budgets }));
}

function namesIn({ pods, endpoints }: AddressRows, names: readonly string[]): Set<string> {
  const wanted = new Set(names);
  if (!wanted.size) return wanted;
  return new Set([...pods, ...endpoints].map(nameOf).filter((name) => wanted.has(name)));
}

/** Those addresses that are still used by more than one of these Pods, with what was read of each. */
async function lookedAt(addresses: Map<string, PodRow[]>, apiVersion: string, look: PointReader): Promise<Map<string, Hold[]>> {
  const looks = [...addresses].flatMap(([address, users]) => users.map((pod) => ({ address, pod })));
  const holds = await each(looks, async ({ address, pod }) => ({ address, hold: await holdOf(pod, address, apiVersion, look) }));
  const byAddress = Map.groupBy(holds, ({ address }) => address);
  const still = [...byAddress].map(([address, found]) => [address, found.flatMap(({ hold }) => hold ?? [])] as const);
  return new Map(still.filter(([, found]) => found.length > 1));
}

/** The pool of each address, each pool read once. */
async function poolsOf(held: Map<string, Hold[]>, rows: readonly PoolRow[], look: PointReader): Promise<Map<string, PoolNow>> {
  const named = [...held].map(
    ([address, holds]) => [address, poolOf(address, holds.find(({ claim }) => claim)?.claim?.pool, rows)] as const,
  );
  const wanted = [...new Set(named.flatMap(([, pool]) => pool ?? []))];
  const read = await each(wanted, async (pool) => [pool.name, await readPool(pool, look)] as const);
  const byName = new Map(read);
  return new Map(named.flatMap(([address, pool]) => (pool && byName.get(pool.name) ? [[address, byName.get(pool.name)!] as const] : [])));
}

interface Around {
  /** What is installed. */
  version?: string;
  /** Names in records that a Pod or an endpoint has. */
  there: ReadonlySet<string>;
  budgets: Parameters<typeof restartOf>[1];
}

function finding(address: string, holds: Hold[], pool: PoolNow | undefined, around: Around): Finding<Args> {
  const { holders, because } = ranked(address, holds, pool);
  const putBack = because === 'record' || !pool ? null : missingRecord(address, holders[0]!, pool, around);
  return {
    severity: 'blocker',
    key: [address],
    certainty: holds.every(({ claim }) => claim) ? 'certain' : 'high',
    objects: holders.map(({ pod }) => ({ apiVersion: 'v1', kind: 'Pod', namespace: pod.namespace, name: pod.name })),
    args: {
      address,
      holders: holders.map((hold) => restartOf(hold, around.budgets)),
      because,
      putBack: putBack === 'impossible' ? null : putBack,
      stuck: putBack === 'impossible' ? { pool: pool!.row.name, exclude: excluding(address, pool!.row) } : null,
    },
    evidence: holders.flatMap((hold) => evidenceOf(address, hold)),
  };
}

function evidenceOf(address: string, { pod, claim, byPod }: Hold): Finding['evidence'] {
  const at = { apiVersion: 'v1', kind: 'Pod', namespace: pod.namespace, name: pod.name };
  return [
    ...(byPod ? [{ seen: saidByPod(address), at }] : []),
    ...(claim ? [{ seen: `status.current.ips: ${address}`, at: { ...claim.endpoint, uid: undefined } }] : []),
  ];
}

// ---- who keeps it ---------------------------------------------------------------------------------------------------

function ranked(address: string, holds: Hold[], pool: PoolNow | undefined): { holders: Hold[]; because: Because } {
  const record = pool?.records.get(address);
  const rank = (hold: Hold): number[] => [
    record && isRecorded(record, hold) ? 0 : 1,
    hold.claim ? 0 : 1,
    isAutomatic(restartOf(hold, [])) ? 1 : 0,
  ];
  const holders = holds.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const differs = x.findIndex((value, at) => value !== y[at]);
    return differs < 0 ? order(a, b) : x[differs]! - y[differs]!;
  });
  const [best, next] = holders.slice(0, 2).map(rank) as [number[], number[]];
  const decided = best.findIndex((value, at) => value !== next[at]);
  const reasons: Because[] = ['record', 'endpoint', 'restart'];
  return { holders, because: reasons[decided] ?? 'older' };
}

const isRecorded = ({ pod, uid }: { pod: string; uid: string }, hold: Hold): boolean =>
  [recordKey(hold.pod, true), recordKey(hold.pod, false)].includes(pod) && (uid === '' || uid === hold.pod.uid);

/** The older one first. */
const order = (a: Hold, b: Hold): number => created(a).localeCompare(created(b)) || nameOf(a.pod).localeCompare(nameOf(b.pod));
const created = ({ raw }: Hold): string => String((raw.metadata as Raw).creationTimestamp);

/** null: the pool will not assign the address. `impossible`: it would, and we cannot write the record that keeps it from doing so. */
function missingRecord(address: string, winner: Hold, pool: PoolNow, { version, there }: Around): RecordChange | null | 'impossible' {
  if (!isClear(pool, address)) return 'impossible';
  const record = pool.records.get(address);
  // A record of somebody who is gone goes as well, sooner or later.
  if (!gives(pool.row, address) || (record && there.has(record.pod))) return null;
  if (pool.coding !== 'string' || !winner.claim) return record ? null : 'impossible';
  const hasInterface = version !== undefined && satisfies(version, '<0.8.2');
  const { endpoint, interface: nic } = winner.claim;
  return { ...recordAt(pool, address), after: newRecord(pool, nameOf(endpoint), winner.pod.uid, nic, hasInterface) };
}

// ---- wording and steps ----------------------------------------------------------------------------------------------

const placed = {
  en: ({ pod, node }: Restart) => `${nameOf(pod)}${node ? ` on ${node}` : ''}`,
  zh: ({ pod, node }: Restart) => `${nameOf(pod)}${node ? `（节点 ${node}）` : ''}`,
};

const KEEPS: Record<Because, (keeper: string, address: string) => Text> = {
  record: (keeper, address) => ({
    en: `because the IPPool has ${address} allocated to ${keeper}`,
    zh: `因为 IPPool 中 ${address} 已分配给 ${keeper}`,
  }),
  endpoint: (keeper, address) => ({
    en: `because only the SpiderEndpoint of ${keeper} claims ${address}`,
    zh: `因为只有 ${keeper} 的 SpiderEndpoint 声明了 ${address}`,
  }),
  restart: (keeper, address) => ({
    en: `because ${keeper}, which also uses ${address}, cannot be evicted automatically`,
    zh: `因为同样使用 ${address} 的 ${keeper} 无法自动驱逐`,
  }),
  older: (keeper, address) => ({
    en: `because ${keeper}, which also uses ${address}, is older`,
    zh: `因为同样使用 ${address} 的 ${keeper} 创建更早`,
  }),
};

function losersOf({ address, holders, because }: Args, putBack: StepDraft | undefined): RestartRequest[] {
  const [keeper, ...losers] = holders;
  return losers.map((restart) => ({
    restart,
    because: KEEPS[because](nameOf(keeper!.pod), address),
    guard: [lives(keeper!.pod)],
    after: putBack ? [putBack] : [],
  }));
}

function recorded(change: RecordChange, { holders, address }: Args): StepDraft {
  const keeper = holders[0]!.pod;
  return recordStep(change, [lives(keeper)], {
    en: `allocate ${address} in SpiderIPPool ${change.pool.name} to Pod ${nameOf(keeper)}, so that it is not assigned to another Pod`,
    zh: `在 SpiderIPPool ${change.pool.name} 中将 ${address} 分配给 Pod ${nameOf(keeper)}，避免再分配给其他 Pod`,
  });
}

const STUCK = ({ address, holders: [keeper, ...losers], stuck }: Args): Text => {
  const names = (list: Restart[]) => someOf(list.map(({ pod }) => nameOf(pod)));
  const [alone, others] = [losers.filter(({ way }) => way === 'alone'), losers.filter(({ way }) => way !== 'alone')];
  const then = {
    en: [others.length && `evict ${names(others).en}`, alone.length && `delete and re-create ${names(alone).en} (no controller)`].filter(
      Boolean,
    ),
    zh: [others.length && `驱逐 ${names(others).zh}`, alone.length && `删除并重新创建 ${names(alone).zh}（没有控制器）`].filter(Boolean),
  };
  return {
    en: `the record of ${address} in SpiderIPPool ${stuck!.pool} is unreadable and cannot be rewritten for ${nameOf(keeper!.pod)}, so ${address} could be assigned again. Add it to spec.excludeIPs of the pool, then ${then.en.join('; ')}`,
    zh: `SpiderIPPool ${stuck!.pool} 中 ${address} 的记录无法识别，也无法为 ${nameOf(keeper!.pod)} 重写，${address} 可能再次被分配。请先将其加入该地址池的 spec.excludeIPs，然后${then.zh.join('；')}`,
  };
};

/** A list that cannot be read is a person's to mend. */
function excluding(address: string, { name, excluded, oddRanges }: PoolRow): string {
  const at = `spiderippools.spiderpool.spidernet.io ${shellWord(name)}`;
  if (oddRanges.some((field) => field.startsWith('spec.excludeIPs'))) return `kubectl edit ${at}`;
  const patch = excluded.length
    ? { op: 'add', path: '/spec/excludeIPs/-', value: address }
    : { op: 'add', path: '/spec/excludeIPs', value: [address] };
  return `kubectl patch ${at} --type=json -p ${shellWord(JSON.stringify([patch]))}`;
}
