// IP addresses in whatever form they are written: one canonical key per address, and ranges of them. IPv4 inside IPv6 (::ffff:a.b.c.d) is the IPv4 address,
// as Go's net package, and with it Kubernetes, has it.

/** Longest text that can be an address with prefix length: 39 characters of IPv6, or 45 with IPv4 at its end, and `/128`. */
const LONGEST = 49;

/**
 * The key of an address: dotted decimal, or IPv6 as in RFC 5952 (lower case, no leading zeros, the longest run of zeros folded).
 * A prefix length (`10.6.0.1/16`) is left off. undefined: no address (also one with a zone: it means nothing outside its machine).
 */
export function addressKey(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const prefix = slash < 0 ? 0 : prefixOf(text.slice(slash + 1));
  if (isPlainIpv4(address)) return prefix <= 32 ? address : undefined;
  const v4 = ipv4(address);
  if (v4 !== undefined) return prefix <= 32 ? v4.join('.') : undefined;
  const v6 = ipv6(address);
  if (v6 === undefined || !(prefix <= 128)) return undefined;
  return isMapped(v6) ? [v6[6]! >> 8, v6[6]! & 0xff, v6[7]! >> 8, v6[7]! & 0xff].join('.') : formatIpv6(v6);
}

/** NaN: no number. */
const prefixOf = (text: string): number => (/^\d{1,3}$/.test(text) ? Number(text) : Number.NaN);

/** Four numbers up to 255 without leading zeros: as nearly every address is written, and then its own key. Clusters have hundreds of thousands of them. */
function isPlainIpv4(text: string): boolean {
  let [dots, value, digits] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0) return false;
      dots++;
      value = 0;
      digits = 0;
      continue;
    }
    if (code < ZERO || code > ZERO + 9 || (digits > 0 && value === 0)) return false;
    value = value * 10 + code - ZERO;
    if (value > 255) return false;
    digits++;
  }
  return dots === 3 && digits > 0;
}
const [DOT, ZERO] = [0x2e, 0x30];

/** Is an address (as `addressKey` gives it) in one of these ranges: `10.6.0.9`, `10.6.0.1-10.6.0.9`, `10.6.0.0/16`? What is none of them holds nothing. */
export function inRanges(ranges: readonly string[]): (key: string) => boolean {
  const spans = merged(ranges.flatMap((range) => spanOf(range) ?? []));
  if (spans.length === 0) return () => false;
  return (key) => {
    const at = numberOf(key);
    return at !== undefined && holds(spans, at);
  };
}

/** Is it one of those three, and not from a higher address to a lower one? */
export function isRange(range: string): boolean {
  const span = spanOf(range);
  return span !== undefined && span.first.value <= span.last.value;
}

/** How an address or a CIDR is written that Kubernetes took once and no longer takes (apimachinery pkg/util/validation/ip.go, strict); undefined: as it should be, or never one. */
export function looseForm(text: string): 'leading-zeros' | 'ipv4-mapped' | 'host-bits' | undefined {
  const key = addressKey(text);
  const [address = '', prefix] = text.split('/');
  if (key === undefined) return undefined;
  const quads = address.includes('.') ? address.slice(address.lastIndexOf(':') + 1).split('.') : [];
  if ([...quads, prefix ?? ''].some((part) => /^0\d/.test(part))) return 'leading-zeros';
  if (address.includes(':') && key.includes('.')) return 'ipv4-mapped';
  return prefix !== undefined && spanOf(text)?.first.value !== numberOf(key)?.value ? 'host-bits' : undefined;
}

/** In order, none touching another, so that a place in thousands of ranges is found in a dozen steps. */
function merged(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of spans.toSorted((a, b) => order(a.first, b.first))) {
    const last = out.at(-1);
    if (last === undefined || order(last.last, span.first) < 0) out.push({ ...span });
    else if (order(last.last, span.last) < 0) last.last = span.last;
  }
  return out;
}

function holds(spans: readonly Span[], at: Numbered): boolean {
  let [low, high] = [0, spans.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (order(spans[middle]!.first, at) <= 0) low = middle;
    else high = middle - 1;
  }
  const span = spans[low]!;
  return order(span.first, at) <= 0 && order(at, span.last) <= 0;
}

const order = (a: Numbered, b: Numbered): number =>
  a.family !== b.family ? a.family - b.family : a.value < b.value ? -1 : a.value > b.value ? 1 : 0;

/** Four numbers. Leading zeros are decimal, as Kubernetes has always read them (ParseIPSloppy). */
function ipv4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1).map(Number);
  return parts.every((part) => part <= 255) ? parts : undefined;
}

/** Eight groups. */
function ipv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half, at) => groupsOf(half, at === halves.length - 1));
  const [head, tail] = groups;
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (tail === undefined) return head.length === 8 ? head : undefined;
  const missing = 8 - head.length - tail.length;
  return missing >= 1 ? [...head, ...new Array<number>(missing).fill(0), ...tail] : undefined;
}

/** The groups of one half; the last one may end in an IPv4 address. */
function groupsOf(half: string, last: boolean): number[] | undefined {
  if (half === '') return [];
  const parts = half.split(':');
  const groups: number[] = [];
  for (const [at, part] of parts.entries()) {
    const v4 = last && at === parts.length - 1 ? ipv4(part) : undefined;
    if (v4 !== undefined) groups.push((v4[0]! << 8) | v4[1]!, (v4[2]! << 8) | v4[3]!);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups.length <= 8 ? groups : undefined;
}

const isMapped = (groups: readonly number[]): boolean => groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;

function formatIpv6(groups: readonly number[]): string {
  let [from, length] = [-1, 1]; // a single zero group is not folded
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > length) [from, length] = [at, end - at];
    at = Math.max(at, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  return from < 0 ? hex.join(':') : `${hex.slice(0, from).join(':')}::${hex.slice(from + length).join(':')}`;
}

interface Numbered {
  family: 4 | 6;
  value: bigint;
}
interface Span {
  first: Numbered;
  last: Numbered;
}

function numberOf(key: string): Numbered | undefined {
  const v4 = ipv4(key);
  if (v4 !== undefined) return { family: 4, value: v4.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
  const v6 = ipv6(key);
  return v6 && { family: 6, value: v6.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

function spanOf(range: string): Span | undefined {
  const [from = '', to = from, ...rest] = range.split('-').map((part) => part.trim());
  const [first, last] = [from, to].map((text) => numberOf(addressKey(text) ?? ''));
  if (rest.length > 0 || first === undefined || last === undefined || first.family !== last.family) return undefined;
  const bits = BigInt(first.family === 4 ? 32 : 128);
  const prefix = /\/(\d+)$/.exec(from)?.[1];
  if (prefix === undefined || from !== to) return { first, last };
  const below = (1n << (bits - BigInt(prefix))) - 1n;
  return { first: { ...first, value: first.value & ~below }, last: { ...first, value: first.value | below } };
}
