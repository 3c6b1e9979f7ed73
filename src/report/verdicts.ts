// Each check with what came of it, in the words of one language: for the formats that a pipeline reads check by check (SARIF, JUnit). Worst first is for people; here the order of the checks stays.
// All text has been through sanitise: formats need no more than the escaping of their own.
import type { CheckResult, JudgedFinding } from '../engine/contracts.ts';
import { neededCluster, sawAll } from '../engine/declared.ts';
import { type Summary, summarise } from '../engine/verdict.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Face } from './face.ts';
import { NAME, SENTENCE } from './installations.ts';
import { obstacles } from './unknowns.ts';
import { type Catalogue, clusterOf, findingView, type Shown } from './view.ts';

export interface Verdict {
  id: string;
  installation: string;
  /** `skipped`: it does not apply, or it needs a cluster that was not asked for. What could not be seen is unknown, and so is what lacks a target. */
  is: 'found' | 'passed' | 'unknown' | 'skipped';
  headline: string;
  findings: FoundHere[];
  /** What stood in the way, also of one that found something. */
  unseen: { why: string; settle: string }[];
  /** Why it was skipped. */
  note: string;
  fix: string;
}
export interface FoundHere {
  finding: JudgedFinding;
  message: string;
  evidence: string[];
}
export interface Looked {
  cluster: string;
  shown: Shown;
  verdicts: Verdict[];
  summary: Summary;
  /** What -n left out. */
  left: string[];
  /** What of -f was passed over; `unseen`: objects may stand there. */
  passedOver: { file: string; line?: number; why: string; unseen: boolean }[];
  /** Everything that was asked was seen: the exit code is not 3. */
  complete: boolean;
}

export function lookedOf(shown: Shown, catalogue: Catalogue, face: Face): Looked {
  const { results, elsewhere, manifests } = shown;
  const skipped = manifests?.skipped ?? [];
  return {
    cluster: clusterOf(shown),
    shown,
    verdicts: results.map((result) => verdictOf(result, shown, catalogue, face)),
    summary: summarise(results),
    left: elsewhere.map((id) => oneLine(id, NAME)),
    passedOver: skipped.map((each) => ({ ...each, why: oneLine(each.why[face.language], SENTENCE) })),
    complete: sawAll(shown),
  };
}

function verdictOf(result: CheckResult, { paths, fixes }: Shown, { checks }: Catalogue, face: Face): Verdict {
  const { id, installation, findings, gaps, note } = result;
  const { language } = face;
  const is = outcomeOf(result);
  const hops = paths.find((path) => path.installation.id === installation)?.hops ?? [];
  const fix = fixes.find((each) => each.id === id && each.installation === installation);
  return {
    id,
    installation: oneLine(installation, NAME),
    is,
    headline: checks.get(id)?.headline[language] ?? '',
    findings: findings.map((finding) => {
      const { message, evidence } = findingView(finding, hops, face);
      return { finding, message, evidence };
    }),
    unseen: is === 'unknown' || (is === 'found' && gaps.length) ? obstacles(result, face).map(({ why, settle }) => ({ why, settle })) : [],
    note: is === 'skipped' ? oneLine(note?.[language] ?? '', SENTENCE) : '',
    fix: fix ? oneLine(fix.text[language], SENTENCE) : '',
  };
}

function outcomeOf(result: CheckResult): Verdict['is'] {
  switch (result.outcome) {
    case 'found':
    case 'passed':
      return result.outcome;
    case 'not-applicable':
      return 'skipped';
    case 'not-looked-at':
      return neededCluster(result) ? 'skipped' : 'unknown';
    // A saved result may say anything.
    default:
      return 'unknown';
  }
}
