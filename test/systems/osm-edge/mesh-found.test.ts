import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { layOut } from '../../fixtures.ts';
import { grid } from '../../grid.ts';

const deployment = (namespace: string, name = 'osm-controller') => `Deployment/${namespace}/${name}`;
const [controller, injector, bootstrap] = ['osm-controller', 'osm-injector', 'osm-bootstrap'].map((name) => deployment('osm-system', name));

grid('osm-edge/mesh-found', [
  { fixture: 'found', expect: [`warning ${controller}, ${injector}, ${bootstrap}`, `warning ${deployment('upstream')}`] },
  { base: 'no-injector', expect: `blocker ${controller}, ${bootstrap}` },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['deployments.apps'], expect: 'unknown' },
]);

const several = layOut('osm-edge/mesh-found', { fixture: 'several' });
afterAll(() => rmSync(several, { recursive: true, force: true }));
test('two meshes are two installations, and each is told of the other', async () => {
  const { installations, results } = await examine(dumpSource(await readDump(several)), SYSTEMS, { checks: ['osm-edge/mesh-found'] });
  expect(installations.map(({ id }) => id)).toEqual(['osm-edge@edge-b/b', 'osm-edge@osm-system/osm']);
  expect(results.map(({ findings }) => findings.map(({ severity, message }) => `${severity} ${message.en}`))).toEqual([
    ['notice osm-system/osm: other osm-edge meshes that share the CRDs with edge-b/b'],
    ['notice edge-b/b: other osm-edge meshes that share the CRDs with osm-system/osm'],
  ]);
});
