// From 0.8.9, 0.9.8 and 1.0.0-rc4 on, the init container of the agent runs a program of the Multus image that v3 does not have: with an older tag kept or pinned no agent starts.
// Sources: knowledge/notes.json (multusImage).
import { predicted } from '../../../chart/prediction.ts';
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { upgradeCommand } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { setFlag } from '../../../helm/flags.ts';
import { pathOf, valueAt, written } from '../../../helm/keys.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { CHART } from '../chart.ts';
import { notes } from '../knowledge/tables.ts';

const TAG = pathOf('multus.multusCNI.image.tag');
const INSTALL = pathOf('multus.multusCNI.install');
/** As an image tag can be. */
const SIMPLE = /^[\w.-]{1,128}$/;

interface Args {
  key: string;
  tag: string;
  target: string;
  wanted: string;
  flag: string;
}

const check: Check<typeof RELEASE_READS, Args> = {
  id: 'spiderpool/multus-image-tag',
  title: { en: 'the Multus image suits the target chart', zh: 'Multus 镜像与目标 chart 匹配' },
  headline: { en: 'Multus image is too old: spiderpool-agent will not start', zh: 'Multus 镜像过旧，spiderpool-agent 将无法启动' },
  page: {
    impact: {
      en: 'In 0.8.9, 0.9.8, 1.0.0 and later the init container of spiderpool-agent runs /install_multus, which Multus images before v4.0.0 do not have. With such a tag the agents do not start, node by node.',
      zh: '在 0.8.9、0.9.8、1.0.0 及以后，spiderpool-agent 的 init 容器会运行 /install_multus，而 v4.0.0 之前的 Multus 镜像没有该程序。使用这样的标签时，agent 会在各节点上依次无法启动。',
    },
    detection: {
      en: 'Computes multus.multusCNI.image.tag as helm will: from the release record, --values, --set and the reuse flags. Silent where Multus is not installed by the chart.',
      zh: '按 helm 的规则，根据 release 记录、--values、--set 和复用参数计算 multus.multusCNI.image.tag。chart 不安装 Multus 时不报告。',
    },
    fix: {
      en: 'manual: pass the tag of the target chart to helm upgrade; fix prints the command.',
      zh: '手动：在 helm upgrade 中使用目标 chart 的标签；fix 会给出命令。',
    },
    limits: { en: 'Tags that name no version (latest, a digest) are not judged.', zh: '不判断没有版本号的标签（“latest”、摘要）。' },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().multusImage.source}`, 'helm/helm: pkg/action/upgrade.go (reuseValues)'];
  },
  get applies() {
    return { to: notes().multusImage.to, stage: 'before' as const };
  },
  needs: ['target'],
  reads: RELEASE_READS,
  pointReads: RELEASE_BODIES,
  judge: async (rows, at) => {
    const prediction = await predicted(CHART, rows, at);
    if (isGap(prediction)) return [];
    if (!('upgrade' in prediction)) return prediction;
    const { upgrade, target, scope, at: record } = prediction;
    const [tag, wanted] = [String(valueAt(upgrade.all, TAG) ?? ''), String(valueAt(target.defaults, TAG) ?? '')];
    if (valueAt(upgrade.all, INSTALL) === false || !isOld(tag) || !SIMPLE.test(tag)) return [];
    const path = [...scope, ...TAG];
    const key = written(path);
    const args = { key, tag, target: target.version, wanted, flag: setFlag(path, wanted) };
    return [
      finding<Args>({ severity: 'blocker', key: ['tag'], objects: [record], args, evidence: [{ seen: `${key}=${oneLine(tag, 60)}` }] }),
    ];
  },
  say: ({ key, tag, target, wanted }) => ({
    en: `${key} is ${tag}: the agents of ${target} run /install_multus, which it lacks (the chart has ${wanted})`,
    zh: `${key} 为 ${tag}：${target} 的 agent 会运行 /install_multus，该镜像没有此程序（chart 使用 ${wanted}）`,
  }),
  remedy: {
    writes: [],
    steps: async (found, at) => [
      upgradeCommand(
        CHART,
        at,
        found.map(({ args }) => args.flag),
      ),
    ],
  },
};
export default check;

/** No version, or one whose image has the program, is not. */
function isOld(tag: string): boolean {
  const major = /^v?(\d{1,3})\./.exec(tag)?.[1];
  return major !== undefined && Number(major) < notes().multusImage.sinceMajor;
}
