// Executing steps, in either way: look, write down the intent, send, verify, write down the outcome. Eight independent steps at a time.
// Every write of the tool to a cluster, but for its own Lease, passes through `perform`.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type EndState,
  type Entry,
  type Journal,
  type Look,
  type Raw,
  type Run,
  type Step,
  type StepResult,
  type Text,
  type Way,
  type World,
  WorldError,
} from './contracts.ts';
import { PHASES } from './plan.ts';
import { isSettled, type Progress, touched } from './progress.ts';
import { kindOf } from './steps/index.ts';

/** Independent steps in flight (DESIGN section 4). */
const AT_ONCE = 8;
/** Looks at one object before it is given up as contended or unreachable (DESIGN section 4). */
const LOOKS = 5;
/** ms before the second look; doubles with each further one. */
const PAUSE = 200;

export interface StepOutcome {
  result: StepResult | 'in-doubt';
  detail?: Text;
  /** A write of ours was answered, although it did not come to what the step wanted. */
  answered?: true;
}
export interface Executed {
  /** Of the steps that were begun now; those missing were not reached. */
  outcomes: Map<string, StepOutcome>;
  state: EndState;
}
export interface ExecuteOptions {
  world: World;
  journal: Pick<Journal, 'append'>;
  progress: Progress;
  /** Aborted: nothing further is begun, what is in flight ends. */
  halt: AbortSignal;
  on?(step: Step, outcome: StepOutcome | 'begun'): void;
}

/** Runs what is not yet settled of a run. Throws only what the journal throws: then nothing more was sent. */
export async function executeRun(run: Run, options: ExecuteOptions): Promise<Executed> {
  const open = run.steps.filter(({ id }) => !isSettled(options.progress.states.do.get(id)));
  const outcomes = await inOrder(open, PHASES, 'do', options);
  const unsettled = open.some(({ id }) => !isSettled(outcomes.get(id)));
  const changed =
    touched(run, options.progress).length > 0 ||
    [...outcomes.values()].some(({ result, answered }) => answered || result === 'done' || result === 'in-doubt');
  return { outcomes, state: !unsettled ? 'finished' : changed ? 'stopped' : 'unchanged' };
}

/** Takes back what a run did, newest first. An object that has moved on is named and left. */
export async function executeUndo(run: Run, options: ExecuteOptions): Promise<Executed> {
  const open = toUndo(run, options.progress);
  const ids = new Set(open.map(({ id }) => id));
  const dependants = (id: string) => open.filter(({ after }) => after.includes(id)).map((step) => step.id);
  const linked = open.some(({ after }) => after.length);
  const reversed = open.toReversed().map((step) => ({ ...step, after: linked ? dependants(step.id).filter((id) => ids.has(id)) : [] }));
  const outcomes = await inOrder(reversed, PHASES.toReversed(), 'undo', options);
  const unreached = open.some(({ id }) => !isSettled(outcomes.get(id)) && outcomes.get(id)?.result !== 'left');
  return { outcomes, state: unreached ? 'stopped' : 'finished' };
}

/** The steps that an undo still has to look at. */
export function toUndo(run: Run, progress: Progress): Step[] {
  return touched(run, progress).filter(({ id }) => !isSettled(progress.states.undo.get(id)));
}

/** Sends every step to the server with dryRun=All, in order; nothing is stored, no journal is kept. */
export async function executeDryRun(steps: Step[], world: World, on: (step: Step, outcome: StepOutcome) => void): Promise<boolean> {
  let fine = true;
  for (const step of steps) {
    const outcome = await dryRunOf(step, world);
    fine &&= outcome.result !== 'failed';
    on(step, outcome);
  }
  return fine;
}

async function dryRunOf(step: Step, world: World): Promise<StepOutcome> {
  const kind = kindOf(step);
  try {
    const look = await kind.look(step, world);
    if (look.is !== 'to-do') return lookedAt(look, 'do', false);
    const write = kind.write(step, look.now);
    if (!write) return { result: 'manual' };
    await world.write(write, { dryRun: true });
    return { result: 'done' };
  } catch (error) {
    if (!(error instanceof WorldError)) throw error;
    return { result: 'failed', detail: { en: error.message, zh: error.message } };
  }
}

async function inOrder(steps: Step[], phases: readonly string[], way: Way, options: ExecuteOptions): Promise<Map<string, StepOutcome>> {
  const outcomes = new Map<string, StepOutcome>();
  const stop = new AbortController();
  const halt = AbortSignal.any([options.halt, stop.signal]);
  for (const phase of phases) {
    const queue = steps.filter((step) => step.phase === phase);
    const ended = new Map<string, Promise<void>>();
    let next = 0;
    const worker = async () => {
      for (let step = queue[next++]; step && !halt.aborted; step = queue[next++]) {
        const run = runOne(step);
        ended.set(step.id, run);
        await run;
      }
    };
    const runOne = async (step: Step) => {
      await Promise.all(step.after.map((id) => ended.get(id)));
      if (halt.aborted || step.after.some((id) => outcomes.has(id) && !isSettled(outcomes.get(id)))) return;
      options.on?.(step, 'begun');
      const outcome = await perform(step, way, { ...options, halt });
      if (!outcome) return;
      outcomes.set(step.id, outcome);
      options.on?.(step, outcome);
      if (outcome.result === 'failed' || outcome.result === 'in-doubt') stop.abort();
    };
    const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
    const thrown = workers.find((each) => each.status === 'rejected');
    if (thrown) throw thrown.reason;
    if (halt.aborted) break;
  }
  return outcomes;
}

/** One step to its end. undefined: halted before anything was sent. */
async function perform(original: Step, way: Way, { world, journal, progress, halt }: ExecuteOptions): Promise<StepOutcome | undefined> {
  const kind = kindOf(original);
  const note = (more: Noted) => journal.append({ at: new Date().toISOString(), way, step: original.id, ...more });
  const settle = async (outcome: StepOutcome & { result: StepResult }, after?: Raw) => {
    await note({ is: 'outcome', result: outcome.result, detail: outcome.detail, after: kind.remember(after) });
    return outcome;
  };
  const step = way === 'undo' ? kind.inverse(original) : original;
  if ('none' in step) return settle({ result: 'left', detail: step.none });

  // An intent of ours whose write may or may not have reached the cluster: only a look can tell, and what it finds done counts as ours.
  let inDoubt = progress.states[way].get(step.id)?.result === 'in-doubt';
  const fail = (error: WorldError): Promise<StepOutcome> | StepOutcome =>
    inDoubt ? { result: 'in-doubt', detail: troubleWith(error) } : settle({ result: 'failed', detail: troubleWith(error) });
  let trouble: WorldError | undefined;
  for (let looks = 0; looks < LOOKS; looks++) {
    if (looks) await sleep(PAUSE * 2 ** (looks - 1));
    if (halt.aborted) return inDoubt ? { result: 'in-doubt' } : undefined;
    const look = await orTrouble(kind.look(step, world));
    if (look instanceof WorldError) {
      trouble = look;
      if (isFinal(trouble)) return fail(trouble);
      continue;
    }
    if (look.is !== 'to-do') return settle(lookedAt(look, way, inDoubt), look.is === 'done' ? look.now : undefined);
    const write = kind.write(step, look.now);
    if (!write) return settle({ result: 'manual' });
    await note({ is: 'intent', before: kind.remember(look.now) });
    if (halt.aborted) return undefined;
    inDoubt = true;
    const answered = await orTrouble(world.write(write));
    if (answered instanceof WorldError) {
      trouble = answered;
      inDoubt = trouble.kind === 'unanswered';
      if (isFinal(trouble)) return fail(trouble);
      continue;
    }
    const verified = await kind.look(step, { ...world, get: async () => answered });
    return settle(verified.is === 'done' ? { result: 'done' } : { result: 'failed', detail: NOT_KEPT, answered: true }, answered);
  }
  return fail(trouble!);
}

type Noted = Omit<Extract<Entry, { is: 'intent' }>, 'at' | 'way' | 'step'> | Omit<Extract<Entry, { is: 'outcome' }>, 'at' | 'way' | 'step'>;

/** Looking again does not help. */
const isFinal = ({ kind }: WorldError): boolean => kind === 'forbidden' || kind === 'refused';

async function orTrouble<T>(doing: Promise<T>): Promise<T | WorldError> {
  try {
    return await doing;
  } catch (error) {
    if (error instanceof WorldError) return error;
    throw error;
  }
}

/** What a look that leaves nothing to do means. `ours`: a write of ours was in doubt, so what stands there counts as our doing. */
function lookedAt(look: Exclude<Look, { is: 'to-do' }>, way: Way, ours: boolean): StepOutcome & { result: StepResult } {
  switch (look.is) {
    case 'done':
      return { result: ours ? 'done' : 'already' };
    case 'obsolete':
      return { result: 'obsolete', detail: look.because };
    case 'moved': {
      const paths = look.paths.join(', ');
      const detail = { en: `${paths} changed by somebody else`, zh: `${paths} 已被他人改动` };
      return { result: way === 'undo' ? 'left' : 'failed', detail };
    }
  }
}

const NOT_KEPT: Text = {
  en: 'the server accepted the write but does not hold the new value (a webhook or the schema changed it)',
  zh: '服务器接受了写入，但新值没有生效（被 webhook 或 schema 改写）',
};

function troubleWith({ kind, message }: WorldError): Text {
  switch (kind) {
    case 'forbidden':
      return { en: `forbidden: ${message}`, zh: `没有权限：${message}` };
    case 'refused':
      return { en: `refused: ${message}`, zh: `被拒绝：${message}` };
    case 'missing':
      return { en: `not found: ${message}`, zh: `未找到：${message}` };
    default:
      return { en: `gave up after ${LOOKS} tries: ${message}`, zh: `尝试 ${LOOKS} 次后放弃：${message}` };
  }
}
