// Driving helm: which one is found, what is refused, and that nothing of it runs on. What it renders is tested with the charts (test/systems/spiderpool/values-render.test.ts).
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { failure, helmFor } from '../../src/helm/run.ts';
import { EVERY_TOOL, prepareTools, tools } from '../bed/tools.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ug-helm-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const trouble = await prepareTools(() => {}, EVERY_TOOL);
const never = new AbortController().signal;
const CHART = join(import.meta.dirname, 'printing-chart');
const AS = { namespace: 'default', name: 'x' };
let count = 0;
/** A folder with something called helm in it. */
function folderWith(put: (file: string) => void): string {
  const folder = join(scratch, `bin-${count++}`);
  mkdirSync(folder);
  put(join(folder, 'helm'));
  return folder;
}
const script = (text: string) =>
  folderWith((file) => {
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  });

describe.skipIf(trouble !== undefined || process.platform === 'win32')('helm is found', { timeout: 60_000 }, () => {
  const env = { HOME: scratch };
  test.each([
    ['helm39', '3.9.4'],
    ['helm3', '3.17.1'],
    ['helm4', '4.1.4'],
    ['helm42', '4.2.3'],
  ] as const)('%s, and it renders', async (tool, version) => {
    const folder = folderWith((file) => symlinkSync(tools()[tool], file));
    const helm = await helmFor(CHART, { ...env, PATH: folder }, never);
    expect(helm?.version).toBe(version);
    expect(await helm!.render({ a: 1 }, { ...AS, kubernetes: 'v1.30.4' })).toEqual({ is: 'rendered' });
  });
  test('by a path, and by a name on PATH; never in the folder that one stands in', async () => {
    const folder = folderWith((file) => symlinkSync(tools().helm4, file));
    expect((await helmFor(CHART, { ...env, HELM_BIN: join(folder, 'helm'), PATH: '' }, never))?.version).toBe('4.1.4');
    expect((await helmFor(CHART, { ...env, HELM_BIN: 'helm', PATH: `:.:${folder}` }, never))?.version).toBe('4.1.4');
    expect(await helmFor(CHART, { ...env, HELM_BIN: 'helm', PATH: ':.' }, never)).toBeUndefined();
    expect(await helmFor(CHART, { ...env, HELM_BIN: join(scratch, 'none') }, never)).toBeUndefined();
  });
  test.each(['helm3', 'helm4'] as const)('%s says no more under --debug', async (tool) => {
    const broken = join(scratch, `broken-${tool}`);
    cpSync(CHART, broken, { recursive: true });
    writeFileSync(join(broken, 'templates', 'a.yaml'), '{{ fail "enough" }}');
    const said = async (debug: string) => {
      const helm = await helmFor(broken, { ...env, HELM_BIN: tools()[tool], HELM_DEBUG: debug }, never);
      return (await helm!.render({}, AS)) as { said: string };
    };
    expect(await said('true')).toEqual(await said(''));
    expect((await said('true')).said).toMatch(/enough$/);
  });
});

describe.skipIf(process.platform === 'win32')('helm is refused', { timeout: 60_000 }, () => {
  test.each<[string, string, RegExp]>([
    ['too old', 'echo v2.17.0', /helm 2\.17\.0; helm 3\.9 to 4 is required/],
    ['too new', 'echo v5.0.0', /helm 5\.0\.0/],
    ['something else', 'echo password=hunter2hunter2; exit 7', /exit code 7: password=/],
    ['what says nothing', 'exit 1', /exit code 1/],
    ['what never stops talking', 'yes | head -c 10000000', /exit code 0: y y/],
  ])('%s', async (_, text, why) => {
    const asked = helmFor(CHART, { PATH: `${script(text)}:${process.env.PATH}` }, never);
    await expect(asked).rejects.toThrow(why);
    await expect(asked).rejects.not.toThrow(/hunter2/);
  });
  test('what cannot be started', async () => {
    const folder = folderWith((file) => {
      writeFileSync(file, 'not a program\0\0');
      chmodSync(file, 0o755);
    });
    await expect(helmFor(CHART, { PATH: folder }, never)).rejects.toThrow(/(starting .*helm: |helm version: exit code)/);
  });
  test('Ctrl-C ends it at once, and what it had begun', async () => {
    const stop = new AbortController();
    const told = join(scratch, 'told');
    const asked = helmFor(CHART, { PATH: `${script(`echo $$ > ${told}; exec sleep 600`)}:${process.env.PATH}` }, stop.signal);
    asked.catch(() => {});
    while (!existsSync(told) || !readFileSync(told, 'utf8').trim()) await sleep(20);
    stop.abort();
    await expect(asked).rejects.toThrow(/abort/i);
    const pid = Number(readFileSync(told, 'utf8'));
    for (let tries = 0; tries < 250 && isAlive(pid); tries++) await sleep(20);
    expect(isAlive(pid)).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('what helm says of a template that failed', () => {
  test.each<[string, string, object]>([
    [
      'helm 3',
      'WARNING: x <.Values.not.this>\nError: template: spiderpool/templates/a.yaml:1:14: executing "spiderpool/templates/a.yaml" at <include "x" .>: error calling include: template: spiderpool/templates/_h.tpl:7:9: executing "x" at <.Values.sriov.install>: nil pointer evaluating interface {}.install\n\nUse --debug flag to render out invalid YAML\n',
      { key: 'sriov.install', at: 'templates/a.yaml:1:14' },
    ],
    [
      'helm 4',
      'Error: spiderpool/templates/a.yaml:1:14\n  executing "spiderpool/templates/a.yaml" at <$.Values.sriov.install>:\n    nil pointer evaluating interface {}.install\n\nUse --debug flag to render out invalid YAML\n',
      { key: 'sriov.install', at: 'templates/a.yaml:1:14' },
    ],
    ['no template', 'Error: Chart.yaml file is missing\n', { key: undefined, at: undefined, said: 'Chart.yaml file is missing' }],
    ['nothing', '', { said: '' }],
  ])('%s', (_, stderr, expected) => {
    const failed = failure(stderr);
    expect(failed).toMatchObject({ is: 'failed', ...expected });
    expect(JSON.stringify(failed)).not.toContain('--debug');
  });
});
