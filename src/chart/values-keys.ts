// The check values-keys, for any system that is installed by a chart: values of the release that the target chart will not use (renamed, removed, never known, dropped by how helm is
// called, refused by its schema), and values with which it does not render. Source: helm pkg/action/upgrade.go (reuseValues), pkg/chart/common/util/coalesce.go.

import type { Check, Finding, Language, Page, Situation, StepDraft, Text, ValueSetting } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { settingFlag, settingText } from '../helm/flags.ts';
import { leavesOf, pathOf, valueAt, written } from '../helm/keys.ts';
import { deepEqual } from '../kube/json.ts';
import { shellWord } from '../text/shell.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';
import { failsAt, type Keys, keyList, SHOWN } from './key-words.ts';
import { failing, type Prediction, predicted } from './prediction.ts';
import { BY_RELEASE, type RELEASE_READS } from './release.ts';
import { refusedValues } from './schema.ts';
import { assigned, type Shown, shown, shownAs } from './shown.ts';
import { upgradeCommand } from './upgrade-command.ts';
import { hasPlace, inOtherForm, type KnownValues, type Lost, lostValues, nearestKey, neighbours, successors } from './values.ts';

interface Args extends Keys {
  state: Lost['state'] | 'dropped' | 'fails' | 'refused';
  target: string;
  /** Keys that took its place, or that may have been meant. */
  to: string[];
  /** What is set now, and what will be. */
  set?: Shown;
  becomes?: Shown;
  /** Flags for helm that keep the value. */
  flags: string[];
}
type ValuesCheck = Check<typeof RELEASE_READS, Args>;

export function valuesKeys(facts: ChartFacts, words: { page: Page; sources: (string | Text)[] }): ValuesCheck {
  return {
    id: `${facts.system}/values-keys`,
    title: { en: 'the target chart reads every value set on the release', zh: '目标 chart 会读取 release 的全部 values' },
    headline: { en: 'Helm values will not carry over unchanged', zh: '部分 Helm values 升级后会失效或改变' },
    ...words,
    ...BY_RELEASE,
    judge: async (rows, at) => {
      const refused = await refusedValues(facts, rows, at);
      if (refused && 'unknown' in refused) return refused;
      const prediction = await predicted(facts, rows, at);
      // A closed schema has every key that the chart reads: without a table, it alone decides.
      if (refused && (refused.paths.length || !intendedOf(at).chart)) {
        const { paths, record } = refused;
        return paths.map((path) => {
          const to = neighbours(path, facts.facts).map(written);
          return finding(record, { ...several('refused', at.path.to ?? '', [written(path)], 1), to });
        });
      }
      if (isGap(prediction)) return [];
      if (!('upgrade' in prediction)) return prediction;
      // --reuse-values is judged by reuse-values.
      const failed = intendedOf(at).intent?.reuse === 'reuse' ? undefined : await failing(prediction, at);
      const found = findings(prediction, at);
      if (failed && 'unknown' in failed) return found.length ? found : failed;
      return failed ? [failure(prediction, failed), ...found] : found;
    },
    say: (args) => MESSAGES[args.state](args),
    remedy: {
      writes: [],
      steps: async (found, at) => steps(facts, found, at),
    },
  };
}

// ---- findings -------------------------------------------------------------------------------------------------------

function findings(prediction: Prediction, at: Situation): Finding<Args>[] {
  const { target, old, upgrade, scope } = prediction;
  const lost = lostValues(upgrade.config, target, upgrade.all, old);
  const single = lost.filter(({ state }) => state !== 'removed').map((each) => finding(prediction, argsOf(each, prediction)));
  const removed = [...Map.groupBy(lost, (each) => (each.state === 'removed' ? placeless(each.path, target) : undefined))].flatMap(
    ([path, values]) => {
      if (path === undefined) return [];
      const to = inOtherForm(pathOf(path), target).map((each) => written([...scope, ...each]));
      return [finding(prediction, { ...several('removed', target.version, [written([...scope, ...pathOf(path)])], values.length), to })];
    },
  );
  return [...dropped(prediction, at), ...single, ...removed];
}

const CERTAIN_KEYS: ReadonlySet<Args['state']> = new Set(['dropped', 'fails']);

function finding({ at, release }: Pick<Prediction, 'at' | 'release'>, args: Args): Finding<Args> {
  const severity = args.state === 'fails' || args.state === 'refused' ? 'blocker' : 'warning';
  const chart = `${release.chart.name}-${release.chart.version}`;
  const seen = (language: Language) => `${chart}: ${args.said ?? assigned(args.keys.join(', '), args.set, language)}`;
  return {
    severity,
    key: [args.state, ...(CERTAIN_KEYS.has(args.state) ? [] : args.keys)],
    certainty: args.state === 'unknown' ? 'high' : 'certain',
    objects: [at],
    args,
    evidence: [{ seen: args.set && 'kind' in args.set ? { en: seen('en'), zh: seen('zh') } : seen('en'), at }],
  };
}

const several = (state: Args['state'], target: string, keys: readonly string[], count: number): Args => ({
  ...{ state, target, count, keys: keys.slice(0, SHOWN) },
  ...{ to: [], flags: [] },
});

function argsOf({ path, value, state, to }: Lost, { target, upgrade, scope }: Prediction): Args {
  const near = state === 'unknown' ? nearestKey(path, target) : undefined;
  const becomes = to[0] && valueAt(upgrade.all, to[0]);
  const places = (state === 'renamed' ? to : near ? [near] : []).map((each) => [...scope, ...each]);
  return {
    ...several(state, target.version, [written([...scope, ...path])], 1),
    to: places.map(written),
    set: shown(path, value),
    becomes: becomes === undefined || becomes === null ? undefined : shown(to[0]!, becomes),
    flags: places.map((each) => settingFlag(each, value)),
  };
}

/** The outermost part of a key for which the target has no place. */
function placeless(path: readonly string[], target: KnownValues): string {
  const end = path.findIndex((_, at) => !hasPlace(path.slice(0, at + 1), target));
  return written(path.slice(0, end + 1));
}

/** Old values that helm drops because something was given without a reuse flag. */
function dropped(prediction: Prediction, at: Situation): Finding<Args>[] {
  const { intent } = intendedOf(at);
  if (!intent || intent.reuse !== undefined || !Object.keys(intent.given).length) return [];
  const { target, upgrade, config, given, scope } = prediction;
  const keys = leavesOf(config)
    .filter(
      ({ path, value }) =>
        (hasPlace(path, target) || successors(path, target).length) &&
        !deepEqual(valueAt(upgrade.all, path) ?? null, value) &&
        valueAt(given, path) === undefined,
    )
    .map(({ path }) => written([...scope, ...path]));
  return keys.length ? [finding(prediction, several('dropped', target.version, keys, keys.length))] : [];
}

const failure = (prediction: Prediction, { keys, said }: { keys: string[]; said?: string }): Finding<Args> =>
  finding(prediction, { ...several('fails', prediction.target.version, keys, keys.length), said });

// ---- words ----------------------------------------------------------------------------------------------------------

const first = ({ keys }: Args): string => keys[0] ?? '';
const setting = (args: Args, language: Language): string => assigned(first(args), args.set, language);
const MESSAGES: Record<Args['state'], (args: Args) => Text> = {
  renamed: (args) => ({
    en: `${setting(args, 'en')} is ignored by ${args.target}: renamed to ${args.to.join(' and ')}, ${args.becomes ? `which will be ${shownAs(args.becomes, 'en')}` : 'which is not set'}${keep(args, 'en')}`,
    zh: `${args.target} 会忽略 ${setting(args, 'zh')}：已改名为 ${args.to.join('、')}，${args.becomes ? `其值将为${shownAs(args.becomes, 'zh')}` : '未设置'}${keep(args, 'zh')}`,
  }),
  removed: (args) => ({
    en: `${args.target} removed ${first(args)}, so ${args.count === 1 ? 'this value is' : `${args.count} values below it are`} ignored${args.to.length ? `; its replacement ${args.to[0]} has a different format` : ''}`,
    zh: `${args.target} 已移除 ${first(args)}，${args.count === 1 ? '该值' : `其下的 ${args.count} 个值`}会被忽略${args.to.length ? `；替代它的 ${args.to[0]} 格式不同` : ''}`,
  }),
  unread: (args) => ({
    en: `${setting(args, 'en')} is ignored by ${args.target}: its values.yaml still has the key, but no template reads it`,
    zh: `${args.target} 会忽略 ${setting(args, 'zh')}：values.yaml 中仍有该键，但没有模板读取`,
  }),
  unknown: (args) => ({
    en: `unknown key in ${args.target}: ${first(args)}${args.to.length ? `; did you mean ${args.to[0]}?` : ''}`,
    zh: `${args.target} 中没有 ${first(args)} 这个键${args.to.length ? `；是否指 ${args.to[0]}？` : ''}`,
  }),
  shape: (args) => ({
    en: `wrong type: ${setting(args, 'en')}; ${args.target} expects a map here and a value is set, or vice versa`,
    zh: `类型不符：${setting(args, 'zh')}；${args.target} 在此处需要映射，而设置的是单个值（或相反）`,
  }),
  dropped: (args) => ({
    en: `helm drops the values set before, because --values or --set is given: ${keyList(args, 'en')}. To keep them: --reset-then-reuse-values`,
    zh: `由于给出了 --values 或 --set，helm 会丢弃之前设置的值：${keyList(args, 'zh')}。如需保留，请加上 --reset-then-reuse-values`,
  }),
  fails: (args) => ({
    en: `${args.target} does not render with these values${failsAt(args, 'en')}`,
    zh: `${args.target} 无法用这些值渲染${failsAt(args, 'zh')}`,
  }),
  refused: (args) => ({
    en: `helm upgrade to ${args.target} will fail ("values don't meet the specifications of the schema"): ${first(args)} is not allowed${args.to.length ? `; its new name is ${args.to.join(' or ')}` : ''}`,
    zh: `升级到 ${args.target} 时 helm upgrade 会失败（“values don't meet the specifications of the schema”）：不允许 ${first(args)}${args.to.length ? `；现名为 ${args.to.join('、')}` : ''}`,
  }),
};

/** The flags that keep it as it is. */
function keep({ flags }: Args, language: Language): string {
  if (!flags.length) return '';
  if (language === 'zh') return `。如需保持不变：${flags.join(' ')}`;
  return `. To keep it: ${flags.join(' ')}`;
}

// ---- the remedy -----------------------------------------------------------------------------------------------------

function steps(facts: ChartFacts, found: readonly Finding<Args>[], at: Situation): StepDraft[] {
  const flags = found.filter(({ args }) => args.state === 'renamed').flatMap(({ args }) => args.flags);
  const drops = found.some(({ args }) => args.state === 'dropped');
  const refused = found.filter(({ args }) => args.state === 'refused');
  return [
    ...(refused.length ? [withoutRefused(facts, refused, at)] : []),
    ...(flags.length || drops ? [{ ...upgradeCommand(facts, at, flags), ...moving(facts, found, at) }] : []),
  ];
}

/** What `upgrade` gives helm under the new names by itself. Not what was given under the old ones: that file is its owner's. */
function moving({ system }: ChartFacts, found: readonly Finding<Args>[], at: Situation): Pick<StepDraft, 'helmValues' | 'brief'> {
  const renamed = found.filter(({ args }) => args.state === 'renamed' && args.to.length);
  const given = intendedOf(at).intent?.given ?? {};
  if (!renamed.length || renamed.some(({ args }) => valueAt(given, pathOf(first(args))) !== undefined)) return {};
  const helmValues = renamed.map(({ args }): ValueSetting => {
    const [path = [], ...also] = args.to.map(pathOf);
    return { path, movedFrom: pathOf(first(args)), ...(also.length ? { also } : {}) };
  });
  return { helmValues, brief: () => changing(system, helmValues) };
}

function changing(system: string, values: readonly ValueSetting[]): Text {
  const texts = values.map(settingText);
  return {
    en: `upgrade ${system} changes the values passed to helm: ${texts.map(({ en }) => en).join(', ')}`,
    zh: `upgrade ${system} 会更改传给 helm 的 values：${texts.map(({ zh }) => zh).join('、')}`,
  };
}

/** No flag takes a key out of the values that helm carries over: it takes a file without it. `upgrade` gives helm the values without it, under the new name where there is one. */
function withoutRefused(
  { system, chart, repository }: ChartFacts,
  found: readonly Finding<Args>[],
  { path, intended }: Situation,
): StepDraft {
  const { installation, to = '' } = path;
  const values = found.flatMap(({ args }): ValueSetting[] => {
    const key = pathOf(first(args));
    if (args.to.length > 1) return [];
    return [args.to[0] ? { path: pathOf(args.to[0]), movedFrom: key } : { path: key, value: null }];
  });
  const said = (language: Language) =>
    found
      .map(
        ({ args }) =>
          `${first(args)}${args.to.length ? { en: ` (now ${args.to.join(', ')})`, zh: `（现为 ${args.to.join('、')}）` }[language] : ''}`,
      )
      .join({ en: ', ', zh: '、' }[language]);
  const [name, at] = [installation.name, installation.namespace ?? ''].map(shellWord);
  const given = intendedOf({ intended }).intent?.given ?? {};
  const isOurs = values.length === found.length && found.every(({ args }) => valueAt(given, pathOf(first(args))) === undefined);
  return {
    ...{ do: 'manual', guard: [], undo: 'none', when: 'instead' },
    commands: [
      `helm get values ${name} -n ${at} -o yaml > values.yaml`,
      `helm upgrade ${name} ${chart} --repo=${repository} --version=${shellWord(to)} -n ${at} --reset-values -f values.yaml`,
    ],
    text: {
      en: `remove ${said('en')} from the values: write them to a file, edit it, and give helm that file`,
      zh: `从 values 中去掉 ${said('zh')}：导出到文件，编辑后用该文件升级`,
    },
    ...(isOurs
      ? {
          helmValues: values,
          brief: () => changing(system, values),
        }
      : {}),
  };
}
