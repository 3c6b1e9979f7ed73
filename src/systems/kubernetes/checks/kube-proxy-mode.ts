// The mode of kube-proxy: userspace stops kube-proxy from 1.26 on, ipvs is deprecated, and from 1.37 a kube-proxy without a mode logs an error, since the default is about to change.
// kubeadm 1.37 writes mode iptables where none is set. Sources: kubernetes pkg/proxy/apis/config/validation@1.26.15, cmd/kube-proxy/app/server_linux.go@1.35.8, @1.37.2,
// cmd/kubeadm/app/componentconfigs/kubeproxy.go@1.37.2; KEP-5495; CHANGELOG-1.37 139957, 139777.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Judgement, Raw, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { args, each, rowOf, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { k3sArguments, NOT_NOTED, proxyModes } from '../k3s-arguments.ts';
import { configValues } from '../knowledge/tables.ts';
import { managedBy } from '../managed.ts';
import { later } from '../reads.ts';
import { minorsUpTo } from '../refusals.ts';

const PROXY: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kube-proxy' };
/** As EKS has it. */
const EKS: Ref = { ...PROXY, name: 'kube-proxy-config' };
const KUBEADM: Ref = { ...PROXY, name: 'kubeadm-config' };
const DAEMONS: Ref = { ...PROXY, apiVersion: 'apps/v1', kind: 'DaemonSet' };
const MODE = { mode: word('mode', '') };
const reads = later(() => ({ k3s: k3sArguments() }));
const FLAG = ['proxy-mode', 'config'];
const COLUMNS = { config: yaml("data['config.conf']", MODE), eks: yaml('data.config', MODE) };
const FLAGS = { containers: each('spec.template.spec.containers', { command: args('command', FLAG), args: args('args', FLAG) }) };
interface Args {
  mode: string;
  hop: string;
  /** kube-proxy exits at start. */
  exits: boolean;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/kube-proxy-mode',
  title: { en: 'kube-proxy has a mode that stays supported', zh: 'kube-proxy 使用仍受支持的模式' },
  headline: { en: 'kube-proxy has a removed or deprecated mode, or none', zh: 'kube-proxy 未设置模式，或模式已移除或弃用' },
  page: {
    impact: {
      en: 'kube-proxy 1.26 and newer does not start with mode userspace: Services stop working on each Node as it is upgraded. Mode ipvs is deprecated from 1.35 on; its removal is planned for 1.43. Without a mode kube-proxy logs an error from 1.37 on: the default, iptables, is planned to become nftables in 1.40.',
      zh: 'kube-proxy 1.26 及更新版本无法以 userspace 模式启动：升级到该版本的节点上 Service 不再可用。ipvs 模式自 1.35 起弃用，计划在 1.43 中移除。未设置模式时 kube-proxy 自 1.37 起会记录错误：默认模式计划在 1.40 由 iptables 改为 nftables。',
    },
    detection: {
      en: 'Reads mode in ConfigMap kube-system/kube-proxy (of EKS kube-proxy-config), or flag --proxy-mode of DaemonSet kube-proxy; in files (-f) KubeProxyConfiguration. With kubeadm a missing mode is not reported: kubeadm 1.37 sets iptables. With K3s, reads the arguments that it passes to kube-proxy (annotation k3s.io/node-args).',
      zh: '读取 ConfigMap kube-system/kube-proxy（EKS 为 kube-proxy-config）中的 mode，或 DaemonSet kube-proxy 的 --proxy-mode 参数；在文件（-f）中读取 KubeProxyConfiguration。使用 kubeadm 时不报告未设置的模式：kubeadm 1.37 会设为 iptables。对于 K3s，读取注解 k3s.io/node-args 中传给 kube-proxy 的参数。',
    },
    fix: {
      en: 'manual: set mode to iptables or nftables in ConfigMap kube-proxy, then kubectl rollout restart daemonset kube-proxy -n kube-system. With K3s remove kube-proxy-arg proxy-mode from /etc/rancher/k3s/config.yaml or the systemd unit.',
      zh: '手动：在 ConfigMap kube-proxy 中将 mode 设为 iptables 或 nftables，然后执行“kubectl rollout restart daemonset kube-proxy -n kube-system”。使用 K3s 时，从 /etc/rancher/k3s/config.yaml 或其 systemd 服务中删除 kube-proxy-arg 的 proxy-mode。',
    },
    limits: {
      en: 'A kube-proxy that runs in no DaemonSet of that name is not visible.',
      zh: '不以该名称的 DaemonSet 运行的 kube-proxy 不可见。',
    },
  },
  sources: [
    'kubernetes/kubernetes: pkg/proxy/apis/config/validation/validation.go, cmd/kube-proxy/app/server_linux.go, cmd/kubeadm/app/componentconfigs/kubeproxy.go',
    'kubernetes/enhancements: KEP-5495',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  pointReads: [
    { resource: 'configmaps', names: [PROXY.name, EKS.name, KUBEADM.name], columns: Object.values(COLUMNS) },
    { resource: 'daemonsets.apps', names: [DAEMONS.name], columns: Object.values(FLAGS) },
  ],
  judge: async ({ k3s }: Rows<ReturnType<typeof reads>>, { path: { from, hops }, look }) => {
    if (managedBy(from, []) === 'K3s') return ofK3s(isGap(k3s) ? [] : k3s, hops);
    const objects = [await look.get(PROXY), await look.get(EKS), await look.get(DAEMONS)];
    if (objects.some(isGap)) return [];
    const [proxy, eks, daemons] = objects as (Raw | undefined)[];
    const config = (proxy && rowOf(COLUMNS)(proxy).config) ?? (eks && rowOf(COLUMNS)(eks).eks);
    if (config === UNREADABLE) return { unknown: ODD };
    const flags = (daemons ? rowOf(FLAGS)(daemons).containers : []).flatMap(({ command, args }) => [...command, ...args]);
    // Flags count where no file of configuration is named.
    const flag = flags.some(({ name }) => name === 'config') ? undefined : flags.find(({ name }) => name === 'proxy-mode')?.value;
    if (config === undefined && flag === undefined) return { notApplicable: NONE };
    const mode = flag ?? config?.mode ?? '';
    const on = flag !== undefined ? DAEMONS : proxy ? PROXY : EKS;
    if (mode === '' && on === PROXY) {
      const kubeadm = await look.get(KUBEADM);
      if (kubeadm && !isGap(kubeadm)) return [];
    }
    return ofMode(mode, hops, on);
  },
  files: {
    kinds: ['kubeproxy.config.k8s.io/KubeProxyConfiguration'],
    judge: (document, on, to) => ofMode(rowOf(MODE)(document).mode, minorsUpTo(to), on),
  },
  say: ({ mode, hop, exits }) =>
    exits
      ? {
          en: `kube-proxy has mode ${mode}: removed in 1.26; kube-proxy ${hop} does not start with it`,
          zh: `kube-proxy 的模式为 ${mode}：1.26 已移除，kube-proxy ${hop} 无法启动`,
        }
      : mode
        ? { en: `kube-proxy has mode ${mode}: deprecated in ${hop}`, zh: `kube-proxy 的模式为 ${mode}：自 ${hop} 起弃用` }
        : { en: `kube-proxy has no mode: logs an error from ${hop} on`, zh: `kube-proxy 未设置模式：自 ${hop} 起会记录错误` },
};
export default check;

/** In its own process, which notes its arguments on each Node. */
function ofK3s(nodes: Parameters<typeof proxyModes>[0], hops: readonly string[]): Judgement<Args> {
  const modes = proxyModes(nodes);
  return modes ? [...modes].flatMap(([mode, on]) => ofMode(mode, hops, ...on)) : { unknown: NOT_NOTED };
}

function ofMode(mode: string, hops: readonly string[], ...on: Ref[]): Finding<Args>[] {
  const row = configValues().kubeProxyModes.find((each) => each.mode === mode);
  const exits = row?.effect === 'exits';
  // An older kube-proxy may still run with a mode that went before the installed version.
  const hop = row && hops.find((each) => (exits ? minorOf(each) >= minorOf(row.since) : each === row.since));
  if (!hop) return [];
  const severity = exits ? 'blocker' : 'notice';
  return [finding({ severity, key: [mode], objects: on, args: { mode, hop, exits }, evidence: [{ seen: `mode=${mode}` }], hop })];
}

const NONE: Text = {
  en: 'neither ConfigMap nor DaemonSet kube-system/kube-proxy names a mode',
  zh: 'ConfigMap 和 DaemonSet kube-system/kube-proxy 均未注明模式',
};
const ODD: Text = {
  en: 'ConfigMap kube-system/kube-proxy does not hold valid YAML',
  zh: 'ConfigMap kube-system/kube-proxy 的内容不是有效的 YAML',
};
