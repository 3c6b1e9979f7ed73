// Whether a chart renders with the values that it will get, and where not: what is predicted is what real helm 3 and 4 say.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { intendedBy } from '../../../src/chart/intended.ts';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import type { Intent } from '../../../src/helm/contracts.ts';
import { loadChart } from '../../../src/helm/load-chart.ts';
import { failure, helmFor } from '../../../src/helm/run.ts';
import { insteadOf } from '../../../src/helm/values.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { FACTS, valuesByTable } from '../../../src/systems/spiderpool/values.ts';
import { compare } from '../../../src/versions/chart.ts';
import { prepareTools, tools } from '../../bed/tools.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { INSTALLED_BY_HELM } from './installed.ts';
import { releaseOf } from './release.ts';

const HELMS = ['helm3', 'helm4'] as const;
const trouble = await prepareTools(() => {});
const scratch = mkdtempSync(join(tmpdir(), 'ug-render-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const env = { PATH: process.env.PATH, HOME: scratch };
const never = new AbortController().signal;
const helm = (name: (typeof HELMS)[number], chart: string) => helmFor(chart, { ...env, HELM_BIN: tools()[name] }, never).then((it) => it!);
const AS = { namespace: 'kube-system', name: 'x' };
/** In the sweep every pair; else each version with the one before it, and each with the newest. */
const everyPair = process.env.UPGRADE_GUARD_SWEEP !== undefined;

/** What helm itself says: undefined where it renders, else at which key it fails. */
function said(name: (typeof HELMS)[number], chart: string): Promise<string | undefined> {
  return new Promise((resolve) =>
    execFile(tools()[name], ['template', 'x', chart], { env, maxBuffer: 1 << 26 }, (error, _, stderr) => {
      const failed = failure(stderr);
      resolve(error ? (failed.is === 'failed' && failed.key) || stderr : undefined);
    }),
  );
}

describeUpstream('--reuse-values over the charts of Spiderpool', ['data', 'spiderpool', 'charts'], (folder) => {
  const charts = readdirSync(folder)
    .filter((version) => version !== '0.2.3') // calls itself 0.2.2
    .sort(compare);
  const pairs = charts.flatMap((to, at) => charts.slice(0, at).map((from) => ({ from, to })));
  const isNear = ({ from, to }: (typeof pairs)[number]) => charts.indexOf(to) - charts.indexOf(from) === 1 || to === charts.at(-1);
  const chosen = everyPair ? pairs : pairs.filter(isNear);
  const chartOf = (version: string) => join(folder, version, 'spiderpool');
  /** The target's chart with the old chart's file of values: what --reuse-values comes to without settings of one's own. */
  const swapped = ({ from, to }: { from: string; to: string }) => {
    const chart = mkdtempSync(join(scratch, 'chart-'));
    cpSync(chartOf(to), chart, { recursive: true });
    cpSync(join(chartOf(from), 'values.yaml'), join(chart, 'values.yaml'));
    return chart;
  };

  test.skipIf(trouble !== undefined)(
    `the table and helm agree with helm on ${chosen.length} of ${pairs.length} pairs`,
    { timeout: 600_000 },
    async () => {
      for (const pair of chosen) {
        const at = `${pair.from} → ${pair.to}`;
        const chart = swapped(pair);
        const real = await Promise.all(HELMS.map((name) => said(name, chart)));
        rmSync(chart, { recursive: true });
        expect(real[0], `${at}: the two helms`).toBe(real[1]);
        const before = valuesByTable(pair.from)!.defaults;
        expect(FACTS.missing(valuesByTable(pair.to)!, before)?.[0], `${at}: the table`).toBe(real[0]);
        const { values } = await loadChart(chartOf(pair.to));
        for (const name of HELMS) {
          const rendering = await (await helm(name, chartOf(pair.to))).render(insteadOf(values, before), AS);
          expect(rendering, `${at}: ${name}`).toMatchObject(real[0] === undefined ? { is: 'rendered' } : { is: 'failed', key: real[0] });
        }
      }
    },
  );
});

// ---- charts that no table has seen ----------------------------------------------------------------------------------

const FILES: Record<string, string> = {
  'Chart.yaml': 'apiVersion: v2\nname: spiderpool\nversion: 1.2.2\n',
  'values.yaml': 'new: {deep: {key: 1}}\nold: x\nlabels: {}\nlist: [1]\n',
  'templates/a.yaml':
    'kind: A\nnew: {{ .Values.new.deep.key }}\nold: {{ .Values.old | upper }}\nlabels: {{ toYaml .Values.labels | nindent 2 }}\n{{- range .Values.list }}{{ end }}\n{{ include "x" . }}\n',
  'templates/_x.tpl':
    '{{ define "x" }}version: {{ .Capabilities.KubeVersion.Version }}{{ if .Release.IsInstall }}{{ fail "no upgrade" }}{{ end }}{{ if eq (toString .Values.old) "boom" }}{{ fail "password=hunter2hunter2 is bad" }}{{ end }}{{ end }}\n',
};

function chart(files: Record<string, string> = {}): string {
  const root = mkdtempSync(join(scratch, 'own-'));
  for (const [name, text] of Object.entries({ ...FILES, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

/** One check over a release of 0.9.13 with these settings. */
async function outcome(id: string, config: Raw, intent: Intent | undefined, from: string, by?: (typeof HELMS)[number]) {
  const source = dumpSource(dumpOf({ objects: [INSTALLED_BY_HELM, releaseOf('0.9.13', config)], whole: true }));
  const { results } = await examine(source, SYSTEMS, {
    checks: [id],
    targets: [{ system: 'spiderpool', version: '1.2.2' }],
    intended: intendedBy({ chart: await loadChart(from), templates: by && (await helm(by, from)), intent }),
  });
  const { outcome: is, findings, note } = results[0]!;
  return is === 'found' ? findings.map(({ severity, args }) => [severity, (args as Raw).state, (args as Raw).keys]) : [is, note?.en];
}

describe.skipIf(trouble !== undefined)('a chart that no table has seen', { timeout: 60_000 }, () => {
  const reuse = { given: {}, reuse: 'reuse' as const };
  test.each(HELMS)('%s: it says where rendering fails', async (by) => {
    const own = chart();
    expect(await outcome('spiderpool/reuse-values', {}, reuse, own, by)).toEqual([['blocker', 'fails', ['new.deep.key']]]);
    const given = { ...reuse, given: { new: { deep: { key: 2 } }, old: 'y' } };
    expect(await outcome('spiderpool/reuse-values', {}, given, own, by)).toEqual([['warning', 'stale', ['list']]]);
    expect(await outcome('spiderpool/values-keys', { old: { a: 1 } }, undefined, own, by)).toEqual([
      // Helm names no value here, only the function; what it said is shown.
      ['blocker', 'fails', []],
      ['warning', 'shape', ['old.a']],
    ]);
    expect(await outcome('spiderpool/values-keys', { old: 'z', labels: { any: 'thing' } }, undefined, own, by)).toEqual([
      'passed',
      undefined,
    ]);
    expect(await outcome('spiderpool/values-keys', { nope: 1 }, undefined, own, by)).toEqual([['warning', 'unknown', ['nope']]]);
  });
  test('without helm it is unknown whether it renders; what it has no place for is still found', async () => {
    const own = chart();
    expect(await outcome('spiderpool/reuse-values', {}, reuse, own)).toEqual(['unknown', expect.stringContaining('no')]);
    expect(await outcome('spiderpool/values-keys', {}, undefined, own)).toEqual(['unknown', expect.stringContaining('helm')]);
    expect(await outcome('spiderpool/values-keys', { nope: 1 }, undefined, own)).toEqual([['warning', 'unknown', ['nope']]]);
  });
  test.each(HELMS)('%s: what helm says is redacted, and the server version is that of the cluster', async (by) => {
    const it = await helm(
      by,
      chart({
        'templates/b.yaml':
          'kind: B\nv: {{ if semverCompare ">=1.21.5" .Capabilities.KubeVersion.Version }}{{ fail "too new" }}{{ end }}\n',
      }),
    );
    expect(await it.render({}, { ...AS, kubernetes: 'v1.20.1+k3s1' })).toEqual({ is: 'rendered' });
    expect(await it.render({}, { ...AS, kubernetes: 'v1.28.9+k3s1' })).toMatchObject({
      is: 'failed',
      key: undefined,
      said: expect.stringContaining('too new'),
    });
    const failed = await it.render({ old: 'boom' }, { ...AS, kubernetes: 'v1.20.1' });
    expect(failed).toMatchObject({ is: 'failed', said: expect.stringContaining('is bad') });
    expect(JSON.stringify(failed)).not.toContain('hunter2');
  });
});
