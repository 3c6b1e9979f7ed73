// A healthy kubeadm cluster (test/fixtures/kubernetes/kubeadm-1.37.yaml) on a real control plane of two API servers, each reached by the address that it says: `check kubernetes` finds
// nothing, sees everything and exits 0; from a snapshot too; and with no rights it passes nothing and exits 3.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
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
  checks: { id: string; outcome: string; note: unknown; gaps: unknown[]; findings: { message: unknown }[] }[];
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
  const { code, result } = await check([], kubeconfigOf(plane, 'nobody'));
  expect(new Set(result.checks.map(({ outcome }) => outcome))).toEqual(new Set(['unknown', 'not-applicable']));
  expect(code).toBe(3);
});
