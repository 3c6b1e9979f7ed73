// Brings a control plane back to how it was at its start, so that every test file finds the same cluster.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ObjectRef } from './client.ts';

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';
/** Made by controllers in every namespace, or alive by themselves: they come and go without any test. */
const OWN_LIFE =
  /^(Event|ConfigMap\/[^/]+\/kube-root-ca\.crt|ServiceAccount\/[^/]+\/default|Lease\/kube-system\/(apiserver|kube-).*)(\/|$)/;

/** Removes every object that is not in the baseline; the first call writes the baseline instead. */
export async function reset(client: Client, baseline: string): Promise<void> {
  const limit = Date.now() + 60_000;
  if (!existsSync(baseline)) {
    writeFileSync(baseline, JSON.stringify((await everything(client)).map(nameOf)));
    return;
  }
  const known = new Set<string>(JSON.parse(readFileSync(baseline, 'utf8')));
  for (;;) {
    const extra = (await everything(client)).filter((object) => !known.has(nameOf(object)) && !OWN_LIFE.test(nameOf(object)));
    if (!extra.length) return;
    if (Date.now() > limit) throw new Error(`these objects of an earlier test file do not go away: ${extra.map(nameOf).join(', ')}`);
    // Webhooks first, as they might refuse the rest; then the contents, before the CRDs and namespaces that hold them.
    for (const wave of [0, 1, 2])
      await Promise.all(extra.filter((object) => waveOf(object) === wave).map((object) => client.remove(object)));
    // Controllers may still answer to what went, with new objects or with deletions of their own.
    await sleep(50);
  }
}

function waveOf({ kind }: ObjectRef): number {
  if (/^(Validating|Mutating)(Webhook|AdmissionPolicy)/.test(kind) || kind === 'APIService') return 0;
  return kind === 'CustomResourceDefinition' || kind === 'Namespace' ? 2 : 1;
}

const nameOf = ({ kind, metadata }: ObjectRef) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;

/** Every object of every kind that can be listed and deleted, by its preferred version. */
async function everything(client: Client): Promise<ObjectRef[]> {
  const groups = (await client.request('GET', '/apis')).body.groups.map(
    (group: { preferredVersion: { groupVersion: string } }) => group.preferredVersion.groupVersion,
  );
  const lists = ['v1', ...groups].map(async (apiVersion: string) => {
    const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
    const { body } = await client.request('GET', base);
    const resources = (body.resources ?? []).filter(
      ({ name, verbs }: { name: string; verbs: string[] }) => !name.includes('/') && verbs.includes('list') && verbs.includes('delete'),
    );
    return Promise.all(
      resources.map(({ name, kind }: { name: string; kind: string }) => listed(client, `${base}/${name}`, apiVersion, kind)),
    );
  });
  return (await Promise.all(lists)).flat(2);
}

async function listed(client: Client, path: string, apiVersion: string, kind: string): Promise<ObjectRef[]> {
  const limit = Date.now() + 20_000;
  let answer = await client.request('GET', path, undefined, undefined, METADATA_ONLY);
  // "storage is (re)initializing": lists of a kind fail for a moment after its CRD changed.
  while ((answer.status === 429 || answer.status >= 500) && Date.now() < limit) {
    await sleep(200);
    answer = await client.request('GET', path, undefined, undefined, METADATA_ONLY);
  }
  const { status, body } = answer;
  if (status === 404) return [];
  if (status !== 200) throw new Error(`could not list ${path}: ${status} ${body?.message ?? body}`);
  // An empty metadata-only list has null here.
  return (body.items ?? []).map(({ metadata }: ObjectRef) => ({
    apiVersion,
    kind,
    metadata: { name: metadata.name, namespace: metadata.namespace },
  }));
}
