// The ConfigMap kubeadm-config, from which kubeadm upgrade writes the static Pods, and configuration of kubeadm in files (-f): versions of it, gates of kubeadm, and flags, gates and
// admission plugins of components that the next kubeadm, or what it starts, refuses: also those that went before the installed version and were only taken out of the static Pods.
// Sources: the rows of knowledge/components.json (cmd/kubeadm/app/apis/kubeadm, cmd/kubeadm/app/features).
import type { Check, Finding, Json, Raw, Ref, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, keys, maybe, rowOf, tree, UNREADABLE, where, word, yaml } from '../../../engine/read/index.ts';
import { valueAt } from '../../../engine/read/values.ts';
import { isRaw } from '../../../kube/json.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { type Flags, flagsOf } from '../command-line.ts';
import { configRewritten } from '../config-rewrites.ts';
import { type EtcdRefused, etcdMinor, etcdOf, etcdRefuses, etcdVersion } from '../etcd-flags.ts';
import { components, etcdFloors } from '../knowledge/tables.ts';
import { CONTROL_PLANE } from '../reads.ts';
import { refusedText, writtenAs } from '../refusal-words.ts';
import { type Component, isReadBy, JUDGED_BY_VALUE, minorsUpTo, type Refused, refusedBy } from '../refusals.ts';

const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };
/** Up to v1beta3 a map of flags, from v1beta4 a list of them. */
const flagsAt = (field: string) => ({
  map: keys(`${field}.extraArgs`),
  values: maybe(`${field}.extraArgs`, Object.fromEntries(JUDGED_BY_VALUE.map((name) => [name, word(name)]))),
  list: each(`${field}.extraArgs`, {
    ...Object.fromEntries(JUDGED_BY_VALUE.map((name) => [name, where('name', name, word('value'))])),
    name: word('name', ''),
  }),
});
const [server, manager, scheduler] = [flagsAt('apiServer'), flagsAt('controllerManager'), flagsAt('scheduler')];
const COLUMNS = {
  config: yaml('data.ClusterConfiguration', {
    apiVersion: word('apiVersion', ''),
    gates: tree('featureGates'),
    serverMap: server.map,
    serverValues: server.values,
    serverList: server.list,
    managerMap: manager.map,
    managerValues: manager.values,
    managerList: manager.list,
    schedulerMap: scheduler.map,
    schedulerValues: scheduler.values,
    schedulerList: scheduler.list,
    etcdMap: keys('etcd.local.extraArgs'),
    etcdList: each('etcd.local.extraArgs', { name: word('name', '') }),
    etcdTag: word('etcd.local.imageTag', ''),
  }),
};
type Is = 'version' | 'gate' | 'flag';
interface Args {
  is: Is;
  /** `ClusterConfiguration`, of a file also others. */
  kind: string;
  name: string;
  component: string;
  hop: string;
  /** Of a flag. */
  refused?: Omit<Refused, 'source'>;
}
const KINDS = ['ClusterConfiguration', 'InitConfiguration', 'JoinConfiguration', 'UpgradeConfiguration', 'ResetConfiguration'];
/** Where a file gives flags to whom. */
const GIVEN: Record<'etcd' | Component, string[]> = {
  'kube-apiserver': ['apiServer', 'extraArgs'],
  'kube-controller-manager': ['controllerManager', 'extraArgs'],
  'kube-scheduler': ['scheduler', 'extraArgs'],
  kubelet: ['nodeRegistration', 'kubeletExtraArgs'],
  etcd: ['etcd', 'local', 'extraArgs'],
  'kube-proxy': [],
};

const check: Check<Record<string, never>, Args> = {
  id: 'kubernetes/kubeadm-config',
  title: { en: 'kubeadm of each version on the way accepts its configuration', zh: '升级路径上各版本的 kubeadm 均接受其配置' },
  headline: { en: 'kubeadm configuration has settings that kubeadm refuses', zh: 'kubeadm 配置含有 kubeadm 不接受的内容' },
  page: {
    impact: {
      en: 'kubeadm upgrade reads ConfigMap kubeadm-config and stops at an API version or a feature gate that it does not have. A flag that a component no longer has goes into its static Pod, which then does not start.',
      zh: 'kubeadm upgrade 读取 ConfigMap kubeadm-config，遇到不支持的 API 版本或特性门控时停止。组件已移除的参数会被写入其静态 Pod，导致该组件无法启动。',
    },
    detection: {
      en: 'Compares the ClusterConfiguration in ConfigMap kubeadm-config with what each minor on the way accepts. Of extraArgs, also of etcd, the names are read, and the values of feature gates, admission plugins and cloud providers. Files of kubeadm (-f) are compared with the target version, with extraArgs and kubeletExtraArgs.',
      zh: '将 ConfigMap kubeadm-config 中的 ClusterConfiguration 与途经的每个次要版本所接受的内容比较。extraArgs（含 etcd）只读取参数名；只有特性门控、准入插件和云厂商三项读取取值。kubeadm 的文件（-f）与目标版本比较，包括 extraArgs 和 kubeletExtraArgs。',
    },
    fix: {
      en: 'manual: kubectl edit configmap kubeadm-config -n kube-system; an old API version is converted first, by kubeadm of the installed version: kubeadm config migrate --old-config OLD.yaml --new-config NEW.yaml. In files (-f), fix -f sets apiVersion where nothing else has to change, and names the command for the others.',
      zh: '手动：执行“kubectl edit configmap kubeadm-config -n kube-system”；旧的 API 版本需先用当前版本的 kubeadm 转换（“kubeadm config migrate --old-config OLD.yaml --new-config NEW.yaml”）。对于文件（-f），如果不需要其他改动，fix -f 会直接修改 apiVersion；否则给出命令。',
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
    const given: Record<(typeof CONTROL_PLANE)[number], Flags> = {
      'kube-apiserver': givenBy(config.serverMap, config.serverValues, config.serverList),
      'kube-controller-manager': givenBy(config.managerMap, config.managerValues, config.managerList),
      'kube-scheduler': givenBy(config.schedulerMap, config.schedulerValues, config.schedulerList),
    };
    return [
      ...versionRefused(config.apiVersion, hops),
      ...gatesRefused(config.gates, hops),
      ...CONTROL_PLANE.flatMap((component) => flagsRefused(component, given[component], hops)),
      ...etcdRefused([...config.etcdMap, ...config.etcdList.map(({ name }) => name)], config.etcdTag, hops),
    ];
  },
  files: { kinds: KINDS.map((kind) => `kubeadm.k8s.io/${kind}`), judge: refusedInFile },
  inFiles: (found, declared) =>
    found.flatMap(({ args: { is, name, hop, component }, objects }) =>
      objects.flatMap((on) => {
        if (is === 'version') return configRewritten('kubeadm', on, declared(on), name, hop);
        return on.file === undefined ? [] : [{ refused: removeIt(is, name, component), objects: [on] }];
      }),
    ),
  say: ({ is, kind, name, component, hop, refused }) => {
    if (refused) {
      const holder = { en: `${component} in ${kind}`, zh: `${kind} 中的 ${component}` };
      return component === 'etcd' ? ofEtcd(holder, refused) : refusedText({ ...refused, component: component as Component }, holder);
    }
    return is === 'version'
      ? {
          en: `${kind} is ${name}: kubeadm ${hop} cannot read it`,
          zh: `${kind} 的版本为 ${name}：kubeadm ${hop} 无法读取`,
        }
      : {
          en: `${kind} sets feature gate ${name}: removed by ${hop}, kubeadm ${hop} stops with an error`,
          zh: `${kind} 设置了特性门控 ${name}：${hop} 不再提供该门控，kubeadm ${hop} 会停止`,
        };
  },
};
export default check;

const removeIt = (is: Exclude<Is, 'version'>, name: string, component: string): Text =>
  is === 'gate'
    ? { en: `remove featureGates.${name}`, zh: `删除 featureGates.${name}` }
    : { en: `remove ${name} from the flags of ${component}`, zh: `从 ${component} 的参数中删除 ${name}` };

const NONE: Text = { en: 'there is no ConfigMap kube-system/kubeadm-config', zh: '没有 ConfigMap kube-system/kubeadm-config' };
const ODD: Text = {
  en: 'ClusterConfiguration in ConfigMap kube-system/kubeadm-config is not valid YAML',
  zh: 'ConfigMap kube-system/kubeadm-config 中的 ClusterConfiguration 不是有效的 YAML',
};

/** The first minor of the path that no longer has it. */
const hopOf = (removed: string, hops: readonly string[]): string | undefined => hops.find((hop) => minorOf(hop) >= minorOf(removed));

/** Every kubeadm writes the ConfigMap back in its newest version: only the first hop can meet one that it does not have, old or too new. */
function versionRefused(apiVersion: string, hops: readonly string[]): Finding<Args>[] {
  const [hop] = hops;
  if (!hop || apiVersion === '' || isReadBy('kubeadm', apiVersion, hop)) return [];
  const row = components().configVersions.find((each) => each.reader === 'kubeadm' && each.apiVersion === apiVersion);
  return [finding('version', apiVersion, 'kubeadm', hop, `apiVersion=${apiVersion}`, row?.source ?? READ_FROM)];
}

function gatesRefused(gates: Json | undefined, hops: readonly string[]): Finding<Args>[] {
  return Object.entries(isRaw(gates) ? gates : {}).flatMap(([name, on]) => {
    const row = components().kubeadmGates.find((each) => each.name === name);
    const hop = row?.removedIn && hopOf(row.removedIn, hops);
    return row && hop ? [finding('gate', name, 'kubeadm', hop, `featureGates.${name}=${on === true}`, row.source)] : [];
  });
}

type Values = Readonly<Record<string, string | undefined>>;
/** A value that is not read is ''. */
const givenBy = (names: readonly string[], values: Values | undefined, list: readonly (Values & { name: string })[]): Flags =>
  flagsOf([
    ...names.map((name) => ({ name, value: values?.[name] ?? '' })),
    ...list.map((each) => ({ name: each.name, value: each[each.name] ?? '' })),
  ]);

/** What went in any minor up to the target: kubeadm writes it into the static Pods again, wherever somebody took it out by editing these alone. */
function flagsRefused(component: Component, flags: Flags, hops: readonly string[]): Finding<Args>[] {
  const target = hops.at(-1);
  return refusedBy(component, flags, target ? minorsUpTo(target) : []).map((refused) => ({
    ...ofFlag(component, refused, `extraArgs: ${refused.why === 'flag-removed' ? refused.name : writtenAs(refused)}`),
    hop: refused.held ? undefined : (hopOf(refused.hop, hops) ?? target!),
  }));
}

const finding = (is: Is, name: string, component: string, hop: string, seen: string, source: string): Finding<Args> => ({
  severity: 'blocker',
  key: [is, component, name],
  certainty: 'certain',
  objects: [CONFIG],
  args: { is, kind: 'ClusterConfiguration', name, component, hop },
  evidence: [{ seen, at: CONFIG }, { seen: source }],
  hop,
});

function ofFlag(component: string, { source, ...refused }: Refused, seen: string): Finding<Args> {
  const made = finding('flag', refused.name, component, refused.hop, seen, source);
  const said = { ...made, args: { ...made.args, refused } };
  return refused.held ? { ...said, severity: 'warning', key: [...said.key, 'held'], hop: undefined } : said;
}

// ---- files ----------------------------------------------------------------------------------------------------------

function refusedInFile(document: Raw, on: Ref, to: string): Finding<Args>[] {
  const hops = minorsUpTo(to);
  const found = [
    ...(isReadBy('kubeadm', on.apiVersion, to)
      ? []
      : [finding('version', on.apiVersion, 'kubeadm', to, `apiVersion: ${on.apiVersion}`, READ_FROM)]),
    ...gatesRefused(document.featureGates, hops),
    ...Object.entries(GIVEN).flatMap(([component, keys]) => {
      const given = argsIn(valueAt(document, keys));
      return component === 'etcd'
        ? etcdRefused(
            given.map(({ name }) => name),
            valueAt(document, ['etcd', 'local', 'imageTag']),
            hops,
          )
        : refusedBy(component as Component, flagsOf(given), hops).map((refused) =>
            ofFlag(component, refused, `${keys.join('.')}: ${writtenAs(refused)}`),
          );
    }),
  ];
  return found.map((each) => ({
    ...each,
    key: [on.kind, ...each.key],
    objects: [on],
    args: { ...each.args, kind: on.kind },
    evidence: each.evidence.map((seen) => (seen.at ? { ...seen, at: on } : seen)),
  }));
}

const READ_FROM = 'kubernetes:cmd/kubeadm/app/apis/kubeadm';

/** In both forms; a value that is not a string is none that kubeadm would take. */
function argsIn(given: Json | undefined): { name: string; value?: string }[] {
  const pairs: [Json | undefined, Json | undefined][] = Array.isArray(given)
    ? given.flatMap((each) => (isRaw(each) ? [[each.name, each.value]] : []))
    : Object.entries(isRaw(given) ? given : {});
  return pairs.flatMap(([name, value]) => (typeof name === 'string' ? [{ name, ...(typeof value === 'string' ? { value } : {}) }] : []));
}

/** kubeadm writes them into the static Pod of the etcd that it installs, or of the one that imageTag names. */
function etcdRefused(names: readonly string[], tag: Json | undefined, hops: readonly string[]): Finding<Args>[] {
  const named = typeof tag === 'string' ? etcdVersion(tag) : undefined;
  const at = (hop: string): number => etcdMinor(named ?? etcdOf(hop) ?? '');
  return etcdRefuses(names, Math.max(0, ...hops.map(at))).map(({ name, removedIn, instead }: EtcdRefused) => ({
    ...ofFlag(
      'etcd',
      {
        why: 'flag-removed',
        name,
        value: `3.${removedIn}`,
        hop: hops.find((hop) => at(hop) >= removedIn)!,
        ...(instead ? { instead } : {}),
        source: etcdFloors().flagsFrom,
      },
      `etcd.local.extraArgs: --${name}`,
    ),
  }));
}

const ofEtcd = (holder: Text, { name, value, hop, instead }: Pick<Refused, 'name' | 'value' | 'hop' | 'instead'>): Text => ({
  en: `${holder.en} has flag --${name}: the etcd of kubeadm ${hop} does not start with it (removed in ${value})${instead ? `; use ${instead}` : ''}`,
  zh: `${holder.zh} 使用了参数 --${name}：kubeadm ${hop} 所带的 etcd 无法启动（${value} 已移除）${instead ? `；请改用 ${instead}` : ''}`,
});
