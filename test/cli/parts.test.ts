// The parts of the program, with what V8 made of them: taken where it fits; passed over, without a word, where it is not there, old or damaged.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type { PartName } from '../../src/cli/parts.ts';

const DIST = join(import.meta.dirname, '../../dist');
const NAMES = ['main', 'core', 'client'] as const;
const PARTS = join(import.meta.dirname, '../../src/cli/parts.ts');
const boot = readFileSync(join(DIST, 'upgrade-guard.cjs'), 'utf8');
const nameOf = (part: PartName) => new RegExp(`\\b${part}-[0-9a-f]{12}\\b`).exec(boot)![0];
const codeOf = (part: PartName) => readFileSync(join(DIST, 'parts', `${nameOf(part)}.code`));
const checks = (dist: string) =>
  execFileSync(process.execPath, [join(dist, 'upgrade-guard.cjs'), 'checks'], { encoding: 'utf8', stdio: 'pipe' });

/** Whether V8 takes it: the executable is started without a flag of V8, as every Node.js. */
function isTaken(part: PartName, tail = ''): boolean {
  const [source, code] = ['cjs', 'code'].map((end) => JSON.stringify(join(DIST, 'parts', `${nameOf(part)}.${end}`)));
  const look = `
    const { readFileSync } = require('node:fs');
    import(${JSON.stringify(pathToFileURL(PARTS).href)}).then(({ scriptOf }) =>
      console.log(scriptOf('${part}', readFileSync(${source}, 'latin1') + '${tail}', readFileSync(${code})).cachedDataRejected),
    );`;
  const said = execFileSync(process.execPath, ['-e', look], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return said.trim() === 'false';
}

it.each<PartName>(NAMES)('the code of the %s is taken by the Node.js that built it', (part) => {
  expect(isTaken(part)).toBe(true);
  expect(isTaken(part, ' ')).toBe(false);
});

it.each<[string, (code: string) => void]>([
  ['gone', (code) => rmSync(code)],
  ['empty', (code) => truncateSync(code)],
  ['cut', (code) => truncateSync(code, 100_000)],
  ['something else', (code) => writeFileSync(code, Buffer.alloc(100_000, 'no code '))],
  ['of another part', (code) => writeFileSync(code, codeOf('client'))],
])('code that is %s changes nothing', (_, damage) => {
  const dist = mkdtempSync(join(tmpdir(), 'parts-'));
  cpSync(join(DIST, 'upgrade-guard.cjs'), join(dist, 'upgrade-guard.cjs'));
  for (const part of NAMES)
    for (const end of ['cjs', 'code']) cpSync(join(DIST, 'parts', `${nameOf(part)}.${end}`), join(dist, 'parts', `${nameOf(part)}.${end}`));
  for (const part of ['main', 'core'] as const) damage(join(dist, 'parts', `${nameOf(part)}.code`));
  expect(checks(dist)).toBe(checks(DIST));
});
