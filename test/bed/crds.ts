// CRDs: small ones of our own, installed until they are really served, removed until they are really gone; and those of charts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import type { Client } from './client.ts';
import type { Bed } from './index.ts';

export type CrdName = 'plans-v1' | 'spiderendpoints-v1' | 'spiderendpoints-v2beta1' | 'spiderippools-v2beta1';
type Crd = { metadata: { name: string }; spec: { group: string; names: { plural: string; kind: string }; versions: { name: string }[] } };

const crdOf = (name: CrdName): Crd & { apiVersion: string; kind: string } =>
  parse(readFileSync(join(import.meta.dirname, 'crds', `${name}.yaml`), 'utf8'));

/** Answers when discovery names it and lists work. */
export async function installCrd(client: Client, name: CrdName): Promise<void> {
  const crd = crdOf(name);
  await client.apply(crd);
  const { group, names, versions } = crd.spec;
  const base = `/apis/${group}/${versions[0]?.name}`;
  let goodLists = 0;
  await until(`${crd.metadata.name} is served`, async () => {
    const discovered = await client.request('GET', base);
    const listed = await client.request('GET', `${base}/${names.plural}?limit=1`);
    // On 1.37 lists fail for a moment after a CRD changed, now and then after a first good one.
    goodLists = discovered.status === 200 && listed.status === 200 ? goodLists + 1 : 0;
    return goodLists === 3;
  });
}

/** With all its objects. Answers when discovery has forgotten it. */
export async function removeCrd(client: Client, name: CrdName): Promise<void> {
  const crd = crdOf(name);
  const { group, names, versions } = crd.spec;
  const apiVersion = `${group}/${versions[0]?.name}`;
  const { status, body } = await client.request('GET', `/apis/${apiVersion}/${names.plural}`);
  if (status === 200) await client.remove(...body.items);
  await client.remove(crd);
  await until(`${crd.metadata.name} is gone`, async () => (await client.request('GET', `/apis/${apiVersion}`)).status === 404);
}

/** Those in a folder of a chart, over what an earlier chart left there: to delete them takes an API server of 1.37 over a minute now and then. */
export async function layCrds({ kubectl }: Pick<Bed, 'kubectl'>, folder: string): Promise<void> {
  const there = (await kubectl(['get', '-f', folder])).code === 0;
  // Where only some are there, those that are new are made, and all are replaced.
  if (!there) await kubectl(['create', '-f', folder]);
  const established = await kubectl(['wait', '--for=condition=Established', '-f', folder, '--timeout=60s']);
  const laid = established.code ? established : await kubectl(['replace', '-f', folder]);
  if (laid.code) throw new Error(`laying ${folder}: ${laid.stderr}`);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`timed out after 30 s waiting until ${what}`);
    await sleep(50);
  }
}
