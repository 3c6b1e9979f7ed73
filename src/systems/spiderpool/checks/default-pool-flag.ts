// Up to 0.4.0-rc2 the ConfigMap names the default pools of the cluster; from rc3 on a pool says so itself, in spec.default, and the ConfigMap is no longer read.
// Sources: knowledge/notes.json (defaultPools).
import { finding, setFields } from '../../../engine/builders.ts';
import type { Check, Finding, PointReader, Ref, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { flag, list, rowOf, texts, UNREADABLE, yaml } from '../../../engine/read/index.ts';
import { compare } from '../../../versions/chart.ts';
import { notes } from '../knowledge/tables.ts';
import { POOL_SHAPE, poolRefusal, WEBHOOK_READS, webhookRefusal } from '../webhook-refusal.ts';

/** global.configName of the charts by default. */
const CONFIG = 'spiderpool-conf';
const KEYS = ['clusterDefaultIPv4IPPool', 'clusterDefaultIPv6IPPool'] as const;
const CONF = { conf: yaml("data['conf.yml']", { v4: texts(KEYS[0]), v6: texts(KEYS[1]) }) };

const reads = { pools: list('spiderippools.spiderpool.spidernet.io', { isDefault: flag('spec.default'), ...POOL_SHAPE }) };
interface Args {
  pool: string;
  config: string;
  /** The installed version already reads the flag of the pool. */
  running: boolean;
  version: string;
  /** Why the webhook would reject a write. */
  held: Text | null;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/default-pool-flag',
  title: { en: 'default SpiderIPPools have spec.default', zh: '默认 SpiderIPPool 已设置 spec.default' },
  headline: { en: 'default SpiderIPPools lack spec.default', zh: '默认 SpiderIPPool 缺少 spec.default' },
  page: {
    impact: {
      en: 'Up to 0.3.7 the ConfigMap spiderpool-conf names the default pools of the cluster. From 0.4.0 on only spec.default of a SpiderIPPool counts: without it, Pods that name no pool get no IP.',
      zh: '0.3.7 及更早版本由 ConfigMap spiderpool-conf 指定集群默认池。0.4.0 起只看 SpiderIPPool 的 spec.default；没有设置时，未指定池的 Pod 无法分配 IP。',
    },
    detection: {
      en: 'Reads clusterDefaultIPv4IPPool and clusterDefaultIPv6IPPool in ConfigMap spiderpool-conf, and spec.default of the pools that they name.',
      zh: '读取 ConfigMap spiderpool-conf 中的 clusterDefaultIPv4IPPool 和 clusterDefaultIPv6IPPool，以及其中各池的 spec.default。',
    },
    fix: {
      en: 'Sets spec.default: true on these pools, once their CRD has the field (0.4.0 and later). Undo removes it.',
      zh: '在 CRD 含有该字段（0.4.0 及以后）时，为这些池设置 spec.default: true。撤销时移除。',
    },
    limits: {
      en: "Spiderpool's upgrade guide does not mention this. A ConfigMap with another name (global.configName) is not found.",
      zh: 'Spiderpool 的升级指南未提及此变化。使用其他名称（global.configName）的 ConfigMap 无法找到。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().defaultPools.source}`];
  },
  get applies() {
    return { to: notes().defaultPools.to, stage: 'both' as const };
  },
  needs: ['version'],
  reads,
  pointReads: [{ resource: 'configmaps', names: [CONFIG], columns: Object.values(CONF) }],
  judge: async ({ pools }, { look, path: { installation, from, to } }) => {
    const config: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: installation.namespace, name: CONFIG };
    const named = await defaultsIn(config, look);
    const running = typeof from === 'string' && compare(from, notes().defaultPools.since) >= 0;
    return pools
      .filter(({ ref, isDefault }) => named.includes(ref.name) && isDefault !== true)
      .map(({ ref, ...pool }) =>
        found(ref, {
          pool: ref.name,
          config: `${config.namespace}/${CONFIG}`,
          running,
          version: String(running ? from : to),
          held: poolRefusal(pool) ?? null,
        }),
      );
  },
  say: ({ pool, config, running, version }) => ({
    en: `SpiderIPPool ${pool} is a default pool only by ConfigMap ${config}, which ${version} ${running ? 'does not read' : 'will not read'}: Pods that name no pool get no IP`,
    zh: `SpiderIPPool ${pool} 仅由 ConfigMap ${config} 指定为默认池，而 ${version} ${running ? '' : '将'}不读取它：未指定池的 Pod 无法分配 IP`,
  }),
  remedy: {
    pointReads: WEBHOOK_READS,
    writes: [{ verbs: ['get', 'patch'], group: 'spiderpool.spidernet.io', resource: 'spiderippools' }],
    steps: async (all, at) => {
      const refused = await webhookRefusal(at);
      return all.flatMap(({ objects, args }) => objects.map((on) => flagged(on, args.held ?? refused)));
    },
  },
};
export default check;

/** Pools that the ConfigMap names; none where it is not there, or says nothing of it. */
export async function defaultsIn(on: Ref, look: PointReader): Promise<string[]> {
  const object = await look.get(on);
  const conf = object === undefined || isGap(object) ? undefined : rowOf(CONF)(object).conf;
  return conf === undefined || conf === UNREADABLE ? [] : [...conf.v4, ...conf.v6].filter(Boolean);
}

const found = (on: Ref, args: Args): Finding<Args> =>
  finding<Args>({ severity: 'warning', key: [on.name], objects: [on], args, evidence: [{ seen: 'spec.default: ""' }] });

const TOO_OLD: Text = {
  en: 'SpiderIPPools of v1 (0.3.7 and older) have no spec.default: the upgrade sets it when it converts them',
  zh: 'v1（0.3.7 及更早）的 SpiderIPPool 没有 spec.default：升级在转换时设置',
};

function flagged(on: Ref, refused: Text | undefined): StepDraft | Refusal {
  if (on.apiVersion.endsWith('/v1')) return { refused: TOO_OLD, objects: [on] };
  if (refused) return { refused, objects: [on] };
  return setFields(on, [{ path: '/spec/default', after: true }], {
    en: `set spec.default of SpiderIPPool ${on.name} to true`,
    zh: `将 SpiderIPPool ${on.name} 的 spec.default 设为 true`,
  });
}
