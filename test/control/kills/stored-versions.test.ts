// Kills of kubernetes/crd-stored-versions: what etcd holds is read from etcd itself, since every API server converts what it returns.
// The older version's objects are written while it is the storage version; then the CRD stores the newer one, and no one has rewritten them.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { newHome, run } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { bed } from '../../bed/index.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const CHECK = 'kubernetes/crd-stored-versions';
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 50 });

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com';
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';
const schema = {
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: { size: { type: 'string' }, written: { type: 'string' } } } },
  },
};
/** One webhook is closed for good; with the status as a subresource nothing asks it. */
const definition = (storage: string, status: boolean) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced' },
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: ['v1beta1', 'v1'].map((name) => ({
      ...{ name, served: true, storage: name === storage, schema },
      ...(status ? { subresources: { status: {} } } : {}),
    })),
  },
});
const widget = (name: string) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  spec: { size: 'large' },
});

/** apiVersion of each object as etcd holds it, by its key's last part. */
async function inEtcd(): Promise<Record<string, string>> {
  const prefix = '/registry/example.com/widgets/';
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const answer = await fetch(`${cluster.etcd}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key: base64(prefix), range_end: base64(prefix.replace(/\/$/, '0')) }),
  });
  const { kvs = [] } = (await answer.json()) as { kvs?: { key: string; value: string }[] };
  const text = (value: string) => Buffer.from(value, 'base64').toString();
  return Object.fromEntries(kvs.map(({ key, value }) => [text(key).split('/').at(-1)!, JSON.parse(text(value)).apiVersion]));
}
const storedVersions = async (): Promise<string[]> => (await cluster.request('GET', CRD)).body.status.storedVersions;

/** Every object stored in v1beta1, and the CRD stores v1. */
async function behind(names: string[], status = true): Promise<void> {
  await cluster.apply(definition('v1beta1', status));
  await soon(async () => {
    for (const name of names) await cluster.apply({ ...widget(name), spec: { size: 'large', written: `${performance.now()}` } });
    await cluster.apply(...names.map(widget));
    expect(await inEtcd()).toEqual(Object.fromEntries(names.map((name) => [name, 'example.com/v1beta1'])));
  });
  await cluster.apply(definition('v1', status));
  await cluster.request('PATCH', `${CRD}/status`, { status: { storedVersions: ['v1beta1', 'v1'] } });
  await soon(async () => {
    const probe = widget('probe');
    await cluster.apply(probe);
    expect((await inEtcd()).probe).toBe('example.com/v1');
    await cluster.remove(probe);
  });
}
const steady = async () => {
  const { items } = (await cluster.request('GET', WIDGETS)).body as { items: Body[] };
  return {
    stored: await storedVersions(),
    objects: items.map(({ metadata: { resourceVersion: _, managedFields: __, ...metadata }, ...rest }) => ({ metadata, ...rest })),
  };
};
const NAMES = ['one', 'three', 'two'];

sweeps.remedy({
  name: CHECK,
  fix: ['fix', CHECK],
  writes: ['POST leases', ...NAMES.map(() => 'PATCH widgets/status'), 'PATCH customresourcedefinitions/status', 'DELETE leases'],
  undoWrites: ['POST leases', 'PATCH customresourcedefinitions/status', 'DELETE leases'],
  reset: () => behind(NAMES),
  state: steady,
  fixed: async ({ objects }) => {
    expect(await inEtcd()).toEqual(Object.fromEntries(NAMES.map((name) => [name, 'example.com/v1'])));
    expect(await steady()).toEqual({ stored: ['v1'], objects });
  },
  undone: async (before) => expect(await steady()).toEqual(before),
});

describe('a webhook that no one answers', () => {
  const hook = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'closed' },
    webhooks: [
      {
        ...{ name: 'closed.example.com', failurePolicy: 'Fail', admissionReviewVersions: ['v1'], sideEffects: 'None', timeoutSeconds: 1 },
        clientConfig: { service: { namespace: 'default', name: 'nobody' } },
        rules: [{ apiGroups: ['example.com'], apiVersions: ['*'], operations: ['UPDATE'], resources: ['widgets'] }],
      },
    ],
  };
  const closed = async (home: string) => {
    await cluster.apply(hook);
    await soon(async () => expect((await cluster.request('PATCH', `${WIDGETS}/one`, { spec: { size: 'small' } })).status).toBe(500));
    return run(['fix', CHECK, '--yes'], { kubeconfig: cluster.kubeconfig, home });
  };
  beforeAll(async () => {
    await cluster.request('DELETE', CRD);
    await soon(async () => expect((await cluster.request('GET', CRD)).status).toBe(404));
  });

  test('is not asked where the status is a subresource; where it is, the object is named, nothing is trimmed, and it can be resumed', async () => {
    await behind(NAMES);
    const through = await closed(newHome());
    expect(through.code, through.stdout + through.stderr).toBe(0);
    expect(await storedVersions()).toEqual(['v1']);
    await cluster.remove(hook);
    await cluster.request('DELETE', CRD);
    await soon(async () => expect((await cluster.request('GET', CRD)).status).toBe(404));
    await behind(NAMES, false);
    const home = newHome();
    const refused = await closed(home);
    expect(refused.stdout + refused.stderr).toMatch(/Widget default\/(one|two|three): .*failed calling webhook/);
    expect(await storedVersions()).toEqual(['v1beta1', 'v1']);
    await cluster.remove(hook);
    await soon(async () =>
      expect((await cluster.request('PATCH', `${WIDGETS}/one?dryRun=All`, { spec: { size: 'small' } })).status).toBe(200),
    );
    const words = refused.code === 4 ? ['resume', '--yes'] : ['fix', CHECK, '--yes'];
    const { code, stdout, stderr } = await run(words, { kubeconfig: cluster.kubeconfig, home });
    expect(code, stdout + stderr).toBe(0);
    expect(await inEtcd()).toEqual(Object.fromEntries(NAMES.map((name) => [name, 'example.com/v1'])));
    expect(await storedVersions()).toEqual(['v1']);
  });
});
