// The objects of a migrate step, one no-op write each: page by page, eight at a time, at the pace that the server allows. A write changes no field, so that one without an
// answer is simply sent again; an object that was deleted or replaced meanwhile is not in the old version any more, and only once that is seen. Where it is cut, it goes on behind the last object below which
// all are written: lists come in the order of their keys.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, refOf } from '../kube/refs.ts';
import { type Raw, type Ref, type StepOf, type StepProgress, type Text, type World, WorldError } from './contracts.ts';
import { LOOKS, troubleWith } from './outcomes.ts';
import { paced } from './pace.ts';

const AT_ONCE = 8;
/** ms before a write that was not answered is sent again; doubles with each further one. */
const PAUSE = 200;
/** ms for which nothing is sent once the server has throttled what the client itself had waited for, and how often that may come one behind the other. */
const RELIEF = 5000;
const THROTTLED = 24;

export interface Rewriting {
  world: Pick<World, 'get' | 'page' | 'write'>;
  halt: AbortSignal;
  /** NAMESPACE/NAME of the last object that an earlier attempt is certain of. */
  from?: string;
  told(progress: StepProgress): Promise<void>;
}
/** `trouble`: at which object and why it was given up. `progress`: `now` is the last object up to which all are written; undefined: none. */
export interface Rewritten {
  trouble?: Text;
  progress?: StepProgress;
}

export async function rewriteAll(step: StepOf<'migrate'>, { world, halt, from, told }: Rewriting): Promise<Rewritten> {
  const writer = politely(step, world, halt);
  let [done, certain, next] = [0, from, undefined as string | undefined];
  try {
    do {
      const page = await again(() => world.page(step.of, next), halt);
      if (!page) break;
      const open = page.objects.filter((object) => from === undefined || keyOf(object) > from);
      done += page.objects.length - open.length;
      const of = done + open.length + page.left;
      let trouble: Text | undefined;
      const written = open.map(() => false);
      let [begun, low, stopped] = [0, 0, false];
      const writeOne = async (at: number) => {
        const failed = await writer(open[at]!);
        if (failed) {
          stopped = true;
          if (failed !== 'halted') trouble ??= failed;
          return;
        }
        written[at] = true;
        done++;
        while (written[low]) certain = keyOf(open[low++]!);
        await told({ done, of, ...(certain === undefined ? {} : { now: certain }) });
      };
      const worker = async () => {
        try {
          for (let at = begun++; at < open.length && !halt.aborted && !stopped; at = begun++) await writeOne(at);
        } catch (error) {
          // The journal could not be written: nothing more is sent.
          stopped = true;
          throw error;
        }
      };
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, open.length) }, worker));
      if (trouble || halt.aborted) return { trouble, progress: certain === undefined ? undefined : { done, of, now: certain } };
      next = page.next;
    } while (next);
    return { progress: certain === undefined ? undefined : { done, of: done, now: certain } };
  } catch (error) {
    if (!(error instanceof WorldError)) throw error;
    return { trouble: troubleWith(error), progress: certain === undefined ? undefined : { done, of: done, now: certain } };
  }
}

/** In the order of the keys in etcd: `NAMESPACE/NAME`, bytes of ASCII. */
function keyOf(object: Raw): string {
  const { namespace, name } = refOf(object);
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Writes one object; undefined: it is written. While the server throttles, all of them rest. */
function politely(step: StepOf<'migrate'>, world: Rewriting['world'], halt: AbortSignal) {
  let resting: Promise<void> | undefined;
  let rests = 0;
  return async (object: Raw): Promise<Text | 'halted' | undefined> => {
    const on = refOf(object);
    for (let tries = 0; ; ) {
      await resting;
      if (halt.aborted) return 'halted';
      try {
        await world.write({
          ...{ verb: 'patch', on },
          ...(step.status ? { subresource: 'status' } : {}),
          patch: on.uid === undefined ? [] : [{ op: 'test', path: '/metadata/uid', value: on.uid }],
        });
        rests = 0;
        return undefined;
      } catch (error) {
        if (!(error instanceof WorldError)) throw error;
        // Deleted, or replaced by another one, which was stored in the storage version. While it is the same object, it is not certain that it was written.
        if ((error.kind === 'missing' || error.kind === 'conflict') && (await isGone(on, world))) return undefined;
        const isThrottled = error.kind === 'throttled';
        const isFinal = error.kind === 'forbidden' || error.kind === 'refused' || error.kind === 'blocked';
        if (isThrottled ? ++rests > THROTTLED : isFinal || ++tries >= LOOKS) return about(on, error);
        if (isThrottled) {
          resting ??= pause(RELIEF, halt).finally(() => {
            resting = undefined;
          });
        } else await pause(PAUSE * 2 ** (tries - 1), halt);
      }
    }
  };
}

/** What cannot be seen now is not gone. */
async function isGone(on: Ref, world: Pick<World, 'get'>): Promise<boolean> {
  try {
    const now = await world.get(on);
    return !now || (on.uid !== undefined && refOf(now).uid !== on.uid);
  } catch (error) {
    if (error instanceof WorldError) return false;
    throw error;
  }
}

const about = (on: ReturnType<typeof refOf>, error: WorldError): Text => {
  const [name, why] = [describe(on), troubleWith(error)];
  return { en: `${name}: ${why.en}`, zh: `${name}：${why.zh}` };
};

/** A page, asked for again where the server is away for a moment; undefined: halted. */
async function again<T>(ask: () => Promise<T>, halt: AbortSignal): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    if (halt.aborted) return undefined;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof WorldError) || tries >= LOOKS || error.kind === 'forbidden' || error.kind === 'refused') throw error;
      await pause(error.kind === 'throttled' ? RELIEF : PAUSE * 2 ** tries, halt);
    }
  }
}

async function pause(ms: number, halt: AbortSignal): Promise<void> {
  await sleep(paced(ms), undefined, { signal: halt }).catch(() => undefined);
}
