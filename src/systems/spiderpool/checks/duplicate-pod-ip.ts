// One address, two live Pods: left behind by the IP garbage collection up to 0.8.7 and 0.9.0 to 0.9.4, which gave addresses of living Pods free again.
// Sources: issues 2526, 3751, 3817; pull requests 3778, 3912, 3914; overlapping pools are refused by the webhook (pkg/ippoolmanager/ippool_validate.go),
// so that within Spiderpool one address is one place in the network.
import type { Check, Finding, PointReader, Raw, Screen, Situation, StepDraft, Text } from '../../../engine/contracts.ts';
import { lives } from '../../../kube/refs.ts';
import { shellWord } from '../../../text/shell.ts';
import { satisfies } from '../../../versions/chart.ts';
import {
  type AddressRows,
  apiVersionOf,
  each,
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
  title: { en: 'no address is used by two live Pods', zh: '没有两个存活的 Pod 使用同一地址' },
  headline: { en: 'one address, two live Pods', zh: '同一地址被两个存活的 Pod 使用' },
  page: {
    impact: {
      en: 'Up to 0.8.7, and from 0.9.0 to 0.9.4, the IP garbage collection could free the address of a living Pod, which was then given to another one; an upgrade stops that but repairs nothing. Found by comparing SpiderEndpoints, the status of Pods and the network-status that multus writes, for both address families, in any spelling; Pods in the network of their node, finished Pods and Pods on their way out do not count, and the Pods of one KubeVirt machine count as one. What the lists show is read again, Pod by Pod, twice, so that Pods that merely come and go are no finding. The Pod that the pool has on record keeps the address; without a record, the one whose SpiderEndpoint claims it, then one that cannot be restarted by itself, then the older one. The others are evicted, so that PodDisruptionBudgets hold; for a Pod of a StatefulSet its SpiderEndpoint goes first, because the address would come back from it. A Pod without a controller and KubeVirt machines are left to you. A quick look (--quick) finds only what shows in the first address of each Pod. A restarted Pod cannot be taken back; a record that was put back can.',
      zh: '在 0.8.7 及更早版本以及 0.9.0 至 0.9.4 中，IP 回收可能释放仍在运行的 Pod 的地址，该地址随后又被分配给另一个 Pod；升级会阻止此问题再次发生，但不会修复已有的冲突。检查时比较 SpiderEndpoint、Pod 的状态以及 multus 写入的 network-status，覆盖两种地址族和任何书写形式；使用节点网络的 Pod、已结束的 Pod 和正在删除的 Pod 不计入，同一 KubeVirt 虚拟机的多个 Pod 视为一个。列表中看到的可疑之处会逐个 Pod 重读两遍，因此单纯的 Pod 增减不会被误报。地址池有记录的 Pod 保留地址；没有记录时，依次为其 SpiderEndpoint 声明该地址的 Pod、无法自动重启的 Pod、创建更早的 Pod。其余 Pod 通过驱逐重启，以遵守 PodDisruptionBudget；StatefulSet 的 Pod 会先删除其 SpiderEndpoint，否则会取回同一地址。没有控制器的 Pod 和 KubeVirt 虚拟机由您处理。快速查看（--quick）只能发现体现在各 Pod 第一个地址上的冲突。重启过的 Pod 无法恢复；补回的记录可以撤销。',
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

/** null: the pool will not give the address to anybody. `impossible`: it would, and we cannot write the record that keeps it from doing so. */
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
    en: `because the pool has ${address} on record for ${keeper}`,
    zh: `因为地址池把 ${address} 记录给了 ${keeper}`,
  }),
  endpoint: (keeper, address) => ({
    en: `because only the SpiderEndpoint of ${keeper} claims ${address}`,
    zh: `因为只有 ${keeper} 的 SpiderEndpoint 声明了 ${address}`,
  }),
  restart: (keeper, address) => ({
    en: `because ${keeper}, which uses ${address} too, cannot be restarted by itself`,
    zh: `因为同样使用 ${address} 的 ${keeper} 无法自动重启`,
  }),
  older: (keeper, address) => ({
    en: `because ${keeper}, which uses ${address} too, is the older one`,
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
    en: `record ${address} in SpiderIPPool ${change.pool.name} for Pod ${nameOf(keeper)}, so that nobody else is given it`,
    zh: `在 SpiderIPPool ${change.pool.name} 中为 Pod ${nameOf(keeper)} 记录 ${address}，以免再分配给他人`,
  });
}

const STUCK = ({ address, holders: [keeper, ...losers], stuck }: Args): Text => {
  const names = (list: Restart[]) => someOf(list.map(({ pod }) => nameOf(pod)));
  const [alone, others] = [losers.filter(({ way }) => way === 'alone'), losers.filter(({ way }) => way !== 'alone')];
  const then = {
    en: [
      others.length && `restart ${names(others).en}`,
      alone.length && `delete ${names(alone).en} and create ${alone.length === 1 ? 'it' : 'them'} again (no controller does)`,
    ].filter(Boolean),
    zh: [others.length && `重启 ${names(others).zh}`, alone.length && `删除 ${names(alone).zh} 并重新创建（没有控制器会重建）`].filter(
      Boolean,
    ),
  };
  return {
    en: `SpiderIPPool ${stuck!.pool} has no record of ${address} that can be understood, and none can be written for ${nameOf(keeper!.pod)}: a restarted Pod could be given it once more; exclude it in the spec.excludeIPs of that pool, then ${then.en.join('; ')}`,
    zh: `SpiderIPPool ${stuck!.pool} 没有可以识别的 ${address} 记录，也无法为 ${nameOf(keeper!.pod)} 补写：重启的 Pod 可能再次得到它；请先在该地址池的 spec.excludeIPs 中排除此地址，然后${then.zh.join('；')}`,
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
