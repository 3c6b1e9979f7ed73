// --reuse-values puts the old chart's defaults in the place of the new one's: where the new templates need a key that the old chart had not, rendering fails or a setting is empty.
// Sources: helm pkg/action/upgrade.go (reuseValues); charts/spiderpool at every tag, rendered.
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { settingFlag } from '../../../helm/flags.ts';
import { textOf } from '../../../text/language.ts';
import { failsAt, type Keys, keyList, SHOWN } from '../key-words.ts';
import { failing, type Prediction, predicted } from '../prediction.ts';
import { RELEASE_ASKS, RELEASE_READS } from '../release.ts';
import { upgradeCommand } from '../upgrade-command.ts';
import { lostValues, type Stale, staleValues } from '../values.ts';

interface Args extends Keys {
  /** It does not render; it renders, but something will not start; parts of it are as in the old version. */
  state: 'fails' | 'breaks' | 'stale';
  target: string;
  /** Words for helm that keep settings whose keys were renamed. */
  flags: string[];
}

const check: Check<typeof RELEASE_READS, Args> = {
  id: 'spiderpool/reuse-values',
  title: { en: 'the target works with the old values that --reuse-values keeps', zh: '目标版本可以使用 --reuse-values 保留的旧值' },
  headline: {
    en: 'the target does not work with the old values that --reuse-values keeps',
    zh: '目标版本无法使用 --reuse-values 保留的旧值',
  },
  page: {
    impact: {
      en: 'With --reuse-values the defaults of the old chart take the place of those of the new one. Keys that are new in the target are then missing: a template that looks below a missing map fails, and helm names only the first such key; other new keys are silently empty, and image tags stay old. Known to keep something from starting: an empty ipam.gc.statelessPod.enableGcRunningPodOnEmptyPodStatusIPs (the controller exits), and a multus image of v3 under templates of v4 (the agent does not start). With --chart and a helm on PATH, the chart is rendered with exactly these values; otherwise a table says which maps must be there, made by rendering every release without each of its maps. Looked at only when --reuse-values is given.',
      zh: '使用 --reuse-values 时，旧 chart 的默认值会取代新 chart 的默认值，目标版本新增的键因此缺失：模板读取缺失映射下的键时会渲染失败，而 helm 只指出第一个这样的键；其他新增的键会悄悄为空，镜像标签也保持旧值。已知会导致无法启动的有：ipam.gc.statelessPod.enableGcRunningPodOnEmptyPodStatusIPs 为空（控制器退出），以及 multus 镜像仍为 v3 而模板需要 v4（spiderpool-agent 无法启动）。如果提供了 --chart 且 PATH 中有 helm，则用这些值实际渲染 chart；否则由表判断哪些映射必须存在，该表通过对每个发布版本逐一去掉映射并渲染得到。仅在给出 --reuse-values 时检查。',
    },
  },
  sources: [
    'helm/helm: pkg/action/upgrade.go (reuseValues)',
    'spidernet-io/spiderpool: charts/spiderpool at every tag; cmd/spiderpool-controller/cmd/config.go@v0.9.12; templates/daemonset.yaml@v0.8.9',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: RELEASE_READS,
  pointReads: RELEASE_ASKS,
  async judge(rows, at) {
    if (at.intent?.reuse !== 'reuse') return { notApplicable: NOT_MEANT };
    const prediction = await predicted(rows, at);
    if (isGap(prediction)) return [];
    if (!('upgrade' in prediction)) return prediction;
    const failed = await failing(prediction, at);
    const { target, upgrade } = prediction;
    const stale = staleValues(target, upgrade.all, upgrade.config);
    const found = failed ? [] : (['breaks', 'stale'] as const).flatMap((state) => staleFinding(prediction, state, stale));
    if (!failed) return found;
    if ('unknown' in failed) return failed;
    return [
      finding(prediction, {
        state: 'fails',
        keys: failed.keys.slice(0, SHOWN),
        count: failed.keys.length,
        said: failed.said,
      }),
    ];
  },
  say: (args) => MESSAGES[args.state](args),
  remedy: {
    writes: [],
    // The same command as that of values-keys, so that the two are one step.
    steps: async ([found], at) => [upgradeCommand(at, found?.args.flags ?? [])],
  },
};
export default check;

const NOT_MEANT: Text = { en: '--reuse-values is not given', zh: '没有使用 --reuse-values' };

function staleFinding(prediction: Prediction, state: 'breaks' | 'stale', all: readonly Stale[]): Finding<Args>[] {
  const keys = all.filter(({ breaks }) => breaks === (state === 'breaks')).map(({ key }) => key);
  return keys.length ? [finding(prediction, { state, keys: keys.slice(0, SHOWN), count: keys.length })] : [];
}

function finding(prediction: Prediction, found: Omit<Args, 'target' | 'flags'>): Finding<Args> {
  const { at, release, target, old, upgrade } = prediction;
  const renamed = lostValues(upgrade.config, target, upgrade.all, old).filter(({ state }) => state === 'renamed');
  const args = { ...found, target: target.version, flags: renamed.flatMap(({ to, value }) => to.map((path) => settingFlag(path, value))) };
  const keys = args.keys.join(', ');
  const seen = textOf(args.said ?? { en: `missing or old: ${keys}`, zh: `缺失或过旧：${keys}` });
  const chart = `${release.chart.name}-${release.chart.version}`;
  return {
    severity: args.state === 'stale' ? 'warning' : 'blocker',
    key: [args.state],
    certainty: 'certain',
    objects: [at],
    args,
    evidence: [{ seen: { en: `${chart}: ${seen.en}`, zh: `${chart}：${seen.zh}` }, at }],
  };
}

const MESSAGES: Record<Args['state'], (args: Args) => Text> = {
  fails: (args) => ({
    en: `${args.target} does not render with --reuse-values${failsAt(args, 'en')}`,
    zh: `使用 --reuse-values 时 ${args.target} 无法渲染${failsAt(args, 'zh')}`,
  }),
  breaks: (args) => ({
    en: `with --reuse-values ${args.target} renders, but does not start: ${keyList(args, 'en')}`,
    zh: `使用 --reuse-values 时 ${args.target} 可以渲染，但无法启动：${keyList(args, 'zh')}`,
  }),
  stale: (args) => ({
    en: `with --reuse-values ${args.target} misses its own defaults of ${keyList(args, 'en')}`,
    zh: `使用 --reuse-values 时 ${args.target} 得不到自己的默认值：${keyList(args, 'zh')}`,
  }),
};
