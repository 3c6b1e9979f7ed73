// Point reads as a check sees them: only of what it declared, and of that only the declared fields.
import { picker } from '../kube/fields.ts';
import { groupOf, keyOf } from '../kube/refs.ts';
import type { Field, Gap, PointRead, PointReader, QuickReader, QuickSource, Raw, Reads, Ref, Source } from './contracts.ts';
import { columnsOf } from './declarations.ts';
import { isGap } from './gaps.ts';
import type { Bodies } from './gather.ts';

/** Point reads for one owner: what was not declared is a bug of ours, and is not handed on; what could not be seen counts as the owner's gap. `saw`: gets each object as it is. `bodies`: what was read whole, for what is read once. */
export function noting(
  source: Source,
  declared: readonly PointRead[],
  reads: Reads,
  gaps: Gap[],
  saw?: (object: Raw) => void,
  bodies?: Bodies,
): PointReader {
  const noted = noteIn(gaps);
  const narrow = narrowing(source, declared, reads);
  return {
    get: async (ref) => {
      const { narrowed, once } = await narrow(ref);
      const object = noted(await (once && bodies ? heldOr(source, ref, bodies) : source.get(ref)));
      if (!object || isGap(object)) return object;
      saw?.(object);
      return narrowed(object);
    },
    log: async (pod, container, lastBytes) => {
      if (!declared.some(({ verb }) => verb === 'log')) throw new Error('reads logs although its point reads do not declare it');
      return noted(await source.log(pod, container, lastBytes));
    },
  };
}

export function notingQuick(source: QuickSource, declared: readonly PointRead[], reads: Reads, gaps: Gap[]): QuickReader {
  return {
    ...noting(source, declared, reads, gaps),
    having: async (resource, field, value) => {
      if (!declared.some((each) => each.verb === 'list' && each.resource === resource))
        throw new Error(`lists ${resource} although its point reads do not declare it`);
      return noteIn(gaps)(await source.having(resource, field, value));
    },
  };
}

const noteIn =
  (gaps: Gap[]) =>
  <Answer>(answer: Answer): Answer => {
    if (isGap(answer)) gaps.push(answer);
    return answer;
  };

/** Read once for all who ask; only what is there is kept. */
async function heldOr(source: Source, ref: Ref, bodies: Bodies): Promise<Raw | undefined | Gap> {
  const key = keyOf(ref);
  const known = bodies.get(key);
  if (known && !isGap(known)) return known;
  const found = await source.get(ref);
  if (found && !isGap(found)) bodies.set(key, found);
  return found;
}

const parts = new WeakMap<Raw, Map<string, Raw>>();

/** The same part for all who ask, so that what they make of it can be made once. */
function pickedOnce(paths: readonly Field[]): (object: Raw) => Raw {
  const [key, pick] = [paths.join(), picker(paths)];
  return (object) => {
    const known = parts.get(object) ?? new Map<string, Raw>();
    parts.set(object, known);
    const part = known.get(key) ?? pick(object);
    known.set(key, part);
    return part;
  };
}

interface Narrow {
  narrowed(object: Raw): Raw;
  once: boolean;
}

/** By kind: the projection onto what was declared of its resource. */
function narrowing(source: Source, declared: readonly PointRead[], reads: Reads): (ref: Ref) => Promise<Narrow> {
  const known = new Map<string, Promise<Narrow>>();
  const find = async (ref: Ref): Promise<Narrow> => {
    const gets = Map.groupBy(
      declared.filter(({ verb = 'get' }) => verb === 'get'),
      ({ resource }) => resource,
    );
    for (const [resource, points] of gets) {
      const api = await source.resource(resource);
      const isIt = api && !isGap(api) ? api.kind === ref.kind && api.group === groupOf(ref.apiVersion) : false;
      // Not installed, or discovery failed: nothing to compare with, and the read will say so.
      if (!api || isGap(api)) return { narrowed: (object) => object, once: false };
      if (!isIt) continue;
      const paths = points.flatMap((point) => columnsOf(point, reads).flatMap(({ paths }) => paths));
      const once = points.every(({ once }) => once === true);
      return { narrowed: once ? pickedOnce(paths) : picker(paths), once };
    }
    throw new Error(`reads ${ref.kind} although its point reads do not declare it`);
  };
  return (ref) => {
    const key = `${groupOf(ref.apiVersion)}/${ref.kind}`;
    const before = known.get(key) ?? find(ref);
    known.set(key, before);
    return before;
  };
}
