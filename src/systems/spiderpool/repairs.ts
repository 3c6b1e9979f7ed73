// Steps that make good what a release is known to break when one upgrades to it all the same (--accept spiderpool/target-version). A good target gets none.
// Sources: knowledge/versions.json (flaws, readBlindly); cmd/spiderpool-init/cmd/multus.go@v0.9.4; templates/{configmap,daemonset,multus-daemonset}.yaml of the charts.
import { heldBeyond } from '../../chart/crds.ts';
import type { HelmUpgrade } from '../../chart/intent.ts';
import type { Change, Condition, Json, Raw, Ref, Rule, Source, StepDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { isRaw, parseJson } from '../../kube/json.ts';
import { formatPointer, pointerGet } from '../../kube/pointer.ts';
import { refOf } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';
import { satisfies } from '../../versions/chart.ts';
import { wantedByTable } from './crds.ts';
import { versions } from './knowledge/tables.ts';

/** Spiderpool is installed by its chart. */
export type SpiderpoolUpgrade = Upgrading<HelmUpgrade> & { intended: HelmUpgrade };

/** What the steps below write. */
export const REPAIR_RIGHTS: Rule[] = [
  { verbs: ['patch'], group: '', resource: 'configmaps' },
  { verbs: ['patch'], group: 'apps', resource: 'daemonsets' },
  { verbs: ['patch'], group: 'spiderpool.spidernet.io', resource: 'spidercoordinators' },
];

// ---- multus' clusterNetwork -----------------------------------------------------------------------------------------

/** Where the charts keep multus' configuration, as JSON in a string. */
export const CONF = '/data/cni-conf.json';
export const NETWORK = '/clusterNetwork';
/** Of the agents' Pods: it is new, so they are created again. */
export const MARK = formatPointer(['spec', 'template', 'metadata', 'annotations', 'upgrade-guard/clusterNetwork']);

/**
 * The chart renders an empty clusterNetwork, helm puts that over what spiderpool-init once wrote, and its Job runs at an install only. Put back right behind helm;
 * an agent that started in between has copied the empty one to its node, so they all restart, as spiderpool-init itself makes them do. `helm`: the step to come after.
 */
export async function networkRepairs(at: SpiderpoolUpgrade): Promise<(helm: StepDraft) => StepDraft[]> {
  const { chart, values, release } = at.intended;
  const multus = below(values, 'multus', 'multusCNI');
  if (!satisfies(chart.version, versions().flaws.clusterNetwork.in) || multus.install === false || multus.defaultCniCRName) return () => [];
  const { namespace } = release;
  const on = configMap(namespace, textOr(multus.name, 'spiderpool-multus'));
  const network = await networkNow(at, on);
  if (!network) return (helm) => [manualNetwork(on, helm)];
  const back: StepDraft = {
    ...{ do: 'patch', on, undo: 'exact', optional: true },
    changes: [{ path: CONF, inString: NETWORK, before: '', after: network }],
    guard: [{ on, must: [{ path: CONF, inString: NETWORK, is: '' }] }],
    text: {
      en: `restore clusterNetwork to ${network} in ConfigMap ${namespace}/${on.name} (${chart.version} empties it, and no Pod starts without it)`,
      zh: `将 ConfigMap ${namespace}/${on.name} 中的 clusterNetwork 恢复为 ${network}（${chart.version} 会将其清空，此后 Pod 无法启动）`,
    },
    undoNote: {
      en: `undo: empties it, as helm rollback does; a chart that ships spiderpool-init as a Pod (${versions().initPod.in}) fills it again, after any other set it manually`,
      zh: `撤销时：会将其清空，helm rollback 也一样；以 Pod 部署 spiderpool-init 的 chart（${versions().initPod.in}）会重新填写，其他 chart 则需手动设置`,
    },
  };
  const agents: Ref = {
    ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', namespace },
    name: textOr(below(values, 'spiderpoolAgent').name, 'spiderpool-agent'),
  };
  const restart: StepDraft = {
    ...{ do: 'patch', on: agents, undo: 'exact', optional: true },
    changes: [await marked(at, agents, `${network}, revision ${release.revision + 1}`)],
    guard: [{ on, must: [{ path: CONF, inString: NETWORK, is: network }] }],
    text: {
      en: `restart DaemonSet ${namespace}/${agents.name} (annotates its Pod template), so that agents pick up clusterNetwork`,
      zh: `重启 DaemonSet ${namespace}/${agents.name}（在其 Pod 模板上加注解），使 agent 读取 clusterNetwork`,
    },
  };
  return (helm) => {
    const first = { ...back, after: [helm] };
    return [first, { ...restart, after: [first] }];
  };
}

export function manualNetwork(on: Ref, ...after: StepDraft[]): StepDraft {
  const [name, namespace] = [shellWord(on.name), shellWord(on.namespace ?? '')];
  return {
    ...{ do: 'manual', guard: [], undo: 'none', after },
    commands: [
      `kubectl edit configmap ${name} -n ${namespace}`,
      `kubectl rollout restart daemonset -l app.kubernetes.io/name=spiderpool -n ${namespace}`,
    ],
    seen: [{ on, must: [{ path: CONF, inString: NETWORK, isNot: '' }] }],
    text: {
      en: `set clusterNetwork in ConfigMap ${on.namespace}/${on.name} to the name of the default CNI network (cannot be determined automatically; no Pod starts without it)`,
      zh: `把 ConfigMap ${on.namespace}/${on.name} 中的 clusterNetwork 设为默认 CNI 网络的名称（无法自动确定；没有它 Pod 无法启动）`,
    },
  };
}

/** As it stands before helm: in the target's own ConfigMap, in that of 0.6 – 0.7, or in the key that 0.8.9 and 0.9.8 brought. */
async function networkNow(
  {
    source,
    intended: {
      values,
      release: { namespace },
    },
  }: SpiderpoolUpgrade,
  on: Ref,
): Promise<string | undefined> {
  const config = configMap(namespace, textOr(below(values, 'global').configName, 'spiderpool-conf'));
  for (const [ref, found] of [
    [on, held],
    [configMap(namespace, 'multus-cni-config'), held],
    [config, (object: Raw) => pointerGet(object, '/data/clusterNetwork')],
  ] as const) {
    const object = await source.get(ref);
    const network = object && !isGap(object) ? found(object) : undefined;
    // A name of a network, or the path of a file; it goes into texts.
    if (typeof network === 'string' && /^[\w./:-]{1,253}$/.test(network)) return network;
  }
  return undefined;
}

function held(object: Raw): Json | undefined {
  const text = pointerGet(object, CONF);
  try {
    return typeof text === 'string' ? pointerGet(parseJson(text), NETWORK) : undefined;
  } catch {
    return undefined; // a configuration that a user broke tells nothing
  }
}

async function marked({ source }: Pick<Upgrading, 'source'>, on: Ref, after: string): Promise<Change> {
  const object = await source.get(on);
  return { path: MARK, before: object && !isGap(object) ? pointerGet(object, MARK) : undefined, after };
}

// ---- fields of the SpiderCoordinator --------------------------------------------------------------------------------

const COORDINATORS = 'spidercoordinators.spiderpool.spidernet.io';

const readFields = () => Object.entries(versions().readBlindly.fields);
/** Fields of a SpiderCoordinator without which agents of that version fail. */
export const readBlindlyBy = (version: string): string[] =>
  readFields().flatMap(([name, field]) => (satisfies(version, field.in) ? [name] : []));

/**
 * Fields that the agents of the target read without asking whether they are there. Most have a default in the target's CRD and are found filled then;
 * 0.9.0 gives txQueueLen none. To come behind the new webhook: the old one drops what it does not know.
 */
export async function coordinatorRepairs({
  source,
  intended: {
    chart: { version },
  },
}: SpiderpoolUpgrade): Promise<StepDraft[]> {
  const { flaws } = versions();
  if (![flaws.clusterNetwork, flaws.podRPFilter, flaws.txQueueLen].some((flaw) => satisfies(version, flaw.in))) return [];
  const fields = readFields().filter(([name]) => readBlindlyBy(version).includes(name));
  return (await coordinators(source)).flatMap((object) =>
    fields.flatMap(([name, field]) =>
      pointerGet(object, `/spec/${name}`) === undefined ? [filled(refOf(object), name, field.default, version)] : [],
    ),
  );
}

/** What cannot be listed cannot be patched either; the checks have reported it. */
async function coordinators(source: Pick<Source, 'list'>): Promise<Raw[]> {
  const found: Raw[] = [];
  const gap = await source.list(
    { resource: COORDINATORS, fields: ['spec'] },
    {
      object: (object) => void found.push(object),
      restart: () => {
        found.length = 0;
      },
    },
  );
  return gap ? [] : found;
}

function filled(on: Ref, name: string, value: Json, version: string): StepDraft {
  const path = `/spec/${name}`;
  const guard: Condition[] = [{ on, must: [{ path }] }];
  return {
    ...{ do: 'patch', on, guard, undo: 'exact', optional: true },
    changes: [{ path, after: value }],
    text: {
      en: `set spec.${name} of SpiderCoordinator ${on.name} to ${value}: agents of ${version} fail without it`,
      zh: `将 SpiderCoordinator ${on.name} 的 spec.${name} 设为 ${value}：${version} 的 agent 缺少它会出错`,
    },
  };
}

/** undefined: nothing is known of the CRDs of that version. */
function dropsBy(version: string): ((field: string) => boolean) | undefined {
  const wanted = wantedByTable(version)?.find(({ name }) => name === COORDINATORS);
  const object = (field: string): Raw => ({ apiVersion: 'spiderpool.spidernet.io/v2beta1', spec: { [field]: true } });
  return wanted && ((field) => heldBeyond(object(field), wanted).length > 0);
}

/** What the CRDs of the target drop although the old agents read it: a rollback alone leaves them failing. */
export function rollbackTrap({
  path: { from },
  intended: {
    chart: { version },
  },
}: Pick<SpiderpoolUpgrade, 'path' | 'intended'>): Text {
  const fields = typeof from === 'string' ? readBlindlyBy(from).filter(dropsBy(version) ?? (() => false)) : [];
  if (!fields.length) return { en: '', zh: '' };
  return {
    en: `; agents of ${from} crash on SpiderCoordinators without ${fields.join(', ')}, which ${version} drops: undo sets them again, helm rollback does not`,
    zh: `；${version} 会丢弃 SpiderCoordinator 的 ${fields.join('、')}，而 ${from} 的 agent 缺少它们会崩溃：undo 会重新设置，helm rollback 不会`,
  };
}

/** To be set again by an undo, once the old CRDs are back: they fill in their defaults at most. */
export async function droppedFields({
  source,
  intended: {
    chart: { version },
  },
}: SpiderpoolUpgrade): Promise<StepDraft[]> {
  const drops = dropsBy(version);
  if (!drops) return [];
  const crd = await source.get({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: COORDINATORS });
  const defaultOf = (name: string) => (crd && !isGap(crd) ? defaultIn(crd, name) : undefined);
  return (await coordinators(source)).flatMap((object) =>
    Object.entries(below(object, 'spec'))
      .filter(([name, value]) => drops(name) && JSON.stringify(value) !== JSON.stringify(defaultOf(name)))
      .map(([name, value]) => setAgain(refOf(object), { path: `/spec/${name}`, before: defaultOf(name), after: value }, version)),
  );
}

/** Of a field of the spec, in a CRD with one version. */
function defaultIn(crd: Raw, name: string): Json | undefined {
  const versions = below(crd, 'spec').versions;
  const [only] = Array.isArray(versions) ? versions.filter(isRaw) : [];
  return only && below(only, 'schema', 'openAPIV3Schema', 'properties', 'spec', 'properties', name).default;
}

function setAgain(on: Ref, change: Change, version: string): StepDraft {
  const field = change.path.slice(1).replaceAll('/', '.');
  return {
    ...{ do: 'patch', on, changes: [change], guard: [], undo: 'exact', optional: true, onUndo: true },
    text: {
      en: `set ${field} of SpiderCoordinator ${on.name} again, which the CRD of ${version} drops`,
      zh: `重新设置 SpiderCoordinator ${on.name} 的 ${field}（${version} 的 CRD 会将其丢弃）`,
    },
  };
}

// ---- small things ---------------------------------------------------------------------------------------------------

const configMap = (namespace: string, name: string): Ref => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name });
const textOr = (value: Json | undefined, otherwise: string): string => (typeof value === 'string' && value ? value : otherwise);

function below(values: Raw, ...keys: string[]): Raw {
  const value = keys.reduce<Json | undefined>((at, key) => (isRaw(at) ? at[key] : undefined), values);
  return isRaw(value) ? value : {};
}
