// Every system and every check, found by scripts/registry.ts in the folders beside this file.
import type { Check, SystemId } from '../engine/contracts.ts';
import { UserError } from '../text/user-error.ts';
import SYSTEMS from './registry.gen.ts';

export { SYSTEMS };

export const CHECKS: readonly Check[] = SYSTEMS.flatMap(({ checks }) => checks);

/** By check id, what should hold and what is the case where it does not; for views. */
export const HEADLINES: ReadonlyMap<string, Pick<Check, 'title' | 'found'>> = new Map(CHECKS.map((check) => [check.id, check]));

/** The check of this id; an unknown one is an error that names the nearest. */
export function checkOf(id: string): Check {
  const check = CHECKS.find((each) => each.id === id);
  if (check) return check;
  const near = CHECKS.map((each) => each.id).filter((known) => known.endsWith(`/${id}`) || known.startsWith(id.split('/')[0]!));
  throw new UserError(
    { en: `looking up check ${id.slice(0, 80)}: there is no such check`, zh: `查找检查项 ${id.slice(0, 80)}：没有这个检查项` },
    near.length
      ? {
          en: `did you mean ${near.slice(0, 3).join(', ')}? All of them: {tool} checks`,
          zh: `是否指 ${near.slice(0, 3).join('、')}？全部检查项：{tool} checks`,
        }
      : { en: 'list them: {tool} checks', zh: '列出全部检查项：{tool} checks' },
  );
}

/** Words of a command line: systems, and ids of checks. */
export function chosenChecks(words: readonly string[]): { systems: SystemId[]; checks: string[] } {
  const isCheck = (word: string) => word.includes('/');
  return { systems: systemIds(words.filter((word) => !isCheck(word))), checks: words.filter(isCheck).map((id) => checkOf(id).id) };
}

/** Systems by id; one that this build does not know is an error. */
function systemIds(names: readonly string[]): SystemId[] {
  return names.map((name) => {
    const system = SYSTEMS.find(({ id }) => id === name);
    if (system) return system.id;
    const known = SYSTEMS.map(({ id }) => id).join(', ');
    throw new UserError(
      { en: `looking up system ${name.slice(0, 80)}: this build knows ${known}`, zh: `查找系统 ${name.slice(0, 80)}：此版本支持 ${known}` },
      {
        en: `for example: {tool} check ${SYSTEMS[0]!.id}; the ids of all checks: {tool} checks`,
        zh: `例如：{tool} check ${SYSTEMS[0]!.id}；全部检查项：{tool} checks`,
      },
    );
  });
}
