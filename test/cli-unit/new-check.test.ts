// npm run new-check: what it writes passes as it stands, and what it refuses it refuses whole. registry.ts beside it, which finds the new check.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCheck } from '../../scripts/new-check.ts';
import { writeRegistries } from '../../scripts/registry.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ug-new-check-'));
  mkdirSync(join(root, 'src/systems/spiderpool'), { recursive: true });
  mkdirSync(join(root, 'src/systems/unfinished'), { recursive: true });
  writeFileSync(join(root, 'src/systems/spiderpool/index.ts'), '');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('new-check', () => {
  it('writes check, cases and fixtures, and the registry then holds it', () => {
    const files = newCheck('spiderpool/pool-has-2-names', root);
    expect(files).toEqual([
      'src/systems/spiderpool/checks/pool-has-2-names.ts',
      'test/systems/spiderpool/pool-has-2-names.test.ts',
      'test/fixtures/spiderpool/pool-has-2-names/found.yaml',
      'test/fixtures/spiderpool/pool-has-2-names/healthy.yaml',
    ]);
    for (const file of files) expect(existsSync(join(root, file))).toBe(true);
    expect(writeRegistries(root)).toContain('src/systems/spiderpool/registry.gen.ts');
    expect(readFileSync(join(root, 'src/systems/spiderpool/registry.gen.ts'), 'utf8')).toContain("from './checks/pool-has-2-names.ts'");
    expect(writeRegistries(root)).toEqual([]);
  });

  it('writes what passes as it stands: its cases, the types and the linter', { timeout: 120_000 }, async () => {
    const checkout = join(import.meta.dirname, '../..');
    rmSync(join(root, 'src'), { recursive: true });
    for (const part of ['src', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'biome.json', '.gitignore'])
      cpSync(join(checkout, part), join(root, part), { recursive: true });
    symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
    const files = newCheck('spiderpool/made-by-a-test', root);
    writeRegistries(root);
    const own = (package_: string, file: string, ...words: string[]) =>
      promisify(execFile)(process.execPath, [join(checkout, 'node_modules', package_, file), ...words], { cwd: root });
    const [, cases = ''] = files;
    expect((await own('vitest', 'vitest.mjs', 'run', '--project', 'unit', cases)).stdout).toMatch(/Tests.* passed/);
    const types = await own('typescript', 'bin/tsc', '-p', '.').catch((error: { stdout: string }) => error);
    expect(types.stdout).not.toContain('made-by-a-test');
    expect((await own('@biomejs/biome', 'bin/biome', 'check', '--vcs-enabled=false', ...files.slice(0, 2))).stdout).toContain(
      'Checked 2 files',
    );
  });

  it.each([
    ['', 'give SYSTEM/NAME'],
    ['spiderpool', 'give SYSTEM/NAME'],
    ['spiderpool/a/b', 'give SYSTEM/NAME'],
    ['calico/x', 'there is no system "calico"; there is spiderpool'],
    ['unfinished/x', 'there is no system "unfinished"'],
    ['../x', 'there is no system ".."'],
    ['spiderpool/Pool', 'is no name'],
    ['spiderpool/a--b', 'is no name'],
    ['spiderpool/..', 'is no name'],
  ])('refuses %j', (id, says) => expect(() => newCheck(id, root)).toThrow(says));

  it('writes nothing when one of its files is there already', () => {
    mkdirSync(join(root, 'test/fixtures/spiderpool/old'), { recursive: true });
    writeFileSync(join(root, 'test/fixtures/spiderpool/old/found.yaml'), 'kept');
    expect(() => newCheck('spiderpool/old', root)).toThrow('found.yaml exists already');
    expect(existsSync(join(root, 'src/systems/spiderpool/checks'))).toBe(false);
    expect(readFileSync(join(root, 'test/fixtures/spiderpool/old/found.yaml'), 'utf8')).toBe('kept');
  });
});

describe('registry', () => {
  it('refuses a file that is no check by its name', () => {
    mkdirSync(join(root, 'src/systems/spiderpool/checks'));
    writeFileSync(join(root, 'src/systems/spiderpool/checks/Helper.ts'), '');
    expect(() => writeRegistries(root)).toThrow('Helper.ts is no name of a check');
  });
  it('of this checkout holds every check that lies in a folder', () => {
    const src = join(import.meta.dirname, '../../src');
    cpSync(src, join(root, 'src'), { recursive: true, filter: (file) => !file.endsWith('.gen.ts') });
    writeRegistries(root);
    for (const system of readdirSync(join(root, 'src/systems'))) {
      const folder = join(root, 'src/systems', system);
      if (!existsSync(join(folder, 'index.ts'))) continue;
      const text = readFileSync(join(folder, 'registry.gen.ts'), 'utf8');
      for (const file of readdirSync(join(folder, 'checks'))) expect(text).toContain(`'./checks/${file}'`);
    }
  });
});
