// Files of tools on this machine that are written like Kubernetes objects (apiVersion, kind) and never live in a cluster: no API server serves these kinds.
// Here stands only what the documents of its tool call a file of its own. Of a group that has custom resources in clusters too, only the one kind.
import type { Raw, Text } from '../engine/contracts.ts';
import { groupOf } from '../kube/refs.ts';

/** Per tool: groups, or group/Kind. */
const FILES_OF = {
  skaffold: 'skaffold',
  kind: 'kind.x-k8s.io',
  k3d: 'k3d.io',
  ctlptl: 'ctlptl.dev',
  kwokctl: 'config.kwok.x-k8s.io',
  kuttl: 'kuttl.dev',
  chainsaw: 'chainsaw.kyverno.io',
  kyverno: 'cli.kyverno.io',
  eksctl: 'eksctl.io',
  k0sctl: 'k0sctl.k0sproject.io',
  kubeone: 'kubeone.k8c.io kubeone.io',
  'oc-mirror': 'mirror.openshift.io',
  garden: 'garden.io',
  tanka: 'tanka.dev',
  // In clusters: ResourceGroup of kpt.dev, Provider of clusterctl.
  kpt: 'kpt.dev/Kptfile',
  clusterctl: 'clusterctl.cluster.x-k8s.io/Metadata',
  // ExecCredential: what a credential plugin answers it.
  kubectl: 'client.authentication.k8s.io',
};
const TOOLS = new Map(Object.entries(FILES_OF).flatMap(([tool, names]) => names.split(' ').map((name) => [name, tool] as const)));

/** What it is instead of an object; undefined: it is none of these. */
export function fileOfTool({ apiVersion, kind }: Raw): Text | undefined {
  if (typeof apiVersion !== 'string') return undefined;
  const group = groupOf(apiVersion);
  const tool = TOOLS.get(group) ?? TOOLS.get(`${group}/${String(kind)}`);
  return tool === undefined ? undefined : { en: `a file of ${tool}, not a Kubernetes object`, zh: `${tool} 的文件，不是 Kubernetes 对象` };
}
