// Reading a dump: our snapshot, a folder of manifests, or a single file. Malformed input ends in one UserError that names file and line.
import type { Readable } from 'node:stream';
import type { ApiResource, ClusterIdentity, Gap, Json, Raw, Ref, ResourceName, ServedResource, Text } from '../engine/contracts.ts';
import { readDocuments } from '../files/documents.ts';
import { isNotYaml } from '../files/yaml.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { keyOf, refOf } from '../kube/refs.ts';
import { UserError } from '../text/user-error.ts';
import { type Dump, dumpOf, type Listed, logKey, textKey } from './dump.ts';
import { badInput, type DumpFile, dumpFiles, LIMITS, type Limits } from './files.ts';
import { ABSENT, APIS, ASKED, CLUSTER, DISCOVERY, LOG_PATH, MEMBERS, NOTHING, SCHEMA, TEXT_PATH, VERSION } from './layout.ts';

/** What the files said so far. */
interface Building {
  objects: Raw[];
  asked: Raw[];
  nothing: Ref[];
  logs: Map<string, string | 'none'>;
  texts: Dump['texts'];
  served?: Dump['served'];
  absent: Gap[];
  serverVersion?: string;
  identity?: ClusterIdentity;
  recordedAt?: number;
  discovery?: { apis: ApiResource[]; notInstalled: ResourceName[]; lists: Map<ResourceName, Listed[]> };
  whole: boolean;
  /** The names of all parts, and whether a list of them was announced. */
  members?: string[];
  announced?: true;
}

/** `from`: a folder, a .tar.gz, one file of manifests, or `-`: the same from `stdin`. */
export async function readDump(from: string, stdin: Readable = process.stdin, limits: Limits = LIMITS): Promise<Dump> {
  const building: Building = { objects: [], asked: [], nothing: [], logs: new Map(), texts: new Map(), absent: [], whole: false };
  const seen = new Set<string>();
  for await (const file of dumpFiles(from, stdin, limits)) {
    seen.add(file.path);
    take(building, file);
  }
  assertWhole(building, seen, from);
  const { nothing, logs, texts, served, absent, serverVersion, identity, discovery, whole } = building;
  // In a folder that is not a snapshot of ours `asked` is a name like any other.
  const [objects, asked] = identity === undefined ? [[...building.objects, ...building.asked], []] : [building.objects, building.asked];
  const gets = new Map<string, Raw | 'none'>(asked.map((object) => [keyOf(refOf(object)), object]));
  for (const ref of nothing) gets.set(keyOf(ref), 'none');
  // A recorded dump knows which lists were asked: what is not among them was not read.
  return dumpOf({
    objects,
    gets,
    logs,
    texts,
    served,
    absent,
    serverVersion,
    identity,
    recordedAt: building.recordedAt,
    ...discovery,
    whole: whole && discovery === undefined,
  });
}

/** A part that was removed, or an archive that was cut between two parts: what is not there would be taken for nothing. Snapshots of before name no parts. */
function assertWhole({ announced, members }: Building, seen: ReadonlySet<string>, from: string): void {
  if (!announced) return;
  const missing = members ? members.filter((name) => !seen.has(name)) : [MEMBERS];
  if (!missing.length) return;
  const rest = missing.length - NAMED;
  const names = missing.slice(0, NAMED).join(', ');
  throw new UserError(
    {
      en: `reading snapshot ${from}: ${names}${rest > 0 ? ` and ${rest} more` : ''} is missing: the snapshot is incomplete`,
      zh: `读取快照 ${from}：缺少 ${names}${rest > 0 ? ` 等 ${missing.length} 个文件` : ''}，快照不完整`,
    },
    {
      en: 'use the file as upgrade-guard wrote it, or take a new one: {tool} snapshot FILE{reach}',
      zh: '请使用 upgrade-guard 生成的原始文件，或重新生成快照：{tool} snapshot FILE{reach}',
    },
  );
}
/** Missing parts that are named. */
const NAMED = 3;

function take(building: Building, file: DumpFile): void {
  const special = SPECIAL.get(file.path);
  if (special !== undefined) {
    const value = oneJson(file);
    special(building, value, (why) => badInput(file.path, undefined, { en: why, zh: `内容不符合格式（${why}）` }));
    return;
  }
  const [, path, server] = TEXT_PATH.exec(file.path) ?? [];
  if (path !== undefined) {
    takeText(building, path, server, file);
    return;
  }
  const [, namespace, pod, container] = LOG_PATH.exec(file.path) ?? [];
  if (pod !== undefined && container !== undefined) building.logs.set(logKey(namespace, pod, container), file.text);
  else if (file.path.startsWith(ASKED)) building.asked.push(...objectsOf(file));
  else building.objects.push(...objectsOf(file));
}

function takeText({ texts }: Building, path: string, server: string | undefined, file: DumpFile): void {
  const decoded = (word: string) => {
    try {
      return decodeURIComponent(word);
    } catch {
      throw badInput(file.path, undefined, { en: 'its name is not a path', zh: '文件名不是路径' });
    }
  };
  const key = textKey({ path: `/${decoded(path)}`, every: server !== undefined });
  const lines = file.text === '' ? [] : file.text.replace(/\n$/, '').split('\n');
  texts.set(key, (texts.get(key) ?? new Map()).set(decoded(server ?? ''), lines));
}

// ---- the files that are not objects ----------------------------------------------------------------------------------

type Bad = (why: string) => Error;

type Special = (building: Building, value: Json, bad: Bad) => void;

const SPECIAL: ReadonlyMap<string, Special> = new Map([
  [VERSION, takeVersion],
  [CLUSTER, takeCluster],
  [DISCOVERY, takeDiscovery],
  [ABSENT, takeAbsent],
  [NOTHING, takeNothing],
  [APIS, takeApis],
  [MEMBERS, takeMembers],
]);

function takeMembers(building: Building, value: Json, bad: Bad): void {
  building.members = items(value, isText, bad);
}

function takeVersion(building: Building, value: Json, bad: Bad): void {
  if (!isRaw(value) || typeof value.gitVersion !== 'string') throw bad('not the answer of GET /version: no gitVersion');
  building.serverVersion = value.gitVersion;
  const { emulationMinor } = value;
  if (typeof emulationMinor === 'string')
    building.texts.set(textKey({ path: '/version' }), new Map([['', [JSON.stringify({ emulationMinor })]]]));
  building.whole = true;
}

function takeCluster(building: Building, value: Json, bad: Bad): void {
  if (!isRaw(value) || typeof value.schema !== 'number' || !isRaw(value.identity)) throw bad('no schema or no identity');
  if (value.schema > SCHEMA) throw bad(`made by a newer upgrade-guard (schema ${value.schema}, this one reads up to ${SCHEMA})`);
  const { uid, certain, server, context } = value.identity;
  if (!isText(uid) || typeof certain !== 'boolean' || !isText(server) || !isText(context)) throw bad('the identity is incomplete');
  // Snapshots of before did not say when.
  const recordedAt = value.recordedAt === undefined ? undefined : Date.parse(String(value.recordedAt));
  if (Number.isNaN(recordedAt)) throw bad('recordedAt is not a time');
  building.recordedAt = recordedAt;
  building.identity = { uid, certain, server, context };
  if (value.members === MEMBERS) building.announced = true;
  building.whole = true;
}

function takeDiscovery(building: Building, value: Json, bad: Bad): void {
  if (!isRaw(value)) throw bad('not an object');
  const lists = new Map<ResourceName, Listed[]>();
  for (const { resource, ...listed } of items(value.lists, isListed, bad)) lists.set(resource, [...(lists.get(resource) ?? []), listed]);
  building.discovery = { apis: items(value.resources, isApi, bad), notInstalled: items(value.notInstalled, isText, bad), lists };
}

function takeApis(building: Building, value: Json, bad: Bad): void {
  if (!isRaw(value)) throw bad('not an object');
  building.served = { resources: items(value.resources, isServed, bad), gaps: items(value.gaps ?? [], isGap, bad) };
}

function takeAbsent(building: Building, value: Json, bad: Bad): void {
  if (!isRaw(value)) throw bad('not an object');
  const forbidden = items(value.forbidden ?? [], isText, bad);
  building.absent.push(
    ...forbidden.map((resource): Gap => ({ why: 'forbidden', verb: 'list', resource })),
    ...items(value.gaps ?? [], isGap, bad),
  );
}

function takeNothing(building: Building, value: Json, bad: Bad): void {
  if (!isRaw(value)) throw bad('not an object');
  building.nothing.push(...items(value.objects, isRef, bad));
  for (const [namespace, pod = '', container = ''] of items(value.logs, isTexts, bad))
    building.logs.set(logKey(namespace, pod, container), 'none');
}

function items<T>(value: Json | undefined, is: (item: unknown) => item is T, bad: Bad): T[] {
  if (!Array.isArray(value)) throw bad('a list is missing');
  for (const [at, item] of value.entries()) if (!is(item)) throw bad(`item ${at + 1} is not what belongs there`);
  return value as T[];
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const optionalText = (value: unknown): boolean => value === undefined || isText(value);

function isApi(value: unknown): value is ApiResource {
  if (!isRaw(value) || typeof value.namespaced !== 'boolean' || !isTexts(value.subresources)) return false;
  return [value.group, value.version, value.resource, value.kind].every(isText);
}

function isServed(value: unknown): value is ServedResource {
  return isApi(value) && isRaw(value) && isTexts(value.verbs) && typeof value.preferred === 'boolean';
}

function isListed(value: unknown): value is Listed & { resource: string } {
  return (
    isRaw(value) &&
    isText(value.resource) &&
    optionalText(value.labels) &&
    (value.fields === 'whole' || isTexts(value.fields)) &&
    (value.marks === undefined || isTexts(value.marks))
  );
}

function isRef(value: unknown): value is Ref {
  return (
    isRaw(value) && [value.apiVersion, value.kind, value.name].every(isText) && optionalText(value.namespace) && optionalText(value.uid)
  );
}

const WHYS: unknown[] = ['forbidden', 'failed', 'not-collected'];
const VERBS: unknown[] = ['list', 'get', 'get-path', 'log', 'discover', 'decode'];

function isGap(value: unknown): value is Gap {
  if (!isRaw(value) || !WHYS.includes(value.why) || !VERBS.includes(value.verb) || !isText(value.resource)) return false;
  if (value.settle !== undefined && !(isRaw(value.settle) && isText(value.settle.en) && isText(value.settle.zh))) return false;
  return [value.namespace, value.name, value.detail, value.detailZh].every(optionalText);
}

// ---- objects --------------------------------------------------------------------------------------------------------

/** A value of a file, and the line where it begins. */
interface Placed {
  value: Json;
  line: number | undefined;
}

function objectsOf(file: DumpFile): Raw[] {
  return placedIn(file).flatMap(({ value, line }) => unfold(value, file.path, line));
}

/** JSON is tried first wherever it may be: it is YAML too, but that parser is some hundred times slower. */
function placedIn(file: DumpFile): Placed[] {
  if (/\.json$/i.test(file.path)) return [{ value: oneJson(file), line: undefined }];
  if (!/^\s*[{[]/.test(file.text)) return yamlOf(file);
  try {
    return [{ value: parseJson(file.text), line: 1 }];
  } catch {
    return yamlOf(file);
  }
}

/** The objects of a list, or the one object. Nothing for an empty document. */
function unfold(value: Json, file: string, line: number | undefined): Raw[] {
  if (value === null) return [];
  if (!isRaw(value)) throw noObject(file, line);
  const { kind, apiVersion, items: inner } = value;
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') throw noObject(file, line);
  if (!kind.endsWith('List') || (inner !== null && !Array.isArray(inner))) return [checked(value, file, line)];
  const of: Raw = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
  return (inner ?? []).map((item, at) => {
    if (!isRaw(item)) throw noObject(file, line, at);
    return checked({ ...of, ...item }, file, line, at);
  });
}

function checked(object: Raw, file: string, line: number | undefined, at?: number): Raw {
  const { metadata } = object;
  const namespace = isRaw(metadata) ? metadata.namespace : undefined;
  const name = isRaw(metadata) ? metadata.name : undefined;
  if (typeof name === 'boolean' || typeof name === 'number') throw badInput(file, line, notAName(name));
  const named = isRaw(metadata) && isText(metadata.name) && metadata.name !== '' && optionalText(namespace ?? undefined);
  if (!named || !isText(object.apiVersion) || !isText(object.kind) || object.kind === '') throw noObject(file, line, at);
  return object;
}

/** YAML 1.1, which kubectl reads: `off`, `y` and `1234` are not text unless they are quoted. */
const notAName = (name: boolean | number): Text => ({
  en: `metadata.name is read as ${name}: quote it`,
  zh: `metadata.name 被读作 ${name}：请加引号`,
});

function noObject(file: string, line: number | undefined, at?: number): Error {
  const [en, zh] = at === undefined ? ['', ''] : [`item ${at + 1}: `, `第 ${at + 1} 项：`];
  return badInput(file, line, {
    en: `${en}not a Kubernetes object: apiVersion, kind or metadata.name is missing`,
    zh: `${zh}不是 Kubernetes 对象：缺少 apiVersion、kind 或 metadata.name`,
  });
}

function oneJson({ path, text }: DumpFile): Json {
  try {
    return parseJson(text);
  } catch (error) {
    const { message } = error as Error;
    const why = message.replace(/ in JSON at position.*$/s, '');
    throw badInput(path, lineOf(message, text), { en: `not JSON: ${why}`, zh: `不是有效的 JSON：${why}` });
  }
}

/** V8 names a position, or nothing where the text ends too early. */
function lineOf(message: string, text: string): number {
  const position = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
  return text.slice(0, position).split('\n').length;
}

function yamlOf({ path, text }: DumpFile): Placed[] {
  const read = readDocuments(text);
  if (isNotYaml(read)) throw badInput(path, read.line, { en: `not YAML: ${read.why.en}`, zh: `不是有效的 YAML（${read.why.zh}）` });
  return read.map(({ value, line }) => ({ value, line }));
}
