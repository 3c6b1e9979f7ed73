// The stages of an upgrade of osm-edge: what they hold, in which order, and on which paths.
import { describe, expect, test } from 'vitest';
import type { HelmUpgrade } from '../../../src/chart/intent.ts';
import type { Raw, Ref, StepDraft } from '../../../src/engine/contracts.ts';
import { stages } from '../../../src/systems/osm-edge/upgrade.ts';

const config = {
  apiVersion: 'config.openservicemesh.io/v1alpha2',
  kind: 'MeshConfig',
  metadata: { name: 'osm-mesh-config', namespace: 'osm-system', uid: 'u1' },
  spec: { sidecar: { sidecarClass: 'pipy' }, traffic: { enableEgress: true } },
};
const replicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'osm-controller-5d', namespace: 'osm-system', uid: 'rs1', labels: { app: 'osm-controller' } },
  spec: { replicas: 1 },
};

const upgrade = (version: string): HelmUpgrade => ({
  release: { namespace: 'osm-system', name: 'osm', revision: 3, status: 'deployed' },
  chart: { path: '/charts/osm-edge', name: 'osm-edge', version, digest: 'd' },
  values: {},
  reuse: false,
  kept: {
    on: { apiVersion: 'v1', kind: 'Secret', namespace: 'osm-system', name: 'upgrade-guard-r' },
    digest: 'd',
    given: false,
    config: 'c',
  },
  rights: [],
});

async function stepsFrom(from: string, to: string): Promise<StepDraft[]> {
  const drafts = await stages({
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
      get: async (ref: Ref) => (ref.kind === 'MeshConfig' ? config : undefined) as Raw | undefined,
      list: async (_query, sink) => void sink.object(replicaSet),
    },
    intended: upgrade(to),
  });
  return drafts.flatMap(({ steps }) => steps);
}
const shown = (steps: readonly StepDraft[]): string[] => steps.map((step) => `${step.do}${'on' in step ? ` ${step.on.kind}` : ''}`);

describe('stages', () => {
  test('over 1.3.0: the MeshConfig is patched once the CRD is new, the old ReplicaSet goes once the new controller is ready, Pods are restarted last', async () => {
    const steps = await stepsFrom('1.2.3', '1.3.9');
    expect(shown(steps)).toEqual([
      'keep Secret',
      'backup',
      'helm',
      'wait',
      'patch MeshConfig',
      'wait',
      'forget Secret',
      'delete ReplicaSet',
      'manual',
    ]);
    const patch = steps.find((step) => step.do === 'patch')!;
    expect(patch.after?.map((step) => step.do)).toEqual(['wait']);
    expect(patch.do === 'patch' && patch.changes.map(({ path }) => path)).toEqual([
      '/spec/traffic/interceptionMode',
      ...['inbound-tcp', 'inbound-http', 'outbound-tcp', 'outbound-http'].map((chain) => `/spec/pluginChains/${chain}`),
    ]);
    expect(patch.do === 'patch' && patch.changes.every(({ after }) => after !== undefined)).toBe(true);
  });
  test('within 1.3: neither', async () => {
    expect(shown(await stepsFrom('1.3.0', '1.3.9'))).toEqual(['keep Secret', 'backup', 'helm', 'wait', 'forget Secret', 'manual']);
    // The same sidecar in both: nothing to restart.
    expect(shown(await stepsFrom('1.3.7', '1.3.8'))).toEqual(['keep Secret', 'backup', 'helm', 'wait', 'forget Secret']);
  });
});
