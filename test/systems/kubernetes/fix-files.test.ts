// fix -f for API versions: only apiVersion changes, where nothing else has to; comments, order, anchors, quotes and line endings stay; undo brings back every byte. What a
// person has to decide is said with file and line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseArgv } from '../../../src/cli/argv.ts';
import { callOf } from '../../../src/cli/call.ts';
import { callerOf } from '../../../src/cli/caller.ts';
import { check } from '../../../src/cli/commands/check.ts';
import { fix } from '../../../src/cli/commands/fix.ts';
import { undo } from '../../../src/cli/commands/undo.ts';
import { components } from '../../../src/systems/kubernetes/knowledge/tables.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ug-fix-apis-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function ran(command: typeof fix, words: string[]): Promise<{ exit: number; said: string }> {
  const parsed = parseArgv(words, 'upgrade-guard');
  const caller = { ...callerOf('upgrade-guard', {}), usage: 'upgrade-guard' };
  const env = { XDG_STATE_HOME: join(folder, 'state'), HOME: folder };
  const call = callOf({ ...parsed, caller, env, version: '0', language: 'en', signal: new AbortController().signal });
  const lines: string[] = [];
  const take = (...more: string[]) => void lines.push(...more);
  const exit = await command({ ...call, out: take, say: take, begins: () => false, progress: () => false });
  return { exit, said: lines.join('\n') };
}
const put = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const fixed = (file: string, minor: string, check = 'removed-api') =>
  ran(fix, ['fix', `kubernetes/${check}`, '-f', file, '--offline', '--to', `kubernetes=${minor}`, '--yes']);

const MIXED = `# nightly report
kind: CronJob   # kind first
apiVersion: batch/v1beta1 # since 1.8
metadata: &m
  name: report
  labels: &l {app: report}
spec:
  # at night
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {metadata: {labels: *l}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
--- # the budget
apiVersion: "policy/v1beta1"
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: List
items:
- apiVersion: autoscaling/v2beta2
  kind: HorizontalPodAutoscaler
  metadata: {name: web}
  spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`.replaceAll('\n', '\r\n');

test('only apiVersion changes, and undo brings back every byte', async () => {
  const file = put('mixed.yaml', MIXED);
  const { exit, said } = await fixed(file, '1.30');
  expect(exit, said).toBe(0);
  const expected = MIXED.replace('batch/v1beta1', 'batch/v1')
    .replace('policy/v1beta1', 'policy/v1')
    .replace('autoscaling/v2beta2', 'autoscaling/v2');
  expect(readFileSync(file, 'utf8')).toBe(expected);
  const undone = await ran(undo, ['undo', '-f', file, '--yes']);
  expect(undone.exit, undone.said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(MIXED);
});

test('a patch without a name is changed where it stands, two of one kind too, and undo brings back every byte', async () => {
  const text = `# of an overlay\napiVersion: batch/v1beta1\nkind: CronJob\nspec: {suspend: true}\n---\napiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {labels: {a: b}}\n`;
  const file = put('patch.yaml', text);
  const { exit, said } = await fixed(file, '1.30');
  expect(exit, said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text.replaceAll('batch/v1beta1', 'batch/v1'));
  expect((await ran(undo, ['undo', '-f', file, '--yes'])).exit).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

const WORK = `# for the spokes
apiVersion: work.open-cluster-management.io/v1
kind: ManifestWork
metadata: {name: w, namespace: spokes}
spec:
  workload:
    manifests:
    - apiVersion: batch/v1beta1   # old
      kind: CronJob
      metadata: {name: one, namespace: shop}
    - kind: CronJob
      apiVersion: "batch/v1beta1"
      metadata: {name: two}
    - {apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: web}}
---
apiVersion: kubernetes.crossplane.io/v1alpha2
kind: Object
metadata: {name: o}
spec: {forProvider: {manifest: {apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: b, namespace: x}, spec: {selector: {matchLabels: {a: b}}}}}}
`;
const TEMPLATES = `{"kind": "List", "apiVersion": "v1", "items": [
 {"apiVersion": "template.openshift.io/v1", "kind": "Template", "metadata": {"name": "t"},
  "objects": [
   {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}},
   {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "\${NAME}"}}]}]}
`;
test('objects inside others are changed where they stand, what a person decides names both, and undo brings back every byte', async () => {
  const files = { 'work.yaml': WORK, 'templates.json': TEMPLATES };
  for (const [name, text] of Object.entries(files)) put(name, text);
  const { exit, said } = await fixed(folder, '1.30');
  expect(exit, said).toBe(2);
  expect(said).toMatch(/manual: \S+work\.yaml:14 Ingress \(ManifestWork spokes\/w\): .*choose a pathType/);
  const now = (name: string) => readFileSync(join(folder, name), 'utf8');
  expect(now('work.yaml')).toBe(WORK.replaceAll('batch/v1beta1', 'batch/v1').replace('policy/v1beta1', 'policy/v1'));
  expect(now('templates.json')).toBe(TEMPLATES.replace('batch/v1beta1', 'batch/v1'));
  expect((await ran(undo, ['undo', '-f', folder, '--yes'])).exit).toBe(0);
  expect(Object.keys(files).map(now)).toEqual(Object.values(files));
});

test('objects of one kind on one line are told apart by their names', async () => {
  const job = (name: string) => `{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"${name}"}}`;
  const text = `{"apiVersion":"work.karmada.io/v1alpha1","kind":"Work","metadata":{"name":"w"},"spec":{"workload":{"manifests":[${job('a')},${job('b')}]}}}`;
  const file = put('one.json', text);
  const { exit, said } = await fixed(file, '1.30');
  expect(exit, said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text.replaceAll('batch/v1beta1', 'batch/v1'));
});

test('what an alias shares inside of an object is not changed there', async () => {
  const text = `apiVersion: work.open-cluster-management.io/v1
kind: ManifestWork
metadata: {name: w}
spec:
  workload:
    manifests:
    - &job {apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: one}}
    - *job
`;
  const file = put('shared.yaml', text);
  const { exit, said } = await fixed(file, '1.30');
  expect(said).toContain('inside the anchor &job (line 7)');
  expect(exit).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test.each<[string, string, string, RegExp]>([
  [
    'Ingress',
    'networking.k8s.io/v1beta1',
    'spec: {backend: {serviceName: a, servicePort: 80}}',
    /manual: \S+one\.yaml:2 Ingress\/default\/x: networking\.k8s\.io\/v1beta1 becomes networking\.k8s\.io\/v1: choose a pathType/,
  ],
  [
    'HorizontalPodAutoscaler',
    'autoscaling/v2beta1',
    'spec: {}',
    /HorizontalPodAutoscaler\/default\/x: autoscaling\/v2beta1 becomes autoscaling\/v2: give each metric a target/,
  ],
  ['PodSecurityPolicy', 'policy/v1beta1', 'spec: {}', /PodSecurityPolicy\/x: there is no successor: choose a Pod Security Standard/],
  [
    'PodDisruptionBudget',
    'policy/v1beta1',
    'spec: {minAvailable: 1, selector: {}}',
    /PodDisruptionBudget\/default\/x: .*check its empty selector/,
  ],
])('%s of %s: what a person decides, and the file stays', async (kind, apiVersion, spec, said) => {
  const text = `# one\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\n${spec}\n`;
  const file = put('one.yaml', text);
  const result = await fixed(file, '1.30');
  expect(result.said).toMatch(said);
  expect(result.exit).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

const CRON =
  'spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}';
const TYPED = `apiVersion: batch/v1beta1 # of all
kind: CronJobList
items:
- metadata: {name: one}
  ${CRON}
- metadata: {name: two}
  ${CRON}
`;

test('of a typed list whose items have no apiVersion, that of the list changes; undo brings back every byte', async () => {
  const file = put('typed.yaml', TYPED);
  const other = put('other.yaml', MIXED);
  const { exit, said } = await fixed(folder, '1.30');
  expect(exit, said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(TYPED.replace('batch/v1beta1', 'batch/v1'));
  const undone = await ran(undo, ['undo', '-f', folder, '--yes']);
  expect(undone.exit, undone.said).toBe(0);
  expect([readFileSync(file, 'utf8'), readFileSync(other, 'utf8')]).toEqual([TYPED, MIXED]);
});

test('where one object of a typed list has to be decided on, the list stays as it is, and the rest of the folder is changed', async () => {
  const budgets = `apiVersion: policy/v1beta1
kind: PodDisruptionBudgetList
items:
- metadata: {name: db}
  spec: {minAvailable: 1, selector: {matchLabels: {app: db}}}
- metadata: {name: none}
  spec: {minAvailable: 1, selector: {}}
`;
  const file = put('typed.yaml', budgets);
  const other = put('other.yaml', MIXED);
  const { exit, said } = await fixed(folder, '1.30');
  expect(exit, said).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(budgets);
  expect(readFileSync(other, 'utf8')).toContain('apiVersion: batch/v1 #');
  expect(said).toMatch(/manual: .*typed\.yaml:4.*PodDisruptionBudgetList/);
});

test('undo without a run says where it takes an older one, and why', async () => {
  const file = put('mixed.yaml', MIXED);
  expect((await fixed(file, '1.30')).exit).toBe(0);
  const first = readFileSync(file, 'utf8');
  const idsIn = (said: string) => [...new Set([...said.matchAll(/\b\d{8}-\d{6}-[0-9a-f]{4}\b/g)].map(([id]) => id))];
  put('mixed.yaml', first.replace('autoscaling/v2', 'autoscaling/v2beta2'));
  const newer = await fixed(file, '1.30');
  expect(newer.exit, newer.said).toBe(0);
  const [newest] = idsIn(newer.said);
  const undone = await ran(undo, ['undo', '-f', file, '--yes']);
  expect(undone.said).not.toContain('The newest run ');
  const again = await ran(undo, ['undo', '-f', file, '--dry-run=client']);
  const [older] = idsIn(again.said).filter((id) => id !== newest);
  expect(again.said).toContain(
    `The newest run ${newest} is already undone; the newest run with changes to undo is ${older} (fix kubernetes/removed-api, `,
  );
});

test('objects of JSON one after the other: each is read and changed, and undo brings back every byte', async () => {
  const job = (name: string) =>
    `{"apiVersion":"batch/v1beta1","kind":"CronJob",\n "metadata":{"name":"${name}"},"spec":{"schedule":"} {"}}`;
  const text = `${job('one')}\n${job('two')}${job('three')}\n`;
  const file = put('stream.json', text);
  const { exit, said } = await fixed(file, '1.30');
  expect(exit, said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text.replaceAll('batch/v1beta1', 'batch/v1'));
  const undone = await ran(undo, ['undo', '-f', file, '--yes']);
  expect(undone.exit, undone.said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('the version that the target serves is written, not the newest', async () => {
  const text = 'apiVersion: flowcontrol.apiserver.k8s.io/v1beta1\nkind: FlowSchema\nmetadata: {name: x}\nspec: {}\n';
  const file = put('levels.yaml', text);
  expect((await fixed(file, '1.27')).exit).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text.replace('v1beta1', 'v1beta3'));
});

// ---- configuration of components ------------------------------------------------------------------------------------

const KUBEADM = `# of the first control plane
kind: InitConfiguration
apiVersion: kubeadm.k8s.io/v1beta3 # until 1.36
nodeRegistration: {name: ctl-1}
---
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
metadata: {}
networking: &n
  podSubnet: 10.244.0.0/16   # flannel
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
`.replaceAll('\n', '\r\n');
const JOIN = 'apiVersion: "kubeadm.k8s.io/v1beta3"\nkind: JoinConfiguration\ndiscovery: {file: {kubeConfigPath: /k}}\n';

test('configuration that keeps its schema: documents without a name, two of them of one kind; undo brings back every byte', async () => {
  const file = put('kubeadm.yaml', KUBEADM);
  put('join.yaml', JOIN);
  put('join2.yaml', JOIN);
  const { exit, said } = await fixed(folder, '1.37', 'kubeadm-config');
  expect(exit, said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(KUBEADM.replaceAll('v1beta3', 'v1beta4'));
  expect(readFileSync(join(folder, 'join2.yaml'), 'utf8')).toBe(JOIN.replace('v1beta3', 'v1beta4'));
  // What has been changed since elsewhere in the file stays.
  const since = `# mine\r\n${KUBEADM.replaceAll('v1beta3', 'v1beta4')}`;
  put('kubeadm.yaml', since);
  const undone = await ran(undo, ['undo', '-f', folder, '--yes']);
  expect(undone.exit, undone.said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(`# mine\r\n${KUBEADM}`);
  expect(readFileSync(join(folder, 'join.yaml'), 'utf8')).toBe(JOIN);
});

const AUDIT = 'apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nmetadata: {name: all} # ours\nrules: [{level: Metadata}]\n';
const SCHEDULER = (plugin: string) =>
  `apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\nprofiles: [{plugins: {score: {enabled: [{name: ${plugin}}]}}}]\n`;
const ADMISSION = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: ValidatingAdmissionWebhook
    configuration: # inline
      apiVersion: apiserver.config.k8s.io/v1alpha1
      kind: WebhookAdmission
      kubeConfigFile: /etc/k
`;
test.each<[string, string, string, string]>([
  ['a policy of audit', AUDIT, '1.24', AUDIT.replace('v1beta1', 'v1')],
  ['a scheduler', SCHEDULER('NodeAffinity'), '1.29', SCHEDULER('NodeAffinity').replace('v1beta3', 'v1')],
  [
    'webhooks in an AdmissionConfiguration',
    ADMISSION,
    '1.36',
    ADMISSION.replace('v1alpha1', 'v1').replace('WebhookAdmission\n', 'WebhookAdmissionConfiguration\n'),
  ],
])('configuration that keeps its schema: %s', async (_, text, minor, after) => {
  const file = put('one.yaml', text);
  const { exit, said } = await fixed(file, minor, 'admission-files');
  expect(exit, said).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(after);
  expect((await ran(undo, ['undo', '-f', file, '--yes'])).exit).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

const CLUSTER = (version: string, fields: string) => `apiVersion: kubeadm.k8s.io/${version}\nkind: ClusterConfiguration\n${fields}\n`;
test.each<[string, string, string, string, RegExp]>([
  [
    'flags that are a list from then on',
    CLUSTER('v1beta3', 'apiServer: {extraArgs: {v: "2"}}'),
    '1.37',
    'kubeadm-config',
    /manual: \S+one\.yaml:1 ClusterConfiguration: fields change too; with kubeadm 1\.36: kubeadm config migrate --old-config \S+one\.yaml --new-config \S+one\.yaml\.new/,
  ],
  [
    'a timeout',
    CLUSTER('v1beta3', 'apiServer: {timeoutForControlPlane: 4m}'),
    '1.37',
    'kubeadm-config',
    /kubeadm 1\.36: kubeadm config migrate/,
  ],
  ['two versions behind', CLUSTER('v1beta2', 'dns: {type: CoreDNS}'), '1.37', 'kubeadm-config', /kubeadm 1\.26: kubeadm config migrate/],
  ['a version that comes later', CLUSTER('v1beta4', ''), '1.27', 'kubeadm-config', /use a version that kubeadm 1\.27 reads/],
  ['a plugin that is gone', SCHEDULER('SelectorSpread'), '1.29', 'admission-files', /replace plugin SelectorSpread with PodTopologySpread/],
  [
    'another kind',
    'apiVersion: apiserver.config.k8s.io/v1alpha1\nkind: WebhookAdmission\nkubeConfigFile: /etc/k\n',
    '1.36',
    'admission-files',
    /one\.yaml:1 WebhookAdmission: set apiVersion to apiserver\.config\.k8s\.io\/v1 and kind to WebhookAdmissionConfiguration/,
  ],
])('configuration that changes shape, %s: what a person does, and the file stays', async (_, text, minor, check, said) => {
  const file = put('one.yaml', text);
  const result = await fixed(file, minor, check);
  expect(result.said).toMatch(said);
  expect(result.exit).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('configuration: what can be changed is, and the rest keeps the exit code', async () => {
  const text = CLUSTER('v1beta3', 'featureGates: {EtcdLearnerMode: true}');
  const file = put('one.yaml', text);
  const { exit, said } = await fixed(file, '1.37', 'kubeadm-config');
  expect(said).toMatch(/one\.yaml:1 ClusterConfiguration: remove featureGates\.EtcdLearnerMode/);
  expect(exit).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(text.replace('v1beta3', 'v1beta4'));
});

test('of kubelets and of kube-proxy no version of their configuration is gone', () => {
  const theirs = components().configVersions.filter(({ reader }) => reader === 'kubelet' || reader === 'kube-proxy');
  expect(theirs.length).toBeGreaterThan(2);
  expect(theirs.filter(({ removedIn }) => removedIn)).toEqual([]);
});

test.each<[string, string, RegExp]>([
  [
    'an object',
    MIXED,
    /Next \(shows the diff\): upgrade-guard fix kubernetes --filename \S+one\.yaml --offline --to kubernetes=1\.37 --dry-run=client$/,
  ],
  ['configuration', JOIN, /Next \(shows the diff\): upgrade-guard fix kubernetes /],
  [
    'nothing that fix changes',
    CLUSTER('v1beta3', 'apiServer: {extraArgs: {v: "2"}}'),
    /Next \(lists the manual steps\): upgrade-guard fix kubernetes --filename \S+one\.yaml --offline --to kubernetes=1\.37 --dry-run=client$/,
  ],
  [
    'what fix does nothing about in files',
    'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {maxUnavailable: 0, selector: {}}\n',
    /Next: upgrade-guard explain kubernetes\/pdb-blocks-drain$/,
  ],
])('check -f names the command that fixes the files: %s', async (_, text, next) => {
  const file = put('one.yaml', text);
  const { exit, said } = await ran(check, ['check', 'kubernetes', '-f', file, '--offline', '--to', 'kubernetes=1.37']);
  expect(exit).toBe(2);
  expect(said).toMatch(next);
});

test('what no fix changes in files is not offered by its name', async () => {
  const file = put(
    'one.yaml',
    'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {maxUnavailable: 0, selector: {}}\n',
  );
  const { exit, said } = await fixed(file, '1.37', 'pdb-blocks-drain');
  expect(exit).toBe(2);
  expect(said).toMatch(/No automatic fix for:\n {2}✗ 1 blocker {3}upgrade-guard explain kubernetes\/pdb-blocks-drain$/);
  // What an upgrade does in a cluster is not promised of a file.
  expect(said).not.toMatch(/during the upgrade|fix:/);
  expect(said).not.toContain('--confirm');
});

test('nothing to fix beside a file that could not be read is not fine', async () => {
  put('fine.yaml', `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n${CRON}\n`);
  expect((await fixed(folder, '1.30')).exit).toBe(0);
  put('template.yaml', 'kind: {{ .Values.kind }}\n');
  const { exit, said } = await fixed(folder, '1.30');
  expect(said).toContain('not checked: ');
  expect(exit).toBe(3);
});
