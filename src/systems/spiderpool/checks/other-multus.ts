// From 0.6.0 on the chart brings Multus. Up to 0.5.1 a cluster has one of its own: helm refuses 0.6.0 – 0.7.3, whose CRD of NetworkAttachmentDefinitions is of the release, and later charts
// run a second Multus on every node. Sources: knowledge/notes.json (ownMultus, nadTemplate); helm pkg/action/validate.go (checkOwnership).
import { predicted } from '../../../chart/prediction.ts';
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { flagsToHelm } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { annotation, list } from '../../../engine/read/index.ts';
import { setFlag } from '../../../helm/flags.ts';
import { pathOf, valueAt } from '../../../helm/keys.ts';
import { satisfies } from '../../../versions/chart.ts';
import { CHART } from '../chart.ts';
import { notes } from '../knowledge/tables.ts';

const CRD = 'network-attachment-definitions.k8s.cni.cncf.io';
const INSTALL = pathOf('multus.multusCNI.install');

const reads = {
  ...RELEASE_READS,
  crds: list(
    'customresourcedefinitions.apiextensions.k8s.io',
    { release: annotation('meta.helm.sh/release-name'), namespace: annotation('meta.helm.sh/release-namespace') },
    { only: ({ ref }) => ref.name === CRD },
  ),
};
interface Args {
  is: 'refused' | 'beside';
  target: string;
  flag: string;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/other-multus',
  title: { en: 'the chart installs no second Multus', zh: 'chart 不会安装第二个 Multus' },
  headline: { en: 'target chart installs Multus, which is there already', zh: '目标 chart 会安装 Multus，而集群中已有' },
  page: {
    impact: {
      en: 'Charts from 0.6.0 on install Multus by default (multus.multusCNI.install). With 0.6.0–0.7.3, helm upgrade fails if the CRD network-attachment-definitions.k8s.cni.cncf.io is not part of the release. From 0.8.0 on it succeeds, and two Multus write 00-multus.conf on every node: Pods can get another default network.',
      zh: '0.6.0 起的 chart 默认安装 Multus（multus.multusCNI.install）。目标为 0.6.0–0.7.3 时，如果 CRD network-attachment-definitions.k8s.cni.cncf.io 不属于该 release，helm upgrade 会失败。目标为 0.8.0 及以后时升级成功，但每个节点上有两个 Multus 写入 00-multus.conf：Pod 的默认网络可能改变。',
    },
    detection: {
      en: 'Only from 0.5.1 and older. Reads the CRD and the release that it belongs to, and computes multus.multusCNI.install as helm will.',
      zh: '仅检查从 0.5.1 及更早版本的升级。读取该 CRD 及其所属的 release，并按 helm 的规则计算 multus.multusCNI.install。',
    },
    fix: {
      en: 'manual: pass multus.multusCNI.install=false to helm upgrade; fix prints the command. Spiderpool then uses the Multus that is there.',
      zh: '手动：在 helm upgrade 中设置 multus.multusCNI.install=false；fix 会给出命令。Spiderpool 随后使用已有的 Multus。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().ownMultus.source}`, 'helm/helm: pkg/action/validate.go (checkOwnership)'];
  },
  get applies() {
    const { from, to } = notes().ownMultus;
    return { from, to, stage: 'before' as const };
  },
  needs: ['target'],
  reads,
  pointReads: RELEASE_BODIES,
  judge: async (rows, at) => {
    const { installation, to: target = '' } = at.path;
    if (!rows.crds.length) return [];
    const prediction = await predicted(CHART, rows, at);
    if (isGap(prediction)) return [];
    if (!('upgrade' in prediction)) return prediction;
    const { upgrade, scope } = prediction;
    if (valueAt(upgrade.all, INSTALL) === false) return [];
    return rows.crds.map(({ ref, release, namespace }) => {
      const isOwn = release === installation.name && namespace === installation.namespace;
      const is = !isOwn && satisfies(target, notes().nadTemplate.from) ? 'refused' : 'beside';
      return finding<Args>({
        severity: is === 'refused' ? 'blocker' : 'warning',
        key: [is],
        objects: [ref],
        args: { is, target, flag: setFlag([...scope, ...INSTALL], false) },
        evidence: [{ seen: `meta.helm.sh/release-name: ${release ?? '""'}` }],
      });
    });
  },
  say: ({ is, target }) => SAID[is](target),
  remedy: flagsToHelm(CHART),
};
export default check;

const SAID: Record<Args['is'], (target: string) => Text> = {
  refused: (target) => ({
    en: `helm upgrade to ${target} fails: CRD ${CRD} exists and is not part of the release`,
    zh: `升级到 ${target} 时 helm upgrade 会失败：CRD ${CRD} 已存在，且不属于该 release`,
  }),
  beside: (target) => ({
    en: `${target} installs Multus on every node, although CRD ${CRD} of another Multus exists: both write 00-multus.conf`,
    zh: `${target} 会在每个节点上安装 Multus，而另一个 Multus 的 CRD ${CRD} 已存在：两者都会写入 00-multus.conf`,
  }),
};
