// The kubelets in an upgrade, node by node, drained first or in place. Source: kubernetes/website version-skew-policy.md: a kubelet is never newer than an API server, so that it comes behind them.
import type { Condition, StageDraft, StepDraft, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import { containerHash } from './knowledge/tables.ts';
import type { ClusterParts, Member } from './upgrade-parts.ts';
import { type Hop, inOrder, installed, manual, onNode, READY } from './upgrade-servers.ts';

/** Nodes that get a step of their own; of more, one step for all. */
const SINGLE = 50;
/** Seconds for the last Nodes to be Ready. */
const WITHIN = 600;
const KUBELET = '/status/nodeInfo/kubeletVersion';

export interface NodeWay {
  mode: 'drain' | 'in-place';
  /** The last hop. */
  last: boolean;
}

/** Of a provider or distribution the version has a suffix that nobody can know beforehand: its kubelets are upgraded once, and seen to have left their old version. */
export function nodeStage(hop: Hop, parts: ClusterParts, { mode, last }: NodeWay): StageDraft[] {
  const { by, members } = parts;
  if (!members.length || (by && !last)) return [];
  const title: Text = { en: `Nodes to ${hop.version}`, zh: `节点升级到 ${hop.version}` };
  if (by) return [{ hop: hop.hop, title, steps: [ofProvider(hop, by, members)] }];
  const steps =
    members.length > SINGLE ? [allNodes(hop, parts, mode)] : inOrder(members.map((member) => oneNode(hop, parts, member, mode)));
  const wait: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, assume: [], after: steps, until: [everyNode(hop)] },
    text: { en: `wait until every Node is Ready with kubelet ${hop.version}`, zh: `等待所有 Node 就绪，且 kubelet 版本为 ${hop.version}` },
  };
  return [{ hop: hop.hop, title, steps: [...steps, wait] }];
}

function oneNode(hop: Hop, parts: ClusterParts, { ref: { name }, os, cordoned }: Member, mode: NodeWay['mode']): StepDraft {
  const drained = mode === 'drain';
  const node = shellWord(name);
  const schedulable = drained && !cordoned;
  const end = schedulable ? { en: ', uncordon it', zh: '，然后取消封锁' } : { en: '', zh: '' };
  const text: Text = drained
    ? {
        en: `drain Node ${name}, upgrade its kubelet to ${hop.version}${end.en}`,
        zh: `腾空 Node ${name}，把 kubelet 升级到 ${hop.version}${end.zh}`,
      }
    : { en: `upgrade the kubelet of Node ${name} to ${hop.version} in place`, zh: `把 Node ${name} 的 kubelet 原地升级到 ${hop.version}` };
  const more = restarts(hop, mode);
  return manual(
    { en: text.en + more.en, zh: text.zh + more.zh },
    commandsFor(node, {
      hop,
      parts,
      os,
      drained,
      uncordon: schedulable,
      isControlPlane: parts.instances.some((each) => each.node === name),
    }),
    [
      {
        on: { apiVersion: 'v1', kind: 'Node', name },
        must: [{ path: KUBELET, in: hop.patches }, READY, ...(schedulable ? [{ path: '/spec/unschedulable' }] : [])],
      },
    ],
  );
}

/** Progress is counted over all of them. */
function allNodes(hop: Hop, parts: ClusterParts, mode: NodeWay['mode']): StepDraft {
  const drained = mode === 'drain';
  const commands = commandsFor('NODE', { hop, parts, os: parts.members[0]!.os, drained, uncordon: drained, isControlPlane: false });
  const count = parts.members.length;
  return manual(
    {
      en: `upgrade the kubelets of ${count} Nodes to ${hop.version}, ${drained ? 'each drained first' : 'in place'}; in the commands replace NODE${restarts(hop, mode).en}`,
      zh: `把 ${count} 个 Node 的 kubelet 升级到 ${hop.version}（${drained ? '逐个腾空后升级' : '原地升级'}）；命令中的 NODE 请替换为节点名${restarts(hop, mode).zh}`,
    },
    commands,
    [everyNode(hop)],
  );
}

interface NodeCommands {
  hop: Hop;
  parts: ClusterParts;
  os: string;
  drained: boolean;
  uncordon: boolean;
  isControlPlane: boolean;
}

function commandsFor(node: string, { hop: { version }, parts, os, drained, uncordon, isControlPlane }: NodeCommands): string[] {
  const kubelet = 'sudo systemctl daemon-reload && sudo systemctl restart kubelet';
  const replaced = parts.kubeadm
    ? [
        // On the control plane kubeadm upgrade has done the node's part already.
        ...(isControlPlane ? [] : [onNode(node, `${installed(os, version, ['kubeadm'])} && sudo kubeadm upgrade node`)]),
        onNode(node, `${installed(os, version, ['kubelet', 'kubectl'])} && ${kubelet}`),
      ]
    : [`${onNode(node, kubelet)}   # once the kubelet binary there is ${version}`];
  return [
    ...(drained ? [`kubectl drain ${node} --ignore-daemonsets`] : []),
    ...replaced,
    ...(uncordon ? [`kubectl uncordon ${node}`] : []),
  ];
}

function ofProvider({ version }: Hop, by: string, members: readonly Member[]): StepDraft {
  const to = minor(minorOf(version));
  const old = [...new Set(members.map(({ kubelet }) => kubelet))].filter((each) => minorOf(each) < minorOf(version)).sort();
  const commands: Record<string, string> = {
    EKS: 'aws eks update-nodegroup-version --cluster-name CLUSTER --nodegroup-name GROUP   # replace CLUSTER and GROUP, for each node group',
    GKE: 'gcloud container clusters upgrade CLUSTER --node-pool POOL   # replace CLUSTER and POOL, for each node pool',
    AKS: `az aks nodepool upgrade --resource-group GROUP --cluster-name CLUSTER --name POOL --kubernetes-version ${to}   # replace GROUP, CLUSTER and POOL, for each node pool`,
  };
  return manual(
    { en: `upgrade the kubelets to ${to} with ${by}`, zh: `用 ${by} 把 kubelet 升级到 ${to}` },
    [commands[by] ?? 'kubectl get nodes'],
    [{ of: { apiVersion: 'v1', kind: 'Node' }, which: 'none', must: [{ path: KUBELET, in: old }] }],
  );
}

/** Whoever joined meanwhile counts too. */
const everyNode = ({ patches }: Hop): Condition => ({
  of: { apiVersion: 'v1', kind: 'Node' },
  which: 'every',
  must: [{ path: KUBELET, in: patches }, READY],
});

/** Only what runs on is restarted: a drained Node is empty. */
function restarts({ before, version }: Hop, mode: NodeWay['mode']): Text {
  const crossed = containerHash().boundaries.find(
    ({ from, to, restartsAll }) => restartsAll && minorOf(before) <= minorOf(from) && minorOf(version) >= minorOf(to),
  );
  if (mode === 'drain' || !crossed) return { en: '', zh: '' };
  return {
    en: `: every container on it restarts (${crossed.from} → ${crossed.to})`,
    zh: `，其上的所有容器都会重启（${crossed.from} → ${crossed.to}）`,
  };
}
