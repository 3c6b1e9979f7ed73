// The contracts of reading: where objects come from, what is declared to be read of them, what could not be seen, and what was found installed.
import type { Field, Json, Raw, Ref, ResourceName, SystemId, Text } from './base.ts';

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
  /** What the server or the decoder said, sanitised, one line. Of `not-collected`: what is missing, where that is not a part of a snapshot. */
  detail?: string;
  /** The same in Chinese, where the words are ours. */
  detailZh?: string;
  /** What would settle it, where that is not the general way; {tool}, {asked} and {again} stand for how the tool was called. */
  settle?: Text;
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
  /** How a snapshot would keep it; see Column. */
  marks?: readonly string[];
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
  /** ms until a server that does not take the connection is given up; undefined: what suits any query. */
  reachMs?: number;
}
export interface TextSink {
  /** One line of an answer that is text, and which API server gave it (host:port; '' where only one was asked). Answers true where the line matters: a snapshot keeps no other. */
  line(line: string, server: string): unknown;
  /** The answers start again: forget what was given so far, of every server. */
  restart(): void;
}
/** What was given counts only when the list ends without a Gap. */
export interface ListSink {
  object(object: Raw): void;
  /** The list starts again (its continue token expired): forget what was given so far. */
  restart(): void;
}
/** Where objects come from: an API server, or a dump of one. Never throws for what the cluster answers; that is a Gap. Throws only when aborted. */
export interface Source {
  /** ms since the epoch: when the answers were recorded, so that ages are counted to then; undefined: they are of now. */
  recordedAt?: number;
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
  /** Is this kind served in exactly this version? Asks for no group or version that discovery does not name. */
  serves?(apiVersion: string, kind: string): Promise<boolean | Gap>;
  /** All groups, all served versions. A version that is listed and does not answer (a broken APIService) is a gap that names group/version. */
  apis?(): Promise<{ resources: ServedResource[]; gaps: Gap[] } | Gap>;
  /** What -f gave, in its order: every declaration, also of an object that is declared twice or of an API that is not served. None without -f. */
  manifests?(): readonly Manifest[];
}
/**
 * One object of a file, and where it stands. `document`: from 0; `line`: from 1; `item`: where it is one of a list, from 0; `shares`: whose apiVersion it has, for want of one of its own.
 * `configuration`: no object of an API server, but what a component reads at its start (KubeletConfiguration): it has no name.
 * `unnamed`: its name or namespace is not known before it is created (generateName, a review, a placeholder): only its place tells it from others.
 * `part`: not an object that is applied as it stands: a patch without a name, or what stands inside another object (`inside`: which one; `within`: the keys that lead there). Only its place tells it.
 * `as`: the name that its text gives it, where its place stands for its name (fix -f).
 */
export interface Manifest {
  object: Raw;
  file: string;
  document: number;
  line: number;
  item?: number;
  shares?: true;
  configuration?: true;
  unnamed?: true;
  part?: true;
  inside?: string;
  within?: readonly string[];
  as?: string;
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
  /** One answer. `row` gets the cells of the columns, in their order; '' for what is not text. A resource that is not installed has no rows. */
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

// ---- what is declared ------------------------------------------------------------------------------------------------

/** How a snapshot keeps a text that itself holds structure. */
export type TextForm = 'json' | 'yaml';
/**
 * What a column keeps of an object, in the shape of the object. `weak`: stands only where no other column keeps more at that place.
 * `text`: a string that holds structure; several columns may each keep parts of it.
 */
export type Kept = null | boolean | number | string | Kept[] | { [key: string]: Kept } | WeakKept | TextKept;
export interface WeakKept {
  readonly [KEPT]: 'weak';
  readonly value: Json;
  /** It is what stood in a longer string: words, after a flag where that begins with one. */
  readonly words?: true;
}
export interface TextKept {
  readonly [KEPT]: 'text';
  readonly form: TextForm;
  readonly inner: Kept;
}
export const KEPT: unique symbol = Symbol('kept');
/**
 * One declared value. What is kept reads back to the same value, also where other columns keep more of the same object.
 * Made by the builders of engine/read/; a system may make one of its own, as a plain object.
 */
export interface Column<T = unknown> {
  /** What is requested, as seen from where the column stands; '' for that place itself. */
  paths: readonly Field[];
  /** What a snapshot promises by it: a path with how it is kept (`data:keys`). A path alone is kept as it is. */
  marks: readonly string[];
  read(base: Json | undefined): T;
  keep(base: Json | undefined): Kept | undefined;
}
export type Columns = Readonly<Record<string, Column>>;
export type ValuesOf<C extends Columns> = { [K in keyof C]: C[K] extends Column<infer T> ? T : never };
/** A row of a list: the object it stands for, and what its columns read. */
export type RowOf<C extends Columns> = { ref: Ref } & ValuesOf<C>;

interface Optional {
  /** Forbidden or failed arrives as a Gap among the rows instead of making the check unknown. */
  optional?: boolean;
  /** With `optional`: what it shows can only add evidence, so without it "nothing found" still means passed. */
  harmless?: boolean;
}
/** One shared list. The engine unites the fields of all checks per resource and selector, lists once, offers each object to every `keep`, holds only what they return. */
export interface ListRead<Row = unknown> extends Optional {
  read: 'list';
  resource: ResourceName;
  labels?: string;
  /** What is requested; follows from the columns. */
  fields: readonly Field[];
  /** What a snapshot keeps. */
  columns: readonly Column[];
  /** Left out on a path with none of these hops, where it counts as empty; a snapshot has it all the same. */
  concerns?(hops: readonly string[]): boolean;
  keep(object: Raw): Row | undefined;
}
/** Lines of an answer that is text. A snapshot holds the lines that `keep` made something of. */
export interface TextRead<Row = unknown> extends Optional, TextQuery {
  read: 'text';
  keep(line: string, server: string): Row | undefined;
}
/** The objects that -f gave; no rows without it. */
export interface ManifestsRead<Row = unknown> extends Optional {
  read: 'manifests';
  /** Also what is only a part of an object, or stands inside one. */
  parts?: true;
  keep(manifest: Manifest): Row | undefined;
}
/** Objects of which the lists tell which single ones are wanted whole: Helm's records, metadata first, bodies as needed. */
export interface BodiesRead<Row = unknown> extends Optional {
  read: 'bodies';
  /** By name. One that is `optional` and cannot be seen counts as empty. */
  lists: Readonly<Record<string, ListRead>>;
  bodies: readonly PointRead[];
  /** `rows`: of all lists. */
  wants(rows: readonly unknown[]): Ref[];
  make(rows: readonly unknown[], body: (ref: Ref) => Raw | undefined | Gap): Row[];
  /** Where all its lists were read, every release of the cluster is among the rows: these, as `NAMESPACE/NAME`. */
  installed?(rows: readonly unknown[]): string[];
}
/** Lists of which another list tells which there are: the custom resources of every CRD. One that cannot be seen is a gap beside the rows of the others. */
export interface NamedRead<Row = unknown> extends Optional {
  read: 'named';
  by: ListRead;
  /** `rows`: of `by`. All of them with the same columns. */
  wants(rows: readonly unknown[]): ListRead<Row>[];
  columns: readonly Column[];
  /** Those whose rights are named where no cluster is at hand. */
  known: readonly ResourceName[];
}
export type Read<Row = unknown> = ListRead<Row> | TextRead<Row> | ManifestsRead<Row> | BodiesRead<Row> | NamedRead<Row>;
export type Reads = Record<string, Read>;
type RowIn<R> =
  R extends ListRead<infer Row>
    ? Row
    : R extends TextRead<infer Row>
      ? Row
      : R extends ManifestsRead<infer Row>
        ? Row
        : R extends BodiesRead<infer Row>
          ? Row
          : R extends NamedRead<infer Row>
            ? Row
            : never;
export type Rows<R extends Reads> = {
  [K in keyof R]: R[K] extends { optional: true } ? RowIn<R[K]>[] | Gap : RowIn<R[K]>[];
};
/** Point reads, of resources named in `pointReads`; recorded, so that a snapshot can answer the same questions. A Gap it returns counts as the check's. */
export interface PointReader {
  get(ref: Ref): Promise<Raw | undefined | Gap>;
  log(pod: Ref, container: string, lastBytes: number): Promise<string | undefined | Gap>;
}
/** What a quick look may read besides; declared as `list`. */
export interface QuickReader extends PointReader {
  having: QuickSource['having'];
}
/** Where helm keeps its records, as HELM_DRIVER says. `elsewhere`: outside the cluster (sql, memory). */
export type HelmDriver = 'secret' | 'configmap' | 'elsewhere';
export interface HelmRelease {
  namespace: string;
  name: string;
  revision: number;
  status: string;
  /** HELM_DRIVER, where the records that count are not in Secrets. */
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
  /** Of one that is half upgraded the version of what is upgraded: from there the way back begins. */
  newest?: string;
  /** Versions up to the installed one whose removals have not come into force, the oldest first: it still behaves as an older one. */
  behind?: string[];
  /** Every place that names a version, and what it says; they may disagree. `beside`: it may differ by right, as kubelets from the API server, and does not count as a disagreement. */
  sources: { from: string | Text; says: string; beside?: true }[];
  /** Places that may name another version and could not be read; whatever judges by the version is not known then. */
  gaps?: Gap[];
  /** Helm says that it manages it, whether or not its records can be seen. */
  byHelm: boolean;
  /** The newest revision, by its record. */
  release?: HelmRelease;
}
/** A resource of which single objects are read; `names` narrows the right. `list`: of a quick look, those that have a value. */
export interface PointRead {
  resource: ResourceName;
  verb?: 'get' | 'list' | 'log';
  names?: string[];
  /** What is read of it; left out: what the lists of the same resource declare. The engine hands on nothing else. */
  columns?: readonly Column[];
  /** Written once and hardly changed: one answer serves all checks of an examination. */
  once?: boolean;
}
export interface Table<Row = unknown> extends TableQuery {
  keep(cells: readonly string[]): Row | undefined;
}
export type Tables = Record<string, Table>;
export type TableRows<T extends Tables> = { [K in keyof T]: T[K] extends Table<infer Row> ? Row[] : never };

// ---- the cluster ----------------------------------------------------------------------------------------------------

/** What everybody is handed, detection too. */
export interface Cluster {
  /** gitVersion of the API server that was asked. */
  serverVersion: string | Gap;
  /** The caller's HELM_DRIVER; undefined: not set, so that helm uses Secrets. */
  helmDriver?: HelmDriver;
  /** Every API server that could be asked by its own address; undefined: none could, or no system wants to know. */
  servers?: { address: string; version: string /** The minor that it behaves as, as it says itself (`36`). */; emulationMinor?: string }[];
  /** Those that could not, where others could. */
  unasked?: Gap[];
  /** Where none could: the minor that the one of the kubeconfig behaves as, as it says itself. */
  emulationMinor?: string;
  /** By kind or by the plural of the resource. undefined: nothing serves it. Asked for when it is first needed. */
  serves(group: string, name: string): Promise<Served | undefined | Gap>;
  /** In exactly this version? Cheaper: it does not ask for all APIs. */
  servesAs(apiVersion: string, kind: string): Promise<boolean | Gap>;
  /** Of all systems that were looked for; while they are being detected, those that were detected before. */
  installations: readonly Installation[];
}
export interface Served {
  kind: string;
  resource: string;
  versions: string[];
  preferred: string;
}
