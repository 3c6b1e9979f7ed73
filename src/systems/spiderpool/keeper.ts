// Who keeps an IP that several running Pods use, and why; whether the pool could give it once more, and the record that would keep it from that.
import type { Finding, Raw } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { gives, type Hold, nameOf, recordKey, saidByPod } from './ledger.ts';
import { isClear, type PoolNow, type RecordChange, recordOf } from './records.ts';
import { isAutomatic, type Restart, restartOf } from './restart.ts';
import type { PoolRow } from './rows.ts';
import type { Terminating } from './terminating.ts';

/** Why the one that keeps the address keeps it. */
export type Because = 'record' | 'endpoint' | 'restart' | 'older';
export interface Conflict {
  address: string;
  /** The one that keeps the address first. */
  holders: Restart[];
  because: Because;
  /** The winner's record, where the pool does not have it: else the next Pod would be given the address once more. */
  putBack: RecordChange | null;
  /** The pool could give the address again, and the record that would keep it from that cannot be put back. `exclude`: the command that takes the address out. */
  stuck: { pool: string; exclude: string } | null;
  /** The other one is terminating, and its containers still run; there is one holder then. */
  terminating?: Terminating;
}

export interface Around {
  /** What is installed. */
  version?: string;
  /** Names in records that a Pod or an endpoint has. */
  there: ReadonlySet<string>;
  budgets: Parameters<typeof restartOf>[1];
}

export function conflict(address: string, holds: Hold[], pool: PoolNow | undefined, around: Around): Finding<Conflict> {
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
  // A record of someone who is gone goes as well, sooner or later.
  if (!gives(pool.row, address) || (record && there.has(record.pod))) return null;
  const missing = pool.coding === 'string' ? recordOf(address, winner, pool, version) : null;
  return missing ?? (record ? null : 'impossible');
}

/** A list that cannot be read is a person's to mend. */
function excluding(address: string, { name, excluded, oddRanges }: PoolRow): string {
  const at = `spiderippools.spiderpool.spidernet.io ${shellWord(name)}`;
  if (oddRanges.some((field) => field.startsWith('spec.excludeIPs'))) return `kubectl edit ${at}`;
  const patch = excluded.length
    ? { op: 'add', path: '/spec/excludeIPs/-', value: address }
    : { op: 'add', path: '/spec/excludeIPs', value: [address] };
  return `kubectl patch ${at} --type=json -p ${shellWord(JSON.stringify([patch]))}`;
}
