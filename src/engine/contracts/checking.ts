// The contracts of checking: what a check declares and returns, what it is told, what the engine makes of it, and a system around its checks.
import type { Json, Raw, Ref, Rule, SystemId, Text } from './base.ts';
import type { Command, StageDraft, StepDraft } from './changing.ts';
import type { Cluster, Gap, Installation, PointRead, PointReader, QuickReader, Reads, Rows, Source, TableRows, Tables } from './reading.ts';

export interface UpgradePath {
  installation: Installation;
  from: string | Gap;
  to?: string;
  /** `back`: `--back-to`; `to` is then older than `from`. */
  chosen: 'asked' | 'default' | 'back';
  /** The versions after `from`, the target last. Empty without a target. */
  hops: string[];
  /** The target is known from a pre-release alone. */
  provisional?: true;
}
/** The way back from the newer version to the older one. `upgraded`: the newer one is installed (`--back-to`); else it is only meant, and what stands against a return can be foretold alone. */
export interface WayBack {
  from: string;
  to: string;
  upgraded: boolean;
}
export interface Situation {
  path: UpgradePath;
  cluster: Cluster;
  /** ms since the epoch. */
  now: number;
  look: PointReader;
  /** For checks of stage `back`. */
  back?: WayBack;
  /** How nodes will be upgraded, `--nodes`; undefined: no one said. */
  nodes?: 'drain' | 'in-place' | 'replace';
  /** What is meant besides the versions (the chart, values for helm), as chart/ makes it and reads it; the engine does not look into it. */
  intended?: unknown;
}
export type Severity = 'blocker' | 'warning' | 'notice';
export type Certainty = 'certain' | 'high' | 'medium' | 'low';
export interface Finding<Args = Json> {
  severity: Severity;
  /** What is wrong, stable over runs and Pod names: with check and installation the fingerprint. */
  key: string[];
  certainty: Certainty;
  objects: Ref[];
  /** What the wording and the remedy need. Never indexed by the position of an object: a finding may be handed on with only some of its objects. */
  args: Args;
  evidence: Evidence[];
  /** Who declares its objects elsewhere and would write them back; set by the engine from the column `declaredBy`. `gone`: a release that is marked there, but does not exist; `unchecked`: releases, of which the records were not read. */
  declaredBy?: { name: string; mark: string; watches: boolean; gone?: true; unchecked?: true };
  /** The version of the path at which it bites. */
  hop?: string;
  /** Of a blocker about the target itself: the target to take instead. While it is open, nothing that fetches or prepares the other one is proposed. */
  target?: string;
}
export interface Evidence {
  /** A field and its value, as they are; or words. */
  seen: string | Text;
  at?: Ref;
}
/**
 * Findings, or why there can be none: it does not concern this installation, or what was seen does not answer the question.
 * With `gaps`: besides what was found there is something in the rows that cannot be interpreted.
 */
export type Judgement<Args> = Finding<Args>[] | { findings: Finding<Args>[]; gaps: Gap[] } | { notApplicable: Text } | { unknown: Text };
export interface Refusal {
  refused: Text;
  objects: Ref[];
  /** As in Remedy. */
  command?: string;
  /** In its place: more than one, in this order. */
  commands?: Command[];
  /** It is not a fix that is skipped, but left to a person, or done by an upgrade; no run waits for it. */
  as?: 'manual' | 'upgrade';
}
export interface Remedy<Args> {
  /** Where it cannot begin without one: a command to paste. `{tool}` stands for how the user calls us, `{again}` for the flags that lead to the same place. */
  command?(found: Finding<Args>[]): string | undefined;
  pointReads?: PointRead[];
  /** What the steps will write, for `rbac --for fix`. A test compares it with the steps. */
  writes: Rule[];
  /** What it changes lasts although the object is declared elsewhere. Without it, it is not offered there: the owner would write it back. `unless-watched`: as long as helm is not called. */
  lasts?: true | 'unless-watched';
  /** No step of it can be undone; `page.fix` says why. */
  undo?: 'none';
  /** Given all findings of the check, since only so can steps be ordered and merged. */
  steps(found: Finding<Args>[], at: Situation): Promise<(StepDraft | Refusal)[]>;
}
/** What `explain` and the page of a check say besides; each at most three short sentences. */
export interface Page {
  /** What breaks, in which versions. */
  impact: Text;
  /** What is compared, what is ignored. */
  detection?: Text;
  /** What is done, what is evicted or deleted, how it is undone. */
  fix?: Text;
  /** What is left to a person. */
  limits?: Text;
}
// biome-ignore lint/suspicious/noExplicitAny: a registry holds checks of every kind of argument
export interface Check<R extends Reads = any, Args = any> {
  id: `${SystemId}/${string}`;
  /** The condition that should hold. */
  title: Text;
  /** What is the case where it does not hold; stands beside the sign of its findings. */
  headline: Text;
  page: Page;
  sources: (string | Text)[];
  /**
   * Version ranges (npm's notation) of the installation and of the target (of the installation where there is none).
   * `back`: it says what stands against the way back of the upgrade, `Situation.back`; `from` is then of the older version and `to` of the newer one, before the upgrade and after it.
   */
  applies: {
    from?: string;
    to?: string;
    stage: 'before' | 'after' | 'both' | 'back';
    /** Asked with `--back-to` too: what it finds stands against every change. */
    back?: true;
  };
  /** `version`: it judges by the installed version. A range in `applies` needs what it speaks about. `upgraded`: of stage `back`, it can be seen only after the upgrade. */
  needs?: ('version' | 'target' | 'upgraded')[];
  knownUpTo?: string;
  reads: R;
  pointReads?: PointRead[];
  judge(rows: Rows<R>, at: Situation): Judgement<Args> | Promise<Judgement<Args>>;
  /** `objects`: those that this finding is still about; some may have been accepted by name, so counts come from here and never from `args`. */
  say(args: Args, objects: readonly Ref[]): Text;
  /** What it says of the configuration of components among the files of -f, beside what the cluster shows. */
  files?: FilesJudge<Args>;
  remedy?: Remedy<Args>;
  /**
   * What is changed where a manifest declares the object (`fix -f`): patches of its fields, by the object as it is declared, or what only a person can decide. Without it, the repair is none for files.
   * Objects that no manifest declares are not among those of the findings.
   */
  inFiles?(found: Finding<Args>[], declared: (on: Ref) => Raw | undefined): (StepDraft | Refusal)[];
  screen?: Screen<Tables, Reads, unknown, Args>;
}
/** Configuration that a component reads at its start (KubeletConfiguration), as a file of -f: it is meant for the target version, whatever is installed. */
export interface FilesJudge<Args> {
  /** `kubelet.config.k8s.io/KubeletConfiguration`. */
  kinds: readonly string[];
  judge(document: Raw, on: Ref, to: string): Finding<Args>[];
}
/** How a check takes a quick look (`check --quick`). It may find what the check would find; it clears nothing, so that its outcome is found or unknown. */
export interface Screen<T extends Tables, R extends Reads, Suspicion, Args> {
  /** The first is what the check is about. */
  tables: T;
  /** What they make suspicious; where that is nothing, nothing more is read. */
  suspect(rows: TableRows<T>): Suspicion[];
  reads: R;
  pointReads: PointRead[];
  /** Each finding confirmed by point reads. The engine hands on a bounded number of suspicions. */
  judge(suspicions: readonly Suspicion[], rows: Rows<R>, at: Situation & { look: QuickReader }): Promise<Finding<Args>[]>;
}
export interface System {
  id: SystemId;
  title: Text;
  reads: Reads;
  pointReads: PointRead[];
  checks: Check[];
  /** What it is found by; said where it is not found. */
  signs: Text;
  /** Oldest and newest version that the knowledge of this system speaks about. */
  knownFrom: string;
  knownUpTo: string;
  /** As far as a pre-release was read: a path up to here gets findings, and is never passed. */
  provisionalUpTo?: string;
  compare(a: string, b: string): number;
  satisfies(version: string, range: string): boolean;
  /** A version in this system's notation, normalised; undefined if it is none. */
  parse(version: string): string | undefined;
  /** The versions that an upgrade goes through, the target's last; left out: the target alone. */
  hops?(from: string, to: string): string[];
  /** Found, absent ([]), or cannot tell (Gap). */
  // biome-ignore lint/suspicious/noExplicitAny: each system knows the rows of its own reads
  detect(rows: any, look: PointReader, cluster: Cluster): Promise<Installation[] | Gap>;
  /** Of an installation that only manifests speak of (-f without a cluster), what these name. */
  defaultTarget(installation: Installation): string | undefined;
  /** What manifests say of its version, where there is no cluster under them. */
  declaredSources?(objects: readonly Raw[]): Installation['sources'];
  /** The chart that it is installed by: its stages need `intended`. */
  chart?: string;
  /** Its stages go from node to node, and heed `Upgrading.nodes`. */
  byNode?: true;
  /** Its stages uncordon Nodes, and heed `Upgrading.cordonAgain`. */
  uncordons?: true;
  /** Its stages may install what carries them out, and heed `Upgrading.controller`. */
  installsController?: true;
  /** Its version is that of every API server (`Cluster.servers`). */
  everyServer?: true;
  /** Its stages pull images ahead, and heed `Upgrading.pullImages`. */
  pullsImages?: true;
  /** Values with which its chart takes all images from this registry (`--mirror`). */
  mirrored?(registry: string): Raw;
  /** The upgrade itself, around the repairs, in order; a system without it can only be checked and repaired. */
  stages?(at: Upgrading): Promise<StageDraft[]>;
  /** What its stages read beside the checks: a snapshot holds it too, so that a plan can be made from one. */
  plans?: { reads: Reads; pointReads: PointRead[] };
  /** What the steps of the stages write, as of a remedy; what helm writes is helm's. */
  writes?: Rule[];
}
/** What a system makes its stages of. */
export interface Upgrading<Intended = unknown> {
  path: UpgradePath;
  /** To remember what the upgrade will overwrite. */
  source: Pick<Source, 'get' | 'list' | 'text'>;
  /** What chart/ made of the chart and the values that were given, for a system that is installed by one. */
  intended?: Intended;
  /** Seconds, for each part and again for the workloads; undefined: what suits the system. */
  within?: number;
  /** Of the kubeconfig, by which the cluster is reached; for the commands of providers. */
  context?: string;
  /** How nodes are upgraded, `--nodes`; undefined: drained first. */
  nodes?: 'drain' | 'in-place' | 'replace';
  /** kube-controller-manager is stopped while the API servers are upgraded. */
  stopController?: boolean;
  /** What API servers log meanwhile (`--v`), 0 to 10; undefined: as it is. */
  logVerbosity?: number;
  /** Of kubelets. */
  kubeletLogVerbosity?: number;
  /** What the checks found, by check; for the notes that concern this cluster. */
  found?: readonly { check: string; findings: readonly JudgedFinding[] }[];
  /** `--confirm`: objects of doubtful findings that are fixed all the same. */
  confirmed?: readonly string[];
  /** `--cordon-again`: Nodes that are cordoned now are cordoned again at the end. */
  cordonAgain?: boolean;
  /** false: `--no-pull-images`. */
  pullImages?: boolean;
  /** `--controller`: what is installed where nothing is that carries the stages out. */
  controller?: readonly Raw[];
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
  /** Of all findings of its check. `automatic`: fix has a step that is not manual; `steps`: how many it has or shows. */
  remedy: { automatic: boolean; text: Text; steps: number } | null;
}
