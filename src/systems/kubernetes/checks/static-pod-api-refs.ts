// Static Pods that refer to API objects: the kubelet refuses them from 1.34, and from 1.37 no gate lets them through. Their mirror Pods show it, but admission plugin NodeRestriction
// (a default of kubeadm) refuses such mirror Pods, so that seeing none proves nothing. Sources: kubernetes pkg/api/pod/util.go:1987@1.37.2, pkg/kubelet/config/common.go:158@1.37.2.
import { finding } from '../../../engine/builders.ts';
import type { Check, RowOf, Rows, Text } from '../../../engine/contracts.ts';
import { annotation, each, keys, list, word } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { flagsOf, listOf } from '../command-line.ts';
import { providersNodes } from '../managed.ts';
import { controlPlaneOf, later, nodes, staticPods } from '../reads.ts';

const sources = { from: each('env', { keys: keys('valueFrom') }), files: each('envFrom', { keys: keys('') }) };
const MIRROR = {
  mirror: annotation('kubernetes.io/config.mirror'),
  account: word('spec.serviceAccountName', ''),
  secrets: each('spec.imagePullSecrets', {}),
  claims: each('spec.resourceClaims', {}),
  volumes: each('spec.volumes', { keys: keys(''), sources: each('projected.sources', { keys: keys('') }) }),
  containers: each('spec.containers', sources),
  inits: each('spec.initContainers', sources),
};
const reads = later(() => ({
  mirrors: list('pods', MIRROR, { only: ({ mirror }) => mirror !== undefined }),
  ...staticPods(),
  nodes,
}));
const HOP = '1.34';
interface Args {
  refers: string[];
  hop: string;
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
      en: 'Reads the mirror Pods of static Pods. Admission plugin NodeRestriction refuses the mirror Pods of such static Pods; unless it is switched off, seeing none is unknown.',
      zh: '读取静态 Pod 的镜像 Pod。准入插件 NodeRestriction 会拒绝此类静态 Pod 的镜像 Pod；除非已关闭该插件，否则没有看到问题也只能判为未知。',
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
  judge: ({ mirrors, ...rows }: Rows<ReturnType<typeof reads>>, { path: { from, hops } }) => {
    const theirs = providersNodes(from, rows.nodes);
    if (theirs) return theirs;
    const behind = rows.nodes.filter(({ kubelet }) => !(minorOf(kubelet) >= minorOf(HOP)));
    if (!hops.length || minorOf(hops.at(-1)!) < minorOf(HOP) || !behind.length) return [];
    const hop = hops.includes(HOP) ? HOP : hops[0]!;
    const found = mirrors.flatMap(({ ref, ...pod }) => {
      const refers = referredBy(pod);
      return refers.length ? [{ ref, refers }] : [];
    });
    const servers = controlPlaneOf(rows).filter(({ component }) => component === 'kube-apiserver');
    const restricts =
      !servers.length || servers.some(({ flags }) => listOf(flagsOf(flags), 'enable-admission-plugins').includes('NodeRestriction'));
    if (!found.length) return restricts ? { unknown: NOT_SEEN } : [];
    return found.map(({ ref, refers }) =>
      finding({
        severity: 'blocker',
        key: [ref.namespace ?? '', ref.name],
        objects: [ref],
        args: { refers, hop },
        evidence: [{ seen: refers.join(', ') }],
        hop,
      }),
    );
  },
  say: ({ refers }) => ({
    en: `static Pod refers to ${refers.join(', ')}: a kubelet from ${HOP} on does not start it`,
    zh: `静态 Pod 引用了 ${refers.join('、')}：自 ${HOP} 起 kubelet 不会启动它`,
  }),
};
export default check;

const NOT_SEEN: Text = {
  en: `static Pods that refer to API objects have no mirror Pod; on each Node: grep -lE 'serviceAccountName|secret|configMap|persistentVolumeClaim' /etc/kubernetes/manifests/*`,
  zh: `引用 API 对象的静态 Pod 没有镜像 Pod；请在各节点执行“grep -lE 'serviceAccountName|secret|configMap|persistentVolumeClaim' /etc/kubernetes/manifests/*”`,
};

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
    ...volumes.flatMap(({ sources }) =>
      sources.flatMap(({ keys }) => keys.filter((key) => PROJECTED.includes(key)).map((key) => `projected.${key}`)),
    ),
  ];
  return [...new Set(kinds)];
}
