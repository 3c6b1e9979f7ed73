// Which findings a person lets us repair: doubtful ones by name, what only a person can do with its steps, and no name that is not there.

import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { type Asking, leftBeside, planAll, planChosen } from '../../src/cli/repair.ts';
import { objectName } from '../../src/engine/acceptance.ts';
import type { Language, Raw } from '../../src/engine/contracts.ts';
import { examine } from '../../src/engine/examine.ts';
import { fixedBy } from '../../src/engine/fixed-by.ts';
import { stepsOf } from '../../src/engine/plan.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { style } from '../../src/text/colour.ts';
import { laid } from '../grid.ts';
import { mixed } from '../report/examined.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Pod `strange` uses an address that no endpoint gives it: medium. Without its controller it is a person's. */
async function examined(controller: boolean) {
  const folder = laid('spiderpool/unrecorded-pod-ip', { fixture: 'found', expect: '' });
  folders.push(folder);
  const dump = await readDump(folder);
  const pods = dump.collected.get('pods')!;
  for (const { metadata } of pods.objects as { metadata: Raw }[])
    if (metadata.name === 'strange' && !controller) delete metadata.ownerReferences;
  return examine(dumpSource(dump), SYSTEMS, { checks: ['spiderpool/unrecorded-pod-ip'] });
}

async function chosen(controller: boolean, confirm?: string[], yes = true) {
  const { remedies } = await examined(controller);
  const said: string[] = [];
  const call: Asking = {
    flags: { yes, confirm },
    terminal: yes,
    t: ({ en }) => en,
    say: (...lines) => void said.push(...lines),
    confirm: () => Promise.reject(new Error('asked, although --yes says not to, or no terminal is there')),
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
  expect(await chosen(true, ['Pod/default/strange'])).toEqual({ said: [], about: ['evict'] });
  // Without a terminal nothing can be asked: the steps and what to name are shown before --yes is.
  expect(await chosen(true, undefined, false)).toEqual({ said, about });
});

test('a question names the steps that a yes leads to: of an upgrade what it changes and puts back, of a fix its own', async () => {
  const asked: string[] = [];
  const asking: Asking = {
    flags: { yes: false, confirm: undefined },
    terminal: true,
    t: ({ en }) => en,
    say: () => {},
    confirm: async ({ en, zh }) => {
      asked.push(en, zh);
      return false;
    },
  };
  await planChosen((await examined(true)).remedies, asking);
  expect(asked[0]).toMatch(/^Uncertain: .*Pod\/default\/strange\)\. Fix: .*strange.*\. Fix it\?$/);
  const folder = laid('kubernetes/pdb-blocks-drain', { fixture: 'found' });
  folders.push(folder);
  const { remedies } = await examine(dumpSource(await readDump(folder)), SYSTEMS, {
    checks: ['kubernetes/pdb-blocks-drain'],
    nodes: 'drain',
  });
  asked.length = 0;
  await planChosen(remedies, asking, { system: 'kubernetes', drafts: [] });
  const of =
    /\. Fix: set (\w+) of PodDisruptionBudget (\S+) from (\S+) to (\S+) while the upgrade lasts \(with \3, it allows no eviction\); set \1 of PodDisruptionBudget \2 back to \3\. Fix it\?$/;
  expect(asked.filter((text) => of.test(text)).length).toBeGreaterThan(0);
  expect(asked.find((text) => text.includes('修复步骤：升级期间将'))).toMatch(/值为 (\S+) 时不允许任何驱逐）；.*改回 \1。是否修复？$/);
});

test('what only a person can do is no repair to confirm: its steps are offered', async () => {
  const { said, about } = await chosen(false);
  expect(about).toEqual([]);
  expect(said).toEqual([expect.stringMatching(/\. To list the manual steps: \{retry:yes,confirm\} --dry-run=client$/)]);
});

test('what fix has no step for is not asked about: the advice is listed', async () => {
  const folder = laid('kubernetes/webhook-backend', { fixture: 'found', expect: '' });
  folders.push(folder);
  const { remedies } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: ['kubernetes/webhook-backend'] });
  const doubtful = remedies.map((remedy) => ({
    ...remedy,
    findings: remedy.findings.map((finding) => ({ ...finding, certainty: 'low' as const })),
  }));
  expect(doubtful.flatMap(({ findings }) => findings).length).toBeGreaterThan(0);
  const said: string[] = [];
  const call: Asking = {
    flags: { yes: false, confirm: undefined },
    terminal: true,
    t: ({ en }) => en,
    say: (...lines) => void said.push(...lines),
    confirm: () => Promise.reject(new Error('asked about what it cannot do')),
  };
  const plan = await planChosen(doubtful, call);
  expect([stepsOf(plan), said]).toEqual([[], []]);
  expect(plan.refusals.map(({ refused }) => refused.en)).toContainEqual(expect.stringMatching(/^restore the backend /));
  // To confirm it does nothing either, and that is said.
  const name = objectName(doubtful[0]!.findings[0]!.objects[0]!);
  await planChosen(doubtful, { ...call, flags: { yes: true, confirm: [name] } });
  expect(said).toEqual([`--confirm ${name} has no effect: no fix of this object has to be confirmed.`]);
});

test('a name that is not there is an error, which names what could be confirmed', async () => {
  await expect(chosen(true, ['Pod/default/nonesuch'])).rejects.toMatchObject({
    text: { en: expect.stringContaining('--confirm Pod/default/nonesuch') },
    next: { en: 'what can be confirmed: Pod/default/strange' },
  });
});

test('findings of a check are counted one by one: what a person does of it is not fixed by the steps beside', async () => {
  const { remedies } = await examined(false);
  const findings = remedies.flatMap((remedy) => remedy.findings);
  const automatic = stepsOf(await planAll(remedies)).filter((step) => step.do !== 'manual');
  expect(automatic.length).toBeGreaterThan(0);
  const fixed = await fixedBy(automatic, { remedies, among: () => true, counts: (draft) => draft.do !== 'manual' });
  const left = findings.filter(({ fingerprint }) => !fixed.has(fingerprint));
  expect(left.flatMap(({ objects }) => objects).map(({ name }) => name)).toEqual(['strange']);
  expect(findings.length).toBeGreaterThan(left.length);
});

test.each<[Language, string[]]>([
  ['en', ['', 'Not fixed by these steps:', '  ✗ 1 blocker, 1 warning   kubectl upgrade-guard explain kubernetes/nodes-ready']],
  ['zh', ['', '以上步骤不会修复：', '  ✗ 1 个阻断项，1 个警告   kubectl upgrade-guard explain kubernetes/nodes-ready']],
])('blockers and warnings without a step stand behind the steps, and notices do not: %s', async (language, lines) => {
  const face = { language, columns: 80, tool: 'kubectl upgrade-guard', wide: false, style: style({ isTTY: false }, {}) };
  expect(await leftBeside(mixed, await planAll(mixed.remedies), face)).toEqual(lines);
});
