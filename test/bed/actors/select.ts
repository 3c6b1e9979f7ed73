// Which labels a selector wants, and which Node a Pod may run on: as much of the scheduler as fake Nodes need.
import type { Body } from '../client.ts';

type Labels = Record<string, string>;
interface Requirement {
  key: string;
  operator: string;
  values?: string[];
}
export interface Selector {
  matchLabels?: Labels;
  matchExpressions?: Requirement[];
}

/** A LabelSelector. An empty one selects all, none at all selects nothing. */
export function selects(selector: Selector | undefined, labels: Labels = {}): boolean {
  if (!selector) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every((each) => meets(labels, each))
  );
}

function meets(labels: Labels, { key, operator, values = [] }: Requirement): boolean {
  const value = labels[key];
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  // NotIn also holds where the label is missing.
  const isIn = value !== undefined && values.includes(value);
  if (operator === 'In') return isIn;
  if (operator === 'NotIn') return !isIn;
  throw new Error(`the scheduler of the test bed does not know the operator ${operator}`);
}

/** The name of the Node with the fewest Pods that can take it; else why none can, as the scheduler words it. `pods`: all that are bound to these Nodes and not over. */
export function placeFor(pod: Body, nodes: Body[], pods: { pod: Body; node: string }[]): { node: string } | { why: string } {
  const reasons = new Map<string, number>();
  const fitting: { name: string; load: number }[] = [];
  for (const node of nodes) {
    const theirs = pods.filter((each) => each.node === node.metadata.name).map((each) => each.pod);
    const hinders = hindrance(pod, node, theirs);
    if (hinders) reasons.set(hinders, (reasons.get(hinders) ?? 0) + 1);
    else fitting.push({ name: node.metadata.name, load: theirs.length });
  }
  const [best] = fitting.sort((a, b) => a.load - b.load || a.name.localeCompare(b.name));
  if (best) return { node: best.name };
  return { why: `0/${nodes.length} nodes are available: ${[...reasons].map(([reason, count]) => `${count} ${reason}`).join(', ')}.` };
}

function hindrance(pod: Body, node: Body, theirs: Body[]): string | undefined {
  const { unschedulable, taints = [] } = node.spec;
  const wanted: Body[] = pod.spec.tolerations ?? [];
  const bad = taints.find((taint: Body) => taint.effect !== 'PreferNoSchedule' && !wanted.some((each) => tolerates(each, taint)));
  if (bad && bad.key !== UNSCHEDULABLE.key) return `node(s) had untolerated taint {${bad.key}: ${bad.value ?? ''}}`;
  if (unschedulable && !wanted.some((each) => tolerates(each, UNSCHEDULABLE))) return 'node(s) were unschedulable';
  if (!wantsNode(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  const taken = new Set(theirs.flatMap(hostPorts));
  if (hostPorts(pod).some((port) => taken.has(port))) return "node(s) didn't have free ports for the requested pod ports";
  if (theirs.some((other) => repels(pod, other))) return "node(s) didn't match pod anti-affinity rules";
  return undefined;
}

export const UNSCHEDULABLE = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function tolerates({ key, operator = 'Equal', value = '', effect }: Body, taint: Body): boolean {
  if (effect && effect !== taint.effect) return false;
  if (operator === 'Exists') return !key || key === taint.key;
  return key === taint.key && value === (taint.value ?? '');
}

function wantsNode(pod: Body, node: Body): boolean {
  const labels = node.metadata.labels ?? {};
  if (!selects({ matchLabels: pod.spec.nodeSelector ?? {} }, labels)) return false;
  const terms: Body[] | undefined = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  // A DaemonSet's Pod names its Node in matchFields.
  return (
    !terms ||
    terms.some((term) => selects(term, labels) && selects({ matchExpressions: term.matchFields }, { 'metadata.name': node.metadata.name }))
  );
}

const hostPorts = ({ spec }: Body): number[] =>
  spec.containers.flatMap(({ ports = [] }: Body) => ports.flatMap((port: Body) => port.hostPort ?? []));

/** Required anti-affinity of `pod`, over one Node at a time and in its own namespace. */
function repels(pod: Body, other: Body): boolean {
  const terms: Body[] = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.some(
    ({ topologyKey, labelSelector }) =>
      topologyKey === 'kubernetes.io/hostname' &&
      pod.metadata.namespace === other.metadata.namespace &&
      selects(labelSelector, other.metadata.labels),
  );
}
