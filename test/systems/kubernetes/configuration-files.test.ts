// Configuration of components among the files of -f: no object of any API server, judged for the target version by the checks that name its kind, with file and line.
import { describe, expect, test } from 'vitest';
import { checkText } from '../../check-files.ts';

const TO = (minor: string) => ['--to', `kubernetes=${minor}`];
const KUBELET = (fields: string) => `# of a node\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${fields}\n`;
const KUBEADM = (version: string, kind: string, fields: string) => `apiVersion: kubeadm.k8s.io/${version}\nkind: ${kind}\n${fields}\n`;
const ETCD = (version: string, flag: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: etcd, namespace: kube-system, labels: {tier: control-plane}}\nspec: {containers: [{name: etcd, image: 'registry.k8s.io/etcd:${version}-0', command: [etcd, --${flag}]}]}\n`;
const PROXY = (fields: string) => `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${fields}\n`;
const ENCRYPTION = (provider: string) =>
  `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n  - resources: [secrets]\n    providers:\n${provider}\n      - identity: {}\n`;
const ADMISSION = (apiVersion: string, kind: string) =>
  `apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n  - name: ValidatingAdmissionWebhook\n    configuration: {apiVersion: ${apiVersion}, kind: ${kind}, kubeConfigFile: /etc/k}\n`;

const short = ({ found }: Awaited<ReturnType<typeof checkText>>) =>
  found.map(({ check, severity, message, objects }) => `${severity} ${check.replace('kubernetes/', '')} ${objects.join(', ')}: ${message}`);

test('a static Pod of today with a flag that the next etcd does not have', async () => {
  expect(short(await checkText({ 'a.yaml': ETCD('3.5.32', 'enable-v2') }, ...TO('1.34')))).toEqual([
    'warning etcd-upgrade-path Pod/kube-system/etcd a.yaml:1: etcd 3.5.32 (1 member) has --enable-v2: etcd 3.6 does not start with it; remove it before 3.6 is installed (kubeadm 1.34: 3.6.5)',
  ]);
});

describe('found', () => {
  test.each<[string, string, string, string[]]>([
    [
      'a gate that went before the installed version could be known',
      KUBELET('featureGates: {CSIMigrationRBD: false}'),
      '1.37',
      [
        'blocker kubelet-config KubeletConfiguration a.yaml:2: KubeletConfiguration sets feature gate CSIMigrationRBD=false: removed in 1.31, kubelet 1.31 does not start with it',
      ],
    ],
    [
      'a value',
      KUBELET('memorySwap: {swapBehavior: UnlimitedSwap}\neventRecordQPS: 0'),
      '1.37',
      [
        'blocker kubelet-config KubeletConfiguration a.yaml:2: KubeletConfiguration has memorySwap.swapBehavior=UnlimitedSwap: refused from 1.30 on, kubelet 1.30 does not start with it',
        'notice kubelet-config KubeletConfiguration a.yaml:2: KubeletConfiguration has eventRecordQPS=0: no limit on events from 1.37 on',
      ],
    ],
    [
      'a version of kubeadm that went, with a gate of kubeadm',
      KUBEADM('v1beta3', 'ClusterConfiguration', 'featureGates: {EtcdLearnerMode: true}'),
      '1.37',
      [
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: ClusterConfiguration is kubeadm.k8s.io/v1beta3: kubeadm 1.37 cannot read it',
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: ClusterConfiguration sets feature gate EtcdLearnerMode: removed by 1.33, kubeadm 1.33 stops with an error',
      ],
    ],
    [
      'a version of kubeadm that comes later',
      KUBEADM('v1beta4', 'InitConfiguration', ''),
      '1.27',
      ['blocker kubeadm-config InitConfiguration a.yaml:1: InitConfiguration is kubeadm.k8s.io/v1beta4: kubeadm 1.27 cannot read it'],
    ],
    [
      'a version that no kubeadm of today reads',
      KUBEADM('v1beta1', 'JoinConfiguration', ''),
      '1.30',
      ['blocker kubeadm-config JoinConfiguration a.yaml:1: JoinConfiguration is kubeadm.k8s.io/v1beta1: kubeadm 1.30 cannot read it'],
    ],
    [
      'flags of components as a map: of kube-apiserver, with a gate and a plugin, and of etcd',
      KUBEADM(
        'v1beta3',
        'ClusterConfiguration',
        'apiServer: {extraArgs: {feature-gates: "EphemeralContainers=true", enable-admission-plugins: "NodeRestriction,PodSecurityPolicy"}}',
      ),
      '1.27',
      [
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: kube-apiserver in ClusterConfiguration names admission plugin PodSecurityPolicy in --enable-admission-plugins: removed in 1.25, kube-apiserver 1.25 does not start with it',
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: kube-apiserver in ClusterConfiguration sets feature gate EphemeralContainers=true: removed in 1.27, kube-apiserver 1.27 does not start with it',
      ],
    ],
    [
      'flags of components as a list',
      KUBEADM(
        'v1beta4',
        'ClusterConfiguration',
        'controllerManager:\n  extraArgs: [{name: cloud-provider, value: aws}]\netcd: {local: {extraArgs: [{name: experimental-initial-corrupt-check, value: "true"}, {name: experimental-compaction-batch-limit, value: "10"}]}}',
      ),
      '1.37',
      [
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: kube-controller-manager in ClusterConfiguration has --cloud-provider=aws: refused from 1.29 on, kube-controller-manager 1.29 does not start with it; use external',
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: etcd in ClusterConfiguration has flag --experimental-compaction-batch-limit: the etcd of kubeadm 1.37 does not start with it (removed in 3.7); use --compaction-batch-limit',
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: etcd in ClusterConfiguration has flag --experimental-initial-corrupt-check: the etcd of kubeadm 1.37 does not start with it (removed in 3.7); use --feature-gates=InitialCorruptCheck',
      ],
    ],
    [
      'flags of etcd as a map, of an etcd that comes with two minors',
      KUBEADM('v1beta4', 'ClusterConfiguration', 'etcd: {local: {extraArgs: {enable-v2: "false", discovery: x, discovery-srv: x}}}'),
      '1.37',
      [
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: etcd in ClusterConfiguration has flag --enable-v2: the etcd of kubeadm 1.34 does not start with it (removed in 3.6)',
        'blocker kubeadm-config ClusterConfiguration a.yaml:1: etcd in ClusterConfiguration has flag --discovery: the etcd of kubeadm 1.37 does not start with it (removed in 3.7)',
      ],
    ],
    [
      'a static Pod of the next etcd with a flag that it no longer has',
      ETCD('3.7.0', 'experimental-memory-mlock'),
      '1.37',
      [
        'blocker etcd-upgrade-path Pod/kube-system/etcd a.yaml:1: etcd 3.7.0 (1 member) has --experimental-memory-mlock: removed in etcd 3.7 or earlier, it does not start',
      ],
    ],
    [
      'flags of the kubelet',
      KUBEADM('v1beta4', 'JoinConfiguration', 'nodeRegistration: {kubeletExtraArgs: [{name: feature-gates, value: "AppArmor=false"}]}'),
      '1.31',
      [
        'blocker kubeadm-config JoinConfiguration a.yaml:1: kubelet in JoinConfiguration sets feature gate AppArmor=false: locked to true in 1.31, kubelet 1.31 does not start with it',
      ],
    ],
    [
      'a field that kube-apiserver no longer overlooks, without the values beside it',
      ENCRYPTION('      - aescbc: {keys: [{name: k, secret: c2VjcmV0, note: mine}]}'),
      '1.31',
      [
        'blocker admission-files EncryptionConfiguration a.yaml:1: EncryptionConfiguration has unknown fields (resources[].providers[].aescbc.keys[].note): kube-apiserver 1.31 does not start with it',
      ],
    ],
    [
      'the configuration of a plugin within that of admission',
      ADMISSION('apiserver.config.k8s.io/v1alpha1', 'WebhookAdmission'),
      '1.36',
      [
        'blocker admission-files AdmissionConfiguration a.yaml:1: WebhookAdmission is apiserver.config.k8s.io/v1alpha1: kube-apiserver 1.36 cannot read it',
      ],
    ],
    [
      'a policy of audits, and the configuration of a scheduler',
      'apiVersion: audit.k8s.io/v1beta1\nkind: Policy\n---\napiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n',
      '1.29',
      [
        'blocker admission-files Policy a.yaml:1: Policy is audit.k8s.io/v1beta1: kube-apiserver 1.29 cannot read it',
        'blocker admission-files KubeSchedulerConfiguration a.yaml:4: KubeSchedulerConfiguration is kubescheduler.config.k8s.io/v1beta3: kube-scheduler 1.29 cannot read it',
      ],
    ],
    [
      'the mode of kube-proxy and a gate of it',
      PROXY('mode: ipvs\nfeatureGates: {NFTablesProxyMode: true}'),
      '1.38',
      [
        'blocker component-flags KubeProxyConfiguration a.yaml:1: KubeProxyConfiguration sets feature gate NFTablesProxyMode=true: removed in 1.38, kube-proxy 1.38 does not start with it',
        'notice kube-proxy-mode KubeProxyConfiguration a.yaml:1: kube-proxy has mode ipvs: deprecated in 1.35',
      ],
    ],
  ])('%s', async (_, text, minor, expected) => {
    const checked = await checkText({ 'a.yaml': text }, ...TO(minor));
    expect(checked.error).toBeUndefined();
    expect(short(checked)).toEqual(expected);
    expect(checked.exit).toBe(2);
  });

  test('what two files have in common is one finding', async () => {
    const checked = await checkText({ 'a.yaml': KUBELET('runOnce: true'), 'b/b.yaml': `---\n${KUBELET('runOnce: true')}` }, ...TO('1.33'));
    expect(checked.found.map(({ objects }) => objects)).toEqual([['KubeletConfiguration a.yaml:2', 'KubeletConfiguration b/b.yaml:3']]);
  });
});

describe('silent', () => {
  test.each<[string, string, string]>([
    ['kubelet', KUBELET('featureGates: {AppArmor: true}\nmemorySwap: {swapBehavior: LimitedSwap}'), '1.31'],
    ['kubeadm', KUBEADM('v1beta4', 'ClusterConfiguration', 'apiServer: {extraArgs: [{name: audit-log-maxage, value: "30"}]}'), '1.37'],
    ['kube-proxy', PROXY('mode: nftables'), '1.37'],
    ['encryption', ENCRYPTION('      - kms: {apiVersion: v2, name: k, endpoint: "unix:///k.sock", timeout: 3s}'), '1.37'],
    ['encryption, before it is decoded strictly', ENCRYPTION('      - kms: {name: k, other: 1}'), '1.30'],
    ['admission', ADMISSION('apiserver.config.k8s.io/v1', 'WebhookAdmissionConfiguration'), '1.37'],
  ])('%s: exit 0, and it was looked at', async (_, text, minor) => {
    const checked = await checkText({ 'a.yaml': text }, ...TO(minor));
    expect([checked.error, checked.found, checked.skipped, checked.exit]).toEqual([undefined, [], [], 0]);
  });

  test('a kind that no check judges is named, and never passed', async () => {
    const text = 'apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n';
    const alone = await checkText({ 'a.yaml': text }, ...TO('1.37'));
    const skipped = [{ file: 'a.yaml', line: 1, why: 'no check covers TracingConfiguration (apiserver.config.k8s.io/v1)', unseen: true }];
    expect([alone.skipped, alone.exit]).toEqual([skipped, 3]);
    const beside = await checkText({ 'a.yaml': text, 'b.yaml': KUBELET('') }, ...TO('1.37'));
    expect([beside.skipped, beside.exit]).toEqual([skipped, 3]);
  });

  test('a pre-release and what is beyond it are never passed', async () => {
    expect((await checkText({ 'a.yaml': KUBELET('') }, ...TO('1.38'))).exit).toBe(3);
    expect((await checkText({ 'a.yaml': KUBELET('') }, ...TO('1.45'))).exit).toBe(3);
  });

  test('the ConfigMap that kubeadm keeps it in is judged too', async () => {
    const map = (gates: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubelet-config, namespace: kube-system}\ndata:\n  kubelet: |\n    featureGates: {${gates}}\n`;
    const good = await checkText({ 'a.yaml': map('AppArmor: true') }, ...TO('1.31'));
    expect([good.found, good.exit]).toEqual([[], 0]);
    const bad = await checkText({ 'a.yaml': map('AppArmor: false') }, ...TO('1.31'));
    expect([bad.found.map(({ check }) => check), bad.exit]).toEqual([['kubernetes/kubelet-config'], 2]);
  });

  test('a kubeconfig is not a manifest', async () => {
    const checked = await checkText({ 'a.yaml': 'apiVersion: v1\nkind: Config\nclusters: []\n', 'b.yaml': KUBELET('') }, ...TO('1.37'));
    expect([checked.skipped, checked.exit]).toEqual([[{ file: 'a.yaml', line: 1, why: 'a kubeconfig', unseen: false }], 0]);
  });
});
