// The upgrade of a cluster whose control plane its provider upgrades as one (EKS, GKE, AKS), or whose servers RKE2 replaces with their whole binary: which tool does it, with its commands.
// Node pools are named as the provider's labels on the Nodes have them. Sources: gcloud container clusters upgrade; aws eks update-cluster-version, update-nodegroup-version, update-addon and
// userguide/rollback-cluster; az aks upgrade, az aks nodepool upgrade; docs.rke2.io/upgrades.
import type { Condition, StageDraft, StepDraft, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { compare, minor, minorOf, parse } from '../../versions/kubernetes.ts';
import { tagOf } from './reads.ts';
import type { ClusterParts, Member } from './upgrade-parts.ts';
import { goalOf, type Hop, inOrder, isNewMinor, KUBELET, kubeletAt, manual, onNode, tagged } from './upgrade-steps.ts';

/** Server Nodes of RKE2 that get a step of their own; more are upgraded with one. */
const SINGLE = 50;

/** With the words in capitals that a person has to replace, said behind it. */
function command(text: string): string {
  const words = [...new Set(text.match(/\b(?:CLUSTER|LOCATION|GROUP|POOL|VERSION)\b/g) ?? [])];
  const all = words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : words[0];
  return all ? `${text}   # replace ${all}` : text;
}

interface Provider {
  server(to: string, members: readonly Member[]): string[];
  /** The label by which it names the pool of a Node. */
  pool(member: Member): string | undefined;
  nodes(to: string, pool: string, members: readonly Member[]): string;
  /** Of Nodes that are in none. */
  others(names: string): string;
  wayBack(before: string): Text;
}
/** As eksctl labels its Nodes; elsewhere nothing in the cluster says its name. */
const eksName = (members: readonly Member[]): string => {
  const [name, ...more] = new Set(members.flatMap(({ eksctl }) => eksctl ?? []));
  return name && !more.length ? shellWord(name) : 'CLUSTER';
};
const PROVIDERS: Record<string, Provider> = {
  EKS: {
    server: (to, members) => [`aws eks update-cluster-version --name ${eksName(members)} --kubernetes-version ${to}`],
    pool: ({ nodegroup }) => nodegroup,
    nodes: (to, pool, members) =>
      `aws eks update-nodegroup-version --cluster-name ${eksName(members)} --nodegroup-name ${pool} --kubernetes-version ${to}`,
    others: (names) =>
      `kubectl get nodes ${names}   # of no managed node group: Karpenter, EKS Auto Mode or their launch template replaces them`,
    wayBack: (before) => ({
      en: `way back to ${before}: EKS can roll the control plane back within 7 days; Nodes that are upgraded by then go back first, add-ons separately`,
      zh: `回退到 ${before}：EKS 可在 7 天内回退控制平面；届时已升级的节点须先回退，附加组件另行处理`,
    }),
  },
  GKE: {
    server: (to) => [`gcloud container clusters upgrade CLUSTER --location LOCATION --master --cluster-version ${to}`],
    pool: ({ gkePool }) => gkePool,
    nodes: (to, pool) => `gcloud container clusters upgrade CLUSTER --location LOCATION --node-pool ${pool} --cluster-version ${to}`,
    others: (names) => `kubectl get nodes ${names}   # of no node pool`,
    wayBack: (before) => ({
      en: `way back to ${before}: not for the control plane, unless it was upgraded in two steps (--control-plane-soak-duration) and still soaks`,
      zh: `回退到 ${before}：控制平面无法回退，除非采用两步升级（--control-plane-soak-duration）且仍在观察期内`,
    }),
  },
  AKS: {
    server: (to) => [`az aks upgrade --resource-group GROUP --name CLUSTER --control-plane-only --kubernetes-version ${to}`],
    pool: ({ aksPool }) => aksPool,
    nodes: (to, pool) => `az aks nodepool upgrade --resource-group GROUP --cluster-name CLUSTER --name ${pool} --kubernetes-version ${to}`,
    others: (names) => `kubectl get nodes ${names}   # of no node pool`,
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
  en: `way back of a Node to ${before}: at any time; a kubelet can be up to three minors older than the API servers`,
  zh: `节点回退到 ${before}：随时可以；kubelet 最多可比 API 服务器旧三个次要版本`,
});

/** How long the way back holds, stage by stage. */
export function providersWayBack({ before, version }: Hop, by: string): Text[] {
  const [to, from] = [minor(minorOf(version)), minor(minorOf(before))];
  const own = by === 'RKE2' ? RKE2_BACK(from) : PROVIDERS[by]?.wayBack(from);
  return own ? [BEFORE(from, to), own, LATER(from)] : [];
}

// ---- the control plane ----------------------------------------------------------------------------------------------

export function serversOfProvider(hop: Hop, by: string, { members }: ClusterParts, seen: Condition): StepDraft[] {
  const goal = goalOf(hop, by);
  const servers = members.filter(isServer);
  if (by === 'RKE2' && servers.length && servers.length <= SINGLE) return inOrder(servers.map((member) => rke2Server(hop, member)));
  return [
    manual(
      { en: `upgrade the control plane to ${goal} with ${by}`, zh: `用 ${by} 把控制平面升级到 ${goal}` },
      PROVIDERS[by]?.server(plain(goal), members).map(command) ?? [
        `${rke2(minor(minorOf(hop.version)))}   # on each server Node, one after the other`,
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
export function eksAddons(hop: Hop, { by, kubeProxy, members }: ClusterParts, last: boolean): StageDraft[] {
  const to = minor(minorOf(hop.version));
  const tag = tagOf(kubeProxy ?? '');
  if (by !== 'EKS' || !last || !kubeProxy || !/^v\d+\.\d+\./.test(tag) || minorOf(tag) >= minorOf(hop.version)) return [];
  const step = manual(
    {
      en: `update kube-proxy to ${to}, and the other add-ons of EKS to versions for ${to}`,
      zh: `把 kube-proxy 更新到 ${to}，并把 EKS 的其他附加组件更新到适用于 ${to} 的版本`,
    },
    [
      `aws eks describe-addon-versions --kubernetes-version ${to} --query 'addons[].[addonName,addonVersions[0].addonVersion]' --output text`,
      command(`aws eks update-addon --cluster-name ${eksName(members)} --addon-name kube-proxy --addon-version VERSION`),
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
export function nodesOfProvider(hop: Hop, by: string, members: readonly Member[]): StepDraft {
  const goal = goalOf(hop, by);
  const to = plain(goal);
  const { pool, nodes, others } = PROVIDERS[by]!;
  const isOlder = (kubelet: string): boolean =>
    isNewMinor(hop) ? minorOf(kubelet) < minorOf(hop.version) : parse(kubelet) === undefined || compare(kubelet, hop.version) < 0;
  const older = members.filter(({ kubelet }) => isOlder(kubelet));
  const old = [...new Set(older.map(({ kubelet }) => kubelet))].sort();
  const pools = [...new Set(older.flatMap((member) => pool(member) ?? []))].sort();
  const without = older.filter((member) => pool(member) === undefined).map(({ ref }) => shellWord(ref.name));
  const named = pools.map((name) => command(nodes(to, shellWord(name), members)));
  const rest = without.length ? [pools.length ? others(without.slice(0, 10).join(' ')) : command(nodes(to, 'POOL', members))] : [];
  return manual(
    { en: `upgrade the kubelets to ${goal} with ${by}`, zh: `用 ${by} 把 kubelet 升级到 ${goal}` },
    [...named, ...rest],
    [{ of: { apiVersion: 'v1', kind: 'Node' }, which: 'none', must: [{ path: KUBELET, in: old }] }],
  );
}
