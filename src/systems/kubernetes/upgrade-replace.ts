// Nodes that are replaced by new ones (--nodes replace), one after the other: the new one joins first, so that there is room, and the old one's machine is off before its Node is deleted.
// A machine of the control plane takes its member of etcd with it, where etcd runs in static Pods: that is removed while every member runs. Sources: kubernetes/website
// setup/production-environment/tools/kubeadm/high-availability.md (upload-certs, join), reference/setup-tools/kubeadm/kubeadm-reset.md and website 31802 (controlPlaneEndpoint);
// etcd.io/docs op-guide/runtime-configuration.md (one member at a time, quorum).
import type { Command, Condition, StepDraft, Text } from '../../engine/contracts.ts';
import { commented, shellWord } from '../../text/shell.ts';
import { etcdctl } from './upgrade-backup.ts';
import { NODE, onNode, onWord } from './upgrade-binaries.ts';
import type { ClusterParts, Member } from './upgrade-parts.ts';
import { goalOf, type Hop, kubeletIs, manual, READY } from './upgrade-steps.ts';

/** How many of this many members must run so that etcd accepts a write. */
const quorum = (members: number): number => Math.floor(members / 2) + 1;

// ---- what both have -------------------------------------------------------------------------------------------------

/** Gone counts too: a provider's controller deletes the Node with its machine. */
const off = (name: string): Condition => ({
  of: { apiVersion: 'v1', kind: 'Node', fields: `metadata.name=${name}` },
  which: 'none',
  must: [READY],
});

function removed({ ref }: Member): StepDraft[] {
  return [
    manual({ en: `shut down the machine of Node ${ref.name}`, zh: `关闭 Node ${ref.name} 的机器` }, [], [off(ref.name)]),
    manual(
      { en: `delete Node ${ref.name}`, zh: `删除 Node ${ref.name}` },
      [`kubectl delete node ${shellWord(ref.name)} --ignore-not-found`],
      [{ on: ref, must: 'be-gone' }],
    ),
  ];
}

/** The commands for one Node of many, which the reader goes through one by one. */
export const removedEach: Command[] = [
  commented(`kubectl wait --for=condition=Ready=Unknown node/${NODE} --timeout=1h`, {
    en: 'shut down its machine meanwhile',
    zh: '此时关闭该节点的机器',
  }),
  `kubectl delete node ${NODE}`,
];

const joinedBy = (hop: Hop, { by }: ClusterParts, atLeast: number): Condition => ({
  of: { apiVersion: 'v1', kind: 'Node' },
  which: { atLeast },
  must: [kubeletIs(hop, by), READY],
});

// ---- a worker -------------------------------------------------------------------------------------------------------

/** As kubeadm labels Nodes of the control plane, from 1.20 on. */
const SERVERS = 'node-role.kubernetes.io/control-plane';

/** How a new Node is added. Machines of the control plane that are replaced are gone by then. */
export function joined(parts: ClusterParts): Command[] {
  const join = 'sudo kubeadm token create --print-join-command';
  if (!parts.kubeadm) return ['kubectl get nodes'];
  const [first] = stays(parts) ? parts.instances : [];
  if (first) return [onNode(first.node, join)];
  return [`SERVER=$(kubectl get nodes -l ${SERVERS} -o 'jsonpath={.items[0].metadata.name}')`, onWord('"$SERVER"', join)];
}

/** `count`: Nodes that have the version then. */
export function replaced(hop: Hop, parts: ClusterParts, member: Member, drain: StepDraft, count: number): StepDraft[] {
  const { name } = member.ref;
  const to = goalOf(hop, parts.by);
  return [
    manual(
      { en: `add a new Node with kubelet ${to}, in place of ${name}`, zh: `添加一个 kubelet 为 ${to} 的新节点，替换 ${name}` },
      joined(parts),
      [joinedBy(hop, parts, count)],
    ),
    drain,
    ...removed(member),
  ];
}

// ---- a machine of the control plane -----------------------------------------------------------------------------------

const PAGE = 'https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/high-availability/';
const MEMBERS = 'https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/#replacing-a-failed-etcd-member';

/** Why its machines stay, and what is to be read by who wants to replace them all the same; undefined: they can be replaced. */
export function stays({ kubeadm, joining, etcd }: ClusterParts): Text | undefined {
  if (!kubeadm)
    return {
      en: `why not replaced: only the tool that installed this control plane knows how to join a machine to it; members of etcd: ${MEMBERS}`,
      zh: `不替换的原因：只有安装该控制平面的工具知道如何加入新机器；etcd 成员的更换见 ${MEMBERS}`,
    };
  if (joining?.endpoint === false)
    return {
      en: `why not replaced: ConfigMap kubeadm-config has no controlPlaneEndpoint, without which kubeadm joins no control-plane Node: ${PAGE}`,
      zh: `不替换的原因：ConfigMap kubeadm-config 中没有 controlPlaneEndpoint，kubeadm 无法加入控制平面节点，见 ${PAGE}`,
    };
  if (!joining?.externalEtcd && !etcd.length)
    return {
      en: `why not replaced: it cannot be seen where etcd runs, and a machine may take a member with it: ${MEMBERS}`,
      zh: `不替换的原因：无法得知 etcd 运行在哪里，移走机器可能同时移走 etcd 成员，见 ${MEMBERS}`,
    };
  return undefined;
}

/** `count`: Nodes that have the version then, as for a worker. Called only for a machine that is replaced. */
export function replacedServer(hop: Hop, parts: ClusterParts, member: Member, drain: StepDraft, count: number): StepDraft[] {
  const { name } = member.ref;
  const to = goalOf(hop, parts.by);
  const isStacked = !parts.joining?.externalEtcd;
  const members = parts.etcd.length;
  const more = isStacked
    ? {
        en: `; etcd has ${members + 1} members then, of which ${quorum(members + 1)} must run`,
        zh: `；此时 etcd 有 ${members + 1} 个成员，其中 ${quorum(members + 1)} 个必须运行`,
      }
    : { en: '; etcd is external, and keeps its members', zh: '；etcd 在集群外部，其成员不变' };
  return [
    manual(
      {
        en: `join a new control-plane Node with kubelet ${to}, in place of ${name}${more.en}`,
        zh: `加入一个 kubelet 为 ${to} 的新控制平面节点，替换 ${name}${more.zh}`,
      },
      certificates(name, isStacked),
      [joinedBy(hop, parts, count), ...(isStacked ? [etcdRuns(members + 1)] : [])],
      [],
      [{ en: `official procedure: ${PAGE}`, zh: `官方步骤：${PAGE}` }],
    ),
    manual(
      {
        en: `let controlPlaneEndpoint lead to the new Node, and no longer to ${name}; the server in this kubeconfig, too`,
        zh: `让 controlPlaneEndpoint 指向新节点，不再指向 ${name}；当前 kubeconfig 中的 server 也须如此`,
      },
      ["kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}'"],
    ),
    drain,
    isStacked ? resetStacked(parts, name) : reset(name),
    ...removed(member),
  ];
}

/** The key is good for two hours, and read from the machine itself each time. */
function certificates(name: string, isStacked: boolean): Command[] {
  const upload = 'sudo kubeadm init phase upload-certs --upload-certs';
  const node = shellWord(name);
  // Those of an external etcd are named in the configuration alone.
  const uploaded = isStacked
    ? onNode(name, upload)
    : `kubectl get configmap -n kube-system kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' | ${onNode(name, `cat > kubeadm.yaml && ${upload} --config kubeadm.yaml`)}`;
  return [
    `KEY=$(${uploaded} | tail -n 1)`,
    commented(`ssh ${node} "sudo kubeadm token create --print-join-command --certificate-key $KEY"`, {
      en: 'prints what to run as root on the new machine, which has this kubelet and kubeadm installed; it holds a secret',
      zh: '输出要在新机器上以 root 执行的命令（新机器须已安装该版本的 kubelet 和 kubeadm）；其中含有密钥',
    }),
  ];
}

const etcdRuns = (members: number): Condition => ({
  of: { apiVersion: 'v1', kind: 'Pod', namespace: 'kube-system', labels: 'component=etcd' },
  which: { atLeast: members },
  must: [READY],
});

/** Nothing in the API shows the members: a person confirms it. */
function resetStacked({ etcd }: ClusterParts, name: string): StepDraft {
  const members = etcd.length;
  const own = etcd.find(({ node }) => node === name)?.pod ?? `etcd-${name}`;
  return manual(
    {
      en: `reset ${name}, which removes its member of etcd: ${members} of ${members + 1} are left, of which ${quorum(members)} must run`,
      zh: `重置 ${name}，同时移除它的 etcd 成员：${members + 1} 个成员剩下 ${members} 个，其中 ${quorum(members)} 个必须运行`,
    },
    [
      commented(etcdctl(shellWord(own), 'endpoint health --cluster'), {
        en: 'every member must be healthy; else stop here',
        zh: '所有成员都必须健康，否则在此停止',
      }),
      onNode(name, 'sudo kubeadm reset --force'),
      `ETCD=$(kubectl get pods -n kube-system -l component=etcd -o name | grep -vxF pod/${shellWord(own)} | head -n 1)`,
      commented(etcdctl('"$ETCD"', 'member list'), {
        en: `if it still lists ${name}: the same command with member remove and its ID`,
        zh: `如仍列出 ${name}：用同样的方式执行 member remove，并附上其 ID`,
      }),
    ],
  );
}

/** An external etcd is not touched. */
const reset = (name: string): StepDraft =>
  manual({ en: `reset ${name}; the external etcd is not changed by it`, zh: `重置 ${name}；外部 etcd 不受影响` }, [
    onNode(name, 'sudo kubeadm reset --force'),
  ]);
