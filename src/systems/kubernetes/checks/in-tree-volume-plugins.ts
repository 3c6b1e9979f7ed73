// Volumes, StorageClasses and PersistentVolumes of plugins that are no longer part of Kubernetes: without a replacement their Pods do not start; those that a CSI driver
// serves need that driver. Sources: pkg/volume of each minor; csi-translation-lib plugins; CHANGELOGs 1.25 to 1.36; KEP-5040 (gitRepo).
import type { Check, Finding, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { each, keys, list, word } from '../../../engine/read/index.ts';

const reads = {
  pods: list('pods', { volumes: each('spec.volumes', { keys: keys('') }) }),
  persistentVolumes: list('persistentvolumes', { keys: keys('spec') }),
  classes: list('storageclasses.storage.k8s.io', { provisioner: word('provisioner', '') }),
  drivers: list('csidrivers.storage.k8s.io', {}),
};
/** `driver`: the CSI driver that serves these volumes, where there is one. `provisioner`: of StorageClasses. */
interface Plugin {
  field: string;
  provisioner?: string;
  gone: string;
  driver?: string;
}
const PLUGINS: Plugin[] = [
  { field: 'flocker', provisioner: 'kubernetes.io/flocker', gone: '1.25' },
  { field: 'quobyte', provisioner: 'kubernetes.io/quobyte', gone: '1.25' },
  { field: 'storageos', provisioner: 'kubernetes.io/storageos', gone: '1.25' },
  { field: 'glusterfs', provisioner: 'kubernetes.io/glusterfs', gone: '1.26' },
  { field: 'cinder', provisioner: 'kubernetes.io/cinder', gone: '1.26', driver: 'cinder.csi.openstack.org' },
  { field: 'awsElasticBlockStore', provisioner: 'kubernetes.io/aws-ebs', gone: '1.27', driver: 'ebs.csi.aws.com' },
  { field: 'azureDisk', provisioner: 'kubernetes.io/azure-disk', gone: '1.27', driver: 'disk.csi.azure.com' },
  { field: 'gcePersistentDisk', provisioner: 'kubernetes.io/gce-pd', gone: '1.28', driver: 'pd.csi.storage.gke.io' },
  { field: 'azureFile', provisioner: 'kubernetes.io/azure-file', gone: '1.30', driver: 'file.csi.azure.com' },
  { field: 'vsphereVolume', provisioner: 'kubernetes.io/vsphere-volume', gone: '1.30', driver: 'csi.vsphere.vmware.com' },
  { field: 'rbd', provisioner: 'kubernetes.io/rbd', gone: '1.31' },
  { field: 'cephfs', gone: '1.31' },
  { field: 'gitRepo', gone: '1.33' },
  { field: 'portworxVolume', provisioner: 'kubernetes.io/portworx-volume', gone: '1.36', driver: 'pxd.portworx.com' },
];
interface Args {
  plugin: string;
  driver: string;
  hop: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/in-tree-volume-plugins',
  title: { en: 'volumes use plugins that the target version has', zh: '卷只使用目标版本具有的插件' },
  headline: { en: 'volumes use plugins the target version does not have', zh: '卷使用了目标版本没有的插件' },
  page: {
    impact: {
      en: 'A kubelet without the plugin cannot mount the volume: its Pods stay in ContainerCreating after a drain, and a StorageClass of the plugin makes no volume. The data on the storage stay.',
      zh: '没有该插件的 kubelet 无法挂载卷：腾空节点后相关 Pod 停留在 ContainerCreating，使用该插件的 StorageClass 也无法创建卷。存储上的数据不受影响。',
    },
    detection: {
      en: 'Compares the volumes of Pods, PersistentVolumes and the provisioners of StorageClasses with the plugins that each minor on the way removes. Plugins that a CSI driver serves are reported only while its CSIDriver is missing.',
      zh: '将 Pod 的卷、PersistentVolume 及 StorageClass 的 provisioner 与途经的每个次要版本移除的插件比较。由 CSI 驱动提供服务的插件只在缺少其 CSIDriver 时报告。',
    },
    fix: {
      en: 'manual: install the CSI driver, or move the data to another kind of volume. Replace gitRepo by an init container that clones into an emptyDir.',
      zh: '手动：安装相应的 CSI 驱动，或将数据迁移到其他类型的卷。gitRepo 请改为由 init 容器克隆到 emptyDir。',
    },
    limits: { en: 'flexVolume is not covered.', zh: '不包括 flexVolume。' },
  },
  sources: [
    'kubernetes/kubernetes: pkg/volume of 1.24 to 1.37, cmd/kubelet/app/plugins.go',
    'kubernetes/csi-translation-lib: plugins',
    'KEP-5040',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ pods, persistentVolumes, classes, drivers }: Rows<typeof reads>, { path: { hops } }) =>
    PLUGINS.filter(({ gone, driver }) => hops.includes(gone) && !drivers.some(({ ref }) => ref.name === driver)).flatMap((plugin) => {
      const { field, provisioner } = plugin;
      const users = [
        ...pods.filter(({ volumes }) => volumes.some(({ keys }) => keys.includes(field))),
        ...persistentVolumes.filter(({ keys }) => keys.includes(field)),
        ...classes.filter((each) => each.provisioner === provisioner),
      ].map(({ ref }) => ref);
      return users.length ? [finding(plugin, users)] : [];
    }),
  say: ({ plugin, driver, hop }, { length }): Text => ({
    en: `${length} object${length === 1 ? '' : 's'} with volume plugin ${plugin}: gone in ${hop}${driver ? `, and CSIDriver ${driver} is missing` : ''}; the volumes cannot be mounted`,
    zh: `${length} 个对象使用卷插件 ${plugin}：${hop} 中已没有该插件${driver ? `，且缺少 CSIDriver ${driver}` : ''}，卷无法挂载`,
  }),
};
export default check;

const seenAt = ({ kind }: Ref, { field, provisioner }: Plugin): string =>
  kind === 'StorageClass' ? `provisioner=${provisioner}` : kind === 'Pod' ? `spec.volumes[].${field}` : `spec.${field}`;

const finding = (plugin: Plugin, objects: Ref[]): Finding<Args> => ({
  severity: 'blocker',
  key: [plugin.field],
  certainty: 'certain',
  objects,
  args: { plugin: plugin.field, driver: plugin.driver ?? '', hop: plugin.gone },
  evidence: objects.slice(0, 3).map((at) => ({ seen: seenAt(at, plugin), at })),
  hop: plugin.gone,
});
