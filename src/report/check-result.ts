// The published form of an examination (docs/check-result.schema.json): what -o json prints, and what `compare` reads back.

import { lookKey, type Side, wasLookedAt } from '../engine/compare.ts';
import type { CheckResult, Gap, Grade, Json, Outcome, Ref, Text } from '../engine/contracts.ts';
import type { Examination } from '../engine/examine.ts';
import { isGap } from '../engine/gaps.ts';
import { GRADES, isComplete, type Summary, summarise } from '../engine/verdict.ts';
import { EXIT, UserError } from '../text/user-error.ts';

export const API_VERSION = 'upgrade-guard/v1';

export interface PublishedResult {
  apiVersion: typeof API_VERSION;
  kind: 'CheckResult';
  cluster: { uid: string; certain: boolean; server: string; context: string; version: string | null };
  installations: { id: string; version: string | null; sources: { from: string; says: string }[]; release: object | null }[];
  paths: { installation: string; from: string | null; to: string | null; chosen: string; hops: string[] }[];
  checks: PublishedCheck[];
  summary: Summary;
  /** Everything that was asked was seen. */
  complete: boolean;
}
interface PublishedCheck {
  id: string;
  installation: string;
  outcome: Outcome;
  note: Text | null;
  gaps: Gap[];
  findings: {
    grade: Grade;
    fingerprint: string;
    sure: string;
    objects: Ref[];
    args: Json;
    message: Text;
    evidence: object[];
    hop: number | null;
    remedy: { automatic: boolean; text: Text; steps: number } | null;
    accepted: boolean;
  }[];
}

export function publish({ identity, serverVersion, installations, paths, results }: Examination): PublishedResult {
  return {
    apiVersion: API_VERSION,
    kind: 'CheckResult',
    cluster: { ...identity, version: isGap(serverVersion) ? null : serverVersion },
    installations: installations.map(({ id, version, sources, release }) => ({
      id,
      version: isGap(version) ? null : version,
      sources,
      release: release ?? null,
    })),
    paths: paths.map(({ installation, from, to, chosen, hops }) => ({
      installation: installation.id,
      from: isGap(from) ? null : from,
      to: to ?? null,
      chosen,
      hops,
    })),
    checks: results.map(publishCheck),
    summary: summarise(results),
    complete: isComplete(results),
  };
}

function publishCheck({ id, installation, outcome, note, gaps, findings }: CheckResult): PublishedCheck {
  return {
    id,
    installation,
    outcome,
    note: note ?? null,
    gaps,
    findings: findings.map(({ grade, fingerprint, sure, objects, args, message, evidence, hop, remedy, accepted }) => ({
      grade,
      fingerprint,
      sure,
      objects,
      args,
      message,
      evidence,
      hop: hop ?? null,
      remedy,
      accepted,
    })),
  };
}

/** One side of a comparison, out of a file's text. `file` is for the error. */
export function readPublished(text: string, file: string): Side {
  const data = parsed(text, file);
  if (
    typeof data !== 'object' ||
    data === null ||
    (data as PublishedResult).apiVersion !== API_VERSION ||
    (data as PublishedResult).kind !== 'CheckResult'
  ) {
    throw notAResult(file, `not apiVersion ${API_VERSION}, kind CheckResult`);
  }
  const checks = (data as PublishedResult).checks;
  if (!Array.isArray(checks) || !checks.every(isCheck)) throw notAResult(file, 'its checks are not as the schema has them');
  return {
    looked: new Set(checks.filter(wasLookedAt).map(({ id, installation }) => lookKey(id, installation))),
    findings: checks.flatMap(({ id, installation, findings }) =>
      findings.map(({ fingerprint, grade, message, accepted }) => ({ fingerprint, check: id, installation, grade, message, accepted })),
    ),
  };
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notAResult(file, (error as Error).message);
  }
}

function isCheck(check: PublishedCheck): boolean {
  const isText = (text: Text) => typeof text?.en === 'string' && typeof text?.zh === 'string';
  return (
    typeof check?.id === 'string' &&
    typeof check.installation === 'string' &&
    typeof check.outcome === 'string' &&
    Array.isArray(check.gaps) &&
    check.gaps.every((gap) => typeof gap?.why === 'string') &&
    Array.isArray(check.findings) &&
    check.findings.every((finding) => typeof finding?.fingerprint === 'string' && GRADES.includes(finding.grade) && isText(finding.message))
  );
}

const notAResult = (file: string, why: string): UserError =>
  new UserError(
    { en: `reading ${file}: not a result of check: ${why}`, zh: `读取 ${file}：不是 check 的结果：${why}` },
    { en: 'save one with: {tool} check -o json > FILE', zh: '请用此命令保存：{tool} check -o json > FILE' },
    EXIT.failed,
  );
