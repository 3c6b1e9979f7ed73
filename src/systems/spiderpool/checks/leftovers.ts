// Objects of earlier releases that neither helm nor the newer release deletes.
// Sources: knowledge/notes.json (leftovers: each object with the versions that no longer have it).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Gap, Ref, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, list, texts } from '../../../engine/read/index.ts';
import { describe, refOf } from '../../../kube/refs.ts';
import { satisfies } from '../../../versions/chart.ts';
import { notes } from '../knowledge/tables.ts';

const named = (kind: string) => (row: { ref: Ref }) => Object.hasOwn(notes().leftovers.objects, `${kind}/${row.ref.name}`);

/** Read one by one: there may be thousands of others. */
const configMapNames = () =>
  Object.keys(notes().leftovers.objects).flatMap((name) => (name.startsWith('ConfigMap/') ? [name.slice('ConfigMap/'.length)] : []));

const PRE_STOP = each('spec.template.spec.containers', { stop: texts('lifecycle.preStop.exec.command') });
const reads = {
  daemonSets: list('daemonsets.apps', { containers: PRE_STOP }, { labels: 'app.kubernetes.io/name=spiderpool', only: named('DaemonSet') }),
  accounts: list('serviceaccounts', {}, { only: named('ServiceAccount') }),
  roles: list('clusterroles.rbac.authorization.k8s.io', {}, { only: named('ClusterRole') }),
  bindings: list('clusterrolebindings.rbac.authorization.k8s.io', {}, { only: named('ClusterRoleBinding') }),
  crds: list('customresourcedefinitions.apiextensions.k8s.io', {}, { only: named('CustomResourceDefinition') }),
};

interface Args {
  version: string;
  /** Its Pods delete the Multus files of their node when they stop. */
  deletesFiles: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/leftovers',
  title: { en: 'no object of an earlier Spiderpool version is left', zh: '没有残留旧版本 Spiderpool 的对象' },
  headline: { en: 'objects of an earlier Spiderpool version are left', zh: '残留旧版本 Spiderpool 的对象' },
  page: {
    impact: {
      en: 'A leftover DaemonSet spiderpool-multus (0.6.0–0.7.3) writes the Multus config on every node beside the newer agents. Its ServiceAccount and ClusterRole keep permissions that nothing needs. ConfigMaps multus-cni-config and spiderpool-multus and the CRD spiderclaimparameters (1.0.0 candidates) are harmless, but show settings that nothing reads.',
      zh: '残留的 DaemonSet spiderpool-multus（0.6.0–0.7.3）会与新的 agent 同时写入每个节点的 Multus 配置。其 ServiceAccount 和 ClusterRole 保留着不再需要的权限。ConfigMap multus-cni-config、spiderpool-multus 以及 CRD spiderclaimparameters（1.0.0 的候选版本）无害，但显示的设置已不再使用。',
    },
    detection: {
      en: 'Compares objects of the namespace of Spiderpool, and CRDs, with those that the installed version no longer has.',
      zh: '将 Spiderpool 命名空间中的对象以及 CRD 与当前版本不再包含的对象比较。',
    },
    fix: {
      en: 'Deletes them, the DaemonSet first; a CRD only while it has no objects. Undo creates them again. A DaemonSet whose Pods delete the Multus files when they stop is skipped, with the reason.',
      zh: '删除这些对象，先删除 DaemonSet；CRD 仅在没有对象时删除。撤销时重新创建。Pod 停止时会删除 Multus 文件的 DaemonSet 会跳过并说明原因。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().leftovers.source}`];
  },
  applies: { from: '>=0.8.0', stage: 'both' },
  needs: ['version'],
  reads,
  get pointReads() {
    return [{ resource: 'configmaps', names: configMapNames(), columns: [] }];
  },
  judge: async ({ daemonSets, accounts, roles, bindings, crds }, { look, path: { installation, from } }) => {
    const configMaps: Ref[] = [];
    for (const name of configMapNames()) {
      const on: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: installation.namespace, name };
      const object = await look.get(on);
      if (object && !isGap(object)) configMaps.push(refOf(object));
    }
    const isUnused = ({ kind, name }: Ref) => satisfies(versionOf(from), notes().leftovers.objects[`${kind}/${name}`] ?? '<0.0.0');
    const own = daemonSets.filter(({ ref }) => ref.namespace === installation.namespace);
    const deletes = new Set(own.filter(({ containers }) => containers.some(removesFiles)).map(({ ref }) => ref.name));
    const listed = [...daemonSets, ...bindings, ...roles, ...accounts].map(({ ref }) => ref);
    return [...listed, ...configMaps, ...crds.map(({ ref }) => ref)]
      .filter((ref) => (ref.namespace === undefined || ref.namespace === installation.namespace) && isUnused(ref))
      .map((ref) =>
        finding({
          severity: ref.kind === 'DaemonSet' ? 'warning' : 'notice',
          key: [ref.kind, ref.name],
          objects: [ref],
          args: { version: versionOf(from), deletesFiles: ref.kind === 'DaemonSet' && deletes.has(ref.name) },
          evidence: [{ seen: `metadata.name: ${ref.name}` }],
        }),
      );
  },
  say: ({ version }, [on]) => ({
    en: `${on?.kind} ${on?.name} is left from an earlier version: Spiderpool ${version} does not have it`,
    zh: `${on?.kind} ${on?.name} 是旧版本的残留：Spiderpool ${version} 不包含它`,
  }),
  remedy: {
    writes: [
      { verbs: ['get', 'delete', 'create'], group: 'apps', resource: 'daemonsets' },
      ...['configmaps', 'serviceaccounts'].map((resource) => ({ verbs: ['get', 'delete', 'create'], group: '', resource })),
      ...['clusterroles', 'clusterrolebindings'].map((resource) => ({
        ...{ verbs: ['get', 'delete', 'create'], group: 'rbac.authorization.k8s.io', resource },
      })),
      { verbs: ['get', 'delete', 'create'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
    ],
    steps: async (found) => steps(found),
  },
};
export default check;

/** `needs` has seen to it that it is known. */
const versionOf = (from: string | Gap): string => (isGap(from) ? '0.0.0' : from);

const removesFiles = ({ stop }: { stop: string[] }): boolean => stop.some((word) => word.includes('00-multus.conf'));
const WHY: Text = {
  en: 'its Pods delete the Multus files of their node when they stop: remove their preStop command and let them be replaced first',
  zh: '其 Pod 停止时会删除节点上的 Multus 文件：请先移除 preStop 命令并等待 Pod 替换',
};

/** The DaemonSet first: until its Pods have stopped they use the rest. */
function steps(found: readonly Finding<Args>[]): (StepDraft | Refusal)[] {
  const refs = found.flatMap(({ objects, args }) => objects.map((on) => ({ on, args })));
  if (refs.some(({ args }) => args.deletesFiles)) return [{ refused: WHY, objects: refs.map(({ on }) => on) }];
  const sets = refs.filter(({ on }) => on.kind === 'DaemonSet').map(({ on }) => deleted(on));
  return [...sets, ...refs.filter(({ on }) => on.kind !== 'DaemonSet').map(({ on }) => ({ ...deleted(on), after: sets }))];
}

const deleted = (on: Ref): StepDraft => ({
  ...{ do: 'delete', on, guard: [{ on, must: 'exist' }], undo: 'compensates' },
  undoNote: { en: 'undo: creates it again, with a new UID', zh: '撤销时：重新创建，UID 会改变' },
  text: { en: `delete ${describe(on)}, which nothing uses any more`, zh: `删除不再使用的 ${describe(on)}` },
});
