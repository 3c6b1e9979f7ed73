// Whether a backup of etcd can be seen: what made one before (a CronJob with etcdctl or etcdutl, the snapshots of K3s and RKE2, Velero) is expected to make one more.
// Nothing of them: a person confirms it. Sources: as of the check etcd-backup.
import type { Command, Condition, Upgrading } from '../../engine/contracts.ts';
import { each, list, mentions } from '../../engine/read/index.ts';
import { commented, shellWord, toSet, whatIsSet } from '../../text/shell.ts';

export interface Backup {
  seen: Condition;
  /** What is made has a name of its own each time: a runbook that is started again makes another one. */
  command(version: string): Command;
  by: string;
  /** How a restore of it is rehearsed. */
  restore(): Command[];
}

/** In a static Pod of etcd, as kubeadm has it; `pod`: a word of a shell. */
export function etcdctl(pod: string, command: string): string {
  const pki = '/etc/kubernetes/pki/etcd';
  const tls = `--endpoints=https://127.0.0.1:2379 --cacert=${pki}/ca.crt --cert=${pki}/server.crt --key=${pki}/server.key`;
  return `kubectl exec -n kube-system ${pod} -- etcdctl ${tls} ${command}`;
}

/** An etcd of its own beside the real one, from a snapshot; the keys of the namespaces show that it holds the cluster. */
export const restored = (file: string): string[] => {
  const at = 'http://127.0.0.1:23790';
  return [
    // What an earlier rehearsal left is in the way of this one.
    `rm -rf etcd-rehearsal && etcdutl snapshot restore ${file} --data-dir etcd-rehearsal`,
    `etcd --data-dir etcd-rehearsal --listen-client-urls ${at} --advertise-client-urls ${at} --listen-peer-urls http://127.0.0.1:23800 > etcd-rehearsal.log 2>&1 &`,
    `sleep 5; etcdctl --endpoints=${at} get /registry/namespaces/ --prefix --keys-only; kill $!`,
  ];
};
/** A file whose name is not known. */
const FILE = whatIsSet('FILE');
/** Seconds since 1970: two that are made one after the other differ. */
const NOW = '$(date +%s)';
/** Seconds that a backup may be old: what was written since is lost. */
export const LIMIT = 3600;

const WORDS = ['etcdctl', 'etcdutl', 'snapshot'];
const JOB = {
  containers: each('spec.jobTemplate.spec.template.spec.containers', {
    command: mentions('command', WORDS),
    args: mentions('args', WORDS),
  }),
};
const cronJobs = list('cronjobs.batch', JOB, {
  only: ({ containers }) => {
    const words = containers.flatMap(({ command, args }) => [...command, ...args]);
    return words.includes('snapshot') && (words.includes('etcdctl') || words.includes('etcdutl'));
  },
});
/** For a snapshot. */
export const BACKUP_READS = { cronJobs, snapshots: list('etcdsnapshotfiles.k3s.cattle.io', {}), backups: list('backups.velero.io', {}) };
const recent = { newerThan: LIMIT };

/** `by`: RKE2 makes its snapshots itself, and lists them. */
export async function backedUp(source: Upgrading['source'], by: string | undefined): Promise<{ backup?: Backup }> {
  const some = async (resource: string) => {
    let count = 0;
    await source.list({ resource, fields: [] }, { object: () => void count++, restart: () => undefined });
    return count > 0;
  };
  const jobs: NonNullable<ReturnType<typeof cronJobs.keep>>[] = [];
  const { resource, fields } = cronJobs;
  await source.list(
    { resource, fields },
    {
      object: (object) => {
        const row = cronJobs.keep(object);
        if (row) jobs.push(row);
      },
      restart: () => void jobs.splice(0),
    },
  );
  const [job] = jobs;
  if (job) {
    const { namespace = 'default', name } = job.ref;
    const { uid: _, ...on } = job.ref;
    return {
      backup: {
        by: `CronJob ${namespace}/${name}`,
        command: (version) =>
          // The name of a Job has at most 63 characters.
          `kubectl create job -n ${shellWord(namespace)} --from=cronjob/${shellWord(name)} ${shellWord(`${name.slice(0, 30)}-before-${version.replaceAll('.', '-').slice(0, 14)}`)}-${NOW}`,
        restore: () => [
          toSet('FILE', { en: `what CronJob ${namespace}/${name} has saved`, zh: `CronJob ${namespace}/${name} 保存的文件` }),
          ...restored(FILE),
        ],
        seen: { on, must: [{ path: '/status/lastSuccessfulTime', ...recent }] },
      },
    };
  }
  if (by === 'RKE2' || (await some('etcdsnapshotfiles.k3s.cattle.io'))) {
    return {
      backup: {
        by: 'ETCDSnapshotFile',
        restore: () => [
          toSet('FILE', { en: 'listed by kubectl get etcdsnapshotfiles -o wide', zh: '可用 kubectl get etcdsnapshotfiles -o wide 查看' }),
          commented(`rke2 server --cluster-reset --cluster-reset-restore-path=${FILE}`, {
            en: 'on another machine',
            zh: '在另一台机器上执行',
          }),
        ],
        command: (version) =>
          commented(`sudo rke2 etcd-snapshot save --name before-${version}`, { en: 'on a server Node', zh: '在服务器节点上执行' }),
        seen: {
          of: { apiVersion: 'k3s.cattle.io/v1', kind: 'ETCDSnapshotFile' },
          which: 'some',
          must: [
            { path: '/status/readyToUse', is: true },
            { path: '/status/creationTime', ...recent },
          ],
        },
      },
    };
  }
  if (await some('backups.velero.io')) {
    return {
      backup: {
        by: 'Velero',
        // It holds objects, not etcd.
        restore: () => [
          toSet('BACKUP', { en: 'listed by velero backup get', zh: '可用 velero backup get 查看' }),
          commented(`velero restore create rehearsal-${NOW} --from-backup ${whatIsSet('BACKUP')}`, {
            en: 'in another cluster with the same storage location',
            zh: '在另一个使用相同存储位置的集群中执行',
          }),
        ],
        command: (version) => `velero backup create before-${version}-${NOW} --wait`,
        seen: {
          of: { apiVersion: 'velero.io/v1', kind: 'Backup' },
          which: 'some',
          must: [
            { path: '/status/phase', is: 'Completed' },
            { path: '/status/completionTimestamp', ...recent },
          ],
        },
      },
    };
  }
  return {};
}
