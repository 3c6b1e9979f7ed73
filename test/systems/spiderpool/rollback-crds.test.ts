// rollback-crds: what the new definitions bring and drop, against the live ones; and which old agents fail over that.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { intendedBy } from '../../../src/chart/intended.ts';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { loadChart } from '../../../src/helm/load-chart.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { rollbackTrap, type SpiderpoolUpgrade } from '../../../src/systems/spiderpool/repairs.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

const CRD = 'CustomResourceDefinition/spidercoordinators.spiderpool.spidernet.io';

/** That CRD of the fixture without one field. */
function withoutField(field: string): Raw {
  const crd = parse(readFileSync(join(import.meta.dirname, '../../fixtures/spiderpool/rollback-crds/found.yaml'), 'utf8'));
  delete crd.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties[field];
  return crd;
}

grid('spiderpool/rollback-crds', [
  { fixture: 'found', to: 'spiderpool=0.9.13', expect: `notice ${CRD}` },
  { fixture: 'found', to: 'spiderpool=1.0.6', expect: [`warning ${CRD}`, `notice ${CRD}`] },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=1.0.6', expect: `warning ${CRD}` },
  { fixture: 'healthy', to: 'spiderpool=0.9.4', expect: 'not-applicable' },
  { fixture: 'healthy', to: 'spiderpool=0.9.99', expect: 'unknown' },
  // The way back itself: these CRDs have every field that agents of 0.9.1 read, and then one less.
  { fixture: 'healthy', backTo: 'spiderpool=0.9.1', expect: `notice ${CRD}` },
  {
    fixture: 'found',
    objects: [withoutField('detectIPConflict')],
    backTo: 'spiderpool=0.9.1',
    expect: [`blocker ${CRD}`, `notice ${CRD}`],
  },
  { fixture: 'healthy', backTo: 'spiderpool=0.8.0', expect: `notice ${CRD}` },
  { fixture: 'healthy', backTo: 'spiderpool=0.9.1', forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);

test.each<[string, string, RegExp]>([
  [
    '0.9.4',
    '1.0.6',
    /^; agents of 0\.9\.4 crash on SpiderCoordinators without detectGateway, detectIPConflict, hostRPFilter, which 1\.0\.6 drops/,
  ],
  ['0.9.7', '1.2.2', /detectGateway, detectIPConflict, which/],
  ['0.8.13', '0.9.4', /podRPFilter, which/],
  ['0.9.4', '0.9.13', /^$/],
  ['0.9.13', '1.2.2', /^$/],
  ['0.9.4', '9.9.9', /^$/],
])('the note beside helm rollback, %s → %s', (from, to, expected) => {
  const at = { path: { from }, intended: { chart: { path: '/x', name: 'spiderpool', version: to, digest: '' } } } as SpiderpoolUpgrade;
  expect(rollbackTrap(at).en).toMatch(expected);
  expect(rollbackTrap(at).zh === '').toBe(rollbackTrap(at).en === '');
});

describeUpstream('with the definitions of the charts', ['data', 'spiderpool', 'charts'], (folder) => {
  const chartOf = (version: string) => loadChart(join(folder, version, 'spiderpool'));
  const found = async (from: string, to: string, withChart: boolean) => {
    const objects = [installed(from), ...(await chartOf(from)).crds];
    const { results } = await examine(dumpSource(dumpOf({ objects, whole: true })), SYSTEMS, {
      checks: ['spiderpool/rollback-crds'],
      targets: [{ system: 'spiderpool', version: to }],
      intended: intendedBy({ chart: withChart ? await chartOf(to) : undefined }),
    });
    return said(results);
  };
  const said = (results: Awaited<ReturnType<typeof examine>>['results']) => {
    const [{ findings }] = results as [(typeof results)[0]];
    return findings.map(({ severity, objects: of, args }) => `${severity} ${of.length} ${(args as Raw).what} ${(args as Raw).count}`);
  };
  test.each([
    ['0.9.4', '0.9.13', ['notice 2 fields 5']],
    ['1.0.6', '1.1.2', ['notice 1 fields 6']],
    ['0.9.4', '1.0.6', ['warning 1 agents 3', 'notice 2 fields 9']],
    ['1.1.2', '1.1.2', []],
  ])('%s → %s, by table and by chart', async (from, to, expected) => {
    for (const withChart of [false, true]) expect(await found(from, to, withChart)).toEqual(expected);
  });

  test.each([
    ['0.9.13', '0.9.4', ['notice 2 fields 5']],
    ['1.0.6', '0.9.4', ['blocker 1 agents 3', 'notice 2 fields 9']],
    ['1.0.6', '0.9.13', ['notice 1 fields 4']],
  ])('after the upgrade: %s back to %s', async (from, to, expected) => {
    const objects = [installed(from), ...(await chartOf(from)).crds];
    const { results, paths } = await examine(dumpSource(dumpOf({ objects, whole: true })), SYSTEMS, {
      systems: ['spiderpool'],
      targets: [{ system: 'spiderpool', version: to, back: true }],
    });
    expect(paths).toMatchObject([{ from, to, chosen: 'back', hops: [to] }]);
    expect(results.map(({ id }) => id)).toEqual(['spiderpool/rollback-crds']);
    expect(said(results)).toEqual(expected);
  });
});
