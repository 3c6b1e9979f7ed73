// The upgrade of osm-edge: the stages of a Helm release; then the MeshConfig gets what the new version needs, as soon as osm-bootstrap has applied the new CRD; what the old controller left is deleted,
// images of add-ons and labels of webhooks are set, and last the workloads of the mesh are restarted in waves, since the injector's webhook must answer for them.
// The order is that of facts from a real upgrade: fields patched before the CRD is new are pruned. Over 1.3.0 the selector differs again on the way back: an undo deletes the new Deployment before helm rollback.
import type { HelmUpgrade } from '../../chart/intent.ts';
import { helmStages } from '../../chart/stage.ts';
import type {
  Change,
  Condition,
  Expectation,
  Json,
  ListQuery,
  Raw,
  Ref,
  Rule,
  StageDraft,
  StepDraft,
  Text,
  Upgrading,
} from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { rowOf } from '../../engine/read/index.ts';
import { isRaw } from '../../kube/json.ts';
import { formatPointer, pointerGet } from '../../kube/pointer.ts';
import { refOf } from '../../kube/refs.ts';
import { compare } from '../../versions/chart.ts';
import { ADD_ONS, imageIn } from './add-ons.ts';
import { at } from './carried.ts';
import { mapping, pipyOf, preset, releases } from './knowledge/tables.ts';
import { CONTROLLER, MESH_CONFIG, missingFields, PARTS } from './reads.ts';
import { RESTART_RIGHTS, restarts } from './restart.ts';

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
/** Seconds: what osm mesh upgrade gives helm, twice. */
const READY_WITHIN = 600;
/** First release that reads interceptionMode and pluginChains, and whose controller has another selector. */
const SINCE = '1.3.0';

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

type OsmUpgrade = Upgrading<HelmUpgrade> & { intended: HelmUpgrade };

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
  const late = [...(await leftReplicaSets(osm)), ...(await addOnImages(osm)), ...(await webhookLabels(osm))];
  return [
    { ...save, steps: [...save.steps, ...restart.back] },
    {
      ...upgrade,
      steps: [
        ...scaled,
        ...upgrade.steps.map((step) => (step.do === 'helm' ? Object.assign(step, { after: [...(step.after ?? []), ...scaled] }) : step)),
      ],
    },
    { ...wait, steps: [...wait.steps, ...late.map((step) => ({ ...step, after: runs }))] },
    ...restart.stages,
  ];
}

const NOT_BACK: Text = {
  en: '; osm-bootstrap of the old version applies its own CRDs again, and fields that only the new ones have are gone',
  zh: '；旧版本的 osm-bootstrap 会重新应用自身的 CRD，仅新 CRD 才有的字段会丢失',
};

/** An installed version that is not known may be any. */
const crosses = ({ path: { from }, intended: { chart } }: OsmUpgrade, release: string): boolean =>
  (typeof from !== 'string' || compare(from, release) < 0) && compare(chart.version, release) >= 0;

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

const counted = (...pairs: [string, string][]): Expectation[] => [
  { path: '/status/observedGeneration', same: '/metadata/generation' },
  ...pairs.map(([path, same]) => ({ path, same })),
];
const deployment = (namespace: string, name: string): Ref => ({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name });
const rolledOut = (namespace: string, name: string): Condition => ({
  on: deployment(namespace, name),
  must: counted(
    ['/status/updatedReplicas', '/spec/replicas'],
    ['/status/replicas', '/spec/replicas'],
    ['/status/readyReplicas', '/spec/replicas'],
  ),
});

const CRD: Ref = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: 'meshconfigs.config.openservicemesh.io',
};
/** `traffic.interceptionMode`; of a list below it the field is enough. */
const crdHas = (field: string): Condition => ({
  on: CRD,
  must: [
    {
      path: `/spec/versions[name=v1alpha2]/schema/openAPIV3Schema/properties/spec/${field
        .split('.')
        .map((name) => `properties/${name}`)
        .join('/')}/type`,
      in: ['array', 'boolean', 'integer', 'object', 'string'],
    },
  ],
});

async function meshConfigOf({ intended: { release }, source }: OsmUpgrade): Promise<Raw | undefined> {
  const found = await source.get({
    ...{ apiVersion: 'config.openservicemesh.io/v1alpha2', kind: 'MeshConfig' },
    ...{ namespace: release.namespace, name: 'osm-mesh-config' },
  });
  return found && !isGap(found) ? found : undefined;
}

interface Filled {
  steps: StepDraft[];
  started: Condition[];
  /** Of new sidecars, once it is done. */
  image?: string;
}

/** What a fresh install with these values has and the kept MeshConfig lacks, and the image of the pipy sidecar, where the old one is the image of a release. */
function meshConfigSteps(osm: OsmUpgrade, config: Raw | undefined): Filled {
  const {
    intended: { chart, release },
  } = osm;
  if (!config) return { steps: [], started: [] };
  const row = rowOf(MESH_CONFIG)(config);
  const added = newFields(osm, config);
  const image = imageChange(osm, config);
  const changes = [
    ...added.map(({ field, value }): Change => ({ path: formatPointer(['spec', ...field.split('.')]), after: value })),
    ...(image ? [image] : []),
  ];
  const now = row.sidecarImage || row.drivers.find(({ name }) => name === 'pipy')?.image;
  const selected = { image: typeof image?.after === 'string' ? image.after : now };
  if (!changes.length) return { steps: [], started: [], ...selected };
  const names = [...added.map(({ field }) => field), ...(image ? ['the pipy sidecar image'] : [])];
  const namen = [...added.map(({ field }) => field), ...(image ? ['pipy sidecar 的镜像'] : [])];
  const on = refOf(config);
  return {
    ...selected,
    started: added.length
      ? added
          .slice(0, 1)
          .concat(added.slice(-1))
          .map(({ field }) => crdHas(field))
      : [{ on: CRD, must: 'exist' }],
    steps: [
      {
        ...{ do: 'patch', on, guard: [], undo: 'exact', changes },
        fixes: ['osm-edge/mesh-config-fields', 'osm-edge/sidecar-image', 'osm-edge/mesh-config-override'],
        text: {
          en: `set ${names.join(', ')} in MeshConfig ${release.namespace}/osm-mesh-config, as in a fresh install of ${chart.version} with these values`,
          zh: `按 ${chart.version} 以这些 values 全新安装时的值设置 MeshConfig ${release.namespace}/osm-mesh-config 的 ${namen.join('、')}`,
        },
      },
    ],
  };
}

/** Fields that came after the installed version, where they are not set and the value differs from what the programs take for a missing one. */
function newFields(osm: OsmUpgrade, config: Raw): { field: string; value: Json }[] {
  const {
    path: { from },
    intended: { chart, values },
  } = osm;
  const needed = crosses(osm, SINCE) ? missingFields(rowOf(MESH_CONFIG)(config)) : [];
  const since = typeof from === 'string' ? from : releases().knownFrom;
  const added = mapping()
    .filter(
      (each) =>
        compare(each.since, since) > 0 && compare(each.since, chart.version) <= 0 && !needed.some((field) => field.startsWith(each.path)),
    )
    .flatMap(({ key, path, missing }) => {
      const value = at(values, key);
      const isThere = pointerGet(config, formatPointer(['spec', ...path.split('.')])) !== undefined;
      return value === undefined || isThere || isAssumed(value, missing) ? [] : [{ field: path, value }];
    });
  return [...needed.map((field) => ({ field, value: planned(field, osm) })), ...added].filter(
    (each): each is { field: string; value: Json } => each.value !== undefined,
  );
}

/** By the values, which have the chart's own below them; else what the table says of a fresh install. */
function planned(field: string, { intended: { chart, values } }: OsmUpgrade): Json | undefined {
  const row = mapping().find(({ path }) => path === field || field.startsWith(`${path}.`));
  return (row && at(values, `${row.key}${field.slice(row.path.length)}`)) ?? preset(field, chart.version);
}

const isAssumed = (value: Json, missing: Json | undefined): boolean =>
  value === '' ||
  value === false ||
  value === 0 ||
  (typeof value === 'object' && !Object.values(value ?? {}).some(Boolean)) ||
  Number(value) === Number(missing ?? Number.NaN) ||
  String(missing) === String(value) ||
  /default Localhost/.test(String(missing));

/** undefined: it is as the target ships it, or nobody's default. */
function imageChange({ intended: { chart } }: OsmUpgrade, config: Raw): Change | undefined {
  const wanted = pipyOf(chart.version);
  const pinned = pointerGet(config, '/spec/sidecar/sidecarImage');
  const drivers = pointerGet(config, '/spec/sidecar/sidecarDrivers');
  const nth = Array.isArray(drivers) ? drivers.findIndex((each) => isRaw(each) && each.sidecarName === 'pipy') : -1;
  const path = pinned ? '/spec/sidecar/sidecarImage' : `/spec/sidecar/sidecarDrivers/${nth}/sidecarImage`;
  const before = pinned || (nth < 0 ? undefined : pointerGet(config, path));
  if (!wanted || !before || before === wanted || !releases().releases.some(({ pipy }) => pipy === before)) return undefined;
  return { path, before, after: wanted };
}

/** Sidecars injected by 1.1 ask at an address that 1.2.0 does not serve; else those of another image than MeshConfig will select. */
function outdated(osm: OsmUpgrade, config: Raw | undefined, image: string | undefined): (pod: Raw) => boolean {
  if (crosses(osm, '1.2.0')) return () => true;
  return (pod) => {
    const containers = pointerGet(pod, '/spec/containers');
    const sidecar = Array.isArray(containers) ? containers.find((each) => isRaw(each) && each.name === 'sidecar') : undefined;
    return config !== undefined && image !== undefined && isRaw(sidecar) && sidecar.image !== image;
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

/** An image that was set with kubectl set image, which helm has just written over. */
async function addOnImages({ intended: { release, values }, source }: OsmUpgrade): Promise<StepDraft[]> {
  const steps: StepDraft[] = [];
  for (const addOn of ADD_ONS) {
    if (addOn.image === 'osm.fluentBit' || at(values, addOn.flag) !== true) continue;
    for (const name of addOn.deployments) {
      const live = await source.get(deployment(release.namespace, name));
      const containers = live && !isGap(live) ? pointerGet(live, '/spec/template/spec/containers') : undefined;
      const nth = Array.isArray(containers) ? containers.findIndex((each) => isRaw(each) && each.name === addOn.container) : -1;
      const image = nth < 0 || !Array.isArray(containers) ? undefined : (containers[nth] as Raw).image;
      const wanted = imageIn(addOn, values);
      const known = [...new Set(RELEASED[addOn.image] ?? [])];
      if (typeof image !== 'string' || !wanted || image === wanted || known.includes(image)) continue;
      const on = deployment(release.namespace, addOn.deployments.at(-1)!);
      steps.push({
        ...{ do: 'patch', on, undo: 'exact', optional: true, guard: [{ on, must: 'exist' }] },
        changes: [{ path: `/spec/template/spec/containers/${nth}/image`, before: wanted, after: image }],
        text: {
          en: `set the image of ${on.name} to ${image} again, which was set with kubectl: helm wrote ${wanted}`,
          zh: `把 ${on.name} 的镜像重新设为此前用 kubectl 设置的 ${image}：helm 写入的是 ${wanted}`,
        },
      });
    }
  }
  return steps;
}
/** What charts before had: helm moves them on by right. Source: charts/osm/values.yaml@v1.1.3, @v1.2.0. */
const RELEASED: Record<string, string[]> = { 'osm.prometheus.image': ['prom/prometheus:v2.18.1', 'prom/prometheus:v2.34.0'] };

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
        ...{ do: 'delete', on, undo: 'compensates', optional: true },
        guard: [{ on, must: 'exist' }],
        text: {
          en: `delete ReplicaSet ${on.namespace}/${on.name} of the old osm-controller`,
          zh: `删除旧 osm-controller 的 ReplicaSet ${on.namespace}/${on.name}`,
        },
        undoNote: {
          en: 'undo: creates it again; helm rollback creates the Deployment that adopts it',
          zh: '撤销时：重新创建；helm rollback 会重建接管它的 Deployment',
        },
      };
    });
}
