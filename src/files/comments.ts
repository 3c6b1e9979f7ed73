// Comments of a YAML text whose keys are moved go along with them: those above a key and beside its value, and what else would be lost with a map that the move empties.
// The change itself is made by edit.ts, on the text without them; then they are put where the keys are now. Nothing but comments differs from what that gave.
import { isMap, type Node, Parser, type YAMLMap } from 'yaml';
import type { Raw } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { type Edited, edited, type Splice, spliced } from './edit.ts';
import { isMergeKey, isNotYaml, nameOf, pairsOf, type YamlPair } from './yaml.ts';
import { readYamlAgain } from './yaml-again.ts';

export interface Move {
  from: string[];
  to: string[];
}
interface Comment {
  at: number;
  /** From its `#`. */
  said: string;
}
/** Comments of one move, in the order of the text. */
interface Taken {
  move: Move;
  above: string[];
  beside: string | undefined;
}

/** As `edited` of the first document. */
export function editedWithComments(text: string, now: Raw, next: Raw, moves: readonly Move[]): Edited {
  const claims = [...moves, ...besideThem(text, moves)].flatMap((move) => claimOf(text, move) ?? []);
  const cuts = claims.flatMap(({ cuts }) => cuts).sort((a, b) => b.at - a.at);
  const bare = cuts.reduce(spliced, text);
  const made = edited(bare, { document: 0 }, now, next);
  if ('refused' in made) return made;
  const taken = claims.map(({ taken }) => taken);
  // A map that lost its last key is gone, and what else was said inside it.
  for (const { at, said } of lostBetween(bare, made.text)) {
    const places = taken.map((each) => ({ each, from: pairAt(bare, each.move.from)?.start ?? 0 }));
    const nearest = places.find(({ from }) => from > at) ?? places.at(-1);
    nearest?.each.above.push(said);
  }
  return placed(made.text, taken) ?? edited(text, { document: 0 }, now, next);
}

// ---- where they are -------------------------------------------------------------------------------------------------

interface Found {
  map: YAMLMap;
  pair: YamlPair;
  start: number;
  end: number;
}

/** The pair with this path; undefined: none of its own. */
function pairAt(text: string, path: readonly string[]): Found | undefined {
  const read = readYamlAgain(text);
  let node: Node | null | undefined = isNotYaml(read) ? undefined : read.documents[0]?.root;
  let found: Found | undefined;
  for (const key of path) {
    if (!isMap(node)) return undefined;
    const pair = pairsOf(node).find((each) => !isMergeKey(each.key) && nameOf(each.key) === key);
    if (!pair?.key) return undefined;
    const last: Node = pair.value?.range && pair.value.range[1] > pair.value.range[0] ? pair.value : pair.key;
    found = { map: node, pair, start: pair.key.range![0], end: last.range![1] };
    node = pair.value;
  }
  return found;
}

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;
const lineEnd = (text: string, at: number): number => (text.indexOf('\n', at) + text.length + 1) % (text.length + 1);

/** Keys between the same braces, which are written again as a whole: their comments go where they were. */
function besideThem(text: string, moves: readonly Move[]): Move[] {
  const moved = new Set(moves.map(({ from }) => from.join('\0')));
  return moves.flatMap(({ from }) => {
    const found = pairAt(text, from);
    if (!found?.map.flow) return [];
    const names = pairsOf(found.map).flatMap(({ key }) => (key && !isMergeKey(key) ? (nameOf(key) ?? []) : []));
    const paths = names.map((name) => [...from.slice(0, -1), name]);
    return paths.filter((path) => !moved.has(path.join('\0')) && moved.add(path.join('\0'))).map((path) => ({ from: path, to: path }));
  });
}

/** What belongs to a key on lines of its own, and the places that it leaves. At the top a comment may be about the file: it stays. */
function claimOf(text: string, move: Move): { taken: Taken; cuts: Splice[] } | undefined {
  const found = pairAt(text, move.from);
  if (!found) return undefined;
  const all = commentsIn(text);
  const own = lineStart(text, found.start);
  // What stands beside several keys in braces is about all of them.
  if (found.map.flow && !isAlone(text, found)) return undefined;
  const end = lineEnd(text, found.end - 1);
  const beside = all.findLast(({ at }) => at >= found.end && at < end);
  const cuts: Splice[] = [];
  if (beside) {
    const from = text.slice(0, beside.at).trimEnd().length;
    cuts.push({ at: from, before: text.slice(from, beside.at + beside.said.length), after: '' });
  }
  const above: string[] = [];
  let top = own;
  while (move.from.length > 1 && top > 0) {
    const before = lineStart(text, top - 1);
    const [comment] = all.filter(({ at }) => at >= before && at < top);
    if (!comment || comment.at - before !== found.start - own || text.slice(before, comment.at).trim()) break;
    above.unshift(comment.said);
    top = before;
  }
  if (above.length) cuts.push({ at: top, before: text.slice(top, own), after: '' });
  return { taken: { move, above, beside: beside?.said }, cuts };
}

/** Between braces, but on a line of its own. */
function isAlone(text: string, { start, end }: Found): boolean {
  const behind = text.slice(end, lineEnd(text, end - 1));
  return !text.slice(lineStart(text, start), start).trim() && /^\s*,?\s*(?:#|$)/.test(behind);
}

/** By tokens: a `#` inside a string does not begin one. */
function commentsIn(text: string): Comment[] {
  const found: Comment[] = [];
  const look = (token: unknown): void => {
    if (Array.isArray(token)) token.forEach(look);
    else if (isToken(token)) {
      if (token.type === 'comment') found.push({ at: token.offset as number, said: token.source as string });
      else Object.values(token).forEach(look);
    }
  };
  for (const token of new Parser().parse(text)) look(token);
  return found.sort((a, b) => a.at - b.at);
}
const isToken = (value: unknown): value is Record<string, unknown> => isRaw(value as Raw);

/** Comments of `before` that `after` has no more. */
function lostBetween(before: string, after: string): Comment[] {
  const left = commentsIn(after).map(({ said }) => said);
  return commentsIn(before).filter(({ said }) => {
    const at = left.indexOf(said);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

// ---- where they go --------------------------------------------------------------------------------------------------

/** undefined: something else would change by it. */
function placed(text: string, taken: readonly Taken[]): Edited | undefined {
  const eol = /\r\n/.test(text) ? '\r\n' : '\n';
  const splices: Splice[] = [];
  for (const { move, above, beside } of taken) {
    const target = pairAt(text, move.to);
    const said = [...above, ...(beside === undefined ? [] : [beside])];
    if (!target || !said.length) continue;
    const own = lineStart(text, target.start);
    const indent = /^[ ]*/.exec(text.slice(own))![0];
    const end = text.slice(0, target.end).trimEnd().length;
    const alone = own + indent.length === target.start;
    const [behind] = /^,?/.exec(target.map.flow ? text.slice(end) : '')!;
    const isLine = alone && !text.slice(target.start, end).includes('\n') && !text.slice(end + behind.length, lineEnd(text, end)).trim();
    const lines = isLine ? above : said;
    if (isLine && beside !== undefined) splices.push({ at: end + behind.length, before: '', after: ` ${beside}` });
    splices.push({ at: own, before: '', after: lines.map((line) => `${indent}${line}${eol}`).join('') });
  }
  const result = [...splices].sort((a, b) => b.at - a.at).reduce(spliced, text);
  const [was, is] = [readYamlAgain(text), readYamlAgain(result)];
  if (isNotYaml(was) || isNotYaml(is)) return undefined;
  const same = JSON.stringify(was.documents.map(({ value }) => value)) === JSON.stringify(is.documents.map(({ value }) => value));
  return same ? { text: result, splices } : undefined;
}
