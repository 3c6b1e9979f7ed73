// Pods that share a volume with different SELinux labels: from 1.37 a volume is mounted with the label of one Pod (SELinuxMount), and the others do not start on that Node.
// Sources: CHANGELOG-1.37 139956; kubernetes pkg/features/kube_features.go:2097@1.37.2, pkg/controller/volume/selinuxwarning/translator (which labels conflict), pkg/volume.
import { finding } from '../../../engine/builders.ts';
import type { Check, RowOf, Rows } from '../../../engine/contracts.ts';
import { each, flag, keys, list, maybe, word } from '../../../engine/read/index.ts';

const label = maybe('securityContext.seLinuxOptions', {
  user: word('user', ''),
  role: word('role', ''),
  type: word('type', ''),
  level: word('level', ''),
});
const POD = {
  phase: word('status.phase', ''),
  policy: word('spec.securityContext.seLinuxChangePolicy', ''),
  pod: maybe('spec', { label, containers: each('containers', { label }) }),
  claims: each('spec.volumes', { name: word('persistentVolumeClaim.claimName', '') }),
};
const HOP = '1.37';
const concerns = (hops: readonly string[]) => hops.includes(HOP);
const reads = {
  pods: list('pods', POD, { only: ({ phase, claims }) => phase !== 'Succeeded' && phase !== 'Failed' && claims.some(({ name }) => name) }),
  claims: list('persistentvolumeclaims', { volume: word('spec.volumeName', '') }, { concerns }),
  volumes: list('persistentvolumes', { driver: word('spec.csi.driver', ''), keys: keys('spec') }, { concerns }),
  drivers: list('csidrivers.storage.k8s.io', { mounts: flag('spec.seLinuxMount', false) }, { concerns }),
};
interface Args {
  claim: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/selinux-mount',
  title: { en: 'Pods that share a volume have the same SELinux label', zh: '共享卷的 Pod 使用相同的 SELinux 标签' },
  headline: { en: 'Pods share a volume with different SELinux labels', zh: '共享卷的 Pod 的 SELinux 标签不同' },
  page: {
    impact: {
      en: 'From 1.37 on a kubelet with SELinux mounts a volume with the label of its first Pod. A Pod with another label on the same Node stays in ContainerCreating.',
      zh: '自 1.37 起，启用 SELinux 的 kubelet 以第一个 Pod 的标签挂载卷。同一节点上使用其他标签的 Pod 停留在 ContainerCreating。',
    },
    detection: {
      en: 'Compares seLinuxOptions of the Pods that use one PersistentVolumeClaim, of volumes whose CSIDriver has seLinuxMount true, and of iSCSI and FC volumes. Pods with seLinuxChangePolicy Recursive are ignored.',
      zh: '比较使用同一 PersistentVolumeClaim 的各 Pod 的 seLinuxOptions，仅限 CSIDriver 的 seLinuxMount 为 true 的卷以及 iSCSI、FC 卷。seLinuxChangePolicy 为 Recursive 的 Pod 会被忽略。',
    },
    fix: {
      en: 'manual: give the Pods the same seLinuxOptions, or set seLinuxChangePolicy Recursive on all of them.',
      zh: '手动：为这些 Pod 设置相同的 seLinuxOptions，或全部设置 seLinuxChangePolicy: Recursive。',
    },
    limits: {
      en: 'No object says whether Nodes use SELinux; where they do not, nothing changes.',
      zh: '没有对象记录节点是否启用 SELinux；未启用的节点不受影响。',
    },
  },
  sources: ['kubernetes/kubernetes: CHANGELOG/CHANGELOG-1.37.md, PR 139956', 'kubernetes/kubernetes: pkg/controller/volume/selinuxwarning'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ pods, ...storage }, { path: { hops } }) => {
    if (!hops.includes(HOP)) return [];
    const mounted = mountedWithLabel(storage);
    const users = pods
      .filter(({ policy }) => policy !== 'Recursive')
      .flatMap((pod) =>
        pod.claims
          .filter(({ name }) => name)
          .map(({ name }) => ({ ref: pod.ref, claim: `${pod.ref.namespace}/${name}`, label: labelOf(pod) })),
      );
    return [...Map.groupBy(users, ({ claim }) => claim)].flatMap(([claim, all]) => {
      const odd = all.filter((one) => all.some((other) => conflicts(one.label, other.label)));
      if (!odd.length || !mounted.has(claim)) return [];
      const evidence = odd.slice(0, 3).map(({ ref, label }) => ({ seen: `seLinuxOptions=${label.join(':')}`, at: ref }));
      return [
        finding({
          severity: 'warning',
          key: [claim],
          certainty: 'medium',
          objects: odd.map(({ ref }) => ref),
          args: { claim },
          evidence,
          hop: HOP,
        }),
      ];
    });
  },
  say: ({ claim }, { length }) => ({
    en: `${length} Pods use PersistentVolumeClaim ${claim} with different SELinux labels: from ${HOP} on only those with one label start on a Node`,
    zh: `${length} 个 Pod 以不同的 SELinux 标签使用 PersistentVolumeClaim ${claim}：自 ${HOP} 起，同一节点上只有标签相同的 Pod 能启动`,
  }),
};
export default check;

type Label = [user: string, role: string, type: string, level: string];

/** The Pod's own, over which a container's counts. */
function labelOf({ pod }: RowOf<typeof POD>): Label {
  const { user, role, type, level } = { ...pod?.label, ...pod?.containers.find(({ label }) => label)?.label };
  return [user ?? '', role ?? '', type ?? '', level ?? ''];
}

/** As the controller of upstream has it: the level always counts, other parts where both are given. */
const conflicts = (a: Label, b: Label): boolean => a.some((part, at) => part !== b[at] && (at === 3 || (part !== '' && b[at] !== '')));

/** NAMESPACE/NAME of the claims whose volume is mounted with a label. */
function mountedWithLabel({ claims, volumes, drivers }: Omit<Rows<typeof reads>, 'pods'>): Set<string> {
  const named = new Set(drivers.filter(({ mounts }) => mounts).map(({ ref }) => ref.name));
  const able = new Set(
    volumes.filter(({ driver, keys }) => named.has(driver) || keys.includes('iscsi') || keys.includes('fc')).map(({ ref }) => ref.name),
  );
  return new Set(claims.filter(({ volume }) => able.has(volume)).map(({ ref }) => `${ref.namespace}/${ref.name}`));
}
