// Kills of the osm-edge remedies that change objects in place, each over the objects of its fixture: MeshConfig, CRD, webhook configurations, Deployments. Nothing of the mesh runs here: there are no Nodes.
// The restarts (webhook-certificate, crds-current) and the upgrade are killed in test/control/osm-edge.test.ts, where what they wait for is played.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
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

/** `over`: what lies over the healthy installation. */
function scene(name: string, writes: string[], undoWrites: string[], { over = read(`${name}/found.yaml`) }: { over?: Body[] } = {}): void {
  const check = `osm-edge/${name}`;
  const flags = flagsOf(check, 'found');
  const objects = objectsOf(over).toSorted(crdFirst);
  const around = (middle: string[]) => ['POST leases', ...middle, 'DELETE leases'];
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
    name: check,
    fix: ['fix', check, ...flags],
    writes: around(writes),
    undoWrites: around(undoWrites),
    reset: () => cluster.apply(...objects),
    state,
    fixed: async (before) => {
      expect(await state()).not.toEqual(before);
      const { stdout, stderr } = await run(['check', check, ...flags, '-o', 'json'], { kubeconfig: cluster.kubeconfig, home: newHome() });
      const { checks } = JSON.parse(stdout || JSON.stringify(stderr));
      expect(checks.flatMap(({ findings }: Body) => findings)).toEqual([]);
    },
    undone: async (before) => expect(await state()).toEqual(before),
  });
}

const PATCH = ['PATCH meshconfigs'];

scene('mesh-config-fields', PATCH, PATCH);
scene('mesh-config-override', PATCH, PATCH);
scene('certificate-duration', PATCH, PATCH);
scene('sidecar-image', PATCH, PATCH);
scene('conversion-webhook', ['PATCH customresourcedefinitions'], ['PATCH customresourcedefinitions']);
scene('webhook-leftovers', ['DELETE mutatingwebhookconfigurations'], ['POST mutatingwebhookconfigurations']);
scene('selector-immutable', ['DELETE deployments'], ['POST deployments']);
// Without the image of Prometheus, which is a value of the next upgrade.
const addOns = read('addon-images/found.yaml').filter(({ metadata: { name } }) => name !== 'osm-prometheus');
scene('addon-images', ['DELETE deployments'], ['POST deployments'], { over: addOns });
const injector = structuredClone(INSTALLED.find(({ metadata: { name } }) => name === 'osm-injector')!);
injector.spec.template.spec.containers[0].image = 'flomesh/osm-edge-injector:1.1.1';
scene('cli-parameters', ['PATCH deployments'], ['PATCH deployments'], { over: [injector] });
