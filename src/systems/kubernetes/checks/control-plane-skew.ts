// API servers of one control plane are at most one minor apart; kube-controller-manager and kube-scheduler are not newer than any of them and at most one minor older.
// Source: kubernetes/website version-skew-policy.md.
import type { Check, Finding, Rows, Situation, Text } from '../../../engine/contracts.ts';
import { minor, minorOf } from '../../../versions/kubernetes.ts';
import { skew } from '../knowledge/tables.ts';
import { unseen } from '../managed.ts';
import { controlPlaneOf as containersOf, later, nodes, staticPods, tagOf } from '../reads.ts';
import { behindFindings, controlPlaneOf, type Running, type SkewArgs, saySkew, skewFindings } from '../skew.ts';

const reads = later(() => ({ ...staticPods(), nodes }));
type Args = SkewArgs | { is: 'apart'; oldest: string; newest: string };

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/control-plane-skew',
  title: { en: 'control plane components are within one minor version', zh: '控制平面各组件的次要版本相差不超过一个' },
  headline: { en: 'control plane components run different versions', zh: '控制平面组件的版本不一致' },
  page: {
    impact: {
      en: 'API servers more than one minor apart, or a kube-controller-manager or kube-scheduler outside the skew policy, are not supported: objects may be written that another component cannot read.',
      zh: 'API 服务器之间相差超过一个次要版本，或 kube-controller-manager、kube-scheduler 超出版本偏差策略时不受支持：写入的对象可能无法被其他组件读取。',
    },
    detection: {
      en: 'Compares the image tags of the static Pods with each other, and with the versions that the API servers report. A kube-controller-manager or kube-scheduler one minor older than every API server is supported and reported as a notice: the upgrade of the control plane is not finished.',
      zh: '比较静态 Pod 的镜像标签以及 API 服务器报告的版本。如果 kube-controller-manager 或 kube-scheduler 比所有 API 服务器旧一个次要版本，仍受支持，报告为提示：控制平面的升级尚未完成。',
    },
    limits: {
      en: 'kube-controller-manager and kube-scheduler use the API server on their own Node: while they have its version, an older API server on another Node is not reported as a skew with them.',
      zh: 'kube-controller-manager 或 kube-scheduler 访问同一节点上同版本的 API 服务器时，不会因其他节点的 API 服务器较旧而报告。',
    },
    fix: { en: 'manual: finish the control plane upgrade that was started.', zh: '手动：先完成已开始的控制平面升级。' },
  },
  sources: ['kubernetes/website: content/en/releases/version-skew-policy.md'],
  applies: { stage: 'both' },
  get reads() {
    return reads();
  },
  judge: (rows: Rows<ReturnType<typeof reads>>, at) => {
    const seen = containersOf(rows).map(({ component, ref, node, image }) => ({ component, ref, node, version: tagOf(image) }));
    const servers = seen.filter(({ component }) => component === 'kube-apiserver');
    const closed = unseen(seen, at.path.from, rows.nodes, at.path.to ?? at.path.from);
    // API servers answer for themselves, whether or not their Pods are visible.
    if (closed) return 'gaps' in closed ? { ...closed, findings: apart([], at) } : closed;
    // kubeadm upgrades a Node whole, and what runs there asks the API server beside it: in the middle of every such upgrade it is newer than one of another Node.
    const besideItsEqual = ({ node, version }: (typeof seen)[number]) =>
      servers.some((server) => node !== '' && server.node === node && minorOf(server.version) >= minorOf(version));
    const others = (['kube-controller-manager', 'kube-scheduler'] as const).flatMap((component) => {
      const [beside = [], alone = []] = [true, false].map((is) =>
        seen.filter((each) => each.component === component && besideItsEqual(each) === is),
      );
      const older = () => skew().controllers;
      const { findings, gaps } = skewFindings(component, beside, older, here(at));
      const both = [
        skewFindings(component, alone, older, here(at)),
        { findings: findings.filter(({ args }) => args.is !== 'newer'), gaps },
      ];
      const told = both.flatMap((each) => each.findings);
      return [...both, { findings: behindFindings(component, [...beside, ...alone], at, told), gaps: [] }];
    });
    return { findings: [...apart(servers, at), ...others.flatMap(({ findings }) => findings)], gaps: others.flatMap(({ gaps }) => gaps) };
  },
  say: (args, objects) => (args.is === 'apart' ? APART(args.oldest, args.newest) : saySkew(args, objects)),
};
export default check;

/** They are upgraded together with the API server: only what is now counts. */
const here = (at: Situation): Situation => ({ ...at, path: { ...at.path, hops: [] } });

function apart(servers: readonly Running[], at: Situation): Finding<Args>[] {
  const known = controlPlaneOf(at);
  const minors = [...servers.map(({ version }) => minorOf(version)), ...(known ? [known.oldest, known.newest] : [])].filter(
    (each) => !Number.isNaN(each),
  );
  const [oldest, newest] = [Math.min(...minors), Math.max(...minors)];
  if (newest - oldest <= skew().apiServers) return [];
  return [
    {
      severity: 'blocker',
      key: ['api-servers'],
      certainty: 'certain',
      objects: servers.map(({ ref }) => ref),
      args: { is: 'apart', oldest: minor(oldest), newest: minor(newest) },
      evidence: servers.length
        ? servers.map(({ ref, version }) => ({ seen: `kube-apiserver ${version}`, at: ref }))
        : (at.cluster.servers ?? []).map(({ address, version }) => ({ seen: `${address}/version: ${version}` })),
    },
  ];
}
const APART = (oldest: string, newest: string): Text => ({
  en: `API servers run ${oldest} and ${newest}: at most one minor version apart is supported`,
  zh: `API 服务器同时运行 ${oldest} 和 ${newest}：最多只支持相差一个次要版本`,
});
