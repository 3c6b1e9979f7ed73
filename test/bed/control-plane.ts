// Starts a real etcd, kube-apiserver, kube-controller-manager (all controllers) and kube-scheduler on free ports, and sees to it that they end when their starter does, however it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlaneBinaries } from './prepare.ts';

/** What a test worker needs to know about a running control plane: plain data, so that it can be handed over. */
export interface ControlPlane {
  version: string;
  server: string;
  /** URL of its etcd. */
  etcd: string;
  /** Holds <user>.kubeconfig, certs/apiserver.crt (also the CA) and .key, and the logs. */
  folder: string;
  /** Path of its executable, for the tests that need Nodes. */
  kwok: string;
}

/** Users that no rights are bound to until a test binds some. */
export const SPARE_USERS = ['user-1', 'user-2', 'user-3', 'user-4', 'user-5', 'user-6', 'user-7', 'user-8'] as const;
/** `viewer` holds the built-in ClusterRole view, `nobody` nothing beyond what every authenticated user may do. */
const USERS = {
  admin: 'system:masters',
  viewer: 'viewers',
  nobody: 'nobodies',
  ...Object.fromEntries(SPARE_USERS.map((name) => [name, 'spares'])),
};

export const tokenOf = (user: string) => `${user}-token`;
export const kubeconfigOf = (plane: { folder: string }, user: string) => join(plane.folder, `${user}.kubeconfig`);
export const certificateOf = (plane: { folder: string }) => join(plane.folder, 'certs', 'apiserver.crt');

/** Slowest start seen: 4.7 s alone on two cores. */
const START_LIMIT = 120_000;

/** Of what is written in Go here: the heap may grow to many times what is live before it is collected, up to a limit. Already at five times a fifth of an API server's CPU time is saved (measured over the suite). */
const FEWER_COLLECTIONS = { GOGC: '1600', GOMEMLIMIT: '1GiB' };

export interface Started extends ControlPlane {
  /** URLs of all API servers; `server` is the first. They have one port and differ in their loopback address. */
  servers: string[];
  /** The API server at this place (0: the first) ends, and this executable goes on in its stead, on the same etcd. */
  replaceServer(at: number, apiserver: string): Promise<void>;
  stop(): Promise<void>;
}
export interface PlaneOptions {
  controllers?: boolean;
  /** false: an object is judged by itself alone, not by what else there is (its namespace, webhooks, classes, quotas). */
  admission?: boolean;
  /** true: as an API server is by default; its log verbosity can be set while it runs. */
  profiling?: boolean;
  /** API servers on the one etcd. Beyond the first only where 127.0.0.0/8 is the loopback device's, as on Linux. */
  servers?: number;
  /** Of the API servers, besides those of the bed. */
  flags?: readonly string[];
}

/** What each of several API servers says of itself in EndpointSlice default/kubernetes: an address of RFC 5737, as one of loopback is refused there. `advertised(0)` is at 127.0.0.1, and so on. */
export const advertised = (at: number) => `198.51.100.${at + 1}`;
const listening = (at: number) => `127.0.0.${at + 1}`;

/** Answers when the API servers are ready and their system namespaces are there. `stop` ends everything and removes the data. */
export async function startControlPlane(
  version: string,
  binaries: ControlPlaneBinaries,
  { controllers = true, admission = true, profiling = false, servers: count = 1, flags = [] }: PlaneOptions = {},
): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), `upgrade-guard-bed-${version}-`));
  const [etcdClients, etcdPeers, apiserver, manager, scheduler] = (await freePorts(5)) as [number, number, number, number, number];
  const servers = Array.from({ length: count }, (_, at) => `https://${listening(at)}:${apiserver}`);
  const plane = { version, server: servers[0]!, etcd: `http://127.0.0.1:${etcdClients}`, folder, kwok: binaries.kwok };
  writeAccess(plane);
  const children: ChildProcess[] = [];
  const start = (name: string, command: string, args: string[]): ChildProcess => {
    const log = openSync(join(folder, `${name}.log`), 'a');
    const child = spawn(command, args, { stdio: ['ignore', log, log], cwd: folder, env: { ...process.env, ...FEWER_COLLECTIONS } });
    children.push(child);
    return child;
  };
  const startServer = (at: number, command: string) =>
    start(`kube-apiserver${at || ''}`, command, [
      ...apiserverArgs(folder, apiserver, plane.etcd, listening(at)),
      ...(count > 1 ? ['--advertise-address', advertised(at)] : []),
      ...(profiling ? ['--profiling'] : []),
      ...flags,
      ...(admission ? [] : ['--disable-admission-plugins', LOOKING_ELSEWHERE.join(',')]),
    ]);
  start('etcd', binaries.etcd, etcdArgs(etcdClients, etcdPeers));
  const running = [startServer(0, binaries.apiserver)];
  const guard = guardOver(folder, children);
  const guarded = (child: ChildProcess) => guard.stdin?.write(`${child.pid}\n`);
  const stop = async () => {
    // Nothing of theirs is kept, so there is nothing to end gracefully.
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(ended));
    guard.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(plane, children);
    // One after the other: the first makes the certificate that all of them show.
    for (let at = 1; at < count; at++) {
      running[at] = startServer(at, binaries.apiserver);
      guarded(running[at]!);
      await untilReady({ ...plane, server: servers[at]! }, [running[at]!]);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  if (controllers) {
    guarded(start('kube-controller-manager', binaries.controllerManager, managerArgs(folder, manager)));
    guarded(start('kube-scheduler', binaries.scheduler, schedulerArgs(folder, version, scheduler)));
  }
  async function replaceServer(at: number, command: string): Promise<void> {
    const old = running[at]!;
    // As a static Pod is replaced: it hands its watches back and gives up its lease.
    old.kill('SIGTERM');
    await ended(old);
    running[at] = startServer(at, command);
    guarded(running[at]!);
    await untilReady({ ...plane, server: servers[at]! }, [running[at]!]);
  }
  return { ...plane, servers, replaceServer, stop };
}

/** A second API server of a control plane that runs, on another host address. It does not name itself in EndpointSlice default/kubernetes; `servers` of startControlPlane do. */
export async function startAnotherApiServer(
  plane: ControlPlane,
  binaries: Pick<ControlPlaneBinaries, 'apiserver'>,
  host: string,
  { flags = [], env = {} }: { flags?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<{ port: number; stop(): Promise<void> }> {
  const [port] = (await freePorts(1)) as [number];
  const folder = mkdtempSync(join(tmpdir(), `upgrade-guard-bed-${plane.version}-`));
  const log = openSync(join(folder, 'kube-apiserver.log'), 'w');
  const args = [...apiserverArgs(plane.folder, port, plane.etcd, host), '--endpoint-reconciler-type', 'none', ...flags];
  const child = spawn(binaries.apiserver, args, {
    stdio: ['ignore', log, log],
    cwd: folder,
    env: { ...process.env, ...FEWER_COLLECTIONS, ...env },
  });
  const guard = guardOver(folder, [child]);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended(child);
    guard.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady({ version: plane.version, server: `https://${host}:${port}`, folder }, [child]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}

/** The admission plugins that look at other objects; ServiceAccount is left out everywhere. */
const LOOKING_ELSEWHERE = [
  'ServiceAccount',
  'NamespaceLifecycle',
  'LimitRanger',
  'ResourceQuota',
  'Priority',
  'RuntimeClass',
  'DefaultStorageClass',
];
LOOKING_ELSEWHERE.push(
  'StorageObjectInUseProtection',
  'DefaultIngressClass',
  'PodSecurity',
  'MutatingAdmissionWebhook',
  'ValidatingAdmissionWebhook',
);

function etcdArgs(clients: number, peers: number): string[] {
  return [
    // Nothing of it outlives a test; a benchmark may put in more than the default quota of 2 GiB.
    ...['--data-dir', 'etcd', '--unsafe-no-fsync', '--log-level', 'warn', '--quota-backend-bytes', `${8 * 1024 ** 3}`],
    ...['--listen-client-urls', `http://127.0.0.1:${clients}`, '--advertise-client-urls', `http://127.0.0.1:${clients}`],
    ...['--listen-peer-urls', `http://127.0.0.1:${peers}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${peers}`],
    ...['--initial-cluster', `default=http://127.0.0.1:${peers}`],
    // A sole member elects itself after one timeout; the default is a second. A shorter heartbeat costs CPU time all along.
    ...['--heartbeat-interval', '60', '--election-timeout', '300'],
  ];
}

function apiserverArgs(folder: string, port: number, etcd: string, host = '127.0.0.1'): string[] {
  return [
    ...['--etcd-servers', etcd, '--secure-port', `${port}`, '--bind-address', host],
    ...['--cert-dir', join(folder, 'certs'), '--token-auth-file', join(folder, 'tokens.csv'), '--authorization-mode', 'Node,RBAC'],
    ...['--service-cluster-ip-range', '10.0.0.0/24', '--allow-privileged=true', '--profiling=false'],
    // Tests create Pods themselves here; they need no ServiceAccount.
    ...['--disable-admission-plugins', 'ServiceAccount', '--service-account-issuer', `https://127.0.0.1:${port}/`],
    ...['--service-account-key-file', join(folder, 'sa.pub'), '--service-account-signing-key-file', join(folder, 'sa.key')],
    // For logs: where what plays a kubelet really listens stands in this type; Nodes keep addresses like real ones beside it.
    ...['--kubelet-preferred-address-types', 'InternalDNS,InternalIP,Hostname'],
  ];
}

function managerArgs(folder: string, port: number): string[] {
  return [
    ...['--kubeconfig', kubeconfigOf({ folder }, 'admin'), '--secure-port', `${port}`, '--bind-address', '127.0.0.1'],
    ...['--cert-dir', join(folder, 'kcm'), '--leader-elect=false', '--use-service-account-credentials=false'],
    ...['--service-account-private-key-file', join(folder, 'sa.key')],
    // A Node that a test creates, with no kubelet behind it, stays as the test made it.
    ...['--node-monitor-grace-period', '24h', '--node-startup-grace-period', '24h'],
  ];
}

function schedulerArgs(folder: string, version: string, port: number): string[] {
  const kubeconfig = kubeconfigOf({ folder }, 'admin');
  const config = join(folder, 'scheduler.json');
  const kind = {
    // 1.24 does not know v1 yet, and 1.37 no longer v1beta3.
    apiVersion: `kubescheduler.config.k8s.io/${version === '1.24' ? 'v1beta3' : 'v1'}`,
    kind: 'KubeSchedulerConfiguration',
  };
  // A Pod that found no room is tried again within a second, not after up to ten.
  const settings = { podInitialBackoffSeconds: 1, podMaxBackoffSeconds: 1 };
  writeFileSync(config, JSON.stringify({ ...kind, ...settings, clientConnection: { kubeconfig }, leaderElection: { leaderElect: false } }));
  return [
    ...['--config', config, '--authentication-kubeconfig', kubeconfig, '--authorization-kubeconfig', kubeconfig],
    ...['--secure-port', `${port}`, '--bind-address', '127.0.0.1', '--cert-dir', join(folder, 'scheduler')],
  ];
}

/** Tokens, kubeconfigs, and the keys of ServiceAccount tokens. The serving certificate is the API server's own doing. */
function writeAccess(plane: ControlPlane): void {
  const write = (name: string, text: string) => writeFileSync(join(plane.folder, name), text, { mode: 0o600 });
  const users = Object.entries(USERS);
  write('tokens.csv', users.map(([user, group], at) => `${tokenOf(user)},${user},${at + 1},"${group}"\n`).join(''));
  for (const [user] of users) write(`${user}.kubeconfig`, kubeconfig(plane, user));
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  write('sa.key', privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  write('sa.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString());
  mkdirSync(join(plane.folder, 'certs'));
}

function kubeconfig(plane: ControlPlane, user: string): string {
  return `apiVersion: v1
kind: Config
current-context: bed
clusters: [{name: bed, cluster: {server: "${plane.server}", certificate-authority: "${certificateOf(plane)}"}}]
users: [{name: "${user}", user: {token: "${tokenOf(user)}"}}]
contexts: [{name: bed, context: {cluster: bed, user: "${user}"}}]
`;
}

/** All at once, so that no two are equal. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A shell that outlives us: when its input ends, because we stopped or were killed (even by SIGKILL), it ends the children and removes the data. */
export function guardOver(folder: string, children: ChildProcess[]): ChildProcess {
  const script = 'while read -r pid; do pids="$pids $pid"; done; kill -9 $pids 2>/dev/null; sleep 0.2; rm -rf "$0"';
  // Detached: Ctrl-C goes to the whole process group, and it must not end with the rest.
  const guard = spawn('sh', ['-c', script, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  for (const child of children) guard.stdin.write(`${child.pid}\n`);
  guard.stdin.on('error', () => {});
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard;
}

export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

async function untilReady(plane: Pick<ControlPlane, 'version' | 'server' | 'folder'>, children: ChildProcess[]): Promise<void> {
  const limit = Date.now() + START_LIMIT;
  while (!(await answers(plane, '/readyz')) || !(await answers(plane, '/api/v1/namespaces/kube-system'))) {
    const dead = children.some((child) => child.exitCode !== null || child.signalCode !== null);
    if (dead || Date.now() > limit)
      throw new Error(`the control plane ${plane.version} did not start${dead ? '' : ' in time'}:\n${lastWords(plane.folder)}`);
    await sleep(50);
  }
}

function answers(plane: Pick<ControlPlane, 'server'>, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    // Its certificate may not be written yet; this one answer is not worth trusting, only its status.
    const options = { rejectUnauthorized: false, headers: { authorization: `Bearer ${tokenOf('admin')}` }, timeout: 5000 };
    const asked = request(`${plane.server}${path}`, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}

function lastWords(folder: string): string {
  return [
    'etcd',
    ...readdirSync(folder)
      .filter((name) => /^kube-apiserver\d*\.log$/.test(name))
      .map((name) => name.replace('.log', '')),
  ]
    .map((name) => join(folder, `${name}.log`))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8').trim().split('\n').slice(-8).join('\n'))
    .join('\n');
}
