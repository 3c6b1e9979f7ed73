// A stored run does nothing that the checks it names never do: what lies on disk may have been changed since, by hand or by a fault.
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

const RESTORE: Text = {
  en: 'its files were changed since: restore them from a backup, or go on by hand ({tool} runs shows what was done)',
  zh: '其文件在此后被改动过：请从备份恢复，或手动处理（{tool} runs 可查看已做的步骤）',
};
const noUpgrade = ({ id }: Run, step: Step): UserError =>
  new UserError(
    {
      en: `reading run ${id}: step ${step.id} would drive helm, and the run is no upgrade that this build knows; nothing was sent`,
      zh: `读取运行 ${id}：步骤 ${step.id} 将调用 helm，而该运行不是本版本所知的升级；没有发出任何请求`,
    },
    RESTORE,
  );

function beyond({ id, checks, tool: made }: Run, step: Step, right: Rule, unknown: readonly string[]): UserError {
  const what = ruleText(right);
  const tool = oneLine(made, 80);
  return unknown.length
    ? new UserError(
        {
          en: `reading run ${id}: step ${step.id} would ${what}, and this build does not know ${unknown.join(', ')}, whose repair that may be`,
          zh: `读取运行 ${id}：步骤 ${step.id} 将执行 ${what}，而本版本没有检查项 ${unknown.join('、')}，无法确认这是否属于它的修复`,
        },
        { en: `use the build that made the run: ${tool}`, zh: `请使用当初执行该运行的版本：${tool}` },
      )
    : new UserError(
        {
          en: `reading run ${id}: step ${step.id} would ${what}, which no repair of ${checks.join(', ') || 'any check'} ever does; nothing was sent`,
          zh: `读取运行 ${id}：步骤 ${step.id} 将执行 ${what}，而 ${checks.join('、') || '任何检查项'} 的修复都不会这样做；没有发出任何请求`,
        },
        RESTORE,
      );
}
