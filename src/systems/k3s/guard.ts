// The guard of the upgrade image against downgrades, as its script compares: x.y.z alone (neither candidates nor +k3sN), then year and month of the build. It stands in the image of the target.
// Source: k3s-io/k3s-upgrade scripts/upgrade.sh and scripts/tests.sh at v1.36.1+k3s1, and upgrade.sh at every tag (knowledge/guards.json).
import { compare, minorOf } from '../../versions/k3s.ts';
import { builds, guards } from './knowledge/tables.ts';

/** Whether the upgrade image of this version compares at all. */
export function isGuarded(version: string): boolean {
  const first = guards().first.find((each) => minorOf(each) === minorOf(version));
  return first === undefined ? minorOf(version) > minorOf(guards().first.at(-1)!) : compare(version, first) >= 0;
}

/** By the versions alone. */
export function refusesVersion(current: string, target: string): boolean {
  const [left, right] = [numbersOf(current), numbersOf(target)];
  const at = left.findIndex((number, i) => number !== right[i]);
  return at >= 0 && left[at]! > right[at]!;
}
const numbersOf = (version: string): number[] => (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);

/** By two build dates, as ISO 8601 has them. */
export const refusesBuild = (current: string, target: string): boolean => target.slice(0, 7) < current.slice(0, 7);

/** Days between a build and its release page. */
const LATE = 10;

/** By what is known of the two releases; `certain`: not only because a build may be some days older than its release. */
export function refusesDate(current: string, target: string): { refuses: boolean; certain: boolean } {
  const dateOf = (version: string) => builds().releases.find((each) => each.version === version)?.date;
  const [from, to] = [dateOf(current), dateOf(target)];
  if (from === undefined || to === undefined || !refusesBuild(from, to)) return { refuses: false, certain: true };
  const day = Number(from.slice(8, 10) || LATE + 1);
  return { refuses: true, certain: day > LATE || monthsBetween(to, from) > 1 };
}
const monthsBetween = (a: string, b: string): number => {
  const count = (date: string) => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7));
  return count(b) - count(a);
};
