// Which meshes are found in the captures of a real installation, of a failed upgrade, and where another Open Service Mesh runs.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { detect, READS } from '../../../src/systems/osm-edge/detect.ts';

const CAPTURES = join(import.meta.dirname, '../../../../shared/data/osm-edge/captures');

const rowsOf = (objects: readonly Raw[]) => ({ workloads: objects.flatMap((object) => READS.workloads.keep(object) ?? []), releases: [] });
const captured = (name: string): Raw[] =>
  (JSON.parse(readFileSync(join(CAPTURES, name, 'workloads.json'), 'utf8')) as { items: Raw[] }).items.filter(
    ({ kind }) => kind === 'Deployment',
  );

describe.skipIf(!existsSync(CAPTURES) && process.env.CI !== 'true')('captures', () => {
  test('1.2.3 as helm installed it', async () => {
    expect(await detect(rowsOf(captured('01-installed-1.2.3')))).toMatchObject([
      { id: 'osm-edge@osm-system/osm', version: '1.2.3', byHelm: true, namespace: 'osm-system', name: 'osm' },
    ]);
  });
  test('a failed upgrade leaves the controller where it was: its version counts, the others are named', async () => {
    const [found, ...more] = (await detect(rowsOf(captured('02-failed-upgrade-to-1.3.9')))) as {
      version: string;
      sources: { says: string }[];
    }[];
    expect(more).toEqual([]);
    expect(found!.version).toBe('1.2.3');
    expect(new Set(found!.sources.map(({ says }) => says))).toEqual(new Set(['1.2.3', '1.3.9']));
  });
});

test("upstream's Open Service Mesh is not osm-edge; two meshes are two installations", async () => {
  const controller = (namespace: string, image: string): Raw => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'osm-controller', namespace, labels: { app: 'osm-controller', meshName: namespace } },
    spec: { template: { spec: { containers: [{ name: 'osm-controller', image }] } } },
  });
  const rows = rowsOf([
    controller('upstream', 'openservicemesh/osm-controller:v1.2.4'),
    controller('b', 'registry.local/flomesh/osm-edge-controller:1.3.9'),
    controller('a', 'flomesh/osm-edge-controller:1.1.1@sha256:00'),
  ]);
  expect(await detect(rows)).toMatchObject([
    { id: 'osm-edge@a/a', version: '1.1.1' },
    { id: 'osm-edge@b/b', version: '1.3.9' },
  ]);
});
