// What a fix or an upgrade found before it began, kept beside its journal: the process that ends the run, interrupted before or not, checks again in the same way and compares with the same.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Compared, compare, type Side, sideOf } from '../engine/compare.ts';
import type { JudgedFinding, RunStore, StoredRun, Text } from '../engine/contracts.ts';
import { type Examination, type ExamineOptions, examine } from '../engine/examine.ts';
import { flag, list, type Of, oneOf, row, text } from '../engine/shapes.ts';
import { isComplete, SEVERITIES } from '../engine/verdict.ts';
import { parseJson } from '../kube/json.ts';
import { comparison } from '../report/comparison.ts';
import type { LookedAgain } from '../report/looked-again.ts';
import { incomplete } from '../report/unknowns.ts';
import { SYSTEMS } from '../systems/index.ts';
import { installationName } from '../text/installation-name.ts';
import { oneLine } from '../text/sanitise.ts';
import { EXIT } from '../text/user-error.ts';
import type { Call } from './call.ts';
import type { Live } from './session.ts';

const FILE = 'baseline.json';
const said = row({ en: text, zh: text });
const finding = row({
  ...{ fingerprint: text, check: text, installation: text, message: said, accepted: flag },
  severity: oneOf(...SEVERITIES),
});
const shape = row({ looked: list(text), findings: list(finding) }, { checks: list(text), nodes: oneOf('drain', 'in-place', 'replace') });

export interface Baseline {
  side: Side;
  /** Those that ran, whatever came of it; undefined: those of the run (kept by an older version). */
  checks?: string[];
  /** As --nodes says: checks judge by it. */
  nodes?: ExamineOptions['nodes'];
}

/** Characters of a message: it is read once more, and no longer. */
const MESSAGE = 1000;

/** The same store; a new run has its baseline on disk before anything else of it happens. */
export function withBaseline(store: RunStore, { results }: Examination, nodes: ExamineOptions['nodes']): RunStore {
  const { looked, findings } = sideOf(results);
  const short = (message: Text): Text => ({ en: oneLine(message.en, MESSAGE), zh: oneLine(message.zh, MESSAGE) });
  const kept: Of<typeof shape> = {
    checks: [...new Set(results.map(({ id }) => id))],
    looked: [...looked],
    findings: findings.map((each) => ({ ...each, message: short(each.message) })),
    ...(nodes ? { nodes } : {}),
  };
  return {
    ...store,
    async create(run) {
      const journal = await store.create(run);
      await store.beside(run.id).put(FILE, JSON.stringify(kept));
      return journal;
    },
  };
}

/** undefined: none was kept (a run of an older version, or killed before it was), or it is not one. */
export async function baselineOf(store: RunStore, { run }: StoredRun): Promise<Baseline | undefined> {
  try {
    const kept: unknown = parseJson(await readFile(path.join(store.beside(run.id).folder, FILE), 'utf8'));
    if (shape(kept, '')) return undefined;
    const { checks, looked, findings, nodes } = kept as Of<typeof shape>;
    return { side: { looked: new Set(looked), findings }, checks, nodes };
  } catch {
    return undefined;
  }
}

/** What the checks find now, beside what they found before. */
async function again(
  call: Call,
  { source }: Pick<Live, 'source'>,
  before: Side,
  options: ExamineOptions,
): Promise<{ after: Examination; compared: Compared }> {
  const after = await examine(source, SYSTEMS, options);
  const compared = compare(before, sideOf(after.results));
  call.out(...comparison(compared, call.face));
  const unseen = incomplete(after.results);
  if (unseen) call.say(call.t(unseen));
  return { after, compared };
}

interface Again extends LookedAgain {
  exit(otherwise: number): number;
}

/** The last part of a fix. `asked`: fingerprints of what it was to repair; `remaining`: those of them that are still there. */
export async function fixedAgain(
  call: Call,
  live: Pick<Live, 'source'>,
  before: Side,
  options: ExamineOptions,
  asked: ReadonlySet<string>,
): Promise<Again> {
  const {
    after: { results },
    compared,
  } = await again(call, live, before, options);
  const isAsked = ({ fingerprint, accepted }: JudgedFinding) => !accepted && asked.has(fingerprint);
  const left = new Set(results.flatMap(({ findings }) => findings.filter(isAsked).map(({ fingerprint }) => fingerprint)));
  return {
    ...{ remaining: left.size, selected: asked.size, ...beside(compared, left) },
    exit: (otherwise) => (left.size ? EXIT.findings : isComplete(results) ? otherwise : EXIT.unknown),
  };
}

/** `told`: findings that are counted apart. */
export const beside = (compared: Compared, told: ReadonlySet<string>): Required<Pick<LookedAgain, 'added' | 'others'>> => ({
  added: compared.new.length,
  others: compared.still.filter(({ fingerprint }) => !told.has(fingerprint)).length,
});

/** The last part of an upgrade. `remaining`: blockers that were not accepted, and that the run has not brought back itself (`putBack`: their fingerprints). */
export async function comparedAgain(
  call: Call,
  live: Pick<Live, 'source'>,
  before: Side,
  options: ExamineOptions,
  putBack: ReadonlySet<string>,
): Promise<Again> {
  const { after, compared } = await again(call, live, before, options);
  const blockers = after.results
    .flatMap(({ findings }) => findings)
    .filter(({ severity, accepted }) => severity === 'blocker' && !accepted);
  const restored = blockers.filter(({ fingerprint }) => putBack.has(fingerprint)).length;
  const remaining = blockers.length - restored;
  for (const { id, version, release } of after.installations)
    if (typeof version === 'string') call.say(call.t(isNow(installationName(id), version, release?.revision)));
  return {
    ...{ remaining, restored, ...beside(compared, new Set(blockers.map(({ fingerprint }) => fingerprint))) },
    exit: (otherwise) => (remaining ? EXIT.findings : isComplete(after.results) ? otherwise : EXIT.unknown),
  };
}

const isNow = (at: string, version: string, revision: number | undefined): Text => ({
  en: `${at} is now ${version}${revision === undefined ? '' : `, release revision ${revision}`}.`,
  zh: `${at} 现为 ${version}${revision === undefined ? '' : `，release 修订版本 ${revision}`}。`,
});
