// Every system and every check, found by scripts/registry.ts in the folders beside this file.
import type { Check, SystemId, Text } from '../engine/contracts.ts';
import { likelyIds, nearest } from '../text/nearest.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import SYSTEMS from './registry.gen.ts';

export { SYSTEMS };

export const CHECKS: readonly Check[] = SYSTEMS.flatMap(({ checks }) => checks);

/** By check id, what should hold and what is the case where it does not; for views. */
export const HEADLINES: ReadonlyMap<string, Pick<Check, 'title' | 'headline'>> = new Map(CHECKS.map((check) => [check.id, check]));

/** Up to which version each system is known, with whatever --knowledge replaced. */
export const horizons = () => SYSTEMS.map(({ id, knownUpTo, provisionalUpTo }) => ({ system: id, knownUpTo, provisionalUpTo }));

/** The check of this id; an unknown one is an error that names what may have been meant, and the flag that named it. */
export function checkOf(id: string, flag?: string): Check {
  const check = CHECKS.find((each) => each.id === id);
  if (check) return check;
  const word = oneLine(id, 80);
  throw new UserError(
    flag
      ? { en: `--${flag} ${word}: there is no such check`, zh: `--${flag} ${word}：没有这个检查项` }
      : { en: `there is no check ${word}`, zh: `没有检查项 ${word}` },
    meant(likelyIds(id, IDS)) ?? { en: 'list them: {tool} checks', zh: '列出全部检查项：{tool} checks' },
  );
}

const IDS = CHECKS.map(({ id }) => id);

const meant = (near: readonly string[]): Text | undefined =>
  near.length
    ? {
        en: `did you mean ${near.join(', ')}? All of them: {tool} checks`,
        zh: `是否指 ${near.join('、')}？全部检查项：{tool} checks`,
      }
    : undefined;

/** Words of the command line of `verb`: systems, and ids of checks. */
export function chosenChecks(words: readonly string[], verb: 'check' | 'fix'): { systems: SystemId[]; checks: string[] } {
  const isCheck = (word: string) => word.includes('/');
  return {
    systems: systemIds(
      words.filter((word) => !isCheck(word)),
      verb,
    ),
    checks: words.filter(isCheck).map((id) => checkOf(id).id),
  };
}

/** What an example names: it is in every cluster. */
const ANYWHERE: SystemId = 'kubernetes';

/** Systems by id; one that this build does not know is an error, which looks among the checks as well. */
function systemIds(names: readonly string[], verb: 'check' | 'fix'): SystemId[] {
  return names.map((name) => {
    const system = SYSTEMS.find(({ id }) => id === name);
    if (system) return system.id;
    const ids = SYSTEMS.map(({ id }) => id);
    const word = oneLine(name, 80);
    const near = nearest(name, ids);
    throw new UserError(
      {
        en: `${word} is neither a system (${ids.join(', ')}) nor a check ID`,
        zh: `${word} 既不是系统（${ids.join('、')}），也不是检查项`,
      },
      meant(near ? [near] : likelyIds(name, IDS)) ?? {
        en: `for example: {tool} ${verb} ${ANYWHERE}; all check IDs: {tool} checks`,
        zh: `例如：{tool} ${verb} ${ANYWHERE}；全部检查项：{tool} checks`,
      },
    );
  });
}
