// Flags, feature gates and admission plugins on the command lines of the control plane and of kube-proxy, and in its configuration, that a minor on the way refuses: the
// component exits at start. Sources: the rows of knowledge/components.json name the file and version that show each.
import type { Check, Finding, Json, Judgement, Raw, Ref, Rows, UpgradePath } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { args, each, rowOf, tree, word, yaml } from '../../../engine/read/index.ts';
import { flagsOf, gatesIn } from '../command-line.ts';
import { type Handed, k3sArguments, NOT_NOTED } from '../k3s-arguments.ts';
import { inScript, managedBy, notVisible, unseen } from '../managed.ts';
import { CONTROL_PLANE, controlPlaneOf, flagNames, later, nodes, staticPods } from '../reads.ts';
import { refusedText, writtenAs } from '../refusal-words.ts';
import { type Component, gatesRefused, minorsUpTo, type Refused, refusedBy } from '../refusals.ts';

const reads = later(() => ({ ...staticPods(), nodes: { ...nodes, optional: true } as const, k3s: k3sArguments() }));

interface Args extends Omit<Refused, 'source'> {
  component: Component;
  /** The kind of a configuration among the files of -f. */
  in?: string;
}

const PROXY: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kube-proxy' };
const PROXIES: Ref = { ...PROXY, apiVersion: 'apps/v1', kind: 'DaemonSet' };
/** Declared at first use, as the flags of static Pods are. */
const proxyFlags = later(() => ({
  containers: each('spec.template.spec.containers', {
    name: word('name', ''),
    command: args('command', flagNames()),
    args: args('args', flagNames()),
  }),
}));
const PROXY_FILE = 'KubeProxyConfiguration';
const GATES = { gates: tree('featureGates') };
const PROXY_COLUMNS = { config: yaml("data['config.conf']", GATES) };

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/component-flags',
  title: { en: 'components use only flags and gates that the target version accepts', zh: '组件只使用目标版本接受的参数和特性门控' },
  headline: { en: 'components use flags or gates the target version refuses', zh: '组件使用了目标版本不接受的参数或特性门控' },
  page: {
    impact: {
      en: 'A component exits at start if it is given a flag, feature gate, admission plugin or API version (--runtime-config) that its version does not have, or a locked gate with another value. Without kube-apiserver the control plane is down.',
      zh: '如果设置了所用版本没有的参数、特性门控、准入插件或 API 版本（--runtime-config），或特性门控的取值与锁定值不同，组件启动即退出。没有 kube-apiserver，控制平面不可用。',
    },
    detection: {
      en: 'Reads the command lines of static Pods of kube-apiserver, kube-controller-manager and kube-scheduler, ConfigMap and DaemonSet kube-proxy, and KubeProxyConfiguration in files (-f). Compares them with what each minor on the way accepts. With K3s, reads the arguments that it passes to them (annotation k3s.io/node-args). Gates that upstream never had are ignored; with --emulated-version that version decides which gates are locked.',
      zh: '读取 kube-apiserver、kube-controller-manager、kube-scheduler 静态 Pod 的命令行、ConfigMap 和 DaemonSet kube-proxy，以及文件（-f）中的 KubeProxyConfiguration，并与途经的每个次要版本所接受的内容比较。对于 K3s，读取注解 k3s.io/node-args 中传给这些组件的参数。上游从未有过的特性门控会被忽略；设置了 --emulated-version 时，特性门控是否锁定由该版本决定。',
    },
    fix: {
      en: 'manual: remove the flag or gate from the static Pod manifest on each node. With kubeadm, also remove it from the ConfigMap kubeadm-config: kubeadm upgrade writes the manifests from it. With K3s, remove it from /etc/rancher/k3s/config.yaml or the systemd unit.',
      zh: '手动：在各节点的静态 Pod 清单中删除该参数或特性门控。使用 kubeadm 时还需从 ConfigMap kubeadm-config 中删除：kubeadm upgrade 据此生成清单。使用 K3s 时，从 /etc/rancher/k3s/config.yaml 或其 systemd 服务中删除。',
    },
    limits: {
      en: 'Kubelets are covered only with K3s: elsewhere their flags are on the Nodes and not visible; plan kubernetes lists a command that finds removed flags there. Managed control planes are not visible, and neither are the flags of a component that a shell script starts: the check is then unknown.',
      zh: '仅对 K3s 检查 kubelet：其他情况下 kubelet 的参数只在节点上，不可见；“plan kubernetes”会给出在节点上查找已移除参数的命令。托管的控制平面不可见，由脚本启动的组件的参数也不可见：此时该检查为未知。',
    },
  },
  sources: [
    {
      en: 'k8s.io/kubernetes 1.23.17 to 1.38.0-beta.0: pkg/features, pkg/kubeapiserver/options, cmd/*/app/options, and the compiled binaries',
      zh: 'k8s.io/kubernetes 1.23.17 至 1.38.0-beta.0：pkg/features、pkg/kubeapiserver/options、cmd/*/app/options，以及编译后的二进制文件',
    },
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  get pointReads() {
    return [
      { resource: 'configmaps', names: [PROXY.name], columns: Object.values(PROXY_COLUMNS) },
      { resource: 'daemonsets.apps', names: [PROXIES.name], columns: Object.values(proxyFlags()) },
    ];
  },
  judge: async (rows: Rows<ReturnType<typeof reads>>, { path, look }) => {
    if (managedBy(path.from, isGap(rows.nodes) ? [] : rows.nodes) === 'K3s') return ofK3s(isGap(rows.k3s) ? [] : rows.k3s, path);
    const from = isGap(path.from) ? undefined : path.from;
    const seen = controlPlaneOf(rows);
    const closed = unseen(seen, path.from, isGap(rows.nodes) ? [] : rows.nodes, path.to);
    if (closed) return closed;
    const found: Found[] = seen.flatMap(({ component, ref, flags }) =>
      refusedBy(component, flagsOf(flags), path.hops, from).map((refused) => ({ component, ref, refused })),
    );
    const proxy = await look.get(PROXY);
    if (proxy && !isGap(proxy)) {
      for (const refused of gatesRefused('kube-proxy', gatesIn(gatesOfProxy(proxy)), path.hops))
        found.push({ component: 'kube-proxy', ref: PROXY, refused });
    }
    const proxies = await look.get(PROXIES);
    if (proxies && !isGap(proxies)) {
      const given = rowOf(proxyFlags())(proxies).containers.filter(({ name }) => name === 'kube-proxy');
      for (const refused of refusedBy('kube-proxy', flagsOf(given.flatMap(({ command, args }) => [...command, ...args])), path.hops))
        found.push({ component: 'kube-proxy', ref: PROXIES, refused });
    }
    const missing = CONTROL_PLANE.filter((component) => !seen.some((each) => each.component === component));
    return {
      findings: [...Map.groupBy(found, keyOf).values()].map((same) => finding(same)),
      gaps: [
        ...missing.map((component) => notVisible(path.from, path.to, component)),
        ...seen.flatMap(({ component, ref, isScript }) => (isScript ? [inScript(component, ref)] : [])),
      ],
    };
  },
  files: {
    kinds: [`kubeproxy.config.k8s.io/${PROXY_FILE}`],
    judge: (document, ref, to) =>
      gatesRefused('kube-proxy', gatesIn(rowOf(GATES)(document).gates), minorsUpTo(to)).map((refused) =>
        finding([{ component: 'kube-proxy', ref, refused }], PROXY_FILE),
      ),
  },
  say: ({ in: file, ...args }) => refusedText(args, { en: file ?? args.component, zh: file ?? args.component }),
};
export default check;

/** In one process, which notes its arguments on each Node. */
function ofK3s(nodes: readonly { ref: Ref; handed?: Handed[] }[], { from, hops }: Pick<UpgradePath, 'from' | 'hops'>): Judgement<Args> {
  const noted = nodes.flatMap(({ ref, handed }) => (handed ? [{ ref, handed }] : []));
  if (!noted.length) return { unknown: NOT_NOTED };
  const found = noted.flatMap(({ ref, handed }) =>
    [...Map.groupBy(handed, ({ component }) => component)].flatMap(([component, flags]) =>
      refusedBy(component, flagsOf(flags), hops, isGap(from) ? undefined : from).map((refused) => ({ component, ref, refused })),
    ),
  );
  return [...Map.groupBy(found, keyOf).values()].map((same) => finding(same));
}

function gatesOfProxy(proxy: Raw): Json | undefined {
  const { config } = rowOf(PROXY_COLUMNS)(proxy);
  return typeof config === 'object' ? config.gates : undefined;
}

type Found = { component: Component; ref: Ref; refused: Refused };
const keyOf = ({ component, refused: { why, name, value } }: Found): string => [component, why, name, value].join(' ');

function finding(same: Found[], file?: string): Finding<Args> {
  const { component, refused } = same[0]!;
  const { source, ...args } = refused;
  return {
    severity: refused.held ? 'warning' : 'blocker',
    key: [component, refused.why, refused.name, ...(refused.held ? ['held'] : [])],
    certainty: 'certain',
    objects: same.map(({ ref }) => ref),
    args: { component, ...args, ...(file ? { in: file } : {}) },
    // Of a flag that came with a library there is no file.
    evidence: [
      { seen: file ? `featureGates.${refused.name}=${refused.value}` : writtenAs(refused), at: same[0]!.ref },
      ...(source.includes(':') ? [{ seen: source }] : []),
    ],
    hop: refused.held ? undefined : refused.hop,
  };
}
