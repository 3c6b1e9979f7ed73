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
])('exit code: %s', async (_, texts, words, exit) => {
  expect((await checkText(texts, ...words)).exit).toBe(exit);
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
