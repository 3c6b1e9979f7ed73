// The decision table, row by row, and what shifts a verdict: times, managers, other controllers, other trails.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Facts, type Row, refusalIn, strongest, type Trail, trailsOf, verdictOf } from '../../../src/systems/k3s/cordons.ts';
import type { JobRow, NodeRow, PlanRow, UpgradePod } from '../../../src/systems/k3s/reads.ts';
import { textOf } from '../../../src/text/language.ts';

const T = Date.parse('2026-03-01T09:43:20Z');
const node: NodeRow = {
  ref: { apiVersion: 'v1', kind: 'Node', name: 'a1.example' },
  hostname: 'a1',
  labels: {},
  cordoned: true,
  kubeletVersion: 'v1.33.9+k3s1',
  taints: [],
  ready: true,
};
const at = (kind: string, name: string) => ({ apiVersion: 'v1', kind, namespace: 'suc', name });
const labelled = (kind: string, name: string) => ({ ref: at(kind, name), plan: 'p', node: 'a1.example' });
const job = (more: Partial<JobRow> = {}): JobRow => ({
  ...labelled('Job', 'j'),
  startTime: T,
  end: { how: 'failed', at: T + 900_000, reason: 'DeadlineExceeded' },
  cordons: true,
  ...more,
});
const pod = (from: number, to: number | undefined = from + 1000, name = 'x'): UpgradePod => ({
  ...labelled('Pod', name),
  phase: 'Failed',
  cordon: { name: 'cordon', image: '', startedAt: from, finishedAt: to },
});
const plan = (more: Partial<PlanRow> = {}): PlanRow => ({
  ref: at('Plan', 'p'),
  labels: {},
  created: T - 60_000,
  selector: {},
  concurrency: 1,
  cordons: true,
  drains: false,
  secrets: [],
  serviceAccount: '',
  hashOfMore: false,
  image: 'rancher/k3s-upgrade',
  tolerations: [],
  prepareArgs: [],
  latestVersion: 'v1.33.9-k3s1',
  latestHash: 'h',
  applying: ['a1'],
  ...more,
});
const trail = (more: Partial<Trail> = {}): Trail => ({ namespace: 'suc', name: 'p', plan: plan(), jobs: [], pods: [], ...more });
const FAILED = { why: textOf('Job failed') };
const facts = (more: Partial<Facts> = {}): Facts => ({
  cordon: { manager: 'kubectl', at: T + 4000 },
  stockKubectl: true,
  deadline: 900,
  namesFailures: true,
  course: FAILED,
  log: async () => undefined,
  ...more,
});
const row = async (which: Trail, with_: Partial<Facts> = {}, of = node): Promise<Row> => (await verdictOf(which, of, facts(with_))).row;
const jobFailed = (name: string, lastUpdate = T + 900_000) =>
  plan({
    complete: { status: 'False', reason: 'JobFailed', message: `Job suc/j failed on Node ${name}: DeadlineExceeded: x`, at: lastUpdate },
  });

describe('the Jobs are there', () => {
  const both = trail({ jobs: [job()], pods: [pod(T + 3000)] });
  test.each<[Row, Trail, Partial<Facts>]>([
    ['A', both, { log: async () => 'node/a1.example cordoned\n' }],
    ['A', both, { log: async () => 'noise\r\nnode/a1.example cordoned\r\nevicting pod x\n' }],
    ['B', both, {}],
    ['B', both, { log: async () => 'node/a1 cordoned\n' }], // another node's name
    ['E', both, { log: async () => 'node/a1.example already cordoned\n' }], // by an earlier Job, which has just ended
    [
      'N1',
      trail({ jobs: [job()], pods: [pod(T + 3000)], plan: plan({ applying: [] }) }),
      { log: async () => 'node/a1.example already cordoned\n' },
    ],
    ['N1', trail({ jobs: [job()], pods: [pod(T + 3000)], plan: undefined }), { log: async () => 'node/a1.example already cordoned\n' }],
    ['E', trail({ jobs: [job({ startTime: T - 30_000 })], pods: [pod(T + 30_000)] }), {}], // by an earlier Pod of this Job
    ['N1', both, { cordon: { manager: 'kubectl', at: T - 70_000 } }], // before the Plan
    ['E', both, { cordon: { manager: 'kubectl', at: T - 50_000 } }], // of an earlier Job, perhaps
    [
      'N1',
      trail({ jobs: [job()], pods: [pod(T + 3000)], plan: plan({ applying: [] }) }),
      { cordon: { manager: 'kubectl', at: T - 50_000 } },
    ],
    ['log', both, { cordon: {}, log: async () => 'node/a1.example cordoned\n' }], // kubectl hides managedFields
    ['F', both, { cordon: {}, log: async () => 'node/a1.example already cordoned\n' }],
    ['N1', both, { cordon: { manager: 'kubectl', at: T + 300_000 } }], // none of the Pods cordoned then
    ['N2', both, { cordon: { manager: 'kured', at: T + 4000 } }],
    ['B', both, { cordon: { manager: 'node-shell', at: T + 4000 }, stockKubectl: false }],
    ['N4', trail({ jobs: [job()], pods: [{ ...labelled('Pod', 'x'), phase: 'Pending' }] }), {}],
    // The Job was made again, and its Pod has not come as far as the cordon.
    ['E', trail({ jobs: [job({ startTime: T + 60_000 })], pods: [{ ...labelled('Pod', 'x'), phase: 'Pending' }] }), {}],
    ['N4', both, { course: 'went-well' }],
    ['running', both, { course: 'running' }],
    ['F', both, { cordon: {} }],
    ['C', trail({ jobs: [job()] }), {}],
    ['C', trail({ jobs: [job()] }), { cordon: { manager: 'kubectl', at: T + 60_000 } }],
    ['late', trail({ jobs: [job()] }), { cordon: { manager: 'kubectl', at: T + 61_000 } }], // another user had time to
    ['N1', trail({ jobs: [job()] }), { cordon: { manager: 'kubectl', at: T - 70_000 } }],
    ['E', trail({ jobs: [job()] }), { cordon: { manager: 'kubectl', at: T - 50_000 } }],
    ['N4', trail({ jobs: [job()] }), { cordon: { manager: 'kubectl', at: T + 1_000_000 } }],
    ['N4', trail({ jobs: [job({ cordons: false })] }), {}],
    ['C', trail({ jobs: [job()], plan: undefined }), {}],
  ])('%s', async (expected, which, with_) => expect(await row(which, with_)).toBe(expected));

  test('one Pod that did it is enough, whatever the others say', async () => {
    const several = trail({ jobs: [job()], pods: [pod(T + 3000, T + 4000, 'x'), pod(T + 6000, T + 7000, 'y')] });
    const log = async ({ ref }: UpgradePod) => `node/a1.example ${ref.name === 'x' ? '' : 'already '}cordoned\n`;
    expect(await row(several, { log })).toBe('A');
  });
  test('a drain that still runs has an open end', async () => {
    const draining = trail({ jobs: [job()], pods: [{ ...pod(T), cordon: { name: 'drain', image: '', startedAt: T } }] });
    expect(await row(draining, { cordon: { manager: 'kubectl', at: T + 600_000 } })).toBe('B');
  });
  test('five seconds of tolerance on either side, no more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -60_000, max: 60_000 }), async (shift) => {
        const expected = shift < -5000 ? 'E' : shift <= 1000 + 5000 ? 'B' : 'N1';
        const verdict = await row(trail({ jobs: [job({ startTime: T - 120_000 })], pods: [pod(T)] }), {
          cordon: { manager: 'kubectl', at: T + shift },
        });
        expect(verdict).toBe(expected);
      }),
    );
  });
});

describe('only the Plan is left', () => {
  const done = plan({ applying: [], complete: { status: 'True', reason: 'Complete', message: '', at: T + 60_000 } });
  const labelledNode: NodeRow = { ...node, labels: { 'plan.upgrade.cattle.io/p': 'h' } };
  test.each<[Row, PlanRow, Partial<Facts>, NodeRow?]>([
    ['D', jobFailed('a1.example'), {}],
    ['E', jobFailed('b1'), {}],
    ['E', jobFailed('a1'), {}], // its hostname is not its name
    ['E', jobFailed('a1.example', T + 2_000_000), {}], // too long ago for the deadline
    ['D', jobFailed('a1.example', T + 2_000_000), { deadline: 0 }],
    ['N4', jobFailed('a1.example', T - 60_000), {}], // cordoned after it was told
    ['E', plan(), { namesFailures: false }],
    ['N4', plan(), {}], // a newer controller would name the failure: it is at work
    ['N4', plan({ created: T + 60_000 }), { namesFailures: false }],
    ['N4', plan({ cordons: false }), { namesFailures: false }],
    ['N4', plan({ applying: [] }), { namesFailures: false }],
    ['N2', jobFailed('a1.example'), { cordon: { manager: 'Mozilla', at: T } }],
    ['D', jobFailed('a1.example'), { cordon: { manager: 'my-kubectl', at: T }, stockKubectl: false }],
    ['F', jobFailed('a1.example'), { cordon: {} }],
    ['G', done, {}, labelledNode],
    ['N4', done, { cordon: { manager: 'kubectl', at: T + 70_000 } }, labelledNode], // when the Plan was through
    ['F', done, { cordon: {} }, labelledNode],
    ['N4', done, {}],
    ['N4', done, {}, { ...labelledNode, kubeletVersion: 'v1.32.1+k3s1' }],
    ['N4', { ...done, applying: ['b1'] }, {}, labelledNode],
  ])('%s', async (expected, which, with_, of = node) => expect(await row(trail({ plan: which }), with_, of)).toBe(expected));
  test('F: the Plan is gone, its label is left', async () => {
    expect(await row(trail({ plan: undefined, namespace: undefined }))).toBe('F');
    expect(await row(trail({ plan: undefined, namespace: undefined }), { cordon: {} })).toBe('N4');
  });
});

describe('several Plans', () => {
  const verdicts = (...rows: Row[]) => rows.map((each) => ({ verdict: { row: each, evidence: [] } }));
  test.each<[Row[], Row | undefined]>([
    [['D', 'A'], 'A'],
    [['N1', 'C'], 'C'],
    [['F'], 'F'],
    [['F', 'N1'], undefined],
    [['A', 'running'], undefined],
    [['N1', 'N4'], undefined],
  ])('%s → %s', (rows, expected) => expect(strongest(verdicts(...rows))?.verdict.row).toBe(expected));

  test('trails: by Jobs, Pods, status and labels; not the label of another Plan that is there, nor one that says disabled', () => {
    const of: NodeRow = {
      ...node,
      labels: { 'plan.upgrade.cattle.io/p': 'old', 'plan.upgrade.cattle.io/gone': 'h', 'plan.upgrade.cattle.io/off': 'disabled' },
    };
    const names = (plans: PlanRow[], jobs: JobRow[] = []) =>
      trailsOf(of, plans, jobs, []).map(({ namespace, name }) => `${namespace}/${name}`);
    expect(names([plan({ applying: [] })])).toEqual(['undefined/gone']);
    expect(names([plan()])).toEqual(['suc/p', 'undefined/gone']);
    expect(names([], [job()])).toEqual(['suc/p', 'undefined/p', 'undefined/gone']);
    expect(names([plan()], [job({ node: 'b1' })])).toEqual(['suc/p', 'undefined/gone']);
  });
});

test.each([
  ['Error: Current version k3s version v1.27.4+k3s1 (36645e73) is higher than k3s version v1.26.7+k3s1 (9f3dd2ea)', true],
  ['Error: Current k3s version v1.36.2+k3s1 (01b6f04a) is higher than k3s version v1.35.5+k3s1 (6a4781ad)', true],
  ['Error: Current build date 2026-02-10T18:22:31Z is more recent than 2025-11-14T17:40:02Z', true],
  ['[ERROR]  Found multiple K3s pids', true],
  ['[INFO]  Binary already been replaced', false],
  ['echo Error: Current k3s version', false],
])('%s: refused %s', (line, refused) => {
  expect(refusalIn(`[INFO]  Comparing old and new binaries\n${line}\n`)).toBe(refused ? line : undefined);
});
