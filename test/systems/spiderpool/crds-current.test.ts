// crds-current: against the table, against charts, and the table against the charts of the releases themselves.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tableOf } from '../../../scripts/knowledge/spiderpool-crds.ts';
import { crdsByChart, fieldOf, lacking, markersOf, versionsOf } from '../../../src/chart/crds.ts';
import { intendedBy } from '../../../src/chart/intended.ts';
import { objectName } from '../../../src/engine/acceptance.ts';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { makePlan, stepsOf } from '../../../src/engine/plan.ts';
import { isAllowed } from '../../../src/engine/rights.ts';
import { loadChart } from '../../../src/helm/load-chart.ts';
import { parseResourceName, ruleText } from '../../../src/kube/resources.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { checkOf, SYSTEMS } from '../../../src/systems/index.ts';
import { wantedByTable } from '../../../src/systems/spiderpool/crds.ts';
import table from '../../../src/systems/spiderpool/knowledge/crds.json' with { type: 'json' };
import versions from '../../../src/systems/spiderpool/knowledge/versions.json' with { type: 'json' };
import { describeUpstream } from '../../bed/upstream.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

const CRD = 'CustomResourceDefinition';
const ours = (plural: string) => `${CRD}/${plural}.spiderpool.spidernet.io`;
const older = [
  `warning ${CRD}/network-attachment-definitions.k8s.cni.cncf.io`,
  `blocker ${ours('spidercoordinators')}`,
  `blocker ${ours('spidermultusconfigs')}`,
  `notice ${CRD}/sriovibnetworks.sriovnetwork.openshift.io`,
];

grid('spiderpool/crds-current', [
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.10', expect: 'passed' },
  { fixture: 'found', expect: older },
  { fixture: 'stored', expect: `blocker ${ours('spiderippools')}` },
  { fixture: 'healthy', to: 'spiderpool=0.9.99', expect: 'unknown' },
  { fixture: 'healthy', to: 'spiderpool=1.3.0', expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);

test('the table knows every version that it is said to', () => {
  expect(table.versions.at(-1)).toBe(versions.knownUpTo);
  for (const point of versions.restingPoints) expect(wantedByTable(point), point).toBeDefined();
});

describe('a marker as a person reads it', () => {
  test.each([
    ['.schema.openAPIV3Schema.properties.spec.properties.mode.enum', 'spec.mode (enum)'],
    ['.schema.openAPIV3Schema.properties.spec.properties.routes.items.properties.via', 'spec.routes[].via'],
    ['.schema.openAPIV3Schema.properties.spec.properties.default.default', 'spec.default (default)'],
    ['.subresources.status', 'subresources.status'],
    ['v2beta1', 'v2beta1'],
    ['spec.txQueueLen=0', 'default of spec.txQueueLen (0)'],
    ['spec.mode:"auto"', 'value "auto" of spec.mode'],
  ])('%s → %s', (path, field) => expect(fieldOf(path)).toBe(field));
});

const definition = (schema: Raw, more: Raw = {}): Raw => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: CRD,
  metadata: { name: 'spiderippools.spiderpool.spidernet.io' },
  spec: { versions: [{ name: 'v2beta1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }] },
});
const field = (schema: Raw): Raw => ({
  type: 'object',
  properties: { spec: { type: 'object', description: 'a', properties: { mode: schema } } },
});

test('a table holds what changes between versions, and in which of them it is there', () => {
  const charts = [
    { version: '1.0.0', crds: [definition(field({ type: 'string', default: 'a', enum: ['a'] }))] },
    { version: '0.9.0', crds: [definition(field({ type: 'string', enum: ['a'] }))] },
    { version: '1.0.0-rc1', crds: [] },
    { version: '0.10.0', crds: [definition(field({ type: 'string', enum: ['a', 'b'] }))] },
  ];
  expect(tableOf(charts)).toEqual({
    versions: ['0.9.0', '0.10.0', '1.0.0-rc1', '1.0.0'],
    crds: {
      'spiderippools.spiderpool.spidernet.io': {
        v2beta1: { in: '0.9.0..0.10.0 1.0.0', markers: { 'spec.mode:"b"': '0.10.0', 'spec.mode="a"': '1.0.0' } },
      },
    },
  });
});

describe('what a live CRD lacks', () => {
  const lacks = (live: Raw, wanted: Raw) => lacking(live, crdsByChart([wanted])[0]!).map((path) => fieldOf(path));
  const enumOf = (...values: string[]) => definition(field({ type: 'string', enum: values }));
  test.each<[string, Raw, Raw, string[]]>([
    ['descriptions do not count', definition(field({ type: 'string', description: 'old' })), definition(field({ type: 'string' })), []],
    [
      'a field called description does',
      definition(field({ type: 'object' })),
      definition(field({ type: 'object', properties: { description: { type: 'string' } } })),
      ['spec.mode (properties)'],
    ],
    ['nor does the order of choices', enumOf('a', 'b'), enumOf('b', 'a'), []],
    ['a choice more', enumOf('a'), enumOf('a', 'b'), ['spec.mode (enum)']],
    ['a choice less: the live one accepts what the new version does not know', enumOf('a', 'b'), enumOf('a'), ['spec.mode (enum)']],
    ['a default', definition(field({ type: 'integer' })), definition(field({ type: 'integer', default: 0 })), ['spec.mode (default)']],
    [
      'a field more than wanted',
      definition({ type: 'object', properties: { spec: { type: 'object', properties: { mode: {}, x: {} } } } }),
      definition({ type: 'object', properties: { spec: { type: 'object', properties: { mode: {} } } } }),
      [],
    ],
    [
      'a requirement that the new version has not',
      definition({ type: 'object', required: ['x'] }),
      definition({ type: 'object' }),
      ['(required)'],
    ],
    ['a subresource', definition({}), definition({}, { subresources: { status: {} } }), ['subresources.status']],
    ['a version that is not served', definition({}, { served: false }), definition({}), ['v2beta1']],
  ])('%s', (_, live, wanted, expected) => expect(lacks(live, wanted)).toEqual(expected));
});

describeUpstream('the charts of Spiderpool', ['data', 'spiderpool', 'charts'], (folder) => {
  // The tag v0.2.3 brings a chart that calls itself 0.2.2.
  const known = readdirSync(folder).filter((version) => version !== '0.2.3');
  const chartOf = (version: string) => loadChart(join(folder, version, 'spiderpool'));
  const outcome = async (objects: Raw[], from: string, to: string, withChart: boolean) => {
    const chart = withChart ? await chartOf(to) : undefined;
    const source = dumpSource(dumpOf({ objects: [installed(from), ...objects], whole: true }));
    const { results, remedies } = await examine(source, SYSTEMS, {
      checks: ['spiderpool/crds-current'],
      targets: [{ system: 'spiderpool', version: to }],
      intended: intendedBy({ chart }),
    });
    const proposals = await Promise.all(remedies.map(async ({ findings, propose }) => ({ ...(await propose(findings)), reasons: [] })));
    return { result: results[0]!, plan: makePlan(proposals) };
  };
  const stored = (crds: readonly Raw[]) =>
    crds.map((crd) => ({ ...crd, status: { storedVersions: versionsOf(crd).map(({ name }) => String(name)) } }));

  test.each(known)('%s: the table says of it what its definitions say', async (version) => {
    const { crds } = await chartOf(version);
    const wanted = wantedByTable(version)!;
    expect(wanted.map(({ name }) => name).sort()).toEqual(
      crdsByChart(crds)
        .map(({ name }) => name)
        .sort(),
    );
    for (const one of wanted) {
      const crd = crds.find(({ metadata }) => (metadata as Raw).name === one.name)!;
      const entry = (table.crds as unknown as Record<string, Record<string, { markers: object }>>)[one.name]!;
      expect(one.versions.map(({ name }) => name)).toEqual(versionsOf(crd).map(({ name }) => name));
      for (const { name, markers } of one.versions) {
        const says = new Set(markersOf(versionsOf(crd).find((each) => each.name === name)!));
        expect(markers).toEqual(Object.keys(entry[name]!.markers).filter((marker) => says.has(marker)));
      }
    }
  });
  test.each(known)('%s: its own definitions pass, by table and by chart', async (version) => {
    const { crds } = await chartOf(version);
    for (const withChart of [true, false]) expect((await outcome(stored(crds), version, version, withChart)).result.outcome).toBe('passed');
  });
  test('0.9.4 → 0.9.13: the same definitions by table and by chart; only the chart makes the remedy', async () => {
    const { crds } = await chartOf('0.9.4');
    const [byTable, byChart] = [
      await outcome(stored(crds), '0.9.4', '0.9.13', false),
      await outcome(stored(crds), '0.9.4', '0.9.13', true),
    ];
    const names = ({ result }: typeof byTable) => result.findings.flatMap(({ objects }) => objects.map(objectName));
    expect(names(byTable)).toEqual(names(byChart));
    expect(names(byTable)).toEqual([ours('spidercoordinators'), ours('spidermultusconfigs')]);
    expect(stepsOf(byTable.plan)).toEqual([]);
    expect(byTable.plan.refusals[0]!.command).toMatch(/{tool} fix spiderpool\/crds-current{again} --chart spiderpool-0.9.13.tgz$/);
    expect(byTable.result.findings[0]!.remedy).toMatchObject({ automatic: false });
    expect(stepsOf(byChart.plan).map((step) => step.do)).toEqual(['apply', 'apply']);
    expect(byChart.result.findings[0]!.remedy).toMatchObject({ automatic: true });
  });
  test('0.8.0 → 0.8.13 and further: what the facts say is found', async () => {
    const { crds } = await chartOf('0.9.0');
    const { result } = await outcome(stored(crds), '0.9.0', '0.9.1', true);
    expect(result.findings.map(({ message }) => message.en)).toContainEqual(
      expect.stringMatching(/spidercoordinators.*missing: .*default/),
    );
  });
  test('what rbac prints is enough to undo every CRD that it creates: it looks for objects first', async () => {
    for (const version of known) {
      const { crds } = await chartOf(version);
      for (const { metadata } of crds) {
        const right = { verbs: ['list'], ...parseResourceName(String((metadata as Raw).name)) };
        expect(isAllowed(right, checkOf('spiderpool/crds-current').remedy!.writes), `${version}: ${ruleText(right)}`).toBe(true);
      }
    }
  });
  test('0.3.6 → 0.4.0: refused, and why', async () => {
    const { crds } = await chartOf('0.3.6');
    for (const withChart of [true, false]) {
      const { result, plan } = await outcome(stored(crds), '0.3.6', '0.4.0', withChart);
      expect(result.findings.map(({ severity, args }) => [severity, (args as Raw).state])).toEqual(
        new Array(4).fill(['blocker', 'stored']),
      );
      expect(stepsOf(plan)).toEqual([]);
      expect(plan.refusals.map(({ refused }) => refused.en)).toEqual(
        new Array(4).fill(expect.stringMatching(/v1 in status\.storedVersions; .*converts no object/)),
      );
    }
  });
  test('a foreign definition that knows more than the chart is left alone', async () => {
    const [mine, theirs] = [await chartOf('0.9.13'), await chartOf('1.2.2')];
    const foreign = (crds: readonly Raw[]) => crds.filter((crd) => String((crd.metadata as Raw).name).includes('sriovnetworknodepolicies'));
    const objects = [...mine.crds.filter((crd) => !foreign([crd]).length), ...foreign(theirs.crds)];
    const { result, plan } = await outcome(stored(objects), '0.9.13', '0.9.13', true);
    if (result.findings.length) expect(plan.refusals.map(({ refused }) => refused.en)).toEqual([expect.stringContaining('other software')]);
    expect(stepsOf(plan)).toEqual([]);
  });
});
