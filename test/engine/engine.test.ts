// The small parts of the engine, each by what it promises.
import { describe, expect, test } from 'vitest';
import { compare, sideOf } from '../../src/engine/compare.ts';
import { newRunId } from '../../src/engine/conduct.ts';
import type { CheckResult, Installation, JudgedFinding, StepDraft, System } from '../../src/engine/contracts.ts';
import { fingerprint } from '../../src/engine/examine.ts';
import { listsIn } from '../../src/engine/gather.ts';
import { choosePath, parseTarget } from '../../src/engine/paths.ts';
import { makePlan, stepsOf } from '../../src/engine/plan.ts';
import { rightsToCheck, rightsToFix } from '../../src/engine/rights.ts';
import { exitCode, isComplete } from '../../src/engine/verdict.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { endpoint, patchStep, refTo } from './worlds.ts';

const spiderpool = SYSTEMS.find(({ id }) => id === 'spiderpool') as System;
const installation = (version: string, name = 'spiderpool'): Installation => ({
  id: `spiderpool@kube-system/${name}`,
  system: 'spiderpool',
  namespace: 'kube-system',
  name,
  version,
  sources: [],
  byHelm: true,
});
const finding = (severity: 'blocker' | 'warning' | 'notice', print = 'f', accepted = false): JudgedFinding =>
  ({ severity, fingerprint: print, accepted, message: { en: print, zh: print } }) as JudgedFinding;
const result = (outcome: CheckResult['outcome'], findings: JudgedFinding[] = [], id = 'spiderpool/x'): CheckResult => ({
  id,
  installation: 'i',
  outcome,
  findings,
  gaps: [],
});

describe('targets', () => {
  test('the default is the newest good patch of the line, then that of the next', () => {
    expect(choosePath(spiderpool, installation('0.9.4'), [], [])).toMatchObject({ to: '0.9.13', chosen: 'default', hops: ['0.9.13'] });
    expect(choosePath(spiderpool, installation('0.9.13'), [], []).to).toBe('1.0.6');
    expect(choosePath(spiderpool, installation('1.2.2'), [], [])).toMatchObject({ to: undefined, hops: [] });
  });
  test('a bare system name with two installations is an error that lists them', () => {
    const all = [installation('0.9.4'), installation('0.9.4', 'other')];
    const target = parseTarget('spiderpool=0.9.13', SYSTEMS);
    expect(() => choosePath(spiderpool, all[0]!, all, [target])).toThrow(
      /spiderpool@kube-system\/spiderpool, spiderpool@kube-system\/other/,
    );
    const named = parseTarget('spiderpool@kube-system/other=v1.0.6', SYSTEMS);
    expect(choosePath(spiderpool, all[1]!, all, [named])).toMatchObject({ to: '1.0.6', chosen: 'asked' });
    expect(choosePath(spiderpool, all[0]!, all, [named])).toMatchObject({ to: '0.9.13', chosen: 'default' });
  });
  test('what is no target says so', () => {
    for (const text of ['spiderpool', 'spiderpool=', 'nothing=1.0.0', 'spiderpool=newest', '=1.0.0'])
      expect(() => parseTarget(text, SYSTEMS), text).toThrow();
    expect(() =>
      choosePath(spiderpool, installation('0.9.4'), [installation('0.9.4')], [parseTarget('spiderpool@x/y=0.9.13', SYSTEMS)]),
    ).toThrow(/no such installation/);
    expect(() =>
      choosePath(spiderpool, installation('0.9.4'), [installation('0.9.4')], [parseTarget('spiderpool=0.8.13', SYSTEMS)]),
    ).toThrow(/older/);
  });
});

describe('fingerprints', () => {
  test('depend on check, installation and key, and on where one part ends', () => {
    const all = [
      fingerprint('a/b', 'i', ['k']),
      fingerprint('a/c', 'i', ['k']),
      fingerprint('a/b', 'j', ['k']),
      fingerprint('a/b', 'i', ['k', '']),
      fingerprint('a/b', 'i', []),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(fingerprint('a/b', 'i', ['k'])).toBe(all[0]);
  });
});

describe('the verdict', () => {
  test('0 only when everything was seen and nothing counts', () => {
    expect(exitCode([result('passed'), result('not-applicable')], 'blocker')).toBe(0);
    expect(exitCode([result('passed'), result('unknown')], 'blocker')).toBe(3);
    expect(exitCode([result('not-looked-at')], 'blocker')).toBe(3);
    expect(exitCode([result('found', [finding('warning')])], 'blocker')).toBe(0);
    expect(exitCode([result('found', [finding('warning')])], 'warning')).toBe(2);
    expect(exitCode([result('found', [finding('notice')]), result('unknown')], 'warning')).toBe(3);
    expect(exitCode([result('found', [finding('blocker')]), result('unknown')], 'blocker')).toBe(2);
    expect(exitCode([result('found', [finding('blocker', 'f', true)])], 'notice')).toBe(0);
  });
  test('a finding with a gap behind it is not the whole truth', () => {
    const gap = { why: 'forbidden', verb: 'list', resource: 'pods' } as const;
    expect(isComplete([{ ...result('found', [finding('notice')]), gaps: [gap] }])).toBe(false);
    expect(isComplete([{ ...result('passed'), gaps: [gap] }])).toBe(true);
  });
});

test('comparing: new, gone, still there, and not looked at again', () => {
  const before = sideOf([
    result('found', [finding('blocker', 'a'), finding('blocker', 'b')]),
    result('found', [finding('notice', 'c')], 'spiderpool/y'),
  ]);
  const after = sideOf([result('found', [finding('blocker', 'b'), finding('blocker', 'd')]), result('unknown', [], 'spiderpool/y')]);
  const prints = Object.fromEntries(
    Object.entries(compare(before, after)).map(([part, findings]) => [
      part,
      (findings as { fingerprint: string }[]).map((each) => each.fingerprint),
    ]),
  );
  expect(prints).toEqual({ new: ['d'], gone: ['a'], still: ['b'], notLookedAt: ['c'] });
});

test('a quick look is the whole truth about nothing: nothing is gone since, and nothing is fine', () => {
  const gaps = [{ why: 'quick', verb: 'list', resource: 'pods' } as const];
  const before = [result('found', [finding('blocker', 'a'), finding('blocker', 'b')])];
  const quick = [{ ...result('found', [finding('notice', 'b')]), gaps }];
  const { gone, still, notLookedAt } = compare(sideOf(before), sideOf(quick));
  expect([gone, still, notLookedAt].map((each) => each.map(({ fingerprint }) => fingerprint))).toEqual([[], ['b'], ['a']]);
  expect(exitCode(quick, 'blocker')).toBe(3);
});

describe('plans', () => {
  const draft = (name: string, more: Partial<StepDraft> = {}): StepDraft => {
    const { id: _, reasons: __, after: ___, ...rest } = patchStep(name);
    return { ...rest, ...more } as StepDraft;
  };
  test('what is for behind the upgrade comes last, identical steps merge with both reasons, dependencies become ids', () => {
    const first = draft('a');
    const plan = makePlan([
      { drafts: [draft('z', { when: 'after' }), first, draft('b', { after: [first] })], refusals: [], reasons: ['one'] },
      { drafts: [draft('a')], refusals: [], reasons: ['two'] },
    ]);
    const steps = stepsOf(plan);
    expect(steps.map((step) => [step.id, 'on' in step && step.on.name, step.after, step.reasons])).toEqual([
      ['1', 'a', [], ['one', 'two']],
      ['2', 'b', ['1'], ['one']],
      ['3', 'z', [], ['one']],
    ]);
    expect(JSON.parse(JSON.stringify(steps))).toEqual(steps);
  });
  test('different changes to one object do not merge, but follow each other', () => {
    const other = draft('a', { changes: [{ path: '/status/x', before: 1, after: 2 }] } as Partial<StepDraft>);
    const steps = stepsOf(makePlan([{ drafts: [draft('a'), draft('b'), other], refusals: [], reasons: [] }]));
    expect(steps.map(({ after }) => after)).toEqual([[], [], ['1']]);
  });
});

describe('rights', () => {
  test('hold every declared read and write, no wildcard, never nodes/proxy', () => {
    const fix = rightsToFix(SYSTEMS, []);
    const has = (rules: typeof fix, group: string, resource: string, verb: string) =>
      rules.some((rule) => rule.group === group && rule.resource === resource && rule.verbs.includes(verb));
    for (const system of SYSTEMS) {
      for (const { resource } of [...listsIn(system.reads), ...system.checks.flatMap(({ reads }) => listsIn(reads as System['reads']))]) {
        const [plural, ...group] = resource.split('.');
        expect(has(rightsToCheck(SYSTEMS), group.join('.'), plural!, 'list'), resource).toBe(true);
      }
    }
    expect(has(fix, 'spiderpool.spidernet.io', 'spiderendpoints', 'patch')).toBe(true);
    expect(has(rightsToCheck(SYSTEMS), 'spiderpool.spidernet.io', 'spiderendpoints', 'patch')).toBe(false);
    expect(JSON.stringify(fix)).not.toMatch(/\*|nodes\/proxy/);
  });
});

test('run ids sort by time and are safe as names of folders', () => {
  const [a, b] = [newRunId(new Date('2026-01-01T00:00:00Z'), 'ffff'), newRunId(new Date('2026-01-01T00:00:01Z'), '0000')];
  expect([b, a].sort()).toEqual([a, b]);
  expect(a).toMatch(/^[0-9a-z-]+$/);
});

test('the objects of these tests are what they say', () => {
  expect(endpoint('a', 'None').metadata).toMatchObject({ name: refTo('a').name, uid: refTo('a').uid });
});
