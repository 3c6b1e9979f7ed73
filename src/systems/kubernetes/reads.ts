// What several checks of Kubernetes read: Nodes, and the static Pods of the control plane with the flags that bear on versions.
import type { RowOf } from '../../engine/contracts.ts';
import { args, each, label, list, mentions, word } from '../../engine/read/index.ts';
import { components } from './knowledge/tables.ts';

const NODE = { kubelet: word('status.nodeInfo.kubeletVersion', ''), aks: label('kubernetes.azure.com/cluster') };
export const nodes = list('nodes', NODE);
export type NodeRow = RowOf<typeof NODE>;

/** Declared at first use: the flags come from knowledge, which --knowledge may replace. */
export function later<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const ALWAYS = [
  'feature-gates',
  'enable-admission-plugins',
  'disable-admission-plugins',
  'admission-control',
  'runtime-config',
  'emulated-version',
  'min-compatibility-version',
  'cloud-provider',
  'cidr-allocator-type',
  // Files that admission-files asks about.
  'encryption-provider-config',
  'admission-control-config-file',
  'audit-policy-file',
  'config',
  // Whose defaults audit-log-retention knows.
  'audit-log-path',
  'audit-log-maxage',
  'audit-log-maxbackup',
];

/** Flags that some release refuses, in both spellings. */
export const flagNames = later(() => {
  const names = [...ALWAYS, ...components().flags.map(({ name }) => name), ...components().newFlags.map(({ name }) => name)];
  return [...new Set(names.flatMap((name) => [name, name.replaceAll('-', '_')]))].sort();
});

const staticPod = () => ({
  node: word('spec.nodeName', ''),
  containers: each('spec.containers', {
    name: word('name', ''),
    image: word('image', ''),
    command: args('command', flagNames()),
    args: args('args', flagNames()),
    // A script, whose words are not read.
    shell: mentions('command', ['/bin/sh', '/bin/bash']),
  }),
});
export type StaticPod = RowOf<ReturnType<typeof staticPod>>;

/** kubeadm, Talos, RKE2 and what builds on them label tier=control-plane; kops names the component in k8s-app. */
export const staticPods = () => ({
  pods: list('pods', staticPod(), { labels: 'tier=control-plane' }),
  kops: list('pods', staticPod(), { labels: 'k8s-app in (kube-apiserver,kube-controller-manager,kube-scheduler)' }),
});

export const CONTROL_PLANE = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** Their containers, each Pod once. */
export function controlPlaneOf({ pods, kops }: { pods: StaticPod[]; kops: StaticPod[] }) {
  const all = new Map([...pods, ...kops].map((pod) => [`${pod.ref.namespace}/${pod.ref.name}`, pod]));
  return [...all.values()].flatMap(({ ref, node, containers }) =>
    containers.flatMap(({ name, image, command, args, shell }) => {
      const component = CONTROL_PLANE.find((each) => each === name);
      return component ? [{ component, ref, node, image, flags: [...command, ...args], isScript: shell.length > 0 }] : [];
    }),
  );
}

/** The tag of an image, without a digest. */
export const tagOf = (image: string): string => /:([\w][\w.+-]*)(?:@.*)?$/.exec(image)?.[1] ?? '';
