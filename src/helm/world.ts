// A world in which helm can be driven: releases are read from their records, upgrades and rollbacks go through the binary, and values lie in a Secret beside the release.
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type Beside,
  type Gap,
  type HelmProgram,
  type HelmWrite,
  isApiWrite,
  type Json,
  type Raw,
  type Ref,
  type ReleaseName,
  type Revision,
  type Source,
  type StepOf,
  type Text,
  type World,
  WorldError,
} from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { DIGEST } from '../engine/steps/keep.ts';
import { bare } from '../engine/steps/objects.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { pointerGet } from '../kube/pointer.ts';
import { keyOf } from '../kube/refs.ts';
import { REDACTED } from '../text/redact.ts';
import { oneLine } from '../text/sanitise.ts';
import { documentsOf, objectsIn } from './manifest.ts';
import { withValues } from './record-text.ts';
import { history, lastWritten, type ReleaseRecord, releaseRecord } from './records.ts';
import { decodeRelease, objectAt, packedRecord, type Release, recordText, textAt } from './release.ts';
import { isRevision, withRecords } from './revise.ts';
import { valuesInput } from './values.ts';

/** In the run's folder. */
const OUTPUT_FILE = 'helm.log';
const SNAPSHOT_FILE = 'before.tar.gz';
/** Bytes; a Secret holds 1 MiB. */
const VALUES_MAX = 16 * 1024 * 1024;

export interface HelmAccess {
  source: Source;
  /** Looked for when it is needed. `records`: the kind of the objects that the release lies in. */
  helm(records: string): Promise<HelmProgram>;
  /** Whether a helm on this machine is working on it. */
  isAlive(release: ReleaseName): Promise<boolean>;
  /** The values of this call; a resumed run finds them in their Secret. */
  values?: Raw;
  /** Writes a redacted snapshot of what was looked at into this file; only the command that has looked can. */
  snapshot?(file: string): Promise<void>;
  /** The run's own folder: what helm printed goes there, redacted, and backups. */
  beside: Beside;
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

const NOT_TRIED: Text = { en: 'not possible in a dry run', zh: '无法试运行' };

export function helmWorld(plain: World, means: HelmAccess): World {
  const world = withRecords(plain);
  return {
    ...world,
    helm: {
      newest: (release) => newestOf(release, means.source),
      isAlive: means.isAlive,
    },
    hasBackup: (file) => means.beside.has(file),
    write: async (write, options) => {
      if (isApiWrite(write) || isRevision(write)) return world.write(write, options);
      if (options?.dryRun && write.verb !== 'keep') throw new WorldError('blocked', NOT_TRIED);
      if (write.verb === 'backup') return backup(write, means);
      if (write.verb === 'keep') return world.write({ verb: 'create', object: secretOf(write, await valuesFor(write, means)) }, options);
      if (write.verb === 'unpend') {
        await clear(write.release, write.revision, world, means.source);
        return undefined;
      }
      const { action, release, from } = write.step;
      // The record of our own upgrade says what it may have made: helm rolls back from it.
      const rollsBackFrom = action === 'rollback' ? from + 1 : undefined;
      if (write.clear !== undefined && write.clear !== rollsBackFrom) await clear(release, write.clear, world, means.source);
      if (action === 'rollback') await complete(write.step, world, means.source);
      return drive(write.step, world, means);
    },
  };
}

// ---- backup ---------------------------------------------------------------------------------------------------------

/** A stream of documents that kubectl takes: JSON is YAML. Without what a server gives to an object. */
async function backup(
  { resources, file }: Extract<HelmWrite, { verb: 'backup' }>,
  { source, beside, snapshot }: HelmAccess,
): Promise<undefined> {
  await snapshot?.(`${beside.folder}/${SNAPSHOT_FILE}`);
  await beside.write(file, async (into) => {
    for (const resource of resources) {
      into.mark();
      const gap = await source.list(
        { resource, fields: 'whole' },
        { object: (object) => into.text(`---\n${JSON.stringify(bare(object))}\n`), restart: () => into.begin() },
      );
      if (gap) throw unseen(gap);
    }
  });
}

// ---- values ---------------------------------------------------------------------------------------------------------

type Keeping = Extract<HelmWrite, { verb: 'keep' }>;

/** Of a resumed run: what the release has, if that is what the run was begun with. */
async function valuesFor({ release, digest }: Keeping, { values, source }: HelmAccess): Promise<Raw> {
  if (values) return values;
  const [newest] = await records(release, source);
  const own = newest && (await decoded(newest, source)).config;
  if (own && digestOf(own) === digest) return own;
  throw new WorldError('refused', VALUES_GONE);
}

function secretOf({ on, digest }: Keeping, values: Raw): Raw {
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

const VALUES_GONE: Text = {
  en: 'the values of this run are not stored: undo the run, then start again',
  zh: '此次运行的 values 没有保存：请撤销（undo）后重新开始',
};
const notKept = ({ namespace, name }: Ref): Text => ({
  en: `the values are lost: Secret ${namespace}/${name} not found`,
  zh: `values 已丢失：找不到 Secret ${namespace}/${name}`,
});
const othersKept = ({ namespace, name }: Ref): Text => ({
  en: `Secret ${namespace}/${name} contains different values`,
  zh: `Secret ${namespace}/${name} 中的 values 与此次运行的不同`,
});

async function keptValues(on: Ref, digest: string, world: World): Promise<Raw> {
  const packed = pointerGet((await world.get(on)) ?? {}, '/data/values');
  if (typeof packed !== 'string') throw new WorldError('refused', notKept(on));
  const values = parseJson(gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: VALUES_MAX }).toString('utf8'));
  if (!isRaw(values) || digestOf(values) !== digest) throw new WorldError('refused', othersKept(on));
  return values;
}

// ---- releases -------------------------------------------------------------------------------------------------------

type Written = ReleaseRecord & Pick<Revision, 'touched'>;

async function records({ namespace, name, driver }: ReleaseName, source: Source): Promise<Written[]> {
  const found: Written[] = [];
  for (const resource of ['secrets', 'configmaps']) {
    const here: Written[] = [];
    const gap = await source.list(
      { resource, labels: `owner=helm,name=${name}`, fields: ['metadata.labels', 'metadata.creationTimestamp', 'metadata.managedFields'] },
      {
        object: (object) => {
          const record = releaseRecord(object);
          if (record) here.push({ ...record, touched: lastWritten(object) });
        },
        restart: () => {
          here.length = 0;
        },
      },
    );
    if (gap) throw unseen(gap);
    found.push(...here);
  }
  return history(found, namespace, name, driver);
}

const unseen = ({ why, detail = '', resource }: Gap): WorldError =>
  new WorldError(why === 'forbidden' ? 'forbidden' : 'unanswered', oneLine(`${resource}: ${detail}`));

const refOf = ({ kind, namespace, object }: ReleaseRecord): Ref => ({ apiVersion: 'v1', kind, namespace, name: object });

async function decoded(record: ReleaseRecord, source: Source): Promise<Release> {
  const object = await source.get(refOf(record));
  if (isGap(object)) throw unseen(object);
  const release = object && decodeRelease(object);
  if (release && !('why' in release)) return release;
  throw new WorldError('unanswered', unreadable(record.revision, release?.why));
}

const unreadable = (revision: number, why?: string): Text => ({
  en: oneLine(`revision ${revision}: ${why ?? 'just deleted'}`),
  zh: oneLine(`修订版本 ${revision}：${why ?? '刚刚被删除'}`),
});

async function newestOf(release: ReleaseName, source: Source): Promise<Revision | undefined> {
  const [record] = await records(release, source);
  if (!record) return undefined;
  const { raw, status, chart, config } = await decoded(record, source);
  return {
    revision: record.revision,
    status,
    touched: record.touched,
    chart: `${chart.name}-${chart.version}`,
    digest: digestOf(config),
    // helm puts what the API server said there, and that quotes values.
    description: oneLine(withoutValues(textAt(objectAt(raw.info).description), config), 500),
  };
}

/** The newest revision that is not pending: an upgrade continues from it. Throws WorldError. */
export async function standing(release: ReleaseName, source: Source): Promise<Release | undefined> {
  const good = (await records(release, source)).find(({ status }) => !status.startsWith('pending-'));
  return good && decoded(good, source);
}

/** Deletes the record of an interrupted revision, if it is still pending and still the newest. */
async function clear(release: ReleaseName, revision: number, world: World, source: Source): Promise<void> {
  const [newest] = await records(release, source);
  if (newest?.revision !== revision || !newest.status.startsWith('pending-')) throw new WorldError('conflict', notPending(revision));
  const now = await world.get(refOf(newest));
  if (!now) return;
  const { uid, resourceVersion } = now.metadata as { uid: string; resourceVersion: string };
  await world.write({ verb: 'delete', on: { ...refOf(newest), uid }, resourceVersion });
}

const notPending = (revision: number): Text => ({
  en: `revision ${revision} is no longer pending`,
  zh: `修订版本 ${revision} 已不再是 pending 状态`,
});

/**
 * helm rollback goes by the newest record alone: it fails midway at an object of the old revision that is there and not in that record (one that a cut upgrade had not deleted yet,
 * or a CRD that was kept: "original object not found"), and a second one leaves what our revision added, objects and entries of lists. So the newest record is given
 * the manifest of our revision and those objects; one that was cut is marked failed.
 */
async function complete({ release, from }: StepOf<'helm'>, world: World, source: Source): Promise<void> {
  const all = await records(release, source);
  const [made, good] = [from + 1, from].map((wanted) => all.find(({ revision }) => revision === wanted));
  const newest = all[0];
  if (!made || !good || !newest) return;
  const { manifest } = await decoded(made, source);
  const has = new Set(objectsIn(manifest, release).map(keyOf));
  const missing: string[] = [];
  for (const document of documentsOf((await decoded(good, source)).manifest)) {
    const refs = objectsIn(document, release);
    const owned = await Promise.all(refs.map(async (ref) => !has.has(keyOf(ref)) && isOf(release, await world.get(ref))));
    if (refs.length && owned.every(Boolean)) missing.push(document);
  }
  await rewrite(newest, [manifest.trimEnd(), ...missing.map((each) => each.trimEnd()), ''].join('\n'), world);
}

async function rewrite(record: ReleaseRecord, manifest: string, world: World): Promise<void> {
  const now = await world.get(refOf(record));
  const text = now && recordText(now);
  const held = now && decodeRelease(now);
  if (typeof text !== 'string' || !held || 'why' in held) throw new WorldError('unanswered', unreadable(record.revision));
  const cut = held.status.startsWith('pending-');
  if (!cut && held.manifest.trimEnd() === manifest.trimEnd()) return;
  const status = cut ? 'failed' : held.status;
  const changed = withValues(text, [
    { path: ['manifest'], value: manifest },
    { path: ['info', 'status'], value: status },
  ]);
  if (changed === undefined) throw new WorldError('unanswered', unreadable(record.revision));
  const { uid = null, resourceVersion = null } = now!.metadata as Record<string, string>;
  await world.write({
    verb: 'patch',
    on: refOf(record),
    patch: [
      { op: 'test', path: '/metadata/uid', value: uid },
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      { op: 'replace', path: '/data/release', value: packedRecord(changed, record.kind === 'ConfigMap' ? 'ConfigMap' : 'Secret') },
      { op: 'add', path: '/metadata/labels/status', value: status },
    ],
  });
}

function isOf({ name, namespace }: ReleaseName, object: Raw | undefined): boolean {
  const { annotations = {} } = (object?.metadata ?? {}) as { annotations?: Record<string, string> };
  return annotations['meta.helm.sh/release-name'] === name && annotations['meta.helm.sh/release-namespace'] === namespace;
}

// ---- helm -----------------------------------------------------------------------------------------------------------

/**
 * helm 4 applies on the server what it once installed so, and stops in the middle at a field that another manager has written since: spiderpool-init writes into a ConfigMap
 * of the chart. helm 3 puts the chart's value there without a word, and so do we with both.
 */
async function overOthers(from: ReleaseRecord | undefined, source: Source): Promise<string[]> {
  return from && (await decoded(from, source)).raw.apply_method === 'ssa' ? ['--force-conflicts'] : [];
}

/** Answers with who the newest record is, whatever state helm left it in: a look tells. Throws where helm refused before it changed anything. */
async function drive(step: StepOf<'helm'>, world: World, { helm, beside, source }: HelmAccess): Promise<Raw> {
  const { namespace, name } = step.release;
  const [was, ...older] = await records(step.release, source);
  const from = [was, ...older].find((record) => record?.revision === step.from);
  const common = ['--namespace', namespace, '--timeout', `${step.within}s`, ...(await overOthers(from, source))];
  const program = await helm(was?.kind ?? 'Secret');
  const values = step.action === 'upgrade' ? await keptValues(step.values, step.digest, world) : {};
  // What a user can name comes behind `--`: it may begin with a dash.
  const words =
    step.action === 'rollback'
      ? ['rollback', ...common, '--', name, String(step.from)]
      : // All values are on standard input; nothing of the release's own is mixed in again unless that was asked for.
        ['upgrade', ...common, step.reuse ? '--reuse-values' : '--reset-values', '--values', '-', '--', name, step.chart.path];
  const { code, output: printed } = await program.call(words, step.action === 'upgrade' ? valuesInput(values) : '');
  const output = withoutValues(printed.replace(/^NOTES:[\s\S]*/m, ''), values);
  // Only for a person to read later. What became of it is in the release's record, with helm's own words of why it failed: a full disk must not hide that.
  await beside.append(OUTPUT_FILE, `$ helm ${step.action} ${name}\n${output}\n`).catch(() => undefined);
  const [newest] = await records(step.release, source);
  if (code && newest?.revision === was?.revision) throw new WorldError('refused', refusedBy(step.action, output));
  return { apiVersion: 'v1', kind: newest?.kind ?? 'Secret', metadata: { namespace, name: newest?.object ?? name } };
}

/** Its last line says what is wrong. */
function refusedBy(action: string, output: string): Text {
  const said = output.trim().split('\n').at(-1);
  return {
    en: oneLine(`helm ${action}: ${said || 'no output (killed?)'}`, 600),
    zh: oneLine(`helm ${action}：${said || '没有任何输出（是否被终止？）'}`, 600),
  };
}

/** Shorter ones are words like any other. */
const TELLING = 6;

/** Templates and the API server may quote what they were given. */
function withoutValues(output: string, values: Json): string {
  const texts = leaves(values).filter((text) => text.length >= TELLING);
  return texts.sort((a, b) => b.length - a.length).reduce((clean, text) => clean.replaceAll(text, REDACTED), output);
}

function leaves(value: Json): string[] {
  if (typeof value === 'string') return [value, ...value.split('\n')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}
