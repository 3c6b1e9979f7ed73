// kube-proxy must not be newer than any API server, nor more than three minors older (two below 1.25). Source: kubernetes/website version-skew-policy.md.
import type { Check, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { skew } from '../knowledge/tables.ts';
import { behindFindings, olderAllowed, PROXY_READ, runningProxy, type SkewArgs, saySkew, skewFindings } from '../skew.ts';

const check: Check<Record<string, never>, SkewArgs> = {
  id: 'kubernetes/kube-proxy-skew',
  title: { en: 'kube-proxy is within the version skew of every API server', zh: 'kube-proxy 与 API 服务器的版本偏差受支持' },
  headline: { en: 'kube-proxy does not match the API servers', zh: 'kube-proxy 与 API 服务器的版本不匹配' },
  page: {
    impact: {
      en: 'A kube-proxy outside the skew policy can misread Services and EndpointSlices of the API server: traffic to Services fails.',
      zh: '超出版本偏差策略的 kube-proxy 可能无法理解 API 服务器的 Service 和 EndpointSlice：访问 Service 的流量会失败。',
    },
    detection: {
      en: 'Compares the image tag of DaemonSet kube-system/kube-proxy with the API servers now, and with each minor version on the way. One that is older than every API server and supported is a notice: its upgrade is not finished.',
      zh: '将 DaemonSet kube-system/kube-proxy 的镜像标签与当前 API 服务器及途经的每个次要版本比较。比所有 API 服务器旧但仍受支持时报告为提示：其升级尚未完成。',
    },
    fix: {
      en: 'manual: upgrade kube-proxy (kubeadm upgrade apply does so together with the control plane).',
      zh: '手动：升级 kube-proxy（kubeadm upgrade 会随控制平面一起升级）。',
    },
    limits: { en: 'Does not apply where another component replaces kube-proxy.', zh: '由其他组件替代 kube-proxy 时不适用。' },
  },
  sources: ['kubernetes/website: content/en/releases/version-skew-policy.md'],
  applies: { stage: 'both' },
  reads: {},
  pointReads: [PROXY_READ],
  judge: async (_, at) => {
    const proxy = await runningProxy(at.look);
    if (isGap(proxy)) return [];
    if (!proxy) return { notApplicable: NONE };
    const { findings, gaps } = skewFindings('kube-proxy', [proxy], (minor) => olderAllowed(skew().kubeProxy, minor), at);
    return { findings: [...findings, ...behindFindings('kube-proxy', [proxy], at, findings)], gaps };
  },
  say: saySkew,
};
export default check;

const NONE: Text = { en: 'there is no DaemonSet kube-system/kube-proxy', zh: '没有 DaemonSet kube-system/kube-proxy' };
