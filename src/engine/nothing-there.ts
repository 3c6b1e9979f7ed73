// A check that passes because there is nothing of what nearly every cluster has, Nodes or Pods, has seen nothing: that is counted, and said.
import type { Source, System } from './contracts.ts';
import type { Examination } from './examine.ts';
import { listsIn } from './gather.ts';

/** What nearly every cluster has: a check that passes without any has seen nothing. */
const USUAL: Record<string, string> = { nodes: 'Node', pods: 'Pod' };

/** The same source, and how many objects there are of what is usual, as far as all of them are listed. */
export function counting(source: Source): [Source, Map<string, number>] {
  const counts = new Map<string, number>();
  const list: Source['list'] = async (query, sink) => {
    if (!(query.resource in USUAL) || query.labels) return source.list(query, sink);
    let count = 0;
    const gap = await source.list(query, {
      object: (object) => {
        count++;
        sink.object(object);
      },
      restart: () => {
        count = 0;
        sink.restart();
      },
    });
    if (!gap) counts.set(query.resource, count);
    return gap;
  };
  return [{ ...source, list }, counts];
}

export function withEmpty(examination: Examination, counts: ReadonlyMap<string, number>, systems: readonly System[]): Examination {
  const none = [...counts].flatMap(([resource, count]) => (count ? [] : [resource])).toSorted();
  if (!none.length) return examination;
  const reading = new Set<string>(
    systems.flatMap(({ checks }) =>
      checks.filter(({ reads }) => listsIn(reads as System['reads']).some(({ resource }) => none.includes(resource))).map(({ id }) => id),
    ),
  );
  const checks = examination.results.filter(({ id, outcome }) => outcome === 'passed' && reading.has(id)).length;
  return checks ? { ...examination, empty: { kinds: none.map((resource) => USUAL[resource]!), checks } } : examination;
}
