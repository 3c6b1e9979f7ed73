// The contracts of changing: steps as data, the writes that they come to, and the worlds that take them.
import type { Json, Raw, Ref, ResourceName, Rule, SystemId, Text } from './base.ts';
import type { TextQuery } from './reading.ts';

/** One field, as JSON Pointer, which may address an element of a list as Expectation does. undefined = absent. `inString`: a pointer inside a string that itself holds JSON (SpiderIPPool status.allocatedIPs). */
export interface Change {
  path: string;
  inString?: string;
  before?: Json;
  after?: Json;
}
/** Objects of one kind; `labels` as kubectl's -l, `fields` as its --field-selector: one equality. */
export interface Selection {
  apiVersion: string;
  kind: string;
  namespace?: string;
  labels?: string;
  fields?: string;
}
export type Must = 'exist' | 'be-gone' | Expectation[];
/**
 * Something that must be so. A Ref with a uid means that very object: a successor of its name counts as gone.
 * `every` of a selection that is empty does not hold. A reading holds when the answer of every server that was asked does; `matches`: some line of it.
 */
export type Condition =
  | { on: Ref; must: Must }
  | { of: Selection; which: 'every' | 'some' | 'none' | { atLeast: number }; must: Must; tells?: Tells }
  | { reading: TextQuery; contains: string }
  | { reading: TextQuery; matches: string; words?: Text };
/** How the objects of a selection for which it does not hold are named: by the text at `by` instead of their own name (a Pod by its Node), and why: the first text found at `why`. */
export interface Tells {
  by: string;
  why: string[];
}
/** A JSON Pointer, which may address an element of a list by a field of it: `/status/conditions[type=Ready]/status`. `inString` as in Change. */
interface Field {
  path: string;
  inString?: string;
}
/** `is` left out: the field must be absent. `isNot`: present and different. `words`: what the values are together, where a list of them (or a pattern) is not for a reader. */
export type Expectation =
  | (Field & { is?: Json })
  | (Field & { isNot: Json })
  /** Equal to another field of the same object: as many ready as wanted. */
  | (Field & { same: string })
  | (Field & { in: Json[]; words?: Text })
  | (Field & { atLeast: number })
  /** A time, so many seconds and more ago; or less, by our own clock. */
  | (Field & { olderThan: number })
  | (Field & { newerThan: number })
  | (Field & { startsWith: string });
/** How far a wait is: `done` of `of` objects or conditions hold; `now`: which is waited for. */
export interface StepProgress {
  done: number;
  of: number;
  now?: string;
}
export type UndoPromise = 'exact' | 'compensates' | 'none';
interface Common {
  /** One line: what is done to which object and why. */
  text: Text;
  /** Why we want this; read again at the last moment. Gone = obsolete, not an error. */
  guard: Condition[];
  undo: UndoPromise;
  /** A repair that is no longer needed once its guard is broken: the run goes on. Any other step that ends obsolete stops it. */
  optional?: true;
  /** For the way back: a run passes it by, and an undo carries it out as it stands, before what it comes `after`. Without `after`, where anything is undone. */
  onUndo?: true;
  /** Fingerprints of findings that a step of the system's own stages fixes on its way, so that they do not keep the upgrade from beginning. */
  fixes?: string[];
  /** What an undo does not bring back, or why there is none. */
  undoNote?: Text;
  /** Putting the object back is for a person: what an undo says in its place. `file`: the name under which the old object is laid beside the journal, for `kubectl create`. */
  restore?: { text: Text; commands?: Command[]; file?: string };
  /** Said when the run has gone through, of each as long as it holds then. */
  reminds?: Reminder[];
}
export interface Reminder {
  when: Condition;
  text: Text;
  commands: string[];
}
/** A command for a shell; a Text where the comment behind it is in words. */
export type Command = string | Text;
export type Action =
  /** `counters`: numbers that are recomputed at write time, in either way, never restored: how many keys the JSON object in the string at `keysOf` has. */
  | { do: 'patch'; on: Ref; subresource?: 'status'; changes: Change[]; counters?: { path: string; keysOf: string }[] }
  /** With its status, also where that is a subresource: then it takes two writes. `unheld`: fields that steps of the way back change before the object is deleted. */
  | { do: 'create'; object: Raw; unheld?: string[] }
  /** Server-side apply, forced; for CustomResourceDefinitions. `like`: see delete. */
  | { do: 'apply'; object: Raw; like?: Raw }
  /**
   * Done once the object is gone or on its way out (finalizers). Never a Pod without a controller unless it has finished, nor a CustomResourceDefinition with objects.
   * `like`, in inverses: fields that must still be as we wrote them, else another user has changed it since and it is left.
   * `again`: it is made again only while that object lives, and with these finalizers, which an earlier step took off.
   */
  | {
      do: 'delete';
      on: Ref;
      propagation?: 'Foreground' | 'Background' | 'Orphan';
      like?: Raw;
      again?: { whileLives: Ref; finalizers: string[] };
    }
  /** Eviction that waits for PodDisruptionBudgets. `within`: seconds. */
  | { do: 'evict'; on: Ref; within: number }
  /**
   * Cordons a Node, then evicts its Pods but those of DaemonSets and static ones, each by way of its PodDisruptionBudgets, until none is left. `within`: seconds. Undone, the Node is
   * uncordoned, if it was not cordoned before. `lose`: Pods without a controller that were accepted by name: they alone of their kind are evicted, and are not re-created.
   * `repairs`: checks that find what holds it, and whose fix removes it. `unless`: where that holds, what the Node is drained for has been done.
   */
  | { do: 'drain'; on: Ref; within: number; lose?: Ref[]; repairs?: string[]; unless?: Condition[] }
  /**
   * How much an API server or a kubelet logs from now on (`--v`), until it restarts. `on`: what stands for it (steps/verbosity.ts); `before`: what its command line or configuration says.
   */
  | { do: 'verbosity'; on: Ref; level: number; before: number }
  /** `within`: seconds in which all must begin to hold; `lasting`: seconds for which they must then hold without a break. `fails`: what means that they never will; `retry`: commands with which a person has it tried again then (of a wait of the way back: that show what it waits for, and end it), and `repairs`: checks whose fix gives back what has failed, before an undo removes what shows it: a wait of the way back ends behind it only when they find nothing; `goesOn`: what the cluster does further where the run stops here; `assume`: what a controller will do meanwhile, for rehearsal. */
  | {
      do: 'wait';
      until: Condition[];
      within: number;
      lasting?: number;
      fails?: Condition[];
      retry?: Command[];
      repairs?: string[];
      goesOn?: Text;
      assume: Assumption[];
    }
  /** What the upgrade may spoil, whole, into a file beside the journal: `file`, its name there. Every object of these resources that the cluster has. */
  | { do: 'backup'; resources: ResourceName[]; file: string }
  /** A Secret beside the release that holds values for helm: they are never written to disk here. `digest`: sha256 of them, hex. `given`: not just what the release has. */
  | { do: 'keep'; release: ReleaseName; on: Ref; digest: string; given: boolean }
  /** Deletes what a keep step made, or another step for the run itself (steps/keep.ts, TEMPORARY); nothing of the cluster's own goes with it, so there is nothing to undo. */
  | { do: 'forget'; on: Ref }
  /**
   * helm upgrade of a release whose newest revision is `from`, or helm rollback to it. `values`: the Secret of a keep step, with the digest of that; `reuse`: helm mixes the
   * release's own into them. `config`: digest of what the release then holds. `within`: seconds that helm may take. `rights`: what helm is known to need.
   */
  | {
      do: 'helm';
      action: 'upgrade' | 'rollback';
      release: ReleaseName;
      from: number;
      chart: ChartAt;
      values: Ref;
      digest: string;
      reuse: boolean;
      config: string;
      within: number;
      rights?: Rule[];
    }
  /** Takes away the record of a revision that is pending although no helm can be alive behind it. `quiet`: seconds for which it must not have changed. */
  | { do: 'unpend'; release: ReleaseName; revision: number; quiet: number }
  /**
   * Writes every object of a CustomResourceDefinition once more as it is, so that it is stored in `storage`; then status.storedVersions, which was `stored`, names that version alone.
   * `of`: as what they are read. `status`: they have that subresource, and are written through it, past the admission webhooks. `generation`: of the CRD; set when the run begins with it.
   */
  | {
      do: 'migrate';
      on: Ref;
      of: { apiVersion: string; kind: string };
      storage: string;
      stored: string[];
      status?: true;
      generation?: number;
    }
  /**
   * Records a new revision `to` of a release: what revision `from` holds, with these API versions in its manifest. It is deployed before `from` is superseded. `records`: the kind of the
   * objects that its records are. `back`: the other way round, with the labels that the old record had.
   */
  | {
      do: 'revise';
      release: ReleaseName;
      records: 'Secret' | 'ConfigMap';
      from: number;
      to: number;
      apis: ApiChange[];
      back?: true;
      labels?: Raw;
    }
  /** Looks again before the run goes on to the next version: a blocker that was not accepted, and that no step further on repairs, stops it. */
  | { do: 'recheck'; hop: string; systems: SystemId[] }
  /** Done by a person. It blocks until `seen` holds; without `seen` a person confirms it by its name. `makes`, in inverses: an object for `kubectl create`. It may hold secrets, so that no command shows it: it goes into a file beside the journal (`file`, its name there). `wrong`: what stops it once it is seen: it was done otherwise. `restarts`: containers of which Node (and of which others) are watched meanwhile, and whether the step was said to restart them all. `changesNothing`: of the cluster (notes to read, a backup): an undo leaves nothing of it to a person. */
  | {
      do: 'manual';
      commands: Command[];
      changesNothing?: true;
      /** What a person has to know of it, before the commands. */
      notes?: Text[];
      seen?: Condition[];
      wrong?: Wrong[];
      restarts?: { on: Ref; others?: Ref[]; said: boolean };
      makes?: { object: Raw; file: string };
    };
/** `to`: undefined: nothing takes the place of the kind, and its objects leave the manifest. */
export interface ApiChange {
  apiVersion: string;
  kind: string;
  to?: string;
}
/** `text`: what it means, and what to do, with these commands. `while`: only as long as this holds too. `sets`: a variable that the commands ask to be set to the name of what is seen. */
export interface Wrong {
  when: Condition;
  while?: Condition;
  text: Text;
  commands?: Command[];
  sets?: string;
}
export interface ReleaseName {
  namespace: string;
  name: string;
  /** Where its records lie, if not in Secrets. */
  driver?: 'configmap';
}
/** `path`: folder or archive; `digest`: of what was there when the run was begun, as in Chart. */
export interface ChartAt {
  path: string;
  name: string;
  version: string;
  digest: string;
}
/** An object that is not there is made; of a change only `after` counts. */
export type Assumption = { on: Ref; changes: Change[] } | { gone: Ref };
/**
 * As a remedy gives it; `after` names drafts of the same remedy that must be done first. `when`: of a repair, before or behind the system's own stages;
 * before, unless it says so. `instead`: only where no upgrade is run, since that does the same; before all other repairs. A manual one is an upgrade that a person runs: no run waits for it. `first` and `last`: only of an upgrade that we run,
 * what has to be so while it lasts: before all other repairs, and put back when everything else is done.
 */
export type StepDraft = Common &
  Action & {
    after?: StepDraft[];
    when?: 'before' | 'after' | 'instead' | 'first' | 'last';
    /** What so many steps like this do, as the fix line has it before the objects: `releases 2 IPs of`; in Chinese `{}` is where they stand. Of a manual step: all of its part of the fix line. */
    brief?(steps: number): Text;
    /** Of an upgrade by helm that a person runs (`instead`): what the system's stages give helm by themselves, unless something else is given. */
    helmValues?: readonly ValueSetting[];
  };
/** A value of a chart: set, where null takes the key away, or moved to a new name. */
export type ValueSetting = SetValue | MovedValue;
export interface SetValue {
  path: readonly string[];
  value: Json;
}
export interface MovedValue {
  path: readonly string[];
  movedFrom: readonly string[];
  /** One key that became several: the others. */
  also?: readonly (readonly string[])[];
}
/** As a plan holds it: with an id, the ids of what must be done before it, and the fingerprints of the findings it repairs. Plain data. */
export type Step = Common & Action & { id: string; after: string[]; reasons: string[] };
export type StepOf<Kind extends Action['do']> = Extract<Step, { do: Kind }>;

/** One JSON Patch operation (RFC 6902), the four that we send. */
export type PatchOp = { op: 'test' | 'add' | 'replace'; path: string; value: Json } | { op: 'remove'; path: string };
/** One write as it goes to the server. Every one carries its own precondition: patches test uid and resourceVersion, the others say what they found. */
export type Write = ApiWrite | HelmWrite;
export type ApiWrite =
  | { verb: 'patch'; on: Ref; subresource?: 'status'; patch: PatchOp[] }
  | { verb: 'create'; object: Raw }
  /** `resourceVersion` of what was looked at; undefined: it must not exist. */
  | { verb: 'apply'; object: Raw; resourceVersion?: string }
  | { verb: 'delete'; on: Ref; resourceVersion?: string; propagation?: 'Foreground' | 'Background' | 'Orphan' }
  | { verb: 'evict'; on: Ref }
  /** It carries no precondition: no server says what the level is. */
  | { verb: 'verbosity'; on: Ref; level: number };
/** Writes that need helm, the values for it, or a place for a backup at hand. */
export type HelmWrite =
  | { verb: 'backup'; resources: ResourceName[]; file: string }
  | { verb: 'keep'; release: ReleaseName; on: Ref; digest: string }
  /** `clear`: a revision that a helm which is gone left pending; its record goes first. */
  | { verb: 'helm'; step: StepOf<'helm'>; clear?: number }
  | { verb: 'unpend'; release: ReleaseName; revision: number }
  /** One of the writes of a revise step: the record `made` of the new revision, or the status of the old one. */
  | ReviseWrite;
export type ReviseWrite =
  | { verb: 'record'; step: StepOf<'revise'> }
  | { verb: 'unrecord'; step: StepOf<'revise'> }
  | { verb: 'status'; step: StepOf<'revise'>; status: 'deployed' | 'superseded'; labels?: Raw };
const OTHERS: ReadonlySet<Write['verb']> = new Set(['backup', 'keep', 'helm', 'unpend', 'record', 'unrecord', 'status']);
export function isApiWrite(write: Write): write is ApiWrite {
  return !OTHERS.has(write.verb);
}
/** What one API server answered; `server`: host:port, '' where only one was asked. */
export interface ServerText {
  server: string;
  text: string;
}
/** Two of these: the API server, and a dump in memory (rehearsal). */
export interface World {
  /** As of a Source. */
  recordedAt?: number;
  /** An uncached read. undefined: no such object, or no such kind. Throws WorldError. */
  get(ref: Ref): Promise<Raw | undefined>;
  /** The object as the server answered; undefined where it answers with none (delete, evict). Throws WorldError. */
  write(write: Write, options?: { dryRun?: boolean }): Promise<Raw | undefined>;
  /** Whether there is any object of this kind, in any namespace. None of a kind that is not served. Throws WorldError. */
  any(of: { apiVersion: string; kind: string }): Promise<boolean>;
  /** Metadata of what lies in a namespace, of every kind that can be listed; a page of each. Undefined: this world has none. Throws WorldError, also where one kind cannot be seen. */
  inside?(namespace: string): Promise<Raw[]>;
  /** Every object of a selection; of a kind that is not served, none. Throws WorldError. */
  select(of: Selection): Promise<Raw[]>;
  /** Metadata of the objects of a kind in any namespace, in the order of their names, page by page. `left`: how many come behind this page. Throws WorldError. */
  page(of: { apiVersion: string; kind: string }, next?: string): Promise<{ objects: Raw[]; next?: string; left: number }>;
  /** The answer of every server that was asked. Throws WorldError. */
  read(query: TextQuery): Promise<ServerText[]>;
  /** Of these rules those that are not allowed to us, one verb and one name each. Throws WorldError where that cannot be told. */
  allowed(rules: readonly Rule[]): Promise<Rule[]>;
  /** Where helm can be driven. */
  helm?: ReleaseReader;
  /** Where records of releases can be read: how far a revise step is. `now` of one that is to-do: the record that is written next. Throws WorldError. */
  revised?(step: StepOf<'revise'>): Promise<Look>;
  /** Where there is a place for backups: whether this one is there, whole. */
  hasBackup?(file: string): Promise<boolean>;
  /** Rehearsal alone has it: makes so what controllers are expected to do. */
  assume?(assumptions: readonly Assumption[]): void;
}
/** The helm binary, led to our cluster. Both streams of what it prints, redacted. */
export interface HelmProgram {
  /** 3.17.1. */
  version: string;
  call(args: readonly string[], input?: string): Promise<{ code: number; output: string }>;
}
/** What can be seen of a release without asking helm. */
export interface ReleaseReader {
  /** undefined: no such release. Throws WorldError. */
  newest(release: ReleaseName): Promise<Revision | undefined>;
  /** Whether a helm on this machine is working on it. */
  isAlive(release: ReleaseName): Promise<boolean>;
}
/** One record of a release. `touched`: when it was last written, in ms since the epoch, NaN: unknown; `chart`: NAME-VERSION; `digest`: of the values it was given; `description`: what helm says of it. */
export interface Revision {
  revision: number;
  status: string;
  touched: number;
  chart: string;
  digest: string;
  description: string;
}
/**
 * `conflict`: 409 or 422, look again. `unanswered`: it may or may not have happened. `throttled`: 429 or 503, not done, tried often enough.
 * `blocked`: a PodDisruptionBudget refuses an eviction for now.
 */
export type WorldErrorKind = 'blocked' | 'conflict' | 'forbidden' | 'missing' | 'refused' | 'throttled' | 'unanswered';
export class WorldError extends Error {
  override readonly name = 'WorldError';
  readonly kind: WorldErrorKind;
  readonly text: Text;
  readonly status?: number;
  /** `said`: by the server, the same in every language, or by us; sanitised, one line. */
  constructor(kind: WorldErrorKind, said: string | Text, status?: number) {
    const text = typeof said === 'string' ? { en: said, zh: said } : said;
    super(text.en);
    this.kind = kind;
    this.text = text;
    this.status = status;
  }
}
/**
 * What a look at the cluster says about a step. `moved`: neither before nor after; the paths that are off, or why in words. `refused`: this tool never does that.
 * `to-do` of a wait: `because` says what has not come about, `at` is the condition of that.
 */
export type Look =
  | { is: 'to-do'; now: Raw | undefined; because?: Text; progress?: StepProgress; at?: Condition }
  | { is: 'done'; now: Raw | undefined; because?: Text }
  | { is: 'obsolete'; because: Text }
  | { is: 'moved'; paths: string[]; because?: Text }
  | { is: 'refused'; because: Text };
/** One small module per kind of step; `look` serves the write, resume and undo alike. */
export interface StepKind<S extends Step = Step> {
  /** What the step changes, one line each, for previews: names and values, and what they need of words. */
  preview(step: S): (string | Text)[];
  /** How a person does the same in a POSIX shell. Empty: nothing, or it cannot be done so. */
  commands(step: S): Command[];
  /** `halt`: a look that waits ends when it is aborted, and what it says then does not count. */
  look(step: S, world: World, halt?: AbortSignal): Promise<Look>;
  /** `now`: what a look found to be to-do. undefined: nothing is sent (manual, wait). */
  write(step: S, now: Raw | undefined): Write | undefined;
  /** What the journal keeps of the object as it was found: exactly what undo needs. */
  remember(object: Raw | undefined): Raw | undefined;
  /** The step that undoes it, or why there is none. `before`: what was remembered (undefined: there was no object); `after`: who it was once written. */
  inverse(step: S, before: Raw | undefined, after: Raw | undefined): Step | { none: Text };
}
/** A part of a system's upgrade. `hop`: the version that it brings; `first`: it comes before the repairs of its hop. */
export interface StageDraft {
  hop?: string;
  title: Text;
  first?: true;
  steps: StepDraft[];
}
/** As a plan holds it; ids of steps are unique over all of them. */
export interface Stage {
  id: string;
  hop?: string;
  title: Text;
  steps: Step[];
}
