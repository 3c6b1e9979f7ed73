// Webhooks whose rules list only API versions that a minor on the way removes: they are no longer called, without an error, since an equivalent version is looked for among
// those that are served. Sources: kubernetes/apiserver pkg/admission/plugin/webhook/generic/webhook.go, predicates/rules.
// The target of a HorizontalPodAutoscaler is found by its group and kind alone: a version that goes does not matter there.
import type { Check, Finding, Ref, Rows } from '../../../engine/contracts.ts';
import { each, texts } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { apiVersionOf, pluralOf } from '../apis.ts';
import { apis } from '../knowledge/tables.ts';
import { hooksOf, webhookReads } from '../webhooks.ts';

const reads = webhookReads({
  rules: each('rules', { groups: texts('apiGroups'), versions: texts('apiVersions'), resources: texts('resources') }),
});
interface Args {
  webhook: string;
  api: string;
  hop: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/api-references',
  title: { en: 'webhook rules list an API version that stays', zh: 'webhook 的规则包含会保留的 API 版本' },
  headline: { en: 'webhook rules list only API versions that are removed', zh: 'webhook 的规则只列出将被移除的 API 版本' },
  page: {
    impact: {
      en: 'A webhook whose rules list only removed versions of a resource is no longer called for it: what it should reject or change passes. The API server reports no error.',
      zh: '如果规则只列出某资源已移除的版本，该 webhook 不再被调用：本应拒绝或修改的请求会直接通过，且 API 服务器不会报错。',
    },
    detection: {
      en: 'Compares the rules of admission webhooks with the API versions that each minor on the way removes. Rules with apiVersions "*" are ignored.',
      zh: '将准入 webhook 的规则与途经的每个次要版本移除的 API 版本比较。apiVersions 为“*”的规则会被忽略。',
    },
    fix: {
      en: 'manual: add the newer version to apiVersions of the rule, where the webhook understands it; else upgrade the webhook first.',
      zh: '手动：如果 webhook 支持较新的版本，则将其加入规则的 apiVersions；否则先升级该 webhook。',
    },
    limits: { en: 'RBAC rules name no versions and are not covered.', zh: 'RBAC 规则不含版本，不在检查范围内。' },
  },
  sources: [
    'kubernetes/apiserver: pkg/admission/plugin/webhook/generic/webhook.go, pkg/admission/plugin/webhook/predicates/rules/rules.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: (rows: Rows<typeof reads>, { path: { hops } }) =>
    hooksOf(rows).flatMap(({ on, name, rules }) =>
      rules.flatMap(({ groups, versions, resources }) =>
        groups.flatMap((group) =>
          resources.flatMap((resource) => {
            const hop = goneAt(group, versions, resource.split('/')[0]!, hops);
            const api = `${versions.map((version) => apiVersionOf({ group, version })).join(', ')} ${resource}`;
            return hop ? [finding(on, { webhook: name, api, hop })] : [];
          }),
        ),
      ),
    ),
  say: ({ webhook, api, hop }) => ({
    en: `webhook ${webhook} is called only for ${api}: removed in ${hop}, the webhook is no longer called`,
    zh: `webhook ${webhook} 只匹配 ${api}：该版本在 ${hop} 中移除，之后不再被调用`,
  }),
};
export default check;

/** The hop after which none of these versions of the resource is served; undefined: one stays, or they were gone before, or it is not a kind of Kubernetes. */
function goneAt(group: string, versions: readonly string[], resource: string, hops: readonly string[]): string | undefined {
  const rows = apis().apis.filter((row) => row.group === group && pluralOf(row.kind) === resource);
  const removed = versions.map((version) => rows.find((row) => row.version === version)?.removed);
  if (!removed.length || removed.some((minor) => minor === undefined)) return undefined;
  const last = removed.reduce((a, b) => (minorOf(a!) >= minorOf(b!) ? a : b))!;
  return hops.includes(last) ? last : undefined;
}

const finding = (on: Ref, args: Args): Finding<Args> => ({
  severity: 'warning',
  key: [on.kind, on.name, args.webhook, args.api],
  certainty: 'certain',
  objects: [on],
  args,
  evidence: [{ seen: `webhooks[name=${args.webhook}].rules: ${args.api}`, at: on }],
  hop: args.hop,
});
