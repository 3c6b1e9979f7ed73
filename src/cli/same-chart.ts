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
      en: `resuming run ${id}: the chart ${path} is not the one that the run was begun with (${name} ${version}): its files were changed since`,
      zh: `继续运行 ${id}：chart ${path} 已不是开始该运行时的 chart（${name} ${version}）：其文件在此后被改动过`,
    },
    {
      en: `put that chart back and resume, or take the run back: {tool} undo ${id}{reach}`,
      zh: `请恢复该 chart 后再继续，或撤销该运行：{tool} undo ${id}{reach}`,
    },
  );
