// From before 0.4.0: the objects of API version v1 become v2beta1 where they are, as stages of the upgrade. The guide knows no way; the common one is to export, delete and re-create everything.
// Here nothing is deleted: for a while each CRD serves both versions, the new one without a schema; Spiderpool is stopped, each object is rewritten by a patch that can be undone, and then the
// CRD of the target takes over. uid, finalizers and owners stay. Sources: notes.json (storage); apiextensions-apiserver pkg/apis/apiextensions/validation (storedVersions).
import type { Condition, PointReader, Raw, Ref, Rule, Selection, StageDraft, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap, unread } from '../../engine/gaps.ts';
import { foundBy } from '../../engine/on-the-way.ts';
import { isRaw } from '../../kube/json.ts';
import { labelSelector } from '../../kube/labels.ts';
import { textAt } from '../../kube/nodes.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { describe, refOf } from '../../kube/refs.ts';
import { oneLine } from '../../text/sanitise.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { defaultsIn } from './checks/default-pool-flag.ts';
import { type Converting, converted, NEW_API } from './convert.ts';
import type { SpiderpoolUpgrade } from './repairs.ts';

const GROUP = 'spiderpool.spidernet.io';
const KINDS = {
  spiderendpoints: 'SpiderEndpoint',
  spiderippools: 'SpiderIPPool',
  spiderreservedips: 'SpiderReservedIP',
  spidersubnets: 'SpiderSubnet',
};
const [OLD, NEW] = ['v1', 'v2beta1'];
/** Seconds: for the Pods to end, and for every API server to have taken up a CRD. */
const STOPPED_WITHIN = 300;
const TAKEN_UP = 5;
/** What is named of it; of more, how many. */
const NAMED = 5;
/** Their fixes write the same fields, in the old version. */
const BEFORE = ['duplicate-pod-ip', 'leaked-ip', 'pool-state', 'stale-endpoint', 'unrecorded-pod-ip'].map((name) => `spiderpool/${name}`);
/** Answered by the conversion. */
const FIXED = ['spiderpool/crd-storage-version', 'spiderpool/crds-current'];

const HOOKS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
export const CONVERSION_RIGHTS: Rule[] = [
  { verbs: ['get', 'patch'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
  { verbs: ['patch'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions/status' },
  ...Object.keys(KINDS).map((resource): Rule => ({ verbs: ['get', 'list', 'patch'], group: GROUP, resource })),
  ...HOOKS.map((resource): Rule => ({ verbs: ['create', 'delete', 'get', 'list'], group: 'admissionregistration.k8s.io', resource })),
  ...['deployments', 'daemonsets'].map((resource): Rule => ({ verbs: ['create', 'delete', 'get', 'list'], group: 'apps', resource })),
];

/** None where no object can be stored as v1. Throws UserError where something is missing that the conversion needs. */
export async function conversionStages(at: SpiderpoolUpgrade): Promise<StageDraft[]> {
  const crds = await crdsStoredOld(at);
  if (!crds.length) return [];
  const { version: hop } = at.intended.chart;
  refuseOpenRepairs(at);
  const [objects, running, pods] = await Promise.all([objectsOf(at), runningOf(at), listed(at, 'pods', ['metadata.labels'])]);
  const look: PointReader = { get: (ref) => at.source.get(ref), log: async () => undefined };
  const config: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: at.intended.release.namespace, name: 'spiderpool-conf' };
  const patches = await patchesOf(objects, { target: hop, pods: uidsOf(pods), look, defaults: await defaultsIn(config, look) });
  const stop = stopped(running, pods, false, []);
  const bridges = crds.map((crd) => bridged(crd, at, stop));
  const served = wait(
    crds.map(established),
    { en: `wait until the API servers serve ${OLD} and ${NEW}`, zh: `等待 API 服务器同时提供 ${OLD} 和 ${NEW}` },
    bridges.flat(),
  );
  const writes = patches.map((draft): StepDraft => ({ ...draft, after: [served] }));
  const all = wait(
    [{ of: { apiVersion: NEW_API, kind: KINDS.spiderendpoints }, which: 'none', must: [{ path: '/status/current/uid' }] }],
    {
      en: 'make sure that no SpiderEndpoint was created meanwhile',
      zh: '确认其间没有新建 SpiderEndpoint',
    },
    [served, ...writes],
  );
  const moved = crds.map((crd) => rewritten(refOf(crd), { to: NEW, after: [all] }));
  const last = crds.map((crd, index) => taken(crd, at, [moved[index]!]));
  return [
    {
      hop,
      first: true,
      title: {
        en: `Stop Spiderpool, which allocates no IPs from here until ${hop} runs`,
        zh: `停止 Spiderpool，从此到 ${hop} 运行之前不分配 IP`,
      },
      steps: stop,
    },
    {
      hop,
      first: true,
      title: { en: `Serve ${NEW} beside ${OLD}`, zh: `在 ${OLD} 之外同时提供 ${NEW}` },
      steps: [...bridges.flat(), served],
    },
    {
      hop,
      first: true,
      title: { en: `Convert ${patches.length} objects from ${OLD} to ${NEW}`, zh: `将 ${patches.length} 个对象从 ${OLD} 转换为 ${NEW}` },
      steps: [...writes, all],
    },
    {
      hop,
      first: true,
      title: { en: `Drop ${OLD}`, zh: `移除 ${OLD}` },
      steps: [...moved, ...last, ...stopped(running, pods, true, last)],
    },
  ];
}

// ---- what is there --------------------------------------------------------------------------------------------------

const crdRef = (plural: string): Ref => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: `${plural}.${GROUP}`,
});

/** Their CRDs, as they are. */
async function crdsStoredOld({ source, intended }: SpiderpoolUpgrade): Promise<Raw[]> {
  const found: Raw[] = [];
  for (const plural of Object.keys(KINDS)) {
    const on = crdRef(plural);
    const crd = await source.get(on);
    if (isGap(crd)) throw unread('spiderpool', crd);
    const stored = crd && pointerGet(crd, '/status/storedVersions');
    if (!crd || !Array.isArray(stored) || !stored.includes(OLD)) continue;
    const wanted = (intended.crds ?? []).find((each) => textAt(each, '/metadata/name') === on.name);
    const versions = pointerGet(crd, '/spec/versions');
    if (!wanted)
      throw refusal({
        en: `chart ${intended.chart.version} has no CRD ${on.name}`,
        zh: `${intended.chart.version} 的 chart 没有 CRD ${on.name}`,
      });
    if (JSON.stringify(wanted).includes(`"name":"${OLD}"`)) return [];
    if (stored.length > 1 || !Array.isArray(versions) || versions.length > 1)
      throw refusal({
        en: `CRD ${on.name} has more than version ${OLD}: an earlier conversion is unfinished; resume or undo it`,
        zh: `CRD ${on.name} 不只有版本 ${OLD}：之前的转换尚未完成，请继续或撤销`,
      });
    found.push(crd);
  }
  return found;
}

function refuseOpenRepairs({ found = [] }: SpiderpoolUpgrade): void {
  const open = found.filter(
    ({ check, findings }) => BEFORE.includes(check) && findings.some(({ remedy, accepted }) => remedy && !accepted),
  );
  if (!open.length) return;
  const ids = open.map(({ check }) => check);
  throw new UserError(
    {
      en: `upgrading spiderpool: objects are converted to ${NEW}, and these findings on them are open: ${ids.join(', ')}`,
      zh: `升级 spiderpool：对象将转换为 ${NEW}，而以下问题尚未修复：${ids.join('、')}`,
    },
    { en: `first: {tool} fix ${ids.join(' ')}{reach}`, zh: `请先执行：{tool} fix ${ids.join(' ')}{reach}` },
    EXIT.findings,
  );
}

async function objectsOf(at: SpiderpoolUpgrade): Promise<Raw[]> {
  const all: Raw[] = [];
  for (const plural of Object.keys(KINDS)) all.push(...(await listed(at, `${plural}.${GROUP}`)));
  return all;
}

const uidsOf = (pods: readonly Raw[]): Map<string, string> =>
  new Map(pods.map(refOf).map(({ namespace, name, uid }) => [`${namespace}/${name}`, uid ?? '']));

/** What writes Spiderpool's objects, or stands in the way of a write. */
async function runningOf(at: SpiderpoolUpgrade): Promise<{ hooks: Ref[]; workloads: Raw[] }> {
  const { namespace } = at.intended.release;
  const isIts = (object: Raw) =>
    textAt(object, '/metadata/namespace') === namespace && textAt(object, '/metadata/labels/app.kubernetes.io~1name') === 'spiderpool';
  const workloads = [...(await listed(at, 'deployments.apps')), ...(await listed(at, 'daemonsets.apps'))].filter(isIts);
  const hooks = (await Promise.all(HOOKS.map((each) => listed(at, `${each}.admissionregistration.k8s.io`)))).flat();
  return { workloads, hooks: hooks.filter((hook) => JSON.stringify(hook).includes(`"${GROUP}"`)).map(bareRef) };
}

const bareRef = (object: Raw): Ref => {
  const { uid: _, ...ref } = refOf(object);
  return ref;
};

async function listed({ source }: SpiderpoolUpgrade, resource: string, fields: string[] | 'whole' = 'whole'): Promise<Raw[]> {
  const found: Raw[] = [];
  const gap = await source.list(
    { resource, fields },
    {
      object: (object) => void found.push(object),
      restart: () => {
        found.length = 0;
      },
    },
  );
  if (gap) throw unread('spiderpool', gap);
  return found;
}

// ---- steps ----------------------------------------------------------------------------------------------------------

/** `again`: only on the way back: helm rollback has started the old ones, and they must not run while their objects are converted back. */
function stopped(
  { hooks, workloads }: { hooks: Ref[]; workloads: Raw[] },
  pods: readonly Raw[],
  again: boolean,
  after: StepDraft[],
): StepDraft[] {
  const only = again ? { onUndo: true as const } : {};
  const gone: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: STOPPED_WITHIN, after, ...only },
    until: workloads.map((workload): Condition => ({ of: podsBy(workload), which: 'none', must: 'exist' })),
    assume: workloads.map(podsBy).flatMap((its) => pods.filter(isIn(its)).map((pod) => ({ gone: refOf(pod) }))),
    text: { en: 'wait until no controller and no agent of Spiderpool runs', zh: '等待 Spiderpool 的 controller 和 agent 全部停止' },
  };
  const deletes = [...hooks, ...workloads.map(bareRef)].map(
    (on): StepDraft => ({
      ...{ do: 'delete', on, guard: [], undo: again ? 'none' : 'exact', after: again ? [gone] : [], ...only },
      text: { en: `delete ${describe(on)}; helm creates it again`, zh: `删除 ${describe(on)}；helm 会重新创建` },
    }),
  );
  return again ? [gone, ...deletes] : [...deletes, { ...gone, after: deletes }];
}

const isIn = ({ namespace, labels }: Selection) => {
  const selected = labelSelector(labels);
  return (pod: Raw): boolean => textAt(pod, '/metadata/namespace') === namespace && selected(pod);
};

function podsBy(workload: Raw): Selection {
  const labels = pointerGet(workload, '/spec/selector/matchLabels');
  const its = Object.entries(isRaw(labels) ? labels : {}).map(([key, value]) => `${key}=${value}`);
  return { apiVersion: 'v1', kind: 'Pod', namespace: refOf(workload).namespace!, labels: its.join(',') };
}

function wait(until: Condition[], text: Text, after: StepDraft[]): StepDraft {
  return { ...{ do: 'wait', guard: [], undo: 'none', until, within: 60, lasting: TAKEN_UP, assume: [], after }, text };
}

const established = (crd: Raw): Condition => ({
  on: refOf(crd),
  must: [{ path: '/status/conditions[type=Established]/status', is: 'True' }],
});

/** First the new version is served, then it is stored: so that the way back has a moment at which both are served and the old one is stored. */
function bridged(crd: Raw, at: SpiderpoolUpgrade, after: StepDraft[]): StepDraft[] {
  const { name } = refOf(crd);
  const first: StepDraft = {
    ...{ do: 'apply', object: bridge(crd, OLD), guard: [], undo: 'exact', fixes: fixedOf(name, at), after },
    text: { en: `serve ${NEW} in CRD ${name}, without a schema`, zh: `在 CRD ${name} 中提供不带 schema 的 ${NEW}` },
  };
  const back = { ...rewritten(refOf(crd), { to: OLD, after: [first] }), onUndo: true as const };
  // An object that is written before every API server has taken up the storage version stays in the other one, and no one can read it once that is dropped.
  const settled = {
    ...wait([established(crd)], { en: `wait until the API servers store ${OLD} again`, zh: `等待 API 服务器重新以 ${OLD} 存储` }, [back]),
    onUndo: true as const,
  };
  const second: StepDraft = {
    // Undone first, then waited for, before the objects are rewritten in the old version.
    ...{ do: 'apply', object: bridge(crd, NEW), guard: [], undo: 'exact', after: [first, back, settled] },
    text: { en: `store objects of CRD ${name} as ${NEW}`, zh: `以 ${NEW} 存储 CRD ${name} 的对象` },
  };
  return [first, back, settled, second];
}

/** The live CRD with a second version that takes every field. */
function bridge(crd: Raw, storage: string): Raw {
  const spec = isRaw(crd.spec) ? crd.spec : {};
  const versions = Array.isArray(spec.versions) ? spec.versions.filter(isRaw) : [];
  const open: Raw = {
    name: NEW,
    served: true,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  };
  return {
    ...{ apiVersion: crd.apiVersion!, kind: crd.kind!, metadata: { name: refOf(crd).name } },
    spec: { ...spec, versions: [...versions, open].map((version) => ({ ...version, storage: version.name === storage })) },
  };
}

function rewritten(on: Ref, { to, after }: { to: string; after: StepDraft[] }): StepDraft {
  const kind = KINDS[on.name.split('.')[0] as keyof typeof KINDS];
  return {
    ...{ do: 'migrate', on, of: { apiVersion: `${GROUP}/${to}`, kind }, storage: to, stored: [OLD, NEW], guard: [], undo: 'exact', after },
    text: {
      en: `rewrite every ${kind} in ${to}, then set storedVersions of its CRD to ${to}`,
      zh: `以 ${to} 重写所有 ${kind}，然后将其 CRD 的 storedVersions 设为 ${to}`,
    },
  };
}

/** What is found of other CRDs is not. */
const fixedOf = (crd: string, at: SpiderpoolUpgrade): string[] =>
  foundBy(at, FIXED, ({ objects }) => objects.some(({ name }) => name === crd));

function taken(crd: Raw, at: SpiderpoolUpgrade, after: StepDraft[]): StepDraft {
  const { name } = refOf(crd);
  const { chart, crds } = at.intended;
  const { status: _, ...object } = (crds ?? []).find((each) => textAt(each, '/metadata/name') === name)!;
  return {
    ...{ do: 'apply', object, guard: [], undo: 'exact', fixes: fixedOf(name, at), after },
    text: {
      en: `update CRD ${name} as in chart ${chart.version}: ${NEW} alone`,
      zh: `按 chart ${chart.version} 更新 CRD ${name}：只有 ${NEW}`,
    },
  };
}

/** Throws UserError where one cannot be converted. */
async function patchesOf(objects: readonly Raw[], at: Converting): Promise<StepDraft[]> {
  const patches: StepDraft[] = [];
  const against: Text[] = [];
  for (const object of objects) {
    const made = await converted(object, at);
    if ('refused' in made) against.push(made.refused);
    else if (made.changes.length) {
      const on = { ...refOf(object), apiVersion: NEW_API };
      const text: Text = { en: `convert ${describe(on)}`, zh: `转换 ${describe(on)}` };
      patches.push({ do: 'patch', on, changes: made.changes, guard: [], undo: 'exact', text });
    }
  }
  if (against.length) throw refusal(...against);
  return patches;
}

// ---- refusing -------------------------------------------------------------------------------------------------------

function refusal(...against: Text[]): UserError {
  const more = against.length - NAMED;
  const said = (language: 'en' | 'zh') =>
    against
      .slice(0, NAMED)
      .map((each) => oneLine(each[language], 300))
      .join({ en: '; ', zh: '；' }[language]);
  return new UserError(
    {
      en: `upgrading spiderpool: objects of ${OLD} cannot be converted: ${said('en')}${more > 0 ? `; and ${more} more` : ''}`,
      zh: `升级 spiderpool：无法转换 ${OLD} 的对象：${said('zh')}${more > 0 ? `；另有 ${more} 个` : ''}`,
    },
    {
      en: 'nothing was changed; see: {tool} explain spiderpool/crd-storage-version',
      zh: '未做任何更改；请查看：{tool} explain spiderpool/crd-storage-version',
    },
    EXIT.findings,
  );
}
