// The garbage collection of these releases can free the IP of a running Pod: its trace of a deleted Pod of a StatefulSet goes by the name, and meets the Pod that was made since.
// Sources: knowledge/notes.json (gc); fixed in 0.8.8, 0.9.5 and 1.0.0-rc2, so the range is one per line.
import { finding } from '../../../engine/builders.ts';
import type { Check } from '../../../engine/contracts.ts';
import { each, label, list, where, word } from '../../../engine/read/index.ts';
import { notes } from '../knowledge/tables.ts';

/** Of the controller; the chart sets it from ipam.gc.enabled. */
const ENABLED = 'SPIDERPOOL_GC_IP_ENABLED';

const reads = {
  controllers: list(
    'deployments.apps',
    {
      instance: label('app.kubernetes.io/instance'),
      containers: each('spec.template.spec.containers', { env: each('env', { enabled: where('name', ENABLED, word('value')) }) }),
    },
    { labels: 'app.kubernetes.io/name=spiderpool' },
  ),
};

const check: Check<typeof reads, { version: string }> = {
  id: 'spiderpool/ip-gc',
  title: { en: 'IP garbage collection never releases the IP of a running Pod', zh: 'IP 回收不会释放运行中 Pod 的 IP' },
  headline: { en: 'IP garbage collection can release IPs of running Pods', zh: 'IP 回收可能释放运行中 Pod 的 IP' },
  page: {
    impact: {
      en: 'Up to 0.8.7, in 0.9.0–0.9.4 and in 1.0.0-rc0 and rc1, garbage collection can release the IP of a running Pod: when a StatefulSet is scaled down and up within the grace period of its Pods. The next Pod gets the same IP, and both use it.',
      zh: '0.8.7 及更早版本、0.9.0–0.9.4、1.0.0-rc0 和 rc1 的 IP 回收可能释放运行中 Pod 的 IP：在宽限期内将 StatefulSet 缩容再扩容即可触发。之后的 Pod 会分配到同一 IP，造成冲突。',
    },
    detection: {
      en: `Compares the installed version with the releases that have the fix (0.8.8, 0.9.5, 1.0.0-rc2). Silent where garbage collection is off (${ENABLED}=false).`,
      zh: `将当前版本与已修复的版本（0.8.8、0.9.5、1.0.0-rc2）比较。关闭 IP 回收（${ENABLED}=false）时不报告。`,
    },
    fix: {
      en: 'manual: upgrade; to stay on 0.8 or 0.9, to 0.8.13 or 0.9.13. Until then do not scale a StatefulSet down and up in quick succession.',
      zh: '手动：升级；同一版本线内可升级到 0.8.13 或 0.9.13。在此之前不要短时间内将 StatefulSet 缩容再扩容。',
    },
    limits: {
      en: "IPs that it has already released are reported by duplicate-pod-ip and unrecorded-pod-ip. Spiderpool's upgrade guide names only 0.9.4 and older, and recommends a restart of the Pod, which helps only if its SpiderEndpoint is deleted as well.",
      zh: '已造成的 IP 问题由 duplicate-pod-ip 和 unrecorded-pod-ip 检查。Spiderpool 的升级指南只说 0.9.4 及更早版本受影响，建议重启 Pod；但只有该 Pod 的 SpiderEndpoint 也已删除时，重启才有效。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().gc.source}`];
  },
  get applies() {
    return { from: notes().gc.from, stage: 'both' as const };
  },
  needs: ['version'],
  reads,
  judge: ({ controllers }, { path: { installation, from: version } }) => {
    const own = controllers.filter(({ ref, instance }) => ref.namespace === installation.namespace && instance === installation.name);
    const said = own.flatMap(({ containers }) => containers.flatMap(({ env }) => env.flatMap(({ enabled }) => enabled ?? [])));
    if (said.includes('false')) return [];
    return [
      finding({
        severity: 'warning',
        key: ['gc'],
        objects: own.map(({ ref }) => ref),
        args: { version: String(version) },
        evidence: [{ seen: `${ENABLED}: ${said[0] ?? '""'}` }],
      }),
    ];
  },
  say: ({ version }) => ({
    en: `Spiderpool ${version}: IP garbage collection can release the IP of a running Pod (StatefulSet scaled down and up) and assign it to another Pod`,
    zh: `Spiderpool ${version}：IP 回收可能释放运行中 Pod 的 IP（StatefulSet 缩容再扩容时），并分配给其他 Pod`,
  }),
};
export default check;
