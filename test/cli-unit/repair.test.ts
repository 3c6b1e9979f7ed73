// Which findings a person lets us repair: doubtful ones by name, what only a person can do with its steps, and no name that is not there.

import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { type Asking, planChosen } from '../../src/cli/repair.ts';
import type { Raw } from '../../src/engine/contracts.ts';
import { examine } from '../../src/engine/examine.ts';
import { stepsOf } from '../../src/engine/plan.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { laid } from '../grid.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Pod `strange` uses an address that no endpoint gives it: medium. Without its controller it is a person's. */
async function chosen(controller: boolean, confirm?: string[]) {
  const folder = laid('spiderpool/unrecorded-pod-ip', { fixture: 'found', expect: '' });
  folders.push(folder);
  const dump = await readDump(folder);
  const pods = dump.collected.get('pods')!;
  for (const { metadata } of pods.objects as { metadata: Raw }[])
    if (metadata.name === 'strange' && !controller) delete metadata.ownerReferences;
  const { remedies } = await examine(dumpSource(dump), SYSTEMS, { checks: ['spiderpool/unrecorded-pod-ip'] });
  const said: string[] = [];
  const call: Asking = {
    flags: { yes: true, confirm },
    t: ({ en }) => en,
    say: (...lines) => void said.push(...lines),
    confirm: () => Promise.reject(new Error('asked, although --yes says not to')),
  };
  const steps = stepsOf(await planChosen(remedies, call));
  return { said, about: steps.filter(({ text }) => text.en.includes('strange')).map((step) => step.do) };
}

test('what is doubtful is skipped unless it is named', async () => {
  const { said, about } = await chosen(true);
  expect(about).toEqual([]);
  expect(said).toEqual([
    expect.stringMatching(/^skipped \(uncertain\): .*\. To fix it anyway: \{retry\} --confirm Pod\/default\/strange$/),
  ]);
  expect((await chosen(true, ['Pod/default/strange'])).about).toEqual(['evict']);
});

test('what only a person can do is no repair to confirm: its steps are offered', async () => {
  const { said, about } = await chosen(false);
  expect(about).toEqual([]);
  expect(said).toEqual([expect.stringMatching(/\. Manual; show the steps: \{retry:yes,confirm\} --dry-run=client$/)]);
});

test('a name that is not there is an error, which names what could be confirmed', async () => {
  await expect(chosen(true, ['Pod/default/nonesuch'])).rejects.toMatchObject({
    text: { en: expect.stringContaining('--confirm Pod/default/nonesuch') },
    next: { en: 'what can be confirmed: Pod/default/strange' },
  });
});
