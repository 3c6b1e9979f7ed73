// What a snapshot keeps of an object: the parts that columns keep, laid together in the shape of the object.
import { stringify } from 'yaml';
import { isRaw } from '../../kube/json.ts';
import { type Column, type Json, KEPT, type Kept, type Raw, type TextForm, type TextKept, type WeakKept } from '../contracts.ts';

export const weak = (value: Json): WeakKept => ({ [KEPT]: 'weak', value });
/** Words out of a string, or the flag that it begins with, without its value. Those of several columns stand together. */
export const wordsKept = (value: string): WeakKept => ({ ...weak(value), words: true });
export const textKept = (form: TextForm, inner: Kept): TextKept => ({ [KEPT]: 'text', form, inner });

const isWeak = (kept: Kept): kept is WeakKept => isMade(kept) && kept[KEPT] === 'weak';
const isText = (kept: Kept): kept is TextKept => isMade(kept) && kept[KEPT] === 'text';
const isMade = (kept: Kept): kept is WeakKept | TextKept => typeof kept === 'object' && kept !== null && KEPT in kept;
const isMap = (kept: Kept): kept is { [key: string]: Kept } =>
  typeof kept === 'object' && kept !== null && !Array.isArray(kept) && !isMade(kept);

/** The value below these keys. */
export const below = (keys: readonly string[], kept: Kept | undefined): Kept | undefined =>
  kept === undefined ? undefined : keys.reduceRight<Kept>((inner, key) => ({ [key]: inner }), kept);

/** Two parts of one object. Two columns that keep one place in ways that exclude each other are a bug in their declaration. */
export function laidTogether(a: Kept | undefined, b: Kept | undefined): Kept | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (isWeak(a)) return isWeak(b) ? strongerWeak(a, b) : b;
  if (isWeak(b)) return a;
  if (isText(a) && isText(b)) return textKept(a.form, laidTogether(a.inner, b.inner)!);
  // The whole string holds more than parts of it.
  if (isText(a)) return b;
  if (isText(b)) return a;
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) return a.map((item, at) => laidTogether(item, b[at])!);
  if (isMap(a) && isMap(b)) {
    const both = { ...a };
    for (const [key, value] of Object.entries(b)) both[key] = laidTogether(a[key], value)!;
    return both;
  }
  if (a === b) return a;
  throw new Error(
    `two columns keep the same place in different ways: ${JSON.stringify(a)?.slice(0, 80)}, ${JSON.stringify(b)?.slice(0, 80)}`,
  );
}

/** An emptied value says less than any other. */
function strongerWeak(a: WeakKept, b: WeakKept): WeakKept {
  const isEmpty = ({ value }: WeakKept) => value === '' || value === null || (isRaw(value) && Object.keys(value).length === 0);
  if (isEmpty(a)) return b;
  if (isEmpty(b) || JSON.stringify(a.value) === JSON.stringify(b.value)) return a;
  if (a.words && b.words) return { ...weak(together(String(a.value), String(b.value))), words: true };
  throw new Error('two columns keep the same place in different ways');
}

const FLAG = /^(--[^= ]+)(?:=(.*))?$/;
/** `--flag=word word`. */
function together(a: string, b: string): string {
  const parts = [a, b].map((each) => FLAG.exec(each) ?? [each, '', each]);
  const [flag, ...flags] = new Set(parts.flatMap(([, flag]) => flag || []));
  const words = new Set([...flags, ...parts.flatMap(([, , words = '']) => words.split(' ').filter(Boolean))]);
  return [flag, [...words].join(' ')].filter(Boolean).join('=');
}

export const keptBy = (columns: Iterable<Column>, base: Json | undefined): Kept | undefined => {
  let kept: Kept | undefined;
  for (const column of columns) kept = laidTogether(kept, column.keep(base));
  return kept;
};

/** As JSON. */
export function settled(kept: Kept): Json {
  if (Array.isArray(kept)) return kept.map(settled);
  if (typeof kept !== 'object' || kept === null) return kept;
  if (isWeak(kept)) return kept.value;
  if (isText(kept)) return kept.form === 'json' ? JSON.stringify(settled(kept.inner)) : stringify(settled(kept.inner), { schema: 'core' });
  return Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, settled(value)]));
}

/** What these columns keep of an object, and always who it is. */
export function keptObject(columns: Iterable<Column>, object: Raw): Raw {
  const metadata = isRaw(object.metadata) ? object.metadata : {};
  const identity: Kept = {};
  for (const key of ['apiVersion', 'kind']) if (typeof object[key] === 'string') identity[key] = object[key];
  const who: { [key: string]: Kept } = {};
  for (const key of ['name', 'namespace', 'uid']) if (typeof metadata[key] === 'string') who[key] = metadata[key];
  return settled(laidTogether({ ...identity, metadata: who }, keptBy(columns, object))!) as Raw;
}

/** Does what was kept by these marks answer what this one asks? */
export const coversMark = (marks: ReadonlySet<string>, mark: string): boolean =>
  marks.has(mark) || [...marks].some((kept) => !kept.includes(':') && isBelow(mark, kept));

/** A path alone is kept as it is, with everything below it. */
const isBelow = (mark: string, path: string): boolean =>
  path === '' || mark === path || ['.', '[', ':'].some((next) => mark.startsWith(path + next));
