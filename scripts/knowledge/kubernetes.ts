// Makes src/systems/kubernetes/knowledge/*.json from the tables that were derived from upstream's artefacts (k8s.io/kubernetes and its siblings, 1.23 to 1.38.0-beta.0):
//   node scripts/run.mjs knowledge/kubernetes PATH-OF-THE-TABLES
// Facts only, compact: what never bites (a gate that only stays, a List kind) is left out, and what follows from the rest.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { minorOf } from '../../src/versions/kubernetes.ts';

const KNOWLEDGE = join(import.meta.dirname, '..', '..', 'src', 'systems', 'kubernetes', 'knowledge');
/** The tables of components begin here: a gate or a flag that was gone before is in no table. */
const FIRST = '1.23';

type Row = Record<string, Json>;
type Tables = Record<string, Raw>;

/** Which file says what; the test holds that all of them say the same as what is committed. */
export function tablesOf(folder: string): Tables {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const components = read('component-removals');
  const horizon: Row = { knownFrom: FIRST, ...pick(components, 'knownUpTo', 'provisionalUpTo', 'provisional') };
  return {
    versions: {
      source: 'releases of k8s.io/kubernetes; the pre-release was read on 2026-11-29',
      ...horizon,
      derivedFrom: components.derivedFrom,
    },
    apis: {
      source: read('api-lifecycle').source,
      ...horizon,
      apis: read('api-lifecycle').apis.flatMap((row: Row) => apiRow(row, components.knownUpTo)),
    },
    components: {
      source: 'source and compiled binaries of k8s.io/kubernetes and its sibling modules at the patches of versions.json',
      ...horizon,
      gates: components.gates.flatMap(gateRow),
      flags: components.flags.map((row: Row) =>
        pick(row, 'component', 'name', 'deprecatedIn', 'removedIn', 'replacement', 'source', 'provisional'),
      ),
      newFlags: newFlags(join(folder, 'generate', 'answers'), components.provisional, components.provisionalUpTo),
      flagDefaults: components.flagDefaults.map((row: Row) => pick(row, 'component', 'name', 'changes', 'provisional')),
      admissionPlugins: components.admissionPlugins.map((row: Row) =>
        pick(row, 'name', 'since', 'removedIn', 'onByDefault', 'provisional'),
      ),
      configVersions: components.configVersions.map((row: Row) =>
        pick(row, 'reader', 'apiVersion', 'since', 'removedIn', 'experimentalUpTo', 'source', 'provisional'),
      ),
      kubeadmGates: components.kubeadmGates.map((row: Row) => pick(row, 'name', 'since', 'removedIn', 'source', 'provisional')),
    },
    metrics: {
      source: 'component-base metric options in the source of the five components at the patches of versions.json',
      ...horizon,
      metrics: read('metric-removals').metrics.map((row: Row) =>
        pick(row, 'name', 'stability', 'deprecatedIn', 'hiddenIn', 'removedIn', 'replacement', 'labelsRemoved', 'source', 'provisional'),
      ),
    },
    kubeadm: { source: 'cmd/kubeadm/app/constants/constants.go of k8s.io/kubernetes', ...horizon, images: read('kubeadm-images').rows },
    notes: {
      source: 'Urgent Upgrade Notes of CHANGELOG/CHANGELOG-1.NN.md in k8s.io/kubernetes; summaries are ours',
      ...horizon,
      notes: read('urgent-notes').notes.map((row: Row) => ({
        ...row,
        // The page says it in the words of the project.
        summary: String(row.summary).replace('by hand', 'manually'),
        ...(REASONS[String(row.pr)] ? { why: REASONS[String(row.pr)]! } : {}),
      })),
    },
    skew: skewTable(read('skew-policy')),
    behaviours: {
      source: 'KEPs of kubernetes/enhancements, source of k8s.io/kubernetes and its siblings; summaries are ours',
      ...horizon,
      changes: read('behaviour-changes').map((row: Row) => pick(row, 'id', 'in', 'what', 'phases', 'see', 'verified', 'provisional')),
    },
    'container-hash': hashTable(read('kubelet-container-hash')),
  };
}

/** By pull request: why there is no check, where the derived table only says that there is none. */
const REASONS: Record<string, string> = {
  109938: 'Pods pull from where their manifests say; mirrors, allow lists and firewalls cannot be seen in a cluster',
  120788: 'a flag of one kubeadm command; kubeadm refuses it with a message and nothing is changed',
  121305: 'kubeadm does it by itself; who used the old admin.conf as system:masters keeps that certificate until it expires',
  126108: 'alpha gate, off by default; a failed resize shows in status.allocatedResourceStatuses of the claim, the same before and after',
  126620: 'alpha gate of the kubelet, a file on the node; the final notes of 1.32 do not list it',
  130401:
    'an environment variable that switches a safety check off and is set nowhere by default; kube-proxy says in its log why it does not start',
  139837: 'nothing breaks: it widens what a right shows. Who has it: kubectl auth can-i get nodes/log --as USER',
  141345: 'files on the node (/etc/subuid, /etc/subgid) and directories of Pods; the kubelet says in its log why it does not start',
  143221: 'the files are inside volumes and cannot be read; the container says why it does not start',
};

/** Kinds with the minors of their life; a List kind goes with its kind. `removed`: the first minor that does not serve it. */
function apiRow(row: Row, knownUpTo: string): Row[] {
  if (row.isList) return [];
  const to = row.replacement as Row | null | undefined;
  return [
    {
      ...pick(row, 'group', 'version', 'kind'),
      ...renamed(row, { introducedIn: 'introduced', deprecatedIn: 'deprecated', effectiveRemovedIn: 'removed' }),
      // Of networking.k8s.io/v1beta1 IngressClass upstream names the List.
      ...(to
        ? { replacement: `${to.group ? `${to.group}/` : ''}${to.version} ${to.kind === `${row.kind}List` ? row.kind : to.kind}` }
        : {}),
      // The generator's date, where there is none of a person: until a release has carried it out it may still move.
      ...(row.removedMarker === 'generated-default' && minorOf(String(row.effectiveRemovedIn)) > minorOf(knownUpTo)
        ? { generated: true }
        : {}),
      ...pick(row, 'provisional'),
    },
  ];
}

/** What can stop a component: a gate that went or was locked, one that depends on another; and since when it is known, for the way back. */
function gateRow(row: Row): Row[] {
  if (row.from !== undefined) return []; // gone before the first minor of the tables
  const { components, ...rest } = row;
  return [
    {
      ...pick(
        rest,
        'name',
        'since',
        'stage',
        'default',
        'defaultChanges',
        'removedIn',
        'removedEarlierIn',
        'lockedIn',
        'lockedTo',
        'dependsOn',
        'source',
        'provisional',
      ),
      ...(components === 'all' ? {} : { components: components! }),
    },
  ];
}

/** What the binaries of a minor take that those of the minor before do not: for the way back. */
function newFlags(answers: string, provisional: Json, provisionalUpTo: Json): Row[] {
  const minors = readdirSync(answers)
    .map((file) => file.replace('.json.gz', ''))
    .sort((a, b) => minorOf(a) - minorOf(b));
  const of = (minor: string) =>
    JSON.parse(gunzipSync(readFileSync(join(answers, `${minor}.json.gz`))).toString()) as Record<
      string,
      { flags: Record<string, unknown> }
    >;
  return minors.slice(1).flatMap((since, at) => {
    const [before, now] = [of(minors[at]!), of(since)];
    return Object.keys(now)
      .sort()
      .flatMap((component) =>
        Object.keys(now[component]!.flags)
          .filter((name) => !(name in (before[component]?.flags ?? {})))
          .sort()
          .map((name): Row => ({ component, name, since, ...(since === provisionalUpTo ? { provisional } : {}) })),
      );
  });
}

/** The policy as numbers, by component. */
function skewTable(policy: Raw): Raw {
  const older = (rows: Json | undefined, of: string) =>
    (rows as Row[]).map((row) => ({ component: row[of] as string, minors: (row.minors ?? row.plusMinus)! }));
  const { kubelet, 'kube-proxy': proxy, 'kube-apiserver HA': servers, kubectl } = policy as Record<string, Raw>;
  const others = (policy as Record<string, Raw>)['kube-controller-manager, kube-scheduler, cloud-controller-manager']!;
  return {
    source: String(policy.source),
    apiServers: servers!.maxMinorSpread!,
    kubelet: older(kubelet!.maxOlder, 'kubelet'),
    kubeProxy: older(proxy!.maxOlderThanApiserver, 'kubeProxy'),
    kubeProxyBesideKubelet: older(proxy!.vsKubeletSameNode, 'kubeProxy'),
    controllers: others.maxOlder!,
    kubectl: kubectl!.plusMinus!,
  };
}

function hashTable(hash: Raw): Raw {
  return {
    source: 'pkg/kubelet/container/helpers.go of k8s.io/kubernetes; kubernetes 57741, 63814, 124220, 129385',
    algorithms: hash.algorithm!,
    boundaries: (hash.boundaries as Row[]).map((row) => pick(row, 'from', 'to', 'restartsAll', 'why', 'basis')),
    byField: (hash['predicted<=1.15'] as Row[]).filter(({ field }) => field !== null),
  };
}

const pick = (row: Row | Raw, ...names: string[]): Row =>
  Object.fromEntries(names.filter((name) => row[name] !== undefined && row[name] !== null).map((name) => [name, row[name] as Json]));
const renamed = (row: Row, names: Record<string, string>): Row =>
  Object.fromEntries(Object.entries(names).flatMap(([from, to]) => (row[from] === undefined ? [] : [[to, row[from] as Json]])));

/** One row a line: what a change to the data changes is what a diff shows. */
export function written(table: Raw): string {
  const fields = Object.entries(table).map(([name, value]) => {
    const isRows = Array.isArray(value) && value.some((item) => typeof item === 'object');
    if (!isRows) return `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    const rows = (value as Json[]).map((item) => `    ${JSON.stringify(item)}`);
    return `  ${JSON.stringify(name)}: [\n${rows.join(',\n')}\n  ]`;
  });
  return `{\n${fields.join(',\n')}\n}\n`;
}

export const fileOf = (name: string): string => join(KNOWLEDGE, `${name}.json`);

function main(folder: string | undefined): void {
  if (!folder) throw new Error('making the knowledge of kubernetes: name the folder of the derived tables');
  for (const [name, table] of Object.entries(tablesOf(folder))) writeFileSync(fileOf(name), written(table));
}

if (process.argv[1] === import.meta.filename) main(process.argv[2]);
