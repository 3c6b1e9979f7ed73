// Workloads that reach the API server with the kubeconfig or client certificate of the kubelet: from 1.32 on (AuthorizeNodeWithSelectors, locked in 1.34) these read only their own Node
// and its Pods, so that a CNI that lists all Nodes fails. Sources: kubernetes plugin/pkg/auth/authorizer/node/node_authorizer.go:146@1.32.13, pkg/features/versioned_kube_features.go:71@1.32.13;
// kubernetes 128168, 131241; flannel-io/flannel 2267; KEP-4601. Of K3s and RKE2: pkg/daemons/agent (agent/kubelet.kubeconfig, agent/client-kubelet.crt).
import { finding } from '../../../engine/builders.ts';
import type { Check, Field, Finding, Ref, RowOf, Rows } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { annotation, args, each, flag, list, mentions, where, word } from '../../../engine/read/index.ts';
import { hopOf } from '../behind.ts';
import { comesIn, gateLooks, gateReads, minorsOf } from '../gates.ts';
import { later } from '../reads.ts';
import { templates, templatesIn } from '../templates.ts';

const GATE = 'AuthorizeNodeWithSelectors';
const AGENTS = ['/var/lib/rancher/k3s/agent', '/var/lib/rancher/rke2/agent'];
const KUBECONFIGS = [
  ...['/etc/kubernetes/kubelet.conf', '/etc/kubernetes/kubelet/kubeconfig', '/var/lib/kubelet/kubeconfig'],
  ...AGENTS.map((dir) => `${dir}/kubelet.kubeconfig`),
];
const CREDENTIALS = [...KUBECONFIGS, '/var/lib/kubelet/pki', ...AGENTS.map((dir) => `${dir}/client-kubelet.crt`)];
/** Of client-go, flannel and Cilium. */
const FLAGS = ['kubeconfig', 'kubeconfig-file', 'k8s-kubeconfig-path'];

const container = {
  name: word('name', ''),
  flags: args('args', FLAGS),
  commandFlags: args('command', FLAGS),
  named: mentions('args', CREDENTIALS),
  namedInCommand: mentions('command', CREDENTIALS),
  env: each('env', { named: mentions('value', CREDENTIALS), kubeconfig: where('name', 'KUBECONFIG', word('value')) }),
  mounts: each('volumeMounts', { name: word('name', ''), at: word('mountPath', ''), sub: word('subPath', '') }),
};
const columns = (at: Field) => ({
  volumes: each(`${at}.volumes`, { name: word('name', ''), path: word('hostPath.path') }),
  containers: each(`${at}.containers`, container),
  inits: each(`${at}.initContainers`, container),
});
type Template = RowOf<ReturnType<typeof columns>>;

const owner = { kind: word('kind', ''), controller: flag('controller', false) };
const reads = later(() => {
  const minors = minorsOf(GATE);
  const concerns = (hops: readonly string[]) => hops.some((hop) => minors.includes(hop));
  return {
    ...templates((at) => columns(`${at}.spec`), { concerns, only: (row) => usedBy(row).length > 0 }),
    alone: list(
      'pods',
      {
        ...columns('spec'),
        owners: each('metadata.ownerReferences', owner),
        mirror: annotation('kubernetes.io/config.mirror'),
        node: word('spec.nodeName', ''),
      },
      { concerns, optional: true, only: (row) => isItsOwn(row.owners) && usedBy(row).length > 0 },
    ),
    ...gateReads(),
  };
});
interface Args {
  workload: string;
  uses: string[];
  hop: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/kubelet-credentials',
  title: { en: 'workloads have credentials of their own', zh: '工作负载使用自己的凭据' },
  headline: { en: 'workloads use the credentials of the kubelet', zh: '工作负载使用了 kubelet 的凭据' },
  page: {
    impact: {
      en: 'From 1.32 on the API server lets the credentials of a kubelet list only its own Node and the Pods on it. A CNI plugin that runs with them and lists all Nodes fails, and new Pods stay in ContainerCreating. Other agents get 403 Forbidden.',
      zh: '自 1.32 起，API 服务器只允许 kubelet 的凭据读取其所在节点以及该节点上的 Pod。使用该凭据并列出所有节点的 CNI 插件会失败，新的 Pod 停留在 ContainerCreating。其他使用该凭据的程序会收到“403 Forbidden”。',
    },
    detection: {
      en: 'Reads Pod templates of workloads, and static and unmanaged Pods, whose containers mount the kubeconfig or the client certificate of the kubelet from the host (such as /etc/kubernetes/kubelet.conf) and name its path in args, command or env. A mount alone, as of CSI drivers, is not reported. Ignored where feature gate AuthorizeNodeWithSelectors is set to false, up to 1.33; it is locked in 1.34.',
      zh: '读取工作负载的 Pod 模板以及静态 Pod 和无控制器的 Pod，查找从主机挂载了 kubelet 的“kubeconfig”或客户端证书（例如 /etc/kubernetes/kubelet.conf）、并在“args”“command”或“env”中写出其路径的容器。仅挂载而未写出路径（例如 CSI 驱动）时不报告。特性门控 AuthorizeNodeWithSelectors 设为 false 时忽略，但仅限 1.33 及之前；该门控自 1.34 起锁定。',
    },
    fix: {
      en: 'manual: give the workload a ServiceAccount with the permissions that it needs, and remove the path, so that it uses the token in its Pod. A static Pod needs a kubeconfig of its own. As a stopgap up to 1.33, set feature gate AuthorizeNodeWithSelectors=false on kube-apiserver.',
      zh: '手动：为工作负载配置具有所需权限的 ServiceAccount，并删除该路径，使其使用 Pod 中的令牌。静态 Pod 需要单独的“kubeconfig”。在 1.33 及之前，可暂时在 kube-apiserver 上设置特性门控 AuthorizeNodeWithSelectors=false。',
    },
    limits: {
      en: 'Agents outside Pods are not visible: look for kubelet.conf in services and cron jobs of the Nodes. An agent that reads only its own Node is reported too. Roles that are bound to group system:nodes are not taken into account.',
      zh: 'Pod 之外的程序不可见：请检查节点上的系统服务和定时任务是否使用 kubelet.conf。只读取所在节点的程序也会报告。不考虑绑定到“system:nodes”组的角色。',
    },
  },
  sources: [
    'kubernetes/kubernetes: plugin/pkg/auth/authorizer/node/node_authorizer.go, PR 128168, issue 131241',
    'flannel-io/flannel: issue 2267',
    'KEP-4601',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  pointReads: gateLooks,
  judge: async ({ alone, pods, kops, k3s, ...workloads }: Rows<ReturnType<typeof reads>>, at) => {
    const found = [
      ...templatesIn(workloads).map((row) => ({ ...row, name: row.ref.name })),
      // Of a static Pod there is one on each Node.
      ...seen(alone).map((row) => ({ ...row, name: row.mirror === undefined ? row.ref.name : ofNode(row.ref.name, row.node) })),
    ].map(({ ref, name, ...row }) => ({ ref, name, uses: usedBy(row) }));
    const hop = found.length ? await comesIn(GATE, { pods, kops, k3s }, at) : undefined;
    if (!hop) return [];
    const by = Map.groupBy(found, ({ ref, name }) => `${ref.kind} ${ref.namespace}/${name}`);
    return [...by].map(([workload, same]) => told(workload, same, hop, hopOf(at.path, hop)));
  },
  say: ({ workload, uses, hop }) => ({
    en: `${workload} uses the credentials of the kubelet (${uses.join(', ')}): from ${hop} on they give access only to their own Node and its Pods`,
    zh: `${workload} 使用 kubelet 的凭据（${uses.join('、')}）：自 ${hop} 起只能读取所在节点及其 Pod`,
  }),
};
export default check;

/** Not made by a controller; the owner of a static Pod is its Node. */
const isItsOwn = (owners: readonly { kind: string; controller: boolean }[]): boolean =>
  !owners.some(({ kind, controller }) => controller && kind !== 'Node');
const ofNode = (name: string, node: string): string => (node && name.endsWith(`-${node}`) ? name.slice(0, -node.length - 1) : name);

function told(workload: string, same: { ref: Ref; uses: string[] }[], hop: string, at: string | undefined): Finding<Args> {
  const uses = [...new Set(same.flatMap((each) => each.uses))];
  return finding({
    severity: 'warning',
    key: workload.split(/[ /]/),
    // With the certificate alone it may ask the kubelet.
    certainty: uses.some((path) => KUBECONFIGS.includes(path)) ? 'medium' : 'low',
    objects: same.map(({ ref }) => ref),
    args: { workload, uses, hop },
    evidence: same.slice(0, 3).map(({ ref, uses }) => ({ seen: `hostPath: ${uses.join(', ')}`, at: ref })),
    hop: at,
  });
}

/** As it stands on the host: those that a container names and that a mount shows it. The kubelet itself may run in a container. */
function usedBy({ volumes, containers, inits }: Omit<Template, 'ref'>): string[] {
  const hosts = new Map(volumes.flatMap(({ name, path }) => (path === undefined ? [] : [[name, trimmed(path)] as const])));
  if (!hosts.size) return [];
  const used = [...containers, ...inits]
    .filter(({ name }) => name !== 'kubelet')
    .flatMap(({ flags, commandFlags, named, namedInCommand, env, mounts }) => {
      const shown = mounts.flatMap(({ name, at, sub }) => {
        const host = hosts.get(name);
        return host === undefined ? [] : [{ at: trimmed(at), host: trimmed(sub ? `${host}/${sub}` : host) }];
      });
      const words = [...named, ...namedInCommand, ...env.flatMap((each) => each.named)];
      const values = [...flags, ...commandFlags].map(({ value }) => value);
      return [
        ...words.filter((path) => shown.some(({ host }) => isIn(path, host) || isIn(host, path))),
        // Mounted elsewhere or under another name.
        ...[...values, ...env.map(({ kubeconfig }) => kubeconfig)].flatMap((value = '') =>
          shown.flatMap(({ at, host }) => (isIn(value, at) ? CREDENTIALS.filter((path) => isIn(host + value.slice(at.length), path)) : [])),
        ),
      ];
    });
  return [...new Set(used)];
}

/** `/` is ''. */
const trimmed = (path: string): string => path.replace(/\/+$/, '');
const isIn = (path: string, dir: string): boolean => path === dir || path.startsWith(`${dir}/`);
