// Who is asked about manual steps: on a terminal one after the other, by the name of the step; without one only what --confirm-step names.
import { expect, test, vi } from 'vitest';
import { attended, broughtBack, ended, lookedAgain, manualLeft } from '../../src/cli/attend.ts';
import type { Call } from '../../src/cli/call.ts';
import { confirmable } from '../../src/cli/confirmed.ts';
import type { Live } from '../../src/cli/session.ts';
import type { Step, StepOf, Text } from '../../src/engine/contracts.ts';
import { UserError } from '../../src/text/user-error.ts';
import { patchStep, runOf } from '../engine/worlds.ts';

const manual = (id: string, more: object = {}): StepOf<'manual'> =>
  ({
    ...patchStep(id),
    do: 'manual',
    commands: [`kubectl do ${id}`],
    text: { en: `do ${id}`, zh: `做 ${id}` },
    ...more,
  }) as unknown as StepOf<'manual'>;
const [one, two] = [manual('1'), manual('2')];

function setting({ terminal = true, typed = [] as string[], confirm = [] as string[] } = {}) {
  const said: string[] = [];
  const asked: string[] = [];
  let open = 0;
  const call = {
    flags: { 'confirm-step': confirm },
    terminal,
    signal: new AbortController().signal,
    face: {},
    language: 'en',
    t: ({ en }: Text) => en,
    say: (...lines: string[]) => void said.push(...lines),
    progress: () => true,
    typed: async ({ en }: Text) => {
      expect(++open, 'one question at a time').toBe(1);
      asked.push(en);
      await new Promise((resolve) => setTimeout(resolve, 10));
      open--;
      return typed.shift() ?? '';
    },
  } as unknown as Call;
  return { call, said, asked, person: attended(call, {} as Live, runOf(one, two)).person! };
}

test('each is confirmed by its own name, and by nothing else', async () => {
  const { person, asked } = setting({ typed: ['step-1', 'yes'] });
  expect(person.watches).toBe(true);
  expect(await Promise.all([person.confirms(one), person.confirms(two)])).toEqual([true, false]);
  expect(asked).toEqual([expect.stringContaining('step-1'), expect.stringContaining('step-2')]);
});
test('without a terminal only what was named', async () => {
  const { person, asked, said } = setting({ terminal: false, confirm: ['2'] });
  person.told(one, undefined);
  expect([await person.confirms(one), await person.confirms(two), person.watches]).toEqual([false, true, false]);
  expect([asked, said]).toEqual([[], []]);
});
test('what to do is shown with its commands, and what it waits for', () => {
  const { person, said } = setting();
  person.told(one, { en: 'Pod a is still there', zh: '' });
  expect(said.join('\n')).toBe('\nmanual: 1. do 1\n     kubectl do 1\nWaiting until it is done: Pod a is still there');
});
test.each([true, false])('what holds a step is said once each, on a terminal (%s) too, where progress is drawn over', (terminal) => {
  const { call, said } = setting({ terminal });
  const { progressed } = attended({ ...call, progress: () => terminal }, {} as Live, runOf(one));
  const why = (name: string) => ({ en: `Pod ${name}: the disruption budget needs it`, zh: '' });
  for (const held of [undefined, why('a'), why('a'), why('b'), why('a')]) progressed!(one, { done: 0, of: 2, now: 'Pod a' }, held);
  expect(said).toEqual([
    '  waiting in step 1: Pod a: the disruption budget needs it',
    '  waiting in step 1: Pod b: the disruption budget needs it',
  ]);
});
test('where nothing can be drawn, a wait says what is still missing', async () => {
  vi.useFakeTimers();
  const wait = {
    ...patchStep('8'),
    do: 'wait',
    until: [],
    within: 600,
    assume: [],
    text: { en: 'wait for it', zh: '' },
  } as unknown as Step;
  const { call, said } = setting({ terminal: false });
  const { on, progressed } = attended({ ...call, progress: () => false, begins: () => false } as Call, {} as Live, runOf(wait));
  on!(wait, 'begun');
  progressed!(wait, { done: 2, of: 3, now: 'DaemonSet kube-system/kube-proxy' });
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  expect(said).toEqual(['waiting, at most 600 s: 8. wait for it (2 of 3, DaemonSet kube-system/kube-proxy)']);
});
test('a run that stopped there says how it goes on: what cannot be seen is named', () => {
  const { call } = setting({ terminal: false });
  const seen = manual('2', { seen: [{ on: { apiVersion: 'v1', kind: 'Pod', name: 'p' }, must: 'be-gone' }] });
  // As it goes through: without a terminal it would ask, and fail.
  expect(manualLeft(call, runOf(one, seen), [one, seen]).at(-1)).toBe('Once they are done: {tool} resume r --confirm-step 1 --yes{reach}');
  const asks = setting().call;
  expect(manualLeft(asks, runOf(one, seen), [one, seen]).at(-1)).toBe('Once they are done: {tool} resume r --confirm-step 1{reach}');
});
test('behind a run that waits for a person no command stands that would stop at the same step', () => {
  const told = (result: 'manual' | 'failed') => {
    const { call, said } = setting({ terminal: false });
    const outcomes = new Map([['1', { result }]]);
    ended(call, runOf(one, two), 'apply', { state: 'stopped', leaseLost: false, leaseGone: false, outcomes });
    return said.filter((line) => /\{tool\} (resume|undo)/.test(line));
  };
  expect(told('manual')).toEqual([
    'Once they are done: {tool} resume r --confirm-step 1 --yes{reach}',
    'To undo the run instead: {tool} undo r --yes{reach}',
  ]);
  expect(told('failed')).toEqual(['Next: resume: {tool} resume r --yes{reach}\n      or undo it: {tool} undo r --yes{reach}']);
});
test('an undo is offered of what remains changed, and of nothing that the run has put back itself', () => {
  const change = (id: string, before: number, after: number) => ({
    ...patchStep('1'),
    id,
    changes: [{ path: '/spec/replicas', before, after }],
  });
  const offered = (done: string[], ...changes: ReturnType<typeof change>[]) => {
    const { call, said } = setting({ terminal: false });
    const outcomes = new Map(done.map((id) => [id, { result: 'done' as const }]));
    lookedAgain(call, runOf(...changes), { state: 'finished', leaseLost: false, leaseGone: false, outcomes }, { remaining: 0 });
    return said.some((line) => line.startsWith('To undo it'));
  };
  const [there, back] = [change('1', 1, 2), change('2', 2, 1)];
  expect(offered(['1'], there)).toBe(true);
  expect(offered(['1', '2'], there, back)).toBe(false);
  // It was changed before the run was resumed.
  expect(offered(['2'], there, back)).toBe(false);
  expect(offered(['1', '2'], there, change('2', 2, 3))).toBe(true);
});
test('what was found before the upgrade is there again once the run has put its own change back: neither fixed nor left', () => {
  const { call, said } = setting({ terminal: false });
  const change = (id: string, before: number, after: number) => ({
    ...patchStep('1'),
    ...{ id, reasons: id === '1' ? ['f1'] : [], changes: [{ path: '/spec/replicas', before, after }] },
  });
  const run = runOf(change('1', 1, 2), change('2', 2, 1), { ...change('3', 1, 2), reasons: ['f3'] });
  const executed = { state: 'finished' as const, leaseLost: false, leaseGone: false, outcomes: new Map() };
  executed.outcomes.set('3', { result: 'failed' });
  expect([...broughtBack(run, executed)]).toEqual(['f1']);
  lookedAgain(call, run, executed, { remaining: 0, restored: 1 });
  expect(said[0]).toBe(
    'Re-checked: 1 blocker found before the upgrade is there again, because the run restored what it had changed for the upgrade.',
  );
});
test('a wait that has failed says how it is tried again, and what has not failed says nothing', () => {
  const wait = (id: string, retry: string[]) => ({ ...patchStep(id), do: 'wait', until: [], within: 1, retry, assume: [] }) as never;
  const run = runOf(wait('1', ['kubectl delete job a']), wait('2', ['kubectl delete job b']));
  const told = (result: 'failed' | 'done') => {
    const { call, said } = setting({ terminal: false });
    ended(call, run, 'apply', {
      state: 'stopped',
      leaseLost: false,
      leaseGone: false,
      outcomes: new Map([['1', { result, detail: { en: '', zh: '' } }]]),
    });
    return said.join('\n');
  };
  expect(told('failed')).toContain('To retry once the cause is removed:\n     kubectl delete job a\n     {tool} resume r --yes{reach}');
  expect(told('failed')).not.toContain('job b');
  expect(told('done')).not.toContain('retry');
});
test('a drain that a budget holds says how to see what holds it; a drain that is done says nothing', () => {
  const drain = { ...patchStep('1'), do: 'drain', within: 1, repairs: ['kubernetes/pdb-blocks-drain'] } as never;
  const told = (result: 'failed' | 'done') => {
    const { call, said } = setting({ terminal: false });
    const outcomes = new Map([['1', { result, detail: { en: '', zh: '' } }]]);
    ended(call, runOf(drain), 'apply', { state: 'stopped', leaseLost: false, leaseGone: false, outcomes });
    return said.join('\n');
  };
  expect(told('failed')).toContain(
    '     {tool} fix kubernetes/pdb-blocks-drain --dry-run=client{reach}\n     {tool} resume r --yes{reach}',
  );
  expect(told('done')).not.toContain('{tool} fix');
});
test.each([
  [true, '{tool} undo r{reach}'],
  [false, '{tool} undo r --yes{reach}'],
])(
  'an undo that left a field says how the rest is tried again, with --yes where nothing can be asked (terminal: %s)',
  (terminal, command) => {
    const { call, said } = setting({ terminal });
    const step = { ...patchStep('1'), undo: 'exact' } as Step;
    const outcomes = new Map([['1', { result: 'left' as const, detail: { en: 'changed since', zh: '' } }]]);
    ended(call, runOf(step), 'undo', { state: 'finished', leaseLost: false, leaseGone: false, outcomes }, [step]);
    expect(said.at(-1)).toBe(`To retry the remaining steps: ${command}`);
  },
);

test('a --confirm-step that names no manual step is an error with those that wait; one without effect is said', () => {
  const seen = manual('2', { seen: [{ on: { apiVersion: 'v1', kind: 'Pod', name: 'p' }, must: 'be-gone' }] });
  const [patch, last] = [patchStep('3'), manual('4')];
  const run = runOf(one, seen, patch, last);
  const given = (open: Step[], ...confirm: string[]) => {
    const { call, said } = setting({ terminal: false, confirm });
    confirmable(call, run, open);
    return said;
  };
  const refused = (open: Step[], id: string) => {
    try {
      given(open, id);
    } catch (error) {
      if (error instanceof UserError) return [error.text.en, error.next?.en];
      throw error;
    }
  };
  const open = [seen, patch, last];
  expect(given(open, '4')).toEqual([]);
  expect(given(open, '1', '2')).toEqual([
    '--confirm-step 1: step 1 is done already.',
    '--confirm-step 2 has no effect: the cluster shows whether step 2 is done.',
  ]);
  const waiting = 'manual steps that can be confirmed: 4; all steps: {tool} runs r{reach}';
  expect(refused(open, '99')).toEqual(['--confirm-step 99: run r has no such step', waiting]);
  expect(refused(open, '3')).toEqual(['--confirm-step 3: step 3 is not a manual step', waiting]);
  expect(refused([patch], '99')?.[1]).toBe('no step of this run waits for a confirmation: {retry:confirm-step}');
});
