// One SpiderCoordinator, of the name that the controller keeps in step. spiderpool-init makes it, which as a Job runs at an install only: an upgrade from before 0.6.0 leaves none.
// Sources: knowledge/notes.json (coordinatorObject), knowledge/versions.json (initPod).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Json, Raw, Ref, Refusal, Rows, StepDraft, Text } from '../../../engine/contracts.ts';
import { each, flag, label, list, where, word } from '../../../engine/read/index.ts';
import { isRaw } from '../../../kube/json.ts';
import { satisfies } from '../../../versions/chart.ts';
import { notes, versions } from '../knowledge/tables.ts';
import { readBlindlyBy } from '../repairs.ts';
import { valuesByTable } from '../values.ts';
import { WEBHOOK_READS, webhookRefusal } from '../webhook-refusal.ts';

const RESOURCE = 'spidercoordinators.spiderpool.spidernet.io';
const API_VERSION = 'spiderpool.spidernet.io/v2beta1';
const defaults = (): Record<string, { default: Json }> => versions().readBlindly.fields;
/** As the chart spells them (templates/deployment.yaml). */
const [ENABLED, NAME] = ['SPIDERPOOL_COORDINATOR_ENABLED', 'SPIDERPOOL_COORDINATOR_DEAFULT_NAME'];

const reads = {
  coordinators: list(RESOURCE, {}),
  controllers: list(
    'deployments.apps',
    {
      instance: label('app.kubernetes.io/instance'),
      containers: each('spec.template.spec.containers', {
        env: each('env', { enabled: where('name', ENABLED, word('value')), name: where('name', NAME, word('value')) }),
      }),
    },
    { labels: 'app.kubernetes.io/name=spiderpool' },
  ),
  configs: list('spidermultusconfigs.spiderpool.spidernet.io', {
    type: word('spec.cniType', 'custom'),
    uses: flag('spec.enableCoordinator', true),
  }),
};
interface Args {
  is: 'missing' | 'not-created' | 'other-first';
  name: string;
  version: string;
  /** The one that the agents take instead. */
  first?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/coordinator-object',
  title: { en: 'the SpiderCoordinator that the controller maintains exists', zh: '由 controller 维护的 SpiderCoordinator 存在' },
  headline: { en: 'SpiderCoordinator is missing, or another one is used', zh: 'SpiderCoordinator 缺失，或 agent 使用的是另一个' },
  page: {
    impact: {
      en: 'Without a SpiderCoordinator, spiderpool-agent answers the coordinator plugin with "coordinator config not found", and Pods that use it do not start. An upgrade from 0.5.1 and older to a version whose spiderpool-init is a Job creates none. With several, agents take the first of the list, while the controller maintains only the one that its values name.',
      zh: '没有 SpiderCoordinator 时，spiderpool-agent 对 coordinator 插件返回“coordinator config not found”，使用该插件的 Pod 无法启动。从 0.5.1 及更早版本升级到以 Job 运行 spiderpool-init 的版本时不会创建它。存在多个时，agent 取列表中的第一个，而 controller 只维护 values 中指定名称的那一个。',
    },
    detection: {
      en: `Compares the SpiderCoordinators with the name in ${NAME} of spiderpool-controller. Silent where ${ENABLED} is false.`,
      zh: `将 SpiderCoordinator 与 spiderpool-controller 的 ${NAME} 中的名称比较。${ENABLED} 为 false 时不报告。`,
    },
    fix: {
      en: 'Creates it with the defaults of the chart, after the upgrade if the upgrade will not create it. Undo deletes it, unless it has been changed since.',
      zh: '以 chart 的默认值创建；如果升级不会创建它，则在升级之后进行。撤销时删除，除非其间已被修改。',
    },
    limits: {
      en: 'Values of coordinator.* that differ from the defaults are not applied. Which of several is meant is for you to decide: delete the others.',
      zh: '不会应用与默认值不同的 coordinator.* values。存在多个时需自行确定保留哪一个，并删除其余的。',
    },
  },
  get sources() {
    return [
      `spidernet-io/spiderpool: ${notes().coordinatorObject.source}`,
      {
        en: 'spidernet-io/spiderpool: charts/spiderpool/templates/pod.yaml at each tag',
        zh: 'spidernet-io/spiderpool: charts/spiderpool/templates/pod.yaml（所有 tag）',
      },
    ];
  },
  get applies() {
    return { to: notes().coordinator.since, stage: 'both' as const };
  },
  needs: ['version'],
  reads,
  judge: (rows, { path: { installation, from, to } }) => {
    const own = rows.controllers.filter(({ ref, instance }) => ref.namespace === installation.namespace && instance === installation.name);
    const env = own.flatMap(({ containers }) => containers.flatMap(({ env }) => env));
    if (env.some(({ enabled }) => enabled === 'false')) return [];
    const name = env.flatMap((one) => one.name ?? [])[0] ?? 'default';
    const runs = typeof from === 'string' && satisfies(from, notes().coordinator.since);
    if (!runs)
      return to !== undefined && !satisfies(to, versions().initPod.in) && !rows.coordinators.length
        ? [absent(rows, 'not-created', name, to)]
        : [];
    if (!rows.coordinators.length) return [absent(rows, 'missing', name, from)];
    const [first] = rows.coordinators.map(({ ref }) => ref).sort((a, b) => (a.name < b.name ? -1 : 1));
    return first!.name === name ? [] : [other(first!, name, from)];
  },
  say: ({ is, name, version, first }) => SAID[is](name, version, first),
  remedy: {
    pointReads: [...WEBHOOK_READS, { resource: 'customresourcedefinitions.apiextensions.k8s.io', names: [RESOURCE], columns: [] }],
    writes: [{ verbs: ['get', 'create', 'delete'], group: 'spiderpool.spidernet.io', resource: 'spidercoordinators' }],
    steps: async (found, at) => {
      // A rehearsal knows of it what was read here.
      const crd = await at.look.get(DEFINED);
      const refused = (await webhookRefusal(at)) ?? (crd === undefined ? NO_CRD : undefined);
      return found.flatMap(({ args }) => (args.is === 'other-first' ? [] : [made(args, refused)]));
    },
  },
};
export default check;

const SAID: Record<Args['is'], (name: string, version: string, first?: string) => Text> = {
  missing: (name, version) => ({
    en: `no SpiderCoordinator exists (${version} expects ${name}): agents answer "coordinator config not found"`,
    zh: `不存在 SpiderCoordinator（${version} 需要 ${name}）：agent 会返回“coordinator config not found”`,
  }),
  'not-created': (name, version) => ({
    en: `the upgrade to ${version} creates no SpiderCoordinator ${name}: its spiderpool-init is a Job, which only an install runs`,
    zh: `升级到 ${version} 不会创建 SpiderCoordinator ${name}：其 spiderpool-init 为 Job，仅在安装时运行`,
  }),
  'other-first': (name, _, first) => ({
    en: `agents take SpiderCoordinator ${first}, the first of the list, but the controller maintains only ${name}`,
    zh: `agent 使用列表中的第一个 SpiderCoordinator ${first}，而 controller 只维护 ${name}`,
  }),
};

const DEFINED: Ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: RESOURCE };
const NO_CRD: Text = {
  en: `CRD ${RESOURCE} is not installed: apply the CRDs first (crds-current)`,
  zh: `没有安装 CRD ${RESOURCE}；请先应用 CRD（spiderpool/crds-current）`,
};

const refOf = (name: string): Ref => ({ apiVersion: API_VERSION, kind: 'SpiderCoordinator', name });

/** Nothing starts without it where a SpiderMultusConfig uses the plugin. */
function absent({ configs }: Rows<typeof reads>, is: 'missing' | 'not-created', name: string, version: string): Finding<Args> {
  const used = configs.some(({ type, uses }) => uses && type !== 'custom');
  return finding<Args>({
    severity: used && is === 'missing' ? 'blocker' : 'warning',
    key: [is, name],
    objects: [refOf(name)],
    args: { is, name, version },
    evidence: [{ seen: `kubectl get ${RESOURCE}: 0` }],
  });
}

const other = (on: Ref, name: string, version: string): Finding<Args> =>
  finding<Args>({
    severity: 'warning',
    key: ['other-first', on.name],
    objects: [on],
    args: { is: 'other-first', name, version, first: on.name },
    evidence: [{ seen: `metadata.name: ${on.name}; ${NAME}: ${name}` }],
  });

/** As spiderpool-init would: the chart's defaults, and what its agents read unchecked. */
function made({ is, name, version }: Args, refused: Text | undefined): StepDraft | Refusal {
  const on = refOf(name);
  if (refused && is === 'missing') return { refused, objects: [on] };
  const { mode, podCIDRType, tunePodRoutes, hijackCIDR } = coordinatorValues(version);
  const blind = Object.fromEntries(readBlindlyBy(version).map((field) => [field, defaults()[field]!.default]));
  const spec = Object.fromEntries(
    Object.entries({ mode, podCIDRType, tunePodRoutes, hijackCIDR, ...blind }).filter(([, value]) => value !== undefined),
  ) as Raw;
  return {
    ...{
      do: 'create',
      object: { apiVersion: API_VERSION, kind: 'SpiderCoordinator', metadata: { name }, spec },
      undo: 'exact',
      optional: true,
    },
    ...(is === 'not-created' ? { when: 'after' as const } : {}),
    // Nothing to create it in before the upgrade.
    guard: [{ on: DEFINED, must: 'exist' }],
    text: {
      en: `create SpiderCoordinator ${name} with the defaults of ${version}`,
      zh: `以 ${version} 的默认值创建 SpiderCoordinator ${name}`,
    },
  };
}

function coordinatorValues(version: string): Raw {
  const values = valuesByTable(version)?.defaults.coordinator;
  return isRaw(values) ? values : {};
}
