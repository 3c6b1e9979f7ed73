// Fields that the older version does not know: its API server drops them with the next write of the object, and what runs there never heeds them.
// Source: knowledge/fields.json, from generated.proto of k8s.io/api of each minor.
import { finding } from '../../../engine/builders.ts';
import type { Check, Column, ListRead, Ref, Rows } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { having, list } from '../../../engine/read/index.ts';
import { pluralOf } from '../apis.ts';
import { apis, fields } from '../knowledge/tables.ts';
import { later } from '../reads.ts';
import { templates } from '../templates.ts';
import { isLeft, minorsLeft } from '../way-back.ts';

type Row = { ref: Ref; set: string[] };
type Listed = ListRead<Row> & { optional: true };
const fieldsOf = (kind: string) =>
  fields()
    .fields.filter((row) => row.kind === kind)
    .map(({ field }) => field);
const resourceOf = (kind: string): string => {
  const { group } = apis().apis.find((row) => row.kind === kind && /^v\d+$/.test(row.version) && row.group !== 'extensions') ?? {};
  return group ? `${pluralOf(kind)}.${group}` : pluralOf(kind);
};
/** Of Pods the templates: they outlive the Pods. StatefulSets and CronJobs have fields of their own besides. */
const reads = later((): Record<string, Listed> => {
  const options = { optional: true as const, only: ({ set }: { set: string[] }) => set.length > 0 };
  const ofPods = templates<{ set: Column<string[]> }>((at) => ({ set: having(fieldsOf('Pod').map((field) => `${at}.${field}`)) }), {
    only: options.only,
  });
  const kinds = [...new Set(fields().fields.map(({ kind }) => kind))].filter((kind) => kind !== 'Pod');
  return {
    ...ofPods,
    ...Object.fromEntries(kinds.map((kind) => [kind, list(resourceOf(kind), { set: having(fieldsOf(kind)) }, options)])),
  };
});
/** `spec.template.spec.hostUsers` is `spec.hostUsers` of a Pod. */
const inTable = (field: string): string => field.replace(/^spec\.(?:jobTemplate\.spec\.)?template\./, '');

interface Args {
  field: string;
  kind: string;
  since: string;
  older: string;
}

const check: Check<Record<string, Listed>, Args> = {
  id: 'kubernetes/way-back-fields',
  title: { en: 'objects use only fields the older version has', zh: '对象只使用旧版本具有的字段' },
  headline: { en: 'objects use fields the older version does not have', zh: '对象使用了旧版本没有的字段' },
  page: {
    impact: {
      en: 'An older API server does not know the field: the next write of the object drops it, and the feature behind it stops working at once. Upgrading again does not restore it.',
      zh: '旧版本的 API 服务器不认识该字段：下一次写入对象时会丢失，对应的功能立即失效。再次升级也不会恢复。',
    },
    detection: {
      en: 'Looks in workloads, Services, volumes, autoscalers, budgets, policies, Ingresses and webhooks for fields that came with the minors in between.',
      zh: '在工作负载、Service、卷、HPA、PDB、NetworkPolicy、Ingress 和 webhook 中查找两个版本之间新增的字段。',
    },
    fix: {
      en: 'manual: save these objects before the return, and remove the field where they are declared, or apply them again after the next upgrade.',
      zh: '手动：回退前保存这些对象，并在声明它们的位置删除该字段；或在下次升级后重新应用。',
    },
    limits: {
      en: 'Not reported: fields that the older version has too, but whose feature gate is off there. Custom resources are not covered.',
      zh: '不报告旧版本已有但特性门控默认关闭的字段。不包括自定义资源。',
    },
  },
  sources: [{ en: 'kubernetes/api: generated.proto of 0.24 to 0.37', zh: 'kubernetes/api：0.24 至 0.37 的 generated.proto' }],
  applies: { stage: 'back' },
  needs: ['upgraded'],
  get reads() {
    return reads();
  },
  judge: (rows: Rows<Record<string, Listed>>, { back }) => {
    const left = minorsLeft(back!);
    const used = Object.values(rows).flatMap((all) =>
      seen(all).flatMap(({ ref, set }) =>
        set.flatMap((field) => {
          const since = sinceOf(ref.kind, field);
          return since && isLeft(since, left) ? [{ ref, field, since }] : [];
        }),
      ),
    );
    return [...Map.groupBy(used, ({ ref, field }) => `${ref.kind} ${field}`).values()].map((same) => {
      const { ref, field, since } = same[0]!;
      return finding({
        severity: 'warning',
        key: [ref.kind, field],
        objects: same.map(({ ref }) => ref),
        args: { field, kind: ref.kind, since, older: back!.to },
        evidence: [{ seen: `${field}: ${since}` }],
      });
    });
  },
  say: ({ field, kind, since, older }, { length }) => ({
    en: `${length} ${kind}${length === 1 ? ' has' : 's have'} ${field}, new in ${since}: ${older} drops it at the next write`,
    zh: `${length} 个 ${kind} 使用了 ${since} 新增的 ${field}：${older} 会在下次写入时丢弃`,
  }),
};
export default check;

const sinceOf = (kind: string, field: string): string | undefined =>
  fields().fields.find((row) => row.field === inTable(field) && (row.kind === 'Pod' ? field !== inTable(field) : row.kind === kind))?.since;
