// --dry-run=server: each step has its line as soon as it is answered; on a terminal, what is tried now is drawn until then.
import { expect, test } from 'vitest';
import type { Call } from '../../src/cli/call.ts';
import { dryRun } from '../../src/cli/dry-run.ts';
import { patchStep, worldOf } from '../engine/worlds.ts';

const steps = [patchStep('1'), patchStep('2')];
const objects = steps.map((step) => ({ ...{ apiVersion: 'v1', kind: 'Pod' }, metadata: { name: step.id } }));

test.each([true, false])('one line for each step, in their order; drawn: %s', async (draws) => {
  const seen: string[] = [];
  const call = {
    ...{ flags: { 'dry-run': 'server' }, signal: new AbortController().signal, language: 'en' },
    face: {
      language: 'en',
      columns: 200,
      style: { green: (text: string) => text, red: (text: string) => text, dim: (text: string) => text },
    },
    t: ({ en }: { en: string }) => en,
    out: (...lines: string[]) => void seen.push(...lines.filter(Boolean)),
    progress: ({ en }: { en: string }) => {
      if (draws) seen.push(`… ${en}`);
      return draws;
    },
  } as unknown as Call;
  await dryRun(call, worldOf(...objects), ['the plan'], steps);
  const at = (text: string) => seen.findIndex((line) => line.startsWith(text));
  expect(seen[0]).toBe('the plan');
  expect(seen.filter((line) => line.startsWith('…'))).toEqual(draws ? steps.map(({ id, text }) => `… ${id}. ${text.en}`) : []);
  const lines = steps.map(({ id }) => seen.findIndex((line) => !line.startsWith('…') && line.includes(` ${id}. `)));
  expect(lines.every((line) => line > 0)).toBe(true);
  if (draws) expect([at('… 1'), lines[0], at('… 2'), lines[1]]).toEqual([1, 2, 3, 4]);
  else expect(lines).toEqual([1, 2]);
});
