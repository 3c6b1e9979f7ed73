// A sidecar keeps the image and the bootstrap address that it was injected with: after an upgrade its Pod runs on with the old ones until it is restarted.
// Sources: pkg/injector/patch.go, pkg/configurator/methods.go@v1.3.9 (GetSidecarImage: sidecarImage, then the driver of sidecarClass); facts of 1.1.x: repo paths end in .cluster.local.
import type { Check, Finding, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { compare } from '../../../versions/chart.ts';
import {
  type MeshConfig,
  type MeshedPod,
  meshConfigOf,
  meshConfigs,
  meshedPods,
  meshNamespaces,
  namespacesOf,
  workloads,
} from '../reads.ts';

const reads = { meshConfigs, workloads, namespaces: meshNamespaces, pods: meshedPods };
/** Seconds for which an eviction waits for its PodDisruptionBudget. */
const PATIENCE = 300;
type Is = 'image' | 'not-intercepted' | 'address';
interface Args {
  /** What re-creates each Pod, by NAMESPACE/NAME; '': nothing. */
  owners: [pod: string, owner: string][];
  is: Is;
  image: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/sidecar-restart-needed',
  title: { en: 'sidecars match the MeshConfig', zh: 'sidecar 与 MeshConfig 一致' },
  headline: { en: 'Pods run with outdated sidecars', zh: 'Pod 的 sidecar 已过时' },
  page: {
    impact: {
      en: "A running Pod keeps the sidecar it was injected with. An old sidecar runs the new controller's scripts, and one without osm-init bypasses the mesh; sidecars of 1.1.x get no new configuration, and no new certificate when theirs expires (after 24 hours by default).",
      zh: '运行中的 Pod 会一直使用注入时的 sidecar。旧 sidecar 会运行新控制器的脚本，没有 osm-init 的 Pod 会绕过网格；1.1.x 的 sidecar 不再获得新配置，证书到期（默认 24 小时）后也得不到新证书。',
    },
    detection: {
      en: 'Compares the sidecar image of each Pod in the namespaces of the mesh with the image that MeshConfig selects, looks for osm-init where traffic is intercepted by iptables, and for the address that 1.1.x gave to sidecars.',
      zh: '将网格命名空间中每个 Pod 的 sidecar 镜像与 MeshConfig 选定的镜像比较；以 iptables 拦截流量时检查是否有 osm-init；并检查 1.1.x 写入 sidecar 的地址。',
    },
    fix: {
      en: 'Evicts the Pods one by one, within their PodDisruptionBudgets; their controllers create new ones. upgrade osm-edge restarts the workloads in waves itself. An eviction cannot be undone.',
      zh: '在 PodDisruptionBudget 允许的范围内逐个驱逐 Pod，由其控制器重新创建。upgrade osm-edge 会自行分批重启工作负载。驱逐无法撤销。',
    },
    limits: {
      en: 'Completed Pods are ignored. Pods without a controller, and Pods of Jobs, are manual.',
      zh: '不包括已结束的 Pod。没有控制器的 Pod 以及 Job 的 Pod 需手动处理。',
    },
  },
  sources: ['flomesh-io/osm-edge: pkg/injector/patch.go, pkg/configurator/methods.go@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  judge: ({ meshConfigs: rows, workloads, namespaces, pods }, { path }) => {
    const config = meshConfigOf(rows, path.installation.namespace);
    const image = config && imageOf(config);
    if (!image) return [];
    const own = namespacesOf(namespaces, workloads, path.installation);
    const running = pods.filter(({ phase, deleted, ref }) => phase === 'Running' && !deleted && own.has(ref.namespace ?? ''));
    const lost =
      typeof path.from === 'string' && compare(path.from, '1.2.0') >= 0
        ? running.filter(({ containers }) => containers.some(({ asks }) => asks?.some((word) => OLD_ADDRESS.test(word))))
        : [];
    const old = running.filter(({ containers }) => containers.some(({ name, image: its }) => name === 'sidecar' && its !== image));
    const open =
      config.interceptionMode === 'iptables' ? running.filter(({ inits }) => !inits.some(({ name }) => name === 'osm-init')) : [];
    return [
      ...(open.length ? [finding('not-intercepted', open, image)] : []),
      ...(lost.length ? [finding('address', lost, image)] : []),
      ...(old.length ? [finding('image', old, image)] : []),
    ];
  },
  say: ({ is, image }, { length }) =>
    is === 'address'
      ? {
          en: `${length} Pod${length === 1 ? ' uses' : 's use'} the address of 1.1.x: no new configuration or certificate (valid for 24 h by default) until restarted`,
          zh: `${length} 个 Pod 仍使用 1.1.x 的地址：重启之前得不到新配置和新证书（有效期默认 24 小时）`,
        }
      : is === 'image'
        ? {
            en: `${length} Pod${length === 1 ? ' runs' : 's run'} a sidecar other than ${image}: restart the workload${length === 1 ? '' : 's'}`,
            zh: `${length} 个 Pod 的 sidecar 不是 ${image}：请重启其工作负载`,
          }
        : {
            en: `${length} Pod${length === 1 ? ' has' : 's have'} a sidecar but no osm-init container: traffic bypasses the mesh until restarted`,
            zh: `${length} 个 Pod 有 sidecar 但没有 osm-init 容器：重启之前流量会绕过网格`,
          },
  remedy: {
    writes: [
      { verbs: ['get'], group: '', resource: 'pods' },
      { verbs: ['create'], group: '', resource: 'pods/eviction' },
    ],
    steps: async (found) => {
      const owners = new Map(found.flatMap(({ args }) => args.owners));
      const pods = new Map(found.flatMap(({ objects }) => objects.map((on) => [`${on.namespace}/${on.name}`, on] as const)));
      const alone = [...pods].filter(([key]) => !owners.get(key)).map(([, on]) => on);
      return [
        ...evictions([...pods].flatMap(([key, on]) => (owners.get(key) ? [{ on, owner: owners.get(key)! }] : []))),
        ...(alone.length ? [{ refused: ALONE, objects: alone }] : []),
      ];
    },
  },
};
export default check;

/** How the sidecars of 1.1.x ask for their scripts. */
const OLD_ADDRESS = /\/osm-edge-sidecar\/[^/]+\.cluster\.local\//;
const ALONE: Text = {
  en: 'no controller re-creates these Pods, or it is a Job: delete and create them manually',
  zh: '这些 Pod 没有控制器，或属于 Job：请手动删除并重新创建',
};

/** Pods of one owner go one after the other; behind an upgrade that has restarted them there is none left. */
function evictions(pods: readonly { on: Ref; owner: string }[]): StepDraft[] {
  const last = new Map<string, StepDraft>();
  return pods.map(({ on, owner }) => {
    const before = last.get(owner);
    const step: StepDraft = {
      ...{ do: 'evict', on, within: PATIENCE, when: 'after', undo: 'none', guard: [{ on, must: 'exist' }], after: before ? [before] : [] },
      text: {
        en: `evict Pod ${on.namespace}/${on.name} (${owner} recreates it), so that its sidecar is injected again`,
        zh: `驱逐 Pod ${on.namespace}/${on.name}（由 ${owner} 重新创建），以重新注入 sidecar`,
      },
      undoNote: { en: 'undo: none, an evicted Pod cannot be restored', zh: '无法撤销：被驱逐的 Pod 不能恢复' },
    };
    last.set(owner, step);
    return step;
  });
}

/** By NAMESPACE/NAME of the Pod; Jobs do not run again. */
function ownerOf({ owners }: MeshedPod): string {
  const owner = owners.find(({ controls }) => controls);
  return owner && owner.kind !== 'Job' && owner.kind !== 'Node' ? `${owner.kind} ${owner.name}` : '';
}

/** The image that osm-injector takes next: sidecarImage, or the one of the driver of sidecarClass (pipy by default). */
const imageOf = ({ sidecarImage, sidecarClass = 'pipy', drivers }: MeshConfig): string | undefined =>
  sidecarImage || drivers.find(({ name }) => name === sidecarClass)?.image || undefined;

function finding(is: Is, pods: readonly MeshedPod[], image: string): Finding<Args> {
  const objects: Ref[] = pods.map(({ ref }) => ref);
  const seen = pods[0]!.containers.find(({ name }) => name === 'sidecar')?.image ?? '';
  return {
    severity: is === 'image' ? 'warning' : 'blocker',
    key: [is],
    certainty: 'certain',
    objects,
    args: { is, image, owners: pods.map((pod) => [`${pod.ref.namespace}/${pod.ref.name}`, ownerOf(pod)]) },
    evidence: [
      {
        seen:
          is === 'address'
            ? 'spec.containers[name=sidecar].args'
            : is === 'image'
              ? `spec.containers[name=sidecar].image: ${seen}`
              : 'spec.initContainers: osm-init',
        at: objects[0],
      },
    ],
  };
}
