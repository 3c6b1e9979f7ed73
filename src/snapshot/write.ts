// Writing a snapshot: what was declared and nothing else, in a stable order, readable by its owner only, and never half a file.
import { createWriteStream } from 'node:fs';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import type { Column, Gap, Json, Raw, Ref, Text } from '../engine/contracts.ts';
import { keptObject } from '../engine/read/kept.ts';
import { NOT_REGULAR } from '../files/input.ts';
import { keyOf, refOf } from '../kube/refs.ts';
import { redactMarked, redactText } from '../text/redact.ts';
import { oneLine } from '../text/sanitise.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';
import type { Dump } from './dump.ts';
import {
  ABSENT,
  APIS,
  ASKED,
  CLUSTER,
  DISCOVERY,
  LOG_PATH,
  LOGS,
  MEMBERS,
  NOTHING,
  OBJECTS,
  SCHEMA,
  TEXT_PATH,
  TEXTS,
  VERSION,
} from './layout.ts';
import { resourcesByKind } from './source.ts';

/** Objects are written in files of about this size (characters), so that memory stays flat. */
const FILE_SIZE = 8 * 1024 * 1024;

/** Writes a .tar.gz (0600). An existing file is replaced only with `force`. */
export async function writeSnapshot(dump: Dump, file: string, { force = false }: { force?: boolean } = {}): Promise<void> {
  const there = await lstat(file).catch(() => undefined);
  if (there && !force) throw taken(file);
  // Never replace /dev/null by a file.
  if (there && !there.isFile()) throw notWritten(file, NOT_REGULAR);
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.part`);
  try {
    await writeArchive(dump, temporary);
    if (force) await rename(temporary, file);
    // Unlike rename, link refuses a file that came in the meantime.
    else await link(temporary, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'EEXIST') throw taken(file);
    throw notWritten(file, whyOf(error));
  } finally {
    await rm(temporary, { force: true });
  }
}

function notWritten(file: string, why: Text): UserError {
  return new UserError(
    { en: `could not write the snapshot ${oneLine(file, 300)}: ${why.en}`, zh: `无法写入快照 ${oneLine(file, 300)}：${why.zh}` },
    {
      en: 'no file was written; choose a writable directory with enough space',
      zh: '没有写入任何文件；请选择可写且空间充足的目录',
    },
  );
}

function taken(file: string): UserError {
  const name = oneLine(file, 300);
  return new UserError(
    { en: `snapshot not written: ${name} already exists`, zh: `未写入快照：${name} 已存在` },
    { en: 'choose another name, or replace it with --force', zh: '请换一个文件名，或使用 --force 覆盖' },
  );
}

async function writeArchive(dump: Dump, file: string): Promise<void> {
  const archive = pack();
  const output = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  const written = pipeline(archive, createGzip(), output);
  const filled = fill(archive, dump).catch((error: Error) => archive.destroy(error));
  await Promise.all([written, filled]);
  const handle = await open(file, 'r+');
  await handle.sync();
  await handle.close();
}

async function fill(archive: Pack, dump: Dump): Promise<void> {
  const names: string[] = [];
  for (const [name, text] of parts(dump)) {
    await addFile(archive, name, text);
    names.push(name);
  }
  await addFile(archive, MEMBERS, json(names));
  archive.finalize();
}

function addFile(archive: Pack, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  return new Promise((resolve, reject) => {
    const header = { name, size: bytes.length, mode: 0o600, mtime: new Date(0), uid: 0, gid: 0 };
    const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()));
    // Where the file cannot be written, an entry that is half in says so by itself too, and unheard that would end the process.
    entry.on('error', reject);
    entry.end(bytes);
  });
}

// ---- what is in it --------------------------------------------------------------------------------------------------

/** The identity first: a reader knows by it that what follows is a snapshot of ours. */
function* parts(dump: Dump): Generator<[name: string, text: string]> {
  const { identity, recordedAt, serverVersion, apis, collected, gets, logs, texts, served, absent } = dump;
  yield [
    CLUSTER,
    json({
      schema: SCHEMA,
      members: MEMBERS,
      ...(recordedAt === undefined ? {} : { recordedAt: new Date(recordedAt).toISOString() }),
      identity: { ...identity, server: redactMarked(identity.server) },
    }),
  ];
  if (serverVersion !== undefined) yield [VERSION, json({ gitVersion: serverVersion })];
  const resources = sorted(apis);
  yield [
    DISCOVERY,
    json({
      resources: resources.flatMap(([, api]) => (api === 'not-installed' ? [] : [{ ...api }])),
      notInstalled: resources.flatMap(([name, api]) => (api === 'not-installed' ? [name] : [])),
      lists: sorted(collected).flatMap(([resource, { lists }]) => lists.map((listed) => ({ resource, ...listed }) as unknown as Json)),
    }),
  ];
  yield [ABSENT, json(absentOf(absent))];
  if (served) yield [APIS, json(served as unknown as Json)];
  for (const [key, answers] of sorted(texts)) yield* textFiles(key, answers);
  const declared = (resource: string) => dump.declared?.get(resource) ?? [];
  for (const [resource, { objects }] of sorted(collected)) {
    yield* objectFiles(OBJECTS + fileName(resource), objects, declared(resource));
  }
  yield* asked(dump, gets, declared);
  for (const [key, text] of sorted(logs)) {
    const name = `${LOGS}${key}.log`;
    if (text !== 'none' && LOG_PATH.test(name)) yield [name, redactText(text)];
  }
}

/** `key`: of textKey. */
function* textFiles(key: string, answers: ReadonlyMap<string, readonly string[]>): Generator<[string, string]> {
  const [, asked = '', every] = /^\/?(.*?)( of every server)?$/s.exec(key) ?? [];
  for (const [server, lines] of sorted(answers)) {
    const name = `${TEXTS}${encodeURIComponent(asked)}${every ? `@${encodeURIComponent(server)}` : ''}`;
    if (TEXT_PATH.test(name)) yield [name, lines.map((line) => `${redactText(line)}\n`).join('')];
  }
}

function absentOf(absent: readonly Gap[]): Json {
  const unique = new Map(absent.map((gap) => [JSON.stringify(gap), gap]));
  const gaps = sorted(unique).map(([, gap]) => gap);
  const plain = (gap: Gap): boolean => gap.why === 'forbidden' && gap.verb === 'list' && Object.keys(gap).length === 3;
  return {
    forbidden: gaps.filter(plain).map(({ resource }) => resource),
    gaps: gaps
      .filter((gap) => !plain(gap))
      .map(({ detail, detailZh, ...gap }) => ({
        ...gap,
        ...(detail === undefined ? {} : { detail: redactText(detail) }),
        ...(detailZh === undefined ? {} : { detailZh: redactText(detailZh) }),
      })),
  };
}

function* asked(dump: Dump, gets: Dump['gets'], declared: (resource: string) => readonly Column[]): Generator<[string, string]> {
  const resourceOf = resourcesByKind(dump);
  const nothing = [...gets].filter(([, answer]) => answer === 'none').map(([key]) => refOfKey(key));
  const logs = [...dump.logs].filter(([, text]) => text === 'none').map(([key]) => key.split('/'));
  yield [NOTHING, json({ objects: nothing.sort(byKey), logs: logs.sort() } as unknown as Json)];
  const found = [...gets.values()].filter((answer) => answer !== 'none');
  for (const [resource, objects] of sorted(Map.groupBy(found, (object) => resourceOf(refOf(object))))) {
    yield* objectFiles(ASKED + fileName(resource), objects, declared(resource));
  }
}

/** `keyOf` turned back. The version does not matter to whom reads it: keys are the same in every version. */
function refOfKey(key: string): Ref {
  const [group = '', kind = '', namespace = '', ...name] = key.split('/');
  const ref: Ref = { apiVersion: group === '' ? 'v1' : `${group}/v1`, kind, name: name.join('/') };
  return namespace === '' ? ref : { ...ref, namespace };
}

function byKey(a: Ref, b: Ref): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

/** Lists that kubectl reads too, one object a line. */
function* objectFiles(name: string, objects: readonly Raw[], columns: readonly Column[]): Generator<[string, string]> {
  let lines: string[] = [];
  let size = 0;
  let number = 1;
  const file = (): [string, string] => [
    `${name}${number === 1 ? '' : `~${number}`}.json`,
    `{"apiVersion":"v1","kind":"List","items":[\n${lines.join(',\n')}\n]}\n`,
  ];
  for (const object of inOrder(objects)) {
    const line = JSON.stringify(keptObject(columns, object));
    lines.push(line);
    size += line.length;
    if (size < FILE_SIZE) continue;
    yield file();
    lines = [];
    size = 0;
    number++;
  }
  if (lines.length > 0) yield file();
}

function inOrder(objects: readonly Raw[]): Raw[] {
  const keyed = objects.map((object): [string, Raw] => [keyOf(refOf(object)), object]);
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function json(value: Json): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

/** Resource names are DNS names; whatever a server made of one, it stays a name. */
function fileName(resource: string): string {
  return encodeURIComponent(resource).replace(/^\./, '%2E');
}
