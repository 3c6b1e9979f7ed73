// Images that the agents of the target version need, and that nodes do not have yet: each agent is down while they are pulled. Pulls of Spiderpool's images that fail now.
// Sources: charts/spiderpool/templates/daemonset.yaml; kubelet (nodeStatusMaxImages: 50 images of a node are listed by default).
import { predicted } from '../../../chart/prediction.ts';
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Rows } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, label, list, texts, word } from '../../../engine/read/index.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { CHART } from '../chart.ts';
import { agentImages, isListed, LISTED } from '../images.ts';

const FAILING = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName']);
const STATUS = { image: word('image', ''), reason: word('state.waiting.reason') };

const reads = {
  ...RELEASE_READS,
  nodes: list('nodes', { os: label('kubernetes.io/os'), images: each('status.images', { names: texts('names') }) }),
  pods: list(
    'pods',
    {
      release: label('app.kubernetes.io/instance'),
      containers: each('status.containerStatuses', STATUS),
      init: each('status.initContainerStatuses', STATUS),
    },
    { labels: 'app.kubernetes.io/name=spiderpool' },
  ),
};
interface Args {
  is: 'absent' | 'failing';
  image: string;
  /** Nodes, or Pods, that lack it. */
  count: number;
  target: string;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/images-present',
  title: { en: 'nodes have the images of the target version, and pulls succeed', zh: '节点已有目标版本的镜像，且镜像拉取正常' },
  headline: { en: 'images are not on the nodes yet, or cannot be pulled', zh: '节点上缺少镜像，或镜像无法拉取' },
  page: {
    impact: {
      en: 'The rollout stops two agents at a time, and no Pod on such a node gets an IP until the new agent runs. While images are pulled this takes longer; where they cannot be pulled, it does not end.',
      zh: '滚动更新每次停止两个 agent，新的 agent 运行之前，该节点的 Pod 无法分配 IP。拉取镜像会延长这段时间；如果镜像无法拉取，更新就无法完成。',
    },
    detection: {
      en: 'Compares the images that the target chart runs in spiderpool-agent with status.images of every Linux Node, and reads the container states of the Spiderpool Pods. Nodes that list no images, or 50 (by default a kubelet lists no more), are not judged.',
      zh: '将目标 chart 在 spiderpool-agent 中使用的镜像与每个 Linux 节点的 status.images 比较，并读取 Spiderpool Pod 的容器状态。未列出镜像或已列出 50 个镜像（kubelet 默认最多列出的数量）的节点不作判断。',
    },
    fix: {
      en: 'manual: pull the images ahead, for example with crictl pull on each node, or make the registry reachable. The command upgrade spiderpool pulls them ahead by itself, before it changes anything; --mirror takes all images from another registry.',
      zh: '手动：提前拉取镜像（例如在每个节点上执行“crictl pull”），或使镜像仓库可以访问。upgrade spiderpool 会在做任何更改之前自动提前拉取；--mirror 可改从其他镜像仓库拉取。',
    },
  },
  sources: [
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool/templates/{daemonset.yaml,_helpers.tpl} at every tag',
      zh: 'spidernet-io/spiderpool: charts/spiderpool/templates/{daemonset.yaml,_helpers.tpl}（所有 tag）',
    },
    'kubernetes/kubernetes: pkg/kubelet/apis/config (nodeStatusMaxImages)',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: RELEASE_BODIES,
  judge: async (rows, at) => {
    const { installation, from, to } = at.path;
    const failing = failingIn(rows, installation.namespace, installation.name);
    if (to === undefined || to === from) return failing;
    const prediction = await predicted(CHART, rows, at);
    if (isGap(prediction)) return failing;
    if (!('upgrade' in prediction)) return failing.length ? failing : prediction;
    const { target, upgrade } = prediction;
    return [...failing, ...agentImages(upgrade.all, target.version).flatMap((image) => absent(image, rows.nodes, target.version))];
  },
  say: ({ is, image, count, target }) =>
    is === 'failing'
      ? {
          en: `image ${image} cannot be pulled for ${count} Pod${count === 1 ? '' : 's'} of Spiderpool`,
          zh: `Spiderpool 的 ${count} 个 Pod 无法拉取镜像 ${image}`,
        }
      : {
          en: `${count} node${count === 1 ? ' does' : 's do'} not have image ${image} of ${target}: it is pulled while the agent there is down`,
          zh: `${count} 个节点没有 ${target} 的镜像 ${image}：升级时会在 agent 停止期间拉取`,
        },
};
export default check;

function absent(image: string, nodes: Rows<typeof reads>['nodes'], target: string): Finding<Args>[] {
  const lacking = nodes.filter(
    ({ os, images }) =>
      (os ?? 'linux') === 'linux' &&
      images.length > 0 &&
      images.length < LISTED &&
      !isListed(
        image,
        images.map(({ names }) => names),
      ),
  );
  if (!lacking.length) return [];
  const objects = lacking.map(({ ref }) => ref);
  const args: Args = { is: 'absent', image: oneLine(image, 300), count: objects.length, target };
  return [
    finding({
      severity: 'notice',
      key: ['absent', image],
      certainty: 'high',
      objects,
      args,
      evidence: [{ seen: `status.images: ${lacking[0]!.images.length}` }],
    }),
  ];
}

function failingIn({ pods }: Rows<typeof reads>, namespace: string | undefined, release: string): Finding<Args>[] {
  const failing = pods
    .filter((pod) => pod.ref.namespace === namespace && pod.release === release)
    .flatMap(({ ref, containers, init }) =>
      [...init, ...containers].flatMap(({ image, reason }) =>
        reason !== undefined && FAILING.has(reason) ? [{ ref, image, reason }] : [],
      ),
    );
  return [...Map.groupBy(failing, ({ image }) => image)].map(([image, all]) => {
    const objects: Ref[] = [...new Map(all.map(({ ref }) => [ref.name, ref])).values()];
    const args: Args = { is: 'failing', image: oneLine(image, 300), count: objects.length, target: '' };
    return finding<Args>({
      severity: 'blocker',
      key: ['failing', image],
      objects,
      args,
      evidence: [{ seen: `state.waiting.reason: ${all[0]!.reason}` }],
    });
  });
}
