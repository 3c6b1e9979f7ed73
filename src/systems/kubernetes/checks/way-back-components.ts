// Components beside the kubelets that are of a newer minor than the older version: none is ever newer than an API server, so that they return before the API servers do.
// Source: kubernetes/website version-skew-policy.md.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Rows } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { minor, minorOf } from '../../../versions/kubernetes.ts';
import { unseen } from '../managed.ts';
import { controlPlaneOf as containersOf, later, nodes, staticPods, tagOf } from '../reads.ts';
import { controlPlaneOf, PROXY_READ, type Running, runningProxy } from '../skew.ts';
import { type NewerArgs, newerThan } from '../way-back.ts';

const reads = later(() => ({ ...staticPods(), nodes }));
interface Args extends NewerArgs {
  /** Of API servers: the oldest, which the way back is asked for. */
  from?: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/way-back-components',
  title: { en: 'no component is newer than the older version', zh: '没有组件比要回退到的版本新' },
  headline: { en: 'components are newer than the older version', zh: '组件比要回退到的版本新' },
  page: {
    impact: {
      en: 'A kube-controller-manager, kube-scheduler or kube-proxy that is newer than an API server is not supported: it can wait forever for an API that the API server does not serve, such as a scheduler that then places no Pod.',
      zh: 'kube-controller-manager、kube-scheduler 或 kube-proxy 比 API 服务器新时不受支持：可能一直等待 API 服务器不提供的 API，例如 kube-scheduler 因此不再调度任何 Pod。',
    },
    detection: {
      en: 'Compares the image tags of the static Pods and of DaemonSet kube-system/kube-proxy with the version to return to; an API server newer than the oldest one is reported too. A component that is already newer than an API server is a blocker.',
      zh: '将静态 Pod 和 DaemonSet kube-system/kube-proxy 的镜像标签与要回退到的版本比较；比最旧的 API 服务器新的 API 服务器也会报告。已经比某个 API 服务器新的组件为阻断项。',
    },
    fix: {
      en: 'manual: downgrade kubelets and kube-proxy first, then kube-scheduler and kube-controller-manager, the API servers last.',
      zh: '手动：先回退 kubelet 和 kube-proxy，再回退 kube-scheduler 和 kube-controller-manager，最后回退 API 服务器。',
    },
    limits: {
      en: 'Kubelets are in way-back-kubelets. A provider runs the control plane itself: there only kube-proxy is compared.',
      zh: 'kubelet 见 way-back-kubelets。控制平面由提供商运行时，只比较 kube-proxy。',
    },
  },
  sources: ['kubernetes/website: content/en/releases/version-skew-policy.md'],
  applies: { stage: 'back' },
  needs: ['upgraded'],
  get reads() {
    return reads();
  },
  pointReads: [PROXY_READ],
  judge: async (rows: Rows<ReturnType<typeof reads>>, at) => {
    const { path, back } = at;
    const seen = containersOf(rows).map(({ component, ref, image }) => ({ component, ref, version: tagOf(image) }));
    const proxy = await runningProxy(at.look);
    const oldest = controlPlaneOf(at)?.oldest ?? Number.NaN;
    const running = new Map<string, Running[]>(Map.groupBy(seen, ({ component }) => component));
    if (proxy && !isGap(proxy)) running.set('kube-proxy', [proxy]);
    const judged = [...running].map(([component, all]) =>
      component === 'kube-apiserver'
        ? { findings: ahead(all, back!.to, oldest), gaps: [] }
        : newerThan(back!, component, all, (number) => (number > oldest ? 'blocker' : 'warning')),
    );
    const findings = judged.flatMap(({ findings }) => findings);
    const gaps = judged.flatMap(({ gaps }) => gaps);
    const closed = unseen(seen, path.from, rows.nodes, undefined);
    if (!closed || 'notApplicable' in closed)
      return closed && !findings.length && !gaps.length && !isGap(proxy) ? closed : { findings, gaps };
    return { findings, gaps: [...gaps, ...closed.gaps] };
  },
  say: ({ component, version, to, from }, { length }) => {
    const on = {
      en: `${component} ${version} (${length} instance${length === 1 ? '' : 's'})`,
      zh: `${component} ${version}（${length} 个）`,
    };
    return from
      ? {
          en: `${on.en} beside ${from}: only the way from ${from} to ${to} is checked, finish or undo that upgrade first`,
          zh: `${on.zh}与 ${from} 并存：只检查从 ${from} 到 ${to} 的回退，请先完成或撤销该升级`,
        }
      : {
          en: `${on.en} is newer than ${to}: downgrade it before the API servers`,
          zh: `${on.zh}比 ${to} 新：请先于 API 服务器回退`,
        };
  },
};
export default check;

/** API servers that are newer than the oldest: the way back of these is another one. */
function ahead(servers: readonly Running[], to: string, oldest: number): Finding<Args>[] {
  return [...Map.groupBy(servers, ({ version }) => minorOf(version))].flatMap(([number, same]) =>
    number > oldest
      ? [
          finding({
            severity: 'blocker',
            key: ['kube-apiserver', minor(number)],
            objects: same.map(({ ref }) => ref),
            args: { component: 'kube-apiserver', version: minor(number), to, from: minor(oldest) },
            evidence: [{ seen: `kube-apiserver ${same[0]!.version}`, at: same[0]!.ref }],
          }),
        ]
      : [],
  );
}
