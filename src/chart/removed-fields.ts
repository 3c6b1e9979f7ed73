// The check removed-fields, for any system with a table of its CRDs: fields that objects hold and that the CRDs of the target drop. The API server drops them, with what they hold, at the next write.

import type { Check, Finding, Json, Page, Read, Ref, Severity, Situation, StepDraft, Text } from '../engine/contracts.ts';
import { derived } from '../engine/knowledge.ts';
import { asIs, hot } from '../engine/read/index.ts';
import { formatPointer, pointerGet } from '../kube/pointer.ts';
import { refOf } from '../kube/refs.ts';
import { shellWord } from '../text/shell.ts';
import { compare } from '../versions/chart.ts';
import { type CrdFacts, INSTALLED, noCrds, wantedCrds } from './crd-facts.ts';
import { changingFields, heldBeyond, knownAgain } from './crds.ts';
import { withoutField } from './declared-fields.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';
import { explicitValues } from './upgrade-command.ts';

interface Row {
  ref: Ref;
  spec: Json;
}
interface Args {
  kind: string;
  field: string;
  target: string;
  /** What took its place: a key of the chart's values, or another field. */
  value?: string;
  instead?: string;
  /** The release that has it again. */
  again?: string;
  /** Where another field took its place: what the objects hold, by NAMESPACE/NAME. */
  held?: Record<string, Json>;
}
/** What took the place of a field, by field. */
export type Replacements = Record<string, { value?: string; field?: string; severity?: Severity }>;
type Facts = ChartFacts &
  CrdFacts & {
    /** Names of the CRDs whose objects are looked at, and the version in which they are read. */
    holds: { crds: string[]; version: string };
    replaced: Replacements;
  };

export function removedFields(
  facts: Facts,
  { from, ...words }: { page: Page; sources: (string | Text)[]; from(): string },
): Check<Record<string, Read<Row>>, Args> {
  // Which fields may be held stands in the table.
  const reads = derived(
    () => facts.table.crds,
    () => Object.fromEntries(facts.holds.crds.map((crd) => [crd, specs(facts, crd)])),
  );
  return {
    id: `${facts.system}/removed-fields`,
    title: { en: 'objects do not use fields that the target version drops', zh: '对象未使用目标版本会移除的字段' },
    headline: { en: 'target version drops fields that are set on objects', zh: '对象使用了目标版本会移除的字段' },
    ...words,
    applies: {
      get from() {
        return from();
      },
      stage: 'before',
    },
    needs: ['target'],
    get reads() {
      return reads();
    },
    judge: (rows, at) => {
      const { from, to: target = '' } = at.path;
      const { chart } = intendedOf(at);
      if (typeof from === 'string' && compare(from, target) === 0) return { notApplicable: INSTALLED };
      const wanted = wantedCrds(facts, target, chart);
      if (!wanted) return { unknown: noCrds(target) };
      return wanted.flatMap((one) => {
        const held = (rows[one.name] ?? []).flatMap((row) =>
          heldBeyond({ apiVersion: row.ref.apiVersion, spec: row.spec }, one).map((field) => ({ ...row, field })),
        );
        return [...Map.groupBy(held, ({ field }) => field)].map(([field, of]) => finding(facts, one.name, field, of, target));
      });
    },
    say: ({ kind, field, target, ...place }, { length }) => {
      const next = placeOf(place);
      return {
        en: `${target} drops ${field}, set on ${length} ${kind}${length === 1 ? '' : 's'}; ${next.en}`,
        zh: `${target} 会丢弃 ${field}，${length} 个 ${kind} 设置了该字段；${next.zh}`,
      };
    },
    inFiles: (found, declared) => found.flatMap(({ args, objects }) => objects.flatMap((on) => withoutField(on, declared(on), args) ?? [])),
    remedy: {
      writes: [],
      steps: async (found, at) => [
        ...inValues(facts, at, [...new Set(found.flatMap(({ args }) => args.value ?? []))]),
        ...found.flatMap(({ args, objects }) =>
          objects.flatMap((on) => {
            const value = args.held?.[nameOf(on)];
            return value === undefined ? [] : [inField(on, args, value)];
          }),
        ),
      ],
    },
  };
}

function specs({ table, holds }: Facts, crd: string): Read<Row> {
  const changing = asIs(...changingFields(table, crd, holds.version));
  return hot(crd, [changing], (object): Row | undefined => {
    const { spec } = changing.read(object);
    return spec === undefined ? undefined : { ref: refOf(object), spec };
  });
}

function placeOf({ value, instead, again }: Pick<Args, 'value' | 'instead' | 'again'>): Text {
  if (value) return { en: `replaced by Helm value ${value}`, zh: `由 Helm values 的 ${value} 替代` };
  if (instead) return { en: `replaced by ${instead}`, zh: `由 ${instead} 替代` };
  if (again) return { en: `supported again in ${again}`, zh: `${again} 重新支持该字段` };
  return { en: 'no replacement', zh: '没有替代项' };
}

function finding({ table, replaced }: Facts, crd: string, field: string, rows: readonly Row[], target: string): Finding<Args> {
  const objects = rows.map(({ ref }) => ref);
  const { kind, apiVersion } = objects[0]!;
  const { value, field: instead, severity = 'warning' } = replaced[field] ?? {};
  const again = knownAgain(table, crd, apiVersion.split('/')[1] ?? '', field, target);
  // What took another's place so far is a switch.
  const switches = rows.flatMap(({ ref, spec }) => {
    const held = pointerGet({ spec }, pointerOf(field));
    return typeof held === 'boolean' ? [[nameOf(ref), held] as const] : [];
  });
  return {
    severity,
    key: [crd, field],
    certainty: 'certain',
    objects,
    args: { kind, field, target, value, instead, again, ...(instead ? { held: Object.fromEntries(switches) } : {}) },
    evidence: [{ seen: { en: `${field} is set`, zh: `已设置 ${field}` }, at: objects[0] }],
  };
}

const nameOf = ({ namespace = '', name }: Ref): string => `${namespace}/${name}`;
const pointerOf = (field: string): string => formatPointer(field.split('.'));

/** `keys`: of the Helm values that took the place of fields; what a field turned on they turn on. */
const inValues = (facts: Facts, at: Situation, keys: readonly string[]): StepDraft[] =>
  keys.length
    ? [
        explicitValues(
          facts,
          at,
          keys.map((key) => ({ path: key.split('.'), value: true })),
        ),
      ]
    : [];

function inField(on: Ref, { field, instead = '', target }: Args, value: Json): StepDraft {
  const keys = instead.split('.');
  const patch = JSON.stringify(keys.reduceRight<Json>((inner, key) => ({ [key]: inner }), value));
  const at = on.namespace ? ` -n ${shellWord(on.namespace)}` : '';
  return {
    do: 'manual',
    commands: [`kubectl patch ${on.kind.toLowerCase()} ${shellWord(on.name)}${at} --type=merge -p ${shellWord(patch)}`],
    seen: [{ on: { ...on, uid: undefined }, must: [{ path: pointerOf(instead), is: value }] }],
    guard: [],
    text: {
      en: `set ${instead} of ${on.kind} ${on.namespace ?? ''}/${on.name}, which replaces ${field} in ${target}`,
      zh: `设置 ${on.kind} ${on.namespace ?? ''}/${on.name} 的 ${instead}，它在 ${target} 中替代 ${field}`,
    },
    undo: 'none',
  };
}
