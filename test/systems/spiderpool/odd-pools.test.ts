// What a pool says and cannot be interpreted: odd ranges, odd records. Each makes the checks unknown, by pool and field, and is never repaired.
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckResult, Json, Raw } from '../../../src/engine/contracts.ts';
import { type Examination, examine } from '../../../src/engine/examine.ts';
import { settleGap } from '../../../src/engine/gaps.ts';
import { hasten } from '../../../src/engine/pace.ts';
import { exitCode } from '../../../src/engine/verdict.ts';
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

const POOLS = 'spiderippools.spiderpool.spidernet.io';
type Change = (pool: Raw) => Raw;

/** A fixture of the check, each of its pools of that name changed. */
async function looked(
  check: string,
  fixture: string,
  change: Change,
  eachPod: (pod: Raw) => Raw = (pod) => pod,
): Promise<{ result: CheckResult; examination: Examination }> {
  const folder = laid(check, { fixture, expect: '' });
  folders.push(folder);
  const dump = await readDump(folder);
  const pools = dump.collected.get(POOLS)!;
  pools.objects = pools.objects.map((pool) => ((pool.metadata as Raw).name === 'v4' ? change(pool) : pool));
  const pods = dump.collected.get('pods')!;
  pods.objects = pods.objects.map(eachPod);
  const examination = await examine(dumpSource(dump), SYSTEMS, { checks: [check] });
  return { result: examination.results[0]!, examination };
}

const set = (path: string, value: Json) => (pool: Raw) => pointerSet(pool, path, value);
/** More records in a pool. */
const recording = (more: Raw) => (pool: Raw) => {
  const { allocatedIPs } = pool.status as { allocatedIPs: string };
  return pointerSet(pool, '/status/allocatedIPs', JSON.stringify({ ...JSON.parse(allocatedIPs), ...more }));
};
const details = ({ gaps }: CheckResult) => gaps.map(({ name, detail }) => `${name}: ${detail}`);

const ODD_RECORDS: [string, Raw, string][] = [
  ['a key that is no address', { '10.6.168.999': { pod: 'default/x', podUid: 'u' } }, '10.6.168.999'],
  ['a key with a prefix length', { '10.6.168.80/24': { pod: 'default/x', podUid: 'u' } }, '10.6.168.80/24'],
  ['a value that is no object', { '10.6.168.80': 5 }, '10.6.168.80'],
  ['a list', { '10.6.168.80': ['default/x'] }, '10.6.168.80'],
  ['no Pod', { '10.6.168.80': { podUid: 'u' } }, '10.6.168.80'],
  ['a Pod of another type', { '10.6.168.80': { pod: { name: 'x' }, podUid: 'u' } }, '10.6.168.80'],
  ['a Pod without a namespace', { '10.6.168.80': { pod: 'x', podUid: 'u' } }, '10.6.168.80'],
  ['a Pod with two namespaces', { '10.6.168.80': { pod: 'a/b/x', podUid: 'u' } }, '10.6.168.80'],
  ['a Pod that cannot be called so', { '10.6.168.80': { pod: 'default/X y', podUid: 'u' } }, '10.6.168.80'],
  ['a key that no release writes', { '10.6.168.80': { pod: 'default/x', podUid: 'u', pw: 'hunter2' } }, '10.6.168.80'],
  ['a word that is none', { '10.6.168.80': { pod: 'default/x', podUid: 'hunter 2' } }, '10.6.168.80'],
  ['a uid of another type', { '10.6.168.80': { pod: 'default/x', podUid: 7 } }, '10.6.168.80'],
];

describe('odd records', () => {
  test.each(ODD_RECORDS)('%s', async (_, more, key) => {
    const said = `v4: status.allocatedIPs["${key}"]`;
    const { result: leaked } = await looked('spiderpool/leaked-ip', 'healthy', recording(more));
    expect(leaked).toMatchObject({ outcome: 'unknown', findings: [] });
    expect(details(leaked)).toEqual([said]);
    const { result: unrecorded } = await looked('spiderpool/unrecorded-pod-ip', 'healthy', recording(more));
    expect(unrecorded).toMatchObject({ outcome: 'unknown', findings: [] });
    expect(details(unrecorded)).toEqual([said]);
  });

  test('one address written twice: nothing of that pool is understood', async () => {
    const twice = (pool: Raw) => {
      const { allocatedIPs } = pool.status as { allocatedIPs: string };
      const [address, record] = Object.entries(JSON.parse(allocatedIPs) as Raw)[0]!;
      return pointerSet(pool, '/status/allocatedIPs', `{"${address}": ${JSON.stringify(record)}, ${allocatedIPs.trim().slice(1)}`);
    };
    for (const check of ['spiderpool/leaked-ip', 'spiderpool/unrecorded-pod-ip']) {
      const { result } = await looked(check, 'healthy', twice);
      expect(result).toMatchObject({ outcome: 'unknown', findings: [] });
      expect(details(result)).toEqual(['v4: status.allocatedIPs']);
    }
  });

  test('leave the findings of other records, and are no pass', async () => {
    const { result, examination } = await looked('spiderpool/leaked-ip', 'found', recording({ '10.6.168.80': 5 }));
    expect(result.findings.map(({ args }) => (args as Raw).address)).toEqual(['10.6.168.41', '10.6.168.42']);
    expect(details(result)).toEqual(['v4: status.allocatedIPs["10.6.168.80"]']);
    expect(exitCode(examination.results, 'blocker')).toBe(3);
  });

  test('are counted, not listed without end, and name no value', async () => {
    const more = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`\u001b[31m${at}`, { pod: 'hunter2', podUid: 'hunter2' }]));
    const { result } = await looked('spiderpool/leaked-ip', 'healthy', recording(more));
    expect(details(result)).toEqual(['v4: status.allocatedIPs["0"], status.allocatedIPs["1"], status.allocatedIPs["2"] (+47)']);
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  test('two of one address contradict each other: neither is a leak, nor does it hide that the address is in use', async () => {
    const twice = { '10.6.168.041': { pod: 'default/other', podUid: 'x' } };
    const { result } = await looked('spiderpool/leaked-ip', 'found', recording(twice));
    expect(result.findings.map(({ args }) => (args as Raw).address)).toEqual(['10.6.168.42']);
    expect(details(result)).toEqual(['v4: status.allocatedIPs["10.6.168.041"]']);
  });

  test('of an address in use: neither called missing nor written over', async () => {
    const { result } = await looked('spiderpool/unrecorded-pod-ip', 'found', recording({ '10.6.168.41': { pod: 5 } }));
    expect(result.findings.map(({ objects }) => objects[0]!.name)).not.toContain('lost');
    expect(details(result)).toEqual(['v4: status.allocatedIPs["10.6.168.41"]']);
  });

  test('of an address of two Pods: found, and left to a person', async () => {
    const { result, examination } = await looked('spiderpool/duplicate-pod-ip', 'alone', (pool) => recording(oddAt(pool))(pool));
    expect(result.outcome).toBe('found');
    const { drafts, refusals } = await examination.remedies[0]!.propose(result.findings);
    expect(drafts).toEqual([]);
    expect(refusals.length).toBeGreaterThan(0);
  });
});

/** Every address of the ranges of these fixtures, with an unreadable record. */
const oddAt = (_: Raw): Raw => Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`10.6.168.${40 + at}`, { pod: 5 }]));

describe('odd ranges', () => {
  const ODD: [string, Change, string][] = [
    ['a number', set('/spec/ips/0', 5), 'spec.ips[0]'],
    ['no address', set('/spec/ips/0', '10.6.168.40-abc'), 'spec.ips[0]'],
    ['from a higher to a lower', set('/spec/ips/0', '10.6.168.90-10.6.168.40'), 'spec.ips[0]'],
    ['of two families', set('/spec/ips/0', '10.6.168.90-fd00::1'), 'spec.ips[0]'],
    ['no list', set('/spec/ips', '10.6.168.40-10.6.168.90'), 'spec.ips'],
    ['excluded', set('/spec/excludeIPs', ['10.6.168.44', 'x']), 'spec.excludeIPs[1]'],
  ];
  test.each(ODD)('%s', async (_, change, field) => {
    for (const check of ['spiderpool/unrecorded-pod-ip', 'spiderpool/duplicate-pod-ip']) {
      const { result } = await looked(check, 'healthy', change);
      expect(result).toMatchObject({ outcome: 'unknown', findings: [] });
      expect(details(result)).toEqual([`v4: ${field}`]);
    }
  });
  test('no ranges at all are clear', async () => {
    const { result } = await looked('spiderpool/unrecorded-pod-ip', 'healthy', (pool) => pointerRemove(pool, '/spec/excludeIPs'));
    expect(result.outcome).toBe('passed');
  });
});

test('a record of the same name is for an earlier Pod of it', async () => {
  const { result } = await looked(
    'spiderpool/unrecorded-pod-ip',
    'found',
    recording({ '10.6.168.41': { pod: 'default/lost', podUid: 'before' } }),
  );
  expect(result.findings.map(({ message }) => message)).toContainEqual({
    en: 'default/lost uses 10.6.168.41, which SpiderIPPool v4 has allocated to an earlier Pod of the same name (different UID)',
    zh: 'default/lost 使用 10.6.168.41，而 SpiderIPPool v4 已将其分配给此前的同名 Pod（UID 不同）',
  });
  const said = result.findings.flatMap(({ evidence }) => evidence.map(({ seen, at }) => [seen, at?.kind, at?.name]));
  expect(said).toContainEqual(['status.current.ips: 10.6.168.41', 'SpiderEndpoint', 'lost']);
  expect(result.findings.flatMap(({ evidence }) => evidence.map(({ seen }) => seen))).toContain(
    'status.allocatedIPs: 10.6.168.41 → default/lost, podUid before',
  );
});

const OWNED = [
  undefined,
  '[{"op":"add","path":"/spec/excludeIPs","value":["10.6.168.41"]}]',
  'evict default/web',
  '驱逐 default/web',
] as const;
const BARE = [
  ['10.6.168.90'],
  '[{"op":"add","path":"/spec/excludeIPs/-","value":"10.6.168.41"}]',
  'delete and re-create default/web (no controller)',
  '删除并重新创建 default/web（没有控制器）',
] as const;
test.each([OWNED, BARE])(
  'two Pods and no record that could be written, excluded %j: the pool, its command, and what then',
  async (excluded, patch, en, zh) => {
    const emptied = (pool: Raw) => {
      // As v1 has its records: an object.
      const empty = pointerSet(pool, '/status/allocatedIPs', {});
      return excluded ? pointerSet(empty, '/spec/excludeIPs', [...excluded]) : empty;
    };
    const { examination } = await looked('spiderpool/duplicate-pod-ip', 'alone', emptied, (pod) =>
      excluded ? pointerRemove(pod, '/metadata/ownerReferences') : pod,
    );
    const [remedy] = examination.remedies;
    const { refusals } = await remedy!.propose(remedy!.findings);
    expect(refusals).toMatchObject([
      {
        refused: {
          en: expect.stringContaining('the record of 10.6.168.41 in SpiderIPPool v4 is unreadable'),
          zh: expect.stringContaining('SpiderIPPool v4'),
        },
        command: `kubectl patch spiderippools.spiderpool.spidernet.io v4 --type=json -p '${patch}'`,
      },
    ]);
    const { refused } = refusals[0]!;
    expect(refused.en.endsWith(`then ${en}`), refused.en).toBe(true);
    expect(refused.zh.endsWith(`然后${zh}`), refused.zh).toBe(true);
  },
);

test('what cannot be understood is looked at with a command that names it', () => {
  const odd = { why: 'failed', verb: 'decode', resource: POOLS } as const;
  expect(settleGap({ ...odd, name: 'v4' }, { tool: '', aim: { kubectl: ' --context x', helm: '' } }).en).toBe(
    `retry, or inspect: kubectl --context x get ${POOLS} v4 -o yaml`,
  );
  expect(settleGap({ ...odd, namespace: 'a', name: 'b c' }, { tool: '' }).zh).toBe(
    `请重试，或查看原因：kubectl get ${POOLS} 'b c' -n a -o yaml`,
  );
  const quick = { why: 'quick', verb: 'list', resource: 'pods' } as const;
  expect(settleGap(quick, { tool: 'ug', asked: ' spiderpool', again: ' --context x' }).en).toBe(
    'run the full check: ug check spiderpool --context x',
  );
  expect(settleGap(odd, { tool: '' }).en).toBe(`retry, or inspect: kubectl get ${POOLS}`);
});
