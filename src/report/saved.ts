// A saved result of check, made into what the views show: `render` prints it in another format or language. The file may be anyone's: whatever is not as the schema has it is left out.
import type { CheckResult, Gap, Installation, Json, JudgedFinding, Raw, Ref, Text, UpgradePath } from '../engine/contracts.ts';
import { NEEDS_CLUSTER } from '../engine/declared.ts';
import { isRaw } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import type { PublishedResult } from './check-result.ts';
import type { Fix, Shown } from './view.ts';

/** What a place did not say. */
const UNSAID: Gap = { why: 'not-collected', verb: 'get', resource: 'CheckResult' };

/** Of a result that `readPublished` has let through. */
export function shownFrom(result: PublishedResult): Shown {
  const cluster = rawOf(result.cluster as unknown as Json);
  const installations = rawsOf(result.installations).map(installationFrom);
  const recorded = Date.parse(word(cluster.recordedAt));
  return {
    identity: {
      uid: oneLine(word(cluster.uid)),
      certain: cluster.certain === true,
      server: word(cluster.server),
      context: word(cluster.context),
    },
    serverVersion: word(cluster.version) || UNSAID,
    ...(Number.isNaN(recorded) ? {} : { recordedAt: recorded }),
    installations,
    paths: rawsOf(result.paths).flatMap((path) => pathFrom(path, installations)),
    results: rawsOf(result.checks).map(resultFrom),
    absent: words(result.absent).map((each) => oneLine(each)),
    elsewhere: words(result.leftOut),
    ...(isRaw(result.empty) ? { empty: { kinds: words(result.empty.kinds), checks: Number(result.empty.checks) || 0 } } : {}),
    ...(isRaw(result.manifests) ? { manifests: manifestsFrom(result.manifests) } : {}),
    fixes: rawsOf(result.checks).flatMap(fixFrom),
  };
}

function installationFrom(raw: Raw): Installation {
  const id = word(raw.id);
  const place = id.slice(id.indexOf('@') + 1).split('/');
  const name = place.pop() ?? '';
  const release = rawOf(raw.release);
  return {
    id: id as Installation['id'],
    system: id.slice(0, Math.max(0, id.indexOf('@'))),
    ...(place.length ? { namespace: place.join('/') } : {}),
    name,
    version: word(raw.version) || UNSAID,
    sources: rawsOf(raw.sources).map(({ from, text, says, beside }) => ({
      from: isText(text) ? text : word(from),
      says: word(says),
      ...(beside === true ? { beside } : {}),
    })),
    gaps: rawsOf(raw.gaps).map(gapFrom),
    byHelm: release.name !== undefined,
    ...(typeof release.name === 'string' && typeof release.revision === 'number'
      ? { release: { ...release, namespace: word(release.namespace), status: word(release.status) } as unknown as Installation['release'] }
      : {}),
  };
}

function pathFrom({ installation, from, to, chosen, hops, provisional }: Raw, installations: readonly Installation[]): UpgradePath[] {
  const of = installations.find(({ id }) => id === installation);
  if (!of) return [];
  const how = chosen === 'asked' || chosen === 'back' ? chosen : 'default';
  return [
    {
      ...{ installation: of, from: word(from) || UNSAID, ...(word(to) ? { to: word(to) } : {}), chosen: how, hops: words(hops) },
      ...(provisional === true ? { provisional } : {}),
    },
  ];
}

function resultFrom(raw: Raw): CheckResult {
  return {
    id: oneLine(word(raw.id)),
    installation: word(raw.installation),
    outcome: raw.outcome as CheckResult['outcome'],
    findings: rawsOf(raw.findings).map(findingFrom),
    gaps: rawsOf(raw.gaps).map(gapFrom),
    ...(isText(raw.note) ? { note: raw.note.en === NEEDS_CLUSTER.en ? NEEDS_CLUSTER : raw.note } : {}),
  };
}

function findingFrom(raw: Raw): JudgedFinding {
  const certainty = ['certain', 'high', 'medium', 'low'].find((each) => each === raw.certainty) ?? 'low';
  const remedy = rawOf(raw.remedy);
  return {
    severity: raw.severity as JudgedFinding['severity'],
    key: [],
    fingerprint: word(raw.fingerprint),
    certainty: certainty as JudgedFinding['certainty'],
    objects: rawsOf(raw.objects).map(refFrom),
    args: rawOf(raw.args) as JudgedFinding['args'],
    message: raw.message as unknown as Text,
    evidence: rawsOf(raw.evidence).map(({ seen, text, at }) => ({
      seen: isText(text) ? text : word(seen),
      ...(isRaw(at) ? { at: refFrom(at) } : {}),
    })),
    ...(word(raw.hop) ? { hop: word(raw.hop) } : {}),
    ...(word(raw.target) ? { target: word(raw.target) } : {}),
    ...(isRaw(raw.declaredBy) ? { declaredBy: declarerFrom(raw.declaredBy) } : {}),
    remedy: isText(remedy.text) ? { automatic: remedy.automatic === true, text: remedy.text, steps: Number(remedy.steps) || 0 } : null,
    accepted: raw.accepted === true,
  };
}

const declarerFrom = ({ name, mark, gone, unchecked }: Raw): NonNullable<JudgedFinding['declaredBy']> => ({
  ...{ name: word(name), mark: word(mark), watches: true },
  ...(gone === true ? { gone } : {}),
  ...(unchecked === true ? { unchecked } : {}),
});

function fixFrom({ id, installation, fix }: Raw): Fix[] {
  const { text, command } = rawOf(fix);
  if (!isText(text)) return [];
  return [{ id: oneLine(word(id)), installation: word(installation), text, ...(word(command) ? { command: word(command) } : {}) }];
}

function manifestsFrom({ objects, offline, skipped }: Raw): Shown['manifests'] {
  return {
    objects: Number(objects) || 0,
    offline: offline === true,
    skipped: rawsOf(skipped).flatMap(({ file, line, why, unseen }) =>
      isText(why) ? [{ file: word(file), ...(typeof line === 'number' ? { line } : {}), why, unseen: unseen === true }] : [],
    ),
  };
}

function gapFrom(raw: Raw): Gap {
  const [namespace, name, detail, detailZh] = [raw.namespace, raw.name, raw.detail, raw.detailZh].map(word) as [
    string,
    string,
    string,
    string,
  ];
  return {
    why: (['forbidden', 'failed', 'not-collected', 'quick'].find((each) => each === raw.why) ?? 'failed') as Gap['why'],
    verb: (word(raw.verb) || 'get') as Gap['verb'],
    resource: word(raw.resource),
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(detail ? { detail } : {}),
    ...(detailZh ? { detailZh } : {}),
    ...(isText(raw.settle) ? { settle: raw.settle } : {}),
  };
}

function refFrom(raw: Raw): Ref {
  const { namespace, file, line, inside } = raw;
  return {
    apiVersion: word(raw.apiVersion),
    kind: word(raw.kind),
    name: word(raw.name),
    ...(typeof namespace === 'string' ? { namespace } : {}),
    ...(typeof file === 'string' ? { file } : {}),
    ...(typeof line === 'number' ? { line } : {}),
    ...(typeof inside === 'string' ? { inside } : {}),
  };
}

const word = (value: unknown): string => (typeof value === 'string' ? value : '');
const words = (value: unknown): string[] => (Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []);
const rawOf = (value: Json | undefined): Raw => (isRaw(value) ? value : {});
const rawsOf = (value: unknown): Raw[] => (Array.isArray(value) ? value.filter(isRaw) : []);
const isText = (value: unknown): value is Text & Raw =>
  isRaw(value as Json) && typeof (value as Raw).en === 'string' && typeof (value as Raw).zh === 'string';
