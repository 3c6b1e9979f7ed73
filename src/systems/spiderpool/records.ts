// The records of a pool, status.allocatedIPs: who has which address, as JSON in a string. One key per write; the count is recomputed by the step.
// Sources: PoolIPAllocation in pkg/k8s/apis/spiderpool.spidernet.io/v2beta1/spiderippool_types.go (with `interface` up to 0.8.1, without from 0.8.2);
// status writes do not pass the pool's webhooks (charts/spiderpool/templates/tls.yaml: resources without subresources).
import type { Change, Condition, Gap, Json, PointReader, Raw, Ref, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { addressKey } from '../../kube/addresses.ts';
import { isRaw } from '../../kube/json.ts';
import { formatPointer } from '../../kube/pointer.ts';
import { redactMarked } from '../../text/redact.ts';
import { oneLine } from '../../text/sanitise.ts';
import { satisfies } from '../../versions/chart.ts';
import { type Hold, nameOf } from './ledger.ts';
import { type EndpointRow, entriesOf, type PodRow, type PoolRow, poolRow, type Records, recordsIn, refOfPool, wordsOf } from './rows.ts';

/** A pool as just read. */
export interface PoolNow extends Records {
  row: PoolRow;
  coding: ReturnType<typeof entriesOf>['coding'];
  /** By address as it is written. */
  entries: Raw;
}

/** undefined: it is gone, or could not be read. */
export async function readPool(pool: PoolRow, look: PointReader): Promise<PoolNow | undefined> {
  const raw = await look.get({ ...refOfPool(pool), uid: undefined });
  return raw === undefined || isGap(raw) ? undefined : poolOfRow(poolRow(raw));
}

export function poolOfRow(row: PoolRow): PoolNow {
  const read = entriesOf(row);
  return { row, ...read, ...recordsIn(read.entries) };
}

/** Is it clear to which Pod this pool has allocated an address, and whether it may give it? */
export const isClear = ({ row, coding, oddAddresses }: PoolNow, address: string): boolean =>
  coding !== 'unreadable' && row.oddRanges.length === 0 && !oddAddresses.has(address);

/** Keys named in one gap; any user can write such names. */
const NAMED = 3;

/** What cannot be interpreted in the records of a pool: never passed over, and never repaired. */
export function oddRecords({ row, coding, odd }: PoolNow): Gap[] {
  if (coding === 'unreadable') return [gapIn(row, ['status.allocatedIPs'])];
  const named = odd.map((written) => `status.allocatedIPs[${JSON.stringify(oneLine(redactMarked(written), 60))}]`);
  return named.length ? [gapIn(row, named)] : [];
}

/** The same of the addresses that pools give. */
export const oddRanges = (pools: readonly PoolRow[]): Gap[] =>
  pools.flatMap((row) => (row.oddRanges.length ? [gapIn(row, row.oddRanges)] : []));

const gapIn = ({ name }: PoolRow, fields: readonly string[]): Gap => ({ ...UNREADABLE, resource: POOLS, name, detail: some(fields) });

/** The same of what Pods and endpoints say their addresses are; an endpoint that is on its way out claims nothing any more. */
export function oddClaims({ pods, endpoints }: { pods: readonly PodRow[]; endpoints: readonly EndpointRow[] }): Gap[] {
  return [
    ...unreadable(
      'pods',
      pods.filter(({ odd }) => odd !== ''),
      ({ odd }) => some(wordsOf(odd)),
    ),
    ...unreadable(
      ENDPOINTS,
      endpoints.filter(({ odd, deleted }) => odd !== '' && !deleted),
      ({ odd }) => some(wordsOf(odd)),
    ),
  ];
}

function unreadable<Row extends { namespace: string; name: string }>(
  resource: string,
  rows: readonly Row[],
  detail: (row: Row) => string,
): Gap[] {
  const named = rows.slice(0, OBJECTS_NAMED).map((row): Gap => {
    const { namespace, name } = row;
    return { ...UNREADABLE, resource, namespace, name, detail: detail(row) };
  });
  return rows.length > named.length ? [...named, { ...UNREADABLE, resource, detail: `+${rows.length - named.length}` }] : named;
}

const UNREADABLE = { why: 'failed', verb: 'decode' } as const;
const [POOLS, ENDPOINTS] = ['spiderippools.spiderpool.spidernet.io', 'spiderendpoints.spiderpool.spidernet.io'];
/** There may be 150,000 of them. */
const OBJECTS_NAMED = 20;

const some = (fields: readonly string[]): string =>
  `${fields.slice(0, NAMED).join(', ')}${fields.length > NAMED ? ` (+${fields.length - NAMED})` : ''}`;

/** One record of a pool, before and after; null: none. Plain data, for a finding's arguments. */
export interface RecordChange {
  pool: Ref;
  address: string;
  /** Inside the string. */
  pointer: string;
  before: Json;
  after: Json;
}

/** Where the record of an address stands: under the address as it is written there. */
export function recordAt({ row, entries }: PoolNow, address: string): Pick<RecordChange, 'pool' | 'address' | 'pointer' | 'before'> {
  const written = Object.keys(entries).find((key) => addressKey(key) === address);
  const before = written === undefined ? null : (entries[written] ?? null);
  return { pool: refOfPool(row), address, pointer: formatPointer([written ?? address]), before };
}

/** What Spiderpool itself would have written for this Pod into this pool. `version`: what is installed; undefined where that is not known. */
export function newRecord({ entries }: PoolNow, pod: string, podUid: string, nic: string, hasInterface: boolean): Json {
  const others = Object.values(entries).filter(isRaw);
  const withInterface = others.length > 0 ? others.some((other) => 'interface' in other) : hasInterface;
  return withInterface ? { interface: nic, pod, podUid } : { pod, podUid };
}

/** The write itself. `before` stands as the precondition: the IP was not assigned meanwhile. */
export function recordStep({ pool, pointer, before, after }: RecordChange, guard: Condition[], text: Text): StepDraft {
  const change: Change = { path: '/status/allocatedIPs', inString: pointer };
  if (before !== null) change.before = before;
  if (after !== null) change.after = after;
  return {
    do: 'patch',
    on: pool,
    subresource: 'status',
    changes: [change],
    counters: [{ path: '/status/allocatedIPCount', keysOf: '/status/allocatedIPs' }],
    guard,
    text,
    undo: 'exact',
    brief: after === null ? RELEASED : ALLOCATED,
  };
}

const counted = (n: number): string => (n === 1 ? 'the IP' : `${n} IPs`);
const RELEASED = (n: number): Text => ({ en: `releases ${counted(n)} of`, zh: `释放 {} 中的 ${n} 个 IP` });
const ALLOCATED = (n: number): Text => ({ en: `restores the allocation of ${counted(n)} in`, zh: `在 {} 中补回 ${n} 个 IP 的分配记录` });

/** One after the other within each pool: writers side by side would only take the pool's resourceVersion from each other. */
export function inTurn(steps: readonly StepDraft[]): StepDraft[] {
  const last = new Map<string, StepDraft>();
  return steps.map((step) => {
    const pool = step.do === 'patch' ? step.on.name : '';
    const before = last.get(pool);
    const next = before ? { ...step, after: [...(step.after ?? []), before] } : step;
    last.set(pool, next);
    return next;
  });
}

/** For the remedies that write records. */
export const RECORD_RIGHTS = [
  { verbs: ['get'], group: 'spiderpool.spidernet.io', resource: 'spiderippools' },
  { verbs: ['patch'], group: 'spiderpool.spidernet.io', resource: 'spiderippools/status' },
];

/** The record that the pool should have of an address that a Pod holds. null: no endpoint of it claims the address. `version`: what is installed. */
export function recordOf(address: string, { pod, claim }: Hold, pool: PoolNow, version: string | undefined): RecordChange | null {
  if (!claim) return null;
  const hasInterface = version !== undefined && satisfies(version, '<0.8.2');
  return { ...recordAt(pool, address), after: newRecord(pool, nameOf(claim.endpoint), pod.uid, claim.interface, hasInterface) };
}
