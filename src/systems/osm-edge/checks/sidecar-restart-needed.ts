// A sidecar keeps the image and the bootstrap address that it was injected with: after an upgrade its Pod runs on with the old ones until it is restarted.
// Sources: pkg/injector/patch.go, pkg/configurator/methods.go@v1.3.9 (GetSidecarImage: sidecarImage, then the driver of sidecarClass); facts of 1.1.x: repo paths end in .cluster.local.
import type { Check, Finding, Ref } from '../../../engine/contracts.ts';
import { type MeshConfig, type MeshedPod, meshConfigOf, meshConfigs, meshedPods } from '../reads.ts';

const reads = { meshConfigs, pods: meshedPods };
type Is = 'image' | 'not-intercepted';
interface Args {
  is: Is;
  image: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/sidecar-restart-needed',
  title: { en: 'sidecars match the MeshConfig', zh: 'sidecar 与 MeshConfig 一致' },
  headline: { en: 'Pods run with outdated sidecars', zh: 'Pod 的 sidecar 已过时' },
  page: {
    impact: {
      en: "A running Pod keeps the sidecar it was injected with. An old sidecar runs the new controller's scripts, and one without osm-init bypasses the mesh; sidecars of 1.1.x stop getting configuration and certificates (24 hours).",
      zh: '运行中的 Pod 会一直使用注入时的 sidecar。旧 sidecar 会运行新控制器的脚本，没有 osm-init 的 Pod 会绕过网格；1.1.x 的 sidecar 不再获得配置和证书（24 小时）。',
    },
    detection: {
      en: 'Compares the sidecar image of each Pod with the image that MeshConfig selects, and looks for osm-init where traffic is intercepted by iptables.',
      zh: '将每个 Pod 的 sidecar 镜像与 MeshConfig 选定的镜像比较；以 iptables 拦截流量时，检查是否有 osm-init。',
    },
    fix: {
      en: 'manual: kubectl rollout restart of their Deployments, StatefulSets and DaemonSets, once the upgrade has finished and osm-injector is ready.',
      zh: '手动：升级完成且 osm-injector 就绪后，对其 Deployment、StatefulSet、DaemonSet 执行 kubectl rollout restart。',
    },
    limits: { en: 'Pods in the node network and completed Pods are ignored.', zh: '不包括使用节点网络的 Pod 和已结束的 Pod。' },
  },
  sources: ['flomesh-io/osm-edge: pkg/injector/patch.go, pkg/configurator/methods.go@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  judge: ({ meshConfigs: rows, pods }, { path }) => {
    const config = meshConfigOf(rows, path.installation.namespace);
    const image = config && imageOf(config);
    if (!image) return [];
    const running = pods.filter(({ phase, deleted }) => phase === 'Running' && !deleted);
    const old = running.filter(({ containers }) => containers.some(({ name, image: its }) => name === 'sidecar' && its !== image));
    const open =
      config.interceptionMode === 'iptables' ? running.filter(({ inits }) => !inits.some(({ name }) => name === 'osm-init')) : [];
    return [...(open.length ? [finding('not-intercepted', open, image)] : []), ...(old.length ? [finding('image', old, image)] : [])];
  },
  say: ({ is, image }, { length }) =>
    is === 'image'
      ? {
          en: `${length} Pod${length === 1 ? '' : 's'} run a sidecar other than ${image}: restart their workloads`,
          zh: `${length} 个 Pod 的 sidecar 不是 ${image}：请重启其工作负载`,
        }
      : {
          en: `${length} Pod${length === 1 ? '' : 's'} have a sidecar but no osm-init container: traffic bypasses the mesh until they are restarted`,
          zh: `${length} 个 Pod 有 sidecar 但没有 osm-init 容器：重启之前流量会绕过网格`,
        },
};
export default check;

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
    args: { is, image },
    evidence: [{ seen: is === 'image' ? `spec.containers[name=sidecar].image: ${seen}` : 'spec.initContainers: osm-init', at: objects[0] }],
  };
}
