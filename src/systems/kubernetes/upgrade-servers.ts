// The control plane in an upgrade: by kubeadm node by node; with other static Pods API servers first, one by one, then kube-controller-manager and kube-scheduler; of a provider, as one.
import type { Condition, Expectation, StageDraft, StepDraft, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import { CONTROL_PLANE } from './reads.ts';
import type { ClusterParts, Instance } from './upgrade-parts.ts';

/** One version on the way. */
export interface Hop {
  /** As the path has it. */
  hop: string;
  /** What is installed. */
  version: string;
  before: string;
  /** Versions that count as reached. */
  patches: string[];
}

/** Seconds in which the control plane must be seen at its version, once it was upgraded. */
const WITHIN = 600;
/** A holder renews its Lease every 2 s. */
const RENEWED = 60;

/** A step of a person that follows those before it. */
export const inOrder = (steps: StepDraft[]): StepDraft[] => {
  for (const [i, step] of steps.entries()) if (i) step.after = [...(step.after ?? []), steps[i - 1]!];
  return steps;
};
export const manual = (text: Text, commands: string[], seen?: Condition[]): StepDraft => ({
  ...{ do: 'manual', guard: [], undo: 'none', text, commands },
  ...(seen ? { seen } : {}),
});
export const READY: Expectation = { path: '/status/conditions[type=Ready]/status', is: 'True' };

export function controlPlaneStage(hop: Hop, parts: ClusterParts): StageDraft {
  const { version } = hop;
  const steps = inOrder(stepsOf(hop, parts));
  const until: Condition[] = [
    { reading: { path: '/version' }, matches: parts.by ? minorPattern(version) : patchPattern(hop) },
    ...(parts.by ? [] : parts.leases.map(renewed)),
    ...(parts.kubeadm && parts.kubeProxy ? [proxyAt(hop, parts.kubeProxy)] : []),
  ];
  const wait: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', until, within: WITHIN, assume: [], after: steps },
    // What is found of them before the upgrade is what these steps are for.
    fixes: ['kubernetes/version-skip', 'kubernetes/control-plane-skew'],
    text: {
      en: `wait until the API server answers as ${version}${parts.leases.length ? ' and the Leases of the control plane are renewed' : ''}`,
      zh: `等待 API 服务器的版本变为 ${version}${parts.leases.length ? '，且控制平面的 Lease 已续期' : ''}`,
    },
  };
  return { hop: hop.hop, title: { en: `Control plane to ${version}`, zh: `控制平面升级到 ${version}` }, steps: [...steps, wait] };
}

function stepsOf(hop: Hop, parts: ClusterParts): StepDraft[] {
  if (parts.by) return [ofProvider(hop, parts.by)];
  if (!parts.instances.length) return unseenServers(hop);
  return parts.kubeadm ? withKubeadm(hop, parts) : oneByOne(hop, parts.instances);
}

// ---- kubeadm: everything of one node at once ------------------------------------------------------------------------

function withKubeadm(hop: Hop, { instances, members }: ClusterParts): StepDraft[] {
  const { version } = hop;
  return [...Map.groupBy(instances, ({ node }) => node)].map(([node, here], i) => {
    const os = members.find(({ ref }) => ref.name === node)?.os ?? '';
    return manual(
      {
        en: `upgrade the control plane on Node ${node} to ${version} with kubeadm`,
        zh: `用 kubeadm 把 Node ${node} 上的控制平面升级到 ${version}`,
      },
      [
        onNode(node, installed(os, version, ['kubeadm'])),
        ...(i === 0
          ? [onNode(node, `sudo kubeadm upgrade plan ${version}`), onNode(node, `sudo kubeadm upgrade apply ${version} --yes`)]
          : []),
        ...(i > 0 ? [onNode(node, 'sudo kubeadm upgrade node')] : []),
      ],
      here.map((instance) => runs(instance, hop)),
    );
  });
}

/** Where the command runs is in it: a runbook is read on another machine. `command` is ours and has no single quote. */
export const onNode = (node: string, command: string): string => `ssh ${shellWord(node)} '${command}'`;

const DNF = /red hat|rocky|alma|centos|oracle|fedora/i;

/** From the package repository of that minor, pkgs.k8s.io. */
export function installed(os: string, version: string, packages: readonly string[]): string {
  const plain = version.replace(/^v/, '');
  if (DNF.test(os)) return `sudo dnf install -y --disableexcludes=kubernetes ${packages.map((name) => `${name}-${plain}`).join(' ')}`;
  const named = packages.map((name) => `${name}="${plain}-*"`).join(' ');
  return `sudo apt-get update && sudo apt-get install -y --allow-change-held-packages ${named}`;
}

// ---- other static Pods ----------------------------------------------------------------------------------------------

/** kube-controller-manager and kube-scheduler must not be newer than any API server. */
function oneByOne(hop: Hop, instances: readonly Instance[]): StepDraft[] {
  return CONTROL_PLANE.flatMap((component) =>
    instances
      .filter((each) => each.component === component)
      .map((instance) =>
        manual(
          {
            en: `upgrade ${component} on Node ${instance.node} to ${hop.version}, with the tool that installed it`,
            zh: `用安装它的工具把 Node ${instance.node} 上的 ${component} 升级到 ${hop.version}`,
          },
          [
            `kubectl get pod -n ${shellWord(instance.namespace)} ${shellWord(instance.pod)} -o yaml   # image ${tagged(instance.image, hop.version)}`,
          ],
          [runs(instance, hop)],
        ),
      ),
  );
}

/** The mirror Pod has the new image at once, and is Ready once its container is. */
const runs = ({ component, pod, namespace, image }: Instance, { patches }: Hop): Condition => ({
  on: { apiVersion: 'v1', kind: 'Pod', namespace, name: pod },
  must: [{ path: `/spec/containers[name=${component}]/image`, in: patches.map((version) => tagged(image, version)) }, READY],
});

/** The same image with another tag; a digest is of the old one. */
const tagged = (image: string, version: string): string => `${image.replace(/@.*$/, '').replace(/:[\w][\w.+-]*$/, '')}:${version}`;

// ---- where no Pod shows it ------------------------------------------------------------------------------------------

function unseenServers(hop: Hop): StepDraft[] {
  const { version } = hop;
  return [
    manual(
      {
        en: `upgrade every API server to ${version}, one after the other`,
        zh: `逐个把所有 API 服务器升级到 ${version}`,
      },
      [`kubectl get --raw /version   # ${version}`],
      [{ reading: { path: '/version', every: true }, matches: patchPattern(hop) }],
    ),
    manual(
      {
        en: `upgrade kube-scheduler and then kube-controller-manager to ${version}, now that every API server is: no Pod shows their version`,
        zh: `所有 API 服务器升级后，把 kube-scheduler 和 kube-controller-manager 依次升级到 ${version}：没有 Pod 显示它们的版本`,
      },
      [`kubectl get leases -n kube-system kube-controller-manager kube-scheduler   # ${version}`],
    ),
  ];
}

// ---- providers and distributions ------------------------------------------------------------------------------------

function ofProvider({ version }: Hop, by: string): StepDraft {
  const to = minor(minorOf(version));
  const commands: Record<string, string> = {
    EKS: `aws eks update-cluster-version --name CLUSTER --kubernetes-version ${to}   # replace CLUSTER`,
    GKE: `gcloud container clusters upgrade CLUSTER --master --cluster-version ${to}   # replace CLUSTER`,
    AKS: `az aks upgrade --resource-group GROUP --name CLUSTER --control-plane-only --kubernetes-version ${to}   # replace GROUP and CLUSTER`,
  };
  return manual(
    { en: `upgrade the control plane to ${to} with ${by}`, zh: `用 ${by} 把控制平面升级到 ${to}` },
    [commands[by] ?? 'kubectl get --raw /version'],
    [{ reading: { path: '/version' }, matches: minorPattern(version) }],
  );
}

// ---- conditions -----------------------------------------------------------------------------------------------------

const minorPattern = (version: string): string => `"gitVersion": *"v${minor(minorOf(version)).replace('.', '\\.')}\\.`;
const patchPattern = ({ patches }: Hop): string => {
  const [head] = /^v1\.\d+\./.exec(patches[0]!) ?? [''];
  const ends = patches.map((each) => each.slice(head.length).replaceAll('.', '\\.'));
  return `"gitVersion": *"${head.replaceAll('.', '\\.')}(?:${ends.join('|')})["+-]`;
};

const renewed = (name: string): Condition => ({
  on: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-system', name },
  must: [{ path: '/spec/renewTime', newerThan: RENEWED }],
});

const proxyAt = ({ patches }: Hop, image: string): Condition => ({
  on: { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
  must: [
    { path: '/spec/template/spec/containers[name=kube-proxy]/image', in: patches.map((version) => tagged(image, version)) },
    { path: '/status/observedGeneration', same: '/metadata/generation' },
    { path: '/status/updatedNumberScheduled', same: '/status/desiredNumberScheduled' },
  ],
});
