// Target patches with a regression that a later patch of the same minor mends, where the cluster has what it concerns. Only a patch that is named can be judged: a minor alone means its newest
// patch, which has none of them. Sources: the rows of knowledge/patch-regressions.json.
import type { Check, Finding, PointReader, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, flag, keys, list, number, rowOf, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { satisfies } from '../../../versions/kubernetes.ts';
import { patchRegressions, type Regression } from '../knowledge/tables.ts';

const SET = {
  replicas: number('spec.replicas', 1),
  management: word('spec.podManagementPolicy', ''),
  strategy: word('spec.updateStrategy.type', ''),
  claims: each('spec.volumeClaimTemplates', { labels: keys('metadata.labels') }),
};
type SetRow = RowOf<typeof SET>;
const JOB = {
  isSuspended: flag('spec.suspend', false),
  conditions: each('status.conditions', { type: word('type', ''), status: word('status', '') }),
};
/** Where another controller manages it, the condition is never set. */
const isMarked = ({ conditions }: RowOf<typeof JOB>): boolean =>
  conditions.some(({ type, status }) => type === 'Suspended' && status === 'True');
const reads = {
  statefulSets: list('statefulsets.apps', SET, { only: ({ replicas }) => replicas > 0 }),
  // Many, and of one minor alone.
  jobs: list('jobs.batch', JOB, {
    optional: true,
    concerns: (hops: readonly string[]) => hops.at(-1) === '1.36',
    only: (job) => job.isSuspended && !isMarked(job),
  }),
};
const config = (name: string): Ref => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name });
const [PROXY, KUBEADM, KUBELET] = [config('kube-proxy'), config('kubeadm-config'), config('kubelet-config')];
const COLUMNS = { proxy: yaml("data['config.conf']", { mode: word('mode', '') }) };
type Id = Regression['id'];
interface Args {
  id: Id;
  to: string;
  fixed: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/patch-regressions',
  title: { en: 'target version is not a patch with a known regression', zh: '目标补丁版本没有已知的回归问题' },
  headline: { en: 'target version has a regression that a later patch fixes', zh: '目标版本存在已知问题，后续补丁版本已修复' },
  page: {
    impact: {
      en: 'Some patch releases have a regression: 1.34.0 and 1.34.1 re-create the Pods of every StatefulSet once, a rollout of a parallel StatefulSet can hang for good in 1.35.0 to 1.35.3, and kubeadm 1.30.0 replaces the configuration of kubelets with defaults. A later patch of the same minor version has the fix.',
      zh: '部分补丁版本会引入之前没有的问题：1.34.0 和 1.34.1 会重新创建所有 StatefulSet 的 Pod 一次；在 1.35.0 至 1.35.3 中，podManagementPolicy 为 Parallel 的 StatefulSet 的滚动更新可能一直停滞；kubeadm 1.30.0 会把 kubelet 的配置改为默认值。同一个次要版本中更高的补丁版本已修复。',
    },
    detection: {
      en: 'Compares the target with a table of such patches, and looks for what each concerns: StatefulSets (podManagementPolicy, updateStrategy, labels of volumeClaimTemplates), mode ipvs in ConfigMap kube-proxy, ConfigMaps kubeadm-config and kubelet-config, and on the way to 1.36 suspended Jobs. StatefulSets with strategy OnDelete or without replicas are ignored.',
      zh: '将目标版本与此类补丁版本的表比较，并查找各自涉及的对象：StatefulSet（podManagementPolicy、updateStrategy、volumeClaimTemplates 的标签）、ConfigMap kube-proxy 中的 ipvs 模式、ConfigMap kubeadm-config 和 kubelet-config；升级到 1.36 时还查找已挂起的 Job。策略为 OnDelete 或没有副本的 StatefulSet 会被忽略。',
    },
    fix: {
      en: 'manual: choose the named patch as target, or a newer one of the same minor.',
      zh: '手动：将目标版本改为所列补丁版本，或同一个次要版本中更高的补丁版本。',
    },
    limits: {
      en: 'A target without a patch number, and each minor on the way, stands for its newest patch. Distributions can include a fix earlier. kubeadm 1.35.0 stops where /var/lib/kubelet/kubeadm-flags.env has no flags: that is visible only on the Node.',
      zh: '不带补丁号的目标版本表示该次要版本的最新补丁版本，途经的次要版本同样如此。发行版可能更早包含修复。节点的 /var/lib/kubelet/kubeadm-flags.env 中没有参数时，kubeadm 1.35.0 会停止：是否如此，只有在该节点上才能看到。',
    },
  },
  sources: [
    'kubernetes/kubernetes: CHANGELOG-1.28.md, CHANGELOG-1.30.md, CHANGELOG-1.34.md, CHANGELOG-1.35.md, CHANGELOG-1.36.md',
    'kubernetes/kubernetes#134773, #134147, #137409, #121142, #139281',
    'kubernetes/kubeadm#3049, #3279',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  pointReads: [{ resource: 'configmaps', names: [PROXY.name, KUBEADM.name, KUBELET.name], columns: Object.values(COLUMNS) }],
  judge: async ({ statefulSets, jobs }: Rows<typeof reads>, { path: { from, to = '' }, look }) => {
    if (from === to) return [];
    const found: Finding<Args>[] = [];
    for (const regression of patchRegressions().regressions) {
      const fixed = fixedAfter(to, regression);
      if (!fixed || (regression.from && !isGap(from) && !satisfies(from, regression.from))) continue;
      const objects = await CONCERNED[regression.id](statefulSets, look, isGap(jobs) ? [] : refs(jobs));
      if (objects.length) found.push(finding(regression, to, fixed, objects, isGap(from)));
    }
    return found;
  },
  say: ({ id, to, fixed }, { length }) => {
    const { en, zh } = SAYS[id](to, length);
    return { en: `${en}; fixed in ${fixed}`, zh: `${zh}；${fixed} 已修复` };
  },
};
export default check;

/** Where the target is one of its patches: the first without it. A minor alone has none. */
function fixedAfter(to: string, { patches }: Regression): string | undefined {
  const isPatch = to.startsWith('v');
  return isPatch ? patches.find(([first, fixed]) => satisfies(to, `>=${first} <${fixed}`))?.[1] : undefined;
}

type Concerned = (sets: readonly SetRow[], look: PointReader, jobs: Ref[]) => Ref[] | Promise<Ref[]>;
const rolled = (sets: readonly SetRow[]): SetRow[] => sets.filter(({ strategy }) => strategy !== 'OnDelete');
const parallel = (sets: readonly SetRow[]): SetRow[] => sets.filter(({ management }) => management === 'Parallel');
const refs = (rows: readonly { ref: Ref }[]): Ref[] => rows.map(({ ref }) => ref);
const CONCERNED: Record<Id, Concerned> = {
  rollout: (sets) => refs(rolled(sets)),
  parallel: (sets) => refs(parallel(rolled(sets))),
  'parallel-labelled': (sets) => refs(parallel(sets).filter(({ claims }) => claims.some(({ labels }) => labels.length))),
  ipvs: async (_, look) => {
    const proxy = await look.get(PROXY);
    const read = proxy && !isGap(proxy) ? rowOf(COLUMNS)(proxy).proxy : undefined;
    return read !== undefined && read !== UNREADABLE && read.mode === 'ipvs' ? [PROXY] : [];
  },
  'kubelet-config': async (_, look) => ((await isThere(KUBEADM, look)) && (await isThere(KUBELET, look)) ? [KUBELET] : []),
  'no-flags': async (_, look) => ((await isThere(KUBEADM, look)) ? [KUBEADM] : []),
  suspended: (_, _look, jobs) => jobs,
};
async function isThere(ref: Ref, look: PointReader): Promise<boolean> {
  const found = await look.get(ref);
  return found !== undefined && !isGap(found);
}

const finding = ({ id, severity, source }: Regression, to: string, fixed: string, objects: Ref[], unsure: boolean): Finding<Args> => ({
  severity,
  key: [id],
  certainty: unsure ? 'medium' : 'high',
  objects,
  args: { id, to, fixed },
  evidence: [{ seen: `--to kubernetes=${to}`, at: objects[0]! }, { seen: source }],
});

const setsOf = (length: number, which = ''): string => `${length} ${which}StatefulSet${length === 1 ? '' : 's'}`;
const SAYS: Record<Id, (to: string, length: number) => Text> = {
  rollout: (to, length) => ({
    en: `${setsOf(length)}: kube-controller-manager ${to} re-creates all their Pods once, although nothing changed`,
    zh: `${length} 个 StatefulSet：即使没有更改，kube-controller-manager ${to} 也会将其所有 Pod 重新创建一次`,
  }),
  parallel: (to, length) => ({
    en: `${setsOf(length, 'parallel ')}: with ${to} a rollout stops for good where Pods of the old revision never become ready`,
    zh: `${length} 个 StatefulSet（podManagementPolicy=Parallel）：在 ${to} 中，如果旧修订版本的 Pod 始终无法就绪，滚动更新会一直停滞`,
  }),
  'parallel-labelled': (to, length) => ({
    en: `${setsOf(length, 'parallel ')} with labels in volumeClaimTemplates: kube-controller-manager ${to} can crash when one is scaled up`,
    zh: `${length} 个 StatefulSet（podManagementPolicy=Parallel，volumeClaimTemplates 带标签）：扩容时 kube-controller-manager ${to} 可能崩溃`,
  }),
  ipvs: (to) => ({
    en: `kube-proxy has mode ipvs: without changes, ${to} checks all its rules every hour instead of every 30 s`,
    zh: `kube-proxy 的模式为 ipvs：没有变化时，${to} 每小时才检查一次全部规则（此前为每 30 秒）`,
  }),
  'kubelet-config': (to) => ({
    en: `kubeadm ${to} replaces the configuration of kubelets by defaults, on the node and in ConfigMap kubelet-config`,
    zh: `kubeadm ${to} 会把节点上和 ConfigMap kubelet-config 中的 kubelet 配置改为默认值`,
  }),
  'no-flags': (to) => ({
    en: `kubeadm ${to} stops on a node where /var/lib/kubelet/kubeadm-flags.env has no flags`,
    zh: `如果节点上的 /var/lib/kubelet/kubeadm-flags.env 没有参数，kubeadm ${to} 会停止`,
  }),
  suspended: (to, length) => ({
    en: `${length} suspended Job${length === 1 ? '' : 's'} without condition Suspended: kube-apiserver ${to} refuses changes of their nodeSelector, affinity and tolerations`,
    zh: `${length} 个已挂起但没有“Suspended”状况的 Job：kube-apiserver ${to} 会拒绝修改其 nodeSelector、亲和性和容忍度`,
  }),
};
