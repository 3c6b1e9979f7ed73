// Helm values that an upgrade does not bring into the MeshConfig: osm-bootstrap creates it once from preset-mesh-config, and an upgrade replaces that ConfigMap alone.
// Sources: charts/osm/templates/preset-mesh-config.yaml at every tag (knowledge/meshconfig.json); cmd/osm-bootstrap (ensureMeshConfig); guide "upgrading": settings of the MeshConfig are patched afterwards.
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { finding } from '../../../engine/builders.ts';
import type { Change, Check, Finding, Json, Raw, Ref, StepDraft } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { derived } from '../../../engine/knowledge.ts';
import { asIs, list } from '../../../engine/read/index.ts';
import { leavesOf, valueAt, written } from '../../../helm/keys.ts';
import { deepEqual, isRaw } from '../../../kube/json.ts';
import { formatPointer } from '../../../kube/pointer.ts';
import { compare } from '../../../versions/chart.ts';
import { at, carriedValues, knownAt, shownValue } from '../carried.ts';
import { mapping } from '../knowledge/tables.ts';
import { byUpgrade } from '../manual.ts';

const reads = derived(mapping, (values) => ({
  ...RELEASE_READS,
  configs: list('meshconfigs.config.openservicemesh.io', { held: asIs(...values.map(({ path }) => `spec.${path}`)) }),
}));

interface Args {
  namespace: string;
  key: string;
  /** Below spec. */
  path: string[];
  wanted: Json;
  /** null: not set. */
  now: Json;
  /** The CRD of the installed version has the field. */
  kept: boolean;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'osm-edge/mesh-config-override',
  title: { en: 'Helm values and MeshConfig agree', zh: 'Helm values 与 MeshConfig 一致' },
  headline: { en: 'Helm values have not reached the MeshConfig', zh: 'Helm values 未写入 MeshConfig' },
  page: {
    impact: {
      en: 'osm-bootstrap creates MeshConfig osm-mesh-config once. helm upgrade replaces only the ConfigMap preset-mesh-config, so a value such as osm.sidecarLogLevel set with --set or --values changes nothing in the running mesh.',
      zh: 'MeshConfig osm-mesh-config 只由 osm-bootstrap 创建一次。helm upgrade 只替换 ConfigMap preset-mesh-config，因此用 --set 或 --values 设置的 osm.sidecarLogLevel 等值不会影响运行中的网格。',
    },
    detection: {
      en: 'Compares the user-supplied values that the release has, or will have after the upgrade, with the fields of MeshConfig that they stand for. Defaults of the chart are ignored.',
      zh: '将 release 现有的或升级后将有的用户 values 与其对应的 MeshConfig 字段比较。不比较 chart 的默认值。',
    },
    fix: {
      en: 'Sets the fields in MeshConfig to the values; upgrade does so after helm. Undo restores them.',
      zh: '将 MeshConfig 的这些字段改为 values 中的值；有升级时在升级之后进行。撤销时恢复原值。',
    },
    limits: {
      en: 'If the MeshConfig was edited on purpose, change the value instead, or accept the finding. Lists of strings and remoteLogging.authorization are not compared.',
      zh: '如果 MeshConfig 是有意修改的，请改为修改 values，或接受该问题。不比较字符串列表和 remoteLogging.authorization。',
    },
  },
  sources: [
    {
      en: 'flomesh-io/osm-edge: charts/osm/templates/preset-mesh-config.yaml at every tag',
      zh: 'flomesh-io/osm-edge: charts/osm/templates/preset-mesh-config.yaml（所有 tag）',
    },
    'flomesh-io/osm-edge: cmd/osm-bootstrap/osm-bootstrap.go@v1.3.9 (ensureMeshConfig)',
  ],
  applies: { stage: 'both' },
  get reads() {
    return reads();
  },
  pointReads: RELEASE_BODIES,
  judge: async (rows, situation) => {
    const { from, to, installation } = situation.path;
    const config = rows.configs.find(({ ref }) => ref.namespace === installation.namespace && ref.name === 'osm-mesh-config');
    const carried = await carriedValues(rows, situation);
    if (isGap(carried)) return [];
    if (!('config' in carried)) return carried;
    const version = to ?? from;
    if (!config || typeof version !== 'string') return [];
    return mapping()
      .filter(({ since }) => compare(since, version) <= 0)
      .flatMap(({ key, path, since }) => {
        const kept = typeof from === 'string' && compare(since, from) <= 0;
        return differences(at(carried.config, key), config.held, key, path.split('.'))
          .filter(({ key: leaf }) => knownAt(carried, leaf) !== undefined)
          .map((args) => found(config.ref, { ...args, kept }));
      });
  },
  say: ({ namespace, key, path, wanted, now }) => ({
    en: `value ${key}=${shownValue(wanted)} has no effect: MeshConfig ${namespace}/osm-mesh-config has spec.${path.join('.')}${now === null ? ' unset' : `=${shownValue(now)}`}`,
    zh: `${key} 的值“${shownValue(wanted)}”不起作用：MeshConfig ${namespace}/osm-mesh-config 的 spec.${path.join('.')} ${now === null ? '未设置' : `为“${shownValue(now)}”`}`,
  }),
  remedy: {
    writes: [{ verbs: ['get', 'patch'], group: 'config.openservicemesh.io', resource: 'meshconfigs' }],
    steps: async (all, at) => {
      const now = all.filter(({ args }) => args.kept);
      const later = all.filter(({ args }) => !args.kept);
      return [
        ...(now.length ? [patch(now)] : []),
        ...(later.length
          ? [
              byUpgrade(
                at,
                NEEDS_CRD,
                later.flatMap(({ objects }) => objects),
              ),
            ]
          : []),
      ];
    },
  },
};
export default check;

const NEEDS_CRD = {
  en: 'upgrade osm-edge sets these fields once the CRDs of the target version are applied (the installed CRD would prune them)',
  zh: 'upgrade osm-edge 会在应用目标版本的 CRD 之后设置这些字段（当前的 CRD 会丢弃它们）',
};

/** Leaf by leaf: an override of one key of a map says nothing about the others. */
function differences(wanted: Json | undefined, held: Raw, key: string, path: string[]): Omit<Args, 'namespace' | 'kept'>[] {
  if (wanted === undefined || wanted === null) return [];
  const leaves = isRaw(wanted) ? leavesOf(wanted) : [{ path: [], value: wanted }];
  return leaves.flatMap((leaf) => {
    const now = valueAt(held, ['spec', ...path, ...leaf.path]);
    return isSame(leaf.value, now) || isText(leaf.value)
      ? []
      : [{ key: written([key, ...leaf.path]).replaceAll('\\.', '.'), path: [...path, ...leaf.path], wanted: leaf.value, now: now ?? null }];
  });
}

/** Lists of texts may hold anything, and a snapshot keeps none of them. */
const isText = (value: Json): boolean => Array.isArray(value) && JSON.stringify(value).includes('"');

/** The chart writes numbers as they come, and "" for nothing. */
const isSame = (wanted: Json, now: Json | undefined): boolean =>
  deepEqual(wanted, now ?? null) ||
  (now === undefined && isNothing(wanted)) ||
  (typeof wanted !== 'object' && typeof now !== 'object' && now !== undefined && String(wanted) === String(now));
const isNothing = (value: Json): boolean =>
  value === '' || value === false || value === 0 || (typeof value === 'object' && !Object.keys(value ?? {}).length);

const found = (on: Ref, args: Omit<Args, 'namespace'>): Finding<Args> =>
  finding<Args>({
    severity: 'warning',
    key: [on.namespace ?? '', args.key],
    objects: [on],
    args: { ...args, namespace: on.namespace ?? '' },
    evidence: [{ seen: `spec.${args.path.join('.')}: ${args.now === null ? '""' : shownValue(args.now)}` }],
  });

function patch(all: readonly Finding<Args>[]): StepDraft {
  const [on] = all[0]!.objects as [Ref];
  const changes = all.map(
    ({ args }): Change => ({
      path: formatPointer(['spec', ...args.path]),
      ...(args.now === null ? {} : { before: args.now }),
      after: args.wanted,
    }),
  );
  const fields = all.map(({ args }) => args.path.join('.'));
  return {
    ...{ do: 'patch', on, changes, undo: 'exact', when: 'after' },
    guard: [{ on, must: 'exist' }],
    text: {
      en: `set ${fields.join(', ')} in MeshConfig ${on.namespace}/osm-mesh-config, as the values say`,
      zh: `按 values 设置 MeshConfig ${on.namespace}/osm-mesh-config 的 ${fields.join('、')}`,
    },
  };
}
