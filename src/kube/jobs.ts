// Jobs and the containers of their Pods: how they ended, or why they do not get on.
import type { Raw } from '../engine/contracts.ts';
import { isRaw } from './json.ts';
import { textAt, timeAt } from './nodes.ts';
import { pointerGet } from './pointer.ts';

export interface JobEnd {
  how: 'complete' | 'failed';
  /** ms. */
  at?: number;
  reason: string;
}

/** undefined: it has not ended. */
export function jobEnd(job: Raw): JobEnd | undefined {
  const conditions = pointerGet(job, '/status/conditions');
  for (const condition of (Array.isArray(conditions) ? conditions : []).filter(isRaw)) {
    const { type, status } = condition;
    if (status !== 'True' || (type !== 'Complete' && type !== 'Failed')) continue;
    return {
      how: type === 'Complete' ? 'complete' : 'failed',
      at: timeAt(condition, '/lastTransitionTime'),
      reason: textAt(condition, '/reason') ?? '',
    };
  }
  return undefined;
}

/** ms. Without `startedAt` it has not run; without `finishedAt` it runs. */
export interface ContainerState {
  name: string;
  image: string;
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  /** Why it waits. */
  waiting?: string;
}

/** `list`: containerStatuses or initContainerStatuses. */
export function containerStates(pod: Raw, list: 'containerStatuses' | 'initContainerStatuses'): ContainerState[] {
  const statuses = pointerGet(pod, `/status/${list}`);
  return (Array.isArray(statuses) ? statuses : []).filter(isRaw).map((status) => {
    const exitCode = pointerGet(status, '/state/terminated/exitCode');
    return {
      name: textAt(status, '/name') ?? '',
      image: textAt(status, '/image') ?? '',
      startedAt: timeAt(status, '/state/terminated/startedAt') ?? timeAt(status, '/state/running/startedAt'),
      finishedAt: timeAt(status, '/state/terminated/finishedAt'),
      exitCode: typeof exitCode === 'number' ? exitCode : undefined,
      waiting: textAt(status, '/state/waiting/reason'),
    };
  });
}

/** Reasons of a container that waits and will not start until something is changed. */
const STUCK = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
]);
export const isStuck = ({ waiting }: ContainerState): boolean => waiting !== undefined && STUCK.has(waiting);
