// What a journal says about a run: the state of each step, folded from the entries in their order.

import { deepEqual } from '../kube/json.ts';
import { describe, keyOf, refOf } from '../kube/refs.ts';
import type { Direction, Entry, Progress, Ref, Run, RunState, RunSummary, Step, StepState, StoredRun } from './contracts.ts';
import { stepsOf } from './plan.ts';

export const noProgress = (): Progress => ({ states: { apply: new Map(), undo: new Map() } });

export function progressOf(entries: readonly Entry[]): Progress {
  const progress = noProgress();
  for (const entry of entries) advance(progress, entry);
  return progress;
}

/** Takes one entry more in. */
export function advance(progress: Progress, entry: Entry): void {
  const { states } = progress;
  switch (entry.is) {
    case 'begin':
      progress.last = { direction: entry.direction, pid: entry.pid };
      break;
    case 'intent':
      // How far it was stays: a step of many writes goes on from there.
      states[entry.direction].set(entry.step, {
        ...far(states[entry.direction].get(entry.step)),
        result: 'in-doubt',
        before: entry.before,
      });
      break;
    case 'progress': {
      const known = states[entry.direction].get(entry.step);
      states[entry.direction].set(entry.step, { ...known, progress: entry.progress });
      break;
    }
    case 'outcome': {
      const known = states[entry.direction].get(entry.step);
      states[entry.direction].set(entry.step, {
        ...(entry.result === 'failed' ? far(known) : {}),
        ...{ before: known?.before, result: entry.result, after: entry.after, detail: entry.detail },
      });
      break;
    }
    case 'end':
      progress.last = { ...progress.last, direction: entry.direction, state: entry.state };
      break;
  }
}

const far = (state: StepState | undefined): Pick<StepState, 'progress'> => (state?.progress ? { progress: state.progress } : {});

/** Whether the step may have changed the cluster by our hand: done; begun and not known to have ended; answered, but not as we meant it. A wait changes nothing, nor is what only served the run itself a change. */
export function isTouching(step: Step, state: { result?: StepState['result']; answered?: true } | undefined): boolean {
  if (isHarmless(step) || step.onUndo) return false;
  return state?.result === 'done' || state?.result === 'in-doubt' || state?.answered === true;
}

const HARMLESS: ReadonlySet<Step['do']> = new Set(['wait', 'backup', 'forget', 'manual', 'recheck']);
/** It changes nothing, so there is nothing to undo, whatever it promises. */
export const isHarmless = ({ do: doing }: Pick<Step, 'do'>): boolean => HARMLESS.has(doing);

export function touched(run: Run, progress: Progress): Step[] {
  return stepsOf(run).filter((step) => {
    const state = progress.states.apply.get(step.id);
    return isTouching(step, state) || (state?.result === 'failed' && state.after !== undefined);
  });
}

const isPassedBy = (id: string, progress: Progress): boolean => progress.states.apply.get(id)?.result === 'already';

/** Of two steps about the same object: does the later one put back what the earlier one changed, and nothing else? */
function putsBack(later: Step, earlier: Step): boolean {
  if (later.do === 'verbosity') return earlier.do === 'verbosity' && later.level === earlier.before && later.before === earlier.level;
  if (later.do !== 'patch' || later.counters?.length) return false;
  const { changes, subresource } = later;
  if (earlier.do === 'drain') return changes.length === 1 && changes[0]!.path === '/spec/unschedulable' && changes[0]!.after === undefined;
  return (
    earlier.do === 'patch' &&
    !earlier.counters?.length &&
    earlier.subresource === subresource &&
    earlier.changes.length === changes.length &&
    earlier.changes.every(({ path, inString, before, after }) =>
      changes.some(
        (back) => back.path === path && back.inString === inString && deepEqual(back.before, after) && deepEqual(back.after, before),
      ),
    )
  );
}

/** Steps that the run itself has put back, and those that did: an undo of either would open for a while what is closed again. */
export function evenedIn(run: Run, isDone: (step: Step) => boolean): Set<string> {
  const done = stepsOf(run).filter((step) => 'on' in step && isDone(step));
  const found = new Set<string>();
  for (const same of Map.groupBy(done, (step) => keyOf((step as Extract<Step, { on: Ref }>).on)).values())
    for (const [at, later] of same.entries())
      for (const earlier of same.slice(0, at)) if (putsBack(later, earlier)) for (const { id } of [earlier, later]) found.add(id);
  return found;
}

/** What was found before such steps, by fingerprint: it is there again once they are through, as it was meant to be. */
export function putBackIn(run: Run, isDone: (step: Step) => boolean): Set<string> {
  const even = evenedIn(run, isDone);
  return new Set(stepsOf(run).flatMap(({ id, reasons }) => (even.has(id) ? reasons : [])));
}

/**
 * Steps that have had their effect: an object that the run made for a while, and deleted for good when it was through. An undo has nothing to do about either.
 * The deletion's note says what stays.
 */
export function spentIn(run: Run, isDone: (step: Step) => boolean): Step[] {
  const deletions = stepsOf(run).filter((step) => step.do === 'delete' && step.undo === 'none' && !step.onUndo && isDone(step));
  const gone = new Set(deletions.flatMap((step) => ('on' in step ? [describe(step.on)] : [])));
  const made = stepsOf(run).filter((step) => step.do === 'create' && gone.has(describe(refOf(step.object))));
  const ours = new Set(made.map((step) => step.do === 'create' && describe(refOf(step.object))));
  return [...made, ...deletions.filter((step) => 'on' in step && ours.has(describe(step.on)))];
}

export const spentNow = (run: Run, progress: Progress): Step[] =>
  spentIn(run, ({ id }) => ['done', 'already'].includes(progress.states.apply.get(id)?.result ?? ''));

/** The steps that an undo still has to look at. What cannot be undone is named once. */
export function toUndo(run: Run, progress: Progress): Step[] {
  const even = evenedIn(run, ({ id }) => progress.states.apply.get(id)?.result === 'done');
  const changed = new Set(touched(run, progress).flatMap(({ id }) => (even.has(id) ? [] : id)));
  const spent = new Set(spentNow(run, progress).map(({ id }) => id));
  const isWanted = ({ id, onUndo, after }: Step): boolean =>
    !spent.has(id) && !(onUndo && after.some((each) => spent.has(each))) && isChanged({ id, onUndo, after });
  const isChanged = ({ id, onUndo, after }: Pick<Step, 'id' | 'onUndo' | 'after'>): boolean =>
    changed.has(id) || (onUndo === true && changed.size > 0 && (after.some((each) => changed.has(each)) || isPassedBy(id, progress)));
  return stepsOf(run)
    .filter(isWanted)
    .filter(({ id, undo }) => {
      const back = progress.states.undo.get(id);
      return !isSettled(back) && !(undo === 'none' && back?.result === 'left');
    });
}

/**
 * Whether what comes behind a step may go on. Only what is done lets it pass; and a repair that is no longer needed, where the step says that it may be one.
 * An undo goes on behind what it leaves, and behind what is for a person.
 */
export function isPassed(step: Step, result: StepState['result'], direction: Direction): boolean {
  switch (result) {
    case 'done':
    case 'already':
      return true;
    case 'obsolete':
      return direction === 'undo' || step.optional === true;
    case 'left':
    case 'manual':
      return direction === 'undo';
    default:
      return false;
  }
}

/** Of an undo: nothing is left to look at. */
const SETTLED: ReadonlySet<string | undefined> = new Set(['done', 'already', 'obsolete', 'manual']);
const isSettled = (state: StepState | undefined): boolean => SETTLED.has(state?.result);

/** The steps that a run still has to do. */
export const toDo = (run: Run, progress: Progress): Step[] =>
  stepsOf(run).filter((step) => !isPassed(step, progress.states.apply.get(step.id)?.result, 'apply'));

export function runState({ run, progress }: StoredRun): RunState {
  if (progress.last?.direction === 'undo') {
    if (progress.last.state !== 'finished') return 'undo unfinished';
    if (!touched(run, progress).length) return 'unchanged';
    const broken = stepsOf(run).some(({ id, undo }) => undo !== 'none' && progress.states.undo.get(id)?.result === 'left');
    return broken ? 'undone in part' : 'undone';
  }
  const changed = touched(run, progress).length > 0;
  if (!toDo(run, progress).length) return changed || stepsOf(run).some(isManual) ? 'finished' : 'unchanged';
  return changed || progress.last?.state !== 'unchanged' ? 'unfinished' : 'unchanged';
}

/** Interrupted before any change. What a journal that may lack its end does not say is not taken for nothing. */
export const isUntouched = (stored: StoredRun & { lengthUnknown?: true }): boolean =>
  !stored.lengthUnknown && runState(stored) === 'unfinished' && !touched(stored.run, stored.progress).length;

const isManual = ({ do: doing }: Step): boolean => doing === 'manual';

/** How far a run is, wherever it is told: without the steps that only an undo carries out. `open`: what is left to do. */
export function settledIn(run: Run, open: readonly Step[]): { total: number; settled: number } {
  const isOurs = ({ onUndo }: Step): boolean => !onUndo;
  const total = stepsOf(run).filter(isOurs).length;
  return { total, settled: total - open.filter(isOurs).length };
}

export function summaryOf(stored: StoredRun & { lengthUnknown?: true }): RunSummary {
  const { run, progress } = stored;
  const { id, tool, what, at, cluster } = run;
  const { total, settled } = settledIn(run, toDo(run, progress));
  return {
    ...{ id, tool, what, at, cluster },
    state: runState(stored),
    steps: total,
    settled,
    open: toUndo(run, progress).length,
    ...(isUntouched(stored) ? { untouched: true } : {}),
  };
}
