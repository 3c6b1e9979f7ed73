// What names API versions or resources without being written in them, and loses its meaning when they go: rules of webhooks and admission policies, targets of autoscalers,
// owner references, RBAC rules, alerting rules. Nothing of it is refused by the API server. Sources: kubernetes/apiserver pkg/admission/plugin/webhook/generic/webhook.go,
// predicates/rules; kubernetes pkg/controller/garbagecollector (an owner is looked up in the version that the reference names), pkg/controller/podautoscaler (by group and kind).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Manifest, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { declaredRef, each, list, manifests, maybe, texts, word } from '../../../engine/read/index.ts';
import { isRaw } from '../../../kube/json.ts';
import { splitApiVersion } from '../../../kube/resources.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { alertRules, expressionsIn } from '../alert-rules.ts';
import { apiOf, apiVersionOf, bites, bitesInFile, goneResources, pluralOf } from '../apis.ts';
import { hopOf, minorsAhead } from '../behind.ts';
import { apis } from '../knowledge/tables.ts';
import { hooksOf, webhookReads } from '../webhooks.ts';

const RULES = { groups: texts('apiGroups'), versions: texts('apiVersions'), resources: texts('resources') };
const ROLE = { rules: each('rules', { groups: texts('apiGroups'), resources: texts('resources') }) };
/** Owners whose dependents are read: of a kind that goes in one version and stays in another. */
const OWNER = 'CronJob';
const isOwner = (hops: readonly string[]) =>
  apis().apis.some(({ kind, removed }) => kind === OWNER && removed !== undefined && hops.includes(removed));
const grants = { optional: true, concerns: (hops: readonly string[]) => goneResources(hops).size > 0 } as const;
const reads = {
  ...webhookReads({ rules: each('rules', RULES) }),
  policies: list(
    'validatingadmissionpolicies.admissionregistration.k8s.io',
    { rules: each('spec.matchConstraints.resourceRules', RULES) },
    { optional: true },
  ),
  jobs: list(
    'jobs.batch',
    { owners: each('metadata.ownerReferences', { apiVersion: word('apiVersion', ''), kind: word('kind', '') }) },
    { optional: true, concerns: isOwner, only: ({ owners }) => owners.some(({ kind }) => kind === OWNER) },
  ),
  clusterRoles: list('clusterroles.rbac.authorization.k8s.io', ROLE, grants),
  roles: list('roles.rbac.authorization.k8s.io', ROLE, grants),
  autoscalers: list(
    'horizontalpodautoscalers.autoscaling',
    { target: maybe('spec.scaleTargetRef', { apiVersion: word('apiVersion', ''), kind: word('kind', '') }) },
    { optional: true, only: ({ target }) => target !== undefined && apiOf(target.apiVersion, target.kind)?.removed !== undefined },
  ),
  targets: manifests(targetIn),
  ...alertRules,
};
type Is = 'webhook' | 'policy' | 'target' | 'owner' | 'grant' | 'rule';
interface Args {
  is: Is;
  /** The webhook, where it is one. */
  name: string;
  api: string;
  hop: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/api-references',
  title: { en: 'references name APIs that the target version serves', zh: '引用的 API 均由目标版本提供' },
  headline: { en: 'references name only APIs that are removed', zh: '引用只指向已移除或将移除的 API' },
  page: {
    impact: {
      en: 'A webhook or admission policy whose rules list only removed versions of a resource is no longer called for it: requests that it should reject or change pass unchecked. An autoscaler stops scaling a target of a removed API; an object that names its owner in a removed version is not deleted with its owner; an alerting rule about such an API matches nothing. The API server reports no error.',
      zh: '如果 webhook 或准入策略的规则只列出某资源已移除的版本，就不再对该资源生效：本应拒绝或修改的请求会直接通过。目标为已移除 API 的自动扩缩器不再生效；属主引用使用已移除版本的对象不会随属主删除；针对该 API 的告警规则匹配不到数据。API 服务器不会报错。',
    },
    detection: {
      en: 'Compares with the APIs that each minor on the way removes: rules of admission webhooks and ValidatingAdmissionPolicies, RBAC rules, owner references of Jobs, targets of autoscalers, and labels group, version and resource in the expressions of PrometheusRules and VMRules. Targets are also compared with the APIs that were removed earlier. Rules with apiVersions "*" are ignored.',
      zh: '将准入 webhook 和 ValidatingAdmissionPolicy 的规则、RBAC 规则、Job 的属主引用、自动扩缩器的目标以及 PrometheusRule 和 VMRule 表达式中的标签“group”“version”“resource”，与途经的每个次要版本移除的 API 比较。自动扩缩器的目标还会与更早移除的 API 比较。apiVersions 为“*”的规则会被忽略。',
    },
    fix: {
      en: 'manual: add the newer version to apiVersions of the rule if the webhook supports it; otherwise upgrade the webhook first. Set apiVersion of targets and owner references, and labels in expressions, to the newer version.',
      zh: '手动：如果 webhook 支持较新的版本，则将其加入规则的 apiVersions；否则先升级该 webhook。将目标和属主引用的 apiVersion 以及表达式中的标签改为较新的版本。',
    },
    limits: {
      en: 'Owner references are read only from Jobs. RBAC rules name no versions: they are reported only for resources of which every version is removed.',
      zh: '只读取 Job 的属主引用。RBAC 规则不含版本：只报告所有版本都被移除的资源。',
    },
  },
  sources: [
    'kubernetes/apiserver: pkg/admission/plugin/webhook/generic/webhook.go, pkg/admission/plugin/webhook/predicates/rules/rules.go',
    'kubernetes/kubernetes: pkg/controller/garbagecollector/garbagecollector.go, pkg/controller/podautoscaler/horizontal.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: (rows: Rows<typeof reads>, { path, cluster }) => {
    const [{ to = '' }, hops] = [path, minorsAhead({ path, cluster })];
    const policies = seen(rows.policies).map(({ ref, rules }) => ({ on: ref, name: ref.name, rules }));
    const found = [
      ...hooksOf(rows).flatMap((hook) => inRules('webhook', hook, hops)),
      ...policies.flatMap((policy) => inRules('policy', policy, hops)),
      ...targetsOf(rows)
        .filter(({ live }) => !live || hops.length)
        .flatMap((scaled) => inTarget(scaled, to)),
      ...owned(seen(rows.jobs), hops),
      ...granted([...seen(rows.clusterRoles), ...seen(rows.roles)], hops),
      ...watched(expressionsIn(rows), hops),
    ];
    return found.map((each) => ({ ...each, hop: each.hop && hopOf(path, each.hop) }));
  },
  say: (args, objects) => SAYS[args.is](args, objects),
};
export default check;

// ---- rules of webhooks and policies ---------------------------------------------------------------------------------

interface Rule {
  groups: string[];
  versions: string[];
  resources: string[];
}

function inRules(is: Is, { on, name, rules }: { on: Ref; name: string; rules: Rule[] }, hops: readonly string[]): Finding<Args>[] {
  return rules.flatMap(({ groups, versions, resources }) =>
    groups.flatMap((group) =>
      resources.flatMap((resource) => {
        const hop = goneAt(group, versions, resource.split('/')[0]!, hops);
        if (!hop || isCoveredAfter(rules, group, resource.split('/')[0]!, hop)) return [];
        const api = `${versions.map((version) => apiVersionOf({ group, version })).join(', ')} ${resource}`;
        const seen = is === 'webhook' ? `webhooks[name=${name}].rules: ${api}` : `spec.matchConstraints.resourceRules: ${api}`;
        return [
          finding({
            severity: 'warning',
            key: [on.kind, on.name, name, api],
            objects: [on],
            args: { is, name, api, hop },
            evidence: [{ seen }],
            hop,
          }),
        ];
      }),
    ),
  );
}

/** The hop after which none of these versions of the resource is served (of `*`: of any); undefined: one stays, or they were gone before, or it is not a kind of Kubernetes. */
function goneAt(group: string, versions: readonly string[], resource: string, hops: readonly string[]): string | undefined {
  const rows = apis().apis.filter((row) => row.group === group && (resource === '*' || pluralOf(row.kind) === resource));
  const last = lastOf(versions.map((version) => lastOf(rows.filter((row) => row.version === version).map(({ removed }) => removed))));
  return last && hops.includes(last) ? last : undefined;
}

/** Another rule of the same webhook or policy names a version of the resource that stays: it is called on. */
function isCoveredAfter(rules: readonly Rule[], group: string, resource: string, hop: string): boolean {
  const stays = (version: string) =>
    version === '*' ||
    apis().apis.some(
      (row) =>
        row.group === group &&
        row.version === version &&
        (resource === '*' || pluralOf(row.kind) === resource) &&
        !(row.removed && minorOf(row.removed) <= minorOf(hop)),
    );
  return rules.some(
    ({ groups, versions, resources }) =>
      (groups.includes(group) || groups.includes('*')) &&
      resources.some((each) => each.startsWith('*') || each.split('/')[0] === resource) &&
      versions.some(stays),
  );
}

/** The minor that removes the last of them; undefined: one stays, or there is none. */
function lastOf(removed: readonly (string | undefined)[]): string | undefined {
  if (!removed.length || removed.some((minor) => minor === undefined)) return undefined;
  return removed.reduce((a, b) => (minorOf(a!) >= minorOf(b!) ? a : b));
}

// ---- targets, owners, grants ----------------------------------------------------------------------------------------

interface Target {
  apiVersion: string;
  kind: string;
}

/** What an autoscaler of a file scales. */
function targetIn(manifest: Manifest): { ref: Ref; target: Target } | undefined {
  const { object } = manifest;
  const spec = isRaw(object.spec) ? object.spec : {};
  const target = [spec.scaleTargetRef, spec.targetRef].find(isRaw);
  if (!target || typeof target.apiVersion !== 'string' || typeof target.kind !== 'string') return undefined;
  return { ref: declaredRef(manifest), target: { apiVersion: target.apiVersion, kind: target.kind } };
}

interface Scaled {
  ref: Ref;
  target: Target;
  /** In a cluster: what went earlier is a matter of no hop, and is told on the way to the next. */
  live?: true;
}

/** What a file declares is among the lists too. */
function targetsOf({ autoscalers, targets }: Pick<Rows<typeof reads>, 'autoscalers' | 'targets'>): Scaled[] {
  const nameOf = ({ kind, namespace, name }: Ref) => [kind, namespace, name].join(' ');
  const declared = new Set(targets.map(({ ref }) => nameOf(ref)));
  const live = seen(autoscalers).flatMap(({ ref, target }) =>
    target && !declared.has(nameOf(ref)) ? [{ ref, target, live: true as const }] : [],
  );
  return [...live, ...targets];
}

/** It is found by its group and kind: a version that goes does not matter as long as the group serves another. */
function inTarget({ ref, target: { apiVersion, kind }, live }: Scaled, to: string): Finding<Args>[] {
  const found = bitesInFile(apiVersion, kind, to);
  const [group] = splitApiVersion(apiVersion);
  const stays = apis().apis.some(
    (row) => row.group === group && row.kind === kind && !(row.removed && minorOf(row.removed) <= minorOf(to)),
  );
  if (found?.severity !== 'blocker' || stays) return [];
  const api = `${apiVersion} ${kind}`;
  const evidence = [{ seen: `apiVersion: ${apiVersion}, kind: ${kind}` }];
  return [
    finding({
      severity: 'warning',
      key: ['target', ref.kind, ref.namespace ?? '', ref.name],
      objects: [ref],
      args: { is: 'target', name: '', api, hop: found.minor! },
      evidence,
      ...(live ? {} : { hop: found.minor }),
    }),
  ];
}

function owned(jobs: readonly { ref: Ref; owners: Target[] }[], hops: readonly string[]): Finding<Args>[] {
  const found = jobs.flatMap(({ ref, owners }) =>
    owners.flatMap(({ apiVersion, kind }) => {
      const bitten = bites(apiVersion, kind, hops);
      return bitten?.severity === 'blocker' ? [{ ref, api: `${apiVersion} ${kind}`, hop: bitten.minor! }] : [];
    }),
  );
  return [...Map.groupBy(found, ({ api }) => api)].map(([api, same]) => {
    const { hop } = same[0]!;
    const objects = same.map(({ ref }) => ref);
    return finding({
      severity: 'notice',
      key: ['owner', api],
      objects,
      args: { is: 'owner', name: '', api, hop },
      evidence: [{ seen: `metadata.ownerReferences: ${api}` }],
      hop,
    });
  });
}

/** Roles that Kubernetes keeps itself are of its own version; those that `rbac` prints name what may have to be read. */
const isOwnRole = ({ name }: Ref): boolean => /^(?:system:|upgrade-guard)/.test(name);

function granted(
  roles: readonly { ref: Ref; rules: { groups: string[]; resources: string[] }[] }[],
  hops: readonly string[],
): Finding<Args>[] {
  const gone = goneResources(hops);
  const found = roles
    .filter(({ ref }) => !isOwnRole(ref))
    .flatMap(({ ref, rules }) => {
      const named = rules.flatMap(({ groups, resources }) =>
        groups.flatMap((group) => resources.map((resource) => `${resource.split('/')[0]}.${group}`)),
      );
      return [...new Set(named)].flatMap((api) => (gone.has(api) ? [{ ref, api, hop: gone.get(api)! }] : []));
    });
  return [...Map.groupBy(found, ({ api }) => api)].map(([api, same]) => {
    const { hop } = same[0]!;
    const objects = same.map(({ ref }) => ref);
    return finding({
      severity: 'notice',
      key: ['grant', api],
      objects,
      args: { is: 'grant', name: '', api, hop },
      evidence: [{ seen: `rules[].resources: ${api}` }],
      hop,
    });
  });
}

// ---- alerting rules -------------------------------------------------------------------------------------------------

function watched(rules: readonly { ref: Ref; exprs: string[] }[], hops: readonly string[]): Finding<Args>[] {
  const found = rules.flatMap(({ ref, exprs }) => {
    const gone = exprs.flatMap((expr) => goneSeries(expr, hops));
    return [...new Map(gone.map((each) => [each.api, { ref, ...each }])).values()];
  });
  return [...Map.groupBy(found, ({ api }) => api)].map(([api, same]) => {
    const { hop } = same[0]!;
    const objects = same.map(({ ref }) => ref);
    return finding({
      severity: 'notice',
      key: ['rule', api],
      certainty: 'medium',
      objects,
      args: { is: 'rule', name: '', api, hop },
      evidence: [{ seen: `spec.groups[].rules[].expr: ${api}` }],
      hop,
    });
  });
}

/** A rule about requests for what is deprecated has done its work then. */
const OF_DEPRECATED = 'apiserver_requested_deprecated_apis';

/** Selectors such as `{group="policy",version="v1beta1",resource="poddisruptionbudgets"}`, of which a minor on the way serves nothing any more. */
function goneSeries(expr: string, hops: readonly string[]): { api: string; hop: string }[] {
  return [...expr.matchAll(/([A-Za-z_:][\w:]*)?\s*\{([^{}]*)\}/g)].flatMap(([, metric, inner = '']) => {
    const labels = new Map([...inner.matchAll(/(\w+)\s*=\s*["']([^"']*)["']/g)].map(([, name, value]) => [name, value]));
    const [plural = '', ...ofGroup] = (labels.get('resource') ?? '').split('.');
    const group = labels.get('group') ?? (ofGroup.length ? ofGroup.join('.') : undefined);
    const version = labels.get('version');
    const rows = apis().apis.filter(
      (row) => pluralOf(row.kind) === plural && (group ?? row.group) === row.group && (version ?? row.version) === row.version,
    );
    const hop = lastOf(rows.map(({ removed }) => removed));
    if (metric === OF_DEPRECATED || !hop || !hops.includes(hop)) return [];
    const [first] = rows;
    return [{ api: version ? `${apiVersionOf(first!)} ${plural}` : `${plural}.${first!.group}`, hop }];
  });
}

const SAYS: Record<Is, (args: Args, objects: readonly Ref[]) => Text> = {
  webhook: ({ name, api, hop }) => ({
    en: `webhook ${name} is called only for ${api}: removed in ${hop}, the webhook is no longer called`,
    zh: `webhook ${name} 只匹配 ${api}：该版本在 ${hop} 中移除，之后该 webhook 不再被调用`,
  }),
  policy: ({ name, api, hop }) => ({
    en: `ValidatingAdmissionPolicy ${name} matches only ${api}: removed in ${hop}, the policy no longer applies`,
    zh: `ValidatingAdmissionPolicy ${name} 只匹配 ${api}：该版本在 ${hop} 中移除，之后该策略不再生效`,
  }),
  target: ({ api, hop }, [on]) => ({
    en: `${on?.kind ?? ''} ${[on?.namespace, on?.name].filter(Boolean).join('/')} scales ${api}: removed in ${hop}, it no longer scales`,
    zh: `${on?.kind ?? ''} ${[on?.namespace, on?.name].filter(Boolean).join('/')} 的目标为 ${api}：该版本在 ${hop} 中移除，无法再扩缩`,
  }),
  owner: ({ api, hop }, { length }) => ({
    en: `${length} Job${length === 1 ? ' names its' : 's name their'} owner as ${api}, removed in ${hop}: the Job${length === 1 ? ' is' : 's are'} not deleted with the owner`,
    zh: `${length} 个 Job 的属主引用为 ${api}：该版本在 ${hop} 中移除，之后删除属主时不会删除这些 Job`,
  }),
  grant: ({ api, hop }, { length }) => ({
    en: `${length} role${length === 1 ? ' grants' : 's grant'} access to ${api}: removed in ${hop}, the rule grants nothing any more`,
    zh: `${length} 个角色授予了对 ${api} 的权限：该资源在 ${hop} 中移除，规则不再起作用`,
  }),
  rule: ({ api, hop }, { length }) => ({
    en: `${length} rule object${length === 1 ? ' selects' : 's select'} metrics of ${api}: removed in ${hop}, the expression matches nothing`,
    zh: `${length} 个规则对象查询 ${api} 的指标：该 API 在 ${hop} 中移除，表达式匹配不到数据`,
  }),
};
