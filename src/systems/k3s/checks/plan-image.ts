// Images of a Plan that are not those of its version, or do not exist: a tag of its own is not replaced by spec.version, an image without one gets the version as its tag, and the kubectl image of
// the controller cordons Nodes. Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/container (WithLatestTag), pkg/upgrade/job/job.go; rancher/rancher issues 53129, 53253;
// k3s-io/k3s-upgrade scripts/upgrade.sh at every tag (label that prepare reads).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, PointRead, Text } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { compare, minorOf, parse } from '../../../versions/k3s.ts';
import { CONFIG_MAPS, controllerIn, DEPLOYMENTS, isStockKubectl, jobSettings } from '../controller.ts';
import { guards } from '../knowledge/tables.ts';
import { isServer, pendingOf, planName, targetOf, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes: { ...nodes, optional: true } as const, plans };
type Is = 'tag' | 'digest' | 'prepare-untagged' | 'prepare-old' | 'kubectl';
interface Args {
  is: Is;
  plan: string;
  image: string;
  version: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-image',
  title: { en: 'images of Plans belong to their version', zh: 'Plan 的镜像与其版本一致' },
  headline: { en: 'images of Plans do not fit or do not exist', zh: 'Plan 的镜像不一致或不存在' },
  page: {
    impact: {
      en: 'An image with a tag of its own installs the version of that tag, while the Nodes are labelled with spec.version. An image without a tag gets spec.version as its tag. If an image does not exist, the Job waits for it; for the kubectl image before the Node is cordoned, for the upgrade image after that.',
      zh: '带有自身 tag 的镜像会安装该 tag 的版本，但节点会被标记为 spec.version。没有 tag 的镜像以 spec.version 作为 tag。镜像不存在时 Job 会一直等待：kubectl 镜像在封锁节点之前使用，升级镜像在封锁之后使用。',
    },
    detection: {
      en: 'Compares the tags of spec.upgrade.image and spec.prepare.image with spec.version, and reads SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE of the controller: tags of rancher/kubectl are versions of Kubernetes. No registry is asked.',
      zh: '将 spec.upgrade.image 和 spec.prepare.image 的 tag 与 spec.version 比较，并读取控制器的 SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE：rancher/kubectl 的 tag 是 Kubernetes 的版本号。不访问镜像仓库。',
    },
    fix: {
      en: 'manual: remove the tag of the K3s upgrade image; name a tag for other images; correct the ConfigMap and restart the controller.',
      zh: '手动：移除 K3s 升级镜像的 tag；为其他镜像写明 tag；修正 ConfigMap 并重启控制器。',
    },
    limits: {
      en: 'Whether a mirror has the image is not checked. Releases without a known image are found by plan-version.',
      zh: '不检查镜像仓库中是否存在该镜像。没有已知镜像的版本由 plan-version 报告。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/container/container.go, pkg/upgrade/job/job.go',
    'rancher/rancher: issues 53129, 53253',
    { en: 'k3s-io/k3s-upgrade: scripts/upgrade.sh at every tag', zh: 'k3s-io/k3s-upgrade: scripts/upgrade.sh（所有 tag）' },
    'k3s-io/k3s: issues 11416, 12971, 12972',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [DEPLOYMENTS, CONFIG_MAPS] satisfies PointRead[],
  judge: async (rows, { look }) => {
    const found: Finding<Args>[] = [];
    for (const plan of rows.plans.filter(upgradesK3s)) {
      if (Array.isArray(rows.nodes) && !pendingOf(plan, rows.nodes).length) continue;
      const is = [ofUpgrade(plan), ofPrepare(plan, seen(rows.nodes))].flatMap((each) => each ?? []);
      found.push(...is.map((each) => told(plan, each)));
      if (!plan.cordons) continue;
      const { kubectlImage = '' } = await jobSettings(await controllerIn(plan.ref.namespace ?? '', look), look);
      if (kubectlImage && isStockKubectl(kubectlImage) && !KUBECTL_TAG.test(tagOf(kubectlImage)))
        found.push(told(plan, { is: 'kubectl', image: kubectlImage }));
    }
    return found;
  },
  say: ({ is, plan, image, version }) => SAID[is](plan, image, version),
};
export default check;

/** Of rancher/kubectl: a version of Kubernetes. */
const KUBECTL_TAG = /^v1\.\d+\.\d+(?:-[\w.-]+)?(?:@.*)?$/;
/** With the digest, where there is one; '' without either. */
const tagOf = (image: string): string => /(?::|(?=@))([^:@/]*(?:@.*)?)$/.exec(image.slice(image.lastIndexOf('/') + 1))?.[1] ?? '';
const isPinned = (image: string): boolean => image.includes('@');
const isUpgradeImage = (image: string): boolean => upgradesK3s({ image });

type Odd = { is: Is; image: string };

function ofUpgrade(plan: PlanRow): Odd | undefined {
  const { image } = plan;
  const [tag, to] = [tagOf(image), targetOf(plan)];
  if (isPinned(image)) return { is: 'digest', image };
  const tagged = parse(tag);
  return !tag || to === undefined || (tagged !== undefined && compare(tagged, to) === 0) ? undefined : { is: 'tag', image };
}

function ofPrepare({ prepareImage: image }: PlanRow, all: readonly NodeRow[]): Odd | undefined {
  if (!image || isPinned(image)) return undefined;
  const tag = tagOf(image);
  if (!isUpgradeImage(image)) return tag ? undefined : { is: 'prepare-untagged', image };
  const tagged = parse(tag);
  const unlabelled = all.some((node) => isServer(node) && node.labels['node-role.kubernetes.io/master'] === undefined);
  return tagged !== undefined && unlabelled && !readsControlPlane(tagged) ? { is: 'prepare-old', image } : undefined;
}

/** Whether prepare of that image finds servers by their control-plane label; older ones go by node-role.kubernetes.io/master. */
function readsControlPlane(version: string): boolean {
  const rows = guards().prepare;
  const first = rows.find((each) => minorOf(each) === minorOf(version));
  return first === undefined ? minorOf(version) > minorOf(rows.at(-1)!) : compare(version, first) >= 0;
}

const SEEN: Record<Is, string> = {
  ...{
    tag: 'spec.upgrade.image',
    digest: 'spec.upgrade.image',
    'prepare-untagged': 'spec.prepare.image',
    'prepare-old': 'spec.prepare.image',
  },
  kubectl: 'SYSTEM_UPGRADE_JOB_KUBECTL_IMAGE',
};
function told(plan: PlanRow, { is, image }: Odd): Finding<Args> {
  const said = oneLine(image, 200);
  return finding<Args>({
    ...{ severity: is === 'digest' ? 'warning' : 'blocker', key: [planName(plan), is] },
    certainty: is === 'tag' || is === 'digest' ? 'certain' : 'high',
    ...{ objects: [plan.ref], args: { is, plan: planName(plan), image: said, version: plan.version ?? plan.latestVersion ?? '' } },
    evidence: [{ seen: `${SEEN[is]}: ${said}` }],
  });
}

const SAID: Record<Is, (plan: string, image: string, version: string) => Text> = {
  tag: (plan, image, version) => ({
    en: `Plan ${plan} has image ${image}, whose tag is not ${version}: Nodes get the tag, and the label of ${version}`,
    zh: `Plan ${plan} 的镜像为“${image}”，其 tag 与 ${version} 不符：节点安装的是该 tag，标记却是 ${version}`,
  }),
  digest: (plan, image) => ({
    en: `Plan ${plan} pins image ${image} by digest: spec.version does not change it`,
    zh: `Plan ${plan} 以摘要固定了镜像“${image}”：spec.version 不会改变它`,
  }),
  'prepare-untagged': (plan, image, version) => ({
    en: `Plan ${plan} has prepare image ${image} without a tag: it gets ${version.replaceAll('+', '-')} as its tag`,
    zh: `Plan ${plan} 的 prepare 镜像“${image}”没有 tag：会以 ${version.replaceAll('+', '-')} 作为 tag`,
  }),
  'prepare-old': (plan, image) => ({
    en: `Plan ${plan} has prepare image ${image}, which finds servers by label node-role.kubernetes.io/master: some lack it`,
    zh: `Plan ${plan} 的 prepare 镜像“${image}”按标签 node-role.kubernetes.io/master 查找 server，而有的 server 没有该标签`,
  }),
  kubectl: (plan, image) => ({
    en: `Plan ${plan} cordons with image ${image}, which does not exist: tags of rancher/kubectl are versions such as v1.30.3`,
    zh: `Plan ${plan} 用镜像“${image}”封锁节点，该镜像不存在：rancher/kubectl 的 tag 形如 v1.30.3`,
  }),
};
