// Agents read fields of the SpiderCoordinator without asking whether they are there: each version its own, and CRDs give them defaults only from some release on.
// Sources: knowledge/versions.json (readBlindly: what agents read), knowledge/notes.json (coordinatorDefaults: what CRDs fill).
import { finding, setFields } from '../../../engine/builders.ts';
import type { Check, Json, PointReader, Raw, Ref, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { describeGap, isGap } from '../../../engine/gaps.ts';
import { asIs, list, tree } from '../../../engine/read/index.ts';
import { satisfies } from '../../../versions/chart.ts';
import { notes, versions } from '../knowledge/tables.ts';
import { readBlindlyBy } from '../repairs.ts';
import { coordinatorRefusal, WEBHOOK_READS, webhookRefusal } from '../webhook-refusal.ts';

const CRD = 'spidercoordinators.spiderpool.spidernet.io';
const valuesByField = (): Record<string, { default: Json }> => versions().readBlindly.fields;

const reads = { coordinators: list(CRD, { spec: tree('spec') }) };

interface Args {
  version: string;
  missing: string[];
  /** Why the webhook would reject a write. */
  held: Text | null;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/coordinator-fields',
  title: { en: 'SpiderCoordinators have every field that the agents read', zh: 'SpiderCoordinator 含有 agent 读取的所有字段' },
  headline: {
    en: 'SpiderCoordinators lack fields: spiderpool-agent will panic',
    zh: 'SpiderCoordinator 缺少字段，spiderpool-agent 会崩溃',
  },
  page: {
    impact: {
      en: 'spiderpool-agent reads fields such as txQueueLen (0.9.0 and later), podRPFilter (0.8.8, 0.9.5 and later) and hostRuleTable without checking for null. If one is missing, the agent panics whenever a Pod with the coordinator plugin starts.',
      zh: 'spiderpool-agent 读取 txQueueLen（0.9.0 起）、podRPFilter（0.8.8、0.9.5 起）和 hostRuleTable 等字段时不判断是否为空。缺少任一字段时，使用 coordinator 插件的 Pod 启动会使 agent 崩溃。',
    },
    detection: {
      en: 'Compares each SpiderCoordinator with the fields that agents of the installed and of the target version read. Fields that only the target version reads, and for which its CRDs have defaults, are checked by crds-current.',
      zh: '将每个 SpiderCoordinator 与当前版本和目标版本的 agent 读取的字段比较。只有目标版本读取、且其 CRD 会填入默认值的字段由 crds-current 检查。',
    },
    fix: {
      en: 'Sets the missing fields to the defaults of later CRDs, if the CRD in the cluster has them. Undo removes them.',
      zh: '如果集群中的 CRD 含有这些字段，则设为后续 CRD 的默认值。撤销时移除。',
    },
    limits: {
      en: 'CRDs of 1.0.0 and later drop detectGateway, detectIPConflict and hostRPFilter: a rollback needs them again.',
      zh: '1.0.0 及以后的 CRD 会丢弃 detectGateway、detectIPConflict 和 hostRPFilter：回滚后需要重新设置。',
    },
  },
  get sources() {
    return [
      {
        en: 'spidernet-io/spiderpool: cmd/spiderpool-agent/cmd/coordinator.go at each tag',
        zh: 'spidernet-io/spiderpool: cmd/spiderpool-agent/cmd/coordinator.go（所有 tag）',
      },
      `spidernet-io/spiderpool: ${notes().coordinatorDefaults.source}`,
      'spidernet-io/spiderpool: issue 3119, PR 3118',
    ];
  },
  get applies() {
    return { to: notes().coordinator.since, stage: 'both' as const };
  },
  needs: ['version'],
  reads,
  judge: ({ coordinators }, { path: { from, to } }) => {
    const running = typeof from === 'string' ? readBlindlyBy(from) : [];
    const coming =
      to === undefined || to === from
        ? []
        : readBlindlyBy(to).filter((field) => !satisfies(to, notes().coordinatorDefaults.in[field] ?? '<0.0.0'));
    return coordinators.flatMap(({ ref, spec }) => {
      const lacks = (fields: string[]) => fields.filter((field) => ((spec ?? {}) as Raw)[field] === undefined);
      const [now, then] = [lacks(running), lacks(coming)];
      if (!now.length && !then.length) return [];
      const missing = [...new Set([...now, ...then])];
      const version = String(now.length ? from : to);
      const seen = missing.map((field) => `spec.${field}: null`).join('; ');
      const args = { version, missing, held: coordinatorRefusal(spec) ?? null };
      return [finding<Args>({ severity: 'blocker', key: [ref.name], objects: [ref], args, evidence: [{ seen }] })];
    });
  },
  say: ({ version, missing }, [on]) => ({
    en: `SpiderCoordinator ${on?.name ?? ''} has no ${missing.join(', ')}: agents of ${version} panic without ${missing.length === 1 ? 'it' : 'them'}`,
    zh: `SpiderCoordinator ${on?.name ?? ''} 没有 ${missing.join('、')}：${version} 的 agent 会因此崩溃`,
  }),
  remedy: {
    get pointReads() {
      return [
        ...WEBHOOK_READS,
        {
          resource: 'customresourcedefinitions.apiextensions.k8s.io',
          names: [CRD],
          columns: [
            asIs(
              'spec.versions.name',
              ...Object.keys(valuesByField()).map(
                (field) => `spec.versions.schema.openAPIV3Schema.properties.spec.properties.${field}.type`,
              ),
            ),
          ],
        },
      ];
    },
    writes: [{ verbs: ['get', 'patch'], group: 'spiderpool.spidernet.io', resource: 'spidercoordinators' }],
    steps: async (found, at) => {
      const has = (await webhookRefusal(at)) ?? (await fieldsOf(at.look));
      const objects = found.flatMap((each) => each.objects);
      if ('en' in has) return [{ refused: has, objects } satisfies Refusal];
      return found.flatMap((each): (StepDraft | Refusal)[] => {
        const absent = each.args.missing.filter((field) => !has.fields.includes(field));
        const refused = absent.length ? unknownTo(absent) : each.args.held;
        return refused ? [{ refused, objects: each.objects }] : each.objects.map((on) => filled(on, each.args));
      });
    },
  },
};
export default check;

/** What the CRD in the cluster has: another field would be dropped without a word. */
async function fieldsOf(look: PointReader): Promise<{ fields: string[] } | Text> {
  const crd = await look.get({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: CRD });
  if (isGap(crd)) return describeGap(crd);
  const all = ((crd?.spec as Raw | undefined)?.versions ?? []) as {
    schema?: { openAPIV3Schema?: { properties?: { spec?: { properties?: Raw } } } };
  }[];
  return { fields: all.flatMap(({ schema }) => Object.keys(schema?.openAPIV3Schema?.properties?.spec?.properties ?? {})) };
}

const unknownTo = (fields: string[]): Text => ({
  en: `the CRD in the cluster has no ${fields.join(', ')} and would drop it: apply the CRDs of the target version first (crds-current)`,
  zh: `集群中的 CRD 没有 ${fields.join('、')}，会将其丢弃：请先应用目标版本的 CRD（crds-current）`,
});

const filled = (on: Ref, { missing, version }: Args) =>
  setFields(
    on,
    missing.map((field) => ({ path: `/spec/${field}`, after: valuesByField()[field]!.default })),
    {
      en: `set ${missing.map((field) => `spec.${field}`).join(', ')} of SpiderCoordinator ${on.name}, which agents of ${version} read`,
      zh: `设置 SpiderCoordinator ${on.name} 的 ${missing.map((field) => `spec.${field}`).join('、')}（${version} 的 agent 会读取）`,
    },
  );
