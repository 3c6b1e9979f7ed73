// Who uses which address, over Pods, multus' annotations and SpiderEndpoints; and the point reads that turn a suspicion from lists into a fact.
// Lists are not one moment: a Pod that left between two of them looks like a conflict. What is said here of a Pod was read of that very Pod (its uid), twice.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PointReader, Raw, Ref, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { paced } from '../../engine/pace.ts';
import { inRanges } from '../../kube/addresses.ts';
import { refOf } from '../../kube/refs.ts';
import { type Claim, claimsOf, type EndpointRow, endpointRow, type PodRow, type PoolRow, podRow, refOfPod, wordsOf } from './rows.ts';

/** ms between two looks at what has no order of its own: the time that a restart of a Pod's sandbox, or the end of a Pod, leaves a record behind. */
const SETTLE = 1000;
/** More names tell a person nothing; -o wide and the steps have them all. */
const NAMED = 3;
/** Where neither an endpoint nor a pool says it. */
const API_VERSION = 'spiderpool.spidernet.io/v2beta1';

export interface AddressRows {
  pods: PodRow[];
  endpoints: EndpointRow[];
  pools: PoolRow[];
}
/** One Pod and one address that it uses, as just read. */
export interface Hold {
  pod: PodRow;
  /** The Pod as the server sent it. */
  raw: Raw;
  /** Its SpiderEndpoint, if that claims the address. */
  claim?: Claim & { endpoint: Ref };
  /** The Pod's own status or its network-status says it too. */
  byPod: boolean;
}

/** Made once of the same lists, however many checks ask for it, and gone with them. */
export function onceFor<Made>(make: (rows: AddressRows) => Made): (rows: AddressRows) => Made {
  const known = new WeakMap<readonly PodRow[], { rows: AddressRows; made: Made }>();
  return (rows) => {
    const last = known.get(rows.pods);
    if (last && last.rows.endpoints === rows.endpoints && last.rows.pools === rows.pools) return last.made;
    const made = make(rows);
    known.set(rows.pods, { rows: { pods: rows.pods, endpoints: rows.endpoints, pools: rows.pools }, made });
    return made;
  };
}

/** `NAMESPACE/NAME` as the pool's records and the endpoint have it. */
export const recordKey = ({ namespace, name, machine }: PodRow, byMachine: boolean): string =>
  `${namespace}/${(byMachine && machine) || name}`;

/** The running Pod that an endpoint was given to. */
export const podsByEndpoint = onceFor(({ pods, endpoints }: AddressRows): ((endpoint: EndpointRow) => PodRow | undefined) => {
  const users = pods.filter(({ uses }) => uses);
  const byUid = new Map(users.map((pod) => [pod.uid, pod]));
  // Endpoints of v1 have no uid; the map of names is made for them alone.
  const byName = new Map(endpoints.some(({ podUid }) => podUid === '') ? users.map((pod) => [recordKey(pod, false), pod]) : []);
  return (endpoint) => {
    const pod = endpoint.podUid ? byUid.get(endpoint.podUid) : byName.get(`${endpoint.namespace}/${endpoint.name}`);
    return pod && belongs(endpoint, pod) ? pod : undefined;
  };
});

/** It has claims behind its first one; a claim is three words. */
const hasMore = ({ claims }: EndpointRow): boolean => claims.split(' ', 4).length > 3;

function belongs({ deleted, namespace, name, podUid }: EndpointRow, pod: PodRow): boolean {
  if (deleted || namespace !== pod.namespace || (name !== pod.name && name !== pod.machine)) return false;
  return podUid === pod.uid || podUid === '';
}

/** Addresses that more than one running Pod seems to use, and that concern Spiderpool: claimed by an endpoint, or of a pool. */
export function sharedAddresses(rows: AddressRows): Map<string, PodRow[]> {
  const users = new Map<string, PodRow | PodRow[]>();
  const suspects = new Set<string>();
  const use = (address: string, pod: PodRow): void => {
    const known = users.get(address);
    if (known === pod) return;
    if (known === undefined) users.set(address, pod);
    else if (![known].flat().some((other) => sameUser(other, pod))) {
      users.set(address, [known, pod].flat());
      suspects.add(address);
    }
  };
  for (const pod of rows.pods) for (const address of wordsOf(pod.addresses)) use(address, pod);
  const podOf = podsByEndpoint(rows);
  for (const endpoint of rows.endpoints) {
    const pod = podOf(endpoint);
    // Nearly every endpoint claims the one address that its Pod shows.
    if (!pod || (pod.addresses !== '' && endpoint.claims.startsWith(`${pod.addresses} `) && !hasMore(endpoint))) continue;
    for (const { address } of claimsOf(endpoint)) use(address, pod);
  }
  if (suspects.size === 0) return new Map();
  const claimed = new Set(
    rows.endpoints.flatMap((endpoint) => claimsOf(endpoint).flatMap(({ address }) => (suspects.has(address) ? [address] : []))),
  );
  const pooled = inRanges(rows.pools.flatMap(({ ranges }) => ranges));
  const ours = [...suspects].filter((address) => claimed.has(address) || pooled(address));
  return new Map(ours.map((address) => [address, [users.get(address)!].flat()]));
}

const sameUser = (a: PodRow, b: PodRow): boolean =>
  a.uid === b.uid || (a.namespace === b.namespace && a.machine !== undefined && a.machine === b.machine);

/** Reads the Pod and its endpoint again. undefined: that Pod is gone or going, or does not use the address. */
export async function holdOf(pod: PodRow, address: string, apiVersion: string, look: PointReader): Promise<Hold | undefined> {
  // The endpoint first: a Pod that is still live when it is read behind it had not given the address back.
  const endpoint = await endpointOf(pod, apiVersion, look);
  const raw = await look.get(refOfPod(pod));
  if (raw === undefined || isGap(raw)) return undefined;
  const now = podRow(raw);
  if (now.uid !== pod.uid || !now.uses) return undefined;
  const row = endpoint && endpointRow(endpoint);
  const claimed = row && belongs(row, now) ? claimsOf(row).find((each) => each.address === address) : undefined;
  const byPod = wordsOf(now.addresses).includes(address);
  if (!claimed && !byPod) return undefined;
  return { pod: now, raw, claim: claimed && { ...claimed, endpoint: refOf(endpoint!) }, byPod };
}

/** Under the machine's name where KubeVirt made the Pod and Spiderpool keeps its address, else under the Pod's. */
export async function endpointOf({ namespace, name, machine }: PodRow, apiVersion: string, look: PointReader): Promise<Raw | undefined> {
  for (const called of [machine, name]) {
    if (called === undefined) continue;
    const found = await look.get({ apiVersion, kind: 'SpiderEndpoint', namespace, name: called });
    if (found !== undefined && !isGap(found)) return found;
  }
  return undefined;
}

/** In which version the cluster serves Spiderpool's objects. */
export const apiVersionOf = ({ endpoints, pools }: Pick<AddressRows, 'endpoints' | 'pools'>): string =>
  endpoints[0]?.apiVersion || pools[0]?.apiVersion || API_VERSION;

/** The pool that gave an address: the one that an endpoint names, else the one in whose ranges it lies. */
export function poolOf(address: string, claimed: string | undefined, pools: readonly PoolRow[]): PoolRow | undefined {
  const named = claimed === undefined ? undefined : pools.find(({ name }) => name === claimed);
  return named ?? pools.find(({ ranges }) => inRanges(ranges)(address));
}

/** May the pool give this address at all? */
export const gives = ({ ranges, excluded }: PoolRow, address: string): boolean => inRanges(ranges)(address) && !inRanges(excluded)(address);

export const settle = (): Promise<void> => sleep(paced(SETTLE));

/** Evidence out of a Pod itself. */
export const saidByPod = (address: string): Text => ({
  en: `status.podIPs or network-status: ${address}`,
  zh: `status.podIPs 或 network-status：${address}`,
});

export const nameOf = ({ namespace, name }: Pick<Ref, 'namespace' | 'name'>): string => `${namespace}/${name}`;

/** The first names of many, and how many more there are. */
export function someOf(names: readonly string[]): Text {
  const [first, more] = [names.slice(0, NAMED), names.length - NAMED];
  return {
    en: `${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    zh: `${first.join('、')}${more > 0 ? ` 等 ${names.length} 个` : ''}`,
  };
}
