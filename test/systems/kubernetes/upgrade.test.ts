// The stages of an upgrade of Kubernetes: what they hold for whose cluster, in which order, and how each manual step is seen to be done.
import { describe, expect, test } from 'vitest';
import type { Raw, Ref, StageDraft, StepDraft, Upgrading, World } from '../../../src/engine/contracts.ts';
import { planUpgrade } from '../../../src/engine/plan.ts';
import { pending } from '../../../src/engine/steps/conditions.ts';
import { wrongInRun } from '../../../src/journal/well-formed.ts';
import kubernetes from '../../../src/systems/kubernetes/index.ts';
import { stages } from '../../../src/systems/kubernetes/upgrade.ts';

const node = (name: string, kubelet: string, spec: Raw = {}): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name }, spec },
  status: { nodeInfo: { kubeletVersion: kubelet, osImage: 'Ubuntu 24.04' }, conditions: [{ type: 'Ready', status: 'True' }] },
});
const pod = (component: string, on: string, version: string): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    name: `${component}-${on}`,
    namespace: 'kube-system',
    uid: `${component}-${on}`,
    labels: { component, tier: 'control-plane' },
  },
  spec: { nodeName: on, containers: [{ name: component, image: `registry.example.com/${component}:${version}@sha256:0a` }] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
});
const COMPONENTS = ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver'];
const controlPlane = (...nodes: string[]) => nodes.flatMap((on) => COMPONENTS.map((component) => pod(component, on, 'v1.30.4')));
const KUBEADM: Raw = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config', namespace: 'kube-system' } };
const two = [node('cp1', 'v1.30.4'), node('w1', 'v1.30.4')];

const nameOf = (object: Raw) => (object.metadata as { name: string }).name;
const listed = (objects: Raw[], resource: string, labels?: string) =>
  objects.filter(({ kind }) => (resource === 'nodes' ? kind === 'Node' : kind === 'Pod' && labels === 'tier=control-plane'));

function stagesOf(objects: Raw[], to: string, { from = 'v1.30.4', nodes }: { from?: string; nodes?: Upgrading['nodes'] } = {}) {
  return stages({
    path: {
      installation: { id: 'kubernetes@cluster', system: 'kubernetes', name: 'cluster', version: from, sources: [], byHelm: false },
      ...{ from, to, chosen: 'asked', hops: kubernetes.hops!(from, to) },
    },
    nodes,
    source: {
      get: async ({ kind, name }: Ref) => objects.find((object) => object.kind === kind && nameOf(object) === name),
      list: async ({ resource, labels }, sink) => void listed(objects, resource, labels).forEach(sink.object),
    },
  });
}
const stepsOf = (drafts: StageDraft[]): StepDraft[] => drafts.flatMap(({ steps }) => steps);
const texts = (drafts: StageDraft[]): string[] => stepsOf(drafts).map(({ text }) => text.en.split(/[,;:]/)[0]!);
const commandsOf = (step: StepDraft): string => (step.do === 'manual' ? step.commands.join('\n') : '');
/** What of a manual step has not come about among these objects. */
const open = (step: StepDraft, objects: Raw[], version = '') =>
  pending(step.do === 'manual' ? step.seen! : [], {
    get: async ({ kind, name }: Ref) => objects.find((object) => object.kind === kind && nameOf(object) === name),
    select: async ({ kind }: { kind: string }) => objects.filter((object) => object.kind === kind),
    read: async () => [`{\n  "gitVersion": "${version}",\n}`],
  } as unknown as World);

describe('with kubeadm', () => {
  const cluster = [...two, node('cp2', 'v1.30.4'), ...controlPlane('cp1', 'cp2'), pod('etcd', 'cp1', '3.5.15'), KUBEADM];

  test('two minors: of each the backup, the control plane node by node, then every kubelet', async () => {
    const drafts = await stagesOf(cluster, '1.32');
    expect(drafts.map(({ hop, title }) => `${hop}: ${title.en}`)).toEqual([
      '1.31: Back up etcd before v1.31.14',
      '1.31: Control plane to v1.31.14',
      '1.31: Nodes to v1.31.14',
      '1.32: Back up etcd before v1.32.13',
      '1.32: Control plane to v1.32.13',
      '1.32: Nodes to v1.32.13',
    ]);
    expect(texts(drafts.slice(0, 3))).toEqual([
      'back up etcd',
      'upgrade the control plane on Node cp1 to v1.31.14 with kubeadm',
      'upgrade the control plane on Node cp2 to v1.31.14 with kubeadm',
      'wait until the API server answers as v1.31.14',
      'drain Node cp1',
      'drain Node cp2',
      'drain Node w1',
      'wait until every Node is Ready with kubelet v1.31.14',
    ]);
    const [backup, first, second, wait, ...kubelets] = stepsOf(drafts);
    expect(commandsOf(backup!)).toContain('kubectl exec -n kube-system etcd-cp1 -- etcdctl');
    expect(commandsOf(first!)).toMatch(/kubeadm="1\.31\.14-\*"'\n.*upgrade plan v1\.31\.14'\n.*upgrade apply v1\.31\.14 --yes'$/);
    expect(commandsOf(second!)).toMatch(/kubeadm upgrade node'$/);
    expect(second!.after).toEqual([first]);
    expect(wait!.after).toEqual([first, second]);
    expect(kubelets[1]!.after).toEqual([kubelets[0]]);
    // On the control plane kubeadm has done the node's part.
    expect(commandsOf(kubelets[0]!)).not.toContain('kubeadm');
    expect(commandsOf(kubelets[2]!)).toContain('kubeadm upgrade node');
  });

  test('the control plane of a Node is done once all three run the version there, or a newer patch, and are Ready', async () => {
    const [, step] = stepsOf(await stagesOf(cluster, '1.31')) as [StepDraft, StepDraft];
    const at = (version: string, on = 'cp1') => COMPONENTS.map((component) => pod(component, on, version));
    expect(await open(step, at('v1.30.4'))).toBeDefined();
    expect(await open(step, at('v1.31.14', 'cp2'))).toBeDefined();
    expect(await open(step, [...at('v1.31.14').slice(1), pod('kube-scheduler', 'cp1', 'v1.30.4')])).toBeDefined();
    expect(await open(step, at('v1.31.3'))).toBeDefined();
    const plain = (version: string): Raw[] => JSON.parse(JSON.stringify(at(version)).replaceAll('@sha256:0a', ''));
    expect(await open(step, plain('v1.31.14'))).toBeUndefined();
    expect(await open(step, plain('v1.31.15'))).toBeUndefined();
    const notReady: Raw[] = JSON.parse(JSON.stringify(plain('v1.31.14')).replaceAll('"True"', '"False"'));
    expect(await open(step, notReady)).toBeDefined();
  });

  test('a Node is done with its kubelet at the version and uncordoned again, unless it was cordoned before', async () => {
    const steps = stepsOf(await stagesOf([...cluster, node('w2', 'v1.30.4', { unschedulable: true })], 'v1.31.2'));
    const of = (name: string) => steps.find(({ text }) => text.en.includes(`drain Node ${name},`))!;
    expect(await open(of('w1'), [node('w1', 'v1.30.4')])).toBeDefined();
    expect(await open(of('w1'), [node('w1', 'v1.31.2', { unschedulable: true })])).toBeDefined();
    expect(await open(of('w1'), [node('w1', 'v1.31.2')])).toBeUndefined();
    expect(commandsOf(of('w1'))).toContain('kubectl uncordon w1');
    expect(await open(of('w2'), [node('w2', 'v1.31.2', { unschedulable: true })])).toBeUndefined();
    expect(commandsOf(of('w2'))).not.toContain('uncordon');
  });

  test('in place: nothing is drained, and where kubelets restart all containers that is said', async () => {
    const steps = async (from: string, to: string) => stepsOf(await stagesOf(cluster, to, { from, nodes: 'in-place' }));
    const over = (await steps('v1.30.4', '1.31')).find(({ text }) => text.en.includes('kubelet of Node w1'))!;
    expect(over.text.en).toBe('upgrade the kubelet of Node w1 to v1.31.14 in place: every container on it restarts (1.30 → 1.31)');
    expect(commandsOf(over)).not.toMatch(/drain|cordon/);
    const later = (await steps('v1.31.14', '1.32')).find(({ text }) => text.en.includes('kubelet of Node w1'))!;
    expect(later.text.en).toBe('upgrade the kubelet of Node w1 to v1.32.13 in place');
  });

  test('within one minor: one hop, the target itself', async () => {
    const drafts = await stagesOf(cluster, 'v1.30.9');
    expect(drafts.map(({ hop }) => hop)).toEqual(['v1.30.9', 'v1.30.9', 'v1.30.9']);
    expect(await stagesOf(cluster, 'v1.30.4')).toEqual([]);
  });

  test('more Nodes than anybody reads steps of: one step over all of them, its progress counted', async () => {
    const many = Array.from({ length: 60 }, (_, i) => node(`n${i}`, 'v1.30.4'));
    const [step] = (await stagesOf([...many, ...controlPlane('n0'), KUBEADM], '1.31')).at(-1)!.steps;
    expect(step!.text.en).toMatch(/^upgrade the kubelets of 60 Nodes to v1\.31\.14, each drained first/);
    const left = await open(step!, [node('n0', 'v1.31.14'), node('n1', 'v1.30.4')]);
    expect(left?.progress).toMatchObject({ done: 1, of: 2 });
  });
});

test('other static Pods: API servers first, kube-controller-manager and kube-scheduler behind all of them', async () => {
  const drafts = await stagesOf([...two, ...controlPlane('cp1', 'cp2')], '1.31');
  expect(texts(drafts.slice(1, 2)).map((text) => text.replace(/ to v.*/, ''))).toEqual([
    'upgrade kube-apiserver on Node cp1',
    'upgrade kube-apiserver on Node cp2',
    'upgrade kube-controller-manager on Node cp1',
    'upgrade kube-controller-manager on Node cp2',
    'upgrade kube-scheduler on Node cp1',
    'upgrade kube-scheduler on Node cp2',
    'wait until the API server answers as v1.31.14',
  ]);
});

test('a control plane that no Pod shows: every API server is asked, and only what nothing shows is confirmed', async () => {
  const [backup, servers, others] = stepsOf(await stagesOf(two, '1.31'));
  expect(commandsOf(backup!)).toMatch(/^etcdctl snapshot save/);
  expect(servers!.do === 'manual' && servers!.seen?.[0]).toMatchObject({ reading: { path: '/version', every: true } });
  expect(await open(servers!, [], 'v1.30.4')).toBeDefined();
  expect(await open(servers!, [], 'v1.31.1')).toBeDefined();
  expect(await open(servers!, [], 'v1.31.140')).toBeDefined();
  expect(await open(servers!, [], 'v1.31.14')).toBeUndefined();
  expect(others!.do === 'manual' && others!.seen).toBeUndefined();
});

test('the Leases of the control plane, where there are any, are renewed before it goes on', async () => {
  const lease: Raw = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kube-scheduler', namespace: 'kube-system' },
  };
  const wait = stepsOf(await stagesOf([...two, ...controlPlane('cp1'), lease], '1.31')).find((step) => step.do === 'wait')!;
  expect(wait.do === 'wait' && wait.until.filter((each) => 'on' in each).map((each) => 'on' in each && each.on.name)).toEqual([
    'kube-scheduler',
  ]);
});

test('a provider: its own command for the control plane at each minor, node groups once, seen by the versions that are gone', async () => {
  const steps = stepsOf(await stagesOf([node('a', 'v1.30.2-eks-1'), node('b', 'v1.29.9-eks-2')], '1.32', { from: 'v1.30.2-eks-1' }));
  expect(steps.map(({ text }) => text.en)).toEqual([
    'upgrade the control plane to 1.31 with EKS',
    'wait until the API server answers as v1.31.14',
    'upgrade the control plane to 1.32 with EKS',
    'wait until the API server answers as v1.32.13',
    'upgrade the kubelets to 1.32 with EKS',
  ]);
  expect(await open(steps[0]!, [], 'v1.31.2-eks-9')).toBeUndefined();
  expect(await open(steps[4]!, [node('a', 'v1.32.1-eks-4'), node('b', 'v1.29.9-eks-2')])).toBeDefined();
  expect(await open(steps[4]!, [node('a', 'v1.32.1-eks-4'), node('b', 'v1.32.1-eks-4')])).toBeUndefined();
});

test('K3s is planned as K3s', async () => {
  await expect(stagesOf([node('s', 'v1.30.4+k3s1')], '1.31', { from: 'v1.30.4+k3s1' })).rejects.toMatchObject({
    next: { en: expect.stringContaining('plan k3s --to v1.31.14+k3s1') },
  });
});

test('a run of them can be stored and resumed: two hops, with a recheck between them', async () => {
  const drafts = [...(await stagesOf([...two, ...controlPlane('cp1')], '1.32')), ...(await stagesOf(two, '1.32'))];
  const hops = ['1.31', '1.32'].map((hop) => ({ hop, repairs: [], stages: drafts.filter((stage) => stage.hop === hop) }));
  const { stages } = planUpgrade(hops, ['kubernetes']);
  expect(stages.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'recheck' ? step.hop : [])))).toEqual(['1.32']);
  const id = '20261129-235500-abcd';
  const run = {
    ...{ schema: 2, id, tool: 'upgrade-guard 0.1.0', what: 'upgrade kubernetes', at: '2026-11-29T23:55:00.000Z', checks: [], stages },
    targets: [{ system: 'kubernetes', installation: 'cluster', version: '1.32' }],
    cluster: { uid: '0d5d52a8-0000-4000-8000-000000000003', certain: true, server: 'https://10.0.0.1:6443', context: 'c' },
  };
  expect(wrongInRun(JSON.parse(JSON.stringify(run)), id)).toBeUndefined();
});
