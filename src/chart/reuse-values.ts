// The check reuse-values, for any system that is installed by a chart: --reuse-values keeps the old chart's defaults, so that keys which the new templates or its schema need are missing.
// Source: helm pkg/action/upgrade.go (reuseValues).

import type { Check, Finding, Page, Text } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { settingFlag } from '../helm/flags.ts';
import { written } from '../helm/keys.ts';
import { textOf } from '../text/language.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';
import { failsAt, type Keys, keyList, SHOWN } from './key-words.ts';
import { failing, type Prediction, predicted } from './prediction.ts';
import { BY_RELEASE, type Current, type RELEASE_READS } from './release.ts';
import { refusedValues } from './schema.ts';
import { upgradeCommand } from './upgrade-command.ts';
import { lostValues, type Stale, staleValues } from './values.ts';

interface Args extends Keys {
  /** It does not render, or its schema refuses; it renders, but something will not start; parts of it are as in the old version. */
  state: 'fails' | 'refused' | 'breaks' | 'stale';
  target: string;
  /** Flags for helm that keep values whose keys were renamed. */
  flags: string[];
}

export function reuseValues(facts: ChartFacts, words: { page: Page; sources: (string | Text)[] }): Check<typeof RELEASE_READS, Args> {
  return {
    id: `${facts.system}/reuse-values`,
    title: { en: '--reuse-values is safe for this upgrade', zh: '本次升级可以安全使用 --reuse-values' },
    headline: { en: '--reuse-values is not safe for this upgrade', zh: '本次升级不能使用 --reuse-values' },
    ...words,
    ...BY_RELEASE,
    judge: async (rows, at) => {
      if (intendedOf(at).intent?.reuse !== 'reuse') return { notApplicable: NOT_USED };
      const refused = await refusedValues(facts, rows, at, 'required');
      if (refused && 'unknown' in refused) return refused;
      if (refused && (refused.paths.length || !intendedOf(at).chart)) {
        const keys = refused.paths.map(written);
        return keys.length ? [finding(refused.record, { ...named('refused', keys), target: at.path.to ?? '', flags: [] })] : [];
      }
      const prediction = await predicted(facts, rows, at);
      if (isGap(prediction)) return [];
      if (!('upgrade' in prediction)) return prediction;
      const failed = await failing(prediction, at);
      if (failed && 'unknown' in failed) return failed;
      const args = { target: prediction.target.version, flags: renamedFlags(prediction) };
      if (failed) return [finding(prediction, { ...named('fails', failed.keys), said: failed.said, ...args })];
      const { target, upgrade, scope } = prediction;
      const stale = staleValues(target, upgrade.all, upgrade.config);
      return (['breaks', 'stale'] as const).flatMap((state) => {
        const keys = keysOf(state, stale).map((key) => [...scope.map((name) => written([name])), key].join('.'));
        return keys.length ? [finding(prediction, { ...named(state, keys), ...args })] : [];
      });
    },
    say: (args) => MESSAGES[args.state](args),
    remedy: {
      writes: [],
      // The same command as that of values-keys, so that the two are one step.
      steps: async ([found], at) => [upgradeCommand(facts, at, found?.args.flags ?? [])],
    },
  };
}

const NOT_USED: Text = { en: '--reuse-values is not given', zh: '没有使用 --reuse-values' };

const named = <State extends Args['state']>(state: State, keys: readonly string[]) => ({
  state,
  keys: keys.slice(0, SHOWN),
  count: keys.length,
});

const keysOf = (state: 'breaks' | 'stale', stale: readonly Stale[]): string[] =>
  stale.filter(({ breaks }) => breaks === (state === 'breaks')).map(({ key }) => key);

const renamedFlags = ({ target, old, upgrade, scope }: Prediction): string[] =>
  lostValues(upgrade.config, target, upgrade.all, old)
    .filter(({ state }) => state === 'renamed')
    .flatMap(({ to, value }) => to.map((path) => settingFlag([...scope, ...path], value)));

function finding({ at, release }: Current, args: Args): Finding<Args> {
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
  refused: (args) => ({
    en: `with --reuse-values helm upgrade to ${args.target} will fail ("values don't meet the specifications of the schema"): ${keyList(args, 'en')} required`,
    zh: `使用 --reuse-values 升级到 ${args.target} 时 helm upgrade 会失败（“values don't meet the specifications of the schema”）：缺少 ${keyList(args, 'zh')}`,
  }),
  breaks: (args) => ({
    en: `with --reuse-values ${args.target} renders but will not start: ${keyList(args, 'en')}`,
    zh: `使用 --reuse-values 时 ${args.target} 可以渲染，但无法启动：${keyList(args, 'zh')}`,
  }),
  stale: (args) => ({
    en: `--reuse-values keeps the old defaults instead of the ones of ${args.target}: ${keyList(args, 'en')}`,
    zh: `--reuse-values 会保留旧的默认值，而不使用 ${args.target} 的默认值：${keyList(args, 'zh')}`,
  }),
};
