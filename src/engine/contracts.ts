// The contracts of the house, as types. Every room but this one depends on them; they depend on nothing.
// Order: plain words, seeing (sources), judging (checks), changing (steps, worlds), remembering (runs, journals), the one writer (lock).

import type { ChartAt, StepDraft } from './contracts-changing.ts';
import type { EndState } from './contracts-remembering.ts';

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
  /** Paths below the server (`/metrics`), without a query; group and resource are then ''. */
  nonResourceURLs?: string[];
}

// ---- seeing ---------------------------------------------------------------------------------------------------------

/** A resource as checks name it: `pods`, `deployments.apps`, `spiderendpoints.spiderpool.spidernet.io`. The version is discovery's business. */
export type ResourceName = string;
/** Dotted path; a key that holds dots is quoted: `metadata.annotations['k8s.v1.cni.cncf.io/network-status']`. Arrays are walked through. */
export type Field = string;
/**
 * Something that was not seen. Never "not there": a kind that is not installed gives no rows and no gap.
 * `quick`: only a quick look was asked for, or none that such a look could answer. Of `get-path` the resource is the path, without its query.
 */
export interface Gap {
  why: 'forbidden' | 'failed' | 'not-collected' | 'quick';
  verb: 'list' | 'get' | 'get-path' | 'log' | 'discover' | 'decode';
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
/** What an API server serves of one resource: as ApiResource, with every served version of the group, and whether it is the preferred one. */
export interface ServedResource extends ApiResource {
  verbs: string[];
  preferred: boolean;
}
/** Lines of an answer that is text, such as `/metrics` or `/readyz?verbose`. */
export interface TextQuery {
  path: string;
  /** Ask every API server, by the addresses of EndpointSlice default/kubernetes; else the one that the kubeconfig leads to. */
  every?: boolean;
}
export interface TextSink {
  /** One line of an answer that is text, and which API server gave it (host:port; '' where only one was asked). */
  line(line: string, server: string): void;
  /** The answers begin anew: forget what was given so far, of every server. */
  restart(): void;
}
/** What was given counts only when the list ends without a Gap. */
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
  /** One gap per server that could not be asked, or not to the end of its answer; the server's name is in the detail. */
  text?(query: TextQuery, sink: TextSink): Promise<Gap[]>;
  /** All groups, all served versions. A version that is listed and does not answer (a broken APIService) is a gap that names group/version. */
  apis?(): Promise<{ resources: ServedResource[]; gaps: Gap[] } | Gap>;
}
/** The columns of one table, as `kubectl get -o wide` heads them. */
export interface TableQuery {
  resource: ResourceName;
  columns: readonly string[];
}
/**
 * A Source that can also answer at once, out of its memory: an API server, never a dump. What it says so may be old, and shows no namespace: enough for a suspicion,
 * never for a finding, and least of all for the want of one.
 */
export interface QuickSource extends Source {
  /** One answer. `row` gets the cells of the columns, in their order; '' for what is no text. A resource that is not installed has no rows. */
  table(query: TableQuery, row: (cells: readonly string[]) => void): Promise<undefined | Gap>;
  /** The objects in which `field` (one that the API server selects by) has this value. */
  having(resource: ResourceName, field: Field, value: string): Promise<Raw[] | Gap>;
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
export type Reads = Record<string, Read>;
export type Rows<R extends Reads> = {
  [K in keyof R]: R[K] extends Read<infer Row> ? (R[K] extends { optional: true } ? Row[] | Gap : Row[]) : never;
};
/** Point reads, of resources named in `asks`; recorded, so that a snapshot can answer the same questions. A Gap it returns counts as the check's. */
export interface Ask {
  get(ref: Ref): Promise<Raw | undefined | Gap>;
  log(pod: Ref, container: string, lastBytes: number): Promise<string | undefined | Gap>;
}
/** What a quick look may ask besides; declared as `list`. */
export interface QuickAsk extends Ask {
  having: QuickSource['having'];
}
export interface HelmRelease {
  namespace: string;
  name: string;
  revision: number;
  status: string;
  /** HELM_DRIVER, where the records are not in Secrets. */
  driver?: 'configmap';
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
  sources: { from: string | Text; says: string }[];
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
  /** sha256 of the names and contents of its files, hex: the same of a folder and of its archive. */
  digest: string;
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
  evidence: Evidence[];
  hop?: number;
}
export interface Evidence {
  /** A field and its value, as they are; or words. */
  seen: string | Text;
  at?: Ref;
}
/**
 * Findings, or why there can be none: it does not concern this installation, or what was seen does not answer the question.
 * With `gaps`: besides what was found there is something in the rows that nobody can understand.
 */
export type Judgement<Args> = Finding<Args>[] | { findings: Finding<Args>[]; gaps: Gap[] } | { notApplicable: Text } | { unknown: Text };
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
/** A resource of which single objects are read; `names` narrows the right. `list`: of a quick look, those that have a value. */
export interface Asked {
  resource: ResourceName;
  verb?: 'get' | 'list' | 'log';
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
  screen?: Screen<Tables, Reads, unknown, Args>;
}
export interface Table<Row = unknown> extends TableQuery {
  keep(cells: readonly string[]): Row | undefined;
}
export type Tables = Record<string, Table>;
export type TableRows<T extends Tables> = { [K in keyof T]: T[K] extends Table<infer Row> ? Row[] : never };
/** How a check takes a quick look (`check --quick`). It may find what the check would find; it clears nothing, so that its outcome is found or unknown. */
export interface Screen<T extends Tables, R extends Reads, Suspicion, Args> {
  /** The first is what the check is about. */
  tables: T;
  /** What they make suspicious; where that is nothing, nothing more is read. */
  suspect(rows: TableRows<T>): Suspicion[];
  reads: R;
  asks: Asked[];
  /** Each finding confirmed by point reads. The engine hands on a bounded number of suspicions. */
  judge(suspicions: readonly Suspicion[], rows: Rows<R>, at: Situation & { ask: QuickAsk }): Promise<Finding<Args>[]>;
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
  /** The upgrade itself, around the repairs; a system without it can only be checked and repaired. `writes`: as of a remedy; what helm writes is helm's. */
  upgrade?: { steps(at: Upgrading): Promise<StepDraft[]>; writes: Rule[] };
}
/** An upgrade of a Helm release. */
export interface Upgrading {
  /** To remember what helm will overwrite. */
  source: Pick<Source, 'get' | 'list'>;
  from: Installation['version'];
  release: HelmRelease;
  chart: ChartAt;
  /** What the release will be given, and that laid over the chart's own. Not for plan or journal. */
  values: Raw;
  /** --reuse-values: helm itself mixes the release's own into those that it is given. */
  reuse: boolean;
  /** The Secret for what helm is given, the digest of that, whether it is not just what the release has, and the digest of what the release will hold by it. */
  kept: { on: Ref; digest: string; given: boolean; config: string };
  /** Seconds, for helm and again for the workloads; undefined: what suits the system. */
  within?: number;
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

export * from './contracts-remembering.ts';

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
