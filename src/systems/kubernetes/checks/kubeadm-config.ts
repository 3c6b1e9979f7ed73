// The ConfigMap kubeadm-config, from which kubeadm upgrade writes the static Pods: versions of it, gates of kubeadm and flags of components that the next kubeadm refuses.
// Sources: the rows of knowledge/components.json (cmd/kubeadm/app/apis/kubeadm, cmd/kubeadm/app/features).
import type { Check, Finding, Json, Ref, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, keys, rowOf, tree, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { isRaw } from '../../../kube/json.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { components } from '../knowledge/tables.ts';
import { CONTROL_PLANE } from '../reads.ts';
import { refusedBy } from '../refusals.ts';

const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };
/** Up to v1beta3 a map of flags, from v1beta4 a list of them. */
const flagsAt = (field: string) => ({ map: keys(`${field}.extraArgs`), list: each(`${field}.extraArgs`, { name: word('name', '') }) });
const [server, manager, scheduler] = [flagsAt('apiServer'), flagsAt('controllerManager'), flagsAt('scheduler')];
const COLUMNS = {
  config: yaml('data.ClusterConfiguration', {
    apiVersion: word('apiVersion', ''),
    gates: tree('featureGates'),
    serverMap: server.map,
    serverList: server.list,
    managerMap: manager.map,
    managerList: manager.list,
    schedulerMap: scheduler.map,
    schedulerList: scheduler.list,
  }),
};
type Is = 'version' | 'gate' | 'flag';
interface Args {
  is: Is;
  name: string;
  component: string;
  hop: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'kubernetes/kubeadm-config',
  title: { en: 'the next kubeadm accepts ConfigMap kubeadm-config', zh: '下一版本的 kubeadm 接受 ConfigMap kubeadm-config' },
  headline: { en: 'ConfigMap kubeadm-config holds what kubeadm refuses', zh: 'ConfigMap kubeadm-config 含有 kubeadm 不接受的内容' },
  page: {
    impact: {
      en: 'kubeadm upgrade reads ConfigMap kubeadm-config and stops over an API version or a feature gate that it does not have. A flag that a component no longer has goes into its static Pod, which then does not start.',
      zh: 'kubeadm upgrade 读取 ConfigMap kubeadm-config，遇到不支持的 API 版本或特性门控时停止。组件已移除的参数会写入其静态 Pod，导致无法启动。',
    },
    detection: {
      en: 'Compares the ClusterConfiguration in ConfigMap kubeadm-config with what each minor on the way accepts. Of extraArgs only the names are read.',
      zh: '将 ConfigMap kubeadm-config 中的 ClusterConfiguration 与途经的每个次要版本所接受的内容比较。extraArgs 只读取名称。',
    },
    fix: {
      en: 'manual: kubectl edit configmap kubeadm-config -n kube-system; for an API version run kubeadm config migrate of the installed version first.',
      zh: '手动：kubectl edit configmap kubeadm-config -n kube-system；API 版本需先用当前版本的 kubeadm config migrate 转换。',
    },
  },
  sources: ['kubernetes/kubernetes: cmd/kubeadm/app/apis/kubeadm, cmd/kubeadm/app/features/features.go'],
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
    const named: Record<(typeof CONTROL_PLANE)[number], string[]> = {
      'kube-apiserver': [...config.serverMap, ...config.serverList.map(({ name }) => name)],
      'kube-controller-manager': [...config.managerMap, ...config.managerList.map(({ name }) => name)],
      'kube-scheduler': [...config.schedulerMap, ...config.schedulerList.map(({ name }) => name)],
    };
    return [
      ...versionRefused(config.apiVersion, hops),
      ...gatesRefused(config.gates, hops),
      ...CONTROL_PLANE.flatMap((component) => flagsRefused(component, named[component], hops)),
    ];
  },
  say: ({ is, name, component, hop }) => SAYS[is](name, hop, component),
};
export default check;

const NONE: Text = { en: 'there is no ConfigMap kube-system/kubeadm-config', zh: '没有 ConfigMap kube-system/kubeadm-config' };
const ODD: Text = {
  en: 'ClusterConfiguration in ConfigMap kube-system/kubeadm-config is not valid YAML',
  zh: 'ConfigMap kube-system/kubeadm-config 中的 ClusterConfiguration 不是有效的 YAML',
};

/** The first minor of the path that no longer has it. */
const hopOf = (removed: string, hops: readonly string[]): string | undefined => hops.find((hop) => minorOf(hop) >= minorOf(removed));

/** Every kubeadm writes the ConfigMap back in its newest version: only the first hop can meet an old one. */
function versionRefused(apiVersion: string, hops: readonly string[]): Finding<Args>[] {
  const row = components().configVersions.find((each) => each.reader === 'kubeadm' && each.apiVersion === apiVersion);
  const hop = row?.removedIn && hopOf(row.removedIn, hops);
  return row && hop && hop === hops[0] ? [finding('version', apiVersion, 'kubeadm', hop, `apiVersion=${apiVersion}`, row.source)] : [];
}

function gatesRefused(gates: Json | undefined, hops: readonly string[]): Finding<Args>[] {
  return Object.entries(isRaw(gates) ? gates : {}).flatMap(([name, on]) => {
    const row = components().kubeadmGates.find((each) => each.name === name);
    const hop = row?.removedIn && hopOf(row.removedIn, hops);
    return row && hop ? [finding('gate', name, 'kubeadm', hop, `featureGates.${name}=${on === true}`, row.source)] : [];
  });
}

function flagsRefused(component: (typeof CONTROL_PLANE)[number], names: readonly string[], hops: readonly string[]): Finding<Args>[] {
  const flags = new Map(names.map((name) => [name.replaceAll('_', '-'), ['']]));
  return refusedBy(component, flags, hops)
    .filter(({ why }) => why === 'flag-removed')
    .map(({ name, hop, source }) => finding('flag', name, component, hop, `extraArgs: ${name}`, source));
}

const finding = (is: Is, name: string, component: string, hop: string, seen: string, source: string): Finding<Args> => ({
  severity: 'blocker',
  key: [is, component, name],
  certainty: 'certain',
  objects: [CONFIG],
  args: { is, name, component, hop },
  evidence: [{ seen, at: CONFIG }, { seen: source }],
  hop,
});

const SAYS: Record<Is, (name: string, hop: string, component: string) => Text> = {
  version: (name, hop) => ({
    en: `ClusterConfiguration is ${name}: removed in ${hop}, kubeadm ${hop} cannot read it`,
    zh: `ClusterConfiguration 的版本为 ${name}：已在 ${hop} 中移除，kubeadm ${hop} 无法读取`,
  }),
  gate: (name, hop) => ({
    en: `ClusterConfiguration sets feature gate ${name}: removed by ${hop}, kubeadm ${hop} stops over it`,
    zh: `ClusterConfiguration 设置了特性门控 ${name}：${hop} 已移除，kubeadm ${hop} 会停止`,
  }),
  flag: (name, hop, component) => ({
    en: `ClusterConfiguration gives ${component} flag --${name}: removed in ${hop}, ${component} ${hop} does not start with it`,
    zh: `ClusterConfiguration 为 ${component} 设置了参数 --${name}：已在 ${hop} 中移除，${component} ${hop} 无法启动`,
  }),
};
