// What every way of performing a step has at hand: the world, the journal and who may be asked.
import { deepEqual } from '../kube/json.ts';
import {
  type Direction,
  type Entry,
  type Journal,
  type Progress,
  type Raw,
  type Step,
  type StepOf,
  type StepProgress,
  type Text,
  type World,
  WorldError,
} from './contracts.ts';
import type { FinalOutcome } from './outcomes.ts';
import { paced } from './pace.ts';

export interface StepContext {
  world: World;
  journal: Pick<Journal, 'append'>;
  progress: Progress;
  /** Aborted: nothing further is begun, what is in flight ends. */
  halt: AbortSignal;
  /** Who may be asked; undefined: a step for a person stops the run. */
  person?: Person;
  /** Runs the checks before the next hop: what stops it; undefined: nothing does. */
  recheck?(step: StepOf<'recheck'>): Promise<Text | undefined>;
  /** What these checks find and can fix, in words; undefined: nothing. */
  unrepaired?(checks: readonly string[]): Promise<Text | undefined>;
  /** How far a step is that takes long; `held`: what keeps it from going on for now. */
  progressed?(step: Step, progress: StepProgress, held?: Text): void;
}
export interface Person {
  /** There is a terminal, on which a step is watched until it is done. */
  watches: boolean;
  /** Is shown what to do. `because`: what has not come about yet; undefined: it cannot be observed. */
  told(step: StepOf<'manual'>, because: Text | undefined): void;
  /** Says that a step is done that cannot be observed, by its name. false: not now. */
  confirms(step: StepOf<'manual'>): Promise<boolean>;
}
export interface Performing {
  step: Step;
  direction: Direction;
  means: StepContext;
  note(more: Noted): Promise<void>;
  /** `after`: the object as the server answered; who it was goes into the journal. */
  settle(outcome: FinalOutcome, after?: Raw): Promise<FinalOutcome>;
}
export type Noted =
  | Omit<Extract<Entry, { is: 'intent' }>, 'at' | 'direction' | 'step'>
  | Omit<Extract<Entry, { is: 'outcome' }>, 'at' | 'direction' | 'step'>
  | Omit<Extract<Entry, { is: 'progress' }>, 'at' | 'direction' | 'step'>;

export async function orTrouble<T>(doing: Promise<T>): Promise<T | WorldError> {
  try {
    return await doing;
  } catch (error) {
    if (error instanceof WorldError) return error;
    throw error;
  }
}

/** ms between two entries in the journal about how far a step is. */
const NOTED_EVERY = 5000;

/** Every change is reported, and now and then noted in the journal, so that progress can be seen from elsewhere. */
export function reporter(step: Step, { means, note }: Performing): (progress: StepProgress, held?: Text) => Promise<void> {
  let told: Raw | undefined;
  let noted = performance.now();
  return async (progress, held) => {
    const now: Raw = { ...progress, held: held?.en ?? null };
    if (deepEqual(now, told)) return;
    told = now;
    means.progressed?.(step, progress, held);
    if (performance.now() - noted < paced(NOTED_EVERY)) return;
    noted = performance.now();
    await note({ is: 'progress', progress });
  };
}
