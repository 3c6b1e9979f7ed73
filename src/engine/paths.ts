// Upgrade paths: from which version to which, chosen by --to or by what the system's knowledge names as the next resting point.
import { UserError } from '../text/user-error.ts';
import type { Gap, Installation, System, SystemId, Text, UpgradePath } from './contracts.ts';
import { isGap } from './gaps.ts';

/** `--to spiderpool=0.9.13` or `--to spiderpool@kube-system/spiderpool=0.9.13`. */
export interface Target {
  system: SystemId;
  /** `NAMESPACE/NAME`. */
  installation?: string;
  version: string;
}

const TARGET = /^(?<system>[a-z0-9-]+)(?:@(?<installation>[^=]+))?=(?<version>.+)$/;

/** Reads one `--to`; knows the systems only by their ids. `named`: the system that the example in an error is about. */
export function parseTarget(text: string, systems: readonly System[], named?: string): Target {
  const groups = TARGET.exec(text)?.groups;
  const system = systems.find(({ id }) => id === groups?.system);
  const ids = systems.map(({ id }) => id);
  if (!groups || !system) {
    throw new UserError(
      {
        en: `--to ${text}: must be SYSTEM=VERSION, SYSTEM one of ${ids.join(', ')}`,
        zh: `--to ${text}：应为 SYSTEM=VERSION，其中 SYSTEM 为 ${ids.join('、')} 之一`,
      },
      example(systems.find(({ id }) => id === named) ?? systems[0]!),
    );
  }
  const version = system.parse(groups.version!);
  if (!version) {
    throw new UserError(
      {
        en: `--to ${text}: ${groups.version} is not a version of ${system.id}`,
        zh: `--to ${text}：${groups.version} 不是 ${system.id} 的版本号`,
      },
      example(system),
    );
  }
  return { system: system.id, installation: groups.installation, version };
}

const example = ({ id, knownUpTo }: System): Text => ({
  en: `for example: {retry:to} --to ${id}=${knownUpTo}`,
  zh: `例如：{retry:to} --to ${id}=${knownUpTo}`,
});

/** The path of one installation. A target that names no installation, with several of them there, is an error that lists them. */
export function choosePath(system: System, installation: Installation, all: Installation[], targets: Target[]): UpgradePath {
  const mine = targets.filter((target) => target.system === system.id);
  const bare = mine.find((target) => !target.installation);
  if (bare && all.length > 1) {
    const ids = all.map(({ id }) => id);
    throw new UserError(
      {
        en: `--to ${system.id}=${bare.version} is ambiguous, ${all.length} installations: ${ids.join(', ')}`,
        zh: `--to ${system.id}=${bare.version} 不明确，共有 ${all.length} 个安装：${ids.join('、')}`,
      },
      {
        en: `name one: {retry:to} --to ${all[0]!.id}=${bare.version}`,
        zh: `请指定其中一个：{retry:to} --to ${all[0]!.id}=${bare.version}`,
      },
    );
  }
  for (const { installation: named } of mine) {
    if (named && !all.some(({ id }) => id === `${system.id}@${named}`)) {
      const ids = all.map(({ id }) => id);
      throw new UserError(
        {
          en: `--to ${system.id}@${named}: no such installation; found ${ids.join(', ')}`,
          zh: `--to ${system.id}@${named}：没有这个安装；现有 ${ids.join('、')}`,
        },
        { en: `name one of them: --to ${all[0]!.id}=VERSION`, zh: `请指定其中一个：--to ${all[0]!.id}=VERSION` },
      );
    }
  }
  const asked = mine.find((target) => `${system.id}@${target.installation}` === installation.id) ?? bare;
  if (asked && !isGap(installation.version) && system.compare(asked.version, installation.version) < 0) {
    const { version } = installation;
    throw new UserError(
      {
        en: `${installation.id}: target ${asked.version} is older than the installed version ${version}`,
        zh: `${installation.id}：目标版本 ${asked.version} 低于当前版本 ${version}`,
      },
      { en: 'to return to an older version, use helm rollback', zh: '要退回旧版本，请使用 helm rollback' },
    );
  }
  const to = asked?.version ?? system.defaultTarget(installation);
  return {
    installation,
    from: installation.version,
    to,
    chosen: asked ? 'asked' : 'default',
    hops: hopsOf(system, installation.version, to),
  };
}

function hopsOf(system: System, from: string | Gap, to: string | undefined): string[] {
  if (to === undefined) return [];
  // Where the installed version is not known, anything on the way from the oldest that knowledge speaks of may be met.
  return system.hops?.(isGap(from) ? system.knownFrom : from, to) ?? [to];
}
