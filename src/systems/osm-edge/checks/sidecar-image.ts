// Which sidecar image new Pods get: MeshConfig keeps it at every upgrade, so that sidecars stay old while the scripts that they run (osm-pipy-repo) move with the chart.
// Sources: pkg/configurator/methods.go@v1.3.9 (sidecarImage, then the driver of sidecarClass); charts/osm/values.yaml at every tag (knowledge/releases.json); guide: the image is patched after an upgrade.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { pipyOf, releases } from '../knowledge/tables.ts';
import { byUpgrade } from '../manual.ts';
import { type MeshConfig, meshConfigOf, meshConfigs } from '../reads.ts';

const reads = { meshConfigs };
/** `old`: the image of another release; `custom`: of none; `latest`: may be anything tomorrow. `pinned`: spec.sidecar.sidecarImage hides the drivers. */
type Is = 'old' | 'custom' | 'latest' | 'pinned';
interface Args {
  is: Is;
  namespace: string;
  image: string;
  wanted: string;
  version: string;
  /** Where the image stands; JSON pointer. */
  path: string;
  /** The target is what is installed: nothing but this is left to do. */
  now: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/sidecar-image',
  title: { en: 'MeshConfig selects the sidecar image of the version', zh: 'MeshConfig 选择与版本一致的 sidecar 镜像' },
  headline: { en: 'MeshConfig keeps another sidecar image', zh: 'MeshConfig 保留了其他 sidecar 镜像' },
  page: {
    impact: {
      en: 'The image of new sidecars is set in MeshConfig, which an upgrade does not change. osm-pipy-repo is upgraded with the chart, so old sidecars run scripts of another release. spec.sidecar.sidecarImage, which the upgrade guide sets, overrides the images of all drivers from then on.',
      zh: '新 sidecar 的镜像由 MeshConfig 指定，升级不会修改它。osm-pipy-repo 会随 chart 更新，因此旧 sidecar 会运行其他版本的脚本。osm-edge 的升级指南设置的 spec.sidecar.sidecarImage 此后会一直覆盖各 driver 的镜像。',
    },
    detection: {
      en: 'Compares spec.sidecar.sidecarImage, or else the image of the driver of sidecarClass pipy, with the default of the target version. A tag latest is reported as well.',
      zh: '将 spec.sidecar.sidecarImage（未设置时为 sidecarClass pipy 的 driver 镜像）与目标版本的默认值比较。标签为“latest”时也会报告。',
    },
    fix: {
      en: 'Sets the field that selects the image, where it has the image of another release. upgrade osm-edge does so between helm and the restart of the Pods. Undo restores it.',
      zh: '如果镜像属于其他版本，将选定镜像的字段改为目标版本的镜像。upgrade osm-edge 会在 helm 之后、重启 Pod 之前完成。撤销时恢复原值。',
    },
    limits: {
      en: 'An image of your own registry is only named: whether it fits is not known. Envoy sidecars are not judged.',
      zh: '对自有镜像仓库的镜像只作提示，无法判断是否匹配。不检查 Envoy sidecar。',
    },
  },
  sources: [
    'flomesh-io/osm-edge: pkg/configurator/methods.go@v1.3.9',
    { en: 'flomesh-io/osm-edge: charts/osm/values.yaml at every tag', zh: 'flomesh-io/osm-edge: charts/osm/values.yaml（所有 tag）' },
  ],
  applies: { stage: 'both' },
  reads,
  judge: ({ meshConfigs: rows }, { path: { from, to, installation } }) => {
    const config = meshConfigOf(rows, installation.namespace);
    const version = to ?? from;
    const wanted = typeof version === 'string' ? pipyOf(version) : undefined;
    if (!config || !wanted || typeof version !== 'string' || (config.sidecarClass ?? 'pipy') !== 'pipy') return [];
    const at = config.drivers.findIndex(({ name }) => name === 'pipy');
    const image = config.sidecarImage || config.drivers[at]?.image;
    const is = image === undefined ? undefined : stateOf(image, wanted, Boolean(config.sidecarImage));
    if (!image || !is) return [];
    const path = config.sidecarImage ? '/spec/sidecar/sidecarImage' : `/spec/sidecar/sidecarDrivers/${at}/sidecarImage`;
    return [found(config, { is, image, wanted, version, path, namespace: installation.namespace ?? '', now: version === from })];
  },
  say: ({ is, namespace, image, wanted, version }) => {
    const config = `MeshConfig ${namespace}/osm-mesh-config`;
    const then = SAY[is](wanted, version);
    return { en: `${config}: sidecars get ${image}, ${then.en}`, zh: `${config}：sidecar 使用 ${image}，${then.zh}` };
  },
  remedy: {
    writes: [{ verbs: ['get', 'patch'], group: 'config.openservicemesh.io', resource: 'meshconfigs' }],
    steps: async (all, at) =>
      all.flatMap((each): (StepDraft | Refusal)[] => {
        if (each.args.is !== 'old' && each.args.is !== 'pinned') return [];
        return each.args.now ? [patch(each)] : [byUpgrade(at, LATER, each.objects)];
      }),
  },
};
export default check;

const LATER: Text = {
  en: 'upgrade osm-edge sets the sidecar image once the scripts of the target version are served',
  zh: 'upgrade osm-edge 会在目标版本的脚本就绪后设置 sidecar 镜像',
};

const SAY: Record<Is, (wanted: string, version: string) => Text> = {
  old: (wanted, version) => ({ en: `${version} ships ${wanted}`, zh: `${version} 自带的是 ${wanted}` }),
  pinned: (wanted, version) => ({
    en: `set by spec.sidecar.sidecarImage, which hides ${wanted} of ${version}`,
    zh: `由 spec.sidecar.sidecarImage 指定，覆盖了 ${version} 的 ${wanted}`,
  }),
  custom: (wanted, version) => ({
    en: `not an image of a release; ${version} ships ${wanted}`,
    zh: `不是任何版本自带的镜像；${version} 自带的是 ${wanted}`,
  }),
  latest: (wanted, version) => ({
    en: `whose tag can change at any time; ${version} ships ${wanted}`,
    zh: `其标签随时可能指向其他镜像；${version} 自带的是 ${wanted}`,
  }),
};

/** undefined: as the version ships it. */
function stateOf(image: string, wanted: string, pinned: boolean): Is | undefined {
  if (/:latest$|^[^:@]+$/.test(image.split('/').at(-1) ?? '')) return 'latest';
  if (image === wanted) return undefined;
  const isReleased = releases().releases.some(({ pipy }) => pipy === image);
  if (!isReleased) return 'custom';
  return pinned ? 'pinned' : 'old';
}

const found = ({ ref }: MeshConfig, args: Args): Finding<Args> =>
  finding<Args>({
    severity: args.is === 'custom' ? 'notice' : 'warning',
    key: [args.namespace, args.is],
    objects: [ref],
    args,
    evidence: [{ seen: `${args.path.slice(1).replaceAll('/', '.')}: ${args.image}` }],
  });

function patch({ objects, args: { path, image, wanted, namespace, is } }: Finding<Args>): StepDraft {
  const on = objects[0]!;
  return {
    ...{ do: 'patch', on, changes: [{ path, before: image, after: wanted }], undo: 'exact', when: 'after' },
    guard: [{ on, must: [{ path, is: image }] }],
    text: {
      en: `set ${is === 'pinned' ? 'sidecarImage' : 'the sidecar image of driver pipy'} in MeshConfig ${namespace}/osm-mesh-config to ${wanted}`,
      zh: `将 MeshConfig ${namespace}/osm-mesh-config 的 ${is === 'pinned' ? 'sidecarImage' : 'driver pipy 的 sidecar 镜像'} 改为 ${wanted}`,
    },
  };
}
