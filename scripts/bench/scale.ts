// A big cluster on a real API server: N Pods, N SpiderEndpoints and a Node for every 30 Pods, put into etcd as copies of a few that the API server wrote itself.
// What `check spiderpool` and the quick look cost there, next to receiving the same answers and throwing them away, and next to kubectl.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BINARY } from '../../test/bed/binary.ts';
import { clientOf, type ObjectRef } from '../../test/bed/client.ts';
import { kubeconfigOf, startControlPlane } from '../../test/bed/control-plane.ts';
import { installCrd } from '../../test/bed/crds.ts';
import { BED_VERSIONS, foundBed } from '../../test/bed/prepare.ts';
import { tools } from '../../test/bed/tools.ts';
import { type Measured, measure, median } from './measure.ts';
import { receiveAll } from './receive.ts';

const CHART = join(import.meta.dirname, '../../test/bed/helm-chart');
/** Puts in one etcd transaction; its limit is 128. */
const BATCH = 110;
/** Pods of a Node; 150,000 Pods and 5,000 Nodes are what Kubernetes is made for. */
const PER_NODE = 30;
/** The quick look takes seconds: it is repeated, and the median counts. */
const ROUNDS = 9;
/** ms between two looks at whether the API server has settled. */
const SETTLE = 5000;
/** Every 20th Pod has a second interface: 5 %. */
const SECOND = 20;

/** Templates have numbers of fixed width in names, uids and addresses: replacing them leaves every length in the protobuf as it is. */
const MARK = { number: '00000000', ip: '10.199.199.199', ip2: '10.198.199.199', pool: 'a-9999', pool2: 'b-9999' };
const eight = (n: number) => String(n).padStart(8, '0');
/** Addresses of one pool. */
const POOL = 1000;
/** Second byte of the first and of the second interface's first address, and of the Nodes'. */
const [FIRST, OTHER, NODES] = [100, 200, 240];
/** Every address takes 14 characters; 10,000 of them share the first two bytes. */
const address = (base: number, n: number) => `10.${base + Math.floor(n / 10_000)}.${100 + (Math.floor(n / 100) % 100)}.${100 + (n % 100)}`;

export async function benchScale(size: number): Promise<void> {
  const version = BED_VERSIONS.at(-1)!;
  const binaries = await foundBed(version);
  // No controller keeps a copy of everything, nor collects what has no owner.
  const plane = await startControlPlane(version, binaries, { controllers: false });
  try {
    const client = clientOf(plane);
    const kubeconfig = kubeconfigOf(plane, 'admin');
    const env = { PATH: process.env.PATH, HOME: mkdtempSync(join(tmpdir(), 'upgrade-guard-bench-')), KUBECONFIG: kubeconfig };
    await installCrd(client, 'spiderendpoints-v2beta1');
    await installCrd(client, 'spiderippools-v2beta1');
    const installed = await measure([tools().helm3, 'install', 'spiderpool', CHART, '-n', 'kube-system'], env);
    if (installed.code) throw new Error('helm install of the chart of the bed failed');
    const began = performance.now();
    await seed(plane, client, size);
    console.log(`${size} Pods and ${size} SpiderEndpoints seeded in ${((performance.now() - began) / 1000).toFixed(0)} s`);
    await settled(plane);
    await benchQuick(plane, client, env);
    await benchCheck(plane, kubeconfig, env);
  } finally {
    await plane.stop();
  }
}

const row = (what: string, wall: number, cpu: number, rss: number, note = '') =>
  console.log(
    `${what.padEnd(46)} ${(wall / 1000).toFixed(2).padStart(8)} s wall ${(cpu / 1000).toFixed(2).padStart(8)} s cpu ${rss.toFixed(0).padStart(6)} MB  ${note}`,
  );

/** Ends when the API server's memory has taken in what was put into etcd behind its back: until then every answer waits. */
async function settled(plane: { server: string; folder: string }): Promise<void> {
  for (let last = Number.POSITIVE_INFINITY; ; ) {
    await sleep(SETTLE);
    const { wall } = await receiveAll(plane, 'tables');
    // No longer much faster than before.
    if (wall > last * 0.7) return;
    last = wall;
  }
}

/** A cluster in which no address stands twice, then one in which one does; that Pod is removed again. */
async function benchQuick(plane: { server: string; folder: string }, client: ReturnType<typeof clientOf>, env: NodeJS.ProcessEnv) {
  const received = await receiveAll(plane, 'tables');
  row(
    'receive the two tables, throw them away',
    received.wall,
    received.cpu,
    received.rss,
    `${(received.bytes / 1e6).toFixed(0)} MB received`,
  );
  const quick = async (what: string) => {
    const rounds: Measured[] = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await measure([BINARY, 'check', 'spiderpool/duplicate-pod-ip', '--quick'], env));
    const of = (value: (round: Measured) => number) => median(rounds.map(value));
    const walls = rounds.map(({ wall }) => wall / 1000);
    const note = `exit ${rounds[0]!.code}, ${Math.min(...walls).toFixed(2)} to ${Math.max(...walls).toFixed(2)} s, at most ${Math.max(...rounds.map(({ rss }) => rss)).toFixed(0)} MB`;
    row(
      what,
      of(({ wall }) => wall),
      of(({ cpu }) => cpu),
      of(({ rss }) => rss),
      note,
    );
  };
  await quick('check spiderpool/duplicate-pod-ip --quick');
  const { object } = pod(false);
  const twin = {
    ...object,
    metadata: { ...object.metadata, name: 'twin' },
    status: { ...object.status, podIP: address(FIRST, 1), podIPs: [{ ip: address(FIRST, 1) }] },
  };
  await client.apply(twin);
  await quick('the same, with one address on two Pods');
  const began = performance.now();
  const { body } = await client.request('GET', `/api/v1/pods?resourceVersion=0&fieldSelector=status.podIP%3D${address(FIRST, 1)}`);
  row(`the ${body.items.length} Pods of that address, by field selector`, performance.now() - began, 0, 0);
  await client.remove(twin);
}

async function benchCheck(plane: { server: string; folder: string }, kubeconfig: string, env: NodeJS.ProcessEnv): Promise<void> {
  const received = await receiveAll(plane);
  row(
    'receive the same lists, throw them away',
    received.wall,
    received.cpu,
    received.rss,
    `${(received.bytes / 1e6).toFixed(0)} MB received`,
  );
  const checked = await measure([BINARY, 'check', 'spiderpool'], { ...env, KUBECONFIG: kubeconfig });
  row(
    'upgrade-guard check spiderpool',
    checked.wall,
    checked.cpu,
    checked.rss,
    `${(checked.wall / received.wall).toFixed(2)} × receiving, exit ${checked.code}`,
  );
  const again = await receiveAll(plane);
  row('receive once more', again.wall, again.cpu, again.rss);
  if (process.argv.includes('--kubectl')) {
    const kubectl = await measure([tools().kubectl, 'get', 'pods', '-A', '-o', 'json'], { ...env, KUBECONFIG: kubeconfig });
    row('kubectl get pods -A -o json', kubectl.wall, kubectl.cpu, kubectl.rss);
  }
}

/** Through the API: one of each kind, and the pools. Then their bytes in etcd, copied with other numbers. */
async function seed(plane: { etcd: string }, client: ReturnType<typeof clientOf>, size: number): Promise<void> {
  const etcd = (path: string, body: object) =>
    fetch(`${plane.etcd}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) }).then((answer) => {
      if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status}`);
      return answer.json() as Promise<{ kvs?: { value: string }[] }>;
    });
  /** Made by the API server, read from etcd, removed again. */
  const template = async ({ key, object }: { key: string; object: ObjectRef }): Promise<Template> => {
    await client.apply(object);
    const { uid } = (await client.get(object)).metadata;
    const { kvs } = await etcd('range', { key: base64(key) });
    await client.remove(object);
    return { key, value: Buffer.from(kvs![0]!.value, 'base64').toString('latin1'), uid };
  };
  const pods = [await template(pod(false)), await template(pod(true))] as const;
  const nodes = await template(node());
  const endpoints = [await template(endpoint(pods[0].uid, false)), await template(endpoint(pods[1].uid, true))] as const;
  for (let first = 0; first <= size; first += POOL) await client.apply(...poolsOf(first, Math.min(size, first + POOL - 1), pods));
  let puts: object[] = [];
  const flush = async () => {
    if (puts.length) await etcd('txn', { success: puts });
    puts = [];
  };
  const put = (key: string, n: number, value: string) =>
    puts.push({
      requestPut: { key: base64(key.replaceAll(MARK.number, eight(n))), value: Buffer.from(value, 'latin1').toString('base64') },
    });
  for (let n = 1; n <= size / PER_NODE; n++) {
    const own = nodes.value.replaceAll(nodes.uid, uidOf(nodes.uid, n)).replaceAll(MARK.number, eight(n));
    put(nodes.key, n, own.replaceAll(MARK.ip, address(NODES, n)));
    if (puts.length >= BATCH) await flush();
  }
  for (let n = 1; n <= size; n++) {
    const kind = n % SECOND ? 0 : 1;
    for (const { key, value, uid } of [pods[kind], endpoints[kind]]) {
      const copy = [uid, pods[kind].uid].reduce((text, old) => text.replaceAll(old, uidOf(old, n)), value);
      const text = copy
        .replaceAll(MARK.number, eight(n))
        .replaceAll(MARK.ip, address(FIRST, n))
        .replaceAll(MARK.ip2, address(OTHER, n))
        .replaceAll(MARK.pool, poolName(MARK.pool[0]!, n))
        .replaceAll(MARK.pool2, poolName(MARK.pool2[0]!, n));
      put(key, n, text);
    }
    if (puts.length >= BATCH) await flush();
  }
  await flush();
}

interface Template {
  key: string;
  value: string;
  uid: string;
}
const base64 = (text: string) => Buffer.from(text).toString('base64');
const uidOf = (uid: string, n: number) => `${eight(n)}${uid.slice(8)}`;
const poolName = (prefix: string, n: number) => `${prefix}-${String(Math.floor(n / POOL)).padStart(4, '0')}`;

/** The pools of one thousand Pods, every address of theirs recorded. */
function poolsOf(first: number, last: number, pods: readonly [Template, Template]): ObjectRef[] {
  return [MARK.pool, MARK.pool2].flatMap((mark, second) => {
    const base = second ? OTHER : FIRST;
    const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((n) => n > 0 && (!second || n % SECOND === 0));
    const records = numbers.map((n) => [
      address(base, n),
      { pod: `default/web-${eight(n)}`, podUid: uidOf(pods[n % SECOND ? 0 : 1].uid, n) },
    ]);
    const ips = Array.from({ length: POOL / 100 }, (_, i) => `${address(base, first + 100 * i)}-${address(base, first + 100 * i + 99)}`);
    return {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPPool',
      metadata: { name: poolName(mark[0]!, first) },
      spec: { ipVersion: 4, subnet: '10.0.0.0/8', ips },
      status: { allocatedIPs: JSON.stringify(Object.fromEntries(records)), allocatedIPCount: records.length, totalIPCount: POOL },
    };
  });
}

const NAME = `web-${MARK.number}`;

function pod(two: boolean) {
  const status = [
    { name: 'default', interface: 'eth0', ips: [MARK.ip], default: true },
    ...(two ? [{ name: 'net/second', interface: 'net1', ips: [MARK.ip2] }] : []),
  ];
  const container = {
    name: 'app',
    image: 'registry.example/shop/app:1.2.3',
    env: Array.from({ length: 12 }, (_, i) => ({ name: `SETTING_${i}`, value: `value-${i}-of-some-length` })),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
    livenessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10 },
    readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 10 },
  };
  return {
    key: `/registry/pods/default/${NAME}`,
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: NAME,
        namespace: 'default',
        labels: { app: 'web', 'pod-template-hash': '6c9f5d7b8' },
        annotations: { 'k8s.v1.cni.cncf.io/network-status': JSON.stringify(status) },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'ReplicaSet',
            name: 'web-6c9f5d7b8',
            uid: '0d5d52a8-0000-4000-8000-000000000001',
            controller: true,
          },
        ],
      },
      spec: {
        nodeName: 'node-1',
        containers: [container],
        volumes: [{ name: 'data', emptyDir: {} }],
        tolerations: [{ operator: 'Exists' }],
      },
      status: {
        phase: 'Running',
        podIP: MARK.ip,
        podIPs: [{ ip: MARK.ip }],
        hostIP: '192.0.2.1',
        conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True' })),
        containerStatuses: [
          { name: 'app', ready: true, restartCount: 0, image: container.image, imageID: 'sha256:00', state: { running: {} } },
        ],
      },
    },
  };
}

function node() {
  const name = `node-${MARK.number}`;
  const info = Object.fromEntries(
    ['architecture', 'bootID', 'kubeProxyVersion', 'machineID', 'operatingSystem', 'systemUUID'].map((field) => [field, '']),
  );
  const nodeInfo = {
    ...info,
    containerRuntimeVersion: 'containerd://2.0.0',
    kernelVersion: '6.1.0',
    kubeletVersion: 'v1.37.1',
    osImage: 'Linux',
  };
  return {
    key: `/registry/minions/${name}`,
    object: {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      status: { nodeInfo, addresses: [{ type: 'InternalIP', address: MARK.ip }], conditions: [{ type: 'Ready', status: 'True' }] },
    },
  };
}

function endpoint(podUid: string, two: boolean) {
  const interfaces = [
    { interface: 'eth0', ipv4: `${MARK.ip}/8`, ipv4Pool: MARK.pool },
    ...(two ? [{ interface: 'net1', ipv4: `${MARK.ip2}/8`, ipv4Pool: MARK.pool2 }] : []),
  ];
  return {
    key: `/registry/spiderpool.spidernet.io/spiderendpoints/default/${NAME}`,
    object: {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderEndpoint',
      metadata: { name: NAME, namespace: 'default', finalizers: ['spiderpool.spidernet.io'] },
      status: {
        current: { uid: podUid, node: 'node-1', ips: interfaces },
        ownerControllerType: 'ReplicaSet',
        ownerControllerName: 'web-6c9f5d7b8',
      },
    },
  };
}
