// An upgrade of several hops: each with its repairs, the system's own stages and what comes behind them, and a look before the next one begins.
import { describe, expect, test } from 'vitest';
import type { StageDraft, StepDraft, Text } from '../../src/engine/contracts.ts';
import { executeRun, executeUndo } from '../../src/engine/execute.ts';
import { type HopParts, planUpgrade, type Repair, stepsOf } from '../../src/engine/plan.ts';
import { progressOf } from '../../src/engine/progress.ts';
import { endpoint, pages, patchStep, runOf, typeOf, worldOf } from './worlds.ts';

const draft = (name: string, more: Partial<StepDraft> = {}): StepDraft => {
  const { id: _, reasons: __, after: ___, optional: ____, ...rest } = patchStep(name);
  return { ...rest, ...more } as StepDraft;
};
const title = (en: string): Text => ({ en, zh: en });
const stage = (hop: string, name: string, more: Partial<StageDraft> = {}): StageDraft => ({
  hop,
  title: title(name),
  steps: [draft(name)],
  ...more,
});
const repair = (...drafts: StepDraft[]): Repair => ({ drafts, refusals: [], reasons: ['f'] });
const hop = (version: string, repairs: Repair[], ...stages: StageDraft[]): HopParts => ({ hop: version, repairs, stages });

const TWO = planUpgrade(
  [
    hop('1.1', [repair(draft('r1'), draft('behind', { when: 'after' }))], stage('1.1', 'save', { first: true }), stage('1.1', 'up1')),
    hop('1.2', [repair(draft('r2'))], stage('1.2', 'up2')),
  ],
  ['x'],
);

test('what comes first, repairs, the upgrade, what is for behind it; and between two hops a look for the next', () => {
  expect(TWO.stages.map(({ id, hop: at, title: { en }, steps }) => [id, at, en, steps.map((step) => step.text.en)])).toEqual([
    ['1', '1.1', 'save', ['save']],
    ['2', '1.1', 'Fixes', ['r1']],
    ['3', '1.1', 'up1', ['up1']],
    ['4', '1.1', 'Fixes after the upgrade', ['behind']],
    ['5', '1.2', 'Re-check', ['check again before the upgrade to 1.2']],
    ['6', '1.2', 'Fixes', ['r2']],
    ['7', '1.2', 'up2', ['up2']],
  ]);
  expect(stepsOf(TWO).map(({ id, optional }) => [id, optional === true])).toEqual([
    ...[
      ['1', false],
      ['2', true],
      ['3', false],
      ['4', true],
      ['5', false],
      ['6', true],
      ['7', false],
    ],
  ]);
});

describe('a run of it', () => {
  const names = ['save', 'r1', 'up1', 'behind', 'r2', 'up2'];
  const run = { ...runOf(), stages: TWO.stages };
  const go = async (stops: Text | undefined) => {
    const world = worldOf(...names.map((name) => endpoint(name, 'None')));
    const journal = pages();
    const context = { world, journal, halt: new AbortController().signal };
    const executed = await executeRun(run, { ...context, progress: progressOf([]), recheck: async () => stops });
    return { executed, world, journal, context };
  };
  const changed = async (world: ReturnType<typeof worldOf>) =>
    (await Promise.all(names.map(async (name) => [name, await typeOf(world, name)]))).flatMap(([name, type]) =>
      type === 'Pod' ? [name] : [],
    );

  test('goes on behind the look, to its end; and an undo goes back through all stages', async () => {
    const { executed, world, journal, context } = await go(undefined);
    expect([executed.state, await changed(world)]).toEqual(['finished', names]);
    const back = pages();
    const undone = await executeUndo(run, { ...context, journal: back, progress: progressOf(journal.entries) });
    expect([undone.state, await changed(world)]).toEqual(['finished', []]);
    const order = back.entries.flatMap((entry) => (entry.is === 'outcome' ? [entry.step] : []));
    expect(order).toEqual(['7', '6', '4', '3', '2', '1']);
  });
  test('stops at a blocker before the next hop: nothing of that is begun', async () => {
    const { executed, world } = await go({ en: 'a blocker', zh: '阻断项' });
    expect(executed.outcomes.get('5')).toMatchObject({ result: 'failed', detail: { en: 'a blocker' } });
    expect([executed.state, await changed(world)]).toEqual(['stopped', ['save', 'r1', 'up1', 'behind']]);
  });
});
