// The built file and the scripts on a Node.js that is too old: one line that says so. Needs such a Node.js on PATH.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const LEAST: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).engines.node.replace('>=', '');

function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
}

function isTooOld(version: string): boolean {
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [version, LEAST].map((one) => one.split('.').map(Number)) as [
    number[],
    number[],
  ];
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

const old = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((node) => existsSync(node) && isTooOld(versionOf(node)));

function saidBy(file: string, words: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(old!, [join(ROOT, file), ...words], {
    encoding: 'utf8',
    env: { PATH: '', HOME: '/', ...env },
  });
  return { status, stdout, stderr };
}

describe.skipIf(!old)(`on a Node.js older than ${LEAST}`, () => {
  const version = old && versionOf(old);
  const en = `error: upgrade-guard needs Node.js ${LEAST} or newer; this is Node.js ${version}\n`;
  const zh = `错误：upgrade-guard 需要 Node.js ${LEAST} 或更高版本；当前为 Node.js ${version}\n`;

  it.each([['checks'], ['version'], ['--help'], ['check', '--from', 'x'], []])('the built file says so: %s', (...words) => {
    expect(saidBy('dist/upgrade-guard.cjs', words)).toEqual({ status: 1, stdout: '', stderr: en });
  });
  it('in Chinese as well', () => {
    expect(saidBy('dist/upgrade-guard.cjs', ['checks'], { LANG: 'zh_CN.UTF-8' }).stderr).toBe(zh);
    expect(saidBy('dist/upgrade-guard.cjs', ['checks', '--lang', 'zh']).stderr).toBe(zh);
    expect(saidBy('dist/upgrade-guard.cjs', ['checks', '--lang=en'], { LANG: 'zh_CN.UTF-8' }).stderr).toBe(en);
  });
  it.each(['build', 'package', 'test', 'bench', 'registry', 'new-check'])('npm run %s says so, and how to get the right one', (script) => {
    const { status, stdout, stderr } = saidBy('scripts/run.mjs', [script]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(
        `^error: this project needs Node\\.js ${LEAST} or newer, this is ${version}: run "npm ci" .+, then "npm run ${script}"\n$`,
      ),
    );
  });
});
