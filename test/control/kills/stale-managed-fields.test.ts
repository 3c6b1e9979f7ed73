// Kills of kubernetes/stale-managed-fields: Issuers that were applied in a version which their CRD has dropped since, so that a real API server refuses to apply them. That it does is
// shown before; that it no longer does, after.
import { expect, vi } from 'vitest';
import type { Body } from '../../bed/client.ts';
import { bed } from '../../bed/index.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const CHECK = 'kubernetes/stale-managed-fields';
const NAMES = ['one', 'two'];
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 50 });

const ISSUERS = '/apis/cert-manager.io/v1/namespaces/default/issuers';
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/issuers.cert-manager.io';
const crd = (versions: string[]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'issuers.cert-manager.io' },
  spec: {
    ...{ group: 'cert-manager.io', scope: 'Namespaced' },
    names: { plural: 'issuers', singular: 'issuer', kind: 'Issuer', listKind: 'IssuerList' },
    versions: versions.map((name) => ({
      ...{ name, served: true, storage: name === 'v1' },
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
});
/** As Argo CD applies it. */
const applied = (name: string, version: string, how = '') =>
  cluster.request(
    'PATCH',
    `/apis/cert-manager.io/${version}/namespaces/default/issuers/${name}?fieldManager=argocd-controller&force=true${how}`,
    {
      apiVersion: `cert-manager.io/${version}`,
      kind: 'Issuer',
      metadata: { name, namespace: 'default' },
      spec: { selfSigned: {}, old: 'x' },
    },
    'application/apply-patch+yaml',
  );
/** Right after a change of its CRD they cannot be listed for a moment. */
const items = (): Promise<Body[]> =>
  soon(async () => {
    const { status, body } = await cluster.request('GET', ISSUERS);
    expect(status).toBe(200);
    return body.items;
  });
const writersOf = ({ metadata }: Body): string[] =>
  metadata.managedFields.map(({ manager, operation, apiVersion }: Body) => `${manager} ${operation} ${apiVersion}`);
const state = async () => (await items()).map((item) => ({ name: item.metadata.name, spec: item.spec, writers: writersOf(item) }));
/** Changes nothing: an apply of before the CRD is taken up would write the entry again. */
const TRIED = '&dryRun=All';

async function stale(): Promise<void> {
  await cluster.request('DELETE', CRD);
  await soon(async () => expect((await cluster.request('GET', CRD)).status).toBe(404));
  await cluster.apply(crd(['v1alpha2', 'v1']));
  for (const name of NAMES) await soon(async () => expect((await applied(name, 'v1alpha2')).status).toBe(201));
  await cluster.apply(crd(['v1']));
  await soon(async () => {
    const refused = await applied('one', 'v1', TRIED);
    expect([refused.status, refused.body.message]).toEqual([500, expect.stringContaining('convert CR to an invalid group/version')]);
  });
}

sweeps.remedy({
  name: CHECK,
  fix: ['fix', CHECK],
  writes: ['POST leases', ...NAMES.map(() => 'PATCH issuers'), 'DELETE leases'],
  // Nothing to undo: no API server takes the old entries.
  undoWrites: ['POST leases', 'DELETE leases'],
  reset: stale,
  state,
  fixed: async (before) => {
    const writers = ['argocd-controller Apply cert-manager.io/v1'];
    expect(await state()).toEqual(before.map((each) => ({ ...each, writers })));
    expect((await applied('one', 'v1', TRIED)).status).toBe(200);
  },
  undone: async (before) => {
    const now = await state();
    expect(now.map(({ name, spec }) => ({ name, spec }))).toEqual(before.map(({ name, spec }) => ({ name, spec })));
    for (const { writers } of now) expect(writers).toHaveLength(1);
  },
});
