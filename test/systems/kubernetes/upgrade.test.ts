// The stages of an upgrade of Kubernetes: what they hold for whose cluster, in which order, and how each manual step is seen to be done.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JudgedFinding, Raw, Ref, Selection, StageDraft, StepDraft, Upgrading, World } from '../../../src/engine/contracts.ts';
import { planUpgrade } from '../../../src/engine/plan.ts';
import { firstMet, pending } from '../../../src/engine/steps/conditions.ts';
import { wrongInRun } from '../../../src/journal/well-formed.ts';
import { labelSelector } from '../../../src/kube/labels.ts';
import kubernetes from '../../../src/systems/kubernetes/index.ts';
import { stages } from '../../../src/systems/kubernetes/upgrade.ts';
import { preflightSeconds } from '../../../src/systems/kubernetes/upgrade-kubeadm.ts';
import { logsOf, loweredStage, raisedStage } from '../../../src/systems/kubernetes/upgrade-logs.ts';
import type { ClusterParts } from '../../../src/systems/kubernetes/upgrade-parts.ts';
import { fixedOf, orLater } from '../../../src/systems/kubernetes/upgrade-steps.ts';
import { textOf } from '../../../src/text/language.ts';

const node = (name: string, kubelet: string, spec: Raw = {}): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name }, spec },
  status: { nodeInfo: { kubeletVersion: kubelet, osImage: 'Ubuntu 24.04' }, conditions: [{ type: 'Ready', status: 'True' }] },
});
const pod = (component: string, on: string, version: string): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    name: `${component}-${on}`,
    namespace: 'kube-system',
    uid: `${component}-${on}`,
    labels: { component, tier: 'control-plane' },
  },
  spec: { nodeName: on, containers: [{ name: component, image: `registry.example.com/${component}:${version}@sha256:0a` }] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
});
const COMPONENTS = ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver'];
const controlPlane = (...nodes: string[]) => nodes.flatMap((on) => COMPONENTS.map((component) => pod(component, on, 'v1.30.4')));
const KUBEADM: Raw = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config', namespace: 'kube-system' } };
const two = [node('cp1', 'v1.30.4'), node('w1', 'v1.30.4')];

const nameOf = (object: Raw) => (object.metadata as { name: string }).name;
const listed = (objects: Raw[], resource: string, labels?: string) =>
  objects.filter(({ kind }) =>
    resource === 'nodes'
      ? kind === 'Node'
      : resource === 'pods'
        ? kind === 'Pod' && labels === 'tier=control-plane'
        : kind === KINDS[resource],
  );
const KINDS: Record<string, string> = {
  'cronjobs.batch': 'CronJob',
  'backups.velero.io': 'Backup',
  'etcdsnapshotfiles.k3s.cattle.io': 'ETCDSnapshotFile',
};

interface Asked extends Pick<Upgrading, 'nodes' | 'stopController' | 'found' | 'context' | 'logVerbosity' | 'kubeletLogVerbosity'> {
  from?: string;
  /** API servers that can be asked by their own addresses. */
  servers?: number;
  /** What they answer. */
  versions?: string[];
  /** An API server that says how much it logs. */
  flags?: boolean;
  /** Kinds that must not be read. */
  forbidden?: string[];
}
/** Without the notes, which come first at each minor, and the rehearsal of a restore. */
const stagesOf = async (...args: Parameters<typeof allStagesOf>) =>
  (await allStagesOf(...args))
    .filter(({ title }) => !/^Notes/.test(title.en))
    .map((stage) => ({ ...stage, steps: stage.steps.filter(({ text }) => !isRehearsal(text.en)) }));
const isRehearsal = (text: string): boolean => text.startsWith('restore the backup once');
function allStagesOf(
  objects: Raw[],
  to: string,
  { from = 'v1.30.4', servers = 0, versions = [], flags = false, forbidden = [], ...asked }: Asked = {},
) {
  return stages({
    path: {
      installation: { id: 'kubernetes@cluster', system: 'kubernetes', name: 'cluster', version: from, sources: [], byHelm: false },
      ...{ from, to, chosen: 'asked', hops: kubernetes.hops!(from, to) },
    },
    ...asked,
    source: {
      text: async ({ path }, { line }) => {
        if (path.endsWith('/configz')) {
          line('{"kubeletconfig":{"logging":{"format":"text","verbosity":2}}}', '');
          return [];
        }
        if (path === '/debug/flags' && flags) {
          line('<tr>v<br>', '192.0.2.1:6443');
          return [];
        }
        for (const [i, version] of versions.entries()) line(`"gitVersion": "${version}",`, `192.0.2.${i + 1}:6443`);
        return servers || versions.length ? [] : [{ why: 'failed', verb: 'get-path', resource: '/version' }];
      },
      get: async ({ kind, namespace, name }: Ref) =>
        forbidden.includes(kind)
          ? { why: 'forbidden', verb: 'get', resource: `${kind.toLowerCase()}s`, namespace, name }
          : objects.find((object) => object.kind === kind && nameOf(object) === name),
      list: async ({ resource, labels }, sink) => void listed(objects, resource, labels).forEach(sink.object),
    },
  });
}
const stepsOfStage = ({ steps }: StageDraft): StepDraft[] => steps;
const stepsOf = (drafts: StageDraft[]): StepDraft[] => drafts.flatMap(stepsOfStage);
const texts = (drafts: StageDraft[]): string[] => stepsOf(drafts).map(({ text }) => text.en.split(/[,;:]/)[0]!);
const commandsOf = (step: StepDraft): string => (step.do === 'manual' ? step.commands.map((each) => textOf(each).en).join('\n') : '');
/** What of a manual step has not come about among these objects. */
const open = (step: StepDraft, objects: Raw[], version = '') =>
  pending(step.do === 'manual' ? step.seen! : [], worldOver(objects, version));
const worldOver = (objects: Raw[], version = ''): World =>
  ({
    get: async ({ kind, name }: Ref) => objects.find((object) => object.kind === kind && nameOf(object) === name),
    select: async ({ kind, labels, fields }: Selection) =>
      objects.filter(
        (object) => object.kind === kind && labelSelector(labels)(object) && (!fields || fields === `metadata.name=${nameOf(object)}`),
      ),
    read: async () => [{ server: '10.0.0.1:6443', text: `{\n  "gitVersion": "${version}",\n}` }],
  }) as unknown as World;
/** Without the digest, which is of the old version. */
const plainPod = (component: string, on: string, version: string): Raw =>
  JSON.parse(JSON.stringify(pod(component, on, version)).replace('@sha256:0a', ''));

describe('with kubeadm', () => {
  const cluster = [...two, node('cp2', 'v1.30.4'), ...controlPlane('cp1', 'cp2'), pod('etcd', 'cp1', '3.5.15'), KUBEADM];

  test('two minors: of each the backup, the control plane node by node, then every kubelet', async () => {
    const drafts = await stagesOf(cluster, '1.32');
    expect(drafts.map(({ hop, title }) => `${hop}: ${title.en}`)).toEqual([
      '1.31: Back up etcd before v1.31.14',
      '1.31: Control plane to v1.31.14',
      '1.31: Nodes to v1.31.14',
      '1.32: Back up etcd before v1.32.13',
      '1.32: Control plane to v1.32.13',
      '1.32: Nodes to v1.32.13',
    ]);
    expect(texts(drafts.slice(0, 3))).toEqual([
      'back up etcd',
      'upgrade the control plane on Node cp1 to v1.31.14 with kubeadm',
      'upgrade the control plane on Node cp2 to v1.31.14 with kubeadm',
      'wait until the API server answers as v1.31.14',
      ...['cp1', 'cp2', 'w1'].flatMap((name) => [
        `drain Node ${name}`,
        `upgrade the kubelet of Node ${name} to v1.31.14`,
        `uncordon Node ${name}`,
      ]),
      'wait until every Node is Ready with kubelet v1.31.14',
    ]);
    const [backup, first, second, wait, ...kubelets] = stepsOf(drafts);
    expect(commandsOf(backup!)).toContain('kubectl exec -n kube-system etcd-cp1 -- etcdctl');
    expect(commandsOf(first!)).toMatch(/kubeadm="1\.31\.14-\*"'\n.*upgrade plan v1\.31\.14'\n.*upgrade apply v1\.31\.14 --yes'$/);
    expect(commandsOf(second!)).toMatch(/kubeadm upgrade node'$/);
    expect(second!.after).toEqual([first]);
    expect(wait!.after).toEqual([first, second]);
    expect(kubelets[1]!.after).toEqual([kubelets[0]]);
    // On the control plane kubeadm has done the node's part.
    expect(commandsOf(kubelets[1]!)).not.toMatch(/kubeadm upgrade|kubeadm=/);
    expect(commandsOf(kubelets[7]!)).toContain('kubeadm upgrade node');
    expect(commandsOf(kubelets[7]!)).not.toContain('drain');
  });

  test('flags that the kubelet no longer has are looked for on its machine, behind kubeadm and before the new one starts', async () => {
    const kubelets = stepsOf(await stagesOf(cluster, '1.32')).filter(({ text }) => text.en.includes('kubelet of Node w1'));
    const [upgraded, looked, started] = commandsOf(kubelets[0]!).split('\n').slice(-3);
    expect(upgraded).toContain('kubeadm upgrade node');
    expect(looked).toMatch(
      /^ssh w1 '! sudo grep -rsnE -e "--\(iptables-drop-bit\|iptables-masquerade-bit\|keep-terminated-pod-volumes\)\(.*kubeadm-flags\.env .*' {3}# kubelet 1\.31 does not start with these flags/,
    );
    expect(started).toContain('systemctl restart kubelet');
    // 1.32 takes all that 1.31 takes.
    expect(commandsOf(kubelets[1]!)).not.toContain('grep -rsnE');
  });

  test('the command that looks for flags stops where one is set, and nowhere else', async () => {
    const [step] = stepsOf(await stagesOf(cluster, '1.31')).filter(({ text }) => text.en.includes('kubelet of Node w1'));
    const command = /^ssh w1 '(! sudo grep .*)' {3}#/m.exec(commandsOf(step!))![1]!.replace('sudo ', '');
    const folder = mkdtempSync(join(tmpdir(), 'ug-kubelet-'));
    const exit = (flags: string) => {
      writeFileSync(join(folder, 'kubeadm-flags.env'), `KUBELET_KUBEADM_ARGS="${flags}"\n`);
      return spawnSync('sh', ['-c', command.replaceAll('/var/lib/kubelet', folder)]).status;
    };
    try {
      expect(exit('--node-ip=10.0.0.1 --keep-terminated-pod-volumes=true')).toBe(1);
      expect(exit('--keep-terminated-pod-volumes')).toBe(1);
      expect(exit('--keep-terminated-pod-volumes-not=true --node-ip=10.0.0.1')).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('the control plane of a Node is done once all three run the version there, or a newer patch, and are Ready', async () => {
    const [, step] = stepsOf(await stagesOf(cluster, '1.31')) as [StepDraft, StepDraft];
    const at = (version: string, on = 'cp1') => COMPONENTS.map((component) => pod(component, on, version));
    expect(await open(step, at('v1.30.4'))).toBeDefined();
    expect(await open(step, at('v1.31.14', 'cp2'))).toBeDefined();
    expect(await open(step, [...at('v1.31.14').slice(1), pod('kube-scheduler', 'cp1', 'v1.30.4')])).toBeDefined();
    expect(await open(step, at('v1.31.3'))).toBeDefined();
    const plain = (version: string): Raw[] => JSON.parse(JSON.stringify(at(version)).replaceAll('@sha256:0a', ''));
    expect(await open(step, plain('v1.31.14'))).toBeUndefined();
    expect(await open(step, plain('v1.31.15'))).toBeUndefined();
    const notReady: Raw[] = JSON.parse(JSON.stringify(plain('v1.31.14')).replaceAll('"True"', '"False"'));
    expect(await open(step, notReady)).toBeDefined();
  });

  test('a Node is done with its kubelet at the version and uncordoned again, unless it was cordoned before', async () => {
    const steps = stepsOf(await stagesOf([...cluster, node('w2', 'v1.30.4', { unschedulable: true })], 'v1.31.2'));
    const of = (name: string) => steps.find(({ text }) => text.en.includes(`kubelet of Node ${name} `))!;
    expect(await open(of('w1'), [node('w1', 'v1.30.4')])).toBeDefined();
    expect(await open(of('w1'), [node('w1', 'v1.31.2', { unschedulable: true })])).toBeUndefined();
    const kinds = (name: string) => steps.filter((step) => 'on' in step && step.on.name === name).map((step) => step.do);
    expect([kinds('w1'), kinds('w2')]).toEqual([['drain', 'patch'], ['drain']]);
  });

  test('in place: nothing is drained, and where kubelets restart all containers that is said', async () => {
    const steps = async (from: string, to: string) => stepsOf(await stagesOf(cluster, to, { from, nodes: 'in-place' }));
    const over = (await steps('v1.30.4', '1.31')).find(({ text }) => text.en.includes('kubelet of Node w1'))!;
    expect(over.text.en).toBe('upgrade the kubelet of Node w1 to v1.31.14 in place: every container on it restarts (1.30 → 1.31)');
    expect(commandsOf(over)).not.toMatch(/drain|cordon/);
    const later = (await steps('v1.31.14', '1.32')).find(({ text }) => text.en.includes('kubelet of Node w1'))!;
    expect(later.text.en).toBe('upgrade the kubelet of Node w1 to v1.32.13 in place');
  });

  test('within one minor: one hop, the target itself', async () => {
    const drafts = await stagesOf(cluster, 'v1.30.9');
    expect(drafts.map(({ hop }) => hop)).toEqual(['v1.30.9', 'v1.30.9', 'v1.30.9']);
    expect(await stagesOf(cluster, 'v1.30.4')).toEqual([]);
  });

  describe('so many Nodes that their steps cannot be read: fifty with one step', () => {
    const many = Array.from({ length: 60 }, (_, i) => node(`n${i}`, 'v1.30.4'));
    const stepsFor = async (asked: Partial<Asked> = {}) =>
      (await stagesOf([...many, ...controlPlane('n0'), KUBEADM], '1.31', asked)).findLast(({ title }) => /^Nodes/.test(title.en))!.steps;
    const kinds = (steps: StepDraft[]) => steps.map((step) => step.do).join(' ');

    test('each drained first; the control plane alone, and its workers seen one by one', async () => {
      const steps = await stepsFor();
      expect(kinds(steps)).toBe('drain manual patch manual manual wait');
      expect(steps[1]!.text.en).toBe('upgrade the kubelet of Node n0 to v1.31.14');
      expect(steps[3]!.text.en).toBe(
        'upgrade the kubelets of 50 Nodes (n1 ... n54) to v1.31.14, each drained first: its Pods move to other Nodes, and lose what they keep in emptyDir',
      );
      expect(steps[4]!.text.en).toMatch(/^upgrade the kubelets of 9 Nodes \(n55 \.\.\. n9\)/);
      const left = await open(steps[3]!, [node('n1', 'v1.31.14'), node('n10', 'v1.30.4')]);
      expect(left?.progress).toMatchObject({ done: 1, of: 50 });
      expect(left?.because.en).toContain('Node n10');
    });

    test('the first command names those that are left, whoever has upgraded some meanwhile', async () => {
      const lists = (steps: StepDraft[]) =>
        steps.flatMap((step) => commandsOf(step).match(/^kubectl get node .* \| awk '.*'(?= {3}# lists the Nodes that are left$)/gm) ?? []);
      /** Of these, as kubectl prints NAME and version; kubectl itself is a function here. */
      const left = (command: string, ...printed: string[]) => {
        const script = `kubectl() { printf '%s\\n' ${printed.map((line) => `'${line}'`).join(' ')}; }\n${command}`;
        return spawnSync('sh', ['-euc', script], { encoding: 'utf8' })
          .stdout.split('\n')
          .filter(Boolean)
          .map((line) => line.split(' ')[0]);
      };
      for (const nodes of ['drain', 'in-place', 'replace'] as const) {
        const [first, second] = lists(await stepsFor({ nodes })) as [string, string];
        expect(first.match(/ n\d+(?= )/g)).toHaveLength(50);
        expect(second).toContain('kubectl get node n55 n56 n57 n58 n59 n6 n7 n8 n9 --ignore-not-found --no-headers');
        expect(left(second, 'n55 v1.31.14', 'n56 v1.30.4', 'n57 v1.31.140', 'n58 v1.31.15')).toEqual(['n56', 'n57']);
        expect(left(second, 'n55 v1.31.14')).toEqual([]);
      }
      const [of] = lists(
        stepsOf(
          await stagesOf(
            Array.from({ length: 60 }, (_, i) => node(`n${i}`, 'v1.31.2+rke2r1')),
            'v1.31.9',
            { from: 'v1.31.2+rke2r1' },
          ),
        ),
      );
      expect(left(of!, 'n0 v1.31.2+rke2r1', 'n1 v1.31.9+rke2r1', 'n2 v1.30.4+rke2r1', 'n3 v1.31.2+rke2r10')).toEqual(['n0', 'n2']);
    });

    test('in place: the containers of all fifty are counted', async () => {
      const steps = await stepsFor({ nodes: 'in-place' });
      const watched = steps.flatMap((step) => (step.do === 'manual' && step.restarts ? [step.restarts] : []));
      expect(watched.map(({ on, others = [], said }) => [on.name, others.length, said])).toEqual([
        ['n0', 0, true],
        ['n1', 49, true],
        ['n55', 8, true],
      ]);
      expect(JSON.parse(JSON.stringify(watched[1]!.others![0]))).toMatchObject({ kind: 'Node', name: 'n10' });
    });

    test('replaced: an old Node is gone, and not one of its name that came after it', async () => {
      const [first] = (await stepsFor({ nodes: 'replace' })).filter(({ text }) => /^replace/.test(text.en));
      expect(first!.text.en).toMatch(/^replace 50 Nodes \(n1 \.\.\. n54\) with new ones that run kubelet v1\.31\.14/);
      const successor = { ...node('n1', 'v1.31.14'), metadata: { name: 'n1', uid: 'another' } };
      expect(await open(first!, [successor, ...many.filter((each) => nameOf(each) !== 'n1')])).toMatchObject({
        progress: { done: 1, of: 50 },
      });
      expect(await open(first!, [successor])).toBeUndefined();
    });

    test('kubelets log more behind the step that restarts them', async () => {
      const steps = await stepsFor({ kubeletLogVerbosity: 4 });
      const behind = (step: StepDraft) => (step.after ?? []).map(({ text }) => text.en.split(' (')[0]!);
      const raised = steps.filter((step) => step.do === 'verbosity');
      expect(raised).toHaveLength(60);
      expect(behind(raised[1]!)).toEqual(['upgrade the kubelets of 50 Nodes']);
      expect(behind(steps.filter((step) => step.do === 'manual').at(-1)!)).toHaveLength(51);
    });
  });
});

test('other static Pods: API servers first, kube-controller-manager and kube-scheduler behind all of them', async () => {
  const drafts = await stagesOf([...two, ...controlPlane('cp1', 'cp2')], '1.31');
  expect(texts(drafts.slice(1, 2)).map((text) => text.replace(/ to v.*/, ''))).toEqual([
    'upgrade kube-apiserver on Node cp1',
    'upgrade kube-apiserver on Node cp2',
    'upgrade kube-controller-manager on Node cp1',
    'upgrade kube-controller-manager on Node cp2',
    'upgrade kube-scheduler on Node cp1',
    'upgrade kube-scheduler on Node cp2',
    'wait until the API server answers as v1.31.14',
  ]);
});

test('where later patches are known they are as good, and that is said', () => {
  expect([orLater('v1.31.14', true).en, orLater('v1.31.14', false).en]).toEqual(['v1.31.14 or a later patch', 'v1.31.14']);
});

test('what the stages are for stops no upgrade, except API servers that are too far apart', () => {
  const found = (...keys: string[]) =>
    fixedOf({
      found: [
        { check: 'kubernetes/removed-api', findings: [{ key: ['api-servers'] }] },
        { check: 'kubernetes/control-plane-skew', findings: keys.map((key) => ({ key: [key, '1.30'] })) },
      ] as unknown as NonNullable<Upgrading['found']>,
    });
  const both = ['kubernetes/version-skip', 'kubernetes/control-plane-skew'];
  expect([fixedOf({}), found(), found('kube-scheduler')]).toEqual([both, both, both]);
  expect(found('kube-scheduler', 'api-servers')).toEqual(['kubernetes/version-skip']);
});

test('a control plane that no Pod shows: every API server is asked, and only what nothing shows is confirmed', async () => {
  const [backup, servers, others] = stepsOf(await stagesOf(two, '1.31', { servers: 2 }));
  expect(commandsOf(backup!)).toMatch(/^export ETCDCTL_ENDPOINTS=.*\netcdctl snapshot save/);
  expect(servers!.do === 'manual' && servers!.seen?.[0]).toMatchObject({ reading: { path: '/version', every: true } });
  expect(await open(servers!, [], 'v1.30.4')).toBeDefined();
  expect(await open(servers!, [], 'v1.31.1')).toBeDefined();
  expect(await open(servers!, [], 'v1.31.140')).toBeDefined();
  expect(await open(servers!, [], 'v1.31.14')).toBeUndefined();
  expect(others!.do === 'manual' && others!.seen).toBeUndefined();
});

test('the Leases of the control plane, where there are any, are renewed before it goes on', async () => {
  const lease: Raw = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kube-scheduler', namespace: 'kube-system' },
  };
  const wait = stepsOf(await stagesOf([...two, ...controlPlane('cp1'), lease], '1.31')).find((step) => step.do === 'wait')!;
  expect(wait.do === 'wait' && wait.until.filter((each) => 'on' in each).map((each) => 'on' in each && each.on.name)).toEqual([
    'kube-scheduler',
  ]);
});

test('a provider: its own command for the control plane at each minor, node groups once, seen by the versions that are gone', async () => {
  const steps = stepsOf(await stagesOf([node('a', 'v1.30.2-eks-1'), node('b', 'v1.29.9-eks-2')], '1.32', { from: 'v1.30.2-eks-1' }));
  expect(steps.map(({ text }) => text.en)).toEqual([
    'upgrade the control plane to 1.31 with EKS',
    'wait until the API server answers as 1.31',
    'upgrade the control plane to 1.32 with EKS',
    'wait until the API server answers as 1.32',
    'upgrade the kubelets to 1.32 with EKS',
  ]);
  expect(await open(steps[0]!, [], 'v1.31.2-eks-9')).toBeUndefined();
  expect(await open(steps[4]!, [node('a', 'v1.32.1-eks-4'), node('b', 'v1.29.9-eks-2')])).toBeDefined();
  expect(await open(steps[4]!, [node('a', 'v1.32.1-eks-4'), node('b', 'v1.32.1-eks-4')])).toBeUndefined();
});

const labelled = (name: string, kubelet: string, labels: Record<string, string>): Raw => {
  const { metadata, ...rest } = node(name, kubelet);
  return { ...rest, metadata: { ...(metadata as Raw), labels } };
};

describe('a provider: its exact commands, one for each of its node pools, and how long its way back holds', () => {
  const PROXY: Raw = {
    ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'kube-proxy', namespace: 'kube-system' } },
    spec: { template: { spec: { containers: [{ name: 'kube-proxy', image: 'registry.example/eks/kube-proxy:v1.31.2-eksbuild.2' }] } } },
  };
  const CASES: [by: string, from: string, pool: string, more: readonly Raw[], commands: string[]][] = [
    [
      ...(['GKE', 'v1.31.2-gke.1384000', 'cloud.google.com/gke-nodepool', []] as const),
      [
        'CLUSTER=   # set it: listed by gcloud container clusters list',
        'LOCATION=   # set it: listed by gcloud container clusters list',
        `gcloud container clusters upgrade "\${CLUSTER:?}" --location "\${LOCATION:?}" --master --cluster-version 1.32`,
        'CLUSTER=   # set it: listed by gcloud container clusters list',
        'LOCATION=   # set it: listed by gcloud container clusters list',
        `gcloud container clusters upgrade "\${CLUSTER:?}" --location "\${LOCATION:?}" --node-pool a-pool --cluster-version 1.32`,
        `gcloud container clusters upgrade "\${CLUSTER:?}" --location "\${LOCATION:?}" --node-pool 'b pool' --cluster-version 1.32`,
        'kubectl get nodes other   # of no node pool',
      ],
    ],
    [
      ...(['EKS', 'v1.31.2-eks-7f9249a', 'eks.amazonaws.com/nodegroup', [PROXY]] as const),
      [
        'CLUSTER=   # set it: listed by aws eks list-clusters',
        `aws eks update-cluster-version --name "\${CLUSTER:?}" --kubernetes-version 1.32`,
        'CLUSTER=   # set it: listed by aws eks list-clusters',
        "VERSION=$(aws eks describe-addon-versions --kubernetes-version 1.32 --addon-name kube-proxy --query 'addons[0].addonVersions[0].addonVersion' --output text)",
        `aws eks update-addon --cluster-name "\${CLUSTER:?}" --addon-name kube-proxy --addon-version "$VERSION"`,
        "aws eks describe-addon-versions --kubernetes-version 1.32 --query 'addons[].[addonName,addonVersions[0].addonVersion]' --output text   # for the other add-ons",
        'CLUSTER=   # set it: listed by aws eks list-clusters',
        `aws eks update-nodegroup-version --cluster-name "\${CLUSTER:?}" --nodegroup-name a-pool --kubernetes-version 1.32`,
        `aws eks update-nodegroup-version --cluster-name "\${CLUSTER:?}" --nodegroup-name 'b pool' --kubernetes-version 1.32`,
        'kubectl get nodes other   # of no managed node group: Karpenter, EKS Auto Mode or their launch template replaces them',
      ],
    ],
    [
      ...(['AKS', 'v1.31.2', 'kubernetes.azure.com/agentpool', []] as const),
      [
        'GROUP=   # set it: listed by az aks list -o table',
        'CLUSTER=   # set it: listed by az aks list -o table',
        `az aks upgrade --resource-group "\${GROUP:?}" --name "\${CLUSTER:?}" --control-plane-only --kubernetes-version 1.32`,
        'GROUP=   # set it: listed by az aks list -o table',
        'CLUSTER=   # set it: listed by az aks list -o table',
        `az aks nodepool upgrade --resource-group "\${GROUP:?}" --cluster-name "\${CLUSTER:?}" --name a-pool --kubernetes-version 1.32`,
        `az aks nodepool upgrade --resource-group "\${GROUP:?}" --cluster-name "\${CLUSTER:?}" --name 'b pool' --kubernetes-version 1.32`,
        'kubectl get nodes other   # of no node pool',
      ],
    ],
  ];
  test.each(CASES)('%s', async (by, from, pool, more, commands) => {
    const own: Record<string, string> = by === 'AKS' ? { 'kubernetes.azure.com/cluster': 'MC_shop' } : {};
    const nodes = [
      labelled('n1', from, { [pool]: 'b pool', ...own }),
      labelled('n2', from, { [pool]: 'a-pool', ...own }),
      labelled('other', from, own),
      labelled('new', from.replace('31', '32'), { [pool]: 'new-pool', ...own }),
    ];
    const drafts = await allStagesOf([...nodes, ...more], '1.32', { from });
    const steps = stepsOf(drafts.slice(1));
    expect(steps.flatMap((step) => (step.do === 'manual' ? step.commands.map((each) => textOf(each).en) : []))).toEqual(commands);
    expect(await open(steps[0]!, nodes, from)).toBeDefined();
    expect(await open(steps.at(-1)!, nodes)).toBeDefined();
    expect(await open(steps.at(-1)!, [nodes[3]!])).toBeUndefined();
    const [notes] = stepsOf(drafts);
    const said = notes!.do === 'manual' ? (notes!.notes ?? []).map(({ en }) => en.split(':')[0]) : [];
    expect(said).toEqual([
      expect.stringMatching(/^kubelet v1\.32\.\S+ of 1 Node \(new\) is newer than the API servers until they are 1\.32$/),
      'way back to 1.31',
      'way back to 1.31',
      'way back to 1.31 for a Node',
    ]);
  });

  test('a cluster that eksctl made is named by its Nodes', async () => {
    const labels = { 'eks.amazonaws.com/nodegroup': 'workers', 'alpha.eksctl.io/cluster-name': 'shop' };
    const steps = stepsOf(await stagesOf([labelled('a', 'v1.31.2-eks-1', labels)], '1.32', { from: 'v1.31.2-eks-1' }));
    expect(commandsOf(steps[0]!)).toBe('aws eks update-cluster-version --name shop --kubernetes-version 1.32');
  });

  test.each([
    ['EKS', 'arn:aws:eks:eu-west-1:123456789012:cluster/shop', {}, 'aws eks update-cluster-version --name shop --region eu-west-1 '],
    ['EKS', 'me@shop.eu-west-1.eksctl.io', {}, 'aws eks update-cluster-version --name shop --region eu-west-1 '],
    // The Nodes say another name than the context: neither is taken.
    ['EKS', 'me@shop.eu-west-1.eksctl.io', { 'alpha.eksctl.io/cluster-name': 'b' }, 'CLUSTER=   # set it: listed by aws eks list-clusters'],
    [
      'GKE',
      'gke_acme-1_europe-west1-b_shop',
      {},
      'gcloud container clusters upgrade shop --location europe-west1-b --project acme-1 --master',
    ],
    ['AKS', '', { 'kubernetes.azure.com/cluster': 'MC_eu_shop_westeurope' }, 'az aks upgrade --resource-group eu --name shop '],
    [
      'AKS',
      'shop_1-admin',
      { 'kubernetes.azure.com/cluster': 'MC_eu_1_shop_1_westeurope' },
      'az aks upgrade --resource-group eu_1 --name shop_1 ',
    ],
    ['AKS', 'prod', { 'kubernetes.azure.com/cluster': 'MC_eu_1_shop_1_westeurope' }, 'GROUP=   # set it: listed by az aks list'],
  ])('%s is named as the context %s and its Nodes have it', async (by, context, labels, command) => {
    const from = { EKS: 'v1.31.2-eks-1', GKE: 'v1.31.2-gke.1', AKS: 'v1.31.2' }[by]!;
    const steps = stepsOf(await stagesOf([labelled('a', from, labels)], '1.32', { from, context }));
    expect(commandsOf(steps[0]!)).toContain(command);
  });

  test('a patch: that of the old version does not count as done', async () => {
    const from = 'v1.31.2-gke.1384000';
    const nodes = [labelled('n1', from, { 'cloud.google.com/gke-nodepool': 'a' })];
    const steps = stepsOf(await stagesOf(nodes, 'v1.31.5', { from }));
    expect(commandsOf(steps[0]!)).toContain('--master --cluster-version 1.31.5');
    expect(await open(steps[0]!, [], from)).toBeDefined();
    expect(await open(steps[0]!, [], 'v1.31.5-gke.1')).toBeUndefined();
    expect(await open(steps.at(-1)!, nodes)).toBeDefined();
    await expect(stagesOf(nodes, 'v1.31.5', { from: 'v1.31.2-eks-1' })).rejects.toThrow('EKS patches its control plane itself');
  });
});

describe('Pods without a controller', () => {
  const lonely = (name: string, on: string): Ref => ({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name, uid: `${name}-${on}` });
  const found = (accepted: boolean, nodes: Record<string, string>) => {
    const objects = Object.entries(nodes).map(([name, on]) => lonely(name, on));
    return [
      {
        check: 'kubernetes/unmanaged-pods',
        findings: [{ accepted, objects, message: { en: 'm', zh: 'm' }, args: { namespace: 'shop', nodes } } as unknown as JudgedFinding],
      },
    ];
  };
  const drains = async (accepted: boolean) =>
    stepsOf(await stagesOf([...two, ...controlPlane('cp1')], '1.31', { found: found(accepted, { debug: 'w1' }) })).filter(
      (step) => step.do === 'drain',
    );

  test('accepted: the drain of their Node alone deletes them, by name, and says so', async () => {
    const [cp, worker] = await drains(true);
    expect(cp).not.toHaveProperty('lose');
    expect(worker).toHaveProperty('lose', [lonely('debug', 'w1')]);
    expect(worker!.text.en).toContain('; deleted for good, as accepted: Pod shop/debug');
    expect(worker!.text.zh).toContain('；按 --accept 永久删除 Pod shop/debug');
  });
  test('not accepted: no drain deletes them', async () => {
    for (const step of await drains(false)) {
      expect(step).not.toHaveProperty('lose');
      expect(step.text.en).not.toContain('for good');
    }
  });
  test('of many Nodes with one step: deleted by name before their Nodes are drained', async () => {
    const nodes = Array.from({ length: 60 }, (_, i) => node(`n${i}`, 'v1.30.4'));
    const many = stepsOf(await stagesOf([...nodes, ...controlPlane('n0')], '1.31', { found: found(true, { debug: 'n10', late: 'n0' }) }));
    const [first, ...more] = many.filter(({ text }) => /^upgrade the kubelets/.test(text.en)).map(commandsOf);
    expect(first).toContain('kubectl delete pod -n shop debug --ignore-not-found');
    expect(first).toContain(`kubectl drain "\${NODE:?}" --ignore-daemonsets --delete-emptydir-data`);
    expect([first, ...more].join('\n')).not.toMatch(/--force|shop late/);
  });
});

test('RKE2: each server with its own step, then each agent, drained; a kubelet of the same build is not upgraded', async () => {
  const from = 'v1.31.2+rke2r1';
  const server = { 'node-role.kubernetes.io/control-plane': 'true', 'node-role.kubernetes.io/etcd': 'true' };
  const nodes = [labelled('s1', from, server), labelled('s2', from, server), node('w1', from)];
  const steps = stepsOf(await stagesOf(nodes, '1.32', { from }));
  expect(steps.map(({ text }) => text.en.split(/[,:]/)[0])).toEqual([
    'back up etcd (seen by ETCDSnapshotFile',
    'upgrade RKE2 on server Node s1 to 1.32',
    'upgrade RKE2 on server Node s2 to 1.32',
    'wait until the API server answers as 1.32',
    'drain Node w1',
    'upgrade the kubelet of Node w1 to 1.32',
    'uncordon Node w1',
    'wait until every Node is Ready with kubelet 1.32',
  ]);
  expect(commandsOf(steps[1]!)).toBe(
    "ssh s1 'curl -sfL https://get.rke2.io | sudo INSTALL_RKE2_CHANNEL=v1.32 sh - && sudo systemctl restart rke2-server'",
  );
  expect(commandsOf(steps[5]!)).toContain('INSTALL_RKE2_TYPE=agent');
  expect(await open(steps[1]!, nodes)).toBeDefined();
  expect(await open(steps[1]!, [labelled('s1', 'v1.32.0+rke2r1', server)])).toBeUndefined();
  const patch = stepsOf(await stagesOf(nodes, 'v1.31.5', { from })).find(({ text }) => /server Node s1/.test(text.en))!;
  expect(await open(patch, nodes)).toBeDefined();
  expect(await open(patch, [labelled('s1', 'v1.31.5+rke2r1', server)])).toBeUndefined();
});

describe('where no Pod shows the control plane', () => {
  const lease = (name: string, holderIdentity: string, seconds = 1): Raw => ({
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: 'kube-system' } },
    spec: { holderIdentity, renewTime: new Date(Date.now() - seconds * 1000).toISOString() },
  });
  const before = [lease('kube-controller-manager', 'cp1_a'), lease('kube-scheduler', 'cp1_b')];

  test('its binaries are replaced; what a person confirmed and the Leases deny is waited for', async () => {
    const [servers, others, restarted] = (await stagesOf([...two, ...before], '1.31'))[1]!.steps;
    expect(commandsOf(servers!)).toMatch(/^NODE= {3}# set it: each machine of the control plane.*\nssh "\$\{NODE:\?\}" 'ARCH=\$\(uname -m/);
    expect(commandsOf(servers!)).toContain('https://dl.k8s.io/release/v1.31.14/bin/linux/$ARCH/kube-apiserver.sha256');
    expect(commandsOf(servers!)).not.toMatch(/linux\/amd64|\/usr\/local/);
    expect(commandsOf(others!)).toMatch(/kube-scheduler[\s\S]*kube-controller-manager/);
    expect(restarted!.text.en).toBe('wait until kube-controller-manager and kube-scheduler were restarted: a new process holds the Lease');
    const left = (objects: Raw[]) => pending(restarted!.do === 'wait' ? restarted!.until : [], worldOver(objects));
    expect((await left(before))?.because.en).toContain('cp1_a');
    expect(await left([lease('kube-controller-manager', 'cp1_c'), before[1]!])).toBeDefined();
    expect(await left([lease('kube-controller-manager', 'cp1_c'), lease('kube-scheduler', 'cp1_d')])).toBeUndefined();
    expect(await left([lease('kube-controller-manager', 'cp1_c', 90), lease('kube-scheduler', 'cp1_d')])).toBeDefined();
  });
});

test('RKE2: its own installer, and its own snapshots, which it lists', async () => {
  const steps = stepsOf(await allStagesOf([node('a', 'v1.30.4+rke2r1')], '1.31', { from: 'v1.30.4+rke2r1' }));
  expect(commandsOf(steps.find(({ text }) => text.en.startsWith('back up etcd'))!)).toContain('rke2 etcd-snapshot save');
  const [snapshot] = steps.filter(({ text }) => text.en.startsWith('back up etcd'));
  const file = (minutes: number): Raw => ({
    ...{ apiVersion: 'k3s.cattle.io/v1', kind: 'ETCDSnapshotFile', metadata: { name: 's' } },
    status: { readyToUse: true, creationTime: new Date(Date.now() - minutes * 60_000).toISOString() },
  });
  expect(await open(snapshot!, [])).toBeDefined();
  expect(await open(snapshot!, [file(90)])).toBeDefined();
  expect(await open(snapshot!, [file(5)])).toBeUndefined();
  expect(snapshot!.text.en).not.toContain('kubeadm');
  expect(steps.map(commandsOf).join('\n')).toMatch(/INSTALL_RKE2_CHANNEL=v1\.31 sh[\s\S]*INSTALL_RKE2_TYPE=agent/);
});

test('K3s is planned as K3s', async () => {
  await expect(stagesOf([node('s', 'v1.30.4+k3s1')], '1.31', { from: 'v1.30.4+k3s1' })).rejects.toMatchObject({
    next: { en: expect.stringContaining('plan k3s --to v1.31.14+k3s1') },
  });
});

test('a run of them can be stored and resumed: two hops, with a recheck between them', async () => {
  const drafts = [...(await stagesOf([...two, ...controlPlane('cp1')], '1.32')), ...(await stagesOf(two, '1.32'))];
  const hops = ['1.31', '1.32'].map((hop) => ({ hop, repairs: [], stages: drafts.filter((stage) => stage.hop === hop) }));
  const { stages } = planUpgrade(hops, ['kubernetes']);
  expect(stages.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'recheck' ? step.hop : [])))).toEqual(['1.32']);
  const id = '20261129-235500-abcd';
  const run = {
    ...{ schema: 2, id, tool: 'upgrade-guard 0.1.0', what: 'upgrade kubernetes', at: '2026-11-29T23:55:00.000Z', checks: [], stages },
    targets: [{ system: 'kubernetes', installation: 'cluster', version: '1.32' }],
    cluster: { uid: '0d5d52a8-0000-4000-8000-000000000003', certain: true, server: 'https://10.0.0.1:6443', context: 'c' },
  };
  expect(wrongInRun(JSON.parse(JSON.stringify(run)), id)).toBeUndefined();
});

describe('what runs a newer version than the first one on the way', () => {
  const planned = (objects: Raw[], to: string, more: Asked = {}) =>
    stagesOf(objects, to, more).then(
      () => 'planned',
      (error) => error.message,
    );
  test('an API server by its own address, where no Pod shows it; as new is not newer', async () => {
    expect(await planned(two, '1.31', { versions: ['v1.30.4', 'v1.32.0'] })).toBe(
      'upgrading kubernetes: API server 192.0.2.2:6443 runs v1.32.0, newer than v1.31.14: a control plane cannot be downgraded',
    );
    expect(await planned(two, '1.31', { versions: ['v1.30.4', 'v1.31.14'] })).toBe('planned');
  });
  test('a patch counts, but not of a distribution, whose own patches come when they come', async () => {
    const ahead = (version: string) => [...two, pod('kube-scheduler', 'cp1', version)];
    expect(await planned(ahead('v1.31.15'), '1.31')).toContain('kube-scheduler on Node cp1 runs v1.31.15, newer than v1.31.14');
    expect(await planned(ahead('v1.31.14'), '1.31')).toBe('planned');
    expect(await planned(ahead('v1.31.99-rke2r1'), '1.31', { from: 'v1.30.4+rke2r1' })).toBe('planned');
    expect(await planned(ahead('v1.32.1-rke2r1'), '1.31', { from: 'v1.30.4+rke2r1' })).toContain('newer than 1.31');
    expect(await planned(ahead('nightly'), '1.31')).toBe('planned');
  });
});

describe('what is done otherwise', () => {
  const cluster = [...two, ...controlPlane('cp1', 'cp2')];
  const stepAt = async (at: number, more = {}) => stepsOf(await stagesOf(cluster, '1.31', more))[at]!;
  const wrong = async (step: StepDraft, objects: Raw[]) => {
    for (const { when, while: also, text } of (step.do === 'manual' && step.wrong) || [])
      if (!(await pending(also ? [when, also] : [when], worldOver(objects)))) return text.en.replace(/[,:;].*/s, '');
    return undefined;
  };
  test('a kubelet newer than the API servers are by then; of the minor itself, or of a Node that was newer before, it is not', async () => {
    const kubelet = stepsOf(await stagesOf(cluster, '1.31')).find(({ text }) => text.en.startsWith('upgrade the kubelet of Node'))!;
    const [, name = ''] = /Node (\S+)/.exec(kubelet.text.en) ?? [];
    expect(await wrong(kubelet, [node(name, 'v1.32.1')])).toBe(`the kubelet of Node ${name} is 1.32`);
    expect(await wrong(kubelet, [node(name, 'v1.31.14')])).toBeUndefined();
    expect(await wrong(kubelet, [node(name, 'v1.30.4')])).toBeUndefined();
  });
  test('a kubelet before the API servers, kube-controller-manager or kube-scheduler before all of them', async () => {
    const step = await stepAt(1);
    expect(step.text.en).toMatch(/^upgrade kube-apiserver on Node cp1/);
    expect(await wrong(step, cluster)).toBeUndefined();
    for (const version of ['v1.31.0', 'v1.31.14', 'v1.31.16'])
      expect(await wrong(step, [...controlPlane('cp1', 'cp2'), node('w1', version)])).toBe('a kubelet is 1.31 already');
    const early = (component: string) => [
      ...two,
      ...cluster.filter(({ metadata }) => (metadata as Raw).name !== `${component}-cp2`),
      plainPod(component, 'cp2', 'v1.31.14'),
    ];
    expect(await wrong(step, early('kube-controller-manager'))).toBe('kube-controller-manager on Node cp2 is 1.31 already');
    expect(await wrong(step, early('kube-scheduler'))).toBe('kube-scheduler on Node cp2 is 1.31 already');
    // Behind the API servers it is what is asked for.
    expect(await wrong(await stepAt(3), early('kube-controller-manager'))).toBeUndefined();
  });
  test('what changes nothing says that an undo leaves nothing of it: notes, the backup and its rehearsal, and no other step', async () => {
    const manual = stepsOf(await allStagesOf([...cluster, KUBEADM], '1.31')).filter((step) => step.do === 'manual');
    const [nothing, something] = [manual.filter((step) => step.changesNothing), manual.filter((step) => !step.changesNothing)];
    expect(nothing.map(({ text }) => text.en.split(' ')[0])).toEqual(['read', 'back', 'restore']);
    expect(something.length).toBeGreaterThan(0);
    expect(something.every(({ text }) => /^(upgrade|replace|drain)/.test(text.en))).toBe(true);
  });
  test('with the commands that put its older version back: packages or the binary, drained; of a static Pod its image', async () => {
    const back = (step: StepDraft, about: string) => {
      const all = step.do === 'manual' ? (step.wrong ?? []) : [];
      return (all.find(({ text }) => text.en.startsWith(about))?.commands ?? []).map((each) => textOf(each).en);
    };
    const apart = await stepAt(1);
    const kubelet = back(apart, 'a kubelet is 1.31 already');
    expect(kubelet[0]).toBe('NODE=   # set it: the Node that is named above');
    expect(kubelet[1]).toMatch(/^kubectl drain "\$\{NODE:\?\}" --ignore-daemonsets --delete-emptydir-data$/);
    expect(kubelet[2]).toContain('https://dl.k8s.io/release/v1.30.4/bin/linux/');
    expect(kubelet.at(-1)).toMatch(/^kubectl uncordon "\$\{NODE:\?\}"$/);
    const wrongs = apart.do === 'manual' ? (apart.wrong ?? []) : [];
    expect(wrongs.filter(({ sets }) => sets === 'NODE').every(({ text }) => text.en.startsWith('a kubelet is'))).toBe(true);
    expect(wrongs.find(({ text }) => text.en.startsWith('a kubelet is'))?.sets).toBe('NODE');
    expect(back(apart, 'kube-scheduler on Node cp2 is 1.31 already')).toEqual([
      'kubectl get pod -n kube-system kube-scheduler-cp2 -o yaml   # image to set in its manifest: registry.example.com/kube-scheduler:v1.30.4@sha256:0a',
    ]);
    const redHat = node('w2', 'v1.30.4');
    Object.assign((redHat.status as Raw).nodeInfo as Raw, { osImage: 'Rocky Linux 9' });
    const [, kubeadm] = stepsOf(await stagesOf([...cluster, redHat, KUBEADM], '1.31')) as [StepDraft, StepDraft];
    const packages = back(kubeadm, 'a kubelet is 1.31 already');
    expect(packages.filter((each) => each.startsWith('NODE='))).toHaveLength(2);
    expect(packages.join('\n')).toContain('--allow-change-held-packages --allow-downgrades kubelet="1.30.4-*" kubectl="1.30.4-*"');
    const [early] = back(kubeadm, 'kube-scheduler on Node cp2 is 1.31 already');
    expect(early).toContain(
      '# image to set in its manifest (/etc/kubernetes/manifests/kube-scheduler.yaml on Node cp2): registry.example.com/',
    );
    expect(packages.join('\n')).toContain('sudo dnf downgrade -y --disableexcludes=kubernetes kubelet-1.30.4 kubectl-1.30.4');
  });
  test('with kubeadm also where nothing shows on which Nodes the control plane is', async () => {
    const workers = [node('w1', 'v1.30.4')];
    const step = stepsOf(await stagesOf([...workers, KUBEADM], '1.31')).find(({ text }) => /machine by machine$/.test(text.en))!;
    expect(await wrong(step, workers)).toBeUndefined();
    expect(await wrong(step, [...workers, node('w9', 'v1.31.2')])).toBe('a kubelet is 1.31 already');
  });
  test('with kubeadm the controllers of a Node follow its API server; within one minor a kubelet may be ahead', async () => {
    const [, kubeadm] = stepsOf(await stagesOf([...cluster, KUBEADM], '1.31')) as [StepDraft, StepDraft];
    expect(await wrong(kubeadm, cluster)).toBeUndefined();
    expect(await wrong(kubeadm, [...cluster, node('w9', 'v1.31.2')])).toBe('a kubelet is 1.31 already');
    // Upgraded by a person, without its API server, and by kubeadm behind it.
    const now = (...components: string[]) => [
      ...two,
      ...cluster.filter(({ metadata }) => !components.some((each) => (metadata as Raw).name === `${each}-cp2`)),
      ...components.map((each) => plainPod(each, 'cp2', 'v1.31.14')),
    ];
    expect(await wrong(kubeadm, now('kube-controller-manager'))).toBe('kube-controller-manager on Node cp2 is 1.31 already');
    expect(await wrong(kubeadm, now('kube-apiserver', 'kube-controller-manager', 'kube-scheduler'))).toBeUndefined();
    const [, patch] = stepsOf(await stagesOf([...cluster, KUBEADM], 'v1.30.9')) as [StepDraft, StepDraft];
    expect(patch.do === 'manual' && patch.wrong).toBeUndefined();
  });
  test('kube-controller-manager is stopped first where that is chosen, seen by its Lease, and its coming back too early is named; kubeadm cannot', async () => {
    const lease = (age: number): Raw => ({
      ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'kube-controller-manager', namespace: 'kube-system' } },
      spec: { renewTime: new Date(Date.now() - age * 1000).toISOString() },
    });
    const [, stop, first] = stepsOf(await stagesOf([...cluster, lease(1)], '1.31', { stopController: true })) as StepDraft[];
    expect(stop!.text.en).toMatch(/^stop kube-controller-manager on cp1, cp2: until it runs again no endpoints/);
    expect(commandsOf(stop!)).toContain("ssh cp1 'sudo mv /etc/kubernetes/manifests/kube-controller-manager.yaml");
    expect(await open(stop!, [lease(5)])).toBeDefined();
    expect(await open(stop!, [lease(40)])).toBeUndefined();
    expect(await wrong(first!, [...cluster, lease(40)])).toBeUndefined();
    expect(await wrong(first!, [...cluster, lease(2)])).toBe('kube-controller-manager runs');
    await expect(stagesOf([...cluster, KUBEADM], '1.31', { stopController: true })).rejects.toThrow(
      /kubeadm upgrades it with the API server/,
    );
  });
});

test('the notes: what the checks found that bites at this minor, its changelog, and the choice about kube-controller-manager', async () => {
  const finding = (hop: string | undefined, en: string) => ({ hop, accepted: false, message: { en, zh: en } }) as JudgedFinding;
  const found = [
    { check: 'kubernetes/removed-api', findings: [finding('1.31', 'one'), finding('1.32', 'two')] },
    { check: 'kubernetes/nodes-ready', findings: [finding(undefined, 'three')] },
  ];
  const notes = (await allStagesOf([...two, ...controlPlane('cp1')], '1.32', { found })).filter(({ title }) => /^Notes/.test(title.en));
  expect(notes.map(({ first, hop }) => [first, hop])).toEqual([
    [true, '1.31'],
    [true, '1.32'],
  ]);
  const [one, two_] = stepsOf(notes);
  expect(one!.text.en).toMatch(/^read what 1\.31 changes for this cluster: 2 findings of 2 checks/);
  expect(commandsOf(one!)).toContain('kubectl upgrade-guard explain kubernetes/removed-api');
  const said = (step: StepDraft) => (step.do === 'manual' ? (step.notes ?? []).map(({ en }) => en) : []);
  expect(said(one!)).toEqual(
    expect.arrayContaining([
      ...['kubernetes/removed-api: one', 'kubernetes/nodes-ready: three'],
      'way back to v1.30.4: until the first API server is v1.31.14, nothing has to be restored',
      'way back to v1.30.4: after that, possible as long as kubectl upgrade-guard check kubernetes --back-to 1.30 reports no blocker',
      expect.stringMatching(/^reason to stop kube-controller-manager meanwhile/),
      expect.stringMatching(/^reason not to stop kube-controller-manager: until it runs again, endpoints/),
      'chosen: leave kube-controller-manager running; to stop it: --stop-controller-manager',
    ]),
  );
  expect(said(two_!).join()).not.toContain('three');
  const by = (nodes: 'drain' | 'in-place') => allStagesOf([...two, ...controlPlane('cp1')], '1.31', { nodes });
  const unsupported = /Kubernetes supports a new minor version of a kubelet only on a drained Node/;
  expect(said(stepsOf(await by('in-place'))[0]!)).toContainEqual(expect.stringMatching(unsupported));
  expect(said(stepsOf(await by('drain'))[0]!).join()).not.toMatch(unsupported);
  // As way-back-etcd says it of the same hop.
  const [etcd] = stepsOf(
    (await allStagesOf([...two, ...controlPlane('cp1')], '1.34', { from: 'v1.33.4' })).filter(({ title }) => /^Notes/.test(title.en)),
  );
  expect(said(etcd!)).toContainEqual(
    expect.stringMatching(/only by restoring the backup of etcd.*etcd 3\.6\.\d+ comes with 1\.34, and etcd 3\.5 does not start/),
  );
  // What the upgrade itself mends is nothing to read about.
  const skips = [{ check: 'kubernetes/version-skip', findings: [finding('1.31', 'skips')] }];
  const [without] = stepsOf(await allStagesOf([...two, ...controlPlane('cp1')], '1.31', { found: skips }));
  expect(without!.text.en).toContain('the checks that could run found nothing that concerns this cluster');
  expect((await allStagesOf([...two, KUBEADM], 'v1.30.9')).some(({ title }) => /^Notes/.test(title.en))).toBe(false);
});

test.each([
  [
    'a CronJob',
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'save', namespace: 'ops' },
      spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: 'c', command: ['etcdctl', 'snapshot', 'save'] }] } } } } },
    },
    (time: string) => ({ lastSuccessfulTime: time }),
  ],
  [
    'K3s and RKE2',
    { apiVersion: 'k3s.cattle.io/v1', kind: 'ETCDSnapshotFile', metadata: { name: 's' } },
    (time: string) => ({ readyToUse: true, creationTime: time }),
  ],
  [
    'Velero',
    { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name: 'b', namespace: 'velero' } },
    (time: string) => ({ phase: 'Completed', completionTimestamp: time }),
  ],
])('a backup by %s is seen once it is younger than an hour', async (_, object, status) => {
  const at = (minutes: number) => ({ ...object, status: status(new Date(Date.now() - minutes * 60_000).toISOString()) }) as Raw;
  const [backup] = stepsOf(await stagesOf([...two, at(600)], '1.31'));
  expect(backup!.text.en).toMatch(
    /^back up etcd \(seen by .*, not older than 60 minutes\): restoring it is a way back from v1\.31\.14 to v1\.30\.4 in any case/,
  );
  // That it can be restored nothing shows.
  const rehearsals = stepsOf(await allStagesOf([...two, at(5)], '1.32')).filter(({ text }) => isRehearsal(text.en));
  expect(
    rehearsals.map((step) => step.do === 'manual' && [step.seen, step.commands.some((command) => textOf(command).en.includes('restore'))]),
  ).toEqual([[undefined, true]]);
  // A runbook that is started again: the Job or the backup of the first time is there already. RKE2 puts the time behind the name itself.
  expect(commandsOf(backup!)).toMatch(
    /before-v1-31-14-\$\(date \+%s\)$|before-v1\.31\.14-\$\(date \+%s\) --wait$|^sudo rke2 etcd-snapshot save /,
  );
  for (const rehearsal of rehearsals)
    expect(commandsOf(rehearsal)).not.toMatch(/(?<!rm -rf etcd-rehearsal && )etcdutl snapshot restore|restore create rehearsal /);
  expect(await open(backup!, [at(600)])).toBeDefined();
  expect(await open(backup!, [at(61)])).toBeDefined();
  expect(await open(backup!, [at(5)])).toBeUndefined();
});

test('replace: a new Node for each worker, then the old one is drained and deleted; only at the last minor; the control plane is drained', async () => {
  const cluster = [...two, node('w2', 'v1.30.4'), ...controlPlane('cp1')];
  const drafts = await stagesOf(cluster, '1.32', { nodes: 'replace' });
  const nodes = drafts.filter(({ title }) => /^Nodes/.test(title.en));
  expect(texts([nodes[0]!])).toEqual([
    'drain Node cp1',
    'upgrade the kubelet of Node cp1 to v1.31.14 on the same machine',
    'uncordon Node cp1',
  ]);
  expect(texts([nodes[1]!])).toEqual([
    ...['drain Node cp1', 'upgrade the kubelet of Node cp1 to v1.32.13 on the same machine', 'uncordon Node cp1'],
    ...['add a new Node with kubelet v1.32.13', 'drain Node w1', 'shut down the machine of Node w1', 'delete Node w1'],
    ...['add a new Node with kubelet v1.32.13', 'drain Node w2', 'shut down the machine of Node w2', 'delete Node w2'],
    'wait until every Node is Ready with kubelet v1.32.13',
  ]);
  const [, , , added, , off, removed] = nodes[1]!.steps;
  const ready = [node('cp1', 'v1.32.13'), node('w1', 'v1.30.4')];
  expect(await open(added!, ready)).toBeDefined();
  expect(await open(added!, [...ready, node('n1', 'v1.32.13')])).toBeUndefined();
  // A machine that runs is seen: its Node is Ready. One that its provider took away with its Node is off.
  const notReady: Raw = JSON.parse(JSON.stringify(node('w1', 'v1.30.4')).replace('"True"', '"Unknown"'));
  expect(await open(off!, [node('w1', 'v1.30.4')])).toBeDefined();
  expect(await open(off!, [notReady])).toBeUndefined();
  expect(await open(off!, [])).toBeUndefined();
  expect(await open(removed!, ready)).toBeDefined();
  expect(await open(removed!, [node('cp1', 'v1.32.13')])).toBeUndefined();
});

describe('replace, of a control plane that kubeadm made', () => {
  const configured = (text: string): Raw => ({ ...KUBEADM, data: { ClusterConfiguration: text } });
  const ENDPOINT = 'controlPlaneEndpoint: api.example.com:6443\n';
  const servers = ['cp1', 'cp2', 'cp3'];
  const nodes = [...servers.map((name) => node(name, 'v1.30.4')), node('w1', 'v1.30.4'), ...controlPlane(...servers)];
  const stacked = servers.map((name) => pod('etcd', name, '3.5.15'));
  const replaced = async (objects: Raw[], to = '1.31') => {
    const drafts = await stagesOf(objects, to, { nodes: 'replace' });
    return drafts.findLast(({ title }) => /^Nodes/.test(title.en))!.steps;
  };

  test('each machine by a new one that joins first, with its member of etcd; the quorum is said', async () => {
    const steps = await replaced([...nodes, ...stacked, configured(ENDPOINT)]);
    expect(steps.slice(0, 6).map(({ text }) => text.en)).toEqual([
      'join a new control-plane Node with kubelet v1.31.14, in place of cp1; etcd has 4 members then, of which 3 must run',
      'let controlPlaneEndpoint lead to the new Node, and no longer to cp1; the server in this kubeconfig, too',
      'drain Node cp1: its Pods move to other Nodes, and lose what they keep in emptyDir',
      'reset cp1, which removes its member of etcd: 3 of 4 are left, of which 2 must run',
      'shut down the machine of Node cp1',
      'delete Node cp1',
    ]);
    expect(texts([{ hop: '', title: { en: '', zh: '' }, steps: steps.slice(18) }])[0]).toBe('add a new Node with kubelet v1.31.14');
    const [join, , , reset] = steps;
    expect(commandsOf(join!)).toBe(
      [
        "KEY=$(ssh cp1 'sudo kubeadm init phase upload-certs --upload-certs' | tail -n 1)",
        'ssh cp1 "sudo kubeadm token create --print-join-command --certificate-key $KEY"   # prints what to run as root on the new machine, which has this kubelet and kubeadm installed; it holds a secret',
      ].join('\n'),
    );
    expect(commandsOf(reset!)).toMatch(
      /etcd-cp1 -- etcdctl .* endpoint health --cluster .*\nssh cp1 'sudo kubeadm reset --force'\nETCD=.*\n.* member list /,
    );
    // Both the Node and the member have to be there.
    const [plain, etcd] = [node('new', 'v1.31.14'), pod('etcd', 'new', '3.5.15')];
    expect(await open(join!, [...nodes, ...stacked, plain])).toBeDefined();
    const ready = [...stacked, etcd].map((each): Raw => ({ ...each, apiVersion: 'v1' }));
    expect(await open(join!, [...nodes.filter(({ kind }) => kind === 'Node'), ...ready, plain])).toBeUndefined();
    // What no API shows is confirmed.
    expect([reset!.do === 'manual' && reset!.seen, steps[1]!.do === 'manual' && steps[1]!.seen]).toEqual([undefined, undefined]);
  });

  test('an external etcd keeps its members: its certificates come by the configuration', async () => {
    const [join, , , reset] = await replaced([
      ...nodes,
      configured(`${ENDPOINT}etcd:\n  external:\n    endpoints: [https://192.0.2.1:2379]\n`),
    ]);
    expect(join!.text.en).toContain('; etcd is external, and keeps its members');
    expect(commandsOf(join!)).toContain(
      "| ssh cp1 'cat > kubeadm.yaml && sudo kubeadm init phase upload-certs --upload-certs --config kubeadm.yaml'",
    );
    expect(reset!.text.en).toBe('reset cp1; the external etcd is not changed by it');
    expect(commandsOf(reset!)).toBe("ssh cp1 'sudo kubeadm reset --force'");
  });

  test.each([
    ['no stable address', [...stacked, configured('clusterName: a\n')], 'has no controlPlaneEndpoint'],
    ['an etcd that is not seen', [configured(ENDPOINT)], 'it cannot be seen where etcd runs'],
    ['another tool', stacked, 'only the tool that installed this control plane knows'],
  ])('stays on its machines with %s, and says why', async (_, more, why) => {
    const steps = await replaced([...nodes, ...more]);
    expect(steps[1]!.text.en).toMatch(/^upgrade the kubelet of Node cp1 to v1\.31\.14 on the same machine/);
    expect(steps[1]!.do === 'manual' && steps[1]!.notes?.[0]?.en).toMatch(
      new RegExp(`^why not replaced: .*${why}.*https://kubernetes\\.io/docs/`),
    );
    expect(steps.map(commandsOf).join()).not.toMatch(/kubeadm (?:reset|token create --print-join-command --cert)|delete node cp/);
  });

  test('the log verbosity of its API servers is put back before their machines go', async () => {
    const objects = [...nodes, ...stacked, configured(ENDPOINT)];
    const asked = { logVerbosity: 4, nodes: 'replace' as const, flags: true };
    const titles = (await allStagesOf(objects, '1.31', asked)).map(({ title }) => title.en.replace(/ to v.*/, ''));
    expect(titles.slice(-2)).toEqual(['Log verbosity down', 'Nodes']);
  });
});

test('without Nodes the plan says that their kubelets are not shown, and that --nodes changes nothing', async () => {
  for (const nodes of ['drain', 'in-place', 'replace'] as const) {
    const [stage] = (await stagesOf([...controlPlane('cp1', 'cp2'), KUBEADM], '1.31', { nodes })).slice(-1);
    expect(stage!.steps.map(({ text }) => text.en)).toEqual([
      'upgrade the kubelets on cp1, cp2 to v1.31.14: the cluster has no Node objects for them, and --nodes has no effect',
    ]);
    expect(commandsOf(stage!.steps[0]!)).toMatch(/^ssh cp1 '! sudo grep .*\nssh cp1 '.* kubelet="1\.31\.14-\*".*'\nssh cp2 '/);
  }
  const [last] = stepsOf((await stagesOf([], '1.31', { servers: 1 })).slice(-1));
  expect(last!.text.en).toMatch(/^upgrade the kubelets to v1\.31\.14, if there are any: the cluster has no Node objects/);
});

test('whether kubeadm made the cluster is not guessed where its ConfigMap must not be read: no plan, and the permission that is missing', async () => {
  const unseen = stagesOf([...two, KUBEADM], '1.31', { forbidden: ['ConfigMap'] });
  await expect(unseen).rejects.toMatchObject({
    text: {
      en: 'upgrading kubernetes: no permission to get configmaps kube-system/kubeadm-config; whether kubeadm upgrades this control plane is unknown',
      zh: '升级 kubernetes：没有权限读取 configmaps kube-system/kubeadm-config；无法得知该控制平面是否由 kubeadm 升级',
    },
    next: { en: 'required permissions: {tool} rbac --for upgrade{reach}' },
  });
  // A provider's cluster has no use for it.
  await stagesOf([node('a', 'v1.30.2-eks-1')], '1.31', { from: 'v1.30.2-eks-1', forbidden: ['ConfigMap'] });
});

describe('a kubelet that is newer than the API servers', () => {
  const cluster = [node('cp1', 'v1.30.4'), node('w1', 'v1.32.1'), node('w2', 'v1.30.4'), ...controlPlane('cp1')];
  test('is named at each hop until they are as new, and no step downgrades it', async () => {
    const drafts = await allStagesOf(cluster, '1.32');
    const notes = drafts.filter(({ title }) => /^Notes/.test(title.en)).flatMap(stepsOfStage);
    const said = notes.map((step) => (step.do === 'manual' ? (step.notes ?? []).filter(({ en }) => en.startsWith('kubelet ')) : []));
    expect(said.map((each) => each.length)).toEqual([1, 1]);
    expect(said[0]![0]!.en).toBe(
      'kubelet v1.32.1 of 1 Node (w1) is newer than the API servers until they are 1.32: not supported; put an older kubelet there, or accept it as it is: no step downgrades a kubelet',
    );
    const nodes = drafts.filter(({ title }) => /^Nodes/.test(title.en));
    expect(nodes.map((stage) => texts([stage]).some((text) => text.includes('Node w1')))).toEqual([false, true]);
    const wait = nodes[0]!.steps.at(-1)!;
    const left = (objects: Raw[]) => pending(wait.do === 'wait' ? wait.until : [], worldOver(objects));
    expect(await left([node('cp1', 'v1.31.14'), node('w1', 'v1.32.1'), node('w2', 'v1.31.14')])).toBeUndefined();
    expect(await left([node('cp1', 'v1.31.14'), node('w1', 'v1.32.1'), node('w2', 'v1.30.4')])).toBeDefined();
  });
  test('also within one minor', async () => {
    const drafts = await allStagesOf(cluster, 'v1.30.9');
    expect(drafts[0]!.title.en).toBe('Notes for v1.30.9');
    expect(drafts[0]!.steps[0]!.text.en).toBe('read which kubelets are newer than the API servers of v1.30.9');
  });
  test('does not stop the run once more; another one that becomes so does', async () => {
    const step = stepsOf(await stagesOf(cluster, '1.32')).find(({ text }) => /^upgrade kube-apiserver/.test(text.en))!;
    const met = async (objects: Raw[]) => {
      const wrongs = (step.do === 'manual' && step.wrong) || [];
      const open = await Promise.all(wrongs.map(({ when }) => pending([when], worldOver(objects))));
      return wrongs.filter((_, i) => !open[i]).map(({ text }) => text.en.replace(/:.*/s, ''));
    };
    expect(await met(cluster)).toEqual([]);
    expect(await met([...cluster, node('w3', 'v1.31.2')])).toEqual(['a kubelet is 1.31 already']);
    expect(await met([...cluster, node('w3', 'v1.32.0')])).toEqual(['a kubelet is 1.32 already']);
    const conditions = ((step.do === 'manual' && step.wrong) || []).map(({ when }) => when);
    const why = await firstMet(conditions, worldOver([...cluster, node('w3', 'v1.32.0')]));
    expect(why?.en).toBe('Node w3: /status/nodeInfo/kubeletVersion starts with v1.32.');
  });
});

test('two hops drain each Node twice: what a system does at each hop is never one step', async () => {
  const drafts = await stagesOf([...two, ...controlPlane('cp1')], '1.32');
  const plan = planUpgrade(
    ['1.31', '1.32'].map((hop) => ({ hop, repairs: [], stages: drafts.filter((stage) => stage.hop === hop) })),
    ['kubernetes'],
  );
  expect(plan.stages.flatMap(({ steps }) => steps).filter((step) => step.do === 'drain')).toHaveLength(4);
  expect(plan.stages.flatMap(({ steps }) => steps).filter((step) => step.do === 'patch')).toHaveLength(4);
});

const workload = (kind: 'DaemonSet' | 'Deployment', name: string, image: string): Raw => ({
  ...{ apiVersion: 'apps/v1', kind, metadata: { name, namespace: 'kube-system', generation: 2 } },
  spec: { replicas: 2, template: { spec: { containers: [{ name, image }] } } },
  status: { observedGeneration: 2, updatedReplicas: 2, updatedNumberScheduled: 2, desiredNumberScheduled: 2 },
});

describe('add-ons, by the table of kubeadm', () => {
  const proxy = (version: string) => workload('DaemonSet', 'kube-proxy', `registry.example.com/kube-proxy:${version}`);
  const dns = (version: string) => workload('Deployment', 'coredns', `registry.example.com/coredns/coredns:${version}`);
  const servers = controlPlane('cp1');

  test('without kubeadm: behind the control plane and before the Nodes, each seen to be done', async () => {
    const drafts = await stagesOf([...two, ...servers, proxy('v1.30.4'), dns('v1.10.1')], 'v1.31.3');
    expect(drafts.map(({ title }) => title.en)).toEqual([
      'Back up etcd before v1.31.3',
      'Control plane to v1.31.3',
      'Add-ons for v1.31.3',
      'Nodes to v1.31.3',
    ]);
    const [first, second] = drafts[2]!.steps;
    expect([first, second].map((step) => commandsOf(step!).split('\n')[0])).toEqual([
      'kubectl set image -n kube-system daemonset/kube-proxy kube-proxy=registry.example.com/kube-proxy:v1.31.3',
      'kubectl set image -n kube-system deployment/coredns coredns=registry.example.com/coredns/coredns:v1.11.3',
    ]);
    expect([await open(first!, [proxy('v1.30.4')]), await open(second!, [dns('v1.10.1')])]).not.toContain(undefined);
    expect([await open(first!, [proxy('v1.31.4')]), await open(second!, [dns('v1.11.3')])]).toEqual([undefined, undefined]);
    expect(await open(second!, [dns('v1.12.0')])).toBeUndefined();
  });

  test('CoreDNS that is new enough, or whose tag is not a version, gets no step', async () => {
    for (const tag of ['v1.11.3', 'v1.14.0', 'latest'])
      expect(texts(await stagesOf([...two, ...servers, dns(tag)], 'v1.31.3'))).not.toContain('upgrade coredns to v1.11.3');
  });

  test('with kubeadm: its last step brings them, and both are waited for', async () => {
    const drafts = await stagesOf([...two, ...servers, KUBEADM, proxy('v1.30.4'), dns('v1.10.1')], 'v1.31.3');
    expect(drafts.map(({ title }) => title.en)).not.toContain('Add-ons for v1.31.3');
    const wait = stepsOf(drafts).find((step) => step.do === 'wait')!;
    expect(JSON.stringify(wait)).toContain('registry.example.com/coredns/coredns:v1.11.3');
  });
});

describe('in place', () => {
  test('containers of each Node are watched, and whether its kubelet restarts them is said', async () => {
    const watched = async (from: string, to: string) =>
      stepsOf(await stagesOf([node('w1', from)], to, { from, nodes: 'in-place' })).flatMap((step) =>
        step.do === 'manual' && step.restarts ? [`${step.restarts.on.name} ${step.restarts.said}`] : [],
      );
    expect(await watched('v1.30.4', 'v1.31.3')).toEqual(['w1 true']);
    expect(await watched('v1.31.4', 'v1.32.3')).toEqual(['w1 false']);
  });
});

test('log verbosity is not touched unless it is asked for, and refused where it cannot be set', async () => {
  expect(stepsOf(await stagesOf([...two, ...controlPlane('cp1')], 'v1.31.3')).filter((step) => step.do === 'verbosity')).toEqual([]);
  await expect(allStagesOf(two, 'v1.31.3', { logVerbosity: 4 })).rejects.toThrow(/--log-verbosity/);
});

test('log verbosity goes back to what the Pod of an API server or its /flagz says, and where neither is seen to the default, which is said', async () => {
  const servers = ['192.0.2.1:6443', '192.0.2.2:6443', '192.0.2.3:6443'];
  const own = pod('kube-apiserver', 'cp1', 'v1.30.4');
  const source = {
    text: async ({ path }: { path: string }, { line }: { line(text: string, server: string): void }) => {
      if (path === '/debug/flags') for (const server of servers) line('<tr>v<br>', server);
      if (path === '/flagz') for (const text of ['log-flush-frequency: 5s', 'v: 2', 'vmodule: ']) line(text, servers[1]!);
      return [];
    },
    list: async (_: unknown, { object }: { object(one: Raw): void }) => {
      const containers = [{ name: 'kube-apiserver', image: 'x', command: ['kube-apiserver', '--v=3'] }];
      object({ ...own, spec: { containers }, status: { podIP: '192.0.2.1' } });
    },
  };
  const logs = await logsOf({ source: source as unknown as Upgrading['source'], logVerbosity: 6 }, {
    members: [],
  } as unknown as ClusterParts);
  expect(stepsOf(loweredStage('1.31', logs)).map(({ text }) => text.en)).toEqual([
    'set the log verbosity (--v) of API server 192.0.2.1:6443 back to 3',
    'set the log verbosity (--v) of API server 192.0.2.2:6443 back to 2',
    'set the log verbosity (--v) of API server 192.0.2.3:6443 to 0, the default',
  ]);
  expect(stepsOf(raisedStage('1.31', logs, true)).map(({ undo, undoNote }) => [undo, undoNote?.en])).toEqual([
    ['exact', undefined],
    ['exact', undefined],
    ['compensates', 'undo: sets it to 0, the default: its --v could not be seen, and a restart restores it'],
  ]);
});

describe('kubeadm, where no static Pod is visible', () => {
  const server = (name: string) => {
    const made = node(name, 'v1.30.4');
    return { ...made, metadata: { ...(made.metadata as Raw), labels: { 'node-role.kubernetes.io/control-plane': '' } } } as Raw;
  };
  test('is recognised by its ConfigMap: its Nodes are upgraded with it, and no binary is replaced', async () => {
    const all = stepsOf(await stagesOf([server('cp1'), server('cp2'), node('w1', 'v1.30.4'), KUBEADM], '1.31'));
    const commands = all.map(commandsOf).join('\n');
    expect(commands).toMatch(/ssh cp1 'sudo kubeadm upgrade apply v1\.31\.14 --yes'\n.*\n?ssh cp2 'sudo kubeadm upgrade node'/s);
    expect(commands).not.toContain('dl.k8s.io');
    const [first, second] = all.filter(({ text }) => text.en.includes('with kubeadm'));
    // One Node of several is not seen alone; the last one is, by what every API server answers.
    expect(first!.do === 'manual' && first!.seen).toBeUndefined();
    expect(await open(second!, [], 'v1.30.4')).toBeDefined();
    expect(await open(second!, [], 'v1.31.14')).toBeUndefined();
  });
  test('what its preflight checks would stop over is left as it is by the printed command', async () => {
    const coreDns = (tag: string) => ({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'coredns', namespace: 'kube-system' } },
      spec: { template: { spec: { containers: [{ name: 'coredns', image: `registry.k8s.io/coredns/coredns:${tag}` }] } } },
    });
    const corefile = (plugin: string) => ({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'coredns', namespace: 'kube-system' } },
      data: { Corefile: `.:53 {\n  errors\n  ${plugin}\n}\n` },
    });
    const applied = async (...objects: Raw[]) =>
      stepsOf(await stagesOf([server('cp1'), KUBEADM, ...objects], '1.31'))
        .map(commandsOf)
        .join('\n')
        .match(/kubeadm upgrade (?:plan|apply) [^']*/g);
    const both = (flags: string) => [`kubeadm upgrade plan v1.31.14${flags}`, `kubeadm upgrade apply v1.31.14 --yes${flags}`];
    expect(await applied(coreDns('v1.11.1'), corefile('reload'))).toEqual(both(''));
    expect(await applied(coreDns('v1.11.1'), corefile('bind lo'))).toEqual(both(' --ignore-preflight-errors=CoreDNSUnsupportedPlugins'));
    // Newer than that of kubeadm 1.31, and one that it does not know.
    for (const tag of ['v1.12.0', 'v1.8.1'])
      expect(await applied(coreDns(tag), corefile('reload'))).toEqual(
        both(' --ignore-preflight-errors=CoreDNSUnsupportedPlugins,CoreDNSMigration'),
      );
  });
  test('what kubeadm of that version does by itself is said where it runs', async () => {
    const notes = async (to: string, from = 'v1.30.4') => {
      const nodes = [server('cp1'), server('cp2')].map((each) => ({
        ...each,
        status: { nodeInfo: { kubeletVersion: from }, conditions: [{ type: 'Ready', status: 'True' }] },
      }));
      const steps = stepsOf(await stagesOf([...nodes, KUBEADM], to, { from }));
      return steps
        .filter(({ text }) => text.en.includes('with kubeadm'))
        .map((step) => (step.do === 'manual' ? (step.notes ?? []).map(({ en }) => en.split(' ').slice(0, 9).join(' ')) : []));
    };
    const first = (pause: string) => `kubeadm first runs a test Pod (image pause:${pause}) that`;
    const certificates = 'kubeadm before 1.31 renews the certificates of etcd only';
    expect(await notes('1.30', 'v1.29.4')).toEqual([[first('3.9'), certificates], [certificates]]);
    expect(await notes('1.31')).toEqual([[first('3.10')], []]);
    const noFlags = 'kubeadm v1.35.0 stops where /var/lib/kubelet/kubeadm-flags.env has no flags: take';
    expect(await notes('v1.35.0', 'v1.34.4')).toEqual([[first('3.10.1'), noFlags], [noFlags]]);
    expect(await notes('v1.35.1', 'v1.34.4')).toEqual([[first('3.10.1')], []]);
    expect([preflightSeconds('v1.35.8'), preflightSeconds('v1.36.0')]).toEqual([15, 60]);
  });
  test('also without a Node: machine by machine', async () => {
    const [, step] = stepsOf(await stagesOf([KUBEADM], '1.31'));
    expect(step!.text.en).toBe('upgrade the control plane to v1.31.14 with kubeadm, machine by machine');
    expect(commandsOf(step!)).toMatch(/^sudo kubeadm upgrade apply v1\.31\.14 --yes {3}# .*\nsudo kubeadm upgrade node {3}# /);
  });
});

test.each(['-l!x', '-oProxyCommand=x', '--all'])('a Node of a snapshot named %s is in no command: no plan is made', async (name) => {
  await expect(stagesOf([...two, node(name, 'v1.30.4'), ...controlPlane('cp1')], '1.31')).rejects.toMatchObject({
    text: { en: `planning kubernetes: ${name} is not a name of a Node` },
  });
});

describe('nothing newer', () => {
  const cluster = (kubelet: string, scheduler = 'v1.37.2') => [
    ...[node('cp1', 'v1.37.2'), node('w1', kubelet)],
    ...COMPONENTS.map((component) => pod(component, 'cp1', component === 'kube-scheduler' ? scheduler : 'v1.37.2')),
  ];
  test('has no steps', async () => {
    expect(await allStagesOf(cluster('v1.37.2'), '1.37', { from: 'v1.37.2' })).toEqual([]);
    expect(await allStagesOf(cluster('v1.37.2'), 'v1.37.2', { from: 'v1.37.2' })).toEqual([]);
  });
  test('but a component that an earlier upgrade has left behind the API servers: the control plane is finished', async () => {
    const stages = await allStagesOf(cluster('v1.37.2', 'v1.36.3'), '1.37', { from: 'v1.37.2' });
    expect(texts(stages)).toEqual([
      'upgrade kube-apiserver on Node cp1 to v1.37.2',
      'upgrade kube-controller-manager on Node cp1 to v1.37.2',
      'upgrade kube-scheduler on Node cp1 to v1.37.2',
      'wait until the API server answers as v1.37.2',
    ]);
    const beside = (version: string) => [
      ...cluster('v1.37.2'),
      {
        ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'kube-proxy', namespace: 'kube-system' } },
        spec: { template: { spec: { containers: [{ name: 'kube-proxy', image: `registry.example.com/kube-proxy:${version}` }] } } },
      },
    ];
    expect(texts(await allStagesOf(beside('v1.36.3'), '1.37', { from: 'v1.37.2' })).at(-1)).toMatch(/^upgrade kube-proxy /);
    expect(await allStagesOf(beside('v1.37.2'), '1.37', { from: 'v1.37.2' })).toEqual([]);
  });
  test('but kubelets that are older: they alone are upgraded', async () => {
    expect(texts(await allStagesOf(cluster('v1.36.1'), '1.37', { from: 'v1.37.2' }))).toEqual([
      ...['drain Node w1', 'upgrade the kubelet of Node w1 to v1.37.2', 'uncordon Node w1'],
      'wait until every Node is Ready with kubelet v1.37.2',
    ]);
  });
});

test('the list of packages is replaced by one for pkgs.k8s.io: lists of apt.kubernetes.io have no minor to replace', async () => {
  const all = stepsOf(await stagesOf([...two, ...controlPlane('cp1'), KUBEADM], '1.31'));
  const commands = all.map(commandsOf).join('\n');
  expect(commands).toContain(
    'echo "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/v1.31/deb/ /" | sudo tee /etc/apt/sources.list.d/kubernetes.list',
  );
  expect(commands).toContain('curl -fsSL https://pkgs.k8s.io/core:/stable:/v1.31/deb/Release.key');
  expect(commands).not.toMatch(/sed -i|apt\.kubernetes\.io/);
});

test('where nothing shows the control plane, each of its machines has its turn in a loop that stops at the first failure', async () => {
  const made = ['cp1', 'cp2'].map((name) => ({
    ...node(name, 'v1.30.4'),
    metadata: { name, labels: { 'node-role.kubernetes.io/control-plane': '' } },
  }));
  const [, step] = stepsOf(await stagesOf(made as unknown as Raw[], '1.31'));
  expect(commandsOf(step!)).toMatch(/^for NODE in cp1 cp2; do\n(?:.*\n)+.*systemctl is-active kube-apiserver'\ndone\n/);
});
