// The add-ons that kubeadm upgrades with the control plane: a CoreDNS that the next kubeadm does not upgrade from, and tags in kubeadm-config that keep CoreDNS or etcd where they are.
// Sources: kubernetes cmd/kubeadm/app/phases/upgrade/preflight.go, cmd/kubeadm/app/images/images.go; coredns/corefile-migration migration/migrate.go, versions.go@1.14.2.
import semver from 'semver';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, rowOf, texts, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { notMigrated } from '../coredns.ts';
import { kubeadm } from '../knowledge/tables.ts';
import { tagOf } from '../reads.ts';

const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };
const COREDNS: Ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'kube-system', name: 'coredns' };
const TAGS = {
  config: yaml('data.ClusterConfiguration', {
    dns: word('dns.imageTag', ''),
    etcd: word('etcd.local.imageTag', ''),
    external: texts('etcd.external.endpoints'),
  }),
};
const IMAGE = { containers: each('spec.template.spec.containers', { name: word('name', ''), image: word('image', '') }) };
/** By the field of ClusterConfiguration that names another tag: whose, and which column of knowledge/kubeadm.json it replaces. */
const PINS = [
  { tag: 'dns', field: 'dns.imageTag', name: 'CoreDNS', ships: 'coreDNS' },
  { tag: 'etcd', field: 'etcd.local.imageTag', name: 'etcd', ships: 'etcd' },
] as const;

interface Args {
  is: 'newer' | 'unsupported' | 'pinned' | 'external';
  name: string;
  installed: string;
  ships: string;
  field: string;
  hop: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'kubernetes/addon-versions',
  title: { en: 'kubeadm can upgrade its add-ons to the versions it ships', zh: 'kubeadm 可将附加组件升级到其自带的版本' },
  headline: { en: 'kubeadm does not upgrade its add-ons', zh: 'kubeadm 不会升级其附加组件' },
  page: {
    impact: {
      en: 'kubeadm upgrade stops in its preflight check CoreDNSMigration if CoreDNS is newer than the version that kubeadm ships, or is a version that kubeadm does not know. A tag in kubeadm-config keeps CoreDNS or etcd at that version. kubeadm neither upgrades an external etcd nor checks its version before an upgrade.',
      zh: 'CoreDNS 比 kubeadm 自带的新，或不是 kubeadm 认识的版本时，kubeadm upgrade 会停在预检项 CoreDNSMigration。kubeadm-config 中设置了镜像标签时，CoreDNS 或 etcd 固定为该标签的版本。kubeadm 不升级外部 etcd，升级前也不检查其版本。',
    },
    detection: {
      en: 'Compares the image of Deployment kube-system/coredns, and the image tags in ConfigMap kubeadm-config, with what the newest known kubeadm of each minor on the way ships.',
      zh: '将 Deployment kube-system/coredns 的镜像以及 ConfigMap kubeadm-config 中的镜像标签，与途经的每个次要版本中已知最新 kubeadm 自带的版本比较。',
    },
    fix: {
      en: 'manual: to leave CoreDNS as it is, add --ignore-preflight-errors=CoreDNSUnsupportedPlugins,CoreDNSMigration to kubeadm upgrade apply, as plan kubernetes prints it. To remove a tag: kubectl edit configmap kubeadm-config -n kube-system. For an external etcd run etcdctl endpoint status --cluster, and upgrade it first if it is too old.',
      zh: '手动：如需保留现有的 CoreDNS，升级时执行“kubeadm upgrade apply --ignore-preflight-errors=CoreDNSUnsupportedPlugins,CoreDNSMigration”（升级计划中的命令已带该参数）。如需删除镜像标签，执行“kubectl edit configmap kubeadm-config -n kube-system”。对于外部 etcd，执行 etcdctl endpoint status --cluster，版本过低时先升级 etcd。',
    },
    limits: {
      en: 'For kube-proxy see kubernetes/kube-proxy-skew, for etcd kubernetes/etcd-upgrade-path. Images named by digest and the sandbox image on Nodes are not compared, nor are add-ons that kubeadm does not install (metrics-server, CNI plugins): their own releases say which versions they support.',
      zh: '关于 kube-proxy，请参见 kubernetes/kube-proxy-skew；关于 etcd，请参见 kubernetes/etcd-upgrade-path。不比较按摘要指定的镜像和节点上的沙箱镜像，也不比较并非由 kubeadm 安装的附加组件（metrics-server、CNI 插件）：其支持的版本以各自的发行说明为准。',
    },
  },
  sources: [
    'kubernetes/kubernetes: cmd/kubeadm/app/constants/constants.go, cmd/kubeadm/app/phases/upgrade/preflight.go, cmd/kubeadm/app/images/images.go',
    'coredns/corefile-migration: migration/migrate.go, migration/versions.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: {},
  pointReads: [
    { resource: 'configmaps', names: [CONFIG.name], columns: Object.values(TAGS) },
    { resource: 'deployments.apps', names: [COREDNS.name], columns: Object.values(IMAGE) },
  ],
  judge: async (_, { path: { from, hops }, look }) => {
    const [found, deployment] = [await look.get(CONFIG), await look.get(COREDNS)];
    if (isGap(found) || isGap(deployment)) return [];
    if (!found) return { notApplicable: NONE };
    const { config } = rowOf(TAGS)(found);
    if (config === UNREADABLE) return { unknown: ODD };
    const image = deployment && rowOf(IMAGE)(deployment).containers.find(({ name }) => name === 'coredns')?.image;
    return [
      ...(image && !image.includes('@') ? ofCoreDns(tagOf(image).replace(/^v/, ''), hops) : []),
      ...(config ? PINS.flatMap((pin) => pinned(pin, config[pin.tag].replace(/^v|-\d+$/g, ''), hops)) : []),
      ...(config?.external.length && !isGap(from) ? external(from, hops) : []),
    ];
  },
  say: (args) => SAYS[args.is](args),
};
export default check;

const NONE: Text = {
  en: 'there is no ConfigMap kube-system/kubeadm-config: kubeadm does not upgrade this cluster',
  zh: '没有 ConfigMap kube-system/kubeadm-config：该集群不由 kubeadm 升级',
};
const ODD: Text = {
  en: 'ConfigMap kube-system/kubeadm-config does not hold valid YAML',
  zh: 'ConfigMap kube-system/kubeadm-config 的内容不是有效的 YAML',
};

const shipped = (hop: string) => kubeadm().images.find(({ minor }) => minorOf(minor) === minorOf(hop));

/** Said once, of the first hop. */
function ofCoreDns(installed: string, hops: readonly string[]): Finding<Args>[] {
  const [hop] = hops;
  const ships = hop && shipped(hop)?.coreDNS;
  if (!hop || !ships) return [];
  const is = notMigrated(installed, hop);
  if (!is) return [];
  return [
    finding({
      severity: 'warning',
      key: [is, 'coredns'],
      certainty: 'high',
      objects: [COREDNS],
      args: { is, name: 'CoreDNS', installed, ships, field: '', hop },
      evidence: [{ seen: `CoreDNS ${installed}` }, { seen: `kubeadm ${shipped(hop)!.kubeadm}: CoreDNS ${ships}` }],
      hop,
    }),
  ];
}

function pinned({ field, name, ships: column }: (typeof PINS)[number], installed: string, hops: readonly string[]): Finding<Args>[] {
  const hop = semver.valid(installed) ? hops.find((each) => semver.lt(installed, shipped(each)?.[column] ?? installed)) : undefined;
  if (!hop) return [];
  const ships = shipped(hop)![column];
  return [
    finding({
      severity: 'notice',
      key: ['pinned', field],
      objects: [CONFIG],
      args: { is: 'pinned', name, installed, ships, field, hop },
      evidence: [{ seen: `${field}: ${installed}` }, { seen: `kubeadm ${shipped(hop)!.kubeadm}: ${name} ${ships}` }],
      hop,
    }),
  ];
}

/** Its version is not seen. kubeadm itself looks at it in init only (RunInitNodeChecks@1.37.2), not in upgrade. */
function external(from: string, hops: readonly string[]): Finding<Args>[] {
  const least = (version: string) => (shipped(version)?.minExternalEtcd ?? '0.0.0').replace(/-\d+$/, '');
  const hop = hops.find((each) => semver.gt(least(each), least(from)));
  if (!hop) return [];
  const args: Args = { is: 'external', name: 'etcd', installed: '', ships: least(hop), field: 'etcd.external', hop };
  const seen = `kubeadm ${shipped(hop)!.kubeadm}: external etcd from ${least(hop)} on`;
  return [
    finding({
      severity: 'notice',
      key: ['external', 'etcd'],
      objects: [CONFIG],
      args,
      evidence: [{ seen: 'etcd.external' }, { seen }],
      hop,
    }),
  ];
}

const SAYS: Record<Args['is'], (args: Args) => Text> = {
  newer: ({ installed, ships, hop }) => ({
    en: `CoreDNS ${installed} is newer than ${ships}, which kubeadm ${hop} ships: kubeadm upgrade stops in preflight (CoreDNSMigration)`,
    zh: `CoreDNS ${installed} 比 kubeadm ${hop} 自带的 ${ships} 新：kubeadm upgrade 会在预检（CoreDNSMigration）时停止`,
  }),
  unsupported: ({ installed, hop }) => ({
    en: `CoreDNS ${installed} is not a release that kubeadm ${hop} can upgrade: kubeadm upgrade stops in preflight (CoreDNSMigration)`,
    zh: `kubeadm ${hop} 不支持从 CoreDNS ${installed} 升级：kubeadm upgrade 会在预检（CoreDNSMigration）时停止`,
  }),
  external: ({ ships, hop }) => ({
    en: `kubeadm-config names an external etcd: kubeadm ${hop} supports ${ships} and newer, and does not check it; run etcdctl endpoint status --cluster`,
    zh: `kubeadm-config 指定了外部 etcd：kubeadm ${hop} 只支持 ${ships} 及更新版本，但升级时不会检查；请执行 etcdctl endpoint status --cluster`,
  }),
  pinned: ({ name, installed, ships, field, hop }) => ({
    en: `kubeadm-config has ${field} ${installed}: kubeadm ${hop} keeps it instead of ${name} ${ships}`,
    zh: `kubeadm-config 设置了 ${field} ${installed}：kubeadm ${hop} 会保留该版本，而不是 ${name} ${ships}`,
  }),
};
