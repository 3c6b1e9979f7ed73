// The ConfigMap kubelet-config of kubeadm, and KubeletConfiguration in files (-f): gates and values in the configuration of kubelets that a minor on the way refuses, so that
// the kubelet exits at start.
// Gates: knowledge/components.json; values: knowledge/config-values.json.
import type { Check, Finding, Ref, Text, ValuesOf } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { flag, number, rowOf, tree, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { gatesIn } from '../command-line.ts';
import { configValues } from '../knowledge/tables.ts';
import { refusedText } from '../refusal-words.ts';
import { gatesRefused, minorsUpTo, type Why } from '../refusals.ts';

const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubelet-config' };
/** As kubeadm 1.23 named it (cmd/kubeadm/app/constants). */
const OF_1_23: Ref = { ...CONFIG, name: 'kubelet-config-1.23' };
const FIELDS = {
  gates: tree('featureGates'),
  swap: word('memorySwap.swapBehavior', ''),
  minimumAge: word('imageMinimumGCAge', ''),
  events: number('eventRecordQPS'),
  once: flag('runOnce', false),
};
const COLUMNS = { config: yaml('data.kubelet', FIELDS) };
type Is = Extract<Why, 'gate-removed' | 'gate-locked' | 'gate-needs'> | 'value' | 'events';
interface Args {
  is: Is;
  in: 'kubelet-config' | 'KubeletConfiguration';
  name: string;
  value: string;
  hop: string;
  instead: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'kubernetes/kubelet-config',
  title: { en: 'kubelets of the target version accept their configuration', zh: '目标版本的 kubelet 接受其配置' },
  headline: { en: 'kubelet configuration has settings that kubelets refuse', zh: 'kubelet 配置含有 kubelet 不接受的内容' },
  page: {
    impact: {
      en: 'kubeadm upgrade node writes the configuration of the kubelet from this ConfigMap. A kubelet exits at start if its version does not accept a gate or a value: its Node becomes NotReady.',
      zh: 'kubeadm upgrade node 根据该 ConfigMap 写入 kubelet 的配置。kubelet 遇到所用版本不接受的特性门控或取值时启动即退出，节点变为 NotReady。',
    },
    detection: {
      en: 'Compares featureGates, memorySwap, runOnce, imageMinimumGCAge and eventRecordQPS with what each minor on the way accepts. A KubeletConfiguration in files (-f) is compared with the target version.',
      zh: '将 featureGates、memorySwap、runOnce、imageMinimumGCAge 和 eventRecordQPS 与途经的每个次要版本所接受的内容比较。通过 -f 提供的 KubeletConfiguration 与目标版本比较。',
    },
    fix: {
      en: 'manual: kubectl edit configmap kubelet-config -n kube-system, then kubeadm upgrade node on each Node. In files (-f), remove or change the named field.',
      zh: '手动：执行“kubectl edit configmap kubelet-config -n kube-system”，然后在各节点执行 kubeadm upgrade node。对于文件（-f），删除或修改所列字段。',
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
  pointReads: [{ resource: 'configmaps', names: [CONFIG.name, OF_1_23.name], columns: Object.values(COLUMNS) }],
  judge: async (_, { path: { from, hops }, look }) => {
    const on = !isGap(from) && minorOf(from) === 23 ? OF_1_23 : CONFIG;
    const found = await look.get(on);
    if (isGap(found)) return [];
    const { config } = found ? rowOf(COLUMNS)(found) : {};
    if (config === undefined) return { notApplicable: NONE };
    return config === UNREADABLE ? { unknown: ODD } : refusedIn(config, hops, 'kubelet-config', on);
  },
  files: {
    kinds: ['kubelet.config.k8s.io/KubeletConfiguration'],
    judge: (document, on, to) => refusedIn(rowOf(FIELDS)(document), minorsUpTo(to), 'KubeletConfiguration', on),
  },
  say: ({ is, in: where, name, value, hop, instead }) => {
    if (is === 'value')
      return {
        en: `${where} has ${name}=${value}: refused from ${hop} on, kubelet ${hop} does not start with it`,
        zh: `${where} 中 ${name}=${value}：自 ${hop} 起不再接受，kubelet ${hop} 无法启动`,
      };
    if (is === 'events')
      return {
        en: `${where} has ${name}=${value}: no limit on events from ${hop} on`,
        zh: `${where} 中 ${name}=${value}：自 ${hop} 起事件数量不受限制`,
      };
    return refusedText({ why: is, component: 'kubelet', name, value, hop, instead }, { en: where, zh: where });
  },
};
export default check;

const NONE: Text = { en: 'there is no ConfigMap kube-system/kubelet-config', zh: '没有 ConfigMap kube-system/kubelet-config' };
const ODD: Text = {
  en: 'ConfigMap kube-system/kubelet-config does not hold valid YAML',
  zh: 'ConfigMap kube-system/kubelet-config 的内容不是有效的 YAML',
};

function refusedIn(
  { gates, swap, minimumAge, events, once }: ValuesOf<typeof FIELDS>,
  hops: readonly string[],
  where: Args['in'],
  on: Ref,
): Finding<Args>[] {
  const refused = gatesRefused('kubelet', gatesIn(gates), hops).map(({ why, name, value, hop, instead = '', source }) =>
    finding({ is: why as Is, in: where, name, value, hop, instead }, on, `featureGates.${name}=${value}`, source),
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
      const is = effect === 'exits' ? 'value' : 'events';
      return finding({ is, in: where, name: field, value, hop: since, instead: '' }, on, `${field}=${value}`);
    }),
  ];
}

/** `value`: as the table has it. */
const isAt = (value: string, seen: string): boolean => (value === 'negative' ? seen.startsWith('-') : seen === value);

const finding = (args: Args, on: Ref, seen: string, source?: string): Finding<Args> => ({
  severity: args.is === 'events' ? 'notice' : 'blocker',
  key: [args.is, args.name],
  certainty: 'certain',
  objects: [on],
  args,
  evidence: [{ seen, at: on }, ...(source ? [{ seen: source }] : [])],
  hop: args.hop,
});
