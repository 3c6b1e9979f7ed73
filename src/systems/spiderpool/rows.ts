// Pods, SpiderEndpoints and SpiderIPPools as small rows: who uses which address, who was given it, and what each pool has allocated.
// Rows are kept for whole clusters (150,000 Pods, 300,000 addresses): lists within a row are one text, blanks between, and what repeats is shared.
// Both API versions are read: v1 (up to 0.3.7) has no uid in an endpoint and an object for the records; since v2beta1 the records are JSON in a string.
// Sources: pkg/k8s/apis/spiderpool.spidernet.io at v0.3.7, v0.4.0, v0.8.2 and v1.2.2 (spiderendpoint_types.go, spiderippool_types.go).
import type { Column, Json, Raw, Ref } from '../../engine/contracts.ts';
import { asIs } from '../../engine/read/index.ts';
import { addressKey, isRange } from '../../kube/addresses.ts';
import { countMembers, isRaw, parseJson } from '../../kube/json.ts';
import { addressesOf, controllerOf, isLive, isTerminating, LIVENESS_FIELDS } from '../../kube/pods.ts';
import { networks, RECORD_KEYS, records, WORD } from './kept.ts';

export interface PodRow {
  namespace: string;
  name: string;
  uid: string;
  /** It lives, and not in the network of its node: its addresses are its own. */
  uses: boolean;
  /** Its VirtualMachineInstance, where KubeVirt made it: two of its Pods share an address while the machine moves. */
  machine?: string;
  /** Keys of kube/addresses.ts, blanks between. */
  addresses: string;
  /** The same of a Pod that is terminating: it uses them as long as its containers run. */
  held: string;
  /** It may have more of them: fields that say so and cannot be understood, blanks between. */
  odd: string;
}

export const POD_COLUMNS: readonly Column[] = [
  asIs(...LIVENESS_FIELDS, 'status.podIP', 'status.podIPs', 'metadata.ownerReferences', 'spec.hostNetwork'),
  networks,
];

export function podRow(pod: Raw): PodRow {
  const { namespace, name, uid } = rawAt(pod.metadata);
  const isOwn = rawAt(pod.spec).hostNetwork !== true;
  const uses = isLive(pod) && isOwn;
  const { keys, odd } = uses ? addressesOf(pod) : NO_ADDRESSES;
  const held = isOwn && isTerminating(pod) ? addressesOf(pod).keys : NO_ADDRESSES.keys;
  const row: PodRow = {
    namespace: shared(text(namespace)),
    name: text(name),
    uid: text(uid),
    uses,
    machine: undefined,
    addresses: keys.join(' '),
    held: held.length ? held.join(' ') : '',
    odd: odd.length ? odd.join(' ') : '',
  };
  const owner = controllerOf(pod);
  if (owner?.kind === MACHINE && owner.apiVersion.startsWith('kubevirt.io/')) row.machine = owner.name;
  return row;
}

const NO_ADDRESSES = { keys: [], odd: [] };

export const MACHINE = 'VirtualMachineInstance';

export const refOfPod = ({ namespace, name, uid }: PodRow): Ref => ({ apiVersion: 'v1', kind: 'Pod', namespace, name, uid });

/** The words of such a text. */
export const wordsOf = (joined: string): string[] => (joined === '' ? [] : joined.split(' '));

// ---- SpiderEndpoints ------------------------------------------------------------------------------------------------

export interface EndpointRow {
  apiVersion: string;
  namespace: string;
  /** Of the Pod; of a KubeVirt machine its VirtualMachineInstance's. */
  name: string;
  /** On its way out: it claims nothing any more. */
  deleted: boolean;
  /** Of the Pod that it was last given to; '' in v1. */
  podUid: string;
  /** `ADDRESS POOL INTERFACE`, of each claim; see `claimsOf`. */
  claims: string;
  /** What stands in an address's place and is none: `status.current.ips[0].ipv4`, blanks between. */
  odd: string;
}
export interface Claim {
  /** Key of kube/addresses.ts. */
  address: string;
  pool: string;
  interface: string;
}

export const ENDPOINT_COLUMNS: readonly Column[] = [
  asIs(
    'metadata.deletionTimestamp',
    'status.current.uid',
    'status.current.ips.interface',
    'status.current.ips.ipv4',
    'status.current.ips.ipv4Pool',
    'status.current.ips.ipv6',
    'status.current.ips.ipv6Pool',
  ),
];

export function endpointRow(object: Raw): EndpointRow {
  const metadata = rawAt(object.metadata);
  const current = rawAt(rawAt(object.status).current);
  const odd: string[] = [];
  const claims = claimWords(current.ips, odd).join(' ');
  return {
    apiVersion: shared(text(object.apiVersion)),
    namespace: shared(text(metadata.namespace)),
    name: text(metadata.name),
    deleted: typeof metadata.deletionTimestamp === 'string',
    podUid: text(current.uid),
    claims,
    odd: odd.join(' '),
  };
}

/** `odd`: gets the places of what is not an address. */
function claimWords(ips: Json | undefined, odd: string[]): string[] {
  const words: string[] = [];
  if (!Array.isArray(ips)) {
    if (isThere(ips)) odd.push(IPS);
    return words;
  }
  for (const [at, ip] of ips.entries()) {
    if (!isRaw(ip)) {
      odd.push(`${IPS}[${at}]`);
      continue;
    }
    for (const [family, pool] of FAMILIES) {
      const address = addressKey(text(ip[family]));
      if (address !== undefined) words.push(address, word(ip[pool]), word(ip.interface));
      else if (isThere(ip[family])) odd.push(`${IPS}[${at}].${family}`);
    }
  }
  return words;
}
const isThere = (value: Json | undefined): boolean => value !== undefined && value !== null && value !== '';
const FAMILIES = [
  ['ipv4', 'ipv4Pool'],
  ['ipv6', 'ipv6Pool'],
] as const;
const IPS = 'status.current.ips';

/** As one word; names have no blanks. */
function word(value: Json | undefined): string {
  const written = text(value);
  return (written.includes(' ') ? written.replaceAll(' ', '') : written) || '-';
}

export function claimsOf({ claims }: EndpointRow): Claim[] {
  const words = wordsOf(claims);
  const made: Claim[] = [];
  for (let at = 0; at < words.length; at += 3) made.push({ address: words[at]!, pool: words[at + 1]!, interface: words[at + 2]! });
  return made;
}

// ---- SpiderIPPools --------------------------------------------------------------------------------------------------

/** To which Pod a pool has allocated an address. */
export interface PoolRecord {
  /** `NAMESPACE/NAME` of the Pod; of a KubeVirt machine its VirtualMachineInstance's. */
  pod: string;
  /** '' in v1. */
  uid: string;
}
export interface PoolRow {
  apiVersion: string;
  name: string;
  uid: string;
  ranges: string[];
  excluded: string[];
  /** Of these two what is not a range: `spec.ips[3]`. It is then unknown which addresses the pool gives. */
  oddRanges: string[];
  /** status.allocatedIPs as it is written: read when it is asked for, since text is a third of what objects take. */
  written: Json | undefined;
}

export const POOL_COLUMNS: readonly Column[] = [asIs('spec.ips', 'spec.excludeIPs'), records];

export function poolRow(object: Raw): PoolRow {
  const spec = rawAt(object.spec);
  const { name, uid } = rawAt(object.metadata);
  return {
    apiVersion: text(object.apiVersion),
    name: text(name),
    uid: text(uid),
    ranges: texts(spec.ips),
    excluded: texts(spec.excludeIPs),
    oddRanges: [...oddRanges('spec.ips', spec.ips), ...oddRanges('spec.excludeIPs', spec.excludeIPs)],
    written: rawAt(object.status).allocatedIPs,
  };
}

/** `string`: JSON in a string. `object`: v1. `unreadable`: neither, there are no entries then. `entries`: by address as it is written there. */
export function entriesOf({ written }: Pick<PoolRow, 'written'>): { coding: 'string' | 'object' | 'unreadable'; entries: Raw } {
  if (isRaw(written)) return { coding: 'object', entries: written };
  if (written === undefined || written === null || written === '') return { coding: 'string', entries: {} };
  try {
    const parsed = typeof written === 'string' ? parseJson(written) : undefined;
    // One address written twice: it is unknown which of them counts, and a write of ours would take the other out.
    const isWhole = isRaw(parsed) && Object.keys(parsed).length === countMembers(written as string);
    return isWhole ? { coding: 'string', entries: parsed } : { coding: 'unreadable', entries: {} };
  } catch {
    return { coding: 'unreadable', entries: {} };
  }
}

function oddRanges(field: string, value: Json | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return [field];
  return value.flatMap((range, at) => (typeof range === 'string' && isRange(range) ? [] : [`${field}[${at}]`]));
}

export interface Records {
  /** By address key. */
  records: Map<string, PoolRecord>;
  /** Keys as they are written of what is not a record, or a second one of its address. */
  odd: string[];
  /** Address keys of those among them that are under an address. */
  oddAddresses: Set<string>;
}

export function recordsIn(entries: Raw): Records {
  const read: Records = { records: new Map(), odd: [], oddAddresses: new Set() };
  for (const [written, value] of Object.entries(entries)) {
    const address = written.includes('/') ? undefined : addressKey(written);
    const record = recordOf(value);
    if (address !== undefined && record !== undefined && !read.records.has(address)) {
      read.records.set(address, record);
      continue;
    }
    read.odd.push(written);
    if (address !== undefined) read.oddAddresses.add(address);
  }
  // Two records of one address contradict each other; neither counts.
  for (const address of read.oddAddresses) read.records.delete(address);
  return read;
}

/** As Kubernetes lets a namespace and a Pod be called. */
const POD = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/;

function recordOf(value: Json): PoolRecord | undefined {
  if (!isRaw(value)) return undefined;
  for (const [key, each] of Object.entries(value))
    if (!RECORD_KEYS.has(key) || typeof each !== 'string' || !WORD.test(each)) return undefined;
  const { pod, podUid, namespace } = value;
  const named = typeof namespace === 'string' ? `${namespace}/${text(pod)}` : text(pod);
  return POD.test(named) ? { pod: named, uid: text(podUid) } : undefined;
}

export const refOfPool = ({ apiVersion, name, uid }: PoolRow): Ref => ({ apiVersion, kind: 'SpiderIPPool', name, uid });

// ---- small things ---------------------------------------------------------------------------------------------------

const known = new Map<string, string>();
/** Different texts that are remembered; beyond it a hostile cluster would fill the memory by them. */
const MAX_SHARED = 20_000;

/** One copy of a text that many rows repeat (namespaces, API versions). */
function shared(value: string): string {
  const found = known.get(value);
  if (found !== undefined) return found;
  if (known.size < MAX_SHARED) known.set(value, value);
  return value;
}

const rawAt = (value: Json | undefined): Raw => (isRaw(value) ? value : {});
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
