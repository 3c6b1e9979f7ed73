// Static Pods that refer to API objects: the kubelet refuses them from 1.34, and from 1.37 no gate lets them through. Their mirror Pods show it, but admission plugin NodeRestriction
// (a default of kubeadm) refuses such mirror Pods, so that seeing none proves nothing. Sources: kubernetes pkg/api/pod/util.go:1987@1.37.2, pkg/kubelet/config/common.go:158@1.37.2.
import type { Check, Finding, Manifest, Ref, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { annotation, declaredRef, each, having, keys, list, manifests, rowOf, word } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { flagsOf, listOf } from '../command-line.ts';
import { managedBy, providersNodes } from '../managed.ts';
import { CONTROL_PLANE, controlPlaneOf, later, nodes, staticPods } from '../reads.ts';

const sources = { from: each('env', { keys: keys('valueFrom') }), files: each('envFrom', { keys: keys('') }) };
/** Volumes that need no API object unless they name a Secret. */
const WITH_SECRET = ['cephfs', 'cinder', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos'].map((type) => `${type}.secretRef`);
const MIRROR = {
  mirror: annotation('kubernetes.io/config.mirror'),
  account: word('spec.serviceAccountName', ''),
  secrets: each('spec.imagePullSecrets', {}),
  claims: each('spec.resourceClaims', {}),
  volumes: each('spec.volumes', { keys: keys(''), sources: each('projected.sources', { keys: keys('') }), secrets: having(WITH_SECRET) }),
  containers: each('spec.containers', sources),
  inits: each('spec.initContainers', sources),
};
const reads = later(() => ({
  mirrors: list('pods', MIRROR, { optional: true, only: ({ mirror }) => mirror !== undefined }),
  pods: { ...staticPods().pods, optional: true } as const,
  kops: { ...staticPods().kops, optional: true } as const,
  nodes: { ...nodes, optional: true } as const,
  files: manifests(podIn),
}));
const HOP = '1.34';
interface Args {
  refers: string[];
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/static-pod-api-refs',
  title: { en: 'static Pods refer to no API objects', zh: '静态 Pod 不引用 API 对象' },
  headline: { en: 'static Pods refer to API objects', zh: '静态 Pod 引用了 API 对象' },
  page: {
    impact: {
      en: 'A kubelet from 1.34 on refuses a static Pod that refers to a ServiceAccount, Secret, ConfigMap, PersistentVolumeClaim or another API object: after the upgrade of its Node the Pod does not start.',
      zh: '自 1.34 起，kubelet 拒绝引用 ServiceAccount、Secret、ConfigMap、PersistentVolumeClaim 等 API 对象的静态 Pod：节点升级后该 Pod 无法启动。',
    },
    detection: {
      en: 'Reads the mirror Pods of static Pods. With admission plugin NodeRestriction on, such static Pods have no mirror Pod and cannot be seen: without a finding the result is then unknown, not passed. In files (-f), checks the Pods in a manifests directory of a kubelet, or in the same directory as a control-plane Pod.',
      zh: '读取静态 Pod 的镜像 Pod（“mirror Pod”）。准入插件 NodeRestriction 会拒绝此类静态 Pod 的镜像 Pod：除非已关闭该插件，未发现问题时结果为“未知”，而不是“通过”。对于文件（-f），检查位于 kubelet 清单目录中、或与控制平面 Pod 同目录的 Pod。',
    },
    fix: {
      en: 'manual: remove the reference from the manifest on the Node, or run the Pod as a DaemonSet.',
      zh: '手动：从节点上的清单中删除该引用，或改用 DaemonSet 运行。',
    },
  },
  sources: ['kubernetes/kubernetes: pkg/api/pod/util.go (HasAPIObjectReference), pkg/kubelet/config/common.go, PR 131837'],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  judge: ({ files, ...rows }: Rows<ReturnType<typeof reads>>, { path: { from, hops, to } }) => {
    const declared = to !== undefined && minorOf(to) >= minorOf(HOP) ? inFiles(files) : [];
    const { mirrors, pods, kops, nodes: all } = rows;
    if (isGap(mirrors) || isGap(pods) || isGap(kops) || isGap(all)) return declared;
    const theirs = providersNodes(from, all);
    if (theirs) return declared.length ? declared : theirs;
    const behind = all.filter(({ kubelet }) => !(minorOf(kubelet) >= minorOf(HOP)));
    if (!hops.length || minorOf(hops.at(-1)!) < minorOf(HOP) || !behind.length) return declared;
    const hop = hops.includes(HOP) ? HOP : hops[0]!;
    const found = mirrors.flatMap(({ ref, ...pod }) => refused(ref, referredBy(pod), 'certain', hop));
    const servers = controlPlaneOf({ pods, kops }).filter(({ component }) => component === 'kube-apiserver');
    const restricts =
      !servers.length || servers.some(({ flags }) => listOf(flagsOf(flags), 'enable-admission-plugins').includes('NodeRestriction'));
    if (!found.length && !declared.length)
      return restricts ? { unknown: NOT_SEEN(managedBy(from, []) === 'K3s' ? OF_K3S : OF_KUBEADM) } : [];
    return [...found, ...declared];
  },
  say: ({ refers }) => ({
    en: `static Pod refers to ${refers.join(', ')}: a kubelet from ${HOP} on does not start it`,
    zh: `静态 Pod 引用了 ${refers.join('、')}：自 ${HOP} 起 kubelet 不会启动它`,
  }),
};
export default check;

function refused(ref: Ref, refers: string[], certainty: 'certain' | 'high', hop?: string): Finding<Args>[] {
  if (!refers.length) return [];
  const [key, args] = [[ref.namespace ?? '', ref.name], { refers }];
  return [{ severity: 'blocker', certainty, key, objects: [ref], args, evidence: [{ seen: refers.join(', ') }], hop }];
}

/** Where a kubelet reads them. Of K3s: its --pod-manifest-path (pkg/daemons/agent). */
const OF_KUBEADM = '/etc/kubernetes/manifests';
const OF_K3S = '/var/lib/rancher/k3s/agent/pod-manifests';
const NOT_SEEN = (dir: string): Text => ({
  en: `static Pods that refer to API objects have no mirror Pod; on each Node: grep -lE 'serviceAccountName|secret|configMap|persistentVolumeClaim' ${dir}/*`,
  zh: `引用 API 对象的静态 Pod 没有镜像 Pod；请在各节点执行“grep -lE 'serviceAccountName|secret|configMap|persistentVolumeClaim' ${dir}/*”`,
});

const VOLUMES = ['configMap', 'secret', 'csi', 'glusterfs', 'persistentVolumeClaim', 'ephemeral', 'azureFile'];
const PROJECTED = ['configMap', 'secret', 'serviceAccountToken', 'clusterTrustBundle', 'podCertificate'];

/** The fields that refer to API objects, as HasAPIObjectReference of the kubelet has them. */
function referredBy({ account, secrets, claims, volumes, containers, inits }: Omit<RowOf<typeof MIRROR>, 'ref'>): string[] {
  const all = [...containers, ...inits];
  const kinds = [
    ...(account ? ['serviceAccountName'] : []),
    ...(secrets.length ? ['imagePullSecrets'] : []),
    ...(claims.length ? ['resourceClaims'] : []),
    ...all.flatMap(({ from }) => from.flatMap(({ keys }) => keys.filter((key) => key === 'secretKeyRef' || key === 'configMapKeyRef'))),
    ...all.flatMap(({ files }) => files.flatMap(({ keys }) => keys.filter((key) => key === 'secretRef' || key === 'configMapRef'))),
    ...volumes.flatMap(({ keys }) => keys.filter((key) => VOLUMES.includes(key)).map((key) => `volumes.${key}`)),
    ...volumes.flatMap(({ secrets }) => secrets.map((field) => `volumes.${field}`)),
    ...volumes.flatMap(({ sources }) =>
      sources.flatMap(({ keys }) => keys.filter((key) => PROJECTED.includes(key)).map((key) => `projected.${key}`)),
    ),
  ];
  return [...new Set(kinds)];
}

// ---- files (-f) -----------------------------------------------------------------------------------------------------

interface Declared {
  ref: Ref;
  folder: string;
  refers: string[];
  /** Of the control plane: only a kubelet starts these from a file. */
  component: boolean;
}
const COMPONENTS: readonly string[] = [...CONTROL_PLANE, 'etcd'];
/** Of kubeadm, of RKE2 and K3s. */
const KUBELETS = /(?:^|\/)(?:kubernetes\/manifests|agent\/pod-manifests)$/;
const POD = rowOf({ ...MIRROR, names: each('spec.containers', { name: word('name', '') }) });

/** Not one that the API server has answered: that is seen as a mirror Pod, or is none. */
function podIn(manifest: Manifest): Declared | undefined {
  const { object, file } = manifest;
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1' || object.status !== undefined) return undefined;
  const { names, ...pod } = POD(object);
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '';
  return { ref: declaredRef(manifest), folder, refers: referredBy(pod), component: names.some(({ name }) => COMPONENTS.includes(name)) };
}

function inFiles(files: readonly Declared[]): Finding<Args>[] {
  const folders = new Set(files.filter(({ component }) => component).map(({ folder }) => folder));
  return files
    .filter(({ folder }) => folders.has(folder) || KUBELETS.test(folder))
    .flatMap(({ ref, refers, component }) => refused(ref, refers, component ? 'certain' : 'high'));
}
