import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const node = (name: string, allocatable: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: `node-${name}` },
  status: { allocatable, nodeInfo: { kubeletVersion: 'v1.30.4' } },
});
const static_ = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'static-w1', namespace: 'kube-system', annotations: { 'kubernetes.io/config.mirror': 'x' } },
  spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '100' } } }] },
  status: { phase: 'Running' },
};

const leaving = { ...static_, metadata: { ...static_.metadata, name: 'leaving-w1', deletionTimestamp: '2026-01-01T00:00:00Z' } };

grid('kubernetes/drain-room', [
  { fixture: 'found', expect: 'warning Node/w1' },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  // Little memory where the CPU is enough.
  { fixture: 'healthy', objects: [node('w2', { cpu: '64', memory: '3000M' })], expect: 'warning Node/w1' },
  { fixture: 'healthy', objects: [leaving], expect: 'passed' },
  { fixture: 'healthy', objects: [static_], expect: 'warning Node/w2' },
  // A Node that does not say what it has can take nothing.
  { fixture: 'healthy', objects: [node('w2')], expect: ['warning Node/w1', 'warning Node/w1'] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
