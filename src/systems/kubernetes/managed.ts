// Clusters whose control plane only the provider can see: that is said as such, and never taken for passed.
import type { Gap, Ref, Text } from '../../engine/contracts.ts';
import { inOurWords, isGap } from '../../engine/gaps.ts';
import { distributionOf } from '../../versions/kubernetes.ts';
import type { NodeRow } from './reads.ts';

/** Who runs the control plane; undefined: its Pods can be expected. K3s runs it inside its own process. */
export function managedBy(version: string | Gap, nodes: readonly Pick<NodeRow, 'aks'>[]): string | undefined {
  const named = isGap(version) ? undefined : distributionOf(version);
  if (named === 'RKE2') return undefined;
  return named ?? (nodes.some(({ aks }) => aks !== undefined) ? 'AKS' : undefined);
}

/** Why nothing can be said of a control plane of which no Pod is seen; undefined: some are. */
export function unseen(
  seen: readonly unknown[],
  version: string | Gap,
  nodes: readonly Pick<NodeRow, 'aks'>[],
  to: string | Gap | undefined,
): { notApplicable: Text } | { findings: []; gaps: Gap[] } | undefined {
  if (seen.length) return undefined;
  const managed = managedBy(version, nodes);
  return managed ? { notApplicable: MANAGED(managed) } : { findings: [], gaps: [notVisible(version, to)] };
}

/** Of what only the provider can decide; undefined: it is the user's own. */
export function providersMatter(version: string | Gap, nodes: readonly Pick<NodeRow, 'aks'>[]): { notApplicable: Text } | undefined {
  const managed = managedBy(version, nodes);
  return managed ? { notApplicable: MANAGED(managed) } : undefined;
}

/** The same of what is on the Nodes: with K3s they are the user's own too. */
export function providersNodes(version: string | Gap, nodes: readonly Pick<NodeRow, 'aks'>[]): { notApplicable: Text } | undefined {
  const managed = managedBy(version, nodes);
  return managed && managed !== 'K3s' ? { notApplicable: ITS_NODES(managed) } : undefined;
}

const ITS_NODES = (by: string): Text => ({
  en: `${by} provides the Nodes and is responsible for what is on them`,
  zh: `节点由 ${by} 提供：节点上的内容由提供商负责`,
});
const MANAGED = (by: string): Text => (by === 'K3s' ? OF_K3S : OF_PROVIDER(by));
/** Its etcd, its order of versions and its Plans are the matter of the checks of k3s/. */
const OF_K3S: Text = {
  en: 'K3s runs the control plane and its datastore itself, with certificates of its own: see the checks of k3s',
  zh: 'K3s 自行运行控制平面和数据存储，并使用自己的证书：请参见 k3s 的检查项',
};
const OF_PROVIDER = (by: string): Text => ({
  en: `${by} runs the control plane: its command lines and images are not visible`,
  zh: `控制平面由 ${by} 运行：其命令行和镜像不可见`,
});

/** A component that a shell starts: what stands in the script is not read. */
export const inScript = (component: string, { namespace, name }: Pick<Ref, 'namespace' | 'name'>): Gap => ({
  ...{ why: 'not-collected', verb: 'get', resource: 'pods', namespace, name },
  ...inOurWords({
    en: `${component} is started by a shell script in Pod ${name}: its flags are not read`,
    zh: `${component} 由 Pod ${name} 中的脚本启动：未读取其参数`,
  }),
  settle: {
    en: `compare its flags with the removed ones yourself: kubectl get pod -n ${namespace} ${name} -o jsonpath='{.spec.containers[*].command}'`,
    zh: `请自行将其参数与已移除的参数比较：kubectl get pod -n ${namespace} ${name} -o jsonpath='{.spec.containers[*].command}'`,
  },
});

/** Static Pods without which a check cannot speak: their files are on the nodes. `component`: one of them; none: not any. `to`: undefined where it is the way back that is asked about. */
export function notVisible(version: string | Gap, to: string | Gap | undefined, component?: string): Gap {
  const files =
    isGap(version) || distributionOf(version) !== 'RKE2' ? '/etc/kubernetes/manifests' : '/var/lib/rancher/rke2/agent/pod-manifests';
  const command = `{tool} check kubernetes -f ${files}${to === undefined || isGap(to) ? '{again}' : ` --offline --to kubernetes=${to}`}`;
  // Without --offline the cluster is asked from there too.
  const tools = command.includes('--offline')
    ? { en: 'upgrade-guard', zh: ' upgrade-guard ' }
    : { en: 'upgrade-guard and the kubeconfig', zh: ' upgrade-guard 和 kubeconfig ' };
  return {
    ...{ why: 'not-collected', verb: 'list', resource: 'pods', namespace: 'kube-system' },
    ...inOurWords({
      en: component ? `no static Pod of ${component} is visible` : 'no static Pods of the control plane are visible',
      zh: component ? `看不到 ${component} 的静态 Pod` : '看不到控制平面的静态 Pod',
    }),
    settle: {
      en: `on each control-plane node, with ${tools.en} copied to it: ${command}`,
      zh: `将${tools.zh}复制到每个控制平面节点后执行：${command}`,
    },
  };
}
