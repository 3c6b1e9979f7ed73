// Kills of kubernetes/crd-stored-versions: what etcd holds is read from etcd itself, since every API server converts what it returns.
// The older version's objects are written while it is the storage version; then the CRD stores the newer one, and no one has rewritten them.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hastened, newHome, run, start } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { LEASE } from '../scene.ts';
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
/** The CRD with its custom resources; the API server of 1.37 may take half a minute to do the same when the CRD alone is deleted. */
async function withoutWidgets(): Promise<void> {
  await cluster.request('DELETE', WIDGETS);
  await cluster.remove({ ...definition('v1', true), metadata: { name: 'widgets.example.com' } });
}

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

describe('more than a page of custom resources', () => {
  const MANY = Array.from({ length: 1100 }, (_, i) => `w-${String(i).padStart(4, '0')}`);
  const allAt = (version: string) => Object.fromEntries(MANY.map((name) => [name, `example.com/${version}`]));
  const eightAtATime = async (task: (name: string) => Promise<unknown>) => {
    const open = [...MANY];
    const worker = async () => {
      for (let name = open.shift(); name !== undefined; name = open.shift()) await task(name);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  };
  let proxy: FaultProxy;
  let kubeconfig: string;
  const rewrites = () => proxy.seen.filter(({ method, path }) => method === 'PATCH' && /\/widgets\/[^/]+\/status/.test(path));

  beforeAll(async () => {
    proxy = await startFaultProxy(cluster);
    kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
    await withoutWidgets();
    await behind(['w-0000']);
    await cluster.apply(definition('v1beta1', true));
    await soon(async () => {
      await cluster.apply({ ...widget('w-0000'), spec: { size: 'large', written: `${performance.now()}` } });
      expect((await inEtcd())['w-0000']).toBe('example.com/v1beta1');
    });
    await eightAtATime((name) => cluster.request('POST', WIDGETS, widget(name)));
    await cluster.apply(definition('v1', true));
    await cluster.request('PATCH', `${CRD}/status`, { status: { storedVersions: ['v1beta1', 'v1'] } });
    expect(await inEtcd()).toEqual(allAt('v1beta1'));
  }, 120_000);
  afterAll(() => proxy.close());

  test('throttled, it rests; killed, it continues where it was; the CRD is trimmed once all are written, and not while it changes', async () => {
    // Not faster: a request is held for 1.5 s, which the Lease has to outlast on a busy machine.
    const home = newHome();
    const busy: Fault = {
      do: 'answer',
      status: 429,
      headers: { 'retry-after': '1' },
      method: 'PATCH',
      path: /\/widgets\//,
      nth: 200,
      times: 4,
    };
    const cut = start(['fix', CHECK, '--yes'], { kubeconfig, home, input: '', env: hastened(5) });
    proxy.faults.push(busy, { do: 'hold', method: 'PATCH', path: /\/widgets\//, nth: 700, andThen: cut.kill });
    expect((await cut.ended).signal).toBe('SIGKILL');
    proxy.faults.length = 0;
    const before = rewrites().length;
    expect(before).toBeGreaterThan(600);
    expect(await storedVersions()).toEqual(['v1beta1', 'v1']);

    // Another field of the CRD changes while objects are rewritten: what was written before no longer counts.
    proxy.faults.push({
      ...{ do: 'delay', ms: 1500, method: 'PATCH', path: /\/widgets\//, nth: 100 },
      andThen: () => void cluster.request('PATCH', CRD, { spec: { names: { shortNames: ['wdg'] } } }),
    });
    const stopped = await run(['resume', '--yes'], { kubeconfig, home, env: hastened(5) });
    expect([stopped.code, stopped.stdout + stopped.stderr]).toEqual([
      4,
      expect.stringContaining('the CRD was changed while its custom resources were rewritten'),
    ]);
    expect(await storedVersions()).toEqual(['v1beta1', 'v1']);
    // It went on behind what was certain: the last mark, which a busy machine may have written a second before the kill.
    expect(rewrites().length - before).toBeLessThan(MANY.length - 200);

    const ended = await run(['resume', '--yes'], { kubeconfig, home, env: hastened(5) });
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(await storedVersions()).toEqual(['v1']);
    expect(await inEtcd()).toEqual(allAt('v1'));
    await withoutWidgets();
  }, 120_000);
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
    return run(['fix', CHECK, '--yes'], { kubeconfig: cluster.kubeconfig, home, env: hastened(5) });
  };
  beforeAll(async () => {
    // What a test before this one may have left.
    await cluster.request('DELETE', LEASE);
    await withoutWidgets();
  });

  test('is not asked where the status is a subresource; where it is, the object is named, nothing is trimmed, and it can be resumed', async () => {
    await behind(NAMES);
    const through = await closed(newHome());
    expect(through.code, through.stdout + through.stderr).toBe(0);
    expect(await storedVersions()).toEqual(['v1']);
    await cluster.remove(hook);
    await withoutWidgets();
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

test('the role that rbac --for fix prints for what is found now is enough to fix it, custom resources included', async () => {
  await behind(NAMES);
  try {
    const printed = await run(['rbac', '--for', 'fix', '--bind-to', 'user/user-7'], { kubeconfig: cluster.kubeconfig });
    const applied = await cluster.kubectl(['apply', '-f', '-'], { input: printed.stdout });
    expect(applied.code, printed.stderr + applied.stderr).toBe(0);
    const fixed = await run(['fix', CHECK, '--yes'], { kubeconfig: await cluster.user('user-7'), home: newHome() });
    expect([fixed.code, await storedVersions()], fixed.stderr).toEqual([0, ['v1']]);
  } finally {
    await withoutWidgets();
  }
});
