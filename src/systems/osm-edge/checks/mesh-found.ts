// Which meshes the cluster has: their CRDs are cluster-wide, so that each osm-bootstrap replaces those of the others, and upstream's Open Service Mesh has the same names with other schemas.
// Sources: cmd/osm-bootstrap (CRDs are replaced as a whole); cmd/cli/util.go@v1.3.9 (meshes are Deployments app=osm-controller); captures of a failed upgrade.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Refusal, Severity, Situation } from '../../../engine/contracts.ts';
import { byUpgrade, manual } from '../manual.ts';
import { CONTROLLER, PARTS, tagsOf, type Workload, workloads } from '../reads.ts';

const reads = { workloads };
type Is = 'several' | 'upstream' | 'lacks' | 'mixed';
interface Args {
  is: Is;
  namespace: string;
  mesh: string;
  /** Other meshes as NAMESPACE/NAME, Deployments that are missing, or image tags. */
  names: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/mesh-found',
  title: { en: 'the mesh is complete, of one version, and the only one', zh: '网格完整、版本一致且是唯一的网格' },
  headline: { en: 'mesh is incomplete, of mixed versions, or not alone', zh: '网格不完整、版本不一致或不唯一' },
  page: {
    impact: {
      en: 'The CRDs are cluster-wide: osm-bootstrap of every mesh replaces them, so an upgrade of one mesh changes them for all, and upstream Open Service Mesh, whose CRDs have the same names, prunes fields of osm-edge. A mesh without osm-injector rejects new Pods; one of mixed versions is half upgraded.',
      zh: 'CRD 属于整个集群：每个网格的 osm-bootstrap 都会替换它们，因此升级一个网格会影响所有网格；上游 Open Service Mesh 的同名 CRD 会清除 osm-edge 的字段。缺少 osm-injector 的网格会拒绝新的 Pod；版本不一致说明升级只完成了一部分。',
    },
    detection: {
      en: 'Lists Deployments with the label app.kubernetes.io/name=openservicemesh.io in all namespaces. osm-edge and upstream are told apart by their images.',
      zh: '列出全部命名空间中带有标签 app.kubernetes.io/name=openservicemesh.io 的 Deployment，按镜像区分 osm-edge 与上游项目。',
    },
    fix: {
      en: 'manual: upgrade all osm-edge meshes to the same version one after the other; remove upstream Open Service Mesh; repeat helm upgrade where Deployments are missing or of another version.',
      zh: '手动：依次将所有 osm-edge 网格升级到同一版本；移除上游 Open Service Mesh；如果 Deployment 缺失或版本不一致，重新执行 helm upgrade。',
    },
  },
  sources: ['flomesh-io/osm-edge: cmd/osm-bootstrap/osm-bootstrap.go, cmd/cli/util.go@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  judge: ({ workloads }, { path: { installation } }) => {
    const { namespace = '', name } = installation;
    const own = workloads.filter((each) => each.ref.namespace === namespace && tagsOf(each).length);
    const controllers = workloads.filter(({ app, ref }) => app === CONTROLLER && ref.namespace !== namespace);
    const tags = [...new Set(own.flatMap(tagsOf))];
    const absent = PARTS.filter((part) => !own.some(({ ref }) => ref.name === part));
    const [edge, upstream] = [controllers.filter((each) => tagsOf(each).length), controllers.filter((each) => !tagsOf(each).length)];
    const args = { namespace, mesh: name };
    return [
      ...(absent.length ? [found('blocker', refsOf(own), { ...args, is: 'lacks', names: [...absent] })] : []),
      ...(tags.length > 1 ? [found('warning', refsOf(own), { ...args, is: 'mixed', names: tags.sort() })] : []),
      ...(edge.length ? [found('notice', refsOf(edge), { ...args, is: 'several', names: edge.map(nameOf) })] : []),
      ...(upstream.length ? [found('warning', refsOf(upstream), { ...args, is: 'upstream', names: upstream.map(nameOf) })] : []),
    ];
  },
  say: ({ is, namespace, mesh, names }) => SAY[is](`${namespace}/${mesh}`, names),
  remedy: {
    writes: [],
    // Nothing is changed: of whose release the other mesh is does not matter.
    lasts: true,
    steps: async (all, at) => all.map((each) => next(each, at)),
  },
};
export default check;

/** What was begun is finished by the same upgrade; another mesh is upgraded by one of its own. */
function next({ args: { is, namespace, mesh, names }, objects }: Finding<Args>, at: Situation): Refusal {
  const itself = `${namespace}/${mesh}`;
  if (is === 'lacks' || is === 'mixed') {
    const to = at.path.to ?? names.findLast((name) => /^\d/.test(name));
    return byUpgrade(
      at,
      {
        en: `upgrade osm-edge completes ${itself}${to ? ` at ${to}` : ''}`,
        zh: `upgrade osm-edge 会补全 ${itself}${to ? `（版本 ${to}）` : ''}`,
      },
      objects,
      to,
    );
  }
  const seen = 'kubectl get deployments -A -l app=osm-controller -L meshName,app.kubernetes.io/version';
  return is === 'several'
    ? manual(
        {
          en: `upgrade ${names.join(', ')} to the same version as ${itself}, right after it`,
          zh: `升级 ${itself} 之后随即将 ${names.join('、')} 升级到同一版本`,
        },
        seen,
        objects,
      )
    : manual(
        {
          en: `move the workloads of ${names.join(', ')} to ${itself}, then uninstall it; two projects cannot share the CRDs`,
          zh: `将 ${names.join('、')} 的工作负载迁移到 ${itself}，然后卸载它；两个项目不能共用 CRD`,
        },
        seen,
        objects,
      );
}

const SAY: Record<Is, (mesh: string, names: string[]) => { en: string; zh: string }> = {
  lacks: (mesh, names) => ({
    en: `mesh ${mesh} has no Deployment ${names.join(', ')}`,
    zh: `网格 ${mesh} 缺少 Deployment ${names.join('、')}`,
  }),
  mixed: (mesh, names) => ({
    en: `mesh ${mesh} runs images of several versions: ${names.join(', ')}; an upgrade did not complete`,
    zh: `网格 ${mesh} 运行多个版本的镜像：${names.join('、')}；升级只完成了一部分`,
  }),
  several: (mesh, names) => ({
    en: `${names.join(', ')}: other osm-edge meshes that share the CRDs with ${mesh}`,
    zh: `${names.join('、')}：与 ${mesh} 共用 CRD 的其他 osm-edge 网格`,
  }),
  upstream: (mesh, names) => ({
    en: `${names.join(', ')}: upstream Open Service Mesh, whose CRDs have the same names as in ${mesh} and other fields`,
    zh: `${names.join('、')}：上游 Open Service Mesh，其 CRD 与 ${mesh} 的同名而字段不同`,
  }),
};

const nameOf = ({ ref, meshName }: Workload): string => `${ref.namespace}/${meshName ?? ref.name}`;
const refsOf = (all: readonly Workload[]): Ref[] => all.map(({ ref }) => ref);

const found = (severity: Severity, objects: Ref[], args: Args): Finding<Args> =>
  finding<Args>({
    severity,
    key: [args.is, args.namespace],
    objects,
    args,
    evidence: [{ seen: `${args.is === 'mixed' ? 'image' : 'metadata.name'}: ${args.names.join(', ')}` }],
  });
