// Why the control plane does not become ready, which helm and osm mesh upgrade report as "timed out waiting for the condition" alone; osm mesh upgrade waits five minutes, without a flag for more.
// Sources: cmd/cli/mesh_upgrade.go@v1.3.9 (Wait, Timeout 5m); charts/osm/templates/osm-deployment.yaml@v1.3.9 (init-osm-controller waits for osm-bootstrap, curlimages/curl without a tag).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Refusal, RowOf, Text } from '../../../engine/contracts.ts';
import { label, list, number } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { type ControlPod, controlPods, isAlive, troubleOf, unscheduled } from '../control-plane.ts';
import { manual } from '../manual.ts';
import { PARTS } from '../reads.ts';

const DEPLOYMENT = {
  app: label('app'),
  wanted: number('spec.replicas', 1),
  generation: number('metadata.generation', 0),
  observed: number('status.observedGeneration'),
  updated: number('status.updatedReplicas', 0),
  ready: number('status.readyReplicas', 0),
};
const reads = {
  deployments: list('deployments.apps', DEPLOYMENT, { labels: 'app.kubernetes.io/name=openservicemesh.io' }),
  pods: controlPods,
};
type Deployment = RowOf<typeof DEPLOYMENT>;

/** `scheduler`: what it said; `bootstrap`: the init container waits for osm-bootstrap; `none`: no Pod says why. */
type Why =
  | { is: 'container'; container: string; reason: string }
  | { is: 'scheduler'; said: string }
  | { is: 'bootstrap' }
  | { is: 'none' };
interface Args {
  name: string;
  namespace: string;
  wanted: number;
  updated: number;
  ready: number;
  why: Why;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/upgrade-timeout',
  title: { en: 'all Pods of the control plane are ready', zh: '控制平面的全部 Pod 已就绪' },
  headline: { en: 'control plane is not ready: an upgrade times out', zh: '控制平面未就绪，升级会超时' },
  page: {
    impact: {
      en: 'helm --wait and osm mesh upgrade (fixed 5 minutes) end with "timed out waiting for the condition" and leave the release in status failed. Without osm-injector no Pod of the mesh can be created; without osm-controller sidecars get no new configuration, and no new certificate when theirs expires (after 24 hours by default).',
      zh: '“helm --wait”和“osm mesh upgrade”（固定 5 分钟）会以“timed out waiting for the condition”结束，release 处于 failed 状态。没有 osm-injector 时无法创建网格的 Pod；没有 osm-controller 时 sidecar 得不到新配置，证书到期（默认 24 小时）后也得不到新证书。',
    },
    detection: {
      en: 'Reads the status of osm-bootstrap, osm-controller and osm-injector, and of their Pods what the containers wait for and what the scheduler says.',
      zh: '读取 osm-bootstrap、osm-controller、osm-injector 的状态，以及其 Pod 的容器等待原因和调度器的说明。',
    },
    fix: {
      en: 'manual: remove the cause that is named. ImagePullBackOff of init-osm-controller or init-osm-injector: set osm.curlImage to an image of your registry. Insufficient cpu: see insufficient-cpu. CrashLoopBackOff: see cli-parameters and the log.',
      zh: '手动：消除所指出的原因。init-osm-controller 或 init-osm-injector 处于 ImagePullBackOff 时，将 osm.curlImage 设为自有镜像仓库的镜像。Insufficient cpu 见 insufficient-cpu。CrashLoopBackOff 见 cli-parameters 及日志。',
    },
    limits: { en: 'A Deployment whose status was never written is not judged.', zh: '尚未写入状态的 Deployment 不作判断。' },
  },
  sources: ['flomesh-io/osm-edge: cmd/cli/mesh_upgrade.go@v1.3.9', 'flomesh-io/osm-edge: charts/osm/templates/osm-deployment.yaml@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  judge: ({ deployments, pods }, { path: { installation } }) =>
    deployments
      .filter(({ ref, observed }) => ref.namespace === installation.namespace && isPart(ref.name) && observed !== undefined)
      .filter((one) => one.observed! < one.generation || one.updated < one.wanted || one.ready < one.wanted)
      .map((one) => found(one, whyOf(one, pods))),
  say: ({ name, namespace, wanted, updated, ready, why }) => {
    const because = WHY[why.is](why as never);
    return {
      en: `Deployment ${namespace}/${name}: ${ready} of ${wanted} Pods ready, ${updated} updated: ${because.en}`,
      zh: `Deployment ${namespace}/${name}：${wanted} 个 Pod 中 ${ready} 个就绪、${updated} 个已更新（${because.zh}）`,
    };
  },
  remedy: {
    writes: [],
    steps: async (all) => all.map(({ args }) => cause(args)),
  },
};
export default check;

/** What shows the cause, by what the Pods say. */
function cause({ name, namespace, why }: Args): Refusal {
  const [pods, at] = [`-l app=${shellWord(name)}`, `-n ${shellWord(namespace)}`];
  if (why.is === 'scheduler')
    return manual({ en: `make room for the Pods of ${name}`, zh: `为 ${name} 的 Pod 腾出资源` }, 'kubectl describe nodes');
  if (why.is === 'bootstrap')
    return manual(
      { en: `get osm-bootstrap ready: ${name} waits for it`, zh: `先使 osm-bootstrap 就绪：${name} 在等待它` },
      `kubectl logs deployment/osm-bootstrap ${at}`,
    );
  if (why.is === 'none')
    return manual({ en: `see the events of ${name}`, zh: `查看 ${name} 的事件` }, `kubectl describe pods ${pods} ${at}`);
  const container = shellWord(why.container);
  if (!/ImagePull|InvalidImageName/.test(why.reason))
    return manual(
      { en: `see why ${why.container} ends`, zh: `查看 ${why.container} 退出的原因` },
      `kubectl logs deployment/${shellWord(name)} -c ${container} ${at} --previous`,
    );
  const ofCurl = why.container.startsWith('init-osm-');
  return manual(
    {
      en: `make the image of ${why.container} available${ofCurl ? ', or set osm.curlImage to one of your registry' : ', or set osm.image.registry'}`,
      zh: `使 ${why.container} 的镜像可以拉取${ofCurl ? '，或将 osm.curlImage 设为自有镜像仓库的镜像' : '，或设置 osm.image.registry'}`,
    },
    `kubectl describe pods ${pods} ${at}`,
  );
}

const isPart = (name: string): boolean => PARTS.some((part) => part === name);

function whyOf({ ref, app }: Deployment, pods: readonly ControlPod[]): Why {
  const own = pods.filter((pod) => pod.ref.namespace === ref.namespace && pod.app === app && isAlive(pod));
  const said = own.map(unscheduled).find(Boolean);
  if (said) return { is: 'scheduler', said };
  const trouble = own.map(troubleOf).find(Boolean);
  if (trouble) return { is: 'container', ...trouble };
  return own.some(({ containers }) => containers.some(({ waiting }) => waiting === 'PodInitializing'))
    ? { is: 'bootstrap' }
    : { is: 'none' };
}

const WHY: { [K in Why['is']]: (why: Extract<Why, { is: K }>) => Text } = {
  scheduler: ({ said }) => ({ en: said, zh: `“${said}”` }),
  container: ({ container, reason }) => ({ en: `${container}: ${reason}`, zh: `${container}：“${reason}”` }),
  bootstrap: () => ({ en: 'its init container waits for osm-bootstrap', zh: '其 init 容器在等待 osm-bootstrap' }),
  none: () => ({ en: 'no Pod says why, see its events', zh: 'Pod 未说明原因，请查看其事件' }),
};

const found = ({ ref, wanted, updated, ready, generation, observed }: Deployment, why: Why): Finding<Args> =>
  finding<Args>({
    severity: ready === 0 && wanted > 0 ? 'blocker' : 'warning',
    key: [ref.namespace ?? '', ref.name],
    objects: [ref],
    args: { name: ref.name, namespace: ref.namespace ?? '', wanted, updated, ready, why },
    evidence: [{ seen: `metadata.generation: ${generation}; status.observedGeneration: ${observed}; status.readyReplicas: ${ready}` }],
  });
