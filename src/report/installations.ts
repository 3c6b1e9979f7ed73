// What a view says of installations before any finding: the path of each, where sources of its version disagree or could not be read, and when a snapshot was recorded.
import type { Installation, System, Text, UpgradePath } from '../engine/contracts.ts';
import { describeGap, isGap } from '../engine/gaps.ts';
import { installationName } from '../text/installation-name.ts';
import { textOf, typeset } from '../text/language.ts';
import { oneLine } from '../text/sanitise.ts';
import { counted, type Face } from './face.ts';

export interface PathView {
  system: string;
  versions: string;
  note: string;
  place: string;
}
export interface SourcesView {
  head: string;
  says: string[];
}

/** Longest sentence, and longest name with its kind: a namespace and a name have at most 63 and 253 characters. */
export const SENTENCE = 1000;
export const NAME = 600;

/** To the minute, UTC. */
export function recorded(at: number, { language }: Face): string {
  const when = `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return { en: `recorded ${when}`, zh: `记录于 ${when}` }[language];
}

const PLACE = {
  en: (release: string, revision: number) => `release ${release}, revision ${revision}`,
  zh: (release: string, revision: number) => `release ${release}，修订版本 ${revision}`,
};
/** Where an installation is the cluster itself, or is known by manifests alone. */
const WHOLE: Record<string, Text> = { cluster: { en: 'cluster', zh: '整个集群' }, manifests: { en: 'manifests', zh: '清单' } };
export const NOTE: Record<'default' | 'named' | 'provisional' | 'back' | 'none' | 'unknown', Text> = {
  default: { en: 'default; change with --to', zh: '默认；可用 --to 指定' },
  named: { en: 'as the manifests say; change with --to', zh: '取自清单；可用 --to 指定' },
  back: { en: 'way back', zh: '回退' },
  none: { en: 'no newer version known; set with --to', zh: '没有已知的更新版本；可用 --to 指定' },
  provisional: { en: 'known from a pre-release only: not for production', zh: '仅有预发布版本的数据：请勿用于生产环境' },
  unknown: { en: 'version unknown', zh: '版本未知' },
};

const NOT_KNOWN = (first: string): Text => ({
  en: `${first} and newer: not known to this version of upgrade-guard`,
  zh: `当前版本的 upgrade-guard 没有 ${first} 及更新版本的数据`,
});

export type Known = Pick<System, 'id' | 'knownUpTo' | 'provisionalUpTo' | 'compare' | 'parse'>;

/** Versions on a path, where it is not told which are known. */
const ON_PATH = 16;

/** Of versions behind the last that is known, the last one; and which is the first of them. */
function bounded(
  versions: readonly string[],
  system: Known | undefined,
  { language }: Face,
): { shown: readonly string[]; unknown?: string } {
  const horizon = system && (system.provisionalUpTo ?? system.knownUpTo);
  const at = system ? versions.findIndex((each) => isBehind(each, system, horizon!)) : ON_PATH;
  if (at < 0 || versions.length - at < 2) return { shown: versions };
  const shown = [...versions.slice(0, at), { en: '...', zh: '……' }[language], versions.at(-1)!];
  return system ? { shown, unknown: versions[at]! } : { shown };
}

/** A patch release is reached by the hop to its minor: v1.34.1 by 1.34. */
const isWithin = (version: string, minor: string): boolean => version.replace(/^v/, '').startsWith(`${minor.replace(/^v/, '')}.`);

const isBehind = (version: string, { parse, compare }: Known, horizon: string): boolean =>
  parse(version) !== undefined && compare(version, horizon) > 0;

/** `systems`: say which versions are known. */
export function pathView(path: UpgradePath, face: Face, systems: readonly Known[] = []): PathView {
  const { installation, from, to, chosen, hops, provisional } = path;
  const { language } = face;
  const { release, namespace, name } = installation;
  const version = isGap(from) ? NOTE.unknown[language] : oneLine(from);
  // No hop leads to a default target that is installed already (v1.37.2 to 1.37).
  const there = chosen === 'default' && !isGap(from) && !hops.length;
  const note = provisional
    ? NOTE.provisional
    : there
      ? NOTE.none
      : to && chosen !== 'asked'
        ? NOTE[chosen === 'default' && isGap(from) ? 'named' : chosen]
        : undefined;
  // From a version that is not known anything may be on the way.
  const versionsAfter =
    to && isGap(from) ? [to] : to && !there && !hops.includes(to) ? [...hops.filter((hop) => !isWithin(to, hop)), to] : hops;
  const { shown, unknown } = bounded(
    versionsAfter,
    systems.find(({ id }) => id === installation.system),
    face,
  );
  const place = release
    ? PLACE[language](`${release.namespace}/${release.name}`, release.revision)
    : namespace === undefined && name in WHOLE
      ? WHOLE[name]![language]
      : [namespace, name].filter(Boolean).join('/');
  return {
    system: installation.system,
    versions: [version, ...shown].map((each) => oneLine(each)).join(' → '),
    note: unknown === undefined ? (note?.[language] ?? '') : NOT_KNOWN(oneLine(unknown))[language],
    place: oneLine(place, NAME),
  };
}

/** Every version that is named somewhere, with who names it, where they are not all the same. */
export function disagreement({ id, sources }: Installation, { language }: Face): SourcesView[] {
  const bySaid = Map.groupBy(sources, ({ says }) => oneLine(says.replace(/^v(?=\d)/, '')));
  if (new Set(sources.flatMap(({ says, beside }) => (beside ? [] : oneLine(says.replace(/^v(?=\d)/, ''))))).size < 2) return [];
  const name = oneLine(installationName(id), NAME);
  return [
    {
      head: { en: `${name} reports different versions:`, zh: `${name} 检测到多个版本：` }[language],
      says: [...bySaid].map(([says, [first, ...more]]) => {
        const others = { en: ` and ${counted(more.length, 'other source', '').en}`, zh: `，另有 ${more.length} 处来源` }[language];
        const colon = { en: ': ', zh: '：' }[language];
        return typeset(`${says}${colon}${oneLine(textOf(first!.from)[language], NAME)}${more.length ? others : ''}`);
      }),
    },
  ];
}

/** Places that may name another version. */
export function unread({ id, gaps = [] }: Installation, { language }: Face): SourcesView[] {
  if (!gaps.length) return [];
  const name = oneLine(installationName(id), NAME);
  return [
    {
      head: { en: `${name}: some sources of its version could not be read:`, zh: `${name}：部分用于判断版本的对象无法读取：` }[language],
      says: gaps.map((gap) => oneLine(describeGap(gap)[language], SENTENCE)),
    },
  ];
}
