// In which order files run. Of the oldest Kubernetes there is one control plane, which serves one file at a time (mine.ts): its files should come one after the other
// beside everything else. Vitest's own order could start two of them at once, and the second worker would only wait.
import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { NEWEST } from './prepare.ts';

export class TakingTurns extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Vitest's own order, failed ones first, is kept among equals.
    const turns = (await super.sort(files)).map((file) => ({ file, lane: this.laneOf(file), cost: this.costOf(file) }));
    return takeTurns(
      turns.sort((a, b) => b.cost - a.cost),
      this.ctx.config.maxWorkers,
    ).map(({ file }) => file);
  }

  private laneOf({ project }: TestSpecification): string {
    return needsControlPlane(project) && project.name !== `kubernetes-${NEWEST}` ? project.name : '';
  }

  /**
   * Its last time in ms. Before there is one, its size in bytes, which is about as much where only functions are called, and a tenth where a control plane or the
   * built binary is (measured: 11 kB of faults.test.ts take 111 s): what is long must not begin last, when the other workers have nothing left to do.
   */
  private costOf(file: TestSpecification): number {
    const last = this.ctx.cache.getTestSpecificationResult(file)?.duration;
    return last ?? statSync(file.moduleId).size * (file.project.name === 'unit' ? 1 : 10);
  }
}

const needsControlPlane = ({ config }: TestSpecification['project']) => config.globalSetup.length > 0;

export interface Turn {
  /** Two of the same lane cannot run at once; '' is not a lane. */
  lane: string;
  cost: number;
}

/** Plays the run through: whenever a worker is free, it takes the next file of the free lane with the most left to do, else one that has no lane, else it waits. */
export function takeTurns<Item extends Turn>(items: Item[], workers: number): Item[] {
  const lanes = Map.groupBy(items, (item) => item.lane);
  const free = lanes.get('') ?? [];
  lanes.delete('');
  const busyUntil = new Map<string, number>();
  const workersFree = Array.from({ length: workers }, () => 0);
  const left = (lane: string) => lanes.get(lane)?.reduce((total, item) => total + item.cost, 0) ?? 0;
  const order: Item[] = [];
  while (order.length < items.length) {
    const now = Math.min(...workersFree);
    const open = [...lanes.keys()].filter((lane) => lanes.get(lane)?.length);
    const ready = open.filter((lane) => (busyUntil.get(lane) ?? 0) <= now).sort((a, b) => left(b) - left(a));
    const soonest = open.sort((a, b) => (busyUntil.get(a) ?? 0) - (busyUntil.get(b) ?? 0));
    const lane = ready[0] ?? (free.length ? '' : soonest[0]);
    const item = (lane ? lanes.get(lane) : free)?.shift() as Item;
    const end = Math.max(now, busyUntil.get(item.lane) ?? 0) + item.cost;
    if (item.lane) busyUntil.set(item.lane, end);
    workersFree[workersFree.indexOf(now)] = end;
    order.push(item);
  }
  return order;
}
