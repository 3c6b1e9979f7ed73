// Settings of workloads that lose their meaning without an error: seccomp profiles in annotations, which 1.27 ignores, and time zones in the schedule of a CronJob, which 1.29 no
// longer lets one be created with. Sources: kubernetes pkg/registry/core/pod/strategy.go@1.26.15 (applySeccompVersionSkew: of every container, init containers too; gone in
// 1.27.16), pkg/api/pod/warnings.go@1.27.16, pkg/apis/batch/validation/validation.go@1.28.15, @1.29.15 (validateScheduleFormat); PR 114947, PR 116252; KEP-135, KEP-3140.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { each, list, maybe, word, wordsFrom } from '../../../engine/read/index.ts';
import { templates, templatesIn } from '../templates.ts';

const [POD, CONTAINER] = ['seccomp.security.alpha.kubernetes.io/pod', 'container.seccomp.security.alpha.kubernetes.io/'];
const PROFILE = { type: word('securityContext.seccompProfile.type'), path: word('securityContext.seccompProfile.localhostProfile') };
const CONTAINERS = { name: word('name', ''), ...PROFILE };
const reads = {
  ...templates((at) => ({
    ofPod: word(`${at}.metadata.annotations['${POD}']`),
    ofContainers: wordsFrom(`${at}.metadata.annotations`, CONTAINER),
    pod: maybe(`${at}.spec`, PROFILE),
    containers: each(`${at}.spec.containers`, CONTAINERS),
    init: each(`${at}.spec.initContainers`, CONTAINERS),
  })),
  schedules: list('cronjobs.batch', { schedule: word('spec.schedule', '') }, { optional: true }),
};
type Is = 'seccomp' | 'zone';
interface Args {
  is: Is;
}
const SINCE: Record<Is, string> = { seccomp: '1.27', zone: '1.29' };

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/ignored-settings',
  title: { en: 'workloads have only settings that stay in effect', zh: '工作负载的设置均继续有效' },
  headline: { en: 'workloads have settings that will be ignored or rejected', zh: '工作负载含有将被忽略或拒绝的设置' },
  page: {
    impact: {
      en: 'From 1.27 on, API servers no longer copy a seccomp profile from annotations into new Pods: these start without it. From 1.29 on, a CronJob with TZ or CRON_TZ in its schedule can no longer be created (restore, reinstallation); one that exists stays and can be changed.',
      zh: '自 1.27 起，API 服务器不再将注解中的 seccomp 配置写入新 Pod：新 Pod 启动时不带该配置。自 1.29 起，schedule 中含有 TZ 或 CRON_TZ 的 CronJob 无法再创建（恢复备份、重新安装）；已有的对象会保留，并可继续修改。',
    },
    detection: {
      en: 'If the path crosses 1.27, compares the profile that annotations give each container (init containers too) with securityContext.seccompProfile, which stays in effect. If it crosses 1.29, reads the schedule of CronJobs.',
      zh: '升级路径跨越 1.27 时，将 Pod 模板中每个容器（含 init 容器）的 securityContext.seccompProfile（升级后仍有效）与注解中的 seccomp 配置比较；跨越 1.29 时，读取 CronJob 的 schedule。',
    },
    fix: {
      en: 'manual: where the workload is declared, set securityContext.seccompProfile instead of the annotation, and spec.timeZone instead of TZ.',
      zh: '手动：在声明工作负载的位置，用 securityContext.seccompProfile 代替注解，用 spec.timeZone 代替 TZ。',
    },
    limits: {
      en: 'Pods without a controller are not read. Where the kubelet has seccompDefault, Pods without a profile get RuntimeDefault.',
      zh: '不读取没有控制器的 Pod。kubelet 设置了 seccompDefault 时，未指定配置的 Pod 使用 RuntimeDefault。',
    },
  },
  sources: [
    'kubernetes/enhancements: KEP-135, KEP-3140',
    'kubernetes/kubernetes v1.26.15, v1.27.16: pkg/registry/core/pod/strategy.go; PR 114947',
    'kubernetes/kubernetes v1.28.15, v1.29.15: pkg/apis/batch/validation/validation.go; PR 116252',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ schedules, ...rows }, { path: { hops } }) => {
    const unconfined = templatesIn(rows).filter(losesProfile);
    const zoned = seen(schedules).filter(({ schedule }) => schedule.includes('TZ'));
    return [...told('seccomp', unconfined, hops), ...told('zone', zoned, hops)];
  },
  say: ({ is }, { length }) =>
    is === 'seccomp'
      ? {
          en: `${length} workload${length === 1 ? ' names' : 's name'} a seccomp profile in annotations only: ignored from 1.27 on, new Pods start without it`,
          zh: `${length} 个工作负载仅在注解中指定了 seccomp 配置：自 1.27 起不再生效，新 Pod 启动时不带该配置`,
        }
      : {
          en: `${length} CronJob${length === 1 ? ' has' : 's have'} a time zone in the schedule: from 1.29 on such a CronJob cannot be created`,
          zh: `${length} 个 CronJob 在 schedule 中指定了时区：自 1.29 起无法再创建这样的 CronJob`,
        },
};
export default check;

interface Field {
  type?: string;
  path?: string;
}
interface Template {
  ofPod?: string;
  ofContainers: Record<string, string>;
  pod?: Field;
  containers: (Field & { name: string })[];
  init: (Field & { name: string })[];
}
const UNCONFINED = 'Unconfined';
const written = ({ type, path }: Field = {}): string | undefined => (type === 'Localhost' ? `${type} ${path}` : type);

/** What the API server wrote into the field of a new Pod up to 1.26, where an annotation stood alone; undefined: nothing. */
function fromAnnotation(annotation = ''): string | undefined {
  if (annotation === 'runtime/default' || annotation === 'docker/default') return 'RuntimeDefault';
  const [, file] = /^localhost\/(.+)$/.exec(annotation) ?? [];
  return file ? `Localhost ${file}` : annotation === 'unconfined' ? UNCONFINED : undefined;
}

/** Does a container get another profile once annotations are not looked at? None is the same as Unconfined. */
const losesProfile = ({ ofPod, ofContainers, pod, containers, init }: Template): boolean =>
  [...init, ...containers].some((container) => {
    const [own, ofAll] = [written(container), written(pod)];
    const before = own ?? fromAnnotation(ofContainers[`${CONTAINER}${container.name}`]) ?? ofAll ?? fromAnnotation(ofPod);
    return (before ?? UNCONFINED) !== (own ?? ofAll ?? UNCONFINED);
  });

const SEEN: Record<Is, string> = { seccomp: 'spec.template.metadata.annotations', zone: 'spec.schedule' };

const told = (is: Is, rows: { ref: Ref }[], hops: readonly string[]): Finding<Args>[] =>
  rows.length && hops.includes(SINCE[is])
    ? [
        finding({
          severity: is === 'seccomp' ? 'warning' : 'notice',
          key: [is],
          objects: rows.map(({ ref }) => ref),
          args: { is },
          evidence: rows.slice(0, 3).map(({ ref }) => ({ seen: SEEN[is], at: ref })),
          hop: SINCE[is],
        }),
      ]
    : [];
