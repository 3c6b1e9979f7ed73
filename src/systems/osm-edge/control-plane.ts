// The Pods of the control plane as checks see them: whose they are, what their containers wait for or ended with, and where they could not be scheduled.
// Source: charts/osm/templates at every tag (labels); k8s.io/api core/v1 types.go (ContainerState).
import type { RowOf } from '../../engine/contracts.ts';
import { each, label, list, number, where, word } from '../../engine/read/index.ts';

const STATUS = {
  name: word('name', ''),
  waiting: word('state.waiting.reason'),
  exit: number('lastState.terminated.exitCode'),
};
const POD = {
  app: label('app'),
  phase: word('status.phase'),
  deleted: word('metadata.deletionTimestamp'),
  containers: each('status.containerStatuses', STATUS),
  inits: each('status.initContainerStatuses', STATUS),
  conditions: each('status.conditions', {
    scheduled: where('type', 'PodScheduled', word('message', '')),
    ready: where('type', 'Ready', word('status', '')),
  }),
};
/** Those of every mesh. */
export const controlPods = list('pods', POD, { labels: 'app.kubernetes.io/name=openservicemesh.io' });
export type ControlPod = RowOf<typeof POD>;

export const isAlive = ({ phase, deleted }: ControlPod): boolean => phase !== 'Succeeded' && phase !== 'Failed' && !deleted;
/** What the scheduler said of a Pod that waits; '' where it does not. */
export const unscheduled = ({ conditions }: ControlPod): string => conditions.map(({ scheduled }) => scheduled).find(Boolean) ?? '';

/** Why it is not ready: the first container that says so, as kubectl get pods has it. */
export function troubleOf(pod: ControlPod): { container: string; reason: string } | undefined {
  const waiting = [...pod.inits, ...pod.containers].find(({ waiting }) => waiting && waiting !== 'PodInitializing');
  return waiting && { container: waiting.name, reason: waiting.waiting! };
}
