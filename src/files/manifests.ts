// The manifests that -f names, each with its file, document and line. What is not a manifest (Helm values, templates, kustomizations) is told apart and named;
// what may be one and cannot be read is named as not seen. Untrusted: sizes and aliases are bounded.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Json, Manifest, Raw, Text } from '../engine/contracts.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { keyOf, NAME, NAMESPACE, refOf } from '../kube/refs.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';
import { type DocumentValue, readDocumentsInTurns } from './documents.ts';
import { type FoundFile, findFiles } from './find.ts';
import { isStdin, readAnyInput, readInput, readStdin, type Waits } from './input.ts';
import { insideOf, MAX_DEPTH, outerName } from './inside.ts';
import { jsonPieces } from './json-stream.ts';
import { fileOfTool } from './local-tools.ts';
import { isNotYaml, type Twice } from './yaml.ts';

/** `unseen`: objects may stand there that no check has looked at. `line`: where only a part of the file is meant. */
export interface Skipped {
  file: string;
  line?: number;
  why: Text;
  unseen: boolean;
}
export interface Manifests {
  manifests: Manifest[];
  skipped: Skipped[];
  /** Objects that are declared more than once; for the cluster the last one counts. */
  doubles: Manifest[][];
  /** Keys that a map has twice: the last one counts, as for kubectl. `line`: undefined: of what was rendered. */
  twice: (Pick<Twice, 'key'> & Partial<Twice> & { file: string })[];
  /** By helm from a chart: nothing that fix could change. */
  rendered?: true;
}

const MIB = 1024 * 1024;
/** YAML is parsed at about 1 MB a second (measured, yaml 2.9.1); JSON is a hundred times faster. `total`: of all files. */
const LARGEST = { yaml: 32 * MIB, json: 256 * MIB, total: 512 * MIB };
/** Up to here JSON is read as the YAML that it is, for the lines of a list's items. */
const LINES_OF_JSON = MIB;

export const STDIN = '-';

/** `paths`: files, directories, or `-`. `told`: how many documents have been read. Throws UserError where one of them is not there, cannot be read, or where none holds an object. */
export async function readManifests(
  paths: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
  { told = () => {}, ...waits }: { told?(documents: number): void } & Waits = {},
): Promise<Manifests> {
  const manifests: Manifest[] = [];
  const skipped: Skipped[] = [];
  const twice: Manifests['twice'] = [];
  const room = { left: LARGEST.total };
  const known = new Set<string>();
  for (const at of paths) {
    for (const found of isStdin(at) ? [{ file: STDIN, real: STDIN, named: true }] : filesAt(at)) {
      // One file by two names declares nothing twice.
      if (known.has(found.real)) continue;
      if (!found.why) known.add(found.real);
      const before = manifests.length;
      const read = await objectsIn(found, room, { stdin, waits, told: (count) => told(before + count) });
      manifests.push(...read.manifests);
      skipped.push(...read.skipped);
      twice.push(...read.twice);
    }
  }
  if (!manifests.length) throw nothing(paths, skipped);
  return { manifests, skipped, doubles: doublesOf(manifests), twice };
}

function filesAt(at: string): FoundFile[] {
  try {
    return findFiles(at);
  } catch (error) {
    throw unreadable(at, undefined, whyOf(error), CHECK_PATH);
  }
}

function doublesOf(manifests: readonly Manifest[]): Manifest[][] {
  const named = manifests.filter(({ configuration, unnamed }) => !configuration && !unnamed);
  const byObject = Map.groupBy(named, ({ object }) => keyOf(refOf(object)));
  return [...byObject.values()].filter(({ length }) => length > 1);
}

// ---- one file -------------------------------------------------------------------------------------------------------

type Read = Pick<Manifests, 'manifests' | 'skipped' | 'twice'>;

async function objectsIn(
  { file, real, named, why }: FoundFile,
  room: { left: number },
  { stdin, waits, told }: { stdin: AsyncIterable<Buffer | string>; waits: Waits; told(count: number): void },
): Promise<Read> {
  const skip = (text: Text, unseen: boolean, line?: number): Read => ({
    manifests: [],
    skipped: [{ file, line, why: text, unseen }],
    twice: [],
  });
  if (why) return skip(why, true);
  const role = file === STDIN ? undefined : roleOf(file);
  if (role) return skip(role.why, role.unseen);
  let text: string;
  try {
    const limit = /\.json$/i.test(file) ? LARGEST.json : LARGEST.yaml;
    const bytes = file === STDIN ? await readStdin(stdin, limit) : named ? await readAnyInput(real, limit, waits) : readInput(real, limit);
    room.left -= bytes.length;
    if (room.left < 0) throw unreadable(file, undefined, TOO_MUCH);
    text = decoded(bytes);
  } catch (error) {
    if (waits.signal?.aborted) throw error;
    if (error instanceof UserError || named)
      throw error instanceof UserError
        ? error
        : unreadable(file, undefined, whyOf(error), 'text' in (error as object) ? undefined : CHECK_PATH);
    return skip(whyOf(error), true);
  }
  const documents = await documentsOf(text, file, told);
  if ('why' in documents) {
    if (isTemplate(text)) return skip(TEMPLATE, true);
    if (named) throw unreadable(file, documents.line, documents.why, kubectlToo(file));
    return skip(documents.why, true, documents.line);
  }
  const read: Read = { manifests: [], skipped: [], twice: [] };
  for (const [document, { value, line, lines, twice = [], lineAt }] of documents.entries()) {
    read.twice.push(...twice.map((each) => ({ ...each, file })));
    for (const each of unfold(value, line, lines)) {
      if ('object' in each) {
        read.manifests.push({ ...each, file, document });
        if (each.part) read.skipped.push({ file, line: each.line, why: PATCH, unseen: false });
        const inner = insideOf(each.object);
        if (!inner.length) continue;
        const outer = outerName(each.object);
        const item = each.item === undefined ? {} : { item: each.item };
        const above = each.item === undefined ? [] : ['items', String(each.item)];
        for (const { object, within, holdsMore } of inner) {
          const at = lineAt?.([...above, ...within]) ?? each.line;
          read.manifests.push({ object, file, document, ...item, line: at, unnamed: true, part: true, inside: outer, within });
          if (holdsMore) read.skipped.push({ file, line: at, why: deeperIn(outer), unseen: true });
        }
        read.skipped.push({ file, line: each.line, why: innerOf(outer), unseen: false });
      }
      // One object that is none is a mistake where just this file was named; in a directory there are other files too.
      else if (named && each.unseen && !each.why.en.includes('Helm')) throw unreadable(file, each.line, each.why, kubectlToo(file));
      else read.skipped.push({ ...each, file });
    }
  }
  return read;
}

/** By its name and place alone. */
function roleOf(file: string): Omit<Skipped, 'file'> | undefined {
  const name = path.basename(file);
  const folder = path.dirname(file);
  if (/^kustomization\.ya?ml$/i.test(name)) return { why: KUSTOMIZATION, unseen: false };
  if (/^Chart\.ya?ml$/.test(name)) return { why: CHART, unseen: false };
  if (/^values([-.][^/]*)?\.(?:ya?ml|json)$/i.test(name) && isChart(folder)) return { why: VALUES, unseen: false };
  if (/^values\.schema\.json$/.test(name)) return { why: VALUES, unseen: false };
  for (let at = folder; path.dirname(at) !== at; at = path.dirname(at))
    if (path.basename(at) === 'templates' && isChart(path.dirname(at))) return { why: TEMPLATE, unseen: true };
  return undefined;
}

const isChart = (folder: string): boolean => existsSync(path.join(folder, 'Chart.yaml'));
const isTemplate = (text: string): boolean => text.includes('{{');
/** Words that only templates of charts have. */
const HELM = /\{\{[^}]*(?:\.Values|\.Release|\.Chart|\.Capabilities|\binclude\b)/;

function decoded(bytes: Buffer): string {
  try {
    // Leaves out a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw Object.assign(new Error(NOT_UTF8.en), { text: NOT_UTF8 });
  }
}

async function documentsOf(
  text: string,
  file: string,
  told: (count: number) => void,
): Promise<DocumentValue[] | { line: number; why: Text }> {
  const isJson = /\.json$/i.test(file) || /^\s*[{[]/.test(text);
  const isLarge = text.length > LINES_OF_JSON;
  const pieces = isJson ? jsonPieces(text) : undefined;
  if (pieces && isLarge) return pieces.map((piece) => ({ value: parseJson(piece.text), line: piece.line }));
  if (isJson && !pieces && (isLarge || /\.json$/i.test(file))) {
    try {
      const value = parseJson(text);
      if (isLarge) return [{ value, line: 1 }];
    } catch (error) {
      const { message } = error as Error;
      const at = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
      const why = oneLine(message.replace(/ in JSON at position.*$/s, ''), 300);
      return { line: text.slice(0, at).split('\n').length, why: { en: `not JSON: ${why}`, zh: `不是有效的 JSON：${why}` } };
    }
  }
  const read = await readDocumentsInTurns(text, told);
  if (isNotYaml(read)) return { line: read.line, why: { en: `not YAML: ${read.why.en}`, zh: `不是有效的 YAML（${read.why.zh}）` } };
  return read;
}

type Unfolded = Omit<Manifest, 'file' | 'document'> | Omit<Skipped, 'file'>;

/** The objects of a list, or the one object. Nothing for an empty document. */
function unfold(value: Json, line: number, lines: readonly number[] = []): Unfolded[] {
  if (value === null) return [];
  if (!isRaw(value)) return [{ line, why: NO_OBJECT, unseen: false }];
  const { kind, apiVersion, items } = value;
  if (typeof kind === 'string' && kind.endsWith('List') && typeof apiVersion === 'string' && (Array.isArray(items) || items === null)) {
    const of: Raw = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
    return (items ?? []).flatMap((each, item): Unfolded[] => {
      const at = lines[item] ?? line;
      if (!isRaw(each)) return [{ line: at, why: NO_OBJECT, unseen: true }];
      if (each.kind === 'List' && Array.isArray(each.items)) return unfold(each, at);
      const shares = kind !== 'List' && each.apiVersion === undefined ? { shares: true } : {};
      return [{ ...one({ ...of, ...each }, at), item, ...shares } as Unfolded];
    });
  }
  return [one(value, line)];
}

function one(object: Raw, line: number): Unfolded {
  const { apiVersion, kind, metadata } = object;
  const configuration = isConfiguration(object);
  const why = configuration ? undefined : notObject(object);
  if (why) return { line, why: why.text, unseen: why.unseen };
  const { data: _data, stringData: _text, binaryData: _binary, ...rest } = object;
  if (HELM.test(JSON.stringify(rest))) return { line, why: TEMPLATE, unseen: true };
  if (configuration) return { object: { ...object, metadata: { name: '' } }, line, configuration };
  const given = isRaw(metadata) ? metadata : {};
  // It has no name before it is created; what is asked of it here is what it holds.
  if (given.name === undefined || given.name === null || given.name === '') {
    const name = given.generateName ?? '';
    const part = name === '' && !ANSWERED.test(String(kind)) ? { part: true as const } : {};
    return { object: { ...object, apiVersion: apiVersion!, kind: kind!, metadata: { ...given, name } }, line, unnamed: true, ...part };
  }
  return isName(given.name, NAME) && (!given.namespace || isName(given.namespace, NAMESPACE))
    ? { object, line }
    : { object, line, unnamed: true };
}

const isName = (value: Json | undefined, pattern: RegExp): boolean => typeof value === 'string' && pattern.test(value);

/** API groups of what components read at their start. Everything in `*.config.k8s.io` is, but for kustomizations. */
const CONFIGURATION = /^(?:(?!kustomize\.)[a-z0-9.-]+\.config|kubeadm|audit|apiserver|[a-z]+\.admission)\.k8s\.io\//;

function isConfiguration({ apiVersion, kind }: Raw): true | undefined {
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '') return undefined;
  return CONFIGURATION.test(apiVersion) ? true : undefined;
}

/** What the API server answers at once and never stores: created without a name, some without metadata. */
const ANSWERED = /Review$/;

function notObject(object: Raw): { text: Text; unseen: boolean } | undefined {
  const { apiVersion, kind, metadata } = object;
  // Values of a chart may have a kind, and files of other tools an apiVersion.
  const missing = ['apiVersion', 'kind', 'metadata'].filter((key) => object[key] === undefined).slice(0, 2);
  if (missing.length > 1) return { text: notObjectFor(missing), unseen: false };
  if (typeof apiVersion === 'string' && apiVersion.startsWith('kustomize.config.k8s.io/')) return { text: KUSTOMIZATION, unseen: false };
  if (typeof apiVersion !== 'string' || apiVersion === '' || typeof kind !== 'string' || kind === '')
    return { text: NO_KIND, unseen: true };
  if (apiVersion === 'v1' && kind === 'Config') return { text: KUBECONFIG, unseen: false };
  const tool = fileOfTool(object);
  if (tool) return { text: tool, unseen: false };
  if (metadata === undefined || metadata === null) return undefined;
  if (!isRaw(metadata)) return { text: NO_NAME, unseen: true };
  const { name, generateName, namespace } = metadata;
  if (typeof name === 'boolean' || typeof name === 'number') return { text: notText('name', name), unseen: true };
  if (typeof namespace === 'boolean' || typeof namespace === 'number') return { text: notText('namespace', namespace), unseen: true };
  const isText = (value: Json | undefined) => value === undefined || value === null || typeof value === 'string';
  return [name, generateName, namespace].every(isText) ? undefined : { text: NO_NAME, unseen: true };
}

// ---- words ----------------------------------------------------------------------------------------------------------

const KUSTOMIZATION: Text = {
  en: 'a kustomization; check what it builds: kubectl kustomize DIR | upgrade-guard check -f -',
  zh: 'kustomization 文件；请检查其构建结果：kubectl kustomize DIR | upgrade-guard check -f -',
};
const PATCH: Text = {
  en: 'all but the API version of a patch without metadata.name; check what is built with it: kubectl kustomize DIR | upgrade-guard check -f -',
  zh: '补丁没有 metadata.name，除 API 版本外的内容无法检查；请检查应用补丁后的结果：kubectl kustomize DIR | upgrade-guard check -f -',
};
/** They are applied by a controller, often to another cluster. */
const innerOf = (outer: string): Text => ({
  en: `all but the API versions of the objects inside ${outer}`,
  zh: `${outer} 内的对象中除 API 版本之外的内容`,
});
const deeperIn = (outer: string): Text => ({
  en: `objects nested deeper than ${MAX_DEPTH + 1} levels inside ${outer}`,
  zh: `${outer} 内嵌套超过 ${MAX_DEPTH + 1} 层的对象`,
});
const KUBECONFIG: Text = { en: 'a kubeconfig', zh: 'kubeconfig 文件' };
const CHART: Text = { en: 'the Chart.yaml of a Helm chart', zh: 'Helm chart 的 Chart.yaml' };
const VALUES: Text = { en: 'values of a Helm chart', zh: 'Helm chart 的 values' };
const TEMPLATE: Text = {
  en: 'a Helm template; check what it renders to: helm template CHART | upgrade-guard check -f -',
  zh: 'Helm 模板；请检查其渲染结果：helm template CHART | upgrade-guard check -f -',
};
/** `missing`: of what every object has. */
const notObjectFor = (missing: readonly string[]): Text => ({
  en: `not a Kubernetes object (${missing.map((key) => `no ${key}`).join(', ')})`,
  zh: `不是 Kubernetes 对象（没有 ${missing.join('、')}）`,
});
const NO_OBJECT = notObjectFor(['apiVersion', 'kind']);
const NO_KIND: Text = { en: 'apiVersion or kind is missing, or is not a string', zh: '缺少 apiVersion 或 kind，或其值不是字符串' };
const NO_NAME: Text = { en: 'metadata is not a map, or its name is not a string', zh: 'metadata 不是映射，或其 name 不是字符串' };
/** YAML 1.1, which kubectl reads: `off`, `y` and `1234` are not strings unless they are quoted. */
const notText = (field: string, value: boolean | number): Text => ({
  en: `metadata.${field} is read as ${value}: quote it`,
  zh: `metadata.${field} 被读作 ${value}：请加引号`,
});
const NOT_UTF8: Text = { en: 'not UTF-8', zh: '不是 UTF-8 编码' };
const TOO_MUCH: Text = {
  en: `with this file, more than ${LARGEST.total / MIB} MiB`,
  zh: `加上此文件后，总大小超过 ${LARGEST.total / MIB} MiB`,
};

const CHECK_PATH: Text = { en: 'check the path and its permissions', zh: '请检查路径及其权限' };
/** What is not YAML is not for kubectl either. */
const kubectlToo = (file: string): Text => ({
  en: `fix the file; verify with: kubectl apply --dry-run=client -f ${shellWord(file)}`,
  zh: `请更正该文件，然后验证：kubectl apply --dry-run=client -f ${shellWord(file)}`,
});

function unreadable(file: string, line: number | undefined, why: Text, next?: Text): UserError {
  const name = file === STDIN ? { en: 'standard input', zh: '标准输入' } : { en: file, zh: file };
  return new UserError(
    {
      en: `reading -f ${name.en}${line === undefined ? '' : `, line ${line}`}: ${why.en}`,
      zh: `读取 -f ${name.zh}${line === undefined ? '' : ` 第 ${line} 行`}：${why.zh}`,
    },
    next,
  );
}

/** What an error names of what was skipped. */
const NAMED = 3;

function nothing(paths: readonly string[], skipped: readonly Skipped[]): UserError {
  const some = skipped.slice(0, NAMED);
  const more = skipped.length > NAMED ? { en: ', ...', zh: '……' } : { en: '', zh: '' };
  const what = {
    en: some.map(({ file, why }) => `${file} (${why.en})`).join(', '),
    zh: some.map(({ file, why }) => `${file}（${why.zh}）`).join('、'),
  };
  return new UserError(
    {
      en: `reading -f ${paths.join(', ')}: no Kubernetes objects${some.length ? `; not checked: ${what.en}${more.en}` : ''}`,
      zh: `读取 -f ${paths.join('、')}：没有 Kubernetes 对象${some.length ? `；未检查：${what.zh}${more.zh}` : ''}`,
    },
    { en: 'name a file or a directory of manifests (*.yaml, *.yml, *.json)', zh: '请指定清单文件或清单目录（*.yaml、*.yml、*.json）' },
  );
}
