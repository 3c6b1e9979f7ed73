// States of clusters made after public bug reports about helm releases and wrapper charts (../shared/data/reports, each with its reasons): what is said of them.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, expect, test } from 'vitest';
import { intendedBy } from '../../../src/chart/intended.ts';
import type { HelmDriver } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { hasten } from '../../../src/engine/pace.ts';
import type { Chart } from '../../../src/helm/contracts.ts';
import { loadChart } from '../../../src/helm/load-chart.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';

hasten(20);

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

/** Messages in English, by check: OUTCOME, or SEVERITY MESSAGE per finding. */
async function said(
  folder: string,
  checks: string[],
  { chart, to, helmDriver }: { chart?: Chart; to?: string; helmDriver?: HelmDriver } = {},
) {
  const targets = to ? [{ system: 'spiderpool', version: to }] : [];
  const asked = { checks: checks.map((name) => `spiderpool/${name}`), targets, intended: intendedBy({ chart }), helmDriver };
  const { results, installations, paths } = await examine(dumpSource(await readDump(folder)), SYSTEMS, asked);
  const byCheck = results.map(({ id, outcome, findings }) => [
    id.replace('spiderpool/', ''),
    outcome === 'found' ? findings.map(({ severity, message }) => `${severity} ${message.en}`) : outcome,
  ]);
  return { version: installations[0]?.version, release: installations[0]?.release, to: paths[0]?.to, ...Object.fromEntries(byCheck) };
}

describeUpstream('states made after public reports', ['data', 'reports'], (reports) => {
  const at = (name: string) => join(reports, name);
  const DEPLOYED = ['release-deployed'];

  test('01: the record counts, not its edited label; what runs is what is installed', async () => {
    const found = await said(at('01-helm-label-patched-pending'), DEPLOYED);
    expect(found).toMatchObject({ version: '0.9.4', to: '0.9.13' });
    expect(found['release-deployed']).toEqual([
      expect.stringMatching(/^blocker helm upgrade will fail \("another operation .*\): \S+ revision 3 is pending-upgrade$/),
    ]);
  });

  test('02: an older revision is still labelled deployed: helm goes on from it', async () => {
    const found = await said(at('02-helm-uninstalled-but-older-deployed'), DEPLOYED);
    expect(found['release-deployed']).toEqual([expect.stringMatching(/^warning .*revision 2 is uninstalled/)]);
  });

  test('04: the chart of a pending revision says what was wanted, not what runs', async () => {
    const found = await said(at('04-helm-killed-upgrade-from-version'), DEPLOYED);
    expect(found).toMatchObject({ version: '0.9.4', to: '0.9.13' });
    expect(found['release-deployed']).toEqual([expect.stringMatching(/^blocker .*revision 2 is pending-upgrade$/)]);
  });

  test('08: two storage drivers are two histories, and both are named', async () => {
    const found = await said(at('08-helm-driver-switched'), DEPLOYED);
    expect(found['release-deployed']).toEqual([
      expect.stringMatching(/^notice .*also has records in ConfigMaps \(revision 7 is pending-upgrade\); helm uses the ones in Secrets/),
    ]);
  });

  test('08: HELM_DRIVER decides which of the two histories counts', async () => {
    const found = await said(at('08-helm-driver-switched'), DEPLOYED, { helmDriver: 'configmap' });
    expect(found.release).toMatchObject({ revision: 7, status: 'pending-upgrade', driver: 'configmap' });
    expect(found['release-deployed']).toEqual([
      expect.stringMatching(/^blocker helm upgrade will fail .* revision 7 is pending-upgrade$/),
      expect.stringMatching(/^notice .*also has records in Secrets \(revision 2 is deployed\); helm uses the ones in ConfigMaps/),
    ]);
    const outside = await said(at('08-helm-driver-switched'), DEPLOYED, { helmDriver: 'elsewhere' });
    expect(outside).toMatchObject({ release: undefined, 'release-deployed': 'unknown' });
  });

  test('HELM_DRIVER that leads helm past the records is said', async () => {
    const found = await said(at('04-helm-killed-upgrade-from-version'), DEPLOYED, { helmDriver: 'configmap' });
    expect(found['release-deployed']).toContainEqual(
      expect.stringMatching(/^warning helm does not find \S+: its records are in Secrets, but HELM_DRIVER is configmap/),
    );
  });

  test('09: a record that cannot be decoded is never passed', async () => {
    expect(await said(at('09-helm-record-gzipped-twice'), ['release-deployed', 'values-keys'])).toMatchObject({
      'release-deployed': 'unknown',
      'values-keys': 'unknown',
    });
  });

  test('13: the retry of a failed upgrade is judged from what runs', { timeout: 60_000 }, async () => {
    const checks = ['removed-fields', 'rollback-crds', 'target-version', 'crds-current', 'release-deployed'];
    const found = await said(at('13-helm-failed-upgrade-retry'), checks, { to: '1.0.6' });
    expect(found).toMatchObject({ version: '0.9.4', to: '1.0.6' });
    expect(found['removed-fields']).toHaveLength(3);
    for (const field of ['spec.vlan', 'spec.detectGateway', 'spec.detectIPConflict'])
      expect(found['removed-fields']).toContainEqual(expect.stringContaining(`1.0.6 drops ${field},`));
    expect(found['rollback-crds']).toContainEqual(expect.stringMatching(/^warning after helm rollback, agents of 0\.9\.4 crash/));
    expect(found['release-deployed']).toEqual([expect.stringMatching(/^warning .*revision 2 is failed/)]);
    for (const judged of ['target-version', 'crds-current']) expect(found[judged]).not.toBe('not-applicable');
  });

  test('42: a pool full of the IPs of one Pod that never started', async () => {
    const found = await said(at('42-sp-pool-full-of-one-pod'), ['leaked-ip']);
    expect(found['leaked-ip']).toEqual(['warning SpiderIPPool p4 has 20 IPs allocated to Pod shop/web-1, which has none of them']);
  });

  test('43: the SpiderEndpoint of an earlier Pod of the same name', async () => {
    const found = await said(at('43-sp-stale-endpoint-same-name'), ['stale-endpoint']);
    expect(found['stale-endpoint']).toEqual([
      expect.stringMatching(/^warning SpiderEndpoint shop\/llm-master-0 belongs to an earlier Pod/),
    ]);
  });

  test('66: one IP in several spellings is one IP; what is none is named where it stands', async () => {
    const checks = ['duplicate-pod-ip', 'leaked-ip', 'unrecorded-pod-ip'];
    const found = await said(at('66-odd-address-spellings'), checks);
    expect(found['duplicate-pod-ip']).toHaveLength(3);
    for (const pair of [/fd00::9 .*z[23] .*z[23]/, /10\.6\.1\.77 .*z[45] .*z[45]/, /10\.6\.1\.78 .*z[67] .*z[67]/])
      expect(found['duplicate-pod-ip']).toContainEqual(expect.stringMatching(pair));
    expect(found).toMatchObject({ 'leaked-ip': 'unknown', 'unrecorded-pod-ip': 'unknown' });
    const { results } = await examine(dumpSource(await readDump(at('66-odd-address-spellings'))), SYSTEMS, {
      checks: checks.map((name) => `spiderpool/${name}`),
    });
    for (const { gaps } of results)
      expect(gaps).toMatchObject([{ resource: 'pods', namespace: 'shop', name: 'z1', detail: 'status.podIPs' }]);
  });

  test('73: a dump with merge keys is read as kubectl reads it', async () => {
    const found = await said(at('73-odd-merge-keys'), ['duplicate-pod-ip']);
    expect(found['duplicate-pod-ip']).toEqual([expect.stringMatching(/^blocker 10\.6\.1\.9 is used by shop\/web-1 .*shop\/web-2/)]);
  });

  test('every report is a case of a test', () => {
    const systems = join(import.meta.dirname, '..');
    const tests = readdirSync(systems, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
    const all = tests.map((file) => readFileSync(join(systems, file), 'utf8')).join('\n');
    const cases = readdirSync(reports, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(cases.length).toBeGreaterThan(10);
    for (const { name } of cases) expect(all, name).toContain(`'${name}'`);
  });

  test('49: the values of a chart that wraps Spiderpool lie below its name, also without that chart', async () => {
    const found = await said(at('49-sp-wrapper-chart'), ['values-keys'], { to: '0.9.13' });
    expect(JSON.stringify(found['values-keys'])).not.toMatch(/removed spiderpool|enableIPv6|unknown key|ignored/);
  });

  test('49: with the wrapper of the target its CRDs are those of charts/*/crds, packed or not', { timeout: 180_000 }, async () => {
    for (const packed of [false, true]) {
      const chart = await wrapper(reports, '0.9.13', packed);
      const found = await said(at('49-sp-wrapper-chart'), ['crds-current', 'values-keys'], { chart });
      expect(found['crds-current']).toContainEqual(expect.stringMatching(/spidercoordinators\S* is older than in 0\.9\.13/));
      expect(JSON.stringify(found['values-keys'])).not.toMatch(/removed|unknown key|ignored/);
      const next = await said(at('49-sp-wrapper-chart'), ['removed-fields', 'rollback-crds'], {
        chart: await wrapper(reports, '1.0.6', packed),
      });
      expect(next['removed-fields']).toBe('passed'); // no object of it holds such a field
      expect(next['rollback-crds']).not.toBe('passed');
    }
  });

  test('a chart that lacks CRDs of its version is compared by the table; an unknown version of it is unknown', {
    timeout: 120_000,
  }, async () => {
    const chart = await wrapper(reports, '0.9.13', false);
    const bare = { ...chart, crds: [] };
    const checks = ['crds-current'];
    expect((await said(at('49-sp-wrapper-chart'), checks, { chart: bare, to: '0.9.13' }))['crds-current']).toContainEqual(
      expect.stringContaining('spidercoordinators'),
    );
    const unknown = { ...bare, version: '0.9.99' };
    expect((await said(at('49-sp-wrapper-chart'), checks, { chart: unknown, to: '0.9.99' }))['crds-current']).toBe('unknown');
  });
});

/** As the README of report 49 makes it. */
async function wrapper(reports: string, version: string, packed: boolean): Promise<Chart> {
  const folder = mkdtempSync(join(tmpdir(), 'ug-wrapper-'));
  made.push(folder);
  const inner = join(reports, '..', 'spiderpool', 'charts', version, 'spiderpool');
  mkdirSync(join(folder, 'charts'));
  if (packed) writeFileSync(join(folder, 'charts', 'spiderpool.tgz'), await archive(inner, 'spiderpool'));
  else cpSync(inner, join(folder, 'charts', 'spiderpool'), { recursive: true });
  const dependency = `- {name: spiderpool, version: "${version}", repository: "https://spidernet-io.github.io/spiderpool"}`;
  writeFileSync(join(folder, 'Chart.yaml'), `apiVersion: v2\nname: spiderpool\nversion: ${version}\ndependencies:\n${dependency}\n`);
  const values = readFileSync(join(inner, 'values.yaml'), 'utf8').replaceAll(/^/gm, '  ');
  writeFileSync(join(folder, 'values.yaml'), `spiderpool:\n${values}\n`);
  return loadChart(folder);
}

/** What helm package makes of a chart's directory. */
async function archive(folder: string, name: string): Promise<Buffer> {
  const tar = pack();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())) {
    const file = join(entry.parentPath, entry.name);
    tar.entry({ name: `${name}${file.slice(folder.length)}` }, readFileSync(file));
  }
  tar.finalize();
  return buffer(tar.pipe(createGzip()));
}
