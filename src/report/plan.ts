// A plan as a person reads it before saying yes: each step, what it changes, and beside it whether and how it can be undone.
import { isDeepStrictEqual } from 'node:util';
import type { ClusterIdentity, Language, Refusal, Step, Text } from '../engine/contracts.ts';
import type { Plan } from '../engine/plan.ts';
import { isHarmless } from '../engine/progress.ts';
import { kindOf } from '../engine/steps/index.ts';
import { describe, keyOf } from '../kube/refs.ts';
import { textOf } from '../text/language.ts';
import { oneLine } from '../text/sanitise.ts';
import { commandLine } from '../text/shell.ts';
import { width } from '../text/width.ts';
import { beside, besideHead, calledAs, counted, type Face, INDENT, paragraph, pasteable, toCluster } from './face.ts';
import { listed, MANUAL, MANUAL_NOTHING, NOTHING_TO_UNDO, ON_UNDO, UNDO } from './words.ts';

/** Objects named of those that are skipped together. */
const NAMED = 3;
/** Steps shown in full before a confirmation; a dry run shows all. */
export const SHOWN = 12;

export const UNDO_COLUMN: Text = { en: 'UNDO', zh: '撤销方式' };

export interface PlanShown {
  /** Steps in full; the others are counted. */
  shown?: number;
  /** The command that shows the steps that are folded away. */
  rest?: string;
  /** They come from disk: beside their text stands which object they change. */
  stored?: true;
  /** So many more than are given. */
  further?: number;
  /** Commands and conditions of steps that send nothing stand behind `rest`; what is changed stands here. */
  brief?: boolean;
}

export function planView(
  { stages, refusals }: Plan,
  face: Face,
  { shown = Number.POSITIVE_INFINITY, rest = '--dry-run=client', stored, further = 0, brief = false }: PlanShown = {},
): string[] {
  const { language, style } = face;
  const steps = stages.flatMap((stage) => stage.steps.map((step) => ({ step, stage })));
  const count = steps.length + further;
  // One more is shown rather than counted.
  const more = count <= shown + 1 ? 0 : count - shown;
  const head = (stored ? plainSum(count) : stepSum(steps.map(({ step }) => step)))[language];
  const folded = {
    en: `  ... and ${counted(more, 'more step', '').en}; show all: ${rest}`,
    zh: `  …… 另有 ${more} 步；查看全部：${rest}`,
  }[language];
  const whole = {
    en: `  commands and conditions of these steps: ${rest}`,
    zh: `  这些步骤的命令和完成条件：${rest}`,
  }[language];
  const visible = more ? steps.slice(0, shown) : steps;
  const changes = stored ? describedChanges : changesOf;
  const isBrief = (step: Step) => brief && isHarmless(step) && changes(step).length > 0;
  const back = undoneBy(steps.map(({ step }) => step));
  const promised = (step: Step) => promise(step, language, back.get(step.id));
  const room = Math.max(0, ...visible.map(({ step }) => width(promised(step))));
  const titled = ({ stage }: (typeof visible)[number], i: number): string[] =>
    stages.length > 1 && stage !== visible[i - 1]?.stage ? [...(i ? [''] : []), style.bold(oneLine(stage.title[language], 200))] : [];
  return [
    ...(count ? [besideHead(style.bold(head), style.dim(UNDO_COLUMN[language]), room, face)] : []),
    ...visible.flatMap((each, i) => [
      ...titled(each, i),
      ...stepLines(each.step, visible[i - 1]?.step, { text: promised(each.step), room }, face, (step) =>
        isBrief(step) ? [] : changes(step),
      ),
    ]),
    ...(more > 0 ? [style.dim(folded)] : visible.some(({ step }) => isBrief(step)) ? [style.dim(whole)] : []),
    ...besideLines(refusals, face),
  ];
}

/** Steps that an undo puts back by a step of its own, which stands elsewhere in the plan: which one that is, by id. */
export function undoneBy(steps: readonly Step[]): Map<string, string> {
  const own = new Map(steps.flatMap((step) => (step.onUndo && step.do === 'patch' ? [[keyOf(step.on), step.id] as const] : [])));
  return new Map(
    steps.flatMap((step) => {
      const by = step.undo === 'none' && !step.onUndo && step.do === 'patch' ? own.get(keyOf(step.on)) : undefined;
      return by === undefined ? [] : [[step.id, by] as const];
    }),
  );
}

/** `by`: the step with which an undo puts it back. */
export const promise = (step: Step, language: Language, by: string | undefined): string => {
  const { undo } = step;
  if (step.onUndo) return ON_UNDO[language];
  if (by !== undefined) return { en: `undo: by step ${by}`, zh: `撤销：由第 ${by} 步完成` }[language];
  if (step.do === 'manual') return (step.changesNothing ? MANUAL_NOTHING : MANUAL)[language];
  return isHarmless(step)
    ? NOTHING_TO_UNDO[language]
    : { en: `undo: ${UNDO[undo].en}`, zh: undo === 'none' ? UNDO.none.zh : `撤销：${UNDO[undo].zh}` }[language];
};

const changesOf = (step: Step): Text[] => kindOf(step).preview(step).map(textOf);
/** A stored text may say anything; the object that a patch changes is told from its data. All other kinds name it anyway. */
const describedChanges = (step: Step): Text[] =>
  step.do === 'patch'
    ? changesOf(step).map(({ en, zh }) => ({ en: `${describe(step.on)} ${en}`, zh: `${describe(step.on)} ${zh}` }))
    : changesOf(step);

/** `before`: the step above; what it says of its change is not said again. `undo`: what the undo column says, and its width. */
function stepLines(
  step: Step,
  before: Step | undefined,
  undo: { text: string; room: number },
  face: Face,
  changed: (step: Step) => Text[],
): string[] {
  const { language, style } = face;
  const paint =
    step.do === 'manual'
      ? style.cyan
      : isHarmless(step) || step.onUndo
        ? style.dim
        : { exact: style.green, compensates: style.yellow, none: style.red }[step.undo];
  // Of what only an undo does, the undo itself shows the rest.
  const changes = step.onUndo ? [] : changed(step);
  const note = step.do !== 'manual' && step.undoNote ? paragraph(oneLine(step.undoNote[language], 600), face, INDENT) : [];
  // What is sent for a step that is ours is described, not to be pasted.
  const told = step.do === 'manual' ? face : { ...face, aim: undefined };
  return [
    ...beside(step.id, oneLine(step.text[language], 1000), paint(undo.text), undo.room, face),
    ...(isDeepStrictEqual(changes, before && changed(before)) ? [] : changes).map(
      (line) => `${' '.repeat(INDENT)}${style.cyan(commandLine(calledAs(line[language], told)))}`,
    ),
    ...note.map(style.dim),
  ];
}

/** What the same command settles stands together, above the command. */
function besideLines(refusals: readonly Refusal[], face: Face): string[] {
  const same = (each: Refusal) => (each.as === 'upgrade' && each.command ? each.command : each);
  return [...Map.groupBy(refusals, same).values()].flatMap((group) =>
    group.flatMap((each, i) => refusalLines(i < group.length - 1 ? { ...each, command: undefined } : each, face)),
  );
}

function refusalLines({ refused, objects, command, commands = command ? [command] : [], as }: Refusal, face: Face): string[] {
  const below = commands.map((each) => `    ${pasteable(textOf(each)[face.language], face)}`);
  if (as) {
    const lead = as === 'manual' ? { en: 'manual: ', zh: '手动：' } : { en: '', zh: '' };
    return [...paragraph(`- ${lead[face.language]}${oneLine(toCluster(refused[face.language], face), 600)}`, face, 2, 4), ...below];
  }
  const names = objects.slice(0, NAMED).map(describe);
  const more = objects.length - names.length;
  const text = {
    en: `skipped${names.length ? ' ' : ''}${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}: ${oneLine(toCluster(refused.en, face), 600)}`,
    zh: `已跳过${names.length ? ' ' : ''}${names.join('、')}${more > 0 ? ` 等 ${objects.length} 个对象` : ''}：${oneLine(toCluster(refused.zh, face), 600)}`,
  };
  const lines = paragraph(`${face.style.red('✗')} ${text[face.language]}`, face, 2, 4);
  return [...lines, ...below];
}

/** As a person knows it: its context, else its address. */
export const clusterName = ({ context, server, uid }: ClusterIdentity): string => oneLine(context || server || uid);

/** How many steps there are, and how many of them are for a person or only for an undo: the question and the end of a run count without those. */
export function stepSum(steps: readonly Step[]): Text {
  const manual = steps.filter((step) => step.do === 'manual' && !step.onUndo).length;
  const back = steps.filter(({ onUndo }) => onUndo).length;
  const parts = [
    ...(manual ? [{ en: `${manual} manual`, zh: `${manual} 步需手动执行` }] : []),
    ...(back ? [{ en: `${back} only for undo`, zh: `${back} 步仅用于撤销` }] : []),
  ];
  const { en, zh } = plainSum(steps.length);
  if (!parts.length) return { en, zh };
  return { en: `${en} (${parts.map((part) => part.en).join(', ')})`, zh: `${zh}（${parts.map((part) => part.zh).join('，')}）` };
}

const plainSum = (count: number): Text => ({ en: counted(count, 'step', '').en, zh: `共 ${count} 步` });

/** The question before an undo: as many steps as are shown above it, and how many stay. */
export function undoQuestion(run: string, undoable: number, open: number, cluster: ClusterIdentity): Text {
  const stay = open - undoable;
  const [name, steps] = [clusterName(cluster), counted(undoable, 'step', '').en];
  return stay
    ? {
        en: `Undo ${steps} of run ${run} in cluster ${name}? ${stay} more cannot be undone.`,
        zh: `撤销集群 ${name} 中运行 ${run} 的 ${undoable} 步？另有 ${stay} 步无法撤销。`,
      }
    : { en: `Undo ${steps} of run ${run} in cluster ${name}?`, zh: `撤销集群 ${name} 中运行 ${run} 的 ${undoable} 步？` };
}

/** The question before a run: how many steps, how many of them cannot be undone, how many are a person's own. */
export function question(steps: readonly Step[], cluster: ClusterIdentity): Text {
  const ours = steps.filter(({ do: doing, onUndo }) => doing !== 'manual' && !onUndo);
  const yours = steps.filter(({ do: doing }) => doing === 'manual').length;
  const back = undoneBy(steps);
  const promised = (undo: Step['undo']) => ours.filter((step) => step.undo === undo && !isHarmless(step) && !back.has(step.id)).length;
  const [none, other] = [promised('none'), promised('compensates')];
  if (!ours.length) {
    return {
      en: `${counted(yours, 'manual step', '').en}; nothing will be sent to the cluster. Start a run that waits for ${yours === 1 ? 'it' : 'them'}?`,
      zh: `共 ${yours} 个手动步骤，不会向集群发送任何请求。是否开始运行并等待其完成？`,
    };
  }
  const limits = {
    en: [none && `${none} cannot be undone`, other && `${other} can be undone only in part`],
    zh: [none && `${none} 步无法撤销`, other && `${other} 步只能部分撤销`],
  };
  const about = (language: Language, all: string) =>
    listed(
      limits[language].filter((part) => typeof part === 'string'),
      language,
    ) || all;
  const own = {
    en: yours ? `, plus ${counted(yours, 'manual step', '').en}` : '',
    zh: yours ? `；另有 ${yours} 个手动步骤` : '',
  };

  return {
    en: `${counted(ours.length, 'step', '').en} (${about('en', 'all can be undone')})${own.en}.\nApply to cluster ${clusterName(cluster)}?`,
    zh: `共 ${ours.length} 步（${about('zh', '均可撤销')}）${own.zh}。\n是否在集群 ${clusterName(cluster)} 中执行？`,
  };
}
