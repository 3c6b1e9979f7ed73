// A healthy kubeadm cluster (test/fixtures/kubernetes/kubeadm-1.37.yaml) on a real control plane of two API servers, each reached by the address that it says: `check kubernetes` finds
// nothing, sees everything and exits 0; from a snapshot too; and with no rights it passes nothing and exits 3.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Raw } from '../../src/engine/contracts.ts';
import { newHome, run } from '../bed/binary.ts';
import { clientOf } from '../bed/client.ts';
import { kubeconfigOf, type Started, startControlPlane } from '../bed/control-plane.ts';
import { foundBed, NEWEST } from '../bed/prepare.ts';
import { type Routes, startRoutes } from '../bed/routes.ts';

const HEALTHY = join(import.meta.dirname, '..', 'fixtures', 'kubernetes', 'kubeadm-1.37.yaml');

let plane: Started;
let routes: Routes;
beforeAll(async () => {
  plane = await startControlPlane(NEWEST, await foundBed(NEWEST), { controllers: false, admission: false, servers: 2 });
  routes = await startRoutes(plane);
  const objects = parseAllDocuments(readFileSync(HEALTHY, 'utf8')).map((document) => document.toJS() as Raw);
  const client = clientOf(plane);
  await client.apply(...objects);
  // The API server makes every Node with a taint that kube-controller-manager takes off when it is Ready.
  for (const { kind, metadata, spec = {} } of objects.filter(({ kind }) => kind === 'Node')) {
    const path = `/api/v1/nodes/${(metadata as Raw).name}`;
    const { status } = await client.request(
      'PATCH',
      path,
      { spec: { taints: (spec as Raw).taints ?? null } },
      'application/merge-patch+json',
    );
    expect(status, `${kind} ${path}`).toBe(200);
  }
});
afterAll(async () => {
  await routes?.close();
  await plane?.stop();
});

interface Result {
  complete: boolean;
  checks: { id: string; outcome: string; note: unknown; gaps: { why: string }[]; findings: { message: unknown }[] }[];
}
async function check(words: string[], kubeconfig = routes.kubeconfig): Promise<{ code: number | null; result: Result }> {
  const { code, stdout, stderr } = await run(['check', 'kubernetes', '--fail-on', 'notice', '-o', 'json', ...words], { kubeconfig });
  expect(stdout, stderr).not.toBe('');
  return { code, result: JSON.parse(stdout) as Result };
}
/** Of the way back only etcd is foretold; the rest is asked after an upgrade. */
const AFTERWARDS = ['apis', 'components', 'fields', 'flags', 'kubelets'].map((name) => `kubernetes/way-back-${name}`);
const notPassed = ({ checks }: Result) =>
  checks.filter(({ id, outcome }) => outcome !== (AFTERWARDS.includes(id) ? 'not-applicable' : 'passed'));

test('nothing is found, nothing is unknown, exit 0', async () => {
  const { code, result } = await check([]);
  expect(notPassed(result)).toEqual([]);
  expect(result.complete).toBe(true);
  expect(code).toBe(0);
});

test('the snapshot gives the same verdict', async () => {
  const file = join(newHome(), 'healthy.tar.gz');
  expect((await run(['snapshot', file], { kubeconfig: routes.kubeconfig })).code).toBe(0);
  const { code, result } = await check(['--from', file]);
  expect(notPassed(result)).toEqual([]);
  expect(code).toBe(0);
});

test('without rights nothing is passed, exit 3', async () => {
  const kubeconfig = kubeconfigOf(plane, 'nobody');
  const { code, result } = await check([], kubeconfig);
  expect(new Set(result.checks.map(({ outcome }) => outcome))).toEqual(new Set(['unknown', 'not-applicable']));
  expect(code).toBe(3);
  // Where it is looked at, the cluster may be out of reach.
  const { stderr } = await run(['snapshot', join(newHome(), 'nothing.tar.gz')], { kubeconfig });
  const all = JSON.parse((await run(['check', '-o', 'json'], { kubeconfig })).stdout) as Result;
  const forbidden = all.checks.filter(({ outcome, gaps }) => outcome === 'unknown' && gaps.some(({ why }) => why === 'forbidden')).length;
  expect(forbidden).toBeGreaterThan(10);
  expect(stderr).toContain(`\nwarning: ${forbidden} checks will be unknown: this user has no permission to read what they need.`);
});

/** What a user with some rights is not told. The bed's controllers do not run: the role view is not aggregated. */
const LIST_ONLY = [
  'addon-versions',
  'component-flags',
  'coredns-corefile',
  'kube-proxy-mode',
  'kube-proxy-skew',
  'kubeadm-config',
  'kubeadm-preflight',
];
test('what a user has no permission to see is unknown, whatever else is seen', async () => {
  const client = clientOf(plane);
  const { rules } = parse((await run(['rbac', '--for', 'check'], { kubeconfig: routes.kubeconfig })).stdout) as { rules: Rule[] };
  const view = (await client.request('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregate-to-view')).body.rules;
  const listing = rules.flatMap(({ verbs, ...rest }): Rule[] => {
    const left = rest.nonResourceURLs ? verbs : verbs.filter((verb) => verb !== 'get');
    return left.length ? [{ ...rest, verbs: left }] : [];
  });
  const passedBy = async (user: string, own: Rule[]) => {
    const group = 'rbac.authorization.k8s.io';
    const metadata = { name: `of-${user}` };
    await client.apply(
      { apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata, rules: own },
      {
        ...{ apiVersion: `${group}/v1`, kind: 'ClusterRoleBinding', metadata, subjects: [{ apiGroup: group, kind: 'User', name: user }] },
        roleRef: { apiGroup: group, kind: 'ClusterRole', name: metadata.name },
      },
    );
    // The authorizer follows with some delay.
    const asUser = clientOf(plane, user);
    await vi.waitFor(async () => expect((await asUser.request('GET', '/api/v1/pods?limit=1')).status).toBe(200), { timeout: 30_000 });
    const { code, result } = await check([], routes.kubeconfigOf(user));
    expect([user, code, result.complete]).toEqual([user, 3, false]);
    const of = (outcome: string) => result.checks.filter((each) => each.outcome === outcome).map(({ id }) => id.split('/')[1]);
    expect(of('found')).toEqual([]);
    return { passed: of('passed'), unknown: of('unknown') };
  };
  expect((await passedBy('user-1', listing)).unknown).toEqual([...LIST_ONLY, 'kubelet-config', 'requestheader-ca-overlap']);
  const unmeasured = rules.filter(({ nonResourceURLs = [] }) => !nonResourceURLs.includes('/metrics'));
  expect((await passedBy('user-2', unmeasured)).unknown).toEqual(['requested-deprecated-apis']);
  for (const [lang, lacks, clean] of [
    ['en', /no permission to get \/metrics/, /No problems found/],
    ['zh', /没有权限读取 \/metrics/, /未发现问题/],
  ] as const) {
    const { stdout } = await run(['check', 'kubernetes', '--lang', lang], { kubeconfig: routes.kubeconfigOf('user-2') });
    expect(stdout).toMatch(lacks);
    expect(stdout).not.toMatch(clean);
  }
  expect((await passedBy('user-3', view)).passed).toEqual([
    ...['kube-proxy-skew', 'pdb-blocks-drain', 'single-replica', 'unhealthy-before', 'unmanaged-pods'],
  ]);
});
interface Rule {
  apiGroups?: string[];
  resources?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
}
