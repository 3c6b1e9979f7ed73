// The control plane in an upgrade: by kubeadm node by node; with other static Pods API servers first, one by one, then kube-controller-manager and kube-scheduler; of a provider, as one.
import type { Condition, Expectation, StageDraft, StepDraft, Text, Wrong } from '../../engine/contracts.ts';
import { oneLine } from '../../text/sanitise.ts';
import { commented, shellWord } from '../../text/shell.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import { ignoredPreflight } from './coredns.ts';
import { CONTROL_PLANE, tagOf } from './reads.ts';
import { dnsAt, olderDns, proxyAt } from './upgrade-addons.ts';
import { olderImage, olderKubelet } from './upgrade-back.ts';
import { installed, onEach, onEveryServer, onNode, replacedBinary } from './upgrade-binaries.ts';
import { kubeadmNotes } from './upgrade-kubeadm.ts';
import type { ClusterParts, Instance } from './upgrade-parts.ts';
import { isServer, serversOfProvider } from './upgrade-provider.ts';
import { goalOf, type Hop, inOrder, isNewMinor, KUBELET, manual, newerKubelets, orLater, READY, reached, tagged } from './upgrade-steps.ts';

/** Seconds in which the control plane must be seen at its version, once it was upgraded. */
const WITHIN = 600;
/** A holder renews its Lease every 2 s. */
const RENEWED = 60;

export function controlPlaneStage(hop: Hop, parts: ClusterParts, stopped: boolean, fixes: string[]): StageDraft {
  // The patch of a provider cannot be known beforehand.
  const version = goalOf(hop, parts.by);
  const steps = inOrder(stepsOf(hop, parts, stopped));
  const dns = olderDns(hop, parts.coreDns);
  const withAddons = parts.kubeadm && !parts.by;
  const until: Condition[] = [
    { reading: versionOf(parts), ...answers(hop, parts.by) },
    ...(parts.by ? [] : parts.leases.map(renewed)),
    // kubeadm brings both with its last API server; a wait is only for what steps before it change.
    ...(withAddons && parts.kubeProxy ? [proxyAt(hop, parts.kubeProxy)] : []),
    // It leaves one that is newer than its own.
    ...(withAddons && dns ? [dnsAt(dns)] : []),
  ];
  const wait: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', until, within: WITHIN, assume: [], after: steps },
    // What is found of them before the upgrade is what these steps are for.
    fixes,
    text: {
      en: `wait until ${parts.each ? 'every' : 'the'} API server answers as ${version}${parts.leases.length ? ' and the Leases of the control plane are renewed' : ''}`,
      zh: `等待${parts.each ? '所有' : ''} API 服务器的版本变为 ${version}${parts.leases.length ? '，且控制平面的 Lease 已续期' : ''}`,
    },
  };
  return { hop: hop.hop, title: { en: `Control plane to ${version}`, zh: `控制平面升级到 ${version}` }, steps: [...steps, wait] };
}

/** One answer for all where they cannot be asked one by one: an older one may hide behind it. */
const versionOf = ({ each }: ClusterParts) => ({ path: '/version', ...(each ? { every: true } : {}) });

function stepsOf(hop: Hop, parts: ClusterParts, stopped: boolean): StepDraft[] {
  if (parts.by) return serversOfProvider(hop, parts.by, parts, { reading: { path: '/version' }, ...answers(hop, parts.by) });
  const own = parts.kubeadm ? withKubeadm(hop, parts) : parts.instances.length ? oneByOne(hop, parts, stopped) : unseenServers(hop, parts);
  return stopped ? [stopController(parts), ...own] : own;
}

// ---- what is seen to be done otherwise ------------------------------------------------------------------------------

/** Minors of a kubelet that is too new, from that of the hop on. */
const MINORS = 3;

/** While API servers are still to be upgraded: a kubelet of the new minor is newer than they are. Within a minor it may be. */
function tooEarly(hop: Hop, parts: ClusterParts): Wrong[] {
  const { kubeadm, instances, members } = parts;
  if (!isNewMinor(hop)) return [];
  const to = minor(minorOf(hop.version));
  const versions = patchesOf(hop);
  // Of all patches of a minor none is named.
  const words = { en: to, zh: to };
  const kubelets = Array.from({ length: MINORS }, (_, i) => minor(minorOf(hop.version) + i)).map(
    (of): Wrong => ({
      when: someKubelet(of, members, hop),
      ...{ commands: olderKubelet(hop, parts), sets: 'NODE' },
      text: {
        en: `a kubelet is ${of} already: it must not be newer than any API server; put its older version back, then resume`,
        zh: `已有 kubelet 为 ${of}：kubelet 不得比任何 API 服务器新；请恢复其旧版本，然后用 resume 继续`,
      },
    }),
  );
  // kubeadm upgrades them with the API server of their Node, which is the one that they talk to.
  const besideOld = (node: string): Condition[] =>
    instances.filter((each) => each.node === node && each.component === 'kube-apiserver').map((each) => isOf(hop.before, each));
  const behind = instances
    .filter(({ component }) => component !== 'kube-apiserver')
    .map((each) => ({ each, old: kubeadm ? besideOld(each.node) : [] }))
    .filter(({ old }) => !kubeadm || old.length);
  return [
    ...kubelets,
    ...behind.map(({ each, old: [old] }): Wrong => {
      const { component, pod, namespace, node, image } = each;
      const [en, zh] = old ? ['the API server beside it', '同一节点上的 API 服务器'] : ['any API server', '任何 API 服务器'];
      return {
        when: {
          on: { apiVersion: 'v1', kind: 'Pod', namespace, name: pod },
          must: [{ path: `/spec/containers[name=${component}]/image`, in: versions.map((version) => tagged(image, version)), words }],
        },
        ...(old ? { while: old } : {}),
        commands: olderImage(hop, each, kubeadm),
        text: {
          en: `${component} on Node ${node} is ${to} already, and ${old ? en : 'an API server'} is not: it must not be newer than ${en}; put its older version back, then resume`,
          zh: `Node ${node} 上的 ${component} 已为 ${to}，但${old ? zh : '仍有 API 服务器'}不是：它不得比${zh}新；请恢复其旧版本，然后用 resume 继续`,
        },
      };
    }),
  ];
}

/** Those that were so when the plan was made were told then, and accepted. */
const someKubelet = (of: string, members: ClusterParts['members'], hop: Hop): Condition => ({
  of: { apiVersion: 'v1', kind: 'Node' },
  which: 'some',
  must: [
    { path: KUBELET, startsWith: `v${of}.` },
    ...newerKubelets(members, hop).map(({ ref }): Expectation => ({ path: '/metadata/name', isNot: ref.name })),
  ],
});

/** By the minor in the tag of its image. */
const isOf = (version: string, { component, pod, namespace, image }: Instance): Condition => ({
  on: { apiVersion: 'v1', kind: 'Pod', namespace, name: pod },
  must: [{ path: `/spec/containers[name=${component}]/image`, startsWith: tagged(image, `v${minor(minorOf(version))}.`) }],
});

/** Of the target's minor, from its first one. */
const patchesOf = ({ patches }: Hop): string[] => {
  const [, head = '', last = '0'] = /^(v1\.\d+\.)(\d+)$/.exec(patches.at(-1)!) ?? [];
  return head ? Array.from({ length: Number(last) + 1 }, (_, i) => `${head}${i}`) : patches;
};

// ---- kube-controller-manager ----------------------------------------------------------------------------------------

const CONTROLLER = 'kube-controller-manager';
/** A holder renews its Lease every 2 s, and it counts for 15. */
const STOPPED = 30;
const lease = (must: Expectation[]): Condition => ({
  on: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-system', name: CONTROLLER },
  must,
});

function stopController({ instances, leases, members }: ClusterParts): StepDraft {
  const on = instances.filter(({ component }) => component === CONTROLLER).map(({ node }) => node);
  return manual(
    {
      en: `stop kube-controller-manager${on.length ? ` on ${on.join(', ')}` : ''}: until it runs again no endpoints, rollouts, Node evictions or garbage collection happen`,
      zh: `停止 kube-controller-manager${on.length ? `（${on.join('、')}）` : ''}：恢复运行之前，端点不会更新，也不会进行滚动更新、故障节点上的驱逐和垃圾收集`,
    },
    on.length
      ? on.map((node) =>
          commented(onNode(node, `sudo mv /etc/kubernetes/manifests/${CONTROLLER}.yaml /etc/kubernetes/`), {
            en: 'if its kubelet has another staticPodPath, move it from there',
            zh: '如该 kubelet 的 staticPodPath 不同，请从对应目录移出',
          }),
        )
      : onEveryServer(members.filter(isServer), [onEach(`sudo systemctl stop ${CONTROLLER}`)]),
    leases.includes(CONTROLLER) ? [lease([{ path: '/spec/renewTime', olderThan: STOPPED }])] : undefined,
  );
}

/** Its Pod is gone with its manifest, which stopController has moved. */
const startedAgain = ({ node, image }: Instance, { version }: Hop): Text =>
  commented(onNode(node, `sudo mv /etc/kubernetes/${CONTROLLER}.yaml /etc/kubernetes/manifests/`), {
    en: `first set the image in it: ${oneLine(tagged(image, version))}`,
    zh: `移回之前先在其中设置镜像：${oneLine(tagged(image, version))}`,
  });

const RUNS_AGAIN: Wrong = {
  when: lease([{ path: '/spec/renewTime', newerThan: 10 }]),
  text: {
    en: 'kube-controller-manager runs, and not every API server is upgraded: stop it again, then resume',
    zh: 'kube-controller-manager 正在运行，而 API 服务器尚未全部升级：请再次停止它，然后用 resume 继续',
  },
};

// ---- kubeadm: everything of one node at once ------------------------------------------------------------------------

function withKubeadm(hop: Hop, parts: ClusterParts): StepDraft[] {
  const { version } = hop;
  const { instances, members } = parts;
  // Its ConfigMap says that kubeadm made the cluster, also where no static Pod is visible.
  const nodes = Map.groupBy(instances, ({ node }) => node);
  for (const { ref } of members.filter(isServer)) if (!nodes.has(ref.name)) nodes.set(ref.name, []);
  if (!nodes.size) return [anywhere(hop, parts)];
  const last = [...nodes.keys()].at(-1);
  const ignored = ignoredAt(hop, parts);
  const everyServer: Condition = { reading: versionOf(parts), ...ofPatch(hop) };
  return [...nodes].map(([node, here], i) => {
    const os = members.find(({ ref }) => ref.name === node)?.os ?? '';
    return manual(
      {
        en: `upgrade the control plane on Node ${node} to ${version} with kubeadm`,
        zh: `用 kubeadm 把 Node ${node} 上的控制平面升级到 ${version}`,
      },
      [
        onNode(node, installed(os, version, ['kubeadm'])),
        ...(i === 0
          ? [
              onNode(node, `sudo kubeadm upgrade plan ${version}${ignored}`),
              onNode(node, `sudo kubeadm upgrade apply ${version} --yes${ignored}`),
            ]
          : []),
        ...(i > 0 ? [onNode(node, 'sudo kubeadm upgrade node')] : []),
      ],
      here.length ? here.map((instance) => runs(instance, hop)) : node === last ? [everyServer] : undefined,
      tooEarly(hop, parts),
      kubeadmNotes(version, i === 0),
    );
  });
}

/** What kubeadm would stop over in preflight, and can leave as it is. */
function ignoredAt({ version }: Hop, { coreDns, corefile }: ClusterParts): string {
  const flag = ignoredPreflight(coreDns && tagOf(coreDns).replace(/^v/, ''), corefile ?? [], version);
  return flag && ` ${flag}`;
}

/** Neither a Pod nor a Node shows where the control plane runs. */
function anywhere(hop: Hop, parts: ClusterParts): StepDraft {
  const { version } = hop;
  return manual(
    {
      en: `upgrade the control plane to ${version} with kubeadm, machine by machine`,
      zh: `用 kubeadm 逐台把控制平面升级到 ${version}`,
    },
    [
      commented(`sudo kubeadm upgrade apply ${version} --yes${ignoredAt(hop, parts)}`, {
        en: `on the first machine of the control plane, with kubeadm ${version} installed`,
        zh: `在控制平面的第一台机器上执行，须已安装 kubeadm ${version}`,
      }),
      commented('sudo kubeadm upgrade node', { en: 'then on each of the others', zh: '然后在其余各台上执行' }),
    ],
    [{ reading: versionOf(parts), ...ofPatch(hop) }],
    tooEarly(hop, parts),
    kubeadmNotes(version, true),
  );
}

// ---- other static Pods ----------------------------------------------------------------------------------------------

/** kube-controller-manager and kube-scheduler must not be newer than any API server. */
function oneByOne(hop: Hop, parts: ClusterParts, stopped: boolean): StepDraft[] {
  const { instances, leases } = parts;
  // One that was forgotten is seen before anything else is upgraded.
  const last = instances.findLast(({ component }) => component === 'kube-apiserver');
  const everyServer: Condition = { reading: versionOf(parts), ...ofPatch(hop) };
  const wrong = [...tooEarly(hop, parts), ...(stopped && leases.includes(CONTROLLER) ? [RUNS_AGAIN] : [])];
  return CONTROL_PLANE.flatMap((component) =>
    instances
      .filter((each) => each.component === component)
      .map((instance) =>
        manual(
          {
            en: `upgrade ${component} on Node ${instance.node} to ${hop.version}, with the tool that installed it`,
            zh: `用安装控制平面时使用的工具，把 Node ${instance.node} 上的 ${component} 升级到 ${hop.version}`,
          },
          stopped && component === CONTROLLER
            ? [startedAgain(instance, hop)]
            : [
                commented(`kubectl get pod -n ${shellWord(instance.namespace)} ${shellWord(instance.pod)} -o yaml`, {
                  en: `image to set in its manifest: ${oneLine(tagged(instance.image, hop.version))}`,
                  zh: `其清单中要设置的镜像：${oneLine(tagged(instance.image, hop.version))}`,
                }),
              ],
          [runs(instance, hop), ...(instance === last && parts.each ? [everyServer] : [])],
          component === 'kube-apiserver' ? wrong : [],
        ),
      ),
  );
}

/** The mirror Pod has the new image at once, and is Ready once its container is. */
const runs = ({ component, pod, namespace, image }: Instance, hop: Hop): Condition => ({
  on: { apiVersion: 'v1', kind: 'Pod', namespace, name: pod },
  must: [reached(hop, `/spec/containers[name=${component}]/image`, (version) => tagged(image, version)), READY],
});

// ---- where no Pod shows it ------------------------------------------------------------------------------------------

function unseenServers(hop: Hop, parts: ClusterParts): StepDraft[] {
  const { version } = hop;
  const servers = parts.members.filter(isServer);
  const [machine = '', ...others] = new Set(servers.map((member) => member.machine));
  const replaced = (name: string) => replacedBinary(name, version, others.length ? '' : machine, onEach);
  return [
    manual(
      {
        en: `upgrade every API server to ${version}, one after the other`,
        zh: `逐个把所有 API 服务器升级到 ${version}`,
      },
      [
        // One that does not start again stops the others from being upgraded.
        ...onEveryServer(servers, [...replaced('kube-apiserver'), onEach('sleep 10 && systemctl is-active kube-apiserver')]),
        commented('kubectl get --raw /version', { en: `shows ${version}`, zh: `应显示 ${version}` }),
      ],
      [{ reading: versionOf(parts), ...ofPatch(hop) }],
      tooEarly(hop, parts),
    ),
    manual(
      {
        en: `upgrade kube-scheduler, then kube-controller-manager to ${version}, after every API server; no Pod shows their version`,
        zh: `在所有 API 服务器之后，把 kube-scheduler 和 kube-controller-manager 依次升级到 ${version}；集群中没有这两个组件的 Pod，无法读取其版本`,
      },
      onEveryServer(servers, ['kube-scheduler', 'kube-controller-manager'].flatMap(replaced)),
    ),
    ...restarted(hop, parts),
  ];
}

/** What a person confirmed, as far as it can be seen: the Lease has another holder than before. The earlier holder is known only after the first hop. */
function restarted({ first }: Hop, { holders }: ClusterParts): StepDraft[] {
  const until = Object.entries(holders).map(
    ([name, holder]): Condition => ({
      on: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-system', name },
      must: [
        { path: '/spec/holderIdentity', isNot: holder },
        { path: '/spec/renewTime', newerThan: RENEWED },
      ],
    }),
  );
  if (!first || !until.length) return [];
  return [
    {
      ...{ do: 'wait', guard: [], undo: 'none', until, within: WITHIN, assume: [] },
      text: {
        en: `wait until ${Object.keys(holders).join(' and ')} ${until.length === 1 ? 'was' : 'were'} restarted: a new process holds the Lease`,
        zh: `等待 ${Object.keys(holders).join('、')} 重启：Lease 由新的进程持有`,
      },
    },
  ];
}

// ---- conditions -----------------------------------------------------------------------------------------------------

const ofMinor = (version: string) => {
  const to = minor(minorOf(version));
  return { matches: `"gitVersion": *"v${to.replace('.', '\\.')}\\.`, words: { en: to, zh: to } };
};
/** A provider takes a patch of its own. */
const answers = (hop: Hop, by: string | undefined) => (by && isNewMinor(hop) ? ofMinor(hop.version) : ofPatch(hop));
/** That patch or a newer one; of a pre-release, itself alone. */
const ofPatch = ({ patches }: Hop) => {
  const [, head = '', patch = ''] = /^(v1\.\d+\.)(\d+)$/.exec(patches[0]!) ?? [];
  const exact = head ? `${head.replaceAll('.', '\\.')}${fromOn(Number(patch))}` : patches[0]!.replaceAll('.', '\\.');
  return { matches: `"gitVersion": *"${exact}["+-]`, words: orLater(patches[0]!, head !== '') };
};
/** A number of at most two digits that is not smaller. */
const fromOn = (least: number): string => {
  const [tens, ones] = [Math.floor(least / 10), least % 10];
  return tens ? `(?:${tens}[${ones}-9]|[${Math.min(tens + 1, 9)}-9]\\d)` : `(?:[${ones}-9]|[1-9]\\d)`;
};

const renewed = (name: string): Condition => ({
  on: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-system', name },
  must: [{ path: '/spec/renewTime', newerThan: RENEWED }],
});
