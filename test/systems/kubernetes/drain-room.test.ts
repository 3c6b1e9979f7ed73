import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
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

const tolerant = (name: string, on: string, spec: Raw = {}): Raw => ({
  ...{ ...static_, metadata: { name, namespace: 'default' } },
  spec: {
    nodeName: on,
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Equal', value: 'true', effect: 'NoSchedule' }],
    containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '2500m' } } }],
    ...spec,
  },
});
const onWorkers = {
  nodeSelector: {},
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['w1', 'w2'] }] }],
      },
    },
  },
};
const leaving = { ...static_, metadata: { ...static_.metadata, name: 'leaving-w1', deletionTimestamp: '2026-01-01T00:00:00Z' } };

const asks = (on: string, requests: Raw): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `asks-${on}`, namespace: 'shop' }, status: { phase: 'Running' } },
  spec: { nodeName: on, containers: [{ name: 'c', image: 'x', resources: { requests } }] },
});

test('little is shown in the smaller unit, and a Node that is full takes nothing from the others', async () => {
  const objects = [
    node('w1', { cpu: '1', memory: '1Gi' }),
    asks('w1', { cpu: '10m', memory: '5Mi' }),
    ...[node('w2', { cpu: '1', memory: '1Gi' }), asks('w2', { cpu: '9', memory: '9Gi' })],
    ...[node('w3', { cpu: '5m', memory: '8Mi' })],
  ];
  const source = dumpSource(dumpOf({ objects, absent: [], whole: true, serverVersion: 'v1.30.4' }));
  const { results } = await examine(source, SYSTEMS, { checks: ['kubernetes/drain-room'] });
  expect(results.flatMap(({ findings }) => findings.map(({ message }) => message.en.split(':')[0]))).toEqual([
    'Pods of Node w1 request 10m CPU, but the other Nodes that taints and labels allow have only 5m left',
    'Pods of Node w2 request 9 CPU, but the other Nodes that taints and labels allow have only 995m left',
    'Pods of Node w2 request 9Gi of memory, but the other Nodes that taints and labels allow have only 1Gi left',
  ]);
});

const container = (cpu: string, more: Raw = {}): Raw => ({ name: `c${cpu}`, image: 'x', resources: { requests: { cpu } }, ...more });
const always = { restartPolicy: 'Always' };
/** One Pod on the first of two Nodes, of which the other has two cores left. */
const moves = (expect: string, spec: Raw) => ({
  objects: [
    ...[node('w1', { cpu: '8', memory: '8Gi' }), node('w2', { cpu: '2', memory: '8Gi' })],
    { ...asks('w1', {}), spec: { nodeName: 'w1', ...spec } },
  ],
  expect,
});
const tainting = (name: string, effect: string): Raw => ({
  ...node(name, { cpu: '4', memory: '8Gi', pods: '110' }),
  spec: { taints: [{ key: 'dedicated', value: 'x', effect }] },
});
const open = (name: string): Raw => node(name, { cpu: '64', memory: '64Gi', pods: '110' });
const picky = (on: string, nodeSelector: Raw): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod', status: { phase: 'Running' } },
  metadata: { name: on === 'w1' ? 'api-6d4cf56db6-abcde' : 'api-6d4cf56db6-fghij', namespace: 'default' },
  spec: { nodeName: on, nodeSelector, containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '2500m' } } }] },
});
const labelled = (name: string): Raw => {
  const plain = node(name, { cpu: '4', memory: '8Gi', pods: '110' });
  return { ...plain, metadata: { ...(plain.metadata as Raw), labels: { tier: 'work' } } };
};
const bound: Raw = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bound', namespace: 'default' }, status: { phase: 'Running' } },
  spec: { nodeName: 'w1', nodeSelector: { tier: 'work' }, containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1' } } }] },
};

grid('kubernetes/drain-room', [
  moves('passed', { containers: [container('2')] }),
  moves('warning Node/w1', { containers: [container('2100m')] }),
  // Init containers run before the others, sidecars beside them.
  moves('passed', { containers: [container('2')], initContainers: [container('2')] }),
  moves('warning Node/w1', { containers: [container('1')], initContainers: [container('3')] }),
  moves('warning Node/w1', { containers: [container('1500m')], initContainers: [container('1', always)] }),
  moves('warning Node/w1', { containers: [container('100m')], initContainers: [container('1', always), container('1500m')] }),
  moves('passed', { containers: [container('100m')], initContainers: [container('1500m'), container('1', always)] }),
  moves('warning Node/w1', {
    containers: [container('1')],
    initContainers: [{ name: 'i', image: 'x', resources: { requests: { memory: '9Gi' } } }],
  }),
  // Of the Pod as a whole, and what its runtime takes besides.
  moves('warning Node/w1', { containers: [container('100m')], resources: { requests: { cpu: '3' } } }),
  moves('passed', { containers: [container('3')], resources: { requests: { cpu: '1' } } }),
  moves('warning Node/w1', { containers: [container('100m')], resources: { requests: { memory: '9Gi' } } }),
  moves('warning Node/w1', { containers: [container('1900m')], overhead: { cpu: '200m', memory: '1Mi' } }),
  { fixture: 'found', expect: 'warning Node/w1' },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  // Little memory where the CPU is enough.
  { fixture: 'healthy', objects: [node('w2', { cpu: '64', memory: '3000M' })], expect: 'warning Node/w1' },
  { fixture: 'healthy', objects: [leaving], expect: 'passed' },
  { fixture: 'healthy', objects: [static_], expect: 'warning Node/w2' },
  // A Node that does not say what it has can take nothing.
  { fixture: 'healthy', objects: [node('w2')], expect: ['warning Node/w1', 'warning Node/w1'] },
  // Pods that request nothing fit everywhere, also where every Node is full.
  { objects: ['w1', 'w2'].flatMap((name) => [node(name), asks(name, {})]), expect: 'passed' },
  // What keeps Pods away only where there is another way keeps none away.
  ...[
    { effect: 'PreferNoSchedule', expect: 'passed' },
    { effect: 'NoSchedule', expect: 'warning Node/w1' },
  ].map(({ effect, expect }) => ({
    ...{ fixture: 'healthy', expect },
    objects: [tainting('w2', effect), node('w3', { cpu: '1', memory: '8Gi' })],
  })),
  // A Pod that only its own Node can take is for drain-constraints.
  { fixture: 'healthy', objects: [labelled('w1'), bound], expect: 'passed' },
  // A Node that the selector of a Pod does not name has no room for it.
  { fixture: 'tainted', objects: [open('cp1'), ...['w1', 'w2'].map((on) => picky(on, {}))], expect: 'passed' },
  {
    fixture: 'tainted',
    objects: [open('cp1'), ...['w1', 'w2'].flatMap((on) => [labelled(on), picky(on, { tier: 'work' })])],
    expect: ['warning Node/w1', 'warning Node/w2'],
  },
  // A cordoned Node is drained already: nothing on it is asked about.
  { fixture: 'healthy', objects: [asks('cp1', { cpu: '100' })], expect: 'passed' },
  // Schedulable, but only for Pods that tolerate its taint.
  { fixture: 'tainted', expect: ['warning Node/w1', 'warning Node/w2'] },
  { fixture: 'tainted', objects: [tolerant('api-6d4cf56db6-abcde', 'w1'), tolerant('api-6d4cf56db6-fghij', 'w2')], expect: 'passed' },
  {
    fixture: 'tainted',
    objects: [tolerant('api-6d4cf56db6-abcde', 'w1', onWorkers), tolerant('api-6d4cf56db6-fghij', 'w2', onWorkers)],
    expect: ['warning Node/w1', 'warning Node/w2'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);
