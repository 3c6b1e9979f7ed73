// The stages of an upgrade of K3s: which hops, which Plans with which settings, what is waited for and what ends the wait, what is refused; and that a stored run may hold them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Raw, StageDraft, StepDraft, Upgrading, World } from '../../../src/engine/contracts.ts';
import { planUpgrade } from '../../../src/engine/plan.ts';
import { pending } from '../../../src/engine/steps/conditions.ts';
import { wrongInRun } from '../../../src/journal/well-formed.ts';
import { labelSelector } from '../../../src/kube/labels.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import k3s from '../../../src/systems/k3s/index.ts';
import { stages } from '../../../src/systems/k3s/upgrade.ts';
import { textOf } from '../../../src/text/language.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const ETCD = { 'node-role.kubernetes.io/etcd': 'true' };
const SERVER = { 'node-role.kubernetes.io/control-plane': 'true' };
const OLD = 'v1.30.4+k3s1';
const node = (name: string, labels: Raw = {}, kubeletVersion = OLD, more: Raw = {}): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Node', ...more },
  metadata: { name, uid: name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  status: { nodeInfo: { kubeletVersion }, conditions: [{ type: 'Ready', status: 'True' }] },
});
const HA = ['s1', 's2', 's3'].map((name) => node(name, { ...SERVER, ...ETCD }));
const AGENTS = ['a1', 'a2'].map((name) => node(name));
const CONTROLLER: Raw = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'system-upgrade-controller', namespace: 'system-upgrade' } },
  spec: {
    template: {
      spec: {
        serviceAccountName: 'suc',
        containers: [{ name: 'system-upgrade-controller', image: 'rancher/system-upgrade-controller:v0.20.1' }],
      },
    },
  },
  status: { readyReplicas: 1 },
};
/** With what the upstream manifest gives it. */
const ACCESS: Raw[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'suc', namespace: 'system-upgrade' } },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'suc' } },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'suc' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'suc' },
    subjects: [{ kind: 'ServiceAccount', name: 'suc', namespace: 'system-upgrade' }],
  },
];
const DONE = 'abc1';
/** A Plan of the user that is through. */
const plan = (name: string, role: string, spec: Raw, more: Raw = {}): Raw => ({
  ...{ apiVersion: 'upgrade.cattle.io/v1', kind: 'Plan' },
  metadata: { name, namespace: 'system-upgrade', creationTimestamp: '2026-03-01T09:00:00Z', ...more },
  spec: {
    ...{ nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: role }] }, version: OLD },
    ...{
      upgrade: { image: 'registry.example.com/rancher/k3s-upgrade:v1.30.4-k3s1', envs: [{ name: 'TOKEN', value: 'hunter2' }] },
      ...spec,
    },
  },
  status: { latestVersion: OLD.replace('+', '-'), latestHash: DONE },
});

async function upgrading(objects: Raw[], from: string, to: string, more: Partial<Upgrading> = {}): Promise<Upgrading> {
  const folder = mkdtempSync(path.join(tmpdir(), 'ug-k3s-upgrade-'));
  folders.push(folder);
  writeFileSync(path.join(folder, 'version.json'), JSON.stringify({ gitVersion: from }));
  writeFileSync(path.join(folder, 'objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...ACCESS, ...objects] }));
  const installation = { id: 'k3s@cluster', system: 'k3s', name: 'cluster', version: from, sources: [], byHelm: false } as const;
  return {
    path: { installation: { ...installation, sources: [] }, from, to, chosen: 'asked', hops: k3s.hops!(from, to) },
    source: dumpSource(await readDump(folder)),
    ...more,
  };
}
const draftsTo = async (to: string, objects: Raw[] = [...HA, ...AGENTS, CONTROLLER], more: Partial<Upgrading> = {}) =>
  stages(await upgrading(objects, OLD, to, more));
const plansIn = (drafts: StageDraft[]): Record<string, Raw> =>
  Object.fromEntries(
    drafts.flatMap(({ steps }) =>
      steps.flatMap((step) =>
        step.do === 'create' && step.object.kind === 'Plan' ? [[(step.object.metadata as Raw).name, step.object.spec as Raw]] : [],
      ),
    ),
  );
const told = (drafts: StageDraft[]) =>
  drafts.map(({ title, steps }) => [title.en, steps.map(({ do: doing, onUndo }) => (onUndo ? `(${doing})` : doing)).join(' ')]);

const settings = (data: Raw): Raw => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'default-controller-env', namespace: 'system-upgrade' } },
  data,
});
/** That reads its settings from there. */
const SETTING_CONTROLLER: Raw = structuredClone(CONTROLLER);
(SETTING_CONTROLLER.spec as Raw & { template: { spec: { containers: Raw[] } } }).template.spec.containers[0]!.envFrom = [
  { configMapRef: { name: 'default-controller-env' } },
];

test('minor by minor, through the newest known release of each; within a minor at once', () => {
  expect(k3s.hops!(OLD, 'v1.30.6+k3s1')).toEqual(['v1.30.6+k3s1']);
  const hops = k3s.hops!(OLD, 'v1.33.1+k3s1');
  expect(hops.map((hop) => hop.slice(0, 5))).toEqual(['v1.31', 'v1.32', 'v1.33']);
  expect(hops.at(-1)).toBe('v1.33.1+k3s1');
  expect(k3s.hops!(OLD, OLD)).toEqual([]);
});

test('before a minor with a new etcd the newest patch of the present one comes first, where it is needed', () => {
  expect(k3s.hops!('v1.36.1+k3s1', 'v1.37.1+k3s1')).toEqual(['v1.36.4+k3s1', 'v1.37.1+k3s1']);
  expect(k3s.hops!('v1.36.2+k3s1', 'v1.37.1+k3s1')).toEqual(['v1.37.1+k3s1']);
  expect(k3s.hops!('v1.33.1+k3s1', 'v1.34.6+k3s1')[0]).toMatch(/^v1\.33\./);
});

test('a hop: a snapshot first, servers before agents, our Plans removed at the end', async () => {
  const drafts = await draftsTo('v1.31.1+k3s1');
  expect(told(drafts)).toEqual([
    ['Before v1.31.1+k3s1', 'manual'],
    ['Servers to v1.31.1+k3s1', 'create (wait) (patch) wait'],
    ['Agents to v1.31.1+k3s1', 'create (wait) (patch) wait'],
    ['Remove the Plans of v1.31.1+k3s1', 'delete delete'],
  ]);
  const { 'upgrade-guard-server-1.31.1-k3s1': servers, 'upgrade-guard-agent-1.31.1-k3s1': agents } = plansIn(drafts);
  expect(servers).toMatchObject({
    concurrency: 1,
    cordon: true,
    version: 'v1.31.1+k3s1',
    serviceAccountName: 'suc',
    postCompleteDelay: '30s',
  });
  expect(agents).toMatchObject({ prepare: { image: 'rancher/k3s-upgrade', args: ['prepare', 'upgrade-guard-server-1.31.1-k3s1'] } });
  expect(agents).not.toHaveProperty('postCompleteDelay');
});

test('settings of the Plans that are there are taken over: image, window, drain, tolerations; never environments; and etcd keeps its quorum', async () => {
  const window = { days: ['saturday'], startTime: '02:00', endTime: '06:00', timeZone: 'UTC' };
  const own = [
    plan('server', 'Exists', {
      concurrency: 3,
      window,
      drain: { timeout: 60_000_000_000, force: true },
      tolerations: [{ key: 'x', operator: 'Exists' }],
    }),
    plan('agents', 'DoesNotExist', { concurrency: 5, cordon: false, jobActiveDeadlineSecs: 1800 }),
  ];
  const labelled = [...HA, ...AGENTS].map((each) => {
    const metadata = each.metadata as Raw & { labels: Raw };
    const isServer = metadata.labels['node-role.kubernetes.io/control-plane'] !== undefined;
    const label = metadata.name === 'a2' ? 'disabled' : DONE;
    return {
      ...each,
      metadata: { ...metadata, labels: { ...metadata.labels, [`plan.upgrade.cattle.io/${isServer ? 'server' : 'agents'}`]: label } },
    };
  });
  const drafts = await draftsTo('v1.31.1+k3s1', [...labelled, CONTROLLER, ...own]);
  const { 'upgrade-guard-server-1.31.1-k3s1': servers, 'upgrade-guard-agent-1.31.1-k3s1': agents } = plansIn(drafts);
  const image = 'registry.example.com/rancher/k3s-upgrade';
  expect(servers).toMatchObject({ concurrency: 1, window, drain: { timeout: '60000000000ns', force: true }, upgrade: { image } });
  expect(servers).not.toHaveProperty('cordon');
  expect(agents).toMatchObject({ concurrency: 5, cordon: false, jobActiveDeadlineSecs: 1800, prepare: { image } });
  expect(JSON.stringify(drafts)).not.toContain('hunter2');
  // a2 is excluded from the Plan of the user, and so from ours; the wait does not ask for it.
  expect((agents!.nodeSelector as Raw).matchExpressions).toContainEqual({
    key: 'plan.upgrade.cattle.io/agents',
    operator: 'NotIn',
    values: ['disabled'],
  });
  const [run] = waitsIn(drafts)[1]!.until as unknown as [{ of: { labels: string } }];
  expect(labelled.filter((each) => labelSelector(run.of.labels)(each)).map(({ metadata }) => (metadata as Raw).name)).toEqual(['a1']);
  // A window opens once a week at the latest.
  expect(waitsIn(drafts)[0]!.within).toBeGreaterThan(7 * 24 * 3600);
});

test('servers that run etcd alone come first; without agents there is no Plan for them', async () => {
  const drafts = await draftsTo('v1.31.1+k3s1', [node('e1', ETCD), node('s1', SERVER), CONTROLLER]);
  expect(Object.keys(plansIn(drafts))).toEqual(['upgrade-guard-etcd-1.31.1-k3s1', 'upgrade-guard-server-1.31.1-k3s1']);
});

test('without a controller a stage installs one, and says which', async () => {
  const drafts = await draftsTo('v1.31.1+k3s1', [...HA, ...AGENTS]);
  expect(drafts[0]!.title.en).toBe('Install system-upgrade-controller v0.20.1');
  const kinds = drafts[0]!.steps.flatMap((step) => (step.do === 'create' ? [String(step.object.kind)] : []));
  expect(kinds).toEqual(
    expect.arrayContaining(['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'ConfigMap', 'Deployment']),
  );
  expect(drafts[0]!.steps.at(-1)!.do).toBe('wait');
  expect(JSON.stringify(drafts[0])).toContain('rancher/system-upgrade-controller:v0.20.1');
});

const MANIFEST: Raw[] = [
  { ...CONTROLLER, metadata: { name: 'system-upgrade-controller', namespace: 'own' }, status: undefined } as unknown as Raw,
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'suc', namespace: 'own' } },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'own' } },
];

test('the manifest of a controller that the user gives is installed in its order, and our Plans follow it', async () => {
  const drafts = await draftsTo('v1.31.1+k3s1', [...HA, ...AGENTS], { controller: MANIFEST });
  expect(drafts[0]!.title.en).toBe('Install system-upgrade-controller 0.20.1 (--controller)');
  expect(drafts[0]!.steps.flatMap((step) => (step.do === 'create' ? [String(step.object.kind)] : [step.do]))).toEqual([
    'Namespace',
    'ServiceAccount',
    'Deployment',
    'wait',
  ]);
  const { 'upgrade-guard-server-1.31.1-k3s1': servers } = plansIn(drafts);
  expect(servers).toMatchObject({ serviceAccountName: 'suc', postCompleteDelay: '30s' });
  const namespaces = drafts.flatMap(({ steps }) =>
    steps.flatMap((step) => (step.do === 'create' && step.object.kind === 'Plan' ? [step.object.metadata] : [])),
  );
  expect(namespaces).toMatchObject([{ namespace: 'own' }, { namespace: 'own' }]);
  // A namespace that is there stays as it is, and is never deleted by an undo.
  const there = await draftsTo('v1.31.1+k3s1', [...HA, MANIFEST[2]!], { controller: MANIFEST });
  expect(there[0]!.steps.filter((step) => step.do === 'create')).toHaveLength(2);
});

test.each<[string, Raw[], Raw[], RegExp]>([
  ['a controller is there', [...HA, CONTROLLER], MANIFEST, /is installed already \(0\.20\.1\)/],
  ['no Deployment', HA, MANIFEST.slice(1), /needs exactly one Deployment/],
  ['a Plan in it', HA, [...MANIFEST, plan('server', 'Exists', {})], /Plan server is not part of a controller/],
  [
    'no namespace',
    HA,
    [...MANIFEST, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }],
    /ConfigMap c has no metadata\.namespace/,
  ],
])('a manifest that is refused: %s', async (_, objects, controller, why) => {
  await expect(draftsTo('v1.31.1+k3s1', objects, { controller })).rejects.toThrow(why);
});

test('a controller under another name and in another namespace is used as it is: its Pod says which account and version', async () => {
  const pod: Raw = {
    ...{
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'suc-1', namespace: 'tools', labels: { 'upgrade.cattle.io/controller': 'suc' } },
    },
    spec: { serviceAccountName: 'tools-suc', containers: [{ name: 'suc', image: 'example.com/system-upgrade-controller:v0.14.0' }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const account: Raw = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'tools-suc', namespace: 'tools' } };
  await expect(draftsTo('v1.31.1+k3s1', [...HA, pod])).rejects.toThrow(/ServiceAccount tools\/tools-suc, .* does not exist/);
  await expect(draftsTo('v1.31.1+k3s1', [...HA, pod, account])).rejects.toThrow(
    /ServiceAccount tools\/tools-suc .* has no permission to get nodes, patch nodes$/,
  );
  const binding = {
    ...ACCESS[2]!,
    metadata: { name: 'tools' },
    subjects: [{ kind: 'ServiceAccount', name: 'tools-suc', namespace: 'tools' }],
  };
  const drafts = await draftsTo('v1.31.1+k3s1', [...HA, pod, account, binding]);
  expect(drafts[0]!.title.en).toBe('Before v1.31.1+k3s1');
  const { 'upgrade-guard-server-1.31.1-k3s1': servers } = plansIn(drafts);
  expect(servers).toMatchObject({ serviceAccountName: 'tools-suc' });
  // v0.14.0 does not know it.
  expect(servers).not.toHaveProperty('postCompleteDelay');
  expect(JSON.stringify(drafts)).toContain('"namespace":"tools"');
});

test('a label that an earlier Plan of the same name has left is removed first', async () => {
  const label = 'plan.upgrade.cattle.io/upgrade-guard-agent-1.31.1-k3s1';
  const drafts = await draftsTo('v1.31.1+k3s1', [...HA, node('a1', { [label]: DONE }), CONTROLLER]);
  const [, , agents] = drafts;
  expect(agents!.steps.map((step) => step.do)).toEqual(['patch', 'create', 'wait', 'patch', 'wait']);
  expect(agents!.steps[1]!.after).toContain(agents!.steps[0]);
});

test('Nodes that are cordoned now are cordoned again, if asked', async () => {
  const objects = [...HA, node('a1', {}, OLD, { spec: { unschedulable: true } }), node('a2'), CONTROLLER];
  const plain = (await draftsTo('v1.31.1+k3s1', objects)).at(-1)!;
  expect(plain.title.en).toMatch(/^Remove/);
  // Not asked, they are named at the end.
  expect(plain.steps.at(-1)!.reminds).toMatchObject([{ when: { on: { name: 'a1' } }, commands: ['kubectl cordon a1'] }]);
  const left = (certainty: string, more: Partial<Upgrading> = {}) =>
    ({
      found: [{ check: 'k3s/nodes-cordoned-by-plan', findings: [{ certainty, objects: [{ name: 'a1' }] }] }],
      ...more,
    }) as unknown as Partial<Upgrading>;
  const reminders = async (more: Partial<Upgrading>) => (await draftsTo('v1.31.1+k3s1', objects, more)).at(-1)!.steps.at(-1)!.reminds;
  expect(await reminders(left('high'))).toBeUndefined();
  // Perhaps by a Plan: it is not repaired unless that is confirmed.
  expect(await reminders(left('low'))).toHaveLength(1);
  expect(await reminders(left('low', { confirmed: ['Node/a1'] }))).toBeUndefined();
  const last = (await draftsTo('v1.31.1+k3s1', objects, { cordonAgain: true })).at(-1)!;
  expect(last.title.en).toBe('Cordon Nodes again');
  expect(last.steps).toMatchObject([{ do: 'patch', on: { name: 'a1' }, changes: [{ path: '/spec/unschedulable', after: true }] }]);
});

test('a fresh snapshot is watched where the cluster records them', async () => {
  const crd: Raw = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'etcdsnapshotfiles.k3s.cattle.io' },
  };
  const [before] = await draftsTo('v1.31.1+k3s1', [...HA, CONTROLLER, crd]);
  expect(before!.steps[0]).toMatchObject({ do: 'manual', seen: [{ which: 'some' }] });
  const later = (await draftsTo('v1.32.1+k3s1', [...HA, CONTROLLER, crd])).filter(({ title }) => title.en.startsWith('Before'))[1]!;
  const [condition] = (later.steps[0] as StepDraft & { do: 'manual' }).seen!;
  const taken = (snapshotName: string) =>
    pending([condition!], {
      select: async () => [{ ...crd, spec: { snapshotName }, status: { readyToUse: true, creationTime: new Date().toISOString() } }],
    } as unknown as World);
  // One from before the first hop does not do for the second, however quick that was.
  expect(await taken('before-1.31.14-k3s1-s1-1790000000')).toBeDefined();
  expect(await taken('before-1.32.1-k3s1-s1-1790000000')).toBeUndefined();
  const [unseen] = await draftsTo('v1.31.1+k3s1', [...HA, CONTROLLER]);
  expect(unseen!.steps[0]).not.toHaveProperty('seen');
  const [other] = await draftsTo('v1.31.1+k3s1', [node('s1', SERVER), CONTROLLER, crd]);
  expect(other!.steps[0]).not.toHaveProperty('seen');
});

test.each<[string, Raw[], RegExp]>([
  ['Rancher', [...HA, node('a1', { 'rke.cattle.io/machine': 'm' })], /Rancher manages this cluster/],
  ['a Plan that is not through', [...HA, plan('server', 'Exists', { concurrency: 1 })], /Plan system-upgrade\/server still has 3 Nodes/],
  ['a Node that is newer than the target', [...HA, node('a1', {}, 'v1.32.1+k3s1')], /cannot be downgraded/],
  [
    'a server that a label keeps back, beside agents',
    [node('s1', { ...SERVER, 'plan.upgrade.cattle.io/server': 'disabled' }), node('a1'), plan('server', 'Exists', { concurrency: 1 })],
    /plan\.upgrade\.cattle\.io\/server=disabled keeps server s1 at v1\.30\.4\+k3s1/,
  ],
])('refused: %s', async (_, objects, why) => {
  await expect(draftsTo('v1.31.1+k3s1', objects)).rejects.toThrow(why);
});

test('refused: a Node that is newer than a version on the way, with what to do first', async () => {
  const ahead = node('s1', SERVER, 'v1.31.99+k3s1');
  await expect(draftsTo('v1.32.1+k3s1', [ahead, node('s2', SERVER), CONTROLLER])).rejects.toMatchObject({
    message: expect.stringContaining('newer than v1.31.'),
    next: { en: expect.stringContaining('upgrade k3s --to v1.31.99+k3s1') },
  });
});

// ---- waits ----------------------------------------------------------------------------------------------------------

type Wait = StepDraft & { do: 'wait' };
const waitsIn = (drafts: StageDraft[]): Wait[] =>
  drafts.flatMap(({ steps }) => steps.filter((step): step is Wait => step.do === 'wait' && !step.onUndo));

test('servers and agents are told apart, the Plan must be through, and a failed Job ends the wait', async () => {
  const [servers, agents] = waitsIn(await draftsTo('v1.31.1+k3s1')) as [Wait, Wait];
  const now = 'v1.31.1+k3s1';
  const ours = 'upgrade-guard-server-1.31.1-k3s1';
  const world = (objects: Raw[], applying: string[] = []) =>
    ({
      select: async ({ kind, labels }: { kind: string; labels?: string }) =>
        objects.filter((object) => object.kind === kind && labelSelector(labels)(object)),
      get: async () => ({ kind: 'Plan', metadata: { name: ours }, ...(applying.length ? { status: { applying } } : { status: {} }) }),
    }) as unknown as World;
  const open = async (until: Wait['until'], objects: Raw[], applying?: string[]) =>
    (await pending(until, world(objects, applying))) !== undefined;
  expect(await open(servers.until, [node('s1', SERVER, now), node('s2', SERVER), node('a1')])).toBe(true);
  expect(await open(servers.until, [node('s1', SERVER, now), node('s2', SERVER, now), node('a1')])).toBe(false);
  expect(await open(servers.until, [node('s1', SERVER, now), node('s2', SERVER, now)], ['s2'])).toBe(true);
  expect(await open(agents.until, [node('s1', SERVER, now), node('a1')])).toBe(true);
  expect(await open(agents.until, [node('s1', SERVER, now), node('a1', {}, now)])).toBe(false);
  const job = (of: string, type: string): Raw => ({
    ...{ apiVersion: 'batch/v1', kind: 'Job' },
    metadata: { name: 'j', namespace: 'system-upgrade', labels: { 'upgrade.cattle.io/plan': of } },
    status: { conditions: [{ type, status: 'True' }] },
  });
  const [failed] = servers.fails!;
  expect(await open([failed!], [job(ours, 'Failed')])).toBe(false);
  expect(await open([failed!], [job(ours, 'Complete'), job('another', 'Failed')])).toBe(true);
});

test('an undo waits for a Job that is at work: one that is about to start counts, one that has ended does not', async () => {
  const drafts = await draftsTo('v1.31.1+k3s1');
  const idle = drafts[1]!.steps.find((step): step is Wait => step.do === 'wait' && step.onUndo === true)!;
  const job = (type: string | undefined, parallelism = 1): Raw => ({
    ...{ apiVersion: 'batch/v1', kind: 'Job', spec: { parallelism } },
    metadata: { name: 'j', labels: { 'upgrade.cattle.io/plan': 'upgrade-guard-server-1.31.1-k3s1' } },
    status: type ? { conditions: [{ type, status: 'True' }] } : {},
  });
  const open = (...objects: Raw[]) => pending(idle.until, { select: async () => objects } as unknown as World);
  expect((await open(job('Complete'), job(undefined)))?.because.en).toMatch(/^1 of 2 Job .*: Job j$/);
  expect(await open(job('Complete'), job('Failed'))).toBeUndefined();
  expect(await open(job(undefined, 0))).toBeUndefined();
  expect(await open()).toBeUndefined();
});

test.each<[string, Raw[], number, RegExp, boolean]>([
  ['by default', [], 1200, /waits for the running Job \(at most 20 minutes\)/, false],
  [
    'with a longer deadline in the settings of the controller',
    [settings({ SYSTEM_UPGRADE_JOB_ACTIVE_DEADLINE_SECONDS: '3000' })],
    3300,
    /\(at most 55 minutes\)/,
    false,
  ],
  [
    'without a deadline',
    [plan('server', 'Exists', { concurrency: 1, jobActiveDeadlineSecs: 0 })],
    3900,
    /\(which has no deadline: at most 65 minutes\)/,
    true,
  ],
])('how long an undo waits for a Job is said before, %s', async (_, more, within, note, ends) => {
  const done = HA.map((each) => ({
    ...each,
    metadata: { ...(each.metadata as Raw), labels: { ...((each.metadata as Raw).labels as Raw), 'plan.upgrade.cattle.io/server': DONE } },
  }));
  const [, servers] = await draftsTo('v1.31.1+k3s1', [...done, SETTING_CONTROLLER, ...more]);
  const idle = servers!.steps.find((step): step is Wait => step.do === 'wait' && step.onUndo === true)!;
  expect(idle.within).toBe(within);
  expect(servers!.steps.find(({ do: doing }) => doing === 'create')!.undoNote!.en).toMatch(note);
  expect(idle.retry!.some((command) => textOf(command).en.includes('activeDeadlineSeconds'))).toBe(ends);
});

test('each hop has a snapshot of its own', async () => {
  const drafts = await draftsTo('v1.32.1+k3s1');
  const hops = k3s.hops!(OLD, 'v1.32.1+k3s1').map((hop) => ({ hop, stages: drafts.filter((stage) => stage.hop === hop), repairs: [] }));
  const steps = planUpgrade(hops, ['k3s']).stages.flatMap((stage) => stage.steps);
  expect(steps.filter((step) => step.do === 'manual').map((step) => step.text.en.slice(0, 35))).toEqual([
    'save the datastore before v1.31.14+',
    'save the datastore before v1.32.1+k',
  ]);
});

test('a stored run may hold it', async () => {
  const drafts = await draftsTo('v1.32.1+k3s1', [...HA, ...AGENTS], { cordonAgain: true });
  const hops = k3s.hops!(OLD, 'v1.32.1+k3s1').map((hop) => ({ hop, stages: drafts.filter((stage) => stage.hop === hop), repairs: [] }));
  const { stages: made } = planUpgrade(hops, ['k3s']);
  const run = {
    ...{ schema: 2, id: 'r', tool: 't', what: 'upgrade k3s', at: '2026-11-30T00:00:00.000Z', checks: [], stages: made },
    cluster: { uid: 'u', certain: true, server: 's', context: 'c' },
  };
  expect(wrongInRun(JSON.parse(JSON.stringify(run)), 'r')).toBeUndefined();
});
