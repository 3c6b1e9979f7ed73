// One step to its end, in either way: look, write down the intent, send, verify, write down the outcome. Waits and evictions have their own patience.
// Every write of the tool to a cluster, but for its own Lease, passes through here.
import { setTimeout as sleep } from 'node:timers/promises';
import { deepEqual } from '../kube/json.ts';
import { describe, refOf, sameObject } from '../kube/refs.ts';
import { textOf } from '../text/language.ts';
import { shellWord } from '../text/shell.ts';
import { span } from '../text/span.ts';
import {
  type Command,
  type Condition,
  type Direction,
  type Look,
  type Progress,
  type Raw,
  type Ref,
  type Step,
  type StepOf,
  type Text,
  type World,
  WorldError,
  type Wrong,
} from './contracts.ts';
import { drain, migrate } from './many.ts';
import { type FinalOutcome, HELM_CUT, LOOKS, lookedAt, NOT_KEPT, type StepOutcome, troubleWith } from './outcomes.ts';
import { paced } from './pace.ts';
import { type Noted, orTrouble, type Performing, reporter, type StepContext } from './performing.ts';
import { countsOn, isWatched, restartedSince } from './restarts.ts';
import { firstMet, fitting } from './steps/conditions.ts';
import { kindOf } from './steps/index.ts';
import { identity, isGone } from './steps/objects.ts';

/** ms before the second look; doubles with each further one. */
const PAUSE = 200;
/** ms between two looks of a wait, and between two tries of an eviction: one small read a second. */
const POLL = 1000;
/** ms for which the containers of a Node are given time to restart, once its kubelet is the new one. */
const SETTLED = 30_000;
/** ms between two tries of an eviction at an API server that has too much to do. */
const RELIEF = 5000;

/** undefined: halted before anything was sent. `unneeded`: the id of the step whose being obsolete makes this one so. */
export async function perform(
  original: Step,
  direction: Direction,
  means: StepContext,
  unneeded?: string,
): Promise<StepOutcome | undefined> {
  const note = (more: Noted) => means.journal.append({ at: new Date().toISOString(), direction, step: original.id, ...more });
  const settle = async (outcome: FinalOutcome, after?: Raw) => {
    await note({ is: 'outcome', result: outcome.result, detail: outcome.detail, after: identity(after) });
    return outcome;
  };
  if (unneeded !== undefined) return settle({ result: 'obsolete', detail: needless(unneeded) });
  if (original.onUndo && direction === 'apply') return settle({ result: 'already', detail: ON_UNDO });
  const step = direction === 'undo' ? inverseOf(original, means.progress) : original;
  if ('none' in step) return settle({ result: 'left', detail: step.none });
  const doing: Performing = { step, direction, means, note, settle };
  if (step.do === 'wait') return waitFor(step, doing);
  if (step.do === 'recheck') return lookAgain(step, doing);
  if (step.do === 'migrate') return migrate(step, doing, write);
  if (step.do === 'drain') return drain(step, doing);
  // An undo does not wait for a person: it continues with what it can do itself.
  return step.do === 'manual' && direction === 'apply' ? waitForPerson(step, doing) : write(doing);
}

export const ON_UNDO: Text = { en: 'runs on undo only', zh: '仅在撤销时执行' };
const needless = (id: string): Text => ({ en: `step ${id} is no longer needed`, zh: `步骤 ${id} 已不再需要` });

/** The step that takes another one back, from what the journal knows of it. Where the plan promised no undo, only something for a person to do. */
export function inverseOf(step: Step, progress: Progress): Step | { none: Text } {
  if (step.onUndo) {
    const { onUndo: _, ...itself } = step;
    return itself;
  }
  const known = progress.states.apply.get(step.id);
  const inverse = kindOf(step).inverse(step, known?.before, known?.after);
  if (step.undo === 'none' && 'do' in inverse && inverse.do !== 'manual') return { none: step.undoNote ?? NO_UNDO };
  return inverse;
}

const NO_UNDO: Text = { en: 'cannot be undone, as the list of steps said', zh: '无法撤销，步骤列表中已注明' };

// ---- writing --------------------------------------------------------------------------------------------------------

/** `written`: of a step whose writes came before; its object as it was then. */
async function write(
  { step, direction, means: { world, progress, halt }, note, settle }: Performing,
  written?: Raw,
): Promise<StepOutcome | undefined> {
  const kind = kindOf(step);
  const until = performance.now() + (step.do === 'evict' ? paced(step.within * 1000) : 0);
  // An intent of ours whose write may or may not have reached the cluster: only a look can tell, and what it finds done counts as ours.
  let inDoubt = progress.states[direction].get(step.id)?.result === 'in-doubt';
  let intent: { before: Raw | undefined } | undefined;
  let answer = written;
  let trouble: WorldError | undefined;
  // An eviction is not tried so often, but so long.
  const isAwaited = ({ kind }: WorldError) => step.do === 'evict' && (kind === 'blocked' || kind === 'throttled');
  const fail = (error: WorldError): Promise<StepOutcome> | StepOutcome => {
    const detail = step.do === 'evict' && isAwaited(error) ? inVainEvicted(step, error) : troubleWith(error);
    if (inDoubt) return { result: 'in-doubt', detail };
    return settle({ result: 'failed', detail, ...(answer ? { answered: true } : {}) }, answer);
  };
  const halted = (): Promise<StepOutcome> | StepOutcome | undefined => {
    if (inDoubt) return { result: 'in-doubt' };
    return intent && settle({ result: 'failed', detail: INTERRUPTED });
  };
  for (let looks = 0; looks < LOOKS; ) {
    if (trouble) {
      // A timer may fire a millisecond early; one more keeps the last try from coming several times.
      const left = Math.max(0, Math.ceil(until - performance.now()) + 1);
      const poll = Math.max(0, Math.min(paced(trouble.kind === 'throttled' ? RELIEF : POLL), left));
      await pause(isAwaited(trouble) ? poll : paced(PAUSE * 2 ** (looks - 1)), halt);
    }
    if (halt.aborted) return halted();
    const look = await orTrouble(kind.look(step, world, halt));
    // It may have waited, and was cut.
    if (halt.aborted && !(look instanceof WorldError) && (look.is === 'moved' || look.is === 'refused')) return halted();
    if (look instanceof WorldError) {
      trouble = look;
      if (isFinal(trouble)) return fail(trouble);
      looks++;
      continue;
    }
    // A release that cannot be brought back stops an undo: CRDs must not be restored under programs that need the new ones.
    if (look.is !== 'to-do')
      return settle(
        { ...lookedAt(look, step.do === 'helm' ? 'apply' : direction, inDoubt), ...(answer ? { answered: true } : {}) },
        look.is === 'done' ? (look.now ?? answer) : answer,
      );
    const request = kind.write(step, look.now);
    if (!request) return settle({ result: 'manual' });
    // An undo is not undone: there it is enough to know who it was.
    const before = direction === 'undo' ? identity(look.now) : kind.remember(look.now);
    // Tries of an eviction would fill the journal with the same intent.
    if (!intent || !deepEqual(intent.before, before)) await note({ is: 'intent', before });
    intent = { before };
    if (halt.aborted) return halted();
    inDoubt = true;
    const answered = await orTrouble(world.write(request));
    if (answered instanceof WorldError) {
      trouble = answered;
      inDoubt = trouble.kind === 'unanswered';
      if (isFinal(trouble) || (isAwaited(trouble) && performance.now() >= until)) return fail(trouble);
      if (!isAwaited(trouble)) looks++;
      continue;
    }
    // What was told to go answers with anything or nothing, and is on its way.
    if (request.verb === 'delete' || request.verb === 'evict' || request.verb === 'unrecord') {
      const isLeft = step.do === 'delete' && step.propagation === 'Orphan' && !(await isSeenGone(step, world, halt));
      if (isLeft && halt.aborted) return halted();
      return settle(isLeft ? { result: 'failed', detail: stillThere(step.on), answered: true } : { result: 'done' });
    }
    answer = answered;
    const verified = await orTrouble(kind.look(step, seeing(world, answered)));
    trouble = verified instanceof WorldError ? verified : undefined;
    if (!(verified instanceof WorldError)) {
      if (verified.is === 'done') return settle({ result: 'done' }, answered);
      // A new object's status is a second write.
      const isNext = verified.is === 'to-do' && kind.write(step, verified.now)?.verb !== request.verb;
      const why = verified.is === 'refused' || verified.is === 'moved' ? verified.because : undefined;
      if (!isNext)
        return settle({ result: 'failed', detail: why ?? (request.verb === 'helm' ? HELM_CUT : NOT_KEPT), answered: true }, answered);
    }
    looks++;
  }
  return fail(trouble ?? new WorldError('conflict', CHANGING));
}

/** ms for the garbage collector to let go of an object that leaves its dependents behind. */
const RELEASED = 60_000;

/** What comes behind a deletion takes the object for gone: helm would patch one that is still there. */
async function isSeenGone({ on }: StepOf<'delete'>, world: World, halt: AbortSignal): Promise<boolean> {
  const until = performance.now() + paced(RELEASED);
  for (;;) {
    const now = await orTrouble(world.get(on));
    if (!(now instanceof WorldError) && isGone(now, on)) return true;
    if (halt.aborted || performance.now() >= until) return false;
    await pause(paced(PAUSE), halt);
  }
}

const stillThere = (on: Ref): Text => ({
  en: `${describe(on)} was deleted and is still terminating after ${RELEASED / 1000} s: kube-controller-manager has not removed its finalizer orphan; check that it runs, then resume`,
  zh: `${describe(on)} 已删除，但 ${RELEASED / 1000} 秒后仍在终止：kube-controller-manager 尚未移除其 orphan finalizer；请确认 kube-controller-manager 正在运行，然后用 resume 继续`,
});

const CHANGING: Text = { en: 'the object keeps changing', zh: '该对象一直在变化' };
const INTERRUPTED: Text = { en: 'interrupted before it was done', zh: '尚未完成即被中断' };

/** The world with one object as it was just answered. */
function seeing(world: World, answered: Raw | undefined): World {
  if (!answered) return world;
  const on = refOf(answered);
  return { ...world, get: async (ref) => (sameObject(ref, on) ? answered : world.get(ref)) };
}

/** Looking again does not help. */
const isFinal = ({ kind }: WorldError): boolean => kind === 'forbidden' || kind === 'refused';

/** Ends early when halted. */
async function pause(ms: number, halt: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: halt }).catch(() => undefined);
}

// ---- waiting --------------------------------------------------------------------------------------------------------

/** Nothing is written, so nothing is in doubt: a run that is cut here waits again. */
async function waitFor(step: StepOf<'wait'>, doing: Performing): Promise<StepOutcome | undefined> {
  const { settle } = doing;
  const { world, halt } = doing.means;
  if (world.assume) return assumed(step, world, settle);
  const report = reporter(step, doing);
  const kind = kindOf(step);
  const until = performance.now() + paced(step.within * 1000);
  let since: number | undefined;
  for (;;) {
    if (halt.aborted) return undefined;
    const look = await orTrouble(kind.look(step, world));
    const now = performance.now();
    if (look instanceof WorldError) {
      // A server that is away for a moment is what waits are often for; what was not seen did not hold without a break.
      if (isFinal(look)) return settle({ result: 'failed', detail: troubleWith(look) });
      since = undefined;
    } else if (look.is === 'done') {
      since ??= now;
      if (now - since >= paced((step.lasting ?? 0) * 1000)) {
        const left = doing.direction === 'undo' && step.repairs && (await doing.means.unrepaired?.(step.repairs));
        return settle(left ? { result: 'failed', detail: left } : { result: 'done' });
      }
    } else if (look.is === 'to-do') {
      since = undefined;
      const failed = await orTrouble(firstMet(step.fails ?? [], world));
      if (failed && !(failed instanceof WorldError)) return settle({ result: 'failed', detail: hasFailed(failed) });
      if (look.progress) await report(look.progress);
    } else return settle(lookedAt(look, 'apply', false));
    if (since === undefined && now >= until)
      return settle({ result: 'failed', detail: inVain(step, look as WorldError | ToDo, doing.direction) });
    await pause(paced(POLL), halt);
  }
}

type ToDo = Extract<Look, { is: 'to-do' }>;

const hasFailed = (failed: Text): Text => ({ en: `it has failed: ${failed.en}`, zh: `已失败：${failed.zh}` });

async function lookAgain(step: StepOf<'recheck'>, { means, settle }: Performing): Promise<StepOutcome> {
  const stops = means.recheck ? await means.recheck(step) : NO_CHECKS;
  return settle(stops ? { result: 'failed', detail: stops } : { result: 'done' });
}

const NO_CHECKS: Text = { en: 'the checks cannot be run from here', zh: '此处无法运行检查' };

/** A step for a person holds up what comes behind it, until it is seen to be done, or where nothing can be seen, until a person says so. */
async function waitForPerson(step: StepOf<'manual'>, doing: Performing): Promise<StepOutcome> {
  const { settle, means } = doing;
  const { world, halt, person } = means;
  const kind = kindOf(step);
  const report = reporter(step, doing);
  const known = means.progress.states.apply.get(step.id);
  let counted = known?.before;
  let told: Text | undefined;
  for (let first = true; ; first = false) {
    const look = await orTrouble(kind.look(step, world));
    if (!(look instanceof WorldError) && look.is === 'done' && isWatched(step) && counted) {
      // A kubelet says that it is ready before it has gone through its containers.
      await pause(paced(SETTLED), halt);
      if (halt.aborted) return settle({ result: 'manual' });
      const now = await orTrouble(countsOn(step, world));
      const restarted = now instanceof WorldError ? { stops: false, text: uncounted(now) } : restartedSince(step, counted, now);
      // It stops once: who resumes has seen it.
      if (restarted) return settle({ result: restarted.stops && known?.result !== 'failed' ? 'failed' : 'done', detail: restarted.text });
    }
    if (!(look instanceof WorldError) && look.is !== 'to-do') return settle(lookedAt(look, 'apply', !first));
    if (isWatched(step) && !counted && !world.assume) {
      const now = await orTrouble(countsOn(step, world));
      if (!(now instanceof WorldError)) {
        counted = now;
        await doing.note({ is: 'intent', before: counted });
      }
    }
    const because = look instanceof WorldError ? troubleWith(look) : look.because;
    const wrong = await orTrouble(wrongIn(step, world));
    if (wrong && !(wrong instanceof WorldError)) return settle({ result: 'failed', ...wrong });
    if (!person || halt.aborted || world.assume || (step.seen && !person.watches)) return settle({ result: 'manual', detail: because });
    if (first) person.told(step, step.seen && because);
    if (!step.seen) return settle((await person.confirms(step)) ? { result: 'done', detail: CONFIRMED } : { result: 'manual' });
    // What was told at first stays on the screen; what has come of it since is news.
    if (first) told = because;
    const news = step.seen && because && because.en !== told?.en ? because : undefined;
    if (!(look instanceof WorldError) && look.progress) await report(look.progress, news);
    await pause(paced(POLL), halt);
  }
}

const uncounted = (error: WorldError): Text => ({
  en: `restarts of containers unknown: ${troubleWith(error).en}`,
  zh: `无法得知容器是否重启：${troubleWith(error).zh}`,
});

/** What was done otherwise than it should be; undefined: nothing that can be seen. */
async function wrongIn({ wrong = [] }: StepOf<'manual'>, world: World): Promise<Pick<StepOutcome, 'detail' | 'commands'> | undefined> {
  for (const each of wrong) {
    const { when, while: also, text, commands } = each;
    const met = await firstMet([when], world);
    if (met && (!also || (await firstMet([also], world))))
      return {
        detail: { en: `${text.en} (${met.en})`, zh: `${text.zh}（${met.zh}）` },
        ...(commands ? { commands: await filledIn(commands, each, world) } : {}),
      };
  }
  return undefined;
}

/** Where one object is seen, and one command asks for its name. */
async function filledIn(commands: Command[], { when, sets }: Wrong, world: World): Promise<Command[]> {
  const asks = (command: Command) => textOf(command).en.startsWith(`${sets}=`);
  if (!sets || !('of' in when) || commands.filter(asks).length !== 1) return commands;
  const [one, ...others] = await fitting(when, world);
  if (!one || others.length) return commands;
  return commands.map((command) => (asks(command) ? `${sets}=${shellWord(refOf(one).name)}` : command));
}

const CONFIRMED: Text = { en: 'confirmed', zh: '已确认' };

/** A rehearsal does not wait: what controllers are expected to do is made so, and said. */
async function assumed(step: StepOf<'wait'>, world: World, settle: Performing['settle']): Promise<StepOutcome> {
  const look = () => kindOf(step).look(step, world);
  if ((await look()).is === 'done') return settle({ result: 'already' });
  world.assume?.(step.assume);
  const after = await look();
  if (after.is === 'done') return settle({ result: 'done', detail: { en: 'assumed', zh: '假定如此' } });
  if (after.is !== 'to-do') return settle(lookedAt(after, 'apply', false));
  const { because = NOT_KNOWN } = after;
  return settle({
    result: 'failed',
    detail: { en: `${because.en}; cannot be rehearsed`, zh: `${because.zh}；无法演练` },
  });
}

const NOT_KNOWN: Text = { en: 'condition not met', zh: '条件未满足' };

function inVain({ within, until }: StepOf<'wait'>, look: WorldError | ToDo, direction: Direction): Text {
  const again = direction === 'undo' ? 'undo' : 'resume';
  const is = look instanceof WorldError ? look.text : (look.because ?? NOT_KNOWN);
  const at = (look instanceof WorldError ? undefined : look.at) ?? until[0];
  const see = at && seeCommand(at);
  return {
    en: `timed out after ${span(within).en}: ${is.en}; ${see ? `find out why (${see}), then ${again}` : `${again} later`}`,
    zh: `等待 ${span(within).zh}后超时：${is.zh}；${see ? `请查明原因（${see}），` : ''}然后用 ${again} 继续`,
  };
}

function inVainEvicted({ on, within }: StepOf<'evict'>, { kind, text }: WorldError): Text {
  if (kind === 'throttled')
    return {
      en: `the API server was throttling requests for ${within} s: ${text.en}; resume later`,
      zh: `API 服务器在 ${within} 秒内一直限流：${text.zh}；待其恢复后用 resume 继续`,
    };
  const budgets = `kubectl get poddisruptionbudgets -n ${shellWord(on.namespace ?? 'default')}`;
  return {
    en: `eviction blocked by a PodDisruptionBudget for ${within} s: ${text.en}. Check with: ${budgets}, then resume`,
    zh: `${within} 秒内 PodDisruptionBudget 一直不允许驱逐：${text.zh}；请用“${budgets}”查看，处理后用 resume 继续`,
  };
}

/** How a person looks at what a condition is about. */
function seeCommand(condition: Condition): string {
  if ('reading' in condition) return `kubectl get --raw ${shellWord(condition.reading.path)}`;
  if ('on' in condition) return describeCommand(condition.on);
  const { apiVersion, kind, namespace, labels } = condition.of;
  return `kubectl get ${resourceWord({ apiVersion, kind })}${namespace ? ` -n ${shellWord(namespace)}` : ''}${labels ? ` -l ${shellWord(labels)}` : ''}`;
}

/** kubectl takes KIND.GROUP for a resource. */
const resourceWord = ({ apiVersion, kind }: Pick<Ref, 'apiVersion' | 'kind'>): string =>
  shellWord(`${kind}${apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : ''}`);

function describeCommand({ apiVersion, kind, namespace, name }: Ref): string {
  return `kubectl describe ${resourceWord({ apiVersion, kind })} ${shellWord(name)}${namespace ? ` -n ${shellWord(namespace)}` : ''}`;
}
