// Values of the wrong type or outside of what the target takes: values.schema.json stops helm; what only the programs parse (durations, key sizes) falls back without a word.
// Sources: charts/osm/values.schema.json@v1.1.3, @v1.2.3, @v1.3.0, @v1.3.9 (knowledge/types.json); pkg/configurator/methods.go@v1.3.9.
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { explicitValues } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Json, Ref, Refusal, Situation, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { pathOf } from '../../../helm/keys.ts';
import { isRaw } from '../../../kube/json.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare } from '../../../versions/chart.ts';
import { carriedValues, isOwnChart, knownAt } from '../carried.ts';
import { CHART } from '../chart.ts';
import { isDuration } from '../duration.ts';
import { type Rule, types } from '../knowledge/tables.ts';
import { manual } from '../manual.ts';

/** The chart takes them, and the programs do not. */
const PARSED: Record<string, { fits(value: Json): boolean; wants: Text; effect: Text; better?(value: Json): Json | undefined }> = {
  'osm.certificateProvider.serviceCertValidityDuration': {
    fits: (value) => typeof value === 'string' && isDuration(value),
    wants: { en: 'a Go duration (24h)', zh: ' Go 的时长（24h）' },
    effect: { en: 'certificates are issued for 24h', zh: '证书有效期按 24h 签发' },
    better: inHours,
  },
  'osm.configResyncInterval': {
    fits: (value) => typeof value === 'string' && isDuration(value),
    wants: { en: 'a Go duration (90s)', zh: ' Go 的时长（90s）' },
    effect: { en: 'configuration is not resynchronised', zh: '不会定期重新同步配置' },
    better: inHours,
  },
  'osm.certificateProvider.certKeyBitSize': {
    fits: (value) => typeof value === 'number' && value >= 2048 && value <= 4096,
    wants: { en: 'a number from 2048 to 4096', zh: ' 2048 到 4096 之间的数字' },
    effect: { en: 'keys of 2048 bits are made', zh: '按 2048 位生成密钥' },
  },
};

interface Args {
  key: string;
  target: string;
  wants: Text;
  /** The same in the form that is wanted; undefined: only a person can tell. */
  better?: Json;
  /** What happens; null: helm stops. */
  effect: Text | null;
}

const check: Check<typeof RELEASE_READS, Args> = {
  id: 'osm-edge/values-schema',
  title: { en: 'values have types and ranges that the chart accepts', zh: 'values 的类型和取值范围符合 chart 的要求' },
  headline: { en: 'Helm values have a wrong type or are out of range', zh: '部分 Helm values 类型不符或超出范围' },
  page: {
    impact: {
      en: 'helm validates all values before it renders: a value of the wrong type, or one that is not allowed, makes helm upgrade fail ("values don\'t meet the specifications of the schema"). Invalid durations and key sizes pass the schema, but the programs use their own defaults instead.',
      zh: "helm 在渲染之前校验全部 values：类型不符或取值不在允许范围内时，helm upgrade 会失败（“values don't meet the specifications of the schema”）。无效的时长和密钥长度可以通过校验，但程序会改用自己的默认值。",
    },
    detection: {
      en: 'Compares the user-supplied values that the upgrade carries over with the types, patterns, allowed values and ranges of values.schema.json of the target version, or of the installed version without a target.',
      zh: '将升级后将生效的用户 values 与目标版本（没有目标时为当前版本）的 values.schema.json 中的类型、模式、可选值和范围比较。',
    },
    fix: {
      en: 'upgrade osm-edge passes the same value in the right form to helm, where there is one ("true" as true, 365d as 8760h). For others: manual, with --set or in the values file.',
      zh: '如果可以换成正确的形式（字符串“true”改为 true，365d 改为 8760h），upgrade osm-edge 会以该形式传给 helm；其他值需手动用 --set 或在 values 文件中更正。',
    },
    limits: { en: 'Keys that the schema does not have are reported by values-keys.', zh: 'schema 中没有的键由 values-keys 报告。' },
  },
  sources: [
    'flomesh-io/osm-edge: charts/osm/values.schema.json@v1.1.3, @v1.2.3, @v1.3.0, @v1.3.9',
    'flomesh-io/osm-edge: pkg/configurator/methods.go@v1.3.9',
  ],
  applies: { stage: 'both' },
  reads: RELEASE_READS,
  pointReads: RELEASE_BODIES,
  judge: async (rows, situation) => {
    const { from, to } = situation.path;
    const version = to ?? from;
    const carried = await carriedValues(rows, situation);
    if (isGap(carried)) return [];
    if (!('config' in carried)) return carried;
    if (typeof version !== 'string' || !isOwnChart(carried)) return [];
    const refused = Object.entries(types().values).flatMap(([key, since]) => {
      const [rule, value] = [standing(since, version), knownAt(carried, key)];
      const wants = refusedBy(rule, value);
      return wants ? [found(carried.record, { key, target: version, wants, better: inForm(rule, value), effect: null })] : [];
    });
    const parsed = Object.entries(PARSED).flatMap(([key, { fits, wants, effect, better }]) => {
      const value = knownAt(carried, key);
      return value === undefined || value === null || fits(value) || refused.some(({ args }) => args.key === key)
        ? []
        : [found(carried.record, { key, target: version, wants, better: better?.(value), effect })];
    });
    return [...refused, ...parsed];
  },
  say: ({ key, target, wants, effect }) => ({
    en: effect ? `value ${key} must be ${wants.en}: ${effect.en}` : `helm upgrade to ${target} will fail: ${key} must be ${wants.en}`,
    zh: effect ? `${key} 应为${wants.zh}：${effect.zh}` : `升级到 ${target} 时 helm upgrade 会失败：${key} 应为${wants.zh}`,
  }),
  remedy: {
    writes: [],
    steps: async (all, at) => {
      const values = all.flatMap(({ args: { key, better } }) => (better === undefined ? [] : [{ path: pathOf(key), value: better }]));
      const others = all.filter(({ args }) => args.better === undefined);
      return [...(values.length ? [explicitValues(CHART, at, values)] : []), ...others.map(({ args }) => correct(args, at))];
    },
  },
};
export default check;

const correct = ({ key, wants }: Args, { path: { installation } }: Situation): Refusal =>
  manual(
    { en: `set ${key} to ${wants.en} (--set, or the values file)`, zh: `用 --set 或在 values 文件中将 ${key} 设为${wants.zh}` },
    `helm get values ${shellWord(installation.name)} -n ${shellWord(installation.namespace ?? '')}`,
  );

/** 365d as 8760h; Go knows no days. */
function inHours(value: Json): Json | undefined {
  const days = typeof value === 'string' ? /^(\d{1,5})d$/.exec(value)?.[1] : undefined;
  return days ? `${Number(days) * 24}h` : undefined;
}

/** What --set-string made of a number, or quotes of a switch; a word in the wrong case. */
function inForm(rule: Rule | undefined, value: Json | undefined): Json | undefined {
  if (!rule || (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')) return undefined;
  const made =
    rule.type === 'string'
      ? (rule.enum?.find((word) => word.toLowerCase() === String(value).toLowerCase()) ?? String(value))
      : typed(rule.type, value);
  return made === undefined || refusedBy(rule, made) ? undefined : made;
}
function typed(type: string | undefined, value: Json): Json | undefined {
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return type === 'integer' && typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** The newest entry that is not newer than the version. */
function standing(since: Record<string, Rule | null>, version: string): Rule | undefined {
  const known = Object.keys(since).sort(compare);
  return since[known.filter((from) => compare(from, version) <= 0).at(-1) ?? known[0]!] ?? undefined;
}

const TYPES: Record<string, { is(value: Json): boolean; en: string; zh: string }> = {
  string: { is: (value) => typeof value === 'string', en: 'a string', zh: '字符串' },
  boolean: { is: (value) => typeof value === 'boolean', en: 'true or false', zh: '“true”或“false”' },
  integer: { is: (value) => Number.isInteger(value), en: 'a whole number', zh: '整数' },
  array: { is: Array.isArray, en: 'a list', zh: '列表' },
  object: { is: isRaw, en: 'a map', zh: '映射（map）' },
};

/** What it should be; undefined: it is. */
function refusedBy(rule: Rule | undefined, value: Json | undefined): Text | undefined {
  if (!rule || value === undefined || value === null) return undefined;
  const type = TYPES[rule.type ?? ''];
  if (type && !type.is(value)) return { en: type.en, zh: type.zh };
  const { minimum, maximum, pattern } = rule;
  if (typeof value === 'string' && rule.enum && !rule.enum.includes(value)) return words(rule.enum);
  if (typeof value === 'string' && pattern && !new RegExp(pattern).test(value))
    return { en: `a string that matches ${pattern}`, zh: `匹配“${pattern}”的字符串` };
  if (typeof value === 'number' && ((minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum)))
    return { en: `a number from ${minimum} to ${maximum}`, zh: ` ${minimum} 到 ${maximum} 之间的数字` };
  // Of lists a snapshot keeps numbers alone.
  if (Array.isArray(value) && rule.items?.type === 'integer') return value.map((each) => refusedBy(rule.items, each)).find(Boolean);
  return undefined;
}

const words = (all: readonly string[]): Text => ({ en: `one of ${all.join(', ')}`, zh: `“${all.join('”、“')}”之一` });

const found = (record: Ref, args: Args): Finding<Args> =>
  finding<Args>({
    severity: args.effect ? 'warning' : 'blocker',
    key: [args.key],
    objects: [record],
    args,
    evidence: [{ seen: args.key }],
  });
