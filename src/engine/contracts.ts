// The contracts of the house, as types. Every room but this one depends on them; they depend on nothing.
// Order: plain words, seeing (sources), judging (checks), changing (steps, worlds), remembering (runs, journals), the one writer (lock).

import type { Step, StepDraft } from './contracts-changing.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** An object as the server sent it: nothing dropped, nothing renamed. `apiVersion` and `kind` are filled in for items of built-in lists, which lack them. */
export type Raw = { [key: string]: Json };
export type SystemId = 'spiderpool' | 'k3s' | 'osm-edge' | 'kubernetes';
export type Language = 'en' | 'zh';
/** The same sentence in every language. Data: it is stored in plans and journals. */
export type Text = Record<Language, string>;
/** Wording that needs arguments; stands beside the code that emits it. */
export type Wording<Args> = Record<Language, (args: Args) => string>;
/** One object. `apiVersion` and `kind` as in the object; the plural comes from discovery. */
export interface Ref {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
}
/** One RBAC rule, as a ClusterRole has it. `namespace`: a Role there is enough. */
export interface Rule {
  verbs: string[];
  group: string;
  resource: string;
  names?: string[];
  namespace?: string;
}

// ---- seeing ---------------------------------------------------------------------------------------------------------

/** A resource as checks name it: `pods`, `deployments.apps`, `spiderendpoints.spiderpool.spidernet.io`. The version is discovery's business. */
export type ResourceName = string;
/** Dotted path; a key that holds dots is quoted: `metadata.annotations['k8s.v1.cni.cncf.io/network-status']`. Arrays are walked through. */
export type Field = string;
/** Something that could not be seen. Never "not there": a kind that is not installed gives no rows and no gap. */
export interface Gap {
  why: 'forbidden' | 'failed' | 'not-collected';
  verb: 'list' | 'get' | 'log' | 'discover' | 'decode';
  resource: ResourceName;
  namespace?: string;
  name?: string;
  /** What the server or the decoder said, sanitised, one line. */
  detail?: string;
}
export interface ApiResource {
  group: string;
  version: string;
  resource: string;
  kind: string;
  namespaced: boolean;
  /** Names without the parent: `status`, `scale`, `eviction`. */
  subresources: string[];
}
export interface ListQuery {
  resource: ResourceName;
  /** A label selector, as kubectl's -l. */
  labels?: string;
  /** What the reader needs beyond apiVersion, kind and metadata.{name,namespace,uid}, which always come. All below `metadata`: a metadata-only request. */
  fields: readonly Field[] | 'whole';
}
export interface ListSink {
  object(object: Raw): void;
  /** The list begins anew (its continue token expired): forget what was given so far. */
  restart(): void;
}
/** Where objects come from: an API server, or a dump of one. Never throws for what the cluster answers; that is a Gap. Throws only when aborted. */
export interface Source {
  identity(): Promise<ClusterIdentity>;
  /** gitVersion of GET /version. */
  serverVersion(): Promise<string | Gap>;
  /** undefined: not installed. */
  resource(name: ResourceName): Promise<ApiResource | undefined | Gap>;
  /** A resource that is not installed is an empty list. */
  list(query: ListQuery, sink: ListSink): Promise<undefined | Gap>;
  get(ref: Ref): Promise<Raw | undefined | Gap>;
  log(pod: Ref, container: string, lastBytes: number): Promise<string | undefined | Gap>;
}
export interface ClusterIdentity {
  /** uid of the namespace kube-system, else `sha256:` of server and CA. */
  uid: string;
  /** false: kube-system could not be read, the uid is a hash of server and CA. */
  certain: boolean;
  server: string;
  context: string;
}

// ---- judging --------------------------------------------------------------------------------------------------------

/** One shared list. The engine unites the fields of all checks per resource and selector, lists once, offers each object to every `keep`, holds only what they return. */
export interface Read<Row = unknown> {
  resource: ResourceName;
  labels?: string;
  fields: readonly Field[] | 'whole';
  /** Forbidden or failed arrives as a Gap among the rows instead of making the check unknown. */
  optional?: boolean;
  /** With `optional`: what it shows can only add evidence, so without it "nothing found" still means passed. */
  harmless?: boolean;
  keep(object: Raw): Row | undefined;
}
// biome-ignore lint/suspicious/noExplicitAny: rows differ per read; Rows<R> gives them back their types
export type Reads = Record<string, Read<any>>;
export type Rows<R extends Reads> = {
  [K in keyof R]: R[K] extends Read<infer Row> ? (R[K] extends { optional: true } ? Row[] | Gap : Row[]) : never;
};
/** Point reads, of resources named in `asks`; recorded, so that a snapshot can answer the same questions. A Gap it returns counts as the check's. */
export interface Ask {
  get(ref: Ref): Promise<Raw | undefined | Gap>;
  log(pod: Ref, container: string, lastBytes: number): Promise<string | undefined | Gap>;
}
export interface HelmRelease {
  namespace: string;
  name: string;
  revision: number;
  status: string;
}
export interface Installation {
  /** SYSTEM@NAMESPACE/NAME, or SYSTEM@NAME where the whole cluster is the installation. */
  id: `${SystemId}@${string}`;
  system: SystemId;
  /** undefined: the whole cluster; `-n` does not deselect it. */
  namespace?: string;
  name: string;
  version: string | Gap;
  /** Every place that names a version, and what it says; they may disagree. */
  sources: { from: string; says: string }[];
  /** Helm says that it manages it, whether or not its records can be seen. */
  byHelm: boolean;
  /** The newest revision, by its record. */
  release?: HelmRelease;
}
export interface UpgradePath {
  installation: Installation;
  from: string | Gap;
  to?: string;
  chosen: 'asked' | 'default';
  /** The versions after `from`, the target last. Empty without a target. */
  hops: string[];
}
/** A Helm chart, as far as checks look into it. */
export interface Chart {
  name: string;
  version: string;
  /** The objects of its crds/ folder. */
  crds: Raw[];
  /** values.yaml. */
  values: Raw;
  /** The paths below .Values that its templates name, as --set writes them; '' for all. */
  read: string[];
}
/** What `helm upgrade` will be told about values. */
export interface Intent {
  /** --values, --set and --set-string, laid together as helm does. */
  given: Raw;
  /** --reuse-values, --reset-values, --reset-then-reuse-values. */
  reuse?: 'reuse' | 'reset' | 'reset-then-reuse';
}
/** `key`: the value at which rendering failed, as --set writes it; `at`: template, line and column; `said`: helm's own words, redacted. */
export type Rendering = { is: 'rendered' } | { is: 'failed'; key?: string; at?: string; said: string } | { is: 'unknown'; why: Text };
/** helm, as far as checks may use it: it renders the chart that was given, and reaches no cluster. */
export interface Templates {
  version: string;
  /** `values`: as a file of values would give them. */
  render(values: Raw, as: { namespace: string; name: string; kubernetes?: string }): Promise<Rendering>;
}
export interface Situation {
  path: UpgradePath;
  ask: Ask;
  /** The chart of this system that the upgrade will use, where one was given (--chart). */
  chart?: Chart;
  /** What the upgrade will be told about values; undefined: nothing. */
  intent?: Intent;
  /** Where a chart was given and there is a helm; bound to the installation and the cluster's version. */
  helm?: { version: string; render(values: Raw): Promise<Rendering> };
}
export type Grade = 'blocker' | 'warning' | 'notice';
export type Certainty = 'certain' | 'high' | 'medium' | 'low';
export interface Finding<Args = Json> {
  grade: Grade;
  /** What is wrong, stable over runs and Pod names: with check and installation the fingerprint. */
  key: string[];
  sure: Certainty;
  objects: Ref[];
  /** What the wording and the remedy need. Never indexed by the position of an object: a finding may be handed on with only some of its objects. */
  args: Args;
  evidence: { seen: string; at?: Ref }[];
  hop?: number;
}
/** Findings, or why there can be none: it does not concern this installation, or what was seen does not answer the question. */
export type Judgement<Args> = Finding<Args>[] | { notApplicable: Text } | { unknown: Text };
export interface Refusal {
  refused: Text;
  objects: Ref[];
  /** As in Remedy. */
  command?: string;
}
export interface Remedy<Args> {
  /** One line: what it does to these findings. */
  text: Wording<Finding<Args>[]>;
  /** Where it cannot begin without one: a command to paste. `{tool}` stands for how the user calls us, `{again}` for the flags that lead to the same place. */
  command?(found: Finding<Args>[]): string | undefined;
  asks?: Asked[];
  /** What the steps will write, for `rbac --for fix`. A test compares it with the steps. */
  writes: Rule[];
  /** Given all findings of the check, since only so can steps be ordered and merged. */
  steps(found: Finding<Args>[], at: Situation): Promise<(StepDraft | Refusal)[]>;
}
/** A resource of which single objects are read; `names` narrows the right. */
export interface Asked {
  resource: ResourceName;
  verb?: 'get' | 'log';
  names?: string[];
}
// biome-ignore lint/suspicious/noExplicitAny: a registry holds checks of every kind of argument
export interface Check<R extends Reads = any, Args = any> {
  id: `${SystemId}/${string}`;
  /** The condition that should hold. */
  title: Text;
  /** What is the case where it does not hold; stands beside the sign of its findings. */
  found: Text;
  /** Why it matters, how it is found; a paragraph, for explain. */
  why: Text;
  sources: string[];
  /** Version ranges (npm's notation) of the installation and of the target (of the installation where there is none). */
  when: { from?: string; to?: string; stage: 'before' | 'after' | 'both' };
  needs?: ('target' | 'chart')[];
  knownUpTo?: string;
  reads: R;
  asks?: Asked[];
  judge(rows: Rows<R>, at: Situation): Judgement<Args> | Promise<Judgement<Args>>;
  /** `objects`: those that this finding is still about; some may have been accepted by name, so counts come from here and never from `args`. */
  message: Record<Language, (args: Args, objects: readonly Ref[]) => string>;
  remedy?: Remedy<Args>;
}
export interface System {
  id: SystemId;
  title: Text;
  reads: Reads;
  asks: Asked[];
  checks: Check[];
  /** What it is found by; said where it is not found. */
  signs: Text;
  /** Oldest and newest version that the knowledge of this system speaks about. */
  knownFrom: string;
  knownUpTo: string;
  compare(a: string, b: string): number;
  satisfies(version: string, range: string): boolean;
  /** A version in this system's notation, normalised; undefined if it is none. */
  parse(version: string): string | undefined;
  /** Found, absent ([]), or cannot tell (Gap). */
  // biome-ignore lint/suspicious/noExplicitAny: each system knows the rows of its own reads
  detect(rows: any, ask: Ask): Promise<Installation[] | Gap>;
  defaultTarget(installation: Installation): string | undefined;
}
/** Made by the engine alone. `passed` needs every required read, and every gap to be harmless. */
export type Outcome = 'found' | 'passed' | 'unknown' | 'not-applicable' | 'not-looked-at';
export interface CheckResult {
  id: string;
  installation: string;
  outcome: Outcome;
  findings: JudgedFinding[];
  gaps: Gap[];
  /** Why it does not apply, was not looked at, or is unknown although nothing was missing (a horizon). */
  note?: Text;
}
export interface JudgedFinding extends Finding {
  fingerprint: string;
  message: Text;
  accepted: boolean;
  remedy: { automatic: boolean; text: Text; steps: number } | null;
}

// ---- changing: steps, writes, worlds --------------------------------------------------------------------------------

export * from './contracts-changing.ts';

// ---- remembering ----------------------------------------------------------------------------------------------------

export interface Run {
  schema: 1;
  id: string;
  /** Name and version of the tool that made it. */
  tool: string;
  /** The command line's verb and its words: `fix spiderpool/owner-controller-type`. */
  what: string;
  at: string;
  /** Ids of the checks whose findings it repairs; looked at again when it ends. */
  checks: string[];
  /** What each installation is to become, so that a look afterwards asks the same question. `installation`: its id without the system. */
  targets?: { system: SystemId; installation: string; version: string }[];
  steps: Step[];
  cluster: ClusterIdentity;
  /** Impersonated user, if any. */
  as?: string;
}
export type Way = 'do' | 'undo';
export type StepResult = 'done' | 'already' | 'obsolete' | 'left' | 'failed' | 'manual';
export type Entry =
  | { at: string; is: 'begin'; way: Way; pid: number }
  | { at: string; is: 'intent'; way: Way; step: string; before?: Raw }
  | { at: string; is: 'outcome'; way: Way; step: string; result: StepResult; after?: Raw; detail?: Text }
  | { at: string; is: 'end'; way: Way; state: EndState };
/** `unchanged`: it ended before anything was written, and nothing is in doubt. */
export type EndState = 'finished' | 'stopped' | 'unchanged';
export interface Journal {
  /** Resolves when the entry is on disk (fsynced; entries that wait together share one fsync). Throws when it could not be stored: then nothing may be sent. */
  append(entry: Entry): Promise<void>;
  close(): Promise<void>;
}
export interface StoredRun {
  run: Run;
  entries: Entry[];
}
export interface RunStore {
  create(run: Run): Promise<Journal>;
  /** Newest first; of this cluster. A folder that cannot be read is reported through `unreadable`. */
  list(): Promise<{ runs: StoredRun[]; unreadable: { id: string; why: string }[] }>;
  read(id: string): Promise<StoredRun | undefined>;
  reopen(id: string): Promise<Journal>;
}

// ---- the one writer -------------------------------------------------------------------------------------------------

export interface Holder {
  run: string;
  who: string;
  since: string;
  state: 'running' | 'stopped';
  /** Its renewals have stopped for longer than the Lease allows, by our own clock. */
  stale: boolean;
}
export interface Held {
  /** Aborted when the Lease was lost or could not be renewed: stop before the next write. */
  readonly lost: AbortSignal;
  /** `stopped` leaves the Lease marked with the run; else it is removed. */
  release(state: EndState): Promise<void>;
}
export interface Lock {
  /** Waits up to a minute to tell a stale Lease from a living one, calling `waiting` once when it does. */
  acquire(run: string, options: { takeOver?: string; waiting?(holder: Holder): void }): Promise<Held | Holder>;
  /** Held if, and only if, the Lease is there and names this run; never waits. undefined also where it may not be read or written. */
  own(run: string): Promise<Held | undefined>;
}
