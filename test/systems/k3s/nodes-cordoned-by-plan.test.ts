import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid, laid } from '../../grid.ts';

const POD = 'system-upgrade/apply-agent-on-a1-x1';
const CORDONED = { [`${POD}/cordon`]: 'node/a1 cordoned\n' };
const ALREADY = { [`${POD}/cordon`]: 'node/a1 already cordoned\n' };
const REFUSED = {
  [`${POD}/upgrade`]:
    '[INFO]  Comparing old and new binaries\nError: Current k3s version v1.33.9+k3s1 (01b6f04a) is higher than k3s version v1.32.13+k3s1 (6a4781ad)\n',
};
const RETARGET = ['Plan/system-upgrade/agent /spec/version: v1.32.13+k3s1 → v1.33.9+k3s1'];
const UNCORDON = ['Node/a1 /spec/unschedulable: true → ∅'];
const NOW = '7b5cb3273c6ffb7b11d067f80c1deb97d2cac8f624179dff80b89948';

/** A Pod of the Plan on another node: one init container runs, the next waits. */
const ELSEWHERE: Raw = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'apply-agent-on-a2-x1',
    namespace: 'system-upgrade',
    uid: 'pod-a2',
    labels: { 'upgrade.cattle.io/plan': 'agent', 'upgrade.cattle.io/node': 'a2' },
  },
  status: {
    phase: 'Pending',
    initContainerStatuses: [
      { name: 'prepare', image: 'i', state: { running: { startedAt: '2026-01-01T00:00:00Z' } } },
      { name: 'cordon', image: 'i', state: { waiting: { reason: 'PodInitializing' } } },
    ],
  },
};

const OS = 'system-upgrade/apply-os-on-a1-x1';
const TWO_PLANS = { ...CORDONED, [`${OS}/cordon`]: 'node/a1 already cordoned\n', [`${OS}/upgrade`]: 'killed\n' };
/** The Job of the second Plan, while it goes on. */
const AT_WORK: Raw = {
  ...{ apiVersion: 'batch/v1', kind: 'Job' },
  metadata: {
    ...{ name: 'apply-os-on-a1', namespace: 'system-upgrade', uid: 'job-os' },
    labels: { 'upgrade.cattle.io/plan': 'os', 'upgrade.cattle.io/node': 'a1' },
  },
  spec: {
    template: { spec: { initContainers: [{ name: 'cordon', image: 'rancher/kubectl:v1.30.3' }], containers: [], restartPolicy: 'Never' } },
  },
  status: { startTime: '2026-03-01T09:50:00Z', active: 1 },
};

/** As `kubectl get -o yaml` shows it. */
const HIDDEN: Raw = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a1', uid: 'node-a1', labels: { 'kubernetes.io/hostname': 'a1' } },
  spec: { unschedulable: true },
  status: { nodeInfo: { kubeletVersion: 'v1.33.9+k3s1' } },
};

grid('k3s/nodes-cordoned-by-plan', [
  { fixture: 'found', objects: [HIDDEN], logs: CORDONED, expect: 'blocker Node/a1', steps: RETARGET },
  { fixture: 'found', objects: [HIDDEN], expect: 'notice Node/a1' },
  { fixture: 'found', logs: { ...CORDONED, ...REFUSED }, expect: 'blocker Node/a1', steps: RETARGET },
  { fixture: 'found', expect: 'blocker Node/a1', steps: RETARGET },
  { fixture: 'found', logs: ALREADY, expect: 'warning Node/a1' },
  { objects: [ELSEWHERE], expect: 'passed' },
  { fixture: 'still-retrying', logs: { ...CORDONED, ...REFUSED }, expect: 'blocker Node/a1', steps: RETARGET },
  { fixture: 'still-retrying', logs: { ...CORDONED, [`${POD}/upgrade`]: 'killed\n' }, expect: 'passed' },
  { fixture: 'still-retrying', expect: 'unknown' },
  { fixture: 'image-missing', logs: CORDONED, expect: 'blocker Node/a1', steps: RETARGET },
  { fixture: 'upgrading', logs: CORDONED, expect: 'passed' },
  { fixture: 'pods-gone', expect: 'blocker Node/a1', steps: RETARGET },
  { fixture: 'jobs-gone', expect: 'warning Node/a1', steps: RETARGET },
  { fixture: 'cordoned-by-hand', logs: ALREADY, expect: 'passed' },
  {
    fixture: 'already-there',
    logs: CORDONED,
    expect: 'blocker Node/a1',
    steps: ['Plan/system-upgrade/agent /metadata/annotations/upgrade.cattle.io~1retried-job-a1: ∅ → v1.33.9+k3s1'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'retarget-trap', expect: 'warning Node/a1', steps: UNCORDON },
  {
    fixture: 'trap-ahead',
    logs: CORDONED,
    expect: 'blocker Node/a1',
    steps: [`Node/a1 /metadata/labels/plan.upgrade.cattle.io~1agent: ${NOW} → ∅`, ...RETARGET],
  },
  { fixture: 'plan-gone', expect: 'blocker Node/a1', steps: UNCORDON },
  { fixture: 'plan-gone-job-alive', logs: { ...CORDONED, ...REFUSED }, expect: 'blocker Node/a1', steps: UNCORDON },
  { fixture: 'plan-gone-job-alive', logs: { ...CORDONED, [`${POD}/upgrade`]: 'killed\n' }, expect: 'passed' },
  { fixture: 'two-plans', logs: TWO_PLANS, expect: 'blocker Node/a1', steps: RETARGET },
  { fixture: 'two-plans', objects: [AT_WORK], logs: TWO_PLANS, expect: 'passed' },
  { fixture: 'drains', logs: CORDONED, expect: 'blocker Node/a1', steps: UNCORDON },
  {
    fixture: 'worked-elsewhere',
    logs: CORDONED,
    expect: 'blocker Node/a1',
    steps: ['Node/a1 /metadata/labels/plan.upgrade.cattle.io~1agent: ∅ → disabled', ...UNCORDON],
  },
  { fixture: 'label-only', expect: 'notice Node/a1' },
  { fixture: 'machine-off', logs: { ...CORDONED, ...REFUSED }, expect: 'blocker Node/a1', steps: UNCORDON },
  { fixture: 'rancher', logs: CORDONED, expect: 'blocker Node/a1' },
  { fixture: 'argo-cd', logs: CORDONED, expect: 'blocker Node/a1' },
  { fixture: 'autoscaler', logs: CORDONED, expect: 'blocker Node/a1' },
  { fixture: 'kured', logs: CORDONED, expect: 'blocker Node/a1' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['nodes'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['jobs.batch'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['plans.upgrade.cattle.io'], expect: 'unknown' },
  { fixture: 'found', bare: true, expect: 'unknown' },
  { bare: true, expect: 'unknown' },
]);

test('managedFields that a dump lacks are a gap that names the flag', async () => {
  const source = dumpSource(await readDump(laid('k3s/nodes-cordoned-by-plan', { fixture: 'found', objects: [HIDDEN], expect: '' })));
  const { results } = await examine(source, SYSTEMS, { checks: ['k3s/nodes-cordoned-by-plan'] });
  expect(results[0]!.gaps.map(({ detail }) => detail)).toContainEqual(expect.stringContaining('--show-managed-fields'));
});
