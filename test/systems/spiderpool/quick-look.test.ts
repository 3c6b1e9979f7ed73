// The quick look of duplicate-pod-ip over the fixtures of the full one: what it finds is what the full check finds, word for word; what it does not find is not passed.
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckResult, Gap, QuickSource, Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { suspect, TABLES } from '../../../src/systems/spiderpool/quick.ts';
import { laid } from '../../grid.ts';

const ID = 'spiderpool/duplicate-pod-ip';
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A dump that answers like an API server: the Status of a Pod is its phase. `asked`: what was. */
async function quickSource(fixture: string): Promise<{ source: QuickSource; asked: string[] }> {
  const folder = laid(ID, { fixture, expect: '' });
  folders.push(folder);
  const dump = dumpSource(await readDump(folder));
  const asked: string[] = [];
  const all = async (resource: string) => {
    const objects: Raw[] = [];
    await dump.list({ resource, fields: 'whole' }, { object: (object) => objects.push(object), restart: () => {} });
    return objects.map((object) => ({ object, status: (object.status ?? {}) as { phase?: string; podIP?: string } }));
  };
  const source: QuickSource = {
    ...dump,
    list: (query, sink) => {
      asked.push(`list ${query.resource}`);
      return dump.list(query, sink);
    },
    async table({ resource, columns }, row) {
      asked.push(`table ${resource}`);
      const cells = (status: { phase?: string; podIP?: string }) => ({ Ready: '0/1', Status: status.phase, IP: status.podIP ?? '<none>' });
      for (const { status } of await all(resource)) row(columns.map((column) => cells(status)[column as 'IP'] ?? ''));
      return undefined;
    },
    async having(resource, field, value) {
      asked.push(`${resource} ${field}=${value}`);
      return (await all(resource)).filter(({ status }) => status.podIP === value).map(({ object }) => object);
    },
  };
  return { source, asked };
}

async function looked(
  fixture: string,
  change: Partial<QuickSource> = {},
): Promise<{ quick: CheckResult; full: CheckResult; asked: string[] }> {
  const { source, asked } = await quickSource(fixture);
  const of = async (quick?: QuickSource) => (await examine(source, SYSTEMS, { checks: [ID], quick })).results[0]!;
  const quick = await of({ ...source, ...change });
  return { quick, asked: [...asked], full: await of() };
}
const QUICK = { why: 'quick', verb: 'list', resource: 'pods' };

describe('next to the full check', () => {
  test.each<[string, number, number]>([
    // The second address is one of a second interface.
    ['found', 1, 2],
    ['alone', 1, 1],
    ['machine', 1, 1],
    ['ghost', 1, 1],
    ['budget', 1, 1],
    ['healthy', 0, 0],
  ])('%s: %i of %i', async (fixture, found, all) => {
    const { quick, full } = await looked(fixture);
    expect([quick.findings.length, full.findings.length]).toEqual([found, all]);
    // The steps are counted over all findings of the check.
    const bare = ({ findings }: CheckResult) => findings.map(({ remedy: _, ...finding }) => finding);
    for (const finding of bare(quick)) expect(bare(full)).toContainEqual(finding);
    expect(quick.outcome).toBe(found ? 'found' : 'unknown');
    expect(quick.gaps).toEqual([QUICK]);
  });
});

describe('what it asks', () => {
  test('nothing stands twice: two tables, and no list of this check', async () => {
    const { asked, quick } = await looked('');
    expect(asked.filter((each) => !/^list (secrets|configmaps|deployments|daemonsets|spiderippools)/.test(each))).toEqual([
      'table pods',
      'table nodes',
    ]);
    expect(quick.outcome).toBe('unknown');
  });
  test('one address does: its Pods, and the small lists', async () => {
    const { asked } = await looked('alone');
    const at = asked.indexOf('table nodes');
    expect(asked.slice(at + 1).filter((each) => !each.startsWith('pods '))).toEqual([
      'list poddisruptionbudgets.policy',
      'list spiderippools.spiderpool.spidernet.io',
    ]);
  });
});

describe('what could not be seen', () => {
  const gap: Gap = { why: 'forbidden', verb: 'list', resource: 'nodes' };
  test.each<[string, Partial<QuickSource>]>([
    ['a table', { table: async () => gap }],
    ['the Pods of the address', { having: async () => gap }],
    ['a list', { list: async () => gap }],
  ])('%s: unknown', async (_, change) => {
    const { quick } = await looked('alone', change);
    expect(quick.outcome).toBe('unknown');
    expect(quick.gaps).toContainEqual(gap);
  });
  test('more suspicions than are settled: found, and said', async () => {
    const many = Array.from({ length: 51 }, (_, n) => `10.9.0.${n}`);
    const { source } = await quickSource('alone');
    const rows = ['10.6.168.41', ...many].flatMap((ip) => [ip, ip]);
    const asked: string[] = [];
    const { quick } = await looked('alone', {
      table: async ({ resource }, row) => {
        if (resource === 'pods') for (const ip of rows) row(['1/1', 'Running', ip]);
        return undefined;
      },
      having: (resource, field, value) => {
        asked.push(value);
        return source.having(resource, field, value);
      },
    });
    expect(asked).toHaveLength(50);
    expect(quick.gaps).toContainEqual(
      expect.objectContaining({ why: 'failed', detail: expect.stringContaining('of 52 suspected conflicts') }),
    );
  });
});

describe('suspicions', () => {
  const kept = (cells: [string, string][], ready = '0/1') => cells.flatMap((each) => TABLES.pods.keep([ready, ...each]) ?? []);
  test('one address in any spelling, twice; not that of a node', () => {
    const pods = kept([
      ['Running', '10.6.0.1'],
      ['CrashLoopBackOff', '10.6.0.1'],
      ['Running', 'fd00::1'],
      ['Running', 'FD00:0::1'],
      ['Running', '192.0.2.1'],
      ['Running', '192.0.2.1'],
      ['Running', '10.6.0.2'],
    ]);
    expect(suspect({ pods, nodes: ['192.0.2.1'] })).toEqual([['10.6.0.1'], ['fd00::1', 'FD00:0::1']]);
  });
  test.each(['Completed', 'Succeeded', 'Failed', 'Error', 'Evicted', 'OOMKilled', 'Terminating', 'ExitCode:3', 'Signal:9'])(
    '%s has ended',
    (status) => {
      expect(kept([[status, '10.6.0.1']])).toEqual([]);
      // One container of it has ended, another is ready.
      expect(kept([[status, '10.6.0.1']], '1/2')).toEqual(status === 'Terminating' ? [] : ['10.6.0.1']);
    },
  );
  test.each(['<none>', '', 'none', '10.6.0.1,status.phase=Running', '\u001b[31m10.6.0.1', '10.6.0.256'])('no address: %j', (ip) =>
    expect(
      suspect({
        pods: kept([
          ['Running', ip],
          ['Running', ip],
        ]),
        nodes: [],
      }),
    ).toEqual([]),
  );
  test('a node without an address is none', () => expect(TABLES.nodes.keep(['<none>'])).toBeUndefined());
});
