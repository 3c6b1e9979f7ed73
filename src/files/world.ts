// Manifests as a world that can be changed (fix -f): a patch goes to the file that declares the object, as a change of just those characters. What was changed is kept
// beside the journal, so that an undo brings the file back byte for byte, unless it has been changed since. Killed anywhere, a file is as it was or as it shall be.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Json, type Manifest, type Raw, type Ref, type Text, type World, WorldError, type Write } from '../engine/contracts.ts';
import { deepEqual, isRaw, parseJson } from '../kube/json.ts';
import { applyPatch, pointerGet } from '../kube/pointer.ts';
import { describe, keyOf, refOf } from '../kube/refs.ts';
import { oneLine } from '../text/sanitise.ts';
import { whyOf } from '../text/system-error.ts';
import { isChanged, notReplaceable, replaceFile } from './atomic.ts';
import { edited, NOT_HELD, type Place, pathOf, type Splice, unspliced } from './edit.ts';
import { readInput } from './input.ts';
import { isNotYaml } from './yaml.ts';
import { readYamlAgain } from './yaml-again.ts';

/** Where an object is declared: `real`: the file itself, links followed. */
export interface Declared extends Manifest {
  real: string;
}
/** Small texts of a run, beside its journal. `put` returns when it is on disk. */
export interface Records {
  put(name: string, text: string): Promise<void>;
  /** undefined: there is none. */
  get(name: string): string | undefined;
}
/** As much as -f reads of one file. */
const LARGEST = 32 * 1024 * 1024;
const ONLY_PATCHES: Text = { en: 'in files only fields of declared objects are changed', zh: '在文件中只修改已声明对象的字段' };
const NOT_HERE: Text = { en: 'cannot be determined from manifests alone', zh: '仅凭清单无法确定' };
const INSTEAD: Text = { en: 'change the manifest instead', zh: '请修改清单' };

/** `manifests`: as they are declared. `records`: undefined: nothing is written. */
export const fileWorld = (manifests: readonly Declared[], records?: Records): World => worldOver(manifests, textsOnDisk(), records);

/** The same in memory: what is written to it can be shown before it is written anywhere. */
export function previewed(manifests: readonly Declared[]): { world: World; changed(): { file: string; before: string; after: string }[] } {
  const memory = textsInMemory(textsOnDisk());
  const named = (real: string) => manifests.find((each) => each.real === real)?.file ?? real;
  return {
    world: worldOver(manifests, memory, undefined),
    changed: () => memory.changed().map(([real, before, after]) => ({ file: named(real), before, after })),
  };
}

function worldOver(manifests: readonly Declared[], texts: Texts, records: Records | undefined): World {
  // Which namespace an object without one is put into, only the cluster says: any will do.
  const places = Map.groupBy(manifests, ({ object }) => keyOf(refOf(object)));
  let writing: Promise<unknown> = Promise.resolve();

  async function write(request: Write, dryRun: boolean): Promise<Raw | undefined> {
    if (request.verb !== 'patch') throw new WorldError('refused', ONLY_PATCHES);
    const place = placeOf(request.on);
    const text = place && texts.read(place.real);
    const now = place && objectAt(text!, place, request.on);
    if (!place || text === undefined || !now) throw new WorldError('missing', `${describe(request.on)} not found`, 404);
    const value = valueAt(text, place);
    // In memory too: a plan shows only what can be written.
    const against = notReplaceable(place.real);
    if (against) throw new WorldError('refused', inFile(place, against));
    const next = applyPatch(versioned(now), request.patch);
    const written = place.configuration ? asDocument : place.unnamed ? asUnnamed : asDeclared;
    const wanted = written(next, value);
    const ofList = inherited(text, place) === undefined ? undefined : (next.apiVersion as string);
    const back = records && recorded(text, place, { wanted, ofList }, records);
    const result = back === undefined ? edited(text, place, written(now, value), wanted, ofList) : { text: back, splices: [] };
    if ('refused' in result) throw new WorldError('refused', inFile(place, result.refused));
    // A text that does not say afterwards what was asked for is never written.
    const then = objectAt(result.text, place, request.on);
    if (!then || !deepEqual(unversioned(then), unversioned(next))) throw new WorldError('refused', inFile(place, NOT_HELD));
    if (!dryRun && result.text !== text) await texts.write(place.real, result, records);
    return versioned(objectAt(result.text, place, request.on) ?? next);
  }

  function placeOf(on: Ref): Declared | undefined {
    const all = places.get(keyOf(on)) ?? places.get(keyOf({ ...on, namespace: undefined })) ?? [];
    if (all.length > 1) throw new WorldError('refused', twice(on, all));
    return all[0];
  }

  /** One at a time: two objects may share a file. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = writing.then(work);
    writing = turn.catch(() => undefined);
    return turn;
  };

  return {
    async get(ref) {
      const place = placeOf(ref);
      const object = place && objectAt(texts.read(place.real), place, ref);
      return object && versioned(object);
    },
    write: (request, options) => inTurn(() => write(request, options?.dryRun === true)),
    async any({ apiVersion, kind }) {
      return manifests.some(({ object }) => object.apiVersion === apiVersion && object.kind === kind);
    },
    async page() {
      throw new WorldError('refused', NOT_HERE);
    },
    async select() {
      throw new WorldError('refused', NOT_HERE);
    },
    async read() {
      throw new WorldError('refused', NOT_HERE);
    },
    // Whether a file may be written is asked of the system when it is.
    allowed: async () => [],
  };

  /** As it is declared, with what is filled in beyond the text: a list's apiVersion and kind, the namespace. */
  function objectAt(text: string, place: Declared, on: Ref): Raw | undefined {
    const value = valueAt(text, place);
    if (!isRaw(value)) return undefined;
    // What has no name of its own has the one that its place gives it.
    const given = place.object.metadata as Raw;
    const { namespace: _, ...rest } = metadataOf(value);
    const metadata = place.configuration ? given : place.unnamed ? { ...rest, ...given } : value.metadata;
    if (!isRaw(metadata)) return undefined;
    const { apiVersion = inherited(text, place) ?? place.object.apiVersion!, kind = place.object.kind! } = value;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof metadata.name !== 'string') return undefined;
    const filled: Raw = on.namespace === undefined ? metadata : { namespace: on.namespace, ...metadata };
    const object: Raw = { ...value, apiVersion, kind, metadata: filled };
    return keyOf(refOf(object)) === keyOf(on) ? object : undefined;
  }
}

/** The same without what was filled in. `value`: as the text has it. */
function asDeclared(object: Raw, value: Json | undefined): Raw {
  const had = isRaw(value) ? value : {};
  const { resourceVersion, namespace, ...rest } = object.metadata as Raw;
  const own = isRaw(had.metadata) ? had.metadata : {};
  const metadata = {
    ...rest,
    ...(own.namespace === undefined || namespace === undefined ? {} : { namespace }),
    ...(own.resourceVersion === undefined ? {} : { resourceVersion: own.resourceVersion }),
  };
  const { apiVersion, kind, ...body } = object;
  return {
    ...(had.apiVersion === undefined ? {} : { apiVersion: apiVersion! }),
    ...(had.kind === undefined ? {} : { kind: kind! }),
    ...body,
    metadata,
  };
}

/** With the name and namespace of the text, if it has any, instead of what its place gave it. */
function asUnnamed(object: Raw, value: Json | undefined): Raw {
  const own = isRaw(value) ? metadataOf(value) : {};
  const { name: _, namespace: __, ...rest } = object.metadata as Raw;
  const given = Object.fromEntries(Object.entries(own).filter(([key]) => key === 'name' || key === 'namespace'));
  const { metadata, ...body } = asDeclared({ ...object, metadata: { ...rest, ...given } }, value);
  const written = isRaw(value) ? value.metadata : undefined;
  if (isRaw(written) || Object.keys(metadata as Raw).length) return { ...body, metadata: metadata! };
  return written === undefined ? body : { ...body, metadata: written };
}

const metadataOf = ({ metadata }: Raw): Raw => (isRaw(metadata) ? metadata : {});

function asDocument({ metadata: _, ...body }: Raw, value: Json | undefined): Raw {
  return isRaw(value) && value.metadata !== undefined ? { ...body, metadata: value.metadata } : body;
}

/** Which of them the cluster ends up with, the order of the applies decides. */
export function twice(on: Ref, places: readonly Manifest[]): Text {
  const at = places.map(({ file, line }) => oneLine(`${file}:${line}`, 300));
  return {
    en: `${describe(on)} is declared ${at.length} times (${at.join(', ')})`,
    zh: `${describe(on)} 重复声明 ${at.length} 次（${at.join('、')}）`,
  };
}

const inFile = ({ file, line }: Declared, why: Text): Text => ({
  en: `${file}:${line}: ${why.en}; ${INSTEAD.en}`,
  zh: `${file}:${line}：${why.zh}；${INSTEAD.zh}`,
});

function valueAt(text: string, place: Place): Json | undefined {
  const read = readYamlAgain(text);
  const value = isNotYaml(read) ? undefined : read.documents[place.document]?.value;
  const below = (at: Json | undefined, key: string) => (Array.isArray(at) ? at[Number(key)] : isRaw(at) ? at[key] : undefined);
  return pathOf(place).reduce<Json | undefined>(below, value);
}

/** The apiVersion of the list, where the object has none of its own; undefined: it has, or there is no such list. */
function inherited(text: string, { document, item, within }: Declared): string | undefined {
  if (item === undefined || within) return undefined;
  const list = valueAt(text, { document });
  if (!isRaw(list) || !Array.isArray(list.items) || list.kind === 'List' || typeof list.apiVersion !== 'string') return undefined;
  const own = list.items[item];
  return isRaw(own) && own.apiVersion === undefined ? list.apiVersion : undefined;
}

/** Its fields alone: in which order the text has them does not matter. */
function unversioned(object: Raw): Raw {
  const { resourceVersion: _, ...metadata } = object.metadata as Raw;
  return { ...object, metadata };
}

/** A write tests what the look before it saw: here the object's own digest. */
function versioned(object: Raw): Raw {
  const bare = unversioned(object);
  return { ...bare, metadata: { ...(bare.metadata as Raw), resourceVersion: digestOf(JSON.stringify(bare)).slice(0, 16) } };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

// ---- texts ----------------------------------------------------------------------------------------------------------

interface Texts {
  read(real: string): string;
  write(real: string, result: { text: string; splices: Splice[] }, records: Records | undefined): Promise<void>;
}

const MARK = '\ufeff';

function textsOnDisk(): Texts {
  return {
    read(real) {
      try {
        return decoded(readInput(real, LARGEST));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
        throw troubled(error);
      }
    },
    async write(real, { text, splices }, records) {
      if (!records) throw new WorldError('refused', INSTEAD);
      try {
        const before = readFileSync(real);
        const mark = before.subarray(0, 3).equals(Buffer.from(MARK));
        // How the way back looks is on disk before the file changes.
        if (splices.length)
          await records.put(recordName(text), JSON.stringify({ schema: 1, file: real, before: digestOf(decoded(before)), splices }));
        await replaceFile(real, before, Buffer.from((mark ? MARK : '') + text));
      } catch (error) {
        throw troubled(error);
      }
    },
  };
}

function textsInMemory(disk: Texts): Texts & { changed(): [string, string, string][] } {
  const held = new Map<string, { before: string; after: string }>();
  return {
    read: (real) => held.get(real)?.after ?? disk.read(real),
    async write(real, { text }) {
      held.set(real, { before: held.get(real)?.before ?? disk.read(real), after: text });
    },
    changed: () => [...held].map(([real, { before, after }]) => [real, before, after]),
  };
}

function decoded(bytes: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

function troubled(error: unknown): WorldError {
  if (error instanceof WorldError) return error;
  const { code } = error as NodeJS.ErrnoException;
  const kind = isChanged(error) ? 'conflict' : code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'forbidden' : 'refused';
  return new WorldError(kind, whyOf(error));
}

// ---- the way back ---------------------------------------------------------------------------------------------------

/** By what the file holds once it was changed: a file that holds anything else has been changed since. */
const recordName = (text: string): string => `edit-${digestOf(text).slice(0, 32)}.json`;

/** The text as it was before a change of ours, where that holds just what is wanted now. */
function recorded(
  text: string,
  place: Declared,
  { wanted, ofList }: { wanted: Raw; ofList: string | undefined },
  records: Records,
): string | undefined {
  const stored = records.get(recordName(text));
  if (stored === undefined) return undefined;
  let record: unknown;
  try {
    record = parseJson(stored);
  } catch {
    return undefined;
  }
  if (!isRaw(record) || record.file !== place.real || !Array.isArray(record.splices) || !record.splices.every(isSplice)) return undefined;
  const before = unspliced(text, record.splices as unknown as Splice[]);
  if (before === undefined || digestOf(before) !== record.before) return undefined;
  return inherited(before, place) === ofList && deepEqual(valueAt(before, place), wanted) ? before : undefined;
}

const isSplice = (value: unknown): boolean =>
  isRaw(value) &&
  typeof value.at === 'number' &&
  typeof value.before === 'string' &&
  typeof value.after === 'string' &&
  pointerGet(value, '/at') !== undefined;
