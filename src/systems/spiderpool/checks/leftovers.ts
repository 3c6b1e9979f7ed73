// Objects of earlier releases that neither helm nor the newer release deletes.
// Sources: knowledge/notes.ts (leftovers: each object with the versions that no longer have it).
import { finding } from '../../../engine/builders.ts';
import type { Check, Gap, Ref } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { list } from '../../../engine/read/index.ts';
import { satisfies } from '../../../versions/chart.ts';
import { NOTES } from '../knowledge/notes.ts';

const OBJECTS = Object.entries(NOTES.leftovers.objects).map(([name, unused]) => ({ name, unused }));
const named = (kind: string) => (row: { ref: Ref }) => OBJECTS.some(({ name }) => name === `${kind}/${row.ref.name}`);

/** Read one by one: there may be thousands of others. */
const CONFIG_MAPS = OBJECTS.flatMap(({ name }) => (name.startsWith('ConfigMap/') ? [name.slice('ConfigMap/'.length)] : []));

const reads = {
  daemonSets: list('daemonsets.apps', {}, { labels: 'app.kubernetes.io/name=spiderpool', only: named('DaemonSet') }),
  crds: list('customresourcedefinitions.apiextensions.k8s.io', {}, { only: named('CustomResourceDefinition') }),
};

const check: Check<typeof reads, { version: string }> = {
  id: 'spiderpool/leftovers',
  title: { en: 'no object of an earlier Spiderpool version is left', zh: '没有残留旧版本 Spiderpool 的对象' },
  headline: { en: 'objects of an earlier Spiderpool version are left', zh: '残留旧版本 Spiderpool 的对象' },
  page: {
    impact: {
      en: 'A left DaemonSet spiderpool-multus (0.6.0–0.7.3) writes the Multus config on every node beside the newer agents. ConfigMaps multus-cni-config and spiderpool-multus and the CRD spiderclaimparameters (1.0.0 candidates) are harmless, but show settings that nothing reads.',
      zh: '残留的 DaemonSet spiderpool-multus（0.6.0–0.7.3）会与新的 agent 同时写入每个节点的 Multus 配置。ConfigMap multus-cni-config、spiderpool-multus 以及 CRD spiderclaimparameters（1.0.0 的候选版本）无害，但显示的设置已不再使用。',
    },
    detection: {
      en: 'Compares objects of the namespace of Spiderpool, and CRDs, with those that the installed version no longer has.',
      zh: '将 Spiderpool 命名空间中的对象以及 CRD 与当前版本不再包含的对象比较。',
    },
    fix: {
      en: 'manual: delete them with kubectl, once no object of the CRD is needed.',
      zh: '手动：确认不再需要该 CRD 的对象后，用 kubectl 删除。',
    },
  },
  sources: [`spidernet-io/spiderpool: ${NOTES.leftovers.source}`],
  applies: { from: '>=0.8.0', stage: 'both' },
  needs: ['version'],
  reads,
  pointReads: [{ resource: 'configmaps', names: CONFIG_MAPS, columns: [] }],
  judge: async ({ daemonSets, crds }, { look, path: { installation, from } }) => {
    const configMaps: Ref[] = [];
    for (const name of CONFIG_MAPS) {
      const on: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: installation.namespace, name };
      const object = await look.get(on);
      if (object && !isGap(object)) configMaps.push(on);
    }
    const isUnused = ({ kind, name }: Ref) =>
      OBJECTS.some((object) => object.name === `${kind}/${name}` && satisfies(versionOf(from), object.unused));
    return [...daemonSets.map(({ ref }) => ref), ...configMaps, ...crds.map(({ ref }) => ref)]
      .filter((ref) => (ref.namespace === undefined || ref.namespace === installation.namespace) && isUnused(ref))
      .map((ref) =>
        finding({
          severity: ref.kind === 'DaemonSet' ? 'warning' : 'notice',
          key: [ref.kind, ref.name],
          objects: [ref],
          args: { version: versionOf(from) },
          evidence: [{ seen: `metadata.name: ${ref.name}` }],
        }),
      );
  },
  say: ({ version }, [on]) => ({
    en: `${on?.kind} ${on?.name} is left from an earlier version: Spiderpool ${version} does not have it`,
    zh: `${on?.kind} ${on?.name} 是旧版本的残留：Spiderpool ${version} 不包含它`,
  }),
};
export default check;

/** `needs` has seen to it that it is known. */
const versionOf = (from: string | Gap): string => (isGap(from) ? '0.0.0' : from);
