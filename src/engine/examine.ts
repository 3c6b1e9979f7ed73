// One examination of a cluster: detect the systems, choose the upgrade paths, gather what the checks declared, judge, and give each check its outcome.
// Outcomes are made here and nowhere else: no check can call itself passed.
import { createHash } from 'node:crypto';
import { keyOf } from '../kube/refs.ts';
import { spoken } from '../text/language.ts';
import { type Acceptance, split } from './acceptance.ts';
import { closedBeforeLooking, isProvisional, provisional, result, versionGaps } from './closed.ts';
import { clusterOf } from './cluster.ts';
import type {
  Check,
  CheckResult,
  ClusterIdentity,
  Finding,
  Gap,
  HelmDriver,
  Installation,
  JudgedFinding,
  Judgement,
  Outcome,
  PointReader,
  QuickSource,
  Read,
  Refusal,
  Situation,
  Source,
  StepDraft,
  System,
  SystemId,
  Text,
  UpgradePath,
} from './contracts.ts';
import type { DeclaredIn } from './declared.ts';
import { declarersIn, installedReleases, noteDeclarer, refusedThere, withDeclarer, wouldLast } from './declarers.ts';
import { judgedFiles } from './files.ts';
import { fixLine } from './fix-line.ts';
import { isForFix } from './fixed-by.ts';
import { isGap } from './gaps.ts';
import { type Bodies, type Gathered, gapsBeside, gather, listsIn, type OwnedReads, readKey } from './gather.ts';
import { counting, withEmpty } from './nothing-there.ts';
import { choosePath, isOfWayBack, noneHere, type Target, wayBackOf } from './paths.ts';
import { noting, notingQuick } from './points.ts';
import { NOT_QUICK, screened, unread } from './screen.ts';
import { serversOf } from './servers.ts';

export interface Examination {
  identity: ClusterIdentity;
  serverVersion: string | Gap;
  /** Of a snapshot; as of a Source. */
  recordedAt?: number;
  installations: Installation[];
  paths: UpgradePath[];
  results: CheckResult[];
  /** Systems asked for that are not installed. */
  absent: SystemId[];
  /** Installations that `-n` left out. */
  elsewhere: string[];
  /** Nodes or Pods of which there is none at all, and how many checks that read them passed for it. */
  empty?: { kinds: string[]; checks: number };
  manifests?: DeclaredIn;
  /** What the remedies of the found checks would do; for `fix`. */
  remedies: CheckRemedy[];
}
export interface CheckRemedy {
  check: Check;
  installation: string;
  /** What it is offered for: found and not accepted. */
  findings: JudgedFinding[];
  /** The steps for all of them. */
  offered: Proposal;
  /** The same for those that a person chose. */
  propose(findings: readonly Finding[]): Promise<Proposal>;
}
export interface Proposal {
  drafts: StepDraft[];
  refusals: Refusal[];
}
export interface ExamineOptions {
  /** All checks of these systems, and these checks besides; nothing named: everything. */
  systems?: SystemId[];
  checks?: string[];
  targets?: Target[];
  /** `-n`: only installations in these namespaces. */
  namespace?: string;
  /** One of several installations of a system; where it is none of them, all are looked at. */
  only?(installation: Installation): boolean;
  accept?: Acceptance[];
  /** Look only by what this can answer at once. */
  quick?: QuickSource;
  /** What is meant besides the versions; see Situation. */
  intended?(system: System, installation: Installation, serverVersion: string | Gap): unknown;
  /** Where no cluster can say what is installed: what is taken to be. */
  assume?(system: System): Installation[] | undefined;
  /** The caller's HELM_DRIVER. */
  helmDriver?: HelmDriver;
  /** How nodes will be upgraded; see Situation. */
  nodes?: Situation['nodes'];
  began?(what: string): void;
}
/** A short stable name for what is wrong: check, installation and the finding's key; not its wording, severity or objects. */
export function fingerprint(check: string, installation: string, key: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([check, installation, ...key]))
    .digest('hex')
    .slice(0, 16);
}

export async function examine(from: Source, systems: System[], options: ExamineOptions = {}): Promise<Examination> {
  const [source, counts] = counting(from);
  const asked = systems.filter((system) => isAsked(options, system));
  const [identity, serverVersion] = [await source.identity(), await source.serverVersion()];
  const wantedChecks = (system: System) => system.checks.filter((check) => isAsked(options, system, check));

  const bodies: Bodies = new Map();
  // Detection first, together with those lists of checks that it makes anyway: no list is made twice, and none for a system that is not there.
  const early = await gather(
    source,
    asked.flatMap((system) => earlyReads(system, options.quick ? [] : wantedChecks(system))),
    options.began,
    bodies,
  );
  const examination: Examination = {
    identity,
    serverVersion,
    ...(source.recordedAt === undefined ? {} : { recordedAt: source.recordedAt }),
    installations: [],
    paths: [],
    results: [],
    absent: [],
    elsewhere: [],
    remedies: [],
  };
  // Fills up as systems are detected.
  const known: Installation[] = [];
  const servers = asked.some(({ everyServer }) => everyServer) && !options.quick ? await serversOf(source) : {};
  const cluster = clusterOf(source, serverVersion, known, options.helmDriver, servers);
  const now = source.recordedAt ?? Date.now();
  const cases: Case[] = [];
  for (const system of asked) {
    const checks = wantedChecks(system);
    const gaps: Gap[] = [];
    const rows = early.get(system.id) ?? {};
    const seen = await system.detect(rows, noting(source, system.pointReads, system.reads, gaps, undefined, bodies), cluster);
    const found = !isGap(seen) && seen.length ? seen : (options.assume?.(system) ?? seen);
    // What is only taken to be there, nothing could have been seen of.
    const detected =
      isGap(found) || found !== seen ? found : found.map((each) => withGaps(each, [...notSeen(system.reads, rows), ...gaps]));
    if (isGap(detected)) {
      for (const check of checks) examination.results.push(result(check, system.id, 'unknown', { gaps: [detected] }));
      continue;
    }
    const isSelected = ({ namespace }: Installation) => !options.namespace || namespace === undefined || namespace === options.namespace;
    const wanted = options.only ? detected.filter(options.only) : [];
    const installations = (wanted.length ? wanted : detected).filter(isSelected);
    known.push(...detected);
    examination.elsewhere.push(...detected.filter((each) => !isSelected(each)).map(({ id }) => id));
    if (!detected.length) examination.absent.push(system.id);

    for (const installation of installations) {
      const path = choosePath(system, installation, installations, options.targets ?? []);
      examination.installations.push(installation);
      examination.paths.push(path);
      const intended = options.intended?.(system, installation, serverVersion);
      for (const check of checks)
        cases.push({
          system,
          check,
          path,
          cluster,
          now,
          back: wayBackOf(path),
          nodes: options.nodes,
          intended,
          early: early.get(check.id) ?? {},
        });
    }
  }

  if (!examination.installations.length && examination.elsewhere.length) throw noneHere(options.namespace!, examination.elsewhere);
  const open = cases.filter((each) => {
    const closed = closedBeforeLooking(each);
    if (closed) examination.results.push(closed);
    return !closed;
  });
  if (options.quick) {
    for (const each of open) await glance(each, options.quick, options, examination);
    return examination;
  }
  const late = await gather(source, lateReads(open), options.began, bodies);
  const held = holding(source, bodies);
  const installed = options.helmDriver === 'elsewhere' ? undefined : installedReleases(open, late);
  for (const [at, each] of open.entries()) {
    const { id } = each.check;
    options.began?.(id);
    await judge(
      each,
      { ...unwanted(each), ...each.early, ...late.get(id) },
      { source, held, bodies, installed },
      options.accept ?? [],
      examination,
    );
    each.early = {};
    // Rows that nothing asks for any more make room for what is found.
    if (open.findLastIndex(({ check }) => check.id === id) === at) for (const rows of [early, late]) rows.delete(id);
  }
  return withEmpty(examination, counts, systems);
}

/** What steps are made of need not be read again a moment later: right before a write it is. */
const holding = (source: Source, bodies: Bodies): Source => ({
  ...source,
  get: async (ref) => bodies.get(keyOf(ref)) ?? source.get(ref),
});

/** What detection would have read besides, and may name another version. */
const notSeen = (reads: System['reads'], rows: Gathered): Gap[] =>
  Object.entries(reads).flatMap(([name, { harmless }]) => [
    ...(isGap(rows[name]) && !harmless ? [rows[name]] : []),
    ...gapsBeside(rows[name]),
  ]);

function withGaps(installation: Installation, gaps: readonly Gap[]): Installation {
  const all = [...(installation.gaps ?? []), ...gaps];
  return all.length ? { ...installation, gaps: [...new Map(all.map((gap) => [JSON.stringify(gap), gap])).values()] } : installation;
}

/** The outcome of a quick look: found, or not known. */
async function glance(each: Case, source: QuickSource, { accept = [], began }: ExamineOptions, into: Examination): Promise<void> {
  const { check, path, cluster, now, intended } = each;
  if (!check.screen) {
    into.results.push(result(check, path.installation.id, 'not-looked-at', { note: NOT_QUICK, gaps: unread(check) }));
    return;
  }
  const gaps: Gap[] = [];
  const look = notingQuick(source, [...(check.pointReads ?? []), ...check.screen.pointReads], check.reads, gaps);
  const findings = await screened(check, { path, cluster, now, intended, look }, source, gaps, began);
  await conclude(each, findings, { gaps, harmless: [] }, source, accept, into);
}

function isAsked({ systems = [], checks = [], targets = [] }: ExamineOptions, system: System, check?: Check): boolean {
  // --back-to asks about the way back and nothing else.
  const back = targets.filter((target) => target.back);
  if (back.length && !(back.some((target) => target.system === system.id) && (!check || isOfWayBack(check)))) return false;
  if (!systems.length && !checks.length) return true;
  if (systems.includes(system.id)) return true;
  return check ? checks.includes(check.id) : checks.some((id) => id.startsWith(`${system.id}/`));
}

interface Case extends Omit<Situation, 'look'> {
  system: System;
  check: Check;
  early: Gathered;
}

function earlyReads(system: System, checks: Check[]): OwnedReads[] {
  const shared = new Set(Object.values(system.reads).map(readKey));
  const alike = (check: Check) =>
    Object.fromEntries(Object.entries(check.reads as System['reads']).filter(([, read]) => shared.has(readKey(read))));
  return [{ owner: system.id, reads: system.reads }, ...checks.map((check) => ({ owner: check.id, reads: alike(check) }))];
}

function lateReads(cases: Case[]): OwnedReads[] {
  return [...Map.groupBy(cases, ({ check }) => check.id)].map(([owner, same]) => {
    const { check, early } = same[0]!;
    const paths = same.map(({ path }) => path);
    const wanted = Object.entries(check.reads as System['reads']).filter(([name, read]) => !(name in early) && isWanted(read, paths));
    return { owner, reads: Object.fromEntries(wanted) };
  });
}

/** Only a list on a path that it does not concern is not. */
const isWanted = (read: Read, paths: readonly UpgradePath[]): boolean =>
  read.read !== 'list' || !read.concerns || paths.some(({ installation: { behind = [] }, hops }) => read.concerns!([...behind, ...hops]));
const unwanted = ({ check, path }: Case): Gathered =>
  Object.fromEntries(
    Object.entries(check.reads as System['reads']).flatMap(([name, read]) => (isWanted(read, [path]) ? [] : [[name, []]])),
  );

interface Reading {
  source: Source;
  /** Of what steps are made of. */
  held: Source;
  bodies: Bodies;
  /** Every release of the cluster, where that is known. */
  installed: ReadonlySet<string> | undefined;
}

async function judge(each: Case, rows: Gathered, reading: Reading, accept: Acceptance[], into: Examination): Promise<void> {
  const { check, path } = each;
  const { source, held } = reading;
  const shown = await shownBy(each, rows, reading);
  const inFiles = path.to === undefined ? undefined : judgedFiles(check, source.manifests?.() ?? [], path.to);
  if ('findings' in shown) return conclude(each, [...shown.findings, ...(inFiles ?? [])], shown, held, accept, into);
  const { outcome, note } = shown;
  if (!inFiles) {
    into.results.push(result(check, path.installation.id, outcome, { gaps: shown.gaps, ...(note ? { note } : {}) }));
    return;
  }
  // What the cluster holds besides stays open.
  const open: Gap[] =
    outcome === 'unknown' && !shown.gaps.length ? [{ why: 'not-collected', verb: 'get', resource: objectsOf(check) }] : [];
  await conclude(each, inFiles, { gaps: [...(outcome === 'unknown' ? shown.gaps : []), ...open], harmless: [] }, held, accept, into);
}

/** The first resource that it reads. */
const objectsOf = ({ pointReads, reads }: Check): string =>
  pointReads?.[0]?.resource ?? listsIn(reads as System['reads'])[0]?.resource ?? '';

type Shown = { findings: Finding[]; gaps: Gap[]; harmless: Gap[] } | { outcome: 'unknown' | 'not-applicable'; gaps: Gap[]; note?: Text };

/** What the cluster shows, with the manifests laid over it. */
async function shownBy(each: Case, rows: Gathered, { source, bodies, installed }: Omit<Reading, 'held'>): Promise<Shown> {
  const { check, path, cluster } = each;
  const reads = Object.entries(check.reads as System['reads']);
  const missing = reads.filter(([name]) => isGap(rows[name]));
  const required = missing.filter(([, read]) => !read.optional).map(([name]) => rows[name] as Gap);
  if (required.length) return { outcome: 'unknown', gaps: required };
  const gaps = missing.filter(([, read]) => !read.harmless).map(([name]) => rows[name] as Gap);
  gaps.push(...reads.flatMap(([name]) => gapsBeside(rows[name])), ...versionGaps(each));
  const harmless = missing.filter(([, read]) => read.harmless).map(([name]) => rows[name] as Gap);
  const declarers = declarersIn(rows);
  const situation = situationOf(each, noting(source, check.pointReads ?? [], check.reads, gaps, noteDeclarer(declarers), bodies));
  const judgement: Judgement<unknown> = await check.judge(rows as never, situation);
  if ('unknown' in judgement) return { outcome: 'unknown', gaps, note: judgement.unknown };
  if ('notApplicable' in judgement) return { outcome: 'not-applicable', gaps, note: judgement.notApplicable };
  const { findings, gaps: odd } = Array.isArray(judgement) ? { findings: judgement, gaps: [] } : judgement;
  const owned = (findings as Finding[]).map((finding) =>
    withDeclarer(finding, declarers, path.installation, { installed, installations: cluster.installations }),
  );
  const declared = owned.map((finding) => notStopping(each, finding));
  return { findings: declared, gaps: [...gaps, ...odd], harmless };
}

/** What stands against the way back is not a reason against the upgrade: before it, it is only said. */
const notStopping = ({ check, back }: Case, finding: Finding): Finding =>
  check.applies.stage === 'back' && !back?.upgraded && finding.severity === 'blocker' ? { ...finding, severity: 'warning' } : finding;

async function conclude(
  each: Case,
  seen: Finding[],
  { gaps, harmless }: { gaps: Gap[]; harmless: Gap[] },
  source: Source,
  accept: Acceptance[],
  into: Examination,
): Promise<void> {
  const { check, path, back } = each;
  const at = path.installation.id;
  const found = split(seen, check.id, accept);
  const open = found.filter(({ accepted }) => !accepted).map(({ finding }) => finding);
  const propose = proposer(each, source);
  const offered = check.remedy && open.length ? await propose(open) : undefined;
  const findings = found.map(({ finding, accepted }) => judged(check, at, finding, accepted, offered));
  // Of the way back the newer version is what must be known.
  const end = back?.upgraded ? back.from : (path.to ?? path.from);
  const note = !isGap(end) && isProvisional(each.system, end) ? provisional(end) : undefined;
  const outcome: Outcome = findings.length ? 'found' : gaps.length || note ? 'unknown' : 'passed';
  into.results.push(result(check, at, outcome, { findings, gaps: [...gaps, ...harmless], ...(note ? { note } : {}) }));
  // A remedy that has nothing to say about these findings is not offered.
  if (offered && (offered.drafts.length || offered.refusals.length))
    into.remedies.push({ check, installation: at, findings: findings.filter(({ accepted }) => !accepted), offered, propose });
}

function judged(check: Check, at: string, finding: Finding, accepted: boolean, offered: Proposal | undefined): JudgedFinding {
  const drafts = (offered?.drafts ?? []).filter(isForFix);
  const advice = (offered?.refusals ?? []).filter((refusal) => refusal.as);
  return {
    ...finding,
    fingerprint: fingerprint(check.id, at, finding.key),
    message: spoken(check.say(finding.args, finding.objects)),
    accepted,
    remedy:
      accepted || !check.remedy || !offered
        ? null
        : {
            automatic: drafts.some((draft) => draft.do !== 'manual'),
            text: fixLine(offered),
            steps: drafts.length + advice.length,
          },
  };
}

function situationOf({ system: _, check: __, early: ___, ...situation }: Case, look: PointReader): Situation {
  return { ...situation, look };
}

function proposer(each: Case, source: Source): CheckRemedy['propose'] {
  const { check } = each;
  const look = noting(source, [...(check.pointReads ?? []), ...(check.remedy?.pointReads ?? [])], check.reads, []);
  return async (findings) => {
    const elsewhere = findings.filter((finding) => !wouldLast(finding, check.remedy?.lasts));
    const here = findings.filter((finding) => !elsewhere.includes(finding));
    const made = here.length ? ((await check.remedy?.steps([...here], situationOf(each, look))) ?? []) : [];
    const steps = [...made, ...elsewhere.map(refusedThere)];
    return {
      drafts: steps.filter((step): step is StepDraft => 'do' in step),
      refusals: steps.filter((step): step is Refusal => 'refused' in step),
    };
  };
}
