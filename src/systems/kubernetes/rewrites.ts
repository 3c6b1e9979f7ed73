// API versions of which a manifest becomes the next one by its apiVersion alone (fix -f), and for the others what a person decides.
// Sources: the types of both versions compared field by field (generated.proto of k8s.io/api v0.25.9 and v0.37.2; a test holds them on real API servers), and
// kubernetes/website content/en/docs/reference/using-api/deprecation-guide.md for what differs in meaning and in defaults.
import type { Json, Raw, Ref, Refusal, StepDraft, Text } from '../../engine/contracts.ts';
import { isEmpty } from '../../kube/budgets.ts';
import { isRaw } from '../../kube/json.ts';
import { refOf } from '../../kube/refs.ts';
import { splitApiVersion } from '../../kube/resources.ts';

/** Versions between which nothing but the name differs, for objects of which `unless` does not hold. */
interface Same {
  group: string;
  versions: string;
  kinds: string;
  unless?(object: Raw): boolean;
}

const at = (object: Raw, ...keys: string[]): unknown =>
  keys.reduce<unknown>((value, key) => (isRaw(value as Raw) ? (value as Raw)[key] : undefined), object);

const hasEmptySelector = (object: Raw): boolean => isEmpty(at(object, 'spec', 'selector') as Json | undefined);

export const SAME: readonly Same[] = [
  { group: 'batch', versions: 'v1beta1 v1', kinds: 'CronJob' },
  // An empty selector selects no Pod in v1beta1, and every Pod in v1.
  { group: 'policy', versions: 'v1beta1 v1', kinds: 'PodDisruptionBudget', unless: (object) => hasEmptySelector(object) },
  { group: 'autoscaling', versions: 'v2beta2 v2', kinds: 'HorizontalPodAutoscaler' },
  { group: 'node.k8s.io', versions: 'v1beta1 v1', kinds: 'RuntimeClass' },
  { group: 'scheduling.k8s.io', versions: 'v1beta1 v1', kinds: 'PriorityClass' },
  { group: 'coordination.k8s.io', versions: 'v1beta1 v1', kinds: 'Lease' },
  { group: 'apiregistration.k8s.io', versions: 'v1beta1 v1', kinds: 'APIService' },
  { group: 'rbac.authorization.k8s.io', versions: 'v1beta1 v1', kinds: 'ClusterRole ClusterRoleBinding Role RoleBinding' },
  { group: 'authentication.k8s.io', versions: 'v1beta1 v1', kinds: 'TokenReview SelfSubjectReview' },
  { group: 'authorization.k8s.io', versions: 'v1beta1 v1', kinds: 'SelfSubjectAccessReview SelfSubjectRulesReview' },
  { group: 'storage.k8s.io', versions: 'v1beta1 v1', kinds: 'CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment' },
  { group: 'storage.k8s.io', versions: 'v1alpha1 v1beta1 v1', kinds: 'VolumeAttributesClass' },
  { group: 'networking.k8s.io', versions: 'v1beta1 v1', kinds: 'IngressClass IPAddress ServiceCIDR' },
  { group: 'flowcontrol.apiserver.k8s.io', versions: 'v1beta1 v1beta2 v1beta3 v1', kinds: 'FlowSchema' },
  { group: 'flowcontrol.apiserver.k8s.io', versions: 'v1beta1 v1beta2', kinds: 'PriorityLevelConfiguration' },
  // A share of 0 means the default of 30 in v1beta3, and none at all in v1.
  {
    group: 'flowcontrol.apiserver.k8s.io',
    versions: 'v1beta3 v1',
    kinds: 'PriorityLevelConfiguration',
    unless: (object) => at(object, 'spec', 'limited', 'nominalConcurrencyShares') === 0,
  },
  {
    group: 'admissionregistration.k8s.io',
    versions: 'v1beta1 v1',
    kinds: 'ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding',
  },
  { group: 'resource.k8s.io', versions: 'v1beta2 v1', kinds: 'DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice' },
  { group: 'certificates.k8s.io', versions: 'v1alpha1 v1beta1 v1', kinds: 'ClusterTrustBundle' },
  { group: 'storagemigration.k8s.io', versions: 'v1beta1 v1', kinds: 'StorageVersionMigration' },
];

/** Does this object become one of `to` by its apiVersion alone? */
export function isSame(object: Raw, to: string): boolean {
  const { apiVersion, kind } = refOf(object);
  const [[group, version], [toGroup, toVersion]] = [splitApiVersion(apiVersion), splitApiVersion(to)];
  const has = (words: string, word: string) => words.split(' ').includes(word);
  return SAME.some(
    ({ group: of, versions, kinds, unless }) =>
      of === group && of === toGroup && has(versions, version) && has(versions, toVersion) && has(kinds, kind) && !unless?.(object),
  );
}

/** What a person decides, by the kind and the version that it is declared in. `when`: only for such objects. */
const DECISIONS: { apiVersions: string; kinds: string; when?(object: Raw): boolean; decide: Text }[] = [
  {
    apiVersions: 'extensions/v1beta1 networking.k8s.io/v1beta1',
    kinds: 'Ingress',
    decide: {
      en: 'choose a pathType for each path and name backends by service.name and service.port',
      zh: '为每个路径选择 pathType，以 service.name 和 service.port 指定 backend',
    },
  },
  {
    apiVersions: 'autoscaling/v2beta1',
    kinds: 'HorizontalPodAutoscaler',
    decide: {
      en: 'give each metric a target with type Utilization, AverageValue or Value',
      zh: '为每个指标设置 target，其 type 为 Utilization、AverageValue 或 Value',
    },
  },
  {
    apiVersions: 'policy/v1beta1 extensions/v1beta1',
    kinds: 'PodSecurityPolicy',
    decide: { en: 'choose a Pod Security Standard for each namespace', zh: '为每个命名空间选择 Pod 安全标准' },
  },
  {
    apiVersions: 'policy/v1beta1',
    kinds: 'PodDisruptionBudget',
    when: (object) => hasEmptySelector(object),
    decide: {
      en: 'check its empty selector: it selects no Pod in v1beta1, and every Pod in v1',
      zh: '核对空的 selector：在 v1beta1 中不选中任何 Pod，在 v1 中选中所有 Pod',
    },
  },
  {
    apiVersions: 'apps/v1beta1 apps/v1beta2 extensions/v1beta1',
    kinds: 'Deployment DaemonSet ReplicaSet StatefulSet',
    decide: {
      en: 'set spec.selector (it cannot be changed later), and check the new defaults of the update strategy',
      zh: '设置 spec.selector（之后无法修改），并核对更新策略的新默认值',
    },
  },
  {
    apiVersions: 'apiextensions.k8s.io/v1beta1',
    kinds: 'CustomResourceDefinition',
    decide: { en: 'give each version a structural schema', zh: '为每个版本提供结构化 schema' },
  },
  {
    apiVersions: 'admissionregistration.k8s.io/v1beta1',
    kinds: 'MutatingWebhookConfiguration ValidatingWebhookConfiguration',
    decide: {
      en: 'set sideEffects and admissionReviewVersions, and check the new defaults of failurePolicy and timeoutSeconds',
      zh: '设置 sideEffects 和 admissionReviewVersions，并核对 failurePolicy 和 timeoutSeconds 的新默认值',
    },
  },
  {
    apiVersions: 'flowcontrol.apiserver.k8s.io/v1beta1 flowcontrol.apiserver.k8s.io/v1beta2',
    kinds: 'PriorityLevelConfiguration',
    decide: {
      en: 'rename spec.limited.assuredConcurrencyShares to nominalConcurrencyShares from v1beta3 on',
      zh: '自 v1beta3 起将 spec.limited.assuredConcurrencyShares 改名为 nominalConcurrencyShares',
    },
  },
  {
    apiVersions: 'flowcontrol.apiserver.k8s.io/v1beta3',
    kinds: 'PriorityLevelConfiguration',
    when: (object) => at(object, 'spec', 'limited', 'nominalConcurrencyShares') === 0,
    decide: {
      en: 'decide what nominalConcurrencyShares 0 means: the default 30 until now, none from then on',
      zh: '确认 nominalConcurrencyShares 为 0 的含义：此前为默认值 30，此后为 0',
    },
  },
  {
    apiVersions: 'certificates.k8s.io/v1beta1',
    kinds: 'CertificateSigningRequest',
    decide: { en: 'set spec.signerName and spec.usages', zh: '设置 spec.signerName 和 spec.usages' },
  },
  {
    apiVersions: 'discovery.k8s.io/v1beta1',
    kinds: 'EndpointSlice',
    decide: { en: 'replace topology with nodeName and zone', zh: '将 topology 改为 nodeName 和 zone' },
  },
  {
    apiVersions: 'authorization.k8s.io/v1beta1',
    kinds: 'SubjectAccessReview LocalSubjectAccessReview',
    decide: { en: 'rename spec.group to spec.groups', zh: '将 spec.group 改名为 spec.groups' },
  },
  {
    apiVersions: 'resource.k8s.io/v1beta1',
    kinds: 'ResourceClaim ResourceClaimTemplate ResourceSlice',
    decide: {
      en: 'move the fields of each request into exactly, and the fields of each device out of basic',
      zh: '将各请求的字段移入 exactly，将各设备的字段移出 basic',
    },
  },
];

/** undefined: its apiVersion is all that changes, or nothing is known of more. */
export function decisionOf(object: Raw, to: string | undefined): Text | undefined {
  const { apiVersion, kind } = refOf(object);
  if (to !== undefined && isSame(object, to)) return undefined;
  return DECISIONS.find(
    ({ apiVersions, kinds, when }) =>
      apiVersions.split(' ').includes(apiVersion) && kinds.split(' ').includes(kind) && (when?.(object) ?? true),
  )?.decide;
}

/** The file's own repair; or why only a person can make it. */
export function rewritten(on: Ref, declared: Raw | undefined, to: string | undefined): StepDraft | Refusal | undefined {
  if (!declared) return undefined;
  const { apiVersion, kind } = refOf(declared);
  if (to === undefined || !isSame(declared, to)) {
    const decide = decisionOf(declared, to);
    const instead = to === undefined ? NO_SUCCESSOR : { en: `${apiVersion} becomes ${to}`, zh: `${apiVersion} 改为 ${to}` };
    return {
      refused: decide ? { en: `${instead.en}: ${decide.en}`, zh: `${instead.zh}${to === undefined ? '：' : '，并'}${decide.zh}` } : instead,
      objects: [on],
    };
  }
  const { file, line, ...plain } = on;
  const name = `${kind} ${[on.namespace, on.name].filter(Boolean).join('/')}`;
  const said: Text =
    file === undefined ? { en: name, zh: `${name} ` } : { en: `${kind} (${file}:${line})`, zh: `${kind}（${file}:${line}）` };
  return {
    do: 'patch',
    on: plain,
    changes: [{ path: '/apiVersion', before: apiVersion, after: to }],
    guard: [],
    optional: true,
    undo: 'exact',
    text: { en: `set apiVersion of ${said.en} to ${to}`, zh: `将 ${said.zh}的 apiVersion 改为 ${to}` },
  };
}

const NO_SUCCESSOR: Text = { en: 'there is no successor', zh: '没有后继版本' };
