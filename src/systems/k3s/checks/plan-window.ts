// spec.window of a Plan: values that the controller cannot read make the Plan invalid, controllers before v0.15.0 ignore it, and it says when an upgrade may begin, not when it ends.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (Validate), pkg/upgrade/handle_upgrade.go (the window is looked at while status.applying is empty), pull request 335, issue 342.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, PointRead, Text } from '../../../engine/contracts.ts';
import { isGap, seen } from '../../../engine/gaps.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { atLeast, controllerIn, DEPLOYMENTS } from '../controller.ts';
import { pendingOf, planName, upgradesK3s } from '../plans.ts';
import { nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes: { ...nodes, optional: true } as const, plans };
type Is = 'invalid' | 'ignored' | 'runs-on';
interface Args {
  is: Is;
  plan: string;
  value: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-window',
  title: { en: 'Plans have a window that takes effect', zh: 'Plan 的时间窗口有效' },
  headline: { en: 'spec.window of Plans does not work as written', zh: 'Plan 的 spec.window 不会按预期生效' },
  page: {
    impact: {
      en: 'With a window that it cannot read the controller rejects the Plan, and nothing happens; controllers before v0.15.0 ignore it and begin at once. An upgrade that has begun runs past the end of its window until all Nodes are through.',
      zh: '控制器无法解析时间窗口时会拒绝该 Plan，不会有任何动作；v0.15.0 之前的控制器会忽略时间窗口并立即开始。已开始的升级会越过时间窗口的结束时间，直到全部节点完成。',
    },
    detection: {
      en: 'Reads spec.window of Plans that still have Nodes to upgrade: days, times such as 22:00 or 10pm, and the time zone; and the version of the controller.',
      zh: '读取仍有节点未升级的 Plan 的 spec.window：日期、时间（例如 22:00 或“10pm”）和时区，以及控制器的版本。',
    },
    fix: {
      en: 'manual: correct spec.window, or upgrade the controller. To end in time, delete the Plan when one Node is done and the next has not started.',
      zh: '手动：修正 spec.window，或升级控制器。如需按时结束，请在一个节点完成、下一个节点开始之前删除该 Plan。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/plan/plan.go, pkg/upgrade/handle_upgrade.go',
    'rancher/system-upgrade-controller: pull request 335, issue 342',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [DEPLOYMENTS] satisfies PointRead[],
  judge: async (rows, { look }) => {
    const found: Finding<Args>[] = [];
    for (const plan of rows.plans.filter(upgradesK3s)) {
      if (!plan.window || (!isGap(rows.nodes) && !pendingOf(plan, seen(rows.nodes)).length)) continue;
      const wrong = wrongIn(plan.window);
      if (wrong !== undefined) {
        found.push(told(plan, 'invalid', wrong));
        continue;
      }
      const controller = await controllerIn(plan.ref.namespace ?? '', look);
      const old = controller?.version !== undefined && !atLeast(controller, SINCE);
      found.push(told(plan, old ? 'ignored' : 'runs-on', old ? controller.version! : `${plan.window.start} - ${plan.window.end}`));
    }
    return found;
  },
  say: ({ is, plan, value }) => SAID[is](plan, value),
};
export default check;

const SINCE = '0.15.0';
const DAYS =
  /^(?:su|mo|tu|we|th|fr|sa|sun|mon|tue|wed|thu|fri|sat|tues|thur|thurs|sunday|monday|tuesday|wednesday|thursday|friday|saturday|[0-6])$/i;
const TIME = /^(?:\d{1,2}(?::\d{2}(?::\d{2})?)?|\d{1,2}(?::\d{2})? ?[ap]m)$/i;

/** The first value that cannot be read. */
function wrongIn({ days, start, end, zone }: NonNullable<PlanRow['window']>): string | undefined {
  return (
    days.find((day) => !DAYS.test(day)) ??
    [start, end].find((time) => time && !TIME.test(time)) ??
    (zone && !isZone(zone) ? zone : undefined)
  );
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const told = (plan: PlanRow, is: Is, value: string): Finding<Args> =>
  finding<Args>({
    ...{ severity: is === 'invalid' ? 'blocker' : is === 'ignored' ? 'warning' : 'notice', key: [planName(plan), is] },
    ...{
      certainty: is === 'invalid' ? 'high' : 'certain',
      objects: [plan.ref],
      args: { is, plan: planName(plan), value: oneLine(value, 100) },
    },
    evidence: [{ seen: `spec.window: ${oneLine(value, 100)}` }],
  });

const SAID: Record<Is, (plan: string, value: string) => Text> = {
  invalid: (plan, value) => ({
    en: `Plan ${plan} has "${value}" in spec.window, which cannot be read: the controller rejects the Plan`,
    zh: `Plan ${plan} 的 spec.window 中的“${value}”无法解析：控制器会拒绝该 Plan`,
  }),
  ignored: (plan, value) => ({
    en: `Plan ${plan} has spec.window, which controller v${value} ignores: it begins at once`,
    zh: `Plan ${plan} 设置了 spec.window，但控制器 v${value} 会忽略它并立即开始`,
  }),
  'runs-on': (plan, value) => ({
    en: `Plan ${plan} begins within ${value}, and runs past the end until all Nodes are through`,
    zh: `Plan ${plan} 在时间窗口 ${value} 内开始，会越过结束时间直到全部节点完成`,
  }),
};
