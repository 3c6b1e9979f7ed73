// What a run leaves to do manually, as commands to paste. Objects to make again lie in files beside the journal: they may hold Secrets, which no screen shows.
import path from 'node:path';
import type { Command, RunStore, Step, StoredRun } from '../engine/contracts.ts';
import { inverseOf } from '../engine/perform.ts';
import { stepsOf } from '../engine/plan.ts';
import { kindOf } from '../engine/steps/index.ts';
import { createFrom } from '../engine/steps/shell.ts';
import { jsonOf } from '../text/json.ts';

/** The step with the file of its object written and named whole; any other step as it is. */
export async function withFile(step: Step, run: string, store: RunStore): Promise<Step> {
  if (step.do !== 'manual' || !step.makes) return step;
  const { makes, ...rest } = step;
  const beside = store.beside(run);
  if (!(await beside.has(makes.file))) await beside.put(makes.file, `${jsonOf(makes.object)}\n`);
  return { ...rest, commands: [...rest.commands, createFrom(path.join(beside.folder, makes.file))] };
}

/** By the ids of the steps that were left to a person, in the way that was last gone. */
export async function commandsLeft({ run, progress }: StoredRun, store: RunStore): Promise<Map<string, Command[]>> {
  const { states } = progress;
  const left = new Map<string, Command[]>();
  for (const step of stepsOf(run)) {
    const [done, back] = [states.apply.get(step.id)?.result, states.undo.get(step.id)?.result];
    if ((back ?? done) !== 'manual') continue;
    const asked = back ? inverseOf(step, progress) : step;
    if ('none' in asked) continue;
    const known = await withFile(asked, run.id, store);
    left.set(step.id, kindOf(known).commands(known));
  }
  return left;
}
