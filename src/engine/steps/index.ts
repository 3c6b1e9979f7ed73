// The kinds of step, by name. Everything that is done to a cluster goes through one of these modules.
import type { Action, Raw, Step, StepKind } from '../contracts.ts';
import { apply } from './apply.ts';
import { backup } from './backup.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { drain } from './drain.ts';
import { evict } from './evict.ts';
import { helm, unpend } from './helm.ts';
import { forget, keep } from './keep.ts';
import { manual } from './manual.ts';
import { migrate } from './migrate.ts';
import { identity } from './objects.ts';
import { patch } from './patch.ts';
import { recheck } from './recheck.ts';
import { revise } from './revise.ts';
import { verbosity } from './verbosity.ts';
import { wait } from './wait.ts';

const KINDS = {
  patch,
  create,
  apply,
  delete: remove,
  evict,
  drain,
  verbosity,
  wait,
  backup,
  keep,
  forget,
  helm,
  unpend,
  migrate,
  revise,
  manual,
  recheck,
} satisfies Record<Action['do'], unknown>;

/** The module that knows this step. Throws for a kind that this build does not know (a journal of a newer one). */
export function kindOf(step: Step): StepKind {
  const kind = KINDS[step.do] as StepKind | undefined;
  if (!kind) throw new Error(`this build does not know steps of kind ${step.do}`);
  return kind;
}

const WHOLE: ReadonlySet<Step['do']> = new Set(['delete', 'apply', 'migrate', 'revise', 'drain', 'manual']);

/** Of an object that a journal keeps, what the undo of the step needs: all of it only where the object itself is put back. There may be 100,000. */
export function recalled(step: Step, before: Raw | undefined): Raw | undefined {
  return WHOLE.has(step.do) ? before : identity(before);
}
