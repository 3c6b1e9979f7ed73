// Embedded etcd without a recent snapshot. The way back from an upgrade of K3s is the older binary with a restored datastore; without a snapshot there is none.
// Sources: docs.k3s.io/cli/etcd-snapshot, docs.k3s.io/upgrades/roll-back; k3s-io/api k3s.cattle.io/v1 (ETCDSnapshotFile).
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { flag, list, time, word } from '../../../engine/read/index.ts';
import { ageOf } from '../../../text/age.ts';
import { ETCD } from '../plans.ts';
import { nodes } from '../reads.ts';

const reads = {
  nodes,
  snapshots: list('etcdsnapshotfiles.k3s.cattle.io', {
    created: time('status.creationTime'),
    ready: flag('status.readyToUse', false),
    error: word('status.error.message'),
  }),
};
interface Args {
  /** Hours since the newest that succeeded; undefined: there is none. */
  hours?: number;
  failed: number;
}
/** K3s takes one every 12 hours by default. */
const HOURS = 24;

const check: Check<typeof reads, Args> = {
  id: 'k3s/etcd-snapshot',
  title: { en: 'embedded etcd has a recent snapshot', zh: '内嵌 etcd 有近期的快照' },
  headline: { en: 'embedded etcd has no recent snapshot', zh: '内嵌 etcd 没有近期的快照' },
  page: {
    impact: {
      en: 'K3s cannot be downgraded in place. The way back is the older binary with a datastore that was saved before the upgrade; what was written since is lost.',
      zh: 'K3s 不能就地降级。回退方式是使用旧版二进制文件并恢复升级前保存的数据存储，此后写入的内容会丢失。',
    },
    detection: {
      en: 'Reads status.creationTime, readyToUse and error of the ETCDSnapshotFiles, which K3s writes since v1.28.4+k3s2. SQLite and external datastores leave no trace in the cluster: their backup cannot be checked.',
      zh: '读取 ETCDSnapshotFile 的 status.creationTime、readyToUse 和 error，K3s 自 v1.28.4+k3s2 起写入。SQLite 和外部数据存储在集群中没有记录，无法检查其备份。',
    },
    fix: {
      en: 'manual: run k3s etcd-snapshot save on a server, and copy the file and the server token off the Node.',
      zh: '手动：在一个 server 上运行“k3s etcd-snapshot save”，并将该文件和 server 的令牌复制到节点之外。',
    },
  },
  sources: ['docs.k3s.io/cli/etcd-snapshot', 'docs.k3s.io/upgrades/roll-back', 'k3s-io/api: k3s.cattle.io/v1/types.go'],
  applies: { stage: 'before' },
  reads,
  judge: (rows, { now }) => {
    const members = rows.nodes.filter(({ labels }) => labels[ETCD] !== undefined);
    if (!members.length) return { notApplicable: NO_ETCD };
    const good = rows.snapshots.filter(({ ready, error, created }) => ready && error === undefined && created !== undefined);
    const newest = good.toSorted((a, b) => b.created! - a.created!)[0];
    const hours = newest && Math.floor((now - newest.created!) / 3_600_000);
    if (hours !== undefined && hours < HOURS) return [];
    return [finding({ hours, failed: rows.snapshots.filter(({ error }) => error !== undefined).length }, newest?.ref ?? members[0]!.ref)];
  },
  say: ({ hours, failed }) => ({
    en: `${hours === undefined ? 'no etcd snapshot has succeeded' : `newest etcd snapshot is ${ageOf(hours).en} old`}${failed ? `, ${failed} failed` : ''}: going back would lose everything written since`,
    zh: `${hours === undefined ? '没有成功的 etcd 快照' : `最新的 etcd 快照在 ${ageOf(hours).zh}前`}${failed ? `，另有 ${failed} 个失败` : ''}：回退会丢失此后写入的全部内容`,
  }),
};
export default check;

const NO_ETCD: Text = {
  en: 'no embedded etcd; backups of SQLite or an external datastore cannot be seen from the cluster',
  zh: '没有内嵌 etcd；无法从集群中看到 SQLite 或外部数据存储的备份',
};

const finding = (args: Args, at: Ref): Finding<Args> => ({
  severity: 'warning',
  key: [],
  certainty: 'high',
  objects: [at],
  args,
  evidence: [{ seen: args.hours === undefined ? 'status.readyToUse' : 'status.creationTime', at }],
});
