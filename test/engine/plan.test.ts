// The order of a plan across remedies: CRDs before what is written under them, with what hangs on that.
import { expect, test } from 'vitest';
import type { StepDraft } from '../../src/engine/contracts.ts';
import { makePlan, planUpgrade, stepsOf } from '../../src/engine/plan.ts';

const common = { guard: [], text: { en: '', zh: '' }, undo: 'exact' as const };
const definition = (kind: string): StepDraft => ({
  ...common,
  do: 'apply',
  object: {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.toLowerCase()}s.g.io` },
    spec: { group: 'g.io', names: { kind } },
  },
});
const patch = (kind: string, name: string, apiVersion = 'g.io/v1'): StepDraft => ({
  ...common,
  do: 'patch',
  on: { apiVersion, kind, name },
  changes: [{ path: '/a', after: 1 }],
});
const evict = (after: StepDraft[]): StepDraft => ({
  ...common,
  do: 'evict',
  on: { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'p' },
  within: 1,
  after,
});
const planned = (...remedies: StepDraft[][]) =>
  stepsOf(makePlan(remedies.map((drafts) => ({ drafts, refusals: [], reasons: [] })))).map(
    ({ id, do: doing, after }) => `${id} ${doing}${after.length ? ` after ${after}` : ''}`,
  );

test('a CRD comes before the objects of its kind, whichever remedy came first; and a moment passes in between', () => {
  const written = patch('Pool', 'a');
  expect(planned([written, evict([written])], [patch('Other', 'o')], [definition('Pool')])).toEqual([
    '1 patch',
    '2 apply',
    '3 wait after 2',
    '4 patch after 3',
    '5 evict after 4',
  ]);
});
test('a kind of another group, and a run without CRDs, stay as they were', () => {
  expect(planned([patch('Pool', 'a', 'h.io/v1')], [definition('Pool')])).toEqual(['1 patch', '2 apply']);
  expect(planned([patch('Pool', 'a')], [patch('Pool', 'b')])).toEqual(['1 patch', '2 patch']);
});
test('to wait for the same once more, behind something else, is a step of its own: what comes behind it must not begin too soon', () => {
  const wait = (after: StepDraft[]): StepDraft => ({
    ...common,
    do: 'wait',
    until: [{ on: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', namespace: 'n', name: 'b' }, must: 'exist' }],
    within: 1,
    assume: [],
    after,
  });
  const restart = (name: string, after: StepDraft[]) => {
    const first = wait(after);
    const gone: StepDraft = { ...common, do: 'delete', on: { apiVersion: 'g.io/v1', kind: 'Endpoint', name }, after: [first] };
    return [first, gone, { ...evict([gone]), on: { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name } } as StepDraft];
  };
  const one = restart('a', []);
  expect(planned([...one, ...restart('b', one.slice(-1))])).toEqual([
    '1 wait',
    '2 delete after 1',
    '3 evict after 2',
    '4 wait after 3',
    '5 delete after 4',
    '6 evict after 5',
  ]);
  expect(planned([...restart('a', []), ...restart('b', [])])).toEqual([
    '1 wait',
    '2 delete after 1',
    '3 evict after 2',
    '4 delete after 1',
    '5 evict after 4',
  ]);
});

test('what two remedies do alike is one step, behind what either of them needs', () => {
  const [first, second] = [patch('Pool', 'a'), patch('Endpoint', 'b')];
  expect(planned([evict([])], [first, evict([first])])).toEqual(['1 patch', '2 evict after 1']);
  expect(planned([first, evict([first])], [second, evict([second])])).toEqual(['1 patch', '2 patch', '3 evict after 1,2']);
});
test('where each waits for the other, neither is dropped: one of them comes twice, and finds itself done', () => {
  const [one, other] = [patch('Pool', 'a'), patch('Endpoint', 'b')];
  const [oneAgain, otherAgain] = [
    { ...patch('Pool', 'a'), after: [] as StepDraft[] },
    { ...patch('Endpoint', 'b'), after: [] as StepDraft[] },
  ];
  oneAgain.after = [otherAgain];
  other.after = [one];
  expect(planned([one, other], [otherAgain, oneAgain])).toEqual(['1 patch', '2 patch after 1', '3 patch after 2,1']);
});

test('while an upgrade lasts: a webhook is opened before anything else is written, and closed whatever becomes of the rest', () => {
  const pair = (kind: string): StepDraft[] => {
    const loosened: StepDraft = { ...patch(kind, 'x'), when: 'first' };
    return [loosened, { ...patch(kind, 'x'), changes: [{ path: '/a', before: 1 }], when: 'last', after: [loosened] } as StepDraft];
  };
  const repairs = [pair('PodDisruptionBudget'), pair('ValidatingWebhookConfiguration')].map((drafts) => ({
    drafts,
    refusals: [],
    reasons: ['f'],
  }));
  const wait: StepDraft = { ...common, undo: 'none', do: 'manual', commands: [] };
  const { stages } = planUpgrade([{ hop: '2', repairs, stages: [{ hop: '2', title: { en: 'own', zh: '' }, steps: [wait] }] }], []);
  const said = stages.map(({ steps }) =>
    steps.map((step) => `${step.id} ${'on' in step ? step.on.kind.replace(/[a-z]/g, '') : step.do} after ${step.after}`),
  );
  expect(said).toEqual([['1 VWC after ', '2 PDB after 1'], ['3 manual after '], ['4 PDB after 2', '5 VWC after 1']]);
});

test('what a person runs in the place of an upgrade stands beside the steps, once; no run waits for it', () => {
  const run = (what: string, more: object = {}): StepDraft => ({
    ...{ ...common, undo: 'none', do: 'manual', when: 'instead', commands: [`helm ${what}`] },
    ...{ text: { en: `run ${what}`, zh: `执行 ${what}` }, ...more },
  });
  const passed = { helmValues: [{ path: ['a'], value: 1 }], brief: () => ({ en: 'upgrade x passes a', zh: 'upgrade x 会传入 a' }) };
  const repair = (...drafts: StepDraft[]) => ({ drafts, refusals: [], reasons: ['f'] });
  // What makes way for an upgrade comes behind what an upgrade does itself.
  const restart: StepDraft = { ...patch('Deployment', 'd'), when: 'instead' };
  const { stages, refusals } = makePlan([
    repair(patch('PodDisruptionBudget', 'x'), run('one')),
    repair(restart, run('one'), run('two', passed)),
  ]);
  expect(stages.flatMap(({ steps }) => steps.map((step) => 'on' in step && step.on.kind))).toEqual(['Deployment', 'PodDisruptionBudget']);
  expect(refusals).toEqual([
    { refused: { en: 'run one', zh: '执行 one' }, objects: [], as: 'manual', commands: ['helm one'] },
    {
      refused: { en: 'upgrade x passes a. Or: run two', zh: 'upgrade x 会传入 a。或者：执行 two' },
      ...{ objects: [], as: 'upgrade', commands: ['helm two'] },
    },
  ]);
  const upgrade = planUpgrade([{ hop: '2', repairs: [repair(restart, run('one'))], stages: [] }], []);
  expect([stepsOf(upgrade), upgrade.refusals]).toEqual([[], []]);
});

test('what a person runs in the place of an upgrade comes behind what the plan leaves out, and says so', () => {
  const instead: StepDraft = {
    ...common,
    do: 'manual',
    when: 'instead',
    commands: ['helm upgrade x'],
    helmValues: [],
    undo: 'none',
    text: { en: 'run it', zh: '执行' },
  };
  const advice = { drafts: [instead], refusals: [], reasons: [] };
  const skipped = { drafts: [], refusals: [{ refused: { en: 'needs the chart', zh: '需要 chart' }, objects: [] }], reasons: [] };
  expect(makePlan([advice]).refusals.map(({ refused }) => refused.en)).toEqual(['run it']);
  expect(makePlan([advice, skipped]).refusals.map(({ refused }) => refused.en)).toEqual([
    'needs the chart',
    'run it. Before that, resolve what is skipped above: the command does not',
  ]);
  // What is skipped has nothing to do with advice that runs no helm.
  const { helmValues: _, ...other } = instead as typeof instead & { helmValues: unknown };
  const plain = { drafts: [other as StepDraft], refusals: [], reasons: [] };
  expect(makePlan([plain, skipped]).refusals.map(({ refused }) => refused.en)).toEqual(['needs the chart', 'run it']);
});
