// Which way a Pod is restarted hangs on the API group of its owner, not on its kind alone (IsStaticIPPod in pkg/podmanager/utils.go).
import { expect, test } from 'vitest';
import { wait } from '../../../src/engine/steps/wait.ts';
import { restartOf } from '../../../src/systems/spiderpool/restart.ts';
import { podRow } from '../../../src/systems/spiderpool/rows.ts';

const held = (apiVersion: string, kind: string) => {
  const raw = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name: 'db-0',
      uid: 'u',
      ownerReferences: [{ apiVersion, kind, name: 'db', uid: 'o', controller: true }],
    },
    spec: { nodeName: 'n1' },
    status: { phase: 'Running', podIP: '10.6.0.1' },
  };
  const endpoint = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderEndpoint', namespace: 'shop', name: 'db-0' };
  return { pod: podRow(raw), raw, claim: { address: '10.6.0.1', pool: 'p', interface: 'eth0', endpoint }, byPod: true };
};

test.each([
  ['apps/v1', 'StatefulSet', 'endpoint-first'],
  ['apps.kruise.io/v1beta1', 'StatefulSet', 'evict'],
  ['apps/v1', 'ReplicaSet', 'evict'],
])('%s %s: %s', (apiVersion, kind, way) => expect(restartOf(held(apiVersion, kind), []).way).toBe(way));

test('a wait on an object without a name is refused', async () => {
  const on = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: 'kube-system', name: '' };
  const step = { id: '1', after: [], reasons: [], do: 'wait', until: [{ on, must: 'exist' }], within: 1, assume: [] } as const;
  const common = { guard: [], undo: 'none', text: { en: 'wait', zh: '等待' } } as const;
  const look = await wait.look({ ...step, ...common, after: [], reasons: [], until: [...step.until], assume: [], guard: [] }, {} as never);
  expect(look.is).toBe('refused');
});
