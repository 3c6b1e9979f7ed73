// The 16 states of clusters that came with the facts: what the check must say of each, written by hand from their headers.
// They lie beside the checkout; a clone without them skips this file by name (the main road is held by our own fixtures).
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Json, Raw } from '../../../src/engine/contracts.ts';
import { type Examination, examine } from '../../../src/engine/examine.ts';
import { makePlan, stepsOf } from '../../../src/engine/plan.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { textOf } from '../../../src/text/language.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const CHECK = 'k3s/nodes-cordoned-by-plan';
const SHARED = path.join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'k3s', 'fixtures');
const LOGS = path.join(SHARED, 'logs');

interface Expected {
  fixture: string;
  /** `NODE CERTAINTY ROW`, per finding. */
  found?: string[];
  outcome: 'found' | 'passed';
  /** The steps of the remedy, in few words; or `refused: WHY`. */
  steps?: string[];
}

const SEED = 'ip-172-31';
const R1_SEED = ['patch Plan/system-upgrade/k3s-server /spec/version', 'wait', 'wait'];
const GRID: Expected[] = [
  {
    fixture: '01-seed-downgrade-suc-v0.20.1',
    outcome: 'found',
    found: [`${SEED}-0-16 certain A`, `${SEED}-10-23 certain B`, `${SEED}-13-213 certain B`],
    steps: R1_SEED,
  },
  {
    // A controller before v0.15 would create the Jobs again: the Plan has to be deleted.
    fixture: '02-seed-downgrade-suc-v0.13.1',
    outcome: 'found',
    found: [`${SEED}-0-16 certain B`, `${SEED}-10-23 certain B`, `${SEED}-13-213 certain B`],
    steps: [
      'delete Plan/system-upgrade/k3s-server',
      'delete Job/system-upgrade/apply-k3s-server-on-ip-172-31-0-16-with-7af95590a5af8e8c3-9afbd',
      'delete Job/system-upgrade/apply-k3s-server-on-ip-172-31-10-23-with-7af95590a5af8e8c-08459',
      'delete Job/system-upgrade/apply-k3s-server-on-ip-172-31-13-213-with-7af95590a5af8e8-fde79',
      'wait',
      'patch Node/ip-172-31-0-16 /spec/unschedulable',
      'patch Node/ip-172-31-10-23 /spec/unschedulable',
      'patch Node/ip-172-31-13-213 /spec/unschedulable',
    ],
  },
  {
    fixture: '03-failed-plan-jobs-ttl-expired',
    outcome: 'found',
    found: [`${SEED}-0-16 medium D`, `${SEED}-10-23 medium E`, `${SEED}-13-213 medium E`],
    steps: R1_SEED,
  },
  { fixture: '04-foreign-cordons-during-plan', outcome: 'passed' },
  { fixture: '05-agent-prepare-version-mismatch', outcome: 'passed' },
  {
    // The Plan is done and s1 is labelled: no Job of it will run there again, uncordoning is enough.
    fixture: '06-retarget-trap-complete-but-cordoned',
    outcome: 'found',
    found: ['s1 medium G'],
    steps: ['patch Node/s1 /spec/unschedulable'],
  },
  {
    fixture: '07-version-without-v-imagepull',
    outcome: 'found',
    found: ['s1 certain B'],
    steps: ['patch Plan/system-upgrade/server-plan /spec/version', 'wait', 'wait'],
  },
  { fixture: '08-noop-plans-complete-true', outcome: 'passed' },
  { fixture: '09-rancher-imported', outcome: 'passed' },
  { fixture: '10-rancher-provisioned', outcome: 'passed' },
  {
    // The trap of 06 lies ahead: the label goes first.
    fixture: '11-channel-resolved-backwards',
    outcome: 'found',
    found: ['s1 medium D'],
    steps: [
      'patch Node/s1 /metadata/labels/plan.upgrade.cattle.io~1server-plan',
      'patch Plan/system-upgrade/server-plan /spec/version',
      'wait',
      'wait',
    ],
  },
  { fixture: '12-untolerated-taint-pending', outcome: 'passed' },
  {
    // The controller is Pending. Its Job failed 1000 s after the cordon, longer than its deadline of 900 s and a minute: row E, not D.
    fixture: '13-controller-pending-on-cordoned-server',
    outcome: 'found',
    found: ['s1 medium E'],
    steps: ['delete Plan/system-upgrade/server-plan', 'patch Node/s1 /spec/unschedulable'],
  },
  { fixture: '14-precheck-healthy-with-snapshots', outcome: 'passed' },
  { fixture: '15-legacy-master-selector', outcome: 'passed' },
  { fixture: '16-admin-cordon-plus-failed-job', outcome: 'passed' },
];

/** Which Pods the logs of a fixture belong to: the number, the container, the Node. */
const LOG_OF: Record<string, [container: string, node: string][]> = {
  '01': [
    ['cordon', 'ip-172-31-0-16'],
    ['upgrade', 'ip-172-31-0-16'],
  ],
  '05': [['prepare', 'a1']],
  '16': [['cordon', 'a1']],
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function laid(fixture: string, bare: boolean): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'ug-k3s-'));
  folders.push(folder);
  const file = path.join(SHARED, `${fixture}.yaml`);
  cpSync(file, path.join(folder, 'cluster.yaml'));
  if (bare) return folder;
  const { items } = parse(readFileSync(file, 'utf8')) as { items: Item[] };
  const server = items.find(({ kind }) => kind === 'Node')!.status.nodeInfo.kubeletVersion;
  writeFileSync(path.join(folder, 'version.json'), JSON.stringify({ gitVersion: server }));
  const number = fixture.slice(0, 2);
  for (const [container, node] of LOG_OF[number] ?? []) {
    for (const { metadata } of items.filter(
      ({ kind, metadata }) => kind === 'Pod' && metadata.labels?.['upgrade.cattle.io/node'] === node,
    )) {
      const place = path.join(folder, 'logs', metadata.namespace!, metadata.name);
      mkdirSync(place, { recursive: true });
      cpSync(path.join(LOGS, `${number}-${container}.log`), path.join(place, `${container}.log`));
    }
  }
  return folder;
}
interface Item {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  status: { nodeInfo: { kubeletVersion: string } };
}

const examined = async (folder: string): Promise<Examination> => examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: [CHECK] });
const rowOf = (args: Json): string => String((args as Raw).row);

describeUpstream('states of clusters', ['data', 'k3s', 'fixtures'], () => {
  test('all of them stand in the grid', () => {
    const there = readdirSync(SHARED).filter((file) => file.endsWith('.yaml'));
    expect(there.map((file) => file.replace('.yaml', '')).sort()).toEqual(GRID.map(({ fixture }) => fixture));
  });

  test.each(GRID)('$fixture → $outcome $found', async ({ fixture, outcome, found = [], steps }) => {
    const { results, remedies, installations } = await examined(laid(fixture, false));
    expect(installations.map(({ id }) => id)).toEqual(['k3s@cluster']);
    const [result] = results;
    expect(
      result!.findings.map(({ objects, certainty, args }) => `${objects[0]!.name} ${certainty} ${rowOf(args)}`),
      JSON.stringify(result),
    ).toEqual(found);
    expect(result!.outcome, JSON.stringify(result)).toBe(outcome);
    if (!steps) return;
    const { findings, propose } = remedies[0]!;
    const { drafts, refusals } = await propose(findings);
    expect(refusals).toEqual([]);
    const plan = makePlan([{ drafts, refusals, reasons: [] }]);
    const said = stepsOf(plan).map((step) =>
      step.do === 'patch' || step.do === 'delete'
        ? [
            step.do,
            [step.on.kind, step.on.namespace, step.on.name].filter(Boolean).join('/'),
            ...(step.do === 'patch' ? step.changes.map((c) => c.path) : []),
          ].join(' ')
        : step.do,
    );
    expect(said).toEqual(steps);
  });

  test.each(GRID)('$fixture laid bare → unknown', async ({ fixture }) => {
    const { results } = await examined(laid(fixture, true));
    expect(results.map(({ outcome }) => outcome)).toEqual(['unknown']);
  });

  test('the log line stands in the evidence, the row in the data alone', async () => {
    const { results } = await examined(laid('01-seed-downgrade-suc-v0.20.1', false));
    expect(results[0]!.findings[0]!.args).toMatchObject({ row: 'A' });
    const seen = results[0]!.findings[0]!.evidence.map((each) => textOf(each.seen));
    expect(seen[0]!.zh).toBe('容器 cordon 的日志：node/ip-172-31-0-16 cordoned');
    expect(seen.map(({ en }) => en)).toEqual([
      'log of container cordon: node/ip-172-31-0-16 cordoned',
      'Job failed: BackoffLimitExceeded',
      'log of container upgrade: Error: Current version k3s version v1.27.4+k3s1 (36645e73) is higher than k3s version v1.26.7+k3s1 (9f3dd2ea)',
      'spec.unschedulable: true, written by kubectl at 2023-08-17T16:08:39Z',
    ]);
  });
});
