// spec.drain.timeout as a number: the type of the field changed in v0.16.3. Newer controllers read a 32-bit integer, fail to decode the Plan, and with it the list of all Plans; older ones
// read nanoseconds. Sources: rancher/system-upgrade-controller pkg/apis/upgrade.cattle.io/v1/types.go@v0.16.2, @v0.16.3; seen with the real v0.20.1, which does nothing for any Plan then.
import type { Check, Finding, Json, PointRead } from '../../../engine/contracts.ts';
import { atLeast, controllerIn, DEPLOYMENTS } from '../controller.ts';
import { planName } from '../plans.ts';
import { type PlanRow, plans } from '../reads.ts';

const reads = { plans };
type Is = 'blinds' | 'short';
interface Args {
  plan: string;
  is: Is;
  timeout: number;
}
const INT32 = 2 ** 31 - 1;
const SECOND = 1_000_000_000;

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-drain-timeout',
  title: { en: 'spec.drain.timeout is a duration with a unit', zh: 'spec.drain.timeout 是带单位的时长' },
  headline: { en: 'spec.drain.timeout of Plans is a bare number', zh: 'Plan 的 spec.drain.timeout 是不带单位的数字' },
  page: {
    impact: {
      en: 'system-upgrade-controller v0.16.3 and newer cannot decode a number beyond 2147483647, and then process no Plan at all. A smaller number is taken as nanoseconds, so that the drain gives up at once.',
      zh: 'system-upgrade-controller v0.16.3 起无法解析大于 2147483647 的数字，此后不再处理任何 Plan。更小的数字会被当作纳秒，腾空会立即放弃。',
    },
    detection: {
      en: 'Reads spec.drain.timeout of every Plan, also of Plans that do not upgrade K3s, and the version of the controller of its namespace. Where that version is unknown, a newer controller is assumed, with less certainty.',
      zh: '读取每个 Plan（无论升级什么）的 spec.drain.timeout 以及其命名空间中控制器的版本。版本未知时按较新的控制器判断，可信度较低。',
    },
    fix: { en: 'manual: write the timeout as text with a unit, such as 10m.', zh: '手动：将超时写成带单位的文本，例如 10m。' },
  },
  sources: ['rancher/system-upgrade-controller: pkg/apis/upgrade.cattle.io/v1/types.go@v0.16.2, @v0.16.3'],
  applies: { stage: 'both' },
  reads,
  pointReads: [DEPLOYMENTS] satisfies PointRead[],
  judge: async (rows, { look }) => {
    const found = [];
    for (const plan of rows.plans) {
      const timeout = plan.drain?.timeout;
      if (typeof timeout !== 'number' || timeout === 0) continue;
      const controller = await controllerIn(plan.ref.namespace ?? '', look);
      const known = controller?.version !== undefined;
      if (timeout > INT32 && (!known || atLeast(controller, '0.16.3'))) found.push(finding(plan, 'blinds', timeout, known));
      else if (timeout < SECOND) found.push(finding(plan, 'short', timeout, true));
    }
    return found;
  },
  say: ({ plan, is, timeout }) =>
    is === 'blinds'
      ? {
          en: `Plan ${plan} has spec.drain.timeout ${timeout}, which the controller cannot decode: it processes no Plan any more`,
          zh: `Plan ${plan} 的 spec.drain.timeout 为 ${timeout}，控制器无法解析：不再处理任何 Plan`,
        }
      : {
          en: `Plan ${plan} has spec.drain.timeout ${timeout}, which is in nanoseconds: the drain gives up at once`,
          zh: `Plan ${plan} 的 spec.drain.timeout 为 ${timeout}，单位是纳秒：腾空会立即放弃`,
        },
};
export default check;

const finding = (plan: PlanRow, is: Is, timeout: Json, known: boolean): Finding<Args> => ({
  severity: is === 'blinds' ? 'blocker' : 'warning',
  key: [planName(plan), is],
  certainty: known ? 'certain' : 'medium',
  objects: [plan.ref],
  args: { plan: planName(plan), is, timeout: Number(timeout) },
  evidence: [{ seen: `spec.drain.timeout: ${timeout}`, at: plan.ref }],
});
