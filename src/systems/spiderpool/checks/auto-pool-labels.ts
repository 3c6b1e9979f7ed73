// Automatic pools that an older release made: 0.5.0 and later find them by eight labels and a podAffinity of five keys. Without them, the controller makes another pool beside each, and the
// old one keeps its IPs. The upgrade guide names 0.3.6 and patches one label after the other. Sources: knowledge/notes.json (autoPools), ../auto-pools.ts.
import { finding } from '../../../engine/builders.ts';
import type { Change, Check, Condition, Finding, Ref, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { list } from '../../../engine/read/index.ts';
import { formatPointer } from '../../../kube/pointer.ts';
import { compare } from '../../../versions/chart.ts';
import {
  AUTO_POOL,
  type AutoPool,
  affinityFor,
  hasAffinity,
  hasLabels,
  identityOf,
  isAuto,
  labelsFor,
  OWNER_READS,
  type Owner,
  ownerOf,
} from '../auto-pools.ts';
import { notes } from '../knowledge/tables.ts';
import { poolRefusal, WEBHOOK_READS, webhookRefusal } from '../webhook-refusal.ts';

const reads = { pools: list('spiderippools.spiderpool.spidernet.io', AUTO_POOL, { only: isAuto }) };

type Is = 'labels' | 'affinity' | 'twins' | 'gone' | 'unclear';
interface Args {
  is: Is;
  pool: string;
  /** `Deployment shop/web`; '' where it is not known. */
  owner: string;
  version: string;
  /** The other pool with the same labels. */
  twin: string;
  /** The installed version looks for them already. */
  running: boolean;
  /** What the labels, and the podAffinity, must become. */
  labels: Change[];
  affinity: Change[];
  by: Ref | null;
  /** Why the webhook would reject a write. */
  held: Text | null;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/auto-pool-labels',
  title: { en: 'automatic SpiderIPPools have the labels of their owner', zh: '自动创建的 SpiderIPPool 带有其属主的标签' },
  headline: { en: 'automatic SpiderIPPools lack labels or podAffinity', zh: '自动创建的 SpiderIPPool 缺少标签或 podAffinity' },
  page: {
    impact: {
      en: '0.5.0 and later find the automatic pool of an application by eight labels, and give its IPs only to Pods that match a podAffinity of five keys. A pool without the labels is left behind: the controller makes another one, and running Pods and new Pods use different IPs. With the labels but another podAffinity, new Pods get no IP; nor do they with two such pools.',
      zh: '0.5.0 及以后通过八个标签查找应用的自动池，池的 podAffinity 含五个键，IP 只分配给与之匹配的 Pod。没有这些标签的池会被弃用：controller 会另建一个池，新旧 Pod 使用不同的 IP。有标签但 podAffinity 不符时，新 Pod 无法分配 IP；存在两个这样的池时同样如此。',
    },
    detection: {
      en: 'Reads labels and podAffinity of every pool with an owner UID, in the layouts of 0.2 to 0.4, and looks the owner up: only an object with that UID counts.',
      zh: '按 0.2 到 0.4 的各种格式读取带有属主 UID 的池的标签和 podAffinity，并查找属主：只认 UID 相同的对象。',
    },
    fix: {
      en: 'Before the upgrade sets all labels, which 0.4.x ignores; after it replaces podAffinity, since 0.4.x still matches by the old one. On 0.5.0 and later sets both in one patch, as the webhook demands. Undo restores both.',
      zh: '升级前设置全部标签（0.4.x 会忽略），升级后再替换 podAffinity（0.4.x 仍按旧值匹配）。在 0.5.0 及以后，按 webhook 的要求在一次写入中同时设置。撤销时恢复。',
    },
    limits: {
      en: 'Left out, with the reason: pools whose owner no longer exists (delete them once no IP is allocated), several interfaces for one subnet, and pools that the webhook would reject. Pools of 0.3.7 and older get both when the upgrade converts them.',
      zh: '以下情况会跳过并说明原因：属主已不存在（IP 全部释放后删除该池）、一个子网对应多个网卡，以及 webhook 会拒绝的池。0.3.7 及更早的池由升级在转换时一并设置。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().autoPools.source}`, 'spidernet-io/spiderpool: docs/usage/upgrade.md'];
  },
  get applies() {
    return { to: notes().autoPools.to, stage: 'both' as const };
  },
  needs: ['version'],
  reads,
  pointReads: OWNER_READS,
  judge: async ({ pools }, { look, path: { from, to } }) => {
    const running = typeof from === 'string' && compare(from, notes().autoPools.since) >= 0;
    const findings: Finding<Args>[] = [];
    for (const pool of pools) {
      const twin = pools.find(
        (other) => other !== pool && hasLabels(other) && hasLabels(pool) && identityOf(other.labels) === identityOf(pool.labels),
      );
      if (!twin && hasLabels(pool) && hasAffinity(pool)) continue;
      const owner = await ownerOf(pool, look);
      findings.push(found(pool, owner, twin ?? rival(pool, owner, pools), running, String(running ? from : to)));
    }
    return findings;
  },
  say: (args) => SAID[args.is](args),
  remedy: {
    pointReads: WEBHOOK_READS,
    writes: [{ verbs: ['get', 'patch'], group: 'spiderpool.spidernet.io', resource: 'spiderippools' }],
    steps: async (all, at) => {
      const refused = await webhookRefusal(at);
      return all.flatMap(({ objects, args }) =>
        objects.flatMap((on): (StepDraft | Refusal)[] => {
          const why = refusalOf(on, args) ?? refused;
          return why ? [{ refused: why, objects: [on] }] : steps(on, args, at.path.to);
        }),
      );
    },
  },
};
export default check;

/** A pool that has the labels which this one would get. */
function rival(pool: AutoPool, owner: Owner, pools: readonly AutoPool[]): AutoPool | undefined {
  if (owner.is !== 'owner') return undefined;
  const identity = identityOf(labelsFor(pool, owner));
  return pools.find((other) => other !== pool && identityOf(other.labels) === identity);
}

function found(pool: AutoPool, owner: Owner, twin: AutoPool | undefined, running: boolean, version: string): Finding<Args> {
  const is: Is = twin ? 'twins' : owner.is !== 'owner' ? owner.is : hasLabels(pool) ? 'affinity' : 'labels';
  const { ref } = pool;
  const known = owner.is === 'owner';
  const wanted = known ? labelsFor(pool, owner) : {};
  const args: Args = {
    ...{ is, pool: ref.name, version, running, twin: twin?.ref.name ?? '', by: known ? owner.ref : null },
    owner: known ? `${owner.ref.kind} ${owner.ref.namespace}/${owner.ref.name}` : '',
    labels: Object.entries(wanted).flatMap(([key, after]) => {
      const before = pool.labels[key];
      const path = formatPointer(['metadata', 'labels', key]);
      return before === after ? [] : [{ path, ...(before === undefined ? {} : { before }), after }];
    }),
    affinity:
      known && !hasAffinity(pool)
        ? [{ path: '/spec/podAffinity', ...(pool.affinity === undefined ? {} : { before: pool.affinity }), after: affinityFor(owner) }]
        : [],
    held: poolRefusal(pool) ?? null,
  };
  return finding<Args>({
    // Pods of the application get no IP; it gets another pool; nothing uses the pool any more.
    severity: running && (is === 'affinity' || is === 'twins') ? 'blocker' : is === 'gone' ? 'notice' : 'warning',
    key: [is, ref.name],
    objects: [ref],
    args,
    evidence: [
      {
        seen: `metadata.labels: ${Object.keys(pool.labels)
          .filter((key) => key.includes('owner-'))
          .sort()
          .join(', ')}`,
      },
    ],
  });
}

const SAID: Record<Is, (args: Args) => Text> = {
  labels: ({ pool, owner, version, running }) => ({
    en: `SpiderIPPool ${pool} of ${owner} lacks labels by which ${version} finds it: the controller ${running ? 'has made' : 'makes'} another pool, and new Pods get other IPs`,
    zh: `${owner} 的 SpiderIPPool ${pool} 缺少 ${version} 查找所用的标签：controller ${running ? '已' : '会'}另建一个池，新 Pod 使用其他 IP`,
  }),
  affinity: ({ pool, owner, version }) => ({
    en: `podAffinity of SpiderIPPool ${pool} is not the one of ${version}: new Pods of ${owner} get no IP`,
    zh: `SpiderIPPool ${pool} 的 podAffinity 与 ${version} 不符：${owner} 的新 Pod 无法分配 IP`,
  }),
  twins: ({ pool, twin, version }) => ({
    en: `SpiderIPPools ${pool} and ${twin} are for the same application: ${version} accepts only one`,
    zh: `SpiderIPPool ${pool} 和 ${twin} 属于同一应用：${version} 只接受一个`,
  }),
  gone: ({ pool }) => ({
    en: `automatic SpiderIPPool ${pool} belongs to an application that no longer exists`,
    zh: `自动创建的 SpiderIPPool ${pool} 所属的应用已不存在`,
  }),
  unclear: ({ pool }) => ({
    en: `the application of automatic SpiderIPPool ${pool} cannot be determined: it lacks labels, and gets another pool`,
    zh: `无法确定自动创建的 SpiderIPPool ${pool} 所属的应用：它缺少标签，该应用会另建一个池`,
  }),
};

/** Why nothing is written. */
function refusalOf({ apiVersion }: Ref, { is, held, twin, pool }: Args): Text | undefined {
  if (apiVersion.endsWith('/v1')) return OLD;
  if (is === 'twins') return TWINS(pool, twin);
  if (is === 'gone') return GONE;
  if (is === 'unclear') return UNCLEAR;
  return held ?? undefined;
}

const OLD: Text = {
  en: 'pools of 0.3.7 and older get labels and podAffinity when they are converted to v2beta1',
  zh: '0.3.7 及更早的池在转换为 v2beta1 时设置标签和 podAffinity',
};
const TWINS = (pool: string, twin: string): Text => ({
  en: `${pool} and ${twin} are for the same application: release the IPs of one and delete it first`,
  zh: `${pool} 和 ${twin} 属于同一应用：请先释放其中一个的 IP 并将其删除`,
});
const GONE: Text = {
  en: 'its owner no longer exists: delete the pool once none of its IPs is allocated',
  zh: '其属主已不存在：IP 全部释放后删除该池',
};
const UNCLEAR: Text = {
  en: 'its owner or interface cannot be determined from its labels and the annotations of the Pod template',
  zh: '无法根据其标签和 Pod 模板的注解确定属主或网卡',
};
/** With 0.5.0 and later running, one patch; before, the labels now and the podAffinity once the controller is new. */
function steps(on: Ref, { labels, affinity, by, running, owner }: Args, to: string | undefined): StepDraft[] {
  const guard: Condition[] = [{ on: by!, must: 'exist' }];
  const text = (what: Text): Text => ({
    en: `${what.en} of SpiderIPPool ${on.name} for ${owner}`,
    zh: `为 ${owner} 设置 SpiderIPPool ${on.name} 的${what.zh}`,
  });
  const patch = (changes: Change[], what: Text): StepDraft => ({
    do: 'patch',
    on,
    changes,
    guard,
    text: text(what),
    undo: 'exact',
    optional: true,
  });
  if (running) return [patch([...labels, ...affinity], { en: 'set labels and podAffinity', zh: '标签和 podAffinity' })];
  const first = labels.length ? [patch(labels, { en: 'set labels', zh: '标签' })] : [];
  if (!affinity.length || to === undefined) return first;
  const controller = { of: CONTROLLERS, which: 'some' as const, must: [{ path: '/metadata/labels/app.kubernetes.io~1version', is: to }] };
  const behind = patch(affinity, { en: 'replace podAffinity', zh: ' podAffinity' });
  return [...first, { ...behind, when: 'after', guard: [...guard, controller], after: first }];
}

const CONTROLLERS = { apiVersion: 'apps/v1', kind: 'Deployment', labels: 'app.kubernetes.io/component=spiderpool-controller' };
