// The upgrade of osm-edge: the stages of a Helm release; then the MeshConfig gets what the new version needs, as soon as osm-bootstrap has applied the new CRD, and what the old controller left is deleted.
// The order is that of facts from a real upgrade: fields patched before the CRD is new are pruned, and Pods are restarted last, since the injector's webhook must answer for them.
import type { HelmUpgrade } from '../../chart/intent.ts';
import { helmStages } from '../../chart/stage.ts';
import type { Condition, Expectation, Raw, Ref, Rule, StageDraft, StepDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { rowOf } from '../../engine/read/index.ts';
import { isRaw } from '../../kube/json.ts';
import { refOf } from '../../kube/refs.ts';
import { compare } from '../../versions/chart.ts';
import { pipyOf, preset } from './knowledge/tables.ts';
import { CONTROLLER, MESH_CONFIG, missingFields } from './reads.ts';

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
];

type OsmUpgrade = Upgrading<HelmUpgrade> & { intended: HelmUpgrade };

export async function stages(upgrading: Upgrading): Promise<StageDraft[]> {
  const at = upgrading as OsmUpgrade;
  const { chart, release } = at.intended;
  const { namespace } = release;
  const [save, upgrade, wait] = helmStages({
    ...{ upgrade: at.intended, name: 'osm-edge', hop: chart.version, resources: RESOURCES, within: at.within, readyWithin: READY_WITHIN },
    notBack: notBack(at),
    filled: {
      started: [crdHas('interceptionMode')],
      text: {
        en: `wait until osm-bootstrap has applied the CRD of ${chart.version}: before that, new fields would be pruned`,
        zh: `等待 osm-bootstrap 应用 ${chart.version} 的 CRD：在此之前写入的新字段会被丢弃`,
      },
      steps: await meshConfigSteps(at),
    },
    ready: ['osm-bootstrap', CONTROLLER, 'osm-injector'].map((name) => rolledOut(namespace, name)),
    readyText: {
      en: `wait until osm-bootstrap, osm-controller and osm-injector of ${chart.version} are ready`,
      zh: `等待 ${chart.version} 的 osm-bootstrap、osm-controller、osm-injector 就绪`,
    },
  }) as [StageDraft, StageDraft, StageDraft];
  const left = await leftReplicaSets(at);
  const restart = restartWorkloads(at);
  return [
    save,
    upgrade,
    {
      ...wait,
      steps: [...wait.steps, ...left.map((step) => ({ ...step, after: wait.steps.filter(({ do: doing }) => doing === 'wait') }))],
    },
    ...(restart
      ? [{ hop: chart.version, title: { en: 'Restart the workloads of the mesh', zh: '重启网格中的工作负载' }, steps: [restart] }]
      : []),
  ];
}

/** Over 1.3.0 the selector differs again on the way back, and helm rollback cannot change it either. */
function notBack({ path: { from }, intended: { chart, release } }: OsmUpgrade): Text {
  const crds: Text = {
    en: '; osm-bootstrap does not put CRDs back, and fields that only the old ones have are gone',
    zh: '；osm-bootstrap 不会恢复 CRD，仅旧 CRD 才有的字段已丢失',
  };
  if (typeof from !== 'string' || compare(from, SINCE) >= 0 || compare(chart.version, SINCE) < 0) return crds;
  const command = `kubectl delete deployment ${CONTROLLER} -n ${release.namespace} --cascade=orphan`;
  return {
    en: `${crds.en}; before undo, so that the old selector can be created again: ${command}`,
    zh: `${crds.zh}；撤销之前先执行以下命令，以便重新创建原来的标签选择算符：${command}`,
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
const crdHas = (field: string): Condition => ({
  on: CRD,
  must: [
    {
      path: `/spec/versions[name=v1alpha2]/schema/openAPIV3Schema/properties/spec/properties/traffic/properties/${field}/type`,
      is: 'string',
    },
  ],
});

/** What a fresh install has and the kept MeshConfig lacks; only on the way over 1.3.0, since later ones are checked by mesh-config-fields. */
async function meshConfigSteps({ path, intended: { chart, release }, source }: OsmUpgrade): Promise<StepDraft[]> {
  if (typeof path.from === 'string' && (compare(path.from, SINCE) >= 0 || compare(chart.version, SINCE) < 0)) return [];
  const on: Ref = {
    ...{ apiVersion: 'config.openservicemesh.io/v1alpha2', kind: 'MeshConfig' },
    ...{ namespace: release.namespace, name: 'osm-mesh-config' },
  };
  const config = await source.get(on);
  if (!config || isGap(config)) return [];
  const missing = missingFields(rowOf(MESH_CONFIG)(config));
  if (!missing.length) return [];
  return [
    {
      ...{ do: 'patch', on: { ...on, uid: refOf(config).uid }, guard: [], undo: 'exact', fixes: ['osm-edge/mesh-config-fields'] },
      changes: missing.map((field) => ({ path: `/spec/${field.replaceAll('.', '/')}`, after: preset(field, chart.version) })),
      text: {
        en: `set ${missing.join(', ')} in MeshConfig ${release.namespace}/osm-mesh-config, as in a fresh install of ${chart.version}`,
        zh: `按 ${chart.version} 全新安装时的值设置 MeshConfig ${release.namespace}/osm-mesh-config 的 ${missing.join('、')}`,
      },
    },
  ];
}

/** The Deployment osm-controller is deleted with its Pods kept running: its ReplicaSets are left to themselves until the new one is ready. */
async function leftReplicaSets({ path, intended: { chart, release }, source }: OsmUpgrade): Promise<StepDraft[]> {
  if (typeof path.from === 'string' && (compare(path.from, SINCE) >= 0 || compare(chart.version, SINCE) < 0)) return [];
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

/** Whose Pods these are, and in which order they may be restarted, is for their owners: it is watched until every running sidecar has the new image. */
function restartWorkloads({ path, intended: { chart } }: OsmUpgrade): StepDraft | undefined {
  const [before, after] = [typeof path.from === 'string' ? pipyOf(path.from) : undefined, pipyOf(chart.version)];
  if (!after || before === after) return undefined;
  return {
    ...{ do: 'manual', guard: [], undo: 'none' },
    commands: [
      'kubectl get pods -A -l osm-proxy-uuid',
      'kubectl rollout restart deployment,statefulset,daemonset -n NAMESPACE   # replace NAMESPACE, for each namespace of the mesh',
    ],
    seen: [
      {
        of: { apiVersion: 'v1', kind: 'Pod', labels: 'osm-proxy-uuid' },
        which: 'none',
        must: [{ path: '/spec/containers[name=sidecar]/image', is: before }],
      },
    ],
    text: {
      en: `restart the workloads of the mesh: their sidecars still run ${before ?? 'the old image'}`,
      zh: `重启网格中的工作负载：其 sidecar 仍在运行 ${before ?? '旧镜像'}`,
    },
    undoNote: { en: 'undo: restart them again after the rollback', zh: '撤销时：回滚后需再次重启' },
  };
}
