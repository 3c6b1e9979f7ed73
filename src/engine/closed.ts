// What can be said of a check before anything is read for it: that it does not concern this version, needs what was not given, or lies beyond what is known.
import { oneLine } from '../text/sanitise.ts';
import type { Check, CheckResult, Gap, Installation, Outcome, Situation, System, Text } from './contracts.ts';
import { isGap } from './gaps.ts';

interface Asked extends Pick<Situation, 'path' | 'back'> {
  system: System;
  check: Check;
}

/** Whatever judges by the installed version is not known as long as some place may name another. */
export const versionGaps = ({ check, path }: Pick<Asked, 'check' | 'path'>): readonly Gap[] =>
  byVersion(check) ? (path.installation.gaps ?? []) : [];
export const byVersion = ({ applies, needs = [] }: Check): boolean =>
  Boolean(applies.from || applies.to || needs.length || applies.stage === 'back');

/** The outcomes that need no look at the cluster: not applicable, not looked at, beyond the horizon, version unknown. */
export function closedBeforeLooking({ system, check, path, back }: Asked): CheckResult | undefined {
  const at = path.installation.id;
  const isBack = check.applies.stage === 'back';
  if ((isBack || check.needs?.includes('target')) && !path.to) return result(check, at, 'not-looked-at', { note: NO_TARGET });
  if ((isBack || check.needs?.includes('version')) && isGap(path.from))
    return result(check, at, 'unknown', versionless(path.installation, path.from));
  // Of the way back: the older version, and the newer one.
  const from = isBack && back ? back.to : path.from;
  const to = isBack && back ? back.from : (path.to ?? from);
  if (isBack && !isGap(from) && !isGap(to) && system.compare(from, to) === 0) return result(check, at, 'not-applicable', { note: SAME });
  if (check.needs?.includes('upgraded') && !back?.upgraded) return result(check, at, 'not-applicable', { note: NOT_UPGRADED });
  for (const [version, range] of [[from, check.applies.from] as const, [to, check.applies.to] as const]) {
    if (range && isGap(version)) return result(check, at, 'unknown', versionless(path.installation, version));
    if (range && !isGap(version) && !system.satisfies(version, range))
      return result(check, at, 'not-applicable', { note: notFor(version) });
  }
  if (!isGap(path.from) && system.compare(path.from, system.knownFrom) < 0)
    return result(check, at, 'unknown', { note: before(path.from, system.knownFrom) });
  // The state of a cluster is what it is, whatever the target.
  if (!byVersion(check)) return undefined;
  const horizon = check.knownUpTo ?? system.knownUpTo;
  if (!isGap(to) && system.compare(to, horizon) > 0 && !isProvisional(system, to))
    return result(check, at, 'unknown', { note: beyond(to, horizon) });
  return undefined;
}

/** Known from a pre-release alone: what it breaks is said, and nothing is passed. */
export const isProvisional = ({ compare, knownUpTo, provisionalUpTo }: System, version: string): boolean =>
  provisionalUpTo !== undefined && compare(version, knownUpTo) > 0 && compare(version, provisionalUpTo) <= 0;

const NO_TARGET: Text = { en: 'no target version known; set one with --to', zh: '没有已知的目标版本；请用 --to 指定' };
const NOT_UPGRADED: Text = { en: 'checked after the upgrade, with --back-to', zh: '升级之后用 --back-to 检查' };
const SAME: Text = { en: 'the installed version is the target version', zh: '当前版本即目标版本' };
const notFor = (version: string): Text => ({ en: `does not apply to version ${version}`, zh: `不适用于版本 ${version}` });
const beyond = (version: string, horizon: string): Text => ({
  en: `this upgrade-guard does not know ${version} (only up to ${horizon})`,
  zh: `当前版本的 upgrade-guard 不支持 ${version}（最高 ${horizon}）`,
});

export const provisional = (version: string): Text => ({
  en: `data for ${version} comes from a pre-release; the release may have further problems`,
  zh: `${version} 的数据来自预发布版本；正式发布后可能还有其他问题`,
});

const before = (version: string, horizon: string): Text => ({
  en: `this upgrade-guard does not know ${version} (only from ${horizon} on)`,
  zh: `当前版本的 upgrade-guard 不支持 ${version}（最低 ${horizon}）`,
});

/** What was seen names no version; or, it could not be seen. */
function versionless({ system, sources }: Installation, gap: Gap): Pick<CheckResult, 'gaps' | 'note'> {
  if (gap.verb !== 'decode') return { gaps: [gap] };
  const says = [...new Set(sources.map(({ says }) => oneLine(says, 100)))].slice(0, 5);
  const note: Text = says.length
    ? {
        en: `cannot determine the installed ${system} version: ${says.join(', ')} ${says.length === 1 ? 'is not a released version' : 'are not released versions'}`,
        zh: `无法确定已安装的 ${system} 版本：${says.join('、')} 不是正式版本号`,
      }
    : {
        en: `cannot determine the installed ${system} version: no object names it`,
        zh: `无法确定已安装的 ${system} 版本：没有对象注明版本`,
      };
  return { gaps: [], note };
}

export function result(check: Check, installation: string, outcome: Outcome, more: Partial<CheckResult> = {}): CheckResult {
  return { id: check.id, installation, outcome, findings: [], gaps: [], ...more };
}
