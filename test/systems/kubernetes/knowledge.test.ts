// The tables of Kubernetes: what is committed is what the derived tables say today, and every urgent note has its check or a reason.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fileOf, tablesOf, written } from '../../../scripts/knowledge/kubernetes.ts';
import * as tables from '../../../src/systems/kubernetes/knowledge/tables.ts';
import { minorOf } from '../../../src/versions/kubernetes.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const { apis, components, notes, versions } = tables;

describeUpstream('committed tables of kubernetes', ['data', 'kubernetes'], (derived) => {
  test('are what the derived tables say', () => {
    for (const [name, table] of Object.entries(tablesOf(derived))) {
      const committed = readFileSync(fileOf(name), 'utf8');
      expect(committed === written(table), `${name}.json differs: npm run knowledge`).toBe(true);
    }
  });
});

describe('tables of kubernetes', () => {
  test('name a pre-release wherever its minor stands, and nothing beyond', () => {
    const { knownUpTo, provisionalUpTo } = versions();
    const rows = [...apis().apis, ...components().gates, ...components().flags, ...components().admissionPlugins];
    for (const row of rows) {
      const removed = 'removed' in row ? row.removed : (row as { removedIn?: string }).removedIn;
      if (removed === undefined || 'kind' in row) continue; // kinds have dates that lie ahead
      expect(minorOf(removed), row.name).toBeLessThanOrEqual(minorOf(provisionalUpTo!));
      if (minorOf(removed) > minorOf(knownUpTo)) expect(row.provisional, row.name).toBeDefined();
    }
  });

  test('each says where it comes from', () => {
    for (const [name, table] of Object.entries(tables)) expect(table().source, name).toMatch(/\w{6,}/);
  });

  test('every urgent note has its check, or a reason why not', () => {
    for (const note of notes().notes) expect(note.check ?? note.why, `${note.minor} ${note.pr}`).toBeTruthy();
  });

  // Counts of facts/kubernetes.md section 4, which were made another way: gone and newly locked per minor.
  test.each([
    ['1.24', 9, 15],
    ['1.29', 13, 10],
    ['1.31', 17, 13],
    ['1.34', 5, 25],
    ['1.35', 11, 12],
    ['1.36', 9, 21],
    ['1.37', 25, 13],
  ])('gates of %s: %i gone, %i newly locked', (minor, gone, locked) => {
    const { gates } = components();
    expect(gates.filter(({ removedIn }) => removedIn === minor)).toHaveLength(gone);
    expect(gates.filter(({ lockedIn }) => lockedIn === minor)).toHaveLength(locked);
  });
});
