// Prometheus, Grafana, Jaeger and Fluent Bit as the chart installs them: an image set with kubectl set image is drift that helm writes back, and an add-on whose deploy flag is dropped is deleted.
// Sources: charts/osm/templates/{prometheus,grafana,jaeger}-deployment.yaml, osm-deployment.yaml@v1.1.3, @v1.2.0, @v1.3.9; helm pkg/kube/client.go (three-way merge); guide: kubectl set image for add-ons.
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { upgradeCommand } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Severity } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { setFlag } from '../../../helm/flags.ts';
import { pathOf } from '../../../helm/keys.ts';
import { ADD_ONS, type AddOn, imageIn } from '../add-ons.ts';
import { at, carriedValues, isOwnChart } from '../carried.ts';
import { CHART } from '../chart.ts';
import { workloads } from '../reads.ts';

const reads = { ...RELEASE_READS, workloads };
/** `drift`: not the image of the release; `deleted`: the upgrade removes it; `both`: under its old and its new name. */
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
      zh: '将各附加组件的镜像与 release 的值比较，并将其开关（osm.deployPrometheus 等）的现值与升级会带入的值比较。Jaeger 在 1.1 中名为“jaeger”，自 1.2.0 起名为“osm-jaeger”；两者并存是升级失败所致。',
    },
    fix: {
      en: 'manual: give helm upgrade the image or the flag as a value. upgrade osm-edge sets an image that was set with kubectl again behind helm.',
      zh: '手动：在 helm upgrade 中以 values 指定镜像或开关。upgrade osm-edge 会在 helm 之后重新设置此前用 kubectl 设置的镜像。',
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
        ...(there.length > 1 && addOn.deployments.length > 1
          ? [
              found(
                'warning',
                there.map(({ ref }) => ref),
                { ...args, is: 'both', key: addOn.flag },
              ),
            ]
          : []),
      ];
    });
  },
  say: ({ is, namespace, name, key, live, wanted }) => {
    if (is === 'drift')
      return {
        en: `Deployment ${namespace}/${name} runs ${live}, the release has ${wanted}: helm upgrade writes that back (value ${key})`,
        zh: `Deployment ${namespace}/${name} 运行 ${live}，release 中是 ${wanted}：helm upgrade 会写回（对应的值为 ${key}）`,
      };
    return is === 'deleted'
      ? {
          en: `the upgrade deletes Deployment ${namespace}/${name}: ${key}=true is not carried over`,
          zh: `升级会删除 Deployment ${namespace}/${name}：${key}=true 未被带入`,
        }
      : {
          en: `${namespace} has both jaeger and osm-jaeger: a failed upgrade left the old one`,
          zh: `${namespace} 中同时有“jaeger”和 osm-jaeger：升级失败后旧的仍在`,
        };
  },
  remedy: {
    writes: [],
    steps: async (all, situation) => {
      const flags = all.flatMap(({ args: { is, key, live } }) =>
        is === 'both' || key === FLUENT ? [] : [setFlag(pathOf(key), is === 'deleted' ? true : live)],
      );
      return flags.length ? [upgradeCommand(CHART, situation, flags)] : [];
    },
  },
};
export default check;

/** Its image is made of two values. */
const FLUENT: AddOn['image'] = 'osm.fluentBit';

const found = (severity: Severity, objects: Ref[], args: Args): Finding<Args> =>
  finding<Args>({
    severity,
    key: [args.is, args.namespace, args.name],
    objects,
    args,
    evidence: [{ seen: args.is === 'drift' ? `image: ${args.live}` : `metadata.name: ${args.name}` }],
  });
