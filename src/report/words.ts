// Words that all views share: severities, outcomes, certainties, promises of undo, in both languages.
import type { Certainty, Language, RunState, RunSummary, Severity, Text, UndoPromise } from '../engine/contracts.ts';
import type { DryOutcome } from '../engine/execute.ts';
import type { Admin } from '../engine/gaps.ts';
import { oneLine } from '../text/sanitise.ts';
import { counted } from './face.ts';

export const SEVERITY: Record<Severity, Text> = {
  blocker: { en: 'blocker', zh: '阻断项' },
  warning: { en: 'warning', zh: '警告' },
  notice: { en: 'notice', zh: '提示' },
};

export const severityCount = (severity: Severity, count: number): Text => {
  const zh: Record<Severity, string> = { blocker: '个阻断项', warning: '个警告', notice: '个提示' };
  return counted(count, severity, zh[severity]);
};

/** Parts of one sentence, in a row. */
export const listed = (parts: readonly string[], language: Language): string => parts.join({ en: ', ', zh: '，' }[language]);

/** Names, in a row. */
export const named = (names: readonly string[], language: Language): string => names.join({ en: ', ', zh: '、' }[language]);

export const ACCEPTED = (count: number): Text => ({ en: `${count} accepted`, zh: `${count} 个已接受` });
export const ACCEPTED_BY_NAME: Text = { en: 'accepted by --accept', zh: '已用 --accept 接受' };
export const NEXT: Text = { en: 'Next: ', zh: '下一步：' };
/** Before the command that makes a ClusterRole: who lacks rights cannot grant them. */
export const byAdmin = (admin: Admin | undefined): Text => ({
  en: `Next (as an administrator${admin?.to ? '' : '; replace NAME'}): `,
  zh: `下一步（由管理员执行${admin?.to ? '' : '，请替换 NAME'}）：`,
});
/** Before the command that shows what a person has to do. */
export const SEE_DIFF: Text = { en: 'Next (shows the diff): ', zh: '下一步（显示 diff）：' };
export const BY_HAND: Text = { en: 'Next (lists the manual steps): ', zh: '下一步（列出手动步骤）：' };
export const FIX: Text = { en: 'fix: ', zh: '修复：' };
export const NOT_SEEN: Text = { en: 'could not be read: ', zh: '无法读取：' };

/** Of an installation outside the namespace that was asked for, and before the reason why a file of -f was passed over. */
export const LEFT_OUT: Text = { en: 'left out by -n', zh: '被 -n 排除' };
export const PASSED_OVER: Text = { en: 'skipped: ', zh: '已跳过：' };

export const REPORT_TITLE: Text = { en: 'Upgrade check', zh: '升级检查' };
export const UNREACHABLE: Text = { en: 'could not be checked:', zh: '无法检查：' };
export const SIGN: Record<Severity | 'accepted', string> = { blocker: '✗', warning: '!', notice: 'i', accepted: '-' };
/** Before a finding, where those of its check differ in severity. */
export const markOf = (mark: Severity | 'accepted', language: Language): string =>
  (mark === 'accepted' ? { en: 'accepted', zh: '已接受' } : SEVERITY[mark])[language];

/** Of a finding that is neither certain nor nearly so; of the finding and not of what its message announces, which may be sure. The word of -o json. */
export const CERTAINTY: Partial<Record<Certainty, Text>> = {
  medium: { en: 'medium certainty', zh: '可信度中等' },
  low: { en: 'low certainty', zh: '可信度低' },
};

export const UNDO: Record<UndoPromise, Text> = {
  exact: { en: 'exact', zh: '完全恢复' },
  compensates: { en: 'partial', zh: '部分恢复' },
  none: { en: 'not possible', zh: '无法撤销' },
};

/** Of a step that a person does, below the heading of how it is undone. */
export const MANUAL: Text = { en: 'manual step: no undo', zh: '手动步骤：不自动撤销' };
export const MANUAL_NOTHING: Text = { en: 'manual step: nothing to undo', zh: '手动步骤：无需撤销' };
/** Of a step that a run passes by. */
export const ON_UNDO: Text = { en: 'on undo only', zh: '仅在撤销时执行' };
/** Of a step that changes nothing. */
export const NOTHING_TO_UNDO: Text = { en: 'nothing to undo', zh: '无需撤销' };

export const RESULTS: Record<DryOutcome['result'], Text> = {
  done: { en: 'done', zh: '完成' },
  already: { en: 'no change needed', zh: '无需更改' },
  obsolete: { en: 'no longer needed', zh: '不再需要' },
  left: { en: 'left unchanged', zh: '保持不变' },
  failed: { en: 'failed', zh: '失败' },
  manual: { en: 'waits for a manual step', zh: '等待手动执行' },
  'in-doubt': { en: 'outcome unknown', zh: '结果未知' },
  held: { en: 'blocked for now', zh: '暂时被阻止' },
  untried: { en: 'not in the dry run', zh: '未试运行' },
};

/** What `runs` calls the state. `untouched`: of one that was interrupted before any change. `by`: the process that works on it. */
export function stateOf(state: RunState, { untouched, by }: Pick<RunSummary, 'untouched' | 'by'>): Text {
  if (!by || (state !== 'unfinished' && state !== 'undo unfinished'))
    return untouched ? { en: 'unfinished, nothing changed', zh: '未完成，未做更改' } : RUN_STATES[state];
  const { pid, host, here } = by;
  const { en, zh } = RUN_STATES[state];
  const at = oneLine(host, 200);
  if (!here) return { en: `${en}, in use by process ${pid} on ${at}`, zh: `${zh}，正被主机 ${at} 上的进程 ${pid} 使用` };
  return state === 'unfinished'
    ? { en: `running, process ${pid}`, zh: `进行中，进程 ${pid}` }
    : { en: `undo running, process ${pid}`, zh: `撤销进行中，进程 ${pid}` };
}
const RUN_STATES: Record<RunState, Text> = {
  finished: { en: 'finished', zh: '已完成' },
  unfinished: { en: 'unfinished', zh: '未完成' },
  unchanged: { en: 'changed nothing', zh: '未做更改' },
  undone: { en: 'undone', zh: '已撤销' },
  'undone in part': { en: 'undone in part', zh: '部分撤销' },
  'undo unfinished': { en: 'undo unfinished', zh: '撤销未完成' },
};
