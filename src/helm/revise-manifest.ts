// API versions in the text of a release's manifest, changed as in a file (files/edit.ts): just those characters, so that order, quotes, comments and line endings stay;
// also inside a List. A kind without a successor goes with its whole document. The result is read again: it holds just what was wanted.
import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import type { ApiChange, Json, Raw, Text } from '../engine/contracts.ts';
import { quoted, type Splice, spliced } from '../files/edit.ts';
import { isNotYaml, nameOf, pairsOf, readYaml, type YamlFile } from '../files/yaml.ts';
import { deepEqual, isRaw } from '../kube/json.ts';
import { DOCUMENTS } from './manifest.ts';

export type Revised = { text: string; changed: number } | { refused: Text };

/** Only documents that name one of the versions are parsed: a check asks of hundreds of releases, and YAML is read at about 1 MB a second. */
export function revisedManifest(text: string, apis: readonly ApiChange[]): Revised {
  const made: string[] = [];
  let [line, changed] = [0, 0];
  for (const part of text.split(DOCUMENTS)) {
    const concerns = apis.some(({ apiVersion }) => part.includes(apiVersion));
    const revised = concerns ? revisedPart(part, apis, line) : { text: part, changed: 0 };
    if ('refused' in revised) return revised;
    made.push(revised.text);
    line += part.split('\n').length - 1;
    changed += revised.changed;
  }
  return { text: made.join(''), changed };
}

/** `line`: lines before it. */
function revisedPart(text: string, apis: readonly ApiChange[], line: number): Revised {
  const before = readYaml(text);
  if (isNotYaml(before)) return { refused: notYaml(line + before.line, before.why) };
  const splices: Splice[] = [];
  const wanted: Json[] = [];
  for (const [at, { value, root }] of before.documents.entries()) {
    const found = inDocument(text, { ...before, lineOf: (node) => line + before.lineOf(node) }, root, value, apis);
    if ('refused' in found) return found;
    if (found.goes) splices.push(documentAt(text, at));
    else {
      splices.push(...found.splices);
      wanted.push(found.value);
    }
  }
  const next = splices.toSorted((a, b) => b.at - a.at).reduce(spliced, text);
  const after = readYaml(next);
  const held = isNotYaml(after) ? undefined : after.documents.map(({ value }) => value).filter((value) => value !== null);
  const isAsWanted =
    held !== undefined &&
    deepEqual(
      held,
      wanted.filter((value) => value !== null),
    );
  return isAsWanted ? { text: next, changed: splices.length } : { refused: NOT_HELD };
}

interface InDocument {
  splices: Splice[];
  value: Json;
  /** The whole document. */
  goes?: true;
}

function inDocument(
  text: string,
  file: YamlFile,
  root: Node | null,
  value: Json,
  apis: readonly ApiChange[],
): InDocument | { refused: Text } {
  const change = changeFor(value, apis);
  if (change) {
    if (change.to === undefined) return { splices: [], value, goes: true };
    const splice = apiVersionAt(text, file, root, change.to);
    return 'refused' in splice ? splice : { splices: [splice], value: { ...(value as Raw), apiVersion: change.to } };
  }
  if (!isRaw(value) || !/List$/.test(String(value.kind)) || !Array.isArray(value.items)) return { splices: [], value };
  const items = isMap(root) ? pairsOf(root).findLast(({ key }) => nameOf(key) === 'items')?.value : undefined;
  const splices: Splice[] = [];
  const changed: Json[] = [];
  for (const [at, item] of value.items.entries()) {
    const found = inDocument(text, file, isSeq(items) ? (items.items[at] as Node | null) : null, item, apis);
    if ('refused' in found) return found;
    if (found.goes) return { refused: IN_A_LIST };
    splices.push(...found.splices);
    changed.push(found.value);
  }
  return { splices, value: splices.length ? { ...value, items: changed } : value };
}

const changeFor = (value: Json, apis: readonly ApiChange[]): ApiChange | undefined =>
  isRaw(value) ? apis.find(({ apiVersion, kind }) => value.apiVersion === apiVersion && value.kind === kind) : undefined;

/** As many as name it so, the last one counts; an earlier one would be read by no one. */
function apiVersionAt(text: string, file: YamlFile, root: Node | null, to: string): Splice | { refused: Text } {
  const named = isMap(root) ? pairsOf(root).filter(({ key }) => nameOf(key) === 'apiVersion') : [];
  const node = named[0]?.value;
  if (named.length !== 1 || !node || isAlias(node) || !isScalar(node) || (node as Scalar & { anchor?: string }).anchor !== undefined)
    return { refused: elsewhere(root === null ? 1 : file.lineOf(root)) };
  const [from, end] = [node.range![0], node.range![1]];
  return { at: from, before: text.slice(from, end), after: quoted(to, node) };
}

/** From its `---` to the next one, by the lines that separate documents. */
function documentAt(text: string, document: number): Splice {
  const starts = [0, ...[...text.matchAll(new RegExp(DOCUMENTS, 'g'))].map(({ index }) => index)];
  // What stands before the first line of dashes is a document only where something is there.
  const own = text.slice(0, starts[1] ?? text.length).replace(/^\s*(#.*)?$/gm, '') === '' ? starts.slice(1) : starts;
  const from = own[document] ?? text.length;
  return { at: from, before: text.slice(from, own[document + 1] ?? text.length), after: '' };
}

const NOT_HELD: Text = {
  en: 'the change cannot be made without changing other parts of the manifest',
  zh: '无法在不改动清单其他部分的情况下完成更改',
};
const IN_A_LIST: Text = {
  en: 'an object without a successor stands in a List; only whole documents are removed',
  zh: '没有后继版本的对象位于 List 中；只能移除整个文档',
};
const notYaml = (line: number, why: Text): Text => ({
  en: `the stored manifest cannot be read: line ${line}: ${why.en}`,
  zh: `无法读取存储的清单：第 ${line} 行：${why.zh}`,
});
const elsewhere = (line: number): Text => ({
  en: `apiVersion of the object at line ${line} of the stored manifest is written twice, or shared by an anchor`,
  zh: `存储的清单第 ${line} 行的对象的 apiVersion 写了两次，或通过锚点共用`,
});
