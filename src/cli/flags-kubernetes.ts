// Flags of plan and upgrade that concern Kubernetes itself, as data (flags.ts).
import type { FlagSpec } from './flags.ts';

/** As klog takes them. */
const LEVELS = Array.from({ length: 11 }, (_, level) => `${level}`);

export const OF_KUBERNETES = {
  nodes: {
    kind: 'value',
    value: 'HOW',
    choices: ['drain', 'in-place', 'replace'],
    text: {
      en: 'Of Kubernetes: drain each Node before its kubelet is upgraded, upgrade it in place, or replace it by a new one (default drain)',
      zh: '用于 Kubernetes：升级 kubelet 之前先腾空节点（drain）、原地升级（in-place），或用新节点替换（replace）；默认 drain',
    },
  },
  'stop-controller-manager': {
    kind: 'boolean',
    text: { en: 'Of Kubernetes: stop it while the API servers are upgraded', zh: '用于 Kubernetes：升级 API 服务器期间停止它' },
  },
  'log-verbosity': {
    kind: 'value',
    value: 'LEVEL',
    choices: LEVELS,
    text: {
      en: 'Of Kubernetes: --v of the API servers until the upgrade is over (unchanged by default)',
      zh: '用于 Kubernetes：升级期间 API 服务器的 --v（默认不变）',
    },
  },
  'kubelet-log-verbosity': {
    kind: 'value',
    value: 'LEVEL',
    choices: LEVELS,
    text: {
      en: 'Of Kubernetes: the same of the kubelets; needs get and update of nodes/proxy',
      zh: '用于 Kubernetes：同上，作用于 kubelet；需要 nodes/proxy 的 get 和 update 权限',
    },
  },
} as const satisfies Record<string, FlagSpec>;
