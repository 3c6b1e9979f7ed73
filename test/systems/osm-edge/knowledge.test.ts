// The tables of osm-edge are what its tags and charts say: made again from the same sources, they are the same.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { knowledgeFrom } from '../../../scripts/knowledge/osm-edge.ts';

const TABLES = join(import.meta.dirname, '../../../../shared/data/osm-edge/tables');
const KNOWLEDGE = join(import.meta.dirname, '../../../src/systems/osm-edge/knowledge');

test.skipIf(!existsSync(TABLES) && process.env.CI !== 'true')('tables are what the sources give', () => {
  for (const [name, data] of Object.entries(knowledgeFrom(TABLES)))
    expect(JSON.parse(readFileSync(join(KNOWLEDGE, name), 'utf8')), name).toEqual(data);
});
