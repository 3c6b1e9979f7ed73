// Settings of the release that the target chart will not use: renamed, gone, never known, or dropped by how helm is called; and values with which it does not render.
// Sources: values.yaml and templates of charts/spiderpool at every tag; helm pkg/action/upgrade.go (reuseValues).
import type { Check, Finding, Json, Language, Raw, Situation, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { setFlag, settingFlag } from '../../../helm/flags.ts';
import { leavesOf, pathOf, valueAt, written } from '../../../helm/keys.ts';
import { mergeMaps } from '../../../helm/values.ts';
import { deepEqual } from '../../../kube/json.ts';
import { looksSecret, REDACTED } from '../../../text/redact.ts';
import { failsAt, type Keys, keyList, SHOWN } from '../key-words.ts';
import { failing, type Prediction, predicted } from '../prediction.ts';
import { RELEASE_ASKS, RELEASE_READS } from '../release.ts';
import { assigned, type Shown, shown, shownAs } from '../shown.ts';
import { upgradeCommand } from '../upgrade-command.ts';
import { changedDefaults, hasPlace, inOtherForm, type KnownValues, type Lost, lostValues, nearestKey, successors } from '../values.ts';

interface Args extends Keys {
  state: Lost['state'] | 'dropped' | 'changed' | 'fails';
  target: string;
  /** Keys that took its place, or that may have been meant. */
  to: string[];
  /** What is set now, and what will be. */
  set?: Shown;
  becomes?: Shown;
  /** Words for helm that keep the setting. */
  flags: string[];
}

const check: Check<typeof RELEASE_READS, Args> = {
  id: 'spiderpool/values-keys',
  title: { en: 'the target chart uses every setting of the release', zh: '目标 chart 会用到 release 的每项设置' },
  headline: { en: 'settings of the release and the target chart do not fit', zh: 'release 的设置与目标 chart 不相符' },
  page: {
    impact: {
      en: 'helm says nothing about a value that no template reads: a setting whose key was renamed or taken away is lost in silence, and the default comes back. Compared are the settings that the upgrade will carry over (the release record, --values, --set, and --reset-values or --reset-then-reuse-values as helm has them) with the keys that the target chart has and reads: those of the chart given by --chart, else those of a table made from the charts of all releases. A value that is the same as the default of its own chart is no setting and does not count. Any --values or --set without one of the reuse flags makes helm drop every old setting; that is said too, and so are new defaults that change what runs on the nodes. With --chart and a helm on PATH, the chart is rendered with the values that it will get; without them the table says which maps must be there.',
      zh: '对于没有模板读取的值，helm 不会给出任何提示：键被改名或删除后，相应设置会悄悄失效，恢复为默认值。本检查把升级将带入的设置（release 记录、--values、--set，以及 --reset-values 或 --reset-then-reuse-values，规则与 helm 相同）与目标 chart 拥有并读取的键进行比较：提供 --chart 时以该 chart 为准，否则使用根据所有发布版本的 chart 生成的表。与其自身 chart 默认值相同的值不算设置。只要给出 --values 或 --set 而没有复用参数，helm 就会丢弃所有旧设置，本检查会指出这一点，也会指出会改变节点行为的新默认值。如果提供了 --chart 且 PATH 中有 helm，则用将得到的值实际渲染 chart；否则由表判断哪些映射必须存在。',
    },
  },
  sources: [
    'spidernet-io/spiderpool: charts/spiderpool/values.yaml and templates at every tag',
    'helm/helm: pkg/action/upgrade.go (reuseValues), pkg/chart/common/util/coalesce.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: RELEASE_READS,
  pointReads: RELEASE_ASKS,
  async judge(rows, at) {
    const prediction = await predicted(rows, at);
    if (isGap(prediction)) return [];
    if (!('upgrade' in prediction)) return prediction;
    // --reuse-values is judged by reuse-values.
    const failed = at.intent?.reuse === 'reuse' ? undefined : await failing(prediction, at);
    const found = findings(prediction, at);
    if (failed && 'unknown' in failed) return found.length ? found : failed;
    return failed ? [failure(prediction, failed), ...found] : found;
  },
  say: (args) => MESSAGES[args.state](args),
  remedy: {
    writes: [],
    steps: async (found, at) => steps(found, at),
  },
};
export default check;

// ---- findings -------------------------------------------------------------------------------------------------------

function findings(prediction: Prediction, at: Situation): Finding<Args>[] {
  const { target, old, release, upgrade, today } = prediction;
  const lost = lostValues(upgrade.config, target, upgrade.all, old);
  const single = lost.filter(({ state }) => state !== 'removed').map((each) => finding(prediction, argsOf(each, prediction)));
  const removed = [...Map.groupBy(lost, (each) => (each.state === 'removed' ? placeless(each.path, target) : undefined))].flatMap(
    ([key, values]) =>
      key === undefined
        ? []
        : [finding(prediction, { ...several('removed', target, [key], values.length), to: inOtherForm(pathOf(key), target).map(written) })],
  );
  const changes = changedDefaults(today, upgrade.all, mergeMaps(release.config, upgrade.config)).map((each) =>
    finding(prediction, change(each, target)),
  );
  return [...dropped(prediction, at, release.config), ...single, ...removed, ...changes];
}

function finding({ at, release }: Prediction, args: Args): Finding<Args> {
  const severity = args.state === 'fails' ? 'blocker' : args.state === 'changed' ? 'notice' : 'warning';
  const chart = `${release.chart.name}-${release.chart.version}`;
  const seen = (language: Language) => `${chart}: ${args.said ?? assigned(args.keys.join(', '), args.set, language)}`;
  return {
    severity,
    key: [args.state, ...(args.state === 'dropped' || args.state === 'fails' ? [] : args.keys)],
    certainty: args.state === 'unknown' ? 'high' : 'certain',
    objects: [at],
    args,
    evidence: [{ seen: args.set && 'kind' in args.set ? { en: seen('en'), zh: seen('zh') } : seen('en'), at }],
  };
}

const several = (state: Args['state'], { version }: KnownValues, keys: readonly string[], count: number): Args => ({
  state,
  target: version,
  keys: keys.slice(0, SHOWN),
  count,
  to: [],
  flags: [],
});

function argsOf({ path, value, state, to }: Lost, { target, upgrade }: Prediction): Args {
  const near = state === 'unknown' ? nearestKey(path, target) : undefined;
  const becomes = to[0] && valueAt(upgrade.all, to[0]);
  const places = state === 'renamed' ? to : near ? [near] : [];
  return {
    ...several(state, target, [written(path)], 1),
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

/** Old settings that helm drops because something was given without a word about reuse. */
function dropped(prediction: Prediction, { intent }: Situation, config: Raw): Finding<Args>[] {
  if (!intent || intent.reuse !== undefined || !Object.keys(intent.given).length) return [];
  const { target, upgrade } = prediction;
  const keys = leavesOf(config)
    .filter(
      ({ path, value }) =>
        (hasPlace(path, target) || successors(path, target).length) &&
        !deepEqual(valueAt(upgrade.all, path) ?? null, value) &&
        valueAt(intent.given, path) === undefined,
    )
    .map(({ path }) => written(path));
  return keys.length ? [finding(prediction, several('dropped', target, keys, keys.length))] : [];
}

function change({ key, before, after }: { key: string; before: Json | undefined; after: Json }, target: KnownValues): Args {
  const path = pathOf(key);
  // What was not there did nothing.
  const kept = before ?? (after === true ? false : undefined);
  return {
    ...several('changed', target, [key], 1),
    set: before === undefined ? undefined : ofChart(path, before),
    becomes: ofChart(path, after),
    flags: kept === undefined ? [] : [setFlag(path, kept)],
  };
}

const failure = (prediction: Prediction, { keys, said }: { keys: string[]; said?: string }): Finding<Args> =>
  finding(prediction, { ...several('fails', prediction.target, keys, keys.length), said });

/** A default of a chart is nobody's setting, and shown as it is. */
function ofChart(path: readonly string[], value: Json): Shown {
  const json = path.some(looksSecret) && typeof value !== 'boolean' ? REDACTED : JSON.stringify(value);
  return { json: json.length > 60 ? `${json.slice(0, 59)}…` : json };
}

// ---- words ----------------------------------------------------------------------------------------------------------

const first = ({ keys }: Args): string => keys[0] ?? '';
const setting = (args: Args, language: Language): string => assigned(first(args), args.set, language);
const MESSAGES: Record<Args['state'], (args: Args) => Text> = {
  renamed: (args) => ({
    en: `${setting(args, 'en')} has no effect in ${args.target}: it is now ${args.to.join(' and ')}, ${args.becomes ? `which will be ${shownAs(args.becomes, 'en')}` : 'which is not set'}${keep(args, 'en')}`,
    zh: `${setting(args, 'zh')} 在 ${args.target} 中不起作用：该键现为 ${args.to.join(' 和 ')}，${args.becomes ? `其值将为${shownAs(args.becomes, 'zh')}` : '未设置'}${keep(args, 'zh')}`,
  }),
  removed: (args) => ({
    en: `${first(args)} is gone in ${args.target}: ${args.count === 1 ? 'the setting has' : `${args.count} settings below it have`} no effect${args.to.length ? `; what took its place has another form: ${args.to[0]}` : ''}`,
    zh: `${args.target} 中已没有 ${first(args)}：${args.count === 1 ? '该设置' : `其下的 ${args.count} 项设置`}不起作用${args.to.length ? `；取代它的键写法不同：${args.to[0]}` : ''}`,
  }),
  unread: (args) => ({
    en: `${setting(args, 'en')}: ${args.target} still lists the key, but does not use it any more`,
    zh: `${setting(args, 'zh')}：${args.target} 仍列出该键，但不再使用`,
  }),
  unknown: (args) => ({
    en: `${first(args)} is no key of ${args.target}${args.to.length ? `; did you mean ${args.to[0]}?` : ''}`,
    zh: `${args.target} 没有 ${first(args)} 这个键${args.to.length ? `；是否指 ${args.to[0]}？` : ''}`,
  }),
  shape: (args) => ({
    en: `${setting(args, 'en')} does not fit: ${args.target} has a value there where a map is set, or the other way round`,
    zh: `${setting(args, 'zh')} 的类型不符：${args.target} 在此处需要的是映射而不是值，或者相反`,
  }),
  dropped: (args) => ({
    en: `helm drops the old settings because --values or --set is given: ${keyList(args, 'en')}; keep them with --reset-then-reuse-values`,
    zh: `由于给出了 --values 或 --set，helm 会丢弃旧的设置：${keyList(args, 'zh')}；如需保留，请加上 --reset-then-reuse-values`,
  }),
  changed: (args) => ({
    en: `${args.set === undefined ? `${first(args)} is new in ${args.target} and on by default` : `the default of ${first(args)} changes from ${shownAs(args.set, 'en')} to ${args.becomes && shownAs(args.becomes, 'en')}`}${keep(args, 'en')}`,
    zh: `${args.set === undefined ? `${first(args)} 是 ${args.target} 新增的键，默认开启` : `${first(args)} 的默认值由${shownAs(args.set, 'zh')} 变为${args.becomes && shownAs(args.becomes, 'zh')}`}${keep(args, 'zh')}`,
  }),
  fails: (args) => ({
    en: `${args.target} does not render with these values${failsAt(args, 'en')}`,
    zh: `${args.target} 无法用这些值渲染${failsAt(args, 'zh')}`,
  }),
};

/** The words that keep it as it is. */
function keep({ flags, state }: Args, language: Language): string {
  if (!flags.length) return '';
  if (language === 'zh') return `；如需保持不变：${flags.join(' ')}`;
  return `; ${state === 'changed' ? 'as before with' : 'keep it with'} ${flags.join(' ')}`;
}

// ---- the remedy -----------------------------------------------------------------------------------------------------

function steps(found: readonly Finding<Args>[], at: Situation): StepDraft[] {
  const flags = found.filter(({ args }) => args.state === 'renamed').flatMap(({ args }) => args.flags);
  const drops = found.some(({ args }) => args.state === 'dropped');
  return flags.length || drops ? [upgradeCommand(at, flags)] : [];
}
