// The kubelets in an upgrade, node by node, drained first or in place. Source: kubernetes/website version-skew-policy.md: a kubelet is never newer than an API server, so that it comes behind them.
import type { Command, Condition, Ref, StageDraft, StepDraft, Text, Upgrading, Wrong } from '../../engine/contracts.ts';
import { deleted } from '../../engine/steps/drain.ts';
import { describe } from '../../kube/refs.ts';
import { commented, shellWord } from '../../text/shell.ts';
import { compare, minor, minorOf, parse } from '../../versions/kubernetes.ts';
import { components, containerHash } from './knowledge/tables.ts';
import { alike, eachOfThese, installed, NODE, onWord, replacedBinary } from './upgrade-binaries.ts';
import { type Logs, raised } from './upgrade-logs.ts';
import type { ClusterParts, Member } from './upgrade-parts.ts';
import { isServer, nodesOfProvider, rke2 } from './upgrade-provider.ts';
import { joined, removedEach, replaced, replacedServer, stays } from './upgrade-replace.ts';
import { goalOf, type Hop, inOrder, KUBELET, kubeletAt, kubeletIs, manual, newerKubelets, READY } from './upgrade-steps.ts';

/** Up to this number each Node has steps of its own; where there are more workers, one step upgrades this many. */
const SINGLE = 50;
/** Seconds for the last Nodes to be Ready. */
const WITHIN = 600;

export interface NodeWay {
  mode: 'drain' | 'in-place' | 'replace';
  /** The last hop. */
  last: boolean;
  /** Seconds for the Pods of a Node to go. */
  within: number;
  logs: Logs;
  /** By Node: Pods without a controller that were accepted (--accept), and go for good when it is drained. */
  lost: ReadonlyMap<string, Ref[]>;
}

/** Only the Pods that were accepted; one that comes later stops the drain. */
export function acceptedToLose({ found = [] }: Pick<Upgrading, 'found'>): Map<string, Ref[]> {
  const lost = new Map<string, Ref[]>();
  for (const { check, findings } of found) {
    if (check !== 'kubernetes/unmanaged-pods') continue;
    for (const { accepted, args, objects } of findings) {
      if (!accepted) continue;
      const { nodes } = args as unknown as { nodes: Record<string, string> };
      for (const pod of objects) {
        const node = nodes[pod.name] ?? '';
        lost.set(node, [...(lost.get(node) ?? []), pod]);
      }
    }
  }
  return lost;
}

/** The versions of a provider or distribution have a suffix that is not known beforehand: its kubelets are upgraded once, at the end. */
export function nodeStage(hop: Hop, all: ClusterParts, way: NodeWay): StageDraft[] {
  const { by } = all;
  if (!all.members.length) return by ? [] : [withoutNodes(hop, all)];
  if (by && !way.last) return [];
  const there = all.members.filter((member) => !by && isThere(member, hop));
  // Servers of RKE2 were upgraded whole, their kubelets too.
  const members = all.members.filter((member) => !there.includes(member) && !(by === 'RKE2' && isServer(member)));
  if (there.length && !members.length) return [];
  const parts: ClusterParts = { ...all, members };
  const to = goalOf(hop, by);
  const title: Text = { en: `Nodes to ${to}`, zh: `节点升级到 ${to}` };
  if (by && by !== 'RKE2') return [{ hop: hop.hop, title, steps: [nodesOfProvider(hop, by, parts)] }];
  // A kubelet may be some minors behind: workers are replaced once, at the end.
  const waiting = way.mode === 'replace' && !way.last;
  const many = members.length > SINGLE;
  const now = waiting || many ? members.filter((member) => isControlPlane(member, parts)) : members;
  const single = inOrder(now.flatMap((member, i) => oneNode(hop, parts, member, way, there.length + i + 1)));
  const steps = many && !waiting ? [...single, ...batches(hop, parts, way, single)] : single;
  if (waiting) return steps.length ? [{ hop: hop.hop, title, steps }] : [];
  const wait: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: WITHIN, assume: [], after: steps, until: [everyNode(hop, by, there)] },
    text: { en: `wait until every Node is Ready with kubelet ${to}`, zh: `等待所有 Node 就绪，且 kubelet 版本为 ${to}` },
  };
  return [{ hop: hop.hop, title, steps: [...steps, wait] }];
}

/** As new, or newer: a kubelet is not downgraded. */
const isThere = ({ kubelet }: Member, { version }: Hop): boolean => parse(kubelet) !== undefined && compare(kubelet, version) >= 0;

/** Said, where a plan would look as if it had forgotten them. */
function withoutNodes(hop: Hop, parts: ClusterParts): StageDraft {
  const { version } = hop;
  const on = [...new Set(parts.instances.map(({ node }) => node))];
  const commands = on.flatMap((node) =>
    commandsFor(shellWord(node), {
      hop,
      parts,
      os: '',
      machine: '',
      drained: false,
      uncordon: false,
      isControlPlane: true,
      from: minorOf(hop.before),
    }),
  );
  const what: Text = on.length
    ? { en: `upgrade the kubelets on ${on.join(', ')} to ${version}`, zh: `把 ${on.join('、')} 上的 kubelet 升级到 ${version}` }
    : { en: `upgrade the kubelets to ${version}, if there are any`, zh: `如有 kubelet，升级到 ${version}` };
  const step = manual(
    {
      en: `${what.en}: the cluster has no Node objects for them, and --nodes has no effect`,
      zh: `${what.zh}：集群中没有对应的 Node 对象，--nodes 不起作用`,
    },
    commands,
  );
  return { hop: hop.hop, title: { en: `Nodes to ${version}`, zh: `节点升级到 ${version}` }, steps: [step] };
}

/** Whether machines of the control plane are replaced: where that can be described; elsewhere kubeadm, or the tool that made them, upgrades what runs there. */
export const replacesServers = (parts: ClusterParts, { mode, last }: Pick<NodeWay, 'mode' | 'last'>): boolean =>
  mode === 'replace' && last && stays(parts) === undefined;

/** `count`: Nodes that have the version behind its steps. */
function oneNode(hop: Hop, parts: ClusterParts, member: Member, way: NodeWay, count: number): StepDraft[] {
  const own = isControlPlane(member, parts);
  const isKept = own && !replacesServers(parts, way);
  const mode = way.mode === 'replace' && isKept ? 'drain' : way.mode;
  const { name } = member.ref;
  const logger = way.logs.kubelets.get(name);
  const louder = logger ? [raised(logger)] : [];
  if (mode === 'in-place') return [inPlace(hop, kubelet(hop, parts, member, own, restarts(hop)), member), ...louder];
  const lose = way.lost.get(name) ?? [];
  const gone = lose.map(describe);
  const drain: StepDraft = {
    ...{ do: 'drain', on: member.ref, within: way.within, guard: [], repairs: HOLDS, ...(lose.length ? { lose } : {}) },
    // A run that is resumed, and a runbook that is started again, meet Nodes that a person has upgraded.
    ...(mode === 'replace' ? {} : { unless: [kubeletAt(member, hop, parts.by)] }),
    text: {
      en: `drain Node ${name}: its Pods move to other Nodes, and lose what they keep in emptyDir${lose.length ? `; deleted for good, as accepted: ${gone.join(', ')}` : ''}`,
      zh: `腾空 Node ${name}：其上的 Pod 会迁移到其他节点，emptyDir 中的数据会丢失${lose.length ? `；按 --accept 永久删除 ${gone.join('、')}` : ''}`,
    },
    undo: 'compensates',
    undoNote: { en: 'undo: uncordons the Node; its Pods stay where they are', zh: '撤销时：取消封锁该节点；Pod 不会移回' },
  };
  if (mode === 'replace') return (own ? replacedServer : replaced)(hop, parts, member, drain, count);
  const why = stays(parts);
  const more = way.mode !== 'replace' ? { en: '', zh: '' } : why ? NOT_REPLACED : LATER;
  const upgraded = kubelet(hop, parts, member, own, more, way.mode === 'replace' && way.last && why ? [why] : []);
  return member.cordoned ? [drain, upgraded, ...louder] : [drain, upgraded, ...louder, uncordon(member)];
}

/** By its static Pods, or by its label where no Pod shows what runs there. */
const isControlPlane = (member: Member, { instances }: ClusterParts): boolean =>
  isServer(member) || instances.some(({ node }) => node === member.ref.name);

/** Who takes such a machine away takes a member of etcd with it. */
const NOT_REPLACED: Text = {
  en: ' on the same machine: a control-plane Node is not replaced like a worker, since a member of etcd and an API server may run on it',
  zh: '（保留原机器）：控制平面节点不像工作节点那样替换，因为其上可能运行着 etcd 成员和 API 服务器',
};

/** A kubelet of an older minor would be too old for kubeadm. */
const LATER: Text = {
  en: ' on the same machine, which is replaced at the last minor',
  zh: '（保留原机器，到最后一个次要版本时再替换）',
};

function uncordon({ ref }: Member): StepDraft {
  return {
    ...{ do: 'patch', on: ref, guard: [], undo: 'exact' },
    changes: [{ path: '/spec/unschedulable', before: true }],
    text: { en: `uncordon Node ${ref.name}`, zh: `取消封锁 Node ${ref.name}` },
  };
}

function kubelet(hop: Hop, parts: ClusterParts, member: Member, own: boolean, more: Text, notes: Text[] = []): StepDraft {
  const { os, machine } = member;
  const { name } = member.ref;
  return manual(
    {
      en: `upgrade the kubelet of Node ${name} to ${goalOf(hop, parts.by)}${more.en}`,
      zh: `把 Node ${name} 的 kubelet 升级到 ${goalOf(hop, parts.by)}${more.zh}`,
    },
    commandsFor(shellWord(name), {
      hop,
      parts,
      os,
      machine,
      drained: false,
      uncordon: false,
      isControlPlane: own,
      from: oldestOf(hop, [member]),
    }),
    [kubeletAt(member, hop, parts.by)],
    newerKubelets([member], hop).length ? [] : tooNew(hop, name),
    notes,
  );
}

/** Minors that a person may have installed instead of that of the hop. */
const MINORS_TOO_NEW = 3;
const tooNew = (hop: Hop, name: string): Wrong[] =>
  Array.from({ length: MINORS_TOO_NEW }, (_, i) => minor(minorOf(hop.version) + 1 + i)).map((of) => ({
    when: { on: { apiVersion: 'v1', kind: 'Node', name }, must: [{ path: KUBELET, startsWith: `v${of}.` }] },
    text: {
      en: `the kubelet of Node ${name} is ${of}: newer than the API servers; install ${hop.version}, then resume`,
      zh: `Node ${name} 的 kubelet 为 ${of}：比 API 服务器新；请安装 ${hop.version}，然后用 resume 继续`,
    },
  }));

/** All workers, so many with one step; each kubelet logs more behind the step that restarts it. */
function batches(hop: Hop, parts: ClusterParts, way: NodeWay, before: StepDraft[]): StepDraft[] {
  const workers = parts.members.filter((member) => !isControlPlane(member, parts));
  const steps: StepDraft[] = [];
  let after = before.slice(-1);
  const groups = [...Map.groupBy(workers, alike).values()].flatMap((same) => chunks(same, SINGLE));
  for (const some of groups) {
    const done: StepDraft = { ...batch(hop, parts, some, way), after };
    const louder = some.flatMap(({ ref }): StepDraft[] => {
      const logger = way.logs.kubelets.get(ref.name);
      return logger && way.mode !== 'replace' ? [{ ...raised(logger), after: [done] }] : [];
    });
    steps.push(done, ...louder);
    after = [done, ...louder];
  }
  return steps;
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

function batch(hop: Hop, parts: ClusterParts, some: Member[], { mode, lost }: NodeWay): StepDraft {
  const [first, last] = [some[0]!, some.at(-1)!];
  const drained = mode !== 'in-place';
  const lose = drained ? some.flatMap(({ ref }) => lost.get(ref.name) ?? []) : [];
  const given = lose.map((pod) =>
    commented(deleted(pod), { en: 'accepted; it is not re-created', zh: '已按 --accept 接受；不会重新创建' }),
  );
  const names = some.length > 1 ? `${first.ref.name} ... ${last.ref.name}` : first.ref.name;
  const count = { en: `${some.length} ${some.length === 1 ? 'Node' : 'Nodes'} (${names})`, zh: `${some.length} 个 Node（${names}）` };
  if (mode === 'replace') {
    return manual(
      {
        en: `replace ${count.en} with new ones that run kubelet ${goalOf(hop, parts.by)}: add one, drain the old one, shut it down, delete it`,
        zh: `把 ${count.zh} 替换为 kubelet 为 ${goalOf(hop, parts.by)} 的新节点：先添加，再腾空旧节点，关机，最后删除`,
      },
      [...given, left(hop, parts.by, some), eachOfThese, ...joined(parts), drainOf(NODE), ...removedEach],
      some.map(({ ref }) => ({ on: ref, must: 'be-gone' })),
    );
  }
  const said = drained
    ? {
        en: ', each drained first: its Pods move to other Nodes, and lose what they keep in emptyDir',
        zh: '（逐个腾空后升级：其上的 Pod 会迁移到其他节点，emptyDir 中的数据会丢失）',
      }
    : restarts(hop);
  const step = manual(
    {
      en: `upgrade the kubelets of ${count.en} to ${goalOf(hop, parts.by)}${said.en}`,
      zh: `把 ${count.zh} 的 kubelet 升级到 ${goalOf(hop, parts.by)}${said.zh}`,
    },
    [
      ...given,
      left(hop, parts.by, some),
      eachOfThese,
      ...commandsFor(NODE, {
        hop,
        parts,
        os: first.os,
        machine: first.machine,
        drained,
        uncordon: drained,
        isControlPlane: false,
        from: oldestOf(hop, some),
      }),
    ],
    some.map((member) => kubeletAt(member, hop, parts.by)),
  );
  return drained ? step : inPlace(hop, step, first, some.slice(1));
}

/** Names those of a group that are left: a run that is resumed, and a runbook that is started again, meet Nodes that a person has upgraded or replaced. */
function left(hop: Hop, by: string | undefined, some: readonly Member[]): Command {
  const any = (versions: readonly string[]) => `^(${versions.join('|').replaceAll('.', '[.]').replaceAll('+', '[+]')})`;
  const old = [...new Set(some.map(({ kubelet }) => kubelet))].map((version) => parse(version) ?? '');
  const isLeft = by ? `$2 !~ /${any([`v${minor(minorOf(hop.version))}.`])}/ || $2 ~ /${any(old)}$/` : `$2 !~ /${any(hop.patches)}$/`;
  const columns = 'custom-columns=:.metadata.name,:.status.nodeInfo.kubeletVersion';
  const names = some.map(({ ref }) => shellWord(ref.name)).join(' ');
  return commented(`kubectl get node ${names} --ignore-not-found --no-headers -o ${columns} | awk '${isLeft}'`, {
    en: 'lists the Nodes that are left',
    zh: '列出尚未完成的节点',
  });
}

/** What finds a budget that came after the plan. */
const HOLDS = ['kubernetes/pdb-blocks-drain'];
/** The command for one Node of many, which the reader goes through one by one; `node`: a word of a shell. */
const drainOf = (node: string): string => `kubectl drain ${node} --ignore-daemonsets --delete-emptydir-data`;

interface NodeCommands {
  hop: Hop;
  parts: ClusterParts;
  os: string;
  machine: string;
  drained: boolean;
  uncordon: boolean;
  isControlPlane: boolean;
  /** The oldest minor that its kubelet may have now. */
  from: number;
}

/** `node`: a word of a shell. */
function commandsFor(node: string, { hop, parts, os, machine, drained, uncordon, isControlPlane, from }: NodeCommands): Command[] {
  const { version } = hop;
  const at = (command: string) => onWord(node, command);
  const kubelet = 'sudo systemctl daemon-reload && sudo systemctl restart kubelet';
  const replaced = parts.by
    ? [at(rke2(minor(minorOf(version)), 'agent'))]
    : parts.kubeadm
      ? [
          // On the control plane kubeadm upgrade has done the node's part already.
          ...(isControlPlane ? [] : [at(`${installed(os, version, ['kubeadm'])} && sudo kubeadm upgrade node`)]),
          ...withoutGoneFlags(from, hop, at),
          at(`${installed(os, version, ['kubelet', 'kubectl'])} && ${kubelet}`),
        ]
      : [...withoutGoneFlags(from, hop, at), ...replacedBinary('kubelet', version, machine, at)];
  return [...(drained ? [drainOf(node)] : []), ...replaced, ...(uncordon ? [`kubectl uncordon ${node}`] : [])];
}

/** Where the flags of a kubelet stand: of kubeadm, of packages, of units. */
const KUBELET_FILES = [
  '/var/lib/kubelet/kubeadm-flags.env',
  '/etc/default/kubelet',
  '/etc/sysconfig/kubelet',
  ...['/etc', '/usr/lib'].flatMap((root) => [`${root}/systemd/system/kubelet.service`, `${root}/systemd/system/kubelet.service.d`]),
].join(' ');

/** Behind the first hop every kubelet is of the minor that it brought. */
const oldestOf = (hop: Hop, members: readonly Member[]): number =>
  Math.min(minorOf(hop.before), ...(hop.first ? members.map(({ kubelet }) => minorOf(kubelet) || minorOf(hop.before)) : []));

/**
 * Flags that the kubelet of this hop does not start with. No object shows them, so that its own files are asked; kubeadm takes out few of them (cmd/kubeadm/app/cmd/phases/upgrade/postupgrade.go:
 * none in 1.37.2). Files that are missing are an error to grep, whatever it found: its output decides.
 */
function withoutGoneFlags(from: number, { version }: Hop, at: (command: string) => string): Command[] {
  const gone = components().flags.filter(
    ({ component, removedIn = '' }) => component === 'kubelet' && minorOf(removedIn) > from && minorOf(removedIn) <= minorOf(version),
  );
  if (!gone.length) return [];
  const to = minor(minorOf(version));
  return [
    commented(at(`! sudo grep -rsnE -e "--(${gone.map(({ name }) => name).join('|')})([^[:alnum:]-]|$)" ${KUBELET_FILES} | grep .`), {
      en: `kubelet ${to} does not start with these flags: delete those that this prints`,
      zh: `kubelet ${to} 无法使用这些参数启动：请删除此处列出的参数`,
    }),
  ];
}

/** Nodes that joined meanwhile count too. `there`: those that may be newer. */
const everyNode = (hop: Hop, by: string | undefined, there: readonly Member[]): Condition => ({
  of: { apiVersion: 'v1', kind: 'Node' },
  which: 'every',
  must: [kubeletIs({ ...hop, patches: [...new Set([...hop.patches, ...there.map(({ kubelet }) => kubelet)])] }, by), READY],
});

/** What runs on is watched: containers that restart although nothing was said, and those of which it was. */
function inPlace(hop: Hop, step: StepDraft, { ref }: Member, others: Member[] = []): StepDraft {
  if (step.do !== 'manual') return step;
  const more = others.length ? { others: others.map((member) => member.ref) } : {};
  return { ...step, restarts: { on: ref, ...more, said: crossed(hop) !== undefined } };
}

/** Versions between which a kubelet restarts every container. */
const crossed = ({ before, version }: Hop) =>
  containerHash().boundaries.find(
    ({ from, to, restartsAll }) => restartsAll && minorOf(before) <= minorOf(from) && minorOf(version) >= minorOf(to),
  );

/** Of what runs on: a drained Node is empty. */
function restarts(hop: Hop): Text {
  const all = crossed(hop);
  if (!all) return { en: ' in place', zh: '（原地升级）' };
  return {
    en: ` in place: every container on it restarts (${all.from} → ${all.to})`,
    zh: `（原地升级），其上的所有容器都会重启（${all.from} → ${all.to}）`,
  };
}
