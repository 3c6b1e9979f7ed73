import { helmStages } from '../../chart/stage.ts';
import type { ListQuery, Raw, Rule, StageDraft, StepDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { foundBy } from '../../engine/on-the-way.ts';
import { isRaw } from '../../kube/json.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { refOf } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';
import { at } from './carried.ts';
import { crosses, meshConfigOf, meshConfigSteps, type OsmUpgrade, outdated, SINCE } from './mesh-config.ts';
import { CONTROLLER, PARTS } from './reads.ts';
import { RESTART_RIGHTS, restarts } from './restart.ts';
import { deployment, rolledOut } from './rollout.ts';

/** Custom resources of osm-edge and SMI that an upgrade may prune, and the CRDs. */
const RESOURCES = [
  'customresourcedefinitions.apiextensions.k8s.io',
  'meshconfigs.config.openservicemesh.io',
  ...['egresses', 'ingressbackends', 'retries', 'upstreamtrafficsettings'].map((name) => `${name}.policy.openservicemesh.io`),
  'httproutegroups.specs.smi-spec.io',
  'tcproutes.specs.smi-spec.io',
  'traffictargets.access.smi-spec.io',
  'trafficsplits.split.smi-spec.io',
];
/** What the programs set right when they start; a CA that itself ends they write again as it is. */
const startedBy = (osm: OsmUpgrade): string[] =>
  foundBy<{ caEnds: boolean }>(osm, ['osm-edge/webhook-certificate'], ({ args }) => !args.caEnds);
/** Seconds: what osm mesh upgrade gives helm, twice. */
const READY_WITHIN = 600;

export const WRITES: Rule[] = [
  { verbs: ['create', 'delete'], group: '', resource: 'secrets' },
  { verbs: ['get', 'patch'], group: 'config.openservicemesh.io', resource: 'meshconfigs' },
  { verbs: ['get', 'delete', 'create'], group: 'apps', resource: 'replicasets' },
  { verbs: ['get', 'patch', 'delete'], group: 'apps', resource: 'deployments' },
  ...['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((resource) => ({
    ...{ verbs: ['get', 'patch'], group: 'admissionregistration.k8s.io', resource },
  })),
  ...RESTART_RIGHTS,
];

export async function stages(upgrading: Upgrading): Promise<StageDraft[]> {
  const osm = upgrading as OsmUpgrade;
  const { chart, release } = osm.intended;
  const { namespace } = release;
  const ready = PARTS.map((name) => rolledOut(namespace, name));
  const config = await meshConfigOf(osm);
  const filled = meshConfigSteps(osm, config);
  const restart = await restarts(osm.source, {
    ...{ mesh: meshOf(osm), hop: chart.version, ready, at: new Date().toISOString().replace(/\.\d+Z$/, 'Z') },
    old: outdated(osm, config, filled.image),
  });
  const scaled = await reconcilerOff(osm);
  const [save, upgrade, wait] = helmStages({
    ...{ upgrade: osm.intended, name: 'osm-edge', hop: chart.version, resources: RESOURCES, within: osm.within, readyWithin: READY_WITHIN },
    notBack: NOT_BACK,
    beside: besideHelm(osm),
    behind: (helm) => (crosses(osm, SINCE) ? [controllerBack(osm, helm)] : []),
    filled: {
      started: filled.started,
      text: {
        en: `wait until osm-bootstrap has applied the CRD of ${chart.version}: before that, new fields would be pruned`,
        zh: `等待 osm-bootstrap 应用 ${chart.version} 的 CRD：在此之前写入的新字段会被丢弃`,
      },
      steps: filled.steps,
    },
    ready,
    readyText: {
      en: `wait until osm-bootstrap, osm-controller and osm-injector of ${chart.version} are ready`,
      zh: `等待 ${chart.version} 的 osm-bootstrap、osm-controller、osm-injector 就绪`,
    },
  }) as [StageDraft, StageDraft, StageDraft];
  const runs = wait.steps.filter(({ do: doing }) => doing === 'wait').slice(-1);
  const late = [...(await leftReplicaSets(osm)), ...(await webhookLabels(osm))];
  return [
    { ...save, steps: [...save.steps, ...restart.back] },
    {
      ...upgrade,
      steps: [
        ...scaled,
        ...upgrade.steps.map((step) =>
          step.do === 'helm'
            ? Object.assign(step, { after: [...(step.after ?? []), ...scaled], fixes: [...(step.fixes ?? []), ...startedBy(osm)] })
            : step,
        ),
      ],
    },
    { ...wait, steps: [...wait.steps, ...late.map((step) => ({ ...step, after: runs }))] },
    ...restart.stages,
  ];
}

/** The CLI resets the values, and the name of the mesh with them. */
function besideHelm(osm: OsmUpgrade): Text {
  const { chart, release, values } = osm.intended;
  const mesh = meshOf(osm);
  const words = [
    `--mesh-name ${shellWord(release.name)}`,
    `--osm-namespace ${shellWord(release.namespace)}`,
    `--osm-chart-path ${shellWord(chart.path)}`,
  ];
  const command = ['osm mesh upgrade', ...words, ...(mesh === 'osm' ? [] : [`--set osm.meshName=${shellWord(mesh)}`])].join(' ');
  const isSet = Object.keys(values).length > 0;
  return {
    en: `like ${command}${isSet ? ', which drops all values but those given with --set' : ''}`,
    zh: `相当于“${command}”${isSet ? '，但后者只保留用 --set 给出的 values' : ''}`,
  };
}

const NOT_BACK: Text = {
  en: '; osm-bootstrap of the old version applies its own CRDs again, and fields that only the new ones have are gone',
  zh: '；旧版本的 osm-bootstrap 会重新应用自身的 CRD，仅新 CRD 才有的字段会丢失',
};

const meshOf = ({ path: { installation }, intended: { values } }: OsmUpgrade): string => {
  const named = at(values, 'osm.meshName');
  return typeof named === 'string' ? named : installation.name;
};

/** helm rollback creates it as it was; it takes over the Pods of both ReplicaSets, since its selector asks for less. */
function controllerBack(
  {
    intended: {
      release: { namespace },
      values,
    },
  }: OsmUpgrade,
  helm: StepDraft,
): StepDraft {
  const on = deployment(namespace, CONTROLLER);
  return {
    ...{ do: 'delete', on, propagation: 'Orphan', undo: 'none', onUndo: true, after: [helm] },
    guard: [{ on, must: [{ path: '/spec/selector/matchLabels/codebase', is: at(values, 'osm.repoServer.codebase') ?? '' }] }],
    text: {
      en: `delete Deployment ${namespace}/${CONTROLLER}, keep its Pods running: helm rollback cannot change its selector`,
      zh: `删除 Deployment ${namespace}/${CONTROLLER} 并保留其运行中的 Pod：helm rollback 无法更改其标签选择算符`,
    },
  };
}

/** With enableReconciler the old and the new osm-bootstrap write the CRDs in turns: the old one is off until helm starts the new one. */
async function reconcilerOff({ intended: { release }, source }: OsmUpgrade): Promise<StepDraft[]> {
  const on = deployment(release.namespace, 'osm-bootstrap');
  const live = await source.get(on);
  if (!live || isGap(live)) return [];
  const args = pointerGet(live, '/spec/template/spec/containers/0/args');
  const replicas = pointerGet(live, '/spec/replicas');
  if (!Array.isArray(args) || !args.includes('--enable-reconciler=true') || !replicas) return [];
  return [
    {
      ...{
        do: 'patch',
        on: { ...on, uid: refOf(live).uid },
        guard: [],
        undo: 'exact',
        changes: [{ path: '/spec/replicas', before: replicas, after: 0 }],
      },
      text: {
        en: `scale osm-bootstrap in ${release.namespace} to 0 until helm upgrade: with enableReconciler it would put the old CRDs back`,
        zh: `在 helm upgrade 之前把 ${release.namespace} 中的 osm-bootstrap 缩容到 0：启用 enableReconciler 时它会恢复旧的 CRD`,
      },
    },
  ];
}

/** osm-injector and osm-controller keep the label of the first install; the hook at uninstall deletes by the version of the chart. */
async function webhookLabels({ intended: { chart, release }, source }: OsmUpgrade): Promise<StepDraft[]> {
  const label = '/metadata/labels/app.kubernetes.io~1version';
  const found: Raw[] = [];
  for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    const query: ListQuery = {
      ...{ resource: `${resource}.admissionregistration.k8s.io`, labels: 'app.kubernetes.io/name=openservicemesh.io' },
      fields: ['metadata.labels', 'webhooks'],
    };
    const listed: Raw[] = [];
    const gap = await source.list(query, { object: (object) => void listed.push(object), restart: () => void listed.splice(0) });
    if (!gap) found.push(...listed);
  }
  return found.flatMap((config): StepDraft[] => {
    const before = pointerGet(config, label);
    const namespace = pointerGet(config, '/webhooks/0/clientConfig/service/namespace');
    const after = typeof before === 'string' && before.startsWith('v') ? `v${chart.version}` : chart.version;
    if (namespace !== release.namespace || typeof before !== 'string' || before === after) return [];
    const on = refOf(config);
    return [
      {
        ...{ do: 'patch', on, undo: 'exact', optional: true, guard: [], changes: [{ path: label, before, after }] },
        text: {
          en: `label ${on.kind} ${on.name} with version ${after}, by which uninstall finds it`,
          zh: `将 ${on.kind} ${on.name} 的版本标签改为 ${after}，卸载时按该标签查找`,
        },
      },
    ];
  });
}

/** The Deployment osm-controller is deleted with its Pods kept running: its ReplicaSets are left to themselves until the new one is ready. */
async function leftReplicaSets(osm: OsmUpgrade): Promise<StepDraft[]> {
  if (!crosses(osm, SINCE)) return [];
  const {
    intended: { release },
    source,
  } = osm;
  const found: Raw[] = [];
  const gap = await source.list(
    { resource: 'replicasets.apps', labels: `app=${CONTROLLER}`, fields: ['metadata.labels', 'spec.replicas'] },
    { object: (object) => found.push(object), restart: () => found.splice(0) },
  );
  if (gap) return [];
  return found
    .filter((object) => refOf(object).namespace === release.namespace && isRaw(object.spec))
    .map((object): StepDraft => {
      const on = refOf(object);
      return {
        ...{ do: 'delete', on, undo: 'none', optional: true },
        guard: [{ on, must: 'exist' }],
        text: {
          en: `delete ReplicaSet ${on.namespace}/${on.name} of the old osm-controller`,
          zh: `删除旧 osm-controller 的 ReplicaSet ${on.namespace}/${on.name}`,
        },
        undoNote: {
          en: 'undo: not needed, the Deployment that helm rollback creates makes its own ReplicaSet',
          zh: '撤销时：无需恢复，helm rollback 重建的 Deployment 会创建自己的 ReplicaSet',
        },
      };
    });
}
