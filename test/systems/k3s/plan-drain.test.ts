import { expect, test } from 'vitest';
import { secondsOf } from '../../../src/systems/k3s/drains.ts';
import { grid } from '../../grid.ts';

const LEAVING = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'tool-2', namespace: 'web-shop', uid: 'pod-tool-2', deletionTimestamp: '2026-03-01T09:00:00Z' },
  spec: { nodeName: 'a1' },
  status: { phase: 'Running' },
};

grid('k3s/plan-drain', [
  { fixture: 'found', expect: ['blocker PodDisruptionBudget/web-shop/web', 'blocker Pod/web-shop/tool'] },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'healthy', objects: [LEAVING], expect: 'passed' },
  {
    fixture: 'fields',
    expect: ['blocker Pod/web-shop/web-1', 'blocker Plan/system-upgrade/agents', 'warning Plan/system-upgrade/agents'],
  },
  { fixture: 'long', expect: 'warning Plan/system-upgrade/agents' },
  { fixture: 'deletes', expect: 'passed' },
  { fixture: 'healthy', forbidden: ['poddisruptionbudgets.policy'], expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['nodes'], expect: 'unknown' },
  { expect: 'passed' },
]);

test.each<[string | number | undefined, number | undefined]>([
  ['10m', 600],
  ['1h30m', 5400],
  ['90s', 90],
  ['1.5m', 90],
  [60_000_000_000, 60],
  ['ten', undefined],
  [undefined, undefined],
])('the duration %s has %s seconds', (duration, seconds) => expect(secondsOf(duration)).toBe(seconds));
