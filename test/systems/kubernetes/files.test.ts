// What manifests alone answer for Kubernetes (check -f --offline): each finding with file and line, and the exit codes of a pipeline.
import { expect, test } from 'vitest';
import { checkText } from '../../check-files.ts';

const TO = (minor: string) => ['--to', `kubernetes=${minor}`];
const APISERVER = (flags: string) => `# kubeadm keeps it in /etc/kubernetes/manifests
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
  labels: {component: kube-apiserver, tier: control-plane}
spec:
  containers:
    - name: kube-apiserver
      image: registry.k8s.io/kube-apiserver:v1.36.4
      command: [kube-apiserver, ${flags}]
`;
const HOOK = (versions: string) => `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: budgets}
webhooks:
  - name: budgets.example.com
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {namespace: hooks, name: budgets}}
    rules: [{apiGroups: [policy], apiVersions: [${versions}], resources: [poddisruptionbudgets], operations: [CREATE]}]
`;
const BUDGET = (most: string) => `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {maxUnavailable: ${most}, selector: {matchLabels: {app: web}}}
`;
const DEPLOYMENT = (volume: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: registry.example/web:1}]
      volumes: [{name: data, ${volume}}]
`;
const SERVICE = (ip: string) => `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: ${ip}, ports: [{port: 80}]}
`;
const RULE = (expr: string) => `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: rules, namespace: monitoring}
spec: {groups: [{name: g, rules: [{alert: a, expr: '${expr}'}]}]}
`;

test.each<[string, string, string, string, string]>([
  [
    'a gate on the command line of a static Pod',
    APISERVER('--feature-gates=NodeSwap=true'),
    '1.38',
    'component-flags',
    'Pod/kube-system/kube-apiserver a.yaml:2',
  ],
  [
    'audit logs without a bound',
    APISERVER('--audit-log-path=/var/log/audit.log'),
    '1.36',
    'audit-log-retention',
    'Pod/kube-system/kube-apiserver a.yaml:2',
  ],
  ['a flag', APISERVER('--cloud-provider=aws'), '1.33', 'component-flags', 'Pod/kube-system/kube-apiserver a.yaml:2'],
  ['rules of a webhook', HOOK('v1beta1'), '1.25', 'api-references', 'ValidatingWebhookConfiguration/budgets a.yaml:1'],
  ['a budget that keeps everything', BUDGET('0'), '1.37', 'pdb-blocks-drain', 'PodDisruptionBudget/shop/web a.yaml:1'],
  ['a budget in percent', BUDGET("'0%'"), '1.37', 'pdb-blocks-drain', 'PodDisruptionBudget/shop/web a.yaml:1'],
  [
    'a budget that keeps everything, beside a Pod of something else',
    `${BUDGET('0')}---\n${APISERVER('--v=2')}`,
    '1.37',
    'pdb-blocks-drain',
    'PodDisruptionBudget/shop/web a.yaml:1',
  ],
  ['an address with leading zeros', SERVICE('010.0.0.1'), '1.37', 'strict-ip-cidr', 'Service/shop/web a.yaml:1'],
  [
    'a label of Nodes that is gone',
    DEPLOYMENT('emptyDir: {}').replace('containers:', 'nodeSelector: {node-role.kubernetes.io/master: ""}\n      containers:'),
    '1.37',
    'master-label',
    'Deployment/shop/web a.yaml:1',
  ],
  [
    'a volume plugin in a template',
    DEPLOYMENT('rbd: {monitors: [a], image: b}'),
    '1.31',
    'in-tree-volume-plugins',
    'Deployment/shop/web a.yaml:1',
  ],
  ['a metric', RULE('apiserver_storage_objects > 1'), '1.37', 'metric-renames', 'PrometheusRule/monitoring/rules a.yaml:1'],
])('%s', async (_, text, minor, check, object) => {
  const { found } = await checkText({ 'a.yaml': text }, ...TO(minor));
  const mine = found.filter((each) => each.check === `kubernetes/${check}`);
  expect(mine.length).toBeGreaterThan(0);
  for (const { objects } of mine) expect(objects).toEqual([object]);
});

test.each<[string, string, string, string]>([
  ['a gate that stays', APISERVER('--feature-gates=NodeSwap=true'), '1.37', 'component-flags'],
  ['rules with the version that stays', HOOK('v1beta1, v1'), '1.25', 'api-references'],
  ['a budget that lets one go', BUDGET('1'), '1.37', 'pdb-blocks-drain'],
  ['an address in its usual form', SERVICE('10.0.0.1'), '1.37', 'strict-ip-cidr'],
  ['a volume that stays', DEPLOYMENT('emptyDir: {}'), '1.37', 'in-tree-volume-plugins'],
  ['the metric that replaces it', RULE('apiserver_resource_objects > 1'), '1.37', 'metric-renames'],
])('silent: %s', async (_, text, minor, check) => {
  const { found, error } = await checkText({ 'a.yaml': text }, ...TO(minor));
  expect(error).toBeUndefined();
  expect(found.filter((each) => each.check === `kubernetes/${check}`)).toEqual([]);
});

test('a plugin that a CSI driver serves is a notice: whether the driver is installed, the files do not say', async () => {
  const { found } = await checkText({ 'a.yaml': DEPLOYMENT('awsElasticBlockStore: {volumeID: v}') }, ...TO('1.30'));
  expect(
    found.filter(({ check }) => check === 'kubernetes/in-tree-volume-plugins').map(({ severity, message }) => [severity, message]),
  ).toEqual([['notice', expect.stringContaining('needs CSIDriver ebs.csi.aws.com in the cluster')]]);
});

const AGENT = (fields: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: kube-system}\nspec: {${fields}containers: [{name: agent, image: i, envFrom: [{configMapRef: {name: c}}]}]}\n`;
test.each<[string, Record<string, string>, string, string[]]>([
  [
    'beside the control plane',
    { 'm/api.yaml': APISERVER('--v=2'), 'm/agent.yaml': AGENT('serviceAccountName: a, ') },
    '1.34',
    [
      'Pod/kube-system/agent m/agent.yaml:1: static Pod refers to serviceAccountName, configMapRef: a kubelet from 1.34 on does not start it',
    ],
  ],
  [
    'in the directory of the kubelet',
    { 'etc/kubernetes/manifests/agent.yaml': AGENT('') },
    '1.37',
    [
      'Pod/kube-system/agent etc/kubernetes/manifests/agent.yaml:1: static Pod refers to configMapRef: a kubelet from 1.34 on does not start it',
    ],
  ],
  ['before 1.34', { 'm/api.yaml': APISERVER('--v=2'), 'm/agent.yaml': AGENT('') }, '1.33', []],
  ['elsewhere: no static Pod', { 'm/api.yaml': APISERVER('--v=2'), 'n/agent.yaml': AGENT('') }, '1.37', []],
])('static Pods in files: %s', async (_, texts, minor, wanted) => {
  const { found, error } = await checkText(texts, ...TO(minor));
  expect(error).toBeUndefined();
  const mine = found.filter(({ check }) => check === 'kubernetes/static-pod-api-refs');
  expect(mine.map(({ message, objects }) => `${objects.join()}: ${message}`)).toEqual(wanted);
});

const SCALED = (kind: string, name: string, replicas: string) => `---
apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}, namespace: shop}
spec: {${replicas}selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, of: ${name}}}, spec: {containers: [{name: c, image: i}]}}}
`;
const HPA = (most: number) => `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {minReplicas: 1, maxReplicas: ${most}, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`;
const LEAST = (least: string, name = 'web') =>
  BUDGET('1').replace('maxUnavailable: 1', `minAvailable: ${least}`).replace('name: web', `name: ${name}`);
const NEVER = (kept: number, of: number) => `blocker PodDisruptionBudget shop/web keeps ${kept} of ${of} Pods: no eviction is ever allowed`;
test.each<[string, string, string[]]>([
  ['as many as replicas', `${LEAST('3')}${SCALED('Deployment', 'web', 'replicas: 3, ')}`, [NEVER(3, 3)]],
  ['one by default', `${LEAST('1')}${SCALED('StatefulSet', 'web', '')}`, [NEVER(1, 1)]],
  ['a share that is rounded up', `${LEAST('60%')}${SCALED('Deployment', 'web', 'replicas: 2, ')}`, [NEVER(2, 2)]],
  ['a share that leaves one', `${LEAST('60%')}${SCALED('Deployment', 'web', 'replicas: 3, ')}`, []],
  ['a share that may be missing is rounded up', `${BUDGET('10%')}${SCALED('Deployment', 'web', '')}`, []],
  ['fewer than replicas', `${LEAST('2')}${SCALED('Deployment', 'web', 'replicas: 3, ')}`, []],
  [
    'two workloads together',
    `${LEAST('3')}${SCALED('Deployment', 'web', 'replicas: 2, ')}${SCALED('Deployment', 'more', 'replicas: 2, ')}`,
    [],
  ],
  ['scaled beyond it', `${LEAST('3')}${SCALED('Deployment', 'web', 'replicas: 3, ')}${HPA(5)}`, []],
  ['scaled to no more than it', `${LEAST('3')}${SCALED('Deployment', 'web', '')}${HPA(3)}`, [NEVER(3, 3)]],
  ['of as many as there are Nodes', `${LEAST('3')}${SCALED('DaemonSet', 'web', '')}`, []],
  ['of none', `${LEAST('3')}${SCALED('Deployment', 'web', 'replicas: 0, ')}`, []],
  ['another namespace', `${LEAST('3')}${SCALED('Deployment', 'web', '').replace('namespace: shop', 'namespace: other')}`, []],
  [
    'two budgets over one workload',
    `${LEAST('1')}---\n${LEAST('1', 'all')}${SCALED('Deployment', 'web', 'replicas: 2, ')}`,
    ['blocker PodDisruptionBudgets shop/web, shop/all select the same 2 Pods: evicting them is refused'],
  ],
])('a budget and its workload in files: %s', async (_, text, wanted) => {
  const { found, error } = await checkText({ 'a.yaml': text }, ...TO('1.37'));
  expect(error).toBeUndefined();
  const mine = found.filter(({ check }) => check === 'kubernetes/pdb-blocks-drain');
  expect(mine.map(({ severity, message }) => `${severity} ${message}`)).toEqual(wanted);
  for (const { objects } of mine) expect(objects[0]).toBe('PodDisruptionBudget/shop/web a.yaml:1');
});

const CRON = (version: string) => `apiVersion: batch/${version}\nkind: CronJob\nmetadata: {name: x}\n`;
test.each<[string, Record<string, string>, string[], number]>([
  ['nothing found', { 'a.yaml': CRON('v1') }, TO('1.30'), 0],
  ['a blocker', { 'a.yaml': CRON('v1beta1') }, TO('1.30'), 2],
  ['only deprecated', { 'a.yaml': CRON('v1beta1') }, TO('1.24'), 0],
  ['only deprecated, and that is asked for', { 'a.yaml': CRON('v1beta1') }, [...TO('1.24'), '--fail-on', 'notice'], 2],
  ['accepted', { 'a.yaml': CRON('v1beta1') }, [...TO('1.30'), '--accept', 'kubernetes/removed-api:CronJob/default/x'], 0],
  ['a template that no one has rendered', { 'a.yaml': CRON('v1'), 'b.yaml': 'kind: {{ .Values.kind }}' }, TO('1.30'), 3],
  ['a pre-release is never passed', { 'a.yaml': CRON('v1') }, TO('1.38'), 3],
  ['beyond what is known', { 'a.yaml': CRON('v1') }, TO('1.45'), 3],
  [
    'a nested list, as JSON',
    {
      'a.json': JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [{ apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'batch/v1beta1', kind: 'CronJob', metadata: { name: 'x' } }] }],
      }),
    },
    TO('1.30'),
    2,
  ],
  [
    'CRLF, a comment behind ---, an anchor, kind before apiVersion',
    { 'a.yaml': `--- # one\r\nkind: CronJob\r\nmetadata: &m {name: x}\r\napiVersion: batch/v1beta1\r\n` },
    TO('1.30'),
    2,
  ],
])('exit code, and complete in JSON: %s', async (_, texts, words, exit) => {
  const checked = await checkText(texts, ...words);
  expect(checked.exit).toBe(exit);
  if (exit !== 2) expect(checked.complete).toBe(exit === 0);
});

test('the advice names a version that the target serves', async () => {
  const of = async (apiVersion: string, kind: string, minor: string) =>
    (
      await checkText({ 'a.yaml': `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\nspec: {}\n` }, ...TO(minor))
    ).found[0]?.message.match(/; use (\S+?)(?:,|$)/)?.[1];
  expect(await of('flowcontrol.apiserver.k8s.io/v1beta1', 'FlowSchema', '1.26')).toBe('flowcontrol.apiserver.k8s.io/v1beta3');
  expect(await of('flowcontrol.apiserver.k8s.io/v1beta1', 'FlowSchema', '1.32')).toBe('flowcontrol.apiserver.k8s.io/v1');
  expect(await of('extensions/v1beta1', 'Ingress', '1.22')).toBe('networking.k8s.io/v1');
  expect(await of('networking.k8s.io/v1beta1', 'IngressClass', '1.22')).toBe('networking.k8s.io/v1');
});

test('an object that is declared twice is found where it is old', async () => {
  const { found } = await checkText(
    { 'a.yaml': CRON('v1beta1'), 'b.yaml': `# newer\n${CRON('v1')}`, 'c.yaml': `---\n# old too\n${CRON('v1beta1')}` },
    ...TO('1.30'),
  );
  expect(found.flatMap(({ objects }) => objects)).toEqual(['CronJob/default/x a.yaml:1', 'CronJob/default/x c.yaml:3']);
});

const MARKED = (given: string) =>
  `${CRON('v1').replace('{name: x}', '')}  name: x\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"batch/v1beta1","kind":"CronJob"}'\n${given}`;
test.each<[string, string, string[], number]>([
  ['a manifest: the next apply overwrites it', '', [], 0],
  ['a manifest exported without what the cluster gave', '  creationTimestamp: null\n  generation: 1\n', [], 0],
  ['taken out of a cluster, by its uid', '  uid: 93674123-01f1-4a10-a829-ff0751cf13da\n', ['CronJob/default/x a.yaml:1'], 2],
  ['by its resourceVersion', '  resourceVersion: "647052"\n', ['CronJob/default/x a.yaml:1'], 2],
  [
    'by its managedFields',
    '  managedFields: [{manager: kubectl-client-side-apply, operation: Update, apiVersion: batch/v1beta1, time: "2021-01-01T00:00:00Z"}]\n',
    ['CronJob/default/x a.yaml:1'],
    2,
  ],
])('the last-applied annotation of %s', async (_, given, objects, exit) => {
  const checked = await checkText({ 'a.yaml': MARKED(given) }, ...TO('1.37'));
  expect(checked.error).toBeUndefined();
  expect([checked.found.flatMap((each) => each.objects), checked.exit]).toEqual([objects, exit]);
});

test.each<[string, string]>([
  ['skaffold', 'apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {}\n'],
  ['skaffold', 'apiVersion: skaffold/v4beta11\nkind: Config\nmetadata: {name: with-a-name}\n'],
  ['kind', 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: kind\n'],
  ['k3d', 'apiVersion: k3d.io/v1alpha5\nkind: Simple\nmetadata: {name: dev}\n'],
  ['kuttl', 'apiVersion: kuttl.dev/v1beta1\nkind: TestSuite\ntestDirs: [e2e]\n'],
  ['kuttl', 'apiVersion: kuttl.dev/v1beta1\nkind: TestAssert\ntimeout: 60\n'],
  ['kuttl', 'apiVersion: kuttl.dev/v1beta1\nkind: TestStep\ncommands: []\n'],
  ['kubectl', 'apiVersion: client.authentication.k8s.io/v1beta1\nkind: ExecCredential\nstatus: {}\n'],
  ['kubeone', 'apiVersion: kubeone.k8c.io/v1beta2\nkind: KubeOneCluster\nversions: {}\n'],
  ['clusterctl', 'apiVersion: clusterctl.cluster.x-k8s.io/v1alpha3\nkind: Metadata\nreleaseSeries: []\n'],
])('a file of %s beside manifests is ignored with a word', async (tool, text) => {
  const { skipped, exit } = await checkText({ 'a.yaml': CRON('v1'), 'tool.yaml': text }, ...TO('1.37'));
  expect(skipped).toEqual([{ file: 'tool.yaml', line: 1, why: `a file of ${tool}, not a Kubernetes object`, unseen: false }]);
  expect(exit).toBe(0);
});

test.each([
  ['clusterctl.cluster.x-k8s.io/v1alpha3', 'Provider'],
  ['kpt.dev/v1alpha1', 'ResourceGroup'],
  ['argocd-image-updater.argoproj.io/v1alpha1', 'ImageUpdater'],
])('what tools keep in clusters is an object: %s %s', async (apiVersion, kind) => {
  const { skipped } = await checkText(
    { 'a.yaml': CRON('v1'), 'b.yaml': `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\n` },
    ...TO('1.37'),
  );
  expect(skipped).toEqual([]);
});

const PATCH = expect.stringMatching(/^all but the API version of a patch without metadata\.name; .*kubectl kustomize DIR/);
test.each<[string, string, string[], number]>([
  ['in the version that stays', `${CRON('v1').replace('{name: x}', '{labels: {a: b}}')}`, [], 0],
  ['without metadata', CRON('v1').replace('metadata: {name: x}\n', ''), [], 0],
  ['in an old version', CRON('v1beta1').replace('metadata: {name: x}\n', 'spec: {}\n'), ['CronJob b.yaml:1'], 2],
  ['its name is empty', CRON('v1beta1').replace('{name: x}', '{name: ""}'), ['CronJob b.yaml:1'], 2],
  // As a whole object it would be a Node that is not Ready, and a budget that keeps everything.
  ['of a Node', 'apiVersion: v1\nkind: Node\nspec: {}\n', [], 0],
  ['of a budget', BUDGET('0').replace('{name: web, namespace: shop}', '{}'), [], 0],
])('a patch without a name, judged by its API version alone: %s', async (_, text, objects, exit) => {
  const checked = await checkText({ 'a.yaml': CRON('v1'), 'b.yaml': text }, ...TO('1.37'));
  expect(checked.skipped).toEqual([{ file: 'b.yaml', line: 1, why: PATCH, unseen: false }]);
  expect([checked.found.flatMap((each) => each.objects), checked.exit]).toEqual([objects, exit]);
});

const OLD = '{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: x, namespace: shop}}';
test.each<[string, string, string[]]>([
  ['kubernetes.crossplane.io/v1alpha2 Object', `spec:\n  forProvider:\n    manifest: ${OLD}\n`, ['Object o', '6']],
  ['kubernetes.m.crossplane.io/v1alpha1 Object', `spec:\n  forProvider:\n    manifest: ${OLD}\n`, ['Object o', '6']],
  [
    'apiextensions.crossplane.io/v1 Composition',
    `spec:\n  pipeline:\n  - input:\n      resources:\n      - base:\n          apiVersion: kubernetes.crossplane.io/v1alpha2\n          kind: Object\n          spec: {forProvider: {manifest: ${OLD}}}\n`,
    ['Composition o', '11'],
  ],
  ['work.open-cluster-management.io/v1 ManifestWork', `spec:\n  workload:\n    manifests:\n    - ${OLD}\n`, ['ManifestWork o', '7']],
  [
    'work.open-cluster-management.io/v1alpha1 ManifestWorkReplicaSet',
    `spec:\n  manifestWorkTemplate:\n    workload:\n      manifests: [${OLD}]\n`,
    ['ManifestWorkReplicaSet o', '7'],
  ],
  ['work.karmada.io/v1alpha1 Work', `spec: {workload: {manifests: [${OLD}]}}\n`, ['Work o', '4']],
  ['hive.openshift.io/v1 SelectorSyncSet', `spec:\n  resources:\n  - ${OLD}\n`, ['SelectorSyncSet o', '6']],
  ['template.openshift.io/v1 Template', `objects:\n- ${OLD}\nparameters: []\n`, ['Template o', '5']],
  ['v1 Template', `objects:\n- {apiVersion: v1, kind: List, items: [${OLD}]}\n`, ['Template o', '5']],
])('an object inside a %s is found, with its line, and the other named', async (what, text, [outer, line]) => {
  const [apiVersion, kind] = what.split(' ');
  const wrapped = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: o}\n${text}`;
  const { found, exit, skipped } = await checkText({ 'a.yaml': wrapped }, ...TO('1.37'));
  expect(found.flatMap((each) => each.objects)).toEqual([`CronJob/shop/x a.yaml:${line} (${outer})`]);
  expect(skipped).toEqual([{ file: 'a.yaml', line: 1, why: `all but the API versions of the objects inside ${outer}`, unseen: false }]);
  expect(exit).toBe(2);
  const other = await checkText({ 'a.yaml': wrapped.replaceAll('batch/v1beta1', 'batch/v1') }, ...TO('1.37'));
  expect([other.found, other.exit]).toEqual([[], 0]);
});

test('what stands inside another object is not one of this cluster: it is declared by nothing else, and judged by its API version alone', async () => {
  const budget =
    '{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web, namespace: shop}, spec: {maxUnavailable: 0, selector: {}}}';
  const inside = `---\napiVersion: work.open-cluster-management.io/v1\nkind: ManifestWork\nmetadata: {name: w}\nspec: {workload: {manifests: [${budget}]}}\n`;
  const { found, exit } = await checkText({ 'a.yaml': `${BUDGET('1')}${inside}` }, ...TO('1.37'));
  expect([found, exit]).toEqual([[], 0]);
});

test('what holds objects that stand too deep is named as not checked', async () => {
  const nest = (levels: number): string =>
    levels ? `{apiVersion: template.openshift.io/v1, kind: Template, metadata: {name: t${levels}}, objects: [${nest(levels - 1)}]}` : OLD;
  const deepest = await checkText({ 'a.yaml': `${nest(5)}\n` }, ...TO('1.37'));
  expect([deepest.found.length, deepest.skipped.filter(({ unseen }) => unseen), deepest.exit]).toEqual([1, [], 2]);
  const deeper = await checkText({ 'a.yaml': `${nest(6)}\n` }, ...TO('1.37'));
  expect([deeper.found, deeper.skipped.filter(({ unseen }) => unseen), deeper.exit]).toEqual([
    [],
    [{ file: 'a.yaml', line: 1, why: 'objects nested deeper than 5 levels inside Template t6', unseen: true }],
    3,
  ]);
});
