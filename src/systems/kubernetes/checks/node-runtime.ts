// What kubelets of a newer minor need of their Node: a CRI runtime (1.24), CRI v1 (1.26), containerd 2.0 (planned), cgroup v2 (1.35). The cgroup version stands in no object.
// Sources: KEP-2221; kubernetes CHANGELOG-1.26 (CRI v1alpha2 is gone; containerd below 1.6 has no v1); KEP-4033, cmd/kubeadm/app/preflight/checks.go:137@1.37.2; KEP-4569, KEP-5573.
import semver from 'semver';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { inOurWords, isGap } from '../../../engine/gaps.ts';
import { flag, list, rowOf, word, yaml } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { runtimes as facts } from '../knowledge/tables.ts';

const NODE = {
  kubelet: word('status.nodeInfo.kubeletVersion', ''),
  runtime: word('status.nodeInfo.containerRuntimeVersion', ''),
  image: word('status.nodeInfo.osImage', ''),
  os: word('status.nodeInfo.operatingSystem', 'linux'),
};
const reads = { nodes: list('nodes', NODE) };
const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubelet-config' };
const COLUMNS = { config: yaml('data.kubelet', { fails: flag('failCgroupV1') }) };

type Is = 'docker' | 'cri' | 'containerd' | 'cgroup';
interface Args {
  is: Is;
  has: string;
  hop: string;
}
const check: Check<typeof reads, Args> = {
  id: 'kubernetes/node-runtime',
  title: { en: 'Nodes have the runtime and cgroups the target version needs', zh: '节点的容器运行时和 cgroup 满足目标版本的要求' },
  headline: { en: 'Nodes lack what kubelets of the target version need', zh: '节点不满足目标版本 kubelet 的要求' },
  page: {
    impact: {
      en: 'A kubelet does not start without a runtime that speaks its CRI version: no dockershim from 1.24, CRI v1 from 1.26. From 1.35 on it does not start on cgroup v1 unless failCgroupV1 is false.',
      zh: '容器运行时不支持所需的 CRI 版本时 kubelet 无法启动：1.24 起没有 dockershim，1.26 起需要 CRI v1。自 1.35 起，除非 failCgroupV1 为 false，否则 kubelet 无法在 cgroup v1 上启动。',
    },
    detection: {
      en: 'Compares the container runtime and the kubelet of each Node with the versions on the path. The cgroup version is not in any object: a Node whose operating system boots with cgroup v1 by default is reported; for all others the result is unknown.',
      zh: '将每个 Node 的容器运行时和 kubelet 与升级路径比较。没有对象记录 cgroup 版本：操作系统默认使用 cgroup v1 的节点会报告，其余节点的结果为未知。',
    },
    fix: {
      en: 'manual: upgrade the runtime, or boot the Node with cgroup v2 (systemd.unified_cgroup_hierarchy=1), before its kubelet is upgraded. As a stopgap, set failCgroupV1: false in ConfigMap kubelet-config.',
      zh: '手动：升级 kubelet 前先升级容器运行时，或以 cgroup v2 启动节点（systemd.unified_cgroup_hierarchy=1）。也可暂时在 ConfigMap kubelet-config 中设置 failCgroupV1: false。',
    },
  },
  sources: ['KEP-2221', 'KEP-4033', 'KEP-4569', 'KEP-5573', 'kubernetes/kubernetes: cmd/kubeadm/app/preflight/checks.go'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  pointReads: [{ resource: 'configmaps', names: [CONFIG.name], columns: Object.values(COLUMNS) }],
  judge: async ({ nodes }, { path: { hops }, look }) => {
    const linux = nodes.filter(({ os }) => os === 'linux');
    const behind = (hop: string) =>
      hops.length && minorOf(hops.at(-1)!) >= minorOf(hop) ? linux.filter(({ kubelet }) => minorOf(kubelet) < minorOf(hop)) : [];
    const runtimes = facts().runtimes.flatMap(({ is, name, below, since, starts }) => {
      const old = behind(since).filter(
        ({ runtime }) => runtime.startsWith(`${name}://`) && (!below || semver.satisfies(runtime.slice(name.length + 3), `<${below}`)),
      );
      return told(
        is,
        starts ? 'notice' : 'blocker',
        hops,
        since,
        Map.groupBy(old, ({ runtime }) => runtime),
      );
    });
    const { refusedSince, systems } = facts().cgroupV1;
    const asked = behind(refusedSince);
    if (!asked.length) return runtimes;
    const found = await look.get(CONFIG);
    const config = found && !isGap(found) ? rowOf(COLUMNS)(found).config : undefined;
    if (typeof config === 'object' && config.fails === false) return runtimes;
    const old = asked.filter(({ image }) => systems.some((system) => beginsWith(image, system)));
    const findings = [
      ...runtimes,
      ...told(
        'cgroup',
        'blocker',
        hops,
        refusedSince,
        Map.groupBy(old, ({ image }) => image),
      ),
    ];
    if (old.length === asked.length) return findings;
    const open = asked.filter((each) => !old.includes(each)).map(({ ref }) => ref.name);
    return findings.length
      ? { findings, gaps: open.slice(0, 1).map((name) => gap(name, open.length)) }
      : { unknown: UNSEEN(open[0]!, open.length) };
  },
  say: ({ is, has, hop }, { length }) => {
    const on: Text = { en: `${length} Node${length === 1 ? '' : 's'} with ${has}`, zh: `${length} 个节点使用 ${has}` };
    return { en: `${on.en}: ${SAYS[is](hop).en}`, zh: `${on.zh}：${SAYS[is](hop).zh}` };
  },
};
export default check;

/** `Amazon Linux 2` is none of `Amazon Linux 2023`. */
const beginsWith = (image: string, system: string): boolean =>
  image.startsWith(system) && (system.endsWith('.') || !/\d/.test(image.charAt(system.length)));
const gap = (name: string, count: number) => ({
  why: 'not-collected' as const,
  verb: 'get-path' as const,
  resource: `/api/v1/nodes/${name}/proxy/metrics`,
  ...inOurWords(UNSEEN(name, count)),
});
const UNSEEN = (name: string, count: number): Text => ({
  en: `the cgroup version of ${count} Node${count === 1 ? '' : 's'} is not in any object: kubectl get --raw /api/v1/nodes/${name}/proxy/metrics | grep kubelet_cgroup_version`,
  zh: `没有对象记录 ${count} 个节点的 cgroup 版本：请执行“kubectl get --raw /api/v1/nodes/${name}/proxy/metrics | grep kubelet_cgroup_version”`,
});

const SAYS: Record<Is, (hop: string) => Text> = {
  docker: (hop) => ({ en: `kubelet ${hop} has no dockershim and does not start`, zh: `kubelet ${hop} 没有 dockershim，无法启动` }),
  cri: (hop) => ({
    en: `kubelet ${hop} needs CRI v1 (containerd 1.6) and does not start`,
    zh: `kubelet ${hop} 需要 CRI v1（containerd 1.6），无法启动`,
  }),
  containerd: () => ({
    en: 'kubeadm warns from 1.35 on; a later kubelet is planned to require containerd 2.0',
    zh: '自 1.35 起 kubeadm 会警告；之后的 kubelet 计划要求 containerd 2.0',
  }),
  cgroup: (hop) => ({
    en: `boots with cgroup v1 by default; kubelet ${hop} does not start on it`,
    zh: `默认使用 cgroup v1，kubelet ${hop} 无法在其上启动`,
  }),
};

const told = (
  is: Is,
  severity: Finding['severity'],
  hops: readonly string[],
  hop: string,
  by: Map<string, { ref: Ref }[]>,
): Finding<Args>[] =>
  [...by].map(([has, nodes]) =>
    finding({
      severity,
      key: [is, has],
      certainty: is === 'cgroup' ? 'medium' : 'certain',
      objects: nodes.map(({ ref }) => ref),
      args: { is, has, hop },
      evidence: [{ seen: `status.nodeInfo.${is === 'cgroup' ? 'osImage' : 'containerRuntimeVersion'}=${has}` }],
      hop: hops.includes(hop) ? hop : hops[0],
    }),
  );
