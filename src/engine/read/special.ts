// Columns of values with a form of their own: command lines, certificates, and who wrote which fields.
import { X509Certificate } from 'node:crypto';
import { isRaw } from '../../kube/json.ts';
import type { Column, Field, Json, Kept } from '../contracts.ts';
import { below, laidTogether, weak, wordsKept } from './kept.ts';
import { keysOf, valueAt } from './values.ts';

/** One flag of a command line, as it stands there. */
export interface Flag {
  /** Without its dashes. */
  name: string;
  /** undefined: it stands alone. */
  value?: string;
}

const FLAG = /^--?([A-Za-z][\w.-]*)(?:=([\s\S]*))?$/;

/** The named flags of a command line (a list of words), in their order; every other word stays unread. `--flag value` counts as `--flag=value`. */
export function args(path: Field, names: readonly string[]): Column<Flag[]> {
  const keys = keysOf(path);
  const named = new Set(names);
  /** Positions of the words that say something about named flags. */
  const found = (words: readonly Json[]): { flag: Flag; at: number[] }[] =>
    words.flatMap((each, at) => {
      const [, name, value] = (typeof each === 'string' && FLAG.exec(each)) || [];
      if (name === undefined || !named.has(name)) return [];
      if (value !== undefined) return [{ flag: { name, value }, at: [at] }];
      const next = words[at + 1];
      if (typeof next !== 'string' || next === '' || next.startsWith('-')) return [{ flag: { name }, at: [at] }];
      return [{ flag: { name, value: next }, at: [at, at + 1] }];
    });
  return {
    paths: [path],
    marks: names.map((name) => `${path}:args ${name}`),
    read: (base) => {
      const words = valueAt(base, keys);
      return Array.isArray(words) ? found(words).map(({ flag }) => flag) : [];
    },
    keep: (base) => {
      const words = valueAt(base, keys);
      if (!Array.isArray(words)) return undefined;
      const kept = new Set(found(words).flatMap(({ at }) => at));
      return below(
        keys,
        words.map((each, at): Kept => (kept.has(at) ? each : weak(''))),
      );
    },
  };
}

/** Which of these flags a command line (a list of words) has, each time it has them; the values stay unread. */
export function flagged(path: Field, names: readonly string[]): Column<string[]> {
  const keys = keysOf(path);
  const named = new Set(names);
  const within = (word: Json): string[] => {
    const name = typeof word === 'string' ? FLAG.exec(word)?.[1] : undefined;
    return name !== undefined && named.has(name) ? [name] : [];
  };
  return {
    paths: [path],
    marks: names.map((name) => `${path}:flag ${name}`),
    read: (base) => {
      const words = valueAt(base, keys);
      return Array.isArray(words) ? words.flatMap(within) : [];
    },
    keep: (base) => {
      const words = valueAt(base, keys);
      if (!Array.isArray(words)) return undefined;
      return below(
        keys,
        words.map((word): Kept => wordsKept(within(word).map((name) => `--${name}`)[0] ?? '')),
      );
    },
  };
}

/** Which of these words stand in a string or in the strings of a list, such as a command or a script; the rest of it stays unread. Words without spaces and =. */
export function mentions(path: Field, words: readonly string[]): Column<string[]> {
  const keys = keysOf(path);
  const within = (text: Json): string[] => (typeof text === 'string' ? words.filter((word) => text.includes(word)) : []);
  const kept = (text: Json): Kept => wordsKept(within(text).join(' '));
  return {
    paths: [path],
    marks: [`${path}:mentions ${words.join(' ')}`],
    read: (base) => {
      const value = valueAt(base, keys);
      const texts = Array.isArray(value) ? value : [value ?? null];
      return words.filter((word) => texts.some((text) => within(text).includes(word)));
    },
    keep: (base) => {
      const value = valueAt(base, keys);
      if (typeof value === 'string') return below(keys, kept(value));
      return Array.isArray(value) ? below(keys, value.map(kept)) : undefined;
    },
  };
}

/** Which of these fields are set (false counts as not set), arrays walked through; their values stay unread. */
export function having(fields: readonly Field[]): Column<string[]> {
  const paths = fields.map((field) => ({ field, keys: keysOf(field) }));
  return {
    paths: fields,
    marks: fields.map((field) => `${field}:set`),
    read: (base) => paths.filter(({ keys }) => isSet(base, keys)).map(({ field }) => field),
    keep: (base) => {
      let kept: Kept | undefined;
      for (const { keys } of paths) kept = laidTogether(kept, keptSet(base, keys));
      return kept;
    },
  };
}

function isSet(base: Json | undefined, keys: readonly string[]): boolean {
  if (!keys.length) return base !== undefined && base !== null && base !== false;
  if (Array.isArray(base)) return base.some((item) => isSet(item, keys));
  return isSet(valueAt(base, keys.slice(0, 1)), keys.slice(1));
}

function keptSet(base: Json | undefined, keys: readonly string[]): Kept | undefined {
  if (!isSet(base, keys)) return undefined;
  if (!keys.length) return weak(true);
  if (Array.isArray(base)) return base.map((item): Kept => keptSet(item, keys) ?? weak({}));
  return below(keys.slice(0, 1), keptSet(valueAt(base, keys.slice(0, 1)), keys.slice(1)));
}

/** One line of a text in blocks: its first word, and how many blocks it stands in. */
export interface Line {
  word: string;
  depth: number;
}

/** A text of directives in blocks of braces (a Corefile): the first word of each line, none of the values behind it. */
export function outline(path: Field): Column<Line[] | undefined> {
  const keys = keysOf(path);
  const linesOf = (text: string): string[] =>
    text.split('\n').flatMap((line) => {
      const words = line
        .replace(/(?:^|\s)#.*$/, '')
        .trim()
        .split(/\s+/);
      return words[0] ? [words.length > 1 && words.at(-1) === '{' ? `${words[0]} {` : words[0]] : [];
    });
  return {
    paths: [path],
    marks: [`${path}:outline`],
    read: (base) => {
      const text = valueAt(base, keys);
      if (typeof text !== 'string') return undefined;
      let depth = 0;
      return linesOf(text).flatMap((line) => {
        if (line === '}') depth = Math.max(0, depth - 1);
        const at = depth;
        if (line.endsWith('{')) depth++;
        const word = line.replace(/\s*\{$/, '');
        return line === '}' || !word ? [] : [{ word, depth: at }];
      });
    },
    keep: (base) => {
      const text = valueAt(base, keys);
      return typeof text === 'string' ? below(keys, weak(linesOf(text).join('\n'))) : undefined;
    },
  };
}

export interface Certificate {
  subject: string;
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
  /** SHA-256, hex with colons. */
  fingerprint: string;
  dnsNames: string[];
}
/** Something is there, and it is not a certificate. */
export const NO_CERTIFICATE = 'no certificate';

/**
 * Certificates in PEM, or PEM in base64: what they say of themselves; never the PEM. undefined: nothing is there. One that cannot be read is passed over, as a pool of Go does
 * (crypto/x509 AppendCertsFromPEM); `every`: then nothing counts, as client-go's ParseCertsPEM has it.
 */
export function certificates(path: Field, which?: 'every'): Column<Certificate[] | typeof NO_CERTIFICATE | undefined> {
  const keys = keysOf(path);
  return {
    paths: [path],
    marks: [`${path}:${which ? `${which} certificate` : 'certificates'}`],
    read: (base) => certificatesIn(valueAt(base, keys), which),
    keep: (base) => {
      const found = certificatesIn(valueAt(base, keys), which);
      return found === undefined ? undefined : below(keys, weak(found as Json));
    },
  };
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificatesIn(value: Json | undefined, which?: 'every'): Certificate[] | typeof NO_CERTIFICATE | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (Array.isArray(value)) return value.every(isCertificate) ? (value as unknown as Certificate[]) : NO_CERTIFICATE;
  if (typeof value !== 'string') return NO_CERTIFICATE;
  const text = value.includes('-----BEGIN') ? value : Buffer.from(value, 'base64').toString('latin1');
  const all = (text.match(PEM) ?? []).map(readIn);
  const read = all.filter((each) => each !== undefined);
  return read.length === 0 || (which === 'every' && read.length < all.length) ? NO_CERTIFICATE : read;
}

function readIn(pem: string): Certificate | undefined {
  try {
    return described(new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

const described = ({ subject, validFrom, validTo, fingerprint256, subjectAltName }: X509Certificate): Certificate => ({
  subject: subject.replaceAll('\n', ', '),
  notBefore: Date.parse(validFrom),
  notAfter: Date.parse(validTo),
  fingerprint: fingerprint256,
  dnsNames: [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,]+)/g)].map(([, name]) => name!),
});

const isCertificate = (value: Json): boolean =>
  isRaw(value) && typeof value.subject === 'string' && typeof value.notAfter === 'number' && typeof value.fingerprint === 'string';

/** Who wrote, by metadata.managedFields; of the fields themselves only those that are named (`spec.unschedulable`). */
export interface Writer {
  manager: string;
  operation: string;
  apiVersion: string;
  subresource?: string;
  /** ms since the epoch, in whole seconds. */
  time?: number;
  owns: Field[];
}

const FIELDS = ['metadata', 'managedFields'];

export function writers(...fields: readonly Field[]): Column<Writer[]> {
  const owned = fields.map((field) => ({ field, keys: ['fieldsV1', ...keysOf(field).map((key) => `f:${key}`)] }));
  const listed = (base: Json | undefined): Json[] => {
    const list = valueAt(base, FIELDS);
    return Array.isArray(list) ? list : [];
  };
  return {
    paths: ['metadata.managedFields'],
    marks: ['metadata.managedFields:writers', ...fields.map((field) => `metadata.managedFields:writers ${field}`)],
    read: (base) => listed(base).map((entry) => writerOf(entry, owned)),
    keep: (base) => {
      const list = listed(base);
      return list.length
        ? below(
            FIELDS,
            list.map((entry) => keptWriter(entry, owned)),
          )
        : undefined;
    },
  };
}

type Owned = readonly { field: Field; keys: string[] }[];
const textAt = (base: Json, key: string): string | undefined => {
  const value = valueAt(base, [key]);
  return typeof value === 'string' ? value : undefined;
};

function writerOf(entry: Json, owned: Owned): Writer {
  const at = Date.parse(textAt(entry, 'time') ?? '');
  return {
    manager: textAt(entry, 'manager') ?? '',
    operation: textAt(entry, 'operation') ?? '',
    apiVersion: textAt(entry, 'apiVersion') ?? '',
    subresource: textAt(entry, 'subresource'),
    time: Number.isNaN(at) ? undefined : at,
    owns: owned.filter(({ keys }) => valueAt(entry, keys) !== undefined).map(({ field }) => field),
  };
}

function keptWriter(entry: Json, owned: Owned): Kept {
  const words = ['manager', 'operation', 'apiVersion', 'subresource', 'time'].flatMap((key) => {
    const value = textAt(entry, key);
    return value === undefined ? [] : [[key, value] as const];
  });
  let kept: { [key: string]: Kept } = Object.fromEntries(words);
  for (const { keys } of owned) {
    if (valueAt(entry, keys) === undefined) continue;
    kept = merged(kept, below(keys, {}) as { [key: string]: Kept });
  }
  return kept;
}

function merged(a: { [key: string]: Kept }, b: { [key: string]: Kept }): { [key: string]: Kept } {
  const both = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = both[key];
    both[key] = before === undefined ? value : merged(before as { [key: string]: Kept }, value as { [key: string]: Kept });
  }
  return both;
}
