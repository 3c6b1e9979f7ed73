// Makes src/systems/kubernetes/knowledge/fields.json from k8s.io/api, which Go fetches (or has already):
//   node scripts/run.mjs knowledge/kubernetes-fields
// Which fields a minor added to the specs that people write: an older API server does not know them, and drops them with its next write of the object.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileOf, written } from './kubernetes.ts';

/** A release of every line; the first is what all have. */
const VERSIONS = [
  ...['v0.24.17', 'v0.25.9', 'v0.26.9', 'v0.27.4', 'v0.28.3', 'v0.29.15', 'v0.30.14', 'v0.31.14'],
  ...['v0.32.13', 'v0.33.13', 'v0.34.13', 'v0.35.10', 'v0.36.6', 'v0.37.2'],
];
/** Message of the spec, and where it stands in the object; `Pod` is what templates of Pods hold. */
const SPECS: { kind: string; message: string; at: string }[] = [
  { kind: 'Pod', message: 'core/v1.PodSpec', at: 'spec' },
  { kind: 'Service', message: 'core/v1.ServiceSpec', at: 'spec' },
  { kind: 'PersistentVolumeClaim', message: 'core/v1.PersistentVolumeClaimSpec', at: 'spec' },
  { kind: 'PersistentVolume', message: 'core/v1.PersistentVolumeSpec', at: 'spec' },
  { kind: 'StatefulSet', message: 'apps/v1.StatefulSetSpec', at: 'spec' },
  { kind: 'CronJob', message: 'batch/v1.CronJobSpec', at: 'spec' },
  { kind: 'HorizontalPodAutoscaler', message: 'autoscaling/v2.HorizontalPodAutoscalerSpec', at: 'spec' },
  { kind: 'PodDisruptionBudget', message: 'policy/v1.PodDisruptionBudgetSpec', at: 'spec' },
  { kind: 'NetworkPolicy', message: 'networking/v1.NetworkPolicySpec', at: 'spec' },
  { kind: 'Ingress', message: 'networking/v1.IngressSpec', at: 'spec' },
  { kind: 'CSIDriver', message: 'storage/v1.CSIDriverSpec', at: 'spec' },
  { kind: 'ValidatingWebhookConfiguration', message: 'admissionregistration/v1.ValidatingWebhook', at: 'webhooks' },
  { kind: 'MutatingWebhookConfiguration', message: 'admissionregistration/v1.MutatingWebhook', at: 'webhooks' },
];
/** Fields that JSON shows inline, and what is not the user's to write in a spec. */
const INLINE = /^(?:volumeSource|persistentVolumeSource|ephemeralContainerCommon|handler|probeHandler|localObjectReference)$/;
const NOT_WRITTEN = /(?:^|\.)(?:ephemeralContainers|template|volumeClaimTemplates\.status)(?:\.|$)/;
/** Messages lie no deeper; what refers to itself ends there. */
const DEEPEST = 9;

type Messages = (name: string) => { name: string; type: string }[];

function messagesOf(version: string): Messages {
  const said = execFileSync('go', ['mod', 'download', '-json', `k8s.io/api@${version}`], { encoding: 'utf8' });
  const { Dir } = JSON.parse(said) as { Dir: string };
  const packages = new Map<string, Map<string, { name: string; type: string }[]>>();
  return (message) => {
    const dot = message.lastIndexOf('.');
    const [within, name] = [message.slice(0, dot), message.slice(dot + 1)];
    if (!packages.has(within)) packages.set(within, read(join(Dir, within, 'generated.proto'), within));
    return packages.get(within)!.get(name) ?? [];
  };
}

function read(file: string, within: string): Map<string, { name: string; type: string }[]> {
  const text = readFileSync(file, 'utf8').replace(/^\s*\/\/.*$/gm, '');
  return new Map(
    [...text.matchAll(/^message (\w+) \{([^}]*)\}/gm)].map(([, message, body]) => [
      message!,
      [...body!.matchAll(/(?:optional|repeated|map<string, ([\w.]+)>)\s+(?:([\w.]+)\s+)?(\w+) = \d+;/g)].map(([, value, plain, name]) => {
        const type = (value ?? plain)!;
        const [, group, version, of] = /^\.?k8s\.io\.api\.(\w+)\.(\w+)\.(\w+)$/.exec(type) ?? [];
        return { name: name!, type: group ? `${group}/${version}.${of}` : /^[A-Z]/.test(type) ? `${within}.${type}` : '' };
      }),
    ]),
  );
}

/** Every path below a message, as JSON shows it; arrays are walked through. */
function pathsOf(messages: Messages, message: string, at: string, depth = 0): Set<string> {
  const found = new Set<string>();
  if (depth > DEEPEST) return found;
  for (const { name, type } of messages(message)) {
    const inline = INLINE.test(name);
    const path = inline ? at : `${at}.${name}`;
    if (!inline) found.add(path);
    if (type) for (const inner of pathsOf(messages, type, path, depth + 1)) found.add(inner);
  }
  return found;
}

const releases = VERSIONS.map((version) => ({ minor: `1.${version.split('.')[1]}`, messages: messagesOf(version) }));
const fields = SPECS.flatMap(({ kind, message, at }) => {
  const known = pathsOf(releases[0]!.messages, message, at);
  return releases.slice(1).flatMap(({ minor, messages }) => {
    const added = [...pathsOf(messages, message, at)].filter((path) => !known.has(path));
    for (const path of added) known.add(path);
    // What lies below a new field comes with it.
    const tops = added.filter((path) => !added.some((other) => path.startsWith(`${other}.`)) && !NOT_WRITTEN.test(path));
    return tops.sort().map((field) => ({ kind, field, since: minor }));
  });
});
writeFileSync(
  fileOf('fields'),
  written({
    source: `generated.proto of k8s.io/api ${VERSIONS.join(', ')}; made by scripts/knowledge/kubernetes-fields.ts`,
    knownFrom: releases[0]!.minor,
    knownUpTo: releases.at(-1)!.minor,
    fields,
  }),
);
console.error(`${fields.length} fields`);
