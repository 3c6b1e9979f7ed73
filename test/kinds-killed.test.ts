// Each kind of step is killed somewhere: the table of test/control/kills/kinds.ts names scenes and files that exist.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KINDS, STANDS } from './control/kills/kinds.ts';

const FOLDER = join(import.meta.dirname, 'control/kills');
const scenes = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(FOLDER, name), 'utf8'))
  .join();

test.each(STANDS)('$remedy stands for $write', ({ remedy, write }) => {
  expect(scenes).toContain(remedy);
  expect(scenes).toContain(write.split(' #')[0]);
});

test.each(Object.entries(KINDS).filter(([, where]) => typeof where === 'string' && where.includes('/')))('%s: %s', (_, where) => {
  expect(existsSync(join(import.meta.dirname, '..', where as string))).toBe(true);
});
