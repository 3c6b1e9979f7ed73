// What an undo would spoil: a failed step left something in the cluster, and what shows by whom (a Job, the log of its Pod) goes with the objects that the undo deletes. Its repair comes first.
import type { Step, StoredRun, Text } from '../engine/contracts.ts';
import { examine } from '../engine/examine.ts';
import { stepsOf } from '../engine/plan.ts';
import { SYSTEMS } from '../systems/index.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Live } from './session.ts';

/** `open`: what is about to be undone. undefined: nothing has to be repaired before. */
export async function repairFirst(live: Live, { run, progress }: StoredRun, open: readonly Step[]): Promise<UserError | undefined> {
  const undone = new Set(open.map(({ id }) => id));
  const checks = stepsOf(run).flatMap((step) => {
    if (step.do !== 'wait' || !step.repairs || !step.after.some((id) => undone.has(id))) return [];
    return ['done', 'already'].includes(progress.states.apply.get(step.id)?.result ?? '') ? [] : step.repairs;
  });
  const left = checks.length ? await unrepaired(live, run.id, checks) : undefined;
  return (
    left &&
    new UserError(
      {
        en: `cannot undo run ${run.id} yet: it would delete the Jobs that show what has to be fixed: ${left.said.en}`,
        zh: `暂不能撤销运行 ${run.id}：会删除能说明以下问题的 Job：${left.said.zh}`,
      },
      left.next,
    )
  );
}

/** What these checks find and their fix repairs; with the command. */
export async function unrepaired(
  { source }: Pick<Live, 'source'>,
  id: string,
  checks: readonly string[],
): Promise<{ said: Text; next: Text; because: Text } | undefined> {
  const { results } = await examine(source, SYSTEMS, { checks: [...new Set(checks)] });
  const left = results.flatMap(({ findings }) => findings).filter(({ remedy }) => remedy?.automatic);
  if (!left.length) return undefined;
  const said = (language: 'en' | 'zh') => oneLine(left.map(({ message }) => message[language]).join(language === 'en' ? '; ' : '；'), 600);
  const command = `{tool} fix ${[...new Set(checks)].join(' ')} --take-over ${id}{reach}`;
  return {
    said: { en: said('en'), zh: said('zh') },
    next: { en: `fix it first: ${command}`, zh: `请先修复：${command}` },
    because: { en: `fix first: ${said('en')}`, zh: `请先修复：${said('zh')}` },
  };
}
