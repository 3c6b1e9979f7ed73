// Before anything else: what the checks found that bites on the way to this minor, and the urgent notes of its changelog; and how kube-controller-manager can be treated, with
// the price of either. Nothing shows that they were read: a person confirms it.
import type { JudgedFinding, StageDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { oneLine } from '../../text/sanitise.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import type { ClusterParts } from './upgrade-parts.ts';
import { providersWayBack } from './upgrade-provider.ts';
import { changesNothing, fixedOf, type Hop, isNewMinor, manual, newerKubelets } from './upgrade-steps.ts';
import { crossesEtcd, etcdOf } from './way-back.ts';

const CHANGELOG = 'https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-';

/** Of a new minor, and of kubelets that are newer than the API servers. */
export function notesStage(
  hop: Hop,
  at: Pick<Upgrading, 'found' | 'stopController' | 'logVerbosity' | 'nodes'>,
  parts: ClusterParts,
): StageDraft[] {
  const newer = kubeletNotes(hop, parts);
  if (!isNewMinor(hop)) return newer.length ? [newerStage(hop, newer)] : [];
  // What the stages themselves are for is nothing to read about.
  const fixed = fixedOf(at);
  const found = (at.found ?? [])
    .filter(({ check }) => !fixed.includes(check))
    .map(({ check, findings }) => ({
      check,
      findings: findings.filter((each) => !each.accepted && (each.hop === undefined ? hop.first : each.hop === hop.hop)),
    }));
  const concerned = found.filter(({ findings }) => findings.length);
  const count = concerned.reduce((sum, { findings }) => sum + findings.length, 0);
  const to = minor(minorOf(hop.version));
  const none: Text = {
    en: `read the urgent upgrade notes in the changelog of ${to}; the checks that could run found nothing that concerns this cluster`,
    zh: `阅读 ${to} 更新日志中的紧急升级说明；已完成的检查没有发现与该集群有关的问题`,
  };
  const some: Text = {
    en: `read what ${to} changes for this cluster: ${count} ${count === 1 ? 'finding' : 'findings'} of ${concerned.length} ${concerned.length === 1 ? 'check' : 'checks'}, and the urgent upgrade notes of its changelog`,
    zh: `阅读 ${to} 对该集群的影响：${concerned.length} 个检查项的 ${count} 个问题，以及 ${to} 更新日志中的紧急升级说明`,
  };
  const notes = [
    ...newer,
    ...concerned.flatMap(foundBy),
    ...(parts.by
      ? providersWayBack(hop, parts.by)
      : [...WAY_BACK(hop), LOGS(at.logVerbosity), ...CONTROLLER(at.stopController === true, parts.kubeadm)]),
    ...(at.nodes === 'in-place' ? [IN_PLACE] : []),
  ];
  const commands = [
    ...concerned.map(({ check }) => `kubectl upgrade-guard explain ${check}`),
    `# ${CHANGELOG}${to}.md#urgent-upgrade-notes`,
  ];
  const title: Text = { en: `Notes for ${to}`, zh: `${to} 的升级说明` };
  return [{ hop: hop.hop, first: true, title, steps: [changesNothing(manual(count ? some : none, commands, undefined, [], notes))] }];
}

/** Nodes that a note names; of more, how many. */
const NAMED_NODES = 5;

/** Of a provider each patch has a name of its own, and its minors are as good. */
function kubeletNotes(hop: Hop, { members }: ClusterParts): Text[] {
  const newer = Map.groupBy(newerKubelets(members, hop), ({ kubelet }) => kubelet);
  return [...newer].map(([kubelet, on]) => {
    const names = on.slice(0, NAMED_NODES).map(({ ref }) => ref.name);
    const [rest, of, version] = [on.length - names.length, minor(minorOf(kubelet)), oneLine(kubelet, 100)];
    return {
      en: `kubelet ${version} of ${on.length} ${on.length === 1 ? 'Node' : 'Nodes'} (${names.join(', ')}${rest ? ` and ${rest} more` : ''}) is newer than the API servers until they are ${of}: not supported; put an older kubelet there, or accept it as it is: no step downgrades a kubelet`,
      zh: `${on.length} 个 Node（${names.join('、')}${rest ? ' 等' : ''}）的 kubelet ${version} 在 API 服务器升级到 ${of} 之前比它们新：不受支持；请换成较旧的 kubelet，或接受现状：没有步骤会降级 kubelet`,
    };
  });
}

function newerStage({ hop, version }: Hop, notes: Text[]): StageDraft {
  const text: Text = {
    en: `read which kubelets are newer than the API servers of ${version}`,
    zh: `了解哪些 kubelet 比 ${version} 的 API 服务器新`,
  };
  const commands = ['kubectl upgrade-guard explain kubernetes/kubelet-skew'];
  return {
    hop,
    first: true,
    title: { en: `Notes for ${version}`, zh: `${version} 的升级说明` },
    steps: [changesNothing(manual(text, commands, undefined, [], notes))],
  };
}

/** Findings of one check that are named; of more, how many. */
const NAMED = 10;
function foundBy({ check, findings }: { check: string; findings: readonly JudgedFinding[] }): Text[] {
  const more = findings.length > NAMED + 1 ? findings.length - NAMED : 0;
  return [
    ...findings.slice(0, more ? NAMED : undefined).map(({ message }) => ({
      en: `${check}: ${oneLine(message.en, 200)}`,
      zh: `${check}：${oneLine(message.zh, 200)}`,
    })),
    ...(more ? [{ en: `${check}: and ${more} more findings`, zh: `${check}：另有 ${more} 个问题` }] : []),
  ];
}

/** How long it holds, stage by stage. Source: kubernetes/website version-skew-policy.md; an API server of the new minor stores objects that the old one may not read. */
const WAY_BACK = ({ before, version }: Hop): Text[] => [
  {
    en: `way back to ${before}: until the first API server is ${version}, nothing has to be restored`,
    zh: `回退到 ${before}：在第一个 API 服务器升级到 ${version} 之前，无需恢复任何数据`,
  },
  AFTERWARDS(before, version),
  {
    en: `restoring the etcd backup is a way back in any case, but loses later writes; kubeadm's own copy of etcd is not a backup (kubernetes#143087)`,
    zh: `etcd 备份在任何情况下都能用于回退，但备份之后的写入会丢失；kubeadm 自己保存的 etcd 副本不是备份（kubernetes#143087）`,
  },
  {
    en: `way back to ${before} for a kubelet: at any time, once its Node is drained; a kubelet can be older than the API servers`,
    zh: `kubelet 回退到 ${before}：随时可以，需先腾空节点；kubelet 可以比 API 服务器旧`,
  },
];

/** The cluster may run another patch than the one that its version comes with. */
const majorMinor = (version: string): string => version.split('.', 2).join('.');

/** As way-back-etcd and the other checks of the way back have it. */
function AFTERWARDS(before: string, version: string): Text {
  const older = minor(minorOf(before));
  const [old, now] = [etcdOf(before), etcdOf(version)];
  if (crossesEtcd(before, version) === false) {
    return {
      en: `way back to ${before}: after that, possible as long as kubectl upgrade-guard check kubernetes --back-to ${older} reports no blocker`,
      zh: `回退到 ${before}：此后只有 kubectl upgrade-guard check kubernetes --back-to ${older} 没有报告阻断项时才能回退`,
    };
  }
  const why = {
    en: old && now ? `: etcd ${now} comes with ${minor(minorOf(version))}, and etcd ${majorMinor(old)} does not start on its data` : '',
    zh: old && now ? `：${minor(minorOf(version))} 自带 etcd ${now}，etcd ${majorMinor(old)} 无法在其数据上启动` : '',
  };
  return {
    en: `way back to ${before}, after that: only by restoring the backup of etcd, or with etcdctl downgrade (etcd 3.6 and newer)${why.en}`,
    zh: `此后回退到 ${before} 只能恢复 etcd 备份，或使用“etcdctl downgrade”（etcd 3.6 及更新版本）${why.zh}`,
  };
}

const LOGS = (level: number | undefined): Text =>
  level === undefined
    ? {
        en: 'log verbosity: unchanged; to raise it while the upgrade lasts: --log-verbosity 4 (API servers), --kubelet-log-verbosity 4',
        zh: '日志级别：不变；如需在升级期间提高：--log-verbosity 4（API 服务器）、--kubelet-log-verbosity 4',
      }
    : {
        en: `log verbosity of the API servers: ${level} until the upgrade is over (--log-verbosity)`,
        zh: `API 服务器的日志级别：升级期间为 ${level}（--log-verbosity）`,
      };

/** Source: kubernetes/website version-skew-policy.md, of kubelets. */
const IN_PLACE: Text = {
  en: 'kubelets in place (--nodes in-place): Kubernetes supports a new minor version of a kubelet only on a drained Node; supported: --nodes drain',
  zh: 'kubelet 原地升级（--nodes in-place）：Kubernetes 只支持在已腾空的节点上升级 kubelet 的次要版本；受支持的方式：--nodes drain',
};

/** The argument of the in-place guide, and its price. */
const CONTROLLER = (stopped: boolean, kubeadm: boolean): Text[] =>
  kubeadm
    ? [
        {
          en: 'kube-controller-manager: kubeadm upgrades it with the API server of its Node, and needs its manifest',
          zh: 'kube-controller-manager：由 kubeadm 与所在节点的 API 服务器一起升级，且 kubeadm 需要其清单文件',
        },
      ]
    : [
        {
          en: 'kube-controller-manager must not be newer than any API server: it is upgraded after all of them',
          zh: 'kube-controller-manager 不得比任何 API 服务器新：在所有 API 服务器之后升级',
        },
        {
          en: 'reason to stop kube-controller-manager meanwhile: while stopped, it cannot act on what a half-upgraded control plane returns',
          zh: '升级期间停止 kube-controller-manager 的好处：它不会根据升级到一半的控制平面执行操作',
        },
        {
          en: 'reason not to stop kube-controller-manager: until it runs again, endpoints, rollouts, evictions from failed Nodes and garbage collection do not proceed',
          zh: '停止 kube-controller-manager 的代价：恢复运行之前，端点不会更新，也不会进行滚动更新、故障节点上的驱逐和垃圾收集',
        },
        stopped
          ? {
              en: 'chosen: stop kube-controller-manager (--stop-controller-manager)',
              zh: '已选择：停止 kube-controller-manager（--stop-controller-manager）',
            }
          : {
              en: 'chosen: leave kube-controller-manager running; to stop it: --stop-controller-manager',
              zh: '已选择：保持 kube-controller-manager 运行；如需停止：--stop-controller-manager',
            },
      ];
