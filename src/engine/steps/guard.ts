// Conditions: why a step is wanted (guards, read again at the last moment) and what a wait waits for. A Ref with a uid means that very object.
import { deepEqual } from '../../kube/json.ts';
import { describe } from '../../kube/refs.ts';
import type { Condition, Expectation, Json, Raw, Ref, Text, World } from '../contracts.ts';
import { readerOf, show } from './fields.ts';
import { uidOf } from './objects.ts';

/** The first condition that no longer holds, in words; undefined: all hold. `now` is what was just read of `on`, so that it is not read twice. */
export async function brokenGuard(guard: Condition[], world: World, now: Raw | undefined, on: Ref | undefined): Promise<Text | undefined> {
  const broken = await firstBroken(guard, world, now, on);
  return broken && noLonger(broken);
}

/** The first condition that does not hold yet, in words; undefined: all hold. */
export async function pending(conditions: Condition[], world: World): Promise<Text | undefined> {
  const broken = await firstBroken(conditions, world, undefined, undefined);
  return broken && notYet(broken);
}

/** What does not hold: the object is there, it is not, or a field of it is off. */
type Broken = { on: Ref } & ({ is: 'there' | 'gone' } | { is: 'off'; field: Expectation; value: Json | undefined });

async function firstBroken(conditions: Condition[], world: World, now: Raw | undefined, on: Ref | undefined): Promise<Broken | undefined> {
  for (const condition of conditions) {
    const object = on && isSameName(condition.on, on) ? now : await world.get(condition.on);
    const broken = brokenBy(condition, object);
    if (broken) return broken;
  }
  return undefined;
}

const isSameName = (a: Ref, b: Ref): boolean =>
  a.kind === b.kind && a.apiVersion === b.apiVersion && a.namespace === b.namespace && a.name === b.name;

function brokenBy({ on, must }: Condition, found: Raw | undefined): Broken | undefined {
  const object = found && on.uid !== undefined && uidOf(found) !== on.uid ? undefined : found;
  if (must === 'be-gone') return object && { on, is: 'there' };
  if (!object) return { on, is: 'gone' };
  if (must === 'exist') return undefined;
  const reader = readerOf(object);
  const field = must.find((each) => {
    const value = reader.value(each);
    // Counts of nothing are left out of a status.
    if ('same' in each) return !deepEqual(value ?? 0, reader.value({ path: each.same }) ?? 0);
    if (!('isNot' in each)) return !reader.is(each, each.is);
    return value === undefined || deepEqual(value, each.isNot);
  });
  return field && { on, is: 'off', field, value: reader.value(field) };
}

function noLonger(broken: Broken): Text {
  const name = describe(broken.on);
  switch (broken.is) {
    case 'there':
      return { en: `${name} is there again`, zh: `${name} 又出现了` };
    case 'gone':
      return { en: `${name} is gone`, zh: `${name} 已不存在` };
    case 'off': {
      const path = pathOf(broken.field);
      return { en: `${path} of ${name} has changed since`, zh: `${name} 的 ${path} 已被改动` };
    }
  }
}

function notYet(broken: Broken): Text {
  const name = describe(broken.on);
  switch (broken.is) {
    case 'there':
      return { en: `${name} is still there`, zh: `${name} 仍然存在` };
    case 'gone':
      return { en: `${name} is not there`, zh: `${name} 不存在` };
    case 'off': {
      const path = pathOf(broken.field);
      const now = show(broken.value, 80);
      const { field } = broken;
      if ('same' in field) {
        return {
          en: `${path} of ${name} is ${now}, not yet what ${field.same} says`,
          zh: `${name} 的 ${path} 为 ${now}，尚未达到 ${field.same} 的值`,
        };
      }
      const wanted = show('isNot' in field ? field.isNot : field.is, 80);
      return 'isNot' in field
        ? {
            en: `${path} of ${name} is ${now}; it should be something other than ${wanted}`,
            zh: `${name} 的 ${path} 为 ${now}，应为 ${wanted} 以外的值`,
          }
        : { en: `${path} of ${name} is ${now}, not ${wanted}`, zh: `${name} 的 ${path} 为 ${now}，而不是 ${wanted}` };
    }
  }
}

export const pathOf = ({ path, inString }: { path: string; inString?: string }): string =>
  inString === undefined ? path : `${path} ${inString}`;
