// Prometheus, Grafana, Jaeger and Fluent Bit as the chart installs them: an image set with kubectl set image is drift that helm writes back, and an add-on whose deploy flag is dropped is deleted.
// Sources: charts/osm/templates/{prometheus,grafana,jaeger}-deployment.yaml, osm-deployment.yaml@v1.1.3, @v1.2.0, @v1.3.9; helm pkg/kube/client.go (three-way merge); guide: kubectl set image for add-ons.
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { explicitValues } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, SetValue, Severity, StepDraft } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { pathOf } from '../../../helm/keys.ts';
import { objectsIn } from '../../../helm/manifest.ts';
import { ADD_ONS, type AddOn, imageIn } from '../add-ons.ts';
import { at, carriedValues, isOwnChart } from '../carried.ts';
import { CHART } from '../chart.ts';
import { type Workload, workloads } from '../reads.ts';

const reads = { ...RELEASE_READS, workloads };
/** `drift`: not the image of the release; `deleted`: the upgrade removes it; `both`: under its old and its new name, of which the release has one. */
type Is = 'drift' | 'deleted' | 'both';
interface Args {
  is: Is;
  namespace: string;
  name: string;
  key: string;
  live: string;
  wanted: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/addon-images',
  title: { en: 'add-ons run the images of the release, and are kept', zh: '附加组件使用 release 的镜像并在升级后保留' },
  headline: { en: 'an upgrade resets or deletes add-ons of the mesh', zh: '升级会重置或删除网格的附加组件' },
  page: {
    impact: {
      en: 'The guide sets images of Prometheus, Grafana and Jaeger with kubectl set image; helm writes the image of the chart back at the next upgrade. osm mesh upgrade, and helm with new values, drop osm.deployPrometheus and the like: the add-on is deleted with its data (emptyDir).',
      zh: '指南用“kubectl set image”设置 Prometheus、Grafana、Jaeger 的镜像；下次升级时 helm 会写回 chart 的镜像。“osm mesh upgrade”以及带新 values 的 helm 会丢弃 osm.deployPrometheus 等值，附加组件及其数据（emptyDir）会被删除。',
    },
    detection: {
      en: 'Compares the image of each add-on with the value of the release, and its deploy flag now with the one that the upgrade will carry over. Jaeger is called jaeger in 1.1 and osm-jaeger from 1.2.0 on; both at once are left by a failed upgrade.',
      zh: '将各附加组件的镜像与 release 的值比较，并将其开关（osm.deployPrometheus 等）的现值与升级后将生效的值比较。Jaeger 在 1.1 中名为“jaeger”，自 1.2.0 起名为“osm-jaeger”；两者并存是升级失败所致。',
    },
    fix: {
      en: 'upgrade osm-edge passes the image or the flag to helm as a value, which lasts; fix prints the flags for helm upgrade. A Deployment that the release does not have is deleted, and created again by undo.',
      zh: 'upgrade osm-edge 会把镜像或开关作为 values 传给 helm，从而长期有效；fix 会给出 helm upgrade 的参数。release 中没有的 Deployment 会被删除，撤销时重新创建。',
    },
  },
  sources: [
    'flomesh-io/osm-edge: charts/osm/templates/prometheus-deployment.yaml, grafana-deployment.yaml, jaeger-deployment.yaml@v1.1.3, @v1.2.0, @v1.3.9',
    'helm/helm: pkg/kube/client.go (updateResource)',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: RELEASE_BODIES,
  judge: async (rows, situation) => {
    const { installation } = situation.path;
    const carried = await carriedValues(rows, situation);
    if (isGap(carried)) return [];
    if (!('config' in carried)) return carried;
    if (!isOwnChart(carried)) return [];
    const inRelease = new Set(
      objectsIn(carried.release.manifest, { namespace: installation.namespace ?? '' }).flatMap(({ kind, name }) =>
        kind === 'Deployment' ? [name] : [],
      ),
    );
    const own = rows.workloads.filter(({ ref }) => ref.namespace === installation.namespace);
    return ADD_ONS.flatMap((addOn) => {
      const there = own.filter(
        ({ ref, containers }) => addOn.deployments.includes(ref.name) && containers.some(({ name }) => name === addOn.container),
      );
      const [first] = there;
      if (!first) return [];
      const live = first.containers.find(({ name }) => name === addOn.container)!.image;
      const wanted = imageIn(addOn, carried.today) ?? '';
      const isDropped =
        situation.path.to !== undefined &&
        situation.path.to !== situation.path.from &&
        at(carried.today, addOn.flag) === true &&
        at(carried.config, addOn.flag) !== true;
      const args = { namespace: first.ref.namespace ?? '', name: first.ref.name, live, wanted };
      return [
        ...(wanted && live !== wanted ? [found('warning', [first.ref], { ...args, is: 'drift', key: addOn.image })] : []),
        ...(isDropped ? [found('warning', [first.ref], { ...args, is: 'deleted', key: addOn.flag })] : []),
        ...leftOf(there, inRelease).map(({ ref }) => found('warning', [ref], { ...args, name: ref.name, is: 'both', key: addOn.flag })),
      ];
    });
  },
  say: ({ is, namespace, name, key, live, wanted }) => {
    if (is === 'drift')
      return {
        en: `Deployment ${namespace}/${name} runs ${live}, the release has ${wanted}: helm upgrade sets that again (key ${key} of the values)`,
        zh: `Deployment ${namespace}/${name} 运行 ${live}，release 中是 ${wanted}：helm upgrade 会改回该镜像（对应的 values 键为 ${key}）`,
      };
    return is === 'deleted'
      ? {
          en: `the upgrade deletes Deployment ${namespace}/${name}: ${key}=true is not carried over`,
          zh: `升级会删除 Deployment ${namespace}/${name}：${key}=true 未被带入`,
        }
      : {
          en: `${namespace} has both jaeger and osm-jaeger: a failed upgrade left ${name}, which is not in the release`,
          zh: `${namespace} 中同时有“jaeger”和 osm-jaeger：失败的升级留下了不属于 release 的“${name}”`,
        };
  },
  remedy: {
    writes: [{ verbs: ['get', 'delete', 'create'], group: 'apps', resource: 'deployments' }],
    steps: async (all, situation) => {
      const values = all.flatMap(valuesOf);
      const left = all.filter(({ args }) => args.is === 'both');
      return [...left.map(remove), ...(values.length ? [explicitValues(CHART, situation, values)] : [])];
    },
  },
};
export default check;

/** Under two names, of which the release has one; where it has neither or both, nothing can be told. */
function leftOf(there: readonly Workload[], inRelease: ReadonlySet<string>): Workload[] {
  const left = there.filter(({ ref }) => !inRelease.has(ref.name));
  return there.length > 1 && left.length === 1 ? left : [];
}

/** Its image is made of two values. */
const FLUENT: AddOn['image'] = 'osm.fluentBit';

function valuesOf({ args: { is, key, live } }: Finding<Args>): SetValue[] {
  if (is === 'both') return [];
  if (is === 'deleted') return [{ path: pathOf(key), value: true }];
  if (key !== FLUENT) return [{ path: pathOf(key), value: live }];
  const { registry, tag } = /^(?<registry>.+)\/fluent-bit:(?<tag>[^:]+)$/.exec(live)?.groups ?? {};
  return registry && tag
    ? [
        { path: pathOf(`${key}.registry`), value: registry },
        { path: pathOf(`${key}.tag`), value: tag },
      ]
    : [];
}

function remove({ objects, args: { namespace, name } }: Finding<Args>): StepDraft {
  const [on] = objects as [Ref];
  return {
    ...{ do: 'delete', on, undo: 'compensates', guard: [{ on, must: 'exist' }] },
    text: {
      en: `delete Deployment ${namespace}/${name}, which is not in the release`,
      zh: `删除不属于 release 的 Deployment ${namespace}/${name}`,
    },
    undoNote: { en: 'undo: creates it again, with a new UID', zh: '撤销时：重新创建（UID 会变）' },
  };
}

const found = (severity: Severity, objects: Ref[], args: Args): Finding<Args> =>
  finding<Args>({
    severity,
    key: [args.is, args.namespace, args.name],
    objects,
    args,
    evidence: [{ seen: args.is === 'drift' ? `image: ${args.live}` : `metadata.name: ${args.name}` }],
  });
