// CronJobs in the namespaces of the mesh: the Pods of a Job that starts while an upgrade replaces osm-injector go through its webhook.
// Sources: pkg/injector/webhook.go (failurePolicy Fail; which namespaces it selects); kubernetes batch/v1 (suspend: no further Job is started).
import { finding } from '../../../engine/builders.ts';
import type { Check } from '../../../engine/contracts.ts';
import { flag, list, word } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { manual } from '../manual.ts';
import { meshNamespaces, namespacesOf, workloads } from '../reads.ts';

const reads = {
  namespaces: meshNamespaces,
  workloads,
  cronJobs: list('cronjobs.batch', { schedule: word('spec.schedule', ''), suspended: flag('spec.suspend', false) }),
};
interface Args {
  name: string;
  namespace: string;
  schedule: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/cron-jobs',
  title: { en: 'CronJobs in the namespaces of the mesh are suspended', zh: '网格命名空间中的 CronJob 已暂停' },
  headline: { en: 'CronJobs in the mesh can start during the upgrade', zh: '网格中的 CronJob 可能在升级期间启动' },
  page: {
    impact: {
      en: 'Every new Pod of the mesh is admitted by osm-injector (failurePolicy Fail). Pods of a Job that starts while the upgrade replaces osm-injector can be refused, so that the Job starts late or misses its deadline.',
      zh: '网格中的新 Pod 均须由 osm-injector 准入（failurePolicy 为 Fail）。升级替换 osm-injector 期间启动的 Job，其 Pod 可能被拒绝，导致 Job 延迟开始或超过期限。',
    },
    detection: {
      en: 'Lists the CronJobs in the namespaces of the mesh that are not suspended.',
      zh: '列出网格命名空间中未暂停的 CronJob。',
    },
    fix: {
      en: 'manual: upgrade between two runs, or suspend the CronJob for the time of the upgrade.',
      zh: '手动：在两次运行之间升级，或在升级期间暂停该 CronJob。',
    },
    limits: {
      en: 'Whether a schedule falls into the time of the upgrade is not judged.',
      zh: '不判断调度时间是否落在升级期间。',
    },
  },
  sources: ['flomesh-io/osm-edge: pkg/injector/webhook.go@v1.3.9', 'kubernetes/api: batch/v1/types.go (CronJobSpec)'],
  applies: { stage: 'before' },
  reads,
  judge: ({ namespaces, workloads: own, cronJobs }, { path }) => {
    const mesh = namespacesOf(namespaces, own, path.installation);
    return cronJobs
      .filter(({ ref, suspended }) => mesh.has(ref.namespace ?? '') && !suspended)
      .map(({ ref, schedule }) =>
        finding<Args>({
          severity: 'notice',
          key: [ref.namespace ?? '', ref.name],
          objects: [ref],
          args: { name: ref.name, namespace: ref.namespace ?? '', schedule },
          evidence: [{ seen: `spec.schedule: ${schedule}; spec.suspend: false` }],
        }),
      );
  },
  say: ({ name, namespace, schedule }) => ({
    en: `CronJob ${namespace}/${name} (${schedule}) is not suspended: Pods of Jobs that start while osm-injector does not answer are refused`,
    zh: `CronJob ${namespace}/${name}（${schedule}）未暂停：osm-injector 无响应期间启动的 Job，其 Pod 会被拒绝`,
  }),
  remedy: {
    writes: [],
    steps: async (found) =>
      found.map(({ objects, args: { name, namespace } }) =>
        manual(
          {
            en: `upgrade between two runs of ${namespace}/${name}, or suspend it meanwhile`,
            zh: `在 ${namespace}/${name} 的两次运行之间升级，或在此期间暂停它`,
          },
          `kubectl patch cronjob ${shellWord(name)} -n ${shellWord(namespace)} -p '{"spec":{"suspend":true}}'`,
          objects,
        ),
      ),
  },
};
export default check;
