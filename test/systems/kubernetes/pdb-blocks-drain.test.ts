import { expect, test } from 'vitest';
import type { Call } from '../../../src/cli/call.ts';
import { planAll, planChosen } from '../../../src/cli/repair.ts';
import { asksFirst, refusal, unrepaired } from '../../../src/cli/upgrading.ts';
import type { Installation, Manifest, Raw, System, Text } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { makePlan, planUpgrade } from '../../../src/engine/plan.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid, laid } from '../../grid.ts';

const budget = (unhealthyPodEvictionPolicy: string) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'sick', namespace: 'shop' },
  spec: { selector: { matchLabels: { app: 'sick' } }, minAvailable: 1, unhealthyPodEvictionPolicy },
});
/** Nothing is asked to stay, and nothing is ready: then nothing may go (eviction.go, DesiredHealthy > 0). */
const lenient = (more: Raw = {}): Raw => ({
  ...budget('IfHealthyBudget'),
  spec: { selector: { matchLabels: { app: 'sick' } }, maxUnavailable: 1, ...more },
});
const sick = (phase: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'sick-0', namespace: 'shop', labels: { app: 'sick' } },
  spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'x' }] },
  status: { phase, conditions: [{ type: 'Ready', status: 'False' }] },
});

/** What its controller says of it, by which nothing is judged but SyncFailed. */
const said = (allowed: number, status: string, reason: string, type = 'DisruptionAllowed', policy = 'IfHealthyBudget') => ({
  ...budget(policy),
  spec: { ...budget(policy).spec, minAvailable: 0 },
  status: { disruptionsAllowed: allowed, conditions: [{ type, status, reason }] },
});
const well = { ...sick('Running'), status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };

grid('kubernetes/pdb-blocks-drain', [
  {
    fixture: 'found',
    expect: [
      'blocker PodDisruptionBudget/shop/one',
      'blocker PodDisruptionBudget/shop/all',
      'blocker PodDisruptionBudget/shop/none',
      'blocker PodDisruptionBudget/shop/half',
      'warning PodDisruptionBudget/shop/now',
    ],
  },
  { fixture: 'found-overlap', expect: 'blocker PodDisruptionBudget/shop/cart, PodDisruptionBudget/shop/everything' },
  { fixture: 'found-sync-failed', expect: 'blocker PodDisruptionBudget/shop/owned' },
  // Pods that are not ready.
  { objects: [budget('IfHealthyBudget'), sick('Running')], expect: 'blocker PodDisruptionBudget/shop/sick' },
  { objects: [budget('AlwaysAllow'), sick('Running')], expect: 'passed' },
  { objects: [budget('IfHealthyBudget'), sick('Pending')], expect: 'passed' },
  { objects: [lenient(), sick('Running')], expect: 'warning PodDisruptionBudget/shop/sick' },
  { objects: [lenient({ unhealthyPodEvictionPolicy: 'AlwaysAllow' }), sick('Running')], expect: 'passed' },
  { objects: [said(0, 'False', 'SyncFailed'), well], expect: 'blocker PodDisruptionBudget/shop/sick' },
  { objects: [said(1, 'False', 'SyncFailed'), well], expect: 'passed' },
  { objects: [said(0, 'True', 'SyncFailed'), well], expect: 'passed' },
  { objects: [said(0, 'False', 'InsufficientPods'), well], expect: 'passed' },
  { objects: [said(0, 'False', 'SyncFailed', 'Other'), well], expect: 'passed' },
  { objects: [said(0, 'False', 'SyncFailed', undefined, 'AlwaysAllow'), well], expect: 'blocker PodDisruptionBudget/shop/sick' },
  // An eviction of a Pod that is not ready is decided before the status counts, with AlwaysAllow alone.
  { objects: [said(0, 'False', 'SyncFailed', undefined, 'AlwaysAllow'), sick('Running')], expect: 'passed' },
  { objects: [said(0, 'False', 'SyncFailed'), sick('Running')], expect: 'blocker PodDisruptionBudget/shop/sick' },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: ['blocker PodDisruptionBudget/shop/all', 'blocker PodDisruptionBudget/shop/none'] },
]);

test('what never allows an eviction is shown with the change; an upgrade lowers it, where it is named, and restores it at its end', async () => {
  const dump = await readDump(laid('kubernetes/pdb-blocks-drain', { fixture: 'found' }));
  const { remedies } = await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/pdb-blocks-drain'] });
  const repairs = remedies.map(({ offered }) => ({ ...offered, reasons: ['f'] }));
  expect(remedies.flatMap(({ findings }) => findings.map(({ certainty, severity }) => `${severity} ${certainty}`))).toEqual([
    ...Array(4).fill('blocker medium'),
    'warning high',
  ]);
  // No run waits for what a person does in the place of an upgrade.
  const { stages, refusals: shown } = makePlan(repairs);
  expect(stages).toEqual([]);
  expect(shown.map(({ as, refused }) => `${as} ${refused.en.replace(/ during the upgrade.*/, '')}`)).toEqual([
    'manual set minAvailable of PodDisruptionBudget shop/one from 1 to 0',
    'manual set minAvailable of PodDisruptionBudget shop/all from 100% to 2',
    'manual set maxUnavailable of PodDisruptionBudget shop/none from 0 to 1',
    'manual set minAvailable of PodDisruptionBudget shop/half from 60% to 1',
  ]);
  expect(shown[0]!.commands![0]).toContain('kubectl patch PodDisruptionBudget.policy one -n shop --type=json');
  const upgrade = planUpgrade([{ hop: '1.37', repairs, stages: [] }], ['kubernetes']);
  expect(upgrade.stages.map(({ title, steps }) => [title.en, steps.map((step) => step.do === 'patch' && step.changes[0]!.after)])).toEqual([
    ['For as long as the upgrade lasts', [0, 2, 1, 1]],
    ['Restore what was changed for the upgrade', [1, '100%', 0, '60%']],
  ]);
});

test('an empty selector selects no Pod in policy/v1beta1, and every Pod in policy/v1: among manifests as they are declared', async () => {
  const declared = (apiVersion: string): Raw => ({
    ...{ apiVersion, kind: 'PodDisruptionBudget', metadata: { name: 'empty', namespace: 'shop' } },
    spec: { maxUnavailable: 0, selector: {} },
  });
  const workload: Raw = {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'shop' } },
    spec: { replicas: 2, template: { metadata: { labels: { app: 'd' } }, spec: { containers: [] } } },
  };
  const found = async (...objects: Raw[]) => {
    const manifests = objects.map((object, at): Manifest => ({ object, file: 'a.yaml', document: at + 1, line: at + 1 }));
    const source = { ...dumpSource(dumpOf({ objects, absent: [], whole: true })), manifests: () => manifests };
    const { results } = await examine(source, SYSTEMS, { checks: ['kubernetes/pdb-blocks-drain'], assume });
    return results.flatMap(({ findings }) => findings.map(({ message }) => message.en));
  };
  expect(await found(declared('policy/v1beta1'), workload)).toEqual([]);
  expect(await found(declared('policy/v1'), workload)).toEqual([
    'PodDisruptionBudget shop/empty keeps all Pods that it selects: no eviction is ever allowed',
  ]);
});
const assume = ({ id }: System): Installation[] => [
  {
    ...{ id: `${id}@manifests`, system: id, name: 'manifests', sources: [], byHelm: false },
    version: { why: 'not-collected', verb: 'get', resource: 'version' },
  },
];

test('what two budgets select together is the evidence of it, not a number of Pods that are ready', async () => {
  const dump = await readDump(laid('kubernetes/pdb-blocks-drain', { fixture: 'found-overlap' }));
  const { results } = await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/pdb-blocks-drain'] });
  const seen = results.flatMap(({ findings }) => findings.flatMap(({ evidence }) => evidence.map((each) => each.seen)));
  expect(seen.map((each) => (typeof each === 'string' ? each : each.en))).toEqual(
    Array(2).fill(expect.stringMatching(/^selects \d+ Pods? together with the others$/)),
  );
});

test('an upgrade does not begin with two budgets on one Pod because other budgets are relaxed; what --confirm fixes is named with it', async () => {
  const over = (name: string): Raw => ({
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name, namespace: 'dup' } },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'dup' } } },
  });
  const pods = ['dup-0', 'dup-1'].map(
    (name): Raw => ({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'dup', labels: { app: 'dup' } } },
      spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'x' }] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    }),
  );
  const dump = await readDump(laid('kubernetes/pdb-blocks-drain', { fixture: 'found', objects: [over('dup-a'), over('dup-b'), ...pods] }));
  const before = await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/pdb-blocks-drain'] });
  const call = (...confirm: string[]) =>
    ({ t: ({ en }: Text) => en, say: () => {}, confirm: async () => false, flags: { confirm, yes: true } }) as unknown as Call;
  const stages = { system: 'kubernetes', drafts: [] };
  const dup = /^ {2}kubernetes\/pdb-blocks-drain: PodDisruptionBudgets dup\/dup-a, dup\/dup-b select the same 2 Pods/;
  const accepts =
    '--accept kubernetes/pdb-blocks-drain:PodDisruptionBudget/dup/dup-a --accept kubernetes/pdb-blocks-drain:PodDisruptionBudget/dup/dup-b';
  const lead = { en: 'Not started', zh: '' };

  const all = await planAll(before.remedies, stages);
  const stopping = await unrepaired(before, all);
  expect(refusal(call(), stopping, lead)).toEqual([
    `Not started: 1 blocker that upgrade-guard cannot fix. Fix it, or accept the check: ${accepts}`,
    expect.stringMatching(dup),
  ]);
  const names = ['one', 'all', 'none', 'half'].map((name) => `PodDisruptionBudget/shop/${name}`);
  const confirms = (of: string[]) => of.map((name) => `--confirm ${name}`).join(' ');
  expect(asksFirst(call(), before, all, stopping)).toEqual([
    `upgrade asks before it fixes 4 blockers; with --yes name them: ${confirms(names)}`,
  ]);
  expect(asksFirst(call(...names), before, all, stopping)).toEqual([]);

  const [first, ...rest] = names;
  const some = call(first!);
  const open = await unrepaired(before, await planChosen(before.remedies, some, stages));
  expect(refusal(some, open, lead)).toEqual([
    `Not started: 1 blocker that upgrade-guard cannot fix. Fix it, or accept the check: ${accepts}`,
    expect.stringMatching(dup),
    `3 blockers that upgrade fixes only if confirmed: ${confirms(rest)}`,
    ...Array(3).fill(expect.stringMatching(/^ {2}kubernetes\/pdb-blocks-drain: PodDisruptionBudget shop\//)),
  ]);
});
