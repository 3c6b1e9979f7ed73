// Guards: conditions that say why a step is wanted, read again at the last moment.
import { isDeepStrictEqual } from 'node:util';
import { pointerGet } from '../../kube/pointer.ts';
import type { Condition, Raw, Ref, Text, World } from '../contracts.ts';

/** The first condition that no longer holds, in words; undefined: all hold. `now` is what was just read of `on`, so that it is not read twice. */
export async function brokenGuard(guard: Condition[], world: World, now: Raw | undefined, on: Ref | undefined): Promise<Text | undefined> {
  for (const condition of guard) {
    const object = on && same(condition.on, on) ? now : await world.get(condition.on);
    const broken = brokenBy(condition, object);
    if (broken) return broken;
  }
  return undefined;
}

/** Whether every condition holds. */
export async function holds(conditions: Condition[], world: World): Promise<boolean> {
  return (await brokenGuard(conditions, world, undefined, undefined)) === undefined;
}

const same = (a: Ref, b: Ref): boolean =>
  a.kind === b.kind && a.apiVersion === b.apiVersion && a.namespace === b.namespace && a.name === b.name;

function brokenBy({ on, must }: Condition, object: Raw | undefined): Text | undefined {
  const name = `${on.kind} ${on.namespace ? `${on.namespace}/` : ''}${on.name}`;
  if (must === 'be-gone') return object && { en: `${name} is there again`, zh: `${name} 又出现了` };
  if (!object) return { en: `${name} is gone`, zh: `${name} 已不存在` };
  if (must === 'exist') return undefined;
  const off = must.find(({ path, is }) => !isDeepStrictEqual(pointerGet(object, path), is));
  return off && { en: `${off.path} of ${name} has changed since`, zh: `${name} 的 ${off.path} 已被改动` };
}
