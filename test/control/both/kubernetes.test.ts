// Kubernetes itself, on a real API server of each bed version: a healthy cluster is passed, every broken state that can exist there is found at once, rights are enough
// or make unknown, and a snapshot gives the same verdict. The control plane of the bed does not run in Pods: mirror Pods stand for it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Raw } from '../../../src/engine/contracts.ts';
import { apiOf, pluralOf } from '../../../src/systems/kubernetes/apis.ts';
import { newHome, run } from '../../bed/binary.ts';
import { bed, type PolicyRule } from '../../bed/index.ts';
import { OF_NOTHING_HERE } from '../scene.ts';

const cluster = bed();
const { gitVersion } = (await cluster.request('GET', '/version')).body as { gitVersion: string };
const OLD = cluster.version === '1.24';

const node = (name: string, kubeletVersion: string, ready = 'True'): Raw => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: {
    conditions: [{ type: 'Ready', status: ready, reason: ready === 'True' ? 'KubeletReady' : 'KubeletNotReady' }],
    nodeInfo: {
      ...{ architecture: 'amd64', bootID: '', containerRuntimeVersion: '', kernelVersion: '', kubeProxyVersion: '' },
      ...{ machineID: '', operatingSystem: 'linux', osImage: '', systemUUID: '', kubeletVersion },
    },
  },
});
const mirror = (component: string, ...flags: string[]): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `${component}-cp1`,
    namespace: 'kube-system',
    labels: { component, tier: 'control-plane' },
    annotations: { 'kubernetes.io/config.mirror': 'of-a-file' },
  },
  spec: {
    nodeName: 'cp1',
    containers: [{ name: component, image: `registry.k8s.io/${component}:${gitVersion}`, command: [component, ...flags] }],
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});
const HEALTHY = [
  node('cp1', gitVersion),
  mirror('kube-apiserver', '--enable-admission-plugins=NodeRestriction'),
  mirror('kube-controller-manager', '--leader-elect=true'),
  mirror('kube-scheduler'),
];
/** There is no kube-proxy on the bed, and kubeadm did not make it. */
const NOT_THERE = [
  ...['kube-proxy-skew', 'kube-proxy-mode', 'kubeadm-config', 'kubelet-config', 'coredns-corefile', 'addon-versions', 'kubeadm-preflight'],
  // Asked after an upgrade.
  ...['apis', 'components', 'fields', 'flags', 'kubelets'].map((name) => `way-back-${name}`),
].map((name) => `kubernetes/${name}`);
/** The etcd of the bed has no backup. A cluster of which everything is seen: kubernetes-healthy.test.ts. */
const NOT_SEEN = ['kubernetes/etcd-backup'];
/** What the next minor of each bed version refuses: rows of the tables. */
const [GATE, TO] = OLD ? ['EphemeralContainers=false', '1.25'] : ['NodeSwap=true', '1.38'];

interface Result {
  complete: boolean;
  checks: { id: string; outcome: string; findings: { severity: string; objects: { name: string }[]; hop: string | null }[] }[];
}
async function check(
  words: string[],
  kubeconfig = cluster.kubeconfig,
): Promise<{ code: number | null; result: Result; said: string[]; stderr: string }> {
  const { code, stdout, stderr } = await run(['check', 'kubernetes', '-o', 'json', ...words], { kubeconfig });
  const result = JSON.parse(stdout) as Result;
  const said = result.checks.flatMap(({ id, findings }) =>
    findings.map(({ severity, objects }) => `${severity} ${id.split('/')[1]} ${objects.map(({ name }) => name).join(' ')}`.trim()),
  );
  return { code, result, said, stderr };
}

await cluster.apply(...HEALTHY);

test('a healthy cluster: nothing found; unknown is only what the bed hides', async () => {
  const { code, result, said, stderr } = await check(['--fail-on', OLD ? 'warning' : 'notice']);
  // The garbage collector of 1.24 lists PodSecurityPolicies in their only version.
  expect(
    said.filter((each) => !(OLD && each === 'notice requested-deprecated-apis')),
    stderr,
  ).toEqual([]);
  const outcomeOf = (id: string) => (NOT_THERE.includes(id) ? 'not-applicable' : NOT_SEEN.includes(id) ? 'unknown' : 'passed');
  const seen = result.checks.filter(({ outcome }) => !(OLD && outcome === 'found'));
  expect(seen.map(({ id, outcome }) => [id, outcome])).toEqual(seen.map(({ id }) => [id, outcomeOf(id)]));
  expect(code).toBe(3);
});

test('kinds are listed under the name that the API server gives them', async () => {
  const { stdout } = await cluster.kubectl(['api-resources', '--no-headers', '-o', 'wide']);
  const rows = stdout.split('\n').flatMap((line) => /^(\S+)\s+(?:\S+\s+)?((?:\S+\/)?v\d\w*)\s+(?:true|false)\s+(\S+)/.exec(line) ?? []);
  let known = 0;
  for (let i = 0; i + 3 < rows.length; i += 4) {
    const [, plural, apiVersion, kind] = rows.slice(i, i + 4) as [string, string, string, string];
    if (!apiOf(apiVersion, kind)) continue;
    known++;
    expect(pluralOf(kind), kind).toBe(plural);
  }
  expect(known).toBeGreaterThan(20);
});

describe('broken', () => {
  test('every state is found, at its hop, and the snapshot says the same', async () => {
    const service = { namespace: 'default', name: 'gone' };
    const [review, bundle] = [{ admissionReviewVersions: ['v1'], sideEffects: 'None' }, Buffer.from('no certificate').toString('base64')];
    await cluster.apply(
      mirror('kube-apiserver', `--feature-gates=${GATE}`),
      {
        ...mirror('kube-scheduler'),
        metadata: {
          name: 'kube-scheduler-cp2',
          namespace: 'kube-system',
          labels: { tier: 'control-plane' },
          annotations: { 'kubernetes.io/config.mirror': 'of-a-file' },
        },
      },
      node('ahead', 'v1.99.0'),
      node('down', gitVersion, 'False'),
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'left-over' },
        webhooks: [
          { ...review, name: 'a.left-over.example.com', failurePolicy: 'Fail', clientConfig: { service }, rules: OF_NOTHING_HERE },
          { ...review, name: 'b.left-over.example.com', failurePolicy: 'Ignore', clientConfig: { service }, rules: OF_NOTHING_HERE },
        ],
      },
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: 'v1.left-over.example.com' },
        spec: {
          group: 'left-over.example.com',
          version: 'v1',
          service,
          groupPriorityMinimum: 100,
          versionPriority: 100,
          insecureSkipTLSVerify: true,
        },
      },
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'none', namespace: 'default' },
        spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'none' } } },
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'none-0', namespace: 'default', labels: { app: 'none' } },
        spec: { nodeName: 'cp1', containers: [{ name: 'c', image: 'i' }] },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      },
    );
    const refused = { ...review, name: 'c.example.com', clientConfig: { service, caBundle: bundle }, rules: OF_NOTHING_HERE };
    const odd = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'odd' },
      webhooks: [refused],
    };
    await cluster.request('POST', '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', odd);
    if (OLD) await oldApis();

    const { code, result, said, stderr } = await check(['--to', `kubernetes=${TO}`]);
    expect(code, stderr).toBe(2);
    for (const expected of [
      'blocker component-flags kube-apiserver-cp1',
      'blocker kubelet-skew ahead',
      'warning nodes-ready down',
      // The bundle that is not a certificate is taken by the API server after all.
      'blocker webhook-backend left-over odd',
      'blocker webhook-certificate odd',
      'notice webhook-backend left-over',
      'warning apiservice-available v1.left-over.example.com',
      'blocker pdb-blocks-drain none',
      'warning unmanaged-pods none-0',
      ...(OLD ? ['blocker removed-api applied', 'blocker removed-api by-kubectl'] : []),
    ])
      expect(said, expected).toContain(expected);
    const flags = result.checks.find(({ id }) => id === 'kubernetes/component-flags')!;
    expect(flags.findings.map(({ hop }) => hop)).toEqual([TO]);

    const file = join(newHome(), 'cluster.tar.gz');
    expect((await run(['snapshot', file], { kubeconfig: cluster.kubeconfig })).code).toBe(0);
    const offline = await check(['--to', `kubernetes=${TO}`, '--from', file]);
    expect(offline.said.toSorted()).toEqual(said.toSorted());
  });

  test('the configuration of components among files stands beside what the cluster shows', async () => {
    const folder = newHome();
    const [gate, value] = GATE.split('=') as [string, string];
    const kubelet = ['# of a node', 'apiVersion: kubelet.config.k8s.io/v1beta1', 'kind: KubeletConfiguration'];
    writeFileSync(join(folder, 'kubelet.yaml'), [...kubelet, `featureGates: {${gate}: ${value}}`, ''].join('\n'));
    writeFileSync(join(folder, 'tracing.yaml'), 'apiVersion: apiserver.config.k8s.io/v1beta1\nkind: TracingConfiguration\n');
    const { code, result, said, stderr } = await check(['--to', `kubernetes=${TO}`, '-f', folder]);
    expect(code).toBe(2);
    expect(said).toEqual(expect.arrayContaining(['blocker component-flags kube-apiserver-cp1', 'blocker kubelet-config']));
    const { findings } = result.checks.find(({ id }) => id === 'kubernetes/kubelet-config')!;
    expect(findings.map(({ objects }) => objects)).toEqual([
      [expect.objectContaining({ kind: 'KubeletConfiguration', file: join(folder, 'kubelet.yaml'), line: 2 })],
    ]);
    expect(stderr).toContain('no check covers TracingConfiguration (apiserver.config.k8s.io/v1beta1)');
    expect(result.complete).toBe(false);
  });

  test('fix of what it has no steps for: nothing is sent, it is said where to read on, and what is left makes it exit 2', async () => {
    const home = newHome();
    const fixed = await run(['fix', 'kubernetes/nodes-ready', '--yes'], { kubeconfig: cluster.kubeconfig, home });
    expect(fixed.stderr).toContain('down');
    expect(fixed.stderr).toContain('No automatic fix');
    expect(fixed.stderr).toContain('explain kubernetes/nodes-ready');
    expect(fixed.code).toBe(2);
    expect((await run(['runs', '-o', 'json'], { kubeconfig: cluster.kubeconfig, home })).stdout).not.toContain('"finished"');
    // The check afterwards asks the same question.
    const asked = ['kubernetes/webhook-backend', '--to', `kubernetes=${TO}`];
    const manual = await run(['fix', ...asked, '--yes'], { kubeconfig: cluster.kubeconfig, home });
    expect(manual.code).toBe(2);
    expect(manual.stderr).toContain(`Once you have resolved it: upgrade-guard check ${asked.join(' ')}\n`);
  });

  test('a --confirm that names nothing is an error of an upgrade too, also of its preview, before anything is listed', async () => {
    for (const how of ['--dry-run=client', '--yes']) {
      const words = ['upgrade', 'kubernetes', '--to', TO, '--confirm', 'pdb/billing/leger', how];
      const ran = await run(words, { kubeconfig: cluster.kubeconfig, home: newHome() });
      expect([ran.code, ran.stdout]).toEqual([1, '']);
      expect(ran.stderr).toMatch(/^error: --confirm pdb\/billing\/leger: no fixable finding on this object; nothing was sent\n/);
    }
  });

  test('a run that changed manifests, asked for on a cluster: it is named with them', async () => {
    const [home, folder] = [newHome(), newHome()];
    const cronJob = 'apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: c}\nspec: {schedule: "0 0 * * *"}\n';
    writeFileSync(join(folder, 'c.yaml'), cronJob);
    const words = ['fix', 'kubernetes/removed-api', '-f', 'c.yaml', '--offline', '--to', 'kubernetes=1.25', '--yes'];
    const fixed = await run(words, { home, cwd: folder });
    expect(fixed.code, fixed.stderr).toBe(0);
    expect(readFileSync(join(folder, 'c.yaml'), 'utf8')).toBe(cronJob.replace('v1beta1', 'v1'));
    const runs = JSON.parse((await run(['runs', '-f', 'c.yaml', '-o', 'json'], { home, cwd: folder })).stdout) as { id: string }[];
    const { id } = runs[0]!;
    const asked = await run(['runs', id], { kubeconfig: cluster.kubeconfig, home, cwd: folder });
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain(`run ${id} changed manifests, not this cluster`);
    const named = /(runs \S+ -f \S+)/.exec(asked.stderr)![1]!;
    expect((await run(named.split(' '), { home, cwd: folder })).stderr).not.toContain('not found');
  });

  test('nothing is listed through a deprecated version where another is served, and kinds that the path does not concern are not listed', async () => {
    /** Lists by API version and resource, as the API server has counted them. */
    const lists = async () => {
      const { body } = await cluster.request('GET', '/metrics', undefined, undefined, 'text/plain');
      const counts = new Map<string, number>();
      for (const [, labels = '', value] of String(body).matchAll(/^apiserver_request_total\{(.*verb="LIST".*)\} (\S+)$/gm)) {
        const at = (name: string) => new RegExp(`[{,]?${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
        const key = `${at('group')}/${at('version')} ${at('resource')}`;
        counts.set(key, (counts.get(key) ?? 0) + Number(value));
      }
      return counts;
    };
    const before = await lists();
    await run(['check', 'kubernetes/removed-api', 'kubernetes/api-writers', '--to', `kubernetes=${TO}`], {
      kubeconfig: cluster.kubeconfig,
    });
    const after = await lists();
    const made = [...after].filter(([key, count]) => count > (before.get(key) ?? 0)).map(([key]) => key);
    // The control plane lists too; what it lists is not in a deprecated version that has another.
    const alone = ['policy/v1beta1 podsecuritypolicies'];
    expect(made.filter((key) => /beta|alpha/.test(key) && !alone.includes(key) && !key.startsWith('flowcontrol'))).toEqual([]);
    if (OLD)
      expect(made).toEqual(
        expect.arrayContaining(['batch/v1 cronjobs', 'policy/v1 poddisruptionbudgets', 'autoscaling/v2 horizontalpodautoscalers']),
      );
    for (const other of ['networking.k8s.io/v1 ingresses', 'apps/v1 deployments']) expect(made, other).not.toContain(other);
  });

  test('what rbac prints is enough, and without rights nothing is passed', async () => {
    const all = await check(['--to', `kubernetes=${TO}`]);
    // With the custom resources of this cluster.
    const { rules } = parse((await run(['rbac', '--for', 'check'], { kubeconfig: cluster.kubeconfig })).stdout) as { rules: PolicyRule[] };
    const limited = await check(['--to', `kubernetes=${TO}`], await cluster.user('user-1', rules));
    // The role that the test gives to this user is one that names PodSecurityPolicies.
    expect(limited.said.filter((each) => !each.includes('bed-user-1'))).toEqual(all.said);
    // As it is printed, applied and bound, and to this user alone.
    const granted = await run(['rbac', '--for', 'check', '--bind-to', 'user/user-2'], { kubeconfig: cluster.kubeconfig });
    const applied = await cluster.kubectl(['apply', '-f', '-'], { input: granted.stdout });
    expect([applied.code, granted.stderr], applied.stderr).toEqual([0, expect.not.stringContaining('--bind-to')]);
    const bound = await check(['--to', `kubernetes=${TO}`], await cluster.user('user-2'));
    expect(bound.said.filter((each) => !/bed-user|upgrade-guard-check/.test(each))).toEqual(all.said);
    const blind = await check(['--to', `kubernetes=${TO}`], await cluster.user('nobody'));
    const passed = blind.result.checks.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id);
    expect(passed).toEqual([]);
    expect(blind.code).toBe(3);
  });
});

describe('the way back', () => {
  const back = OLD ? '1.23' : '1.36';
  const [gate, component, flag] = OLD
    ? ['ContextualLogging', 'kube-scheduler', '--pod-max-in-unschedulable-pods-duration=5m']
    : ['AtomicWriteVolumeUserFields', 'kube-controller-manager', '--concurrent-disruption-syncs=5'];
  const image = (name: string, tag: string) => ({ containers: [{ name, image: `registry.k8s.io/${name}:${tag}` }] });
  const NEW: Raw[] = [
    {
      apiVersion: 'storagemigration.k8s.io/v1',
      kind: 'StorageVersionMigration',
      metadata: { name: 'new' },
      spec: { resource: { group: '', resource: 'configmaps' } },
    },
    // A field of 1.35: none of 1.37 is on by default there.
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: { name: 'new' },
      spec: { tokenRequests: [{ audience: 'a' }], serviceAccountTokenInSecrets: true },
    },
  ];

  test('of a cluster that uses nothing new: the components and kubelets that return first, and never an all-clear', async () => {
    const { code, said } = await check(['--back-to', back]);
    expect(said).toEqual(
      expect.arrayContaining([
        ...['blocker way-back-kubelets ahead', 'warning way-back-components kube-controller-manager-cp1'],
        'blocker webhook-backend left-over odd',
      ]),
    );
    expect(code).toBe(2);
    const { stdout } = await run(['check', 'kubernetes', '--back-to', back], { kubeconfig: cluster.kubeconfig });
    expect(stdout).toMatch(/newer than 1\.\d+: downgrade it before the API servers/);
    expect(stdout).not.toMatch(/No problems found|All checks ran completely/);
  });

  test('what only this version has: kinds, fields, flags and gates, and the etcd that it came with', async () => {
    await cluster.apply(
      mirror('kube-apiserver', `--feature-gates=${gate}=true`),
      mirror(component, flag),
      { ...mirror('etcd'), spec: { nodeName: 'cp1', ...image('etcd', OLD ? '3.5.6-0' : '3.7.0-0') } },
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'kube-proxy', namespace: 'kube-system' },
        spec: {
          selector: { matchLabels: { app: 'kube-proxy' } },
          template: { metadata: { labels: { app: 'kube-proxy' } }, spec: image('kube-proxy', gitVersion) },
        },
      },
      ...(OLD ? [] : NEW),
    );
    const { result, said, stderr } = await check(['--back-to', back]);
    for (const expected of [
      ...['blocker way-back-flags kube-apiserver-cp1', `blocker way-back-flags ${component}-cp1`],
      'warning way-back-components kube-proxy',
      ...(OLD ? [] : ['warning way-back-apis new', 'blocker way-back-etcd etcd-cp1']),
    ])
      expect(said, `${expected} ${stderr}`).toContain(expected);
    // Over several minors.
    if (!OLD)
      expect((await check(['--back-to', '1.34'])).said).toEqual(
        expect.arrayContaining(['blocker way-back-apis', 'warning way-back-fields new']),
      );
    const outcomeOf = (id: string) => result.checks.find((each) => each.id === `kubernetes/${id}`)!.outcome;
    if (OLD) expect([outcomeOf('way-back-etcd'), outcomeOf('way-back-apis')]).toEqual(['passed', 'passed']);
    // Without rights nothing is passed.
    const blind = await check(['--back-to', back], await cluster.user('nobody'));
    expect([...new Set(blind.result.checks.map(({ outcome }) => outcome))]).toEqual(['unknown']);
    expect(blind.code).toBe(3);
    // The plan speaks of etcd as the checks do: no minor of it is crossed here.
    const planned = await run(['plan', 'kubernetes', '--to', TO], { kubeconfig: cluster.kubeconfig });
    const now = OLD ? '1.24' : '1.37';
    expect(planned.stdout, planned.stderr).toContain(`check kubernetes --back-to ${now} reports no blocker`);
  });
});

/** Written in versions that 1.25 drops: by a server-side apply, and by kubectl. */
async function oldApis(): Promise<void> {
  const budget = (name: string) =>
    JSON.stringify({
      apiVersion: 'policy/v1beta1',
      kind: 'PodDisruptionBudget',
      metadata: { name, namespace: 'default' },
      spec: { minAvailable: 0 },
    });
  const apply = (...words: string[]) =>
    cluster.kubectl(['apply', '-f', '-', ...words], { input: budget(words.length ? 'applied' : 'by-kubectl') });
  for (const ended of [await apply('--server-side', '--field-manager=argocd-controller'), await apply()])
    expect(ended.code, ended.stderr).toBe(0);
}
