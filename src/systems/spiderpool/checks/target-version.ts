// Some releases of Spiderpool must not be the target of an upgrade: what they break, and what to take instead.
// Sources: knowledge/versions.json names the issue, pull request or file behind each flaw; lines overlap in time, so that a higher version need not have a fix.
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { compare, satisfies } from '../../../versions/chart.ts';
import { RELEASES } from '../crds.ts';
import versions from '../knowledge/versions.json' with { type: 'json' };

type Reason = keyof typeof versions.flaws | 'candidate' | 'unpublished' | 'unreleased' | 'unreachable';

interface Args {
  from: string;
  target: string;
  reasons: Reason[];
  /** The newest good patch of the same line, else of the next line that has one. */
  instead?: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'spiderpool/target-version',
  title: { en: 'the target is a good release', zh: '目标版本是可用的发布版本' },
  headline: { en: 'the target is a bad one', zh: '目标版本不宜使用' },
  page: {
    impact: {
      en: 'Some releases break what they find: the upgrade to 0.8.8 and to 0.9.5 – 0.9.7 empties the clusterNetwork of multus, after which no Pod starts; 0.9.0 and 0.9.1 panic in clusters that they do not expect; up to 0.8.7, and in 0.9.0 – 0.9.4, the garbage collection of addresses can give the address of a living Pod to another. Release candidates are no target, nor is what was never published; and from before 0.4.0 no release from 0.4.0 on can be reached in place, because the objects are stored in an API version that these do not have. A target with a flaw that a newer patch of its line does not have is a blocker; where the whole line has it, a warning. The finding names what to take instead. Whoever must have that very version accepts this check by name, with --accept; upgrade then adds the steps that repair what the release is known to break, as far as such steps exist (clusterNetwork, and fields of the SpiderCoordinator that its agents read blindly). Nothing is said about the version that is installed.',
      zh: '有些版本会破坏现有环境：升级到 0.8.8 以及 0.9.5 – 0.9.7 会清空 multus 的 clusterNetwork，此后所有 Pod 都无法启动；0.9.0 和 0.9.1 在某些集群中会崩溃；0.8.7 及更早版本和 0.9.0 – 0.9.4 的地址回收可能把存活 Pod 的地址分配给另一个 Pod。候选版本以及从未发布的版本都不应作为目标；从 0.4.0 之前的版本出发，无法原地升级到 0.4.0 及之后的任何版本，因为对象存储所用的 API 版本在新版本中已不存在。如果同一系列的更新补丁已没有该缺陷，则为阻断问题；如果整个系列都有该缺陷，则为警告。结果会给出建议改用的版本。确实需要该版本时，可用 --accept 按名称接受本检查；此时升级计划会加入修复该版本已知问题的步骤（只要存在这样的步骤：clusterNetwork，以及 spiderpool-agent 不加判断直接读取的 SpiderCoordinator 字段）。本检查不评价已安装的版本。',
    },
  },
  sources: [
    'spidernet-io/spiderpool: tags, and index.yaml on branch github_pages',
    ...Object.values(versions.flaws).map(({ source }) => `spidernet-io/spiderpool: ${source}`),
    `spidernet-io/spiderpool: ${versions.storedAnew.source}`,
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: {},
  judge: (_rows, { path: { from, to: target }, chart }) => {
    if (typeof from !== 'string' || target === undefined) return { unknown: NO_VERSION };
    if (compare(from, target) === 0) return { notApplicable: THERE };
    if (chart && !RELEASES.includes(target)) return { unknown: NO_RELEASE(target) };
    const reasons = reasonsAgainst(from, target, chart !== undefined);
    return reasons.length ? [finding({ from, target, reasons, instead: insteadOf(from, target, reasons) })] : [];
  },
  say: ({ from, target, reasons, instead }) => {
    const why = reasons.map((reason) => WHY[reason]);
    return {
      en: `${target} as target from ${from}: ${why.map(({ en }) => en).join('; ')}${instead ? `; take ${instead} instead` : ''}`,
      zh: `从 ${from} 升级到 ${target}：${why.map(({ zh }) => zh).join('；')}${instead ? `；请改用 ${instead}` : ''}`,
    };
  },
};
export default check;

const NO_VERSION: Text = { en: 'the installed version is not known', zh: '已安装的版本未知' };
const THERE: Text = { en: 'that is what is installed', zh: '目标就是已安装的版本' };
const NO_RELEASE = (target: string): Text => ({
  en: `${target} is no release that this build knows`,
  zh: `本工具不了解 ${target} 这个版本`,
});

const WHY: Record<Reason, Text> = {
  clusterNetwork: {
    en: 'its upgrade empties the clusterNetwork of multus, and then no Pod starts',
    zh: '升级会清空 multus 的 clusterNetwork，此后所有 Pod 都无法启动',
  },
  podRPFilter: {
    en: 'its webhook fails over a SpiderCoordinator without podRPFilter',
    zh: '其 webhook 无法处理没有 podRPFilter 的 SpiderCoordinator',
  },
  txQueueLen: {
    en: 'its agent panics over a SpiderCoordinator without txQueueLen, and its definition gives no default',
    zh: '其 spiderpool-agent 遇到没有 txQueueLen 的 SpiderCoordinator 会崩溃，而它的 CRD 没有提供默认值',
  },
  kubeadmConfig: {
    en: 'its controller panics where no Pod is labelled component=kube-controller-manager (K3s, managed clusters)',
    zh: '在没有 Pod 带 component=kube-controller-manager 标签的集群（K3s、托管集群）中，其 spiderpool-controller 会崩溃',
  },
  addresses: {
    en: 'its garbage collection can give the address of a living Pod to another',
    zh: '其地址回收可能把存活 Pod 的地址分配给另一个 Pod',
  },
  preStop: {
    en: 'whenever its agent stops, the files of multus go from the node',
    zh: '其 spiderpool-agent 每次停止都会删除节点上的 multus 文件',
  },
  initLoop: {
    en: 'its spiderpool-init never ends under the definitions of 0.6',
    zh: '在 0.6 的 CRD 下，其 spiderpool-init 无法结束',
  },
  mtu: {
    en: 'the mtu that it lets a SpiderMultusConfig have is lost again with 1.0.4 – 1.1.2',
    zh: '它允许 SpiderMultusConfig 设置的 mtu 会在 1.0.4 – 1.1.2 中再次丢失',
  },
  candidate: { en: 'it is a release candidate', zh: '它是候选版本' },
  unpublished: { en: 'the Helm repository has no package of it', zh: 'Helm 仓库中没有它的软件包' },
  unreleased: { en: 'there is no such release', zh: '没有这个发布版本' },
  unreachable: {
    en: 'it cannot be reached in place: objects are stored in API version v1, which it does not have, and nothing converts them',
    zh: '无法原地升级到该版本：对象以 API 版本 v1 存储，而该版本没有 v1，也没有转换方式',
  },
};

// ---- what is against a version --------------------------------------------------------------------------------------

const FLAWS = Object.entries(versions.flaws) as [keyof typeof versions.flaws, { in: string }][];
const flawsOf = (version: string): Reason[] => FLAWS.flatMap(([name, { in: range }]) => (satisfies(version, range) ? [name] : []));
const isCandidate = (version: string): boolean => version.includes('-');
const isBefore = (version: string): boolean => compare(version, versions.storedAnew.since) < 0;

function reasonsAgainst(from: string, target: string, hasChart: boolean): Reason[] {
  if (!RELEASES.includes(target)) return ['unreleased'];
  return [
    ...(isBefore(from) && !isBefore(target) ? (['unreachable'] as const) : []),
    ...flawsOf(target),
    ...(isCandidate(target) ? (['candidate'] as const) : []),
    ...(!hasChart && versions.unpublished.versions.includes(target) ? (['unpublished'] as const) : []),
  ];
}

const lineOf = (version: string): string => version.split('.', 2).join('.');

/** Of resting points none is a candidate, and all are published. */
function insteadOf(from: string, target: string, reasons: readonly Reason[]): string | undefined {
  const within = versions.restingPoints.filter((point) => compare(point, from) > 0 && isBefore(point) === isBefore(from));
  const mends = (point: string) => !flawsOf(point).some((flaw) => reasons.includes(flaw));
  const inLine = within.find((point) => lineOf(point) === lineOf(target) && mends(point));
  return inLine ?? within.find((point) => compare(point, target) > 0 && !flawsOf(point).length);
}

/** A flaw that the newest patch of the line still has cannot be avoided there. */
function isAvoidable(reason: Reason, target: string): boolean {
  const newest = versions.restingPoints.find((point) => lineOf(point) === lineOf(target));
  return newest === undefined ? !(reason in versions.flaws) : !flawsOf(newest).includes(reason);
}

function finding(args: Args): Finding<Args> {
  const { target, reasons } = args;
  return {
    severity: reasons.some((reason) => isAvoidable(reason, target)) ? 'blocker' : 'warning',
    key: [target, ...reasons],
    certainty: 'certain',
    objects: [],
    args,
    evidence: FLAWS.filter(([name]) => reasons.includes(name)).map(([name]) => ({ seen: versions.flaws[name].source })),
  };
}
