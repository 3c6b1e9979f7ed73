// Helm's release records: what `data.release` of a Secret or ConfigMap holds.
// Coding (helm pkg/storage/driver): base64(gzip(JSON)), and base64 once more as a Secret's value; records of old have no gzip.
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import { readBy } from './keys.ts';

/** A Secret holds 1 MiB; twice that leaves room for the base64 around it. */
const MAX_COMPRESSED = 2 * 1024 * 1024;
/** Charts with all their CRDs unpack to some MiB. */
const MAX_UNPACKED = 64 * 1024 * 1024;

/** A chart that another depends on, as its Chart.yaml names it. */
export interface ChartDependency {
  name: string;
  version: string;
  alias?: string;
}

export interface Release {
  name: string;
  namespace: string;
  /** The revision. */
  version: number;
  status: string;
  /** `read`: as in Chart. */
  chart: { name: string; version: string; appVersion: string; values: Raw; read: string[]; dependencies: ChartDependency[] };
  /** What the user set; the computed values are the chart's with these laid over them. */
  config: Raw;
  /** All documents but the hooks, as one text. */
  manifest: string;
  hooks: Raw[];
  /** The record as Helm wrote it. */
  raw: Raw;
}

type Decoded = Release | { why: string };
const known = new WeakMap<object, Decoded>();

/** `why`: what is wrong with the record, one line. The same object is unpacked once, so that the result must not be changed. */
export function decodeRelease(object: Raw): Decoded {
  const decoded = known.get(object) ?? unpackedRelease(object);
  known.set(object, decoded);
  return decoded;
}

/** The same, and not held for the next who asks: hundreds of releases held together are tens of MB. */
export function unpackedRelease(object: Raw): Decoded {
  const text = recordText(object);
  if (typeof text !== 'string') return text;
  try {
    const record = parseJson(text);
    return isRaw(record) ? releaseOf(record) : { why: 'the record is not an object' };
  } catch (error) {
    // What stands in the record is not repeated, as V8 would.
    const { message } = error as Error;
    return { why: error instanceof SyntaxError && !message.startsWith('nested') ? 'not JSON' : oneLine(message) };
  }
}

/** The record as the JSON that helm wrote. */
export function recordText(object: Raw): string | { why: string } {
  const value = isRaw(object.data) ? object.data.release : undefined;
  if (typeof value !== 'string' || value === '') return { why: 'no data.release' };
  try {
    const inner = object.kind === 'Secret' ? unbase64(value).toString('latin1') : value;
    return unpacked(unbase64(inner)).toString('utf8');
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return { why: code === 'ERR_BUFFER_TOO_LARGE' ? `larger than ${MAX_UNPACKED / (1024 * 1024)} MiB when unpacked` : oneLine(message) };
  }
}

function unbase64(text: string): Buffer {
  if (text.length > MAX_COMPRESSED * 2) throw new Error(`larger than ${MAX_COMPRESSED} bytes`);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) throw new Error('not base64');
  return Buffer.from(text, 'base64');
}

function unpacked(bytes: Buffer): Buffer {
  if (bytes.length > MAX_COMPRESSED) throw new Error(`larger than ${MAX_COMPRESSED} bytes`);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08;
  return gzipped ? gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED }) : bytes;
}

function releaseOf(raw: Raw): Release | { why: string } {
  const chart = objectAt(raw.chart);
  const metadata = objectAt(chart.metadata);
  if (typeof raw.name !== 'string' || typeof raw.version !== 'number') return { why: 'the record has no name or no version' };
  return {
    name: raw.name,
    namespace: textAt(raw.namespace),
    version: raw.version,
    status: textAt(objectAt(raw.info).status),
    chart: {
      name: textAt(metadata.name),
      version: textAt(metadata.version),
      appVersion: textAt(metadata.appVersion),
      values: objectAt(chart.values),
      read: readBy(templatesOf(chart.templates)),
      dependencies: dependenciesOf(metadata),
    },
    config: objectAt(raw.config),
    manifest: textAt(raw.manifest),
    hooks: Array.isArray(raw.hooks) ? raw.hooks.filter(isRaw) : [],
    raw,
  };
}

/** Of a Chart.yaml. */
export function dependenciesOf({ dependencies }: Raw): ChartDependency[] {
  if (!Array.isArray(dependencies)) return [];
  return dependencies.filter(isRaw).map(({ name, version, alias }) => ({
    name: textAt(name),
    version: textAt(version).replace(/^v(?=\d)/, ''),
    ...(typeof alias === 'string' && alias !== '' ? { alias } : {}),
  }));
}

/** A chart's files are base64 in JSON. */
function templatesOf(files: Json | undefined): string[] {
  return Array.isArray(files) ? files.filter(isRaw).map(({ data }) => Buffer.from(textAt(data), 'base64').toString('utf8')) : [];
}

export function objectAt(value: Json | undefined): Raw {
  return isRaw(value) ? value : {};
}

export function textAt(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The value of `data.release` in an object of that kind. The same record gives the same bytes on every system. */
export const encodeRelease = (raw: Raw, kind: 'Secret' | 'ConfigMap'): string => packedRecord(JSON.stringify(raw), kind);

/** The same of the record's text. Helm compresses as well as it can (pkg/storage/driver/util.go). */
export function packedRecord(text: string, kind: 'Secret' | 'ConfigMap'): string {
  const packed = gzipSync(text, { level: 9 });
  // The operating system in gzip's header (RFC 1952): unknown.
  packed[9] = 255;
  const once = packed.toString('base64');
  return kind === 'Secret' ? Buffer.from(once).toString('base64') : once;
}
