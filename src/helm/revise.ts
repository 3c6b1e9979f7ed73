// A new revision of a release with other API versions in its manifest: how far it is, and its writes as writes of records. The new record is there, deployed, before the old
// one is superseded, and back the other way: of two deployed revisions helm takes the newer (pkg/storage/storage.go, Deployed). Values of a record never leave memory.
import {
  type ApiChange,
  type ApiWrite,
  isApiWrite,
  type Look,
  type Raw,
  type Ref,
  type ReviseWrite,
  type StepOf,
  type Text,
  type World,
  WorldError,
} from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { shellWord } from '../text/shell.ts';
import { type TextChange, withValues } from './record-text.ts';
import { decodeRelease, objectAt, packedRecord, type Release, recordText, textAt } from './release.ts';
import { revisedManifest } from './revise-manifest.ts';

type ReviseStep = StepOf<'revise'>;

/** What the API server allows in a Secret or a ConfigMap (pkg/apis/core/types.go, MaxSecretSize). */
export const RECORD_MAX = 1024 * 1024;

/** In the description of the new revision, as `helm history` shows it. */
const description = (from: number): string => `API versions of revision ${from} rewritten by upgrade-guard`;

export const recordRef = ({ release: { namespace, name }, records }: Pick<ReviseStep, 'release' | 'records'>, revision: number): Ref => ({
  ...{ apiVersion: 'v1', kind: records, namespace, name: `sh.helm.release.v1.${name}.v${revision}` },
});

/** The same world, which also reads and writes records of releases. */
export const withRecords = (world: World): World => ({
  ...world,
  revised: (step) => lookAt(step, world),
  write: async (write, options) => {
    if (isApiWrite(write) || !isRevision(write)) return world.write(write, options);
    return world.write(await recordWrite(write, world), options);
  },
});

export const isRevision = (write: { verb: string }): write is ReviseWrite =>
  write.verb === 'record' || write.verb === 'unrecord' || write.verb === 'status';

// ---- how far it is --------------------------------------------------------------------------------------------------

async function lookAt(step: ReviseStep, world: World): Promise<Look> {
  const [old, made] = [await world.get(recordRef(step, step.from)), await world.get(recordRef(step, step.to))];
  const [was, is] = [old && decodeRelease(old), made && decodeRelease(made)];
  if (was && 'why' in was) return { is: 'moved', paths: [], because: unreadable(step.from, was.why) };
  if (is && ('why' in is || !isOurs(is, step))) return { is: 'moved', paths: [], because: anothers(step.to) };
  const newer = await world.get(recordRef(step, step.to + 1));
  if (step.back) return lookBack(step, old, was, made, newer);
  if (!was) return is ? { is: 'done', now: made } : { is: 'obsolete', because: GONE };
  if (!is) {
    if (newer) return { is: 'moved', paths: [], because: anothers(step.to + 1) };
    return was.status === 'deployed' ? { is: 'to-do', now: old } : { is: 'moved', paths: [], because: notDeployed(step.from, was.status) };
  }
  return was.status === 'deployed' ? { is: 'to-do', now: { ...old!, superseded: true } } : { is: 'done', now: made };
}

function lookBack(step: ReviseStep, old: Raw | undefined, was: Release | undefined, made: Raw | undefined, newer: Raw | undefined): Look {
  // helm has gone on from the new revision: what it upgraded is not that of the old one any more.
  if (newer) return { is: 'moved', paths: [], because: goneOn(step) };
  if (!was) return { is: 'moved', paths: [], because: GONE };
  if (was.status !== 'deployed')
    return made
      ? { is: 'to-do', now: { ...old!, redeploy: true } }
      : { is: 'moved', paths: [], because: notDeployed(step.from, was.status) };
  return made ? { is: 'to-do', now: made } : { is: 'done', now: old };
}

const isOurs = (release: Release, { from }: ReviseStep): boolean => textAt(objectAt(release.raw.info).description) === description(from);

const GONE: Text = { en: 'the record of the release is gone', zh: '该 release 的记录已不存在' };
const anothers = (revision: number): Text => ({
  en: `revision ${revision} was created in the meantime`,
  zh: `其间已创建修订版本 ${revision}`,
});
const goneOn = ({ release: { namespace, name }, from, to }: ReviseStep): Text => {
  const [said, command] = [anothers(to + 1), `helm rollback ${shellWord(name)} ${from} -n ${shellWord(namespace)}`];
  return { en: `${said.en}; to go back to revision ${from}: ${command}`, zh: `${said.zh}；如需恢复到修订版本 ${from}：${command}` };
};
const notDeployed = (revision: number, status: string): Text => ({
  en: `revision ${revision} is ${status}, not deployed`,
  zh: `修订版本 ${revision} 的状态为 ${status}，而不是 deployed`,
});
const unreadable = (revision: number, why: string): Text => ({
  en: `revision ${revision} cannot be read: ${why}`,
  zh: `无法读取修订版本 ${revision}：${why}`,
});

// ---- what is written ------------------------------------------------------------------------------------------------

async function recordWrite(write: ReviseWrite, world: World): Promise<ApiWrite> {
  const { step } = write;
  const at = write.verb === 'unrecord' ? step.to : step.from;
  const on = recordRef(step, at);
  const now = await world.get(on);
  if (!now) throw new WorldError('missing', GONE);
  if (write.verb === 'unrecord') return { verb: 'delete', on: { ...on, uid: uidOf(now) }, resourceVersion: versionOf(now) };
  const text = recordText(now);
  if (typeof text !== 'string') throw new WorldError('refused', unreadable(at, text.why));
  if (write.verb === 'record') return { verb: 'create', object: newRecord(now, text, step) };
  const changed = withStatus(text, write.status);
  if (changed === undefined) throw new WorldError('refused', unreadable(at, 'info.status'));
  const labels = write.labels ?? { ...labelsOf(now, step), status: write.status, version: String(at), modifiedAt: seconds() };
  return {
    verb: 'patch',
    on: { ...on, uid: uidOf(now) },
    patch: [
      { op: 'test', path: '/metadata/uid', value: uidOf(now) ?? null },
      { op: 'test', path: '/metadata/resourceVersion', value: versionOf(now) ?? null },
      { op: 'replace', path: '/data/release', value: packedRecord(changed, step.records) },
      { op: 'add', path: '/metadata/labels', value: labels },
    ],
  };
}

const withStatus = (text: string, value: string): string | undefined => withValues(text, [{ path: ['info', 'status'], value }]);

/** The text of the record of the old revision, once the new one is there. */
export const superseded = (text: string): string => withStatus(text, 'superseded') ?? text;

function newRecord(now: Raw, text: string, step: ReviseStep): Raw {
  const revised = revisedRecord(text, step.apis, { from: step.from, to: step.to, at: new Date() });
  if ('refused' in revised) throw new WorldError('refused', revised.refused);
  const { modifiedAt: _, ...labels } = labelsOf(now, step);
  const { namespace = '', name } = recordRef(step, step.to);
  return {
    ...{ apiVersion: 'v1', kind: step.records },
    metadata: { name, namespace, labels: { ...labels, status: 'deployed', version: String(step.to), createdAt: seconds() } },
    ...(step.records === 'Secret' ? { type: 'helm.sh/release.v1' } : {}),
    data: { release: packedRecord(revised.text, step.records) },
  };
}

/** The text of the record of the new revision. */
export function revisedRecord(
  text: string,
  apis: readonly ApiChange[],
  { from, to, at }: { from: number; to: number; at: Date },
): { text: string; changed: number } | { refused: Text } {
  const record = JSON.parse(text) as Raw;
  const changes: TextChange[] = [];
  let changed = 0;
  const hooks = Array.isArray(record.hooks) ? record.hooks : [];
  const places = [['manifest'], ...hooks.map((_, i) => ['hooks', i, 'manifest'])];
  for (const path of places) {
    const held = path.length === 1 ? record.manifest : objectAt(hooks[path[1] as number]).manifest;
    if (typeof held !== 'string') continue;
    const revised = revisedManifest(held, apis);
    if ('refused' in revised) return revised;
    if (!revised.changed) continue;
    changed += revised.changed;
    changes.push({ path, value: revised.text });
  }
  const info = objectAt(record.info);
  const told = [
    { path: ['version'], value: to },
    { path: ['info', 'description'], value: description(from) },
    // As Go writes a time.
    { path: ['info', 'last_deployed'], value: at.toISOString() },
  ];
  changes.push(...told.filter(({ path }) => (path[0] === 'info' ? info[path[1]!] : record.version) !== undefined));
  const next = withValues(text, changes);
  return next === undefined || info.description === undefined ? { refused: ODD } : { text: next, changed };
}

const ODD: Text = { en: 'the record is not as helm writes it', zh: '该记录的结构与 helm 写入的不同' };

const seconds = (): string => String(Math.floor(Date.now() / 1000));
const metadataOf = ({ metadata }: Raw): Raw => (isRaw(metadata) ? metadata : {});
const uidOf = (object: Raw): string | undefined => textAt(metadataOf(object).uid) || undefined;
const versionOf = (object: Raw): string | undefined => textAt(metadataOf(object).resourceVersion) || undefined;
const labelsOf = (object: Raw, { release }: ReviseStep): Raw => ({
  ...objectAt(metadataOf(object).labels),
  owner: 'helm',
  name: release.name,
});
