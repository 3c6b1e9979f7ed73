// Kubelets of a newer minor than the older version: a kubelet is never newer than an API server, so that they return first. Source: kubernetes/website version-skew-policy.md.
import type { Check } from '../../../engine/contracts.ts';
import { list, word } from '../../../engine/read/index.ts';
import { type NewerArgs, newerThan } from '../way-back.ts';

const reads = { nodes: list('nodes', { kubelet: word('status.nodeInfo.kubeletVersion', '') }) };

const check: Check<typeof reads, NewerArgs> = {
  id: 'kubernetes/way-back-kubelets',
  title: { en: 'no kubelet is newer than the older version', zh: '没有 kubelet 比要回退到的版本新' },
  headline: { en: 'kubelets are newer than the older version', zh: 'kubelet 比要回退到的版本新' },
  page: {
    impact: {
      en: 'A kubelet that is newer than the API server is not supported: it can fail to register or to report, and its Pods may use fields that the API server does not have.',
      zh: 'kubelet 比 API 服务器新时不受支持：可能无法注册或上报，其 Pod 可能使用 API 服务器没有的字段。',
    },
    detection: {
      en: 'Compares the kubelet version of each Node with the version to return to.',
      zh: '将每个 Node 的 kubelet 版本与要回退到的版本比较。',
    },
    fix: {
      en: 'manual: drain these Nodes and downgrade their kubelets first, or replace the Nodes; then downgrade the control plane.',
      zh: '手动：先腾空这些节点并回退其 kubelet（或替换节点），再回退控制平面。',
    },
  },
  sources: ['kubernetes/website: content/en/releases/version-skew-policy.md'],
  applies: { stage: 'back' },
  needs: ['upgraded'],
  reads,
  judge: ({ nodes }, { back }) =>
    newerThan(
      back!,
      'kubelet',
      nodes.map(({ ref, kubelet }) => ({ ref, version: kubelet })),
      () => 'blocker',
    ),
  say: ({ version, to }, { length }) => ({
    en: `${length} Node${length === 1 ? '' : 's'} with kubelet ${version}: newer than ${to}, downgrade ${length === 1 ? 'it' : 'them'} before the API servers`,
    zh: `${length} 个节点的 kubelet 为 ${version}：比 ${to} 新，请先于 API 服务器回退`,
  }),
};
export default check;
