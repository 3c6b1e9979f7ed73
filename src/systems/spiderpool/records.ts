// The records of a pool, status.allocatedIPs: who has which address, as JSON in a string. One key per write; the count is recomputed by the step.
// Sources: PoolIPAllocation in pkg/k8s/apis/spiderpool.spidernet.io/v2beta1/spiderippool_types.go (with `interface` up to 0.8.1, without from 0.8.2);
// status writes do not pass the pool's webhooks (charts/spiderpool/templates/tls.yaml: resources without subresources).
import type { Ask, Change, Condition, Json, Raw, Ref, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { addressKey } from '../../kube/addresses.ts';
import { isRaw } from '../../kube/json.ts';
import { formatPointer } from '../../kube/pointer.ts';
import { entriesOf, type PoolRecord, type PoolRow, poolRow, recordsIn, refOfPool } from './rows.ts';

/** A pool as just read. */
export interface PoolNow {
  row: PoolRow;
  coding: ReturnType<typeof entriesOf>['coding'];
  /** By address as it is written. */
  entries: Raw;
  /** By address key. */
  records: Map<string, PoolRecord>;
}

/** undefined: it is gone, or could not be read. */
export async function readPool(pool: PoolRow, ask: Ask): Promise<PoolNow | undefined> {
  const raw = await ask.get({ ...refOfPool(pool), uid: undefined });
  return raw === undefined || isGap(raw) ? undefined : poolOfRow(poolRow(raw));
}

export function poolOfRow(row: PoolRow): PoolNow {
  const read = entriesOf(row);
  return { row, ...read, records: recordsIn(read.entries) };
}

/** A pool of which nobody can tell what it has on record. */
export const unreadable = (pools: readonly PoolRow[]): Text | undefined => {
  const pool = pools.find((each) => entriesOf(each).coding === 'unreadable');
  return (
    pool && {
      en: `status.allocatedIPs of SpiderIPPool ${pool.name} is no JSON object, so that nobody can tell what it has on record`,
      zh: `SpiderIPPool ${pool.name} 的 status.allocatedIPs 不是 JSON 对象，无法得知其中的记录`,
    }
  );
};

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

/** The write itself. `before` stands as the precondition: nobody else took the address meanwhile. */
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
    phase: 'prepare',
    text,
    undo: 'exact',
  };
}

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
