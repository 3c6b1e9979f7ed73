// The tables of Kubernetes: what is committed is what the derived tables say today, and every urgent note has its check or a reason.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrationsIn } from '../../../scripts/knowledge/corefile.ts';
import { fileOf, tablesOf, written } from '../../../scripts/knowledge/kubernetes.ts';
import kubernetes from '../../../src/systems/kubernetes/index.ts';
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

  // Read from the derived files directly, so that a row that the script loses or invents is seen.
  const read = (file: string) => readFileSync(join(derived, file), 'utf8');
  test('every API that upstream deprecates or removes has its row, and every row is upstream’s', () => {
    const [head, ...rows] = read('api-removals.csv')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const at = (row: string[], name: string) => row[head!.indexOf(name)] ?? '';
    const theirs = rows.map((row) => ['removedIn', 'deprecatedIn', 'group', 'version', 'kind'].map((name) => at(row, name)).join(' '));
    const ours = apis()
      .apis.filter(({ removed, deprecated }) => removed ?? deprecated)
      .map(({ removed = '', deprecated = '', group, version, kind }) => [removed, deprecated, group, version, kind].join(' '));
    expect(ours.toSorted()).toEqual(theirs.toSorted());
  });

  test('every gate, flag, plugin and metric that goes upstream has its row, and every row is upstream’s', () => {
    interface Row {
      name: string;
      component?: string;
      from?: string;
      removedIn?: string;
      lockedIn?: string;
      hiddenIn?: string;
    }
    const theirs = JSON.parse(read('component-removals.json')) as Record<'gates' | 'flags' | 'admissionPlugins', Row[]>;
    const said = ({ name, component = '', removedIn = '', lockedIn = '', hiddenIn = '' }: Row) =>
      [component, name, removedIn, lockedIn, hiddenIn].join(' ');
    const all = (rows: readonly unknown[]) => (rows as Row[]).map(said).sort();
    expect(all(components().gates)).toEqual(all(theirs.gates.filter(({ from }) => from === undefined)));
    expect(all(components().flags)).toEqual(all(theirs.flags));
    expect(all(components().admissionPlugins)).toEqual(all(theirs.admissionPlugins));
    expect(all(tables.metrics().metrics)).toEqual(all((JSON.parse(read('metric-removals.json')) as { metrics: Row[] }).metrics));
  });

  test('every kubeadm has its row with its etcd, CoreDNS and pause, and the migration of CoreDNS knows each of them', () => {
    const theirs = (JSON.parse(read('kubeadm-images.json')) as { rows: { minor: string }[] }).rows;
    const ours = tables.kubeadm().images;
    expect(ours).toEqual(theirs);
    const { releases } = tables.corefile();
    expect(ours.filter(({ coreDNS }) => !releases.includes(coreDNS))).toEqual([]);
    // kubeadm refuses what is newer than its own, so that none may be between the newest and the next.
    expect(releases.at(-1)).toBe(ours.at(-1)!.coreDNS);
  });

  test('every urgent note upstream has its row', () => {
    const theirs = (JSON.parse(read('urgent-notes.json')) as { notes: { minor: string; pr: number }[] }).notes;
    expect(notes().notes.map(({ minor, pr }) => [minor, pr])).toEqual(theirs.map(({ minor, pr }) => [minor, pr]));
  });
});

test('the migration of CoreDNS is read as it is written in Go', () => {
  const versions = [
    'var Versions = map[string]release{',
    '\t"1.14.2": {\n\t\tpriorVersion:   "1.9.4",\n\t\tplugins:        plugins_1_14_0,\n\t},',
    '\t"1.9.4": {\n\t\tnextVersion:    "1.14.2",\n\t\tplugins:        plugins_1_9_4,\n\t\tdefaultConf: `.:53 {\n    errors\n}\n`,\n\t},',
    '}\nvar plugins_1_9_4 = map[string]plugin{\n\t"federation": {},\n}',
    'var plugins_1_14_0 = map[string]plugin{\n\t"errors":       plugins["errors"]["v3"],\n\t"ready":        {},\n}\n',
  ].join('\n');
  expect(migrationsIn(versions)).toEqual({ releases: ['1.9.4', '1.14.2'], migrated: ['errors', 'ready'] });
  expect(() => migrationsIn('package migration')).toThrow('another form');
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

  test('every urgent note has a check that exists, or a reason why not', () => {
    const names = kubernetes.checks.map(({ id }) => id.slice('kubernetes/'.length));
    for (const { minor, pr, check, why } of notes().notes) {
      if (check) expect(names, `${minor} ${pr}`).toContain(check);
      else expect(why, `${minor} ${pr}`).toMatch(/^(?!no check yet).{10,}/);
    }
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
