// From 0.8.9, 0.9.8 and 1.0.0-rc4 on, the init container of the agent runs a program of the Multus image that v3 does not have, and its container multus-cni takes clusterNetwork from a
// ConfigMap whose name is fixed in the template: with an older tag, or another global.configName, no new agent gets ready. Sources: knowledge/notes.json (multusImage).
import { type Prediction, predicted } from '../../../chart/prediction.ts';
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { flagsToHelm } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Situation, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { asIs } from '../../../engine/read/index.ts';
import { setFlag } from '../../../helm/flags.ts';
import { pathOf, valueAt, written } from '../../../helm/keys.ts';
import { isRaw } from '../../../kube/json.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { CHART } from '../chart.ts';
import { notes } from '../knowledge/tables.ts';

const TAG = pathOf('multus.multusCNI.image.tag');
const INSTALL = pathOf('multus.multusCNI.install');
const CONFIG_NAME = pathOf('global.configName');
/** As an image tag, or the name of a ConfigMap, can be. */
const SIMPLE = /^[\w.-]{1,128}$/;
/** As templates/daemonset.yaml spells it, whatever global.configName says. */
const CONFIG = 'spiderpool-conf';

interface Args {
  is: 'tag' | 'config';
  key: string;
  /** As the upgrade will have it, and as it must be. */
  value: string;
  wanted: string;
  target: string;
  flag: string;
}

const check: Check<typeof RELEASE_READS, Args> = {
  id: 'spiderpool/multus-image-tag',
  title: { en: 'values let the Multus container of spiderpool-agent start', zh: 'spiderpool-agent 的 Multus 容器可以按 values 启动' },
  headline: { en: 'Multus container of spiderpool-agent will not start', zh: 'spiderpool-agent 的 Multus 容器将无法启动' },
  page: {
    impact: {
      en: 'In 0.8.9, 0.9.8, 1.0.0 and later the init container of spiderpool-agent runs /install_multus, which Multus images before v4.0.0 do not have. With such a tag the agents do not start, node by node. Their container multus-cni reads ConfigMap spiderpool-conf, even where global.configName gives it another name, and then does not start either.',
      zh: '在 0.8.9、0.9.8、1.0.0 及以后，spiderpool-agent 的 init 容器会运行 /install_multus，而 v4.0.0 之前的 Multus 镜像没有该程序。使用这样的标签时，agent 会在各节点上依次无法启动。其 multus-cni 容器固定读取 ConfigMap spiderpool-conf；如果 global.configName 使用其他名称，该容器同样无法启动。',
    },
    detection: {
      en: 'Computes multus.multusCNI.image.tag and global.configName as helm will: from the release record, --values, --set and the reuse flags. Silent where Multus is not installed by the chart.',
      zh: '按 helm 的规则，根据 release 记录、--values、--set 和复用参数计算 multus.multusCNI.image.tag 和 global.configName。chart 不安装 Multus 时不报告。',
    },
    fix: {
      en: 'manual: pass the tag of the target chart, or global.configName=spiderpool-conf, to helm upgrade; fix prints the command.',
      zh: '手动：在 helm upgrade 中使用目标 chart 的标签，或 global.configName=spiderpool-conf；fix 会给出命令。',
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
  pointReads: [...RELEASE_BODIES, { resource: 'configmaps', names: [CONFIG], columns: [asIs('data.clusterNetwork')] }],
  judge: async (rows, at) => {
    const prediction = await predicted(CHART, rows, at);
    if (isGap(prediction)) return [];
    if (!('upgrade' in prediction)) return prediction;
    if (valueAt(prediction.upgrade.all, INSTALL) === false) return [];
    return [...ofTag(prediction), ...(await ofConfig(prediction, at))];
  },
  say: (args) => SAID[args.is](args),
  remedy: flagsToHelm(CHART),
};
export default check;

const SAID: Record<Args['is'], (args: Args) => Text> = {
  tag: ({ key, value, target, wanted }) => ({
    en: `${key} is ${value}: the agents of ${target} run /install_multus, which it lacks (the chart has ${wanted})`,
    zh: `${key} 为 ${value}：${target} 的 agent 会运行 /install_multus，该镜像没有此程序（chart 使用 ${wanted}）`,
  }),
  config: ({ key, value, target, wanted }) => ({
    en: `${key} is ${value}: container multus-cni of ${target} reads ConfigMap ${wanted} all the same, and does not start without it`,
    zh: `${key} 为 ${value}：而 ${target} 的 multus-cni 容器固定读取 ConfigMap ${wanted}，没有它就无法启动`,
  }),
};

function ofTag({ upgrade, target, scope, at }: Prediction): Finding<Args>[] {
  const [tag, wanted] = [String(valueAt(upgrade.all, TAG) ?? ''), String(valueAt(target.defaults, TAG) ?? '')];
  return isOld(tag) && SIMPLE.test(tag) ? [found('tag', [...scope, ...TAG], tag, wanted, target.version, at)] : [];
}

/** A ConfigMap of that name with the key, made by a person, is enough. */
async function ofConfig({ upgrade, target, scope, at }: Prediction, { look, path }: Situation): Promise<Finding<Args>[]> {
  const name = valueAt(upgrade.all, CONFIG_NAME);
  if (typeof name !== 'string' || name === CONFIG || !SIMPLE.test(name)) return [];
  const config = await look.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: path.installation.namespace, name: CONFIG });
  if (isGap(config) || (config && isRaw(config.data) && config.data.clusterNetwork !== undefined)) return [];
  return [found('config', [...scope, ...CONFIG_NAME], name, CONFIG, target.version, at)];
}

function found(is: Args['is'], path: string[], value: string, wanted: string, target: string, at: Ref): Finding<Args> {
  const key = written(path);
  const args = { is, key, value, wanted, target, flag: setFlag(path, wanted) };
  return finding<Args>({ severity: 'blocker', key: [is], objects: [at], args, evidence: [{ seen: `${key}=${oneLine(value, 60)}` }] });
}

/** No version, or one whose image has the program, is not. */
function isOld(tag: string): boolean {
  const major = /^v?(\d{1,3})\./.exec(tag)?.[1];
  return major !== undefined && Number(major) < notes().multusImage.sinceMajor;
}
