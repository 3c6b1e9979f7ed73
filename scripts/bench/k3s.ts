// A big K3s cluster on a real API server: N Nodes, each with its Job of one Plan that failed halfway, and 10 Pods on it. What `check k3s` costs there.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BINARY } from '../../test/bed/binary.ts';
import { type Body, clientOf } from '../../test/bed/client.ts';
import { kubeconfigOf, startControlPlane } from '../../test/bed/control-plane.ts';
import { installCrd } from '../../test/bed/crds.ts';
import { BED_VERSIONS, foundBed } from '../../test/bed/prepare.ts';
import { measure } from './measure.ts';

const [FROM, TO] = ['v1.32.9+k3s1', 'v1.33.9+k3s1'];
const HASH = '0e875c53b583e48643f46039f5c46944d463cb91a037f7fa8454ffa0';
/** Servers; the first Nodes. */
const SERVERS = 5;
/** Of so many agents one is left cordoned. */
const LEFT = 10;
/** Images in the status of a Node; a kubelet reports up to 50. */
const IMAGES = 50;
const PODS = 10;
/** Requests at once while seeding. */
const AT_ONCE = 16;

export async function benchK3s(size: number): Promise<void> {
  const version = BED_VERSIONS.at(-1)!;
  const plane = await startControlPlane(version, await foundBed(version), { controllers: false });
  try {
    const client = clientOf(plane);
    await installCrd(client, 'plans-v1');
    await client.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'system-upgrade' } });
    const numbers = Array.from({ length: size }, (_, n) => n);
    for (const name of ['servers', 'agents']) await create(plan(name, name === 'agents' ? numbers.filter(isLeft).map(nameOf) : []));
    const began = performance.now();
    const seeding = Array.from({ length: AT_ONCE }, async () => {
      for (let n = numbers.pop(); n !== undefined; n = numbers.pop()) for (const object of of(n)) await create(object);
    });
    await Promise.all(seeding);
    // Admission taints each new Node as not ready, which a controller takes away where one runs: no Pod would fit anywhere, and 30,000 would be reported.
    for (const n of Array.from({ length: size }).keys())
      await client.request('PATCH', `/api/v1/nodes/${nameOf(n)}`, { spec: { taints: null } });
    console.log(`${size} Nodes, their Jobs and ${size * PODS} Pods seeded in ${((performance.now() - began) / 1000).toFixed(0)} s`);

    const env = {
      PATH: process.env.PATH,
      HOME: mkdtempSync(join(tmpdir(), 'upgrade-guard-bench-')),
      KUBECONFIG: kubeconfigOf(plane, 'admin'),
    };
    for (const asked of [['k3s'], ['k3s/nodes-cordoned-by-plan'], []]) {
      const { wall, cpu, rss, code } = await measure([BINARY, 'check', ...asked], env);
      console.log(
        `${`upgrade-guard check ${asked.join(' ')}`.padEnd(48)} ${(wall / 1000).toFixed(2)} s wall, ${(cpu / 1000).toFixed(2)} s cpu, ${rss.toFixed(0)} MB, exit ${code}`,
      );
    }

    async function create(object: Body): Promise<void> {
      const path = await client.path(object);
      // Whom the field of a Node belongs to says who cordoned it.
      const manager = `?fieldManager=${object.spec?.unschedulable ? 'kubectl' : 'bench'}`;
      const { status, body } = await client.request('POST', path.slice(0, path.lastIndexOf('/')) + manager, object);
      if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
      if (!object.status) return;
      const answer = await client.request('PATCH', `${path}/status?fieldManager=bench`, { status: object.status });
      if (answer.status >= 300) throw new Error(`${path}/status: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
    }
  } finally {
    await plane.stop();
  }
}

const isLeft = (n: number): boolean => n >= SERVERS && n % LEFT === 0;
const nameOf = (n: number) => `${n < SERVERS ? 'server' : 'agent'}-${String(n).padStart(5, '0')}`;

function plan(name: string, applying: string[]) {
  return {
    apiVersion: 'upgrade.cattle.io/v1',
    kind: 'Plan',
    metadata: { name, namespace: 'system-upgrade' },
    spec: {
      concurrency: Math.max(1, applying.length),
      cordon: true,
      version: TO,
      serviceAccountName: 'system-upgrade',
      upgrade: { image: 'rancher/k3s-upgrade' },
      nodeSelector: {
        matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: name === 'servers' ? 'Exists' : 'DoesNotExist' }],
      },
    },
    status: {
      ...{ latestVersion: TO.replace('+', '-'), latestHash: HASH, applying },
      conditions: [{ type: 'Complete', status: applying.length ? 'False' : 'True', reason: applying.length ? 'JobFailed' : 'Complete' }],
    },
  };
}

/** A Node with what runs on it, and its Job. */
function of(n: number): Body[] {
  const name = nameOf(n);
  const left = isLeft(n);
  const labels = {
    'kubernetes.io/hostname': name,
    ...(n < SERVERS ? { 'node-role.kubernetes.io/control-plane': 'true', 'node-role.kubernetes.io/etcd': 'true' } : {}),
    ...(left ? {} : { [`plan.upgrade.cattle.io/${n < SERVERS ? 'servers' : 'agents'}`]: HASH }),
  };
  const images = Array.from({ length: IMAGES }, (_, i) => ({
    names: [`registry.example/team-${i}/application@sha256:${'0'.repeat(64)}`, `registry.example/team-${i}/application:1.2.${i}`],
    sizeBytes: 100_000_000 + i,
  }));
  const info = Object.fromEntries(
    ['architecture', 'bootID', 'kernelVersion', 'kubeProxyVersion', 'machineID', 'operatingSystem', 'osImage', 'systemUUID'].map(
      (field) => [field, 'x'],
    ),
  );
  const nodeInfo = { ...info, containerRuntimeVersion: 'containerd://2.0.0', kubeletVersion: left ? FROM : TO };
  const by = n < SERVERS ? 'servers' : 'agents';
  const jobLabels = {
    'upgrade.cattle.io/controller': 'system-upgrade-controller',
    'upgrade.cattle.io/node': name,
    'upgrade.cattle.io/plan': by,
    'upgrade.cattle.io/version': TO.replace('+', '-'),
    [`plan.upgrade.cattle.io/${by}`]: HASH,
  };
  const template = {
    metadata: { labels: jobLabels },
    spec: {
      restartPolicy: 'Never',
      initContainers: [{ name: 'cordon', image: 'rancher/kubectl:v1.30.3' }],
      containers: [{ name: 'upgrade', image: `rancher/k3s-upgrade:${TO.replace('+', '-')}` }],
    },
  };
  const job = `apply-${by}-on-${name}`;
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: left ? 'BackoffLimitExceeded' : 'CompletionsReached',
    lastTransitionTime: now,
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels },
      spec: { unschedulable: left },
      status: { nodeInfo, images, conditions: [{ type: 'Ready', status: 'True' }] },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: job, namespace: 'system-upgrade', labels: jobLabels },
      spec: { backoffLimit: 2, template },
      status: left
        ? { startTime: now, failed: 3, conditions: ['FailureTarget', 'Failed'].map(condition) }
        : { startTime: now, completionTime: now, succeeded: 1, conditions: ['SuccessCriteriaMet', 'Complete'].map(condition) },
    },
    // Of the Jobs that went well the Pods are through; of the others the last is there as well.
    {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `${job}-x`, namespace: 'system-upgrade', labels: jobLabels } },
      spec: { ...template.spec, nodeName: name },
      status: {
        phase: left ? 'Failed' : 'Succeeded',
        initContainerStatuses: [ended('cordon', 0, now)],
        containerStatuses: [ended('upgrade', left ? 1 : 0, now)],
      },
    },
    ...Array.from({ length: PODS }, (_, i) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `web-${n}-${i}`, namespace: 'default', labels: { app: `web-${i}` }, ownerReferences: [replicaSet(n)] },
      spec: { nodeName: name, containers: [{ name: 'app', image: 'registry.example/shop/app:1.2.3' }] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }] },
    })),
  ];
}

const replicaSet = (n: number) => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', controller: true },
  ...{ name: `web-${n}-5d8f7c9b64`, uid: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` },
});

const ended = (name: string, exitCode: number, at: string): Body => ({
  ...{ name, image: 'x', imageID: 'x', ready: false, restartCount: 0 },
  state: { terminated: { exitCode, reason: exitCode ? 'Error' : 'Completed', startedAt: at, finishedAt: at } },
});
