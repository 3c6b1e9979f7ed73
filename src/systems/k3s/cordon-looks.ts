// The point reads behind nodes-cordoned-by-plan, each made once: Plans, Nodes, controllers and logs as they are now.
import type { PointReader, Raw, Ref } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { type Controller, controllerIn, type JobSettings, jobSettings } from './controller.ts';
import type { Trail } from './cordons.ts';
import { type PlanRow, planRow, type UpgradePod } from './reads.ts';

export interface Look {
  node(ref: Ref): Promise<Raw | undefined>;
  /** With its Plan as it is now, where only the Plan speaks; undefined: it has just gone, or cannot be seen. */
  again(trail: Trail): Promise<Trail | undefined>;
  controller(namespace: string): Promise<{ controller?: Controller; settings: JobSettings }>;
  log(pod: UpgradePod, container: string): Promise<string | undefined>;
  logOf(pod: Ref, container: string): Promise<string | undefined>;
  upgradeLog(pod: UpgradePod): Promise<string | undefined>;
}

/** Bytes of a log's end; kubectl drain tells a line for every Pod that it waits for, after the one that matters. */
const LOG_BYTES = 64 * 1024;

export function onceEach(ask: PointReader): Look {
  const once = <Answer>(known: Map<string, Promise<Answer>>, key: string, how: () => Promise<Answer>): Promise<Answer> => {
    const before = known.get(key);
    if (before) return before;
    const asked = how();
    known.set(key, asked);
    return asked;
  };
  const seen = async (ref: Ref): Promise<Raw | undefined> => {
    const object = await ask.get(ref);
    return isGap(object) ? undefined : object;
  };
  const planReads = new Map<string, Promise<Raw | undefined>>();
  const controllers = new Map<string, ReturnType<Look['controller']>>();
  const logs = new Map<string, Promise<string | undefined>>();
  const logOf = (pod: Ref, container: string) =>
    once(logs, `${pod.namespace}/${pod.name}/${container}`, async () => {
      const text = await ask.log(pod, container, LOG_BYTES);
      return typeof text === 'string' ? text : undefined;
    });
  return {
    node: seen,
    again: async (trail) => {
      const { plan, jobs: left, pods: alive } = trail;
      if (!plan || left.length || alive.length) return trail;
      const object = await once<Raw | undefined>(planReads, `${plan.ref.namespace}/${plan.ref.name}`, () => seen(plan.ref));
      return object && { ...trail, plan: planRow(object) satisfies PlanRow };
    },
    controller: (namespace) =>
      once(controllers, namespace, async () => {
        const controller = namespace ? await controllerIn(namespace, ask) : undefined;
        return { controller, settings: await jobSettings(controller, ask) };
      }),
    logOf,
    log: (pod, container) => logOf(pod.ref, container),
    upgradeLog: (pod) => logOf(pod.ref, 'upgrade'),
  };
}
