// The agent answers the coordinator plugin only from a SpiderCoordinator in phase Synced; without it no Pod with that plugin starts. On K3s and managed clusters it never gets there by itself.
// Sources: knowledge/notes.json (coordinator, kubeadm).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, PointReader, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { flag, list, maybe, rowOf, UNREADABLE, word, yaml } from '../../../engine/read/index.ts';
import { satisfies } from '../../../versions/chart.ts';
import { notes } from '../knowledge/tables.ts';

const reads = {
  coordinators: list('spidercoordinators.spiderpool.spidernet.io', { phase: word('status.phase', ''), reason: word('status.reason') }),
  configs: list('spidermultusconfigs.spiderpool.spidernet.io', {
    type: word('spec.cniType', 'custom'),
    uses: flag('spec.enableCoordinator', true),
  }),
  managers: list('pods', {}, { labels: 'component=kube-controller-manager' }),
};
const CIDRS = {
  cluster: yaml("data['ClusterConfiguration']", {
    networking: maybe('networking', { pods: word('podSubnet', ''), services: word('serviceSubnet', '') }),
  }),
};

interface Args {
  phase: string;
  /** SpiderMultusConfigs whose Pods run the coordinator plugin. */
  users: number;
  /** Neither ConfigMap kubeadm-config nor a kube-controller-manager Pod is there to tell the CIDRs; or the ConfigMap does not tell both. */
  noCidrs: boolean;
  incomplete: boolean;
  /** This version reads kubeadm-config. */
  readsConfig: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/coordinator-ready',
  title: { en: 'SpiderCoordinators are in phase Synced', zh: 'SpiderCoordinator 处于 Synced 阶段' },
  headline: {
    en: 'SpiderCoordinators are not Synced: Pods can lack a network',
    zh: 'SpiderCoordinator 未处于 Synced，Pod 网络无法就绪',
  },
  page: {
    impact: {
      en: 'spiderpool-agent uses a SpiderCoordinator only in phase Synced. Until then no Pod whose SpiderMultusConfig has the coordinator starts, also not those that the upgrade re-creates.',
      zh: 'spiderpool-agent 只使用处于 Synced 阶段的 SpiderCoordinator。在此之前，SpiderMultusConfig 启用 coordinator 的 Pod 无法启动，升级期间重新创建的 Pod 也一样。',
    },
    detection: {
      en: 'Reads status.phase. Also looks for ConfigMap kube-system/kubeadm-config and a kube-controller-manager Pod, from which the controller takes the CIDRs at every version, even if podCIDRType says otherwise.',
      zh: '读取 status.phase，并查找 ConfigMap kube-system/kubeadm-config 和 kube-controller-manager Pod：无论 podCIDRType 如何设置，所有版本的 controller 都从中获取 CIDR。',
    },
    fix: {
      en: 'manual: on K3s and managed clusters create ConfigMap kube-system/kubeadm-config with podSubnet and serviceSubnet in ClusterConfiguration (0.8.6, 0.9.2 and later), or set enableCoordinator: false. Elsewhere see the log of spiderpool-controller.',
      zh: '手动：在 K3s 和托管集群上创建 ConfigMap kube-system/kubeadm-config，其 ClusterConfiguration 含有 podSubnet 和 serviceSubnet（0.8.6、0.9.2 及以后），或设置 enableCoordinator: false。其他情况请查看 spiderpool-controller 的日志。',
    },
    limits: {
      en: 'mode: disabled does not avoid it: the plugin asks the agent before it looks at the mode.',
      zh: 'mode: disabled 无法避免：插件在判断 mode 之前就会询问 agent。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().coordinator.source}`, `spidernet-io/spiderpool: ${notes().kubeadm.source}`];
  },
  get applies() {
    return { from: notes().coordinator.since, stage: 'both' as const };
  },
  reads,
  pointReads: [{ resource: 'configmaps', names: ['kubeadm-config'], columns: Object.values(CIDRS) }],
  judge: async (rows: Rows<typeof reads>, { look, path: { from } }) => {
    const behind = rows.coordinators.filter(({ phase }) => phase !== 'Synced');
    if (!behind.length) return [];
    const users = rows.configs.filter(({ type, uses }) => uses && type !== 'custom').length;
    const told = rows.managers.length ? 'both' : await toldBy(look);
    const readsConfig = typeof from === 'string' && satisfies(from, notes().kubeadm.config);
    return behind.map(({ ref, phase, reason }) =>
      found(ref, { phase, users, noCidrs: told === 'none', incomplete: told === 'some', readsConfig }, reason),
    );
  },
  say: ({ phase, noCidrs, incomplete, readsConfig, users }, [on]) => {
    const cause = noCidrs
      ? readsConfig
        ? NO_CONFIG
        : NO_MANAGER
      : incomplete
        ? readsConfig
          ? INCOMPLETE
          : NO_MANAGER
        : { en: '', zh: '' };
    const whose = users
      ? { en: `Pods of ${users} SpiderMultusConfig${users === 1 ? '' : 's'}`, zh: `${users} 个 SpiderMultusConfig 的 Pod ` }
      : { en: 'Pods with the coordinator plugin', zh: '使用 coordinator 插件的 Pod ' };
    const state = phase ? { en: `is in phase ${phase}`, zh: `处于 ${phase} 阶段` } : { en: 'has no status.phase', zh: '没有 status.phase' };
    return {
      en: `SpiderCoordinator ${on?.name ?? ''} ${state.en}${cause.en}; ${whose.en} cannot start`,
      zh: `SpiderCoordinator ${on?.name ?? ''} ${state.zh}${cause.zh}；${whose.zh}无法启动`,
    };
  },
};
export default check;

const NO_CONFIG: Text = {
  en: ' because ConfigMap kube-system/kubeadm-config and a kube-controller-manager Pod are missing',
  zh: '，原因是没有 ConfigMap kube-system/kubeadm-config 和 kube-controller-manager Pod',
};
const NO_MANAGER: Text = { en: ' because no kube-controller-manager Pod exists', zh: '，原因是没有 kube-controller-manager Pod' };

const INCOMPLETE: Text = {
  en: ' because ConfigMap kube-system/kubeadm-config lacks podSubnet or serviceSubnet and no kube-controller-manager Pod exists',
  zh: '，原因是 ConfigMap kube-system/kubeadm-config 缺少 podSubnet 或 serviceSubnet，且没有 kube-controller-manager Pod',
};

/** Whether ConfigMap kubeadm-config names both CIDRs. What cannot be seen is not a cause; the engine counts the gap. */
async function toldBy(look: PointReader): Promise<'both' | 'some' | 'none'> {
  const config = await look.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' });
  if (config === undefined) return 'none';
  if (isGap(config)) return 'both';
  const { cluster } = rowOf(CIDRS)(config);
  const { pods = '', services = '' } = (cluster !== undefined && cluster !== UNREADABLE && cluster.networking) || {};
  return pods && services ? 'both' : 'some';
}

const found = (on: Ref, args: Args, reason: string | undefined): Finding<Args> =>
  finding({
    severity: args.users ? 'blocker' : 'warning',
    key: [on.name],
    objects: [on],
    args,
    evidence: [{ seen: `status.phase: ${args.phase || '""'}` }, ...(reason ? [{ seen: `status.reason: ${reason}` }] : [])],
  });
