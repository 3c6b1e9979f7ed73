// What a drain of Nodes meets: PodDisruptionBudgets that let no Pod go, Pods that kubectl drain refuses to evict, and how long it tries.
// Sources: kubernetes staging/src/k8s.io/kubectl/pkg/drain (filters, evictPods retries a refused eviction every 5 s until its timeout); system-upgrade-controller pkg/upgrade/job/job.go.
import type { Json, Ref } from '../../engine/contracts.ts';
import { keptOf, selectorOf, selects } from '../../kube/budgets.ts';
import type { Budget, WorkloadRow } from './reads.ts';

export interface Blocking {
  budget: Ref;
  /** Pods that it selects, how many of them are ready, and how many must stay. */
  pods: number;
  ready: number;
  kept: number;
}

/** Budgets that refuse every eviction from these Nodes as things stand; counted from the Pods, since the status of a budget may be stale. */
export function blockingOn(nodes: ReadonlySet<string>, workloads: readonly WorkloadRow[], budgets: readonly Budget[]): Blocking[] {
  const byNamespace = Map.groupBy(workloads, ({ ref }) => ref.namespace);
  return budgets.flatMap(({ ref, selector, least, most }) => {
    const selected = (byNamespace.get(ref.namespace) ?? []).filter(({ labels }) => selects(selectorOf(ref, selector), labels));
    if (!selected.some(({ node, daemon }) => !daemon && nodes.has(node))) return [];
    const kept = keptOf(selected.length, least, most);
    const ready = selected.filter((pod) => pod.ready).length;
    return ready > kept ? [] : [{ budget: ref, pods: selected.length, ready, kept }];
  });
}

const UNITS: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;

/** Seconds of a duration as Go writes it; a number counts nanoseconds. undefined: none, or not one. */
export function secondsOf(duration: Json | undefined): number | undefined {
  if (typeof duration === 'number') return duration / 1e9;
  if (typeof duration !== 'string' || !DURATION.test(duration)) return undefined;
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit!]!, 0);
}
