// The pages in docs/checks are what the checks say and print today: `npm run docs` writes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pages, written } from '../scripts/docs.ts';

const CHECKS = join(import.meta.dirname, '..', 'docs', 'checks');

test('every page is current (npm run docs)', { timeout: 120_000 }, async () => {
  const made = await pages();
  expect(written().sort()).toEqual([...made.keys()].sort());
  for (const [file, text] of made) expect(readFileSync(join(CHECKS, file), 'utf8'), file).toBe(text);
});
