// A drain step: a Node is cordoned, and its Pods are asked to go by way of their PodDisruptionBudgets (engine/drain.ts). Undone, it is uncordoned; its Pods run elsewhere by then.
// Source: kubectl pkg/drain (what is evicted: not what DaemonSets or the kubelet itself would only make again).
import { isRaw } from '../../kube/json.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { shellWord } from '../../text/shell.ts';
import type { Condition, Raw, Ref, StepKind, StepOf, Text, World } from '../contracts.ts';
import { brokenGuard, conditionLines, pending } from './conditions.ts';
import { identity, isGone, isLeaving, metadataOf, ownersOf, uidOf, versionOf } from './objects.ts';

type DrainStep = StepOf<'drain'>;

const CORDONED = '/spec/unschedulable';
const MIRROR = 'kubernetes.io/config.mirror';

export const drain: StepKind<DrainStep> = {
  preview: ({ on, within, unless = [] }) => [
    ...(unless.length ? [skipped(unless)] : []),
    {
      en: `cordons Node ${on.name}, then evicts its Pods within ${within} s`,
      zh: `封锁 Node ${on.name}，然后在 ${within} 秒内驱逐其上的 Pod`,
    },
  ],
  // Not --force: it would delete every Pod without a controller, also those that were not accepted.
  commands: ({ on, within, lose = [] }) => [
    ...(lose.length ? [`kubectl cordon ${shellWord(on.name)}`] : []),
    ...lose.map(deleted),
    `kubectl drain ${shellWord(on.name)} --ignore-daemonsets --delete-emptydir-data --timeout=${within}s`,
  ],
  look: async (step, world) => {
    const now = await world.get(step.on);
    if (isGone(now, step.on)) return { is: 'obsolete', because: { en: 'the Node is gone', zh: '该 Node 已不存在' } };
    const broken = await brokenGuard(step.guard, world, now, step.on);
    if (broken) return { is: 'obsolete', because: broken };
    if (step.unless?.length && !(await pending(step.unless, world))) return { is: 'done', now, because: skipped(step.unless) };
    if (pointerGet(now, CORDONED) !== true) return { is: 'to-do', now };
    return (await evictable(step.on, world)).length ? { is: 'to-do', now } : { is: 'done', now };
  },
  write: ({ on }, now) => ({
    verb: 'patch',
    on: { ...on, uid: uidOf(now) },
    patch: [
      { op: 'test', path: '/metadata/uid', value: uidOf(now) ?? null },
      { op: 'test', path: '/metadata/resourceVersion', value: versionOf(now) ?? null },
      { op: 'add', path: CORDONED, value: true },
    ],
  }),
  remember: (object) => object && { ...identity(object)!, spec: { unschedulable: pointerGet(object, CORDONED) ?? false } },
  inverse: ({ id, text, after, reasons, on }, before) => {
    if (before && pointerGet(before, CORDONED) === true)
      return { none: { en: 'the Node was cordoned before', zh: '该 Node 此前已处于封锁状态' } };
    return {
      ...{ id, text, after, reasons, guard: [], undo: 'exact', do: 'patch' },
      on: { ...on, uid: on.uid ?? uidOf(before) },
      changes: [{ path: CORDONED, before: true }],
    };
  },
};

/** What the Node would be drained for is there. */
function skipped(unless: readonly Condition[]): Text {
  const lines = unless.flatMap(conditionLines);
  return {
    en: `skipped if ${lines.map(({ en }) => en).join('; ')}`,
    zh: `满足以下条件时跳过：${lines.map(({ zh }) => zh).join('；')}`,
  };
}

/** What a person runs for a Pod without a controller; gone already is as good. */
export const deleted = ({ namespace = 'default', name }: Ref): string =>
  `kubectl delete pod -n ${shellWord(namespace)} ${shellWord(name)} --ignore-not-found`;

export const isCordoned = (node: Raw | undefined): boolean => node !== undefined && pointerGet(node, CORDONED) === true;

/** What a drain has to wait for: also Pods that are on their way out. */
export async function evictable({ name }: Ref, world: Pick<World, 'select'>): Promise<Raw[]> {
  const pods = await world.select({ apiVersion: 'v1', kind: 'Pod', fields: `spec.nodeName=${name}` });
  return pods.filter((pod) => {
    const { annotations } = metadataOf(pod);
    if (isRaw(annotations) && MIRROR in annotations) return false;
    return (
      isLeaving(pod) || !ownersOf(pod).some(({ kind, controller }) => controller === true && (kind === 'DaemonSet' || kind === 'Node'))
    );
  });
}
