// The check values-defaults, for any system that is installed by a chart: defaults that the target chart changes, of keys that change what runs, where the release does not set them.

import { finding } from '../engine/builders.ts';
import type { Check, Finding, Json, Language, Page, Text } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { setFlag } from '../helm/flags.ts';
import { pathOf, written } from '../helm/keys.ts';
import { mergeMaps } from '../helm/values.ts';
import { looksSecret, REDACTED } from '../text/redact.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';
import { type Prediction, predicted } from './prediction.ts';
import { BY_RELEASE, type RELEASE_READS } from './release.ts';
import { changedDefaults } from './values.ts';

interface Args {
  key: string;
  target: string;
  /** As JSON; undefined: the key is new. */
  was?: string;
  becomes: string;
  /** What keeps it as it is; '' where nothing does. */
  flag: string;
  harm: Text | null;
}

export function valuesDefaults(facts: ChartFacts, words: { page: Page; sources: (string | Text)[] }): Check<typeof RELEASE_READS, Args> {
  return {
    id: `${facts.system}/values-defaults`,
    title: { en: 'the target chart keeps the defaults that the release uses', zh: '目标 chart 保留 release 所用的默认值' },
    headline: { en: 'target chart changes defaults that the release uses', zh: '目标 chart 改变了 release 使用的默认值' },
    ...words,
    ...BY_RELEASE,
    judge: async (rows, at) => {
      // --reuse-values keeps the old ones, which reuse-values judges.
      if (intendedOf(at).intent?.reuse === 'reuse') return { notApplicable: REUSED };
      const prediction = await predicted(facts, rows, at);
      if (isGap(prediction)) return [];
      if (!('upgrade' in prediction)) return prediction;
      const { target, today, upgrade, config } = prediction;
      return changedDefaults(target, today, upgrade.all, mergeMaps(config, upgrade.config)).map((each) => found(each, prediction, facts));
    },
    say: ({ key, target, was, becomes, flag, harm }) => {
      const then = { en: harm ? `: ${harm.en}` : '', zh: harm ? `：${harm.zh}` : '' };
      const kept = (language: Language) => `${then[language]}${flag ? KEEP[language](flag, was === undefined) : ''}`;
      return was === undefined
        ? { en: `${target} adds ${key} and turns it on by default${kept('en')}`, zh: `${target} 新增 ${key}，默认开启${kept('zh')}` }
        : {
            en: `${target} changes the default of ${key} from ${was} to ${becomes}${kept('en')}`,
            zh: `${target} 将 ${key} 的默认值由 ${was} 改为 ${becomes}${kept('zh')}`,
          };
    },
  };
}

const REUSED: Text = { en: '--reuse-values keeps the old defaults', zh: '--reuse-values 会保留旧的默认值' };
const KEEP = {
  en: (flag: string, isNew: boolean) => `. To keep it${isNew ? ' off' : ''}: ${flag}`,
  zh: (flag: string) => `。如需保持不变：${flag}`,
};

function found(
  { key, before, after }: ReturnType<typeof changedDefaults>[number],
  { at, release, target, scope }: Prediction,
  { facts }: ChartFacts,
): Finding<Args> {
  const harm = facts.harms?.(key, after) ?? null;
  const path = [...scope, ...pathOf(key)];
  // What was not there did nothing.
  const kept = before ?? (after === true ? false : undefined);
  const was = before === undefined ? undefined : jsonOf(path, before);
  return finding<Args>({
    severity: harm ? 'warning' : 'notice',
    key: ['changed', written(path)],
    objects: [at],
    args: {
      key: written(path),
      target: target.version,
      was,
      becomes: jsonOf(path, after),
      flag: kept === undefined ? '' : setFlag(path, kept),
      harm,
    },
    evidence: [{ seen: `${release.chart.name}-${release.chart.version}: ${written(path)}${was === undefined ? '' : `=${was}`}` }],
  });
}

/** Characters of a value. */
const SHORT = 60;

/** A default of a chart is not a user's value, and shown as it is. */
function jsonOf(path: readonly string[], value: Json): string {
  const json = path.some(looksSecret) && typeof value !== 'boolean' ? REDACTED : JSON.stringify(value);
  return json.length > SHORT ? `${json.slice(0, SHORT - 1)}…` : json;
}
