// Runs as a person reads them: the list, one run's steps, and what an attempt came to.
import type { Command, Direction, RunSummary, Step, StepProgress, StoredRun, Text } from '../engine/contracts.ts';
import type { DryOutcome, Executed, Tried } from '../engine/execute.ts';
import { stepsOf } from '../engine/plan.ts';
import { isUntouched, runState } from '../engine/progress.ts';
import { textOf } from '../text/language.ts';
import { oneLine } from '../text/sanitise.ts';
import { width } from '../text/width.ts';
import { beside, columns, counted, type Face, INDENT, paragraph } from './face.ts';
import { RESULTS, stateOf } from './words.ts';

/** `unreadable`: runs that are there as well, and cannot be read. `of`: what they are runs of. */
export function runList(
  runs: readonly RunSummary[],
  { language, style }: Face,
  { unreadable = 0, of }: { unreadable?: number; of: Text },
): string[] {
  const not = { en: `${counted(unreadable, 'run', '').en} cannot be read.`, zh: `${unreadable} 次运行无法读取。` }[language];
  const unread = unreadable ? [not] : [];
  if (!runs.length)
    return unreadable ? unread : [{ en: `No runs of ${of.en} on this machine.`, zh: `本机没有${of.zh}的运行记录。` }[language]];
  const head = { en: ['RUN', 'STARTED (UTC)', 'STATE', 'STEPS', 'WHAT'], zh: ['编号', '开始时间（UTC）', '状态', '步骤', '内容'] }[
    language
  ];
  const rows = runs.map(({ id, at, state, settled, steps, what, ...more }) => [
    style.bold(id),
    moment(at),
    stateOf(state, more)[language],
    `${settled}/${steps}`,
    oneLine(what),
  ]);
  return [...columns([head, ...rows]), ...unread];
}

/** Every step with what became of it, in both ways; never the objects that the journal keeps. `left`: commands for a person, by the steps' ids. */
export function runDetail(stored: StoredRun & Pick<RunSummary, 'by'>, face: Face, left: ReadonlyMap<string, readonly Command[]>): string[] {
  const { run, progress, by } = stored;
  const { language, style } = face;
  const { states } = progress;
  const became = (step: Step) => {
    const [done, back] = [states.apply.get(step.id)?.result, states.undo.get(step.id)?.result];
    const last = back ?? done;
    const isUndone = back === 'done' || back === 'already';
    const word = isUndone ? UNDONE : last ? RESULTS[last] : NOT_BEGUN;
    const far = states.undo.get(step.id)?.progress ?? states.apply.get(step.id)?.progress;
    // Of a step in doubt: unknown where its process is gone, in progress where that process lives.
    if (last === 'in-doubt' && by?.here) return `${style.cyan('…')} ${(far ? runningFar(farText(far)) : RUNNING)[language]}`;
    return `${signOf(last, face)} ${!last && far ? farText(far)[language] : word[language]}`;
  };
  const stepLines = (step: Step) => [
    ...beside(step.id, oneLine(step.text[language], 1000), became(step), room, face),
    ...(left.get(step.id) ?? []).map((line) => `${' '.repeat(INDENT)}${style.cyan(oneLine(textOf(line)[face.language], 1000))}`),
  ];
  const room = Math.max(0, ...stepsOf(run).map((step) => width(became(step))));
  return [
    `${style.bold(run.id)}   ${stateOf(runState(stored), { by, ...(isUntouched(stored) ? { untouched: true } : {}) })[language]}   ${oneLine(run.what)}`,
    style.dim([oneLine(run.cluster.context), run.cluster.uid, moment(run.at)].filter(Boolean).join('   ')),
    '',
    ...run.stages.flatMap(({ title, steps }, at) => [
      ...(run.stages.length > 1 ? [...(at ? [''] : []), style.bold(oneLine(title[language], 200))] : []),
      ...steps.flatMap(stepLines),
    ]),
  ];
}

const RUNNING: Text = { en: 'running', zh: '进行中' };
const runningFar = ({ en, zh }: Text): Text => ({ en: `running, ${en}`, zh: `进行中，${zh}` });
const NOT_BEGUN: Text = { en: 'not begun', zh: '未开始' };
const UNDONE: Text = { en: 'undone', zh: '已撤销' };

/** How far a step is that has not ended. */
export const farText = ({ done, of, now }: StepProgress): Text => ({
  en: `${done} of ${of}${now ? `, ${oneLine(now, 300)}` : ''}`,
  zh: `${done}/${of}${now ? `，${oneLine(now, 300)}` : ''}`,
});

/** To the second, UTC. */
const moment = (at: string): string => oneLine(at.slice(0, 19)).replace('T', ' ');

function signOf(result: DryOutcome['result'] | undefined, { style }: Face): string {
  switch (result) {
    case undefined:
    case 'untried':
      return style.dim('·');
    case 'done':
    case 'already':
      return style.green('✓');
    case 'obsolete':
      return style.dim('-');
    case 'manual':
      return style.cyan('→');
    case 'held':
      return style.yellow('!');
    default:
      return style.red('✗');
  }
}

/** A step that has ended, with what became of it. */
export function stepEnded(step: Step, { result, detail }: DryOutcome, face: Face, direction: Direction = 'apply'): string {
  const { language } = face;
  const text = oneLine((direction === 'undo' ? undone(step) : step.text)[language], 1000);
  // The tick says it.
  if (result === 'done' && !('restarts' in step && detail))
    return paragraph(`${signOf(result, face)} ${step.id}. ${text}`, face, 0, 4 + step.id.length).join('\n');
  const ending = {
    en: `: ${RESULTS[result].en}${detail ? ` (${oneLine(detail.en, 600)})` : ''}`,
    zh: `：${RESULTS[result].zh}${detail ? `（${oneLine(detail.zh, 600)}）` : ''}`,
  };
  // That it has no undo stands in the plan: no trouble.
  const sign = result === 'left' && step.undo === 'none' ? face.style.dim('-') : signOf(result, face);
  return paragraph(`${sign} ${step.id}. ${text}${ending[language]}`, face, 0, 4 + step.id.length).join('\n');
}

/** What a dry run at the server came to. What was not tried is never called accepted. */
export function dryRunEnded({ accepted, refused, held, untried }: Tried): Text {
  const said = triedText(accepted, refused, held, untried);
  const one = untried === 1;
  const rest = untried && {
    en: `; ${untried} ${one ? 'step' : 'steps'} not submitted`,
    zh: `；另有 ${untried} 步无法试运行`,
  };
  return { en: `${said.en}${rest ? rest.en : ''} ${NOT_STORED.en}.`, zh: `${said.zh}${rest ? rest.zh : ''}${NOT_STORED.zh}。` };
}

function triedText(accepted: number, refused: number, held: number, untried: number): Text {
  const asked = accepted + refused + held;
  const writes = counted(asked, 'write', '').en;
  const back = { en: held ? `, ${held} blocked for now` : '', zh: held ? `，${held} 次暂时被阻止` : '' };
  if (!asked)
    return untried
      ? { en: 'Dry run: no write was submitted', zh: '未试运行任何写操作' }
      : { en: 'Dry run: nothing to submit', zh: '没有需要试运行的写操作' };
  if (refused)
    return {
      en: `Dry run: the API server rejected ${refused} of ${writes}${back.en}`,
      zh: `试运行：API 服务器拒绝了 ${asked} 次写操作中的 ${refused} 次${back.zh}`,
    };
  if (held)
    return {
      en: `Dry run: the API server accepted ${accepted} of ${writes}${back.en}`,
      zh: `试运行：API 服务器接受了 ${asked} 次写操作中的 ${accepted} 次${back.zh}`,
    };
  return untried
    ? {
        en: `Dry run: the API server accepted the ${writes} that could be submitted`,
        zh: `试运行：API 服务器接受了可试运行的 ${asked} 次写操作`,
      }
    : { en: 'Dry run: the API server accepted all writes', zh: '试运行：API 服务器接受了全部写操作' };
}

const NOT_STORED: Text = { en: '(nothing was stored)', zh: '（未持久化任何内容）' };

/** The text of a step that is undone; one that is for the way back says what is done. */
export const undone = ({ text, onUndo }: Pick<Step, 'text' | 'onUndo'>): Text =>
  onUndo ? text : { en: `undo "${text.en}"`, zh: `撤销“${text.zh}”` };

/**
 * What an attempt came to, in one sentence, and the next command; where there are two, each on a line of its own, to be copied.
 * `yes`: ` --yes` where no user can be asked. `total`: of an undo, the steps that it was about; else as `runs` counts them, `settled` of which are behind it.
 */
export function runEnded(
  id: string,
  direction: Direction,
  { total, settled }: { total: number; settled: number },
  executed: Executed,
  yes = '',
): { text: Text; next?: Text } {
  return direction === 'undo' ? undoEnded(id, total, executed, yes) : applyEnded(id, total, settled, executed, yes);
}

/** How many steps came to what. */
function counts({ outcomes }: Executed): (result: DryOutcome['result']) => number {
  const results = [...outcomes.values()].map(({ result }) => result);
  return (result) => results.filter((each) => each === result).length;
}

/** Only what was written back counts as undone; the rest is named as what it is. */
function undoEnded(id: string, total: number, executed: Executed, yes: string): { text: Text; next?: Text } {
  const count = counts(executed);
  const [done, already, manual, left, obsolete] = [count('done'), count('already'), count('manual'), count('left'), count('obsolete')];
  const parts = [
    [already, { en: `${already} with nothing to undo`, zh: `${already} 步无需撤销` }],
    [obsolete, { en: `${obsolete} no longer needed`, zh: `${obsolete} 步不再需要` }],
    [manual, { en: `${manual} manual`, zh: `${manual} 步需手动执行` }],
    [left, { en: `${left} left unchanged`, zh: `${left} 步保持原样` }],
  ] as const;
  const rest = parts.filter(([n]) => n).map(([, text]) => text);
  const said = {
    en: [`${done} of ${counted(total, 'step', '').en} undone`, ...rest.map(({ en }) => en)].join(', '),
    zh: [`${total} 步中已撤销 ${done} 步`, ...rest.map(({ zh }) => zh)].join('，'),
  };
  if (executed.state === 'stopped')
    return {
      text: { en: `Undo of run ${id} interrupted: ${said.en}.`, zh: `运行 ${id} 的撤销中断：${said.zh}。` },
      next: { en: `{tool} undo ${id}${yes}{reach}`, zh: `{tool} undo ${id}${yes}{reach}` },
    };
  const whole = done === total;
  return {
    text: whole
      ? { en: `Run ${id} undone: ${counted(total, 'step', '').en}.`, zh: `运行 ${id} 已撤销：共 ${total} 步。` }
      : { en: `Run ${id}: ${said.en}.`, zh: `运行 ${id}：${said.zh}。` },
    next:
      left || manual
        ? { en: `show the remaining steps: {tool} runs ${id}{reach}`, zh: `查看剩余步骤：{tool} runs ${id}{reach}` }
        : undefined,
  };
}

function applyEnded(id: string, total: number, settled: number, executed: Executed, yes: string): { text: Text; next?: Text } {
  const count = counts(executed);
  const [done, already] = [count('done'), count('already')];
  const steps = { en: counted(total, 'step', '').en, zh: `共 ${total} 步` };
  const so = { en: already ? `, ${already} of them with no change needed` : '', zh: already ? `，其中 ${already} 步无需更改` : '' };
  switch (executed.state) {
    case 'finished':
      return {
        text: { en: `Run ${id}: ${settled} of ${steps.en} done${so.en}.`, zh: `运行 ${id}：${steps.zh}，已完成 ${settled} 步${so.zh}。` },
        next: done ? { en: `undo it: {tool} undo ${id}{reach}`, zh: `如需撤销：{tool} undo ${id}{reach}` } : undefined,
      };
    case 'unchanged':
      return { text: { en: `Run ${id} stopped before any change.`, zh: `运行 ${id} 在做出任何更改之前停止。` } };
    case 'stopped': {
      // A run that came to a manual step, without trouble before it, was not cut short.
      const waits = count('manual') > 0 && !count('failed') && !count('in-doubt');
      const how = waits ? { en: 'waits for a manual step', zh: '正在等待手动步骤' } : { en: 'interrupted', zh: '中断' };
      return {
        text: {
          en: `Run ${id} ${how.en}: ${settled} of ${steps.en} done${so.en}.`,
          zh: `运行 ${id} ${how.zh}：${steps.zh}，已完成 ${settled} 步${so.zh}。`,
        },
        next: {
          en: `resume: {tool} resume ${id}${yes}{reach}\n      or undo it: {tool} undo ${id}${yes}{reach}`,
          zh: `继续：{tool} resume ${id}${yes}{reach}\n        或撤销：{tool} undo ${id}${yes}{reach}`,
        },
      };
    }
  }
}
