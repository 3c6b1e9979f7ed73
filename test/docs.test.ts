// The pages in docs/checks are what the checks say and print today: `npm run docs` writes them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coveragePages, coverages } from '../scripts/coverage.ts';
import { pages, readmes, urgentNotes, written } from '../scripts/docs.ts';
import { checkOf } from '../src/systems/index.ts';

const ROOT = join(import.meta.dirname, '..');
const CHECKS = join(ROOT, 'docs', 'checks');

test('every page is current (npm run docs)', { timeout: 120_000 }, async () => {
  const made = await pages();
  expect(written().sort()).toEqual([...made.keys()].sort());
  for (const [file, text] of made) expect(readFileSync(join(CHECKS, file), 'utf8'), file).toBe(text);
});

test('the READMEs show what the tool prints (npm run docs)', async () => {
  for (const [file, text] of await readmes()) expect(readFileSync(join(ROOT, file), 'utf8'), file).toBe(text);
});

test('every coverage page is current (npm run docs)', async () => {
  for (const [file, text] of await coveragePages()) expect(readFileSync(join(ROOT, 'docs', file), 'utf8'), file).toBe(text);
});

test('what a coverage table names exists: its checks, and a remedy where it says that one fixes it', async () => {
  for (const [name, { rows }] of await coverages()) {
    expect(new Set(rows.map(({ statement }) => statement.en)).size, name).toBe(rows.length);
    for (const answer of rows.flatMap(({ by }) => by)) {
      if ('check' in answer) checkOf(answer.check);
      if ('remedy' in answer) expect(checkOf(answer.remedy).remedy, answer.remedy).toBeDefined();
    }
  }
});

test('what a table of problems names exists: fixtures, in which its first check reports or is silent, and tests', async () => {
  for (const { hazards = [] } of (await coverages()).values()) {
    expect(new Set(hazards.map(({ hazard }) => hazard.en)).size).toBe(hazards.length);
    for (const { by, found, healthy, tests = [], hazard } of hazards) {
      for (const name of [...found, ...healthy]) expect(existsSync(join(ROOT, 'test', 'fixtures', `${name}.yaml`)), name).toBe(true);
      for (const [file, name] of tests) expect(readFileSync(join(ROOT, file), 'utf8'), name).toContain(`'${name}'`);
      for (const answer of by) {
        if ('check' in answer) checkOf(answer.check);
        if ('remedy' in answer) expect(checkOf(answer.remedy).remedy, answer.remedy).toBeDefined();
      }
      expect(found.length + tests.length, hazard.en).toBeGreaterThan(0);
      expect(healthy.length, hazard.en).toBe(found.length);
    }
  }
});

test('the page of the Urgent Upgrade Notes is current (npm run docs)', () => {
  const { file, text } = urgentNotes();
  expect(readFileSync(file, 'utf8')).toBe(text);
});
