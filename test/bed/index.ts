// What control plane tests use: `bed()` connects to a control plane that the test's project started.
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, clientOf } from './client.ts';
import { type ControlPlane, kubeconfigOf, SPARE_USERS } from './control-plane.ts';
import { mine } from './mine.ts';
import { tools } from './tools.ts';

/** As a ClusterRole has it; `namespace`: granted there only. */
export interface PolicyRule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
  namespace?: string;
}
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}
export interface ToolOptions {
  /** Path; the admin's by default. */
  kubeconfig?: string;
  input?: string;
  env?: Record<string, string>;
}
export type Tool = (args: string[], options?: ToolOptions) => Promise<Ended>;
export interface Bed extends Client {
  /** `1.24` or `1.37`. */
  version: string;
  server: string;
  /** URL of its etcd. */
  etcd: string;
  /** Folder of the control plane: users' kubeconfigs, and certs/ with the serving certificate (also the CA) and its key. */
  folder: string;
  /** Path of the executable. */
  kwok: string;
  /** Path of the admin's. */
  kubeconfig: string;
  /** Path of a user's kubeconfig: admin, viewer, nobody or one of user-1 … user-8. A spare user holds exactly these rights from then on; no rules: none. */
  user(name: string, rules?: PolicyRule[], options?: { namespace?: string }): Promise<string>;
  /** A new namespace; its name. */
  namespace(prefix?: string): Promise<string>;
  kubectl: Tool;
  helm3: Tool;
  helm4: Tool;
}

/** Inside a project of the bed. The whole control plane is this file's alone while it runs, and was emptied before. */
export function bed(): Bed {
  const plane = mine;
  const client = clientOf(plane);
  const home = mkdtempSync(join(plane.folder, 'home-'));
  const { kubectl, helm3, helm4 } = tools();
  return {
    ...client,
    version: plane.version,
    server: plane.server,
    etcd: plane.etcd,
    folder: plane.folder,
    kwok: plane.kwok,
    kubeconfig: kubeconfigOf(plane, 'admin'),
    user: (name, rules, options) => userOf(plane, client, name, rules, options?.namespace),
    namespace: (prefix = 'test') => newNamespace(client, prefix),
    kubectl: toolOf(kubectl, plane, home),
    helm3: toolOf(helm3, plane, home),
    helm4: toolOf(helm4, plane, home),
  };
}

async function newNamespace(client: Client, prefix: string): Promise<string> {
  const { status, body } = await client.request('POST', '/api/v1/namespaces', { metadata: { generateName: `${prefix}-` } });
  if (status !== 201) throw new Error(`could not create a namespace: ${status} ${body.message}`);
  return body.metadata.name;
}

function toolOf(command: string, plane: ControlPlane, home: string): Tool {
  return (args, { kubeconfig = kubeconfigOf(plane, 'admin'), input = '', env = {} } = {}) =>
    new Promise((resolve, reject) => {
      // A home of its own: kubectl caches discovery there, and a cache of another file's CRDs would lie.
      const own = { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig, LANG: 'C.UTF-8', ...env };
      const child = spawn(command, args, { env: own, stdio: 'pipe' });
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on('data', (chunk) => stdout.push(chunk));
      child.stderr.on('data', (chunk) => stderr.push(chunk));
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
}

let generation = 0;

async function userOf(plane: ControlPlane, admin: Client, name: string, rules: PolicyRule[] = [], everywhere?: string): Promise<string> {
  const kubeconfig = kubeconfigOf(plane, name);
  if (!(SPARE_USERS as readonly string[]).includes(name)) {
    if (rules.length) throw new Error(`rights are bound to spare users only (${SPARE_USERS.join(', ')}), not to ${name}`);
    return kubeconfig;
  }
  await takeRights(admin, name);
  const placed = new Map<string | undefined, PolicyRule[]>([[everywhere, []]]);
  for (const { namespace = everywhere, ...rule } of rules) placed.set(namespace, [...(placed.get(namespace) ?? []), rule]);
  // The API server's authorizer follows the roles with some delay. A marker of its own in each role shows when it has caught up.
  const marker = `${process.pid}-${++generation}`;
  for (const [namespace, granted] of placed) {
    const mark = { apiGroups: ['bed.test'], resources: ['markers'], resourceNames: [marker], verbs: ['get'] };
    await grant(admin, name, [...granted, mark], namespace);
  }
  const asUser = clientOf(plane, name);
  for (const namespace of placed.keys()) await untilGranted(asUser, marker, namespace);
  return kubeconfig;
}

/** Cluster-wide and in every namespace. */
async function takeRights(admin: Client, name: string): Promise<void> {
  for (const kind of ['ClusterRoleBinding', 'ClusterRole', 'RoleBinding', 'Role']) {
    const found = await admin.request(
      'GET',
      `/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s?labelSelector=bed.test/user%3D${name}`,
    );
    await admin.remove(...found.body.items.map((item: object) => ({ ...item, apiVersion: found.body.apiVersion, kind })));
  }
}

async function grant(admin: Client, user: string, rules: object[], namespace?: string): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  const [role, binding] = namespace ? ['Role', 'RoleBinding'] : ['ClusterRole', 'ClusterRoleBinding'];
  const metadata = { name: `bed-${user}`, namespace, labels: { 'bed.test/user': user } };
  await admin.apply(
    { apiVersion: `${apiGroup}/v1`, kind: role, metadata, rules },
    {
      ...{ apiVersion: `${apiGroup}/v1`, kind: binding, metadata },
      roleRef: { apiGroup, kind: role, name: metadata.name },
      subjects: [{ apiGroup, kind: 'User', name: user }],
    },
  );
}

async function untilGranted(user: Client, marker: string, namespace?: string): Promise<void> {
  const resourceAttributes = { verb: 'get', group: 'bed.test', resource: 'markers', name: marker, namespace };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } };
  for (let tries = 0; tries < 500; tries++) {
    const { body } = await user.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review);
    if (body.status?.allowed) return;
    await sleep(20);
  }
  throw new Error('the API server did not take up the rights of a user within 10 s');
}
