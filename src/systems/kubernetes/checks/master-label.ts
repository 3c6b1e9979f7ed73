// Pod templates that name node-role.kubernetes.io/master: kubeadm dropped that label in 1.24 and that taint in 1.25, in favour of node-role.kubernetes.io/control-plane.
// Sources: CHANGELOG-1.24 and 1.25 of kubernetes (kubeadm); kubernetes/enhancements KEP-2067; k3s-io/k3s 11117 (K3s still sets the label).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { each, keys, label, list, word } from '../../../engine/read/index.ts';
import { templates, templatesIn } from '../templates.ts';

const [MASTER, CONTROL_PLANE] = ['node-role.kubernetes.io/master', 'node-role.kubernetes.io/control-plane'];
const reads = {
  nodes: list(
    'nodes',
    {
      master: label(MASTER),
      controlPlane: label(CONTROL_PLANE),
      taints: each('spec.taints', { key: word('key', '') }),
    },
    { optional: true },
  ),
  ...templates((at) => ({
    selector: keys(`${at}.spec.nodeSelector`),
    terms: each(`${at}.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`, {
      expressions: each('matchExpressions', { key: word('key', '') }),
    }),
    tolerations: each(`${at}.spec.tolerations`, { key: word('key', '') }),
  })),
};
type Is = 'selects' | 'tolerates';
interface Args {
  is: Is;
  hop?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/master-label',
  title: { en: 'workloads do not depend on label or taint node-role master', zh: '工作负载不依赖 master 节点标签或污点' },
  headline: { en: 'workloads name the removed node-role master', zh: '工作负载使用了已移除的 master 标签或污点' },
  page: {
    impact: {
      en: 'kubeadm removed label node-role.kubernetes.io/master from Nodes in 1.24, and the taint of that name in 1.25. Pods that select it stay Pending; Pods that tolerate nothing else do not run on control-plane nodes.',
      zh: 'kubeadm 在 1.24 中从 Node 移除了标签 node-role.kubernetes.io/master，在 1.25 中移除了同名污点。选择该标签的 Pod 停留在 Pending；只容忍该污点的 Pod 无法在控制平面节点上运行。',
    },
    detection: {
      en: 'Reads nodeSelector, required node affinity and tolerations in the Pod templates of workloads. A selector is ignored while every control-plane node still has the label and the path does not cross 1.24. A toleration is ignored while no control-plane node has taint node-role.kubernetes.io/control-plane and the path does not cross 1.25.',
      zh: '读取工作负载 Pod 模板中的 nodeSelector、必需的节点亲和性和容忍度。如果所有控制平面节点仍有该标签，且升级路径不跨越 1.24，则忽略选择算符。如果没有控制平面节点带有污点 node-role.kubernetes.io/control-plane，且升级路径不跨越 1.25，则忽略容忍度。',
    },
    fix: {
      en: 'manual: where the workload is declared, use label node-role.kubernetes.io/control-plane instead, and add a toleration for the taint of that name.',
      zh: '手动：在声明工作负载的位置，改用标签 node-role.kubernetes.io/control-plane，并增加对同名污点的容忍度。',
    },
  },
  sources: ['kubernetes/enhancements: KEP-2067', 'kubernetes/kubernetes: CHANGELOG/CHANGELOG-1.24.md, CHANGELOG-1.25.md'],
  applies: { stage: 'both' },
  reads,
  judge: ({ nodes: members, ...workloads }, { path: { hops } }) => {
    const nodes = seen(members);
    const servers = nodes.filter(({ master, controlPlane }) => master !== undefined || controlPlane !== undefined);
    const labelled = servers.length > 0 && servers.every(({ master }) => master !== undefined);
    const tainted = (key: string) => servers.filter(({ taints }) => taints.some((each) => each.key === key)).length;
    const all = templatesIn(workloads);
    const selecting = all.filter(
      ({ selector, terms }) => selector.includes(MASTER) || terms.some(({ expressions }) => expressions.some(({ key }) => key === MASTER)),
    );
    const tolerating = all.filter(({ tolerations }) => {
      const has = (key: string) => tolerations.some((each) => each.key === key);
      // A toleration without a key is one of everything.
      return has(MASTER) && !has(CONTROL_PLANE) && !has('');
    });
    return [
      ...(labelled && !hops.includes('1.24')
        ? []
        : told(
            'selects',
            selecting,
            hops.find((hop) => hop === '1.24'),
          )),
      ...(!nodes.length || hops.includes('1.25') || tainted(CONTROL_PLANE)
        ? told(
            'tolerates',
            tolerating,
            hops.find((hop) => hop === '1.25'),
          )
        : []),
    ];
  },
  say: ({ is, hop }, { length }) => {
    const when: Text = hop
      ? { en: `removed in ${hop}`, zh: `该标签在 ${hop} 中移除` }
      : { en: 'no longer set by kubeadm', zh: 'kubeadm 已不再设置该标签' };
    return is === 'selects'
      ? {
          en: `${length} workload${length === 1 ? ' selects' : 's select'} Nodes by label ${MASTER}: ${when.en}, new Pods stay Pending`,
          zh: `${length} 个工作负载按标签 ${MASTER} 选择节点：${when.zh}，新 Pod 会停留在 Pending`,
        }
      : {
          en: `${length} workload${length === 1 ? ' tolerates' : 's tolerate'} only taint ${MASTER}: Pods cannot run on nodes with taint ${CONTROL_PLANE}`,
          zh: `${length} 个工作负载只容忍污点 ${MASTER}：无法在带有污点 ${CONTROL_PLANE} 的节点上运行`,
        };
  },
};
export default check;

const SEEN: Record<Is, string> = { selects: `spec.nodeSelector, spec.affinity: ${MASTER}`, tolerates: `spec.tolerations: ${MASTER}` };

const told = (is: Is, rows: { ref: Ref }[], hop: string | undefined): Finding<Args>[] =>
  rows.length
    ? [
        finding({
          severity: 'warning',
          key: [is],
          certainty: 'high',
          objects: rows.map(({ ref }) => ref),
          args: { is, ...(hop ? { hop } : {}) },
          evidence: rows.slice(0, 3).map(({ ref }) => ({ seen: SEEN[is], at: ref })),
          hop,
        }),
      ]
    : [];
