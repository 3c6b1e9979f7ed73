// 1.3.0 reads two new fields of the MeshConfig, and an upgrade never writes the MeshConfig: without them Pods get no osm-init container, and the pipy sidecar an empty module list.
// Sources: pkg/sidecar/providers/{pipy,envoy}/driver/sidecar.go@v1.3.0..v1.3.9; pkg/sidecar/providers/pipy/repo/plugin.go (setSidecarChain); cmd/osm-bootstrap (the MeshConfig is created only if missing).
import type { Change, Check, Finding, PointReader, Ref, StepDraft } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import { isGap } from '../../../engine/gaps.ts';
import { keys } from '../../../engine/read/index.ts';
import { pointerGet } from '../../../kube/pointer.ts';
import { compare } from '../../../versions/chart.ts';
import { preset } from '../knowledge/tables.ts';
import { byUpgrade } from '../manual.ts';
import { type MeshConfig, meshConfigOf, meshConfigs, missingFields } from '../reads.ts';

/** First release that reads them, and whose CRD has them. */
const SINCE = '1.3.0';
const reads = { meshConfigs };

interface Args {
  /** Fields of spec, as dotted paths. */
  missing: string[];
  namespace: string;
  version: string;
  /** The CRD of the installed version has them: a patch is kept. */
  kept: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/mesh-config-fields',
  title: { en: 'MeshConfig has the fields that the target version needs', zh: 'MeshConfig 含有目标版本所需的字段' },
  headline: { en: 'MeshConfig lacks fields: new Pods would bypass the mesh', zh: 'MeshConfig 缺少字段，新的 Pod 会绕过网格' },
  page: {
    impact: {
      en: 'From 1.3.0 on, a MeshConfig without spec.traffic.interceptionMode gives Pods a sidecar but no osm-init container: their traffic is not intercepted, so neither mTLS nor policies apply. Without spec.pluginChains the pipy sidecar runs no modules.',
      zh: '自 1.3.0 起，如果 MeshConfig 没有 spec.traffic.interceptionMode，Pod 会有 sidecar 容器，但没有 osm-init 容器：流量不被拦截，mTLS 和策略均不生效。没有 spec.pluginChains 时，pipy sidecar 不运行任何模块。',
    },
    detection: {
      en: 'Reads MeshConfig osm-mesh-config. An upgrade keeps it as it is; only the ConfigMap preset-mesh-config is replaced.',
      zh: '读取 MeshConfig osm-mesh-config。升级不会改动它，只会替换 ConfigMap preset-mesh-config。',
    },
    fix: {
      en: 'Sets the missing fields to the values of a fresh install. Before 1.3.0 the CRD prunes them: the upgrade applies the new CRDs first.',
      zh: '将缺少的字段设为全新安装时的值。1.3.0 之前的 CRD 会丢弃这些字段，因此升级时先应用新的 CRD。',
    },
  },
  sources: [
    'flomesh-io/osm-edge: pkg/sidecar/providers/pipy/driver/sidecar.go@v1.3.9, pkg/sidecar/providers/pipy/repo/plugin.go@v1.3.9',
    'flomesh-io/osm-edge: cmd/osm-bootstrap/osm-bootstrap.go@v1.3.9 (createDefaultMeshConfig)',
  ],
  applies: { to: `>=${SINCE}`, stage: 'both' },
  reads,
  judge: ({ meshConfigs: rows }, { path }) => {
    const version = path.to ?? String(path.from);
    const config = meshConfigOf(rows, path.installation.namespace);
    const missing = config ? missingFields(config) : [];
    if (!config || !missing.length) return [];
    const kept = typeof path.from === 'string' && compare(path.from, SINCE) >= 0;
    return [finding(config, { missing, namespace: config.ref.namespace ?? '', version, kept })];
  },
  say: ({ missing, namespace, version }) => ({
    en: `MeshConfig ${namespace}/osm-mesh-config has no ${missing.join(', ')}: with ${version}, new Pods are not intercepted or run an empty sidecar`,
    zh: `MeshConfig ${namespace}/osm-mesh-config 没有 ${missing.join('、')}：在 ${version} 中，新 Pod 的流量不被拦截，或 sidecar 不运行任何模块`,
  }),
  remedy: {
    pointReads: [{ resource: 'meshconfigs.config.openservicemesh.io', columns: [keys('spec.pluginChains')] }],
    writes: [{ verbs: ['get', 'patch'], group: 'config.openservicemesh.io', resource: 'meshconfigs' }],
    steps: async (found, at) => each(found, async (one) => (one.args.kept ? patch(one, at.look) : byUpgrade(at, NEEDS_CRD, one.objects))),
  },
};
export default check;

const NEEDS_CRD = {
  en: 'upgrade osm-edge sets these fields once the CRDs of the target version are applied (the installed CRD would prune them)',
  zh: 'upgrade osm-edge 会在应用目标版本的 CRD 之后设置这些字段（当前的 CRD 会丢弃它们）',
};

const finding = ({ ref, interceptionMode }: MeshConfig, args: Args): Finding<Args> => ({
  severity: 'blocker',
  key: [ref.namespace ?? '', ref.name],
  certainty: 'certain',
  objects: [ref],
  args,
  evidence: [{ seen: `spec.traffic.interceptionMode: ${interceptionMode ?? '""'}`, at: ref }],
});

/** Where there are no chains at all they are set as one, so that an undo leaves no empty map. */
async function patch({ objects, args }: Finding<Args>, look: PointReader): Promise<StepDraft> {
  const [on] = objects as [Ref];
  const live = await look.get(on);
  const hasChains = !live || isGap(live) || pointerGet(live, '/spec/pluginChains') !== undefined;
  const chains = args.missing.filter((path) => path.startsWith(CHAINS));
  const single = args.missing.filter((path) => hasChains || !chains.includes(path));
  const whole = Object.fromEntries(chains.map((path) => [path.slice(CHAINS.length), preset(path, args.version) ?? []]));
  const changes: Change[] = [
    ...single.map((path) => ({ path: `/spec/${path.replaceAll('.', '/')}`, after: preset(path, args.version) })),
    ...(hasChains || !chains.length ? [] : [{ path: '/spec/pluginChains', after: whole }]),
  ];
  return {
    ...{ do: 'patch', on, changes, undo: 'exact' },
    guard: [{ on, must: [{ path: changes[0]!.path }] }],
    text: {
      en: `set ${args.missing.join(', ')} in MeshConfig ${args.namespace}/osm-mesh-config`,
      zh: `设置 MeshConfig ${args.namespace}/osm-mesh-config 的 ${args.missing.join('、')}`,
    },
  };
}

const CHAINS = 'pluginChains.';
