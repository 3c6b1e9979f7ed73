// What an undo names beside its steps: what a person did, and would have to undo.
import { expect, test } from 'vitest';
import type { Call } from '../../src/cli/call.ts';
import { manualOf } from '../../src/cli/commands/undo.ts';
import type { Progress, Step, Text } from '../../src/engine/contracts.ts';
import { wrongInRun } from '../../src/journal/well-formed.ts';
import { patchStep, runOf } from '../engine/worlds.ts';

test.each<['en' | 'zh', string]>([
  ['en', 'stays: 1 manual step (3), to be undone manually'],
  ['zh', '保持不变：已完成的 1 个手动步骤（3），只能手动撤销'],
])('manual steps that change nothing are not listed as left to a person: %s', (language, line) => {
  const manual = (id: string, more: object = {}) => {
    const { id: _, on: _on, changes: _changes, ...rest } = patchStep(id) as unknown as Record<string, unknown>;
    return { ...rest, id, do: 'manual', commands: [], undo: 'none', ...more } as unknown as Step;
  };
  const run = runOf(manual('1', { changesNothing: true }), manual('2', { changesNothing: true }), manual('3'), manual('4'));
  expect(wrongInRun(JSON.parse(JSON.stringify(run)), run.id)).toBeUndefined();
  const call = { t: (text: Text) => text[language] } as Call;
  const after = (...done: string[]) => {
    const apply = new Map(done.map((id) => [id, { result: 'done' as const }]));
    return manualOf(call, { run, progress: { states: { apply, undo: new Map() } } as unknown as Progress });
  };
  expect(after('1', '2')).toEqual([]);
  expect(after('1', '2', '3')).toEqual([line]);
});
