// --dry-run of fix, resume and undo: the steps as they would be carried out, and with `server` each write sent with dryRun=All. No Lease, no journal.
import type { Direction, Step, StepProgress, Text, World } from '../engine/contracts.ts';
import { type DryOutcome, executeDryRun } from '../engine/execute.ts';
import { dryRunEnded, farText, stepEnded, undone } from '../report/run.ts';
import { EXIT } from '../text/user-error.ts';
import type { Call } from './call.ts';

export const isDryRun = ({ flags }: Call): boolean => (flags['dry-run'] ?? 'none') !== 'none';

/** `world`: where writes are tried; undefined: nowhere. `plan`: the lines that show the steps. */
export async function dryRun(
  call: Call,
  world: World | undefined,
  plan: readonly string[],
  steps: Iterable<Step>,
  direction: Direction = 'apply',
): Promise<number> {
  call.out(...plan);
  if (!world || call.flags['dry-run'] === 'client') return EXIT.ok;
  call.out('');
  const told = (step: Step, outcome: DryOutcome) => call.out(stepEnded(step, outcome, call.face));
  // A rewrite of 100,000 objects takes minutes also where nothing is stored.
  let [current, since] = [undefined as Step | undefined, 0];
  const progressed = (step: Step, progress?: StepProgress) => {
    if (step !== current) [current, since] = [step, performance.now()];
    const { en, zh } = direction === 'undo' ? undone(step) : step.text;
    const far = progress && farText(progress);
    call.progress({ en: `${step.id}. ${en}${far ? `: ${far.en}` : ''}`, zh: `${step.id}. ${zh}${far ? `：${far.zh}` : ''}` }, since);
  };
  const sum = await executeDryRun(steps, world, told, direction, call.signal, progressed);
  call.out(call.t(dryRunEnded(sum)));
  // Both are writes that a webhook or a policy can refuse.
  if (sum.accepted + sum.held) call.out(call.t(FIRST));
  return sum.refused ? EXIT.failed : EXIT.ok;
}

const FIRST: Text = {
  en: 'Not tried: what a run sends before its steps, a permission check (SelfSubjectAccessReview) and its Lease in kube-system.',
  zh: '未试运行：正式执行时先于各步骤发送的权限检查（SelfSubjectAccessReview）和 kube-system 中的 Lease。',
};
