// Kubelets must not be newer than any API server, nor more than three minors older (two, where the kubelet is older than 1.25).
// Source: kubernetes/website version-skew-policy.md; KEP-3935.
import type { Check } from '../../../engine/contracts.ts';
import { list, word } from '../../../engine/read/index.ts';
import { skew } from '../knowledge/tables.ts';
import { olderAllowed, type SkewArgs, saySkew, skewFindings } from '../skew.ts';

const reads = { nodes: list('nodes', { kubelet: word('status.nodeInfo.kubeletVersion', '') }) };

const check: Check<typeof reads, SkewArgs> = {
  id: 'kubernetes/kubelet-skew',
  title: { en: 'kubelets are within the version skew of every API server', zh: 'kubelet 与 API 服务器的版本偏差受支持' },
  headline: { en: 'kubelets are outside the supported version skew', zh: 'kubelet 的版本偏差不受支持' },
  page: {
    impact: {
      en: 'A kubelet outside the skew policy is not tested with the API server: it can fail to register, to run Pods or to report status. kubeadm refuses to upgrade.',
      zh: '超出版本偏差策略的 kubelet 未与该 API 服务器一起测试：可能无法注册、无法运行 Pod 或无法上报状态。kubeadm 会拒绝升级。',
    },
    detection: {
      en: 'Compares the kubelet version of each Node with the API servers now, and with each minor version on the way.',
      zh: '将每个 Node 的 kubelet 版本与当前 API 服务器及途经的每个次要版本比较。',
    },
    fix: {
      en: 'manual: drain and upgrade older kubelets before the control plane. A kubelet newer than an API server: finish the upgrade of the API servers.',
      zh: '手动：kubelet 过旧时，先腾空并升级这些节点，再升级控制平面；kubelet 比 API 服务器新时，先完成 API 服务器的升级。',
    },
  },
  sources: ['kubernetes/website: content/en/releases/version-skew-policy.md', 'kubernetes/enhancements: KEP-3935'],
  applies: { stage: 'both' },
  reads,
  judge: ({ nodes }, at) =>
    skewFindings(
      'kubelet',
      nodes.map(({ ref, kubelet }) => ({ ref, version: kubelet })),
      (minor) => olderAllowed(skew().kubelet, minor),
      at,
    ),
  say: saySkew,
};
export default check;
