// Images that some Pods pull with a secret and others use from the disk of the Node without one: from 1.35 a kubelet asks for the credentials also where the image is there
// (KubeletEnsureSecretPulledImages). Sources: KEP-2535; kubernetes pkg/features/kube_features.go:1434@1.35.8, kubelet config/v1beta1/types.go:86@0.35.8.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, RowOf } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, list, rowOf, word, yaml } from '../../../engine/read/index.ts';

const container = { image: word('image', ''), policy: word('imagePullPolicy', 'IfNotPresent') };
const POD = {
  secrets: each('spec.imagePullSecrets', { name: word('name', '') }),
  containers: each('spec.containers', container),
  inits: each('spec.initContainers', container),
};
const HOP = '1.35';
const reads = { pods: list('pods', POD, { concerns: (hops: readonly string[]) => hops.includes(HOP) }) };
const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubelet-config' };
const COLUMNS = {
  config: yaml('data.kubelet', { policy: word('imagePullCredentialsVerificationPolicy', '') }),
};
interface Args {
  image: string;
  never: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/image-pull-credentials',
  title: { en: 'Pods that use a private image have its pull secret', zh: '使用私有镜像的 Pod 均配置了拉取凭据' },
  headline: { en: 'Pods use images that other Pods pull with a secret', zh: 'Pod 使用了其他 Pod 凭 Secret 拉取的镜像' },
  page: {
    impact: {
      en: 'From 1.35 on a kubelet lets a Pod use an image that it pulled with a secret only if the Pod can pull it too. A Pod without the secret then fails with ErrImagePull, or with ErrImageNeverPull where imagePullPolicy is Never.',
      zh: '自 1.35 起，kubelet 凭 Secret 拉取的镜像只允许同样能够拉取它的 Pod 使用。没有该 Secret 的 Pod 会报 ErrImagePull；imagePullPolicy 为 Never 时报 ErrImageNeverPull。',
    },
    detection: {
      en: 'Compares Pods of the same image with and without imagePullSecrets, where imagePullPolicy is not Always. Ignored where kubelet-config sets imagePullCredentialsVerificationPolicy NeverVerify.',
      zh: '比较使用同一镜像、imagePullPolicy 不是 Always 的 Pod 是否设置了 imagePullSecrets。kubelet-config 中 imagePullCredentialsVerificationPolicy 为 NeverVerify 时忽略。',
    },
    fix: {
      en: 'manual: add the secret to imagePullSecrets of the workload, or of its ServiceAccount.',
      zh: '手动：在工作负载或其 ServiceAccount 的 imagePullSecrets 中添加该 Secret。',
    },
    limits: {
      en: 'Images that the kubelet did not pull itself, or pulled before 1.35, stay usable without a secret. Credential providers of the Node are not visible.',
      zh: '不是由 kubelet 拉取的镜像，以及 1.35 之前拉取的镜像，仍可在没有 Secret 时使用。节点上的凭据提供程序不可见。',
    },
  },
  sources: ['kubernetes/enhancements: KEP-2535', 'kubernetes/kubernetes: pkg/kubelet/images/pullmanager'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  pointReads: [{ resource: 'configmaps', names: [CONFIG.name], columns: Object.values(COLUMNS) }],
  judge: async ({ pods }, { path: { hops }, look }) => {
    if (!hops.includes(HOP)) return [];
    const found = await look.get(CONFIG);
    const config = found && !isGap(found) ? rowOf(COLUMNS)(found).config : undefined;
    if (typeof config === 'object' && config.policy === 'NeverVerify') return [];
    const used = pods.flatMap(({ ref, secrets, containers, inits }) =>
      [...containers, ...inits].map(({ image, policy }) => ({ ref, image, policy, hasSecret: secrets.length > 0 })),
    );
    return [...Map.groupBy(used, ({ image }) => image).values()].flatMap((same) => {
      const without = same.filter(({ hasSecret, policy }) => !hasSecret && policy !== 'Always');
      const isPrivate = same.some(({ hasSecret }) => hasSecret);
      return isPrivate && without.length ? [told(without)] : [];
    });
  },
  say: ({ image, never }, { length }) => ({
    en: `${length} Pod${length === 1 ? ' uses' : 's use'} image ${image} without the secret that other Pods pull it with: ${never ? 'ErrImageNeverPull' : 'ErrImagePull'} from ${HOP} on`,
    zh: `${length} 个 Pod 使用镜像 ${image}，但未配置其他 Pod 拉取该镜像时使用的 Secret：自 ${HOP} 起会报 ${never ? 'ErrImageNeverPull' : 'ErrImagePull'}`,
  }),
};
export default check;

function told(without: { ref: RowOf<typeof POD>['ref']; image: string; policy: string }[]): Finding<Args> {
  const { image } = without[0]!;
  return finding({
    severity: 'warning',
    key: [image],
    certainty: 'medium',
    objects: [...new Map(without.map(({ ref }) => [`${ref.namespace}/${ref.name}`, ref])).values()],
    args: { image, never: without.every(({ policy }) => policy === 'Never') },
    evidence: without.slice(0, 3).map(({ ref, policy }) => ({ seen: `imagePullPolicy=${policy}, imagePullSecrets=[]`, at: ref })),
    hop: HOP,
  });
}
