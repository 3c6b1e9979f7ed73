// Fields of Spiderpool's objects that the target's definitions no longer know: the API server drops them, with what they hold, at the next write of the object.
// Sources: charts/spiderpool/crds at every tag (knowledge/crds.json), knowledge/replaced.json for what took their place.
import type { Check, Finding, Json, Ref, Severity, StepDraft, Text } from '../../../engine/contracts.ts';
import { asIs, hot } from '../../../engine/read/index.ts';
import { formatPointer, pointerGet } from '../../../kube/pointer.ts';
import { refOf } from '../../../kube/refs.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare } from '../../../versions/chart.ts';
import { changingFields, heldBeyond, knownAgain, wantedByChart, wantedByTable } from '../crds.ts';
import { withoutField } from '../declared-fields.ts';
import replaced from '../knowledge/replaced.json' with { type: 'json' };
import versions from '../knowledge/versions.json' with { type: 'json' };

interface Row {
  ref: Ref;
  spec: Json;
}
const spec = (plural: string) => {
  const resource = `${plural}.spiderpool.spidernet.io`;
  const changing = asIs(...changingFields(resource, 'v2beta1'));
  return hot(resource, [changing], (object): Row | undefined => {
    const { spec } = changing.read(object);
    return spec === undefined ? undefined : { ref: refOf(object), spec };
  });
};
const reads = {
  spidercoordinators: spec('spidercoordinators'),
  spidermultusconfigs: spec('spidermultusconfigs'),
  spiderippools: spec('spiderippools'),
  spidersubnets: spec('spidersubnets'),
};

const KINDS = Object.keys(reads) as (keyof typeof reads)[];

interface Args {
  kind: string;
  field: string;
  target: string;
  /** What took its place: a key of the chart's values, or another field. */
  value?: string;
  instead?: string;
  /** The release that knows it again. */
  again?: string;
  /** Where another field took its place: what the objects hold, by NAMESPACE/NAME. */
  held?: Record<string, Json>;
}
type Replacement = { value?: string; field?: string; severity?: Severity };
const REPLACED = replaced.fields as Record<string, Replacement>;

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/removed-fields',
  title: { en: 'no object holds fields that the target drops', zh: '没有对象含有目标版本会丢弃的字段' },
  headline: { en: 'the target drops fields that objects hold', zh: '目标版本会丢弃对象中已有的字段' },
  page: {
    impact: {
      en: 'Releases take fields away from their definitions: 1.0.0 detectIPConflict, detectGateway and hostRPFilter of SpiderCoordinators and SpiderMultusConfigs and vlan of pools and subnets, 1.0.4 the mtu that 1.0.2 had brought to SpiderMultusConfigs, until 1.2.0. Under the new definition the API server no longer shows such a field, and drops it at the next write of its object, without a word. Only fields that hold something are named: what is empty, 0 or false reads the same as a field that is missing. Judged by the definitions of the chart that is given with --chart, else by tables made from those of every release. Where something took the place of a field, a key of the values or another field, the finding names it, and so it does where a later release knows the field again.',
      zh: '有些版本会从 CRD 中去掉字段：1.0.0 去掉了 SpiderCoordinator 和 SpiderMultusConfig 的 detectIPConflict、detectGateway、hostRPFilter，以及 SpiderIPPool 和 SpiderSubnet 的 vlan；1.0.4 去掉了 1.0.2 为 SpiderMultusConfig 引入的 mtu，直到 1.2.0 才恢复。换用新的 CRD 后，API server 不再返回这些字段，并在下一次写入对象时悄悄将其丢弃。本检查只列出有值的字段：空值、0 或 false 与字段不存在等效。有 --chart 时以该 chart 的 CRD 为准，否则以根据所有发布版本生成的表为准。如果某个字段已被 values 的某个键或另一个字段取代，结果会指出；如果之后的版本重新支持该字段，也会指出。',
    },
  },
  sources: ['spidernet-io/spiderpool: charts/spiderpool/crds at every tag', `spidernet-io/spiderpool: ${replaced.source}`],
  applies: { from: `>=${versions.storedAnew.since}`, stage: 'before' },
  needs: ['target'],
  reads,
  judge: (rows, { path: { from, to: target = '' }, chart }) => {
    if (typeof from === 'string' && compare(from, target) === 0) return { notApplicable: THERE };
    const wanted = chart ? wantedByChart(chart.crds) : wantedByTable(target);
    if (!wanted) return { unknown: NO_TABLE(target) };
    return KINDS.flatMap((plural) => {
      const crd = `${plural}.spiderpool.spidernet.io`;
      const one = wanted.find(({ name }) => name === crd);
      if (!one) return [];
      const held = rows[plural].flatMap(({ ref, spec }) =>
        heldBeyond({ apiVersion: ref.apiVersion, spec }, one).map((field) => ({
          ref,
          field,
          value: pointerGet({ spec }, pointerOf(field)),
        })),
      );
      return [...Map.groupBy(held, ({ field }) => field)].map(([field, of]) =>
        finding(
          crd,
          field,
          of.map(({ ref }) => ref),
          new Map(of.map(({ ref, value }) => [nameOf(ref), value])),
          target,
        ),
      );
    });
  },
  say: ({ kind, field, target, ...place }, { length }) => {
    const next = placeOf(place);
    return {
      en: `${target} drops ${field} of ${length} ${kind}${length === 1 ? '' : 's'}; ${next.en}`,
      zh: `${target} 会丢弃 ${length} 个 ${kind} 的 ${field}；${next.zh}`,
    };
  },
  inFiles: (found, declared) => found.flatMap(({ args, objects }) => objects.flatMap((on) => withoutField(on, declared(on), args) ?? [])),
  remedy: {
    writes: [],
    steps: async (found) => [
      ...found.filter(({ args }) => args.value).map(inValues),
      ...found.flatMap(({ args, objects }) =>
        objects.flatMap((on) => {
          const value = args.held?.[nameOf(on)];
          return value === undefined ? [] : [inField(on, args, value)];
        }),
      ),
    ],
  },
};
export default check;

function placeOf({ value, instead, again }: Pick<Args, 'value' | 'instead' | 'again'>): Text {
  if (value) return { en: `its place is the value ${value}`, zh: `由 values 中的 ${value} 取代` };
  if (instead) return { en: `its place is ${instead}`, zh: `由 ${instead} 取代` };
  if (again) return { en: `${again} knows it again`, zh: `${again} 重新支持该字段` };
  return { en: 'nothing took its place', zh: '没有替代' };
}

const THERE: Text = { en: 'that is what is installed', zh: '目标就是已安装的版本' };
const NO_TABLE = (target: string): Text => ({
  en: `${target} is no release that this build knows the definitions of; give its chart with --chart`,
  zh: `本工具不了解 ${target} 的定义；请用 --chart 提供其 chart`,
});

function finding(crd: string, field: string, objects: Ref[], values: Map<string, Json | undefined>, target: string): Finding<Args> {
  const { kind, apiVersion } = objects[0]!;
  const { value, field: instead, severity = 'warning' } = REPLACED[field] ?? {};
  const again = knownAgain(crd, apiVersion.split('/')[1] ?? '', field, target);
  return {
    severity,
    key: [crd, field],
    certainty: 'certain',
    objects,
    // What took another's place so far is a switch.
    args: { kind, field, target, value, instead, again, ...(instead ? { held: switches(values) } : {}) },
    evidence: [{ seen: { en: `${field} is set`, zh: `已设置 ${field}` }, at: objects[0] }],
  };
}

const switches = (values: Map<string, Json | undefined>): Record<string, Json> =>
  Object.fromEntries([...values].flatMap(([name, value]) => (typeof value === 'boolean' ? [[name, value]] : [])));

const nameOf = ({ namespace = '', name }: Ref): string => `${namespace}/${name}`;
const pointerOf = (field: string): string => formatPointer(field.split('.'));

function inValues({ args: { field, kind, value } }: Finding<Args>): StepDraft {
  return {
    do: 'manual',
    commands: [`--set ${value}=true`],
    guard: [],
    text: {
      en: `give the upgrade the value ${value}=true in place of ${field} of ${kind}s; it holds for all of them`,
      zh: `升级时设置 ${value}=true，以取代 ${kind} 的 ${field}；它对全部对象生效`,
    },
    undo: 'none',
  };
}

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
      en: `set ${instead} of ${on.kind} ${on.namespace ?? ''}/${on.name}, which ${target} knows in place of ${field}`,
      zh: `设置 ${on.kind} ${on.namespace ?? ''}/${on.name} 的 ${instead}，它在 ${target} 中取代了 ${field}`,
    },
    undo: 'none',
  };
}
