// What an undo came to: only what was written back counts, and what is for a person, or was so already, is named as that.
import { expect, test } from 'vitest';
import type { ClusterIdentity, Step, StepResult } from '../../src/engine/contracts.ts';
import type { Face } from '../../src/report/face.ts';
import { stepSum, undoQuestion } from '../../src/report/plan.ts';
import { runEnded, stepEnded } from '../../src/report/run.ts';

const ended = (results: StepResult[], state: 'finished' | 'stopped' = 'finished') => {
  const outcomes = new Map(results.map((result, i) => [String(i), { result }]));
  return runEnded('r', 'undo', { total: results.length, settled: 0 }, { outcomes, state });
};
test.each<[StepResult[], string, string]>([
  [['done', 'done'], 'Run r undone: 2 steps.', '运行 r 已撤销：共 2 步。'],
  [
    ['manual', 'already', 'already', 'manual'],
    'Run r: 0 of 4 steps undone, 2 with nothing to undo, 2 manual.',
    '运行 r：4 步中已撤销 0 步，2 步无需撤销，2 步需手动执行。',
  ],
  [
    ['done', 'left', 'obsolete'],
    'Run r: 1 of 3 steps undone, 1 no longer needed, 1 left unchanged.',
    '运行 r：3 步中已撤销 1 步，1 步不再需要，1 步保持原样。',
  ],
])('%j', (results, en, zh) => expect(ended(results).text).toEqual({ en, zh }));
test('where a person has something to do, the next command shows it', () => {
  expect(ended(['done', 'manual']).next?.en).toContain('{tool} runs r');
  expect(ended(['done']).next).toBeUndefined();
  expect(ended(['done'], 'stopped').text.en).toContain('interrupted');
});
test.each<[StepResult[], string, string]>([
  [['done', 'manual'], 'Run r waits for a manual step: 1 of 3 steps done.', '运行 r 正在等待手动步骤：共 3 步，已完成 1 步。'],
  [['done', 'failed', 'manual'], 'Run r interrupted: 1 of 3 steps done.', '运行 r 中断：共 3 步，已完成 1 步。'],
  [['done'], 'Run r interrupted: 1 of 3 steps done.', '运行 r 中断：共 3 步，已完成 1 步。'],
])('a run that stopped after %j', (results, en, zh) => {
  const outcomes = new Map(results.map((result, i) => [String(i), { result }]));
  expect(runEnded('r', 'apply', { total: 3, settled: 1 }, { outcomes, state: 'stopped' }).text).toEqual({ en, zh });
});
test('a step that has no undo, as the plan says, is not shown as trouble', () => {
  const face = { language: 'en', columns: 80, style: new Proxy({}, { get: () => (text: string) => text }) } as unknown as Face;
  const step = { id: '3', text: { en: 'pull images', zh: '拉取镜像' }, undo: 'none' } as Step;
  const left = { result: 'left', detail: { en: 'not needed', zh: '' } } as const;
  expect(stepEnded(step, left, face, 'undo')).toMatch(/^- 3\. undo "pull images": left unchanged/);
  expect(stepEnded({ ...step, undo: 'exact' } as Step, left, face, 'undo')).toMatch(/^✗ 3\./);
});
test('the question before an undo counts the steps that are shown above it, and names how many stay', () => {
  const cluster = { uid: 'u', server: '', context: 'prod' } as ClusterIdentity;
  expect(undoQuestion('r', 11, 13, cluster)).toEqual({
    en: 'Undo 11 steps of run r in cluster prod? 2 more cannot be undone.',
    zh: '撤销集群 prod 中运行 r 的 11 步？另有 2 步无法撤销。',
  });
  expect(undoQuestion('r', 1, 1, cluster).en).toBe('Undo 1 step of run r in cluster prod?');
});
test('the sum of a plan says which of its steps a run does not carry out', () => {
  const steps = [{ do: 'patch' }, { do: 'manual' }, { do: 'manual' }, { do: 'patch', onUndo: true }] as Step[];
  expect(stepSum(steps)).toEqual({ en: '4 steps (2 manual, 1 only for undo)', zh: '共 4 步（2 步需手动执行，1 步仅用于撤销）' });
  expect(stepSum(steps.slice(0, 1))).toEqual({ en: '1 step', zh: '共 1 步' });
});
