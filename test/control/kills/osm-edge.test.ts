// Kills of the osm-edge remedies that change objects in place, each over the objects of its fixture: MeshConfig, CRD, webhook configurations, Deployments, the record of a release; and of the evictions.
// Nothing of the control plane runs here: the one Node takes the workload of the mesh alone.
// The restarts (webhook-certificate, crds-current) and the upgrade are killed in test/control/osm-edge.test.ts, where what they wait for is played.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Actor, startKubelet } from '../../bed/actors/index.ts';
import { newHome, run } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { bed } from '../../bed/index.ts';
import { flagsOf } from '../../fixtures.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const FIXTURES = join(import.meta.dirname, '../../fixtures/osm-edge');
const read = (file: string): Body[] =>
  parseAllDocuments(readFileSync(join(FIXTURES, file), 'utf8')).map((document) => {
    const { metadata, status: _, ...rest } = document.toJS();
    const { uid: __, ...kept } = metadata;
    return { metadata: kept, ...rest };
  });
const nameOf = ({ kind, metadata: { namespace = '', name } }: Body): string => `${kind}/${namespace}/${name}`;
const INSTALLED = read('installed.yaml');
/** What a fixture has lies over the healthy installation; Pods are left out, there is nothing to place them on. */
const objectsOf = (over: Body[]): Body[] =>
  [...new Map([...INSTALLED, ...over].map((object) => [nameOf(object), object])).values()].filter(({ kind }) => kind !== 'Pod');
const crdFirst = (a: Body, b: Body) => Number(b.kind === 'CustomResourceDefinition') - Number(a.kind === 'CustomResourceDefinition');

beforeAll(async () => {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'osm-system' } });
  const crd = INSTALLED.find(({ kind }) => kind === 'CustomResourceDefinition')!;
  await cluster.apply(crd);
  await vi.waitFor(
    async () => {
      const { conditions = [] } = (await cluster.get(crd as never))?.status ?? {};
      expect(conditions.some(({ type, status }: Body) => type === 'Established' && status === 'True')).toBe(true);
    },
    { timeout: 30_000, interval: 100 },
  );
});

interface Told {
  /** What lies over the healthy installation. */
  over?: Body[];
  /** Of several scenes of one check. */
  what?: string;
  /** As the check is run, if not as its page says. */
  flags?: string[];
  /** What an undo does not bring back, once it was written: the write, and the object. */
  lost?: { write: string; object: string };
}
const LEASED = (middle: string[]) => ['POST leases', ...middle, 'DELETE leases'];
/** What a check finds. */
async function findings(check: string, flags: string[]): Promise<Body[]> {
  const { stdout, stderr } = await run(['check', check, ...flags, '-o', 'json'], { kubeconfig: cluster.kubeconfig, home: newHome() });
  const { checks } = JSON.parse(stdout || JSON.stringify(stderr));
  return checks.flatMap(({ findings: found }: Body) => found);
}

function scene(
  name: string,
  writes: string[],
  undoWrites: string[],
  { over = read(`${name}/found.yaml`), what = '', flags = flagsOf(`osm-edge/${name}`, 'found'), lost }: Told = {},
): void {
  const check = `osm-edge/${name}`;
  const objects = objectsOf(over).toSorted(crdFirst);
  const state = async () =>
    Object.fromEntries(
      await Promise.all(
        objects.map(async (object) => {
          const { spec, data, webhooks, metadata } = (await cluster.get(object as never)) ?? {};
          return [nameOf(object), { spec, data, webhooks, labels: metadata?.labels }];
        }),
      ),
    );
  sweeps.remedy({
    name: what ? `${check}, ${what}` : check,
    fix: ['fix', check, ...flags],
    writes: LEASED(writes),
    undoWrites: LEASED(undoWrites),
    reset: () => cluster.apply(...objects),
    state,
    fixed: async (before) => {
      expect(await state()).not.toEqual(before);
      expect(await findings(check, flags)).toEqual([]);
    },
    undone: async (before, reached) => {
      const gone = lost && reached.includes(lost.write) ? { [lost.object]: {} } : {};
      expect(await state()).toEqual({ ...before, ...gone });
    },
  });
}

const PATCH = ['PATCH meshconfigs'];

scene('mesh-config-fields', PATCH, PATCH);
scene('mesh-config-override', PATCH, PATCH);
scene('certificate-duration', PATCH, PATCH);
scene('sidecar-image', PATCH, PATCH);
scene('conversion-webhook', ['PATCH customresourcedefinitions'], ['PATCH customresourcedefinitions']);
// Both were labelled by the first install.
const firstInstall = INSTALLED.filter(({ kind }) => kind.endsWith('WebhookConfiguration')).map((config) => {
  const { metadata, ...rest } = structuredClone(config);
  return { ...rest, metadata: { ...metadata, labels: { ...metadata.labels, 'app.kubernetes.io/version': '1.2.3' } } } as Body;
});
const LABELS = ['PATCH mutatingwebhookconfigurations', 'PATCH validatingwebhookconfigurations'];
scene('webhook-leftovers', LABELS, LABELS, {
  over: firstInstall,
  what: 'the labels of the first install',
  flags: ['--to', 'osm-edge=1.3.8'],
});
scene('webhook-leftovers', ['DELETE mutatingwebhookconfigurations'], ['POST mutatingwebhookconfigurations']);
// Its helm was interrupted an hour ago.
const anHourAgo = `${Math.floor(Date.now() / 1000) - 3600}`;
const records = read('release-deployed/found.yaml').map(({ metadata, ...record }) => ({
  ...record,
  metadata: { ...metadata, labels: { ...metadata.labels, createdAt: anHourAgo, modifiedAt: anHourAgo } },
}));
const PENDING = 'sh.helm.release.v1.osm.v2';
scene('release-deployed', ['DELETE secrets'], [], {
  over: records,
  lost: { write: 'DELETE secrets', object: `Secret/osm-system/${PENDING}` },
});
scene('selector-immutable', ['DELETE deployments'], ['POST deployments']);
// Without the image of Prometheus, which is a value of the next upgrade.
const addOns = read('addon-images/found.yaml').filter(({ metadata: { name } }) => name !== 'osm-prometheus');
scene('addon-images', ['DELETE deployments'], ['POST deployments'], { over: addOns });
const injector = structuredClone(INSTALLED.find(({ metadata: { name } }) => name === 'osm-injector')!);
injector.spec.template.spec.containers[0].image = 'flomesh/osm-edge-injector:1.1.1';
scene('cli-parameters', ['PATCH deployments'], ['PATCH deployments'], { over: [injector] });

// ---- Pods with an old sidecar ---------------------------------------------------------------------------------------

const NEW = 'flomesh/pipy:0.90.2-14';
const OLD = 'flomesh/pipy:0.70.0-46';
/** Nothing injects here: the template has the new sidecar already, and the Pods that its ReplicaSet adopts have the old one. */
const meshed = (image: string): Body => ({
  metadata: { labels: { app: 'web', 'osm-proxy-uuid': '0000-1' } },
  spec: {
    nodeSelector: { 'kubernetes.io/hostname': 'mesh' },
    tolerations: [{ key: 'mesh', operator: 'Exists' }],
    terminationGracePeriodSeconds: 0,
    initContainers: [{ name: 'osm-init', image: 'flomesh/osm-edge-sidecar-init:1.3.8' }],
    containers: [
      { name: 'app', image: 'shop/app:1' },
      { name: 'sidecar', image },
    ],
  },
});
const web: Body = {
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web-5d', namespace: 'shop' } },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: meshed(NEW) },
};
const shop: Body[] = [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { 'openservicemesh.io/monitored-by': 'osm' } },
  },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'shop' } },
];
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 100 });
/** Of each Pod that stays: its uid and its sidecar. */
async function sidecars(): Promise<Record<string, string>> {
  const { items } = (await cluster.request('GET', '/api/v1/namespaces/shop/pods')).body;
  const own = items.filter(({ metadata }: Body) => !metadata.deletionTimestamp);
  return Object.fromEntries(
    own.map(({ metadata, spec }: Body) => [metadata.uid, spec.containers.find(({ name }: Body) => name === 'sidecar').image]),
  );
}
const runs = (image: string) =>
  soon(async () => {
    expect(Object.values(await sidecars())).toEqual([image, image]);
    expect((await cluster.get(web)).status).toMatchObject({ readyReplicas: 2 });
  });

let kubelet: Actor;
beforeAll(async () => {
  kubelet = await startKubelet(cluster, { nodes: [{ name: 'mesh', taints: [{ key: 'mesh', effect: 'NoSchedule' }] }] });
});
afterAll(() => kubelet.stop());

sweeps.remedy({
  name: 'osm-edge/sidecar-restart-needed',
  fix: ['fix', 'osm-edge/sidecar-restart-needed'],
  writes: LEASED(['POST pods/eviction', 'POST pods/eviction']),
  // There is nothing to bring back.
  undoWrites: LEASED([]),
  async reset() {
    // Its injector does not run here, and with failurePolicy Fail no Pod would be created.
    const hooks = INSTALLED.filter(({ kind }) => kind.endsWith('WebhookConfiguration'));
    await cluster.remove(web, ...hooks, {
      apiVersion: hooks[0]!.apiVersion,
      kind: hooks[0]!.kind,
      metadata: { name: 'osm-webhook-old' },
    } as Body);
    await cluster.apply(...objectsOf([]).filter((object) => !hooks.includes(object)), ...shop);
    await soon(async () => expect(await sidecars()).toEqual({}));
    for (const name of ['web-a', 'web-b']) {
      const { metadata, spec } = meshed(OLD);
      await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, namespace: 'shop' }, spec } as Body);
    }
    await cluster.apply(web);
    await runs(OLD);
  },
  state: sidecars,
  fixed: async (before) => {
    await runs(NEW);
    expect(Object.keys(await sidecars()).filter((uid) => uid in before)).toEqual([]);
    expect(await findings('osm-edge/sidecar-restart-needed', [])).toEqual([]);
  },
  // An eviction is final; what was not evicted runs on.
  async undone(before, reached) {
    const evicted = reached.filter((write) => write === 'POST pods/eviction').length;
    expect(Object.keys(await sidecars()).filter((uid) => uid in before)).toHaveLength(2 - evicted);
  },
});
