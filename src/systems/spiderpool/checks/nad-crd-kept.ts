// The CRD of NetworkAttachmentDefinitions is a template of the charts 0.6.0 – 0.7.3, and lies in crds/ since 0.8.0: helm upgrade deletes what left the manifest, with every object of it.
// Sources: knowledge/notes.json (nadTemplate).
import { finding, setFields } from '../../../engine/builders.ts';
import type { Check, Ref, StepDraft } from '../../../engine/contracts.ts';
import { annotation, label, list } from '../../../engine/read/index.ts';
import { formatPointer } from '../../../kube/pointer.ts';
import { notes } from '../knowledge/tables.ts';

const CRD = 'network-attachment-definitions.k8s.cni.cncf.io';
const KEEP = 'helm.sh/resource-policy';

const reads = {
  crds: list(
    'customresourcedefinitions.apiextensions.k8s.io',
    { release: annotation('meta.helm.sh/release-name'), manager: label('app.kubernetes.io/managed-by'), policy: annotation(KEEP) },
    { only: ({ ref }) => ref.name === CRD },
  ),
  definitions: list(CRD, {}, { optional: true, harmless: true }),
};
interface Args {
  target: string;
  /** NetworkAttachmentDefinitions that would go with it. */
  count?: number;
  policy?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/nad-crd-kept',
  title: { en: 'helm upgrade keeps the NetworkAttachmentDefinition CRD', zh: 'helm upgrade 会保留 NetworkAttachmentDefinition 的 CRD' },
  headline: { en: 'helm upgrade would delete all NetworkAttachmentDefinitions', zh: 'helm upgrade 会删除所有 NetworkAttachmentDefinition' },
  page: {
    impact: {
      en: 'In 0.6.0–0.7.3 the chart renders the CRD network-attachment-definitions.k8s.cni.cncf.io; since 0.8.0 it lies in crds/. helm upgrade deletes what is no longer rendered: the CRD, and with it every NetworkAttachmentDefinition of the cluster, also those that Spiderpool did not create. No new Pod with a Multus network starts then.',
      zh: '0.6.0–0.7.3 的 chart 会渲染 CRD network-attachment-definitions.k8s.cni.cncf.io，0.8.0 起移到 crds/。helm upgrade 会删除不再渲染的对象：该 CRD 以及集群中所有 NetworkAttachmentDefinition，包括并非由 Spiderpool 创建的。此后使用 Multus 网络的新 Pod 无法启动。',
    },
    detection: {
      en: 'Reads the CRD: whether it belongs to a Helm release, and whether it has the annotation helm.sh/resource-policy=keep.',
      zh: '读取该 CRD：是否属于某个 Helm release，是否带有注解 helm.sh/resource-policy=keep。',
    },
    fix: {
      en: 'Backs up every NetworkAttachmentDefinition, then sets helm.sh/resource-policy=keep on the CRD; helm reads it from the cluster before it deletes. Undo removes the annotation and keeps the backup.',
      zh: '先备份所有 NetworkAttachmentDefinition，再在 CRD 上设置 helm.sh/resource-policy=keep；helm 删除前会从集群读取该注解。撤销时移除该注解，保留备份。',
    },
    limits: {
      en: "Spiderpool's upgrade guide names multus.multusCNI.uninstall=false for this: it guards files on the nodes only, never the CRD. Applying the CRD beforehand does not help either.",
      zh: 'Spiderpool 的升级指南建议设置 multus.multusCNI.uninstall=false：它只保护节点上的文件，不保护该 CRD。预先应用 CRD 也无济于事。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().nadTemplate.source}`];
  },
  get applies() {
    return { from: notes().nadTemplate.from, to: notes().nadTemplate.to, stage: 'before' as const };
  },
  needs: ['target'],
  reads,
  judge: ({ crds, definitions }, { path: { to: target = '' } }) =>
    crds
      .filter(({ release, manager, policy }) => (release !== undefined || manager === 'Helm') && policy !== 'keep')
      .map(({ ref, release, policy }) =>
        finding<Args>({
          severity: 'blocker',
          key: [CRD],
          objects: [ref],
          args: { target, policy, ...(Array.isArray(definitions) ? { count: definitions.length } : {}) },
          evidence: [{ seen: `meta.helm.sh/release-name: ${release ?? '""'}; ${KEEP}: ${policy ?? '""'}` }],
        }),
      ),
  say: ({ target, count }) => ({
    en: `helm upgrade to ${target} deletes CRD ${CRD}${count === undefined ? ' with all its objects' : ` with its ${count} object${count === 1 ? '' : 's'}`}: annotation ${KEEP}=keep is missing`,
    zh: `升级到 ${target} 时 helm 会删除 CRD ${CRD}${count === undefined ? ' 及其所有对象' : ` 及其 ${count} 个对象`}：缺少注解 ${KEEP}=keep`,
  }),
  remedy: {
    writes: [
      { verbs: ['get', 'patch'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
      { verbs: ['list'], group: 'k8s.cni.cncf.io', resource: 'network-attachment-definitions' },
    ],
    steps: async (found) =>
      found.flatMap(({ objects, args }) => objects.flatMap((on) => [saved, { ...kept(on, args.policy), after: [saved] }])),
  },
};
export default check;

/** Whatever becomes of the CRD, its objects can be created again from this file. */
const saved: StepDraft = {
  ...{ do: 'backup', resources: [CRD], file: 'network-attachment-definitions.yaml.gz', guard: [], undo: 'none' },
  text: {
    en: 'back up every NetworkAttachmentDefinition to the run directory',
    zh: '把所有 NetworkAttachmentDefinition 备份到运行目录',
  },
  undoNote: { en: 'undo: backup files are kept', zh: '撤销时：保留备份文件' },
};

const kept = (on: Ref, before: string | undefined) =>
  setFields(on, [{ path: formatPointer(['metadata', 'annotations', KEEP]), before, after: 'keep' }], {
    en: `set annotation ${KEEP}=keep on CRD ${on.name}, so that helm upgrade does not delete it`,
    zh: `在 CRD ${on.name} 上设置注解 ${KEEP}=keep，使 helm upgrade 不删除它`,
  });
