// What the lists alone make suspicious about the records of pools, for all checks at once: over 150,000 Pods the records are what is read longest.
// One pool's records are held at a time: those of all pools together would take hundreds of megabytes.
import type { Gap } from '../../engine/contracts.ts';
import { inRanges } from '../../kube/addresses.ts';
import { type AddressRows, onceFor, podsByEndpoint, poolOf, recordKey } from './ledger.ts';
import { isClear, oddRecords, type PoolNow, poolOfRow } from './records.ts';
import { claimsOf, type EndpointRow, type PodRow, type PoolRecord, type PoolRow, wordsOf } from './rows.ts';

/** A running Pod that uses an address of a pool which has no record of it, or another one's. */
export interface Unrecorded {
  address: string;
  pod: PodRow;
  pool: PoolRow;
}
/** A record with the uid of no Pod, or of one that has no IP. */
export interface Ownerless extends PoolRecord {
  address: string;
  pool: PoolRow;
}
export interface Suspicions {
  unrecorded: Unrecorded[];
  ownerless: Ownerless[];
  /** Records of running Pods that have no IP yet. One may be the one that such a Pod is about to get. */
  waiting: Ownerless[];
  /** Records that no one can understand. */
  odd: Gap[];
}

export const suspicionsOf = onceFor((rows: AddressRows): Suspicions => {
  const used = usedByPool(rows);
  const uids = new Set(rows.pods.map(({ uid }) => uid));
  const waiting = new Set(rows.pods.filter(isWithoutIp).map(({ uid }) => uid));
  const found: Suspicions = { unrecorded: [], ownerless: [], waiting: [], odd: [] };
  for (const pool of rows.pools) {
    const now = poolOfRow(pool);
    found.odd.push(...oddRecords(now));
    for (const one of used.get(pool.name) ?? [])
      if (isUnrecorded(one, now)) found.unrecorded.push({ address: one.address, pod: one.pod, pool });
    for (const [address, { pod, uid }] of now.records) {
      if (!uids.has(uid)) found.ownerless.push({ address, pod, uid, pool });
      else if (waiting.has(uid)) found.waiting.push({ address, pod, uid, pool });
    }
  }
  return found;
});

const isWithoutIp = ({ uses, addresses, odd, machine }: PodRow): boolean => uses && addresses === '' && odd === '' && machine === undefined;

interface Used {
  address: string;
  pod: PodRow;
  /** The endpoint's name; undefined: only the Pod says that it uses the address. */
  endpoint?: string;
}

/** Addresses that running Pods use, by the name of the pool that gave them. */
function usedByPool(rows: AddressRows): Map<string, Used[]> {
  const byPool = new Map<string, Used[]>();
  const use = (pool: string, used: Used): void => {
    const known = byPool.get(pool);
    if (known) known.push(used);
    else byPool.set(pool, [used]);
  };
  const podOf = podsByEndpoint(rows);
  const claimed = new Map<string, string>();
  for (const endpoint of rows.endpoints) {
    const pod = podOf(endpoint);
    if (!pod) continue;
    claimed.set(pod.uid, endpoint.claims);
    for (const claim of claimsOf(endpoint)) use(claim.pool, { address: claim.address, pod, endpoint: endpoint.name });
  }
  const pooled = inRanges(rows.pools.flatMap(({ ranges }) => ranges));
  for (const pod of rows.pods) {
    if (!pod.addresses) continue;
    const claims = claimed.get(pod.uid) ?? '';
    // Nearly every Pod has one address, and its endpoint begins with it.
    if (claims.startsWith(`${pod.addresses} `)) continue;
    const words = wordsOf(claims);
    for (const address of wordsOf(pod.addresses))
      if (!words.includes(address) && pooled(address)) use(poolOf(address, undefined, rows.pools)!.name, { address, pod });
  }
  return byPool;
}

const isUnrecorded = ({ address, pod, endpoint }: Used, now: PoolNow): boolean =>
  isClear(now, address) && !isRecordOf(now.records.get(address), endpoint, pod);

/** A machine's record stays while its Pods come and go, so that only the name is compared. */
export function isRecordOf(record: PoolRecord | undefined, endpoint: EndpointRow['name'] | undefined, pod: PodRow): boolean {
  if (!record) return false;
  const own = recordKey(pod, false);
  if (pod.machine !== undefined && record.pod === recordKey(pod, true) && pod.machine !== pod.name) return true;
  return (record.pod === own || record.pod === `${pod.namespace}/${endpoint}`) && (record.uid === '' || record.uid === pod.uid);
}
