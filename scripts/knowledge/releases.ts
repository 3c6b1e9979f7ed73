// What the scripts beside it share: the released charts of Spiderpool in a clone, and spans of versions.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare, parse } from '../../src/versions/chart.ts';

export const FOLDER = join(import.meta.dirname, '..', '..', 'src', 'systems', 'spiderpool', 'knowledge');

export function git(clone: string, ...args: string[]): string {
  return execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
}

/** Every released version from `first` on, as far as knowledge/versions.json goes, oldest first. */
export function releases(clone: string, first: string): string[] {
  const { knownUpTo } = JSON.parse(readFileSync(join(FOLDER, 'versions.json'), 'utf8')) as { knownUpTo: string };
  const versions = git(clone, 'tag')
    .split('\n')
    .flatMap((tag) => parse(tag) ?? [])
    .filter((version) => compare(version, first) >= 0 && compare(version, knownUpTo) <= 0);
  if (!versions.includes(knownUpTo)) throw new Error(`reading the releases of ${clone}: it has no tag v${knownUpTo}; fetch its tags`);
  return versions.sort(compare);
}

/** `0.9.0..0.9.13 1.0.6`: the versions for which `has` says so, over all that are known. */
export function spansOf(has: readonly boolean[], versions: readonly string[]): string {
  const spans: string[] = [];
  for (let at = 0; at < has.length; at++) {
    if (!has[at]) continue;
    let end = at;
    while (has[end + 1]) end++;
    spans.push(end === at ? versions[at]! : `${versions[at]}..${versions[end]}`);
    at = end;
  }
  return spans.join(' ');
}
