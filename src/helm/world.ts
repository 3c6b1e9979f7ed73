// A world in which helm can be driven: releases are read from their records, upgrades and rollbacks go through the binary, and values lie in a Secret beside the release.
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type Gap,
  type HelmWrite,
  type Json,
  type Raw,
  type Ref,
  type ReleaseName,
  type Revision,
  type Source,
  type StepOf,
  type World,
  WorldError,
} from '../engine/contracts.ts';
import { DIGEST } from '../engine/steps/keep.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { pointerGet } from '../kube/pointer.ts';
import { oneLine } from '../text/sanitise.ts';
import { callHelm, type Helm, isHelmAlive } from './drive.ts';
import { history, type ReleaseRecord, releaseRecord } from './records.ts';
import { decodeRelease } from './release.ts';

/** Bytes; a Secret holds 1 MiB. */
const VALUES_MAX = 16 * 1024 * 1024;

export interface Means {
  source: Source;
  helm: Helm;
  /** The values of this call; a resumed run finds them in their Secret. */
  values?: Raw;
  /** What helm printed, redacted. */
  said(output: string): Promise<void>;
}

/** sha256 of values, hex; the order of keys does not count. */
export const digestOf = (values: Raw): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(values)))
    .digest('hex');

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRaw(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key]!)]),
  );
}

export function helmWorld(world: World, means: Means): World {
  return {
    ...world,
    helm: {
      revisions: (release) => revisions(release, means.source),
      isAlive: isHelmAlive,
    },
    write: async (write, options) => {
      if (write.verb !== 'helm' && write.verb !== 'keep') return world.write(write, options);
      if (write.verb === 'keep') return world.write({ verb: 'create', object: secretOf(write, means.values) }, options);
      if (write.clear !== undefined) await clear(write.step.release, write.clear, world, means.source);
      return drive(write.step, world, means);
    },
  };
}

// ---- values ---------------------------------------------------------------------------------------------------------

function secretOf({ on, digest }: Extract<HelmWrite, { verb: 'keep' }>, values: Raw | undefined): Raw {
  if (!values)
    throw new WorldError('refused', 'the values were only known to the command that began this run; nothing was changed yet: begin anew');
  const { namespace, name } = on;
  const packed = gzipSync(JSON.stringify(values)).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace: namespace!,
      name,
      labels: { 'app.kubernetes.io/managed-by': 'upgrade-guard' },
      annotations: { [DIGEST]: digest },
    },
    type: 'upgrade-guard/values',
    immutable: true,
    data: { values: packed },
  };
}

async function keptValues(on: Ref, digest: string, world: World): Promise<Raw> {
  const packed = pointerGet((await world.get(on)) ?? {}, '/data/values');
  if (typeof packed !== 'string') throw new WorldError('refused', `the values are gone: there is no Secret ${on.namespace}/${on.name}`);
  const values = parseJson(gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: VALUES_MAX }).toString('utf8'));
  if (!isRaw(values) || digestOf(values) !== digest)
    throw new WorldError('refused', `Secret ${on.namespace}/${on.name} holds other values`);
  return values;
}

// ---- releases -------------------------------------------------------------------------------------------------------

async function records({ namespace, name }: ReleaseName, source: Source): Promise<ReleaseRecord[]> {
  const found: ReleaseRecord[] = [];
  for (const resource of ['secrets', 'configmaps']) {
    const here: ReleaseRecord[] = [];
    const gap = await source.list(
      { resource, labels: `owner=helm,name=${name}`, fields: ['metadata.labels'] },
      {
        object: (object) => {
          const record = releaseRecord(object);
          if (record) here.push(record);
        },
        restart: () => {
          here.length = 0;
        },
      },
    );
    if (gap) throw unseen(gap);
    found.push(...here);
  }
  return history(found, namespace, name);
}

const unseen = ({ why, detail = '', resource }: Gap): WorldError =>
  new WorldError(why === 'forbidden' ? 'forbidden' : 'unanswered', oneLine(`${resource}: ${detail}`));

const refOf = ({ kind, namespace, object }: ReleaseRecord): Ref => ({ apiVersion: 'v1', kind, namespace, name: object });

async function revisions(release: ReleaseName, source: Source): Promise<Revision[]> {
  const [newest, ...older] = await records(release, source);
  if (!newest) return [];
  const object = await source.get(refOf(newest));
  if (object && 'why' in object) throw unseen(object as unknown as Gap);
  const decoded = object && decodeRelease(object);
  if (!decoded || 'why' in decoded)
    throw new WorldError('unanswered', oneLine(`revision ${newest.revision}: ${decoded?.why ?? 'it has just gone'}`));
  const description = pointerGet(decoded.raw, '/info/description');
  return [
    {
      revision: newest.revision,
      status: decoded.status,
      chart: `${decoded.chart.name}-${decoded.chart.version}`,
      digest: digestOf(decoded.config),
      description: typeof description === 'string' ? oneLine(description, 500) : undefined,
    },
    ...older.map(({ revision, status }) => ({ revision, status })),
  ];
}

/** Takes away the record of a revision that was cut, if it is still pending and still the newest. */
async function clear(release: ReleaseName, revision: number, world: World, source: Source): Promise<void> {
  const [newest] = await records(release, source);
  if (newest?.revision !== revision || !newest.status.startsWith('pending-'))
    throw new WorldError('conflict', `revision ${revision} is not pending any more`);
  const now = await world.get(refOf(newest));
  if (!now) return;
  const { uid, resourceVersion } = now.metadata as { uid: string; resourceVersion: string };
  await world.write({ verb: 'delete', on: { ...refOf(newest), uid }, resourceVersion });
}

// ---- helm -----------------------------------------------------------------------------------------------------------

/**
 * helm 4 applies on the server what it once installed so, and stops half-way at a field that somebody else has written since: spiderpool-init writes into a ConfigMap
 * of the chart. helm 3 puts the chart's value there without a word, and so do we with both.
 */
async function overOthers(from: ReleaseRecord | undefined, source: Source): Promise<string[]> {
  const object = from && (await source.get(refOf(from)));
  const decoded = object && !('why' in object) ? decodeRelease(object) : undefined;
  return decoded && !('why' in decoded) && decoded.raw.apply_method === 'ssa' ? ['--force-conflicts'] : [];
}

/** Answers with who the newest record is, whatever state helm left it in: a look tells. Throws where helm refused before it changed anything. */
async function drive(step: StepOf<'helm'>, world: World, { helm, said, source }: Means): Promise<Raw> {
  const { namespace, name } = step.release;
  const [was, ...older] = await records(step.release, source);
  const from = [was, ...older].find((record) => record?.revision === step.from);
  const common = ['--namespace', namespace, '--timeout', `${step.within}s`, ...(await overOthers(from, source))];
  const { code, output } =
    step.action === 'rollback'
      ? await callHelm(helm, ['rollback', name, String(step.from), ...common])
      : await callHelm(
          helm,
          // All values are on standard input: nothing of the release's own is to be mixed in again.
          ['upgrade', name, step.chart.path, ...common, '--reset-values', '--values', '-'],
          JSON.stringify(await keptValues(step.values, step.digest, world)),
        );
  await said(output);
  const [newest] = await records(step.release, source);
  if (code && newest?.revision === was?.revision)
    throw new WorldError('refused', oneLine(`helm ${step.action}: ${output.trim().split('\n').at(-1)}`, 600));
  return { apiVersion: 'v1', kind: newest?.kind ?? 'Secret', metadata: { namespace, name: newest?.object ?? name } };
}
