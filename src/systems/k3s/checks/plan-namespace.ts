// Plans in a namespace where they cannot be carried out: a controller watches its own namespace alone, and pod security that forbids host access refuses its Pods.
// Sources: rancher/system-upgrade-controller v0.20.1 main.go (--namespace), pkg/upgrade/job/job.go (hostPID, privileged), manifests/ (label of the namespace).
import { finding } from '../../../engine/builders.ts';
import type { Check, PointRead, Ref, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { label } from '../../../engine/read/index.ts';
import { controllerIn, controllerPods, DEPLOYMENTS } from '../controller.ts';
import { openPlans } from '../plans.ts';
import { nodes, plans } from '../reads.ts';

const ENFORCE = label('pod-security.kubernetes.io/enforce');
const reads = { nodes, plans, controllers: controllerPods };
type Is = 'elsewhere' | 'pod-security';
interface Args {
  is: Is;
  namespace: string;
  /** Namespaces that have a controller; or the level that is enforced. */
  other: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-namespace',
  title: { en: 'Plans are in the namespace of their controller', zh: 'Plan 位于其控制器所在的命名空间' },
  headline: { en: 'Plans are in a namespace where they cannot run', zh: 'Plan 在其所在的命名空间中无法执行' },
  page: {
    impact: {
      en: 'The system-upgrade-controller watches one namespace and ignores Plans elsewhere: nothing happens and nothing is reported. Its Pods need the host, which pod security levels baseline and restricted refuse.',
      zh: 'system-upgrade-controller 只监视一个命名空间，其他命名空间中的 Plan 会被忽略：没有任何动作，也没有任何报告。其 Pod 需要访问主机，Pod 安全级别“baseline”和“restricted”会拒绝。',
    },
    detection: {
      en: 'Compares the namespaces of Plans that have Nodes left with the namespaces of controllers, and reads label pod-security.kubernetes.io/enforce of the namespace. Admission plugins of other kinds are not seen.',
      zh: '将仍有节点未升级的 Plan 的命名空间与控制器的命名空间比较，并读取命名空间的标签 pod-security.kubernetes.io/enforce。其他类型的准入策略不可见。',
    },
    fix: {
      en: 'manual: create the Plans in the namespace of the controller; label that namespace pod-security.kubernetes.io/enforce=privileged.',
      zh: '手动：在控制器的命名空间中创建 Plan，并为该命名空间设置标签 pod-security.kubernetes.io/enforce=privileged。',
    },
  },
  sources: ['rancher/system-upgrade-controller v0.20.1: main.go, pkg/upgrade/job/job.go, manifests/system-upgrade-controller.yaml'],
  applies: { stage: 'both' },
  reads,
  pointReads: [DEPLOYMENTS, { resource: 'namespaces', columns: [ENFORCE] }] satisfies PointRead[],
  judge: async (rows, { look }) => {
    const found = [];
    const byNamespace = Map.groupBy(openPlans(rows.plans, rows.nodes), ({ plan }) => plan.ref.namespace ?? '');
    for (const [namespace, open] of byNamespace) {
      const objects: Ref[] = open.map(({ plan }) => plan.ref);
      const others = [...new Set(rows.controllers.map(({ ref }) => ref.namespace ?? ''))].sort();
      const here = others.includes(namespace) || (await controllerIn(namespace, look)) !== undefined;
      const told = (is: Is, other: string, seen: string) =>
        finding<Args>({ severity: 'blocker', key: [is, namespace], objects, args: { is, namespace, other }, evidence: [{ seen }] });
      if (!here && others.length) found.push(told('elsewhere', others.join(', '), `metadata.namespace: ${namespace}`));
      const object = await look.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace });
      const level = object && !isGap(object) ? ENFORCE.read(object) : undefined;
      if (level !== undefined && level !== 'privileged')
        found.push(told('pod-security', level, `pod-security.kubernetes.io/enforce: ${level}`));
    }
    return found;
  },
  say: ({ is, namespace, other }, { length }) => SAID[is](length, namespace, other),
};
export default check;

const SAID: Record<Is, (count: number, namespace: string, other: string) => Text> = {
  elsewhere: (count, namespace, other) => ({
    en: `${count} Plan${count === 1 ? '' : 's'} in namespace ${namespace}: the controller runs in ${other} and ignores ${count === 1 ? 'it' : 'them'}`,
    zh: `命名空间 ${namespace} 中有 ${count} 个 Plan：控制器运行在 ${other}，会将其忽略`,
  }),
  'pod-security': (_, namespace, other) => ({
    en: `namespace ${namespace} enforces pod security level ${other}, which refuses the Pods of its Plans`,
    zh: `命名空间 ${namespace} 强制执行 Pod 安全级别“${other}”，会拒绝其 Plan 的 Pod`,
  }),
};
