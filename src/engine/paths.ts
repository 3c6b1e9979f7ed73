// Upgrade paths: from which version to which, chosen by --to or by what the system's knowledge names as the next resting point; and the way back (--back-to).
import { installationName } from '../text/installation-name.ts';
import { shellWord } from '../text/shell.ts';
import { UserError } from '../text/user-error.ts';
import { isProvisional } from './closed.ts';
import type { Check, Gap, Installation, System, SystemId, Text, UpgradePath, WayBack } from './contracts.ts';
import { isGap } from './gaps.ts';

/** `--to spiderpool=0.9.13` or `--to spiderpool@kube-system/spiderpool=0.9.13`. */
export interface Target {
  system: SystemId;
  /** `NAMESPACE/NAME`. */
  installation?: string;
  version: string;
  /** `--back-to`: the way back to it is asked about. */
  back?: true;
}

/** `--to` and `--back-to`, as targets are given by. */
export type TargetFlag = 'to' | 'back-to';

const TARGET = /^(?<system>[a-z0-9-]+)(?:@(?<installation>[^=]+))?=(?<version>.+)$/;

/** Reads one `--to` or `--back-to`; knows the systems only by their ids. `named`: the one system that was asked for: its version may stand alone. */
export function parseTarget(text: string, systems: readonly System[], named?: string, flag: TargetFlag = 'to'): Target {
  const groups = TARGET.exec(text.includes('=') || named === undefined ? text : `${named}=${text}`)?.groups;
  const system = systems.find(({ id }) => id === groups?.system);
  const ids = systems.map(({ id }) => id);
  if (!groups || !system) {
    throw new UserError(
      {
        en: `--${flag} ${text}: must be SYSTEM=VERSION; SYSTEM is one of ${ids.join(', ')}`,
        zh: `--${flag} ${text}：应为 SYSTEM=VERSION，其中 SYSTEM 为 ${ids.join('、')} 之一`,
      },
      alone(text, systems, flag) ?? example(systems.find(({ id }) => id === named) ?? anywhere(systems), flag),
    );
  }
  const version = system.parse(groups.version!);
  if (!version) {
    throw new UserError(
      {
        en: `--${flag} ${text}: ${groups.version} is not a version of ${system.id}`,
        zh: `--${flag} ${text}：${groups.version} 不是 ${system.id} 的版本号`,
      },
      example(system, flag),
    );
  }
  return { system: system.id, installation: groups.installation, version, ...(flag === 'back-to' ? { back: true as const } : {}) };
}

/** A version without its system: that of the systems that know it; a build of K3s is a version of Kubernetes too, and K3s comes first. undefined: none does. */
function alone(text: string, systems: readonly System[], flag: TargetFlag): Text | undefined {
  const isKnown = ({ parse, compare, knownFrom, knownUpTo }: System): boolean => {
    const version = parse(text);
    return version !== undefined && compare(version, knownFrom) >= 0 && compare(version, knownUpTo) <= 0;
  };
  const system = systems.find(isKnown);
  if (!system) return undefined;
  const words = `{retry:${flag}} --${flag} ${system.id}=${shellWord(text)}`;
  return { en: `for example: ${words}`, zh: `例如：${words}` };
}

/** An example of it is true of every cluster. */
const anywhere = (systems: readonly System[]): System => systems.find(({ everyServer }) => everyServer) ?? systems[0]!;

const example = ({ id, knownFrom, knownUpTo }: System, flag: TargetFlag): Text => {
  const words = `{retry:${flag}} --${flag} ${id}=${flag === 'to' ? knownUpTo : knownFrom}`;
  return { en: `for example: ${words}`, zh: `例如：${words}` };
};

/** The path of one installation. A target that names no installation, with several of them there, is an error that lists them. */
export function choosePath(system: System, installation: Installation, all: Installation[], targets: Target[]): UpgradePath {
  const asked = askedOf(system, installation, all, targets);
  const version = (asked?.back && installation.newest) || installation.version;
  if (asked && !isGap(version)) assertThatWay(system, installation, version, asked);
  const to = asked?.version ?? system.defaultTarget(installation);
  return {
    installation,
    from: version,
    to,
    chosen: asked ? (asked.back ? 'back' : 'asked') : 'default',
    hops: asked?.back ? [asked.version] : hopsOf(system, version, to),
    ...(to !== undefined && isProvisional(system, to) ? { provisional: true as const } : {}),
  };
}

/** The target that names this installation, or its system alone. */
function askedOf(system: System, installation: Installation, all: Installation[], targets: Target[]): Target | undefined {
  const mine = targets.filter((target) => target.system === system.id);
  const bare = mine.find((target) => !target.installation);
  if (bare && all.length > 1) {
    const ids = all.map(({ id }) => id);
    const flag = flagOf(bare);
    throw new UserError(
      {
        en: `--${flag} ${system.id}=${bare.version} is ambiguous, ${all.length} installations: ${ids.join(', ')}`,
        zh: `--${flag} ${system.id}=${bare.version} 不明确，共有 ${all.length} 个安装实例：${ids.join('、')}`,
      },
      {
        en: `name one: {retry:${flag}} --${flag} ${all[0]!.id}=${bare.version}`,
        zh: `请指定其中一个：{retry:${flag}} --${flag} ${all[0]!.id}=${bare.version}`,
      },
    );
  }
  for (const target of mine) {
    const { installation: named } = target;
    if (named && !all.some(({ id }) => id === `${system.id}@${named}`)) {
      const ids = all.map(({ id }) => id);
      const words = `--${flagOf(target)} ${all[0]!.id}=${target.version}`;
      throw new UserError(
        {
          en: `--${flagOf(target)} ${system.id}@${named}: no such installation; found ${ids.join(', ')}`,
          zh: `--${flagOf(target)} ${system.id}@${named}：没有这个安装实例；现有 ${ids.join('、')}`,
        },
        { en: `name one of them: ${words}`, zh: `请指定其中一个：${words}` },
      );
    }
  }
  return mine.find((target) => `${system.id}@${target.installation}` === installation.id) ?? bare;
}

const flagOf = ({ back }: Target): TargetFlag => (back ? 'back-to' : 'to');

/** An upgrade leads to a newer version, the way back to an older one. */
function assertThatWay({ compare }: System, installation: Installation, installed: string, { version, back }: Target): void {
  const id = installationName(installation.id);
  const newer = compare(version, installed);
  if (back ? newer < 0 : newer >= 0) return;
  if (!back) {
    throw new UserError(
      {
        en: `${id}: target version ${version} is older than the installed version ${installed}`,
        zh: `${id}：目标版本 ${version} 低于当前版本 ${installed}`,
      },
      {
        en: `to check the way back to it: {tool} check --back-to ${id}=${version}{place}`,
        zh: `检查能否回退到该版本：{tool} check --back-to ${id}=${version}{place}`,
      },
    );
  }
  throw new UserError(
    {
      en: `${id}: --back-to ${version} is not older than the installed version ${installed}`,
      zh: `${id}：--back-to ${version} 不低于当前版本 ${installed}`,
    },
    {
      en: `name an older version; to check an upgrade: {retry:back-to} --to ${id}=${version}`,
      zh: `请指定更早的版本；检查升级：{retry:back-to} --to ${id}=${version}`,
    },
  );
}

/** Is the check one of those that --back-to asks about? */
export const isOfWayBack = ({ applies }: Pick<Check, 'applies'>): boolean => applies.stage === 'back' || applies.back === true;

/** The way back of this path: of an upgrade that is meant, or of one that was made. undefined: a version is not known, or there is no upgrade. */
export function wayBackOf({ from, to, chosen }: UpgradePath): WayBack | undefined {
  if (isGap(from) || to === undefined) return undefined;
  return chosen === 'back' ? { from, to, upgraded: true } : { from: to, to: from, upgraded: false };
}

/** What a run remembers of the question, to ask it again. */
export const targetsOf = (paths: readonly UpgradePath[]): (Target & { installation: string })[] =>
  paths.flatMap(({ installation: { system, id }, to, chosen }) =>
    to ? [{ system, installation: id.slice(system.length + 1), version: to, ...(chosen === 'back' ? { back: true as const } : {}) }] : [],
  );

function hopsOf(system: System, from: string | Gap, to: string | undefined): string[] {
  if (to === undefined) return [];
  // Where the installed version is not known, anything on the way from the oldest that knowledge speaks of may be met.
  return system.hops?.(isGap(from) ? system.knownFrom : from, to) ?? [to];
}

/** Silence about a namespace without an installation would look like a cluster without one. */
export function noneHere(namespace: string, elsewhere: string[]): UserError {
  return new UserError(
    {
      en: `no installations in namespace ${namespace}; installed: ${elsewhere.join(', ')}`,
      zh: `命名空间 ${namespace} 中没有安装实例；已安装的有：${elsewhere.join('、')}`,
    },
    { en: 'all of them: {retry:namespace}', zh: '检查全部安装实例：{retry:namespace}' },
  );
}
