// Which API versions does the next minor break? 10,000 mixed objects as kubectl apply leaves them and 200 Helm releases of 5 revisions, on a real kube-apiserver 1.24, asked by us
// and by rivals that are named by path (PLUTO=, KUBENT=): wall and CPU time, memory, bytes from the server, what each missed and what it said falsely.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Raw } from '../../src/engine/contracts.ts';
import { encodeRelease } from '../../src/helm/release.ts';
import { BINARY } from '../../test/bed/binary.ts';
import { clientOf } from '../../test/bed/client.ts';
import { kubeconfigOf, startControlPlane } from '../../test/bed/control-plane.ts';
import { BED_VERSIONS, foundBed } from '../../test/bed/prepare.ts';
import { type Measured, measure, median } from './measure.ts';

const ROUNDS = 5;
const AT_ONCE = 24;
const NAMESPACES = 20;
const RELEASES = 200;
const REVISIONS = 5;
const TARGET = '1.25';

type Client = ReturnType<typeof clientOf>;
interface Kind {
  share: number;
  path: string;
  make(name: string): Raw;
}

export async function benchKubernetes(size: number): Promise<void> {
  const version = BED_VERSIONS[0]!;
  const plane = await startControlPlane(version, await foundBed(version), { controllers: false });
  const folder = mkdtempSync(join(tmpdir(), 'upgrade-guard-bench-'));
  try {
    const client = clientOf(plane);
    const truth = await seed(client, size);
    const kubeconfig = kubeconfigOf(plane, 'admin');
    const relay = await relayTo(Number(new URL(plane.server).port));
    const through = join(folder, 'through.kubeconfig');
    const { clusters, ...rest } = parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { name: string; cluster: Raw }[] };
    const there = clusters.map(({ name, cluster }) => ({
      name,
      cluster: { ...cluster, server: `https://${relay.host}:${relay.port}`, 'tls-server-name': 'kubernetes.default.svc' },
    }));
    writeFileSync(through, JSON.stringify({ ...rest, clusters: there }), { mode: 0o600 });
    const env = (config: string) => ({ PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: folder, KUBECONFIG: config });
    const checks = ['kubernetes/removed-api', 'kubernetes/api-writers'];
    const tools: Tool[] = [
      {
        name: 'upgrade-guard check: the two checks',
        command: [BINARY, 'check', ...checks, '--to', `kubernetes=${TARGET}`, '-o', 'json'],
        said: ours,
      },
      {
        name: 'upgrade-guard check kubernetes (all)',
        command: [BINARY, 'check', 'kubernetes', '--to', `kubernetes=${TARGET}`, '-o', 'json'],
        said: ours,
      },
      ...rival('PLUTO', 'pluto detect-all-in-cluster', ['detect-all-in-cluster', '-o', 'json', '-t', `k8s=v${TARGET}.0`], pluto),
      ...rival('PLUTO', 'pluto detect-api-resources', ['detect-api-resources', '-o', 'json', '-t', `k8s=v${TARGET}.0`], pluto),
      ...rival('PLUTO', 'pluto detect-helm', ['detect-helm', '-o', 'json', '-t', `k8s=v${TARGET}.0`], pluto),
      ...rival('KUBENT', 'kubent without Helm', ['--helm3=false', '-o', 'json', '-t', `${TARGET}.0`], kubent),
    ];
    console.log(
      `${truth.live.size} objects and ${truth.releases.size} objects of Helm releases are written in versions that ${TARGET} does not serve; ${truth.never.size} only look so\n`,
    );
    console.log(
      '| tool | wall | CPU | peak memory | bytes from the server | live: found, missed | releases: found, missed | said falsely |',
    );
    console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
    // As they are installed, by a copy: of a file that a linker or packager has just written at once, the kernel maps up to 20 MB more.
    tools.forEach(({ command }, i) => {
      const copy = join(folder, `tool-${i}`);
      copyFileSync(command[0]!, copy);
      command[0] = copy;
    });
    // They take turns: whatever else the machine does meets all alike.
    const measured = new Map<Tool, Measured[]>(tools.map((tool) => [tool, []]));
    for (let i = 0; i < ROUNDS; i++) for (const tool of tools) measured.get(tool)!.push(await measure(tool.command, env(kubeconfig)));
    for (const tool of tools) {
      const rounds = measured.get(tool)!;
      relay.bytes = 0;
      const said = tool.said(await outputOf(tool.command, env(through)));
      const of = (value: (round: Measured) => number) => median(rounds.map(value));
      const found = (all: ReadonlySet<string>) => [...all].filter((name) => said.has(name)).length;
      const falsely = [...said].filter((name) => !truth.live.has(name) && !truth.releases.has(name)).length;
      const cells = [
        tool.name,
        `${(of(({ wall }) => wall) / 1000).toFixed(2)} s`,
        `${(of(({ cpu }) => cpu) / 1000).toFixed(2)} s`,
        `${of(({ rss }) => rss).toFixed(0)} MB`,
        `${(relay.bytes / 1e6).toFixed(1)} MB`,
        ...[truth.live, truth.releases].map((all) => `${found(all)}, ${all.size - found(all)}`),
        `${falsely}`,
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
    relay.server.close();
  } finally {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Tool {
  name: string;
  command: string[];
  /** `KIND/NAMESPACE/NAME` of everything that its output calls removed. */
  said(output: string): Set<string>;
}
function rival(variable: string, name: string, words: string[], said: Tool['said']): Tool[] {
  const path = process.env[variable];
  if (path && !existsSync(path)) console.error(`${name} is left out: ${variable}=${path}: no such file`);
  return path && existsSync(path) ? [{ name, command: [path, ...words], said }] : [];
}

// ---- what they say --------------------------------------------------------------------------------------------------

const named = (kind: unknown, namespace: unknown, name: unknown) => [kind, namespace, name].filter(Boolean).join('/');

/** What is only deprecated (notice) is none of it. */
function ours(output: string): Set<string> {
  const { checks } = JSON.parse(output) as {
    checks: { id: string; findings: { severity: string; objects: { kind: string; namespace: string; name: string }[] }[] }[];
  };
  const mine = checks.filter(({ id }) => id === 'kubernetes/removed-api' || id === 'kubernetes/api-writers');
  const found = mine.flatMap(({ findings }) => findings.filter(({ severity }) => severity !== 'notice'));
  return new Set(found.flatMap(({ objects }) => objects.map(({ kind, namespace, name }) => named(kind, namespace, name))));
}
function pluto(output: string): Set<string> {
  const items = output.trim()
    ? (JSON.parse(output) as { items?: { name: string; namespace: string; removed: boolean; api: { kind: string } }[] }).items
    : [];
  // Of a release it writes RELEASE/OBJECT.
  return new Set(
    (items ?? []).filter(({ removed }) => removed).map(({ name, namespace, api }) => named(api.kind, namespace, name.split('/').at(-1))),
  );
}
function kubent(output: string): Set<string> {
  const items = JSON.parse(output.slice(output.indexOf('['))) as { Name: string; Namespace: string; Kind: string; RuleSet: string }[];
  return new Set(items.filter(({ RuleSet }) => RuleSet.endsWith(TARGET)).map(({ Name, Namespace, Kind }) => named(Kind, Namespace, Name)));
}

function outputOf([command, ...words]: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command!, words, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}

/** Counts what the API server sends, as it is on the wire of a network: on the loopback device clients ask for nothing compressed. */
async function relayTo(target: number): Promise<{ server: Server; host: string; port: number; bytes: number }> {
  const [outside] = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.filter(({ internal, family }) => !internal && family === 'IPv4'),
  );
  const relay = { server: undefined as unknown as Server, host: outside?.address ?? '127.0.0.1', port: 0, bytes: 0 };
  relay.server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    far.on('data', (chunk) => {
      relay.bytes += chunk.length;
    });
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => [near, far].forEach((each) => void each.destroy()));
  });
  await new Promise<void>((resolve) => relay.server.listen(0, relay.host, resolve));
  relay.port = (relay.server.address() as { port: number }).port;
  return relay;
}

// ---- what is there --------------------------------------------------------------------------------------------------

const template = (name: string, restartPolicy?: string): Raw => ({
  metadata: { labels: { app: name } },
  spec: {
    ...(restartPolicy ? { restartPolicy } : {}),
    containers: [
      {
        name: 'c',
        image: 'registry.example/app:1.2.3',
        env: Array.from({ length: 12 }, (_, i) => ({ name: `VAR_${i}`, value: `value-${i}-of-some-length` })),
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
        volumeMounts: [{ name: 'v', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'v', emptyDir: {} }],
  },
});
const budget = (name: string, apiVersion = 'policy/v1beta1'): Raw => ({
  apiVersion,
  kind: 'PodDisruptionBudget',
  spec: { minAvailable: 1, selector: { matchLabels: { app: name } } },
});
const cronJob = (name: string): Raw => ({
  apiVersion: 'batch/v1beta1',
  kind: 'CronJob',
  spec: { schedule: '*/5 * * * *', suspend: true, jobTemplate: { spec: { template: template(name, 'Never') } } },
});
const deployment = (name: string): Raw => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: template(name) },
});
/** Shares of a cluster in use; a quarter of it in versions that go in 1.25 or 1.26. */
const KINDS: Kind[] = [
  { share: 0.3, path: 'apis/apps/v1/*/deployments', make: deployment },
  { share: 0.1, path: 'apis/batch/v1beta1/*/cronjobs', make: cronJob },
  { share: 0.1, path: 'apis/policy/v1beta1/*/poddisruptionbudgets', make: (name) => budget(name) },
  {
    share: 0.05,
    path: 'apis/autoscaling/v2beta2/*/horizontalpodautoscalers',
    make: (name) => ({
      apiVersion: 'autoscaling/v2beta2',
      kind: 'HorizontalPodAutoscaler',
      spec: {
        minReplicas: 1,
        maxReplicas: 5,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
      },
    }),
  },
  {
    share: 0.1,
    path: 'apis/networking.k8s.io/v1/*/ingresses',
    make: (name) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      spec: {
        rules: [
          {
            host: `${name}.example`,
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name, port: { number: 80 } } } }] },
          },
        ],
      },
    }),
  },
  {
    share: 0.15,
    path: 'api/v1/*/services',
    make: (name) => ({ apiVersion: 'v1', kind: 'Service', spec: { clusterIP: 'None', selector: { app: name }, ports: [{ port: 80 }] } }),
  },
  {
    share: 0.2,
    path: 'api/v1/*/configmaps',
    make: () => ({ apiVersion: 'v1', kind: 'ConfigMap', data: { 'a.yaml': 'x: y\n'.repeat(200) } }),
  },
];
/** Of the budgets that are applied: by server-side apply, which leaves no annotation; and those that Argo CD has applied in the new version since. */
const EXTRA = 100;

interface Truth {
  live: Set<string>;
  releases: Set<string>;
  /** Objects that look as if they were written in an old version. */
  never: Set<string>;
}

async function seed(client: Client, size: number): Promise<Truth> {
  const truth: Truth = { live: new Set(), releases: new Set(), never: new Set() };
  const jobs: (() => Promise<unknown>)[] = [];
  const spaces = Array.from({ length: NAMESPACES }, (_, i) => `ns${i}`);
  for (const name of spaces) await client.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const { share, path, make } of KINDS) {
    for (let i = 0; i < size * share; i++) {
      const [name, namespace] = [`obj-${i}`, spaces[i % NAMESPACES]!];
      const object: Raw = { ...make(name), metadata: { name, namespace } };
      const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(object) };
      if (/v1beta1/.test(path)) truth.live.add(named(object.kind, namespace, name));
      jobs.push(() => post(client, path, namespace, { ...object, metadata: { name, namespace, annotations } }));
    }
  }
  for (let i = 0; i < EXTRA; i++) {
    const namespace = spaces[i % NAMESPACES]!;
    const applied: Raw = { ...budget(`applied-${i}`), metadata: { name: `applied-${i}`, namespace } };
    truth.live.add(named('PodDisruptionBudget', namespace, `applied-${i}`));
    jobs.push(() => apply(client, 'policy/v1beta1', namespace, applied));
    const name = `moved-${i}`;
    const old: Raw = { ...budget(name), metadata: { name, namespace } };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(old) };
    truth.never.add(named('PodDisruptionBudget', namespace, name));
    jobs.push(async () => {
      await post(client, 'apis/policy/v1beta1/*/poddisruptionbudgets', namespace, { ...old, metadata: { name, namespace, annotations } });
      // Times of managedFields are seconds.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await apply(client, 'policy/v1', namespace, { ...budget(name, 'policy/v1'), metadata: { name, namespace } });
    });
  }
  for (let i = 0; i < RELEASES; i++)
    for (let revision = 1; revision <= REVISIONS; revision++) jobs.push(() => release(client, i, revision, spaces, truth));
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < jobs.length) await jobs[next++]!();
    }),
  );
  console.log(`${jobs.length} objects seeded in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return truth;
}

async function post(client: Client, path: string, namespace: string, object: Raw): Promise<void> {
  const at = `/${path.replace('*', `namespaces/${namespace}`)}?fieldManager=kubectl-client-side-apply`;
  const { status, body } = await client.request('POST', at, object);
  if (status >= 300) throw new Error(`${at}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
}

async function apply(client: Client, apiVersion: string, namespace: string, object: Raw): Promise<void> {
  const { name } = object.metadata as Raw;
  const at = `/apis/${apiVersion}/namespaces/${namespace}/poddisruptionbudgets/${String(name)}?fieldManager=argocd-controller&force=true`;
  const { status, body } = await client.request('PATCH', at, object, 'application/apply-patch+yaml');
  if (status >= 300) throw new Error(`${at}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
}

/** What no compression makes smaller: a record is some 10 kB, as those of real charts are. */
const FILLING = {
  name: 'README.md',
  data: Buffer.concat(Array.from({ length: 190 }, (_, n) => createHash('sha256').update(String(n)).digest())).toString('base64'),
};

/** The last revision has one budget in the old version, the older ones also a CronJob: only the deployed one counts. */
async function release(client: Client, i: number, revision: number, spaces: readonly string[], truth: Truth): Promise<void> {
  const [name, namespace] = [`app-${i}`, spaces[i % NAMESPACES]!];
  const status = revision === REVISIONS ? 'deployed' : 'superseded';
  const parts = Array.from({ length: 28 }, (_, n) => ({ ...deployment(`${name}-${n}`), metadata: { name: `${name}-${n}` } }));
  const old: Raw[] = [{ ...budget(name), metadata: { name: `${name}-budget` } }];
  if (revision < REVISIONS) old.push({ ...cronJob(name), metadata: { name: `${name}-report` } });
  else truth.releases.add(named('PodDisruptionBudget', namespace, `${name}-budget`));
  if (revision < REVISIONS) truth.never.add(named('CronJob', namespace, `${name}-report`));
  const manifest = [...parts, ...old].map((object) => `---\n# Source: app/templates/x.yaml\n${JSON.stringify(object, null, 1)}\n`).join('');
  const record: Raw = {
    ...{
      name,
      namespace,
      version: revision,
      info: { status, first_deployed: '2026-01-01T00:00:00Z', last_deployed: '2026-01-01T00:00:00Z' },
    },
    ...{
      chart: { metadata: { name: 'app', version: '1.0.0', apiVersion: 'v2' }, values: {}, templates: [], files: [FILLING] },
      config: {},
      manifest,
      hooks: [],
    },
  };
  const object: Raw = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: `sh.helm.release.v1.${name}.v${revision}`,
      namespace,
      labels: { owner: 'helm', name, status, version: String(revision), modifiedAt: '1767225600' },
    },
    data: { release: encodeRelease(record, 'Secret') },
  };
  const { status: answered } = await client.request('POST', `/api/v1/namespaces/${namespace}/secrets?fieldManager=helm`, object);
  if (answered >= 300) throw new Error(`a record of ${name}: ${answered}`);
}
