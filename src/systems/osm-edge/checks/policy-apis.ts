// PodDisruptionBudgets and HorizontalPodAutoscalers of the charts: every tag, 1.3.9 included, writes them as policy/v1beta1 and autoscaling/v2beta2, which newer Kubernetes does not serve.
// Sources: charts/osm/templates/osm-{controller,injector}-{pod-disruption-budget,hpa}.yaml at every tag; kubernetes.io deprecation guide (removed in 1.25 and 1.26).
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { upgradeCommand } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Cluster, Finding, Ref, StepDraft } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { setFlag } from '../../../helm/flags.ts';
import { pathOf } from '../../../helm/keys.ts';
import { satisfies } from '../../../versions/chart.ts';
import { at, carriedValues } from '../carried.ts';
import { CHART } from '../chart.ts';

interface Api {
  group: string;
  version: string;
  kind: string;
  /** The Kubernetes release without it. */
  removed: string;
  keys: string[];
}
const APIS: readonly Api[] = [
  {
    ...{ group: 'policy', version: 'v1beta1', kind: 'PodDisruptionBudget', removed: '1.25.0' },
    keys: ['osm.osmController.enablePodDisruptionBudget', 'osm.injector.enablePodDisruptionBudget'],
  },
  {
    ...{ group: 'autoscaling', version: 'v2beta2', kind: 'HorizontalPodAutoscaler', removed: '1.26.0' },
    keys: ['osm.osmController.autoScale.enable', 'osm.injector.autoScale.enable'],
  },
];

interface Args {
  api: string;
  kind: string;
  /** Values that make the chart write it; none: only the release has it. */
  keys: string[];
  /** The release was written with it: helm builds its old objects before anything else. */
  held: boolean;
}

const check: Check<typeof RELEASE_READS, Args> = {
  id: 'osm-edge/policy-apis',
  title: { en: 'cluster serves every API that the chart uses', zh: '集群提供 chart 使用的全部 API' },
  headline: { en: 'chart uses APIs that the cluster does not serve', zh: 'chart 使用了集群不再提供的 API' },
  page: {
    impact: {
      en: 'All charts up to 1.3.9 write policy/v1beta1 PodDisruptionBudgets and autoscaling/v2beta2 HorizontalPodAutoscalers. Kubernetes 1.25 and 1.26 do not serve them, and helm upgrade fails ("no matches for kind"). kubeVersion of the chart does not catch it.',
      zh: '1.3.9 及之前的所有 chart 都使用 policy/v1beta1 的 PodDisruptionBudget 和 autoscaling/v2beta2 的 HorizontalPodAutoscaler。Kubernetes 1.25 和 1.26 不再提供它们，helm upgrade 会失败（“no matches for kind”）。chart 的 kubeVersion 约束不会阻止这次升级。',
    },
    detection: {
      en: 'Reads the values that switch these objects on, and the manifest of the release, and compares the API versions with those that the cluster serves.',
      zh: '读取启用这些对象的 values 以及 release 的 manifest，将其 API 版本与集群提供的版本比较。',
    },
    fix: {
      en: 'manual: switch the values off and create PodDisruptionBudgets (policy/v1) and HorizontalPodAutoscalers (autoscaling/v2) of your own. A release whose manifest contains the old versions is rewritten by fix kubernetes/removed-api.',
      zh: '手动：在 values 中关闭这些对象，并自行创建 policy/v1 的 PodDisruptionBudget 和 autoscaling/v2 的 HorizontalPodAutoscaler。manifest 含有旧版本的 release 由 fix kubernetes/removed-api 改写。',
    },
  },
  sources: [
    'flomesh-io/osm-edge: charts/osm/templates/osm-controller-pod-disruption-budget.yaml, osm-controller-hpa.yaml, osm-injector-pod-disruption-budget.yaml, osm-injector-hpa.yaml@v1.3.9',
    'kubernetes/website: content/en/docs/reference/using-api/deprecation-guide.md',
  ],
  applies: { stage: 'both' },
  reads: RELEASE_READS,
  pointReads: RELEASE_BODIES,
  judge: async (rows, situation) => {
    const carried = await carriedValues(rows, situation);
    if (isGap(carried)) return [];
    if (!('config' in carried)) return carried;
    const findings: Finding<Args>[] = [];
    for (const api of APIS) {
      const served = await isServed(api, situation.cluster);
      if (served === undefined) return { unknown: NOT_KNOWN };
      const keys = api.keys.filter((key) => at(carried.config, key) === true);
      const held = new RegExp(`^apiVersion: ["']?${api.group}/${api.version}\\b`, 'm').test(carried.release.manifest);
      if (!served && (keys.length || held)) findings.push(found(carried.record, api, keys, held));
    }
    return findings;
  },
  say: ({ api, kind, keys, held }) => ({
    en: `helm upgrade will fail: the cluster does not serve ${api} (${kind}), ${keys.length ? `which ${keys.join(' and ')} switch${keys.length === 1 ? 'es' : ''} on` : 'which the manifest of the release contains'}${keys.length && held ? '; the manifest of the release contains it as well' : ''}`,
    zh: `helm upgrade 会失败：集群不提供 ${api}（${kind}），${keys.length ? `而 ${keys.join('、')} 启用了它` : '而 release 的 manifest 含有它'}${keys.length && held ? '；release 的 manifest 也含有它' : ''}`,
  }),
  remedy: {
    writes: [],
    steps: async (all, situation) => {
      const flags = all.flatMap(({ args }) => args.keys.map((key) => setFlag(pathOf(key), false)));
      const { name, namespace = '' } = situation.path.installation;
      return [
        ...(all.some(({ args }) => args.held) ? [rewritten(name, namespace)] : []),
        ...(flags.length ? [upgradeCommand(CHART, situation, flags)] : []),
      ];
    },
  },
};
export default check;

const NOT_KNOWN = { en: 'it is not known which APIs the cluster serves', zh: '无法得知集群提供哪些 API' };

/** By discovery, else by the version of the API server; undefined: neither is known. */
async function isServed({ group, version, kind, removed }: Api, cluster: Cluster): Promise<boolean | undefined> {
  const served = await cluster.serves(group, kind);
  if (!isGap(served)) return served?.versions.includes(version) ?? false;
  const { serverVersion } = cluster;
  return isGap(serverVersion) ? undefined : satisfies(serverVersion.replace(/^v/, ''), `<${removed}-0`);
}

const found = (record: Ref, { group, version, kind }: Api, keys: string[], held: boolean): Finding<Args> =>
  finding<Args>({
    severity: 'blocker',
    key: [group],
    objects: [record],
    args: { api: `${group}/${version}`, kind, keys, held },
    evidence: [{ seen: keys.length ? `${keys[0]}: true` : `apiVersion: ${group}/${version}` }],
  });

/** The record of a release is rewritten by the check of Kubernetes that looks after all releases. */
const rewritten = (name: string, namespace: string): StepDraft => ({
  ...{ do: 'manual', guard: [], undo: 'none', when: 'instead' },
  commands: ['{tool} fix kubernetes/removed-api'],
  text: {
    en: `rewrite the API versions in the record of release ${namespace}/${name}`,
    zh: `改写 release ${namespace}/${name} 记录中的 API 版本`,
  },
});
