// Which way a node is given back: refused, uncordoned, R1 or R2; and the order of the steps.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Ref, StepDraft } from '../../../src/engine/contracts.ts';
import { makePlan, stepsOf } from '../../../src/engine/plan.ts';
import { latestHash } from '../../../src/systems/k3s/plans.ts';
import { type Left, type Repair, refusalOf, wayOf } from '../../../src/systems/k3s/recovery.ts';
import { repairSteps } from '../../../src/systems/k3s/remedy.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const ref = (kind: string, name: string): Ref => ({ apiVersion: 'v1', kind, namespace: 'suc', name, uid: `uid-${name}` });
const NO: Repair['retarget'] = { en: 'no controller', zh: '没有控制器' };
const YES: Repair['retarget'] = { version: 'v1.33.9+k3s1', hash: 'h', cordoned: ['a1', 'a2'], deadline: 900, concurrency: 1 };
const repair = (more: Partial<Repair> = {}): Repair => ({
  plan: { namespace: 'suc', name: 'p', ref: ref('Plan', 'p'), version: 'v1.32.13+k3s1', latestHash: 'old' },
  settled: false,
  retarget: NO,
  jobs: [ref('Job', 'j1')],
  dependants: [],
  ...more,
});
const left = (name: string, of: Repair, more: Partial<Left> = {}): Left => ({
  node: { apiVersion: 'v1', kind: 'Node', name, uid: `uid-${name}` },
  jobs: [],
  repair: of,
  shared: [],
  low: false,
  ...more,
});
const said = (steps: ReturnType<typeof repairSteps>) => {
  const drafts = steps.filter((step): step is StepDraft => 'do' in step);
  return stepsOf(makePlan([{ drafts, refusals: [], reasons: [] }])).map((step) => {
    const on = 'on' in step ? ` ${step.on.kind}/${step.on.name}` : '';
    return `${step.id}: ${step.do}${on}${step.after.length ? ` after ${step.after}` : ''}`;
  });
};

test('R1 gives every cordoned node of the Plan back: with some of them only, R2', () => {
  const both = repair({ retarget: YES });
  expect(wayOf(both, ['a1', 'a2'])).toBe('R1');
  expect(wayOf(both, ['a1'])).toBe('R2');
  expect(wayOf(repair(), ['a1', 'a2'])).toBe('R2');
  expect(wayOf(repair({ settled: true, retarget: YES }), ['a1'])).toBe('uncordon');
});

test('R4: where the nodes run what the Plan names, its failed Jobs go and the Plan is touched', () => {
  const again = repair({ retarget: { ...YES, again: true } as Repair['retarget'] });
  expect(wayOf(again, ['a1', 'a2'])).toBe('R4');
  expect(wayOf(again, ['a1'])).toBe('R2');
  expect(said(repairSteps([left('a1', again), left('a2', again)]))).toEqual([
    '1: delete Job/j1',
    '2: patch Plan/p after 1',
    '3: wait after 2',
  ]);
  const touched = repairSteps([left('a1', again), left('a2', again)]).find((step) => 'do' in step && step.do === 'patch');
  // Annotations of other domains are copied to the Jobs, which would replace those that run.
  expect(touched).toMatchObject({ changes: [{ path: '/metadata/annotations/upgrade.cattle.io~1retried-uid-j1' }] });
});

test('R3: where the Plan succeeded elsewhere, the node is excluded from it, its own Job goes, then the cordon; whatever else the Plan is at', () => {
  const of = repair({ worked: 'b1', busy: 's2' });
  expect(wayOf(of, ['a1'])).toBe('R3');
  expect(wayOf(repair({ worked: 'b1', retarget: { ...YES, again: true } as Repair['retarget'] }), ['a1', 'a2'])).toBe('R4');
  expect(refusalOf(left('a1', of))).toBeUndefined();
  const steps = repairSteps([left('a1', of, { label: 'older', jobs: [ref('Job', 'j1')] }), left('a2', of)]) as StepDraft[];
  expect(said(steps)).toEqual([
    '1: patch Node/a1',
    '2: delete Job/j1 after 1',
    '3: wait after 2',
    '4: patch Node/a1 after 3,1',
    '5: patch Node/a2',
    '6: patch Node/a2 after 5',
  ]);
  expect(steps.map(({ undo }) => undo)).toEqual(['none', 'none', 'exact', 'exact', 'none', 'exact']);
  expect(steps[0]!.restore!.commands).toEqual(['kubectl label node a1 plan.upgrade.cattle.io/p=older --overwrite']);
  expect(steps[4]!.restore!.commands).toEqual(['kubectl label node a2 plan.upgrade.cattle.io/p-']);
});

test('R1: labels first, then the Plan, then two waits', () => {
  const both = repair({ retarget: YES });
  expect(said(repairSteps([left('a1', both, { label: 'h' }), left('a2', both, { label: 'older' })]))).toEqual([
    '1: patch Node/a1',
    '2: patch Plan/p after 1',
    '3: wait after 2',
    '4: wait after 3',
  ]);
});

test('R2: those that wait for it, the Plan, its Jobs, their end, the nodes', () => {
  const of = repair({ dependants: [{ ref: ref('Plan', 'agents'), jobs: [ref('Job', 'j2')] }] });
  expect(said(repairSteps([left('a1', of), left('a2', of)]))).toEqual([
    '1: delete Plan/agents',
    '2: delete Plan/p after 1',
    '3: delete Job/j1 after 1,2',
    '4: delete Job/j2 after 1,2',
    '5: wait after 3,4',
    '6: patch Node/a1 after 5',
    '7: patch Node/a2 after 5',
  ]);
});

test('what is deleted is not created again by undo, the cordon is undone; and an uncordon needs Plan and Jobs gone', () => {
  const steps = repairSteps([left('a1', repair())]) as StepDraft[];
  expect(steps.map((step) => step.undo)).toEqual(['none', 'none', 'exact', 'exact']);
  const guard = steps.at(-1)!.guard.flatMap((condition) => ('on' in condition ? [condition] : []));
  expect(guard.map(({ on, must }) => [on.kind, must])).toEqual([
    ['Node', [{ path: '/spec/unschedulable', is: true }]],
    ['Plan', 'be-gone'],
    ['Job', 'be-gone'],
  ]);
  // A Plan that was created again is another object, and would cordon again.
  expect(guard[1]!.on.uid).toBeUndefined();
});

describe('refused', () => {
  const owner = { name: 'Argo CD', mark: 'argocd.argoproj.io/tracking-id' };
  test.each<[string, Left, RegExp]>([
    ['low', left('a1', repair(), { low: true }), /cannot tell who cordoned it; .*: kubectl uncordon a1$/],
    ['shared', left('a1', repair(), { shared: ['ToBeDeletedByClusterAutoscaler'] }), /ToBeDeleted/],
    ['owned', left('a1', repair({ owner })), /Argo CD/],
    ['Rancher', left('a1', repair({ owner: { name: 'Rancher', mark: 'x' }, settled: true })), /Rancher/],
    ['a dependant is owned', left('a1', repair({ dependants: [{ ref: ref('Plan', 'd'), jobs: [], owner }] })), /Argo CD/],
    ['busy', left('a1', repair({ busy: 's2' })), /upgrading Node s2/],
  ])('%s', (_, one, why) => {
    expect(refusalOf(one)?.en).toMatch(why);
    expect(repairSteps([one])).toEqual([{ refused: expect.anything(), objects: [one.node] }]);
  });
  test('the others are repaired all the same', () => {
    const of = repair();
    const steps = repairSteps([left('a1', of), left('a2', of, { low: true })]);
    expect(steps.filter((step) => 'refused' in step)).toHaveLength(1);
    expect(said(steps).at(-1)).toContain('Node/a1');
  });
});

describeUpstream('hashes', ['data', 'k3s', 'vectors'], (folder) => {
  const { hash } = JSON.parse(readFileSync(join(folder, 'suc-hash-and-jobname.json'), 'utf8'));
  test.each(hash as { specVersion: string; serviceAccountName: string; latestHash: string }[])(
    'of $specVersion for "$serviceAccountName"',
    ({ specVersion, serviceAccountName, latestHash: expected }) => {
      expect(latestHash(specVersion, serviceAccountName)).toBe(expected);
    },
  );
});
test('a hash that the guide shows', () => {
  expect(latestHash('v1.26.7+k3s1', 'system-upgrade')).toMatch(/^7af95590a5af8e8c3/);
});
