// Volumes, StorageClasses and PersistentVolumes of plugins that are no longer part of Kubernetes: without a replacement their Pods do not start; those that a CSI driver
// serves need that driver. The plugins are rows of knowledge/volume-plugins.json.
import type { Check, Finding, Gap, Manifest, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { declaredRef, each, keys, list, manifests, word } from '../../../engine/read/index.ts';
import { isRaw } from '../../../kube/json.ts';
import { podSpecOf } from '../../../kube/templates.ts';
import { type VolumePlugin, volumePlugins } from '../knowledge/tables.ts';

const reads = {
  pods: list('pods', { volumes: each('spec.volumes', { keys: keys('') }) }, { optional: true }),
  persistentVolumes: list('persistentvolumes', { keys: keys('spec') }, { optional: true }),
  classes: list('storageclasses.storage.k8s.io', { provisioner: word('provisioner', '') }, { optional: true }),
  drivers: list('csidrivers.storage.k8s.io', {}, { optional: true }),
  /** Controllers whose Pods are still to be made. */
  templates: manifests(volumesIn),
};
interface Args {
  plugin: string;
  driver: string;
  hop: string;
  /** Which CSIDrivers there are is not known; of what only kubeadm drops, whether it is a cluster of kubeadm. */
  unseen: boolean;
  only?: 'kubeadm';
}
const KUBEADM: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/in-tree-volume-plugins',
  title: { en: 'volumes use plugins that the target version has', zh: '卷只使用目标版本具有的插件' },
  headline: { en: 'volumes use plugins the target version does not have', zh: '卷使用了目标版本没有的插件' },
  page: {
    impact: {
      en: 'A kubelet without the plugin cannot mount the volume: its Pods stay in ContainerCreating after a drain, and a StorageClass of the plugin creates no volumes. The data on the storage is not touched.',
      zh: '没有该插件的 kubelet 无法挂载卷：腾空节点后相关 Pod 停留在 ContainerCreating，使用该插件的 StorageClass 也无法创建卷。存储上的数据不受影响。',
    },
    detection: {
      en: 'Compares the volumes of Pods, PersistentVolumes and the provisioners of StorageClasses with the plugins that each minor on the way removes. Plugins that a CSI driver serves are reported only while its CSIDriver is missing.',
      zh: '将 Pod 的卷、PersistentVolume 及 StorageClass 的 provisioner 与途经的每个次要版本移除的插件比较。由 CSI 驱动提供服务的插件只在缺少其 CSIDriver 时报告。',
    },
    fix: {
      en: 'manual: install the CSI driver, or move the data to another kind of volume. Replace gitRepo with an init container that clones into an emptyDir. For flexVolume, add its directory to controllerManager.extraVolumes in ConfigMap kubeadm-config.',
      zh: '手动：安装相应的 CSI 驱动，或将数据迁移到其他类型的卷。gitRepo 请改为由 init 容器克隆到 emptyDir。flexVolume 请在 ConfigMap kubeadm-config 的 controllerManager.extraVolumes 中加入其目录。',
    },
    limits: {
      en: 'flexVolume stays, but kubeadm 1.36 no longer mounts its directory into kube-controller-manager: whether a driver needs that is not visible.',
      zh: 'flexVolume 仍然保留，但 kubeadm 1.36 不再将其目录挂载到 kube-controller-manager：无法判断驱动是否需要该目录。',
    },
  },
  sources: [
    {
      en: 'kubernetes/kubernetes: pkg/volume of 1.24 to 1.37, cmd/kubelet/app/plugins.go',
      zh: 'kubernetes/kubernetes：1.24 至 1.37 的 pkg/volume、cmd/kubelet/app/plugins.go',
    },
    'kubernetes/csi-translation-lib: plugins',
    'KEP-5040',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  pointReads: [{ resource: 'configmaps', names: [KUBEADM.name], columns: [] }],
  judge: async ({ pods, persistentVolumes, classes, drivers, templates }: Rows<typeof reads>, { path: { hops }, look }) => {
    const isThere = (name: string | undefined) => !isGap(drivers) && drivers.some(({ ref }) => ref.name === name);
    const found: Finding<Args>[] = [];
    for (const plugin of volumePlugins().plugins.filter(({ gone, driver }) => hops.includes(gone) && !isThere(driver))) {
      const { field, provisioner, only } = plugin;
      const users = [
        ...seen(pods).filter(({ volumes }) => volumes.some(({ keys }) => keys.includes(field))),
        ...templates.filter(({ volumes }) => volumes.some((keys) => keys.includes(field))),
        ...seen(persistentVolumes).filter(({ keys }) => keys.includes(field)),
        ...seen(classes).filter((each) => provisioner !== undefined && each.provisioner === provisioner),
      ].map(({ ref }) => ref);
      if (!users.length) continue;
      const kubeadm = only ? await look.get(KUBEADM) : undefined;
      if (only && !kubeadm) continue;
      found.push(finding(plugin, users, isGap(only ? kubeadm : drivers)));
    }
    return found;
  },
  say: ({ plugin, driver, hop, unseen, only }, { length }): Text => {
    if (only)
      return {
        en: `${length} object${length === 1 ? '' : 's'} with ${plugin}: kubeadm ${hop} no longer mounts its directory into kube-controller-manager, which cannot attach or resize these volumes`,
        zh: `${length} 个对象使用 ${plugin}：kubeadm ${hop} 不再将其目录挂载到 kube-controller-manager，后者无法挂接或扩容这些卷`,
      };
    const missing = driver && (unseen ? NEEDS(driver) : MISSING(driver));
    return {
      en: `${length} object${length === 1 ? '' : 's'} with volume plugin ${plugin}: removed in ${hop}${missing ? missing.en : ''}; the volumes cannot be mounted${missing && unseen ? ' without it' : ''}`,
      zh: `${length} 个对象使用卷插件 ${plugin}：${hop} 中已没有该插件${missing ? missing.zh : ''}，${missing && unseen ? '否则' : ''}卷无法挂载`,
    };
  },
};
export default check;

const MISSING = (driver: string): Text => ({ en: `, and CSIDriver ${driver} is missing`, zh: `，且缺少 CSIDriver ${driver}` });
const NEEDS = (driver: string): Text => ({ en: `, needs CSIDriver ${driver} in the cluster`, zh: `，需要集群中有 CSIDriver ${driver}` });
const seen = <Row>(rows: Row[] | Gap): Row[] => (isGap(rows) ? [] : rows);

/** Pods themselves are among the lists. */
function volumesIn(manifest: Manifest): { ref: Ref; volumes: string[][] } | undefined {
  const { object } = manifest;
  const volumes = object.kind === 'Pod' ? undefined : podSpecOf(object)?.spec.volumes;
  return Array.isArray(volumes)
    ? { ref: declaredRef(manifest), volumes: volumes.map((each) => (isRaw(each) ? Object.keys(each) : [])) }
    : undefined;
}

const seenAt = ({ kind }: Ref, { field, provisioner }: VolumePlugin): string =>
  kind === 'StorageClass' ? `provisioner=${provisioner}` : kind === 'PersistentVolume' ? `spec.${field}` : `spec.volumes[].${field}`;

const finding = (plugin: VolumePlugin, objects: Ref[], unseen: boolean): Finding<Args> => ({
  severity: unseen && (plugin.driver || plugin.only) ? 'notice' : plugin.only ? 'warning' : 'blocker',
  key: [plugin.field],
  certainty: plugin.only ? 'medium' : 'certain',
  objects,
  args: { plugin: plugin.field, driver: plugin.driver ?? '', hop: plugin.gone, unseen, ...(plugin.only ? { only: plugin.only } : {}) },
  evidence: objects.slice(0, 3).map((at) => ({ seen: seenAt(at, plugin), at })),
  hop: plugin.gone,
});
