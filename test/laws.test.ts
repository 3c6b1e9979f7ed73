// Laws that hold for every check, over every fixture there is: nothing is said about an upgrade to what is installed, and no check finds anything in the good fixture of another.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Check } from '../src/engine/contracts.ts';
import { examine } from '../src/engine/examine.ts';
import { hasten } from '../src/engine/pace.ts';
import { parseTarget } from '../src/engine/paths.ts';
import { readDump } from '../src/snapshot/read.ts';
import { dumpSource } from '../src/snapshot/source.ts';
import { SYSTEMS } from '../src/systems/index.ts';
import { layOut } from './fixtures.ts';

hasten(20);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const fixturesOf = (check: string): string[] => {
  const folder = path.join(FIXTURES, check);
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.yaml'))
        .map((file) => file.replace('.yaml', ''))
    : [];
};
const CHECKS: Check[] = SYSTEMS.flatMap(({ checks }) => checks);
const CASES = CHECKS.flatMap(({ id }) => fixturesOf(id).map((fixture) => [id, fixture] as const));
const GOOD = CASES.filter(([, fixture]) => fixture === 'healthy');

async function looked(check: string, fixture: string | undefined, to: (version: string) => string[], server?: string) {
  const folder = layOut(check, { fixture, server });
  folders.push(folder);
  const source = dumpSource(await readDump(folder));
  const [id] = check.split('/') as [string];
  const { installations } = await examine(source, SYSTEMS, { systems: [id], checks: [] });
  const targets = installations.flatMap(({ id: installation, version }) =>
    typeof version === 'string' ? to(version).map((each) => parseTarget(`${installation}=${each}`, SYSTEMS)) : [],
  );
  const { results } = await examine(source, SYSTEMS, { systems: [id], targets });
  return { targets, results };
}

/** What hangs on the target alone, and not on the state of the cluster. */
const ofTarget = ({ needs = [], applies }: Check): boolean => needs.includes('target') || applies.stage === 'back';

describe('from what is installed to what is installed', { timeout: 60_000 }, () => {
  test.concurrent.each(CASES)('%s %s: nothing about the versions', async (check, fixture) => {
    const { targets, results } = await looked(check, fixture, (version) => [version]);
    if (!targets.length) return;
    const judging = new Set(CHECKS.filter(ofTarget).map(({ id }) => id));
    const said = results.filter(({ id, findings }) => judging.has(id as Check['id']) && findings.length);
    expect(said.map(({ id, findings }) => [id, findings.map(({ message }) => message.en)])).toEqual([]);
  });
});

/** What a good fixture shows of another check on purpose. */
const MEANT: Record<string, string[]> = {
  // An address that two Pods use is the other's matter.
  'spiderpool/unrecorded-pod-ip': ['spiderpool/duplicate-pod-ip'],
};

describe('the good fixture of a check', { timeout: 60_000 }, () => {
  // A check that finds something in the bare installation as well (it lacks the CustomResourceDefinitions of its chart) speaks of that.
  test.concurrent.each(GOOD)('%s %s: no check finds anything', async (check, fixture) => {
    // Its API server may be of another release than the nodes of the installation.
    const server = /^# version: (\S+)/m.exec(readFileSync(path.join(FIXTURES, check, `${fixture}.yaml`), 'utf8'))?.[1];
    const spoken = async (name?: string) =>
      (await looked(check, name, (version) => [version], server)).results.filter(({ findings }) => findings.length).map(({ id }) => id);
    const before = new Set(await spoken());
    expect((await spoken(fixture)).filter((id) => id === check || !before.has(id))).toEqual(MEANT[check] ?? []);
  });
});

test('there is something to hold them against', () => expect(CASES.length).toBeGreaterThan(CHECKS.length / 2));
