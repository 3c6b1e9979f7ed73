// Starts a real etcd, kube-apiserver and kube-controller-manager on free ports, and sees to it that they end when their starter does, however it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** Answers when the API server is ready and its system namespaces are there. `stop` ends everything and removes the data. */
export async function startControlPlane(
  version: string,
  binaries: ControlPlaneBinaries,
  { controllers = true }: { controllers?: boolean } = {},
): Promise<ControlPlane & { stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), `upgrade-guard-bed-${version}-`));
  const [etcdClients, etcdPeers, apiserver, manager] = (await freePorts(4)) as [number, number, number, number];
  const plane = { version, server: `https://127.0.0.1:${apiserver}`, etcd: `http://127.0.0.1:${etcdClients}`, folder };
  writeAccess(plane);
  const children: ChildProcess[] = [];
  const start = (name: string, command: string, args: string[]) => {
    const log = openSync(join(folder, `${name}.log`), 'w');
    children.push(spawn(command, args, { stdio: ['ignore', log, log], cwd: folder }));
  };
  start('etcd', binaries.etcd, etcdArgs(etcdClients, etcdPeers));
  start('kube-apiserver', binaries.apiserver, apiserverArgs(folder, apiserver, plane.etcd));
  const guard = guardOver(folder, children);
  const stop = async () => {
    // Nothing of theirs is kept, so there is nothing to end gracefully.
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(ended));
    guard.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(plane, children);
  } catch (error) {
    await stop();
    throw error;
  }
  if (controllers) {
    start('kube-controller-manager', binaries.controllerManager, managerArgs(folder, manager));
    guard.stdin?.write(`${children.at(-1)?.pid}\n`);
  }
  return { ...plane, stop };
}

/** A second API server of the same cluster, with the same certificate and users. It does not name itself in EndpointSlice default/kubernetes. */
export async function startAnotherApiServer(
  plane: ControlPlane,
  binaries: Pick<ControlPlaneBinaries, 'apiserver'>,
  host: string,
): Promise<{ port: number; stop(): Promise<void> }> {
  const [port] = (await freePorts(1)) as [number];
  const folder = mkdtempSync(join(tmpdir(), `upgrade-guard-bed-${plane.version}-`));
  const log = openSync(join(folder, 'kube-apiserver.log'), 'w');
  const args = [...apiserverArgs(plane.folder, port, plane.etcd, host), '--endpoint-reconciler-type', 'none'];
  const child = spawn(binaries.apiserver, args, { stdio: ['ignore', log, log], cwd: folder });
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

function etcdArgs(clients: number, peers: number): string[] {
  return [
    // Nothing of it outlives a test; a benchmark may put in more than the default quota of 2 GiB.
    ...['--data-dir', 'etcd', '--unsafe-no-fsync', '--log-level', 'warn', '--quota-backend-bytes', `${8 * 1024 ** 3}`],
    ...['--listen-client-urls', `http://127.0.0.1:${clients}`, '--advertise-client-urls', `http://127.0.0.1:${clients}`],
    ...['--listen-peer-urls', `http://127.0.0.1:${peers}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${peers}`],
    ...['--initial-cluster', `default=http://127.0.0.1:${peers}`],
    // A sole member elects itself after one timeout; the default is a second.
    ...['--heartbeat-interval', '20', '--election-timeout', '200'],
  ];
}

function apiserverArgs(folder: string, port: number, etcd: string, host = '127.0.0.1'): string[] {
  return [
    ...['--etcd-servers', etcd, '--secure-port', `${port}`, '--bind-address', host],
    ...['--cert-dir', join(folder, 'certs'), '--token-auth-file', join(folder, 'tokens.csv'), '--authorization-mode', 'RBAC'],
    ...['--service-cluster-ip-range', '10.0.0.0/24', '--allow-privileged=true', '--profiling=false'],
    // Pods are made by hand here; they need no ServiceAccount.
    ...['--disable-admission-plugins', 'ServiceAccount', '--service-account-issuer', `https://127.0.0.1:${port}/`],
    ...['--service-account-key-file', join(folder, 'sa.pub'), '--service-account-signing-key-file', join(folder, 'sa.key')],
    // For logs: where the fake kubelets really listen stands in this type; Nodes keep addresses like real ones beside it.
    ...['--kubelet-preferred-address-types', 'InternalDNS,InternalIP,Hostname'],
  ];
}

function managerArgs(folder: string, port: number): string[] {
  return [
    ...[
      '--kubeconfig',
      kubeconfigOf({ folder }, 'admin'),
      '--secure-port',
      `${port}`,
      '--bind-address',
      '127.0.0.1',
      '--cert-dir',
      join(folder, 'kcm'),
    ],
    // No kubelet reports here: the lifecycle controller would taint every Node and delete its Pods. 1.24 knows only this name, 1.37 takes it as an alias.
    ...['--controllers', '*,-nodelifecycle', '--leader-elect=false', '--use-service-account-credentials=false'],
    ...['--service-account-private-key-file', join(folder, 'sa.key')],
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
function guardOver(folder: string, children: ChildProcess[]): ChildProcess {
  const script = 'while read -r pid; do pids="$pids $pid"; done; kill -9 $pids 2>/dev/null; sleep 0.2; rm -rf "$0"';
  // Detached: Ctrl-C goes to the whole process group, and it must not end with the rest.
  const guard = spawn('sh', ['-c', script, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  for (const child of children) guard.stdin.write(`${child.pid}\n`);
  guard.stdin.on('error', () => {});
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

async function untilReady(plane: Omit<ControlPlane, 'etcd'>, children: ChildProcess[]): Promise<void> {
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
  return ['etcd', 'kube-apiserver']
    .map((name) => join(folder, `${name}.log`))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8').trim().split('\n').slice(-8).join('\n'))
    .join('\n');
}
