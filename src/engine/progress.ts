// What a journal says about a run: the state of each step, folded from the entries in their order.
import type { Entry, Raw, Run, Step, StepResult, StoredRun, Way } from './contracts.ts';

export interface StepState {
  /** undefined: nothing is known, it was never begun. `in-doubt`: an intent without an outcome. */
  result?: StepResult | 'in-doubt';
  before?: Raw;
  after?: Raw;
}
export interface Progress {
  states: Record<Way, Map<string, StepState>>;
  /** What the newest attempt was, and how it ended; `state` is missing when it was cut short. */
  last?: { way: Way; state?: 'finished' | 'stopped' | 'unchanged' };
}

export function progressOf(entries: readonly Entry[]): Progress {
  const progress: Progress = { states: { do: new Map(), undo: new Map() } };
  for (const entry of entries) {
    switch (entry.is) {
      case 'begin':
        progress.last = { way: entry.way };
        break;
      case 'intent':
        progress.states[entry.way].set(entry.step, { result: 'in-doubt', before: entry.before });
        break;
      case 'outcome': {
        const known = progress.states[entry.way].get(entry.step);
        progress.states[entry.way].set(entry.step, { before: known?.before, result: entry.result, after: entry.after });
        break;
      }
      case 'end':
        progress.last = { way: entry.way, state: entry.state };
        break;
    }
  }
  return progress;
}

/** Whether the step may have changed the cluster by our hand: done; begun and not known to have ended; answered, but not as we meant it. A wait changes nothing, nor is what only served the run itself a change. */
export function isTouching(step: Step, state: { result?: StepState['result']; answered?: true } | undefined): boolean {
  if (HARMLESS.has(step.do)) return false;
  return state?.result === 'done' || state?.result === 'in-doubt' || state?.answered === true;
}

const HARMLESS: ReadonlySet<Step['do']> = new Set(['wait', 'backup', 'forget']);

export function touched(run: Run, progress: Progress): Step[] {
  return run.steps.filter((step) => {
    const state = progress.states.do.get(step.id);
    return isTouching(step, state) || (state?.result === 'failed' && state.after !== undefined);
  });
}

const SETTLED: ReadonlySet<string | undefined> = new Set(['done', 'already', 'obsolete', 'manual']);
export const isSettled = (state: StepState | undefined): boolean => SETTLED.has(state?.result);

/** What a person calls the run's state. */
export type RunState = 'finished' | 'unfinished' | 'unchanged' | 'undone' | 'undone in part' | 'undo unfinished';
export function runState({ run, entries }: StoredRun): RunState {
  const progress = progressOf(entries);
  if (progress.last?.way === 'undo') {
    if (progress.last.state !== 'finished') return 'undo unfinished';
    const broken = run.steps.some(({ id, undo }) => undo !== 'none' && progress.states.undo.get(id)?.result === 'left');
    return broken ? 'undone in part' : 'undone';
  }
  const changed = touched(run, progress).length > 0;
  if (run.steps.every(({ id }) => isSettled(progress.states.do.get(id))))
    return changed || run.steps.some(isManual) ? 'finished' : 'unchanged';
  return changed || progress.last?.state !== 'unchanged' ? 'unfinished' : 'unchanged';
}

const isManual = ({ do: doing }: Run['steps'][number]): boolean => doing === 'manual';
