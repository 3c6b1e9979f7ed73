// What is said, offline, of objects that were read back from a real API server (1.20.2): an installation of 1.2.3, a failed upgrade to 1.3.9, one that went through after the Deployment was deleted, and that with its MeshConfig patched.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { parseTarget } from '../../../src/engine/paths.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';

describeUpstream('captures of osm-edge', ['data', 'osm-edge', 'captures'], (captures) => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  const judged = new Set<string>();
  /** `over`: a capture whose files lie over those of the first. */
  async function verdict(names: string[], to: string): Promise<string[]> {
    const folder = mkdtempSync(join(tmpdir(), 'ug-capture-'));
    folders.push(folder);
    for (const name of names) cpSync(join(captures, name), folder, { recursive: true });
    rmSync(join(folder, 'preset-mesh-config.json'), { force: true });
    writeFileSync(join(folder, 'version.json'), JSON.stringify({ gitVersion: 'v1.20.2' }));
    const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, {
      systems: ['osm-edge'],
      targets: [parseTarget(`osm-edge=${to}`, SYSTEMS)],
    });
    for (const name of names) judged.add(name);
    const bare = results.flatMap(({ id, findings }) => findings.filter(({ remedy }) => !remedy?.text.en).map(() => id));
    expect(bare, 'every finding has a fix line').toEqual([]);
    return results.flatMap(({ id, findings }) => findings.map(({ severity }) => `${severity} ${id.replace('osm-edge/', '')}`));
  }
  /** No program ran there: no one wrote the webhooks. */
  const NO_WEBHOOKS = ['blocker webhook-certificate', 'blocker webhook-certificate'];

  test('1.2.3 before 1.3.9', async () => {
    const said = await verdict(['01-installed-1.2.3'], '1.3.9');
    expect(said.filter((line) => line.startsWith('blocker')).toSorted()).toEqual(
      ['blocker mesh-config-fields', 'blocker selector-immutable', ...NO_WEBHOOKS].toSorted(),
    );
    expect(said).toEqual(expect.arrayContaining(['warning compatibility-policy', 'warning sidecar-image']));
  });
  test('1.2.3 at rest', async () => {
    const said = await verdict(['01-installed-1.2.3'], '1.2.3');
    expect(said.filter((line) => line.startsWith('blocker'))).toEqual(NO_WEBHOOKS);
  });
  test('the upgrade that failed: a failed release, and images of two versions', async () => {
    const said = await verdict(['02-failed-upgrade-to-1.3.9'], '1.3.9');
    expect(said).toEqual(
      expect.arrayContaining([
        'blocker selector-immutable',
        'blocker mesh-config-fields',
        'warning mesh-found',
        expect.stringMatching(/release-deployed$/),
      ]),
    );
  });
  test('gone through, with the MeshConfig of 1.2.3', async () => {
    const said = await verdict(['03-upgraded-1.3.9-meshconfig-stale'], '1.3.9');
    expect(said).toEqual(expect.arrayContaining(['blocker mesh-config-fields', 'notice successor']));
    expect(said).not.toContain('blocker selector-immutable');
    expect(said).not.toContain('warning mesh-found');
  });
  test('and with it patched', async () => {
    const said = await verdict(['03-upgraded-1.3.9-meshconfig-stale', '04-meshconfig-patched'], '1.3.9');
    expect(said.filter((line) => line.startsWith('blocker'))).toEqual(NO_WEBHOOKS);
  });
  test('there is no other capture', () => {
    const folders = readdirSync(captures, { withFileTypes: true }).filter((each) => each.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual([...judged].sort());
  });
});
