// What a step comes to, in words: how a look or the trouble with a server ends it.
import type { Command, Direction, Look, StepResult, Text, WorldError } from './contracts.ts';

/** Looks at one object before it is given up as contended or unreachable (DESIGN section 4). */
export const LOOKS = 5;

export interface StepOutcome {
  result: StepResult | 'in-doubt';
  detail?: Text;
  /** What a person does about it. */
  commands?: readonly Command[];
  /** A write of ours was answered, although it did not come to what the step wanted. */
  answered?: true;
}
/** What a step comes to, once it is in the journal. */
export type FinalOutcome = StepOutcome & { result: StepResult };
type ToDo = Extract<Look, { is: 'to-do' }>;

/** Paths that a message names. */
const NAMED = 5;

/** What a look that leaves nothing to do means. `ours`: a write of ours was in doubt, so what stands there counts as our doing. */
export function lookedAt(look: Exclude<Look, ToDo>, direction: Direction, ours: boolean): FinalOutcome {
  switch (look.is) {
    case 'done':
      return { result: ours ? 'done' : 'already', ...(look.because && !ours ? { detail: look.because } : {}) };
    case 'obsolete':
      return { result: 'obsolete', detail: look.because };
    case 'refused':
      return { result: direction === 'undo' ? 'left' : 'failed', detail: look.because };
    case 'moved':
      return { result: direction === 'undo' ? 'left' : 'failed', detail: look.because ?? movedText(look.paths) };
  }
}

function movedText(paths: string[]): Text {
  const more = paths.length - NAMED;
  const names = paths.slice(0, NAMED);
  return {
    en: `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''} changed since`,
    zh: `${names.join('、')}${more > 0 ? ` 等 ${paths.length} 处` : ''} 其后已改动`,
  };
}

export const HELM_CUT: Text = {
  en: 'helm exited, but its revision is not deployed; see helm.log in the run directory',
  zh: 'helm 已退出，但其修订版本未处于 deployed 状态；其输出见运行目录中的 helm.log',
};
export const NOT_KEPT: Text = {
  en: 'the API server accepted the write, but the new value is not there (changed by a webhook or the schema)',
  zh: 'API 服务器接受了写入，但新值没有生效（被 webhook 或 schema 改写）',
};

export function troubleWith({ kind, text }: WorldError): Text {
  switch (kind) {
    case 'forbidden':
      return { en: `forbidden: ${text.en}`, zh: `没有权限：${text.zh}` };
    case 'refused':
      return { en: `refused: ${text.en}`, zh: `被拒绝：${text.zh}` };
    case 'missing':
      return { en: `not found: ${text.en}`, zh: `未找到：${text.zh}` };
    default:
      return { en: `gave up after ${LOOKS} tries: ${text.en}`, zh: `尝试 ${LOOKS} 次后放弃：${text.zh}` };
  }
}
