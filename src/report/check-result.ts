// The published form of an examination (docs/check-result.schema.json): what -o json prints, and what `compare` reads back.

import { parseDocument } from 'yaml';
import { type ClusterSide, sideOf } from '../engine/compare.ts';
import type { CheckResult, Finding, Gap, Json, Outcome, Raw, Ref, Severity, Text } from '../engine/contracts.ts';
import { sawAll } from '../engine/declared.ts';
import type { Examination } from '../engine/examine.ts';
import { isGap } from '../engine/gaps.ts';
import { SEVERITIES, type Summary, summarise } from '../engine/verdict.ts';
import { isRaw, parseJson, withinDepth } from '../kube/json.ts';
import { textOf } from '../text/language.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import { type Fix, fixesOf } from './view.ts';

export const API_VERSION = 'upgrade-guard/v1';

export interface PublishedResult {
  apiVersion: typeof API_VERSION;
  kind: 'CheckResult';
  cluster: { uid: string; certain: boolean; server: string; context: string; version: string | null; recordedAt?: string };
  installations: { id: string; version: string | null; sources: PublishedSource[]; release: object | null; gaps: Gap[] }[];
  paths: { installation: string; from: string | null; to: string | null; chosen: string; hops: string[]; provisional?: true }[];
  checks: PublishedCheck[];
  summary: Summary;
  /** Systems that are not installed. */
  absent: string[];
  empty?: Examination['empty'];
  /** Installations that were not looked at, because they lie outside the namespace that was asked for. */
  leftOut: string[];
  /** What -f gave; missing without it. */
  manifests?: Examination['manifests'];
  /** Everything that was asked was seen, and nothing was left out. */
  complete: boolean;
}
interface PublishedSource {
  /** In English; `text`: in every language. */
  from: string;
  text: Text;
  says: string;
  beside?: true;
}
interface PublishedCheck {
  id: string;
  /** In the folder docs of this tool. */
  page: string;
  /** The fix line, for all findings of the check. */
  fix: { text: Text; command?: string } | null;
  installation: string;
  outcome: Outcome;
  note: Text | null;
  gaps: Gap[];
  findings: {
    severity: Severity;
    fingerprint: string;
    certainty: string;
    objects: Ref[];
    args: Json;
    message: Text;
    /** `seen`: in English; `text`: in every language. */
    evidence: { seen: string; text: Text; at?: Ref }[];
    hop: string | null;
    /** The target to take instead. */
    target?: string;
    /** Who declares its objects elsewhere. `gone`: a release that does not exist; `unchecked`: one of which it is not known. */
    declaredBy?: { name: string; mark: string; gone?: true; unchecked?: true };
    remedy: { automatic: boolean; text: Text; steps: number } | null;
    accepted: boolean;
  }[];
}

export function publish({
  identity,
  serverVersion,
  recordedAt,
  installations,
  paths,
  results,
  absent,
  elsewhere,
  empty,
  manifests,
  remedies,
}: Examination): PublishedResult {
  const fixes = fixesOf({ remedies });
  return {
    apiVersion: API_VERSION,
    kind: 'CheckResult',
    cluster: {
      ...identity,
      version: isGap(serverVersion) ? null : serverVersion,
      ...(recordedAt === undefined ? {} : { recordedAt: new Date(recordedAt).toISOString() }),
    },
    installations: installations.map(({ id, version, sources, release, gaps }) => ({
      id,
      version: isGap(version) ? null : version,
      sources: sources.map(({ from, says, beside }) => ({
        from: textOf(from).en,
        text: textOf(from),
        says,
        ...(beside ? { beside } : {}),
      })),
      release: release ?? null,
      gaps: gaps ?? [],
    })),
    paths: paths.map(({ installation, from, to, chosen, hops, provisional }) => ({
      installation: installation.id,
      from: isGap(from) ? null : from,
      to: to ?? null,
      chosen,
      hops,
      ...(provisional ? { provisional } : {}),
    })),
    checks: results.map((result) => publishCheck(result, fixes)),
    summary: summarise(results),
    absent,
    leftOut: elsewhere,
    ...(empty ? { empty } : {}),
    ...(manifests ? { manifests: published(manifests) } : {}),
    complete: sawAll({ results, elsewhere, manifests }),
  };
}

const published = ({ fixes: _, ...manifests }: NonNullable<Examination['manifests']>): typeof manifests => manifests;

function publishCheck({ id, installation, outcome, note, gaps, findings }: CheckResult, fixes: readonly Fix[]): PublishedCheck {
  const fix = fixes.find((each) => each.id === id && each.installation === installation);
  return {
    id,
    page: `checks/${id}.md`,
    installation,
    outcome,
    note: note ?? null,
    fix: fix ? { text: fix.text, ...(fix.command === undefined ? {} : { command: fix.command }) } : null,
    gaps,
    findings: findings.map(
      ({ severity, fingerprint, certainty, objects, args, message, evidence, declaredBy, hop, target, remedy, accepted }) => ({
        severity,
        fingerprint,
        certainty,
        objects,
        args,
        message,
        evidence: evidence.map(({ seen, at }) => ({ seen: textOf(seen).en, text: textOf(seen), at })),
        hop: hop ?? null,
        ...(target === undefined ? {} : { target }),
        ...(declaredBy ? { declaredBy: shown(declaredBy) } : {}),
        remedy,
        accepted,
      }),
    ),
  };
}

/** What `check` saved: of one cluster, or of several. */
export interface Saved {
  several: boolean;
  clusters: ClusterSide[];
  results: PublishedResult[];
  /** Contexts that could not be looked at. */
  failed: { context: string; why: Text }[];
  /** All of it, as it was read. */
  data: Json;
}

/** Out of a file's text, JSON or YAML. `file` is for the error. */
export function readPublished(text: string, file: string): Saved {
  const data = parsed(text, file);
  if (!isRaw(data) || data.apiVersion !== API_VERSION || (data.kind !== ONE && data.kind !== LIST))
    throw notAResult(file, {
      en: `expected apiVersion ${API_VERSION}, kind ${ONE} or ${LIST}`,
      zh: `应为 apiVersion ${API_VERSION}，kind ${ONE} 或 ${LIST}`,
    });
  const all = (results: Raw[]) => ({
    clusters: results.map((each) => clusterSide(each, file)),
    results: results as unknown as PublishedResult[],
    data,
  });
  if (data.kind === ONE) return { several: false, ...all([data]), failed: [] };
  const { items, failed } = data;
  if (!Array.isArray(items) || !items.every((item) => isRaw(item) && item.kind === ONE && isRaw(item.cluster) && item.cluster.uid))
    throw notAResult(file, { en: 'items do not match the schema', zh: 'items 不符合 schema' });
  const contexts = Array.isArray(failed) ? failed.filter(isRaw) : [];
  return {
    several: true,
    ...all(items as Raw[]),
    failed: contexts.map(({ context, why }) => ({ context: String(context), why: isText(why) ? why : { en: '', zh: '' } })),
  };
}

const ONE = 'CheckResult';
const LIST = 'CheckResultList';

function clusterSide(result: Raw, file: string): ClusterSide {
  const { checks, cluster } = result as unknown as PublishedResult;
  if (!Array.isArray(checks) || !checks.every(isCheck))
    throw notAResult(file, { en: 'checks do not match the schema', zh: 'checks 不符合 schema' });
  return { uid: String(cluster?.uid ?? ''), context: String(cluster?.context ?? ''), side: sideOf(checks) };
}

/** Characters. YAML is read at less than 1 MB a second, and takes some fifty times its size in memory. */
const YAML_MAX = 32 * 1024 * 1024;

function parsed(text: string, file: string): Json {
  // Both begin alike only where YAML is written as JSON, which is JSON.
  const json = /^\s*[[{]/.test(text);
  try {
    if (json) return parseJson(text);
    if (text.length > YAML_MAX) throw new Error(`larger than ${YAML_MAX / 1024 / 1024} MiB; save it with -o json`);
    const document = parseDocument(text, { version: '1.1', logLevel: 'silent' });
    if (document.errors.length) throw document.errors[0];
    const value = document.toJS({ maxAliasCount: 100 }) as Json;
    if (!withinDepth(value)) throw new Error('nested too deeply');
    return value;
  } catch (error) {
    throw notAResult(file, (error as Error).message.split('\n')[0]!.replace(/:$/, ''));
  }
}

const isText = (text: unknown): text is Text =>
  isRaw(text as Json) && typeof (text as Raw).en === 'string' && typeof (text as Raw).zh === 'string';

function isCheck(check: PublishedCheck): boolean {
  return (
    typeof check?.id === 'string' &&
    typeof check.installation === 'string' &&
    typeof check.outcome === 'string' &&
    Array.isArray(check.gaps) &&
    check.gaps.every((gap) => typeof gap?.why === 'string') &&
    Array.isArray(check.findings) &&
    check.findings.every(
      (finding) => typeof finding?.fingerprint === 'string' && SEVERITIES.includes(finding.severity) && isText(finding.message),
    )
  );
}

/** `why`: of a parser as it stands. */
const notAResult = (file: string, why: Text | string): UserError =>
  new UserError(
    {
      en: `reading ${file}: not a result of check (${textOf(why).en})`,
      zh: `读取 ${file}：不是 check 的结果（${textOf(why).zh}）`,
    },
    { en: 'save one with: {tool} check -o json > FILE', zh: '请用此命令保存：{tool} check -o json > FILE' },
    EXIT.failed,
  );

const shown = ({ name, mark, gone, unchecked }: NonNullable<Finding['declaredBy']>) => ({
  ...{ name, mark },
  ...(gone ? { gone } : {}),
  ...(unchecked ? { unchecked } : {}),
});
