// The stages of an upgrade of osm-edge: what they hold, in which order, and on which paths; which workloads are restarted, how, and how they come back.
import { describe, expect, test } from 'vitest';
import type { HelmUpgrade } from '../../../src/chart/intent.ts';
import type { Json, JudgedFinding, Raw, Ref, StageDraft, StepDraft, Upgrading } from '../../../src/engine/contracts.ts';
import { labelSelector } from '../../../src/kube/labels.ts';
import { refOf } from '../../../src/kube/refs.ts';
import { resourceOfKind } from '../../../src/kube/resources.ts';
import { stages } from '../../../src/systems/osm-edge/upgrade.ts';

const config: Raw = {
  apiVersion: 'config.openservicemesh.io/v1alpha2',
  kind: 'MeshConfig',
  metadata: { name: 'osm-mesh-config', namespace: 'osm-system', uid: 'u1' },
  spec: {
    sidecar: { sidecarClass: 'pipy', sidecarDrivers: [{ sidecarName: 'pipy', sidecarImage: 'flomesh/pipy:0.70.0-46' }] },
    traffic: { enableEgress: true },
  },
};
const replicaSet: Raw = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'osm-controller-5d', namespace: 'osm-system', uid: 'rs1', labels: { app: 'osm-controller' } },
  spec: { replicas: 1 },
};
const namespace: Raw = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'osm' } },
};
const owned = (kind: string, name: string) => [{ apiVersion: 'apps/v1', kind, name, controller: true, uid: `uid-${name}` }];
function pod(name: string, owner: [kind: string, name: string] | undefined, image = 'flomesh/pipy:0.70.0-46'): Raw {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      labels: { 'osm-proxy-uuid': name, app: name.split('-')[0]! },
      ...(owner ? { ownerReferences: owned(...owner) } : {}),
    },
    spec: {
      containers: [
        { name: 'app', image: 'x' },
        { name: 'sidecar', image },
      ],
    },
    status: { phase: 'Running' },
  };
}
const workload = (kind: string, name: string, spec: Raw = {}): Raw => ({
  ...{ apiVersion: 'apps/v1', kind },
  metadata: {
    name,
    namespace: 'shop',
    uid: `uid-${name}`,
    ...(kind === 'ReplicaSet' ? { ownerReferences: owned('Deployment', name.split('-')[0]!) } : {}),
  },
  spec: { replicas: 2, ...spec },
});
const budget = (app: string, allows: number): Raw => ({
  ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: app, namespace: 'shop', uid: `pdb-${app}` } },
  ...{ spec: { selector: { matchLabels: { app } } }, status: { disruptionsAllowed: allows } },
});
/** Two Pods of a Deployment, and one of the new sidecar. */
const api: Raw[] = [
  ...[
    namespace,
    workload('Deployment', 'api'),
    workload('ReplicaSet', 'api-1'),
    pod('api-1', ['ReplicaSet', 'api-1']),
    pod('api-2', ['ReplicaSet', 'api-1']),
  ],
  pod('new-1', ['ReplicaSet', 'api-1'], 'flomesh/pipy:0.90.3-38'),
];

const upgrade = (version: string): HelmUpgrade => ({
  release: { namespace: 'osm-system', name: 'osm', revision: 3, status: 'deployed' },
  chart: { path: '/charts/osm-edge', name: 'osm-edge', version, digest: 'd' },
  values: {
    osm: { meshName: 'osm', trafficInterceptionMode: 'ebpf', deployPrometheus: true, prometheus: { image: 'prom/prometheus:v2.34.0' } },
  },
  reuse: false,
  kept: {
    on: { apiVersion: 'v1', kind: 'Secret', namespace: 'osm-system', name: 'upgrade-guard-r' },
    digest: 'd',
    given: false,
    config: 'c',
  },
  rights: [],
});

function draftsFrom(from: string, to: string, more: Raw[] = [], found: Upgrading['found'] = []): Promise<StageDraft[]> {
  const objects = [config, replicaSet, ...more];
  return stages({
    path: {
      installation: {
        id: 'osm-edge@osm-system/osm',
        system: 'osm-edge',
        namespace: 'osm-system',
        name: 'osm',
        version: from,
        sources: [],
        byHelm: true,
      },
      ...{ from, to, chosen: 'asked', hops: [to] },
    },
    source: {
      get: async (ref: Ref) =>
        objects.find((each) => ['kind', 'name', 'namespace'].every((key) => refOf(each)[key as 'name'] === ref[key as 'name'])),
      list: async ({ resource, labels }, sink) => {
        const isAsked = (object: Raw) => {
          const { resource: name, group } = resourceOfKind(refOf(object));
          return [name, group].filter(Boolean).join('.') === resource && labelSelector(labels)(object);
        };
        for (const object of objects.filter(isAsked)) sink.object(object);
        return undefined;
      },
    },
    intended: upgrade(to),
    found,
  });
}
const stepsFrom = async (from: string, to: string, more?: Raw[]): Promise<StepDraft[]> =>
  (await draftsFrom(from, to, more)).flatMap(({ steps }) => steps);
const shown = (steps: readonly StepDraft[]): string[] => steps.map((step) => `${step.do}${'on' in step ? ` ${step.on.kind}` : ''}`);

const doing = (steps: readonly StepDraft[]) => steps.map((step) => `${step.do}${'on' in step ? ` ${step.on.kind} ${step.on.name}` : ''}`);

describe('stages', () => {
  test('over 1.3.0: the MeshConfig is patched once the CRD is new, the old ReplicaSet goes once the new controller is ready; the way back is in the plan', async () => {
    const steps = await stepsFrom('1.2.3', '1.3.9');
    expect(shown(steps)).toEqual([
      ...['keep Secret', 'backup', 'helm', 'delete Deployment', 'wait', 'patch MeshConfig', 'wait', 'forget Secret', 'delete ReplicaSet'],
    ]);
    expect(steps.find((step) => step.do === 'delete' && step.on.kind === 'Deployment')).toMatchObject({
      onUndo: true,
      propagation: 'Orphan',
    });
    const patch = steps.find((step) => step.do === 'patch')!;
    expect(patch.after?.map((step) => step.do)).toEqual(['wait']);
    expect(patch.do === 'patch' && patch.changes.map(({ path }) => path)).toEqual([
      '/spec/traffic/interceptionMode',
      '/spec/pluginChains',
      '/spec/sidecar/sidecarDrivers/0/sidecarImage',
    ]);
    expect(patch.do === 'patch' && patch.changes.every(({ after }) => after !== undefined)).toBe(true);
  });
  test('within 1.3: no selector, and only what is new', async () => {
    expect(shown(await stepsFrom('1.3.0', '1.3.8'))).toEqual([
      'keep Secret',
      'backup',
      'helm',
      'wait',
      'patch MeshConfig',
      'wait',
      'forget Secret',
    ]);
  });
  test('a value of the release goes into the MeshConfig in the place of the default', async () => {
    const [patch] = (await stepsFrom('1.2.3', '1.3.9')).filter((step) => step.do === 'patch');
    expect(patch!.do === 'patch' && patch!.changes[0]).toEqual({ path: '/spec/traffic/interceptionMode', after: 'ebpf' });
  });
});

test('of a check only those findings count as fixed on the way that a step is for', async () => {
  const one = (fingerprint: string, args: Json) => ({ fingerprint, args }) as JudgedFinding;
  const found = [
    {
      check: 'osm-edge/mesh-config-fields',
      findings: [one('set', { missing: ['traffic.interceptionMode', 'pluginChains.inbound-tcp'] }), one('not set', { missing: ['other'] })],
    },
    {
      check: 'osm-edge/sidecar-image',
      findings: [one('driver', { path: '/spec/sidecar/sidecarDrivers/0/sidecarImage' }), one('another', { path: '/spec/x' })],
    },
    { check: 'osm-edge/webhook-certificate', findings: [one('of the programs', { caEnds: false }), one('of the CA', { caEnds: true })] },
    { check: 'osm-edge/mesh-found', findings: [one('of another check', {})] },
  ];
  const steps = (await draftsFrom('1.2.3', '1.3.9', [], found)).flatMap((stage) => stage.steps);
  expect(steps.flatMap(({ fixes = [] }) => fixes).sort()).toEqual(['driver', 'of the programs', 'set']);
});

describe('what lies beside the release', () => {
  const deployment = (name: string, containers: Raw[]): Raw => ({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'osm-system', uid: `uid-${name}` } },
    spec: { replicas: 1, template: { spec: { containers } } },
  });
  test('an osm-bootstrap that reconciles is off until helm starts the new one', async () => {
    const steps = await stepsFrom('1.3.0', '1.3.8', [
      deployment('osm-bootstrap', [{ name: 'osm-bootstrap', args: ['--enable-reconciler=true'] }]),
    ]);
    expect(doing(steps).slice(2, 4)).toEqual(['patch Deployment osm-bootstrap', 'helm']);
    expect(steps[3]!.after).toContain(steps[2]);
    const off = await stepsFrom('1.3.0', '1.3.8', [
      deployment('osm-bootstrap', [{ name: 'osm-bootstrap', args: ['--enable-reconciler=false'] }]),
    ]);
    expect(doing(off)).not.toContain('patch Deployment osm-bootstrap');
  });
  test('webhook configurations of the mesh are labelled with the new version', async () => {
    const webhook = (name: string, namespace: string): Raw => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name, uid: name, labels: { 'app.kubernetes.io/name': 'openservicemesh.io', 'app.kubernetes.io/version': 'v1.3.0' } },
      webhooks: [{ name: 'osm-inject.k8s.io', clientConfig: { service: { namespace } } }],
    });
    const steps = await stepsFrom('1.3.0', '1.3.8', [webhook('own', 'osm-system'), webhook('other', 'elsewhere')]);
    const labels = steps.filter((step) => step.do === 'patch' && step.on.kind === 'MutatingWebhookConfiguration');
    expect(labels).toMatchObject([{ on: { name: 'own' }, changes: [{ before: 'v1.3.0', after: 'v1.3.8' }] }]);
  });
});

describe('restarts', () => {
  const restarted = async (more: Raw[], from = '1.2.3') => {
    const drafts = await draftsFrom(from, '1.3.9', more);
    return { waves: drafts.slice(3).map(({ steps }) => doing(steps)), back: doing(drafts[0]!.steps.slice(2)), drafts };
  };
  test('a Deployment is rolled out once for its Pods, and comes back by its old template at the end of an undo', async () => {
    const { waves, back, drafts } = await restarted(api);
    expect(waves).toEqual([['patch Deployment api', 'wait']]);
    expect(back).toEqual(['wait', 'patch Deployment api', 'wait']);
    expect(drafts[0]!.steps.slice(2).every(({ onUndo }) => onUndo)).toBe(true);
    expect(drafts[3]!.title.en).toBe('Restart the workloads of the mesh, wave 1 of 1 (2 Pods)');
  });
  test('a budget that allows fewer than the rollout takes: its Pods are evicted one by one', async () => {
    const slow = [...api, budget('api', 0), workload('Deployment', 'api', { strategy: { rollingUpdate: { maxUnavailable: 1 } } })];
    expect((await restarted([slow.at(-1)!, ...slow.slice(0, -1)])).waves).toEqual([['evict Pod api-1', 'evict Pod api-2', 'wait']]);
    // One new Pod at first, none less: within any budget.
    expect((await restarted([...api, budget('api', 0)])).waves).toEqual([['patch Deployment api', 'wait']]);
  });
  test('workloads of one budget come in separate waves', async () => {
    const two = (app: string) => [
      workload('Deployment', app),
      workload('ReplicaSet', `${app}-1`),
      { ...pod(`${app}-1`, ['ReplicaSet', `${app}-1`]) },
    ];
    const everything: Raw = { ...budget('x', 1), spec: { selector: {} } };
    expect((await restarted([...api, ...two('web')])).waves).toEqual([['patch Deployment api', 'patch Deployment web', 'wait']]);
    expect((await restarted([...api, ...two('web'), everything])).waves).toEqual([
      ['patch Deployment api', 'wait'],
      ['patch Deployment web', 'wait'],
    ]);
  });
  test('paused Deployments, Jobs and bare Pods are for a person', async () => {
    const paused = [namespace, workload('Deployment', 'api', { paused: true }), ...api.slice(2), pod('bare-1', undefined)];
    expect((await restarted(paused)).waves).toEqual([['manual']]);
  });
  test('from 1.1 every Pod, whatever its image', async () => {
    const [fresh] = [[namespace, ...api.slice(1, 3), pod('api-1', ['ReplicaSet', 'api-1'], 'flomesh/pipy:0.90.3-38')]];
    expect((await restarted(fresh, '1.2.3')).waves).toEqual([]);
    const drafts = await draftsFrom('1.1.2', '1.2.3', fresh);
    expect(doing(drafts.at(-1)!.steps)).toEqual(['patch Deployment api', 'wait']);
  });
});
