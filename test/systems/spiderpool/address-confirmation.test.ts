// Lists are not one moment: what they show together is only a suspicion. Here the lists of a case stay as they are, while point reads tell what became of it.
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckResult, Gap, Raw, Ref, Source } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { hasten } from '../../../src/engine/pace.ts';
import { pointerRemove, pointerSet } from '../../../src/kube/pointer.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { laid } from '../../grid.ts';

hasten(20);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

type Became = (ref: Ref, object: Raw | undefined, nth: number) => Raw | undefined | Gap;

/** `became`: what the nth point read of an object gives. */
async function seen(check: string, fixture: string, became: Became): Promise<CheckResult> {
  const folder = laid(check, { fixture, expect: '' });
  folders.push(folder);
  const source = dumpSource(await readDump(folder));
  const counts = new Map<string, number>();
  const changing: Source = {
    ...source,
    get: async (ref) => {
      const name = `${ref.kind}/${ref.namespace}/${ref.name}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const object = await source.get(ref);
      return became(ref, object as Raw | undefined, counts.get(name)!);
    },
  };
  const { results } = await examine(changing, SYSTEMS, { checks: [check] });
  return results[0]!;
}

const of =
  (kind: string, name: string, change: (object: Raw | undefined, nth: number) => Raw | undefined | Gap): Became =>
  (ref, object, nth) =>
    ref.kind === kind && ref.name === name ? change(object, nth) : object;
const gone = () => undefined;
const set = (path: string, value: string) => (object: Raw | undefined) => object && pointerSet(object, path, value);
const forbidden: Gap = { why: 'forbidden', verb: 'get', resource: 'pods' };

describe('duplicate-pod-ip', () => {
  const id = 'spiderpool/duplicate-pod-ip';
  const both = (change: Parameters<typeof of>[2]) => seen(id, 'alone', of('Pod', 'bare', change));
  test('as the lists say: found', async () => expect((await both((object) => object)).outcome).toBe('found'));
  test.each<[string, Parameters<typeof of>[2]]>([
    ['is gone', gone],
    ['is on its way out', set('/metadata/deletionTimestamp', '2026-01-01T00:00:00Z')],
    ['has ended', set('/status/phase', 'Succeeded')],
    ['is another one of that name', set('/metadata/uid', 'successor')],
    ['is gone at the second look', (object, nth) => (nth > 1 ? undefined : object)],
  ])('one of them %s: nothing', async (_, change) => expect((await both(change)).outcome).toBe('passed'));
  test('one of them may not be read: unknown', async () => expect((await both(() => forbidden)).outcome).toBe('unknown'));
});

describe('unrecorded-pod-ip', () => {
  const id = 'spiderpool/unrecorded-pod-ip';
  const names = async (became: Became) =>
    (await seen(id, 'found', became)).findings.flatMap(({ objects }) => objects.map(({ name }) => name));
  test('the Pod is gone, or going, or the record is there by now', async () => {
    expect(await names(of('Pod', 'lost', gone))).toEqual(['stale', 'taken', 'outside', 'strange']);
    expect(await names(of('Pod', 'taken', set('/metadata/deletionTimestamp', '2026-01-01T00:00:00Z')))).toEqual([
      'lost',
      'stale',
      'outside',
      'strange',
    ]);
    const recorded = await names((ref, object, nth) => {
      if (ref.kind !== 'SpiderIPPool' || !object || nth < 2) return object;
      const users = ['lost', 'stale', 'taken', 'outside', 'strange'];
      const records = Object.fromEntries(users.map((name, at) => [`10.6.168.${41 + at}`, { pod: `default/${name}`, podUid: '' }]));
      return pointerSet(object, '/status/allocatedIPs', JSON.stringify(records));
    });
    expect(recorded).toEqual([]);
  });
});

describe('leaked-ip', () => {
  const id = 'spiderpool/leaked-ip';
  const addresses = async (became: Became) => (await seen(id, 'found', became)).findings.map(({ args }) => (args as Raw).address);
  const there: Raw = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } };
  test.each(['Pod', 'SpiderEndpoint', 'VirtualMachineInstance', 'VirtualMachine'])('a %s of that name is there by now', async (kind) => {
    expect(await addresses(of(kind, 'web-a', () => there))).toEqual(['10.6.168.42']);
    expect(await addresses(of(kind, 'web-a', (_, nth) => (nth > 1 ? there : undefined)))).toEqual(['10.6.168.42']);
  });
  test('the record is gone by now, or names another', async () => {
    expect(
      await addresses(of('SpiderIPPool', 'v4', (pool, nth) => (nth > 1 ? pointerRemove(pool!, '/status/allocatedIPs') : pool))),
    ).toEqual([]);
    const other = JSON.stringify({
      '10.6.168.41': { pod: 'default/web-a', podUid: 'another' },
      '10.6.168.42': { pod: 'shop/cart-9', podUid: 'gone-2' },
    });
    expect(await addresses(of('SpiderIPPool', 'v4', set('/status/allocatedIPs', other)))).toEqual(['10.6.168.42']);
  });
});
