// What the remedies of the address checks do, step by step and in which order; rehearsed, after which the check passes.

import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { objectName } from '../../../src/engine/acceptance.ts';
import type { Raw, Step } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { executeRun } from '../../../src/engine/execute.ts';
import { hasten } from '../../../src/engine/pace.ts';
import { makePlan, type Plan, planUpgrade, stepsOf } from '../../../src/engine/plan.ts';
import { progressOf } from '../../../src/engine/progress.ts';
import { refOf } from '../../../src/kube/refs.ts';
import type { Dump } from '../../../src/snapshot/dump.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { dumpWorld } from '../../../src/snapshot/world.ts';
import { checkOf, SYSTEMS } from '../../../src/systems/index.ts';
import { laid } from '../../grid.ts';

hasten(20);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function planned(id: string, fixture: string, forbidden?: string[], to?: string): Promise<{ dump: Dump; plan: Plan }> {
  const folder = laid(id, { fixture, forbidden, expect: '' });
  folders.push(folder);
  const dump = await readDump(folder);
  const targets = to ? [{ system: 'spiderpool' as const, version: to }] : [];
  const { remedies } = await examine(dumpSource(dump), SYSTEMS, { checks: [id], targets });
  const proposals = await Promise.all(
    remedies.map(async ({ findings, propose }) => ({ ...(await propose(findings)), reasons: findings.map((each) => each.fingerprint) })),
  );
  return { dump, plan: to ? planUpgrade([{ hop: to, repairs: proposals, stages: [] }], ['spiderpool']) : makePlan(proposals) };
}

async function rehearsed(id: string, { dump, plan }: { dump: Dump; plan: Plan }) {
  const world = dumpWorld(dump);
  const run = {
    schema: 2 as const,
    id: 'x',
    tool: '',
    what: '',
    at: '',
    checks: [],
    stages: plan.stages,
    cluster: await dumpSource(dump).identity(),
  };
  const { state, outcomes } = await executeRun(run, {
    world,
    journal: { append: async () => {} },
    progress: progressOf([]),
    halt: new AbortController().signal,
  });
  const { results } = await examine(dumpSource(dump), SYSTEMS, { checks: [id] });
  return { world, state, outcomes: [...outcomes.values()].map(({ result }) => result), outcome: results[0]!.outcome };
}

/** `ID do OBJECT` and what it comes after. */
const shown = (plan: Plan) => stepsOf(plan).map((step) => `${step.id} ${what(step)}${step.after.length ? ` (after ${step.after})` : ''}`);
function what(step: Step): string {
  switch (step.do) {
    case 'patch':
      return `patch ${objectName(step.on)} ${step.changes.map(({ path, inString = '', before, after }) => `${path}${inString}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`)}`;
    case 'wait':
      return `wait ${step.until.flatMap((each) => ('on' in each ? [`${objectName(each.on)} ${JSON.stringify(each.must)}`] : [])).join('; ')}${step.lasting ? ` for ${step.lasting} s` : ''}`;
    case 'manual':
      return `manual ${step.commands.join(' && ')}`;
    case 'create':
    case 'apply':
      return `${step.do} ${objectName(refOf(step.object))}`;
    case 'backup':
    case 'helm':
    case 'unpend':
    case 'revise':
    case 'recheck':
      return step.do;
    default:
      return `${step.do} ${objectName(step.on)}`;
  }
}
const uid = (last: number) => `0d5d52a8-0000-4000-8000-${String(last).padStart(12, '0')}`;
const records = async (world: ReturnType<typeof dumpWorld>, name: string) => {
  const pool = await world.get({ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', name });
  const { allocatedIPs = '{}', allocatedIPCount } = pool!.status as { allocatedIPs?: string; allocatedIPCount: number };
  return { count: allocatedIPCount, addresses: Object.keys(JSON.parse(allocatedIPs) as Raw) };
};

describe('duplicate-pod-ip', () => {
  const id = 'spiderpool/duplicate-pod-ip';
  test.each([
    ['0.9.13', ['Fixes', 'Fixes after the upgrade']],
    // Its garbage collection is that of 0.9.4.
    ['1.0.0-rc1', ['Fixes']],
  ])('in an upgrade to %s: evicted behind it, if it mends garbage collection; records are put back before', async (to, titles) => {
    const { plan } = await planned(id, 'found', undefined, to);
    expect(plan.stages.map(({ title }) => title.en)).toEqual(titles);
    const stageOf = (doing: Step['do']) =>
      plan.stages.flatMap(({ title, steps }) => (steps.some((step) => step.do === doing) ? title.en : []));
    expect(stageOf('evict')).toEqual(titles.slice(-1));
    const put = plan.stages[0]!.steps.map(what).filter((each) => each.startsWith('patch SpiderIPPool'));
    expect(put).toHaveLength(1);
  });
  test('a static address goes from its endpoint first; a missing record is restored before any Pod is evicted', async () => {
    const made = await planned(id, 'found');
    expect(shown(made.plan)).toEqual([
      `1 patch SpiderIPPool/v6 /status/allocatedIPs/fd00:6::55: undefined → {"pod":"ops/agent-b","podUid":"${uid(104)}"}`,
      '2 wait PodDisruptionBudget/shop/cart [{"path":"/status/disruptionsAllowed","isNot":0}]',
      '3 patch SpiderEndpoint/shop/cart-0 /metadata/finalizers: ["spiderpool.spidernet.io"] → undefined (after 2)',
      '4 delete SpiderEndpoint/shop/cart-0 (after 3)',
      '5 evict Pod/shop/cart-0 (after 4)',
      '6 evict Pod/ops/agent-k (after 1)',
    ]);
    expect(stepsOf(made.plan)[4]!.text.en).toContain('because the IPPool has 10.6.168.41 allocated to default/web-6c9f-x2x');
    expect(stepsOf(made.plan)[5]!.text.en).toContain('because only the SpiderEndpoint of ops/agent-b claims fd00:6::55');
    expect(made.plan.refusals).toEqual([]);
    const { world, state, outcome } = await rehearsed(id, made);
    expect([state, outcome]).toEqual(['finished', 'passed']);
    expect(await records(world, 'v6')).toEqual({ count: 2, addresses: ['fd00:6::10', 'fd00:6::55'] });
  });
  test("a record of a Pod that is gone is made the winner's first", async () => {
    const made = await planned(id, 'ghost');
    expect(shown(made.plan)).toEqual([
      expect.stringMatching(/^1 patch SpiderIPPool\/v4 .*41: \{"pod":"default\/gone","podUid":"gone"\} → \{"pod":"default\/web",/),
      '2 evict Pod/default/api (after 1)',
    ]);
    expect((await rehearsed(id, made)).outcome).toBe('passed');
  });
  test('a Pod without a controller is never deleted; neither is a machine', async () => {
    expect(shown((await planned(id, 'alone')).plan)).toEqual([
      '1 manual kubectl get pod bare -n default -o yaml > bare.yaml && kubectl delete pod bare -n default && kubectl create -f bare.yaml',
    ]);
    expect(shown((await planned(id, 'machine')).plan)).toEqual([
      `1 manual virtctl stop db -n vms && kubectl patch spiderendpoint db -n vms --type=merge -p '{"metadata":{"finalizers":null}}' && kubectl delete spiderendpoint db -n vms --ignore-not-found && virtctl start db -n vms`,
    ]);
  });
  test('a budget that allows nothing refuses, and so does one that cannot be seen where the endpoint would have to go first', async () => {
    const { plan } = await planned(id, 'budget');
    expect(stepsOf(plan)).toEqual([]);
    expect(plan.refusals.map(({ refused }) => refused.en)).toEqual([
      expect.stringContaining('PodDisruptionBudget shop/cart allows no disruption'),
    ]);
    const blind = (await planned(id, 'found', ['poddisruptionbudgets.policy'])).plan;
    expect(blind.refusals.map(({ refused }) => refused.en)).toEqual(['no permission to list poddisruptionbudgets.policy']);
    expect(shown(blind)).toEqual([expect.stringMatching('1 patch SpiderIPPool/v6'), '2 evict Pod/ops/agent-k (after 1)']);
  });
});

test('unrecorded-pod-ip: records are put back where they may be, the others get another address', async () => {
  const id = 'spiderpool/unrecorded-pod-ip';
  const made = await planned(id, 'found');
  expect(shown(made.plan)).toEqual([
    expect.stringMatching(/^1 patch SpiderIPPool\/v4 \/status\/allocatedIPs\/10\.6\.168\.41: undefined → \{"pod":"default\/lost",/),
    expect.stringMatching(
      /^2 patch SpiderIPPool\/v4 \/status\/allocatedIPs\/10\.6\.168\.42: \{"pod":"default\/stale-before","podUid":"gone"\} → \{"pod":"default\/stale",/,
    ),
    '3 evict Pod/default/taken',
    '4 evict Pod/default/outside',
    '5 evict Pod/default/strange',
  ]);
  const { world, state, outcome } = await rehearsed(id, made);
  expect([state, outcome]).toEqual(['finished', 'passed']);
  expect(await records(world, 'v4')).toEqual({ count: 4, addresses: ['10.6.168.42', '10.6.168.43', '10.6.168.77', '10.6.168.41'] });
});

test('leaked-ip: one watch, then one key per write, each with its guard', async () => {
  const id = 'spiderpool/leaked-ip';
  const made = await planned(id, 'found');
  expect(shown(made.plan)).toEqual([
    '1 wait Pod/default/web-a "be-gone"; Pod/shop/cart-9 "be-gone" for 60 s',
    '2 patch SpiderIPPool/v4 /status/allocatedIPs/10.6.168.41: {"pod":"default/web-a","podUid":"gone-1"} → undefined (after 1)',
    '3 patch SpiderIPPool/v4 /status/allocatedIPs/10.6.168.42: {"pod":"shop/cart-9","podUid":"gone-2"} → undefined (after 1,2)',
  ]);
  expect(stepsOf(made.plan)[1]!.guard.map((each) => ('on' in each ? [each.on.kind, each.must] : each))).toEqual(
    ['Pod', 'SpiderEndpoint', 'VirtualMachineInstance', 'VirtualMachine'].map((kind) => [kind, 'be-gone']),
  );
  const { world, state, outcome } = await rehearsed(id, made);
  expect([state, outcome]).toEqual(['finished', 'passed']);
  expect(await records(world, 'v4')).toEqual({ count: 1, addresses: ['10.6.168.43'] });
});

test('what the steps write is what the remedies declare', async () => {
  const plurals: Record<string, string> = { SpiderIPPool: 'spiderippools', SpiderEndpoint: 'spiderendpoints', Pod: 'pods' };
  const verbs: Record<string, string> = { patch: 'patch', delete: 'delete' };
  for (const [name, fixture] of [
    ['duplicate-pod-ip', 'found'],
    ['unrecorded-pod-ip', 'found'],
    ['leaked-ip', 'found'],
  ] as const) {
    const { plan } = await planned(`spiderpool/${name}`, fixture);
    const { writes } = checkOf(`spiderpool/${name}`).remedy!;
    for (const step of stepsOf(plan)) {
      if (!('on' in step)) continue;
      const [verb, resource] =
        step.do === 'evict'
          ? ['create', 'pods/eviction']
          : [verbs[step.do], `${plurals[step.on.kind]}${step.do === 'patch' && step.subresource ? `/${step.subresource}` : ''}`];
      expect(
        writes.some((rule) => rule.resource === resource && rule.verbs.includes(verb!)),
        `${verb} ${resource}`,
      ).toBe(true);
    }
  }
});
