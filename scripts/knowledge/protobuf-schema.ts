// Makes src/cluster/protobuf-schema.json from k8s.io/api and k8s.io/apimachinery, which Go fetches (or has already):
//   node scripts/run.mjs knowledge/protobuf-schema
// generated.proto says what stands under which number; the Go types beside it say how JSON shows it: its name, and what becomes of empty values.
// At the end everything that upstream's testdata holds (every kind with every field, as protobuf and as JSON) is read with what was made.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

/** A release of every line, newest first. Numbers never change, so an older line only adds what was removed since: alpha fields come and go. */
const VERSIONS = [
  ...['v0.37.2', 'v0.36.6', 'v0.35.10', 'v0.34.13', 'v0.33.13', 'v0.32.13', 'v0.31.14'],
  ...['v0.30.14', 'v0.29.15', 'v0.28.3', 'v0.27.4', 'v0.26.9', 'v0.25.9', 'v0.24.17'],
];
/** The oldest Kubernetes that is looked at; an API version removed before is left out. */
const OLDEST_MINOR = 24;
const TARGET = join(import.meta.dirname, '..', '..', 'src', 'cluster', 'protobuf-schema.json');

/** Group as in apiVersion: resource → kind. */
const RESOURCES: Record<string, Record<string, string>> = {
  '': {
    ...{ pods: 'Pod', nodes: 'Node', namespaces: 'Namespace', services: 'Service', events: 'Event', secrets: 'Secret' },
    ...{ configmaps: 'ConfigMap', persistentvolumes: 'PersistentVolume', persistentvolumeclaims: 'PersistentVolumeClaim' },
  },
  apps: { deployments: 'Deployment', daemonsets: 'DaemonSet', statefulsets: 'StatefulSet', replicasets: 'ReplicaSet' },
  batch: { jobs: 'Job', cronjobs: 'CronJob' },
  autoscaling: { horizontalpodautoscalers: 'HorizontalPodAutoscaler' },
  policy: { poddisruptionbudgets: 'PodDisruptionBudget' },
  'admissionregistration.k8s.io': {
    validatingwebhookconfigurations: 'ValidatingWebhookConfiguration',
    mutatingwebhookconfigurations: 'MutatingWebhookConfiguration',
  },
  'coordination.k8s.io': { leases: 'Lease' },
  'discovery.k8s.io': { endpointslices: 'EndpointSlice' },
  'events.k8s.io': { events: 'Event' },
  'rbac.authorization.k8s.io': {
    ...{ roles: 'Role', clusterroles: 'ClusterRole', rolebindings: 'RoleBinding', clusterrolebindings: 'ClusterRoleBinding' },
  },
  'storage.k8s.io': { storageclasses: 'StorageClass', csidrivers: 'CSIDriver', volumeattachments: 'VolumeAttachment' },
};
/** What has a JSON form of its own. */
const SPECIAL: Record<string, string> = {
  'meta/v1.Time': 'time',
  'meta/v1.MicroTime': 'microTime',
  'meta/v1.FieldsV1': 'json',
  'runtime.RawExtension': 'json',
  'resource.Quantity': 'quantity',
  'intstr.IntOrString': 'intOrString',
};
const SCALARS: Record<string, string> = { string: 'string', int32: 'int', int64: 'int', bool: 'bool', bytes: 'bytes' };

interface ProtoField {
  number: number;
  name: string;
  shape: 'one' | 'list' | 'map';
  /** A scalar's, or a message by package. */
  type: string;
}
interface GoField {
  json: string;
  inline: boolean;
  omitEmpty: boolean;
  omitZero: boolean;
  pointer: boolean;
}
/** `meta/v1` → folder. */
type Folders = (name: string) => string;

function foldersOf(version: string): Folders {
  const [api, machinery] = ['api', 'apimachinery'].map((name) => {
    const said = execFileSync('go', ['mod', 'download', '-json', `k8s.io/${name}@${version}`], { encoding: 'utf8' });
    return (JSON.parse(said) as { Dir: string }).Dir;
  });
  const below: Record<string, string> = {
    ...{ 'meta/v1': 'pkg/apis/meta/v1', runtime: 'pkg/runtime', resource: 'pkg/api/resource', intstr: 'pkg/util/intstr' },
  };
  return (name) => (below[name] ? join(machinery!, below[name]) : join(api!, name));
}

/** `.k8s.io.api.core.v1.Pod` (without the first dot up to 1.31) → `core/v1.Pod`. */
function qualified(type: string, within: string): string {
  if (!/^\.?k8s\.io\./.test(type)) return `${within}.${type}`;
  const parts = type.replace(/^\./, '').split('.');
  const name = parts.pop();
  const path = parts.join('.').replace(/^k8s\.io\.(api|apimachinery\.pkg(\.(apis|api|util))?)\./, '');
  return `${path.replaceAll('.', '/')}.${name}`;
}

function protoMessages(folder: string, within: string): Map<string, ProtoField[]> {
  const text = readFileSync(join(folder, 'generated.proto'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
  const found = new Map<string, ProtoField[]>();
  for (const [, message, body] of text.matchAll(/^message (\w+) \{([^}]*)\}/gm)) {
    const fields = [...body!.matchAll(/(optional|repeated|map<string, ([\w.]+)>)\s+(?:([\w.]+)\s+)?(\w+) = (\d+);/g)];
    found.set(
      message!,
      fields.map(([, how, value, plain, name, number]) => {
        const type = (value ?? plain)!;
        return {
          number: Number(number),
          name: name!,
          shape: value ? 'map' : how === 'repeated' ? 'list' : 'one',
          type: SCALARS[type] ?? qualified(type, within),
        };
      }),
    );
    if (body!.split(';').length - 1 !== fields.length)
      throw new Error(`reading ${folder}/generated.proto: a field of ${message} is not understood`);
  }
  return found;
}

function goTypes(folder: string): Map<string, Map<number, GoField>> {
  const found = new Map<string, Map<number, GoField>>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.go') && !/_test\.go$|^(zz_)?generated/.test(name))) {
    for (const [, name, body] of readFileSync(join(folder, file), 'utf8').matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      const fields = new Map<number, GoField>();
      for (const line of body!.split('\n')) {
        const [, words = '', tags = ''] = /^\s*(?!\/\/)([^`]+?)\s*`([^`]*)`/.exec(line) ?? [];
        const json = /json:"([^"]*)"/.exec(tags)?.[1];
        const number = /protobuf:"[^",]*,(\d+)/.exec(tags)?.[1];
        if (json === undefined || number === undefined) continue;
        const [shown = '', ...options] = json.split(',');
        const type = words.split(/\s+/).at(-1)!;
        const inline = shown === '';
        if (inline && words.includes(' ')) throw new Error(`reading ${folder}: ${name} inlines ${words}, which is not embedded`);
        fields.set(Number(number), {
          ...{ json: shown, inline, omitEmpty: options.includes('omitempty'), omitZero: options.includes('omitzero') },
          pointer: type.startsWith('*'),
        });
      }
      found.set(name!, fields);
    }
  }
  return found;
}

/** As protobuf-schema.ts reads it. */
function written(field: ProtoField, go: GoField, within: string): string {
  const { shape, number } = field;
  const local = field.type.startsWith(`${within}.`) ? field.type.slice(within.length + 1) : field.type;
  const type = SPECIAL[field.type] ?? local;
  const name = go.inline ? '.' : go.json;
  if (shape !== 'one') return `${number} ${name} ${shape === 'list' ? `[${type}]` : `{${type}}`}${go.omitEmpty ? '' : '!'}`;
  if (go.pointer) return `${number} ${name} ${type}`;
  if (type === 'bytes') return `${number} ${name} bytes${go.omitEmpty ? '?' : '!'}`;
  const dropsZero = Object.values(SCALARS).includes(type) ? go.omitEmpty : go.omitZero;
  return `${number} ${name} ${type}${dropsZero ? '?' : ''}`;
}

/** One line of Kubernetes: every message that the resources reach, and the resources by group/version/resource. */
function schemaOf(version: string): { resources: Map<string, string>; messages: Map<string, Map<number, string>> } {
  const folders = foldersOf(version);
  const packages = new Map<string, { proto: Map<string, ProtoField[]>; go: Map<string, Map<number, GoField>> }>();
  const packageOf = (name: string) => {
    const known = packages.get(name) ?? { proto: protoMessages(folders(name), name), go: goTypes(folders(name)) };
    packages.set(name, known);
    return known;
  };
  const messages = new Map<string, Map<number, string>>();
  const inner = new Set<string>();
  function visit(message: string): void {
    if (messages.has(message)) return;
    const dot = message.lastIndexOf('.');
    const [within, name] = [message.slice(0, dot), message.slice(dot + 1)];
    const { proto, go } = packageOf(within);
    const [fields, types] = [proto.get(name), go.get(name)];
    if (!fields || !types) throw new Error(`${message} of ${version} is no message with a Go struct; say how JSON shows it (SPECIAL)`);
    const lines = new Map<number, string>();
    messages.set(message, lines);
    for (const field of fields) {
      const type = types.get(field.number);
      if (!type) throw new Error(`${message} of ${version}: the Go struct has no field ${field.number} (${field.name})`);
      lines.set(field.number, written(field, type, within));
      if (SPECIAL[field.type] || !field.type.includes('.')) continue;
      visit(field.type);
      inner.add(field.type);
    }
  }
  const resources = new Map<string, string>();
  for (const [group, kinds] of Object.entries(RESOURCES)) {
    const package_ = group.split('.')[0] || 'core';
    for (const served of readdirSync(folders(package_)).filter((name) => /^v\d/.test(name))) {
      for (const [resource, kind] of Object.entries(kinds)) {
        const name = `${package_}/${served}`;
        if (!packageOf(name).proto.has(kind) || !isServed(folders(name), kind)) continue;
        resources.set(`${group}/${served}/${resource}`, `${name}.${kind}`);
        visit(`${name}.${kind}`);
      }
    }
  }
  for (const name of ['PartialObjectMetadata', 'Status']) visit(`meta/v1.${name}`);
  // An object within another (a volumeClaimTemplate) has apiVersion and kind, but never among the bytes.
  for (const message of new Set(resources.values())) {
    if (!inner.has(message)) continue;
    const [package_, kind] = message.split('.') as [string, string];
    const constants = [`0 apiVersion =${package_.replace(/^core\//, '')}`, `0 kind =${kind}`];
    for (const [at, line] of constants.entries()) messages.get(message)!.set(at - constants.length, line);
  }
  return { resources, messages };
}

/** Not removed before the oldest Kubernetes. */
function isServed(folder: string, kind: string): boolean {
  const file = join(folder, 'zz_generated.prerelease-lifecycle.go');
  if (!existsSync(file)) return /\/v\d+$/.test(folder);
  const found = new RegExp(`\\(in \\*${kind}\\) APILifecycleRemoved\\(\\)[^{]*\\{\\s*return 1, (\\d+)`).exec(readFileSync(file, 'utf8'));
  return !found || Number(found[1]) > OLDEST_MINOR;
}

// ---- putting the lines of Kubernetes together -----------------------------------------------------------------------

const resources = new Map<string, string>();
const messages = new Map<string, Map<number, string>>();
const changed = new Map<string, string>();
for (const version of VERSIONS) {
  const schema = schemaOf(version);
  for (const [key, message] of schema.resources) resources.set(key, message);
  for (const [name, fields] of schema.messages) {
    const newer = messages.get(name);
    if (!newer) messages.set(name, fields);
    for (const [number, line] of newer ? fields : []) {
      const there = newer!.get(number);
      // Where it no longer exists nothing of it is shown, not even null.
      if (there === undefined) newer!.set(number, line.replace(/!$/, ''));
      else if (there !== line) changed.set(`${name}: \`${line}\`, newer \`${there}\``, version);
    }
  }
}
for (const [change, version] of changed) console.error(`${change} (${version} is the oldest)`);
const packages: Record<string, Record<string, string>> = {};
for (const [message, fields] of [...messages].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const dot = message.lastIndexOf('.');
  const all = [...fields].sort(([a], [b]) => a - b).map(([, line]) => line);
  packages[message.slice(0, dot)] = { ...packages[message.slice(0, dot)], [message.slice(dot + 1)]: all.join('; ') };
}
const made = {
  source: `generated.proto and Go types of k8s.io/api and k8s.io/apimachinery ${VERSIONS.join(', ')}; made by scripts/knowledge/protobuf-schema.ts`,
  resources: Object.fromEntries([...resources].sort(([a], [b]) => (a < b ? -1 : 1))),
  packages,
};
writeFileSync(TARGET, `${JSON.stringify(made, undefined, 2)}\n`);
console.error(`${TARGET}: ${resources.size} resources, ${messages.size} messages`);

// ---- reading upstream's samples with it -----------------------------------------------------------------------------

const { readObject } = await import('../../src/cluster/protobuf.ts');
/** Of the line itself, and of the four before it. */
const samples = join(foldersOf(VERSIONS[0]!)(''), 'testdata');
let compared = 0;
for (const line of readdirSync(samples).filter((name) => /^(HEAD|v)/.test(name))) {
  for (const [key, message] of resources) {
    const [group, version, resource] = key.split('/') as [string, string, string];
    const sample = join(samples, line, `${group || 'core'}.${version}.${message.slice(message.lastIndexOf('.') + 1)}`);
    if (!existsSync(`${sample}.pb`)) continue;
    const { apiVersion: _, kind: __, ...whole } = JSON.parse(readFileSync(`${sample}.json`, 'utf8')) as Record<string, unknown>;
    const [read, expected] = [readObject(readFileSync(`${sample}.pb`), { group, version, resource }), whole].map(comparable);
    if (!isDeepStrictEqual(read, expected)) {
      throw new Error(`${key}: read otherwise than ${sample}.json:\n${JSON.stringify(read)}\n${JSON.stringify(expected)}`);
    }
    compared++;
  }
}
console.error(`${compared} samples of ${samples} are read as their JSON`);

/** Without what no API server would say so: the samples were never defaulted, so objects within others have no kind; and up to 1.35 an unset time of creation was null. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name, each]) => !['v1', 'PersistentVolumeClaim'].includes(each) && (name !== 'creationTimestamp' || each !== null),
  );
  return Object.fromEntries(kept.map(([name, each]) => [name, comparable(each)]));
}
