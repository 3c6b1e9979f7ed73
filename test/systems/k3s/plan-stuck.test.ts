import path from 'node:path';
import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { grid } from '../../grid.ts';

const LEAVING = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-2', namespace: 'web-shop', uid: 'pod-web-2', deletionTimestamp: '2026-03-01T09:00:00Z' },
  spec: { nodeName: 'a1' },
  status: { phase: 'Running' },
};

grid('k3s/plan-stuck', [
  { fixture: 'found', expect: 'blocker Node/a1, PodDisruptionBudget/web-shop/web' },
  { fixture: 'healthy', objects: [LEAVING], expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'prepare', expect: 'blocker Node/a1' },
  { fixture: 'image', expect: 'blocker Node/a1' },
  { fixture: 'unscheduled', expect: 'blocker Node/a1' },
  { fixture: 'off', expect: 'blocker Node/a1' },
  { fixture: 'failed', expect: 'blocker Node/a1' },
  { fixture: 'healthy', forbidden: ['jobs.batch'], expect: 'unknown' },
  { expect: 'passed' },
]);

describeUpstream('cases from the public', ['data', 'reports'], () => {
  test('26: a drain that a budget stops for ever names the budget, and that nothing ends it', async () => {
    const folder = path.join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'reports', '26-k3s-drain-blocked-no-deadline');
    const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: ['k3s/plan-stuck', 'k3s/plan-drain'] });
    const said = results.flatMap(({ id, findings }) => findings.map(({ message }) => `${id}: ${message.en}`));
    expect(said).toEqual([
      expect.stringMatching(/^k3s\/plan-drain: Plan system-upgrade\/agent-plan cannot drain: PodDisruptionBudget /),
      expect.stringMatching(/^k3s\/plan-drain: .* one refused eviction stops it for good$/),
      expect.stringMatching(
        /^k3s\/plan-stuck: .* is stuck on Node a1: its drain waits for PodDisruptionBudget .*; its Job has no deadline$/,
      ),
    ]);
  });
});
