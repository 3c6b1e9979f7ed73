// The upgrade of a cluster whose control plane its provider upgrades as one (EKS, GKE, AKS), or whose servers RKE2 replaces with their whole binary: which tool does it, with its commands.
// It is named as its Nodes and the kubeconfig have it (provider-names.ts). Sources: gcloud container clusters upgrade; aws eks update-cluster-version, update-nodegroup-version, update-addon and
// userguide/rollback-cluster; az aks upgrade, az aks nodepool upgrade; docs.rke2.io/upgrades.
import type { Command, Condition, StageDraft, StepDraft, Text } from '../../engine/contracts.ts';
import { commented, shellWord } from '../../text/shell.ts';
import { compare, minor, minorOf, parse } from '../../versions/kubernetes.ts';
import { filled, listedBy, type ProviderNames } from './provider-names.ts';
import { tagOf } from './reads.ts';
import { onNode } from './upgrade-binaries.ts';
import type { ClusterParts, Member } from './upgrade-parts.ts';
import { goalOf, type Hop, inOrder, isNewMinor, KUBELET, kubeletAt, manual, tagged } from './upgrade-steps.ts';

/** Server Nodes of RKE2 that get a step of their own; more are upgraded with one. */
const SINGLE = 50;

interface Provider {
  server(to: string, names: ProviderNames): Command[];
  /** The label by which it names the pool of a Node. */
  pool(member: Member): string | undefined;
  nodes(to: string, pools: readonly string[], names: ProviderNames): Command[];
  /** Of Nodes that are in none: who replaces them. */
  others: Text;
  wayBack(before: string): Text;
}
/** A cluster as its flags: `words`; behind what a reader sets. */
interface Named {
  words: string;
  before: Command[];
}
const ofEks = (flag: string, { cluster, location }: ProviderNames): Named => {
  const region = location === undefined ? '' : ` --region ${shellWord(location)}`;
  const name = filled(cluster, 'CLUSTER', listedBy('aws eks list-clusters'));
  return { words: `${flag} ${name.word}${region}`, before: name.before };
};
const ofGke = ({ cluster, location, project }: ProviderNames): Named => {
  const by = listedBy('gcloud container clusters list');
  const [name, place] = [filled(cluster, 'CLUSTER', by), filled(location, 'LOCATION', by)];
  const of = project === undefined ? '' : ` --project ${shellWord(project)}`;
  return { words: `${name.word} --location ${place.word}${of}`, before: [...name.before, ...place.before] };
};
const ofAks = (flag: string, { cluster, group }: ProviderNames): Named => {
  const by = listedBy('az aks list -o table');
  const [of, name] = [filled(group, 'GROUP', by), filled(cluster, 'CLUSTER', by)];
  return { words: `--resource-group ${of.word} ${flag} ${name.word}`, before: [...of.before, ...name.before] };
};
/** Of each pool a command; of one that no label names, what a reader sets. */
function eachPool(pools: readonly string[], list: string, command: (pool: string) => string): Command[] {
  const pool = filled(undefined, 'POOL', listedBy(list));
  return pools.length ? pools.map((name) => command(shellWord(name))) : [...pool.before, command(pool.word)];
}
const NO_POOL: Text = { en: 'of no node pool', zh: '不属于任何节点池' };

const PROVIDERS: Record<string, Provider> = {
  EKS: {
    server: (to, names) => {
      const { words, before } = ofEks('--name', names);
      return [...before, `aws eks update-cluster-version ${words} --kubernetes-version ${to}`];
    },
    pool: ({ nodegroup }) => nodegroup,
    nodes: (to, pools, names) => {
      const { words, before } = ofEks('--cluster-name', names);
      const own = (pool: string) => `aws eks update-nodegroup-version ${words} --nodegroup-name ${pool} --kubernetes-version ${to}`;
      return [...before, ...eachPool(pools, `aws eks list-nodegroups ${words}`, own)];
    },
    others: {
      en: 'of no managed node group: Karpenter, EKS Auto Mode or their launch template replaces them',
      zh: '不属于托管节点组：由 Karpenter、EKS Auto Mode 或其启动模板替换',
    },
    wayBack: (before) => ({
      en: `way back to ${before}: EKS can roll the control plane back within 7 days; Nodes that are upgraded by then go back first, add-ons separately`,
      zh: `回退到 ${before}：EKS 可在 7 天内回退控制平面；届时已升级的节点须先回退，附加组件另行处理`,
    }),
  },
  GKE: {
    server: (to, names) => {
      const { words, before } = ofGke(names);
      return [...before, `gcloud container clusters upgrade ${words} --master --cluster-version ${to}`];
    },
    pool: ({ gkePool }) => gkePool,
    nodes: (to, pools, names) => {
      const { words, before } = ofGke(names);
      const own = (pool: string) => `gcloud container clusters upgrade ${words} --node-pool ${pool} --cluster-version ${to}`;
      return [...before, ...eachPool(pools, `gcloud container node-pools list --cluster ${words}`, own)];
    },
    others: NO_POOL,
    wayBack: (before) => ({
      en: `way back to ${before}: not for the control plane, unless it was upgraded in two steps (--control-plane-soak-duration) and still soaks`,
      zh: `回退到 ${before}：控制平面无法回退，除非采用两步升级（--control-plane-soak-duration）且仍在观察期内`,
    }),
  },
  AKS: {
    server: (to, names) => {
      const { words, before } = ofAks('--name', names);
      return [...before, `az aks upgrade ${words} --control-plane-only --kubernetes-version ${to}`];
    },
    pool: ({ aksPool, olderAksPool }) => aksPool ?? olderAksPool,
    nodes: (to, pools, names) => {
      const { words, before } = ofAks('--cluster-name', names);
      const own = (pool: string) => `az aks nodepool upgrade ${words} --name ${pool} --kubernetes-version ${to}`;
      return [...before, ...eachPool(pools, `az aks nodepool list ${words} -o table`, own)];
    },
    others: NO_POOL,
    wayBack: (before) => ({
      en: `way back to ${before}: AKS does not downgrade a control plane; only into a new cluster, from a backup of the objects`,
      zh: `回退到 ${before}：AKS 不支持控制平面降级；只能用对象备份恢复到新集群`,
    }),
  },
};

/** Of RKE2: its own snapshots of etcd, with the older binary. */
const RKE2_BACK = (before: string): Text => ({
  en: `way back to ${before}: stop every server, restore a snapshot with the older rke2 (rke2 server --cluster-reset); later writes are lost`,
  zh: `回退到 ${before}：停止所有 server 节点，用旧版本的 rke2 恢复快照（rke2 server --cluster-reset）；快照之后的写入会丢失`,
});
const BEFORE = (before: string, to: string): Text => ({
  en: `way back to ${before}: until the control plane is ${to}, nothing has to be rolled back`,
  zh: `回退到 ${before}：在控制平面升级到 ${to} 之前，无需回退`,
});
const LATER = (before: string): Text => ({
  en: `way back to ${before} for a Node: at any time; a kubelet can be up to three minors older than the API servers`,
  zh: `节点回退到 ${before}：随时可以；kubelet 最多可比 API 服务器旧三个次要版本`,
});

/** How long the way back holds, stage by stage. */
export function providersWayBack({ before, version }: Hop, by: string): Text[] {
  const [to, from] = [minor(minorOf(version)), minor(minorOf(before))];
  const own = by === 'RKE2' ? RKE2_BACK(from) : PROVIDERS[by]?.wayBack(from);
  return own ? [BEFORE(from, to), own, LATER(from)] : [];
}

// ---- the control plane ----------------------------------------------------------------------------------------------

export function serversOfProvider(hop: Hop, by: string, { members, names }: ClusterParts, seen: Condition): StepDraft[] {
  const goal = goalOf(hop, by);
  const servers = members.filter(isServer);
  if (by === 'RKE2' && servers.length && servers.length <= SINGLE) return inOrder(servers.map((member) => rke2Server(hop, member)));
  return [
    manual(
      { en: `upgrade the control plane to ${goal} with ${by}`, zh: `用 ${by} 把控制平面升级到 ${goal}` },
      PROVIDERS[by]?.server(plain(goal), names) ?? [
        commented(rke2(minor(minorOf(hop.version))), { en: 'on each server Node, one after the other', zh: '在每个服务器节点上逐个执行' }),
      ],
      [seen],
    ),
  ];
}

const plain = (version: string): string => version.replace(/^v/, '');
export const isServer = ({ server, etcd }: Member): boolean => server !== undefined || etcd !== undefined;
export const rke2 = (to: string, type: 'server' | 'agent' = 'server'): string =>
  `curl -sfL https://get.rke2.io | sudo INSTALL_RKE2_CHANNEL=v${to}${type === 'agent' ? ' INSTALL_RKE2_TYPE=agent' : ''} sh - && sudo systemctl restart rke2-${type}`;

function rke2Server(hop: Hop, member: Member): StepDraft {
  const [{ name }, goal] = [member.ref, goalOf(hop, 'RKE2')];
  return manual(
    { en: `upgrade RKE2 on server Node ${name} to ${goal}`, zh: `把 server 节点 ${name} 上的 RKE2 升级到 ${goal}` },
    [onNode(name, rke2(minor(minorOf(hop.version))))],
    [kubeletAt(member, hop, 'RKE2')],
  );
}

// ---- add-ons --------------------------------------------------------------------------------------------------------

/** EKS leaves them as they are; GKE, AKS and RKE2 upgrade their own. */
export function eksAddons(hop: Hop, { by, kubeProxy, names }: ClusterParts, last: boolean): StageDraft[] {
  const to = minor(minorOf(hop.version));
  const tag = tagOf(kubeProxy ?? '');
  if (by !== 'EKS' || !last || !kubeProxy || !/^v\d+\.\d+\./.test(tag) || minorOf(tag) >= minorOf(hop.version)) return [];
  const { words, before } = ofEks('--cluster-name', names);
  const versions = `aws eks describe-addon-versions --kubernetes-version ${to}`;
  const step = manual(
    {
      en: `update kube-proxy to ${to}, and the other add-ons of EKS to versions for ${to}`,
      zh: `把 kube-proxy 更新到 ${to}，并把 EKS 的其他附加组件更新到适用于 ${to} 的版本`,
    },
    [
      ...before,
      `VERSION=$(${versions} --addon-name kube-proxy --query 'addons[0].addonVersions[0].addonVersion' --output text)`,
      `aws eks update-addon ${words} --addon-name kube-proxy --addon-version "$VERSION"`,
      commented(`${versions} --query 'addons[].[addonName,addonVersions[0].addonVersion]' --output text`, {
        en: 'for the other add-ons',
        zh: '其他附加组件的版本',
      }),
    ],
    [
      {
        on: { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
        must: [
          { path: '/spec/template/spec/containers[name=kube-proxy]/image', startsWith: tagged(kubeProxy, `v${to}.`) },
          { path: '/status/observedGeneration', same: '/metadata/generation' },
          { path: '/status/updatedNumberScheduled', same: '/status/desiredNumberScheduled' },
        ],
      },
    ],
  );
  return [{ hop: hop.hop, title: { en: `Add-ons for ${to}`, zh: `${to} 的附加组件` }, steps: [step] }];
}

// ---- Nodes ----------------------------------------------------------------------------------------------------------

/** Each pool with a command of its own. */
export function nodesOfProvider(hop: Hop, by: string, { members, names }: ClusterParts): StepDraft {
  const goal = goalOf(hop, by);
  const to = plain(goal);
  const { pool, nodes, others } = PROVIDERS[by]!;
  const isOlder = (kubelet: string): boolean =>
    isNewMinor(hop) ? minorOf(kubelet) < minorOf(hop.version) : parse(kubelet) === undefined || compare(kubelet, hop.version) < 0;
  const older = members.filter(({ kubelet }) => isOlder(kubelet));
  const old = [...new Set(older.map(({ kubelet }) => kubelet))].sort();
  const pools = [...new Set(older.flatMap((member) => pool(member) ?? []))].sort();
  const without = older.filter((member) => pool(member) === undefined).map(({ ref }) => shellWord(ref.name));
  const named = pools.length || without.length ? nodes(to, pools, names) : [];
  const rest = pools.length && without.length ? [commented(`kubectl get nodes ${without.slice(0, 10).join(' ')}`, others)] : [];
  return manual(
    { en: `upgrade the kubelets to ${goal} with ${by}`, zh: `用 ${by} 把 kubelet 升级到 ${goal}` },
    [...named, ...rest],
    [{ of: { apiVersion: 'v1', kind: 'Node' }, which: 'none', must: [{ path: KUBELET, in: old }] }],
  );
}
