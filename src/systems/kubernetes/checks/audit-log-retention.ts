// Audit logs that kube-apiserver kept without a bound and that it deletes from 1.36 on, where the flags of their retention are not set.
// Sources: flagDefaults of knowledge/components.json (kube-apiserver 1.35.8 and 1.36.4 asked for their flags); CHANGELOG/CHANGELOG-1.36.md.
import { finding } from '../../../engine/builders.ts';
import type { Check, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { flagsOf } from '../command-line.ts';
import { components } from '../knowledge/tables.ts';
import { unseen } from '../managed.ts';
import { controlPlaneOf, later, nodes, staticPods } from '../reads.ts';

const reads = later(() => ({ ...staticPods(), nodes: { ...nodes, optional: true } as const }));
const BOUNDS = ['audit-log-maxage', 'audit-log-maxbackup'];
interface Args {
  flag: string;
  value: string;
  hop: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/audit-log-retention',
  title: { en: 'kube-apiserver sets how long it keeps audit logs', zh: 'kube-apiserver 设置了审计日志的保留期限和数量' },
  headline: { en: 'old audit logs are deleted after the upgrade', zh: '升级后会删除较旧的审计日志' },
  page: {
    impact: {
      en: 'Up to 1.35 kube-apiserver keeps all files of --audit-log-path. From 1.36 on it deletes files older than 366 days, and all but the newest 100, unless the flags say otherwise.',
      zh: '1.35 及之前，kube-apiserver 保留 --audit-log-path 的所有文件。自 1.36 起，未设置相应参数时会删除超过 366 天的文件，且只保留最新的 100 个。',
    },
    detection: {
      en: 'Reads --audit-log-path, --audit-log-maxage and --audit-log-maxbackup on the command lines of static Pods of kube-apiserver.',
      zh: '读取 kube-apiserver 静态 Pod 命令行中的 --audit-log-path、--audit-log-maxage 和 --audit-log-maxbackup。',
    },
    fix: {
      en: 'manual: set --audit-log-maxage and --audit-log-maxbackup on kube-apiserver; 0 keeps all files as before. With kubeadm, also in ConfigMap kubeadm-config.',
      zh: '手动：在 kube-apiserver 上设置 --audit-log-maxage 和 --audit-log-maxbackup；设为 0 时与此前一样保留所有文件。使用 kubeadm 时还需修改 ConfigMap kubeadm-config。',
    },
    limits: {
      en: 'Managed control planes are not visible.',
      zh: '托管的控制平面不可见。',
    },
  },
  sources: ['kubernetes/kubernetes: CHANGELOG/CHANGELOG-1.36.md', 'knowledge/components.json: flagDefaults'],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  judge: (rows: Rows<ReturnType<typeof reads>>, { path: { from, to, hops } }) => {
    const seen = controlPlaneOf(rows);
    const closed = unseen(seen, from, isGap(rows.nodes) ? [] : rows.nodes, to);
    if (closed) return closed;
    const servers = seen
      .filter(({ component }) => component === 'kube-apiserver')
      .map(({ ref, flags }) => ({ ref, flags: flagsOf(flags) }))
      .filter(({ flags }) => !['', '-'].includes(flags.get('audit-log-path')?.at(-1) ?? ''));
    const changed = components().flagDefaults.filter(({ component, name }) => component === 'kube-apiserver' && BOUNDS.includes(name));
    return changed.flatMap(({ name, changes }) =>
      changes
        .filter(([hop]) => hops.includes(hop))
        .flatMap(([hop, value]) => {
          const unset = servers.filter(({ flags }) => !flags.has(name));
          if (!unset.length) return [];
          return [
            finding({
              severity: 'warning',
              key: [name],
              objects: unset.map(({ ref }) => ref),
              args: { flag: name, value, hop },
              evidence: unset.map(({ ref, flags }) => ({ seen: `--audit-log-path=${flags.get('audit-log-path')!.at(-1)}`, at: ref })),
              hop,
            }),
          ];
        }),
    );
  },
  say: ({ flag, value, hop }) => {
    const what: Text =
      flag === 'audit-log-maxage'
        ? { en: `deletes audit logs after ${value} days`, zh: `会删除超过 ${value} 天的审计日志` }
        : { en: `keeps only the newest ${value} audit log files`, zh: `只保留最新的 ${value} 个审计日志文件` };
    return {
      en: `kube-apiserver ${what.en} from ${hop} on: --${flag} is not set`,
      zh: `自 ${hop} 起 kube-apiserver ${what.zh}：未设置 --${flag}`,
    };
  },
};
export default check;
