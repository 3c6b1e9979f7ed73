// Conditions: why a step is wanted (guards, read again at the last moment), what a wait waits for, and what means that it has failed.
// About one object (a Ref with a uid means that very object), a selection by labels, or a reading of a text path.
import { deepEqual } from '../../kube/json.ts';
import { parsePointer } from '../../kube/pointer.ts';
import { describe, refOf } from '../../kube/refs.ts';
import { textOf } from '../../text/language.ts';
import { oneLine } from '../../text/sanitise.ts';
import type {
  Condition,
  Expectation,
  Json,
  Must,
  Raw,
  Ref,
  Selection,
  ServerText,
  StepProgress,
  Tells,
  Text,
  World,
} from '../contracts.ts';
import { type Reader, readerOf, show, shown } from './fields.ts';
import { uidOf } from './objects.ts';

/** What stands in the way of a condition: an object is there, it is not, a field of it is off; too few or too many of a selection; a reading. */
type Unmet =
  | { is: 'there' | 'gone'; on: Ref }
  | { is: 'off'; on: Ref; field: Expectation; value: Json | undefined }
  | { is: 'none-found'; of: Selection }
  | { is: 'count'; of: Selection; which: Selected['which']; holds: number; all: number; first?: Unmet; told?: Told[] }
  | { is: 'reading'; condition: Reading; line: string; server?: string };
/** An object as a condition names it (`Tells`), and why it does not hold there. */
interface Told {
  name: string;
  why: string;
}
type Selected = Extract<Condition, { of: Selection }>;
type Reading = Extract<Condition, { reading: object }>;
/** `done` of `of` objects (or conditions) hold. */
type Unready = { because: Text; progress: StepProgress; at: Condition };
interface Weighed {
  done: number;
  of: number;
  unmet?: Unmet;
}

/** The first condition that no longer holds, in words; undefined: all hold. `now` is what was just read of `on`, so that it is not read twice. */
export async function brokenGuard(guard: Condition[], world: World, now: Raw | undefined, on: Ref | undefined): Promise<Text | undefined> {
  for (const condition of guard) {
    const { unmet } = await weigh(condition, world, now, on);
    if (unmet) return noLonger(unmet);
  }
  return undefined;
}

/** The first condition that does not hold yet, in words, with how far all of them are; undefined: all hold. */
export async function pending(conditions: Condition[], world: World): Promise<Unready | undefined> {
  let [done, of] = [0, 0];
  let first: { unmet: Unmet; at: Condition } | undefined;
  for (const at of conditions) {
    // What comes behind an unmet one is counted, not read: one small read a second.
    const weighed: Weighed = first ? { done: 0, of: 1 } : await weigh(at, world, undefined, undefined);
    [done, of] = [done + weighed.done, of + weighed.of];
    if (weighed.unmet) first = { unmet: weighed.unmet, at };
  }
  return first && { because: notYet(first.unmet), progress: { done, of, now: nowAt(first.unmet) }, at: first.at };
}

/** The first condition that holds, in words: of what means failure. */
export async function firstMet(conditions: Condition[], world: World): Promise<Text | undefined> {
  for (const condition of conditions) if (!(await weigh(condition, world, undefined, undefined)).unmet) return met(condition, world);
  return undefined;
}

async function weigh(condition: Condition, world: World, now: Raw | undefined, on: Ref | undefined): Promise<Weighed> {
  if ('reading' in condition) return weighReading(condition, await world.read(condition.reading));
  if ('of' in condition) return weighSelection(condition, await world.select(condition.of), nowIn(world));
  const object = on && isSameName(condition.on, on) ? now : await world.get(condition.on);
  const unmet = unmetBy(condition.on, condition.must, object, nowIn(world));
  return { done: unmet ? 0 : 1, of: 1, unmet };
}

const isSameName = (a: Ref, b: Ref): boolean =>
  a.kind === b.kind && a.apiVersion === b.apiVersion && a.namespace === b.namespace && a.name === b.name;

/** By our own clock, or as old as what is looked at. */
const nowIn = ({ recordedAt }: World): number => recordedAt ?? Date.now();

function unmetBy(on: Ref, must: Must, found: Raw | undefined, now: number): Unmet | undefined {
  const object = found && on.uid !== undefined && uidOf(found) !== on.uid ? undefined : found;
  if (must === 'be-gone') return object && { on, is: 'there' };
  if (!object) return { on, is: 'gone' };
  if (must === 'exist') return undefined;
  const reader = readerOf(object);
  const field = must.find((each) => !holds(each, reader, object, now));
  return field && { on, is: 'off', field, value: reader.value(placeIn(object, field)) };
}

/** `every` of nothing does not hold: what is not there yet is not ready. */
function weighSelection({ of, which, must, tells }: Selected, objects: Raw[], now: number): Weighed {
  const troubles = objects.map((object) => unmetBy(refOf(object), must, object, now));
  const done = troubles.filter((trouble) => !trouble).length;
  const all = objects.length;
  const first = troubles.find((trouble) => trouble !== undefined);
  // Of what must not exist: the objects that do.
  const told = tells && objects.filter((_, at) => Boolean(troubles[at]) !== (which === 'none')).map((object) => toldBy(object, tells));
  const count = { is: 'count' as const, of, which, holds: done, all, first, told };
  if (which === 'none') {
    const one = objects[troubles.indexOf(undefined)];
    const unmet = one && { ...count, first: { is: 'there' as const, on: refOf(one) } };
    return { done: all - done, of: Math.max(all, 1), unmet };
  }
  if (which === 'every') {
    if (!all) return { done: 0, of: 1, unmet: { is: 'none-found', of } };
    return { done, of: all, unmet: done < all ? count : undefined };
  }
  const least = which === 'some' ? 1 : which.atLeast;
  return { done: Math.min(done, least), of: least, unmet: done < least ? count : undefined };
}

function weighReading(condition: Reading, answers: readonly ServerText[]): Weighed {
  const fits = ({ text }: ServerText) => ('contains' in condition ? text.includes(condition.contains) : matches(text, condition.matches));
  const off = answers.find((answer) => !fits(answer));
  const of = Math.max(1, answers.length);
  if (off === undefined && answers.length) return { done: of, of };
  const lines = (off?.text ?? '').split('\n');
  // Of `"gitVersion": ...` the line that has it.
  const key = 'matches' in condition ? /^"\w+"/.exec(condition.matches)?.[0] : undefined;
  const line = lines.find((each) => each.startsWith('[-]') || (key !== undefined && each.includes(key))) ?? lines[0] ?? '';
  const said = line.trim().replace(/^"(\w+)": *"([^"]*)",?$/, '$1: $2');
  const server = off?.server ? { server: oneLine(off.server, 200) } : {};
  return { done: answers.filter(fits).length, of, unmet: { is: 'reading', condition, line: oneLine(said, 200), ...server } };
}

/** Line by line: no pattern runs over a whole answer. */
const matches = (answer: string, pattern: string): boolean => {
  const expression = new RegExp(pattern);
  return answer.split('\n').some((line) => line.length <= LINE && expression.test(line));
};
/** Characters of a line that a pattern is tried on. */
const LINE = 10_000;

// ---- one field ------------------------------------------------------------------------------------------------------

function holds(wanted: Expectation, reader: Reader, object: Raw, now: number): boolean {
  const place = placeIn(object, wanted);
  const value = reader.value(place);
  // Counts of nothing are left out of a status.
  if ('same' in wanted) return deepEqual(value ?? 0, reader.value({ path: concrete(object, wanted.same) }) ?? 0);
  if ('isNot' in wanted) return value !== undefined && !deepEqual(value, wanted.isNot);
  if ('in' in wanted) return value !== undefined && wanted.in.some((each) => deepEqual(each, value));
  if ('atLeast' in wanted) return typeof value === 'number' && value >= wanted.atLeast;
  if ('olderThan' in wanted) return (ageOf(value, now) ?? Number.NEGATIVE_INFINITY) > wanted.olderThan;
  if ('startsWith' in wanted) return typeof value === 'string' && value.startsWith(wanted.startsWith);
  if ('newerThan' in wanted) return (ageOf(value, now) ?? Number.POSITIVE_INFINITY) < wanted.newerThan;
  return reader.is(place, wanted.is);
}

/** Seconds; undefined: not a time, which is neither old nor new. */
function ageOf(value: Json | undefined, now: number): number | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : (now - at) / 1000;
}

const placeIn = (object: Raw, { path, inString }: Expectation) => ({ path: concrete(object, path), inString });

const SEGMENT = /\/((?:[^/[]|\[[^\]]*\])*)/g;
const ELEMENT = /^([^[]*)\[([^=\]]+)=([^\]]*)\]$/;
/** An index that no array has: what names an element that is not there reads as absent. */
const NOWHERE = '999999999';

export const isNowhere = (path: string): boolean => path.split('/').includes(NOWHERE);

/** What a path leads through: fields, unescaped, and elements of lists that are named by a field. */
export const segmentsOf = (path: string): (string | { list: string; key: string; value: string })[] =>
  [...path.matchAll(SEGMENT)].map(([pointer, segment = '']) => {
    const [, list = '', key = '', value = ''] = ELEMENT.exec(segment) ?? [];
    return key ? { list, key, value } : parsePointer(pointer)[0]!;
  });

/** `/status/conditions[type=Ready]/status` as a JSON Pointer into this object. */
export function concrete(object: Raw, path: string): string {
  if (!path.includes('[')) return path;
  const reader = readerOf(object);
  let at = '';
  for (const [, segment = ''] of path.matchAll(SEGMENT)) {
    const element = ELEMENT.exec(segment);
    if (!element) {
      at += `/${segment}`;
      continue;
    }
    const [, name, key = '', value = ''] = element;
    const list = reader.value({ path: `${at}/${name}` });
    const index = Array.isArray(list)
      ? list.findIndex((each) => String((each as Raw | null)?.[key] ?? '') === value && typeof each === 'object')
      : -1;
    at += `/${name}/${index < 0 ? NOWHERE : index}`;
  }
  return at;
}

// ---- words ----------------------------------------------------------------------------------------------------------

export const pathOf = ({ path, inString }: { path: string; inString?: string }): string =>
  inString === undefined ? path : `${path} ${inString}`;

/** `Node (label=value)`, with its namespace. */
function describeSelection({ kind, namespace, labels, fields }: Selection): Text {
  const [name, chosen] = [oneLine(kind, 100), [labels, fields].flatMap((each) => (each ? oneLine(each, 400) : []))];
  const [where, within] = [namespace ? ` in ${namespace}` : '', namespace ? [`命名空间 ${namespace}`] : []];
  const brackets = [...within, ...chosen];
  return {
    en: `${name}${where}${chosen.map((each) => ` (${each})`).join('')}`,
    zh: `${name}${brackets.length ? `（${brackets.join('，')}）` : ''}`,
  };
}

/** Before a number: no space behind a full-width mark. */
const spaced = (text: string): string => (text.endsWith('）') ? text : `${text} `);

/** Of a condition, as previews show it. */
export function conditionLines(condition: Condition): Text[] {
  if ('reading' in condition) {
    const { path } = condition.reading;
    const { en, zh } = wantedOf(condition);
    if ('contains' in condition) return [{ en: `${path} contains "${en}"`, zh: `${path} 包含“${zh}”` }];
    return [
      condition.words ? { en: `${path} says ${en}`, zh: `${path} 返回 ${zh}` } : { en: `${path} matches ${en}`, zh: `${path} 匹配 ${zh}` },
    ];
  }
  const lines = mustLines(condition.must);
  const inChinese = (object: string, must: string) => spaced(object) + (typeof condition.must === 'string' ? '' : '的 ') + must;
  if ('on' in condition)
    return lines.map(({ en, zh }) => ({ en: `${describe(condition.on)}: ${en}`, zh: inChinese(describe(condition.on), zh) }));
  const [count, of] = [countOf(condition.which), describeSelection(condition.of)];
  return lines.map(({ en, zh }) => ({ en: `${count.en} ${of.en}: ${en}`, zh: inChinese(`${count.zh} ${of.zh}`, zh) }));
}

/** Of a reading. */
function wantedOf(condition: Reading): Text {
  if ('matches' in condition && condition.words) return short(condition.words);
  return textOf(oneLine('contains' in condition ? condition.contains : condition.matches, 200));
}
const short = ({ en, zh }: Text): Text => ({ en: oneLine(en, 200), zh: oneLine(zh, 200) });

function countOf(which: 'every' | 'some' | 'none' | { atLeast: number }): Text {
  if (typeof which !== 'string') return { en: `at least ${which.atLeast}`, zh: `至少 ${which.atLeast} 个` };
  return { every: { en: 'every', zh: '每个' }, some: { en: 'at least one', zh: '至少一个' }, none: { en: 'no', zh: '没有' } }[which];
}

export function mustLines(must: Must): Text[] {
  if (typeof must === 'string') return [must === 'exist' ? { en: 'exists', zh: '存在' } : { en: 'deleted', zh: '已删除' }];
  return must.map((each) => {
    const [path, wanted] = [pathOf(each), wantedText(each)];
    return { en: `${path} ${wanted.en}`, zh: `${path} ${wanted.zh}` };
  });
}

function wantedText(each: Expectation): Text {
  if ('same' in each) return { en: `equals ${each.same}`, zh: `等于 ${each.same}` };
  if ('isNot' in each) return toldOf(shown(each.isNot, 80), { en: 'is not', zh: '不是' });
  if ('in' in each && each.words) return toldOf(short(each.words), { en: 'is', zh: '为' });
  if ('in' in each) return { en: `is one of ${show(each.in, 80)}`, zh: `是 ${show(each.in, 80)} 之一` };
  if ('atLeast' in each) return { en: `is at least ${each.atLeast}`, zh: `至少为 ${each.atLeast}` };
  if ('olderThan' in each) return { en: `is older than ${each.olderThan} s`, zh: `早于 ${each.olderThan} 秒前` };
  if ('startsWith' in each) return { en: `starts with ${show(each.startsWith, 80)}`, zh: `以 ${show(each.startsWith, 80)} 开头` };
  if ('newerThan' in each) return { en: `is newer than ${each.newerThan} s`, zh: `在 ${each.newerThan} 秒内` };
  return toldOf(shown(each.is, 80), { en: 'is', zh: '为' });
}

const toldOf = (value: Text, verb: Text): Text => ({
  en: `${verb.en} ${value.en}`,
  zh: `${verb.zh}${value.zh.startsWith('（') ? '' : ' '}${value.zh}`,
});

function noLonger(unmet: Unmet): Text {
  switch (unmet.is) {
    case 'there':
      return { en: `${describe(unmet.on)} is there again`, zh: `${describe(unmet.on)} 又出现了` };
    case 'gone':
      return { en: `${describe(unmet.on)} is gone`, zh: `${describe(unmet.on)} 已不存在` };
    case 'off': {
      const path = pathOf(unmet.field);
      const name = describe(unmet.on);
      return { en: `${path} of ${name} has changed since`, zh: `${name} 的 ${path} 已被改动` };
    }
    default:
      return notYet(unmet);
  }
}

function notYet(unmet: Unmet): Text {
  switch (unmet.is) {
    case 'there':
      return { en: `${describe(unmet.on)} is still there`, zh: `${describe(unmet.on)} 仍然存在` };
    case 'gone':
      return { en: `${describe(unmet.on)} does not exist`, zh: `${describe(unmet.on)} 不存在` };
    case 'off':
      return offText(unmet);
    case 'none-found': {
      const selected = describeSelection(unmet.of);
      return { en: `no ${selected.en} exists`, zh: `没有 ${selected.zh}` };
    }
    case 'count': {
      const selected = describeSelection(unmet.of);
      if (unmet.told?.length)
        return {
          en: `${unmet.holds} of ${unmet.all} ${selected.en}: ${inWords(unmet.told).en}`,
          zh: `${spaced(selected.zh)}${unmet.all} 个中有 ${unmet.holds} 个：${inWords(unmet.told).zh}`,
        };
      const first = unmet.first && (unmet.which === 'none' && 'on' in unmet.first ? textOf(describe(unmet.first.on)) : notYet(unmet.first));
      const because = first ? { en: `: ${first.en}`, zh: `：${first.zh}` } : { en: '', zh: '' };
      return {
        en: `${unmet.holds} of ${unmet.all} ${selected.en}${because.en}`,
        zh: `${spaced(selected.zh)}${unmet.all} 个中有 ${unmet.holds} 个${because.zh}`,
      };
    }
    case 'reading': {
      const { path } = unmet.condition.reading;
      const wanted = wantedOf(unmet.condition);
      const from = unmet.server
        ? { en: `API server ${unmet.server}: ${path}`, zh: `API 服务器 ${unmet.server} 的 ${path} ` }
        : { en: path, zh: `${path} ` };
      return { en: `${from.en} says "${unmet.line}", not "${wanted.en}"`, zh: `${from.zh}返回“${unmet.line}”，而不是“${wanted.zh}”` };
    }
  }
}

function offText({ on, field, value }: Extract<Unmet, { is: 'off' }>): Text {
  const [name, path, now] = [describe(on), pathOf(field), shown(value, 80)];
  if ('same' in field)
    return {
      en: `${path} of ${name} is ${now.en}, not yet equal to ${field.same}`,
      zh: `${name} 的 ${path} 为 ${now.zh}，尚未等于 ${field.same}`,
    };
  if ('is' in field && field.is !== undefined)
    return {
      en: `${path} of ${name} is ${now.en}, not ${show(field.is, 80)}`,
      zh: `${name} 的 ${path} 为 ${now.zh}，而不是 ${show(field.is, 80)}`,
    };
  const wanted = wantedText(field);
  return {
    en: `${path} of ${name} is ${now.en}; expected: ${wanted.en.replace(/^is /, '')}`,
    zh: `${name} 的 ${path} 为 ${now.zh}；应${wanted.zh}`,
  };
}

/** Objects that are named; of more, how many. */
const TOLD = 10;

function toldBy(object: Raw, { by, why }: Tells): Told {
  const reader = readerOf(object);
  const at = (path: string) => {
    const value = reader.value({ path: concrete(object, path) });
    return typeof value === 'string' && value !== '' ? oneLine(value, 300) : undefined;
  };
  return { name: at(by) ?? describe(refOf(object)), why: why.map(at).find((each) => each !== undefined) ?? '' };
}

/** Those of which a reason is known first. */
function inWords(told: readonly Told[]): Text {
  const sorted = told.toSorted((a, b) => Number(a.why === '') - Number(b.why === ''));
  const shown = sorted.slice(0, TOLD).map(({ name, why }) => (why ? `${name} (${why})` : name));
  const more = told.length - shown.length;
  return {
    en: `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    zh: `${shown.join('、')}${more > 0 ? ` 等 ${told.length} 个` : ''}`,
  };
}

/** Of a condition that means failure and holds; of a selection, the first object that it holds for. */
async function met(condition: Condition, world: World): Promise<Text> {
  if ('of' in condition && condition.tells) {
    const { tells } = condition;
    return inWords((await fitting(condition, world)).map((object) => toldBy(object, tells)));
  }
  const [one] = 'of' in condition && condition.which === 'some' ? await fitting(condition, world) : [];
  const lines = conditionLines(one && 'must' in condition ? { on: refOf(one), must: telling(condition.must) } : condition);
  return { en: lines.map(({ en }) => en).join(', '), zh: lines.map(({ zh }) => zh).join('，') };
}

/** What an object is not only leaves others out. */
function telling(must: Must): Must {
  const is = typeof must === 'string' ? [] : must.filter((each) => !('isNot' in each));
  return is.length ? is : must;
}

/** Objects of a selection that are as they must be. */
export async function fitting({ of, must }: Selected, world: World): Promise<Raw[]> {
  return (await world.select(of)).filter((object) => !unmetBy(refOf(object), must, object, nowIn(world)));
}

/** What a person would look at now: the object that is waited for. */
function nowAt(unmet: Unmet): string | undefined {
  if (unmet.is === 'count') return unmet.told?.[0]?.name ?? (unmet.first && nowAt(unmet.first));
  if (unmet.is === 'reading') return unmet.server && `${unmet.server} ${unmet.line}`;
  return 'on' in unmet ? describe(unmet.on) : undefined;
}
