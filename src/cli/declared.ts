// A stored run does nothing that the checks it names never do: what lies on disk may have been changed since, by a user or by a fault.
import type { Rule, Run, Step, Text } from '../engine/contracts.ts';
import { isAllowed, rightOf } from '../engine/rights.ts';
import { ruleText } from '../kube/resources.ts';
import { CHECKS, SYSTEMS } from '../systems/index.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';

/** Throws UserError for a step that writes what no remedy of the run's checks declares; also where this build does not know the check that does. */
export function onlyDeclared(run: Run): (step: Step) => void {
  const checks = run.checks.map((id) => ({ id, remedy: CHECKS.find((check) => check.id === id)?.remedy }));
  const [verb, name] = run.what.split(' ');
  const system = verb === 'upgrade' ? SYSTEMS.find(({ id }) => id === name) : undefined;
  const upgrade = system?.stages ? system : undefined;
  const allowed = [...checks.flatMap(({ remedy }) => remedy?.writes ?? []), ...(upgrade?.writes ?? [])];
  const unknown = checks.filter(({ remedy }) => !remedy).map(({ id }) => id);
  // What is changed in files asks for no rights: it must be a field, and of a check that repairs manifests.
  if (run.cluster.uid.startsWith(FILES)) {
    return (step) => {
      const right = rightOf(step);
      if (step.do !== 'patch' || !CHECKS.some(({ id, inFiles }) => inFiles && run.checks.includes(id)))
        throw right ? beyond(run, step, right, unknown) : noUpgrade(run, step);
    };
  }
  return (step) => {
    const right = rightOf(step);
    if (step.do === 'helm' && !upgrade) throw noUpgrade(run, step);
    if (right && !isAllowed(right, allowed)) throw beyond(run, step, right, unknown);
  };
}

/** How the identity of manifests begins (fix -f). */
export const FILES = 'files-';
/** In the state directory: one lock for each set of manifests, by their identity. */
export const LOCKS = 'files-locks';

const RESTORE: Text = {
  en: 'the files of the run were changed: restore them from a backup, or finish manually ({tool} runs shows what was done)',
  zh: '其文件在此后被改动过：请从备份恢复，或手动处理（{tool} runs 可查看已做的步骤）',
};
const noUpgrade = ({ id }: Run, step: Step): UserError =>
  new UserError(
    {
      en: `refusing to run step ${step.id} of run ${id}: it calls helm, but this run is not an upgrade known to this version. Nothing was sent`,
      zh: `拒绝执行运行 ${id} 的步骤 ${step.id}：它会调用 helm，但当前版本的 upgrade-guard 不认识这次升级。没有发出任何请求`,
    },
    RESTORE,
  );

function beyond({ id, checks, tool: made }: Run, step: Step, right: Rule, unknown: readonly string[]): UserError {
  const what = ruleText(right);
  const tool = oneLine(made, 80);
  return unknown.length
    ? new UserError(
        {
          en: `refusing to run step ${step.id} of run ${id}: this version of upgrade-guard has no check ${unknown.join(', ')}, so it cannot verify ${what}`,
          zh: `拒绝执行运行 ${id} 的步骤 ${step.id}：当前版本的 upgrade-guard 没有检查项 ${unknown.join('、')}，无法确认 ${what} 是否属于其修复`,
        },
        { en: `use the version that started the run: ${tool}`, zh: `请使用开始该运行的版本：${tool}` },
      )
    : new UserError(
        {
          en: `refusing to run step ${step.id} of run ${id}: ${what} is not part of any fix of ${checks.join(', ') || 'any check'}. Nothing was sent`,
          zh: `拒绝执行运行 ${id} 的步骤 ${step.id}：${what} 不属于 ${checks.join('、') || '任何检查项'} 的修复。没有发出任何请求`,
        },
        RESTORE,
      );
}
