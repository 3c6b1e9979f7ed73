// Releases of Spiderpool with known problems as the target of an upgrade, and which version to use instead.
// Sources: knowledge/versions.json names the issue, pull request or file behind each flaw; lines overlap in time, so that a higher version need not have a fix.
import { intendedOf } from '../../../chart/intended.ts';
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { compare, satisfies } from '../../../versions/chart.ts';
import { isRelease } from '../crds.ts';
import { type Flaw, versions } from '../knowledge/tables.ts';

type Reason = Flaw | 'candidate' | 'unpublished' | 'unreleased';

interface Args {
  from: string;
  target: string;
  reasons: Reason[];
  /** The newest good patch of the same line, else of the next line that has one. */
  instead?: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'spiderpool/target-version',
  title: { en: 'target version has no known problems', zh: '目标版本没有已知问题' },
  headline: { en: 'target version has known problems', zh: '目标版本存在已知问题' },
  page: {
    impact: {
      en: 'Some releases damage a working cluster: the upgrade to 0.8.8 and to 0.9.5–0.9.7 empties clusterNetwork in the Multus config, after which no Pod starts; 0.9.0 and 0.9.1 panic in some clusters; in 0.8.7 and older, and in 0.9.0–0.9.4, IP garbage collection can assign the IP of a running Pod to another Pod.',
      zh: '有些版本会破坏正常的集群：升级到 0.8.8、0.9.5–0.9.7 会清空 Multus 配置中的 clusterNetwork，此后 Pod 无法启动；0.9.0、0.9.1 在部分集群中会崩溃；0.8.7 及更早版本和 0.9.0–0.9.4 的 IP 回收可能把运行中 Pod 的 IP 分配给其他 Pod。',
    },
    detection: {
      en: 'Compares the target version with a table of known problems; the installed version is not judged. Blocker if a newer patch of the same minor version has the problem fixed, otherwise warning. Release candidates and versions that were never published are rejected.',
      zh: '将目标版本与已知问题表比较，不评价当前版本。同一个次要版本的后续补丁版本已修复则为阻断项，否则为警告。候选版本和从未发布的版本会被拒绝。',
    },
    limits: {
      en: 'The finding names the version to use instead. If you need that very version, accept the check with --accept; upgrade then adds the known fixes (clusterNetwork, and SpiderCoordinator fields that its agents read unchecked).',
      zh: '结果会给出建议版本。确需使用该版本时，用 --accept 接受本检查；upgrade 会加入已知的修复步骤（clusterNetwork，以及 agent 未判空就读取的 SpiderCoordinator 字段）。',
    },
  },
  get sources() {
    const behind = Object.values(versions().flaws).map(({ source }) => `spidernet-io/spiderpool: ${source}`);
    return [
      {
        en: 'spidernet-io/spiderpool: tags, and index.yaml on branch github_pages',
        zh: 'spidernet-io/spiderpool：tag，以及 github_pages 分支的 index.yaml',
      },
      ...behind,
    ];
  },
  applies: { stage: 'before' },
  needs: ['target'],
  reads: {},
  judge: (_rows, at) => {
    const { from, to: target } = at.path;
    const { chart } = intendedOf(at);
    if (typeof from !== 'string' || target === undefined) return { unknown: NO_VERSION };
    if (compare(from, target) === 0) return { notApplicable: THERE };
    if (chart && !isRelease(target)) return { unknown: NO_RELEASE(target) };
    const reasons = reasonsAgainst(target, chart !== undefined);
    return reasons.length ? [finding({ from, target, reasons, instead: insteadOf(from, target, reasons) })] : [];
  },
  say: ({ from, target, reasons, instead }) => {
    const why = reasons.map((reason) => WHY[reason]);
    return {
      en: `${from} → ${target}: ${why.map(({ en }) => en).join('; ')}${instead ? `. Upgrade to ${instead} instead` : ''}`,
      zh: `${from} → ${target}：${why.map(({ zh }) => zh).join('；')}${instead ? `。请改为升级到 ${instead}` : ''}`,
    };
  },
};
export default check;

const NO_VERSION: Text = { en: 'installed version unknown', zh: '当前版本未知' };
const THERE: Text = { en: 'target version is already installed', zh: '目标版本已安装' };
const NO_RELEASE = (target: string): Text => ({
  en: `no data for ${target} in this version of upgrade-guard`,
  zh: `当前版本的 upgrade-guard 没有 ${target} 的数据`,
});

const WHY: Record<Reason, Text> = {
  clusterNetwork: {
    en: 'empties clusterNetwork in the Multus config, after which no Pod starts',
    zh: '会清空 Multus 配置中的 clusterNetwork，此后 Pod 无法启动',
  },
  podRPFilter: {
    en: 'its webhook fails on any SpiderCoordinator without podRPFilter',
    zh: '遇到没有 podRPFilter 的 SpiderCoordinator 时 webhook 会出错',
  },
  txQueueLen: {
    en: 'spiderpool-agent panics on a SpiderCoordinator without txQueueLen, and the CRD sets no default',
    zh: 'spiderpool-agent 遇到没有 txQueueLen 的 SpiderCoordinator 会崩溃，而 CRD 没有默认值',
  },
  kubeadmConfig: {
    en: 'spiderpool-controller panics in clusters with no Pod labelled component=kube-controller-manager (K3s, managed clusters)',
    zh: '在没有 Pod 带 component=kube-controller-manager 标签的集群（K3s、托管集群）中，spiderpool-controller 会崩溃',
  },
  addresses: {
    en: 'IP garbage collection can assign the IP of a running Pod to another Pod',
    zh: 'IP 回收可能把运行中 Pod 的 IP 分配给其他 Pod',
  },
  preStop: {
    en: 'spiderpool-agent deletes the Multus files from the node whenever it stops',
    zh: 'spiderpool-agent 每次停止都会删除节点上的 Multus 文件',
  },
  initLoop: {
    en: 'spiderpool-init never completes with the 0.6 CRDs',
    zh: '在 0.6 的 CRD 下，spiderpool-init 无法结束',
  },
  mtu: {
    en: 'supports mtu in SpiderMultusConfig, but 1.0.4–1.1.2 drop it again',
    zh: '支持 SpiderMultusConfig 的 mtu，但 1.0.4–1.1.2 会再次丢弃它',
  },
  candidate: { en: 'release candidate', zh: '候选版本' },
  unpublished: { en: 'not published in the Helm repository', zh: '未发布到 Helm 仓库' },
  unreleased: { en: 'no such version', zh: '没有这个版本' },
};

// ---- what is against a version --------------------------------------------------------------------------------------

const allFlaws = () => Object.entries(versions().flaws) as [Flaw, { source: string; in: string }][];
const flawsOf = (version: string): Reason[] => allFlaws().flatMap(([name, { in: range }]) => (satisfies(version, range) ? [name] : []));
const isCandidate = (version: string): boolean => version.includes('-');

function reasonsAgainst(target: string, hasChart: boolean): Reason[] {
  if (!isRelease(target)) return ['unreleased'];
  return [
    ...flawsOf(target),
    ...(isCandidate(target) ? (['candidate'] as const) : []),
    ...(!hasChart && versions().unpublished.versions.includes(target) ? (['unpublished'] as const) : []),
  ];
}

const lineOf = (version: string): string => version.split('.', 2).join('.');

/** Of resting points none is a candidate, and all are published. */
function insteadOf(from: string, target: string, reasons: readonly Reason[]): string | undefined {
  const within = versions().restingPoints.filter((point) => compare(point, from) > 0);
  const mends = (point: string) => !flawsOf(point).some((flaw) => reasons.includes(flaw));
  const inLine = within.find((point) => lineOf(point) === lineOf(target) && mends(point));
  return inLine ?? within.find((point) => compare(point, target) > 0 && !flawsOf(point).length);
}

/** A flaw that the newest patch of the line still has cannot be avoided there. */
function isAvoidable(reason: Reason, target: string): boolean {
  const newest = versions().restingPoints.find((point) => lineOf(point) === lineOf(target));
  return newest === undefined ? !(reason in versions().flaws) : !flawsOf(newest).includes(reason);
}

function finding(args: Args): Finding<Args> {
  const { target, reasons } = args;
  return {
    severity: reasons.some((reason) => isAvoidable(reason, target)) ? 'blocker' : 'warning',
    key: [target, ...reasons],
    certainty: 'certain',
    objects: [],
    args,
    ...(args.instead ? { target: args.instead } : {}),
    evidence: allFlaws()
      .filter(([name]) => reasons.includes(name))
      .map(([, { source }]) => ({ seen: source })),
  };
}
