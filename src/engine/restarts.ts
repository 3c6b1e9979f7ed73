// Restarts of containers while a person upgrades what runs them: how often each had restarted before the step goes into the journal, and is compared once the step is seen to be done.
// Source: status.containerStatuses[].restartCount, which a kubelet counts up; a Pod that was replaced meanwhile has another uid and did not restart.
import { isRaw } from '../kube/json.ts';
import { pointerGet } from '../kube/pointer.ts';
import { refOf } from '../kube/refs.ts';
import type { Json, Raw, StepOf, Text, World } from './contracts.ts';
import { each } from './each.ts';

export type Watched = StepOf<'manual'> & { restarts: NonNullable<StepOf<'manual'>['restarts']> };
export const isWatched = (step: StepOf<'manual'>): step is Watched => step.restarts !== undefined;

/** Containers that are named. */
const NAMED = 5;

/** The Node with the counts of the containers that are on it and the others, as the journal keeps it. Throws WorldError. */
export async function countsOn({ restarts: { on, others = [] } }: Watched, world: Pick<World, 'select'>): Promise<Raw> {
  const all = await each([on, ...others], ({ name }) => world.select({ apiVersion: 'v1', kind: 'Pod', fields: `spec.nodeName=${name}` }));
  const counts = all.flat().flatMap((pod) => {
    const { namespace = '', name, uid = '' } = refOf(pod);
    const statuses = pointerGet(pod, '/status/containerStatuses');
    return (Array.isArray(statuses) ? statuses.filter(isRaw) : []).map((status) => [
      `${uid} ${namespace}/${name} ${String(status.name)}`,
      typeof status.restartCount === 'number' ? status.restartCount : 0,
    ]);
  });
  const { apiVersion, kind, name, uid } = on;
  return { apiVersion, kind, metadata: { name, ...(uid ? { uid } : {}) }, counts: Object.fromEntries(counts) };
}

export interface Restarted {
  text: Text;
  /** Most containers restarted, and the step was not said to cause that: the next Node should not follow without a look. */
  stops: boolean;
}

/** undefined: just what was said. */
export function restartedSince({ restarts: { said, on, others = [] } }: Watched, before: Raw, now: Raw): Restarted | undefined {
  const [earlier, later] = [countsOf(before), countsOf(now)];
  const both = [...later].filter(([key]) => earlier.has(key));
  const restarted = both.filter(([key, count]) => count > earlier.get(key)!);
  const all = both.length;
  const nodes = others.length + 1;
  const where = nodes > 1 ? { en: `${nodes} Nodes`, zh: `${nodes} 个 Node` } : { en: `Node ${on.name}`, zh: `Node ${on.name}` };
  const counted = {
    en: `${restarted.length} of ${all} containers on ${where.en} restarted`,
    zh: `${where.zh} 上的 ${all} 个容器中有 ${restarted.length} 个重启`,
  };
  if (said)
    return all ? { stops: false, text: { en: `${counted.en}, as the step says`, zh: `${counted.zh}，与该步骤的说明一致` } } : undefined;
  if (!restarted.length) return undefined;
  const names = restarted.slice(0, NAMED).map(([key, count]) => `${key.split(' ').slice(1).join(' ')} (${earlier.get(key)} → ${count})`);
  const more = restarted.length - names.length;
  return {
    stops: restarted.length * 2 > all,
    text: {
      en: `${counted.en}, which this step does not cause: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
      zh: `${counted.zh}，该步骤不会导致重启：${names.join('、')}${more > 0 ? ` 等 ${restarted.length} 个` : ''}`,
    },
  };
}

const countsOf = ({ counts }: Raw): Map<string, number> =>
  new Map(isRaw(counts) ? Object.entries(counts).filter((entry): entry is [string, number & Json] => typeof entry[1] === 'number') : []);
