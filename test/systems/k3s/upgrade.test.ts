// The stages of an upgrade of K3s: which hops, which Plans, what is waited for and what ends the wait; and that a stored run may hold them.
import { expect, test } from 'vitest';
import type { Raw, StepDraft, World } from '../../../src/engine/contracts.ts';
import { planUpgrade } from '../../../src/engine/plan.ts';
import { pending } from '../../../src/engine/steps/conditions.ts';
import { wrongInRun } from '../../../src/journal/well-formed.ts';
import { labelSelector } from '../../../src/kube/labels.ts';
import k3s from '../../../src/systems/k3s/index.ts';
import { stages } from '../../../src/systems/k3s/upgrade.ts';

const draftsTo = (from: string, to: string) =>
  stages({
    path: {
      installation: { id: 'k3s@cluster', system: 'k3s', name: 'cluster', version: from, sources: [], byHelm: false },
      ...{ from, to, chosen: 'asked', hops: k3s.hops!(from, to) },
    },
    source: { get: async () => undefined, list: async () => undefined },
  });

test('minor by minor, through the newest known release of each; within a minor at once', () => {
  expect(k3s.hops!('v1.30.4+k3s1', 'v1.30.6+k3s1')).toEqual(['v1.30.6+k3s1']);
  const hops = k3s.hops!('v1.30.4+k3s1', 'v1.33.1+k3s1');
  expect(hops.map((hop) => hop.slice(0, 5))).toEqual(['v1.31', 'v1.32', 'v1.33']);
  expect(hops.at(-1)).toBe('v1.33.1+k3s1');
  expect(k3s.hops!('v1.30.4+k3s1', 'v1.30.4+k3s1')).toEqual([]);
});

test('a hop: the controller and a snapshot first, servers before agents, our Plans removed at the end', async () => {
  const drafts = await draftsTo('v1.30.4+k3s1', 'v1.31.1+k3s1');
  expect(drafts.map(({ title, steps }) => [title.en, steps.map((step) => step.do)])).toEqual([
    ['Before v1.31.1+k3s1', ['manual', 'manual']],
    ['Servers to v1.31.1+k3s1', ['create', 'wait']],
    ['Agents to v1.31.1+k3s1', ['create', 'wait']],
    ['Remove the Plans of v1.31.1+k3s1', ['delete', 'delete']],
  ]);
  const plans = drafts.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'create' ? [step.object] : [])));
  expect(plans.map(({ spec }) => (spec as Raw).version)).toEqual(['v1.31.1+k3s1', 'v1.31.1+k3s1']);
  expect((plans[1]!.spec as { prepare: { args: string[] } }).prepare.args).toEqual(['prepare', (plans[0]!.metadata as Raw).name]);
  // The second hop of a path does not ask for the controller again.
  const two = await draftsTo('v1.30.4+k3s1', 'v1.32.1+k3s1');
  expect(two.flatMap(({ steps }) => steps).filter((step) => step.do === 'manual')).toHaveLength(3);
});

const node = (name: string, kubeletVersion: string, server: boolean): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: { name, labels: server ? { 'node-role.kubernetes.io/control-plane': 'true' } : {} },
  status: { nodeInfo: { kubeletVersion } },
});
const job = (plan: string, type: string): Raw => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job' },
  metadata: { name: 'j', namespace: 'system-upgrade', labels: { 'upgrade.cattle.io/plan': plan } },
  status: { conditions: [{ type, status: 'True' }] },
});

test('servers and agents are told apart, and a failed Job ends the wait', async () => {
  const steps = (await draftsTo('v1.30.4+k3s1', 'v1.31.1+k3s1')).flatMap((stage) => stage.steps);
  const [servers, agents] = steps.filter((step): step is StepDraft & { do: 'wait' } => step.do === 'wait') as [
    StepDraft & { do: 'wait' },
    StepDraft & { do: 'wait' },
  ];
  const world = (objects: Raw[]) =>
    ({
      select: async ({ kind, labels }: { kind: string; labels?: string }) =>
        objects.filter((object) => object.kind === kind && labelSelector(labels)(object)),
    }) as unknown as World;
  const open = async (until: typeof servers.until, objects: Raw[]) => (await pending(until, world(objects))) !== undefined;
  const [old, now] = ['v1.30.4+k3s1', 'v1.31.1+k3s1'];
  expect(await open(servers.until, [node('s1', now, true), node('s2', old, true), node('a1', old, false)])).toBe(true);
  expect(await open(servers.until, [node('s1', now, true), node('s2', now, true), node('a1', old, false)])).toBe(false);
  expect(await open(agents.until, [node('s1', now, true), node('a1', old, false)])).toBe(true);
  expect(await open(agents.until, [node('s1', now, true), node('a1', now, false)])).toBe(false);
  expect(await open(agents.until, [node('s1', now, true)])).toBe(false);
  const [failed] = servers.fails!;
  const plan = 'upgrade-guard-server-1.31.1-k3s1';
  expect(await open([failed!], [job(plan, 'Failed')])).toBe(false);
  expect(await open([failed!], [job(plan, 'Complete'), job('another', 'Failed')])).toBe(true);
});

test('a stored run may hold it', async () => {
  const drafts = await draftsTo('v1.30.4+k3s1', 'v1.32.1+k3s1');
  const hops = k3s.hops!('v1.30.4+k3s1', 'v1.32.1+k3s1').map((hop) => ({
    hop,
    stages: drafts.filter((stage) => stage.hop === hop),
    repairs: [],
  }));
  const { stages: made } = planUpgrade(hops, ['k3s']);
  const run = {
    ...{ schema: 2, id: 'r', tool: 't', what: 'upgrade k3s', at: '2026-11-30T00:00:00.000Z', checks: [], stages: made },
    cluster: { uid: 'u', certain: true, server: 's', context: 'c' },
  };
  expect(wrongInRun(JSON.parse(JSON.stringify(run)), 'r')).toBeUndefined();
});
