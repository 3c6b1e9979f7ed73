// An upgrade over 1.3.0 and its undo, carried out over objects in memory with a helm that refuses what the API server would refuse: in which order things happen, also where the run was cut.
import { expect, test } from 'vitest';
import type { HelmUpgrade } from '../../../src/chart/intent.ts';
import {
  type Entry,
  type Raw,
  type Ref,
  type Revision,
  type Run,
  type World,
  WorldError,
  type Write,
} from '../../../src/engine/contracts.ts';
import { executeRun, executeUndo } from '../../../src/engine/execute.ts';
import { hasten } from '../../../src/engine/pace.ts';
import { planUpgrade } from '../../../src/engine/plan.ts';
import { progressOf, runState } from '../../../src/engine/progress.ts';
import { wrongInEntry, wrongInRun } from '../../../src/journal/well-formed.ts';
import { labelSelector } from '../../../src/kube/labels.ts';
import { refOf } from '../../../src/kube/refs.ts';
import { resourceOfKind } from '../../../src/kube/resources.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpWorld } from '../../../src/snapshot/world.ts';
import { stages } from '../../../src/systems/osm-edge/upgrade.ts';
import { pages } from '../../engine/worlds.ts';

hasten(100);

const READY = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1 };
const deployment = (name: string, namespace: string, selector: Raw, more: Raw = {}): Raw => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
  metadata: { name, namespace, uid: `uid-${name}-${JSON.stringify(selector).length}`, generation: 1, labels: { app: name } },
  spec: { replicas: 1, selector: { matchLabels: selector }, template: { metadata: {}, spec: { containers: [{ name }] } }, ...more },
  status: READY,
});
const owned = (kind: string, name: string) => [{ apiVersion: 'apps/v1', kind, name, controller: true, uid: `uid-${name}` }];
const controller = (selector: Raw) => deployment('osm-controller', 'osm-system', selector);
const OLD = { app: 'osm-controller' };
const NEW = { app: 'osm-controller', codebase: '' };
const objects = (): Raw[] => [
  controller(OLD),
  ...['osm-bootstrap', 'osm-injector'].map((name) => deployment(name, 'osm-system', { app: name })),
  {
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', spec: { replicas: 1 } },
    metadata: { name: 'osm-controller-5d', namespace: 'osm-system', uid: 'rs1', labels: { app: 'osm-controller' } },
  },
  {
    ...{ apiVersion: 'config.openservicemesh.io/v1alpha2', kind: 'MeshConfig' },
    metadata: { name: 'osm-mesh-config', namespace: 'osm-system', uid: 'mc' },
    spec: { sidecar: { sidecarDrivers: [{ sidecarName: 'pipy', sidecarImage: 'flomesh/pipy:0.70.0-46' }] }, traffic: {} },
  },
  {
    ...{
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'meshconfigs.config.openservicemesh.io', uid: 'crd' },
    },
    spec: { versions: [{ name: 'v1alpha2', schema: { openAPIV3Schema: { properties: { spec: { properties: SCHEMA } } } } }] },
  },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'osm' } } },
  deployment('api', 'shop', { app: 'api' }),
  {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'api-1', namespace: 'shop', uid: 'uid-api-1', ownerReferences: owned('Deployment', 'api') },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Pod', status: { phase: 'Running' } },
    metadata: {
      name: 'api-1-x',
      namespace: 'shop',
      uid: 'pod-x',
      labels: { 'osm-proxy-uuid': '1' },
      ownerReferences: owned('ReplicaSet', 'api-1'),
    },
    spec: { containers: [{ name: 'sidecar', image: 'flomesh/pipy:0.70.0-46' }] },
  },
];
const SCHEMA: Raw = {
  traffic: { properties: { interceptionMode: { type: 'string' }, http2PerRequestLoadBalancing: { type: 'boolean' } } },
  pluginChains: {
    type: 'object',
    properties: Object.fromEntries(
      ['inbound-tcp', 'inbound-http', 'outbound-tcp', 'outbound-http'].map((name) => [name, { type: 'array' }]),
    ),
  },
};

/** What happens, in its order: `helm upgrade`, `delete osm-controller`, `restart api`. */
function worldOf(all: Raw[]) {
  const dump = dumpOf({ objects: all, whole: true });
  const inner = dumpWorld(dump);
  const told: string[] = [];
  const revisions: Revision[] = [
    { revision: 1, status: 'deployed', touched: 0, chart: 'osm-edge-1.2.3', digest: 'd', description: 'Install complete' },
  ];
  const on: Ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'osm-system', name: 'osm-controller' };
  async function put(selector: Raw): Promise<void> {
    const live = await inner.get(on);
    const stands = live && ((live.spec as Raw).selector as Raw).matchLabels;
    if (stands && JSON.stringify(stands) !== JSON.stringify(selector)) throw new WorldError('refused', 'field is immutable');
    if (!live) await inner.write({ verb: 'create', object: controller(selector) });
  }
  const world: World = {
    ...inner,
    assume: undefined,
    // Its controller is quick.
    async get(ref) {
      const found = await inner.get(ref);
      return found?.kind === 'Deployment'
        ? { ...found, status: { ...READY, observedGeneration: (found.metadata as Raw).generation ?? 0 } }
        : found;
    },
    helm: { isAlive: async () => false, newest: async () => revisions.at(-1) },
    async write(write: Write) {
      if (write.verb === 'helm') {
        const { action, from, chart } = write.step;
        told.push(`helm ${action}`);
        await put(action === 'upgrade' ? NEW : OLD);
        const said = action === 'upgrade' ? [`osm-edge-${chart.version}`, 'Upgrade complete'] : ['osm-edge-1.2.3', `Rollback to ${from}`];
        revisions.push({
          revision: revisions.length + 1,
          status: 'deployed',
          touched: 0,
          chart: said[0]!,
          digest: 'c',
          description: said[1]!,
        });
        return undefined;
      }
      if (write.verb === 'delete') told.push(`delete ${write.on.name}`);
      if (write.verb === 'patch') told.push(`${write.on.name === 'api' ? 'restart' : 'patch'} ${write.on.name}`);
      const answer = await inner.write(write);
      // Its Pod is replaced.
      const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'api-1-x', uid: 'pod-x' };
      if (write.verb === 'patch' && write.on.name === 'api' && (await inner.get(pod))) await inner.write({ verb: 'delete', on: pod });
      return answer;
    },
  };
  return { world, told };
}

const intended: HelmUpgrade = {
  release: { namespace: 'osm-system', name: 'osm', revision: 1, status: 'deployed' },
  chart: { path: '/charts/osm-edge', name: 'osm-edge', version: '1.3.9', digest: 'd'.repeat(64) },
  values: { osm: { meshName: 'osm' } },
  reuse: false,
  kept: {
    on: { apiVersion: 'v1', kind: 'Secret', namespace: 'osm-system', name: 'k' },
    digest: 'd'.repeat(64),
    given: false,
    config: 'c'.repeat(64),
  },
  rights: [],
};

async function runOver(all: Raw[]): Promise<Run> {
  const drafts = await stages({
    path: {
      installation: {
        id: 'osm-edge@osm-system/osm',
        system: 'osm-edge',
        namespace: 'osm-system',
        name: 'osm',
        version: '1.2.3',
        sources: [],
        byHelm: true,
      },
      ...{ from: '1.2.3', to: '1.3.9', chosen: 'asked', hops: ['1.3.9'] },
    },
    source: {
      get: async (ref) =>
        all.find((each) => ['kind', 'name', 'namespace'].every((key) => refOf(each)[key as 'name'] === ref[key as 'name'])),
      list: async ({ resource, labels }, sink) => {
        for (const object of all) {
          const { resource: name, group } = resourceOfKind(refOf(object));
          if ([name, group].filter(Boolean).join('.') === resource && labelSelector(labels)(object)) sink.object(object);
        }
        return undefined;
      },
    },
    intended,
  });
  // The Secret for the values and the backup are another matter.
  const OTHERS = new Set(['keep', 'backup', 'forget']);
  const own = drafts.map((draft) => ({
    ...draft,
    steps: draft.steps
      .filter((step) => !OTHERS.has(step.do))
      .map((step) => Object.assign(step, { after: step.after?.filter((each) => !OTHERS.has(each.do)) })),
  }));
  const on = refOf(all[0]!);
  const repair = {
    do: 'delete' as const,
    on,
    propagation: 'Orphan' as const,
    undo: 'compensates' as const,
    guard: [],
    text: { en: 'delete', zh: '删除' },
  };
  const { stages: made } = planUpgrade(
    [{ hop: '1.3.9', repairs: [{ drafts: [repair], refusals: [], reasons: ['f'] }], stages: own }],
    ['osm-edge'],
  );
  return {
    schema: 2,
    id: 'r',
    tool: 't',
    what: 'upgrade',
    at: '2026-01-01T00:00:00Z',
    checks: [],
    stages: made,
    cluster: { uid: 'c', certain: true, server: '', context: '' },
  };
}

const halt = new AbortController().signal;
const steady = async (world: World): Promise<unknown> => {
  const refs = [controller(OLD), deployment('api', 'shop', { app: 'api' })].map(refOf);
  const [osm, api, config] = await Promise.all([
    ...refs.map((ref) => world.get({ ...ref, uid: undefined })),
    world.get({ apiVersion: 'config.openservicemesh.io/v1alpha2', kind: 'MeshConfig', namespace: 'osm-system', name: 'osm-mesh-config' }),
  ]);
  return [osm?.spec, (api?.spec as Raw | undefined)?.template, config?.spec];
};
/** Parents that a patch made stay in memory; a server leaves empty annotations out. */
const withoutEmpty = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replace(/"annotations":\{\},?/g, ''));
const sane = (run: Run, entries: Entry[]): void => {
  expect(wrongInRun(JSON.parse(JSON.stringify(run)), 'r')).toBeUndefined();
  expect(entries.map((entry) => wrongInEntry(JSON.parse(JSON.stringify(entry)))).filter(Boolean)).toEqual([]);
};

test('upgraded and undone', async () => {
  const all = objects();
  const run = await runOver(all);
  const { world, told } = worldOf(all);
  const before = structuredClone(await steady(world));
  const journal = pages();
  const up = await executeRun(run, { world, journal, progress: progressOf([]), halt });
  expect(up.state, JSON.stringify([...up.outcomes])).toBe('finished');
  expect(told).toEqual(['delete osm-controller', 'helm upgrade', 'patch osm-mesh-config', 'delete osm-controller-5d', 'restart api']);
  told.length = 0;
  const down = await executeUndo(run, { world, journal, progress: progressOf(journal.entries), halt });
  expect(down.state, JSON.stringify([...down.outcomes])).toBe('finished');
  expect(told).toEqual(['patch osm-mesh-config', 'delete osm-controller', 'helm rollback', 'restart api']);
  expect(withoutEmpty(await steady(world))).toEqual(withoutEmpty(before));
  sane(run, journal.entries);
  expect(runState({ run, progress: progressOf([...journal.entries, { is: 'end', at: '', direction: 'undo', state: 'finished' }]) })).toBe(
    'undone',
  );
});

test('undone from where the run was cut behind helm', async () => {
  const all = objects();
  const run = await runOver(all);
  const { world, told } = worldOf(all);
  const journal = pages();
  await executeRun(run, { world, journal, progress: progressOf([]), halt });
  told.length = 0;
  const helm = run.stages.flatMap(({ steps }) => steps).find((step) => step.do === 'helm')!;
  const upTo = journal.entries.findIndex((entry) => entry.is === 'outcome' && entry.step === helm.id);
  const cut = journal.entries.slice(0, upTo);
  const down = await executeUndo(run, { world, journal: pages(), progress: progressOf(cut), halt });
  expect(down.state, JSON.stringify([...down.outcomes])).toBe('finished');
  expect(told.slice(0, 2)).toEqual(['delete osm-controller', 'helm rollback']);
});
