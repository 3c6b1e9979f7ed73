// Whether two running Pods really share an IP: what rows of lists show is confirmed by reading each Pod, endpoint and pool again, before and after.
// Who of them keeps the IP stands in keeper.ts.
import type { Finding, PointReader, Situation } from '../../engine/contracts.ts';
import { each } from '../../engine/each.ts';
import { type Around, type Conflict, conflict } from './keeper.ts';
import { type AddressRows, apiVersionOf, type Hold, holdOf, nameOf, poolOf, sharedAddresses } from './ledger.ts';
import { type PoolNow, readPool } from './records.ts';
import type { PodRow, PoolRow } from './rows.ts';

/** What these rows show, confirmed. `thereOf`: those of these names that a Pod or an endpoint has. */
export async function conflictsIn(
  rows: AddressRows & Pick<Around, 'budgets'>,
  { look, path }: Situation,
  thereOf: (names: readonly string[]) => Promise<Set<string>>,
): Promise<Finding<Conflict>[]> {
  const apiVersion = apiVersionOf(rows);
  const confirm = (addresses: Map<string, PodRow[]>) => lookedAt(addresses, apiVersion, look);
  const first = await confirm(sharedAddresses(rows));
  const read = await poolsOf(first, rows.pools, look);
  // All first looks lie before all second ones: who holds the address in both held it at the same moment as the other.
  const second = await confirm(new Map([...first].map(([address, holds]) => [address, holds.map(({ pod }) => pod)])));
  const version = typeof path.from === 'string' ? path.from : undefined;
  const there = await thereOf([...second.keys()].flatMap((address) => read.get(address)?.records.get(address)?.pod ?? []));
  return [...second].map(([address, holds]) => conflict(address, holds, read.get(address), { version, there, budgets: rows.budgets }));
}

/** Those of these names that a Pod or an endpoint has. */
export function namesIn({ pods, endpoints }: AddressRows, names: readonly string[]): Set<string> {
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
