// Where a Pod could go when its Node is drained, as far as its own words decide: node selector and affinity, taints, volumes, host ports, anti-affinity and spread by hostname.
// Source: kube-scheduler's filters (nodeaffinity, tainttoleration, volumebinding, nodeports, interpodaffinity, podtopologyspread). Room (requests) is not counted.
import type { Json } from '../engine/contracts.ts';
import { selects } from './budgets.ts';
import { isRaw } from './json.ts';
import { HOSTNAME } from './nodes.ts';
import { type Taint, type Toleration, tolerates } from './taints.ts';

export interface Place {
  name: string;
  labels: Record<string, string>;
  cordoned: boolean;
  taints: readonly Taint[];
}
export interface Placed {
  namespace: string;
  node: string;
  labels: Record<string, string>;
  /** spec.nodeSelector. */
  selector: Record<string, string>;
  /** nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution; of its volumes spec.nodeAffinity.required. */
  affinity: Json | undefined;
  volumes: readonly Json[];
  tolerations: readonly Toleration[];
  /** `80/TCP`. */
  ports: readonly string[];
  /** podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution. */
  apart: Json | undefined;
  spread: Json | undefined;
}
export type Leads = Pick<Placed, 'affinity' | 'selector' | 'tolerations' | 'volumes'>;
/** What leaves no Node but its own. */
export type Bound = 'volume' | 'node' | 'port' | 'apart' | 'spread';

/** Of each Pod what binds it; undefined: there is another Node. `all`: every Pod on a Node. Pods with the same words are many: where these lead is found out once. */
export function placement(places: readonly Place[], all: (node: string) => readonly Placed[]): (pod: Placed) => Bound | undefined {
  const lead = leading(places);
  return (pod) => {
    const eligible = lead(pod);
    const isOther = ({ name }: Place) => name !== pod.node;
    const isFree = ({ name }: Place) => !pod.ports.some((port) => all(name).some((other) => other.ports.includes(port)));
    const isLonely = ({ name }: Place) => !all(name).some((other) => keptApart(pod, other));
    // Mostly the first one will do.
    if (pod.spread === undefined && eligible.some((place) => isOther(place) && isFree(place) && isLonely(place))) return undefined;
    const others = eligible.filter(isOther);
    if (!others.length) return lead({ ...pod, volumes: [] }).some(isOther) ? 'volume' : 'node';
    const free = others.filter(isFree);
    if (!free.length) return 'port';
    const lonely = free.filter(isLonely);
    if (!lonely.length) return 'apart';
    return lonely.some((place) => evenly(pod, place, others, all)) ? undefined : 'spread';
  };
}

/** The open Nodes that a Pod's own words and its volumes allow; the same list for the same words. */
export function leading(places: readonly Place[]): (pod: Leads) => readonly Place[] {
  const open = places.filter(({ cordoned }) => !cordoned);
  const known = new Map<string, readonly Place[]>();
  return ({ affinity, selector, tolerations, volumes }) => {
    const words = JSON.stringify([affinity, selector, tolerations, volumes]);
    const found =
      known.get(words) ??
      open.filter(
        (place) =>
          reaches(affinity, place) &&
          hasAll(selector, place.labels) &&
          allowed(tolerations, place) &&
          volumes.every((volume) => reaches(volume, place)),
      );
    known.set(words, found);
    return found;
  };
}

const hasAll = (wanted: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

const allowed = (tolerations: readonly Toleration[], { taints }: Place): boolean =>
  taints.every((taint) => taint.effect === 'PreferNoSchedule' || tolerates(tolerations, taint));

/** A required node affinity: one of its terms holds. Without one, everywhere. */
function reaches(affinity: Json | undefined, { name, labels }: Place): boolean {
  const terms = isRaw(affinity) && Array.isArray(affinity.nodeSelectorTerms) ? affinity.nodeSelectorTerms.filter(isRaw) : [];
  if (!terms.length) return true;
  return terms.some(
    ({ matchExpressions = [], matchFields = [] }) =>
      selects({ matchExpressions }, labels) && selects({ matchExpressions: matchFields }, { 'metadata.name': name }),
  );
}

function keptApart(pod: Placed, other: Placed): boolean {
  const terms = Array.isArray(pod.apart) ? pod.apart.filter(isRaw) : [];
  return terms.some(
    ({ topologyKey, labelSelector = null, namespaces }) =>
      topologyKey === HOSTNAME &&
      (Array.isArray(namespaces) && namespaces.length ? namespaces.includes(other.namespace) : other.namespace === pod.namespace) &&
      selects(labelSelector, other.labels),
  );
}

/** With the Pod moved there, no hostname has more than maxSkew more than the one with the fewest; the drained Node counts, with one less. */
function evenly(pod: Placed, to: Place, eligible: readonly Place[], all: (node: string) => readonly Placed[]): boolean {
  const constraints = Array.isArray(pod.spread) ? pod.spread.filter(isRaw) : [];
  return constraints.every(({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector = null }) => {
    if (topologyKey !== HOSTNAME || whenUnsatisfiable !== 'DoNotSchedule') return true;
    const on = (node: string) =>
      all(node).filter((other) => other.namespace === pod.namespace && selects(labelSelector, other.labels)).length;
    const fewest = Math.min(on(pod.node) - 1, ...eligible.map(({ name }) => on(name)));
    return on(to.name) + 1 - fewest <= (typeof maxSkew === 'number' ? maxSkew : 1);
  });
}
