// A run names its chart by a path. What lies there may have been exchanged since the run was begun, and helm would take it without a word.
import type { Run, Step, StepOf, World } from '../engine/contracts.ts';
import { loadChart } from '../helm/load-chart.ts';
import { UserError } from '../text/user-error.ts';

/** Throws UserError where helm would be given another chart than the run was begun with; also where that cannot be read any more. */
export async function sameCharts(run: Run, steps: readonly Step[], world: World): Promise<void> {
  for (const step of steps) {
    if (step.do !== 'helm' || step.action !== 'upgrade' || (await isOver(step, world))) continue;
    const { digest } = await loadChart(step.chart.path);
    if (digest !== step.chart.digest) throw exchanged(run, step);
  }
}

/** helm has done it, whatever the journal knows: the chart is not needed any more. What cannot be seen is not over. */
async function isOver({ release, from }: StepOf<'helm'>, world: World): Promise<boolean> {
  const newest = await world.helm?.newest(release).catch(() => undefined);
  return newest?.revision === from + 1 && newest.status === 'deployed';
}

const exchanged = ({ id }: Run, { chart: { path, name, version } }: StepOf<'helm'>): UserError =>
  new UserError(
    {
      en: `run ${id} cannot be resumed: chart ${path} has changed since the run started (${name} ${version})`,
      zh: `运行 ${id} 无法继续：chart ${path} 在运行开始后被改动（${name} ${version}）`,
    },
    {
      en: `restore the chart and resume, or undo: {tool} undo ${id}{reach}`,
      zh: `请恢复该 chart 后再继续，或撤销该运行：{tool} undo ${id}{reach}`,
    },
  );
