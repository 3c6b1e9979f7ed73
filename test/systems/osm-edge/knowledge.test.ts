// The tables of osm-edge are what its tags and charts say: made again from the same sources, they are the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { knowledgeFrom } from '../../../scripts/knowledge/osm-edge.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const KNOWLEDGE = join(import.meta.dirname, '../../../src/systems/osm-edge/knowledge');

describeUpstream('tables of osm-edge', ['data', 'osm-edge', 'tables'], (tables) => {
  test('are what the sources give', () => {
    for (const [name, data] of Object.entries(knowledgeFrom(tables)))
      expect(JSON.parse(readFileSync(join(KNOWLEDGE, name), 'utf8')), name).toEqual(data);
  });
});
