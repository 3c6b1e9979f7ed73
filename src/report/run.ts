// Runs as a person reads them: the list, one run's steps, and what an attempt came to.
import type { Step, StoredRun, Text, Way } from '../engine/contracts.ts';
import type { Executed, StepOutcome } from '../engine/execute.ts';
import { isSettled, progressOf, runState } from '../engine/progress.ts';
import { oneLine } from '../text/sanitise.ts';
import { columns, counted, type Face, paragraph } from './face.ts';
import { RESULTS, RUN_STATES } from './words.ts';

export function runList(runs: readonly StoredRun[], { language, style }: Face): string[] {
  if (!runs.length) return [{ en: 'No runs of this cluster.', zh: '该集群还没有执行记录。' }[language]];
  const head = { en: ['RUN', 'STARTED', 'STATE', 'STEPS', 'WHAT'], zh: ['编号', '开始时间', '状态', '步骤', '内容'] }[language];
  const rows = runs.map((stored) => {
    const { run, entries } = stored;
    const { states } = progressOf(entries);
    const settled = run.steps.filter(({ id }) => isSettled(states.do.get(id))).length;
    return [
      style.bold(run.id),
      run.at.slice(0, 19).replace('T', ' '),
      RUN_STATES[runState(stored)][language],
      `${settled}/${run.steps.length}`,
      oneLine(run.what),
    ];
  });
  return columns([head, ...rows]);
}

/** Every step with what became of it, in both ways; never the objects that the journal keeps. */
export function runDetail(stored: StoredRun, face: Face): string[] {
  const { run, entries } = stored;
  const { language, style } = face;
  const { states } = progressOf(entries);
  const none = { en: 'not begun', zh: '未开始' }[language];
  const undone = { en: '; undo: ', zh: '；撤销：' }[language];
  const colon = { en: ': ', zh: '：' }[language];
  const word = (result: StepOutcome['result'] | undefined) => (result ? RESULTS[result][language] : none);
  return [
    `${style.bold(run.id)}   ${RUN_STATES[runState(stored)][language]}   ${oneLine(run.what)}`,
    `${oneLine(run.cluster.context)}  ${run.cluster.uid}  ${run.at}`,
    ...run.steps.flatMap((step) => {
      const back = states.undo.get(step.id)?.result;
      return paragraph(
        `${step.id}. ${oneLine(step.text[language], 1000)}${colon}${word(states.do.get(step.id)?.result)}${back ? `${undone}${word(back)}` : ''}`,
        face,
        2,
        5,
      );
    }),
  ];
}

/** One line for a step that has ended. */
export function stepEnded(step: Step, { result, detail }: StepOutcome, { language, style }: Face, way: Way = 'do'): string {
  const sign =
    result === 'done' || result === 'already'
      ? style.green('✓')
      : result === 'obsolete' || result === 'manual'
        ? style.dim('-')
        : style.red('✗');
  const text = oneLine((way === 'undo' ? takenBack(step.text) : step.text)[language], 1000);
  const ending = {
    en: `: ${RESULTS[result].en}${detail ? ` (${oneLine(detail.en, 600)})` : ''}`,
    zh: `：${RESULTS[result].zh}${detail ? `（${oneLine(detail.zh, 600)}）` : ''}`,
  };
  return `${sign} ${step.id}. ${text}${ending[language]}`;
}

/** The text of a step that is undone. */
export const takenBack = (text: Text): Text => ({ en: `take back: ${text.en}`, zh: `撤销：${text.zh}` });

/** What an attempt came to, in one sentence, and the next command. */
export function runEnded(id: string, way: Way, total: number, { outcomes, state }: Executed): { text: Text; next?: Text } {
  const results = [...outcomes.values()].map(({ result }) => result);
  const count = (result: StepOutcome['result']) => results.filter((each) => each === result).length;
  const [done, left] = [count('done') + count('already'), count('left')];
  const steps = { en: counted(total, 'step', '').en, zh: `${total} 步` };
  if (way === 'undo') {
    if (state === 'stopped') {
      return {
        text: {
          en: `The undo of run ${id} stopped half-way: ${done} of ${steps.en} taken back.`,
          zh: `运行 ${id} 的撤销中途停止：${steps.zh}中已撤销 ${done} 步。`,
        },
        next: { en: `{tool} undo ${id}`, zh: `{tool} undo ${id}` },
      };
    }
    return {
      text: left
        ? {
            en: `Run ${id}: ${done} of ${steps.en} taken back; ${left} left as they are, see above.`,
            zh: `运行 ${id}：${steps.zh}中已撤销 ${done} 步；${left} 步保持原样，见上文。`,
          }
        : { en: `Run ${id} is taken back: ${steps.en}.`, zh: `运行 ${id} 已撤销：${steps.zh}。` },
    };
  }
  switch (state) {
    case 'finished':
      return {
        text: { en: `Run ${id}: ${done} of ${steps.en} done.`, zh: `运行 ${id}：${steps.zh}中完成 ${done} 步。` },
        next: done ? { en: `take it back: {tool} undo ${id}`, zh: `如需撤销：{tool} undo ${id}` } : undefined,
      };
    case 'unchanged':
      return { text: { en: `Run ${id} stopped before anything was changed.`, zh: `运行 ${id} 在做出任何更改之前停止。` } };
    case 'stopped':
      return {
        text: { en: `Run ${id} stopped half-way: ${done} of ${steps.en} done.`, zh: `运行 ${id} 中途停止：${steps.zh}中完成 ${done} 步。` },
        next: {
          en: `go on: {tool} resume ${id}; or take it back: {tool} undo ${id}`,
          zh: `继续：{tool} resume ${id}；或撤销：{tool} undo ${id}`,
        },
      };
  }
}
