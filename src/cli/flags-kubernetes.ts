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
      en: 'Kubernetes only: drain each Node before its kubelet is upgraded, upgrade it in place, or replace it with a new one (upgrade and plan: drain unless given; check: findings for all three unless given)',
      zh: '仅 Kubernetes：升级 kubelet 之前先腾空节点（drain）、原地升级（in-place），或用新节点替换（replace）；未指定时：upgrade 和 plan 采用 drain，check 涵盖三种方式',
    },
  },
  'stop-controller-manager': {
    kind: 'boolean',
    text: {
      en: 'Kubernetes only: stop kube-controller-manager while the API servers are upgraded',
      zh: '仅 Kubernetes：升级 API 服务器期间停止 kube-controller-manager',
    },
  },
  'log-verbosity': {
    kind: 'value',
    value: 'LEVEL',
    choices: LEVELS,
    text: {
      en: 'Kubernetes only: log verbosity (--v) of the API servers until the upgrade is over (unchanged by default)',
      zh: '仅 Kubernetes：升级期间 API 服务器的日志级别（--v，默认不变）',
    },
  },
  'kubelet-log-verbosity': {
    kind: 'value',
    value: 'LEVEL',
    choices: LEVELS,
    text: {
      en: 'Kubernetes only: log verbosity (--v) of the kubelets until the upgrade is over; needs get and update of nodes/proxy',
      zh: '仅 Kubernetes：升级期间 kubelet 的日志级别（--v）；需要 nodes/proxy 的 get 和 update 权限',
    },
  },
} as const satisfies Record<string, FlagSpec>;
