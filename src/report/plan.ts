// A plan as a person reads it before saying yes: each step, what it changes, and whether it can be taken back.
import type { Refusal, Step, Text } from '../engine/contracts.ts';
import type { Plan } from '../engine/plan.ts';
import { kindOf } from '../engine/steps/index.ts';
import { oneLine } from '../text/sanitise.ts';
import { counted, type Face, paragraph } from './face.ts';
import { UNDO } from './words.ts';

/** Steps shown in full before a confirmation; a dry run shows all. */
export const SHOWN = 20;

export function planView({ steps, refusals }: Plan, face: Face, shown = Number.POSITIVE_INFINITY): string[] {
  const { language, style } = face;
  const more = steps.length - shown;
  const head = { en: `${counted(steps.length, 'step', '').en}:`, zh: `共 ${steps.length} 步：` }[language];
  const folded = {
    en: `  … and ${more} more of the same kinds; all of them: --dry-run=client`,
    zh: `  …… 另有 ${more} 步同类操作；查看全部：--dry-run=client`,
  }[language];
  return [
    ...(steps.length ? [style.bold(head)] : []),
    ...steps.slice(0, shown).flatMap((step) => stepLines(step, face)),
    ...(more > 0 ? [folded] : []),
    ...refusals.flatMap((refusal) => refusalLines(refusal, face)),
  ];
}

export function stepLines(step: Step, face: Face): string[] {
  const { language, style } = face;
  const { undo, undoNote } = step;
  const note = undoNote ? { en: ` (${undoNote.en})`, zh: `（${undoNote.zh}）` }[language] : '';
  const promise = `${{ en: 'undo: ', zh: '撤销：' }[language]}${UNDO[undo][language]}${note}`;
  return [
    ...paragraph(`${step.id}. ${oneLine(step.text[language], 1000)}`, face, 2, 5),
    ...kindOf(step)
      .preview(step)
      .map((line) => `     ${style.cyan(oneLine(line, 1000))}`),
    `     ${style.dim(promise)}`,
  ];
}

function refusalLines({ refused, objects }: Refusal, face: Face): string[] {
  const count = counted(objects.length, 'object', '个对象');
  const text = {
    en: `cannot be fixed: ${count.en}: ${oneLine(refused.en, 600)}`,
    zh: `无法修复：${count.zh}：${oneLine(refused.zh, 600)}`,
  };
  return paragraph(text[face.language], face);
}

/** The question before a run: how many steps, how many of them cannot be taken back. */
export function question(steps: readonly Step[]): Text {
  const final = steps.filter(({ undo, do: doing }) => undo === 'none' && doing !== 'manual').length;
  return {
    en: `Carry out ${counted(steps.length, 'step', '').en}, ${final ? `${final} of which cannot be undone` : 'all of which can be undone'}?`,
    zh: `执行这 ${steps.length} 步（${final ? `其中 ${final} 步无法撤销` : '均可撤销'}）？`,
  };
}
