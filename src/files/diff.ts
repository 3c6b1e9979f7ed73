// What changes in a text, as diff -u shows it. What stands around a change is of the same document, and nothing that looks secret is shown.
import { looksSecret, REDACTED, redactMarked } from '../text/redact.ts';

/** Lines around a change. */
const AROUND = 3;

/** Lines of a unified diff, without line endings. Empty: they are the same. */
export function unifiedDiff(file: string, before: string, after: string): string[] {
  if (before === after) return [];
  const [a, b] = [linesOf(before), linesOf(after)];
  const hunks = hunksOf(a, b);
  return [`--- ${quoted(`a/${file}`)}`, `+++ ${quoted(`b/${file}`)}`, ...hunks.flatMap((hunk) => lines(hunk, a, b))];
}

/** As git writes a name that a line cannot hold as it is (core.quotePath): a line end in it would begin another file's diff. */
function quoted(name: string): string {
  if (!/[\p{C}\p{Zl}\p{Zp}"\\]/u.test(name)) return name;
  const escaped = name.replace(/["\\]/g, '\\$&').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, octal);
  return `"${escaped}"`;
}
const octal = (character: string): string => [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

const linesOf = (text: string): string[] => text.split('\n').map((line) => line.replace(/\r$/, ''));

/** From and to, in both; what stands there is replaced. */
interface Hunk {
  a: [number, number];
  b: [number, number];
}

/** Changed stretches: greedy, by the nearest line that both have again; enough for the few lines that a repair touches. */
function hunksOf(a: readonly string[], b: readonly string[]): Hunk[] {
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
      continue;
    }
    const [k, l] = rejoined(a, b, i, j);
    hunks.push({ a: [i, k], b: [j, l] });
    [i, j] = [k, l];
  }
  return hunks;
}

function rejoined(a: readonly string[], b: readonly string[], i: number, j: number): [number, number] {
  for (let far = 1; far <= a.length - i + (b.length - j); far++)
    for (let k = Math.max(0, far - (b.length - j)); k <= Math.min(far, a.length - i); k++)
      if (i + k < a.length && j + far - k < b.length && a[i + k] === b[j + far - k]) return [i + k, j + far - k];
  return [a.length, b.length];
}

function lines({ a: [from, to], b: [start, end] }: Hunk, a: readonly string[], b: readonly string[]): string[] {
  const above = a.slice(Math.max(0, from - AROUND), from);
  const lead = above.slice(above.findLastIndex(isBetween) + 1);
  const below = a.slice(to, to + AROUND);
  const stop = below.findIndex(isBetween);
  const whole = stop === -1 ? below : below.slice(0, stop);
  // Behind the last line ending there is no line.
  const tail = to + whole.length === a.length && whole.at(-1) === '' ? whole.slice(0, -1) : whole;
  const head = `@@ -${from - lead.length + 1},${lead.length + to - from + tail.length} +${start - lead.length + 1},${lead.length + end - start + tail.length} @@`;
  return [
    head,
    ...lead.map((line) => ` ${veiled(line)}`),
    ...a.slice(from, to).map((line) => `-${line}`),
    ...b.slice(start, end).map((line) => `+${line}`),
    ...tail.map((line) => ` ${veiled(line)}`),
  ];
}

/** Other documents, a Secret perhaps, are none of this change. */
const isBetween = (line: string): boolean => /^---(?:\s|$)/.test(line);

function veiled(line: string): string {
  const [, lead, key = ''] = /^(\s*(?:- )*["']?([\w.-]+)["']?\s*:\s*)\S/.exec(line) ?? [];
  return lead !== undefined && looksSecret(key) ? lead + REDACTED : redactMarked(line);
}
