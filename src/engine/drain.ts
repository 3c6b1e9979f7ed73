// What a drain does to a Node: cordons it, then evicts Pod after Pod, again and again while their budgets refuse, until none is left. Nothing is remembered of single Pods:
// one that was evicted is gone, and what is left is seen.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, refOf } from '../kube/refs.ts';
import { type Raw, type StepOf, type StepProgress, type Text, type World, WorldError } from './contracts.ts';
import { each } from './each.ts';
import { LOOKS, troubleWith } from './outcomes.ts';
import { paced } from './pace.ts';
import { evictable, isCordoned, drain as kind } from './steps/drain.ts';
import { isLeaving, neverDeleted } from './steps/objects.ts';

/** ms between two looks at the Pods, and tries to evict those that a budget holds. */
const POLL = 1000;

export interface Draining {
  world: World;
  halt: AbortSignal;
  /** `held`: what keeps a Pod from going for now, such as its PodDisruptionBudget. */
  told(progress: StepProgress, held?: Text): Promise<void>;
}

/** undefined: it is empty. `halted`: with what held it then. Throws WorldError. */
export async function emptied(
  step: StepOf<'drain'>,
  { world, halt, told }: Draining,
): Promise<Text | { halted: Text | undefined } | undefined> {
  await cordoned(step, world);
  const until = performance.now() + paced(step.within * 1000);
  let most = 0;
  let held: Text | undefined;
  for (;;) {
    if (halt.aborted) return { halted: held };
    const pods = await evictable(step.on, world);
    most = Math.max(most, pods.length);
    if (!pods.length) return undefined;
    const far = { done: most - pods.length, of: most, now: describe(refOf(pods[0]!)) };
    await told(far, held);
    const answers = await each(
      pods.filter((pod) => !isLeaving(pod)),
      (pod) => evicted(pod, step, world, halt),
    );
    const final = answers.find((answer) => answer?.final);
    if (final) return final.text;
    // Halted in between, no Pod was asked about.
    if (!halt.aborted) held = answers.find((answer) => answer)?.text;
    if (performance.now() >= until) return late(step, held ?? leaving(pods[0]!));
    if (held) await told(far, held);
    if (answers.some((answer) => answer) || pods.some(isLeaving)) await pause(POLL, halt);
  }
}

async function cordoned(step: StepOf<'drain'>, world: World): Promise<void> {
  for (let tries = 1; ; tries++) {
    const node = await world.get(step.on);
    if (!node) throw new WorldError('missing', describe(step.on));
    if (isCordoned(node)) return;
    try {
      await world.write(kind.write(step, node)!);
      return;
    } catch (error) {
      if (!(error instanceof WorldError) || (error.kind !== 'conflict' && error.kind !== 'unanswered') || tries >= LOOKS) throw error;
    }
  }
}

/** undefined: it is on its way. `final`: to try again does not help. */
async function evicted(
  pod: Raw,
  { lose = [] }: StepOf<'drain'>,
  world: World,
  halt: AbortSignal,
): Promise<{ text: Text; final?: true } | undefined> {
  if (halt.aborted) return undefined;
  const on = refOf(pod);
  const named = (why: Text): Text => ({ en: `${describe(on)}: ${why.en}`, zh: `${describe(on)}：${why.zh}` });
  // A Pod of the same name that was made since was not accepted.
  const never = lose.some(({ uid }) => uid !== undefined && uid === on.uid) ? undefined : await neverDeleted(pod, world);
  if (never) return { text: named(never), final: true };
  try {
    await world.write({ verb: 'evict', on });
    return undefined;
  } catch (error) {
    if (!(error instanceof WorldError)) throw error;
    switch (error.kind) {
      case 'missing':
        return undefined;
      case 'blocked':
      case 'throttled':
      case 'unanswered':
      case 'conflict':
        return { text: named(error.text) };
      default:
        return { text: named(troubleWith(error)), final: true };
    }
  }
}

const late = ({ on, within }: StepOf<'drain'>, why: Text): Text => ({
  en: `Node ${on.name} was not empty after ${within} s: ${why.en}; make room, then resume`,
  zh: `Node ${on.name} 在 ${within} 秒后仍未腾空：${why.zh}；请腾出余量后用 resume 继续`,
});
const leaving = (pod: Raw): Text => ({
  en: `${describe(refOf(pod))} is still terminating`,
  zh: `${describe(refOf(pod))} 仍在终止`,
});

async function pause(ms: number, halt: AbortSignal): Promise<void> {
  await sleep(paced(ms), undefined, { signal: halt }).catch(() => undefined);
}
