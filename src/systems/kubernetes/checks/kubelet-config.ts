// The ConfigMap kubelet-config of kubeadm: gates and values in the configuration of kubelets that a minor on the way refuses, so that the kubelet exits at start.
// Gates: knowledge/components.json; values: knowledge/config-values.json.
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { flag, number, rowOf, tree, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { gatesIn } from '../command-line.ts';
import { configValues } from '../knowledge/tables.ts';
import { gatesRefused, type Why } from '../refusals.ts';

const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubelet-config' };
const COLUMNS = {
  config: yaml('data.kubelet', {
    gates: tree('featureGates'),
    swap: word('memorySwap.swapBehavior', ''),
    minimumAge: word('imageMinimumGCAge', ''),
    events: number('eventRecordQPS'),
    once: flag('runOnce', false),
  }),
};
type Is = Extract<Why, 'gate-removed' | 'gate-locked' | 'gate-needs'> | 'value' | 'events';
interface Args {
  is: Is;
  name: string;
  value: string;
  hop: string;
  instead: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'kubernetes/kubelet-config',
  title: { en: 'kubelets of the target version accept ConfigMap kubelet-config', zh: '目标版本的 kubelet 接受 ConfigMap kubelet-config' },
  headline: { en: 'ConfigMap kubelet-config holds what kubelets refuse', zh: 'ConfigMap kubelet-config 含有 kubelet 不接受的内容' },
  page: {
    impact: {
      en: 'kubeadm upgrade node writes the configuration of the kubelet from this ConfigMap. A kubelet exits at start over a gate or a value that its version does not accept: its Node becomes NotReady.',
      zh: 'kubeadm upgrade node 根据该 ConfigMap 写入 kubelet 的配置。kubelet 遇到所用版本不接受的特性门控或取值时启动即退出，节点变为 NotReady。',
    },
    detection: {
      en: 'Compares featureGates, memorySwap, runOnce, imageMinimumGCAge and eventRecordQPS with what each minor on the way accepts.',
      zh: '将 featureGates、memorySwap、runOnce、imageMinimumGCAge 和 eventRecordQPS 与途经的每个次要版本所接受的内容比较。',
    },
    fix: {
      en: 'manual: kubectl edit configmap kubelet-config -n kube-system, then kubeadm upgrade node on each Node.',
      zh: '手动：kubectl edit configmap kubelet-config -n kube-system，然后在各节点执行 kubeadm upgrade node。',
    },
    limits: {
      en: 'Configuration files and flags on a Node are not visible. For cgroup v1 see kubernetes/node-runtime.',
      zh: '节点上的配置文件和参数不可见。关于 cgroup v1，请参见 kubernetes/node-runtime。',
    },
  },
  sources: [
    'kubernetes/kubernetes: pkg/features/kube_features.go, pkg/kubelet/apis/config/validation/validation.go',
    'kubernetes/kubernetes: CHANGELOG/CHANGELOG-1.37.md, PR 117119',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: {},
  pointReads: [{ resource: 'configmaps', names: [CONFIG.name], columns: Object.values(COLUMNS) }],
  judge: async (_, { path: { hops }, look }) => {
    const found = await look.get(CONFIG);
    if (isGap(found)) return [];
    const { config } = found ? rowOf(COLUMNS)(found) : {};
    if (config === undefined) return { notApplicable: NONE };
    if (config === UNREADABLE) return { unknown: ODD };
    const { gates, swap, minimumAge, events, once } = config;
    const refused = gatesRefused('kubelet', gatesIn(gates), hops).map(({ why, name, value, hop, instead = '', source }) =>
      finding({ is: why as Is, name, value, hop, instead }, `featureGates.${name}=${value}`, source),
    );
    const seen: Record<string, string> = {
      'memorySwap.swapBehavior': swap,
      imageMinimumGCAge: minimumAge,
      eventRecordQPS: String(events ?? ''),
      runOnce: String(once),
    };
    const odd = configValues().kubelet.filter(({ field, value, since }) => hops.includes(since) && isAt(value, seen[field] ?? ''));
    return [
      ...refused,
      ...odd.map(({ field, since, effect }) => {
        const value = seen[field]!;
        return finding({ is: effect === 'exits' ? 'value' : 'events', name: field, value, hop: since, instead: '' }, `${field}=${value}`);
      }),
    ];
  },
  say: (args) => SAYS[args.is](args),
};
export default check;

const NONE: Text = { en: 'there is no ConfigMap kube-system/kubelet-config', zh: '没有 ConfigMap kube-system/kubelet-config' };
const ODD: Text = {
  en: 'ConfigMap kube-system/kubelet-config does not hold valid YAML',
  zh: 'ConfigMap kube-system/kubelet-config 的内容不是有效的 YAML',
};

/** `value`: as the table has it. */
const isAt = (value: string, seen: string): boolean => (value === 'negative' ? seen.startsWith('-') : seen === value);

const finding = (args: Args, seen: string, source?: string): Finding<Args> => ({
  severity: args.is === 'events' ? 'notice' : 'blocker',
  key: [args.is, args.name],
  certainty: 'certain',
  objects: [CONFIG],
  args,
  evidence: [{ seen, at: CONFIG }, ...(source ? [{ seen: source }] : [])],
  hop: args.hop,
});

const SAYS: Record<Is, (args: Args) => Text> = {
  'gate-removed': ({ name, value, hop }) => ({
    en: `kubelet-config sets feature gate ${name}=${value}: removed in ${hop}, kubelet ${hop} does not start with it`,
    zh: `kubelet-config 设置了特性门控 ${name}=${value}：已在 ${hop} 中移除，kubelet ${hop} 无法启动`,
  }),
  'gate-locked': ({ name, value, hop, instead }) => ({
    en: `kubelet-config sets feature gate ${name}=${value}: locked to ${instead} in ${hop}, kubelet ${hop} does not start with it`,
    zh: `kubelet-config 设置了特性门控 ${name}=${value}：自 ${hop} 起锁定为 ${instead}，kubelet ${hop} 无法启动`,
  }),
  'gate-needs': ({ name, hop, instead }) => ({
    en: `kubelet-config sets feature gate ${name}=true without ${instead}: required from ${hop} on, kubelet ${hop} does not start`,
    zh: `kubelet-config 设置了特性门控 ${name}=true 但未启用 ${instead}：自 ${hop} 起必须启用，kubelet ${hop} 无法启动`,
  }),
  value: ({ name, value, hop }) => ({
    en: `kubelet-config has ${name}=${value}: refused from ${hop} on, kubelet ${hop} does not start with it`,
    zh: `kubelet-config 中 ${name}=${value}：自 ${hop} 起不再接受，kubelet ${hop} 无法启动`,
  }),
  events: ({ name, value, hop }) => ({
    en: `kubelet-config has ${name}=${value}: no limit on events from ${hop} on`,
    zh: `kubelet-config 中 ${name}=${value}：自 ${hop} 起事件数量不受限制`,
  }),
};
