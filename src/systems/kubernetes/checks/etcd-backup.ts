// A backup from the last day, the only way back across a minor of etcd: of a CronJob that runs etcdctl or etcdutl, of Velero, or of K3s and RKE2. Where none of them is seen there
// may be one all the same, outside the cluster. Sources: etcd op-guide/recovery; velero.io/v1 Backup; k3s.cattle.io/v1 ETCDSnapshotFile.
import { finding } from '../../../engine/builders.ts';
import type { Check, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { each, flag, list, mentions, time, word } from '../../../engine/read/index.ts';
import { ageOf } from '../../../text/age.ts';
import { shellWord } from '../../../text/shell.ts';
import { providersMatter } from '../managed.ts';
import { nodes } from '../reads.ts';

const TOOLS = ['etcdctl', 'etcdutl', 'snapshot'];
const JOB = {
  last: time('status.lastSuccessfulTime'),
  containers: each('spec.jobTemplate.spec.template.spec.containers', {
    command: mentions('command', TOOLS),
    args: mentions('args', TOOLS),
  }),
};
const reads = {
  cronJobs: list('cronjobs.batch', JOB, { only: savesEtcd }),
  velero: list('backups.velero.io', { phase: word('status.phase', ''), done: time('status.completionTimestamp') }),
  snapshots: list('etcdsnapshotfiles.k3s.cattle.io', { created: time('status.creationTime'), ready: flag('status.readyToUse', false) }),
  etcd: list('pods', { node: word('spec.nodeName', '') }, { labels: 'component=etcd' }),
  nodes,
};
interface Args {
  by: string;
  /** Hours since the newest that succeeded; undefined: there is none. */
  hours?: number;
}
const HOURS = 24;

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/etcd-backup',
  title: { en: 'etcd was backed up within the last 24 hours', zh: 'etcd 在最近 24 小时内有备份' },
  headline: { en: 'etcd has no recent backup', zh: 'etcd 没有近期备份' },
  page: {
    impact: {
      en: 'After an upgrade that crosses an etcd minor version, or fails in the middle, restoring a backup can be the only way back. Without a backup the state of the cluster can be lost.',
      zh: '升级跨越 etcd 的次要版本或中途失败后，可能只能通过恢复备份来回退。没有备份时可能丢失集群状态。',
    },
    detection: {
      en: 'Reads the last success of CronJobs that run etcdctl or etcdutl, of Velero Backups and of ETCDSnapshotFiles. If none of these exists, the result is unknown: a backup may be made outside the cluster.',
      zh: '读取运行 etcdctl 或 etcdutl 的 CronJob、Velero 的 Backup 以及 ETCDSnapshotFile 最近一次成功的时间。如果都没有，结果为未知：备份可能在集群之外进行。',
    },
    fix: {
      en: 'manual: on a control-plane node run etcdctl snapshot save backup.db, copy the file off the Node, and restore it once on another machine.',
      zh: '手动：在控制平面节点上执行“etcdctl snapshot save backup.db”，将文件复制到节点之外，并在另一台机器上试恢复一次。',
    },
    limits: {
      en: 'Whether a backup can be restored is not checked. A backup that is saved manually does not show in the cluster: the result stays unknown.',
      zh: '不检查备份能否恢复。手动保存的备份在集群中看不到：结果仍为未知。',
    },
  },
  sources: [
    'etcd-io/website: op-guide/recovery',
    'vmware-tanzu/velero: pkg/apis/velero/v1/backup_types.go',
    'k3s-io/api: k3s.cattle.io/v1',
  ],
  applies: { stage: 'before' },
  reads,
  judge: ({ cronJobs, velero, snapshots, etcd, nodes }: Rows<typeof reads>, { path, now }) => {
    const made: { ref: Ref; by: string; at?: number }[] = [
      ...cronJobs.map(({ ref, last }) => ({ ref, by: 'CronJob', at: last })),
      ...velero.map(({ ref, phase, done }) => ({ ref, by: 'Velero', at: phase === 'Completed' ? done : undefined })),
      ...snapshots.map(({ ref, ready, created }) => ({ ref, by: 'ETCDSnapshotFile', at: ready ? created : undefined })),
    ];
    const newest = made.toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))[0];
    const hours = newest?.at === undefined ? undefined : Math.floor((now - newest.at) / 3_600_000);
    if (hours !== undefined && hours < HOURS) return [];
    const theirs = providersMatter(path.from, nodes);
    if (theirs) return theirs;
    if (!newest) return { unknown: unseen(etcd[0]?.ref.name) };
    return [
      finding({
        severity: 'warning',
        key: [],
        certainty: 'high',
        objects: [newest.ref],
        args: { by: newest.by, ...(hours === undefined ? {} : { hours }) },
        evidence: [{ seen: SEEN[newest.by]! }],
      }),
    ];
  },
  say: ({ by, hours }) =>
    hours === undefined
      ? { en: `no backup by ${by} has succeeded: none of these can restore etcd`, zh: `${by} 没有成功的备份：无法用它恢复 etcd` }
      : {
          en: `newest backup by ${by} is ${ageOf(hours).en} old: restoring it loses all later changes`,
          zh: `${by} 最近一次备份在 ${ageOf(hours).zh}前：用它恢复会丢失之后的更改`,
        },
};
export default check;

const SEEN: Record<string, string> = {
  CronJob: 'status.lastSuccessfulTime',
  Velero: 'status.completionTimestamp',
  ETCDSnapshotFile: 'status.creationTime',
};

const TLS = '--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key';
function unseen(pod: string | undefined): Text {
  const save = `etcdctl ${pod ? `${TLS} ` : ''}snapshot save ${pod ? '/var/lib/etcd/' : ''}backup.db`;
  const command = pod ? `kubectl exec -n kube-system ${shellWord(pod)} -- ${save}` : save;
  return {
    en: `whether etcd is backed up cannot be seen in the cluster; if it is not: ${command}`,
    zh: `从集群中看不出 etcd 是否有备份；如果没有，请执行“${command}”`,
  };
}

function savesEtcd({ containers }: RowOf<typeof JOB>): boolean {
  const words = containers.flatMap(({ command, args }) => [...command, ...args]);
  return words.includes('snapshot') && (words.includes('etcdctl') || words.includes('etcdutl'));
}
