// The tables of osm-edge are what its tags and charts say: made again from the same sources, they are the same.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { knowledgeFrom } from '../../../scripts/knowledge/osm-edge.ts';
import { crdsByTable, lacking, nameOf } from '../../../src/chart/crds.ts';
import type { Raw } from '../../../src/engine/contracts.ts';
import { crdFields } from '../../../src/systems/osm-edge/knowledge/tables.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const KNOWLEDGE = join(import.meta.dirname, '../../../src/systems/osm-edge/knowledge');

describeUpstream('tables of osm-edge', ['data', 'osm-edge', 'tables'], (tables) => {
  test('are what the sources give', () => {
    for (const [name, data] of Object.entries(knowledgeFrom(tables)))
      expect(JSON.parse(readFileSync(join(KNOWLEDGE, name), 'utf8')), name).toEqual(data);
  });
});

describeUpstream('CRDs of osm-edge', ['data', 'osm-edge', 'charts'], (charts) => {
  test.each(['1.1.3', '1.2.3', '1.3.0', '1.3.9'])('of %s lack nothing of the table, and of the next releases something', (version) => {
    const folder = join(charts, version, 'crds');
    const live = readdirSync(folder).flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Raw),
    );
    const lacks = (of: string): string[] =>
      crdsByTable(crdFields(), of)!.flatMap((one) => {
        const crd = live.find((each) => each && nameOf(each) === one.name);
        // Versions that are not served are in crds.json.
        return crd ? lacking(crd, one).filter((each) => !/^v\d\w*$/.test(each)) : [];
      });
    expect(lacks(version)).toEqual([]);
    if (version !== '1.3.9') expect(lacks('1.3.9')).toContain('spec.sidecar.sidecarTimeout');
  });
});
