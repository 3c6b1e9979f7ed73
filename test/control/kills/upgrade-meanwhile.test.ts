// What an upgrade of Kubernetes changes for as long as it lasts: a dead webhook lets pass, a budget that never allows a drain is lowered where it was named. Killed at each of these writes,
// with the request held, forwarded but unanswered, or answered; then resumed, or not; and undone while the upgrade waits for a person. The writes that put both back at the end of an
// upgrade that goes through are killed in test/control/kubernetes-hop.test.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { newHome, run } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { bed } from '../../bed/index.ts';
import { DEAD_WEBHOOK, LEASE, SHUT_BUDGET, waitsFor } from '../scene.ts';
import { type Place, sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const options = (home: string) => ({ kubeconfig: cluster.kubeconfig, home });
const TO = 'v1.37.99';

const HOOK: Body = DEAD_WEBHOOK;
const NODE: Body = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'w1' },
  status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] },
};
const POD: Body = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...{ name: 'shop-1', namespace: 'default', labels: { app: 'shop' } },
    ownerReferences: [
      // Of a kind that is not served here: garbage collection leaves it.
      { apiVersion: 'example.com/v1', kind: 'ShopSet', name: 'shop', uid: '0d5d52a8-0000-4000-8000-000000000001', controller: true },
    ],
  },
  spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'registry.example/c:1' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};
/** By a number that needs no scale of the owner: of a kind that is not served, kube-controller-manager could not compute anything else (SyncFailed). */
const BUDGET: Body = { ...SHUT_BUDGET, spec: { minAvailable: 1, selector: SHUT_BUDGET.spec.selector } };
const state = async (): Promise<[string, number]> => [
  (await cluster.get(HOOK)).webhooks[0].failurePolicy,
  (await cluster.get(BUDGET)).spec.minAvailable,
];
const AS_IT_WAS = ['Fail', 1];
const MEANWHILE = ['Ignore', 0];

beforeEach(async () => {
  await cluster.request('DELETE', LEASE);
  await cluster.apply(NODE, POD, HOOK, BUDGET);
});

/** An upgrade that waits for the backup of etcd, before anything was written; and the flags that say that it is there, and can be restored. */
async function begun(home: string): Promise<string[]> {
  const { code, stdout, stderr } = await run(
    ['upgrade', 'kubernetes', '--to', TO, '--confirm', 'PodDisruptionBudget/default/shop', '--yes'],
    options(home),
  );
  expect(code, stdout + stderr).toBe(4);
  expect(await state()).toEqual(AS_IT_WAS);
  const [, step = ''] = /^ {2}(\d+)\. back up etcd/m.exec(stdout + stderr) ?? [];
  expect(step, stdout + stderr).not.toBe('');
  return [step, `${Number(step) + 1}`].flatMap((id) => ['--confirm-step', id]);
}

test.each<{ write: string; place: Place; resumed: boolean }>([
  { write: 'PATCH validatingwebhookconfigurations', place: 'hold', resumed: false },
  { write: 'PATCH validatingwebhookconfigurations', place: 'answer-then', resumed: true },
  { write: 'PATCH poddisruptionbudgets', place: 'forward-unanswered', resumed: true },
  { write: 'PATCH poddisruptionbudgets', place: 'hold', resumed: true },
])('$write killed, $place, resumed: $resumed; then undone', async ({ write, place, resumed }) => {
  const home = newHome();
  const confirm = await begun(home);
  await sweeps.killedAt(['resume', ...confirm], { write, nth: 1 }, place, home);
  if (resumed) {
    const { code, stdout, stderr } = await run(['resume', '--yes', ...confirm], options(home));
    expect(code, stdout + stderr).toBe(4);
    expect(stdout + stderr).toContain('Manual steps that the run waits for:');
    expect(await state()).toEqual(MEANWHILE);
  }
  const undone = await run(['undo', '--yes'], options(home));
  expect(undone.code, undone.stdout + undone.stderr).toBe(0);
  expect(await state()).toEqual(AS_IT_WAS);
  expect((await cluster.request('GET', LEASE)).status).toBe(404);
});

/** The CustomResourceDefinition of a fixture of etcd-backup. */
const crdIn = (fixture: string): Body =>
  parseAllDocuments(readFileSync(join(import.meta.dirname, `../../fixtures/kubernetes/etcd-backup/${fixture}.yaml`), 'utf8'))[0]!.toJS();
const agoFrom = (minutes: number): string => `${new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19)}Z`;

interface Way {
  by: string;
  objects: Body[];
  /** Of its newest backup. */
  at: string;
  status(at: string): object;
}
const WAYS: Way[] = [
  {
    by: 'CronJob default/save',
    objects: [
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'save', namespace: 'default' },
        spec: {
          ...{ schedule: '0 0 1 1 *', suspend: true },
          jobTemplate: {
            spec: {
              template: {
                spec: {
                  restartPolicy: 'Never',
                  containers: [{ name: 'c', image: 'registry.example/etcd:1', command: ['etcdctl', 'snapshot', 'save', '/b'] }],
                },
              },
            },
          },
        },
      },
    ],
    at: '/apis/batch/v1/namespaces/default/cronjobs/save/status',
    status: (at) => ({ lastSuccessfulTime: at }),
  },
  {
    by: 'Velero',
    objects: [
      crdIn('healthy-velero'),
      { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name: 'before-the-upgrade', namespace: 'default' }, spec: {} },
    ],
    at: '/apis/velero.io/v1/namespaces/default/backups/before-the-upgrade',
    status: (at) => ({ phase: 'Completed', completionTimestamp: at }),
  },
  {
    by: 'ETCDSnapshotFile',
    objects: [
      crdIn('healthy-snapshot'),
      {
        apiVersion: 'k3s.cattle.io/v1',
        kind: 'ETCDSnapshotFile',
        metadata: { name: 'local-1' },
        spec: { snapshotName: 'local-1', nodeName: 'cp1', location: 'file:///snapshots/local-1' },
      },
    ],
    at: '/apis/k3s.cattle.io/v1/etcdsnapshotfiles/local-1/status',
    status: (at) => ({ readyToUse: true, creationTime: at }),
  },
];

test.each(WAYS)('a backup is seen by $by, and not because a person says so; that it can be restored a person says', async (way) => {
  for (const object of way.objects) await vi.waitFor(() => cluster.apply(object), { timeout: 20_000, interval: 200 });
  // Lists of a new kind fail for a moment, now and then after a first good one.
  for (let good = 0; good < 3; good++)
    await vi.waitFor(async () => expect((await cluster.request('GET', way.at)).status).toBe(200), { timeout: 20_000, interval: 100 });
  const made = (minutes: number) =>
    cluster.request('PATCH', way.at, { status: way.status(agoFrom(minutes)) }, 'application/merge-patch+json');
  const home = newHome();
  const begun = await run(['upgrade', 'kubernetes', '--to', TO, '--confirm', 'PodDisruptionBudget/default/shop', '--yes'], options(home));
  const step = waitsFor(begun);
  expect(step?.text, begun.stdout + begun.stderr).toContain(`back up etcd (seen by ${way.by}, not older than 60 minutes)`);
  const resume = async () => run(['resume', '--yes', '--confirm-step', step!.id], options(home));
  expect((await made(90)).status).toBe(200);
  const old = await resume();
  expect(waitsFor(old), old.stdout + old.stderr).toEqual(step);
  await made(1);
  const seen = await resume();
  expect(waitsFor(seen)?.text, seen.stdout + seen.stderr).toMatch(/^restore the backup once on another machine/);
  await run(['undo', '--yes'], options(home));
  await cluster.remove(...way.objects.toReversed());
});

test('tried on the server, every write is accepted, and nothing is changed', async () => {
  const flags = ['--confirm', 'PodDisruptionBudget/default/shop', '--dry-run=server'];
  const { code, stdout, stderr } = await run(['upgrade', 'kubernetes', '--to', TO, ...flags], options(newHome()));
  expect(code, stdout + stderr).toBe(0);
  for (const tried of [
    /^✓ \d+\. set failurePolicy of webhook .* to Ignore/m,
    /^✓ \d+\. set minAvailable of PodDisruptionBudget default\/shop from 1 to 0/m,
  ])
    expect(stdout).toMatch(tried);
  expect(await state()).toEqual(AS_IT_WAS);
  expect((await cluster.request('GET', LEASE)).status).toBe(404);
});

test('a budget that is not named stays, and is a blocker', async () => {
  const { code, stdout, stderr } = await run(['upgrade', 'kubernetes', '--to', TO, '--yes'], options(newHome()));
  expect(code, stdout + stderr).toBe(2);
  expect(stdout + stderr).toContain('PodDisruptionBudget default/shop keeps 1 of 1 Pods: no eviction is ever allowed');
  expect(await state()).toEqual(AS_IT_WAS);
});
