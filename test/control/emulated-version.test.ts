// What API servers of a version know and serve. Removals that the installed version has made and its API servers have not, on real ones over one etcd: one that emulates the minor before, one that serves what its minor
// has removed for one release more, and one that does neither.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { components, configValues } from '../../src/systems/kubernetes/knowledge/tables.ts';
import { minorOf } from '../../src/versions/kubernetes.ts';
import { newHome, run } from '../bed/binary.ts';
import { clientOf } from '../bed/client.ts';
import { kubeconfigOf, type Started, startAnotherApiServer, startControlPlane } from '../bed/control-plane.ts';
import { foundBed, NEWEST } from '../bed/prepare.ts';

/** A beta version that this minor removes. No beta is served by default. */
const BETA = ['--runtime-config', 'storage.k8s.io/v1beta1=true'];
const CLASS = {
  apiVersion: 'storage.k8s.io/v1beta1',
  kind: 'VolumeAttributesClass',
  metadata: { name: 'gold' },
  driverName: 'csi.example.com',
  parameters: { iops: '3000' },
};
const PATH = '/apis/storage.k8s.io/v1beta1/volumeattributesclasses/gold';
let plane: Started;
beforeAll(async () => {
  plane = await startControlPlane(NEWEST, await foundBed(NEWEST), { controllers: false, flags: ['--emulated-version', '1.36', ...BETA] });
});
afterAll(() => plane?.stop());

/** SEVERITY HOP MESSAGE of each finding. */
async function found(kubeconfig: string, ...words: string[]): Promise<string[]> {
  const ended = await run(['check', 'kubernetes/removed-api', 'kubernetes/api-writers', '-o', 'json', ...words], { kubeconfig });
  expect(ended.stdout, ended.stderr).not.toBe('');
  const { checks } = JSON.parse(ended.stdout) as {
    checks: { findings: { severity: string; hop: string | null; message: { en: string } }[] }[];
  };
  return checks.flatMap(({ findings }) => findings.map(({ severity, hop, message }) => `${severity} ${hop} ${message.en}`));
}
const SAID =
  '1 VolumeAttributesClass applied as storage.k8s.io/v1beta1 by argocd: removed in 1.37, still served here; use storage.k8s.io/v1';

test('emulating 1.36: what 1.37 removes is served, and goes at the latest with 1.38; the snapshot says the same', async () => {
  const client = clientOf(plane);
  expect((await client.request('GET', '/version')).body).toMatchObject({ minor: '37', emulationMinor: '36' });
  const applied = await client.request('PATCH', `${PATH}?fieldManager=argocd`, CLASS, 'application/apply-patch+yaml');
  expect(applied.status, applied.body.message).toBe(201);
  const kubeconfig = kubeconfigOf(plane, 'admin');
  expect(await found(kubeconfig, '--to', '1.38')).toEqual([`blocker 1.38 ${SAID}`]);
  // Once the emulated version is raised.
  expect(await found(kubeconfig, '--to', '1.37')).toEqual([`blocker null ${SAID}`]);
  const file = join(newHome(), 'cluster.tar.gz');
  expect((await run(['snapshot', file], { kubeconfig })).code).toBe(0);
  expect(await found('/dev/null', '--to', '1.38', '--from', file)).toEqual([`blocker 1.38 ${SAID}`]);
});

/** On an API server of its own, over the same etcd. */
async function beside<T>(
  more: { flags: string[]; env?: Record<string, string> },
  ask: (kubeconfig: string, host: string) => Promise<T>,
): Promise<T> {
  const host = '127.0.0.1';
  const { port, stop } = await startAnotherApiServer(plane, await foundBed(NEWEST), host, more);
  const own = join(newHome(), 'config');
  const server = `https://${host}:${port}`;
  writeFileSync(own, readFileSync(kubeconfigOf(plane, 'admin'), 'utf8').replace(plane.server, server));
  try {
    return await ask(own, server);
  } finally {
    await stop();
  }
}

test('the same object on API servers of the version itself: only what is served one release more is still to go', async () => {
  const longer = { flags: BETA, env: { KUBE_APISERVER_SERVE_REMOVED_APIS_FOR_ONE_RELEASE: 'true' } };
  const said: string[][] = [];
  for (const more of [longer, { flags: BETA }])
    await beside(more, async (own) => said.push(await found(own, '--to', '1.38'), await found(own, '--to', '1.37')));
  expect(said).toEqual([[`blocker 1.38 ${SAID}`], [], [], []]);
});

test('two and three minors back: what is served is still to go, what the binary dropped is not; later APIs that are switched on for it change nothing', async () => {
  const DROPPED = 'storage.k8s.io/v1alpha1'; // removed in 1.35, of which nothing is left in 1.37
  const LATER = 'admissionregistration.k8s.io/v1/mutatingadmissionpolicies'; // of 1.36
  const RANGES = 'networking.k8s.io/v1beta1'; // removed in 1.37
  const range = { apiVersion: RANGES, kind: 'ServiceCIDR', metadata: { name: 'more' }, spec: { cidrs: ['10.99.0.0/24'] } };
  const on = (...versions: string[]) => `--runtime-config=${versions.map((each) => `${each}=true`).join(',')}`;
  const said: Record<string, string[]> = {};
  const three = on(DROPPED, 'storage.k8s.io/v1beta1', RANGES, LATER);
  await beside({ flags: ['--emulated-version=1.34', three, '--runtime-config-emulation-forward-compatible'] }, async (own, server) => {
    const { request } = clientOf({ ...plane, server });
    const applied = await request('PATCH', `/apis/${RANGES}/servicecidrs/more?fieldManager=argocd`, range, 'application/apply-patch+yaml');
    expect(applied.status, applied.body.message).toBe(201);
    expect((await request('GET', `/apis/${DROPPED}/volumeattributesclasses`)).status).toBe(404);
    expect((await request('GET', `/apis/${LATER}`)).status).toBe(200);
    for (const to of ['1.37', '1.38']) said[`1.34 to ${to}`] = await found(own, '--to', to);
  });
  await beside({ flags: ['--emulated-version=1.35', ...BETA, '--emulation-forward-compatible'] }, async (own) => {
    said['1.35 to 1.38'] = await found(own, '--to', '1.38');
  });
  const RANGE = SAID.replace('VolumeAttributesClass', 'ServiceCIDR').replaceAll('storage', 'networking');
  expect(said).toEqual({
    '1.34 to 1.37': [`blocker null ${RANGE}`, `blocker null ${SAID}`],
    '1.34 to 1.38': [`blocker 1.38 ${RANGE}`, `blocker 1.38 ${SAID}`],
    // The range is not served there.
    '1.35 to 1.38': [`blocker 1.38 ${SAID}`],
  });
});

/** What a kube-apiserver with these flags ends with. */
async function ended(...given: string[]): Promise<string> {
  const { apiserver } = await foundBed(NEWEST);
  const keys = ['key', 'signing-key'].map((name) => `--service-account-${name}-file=${join(plane.folder, 'sa.key')}`);
  const needed = ['--etcd-servers=http://127.0.0.1:1', '--service-cluster-ip-range=10.0.0.0/24', '--service-account-issuer=https://x'];
  // Read after the value was taken.
  const last = '--audit-policy-file=/dev/null/none';
  const words = [...keys, ...needed, `--cert-dir=${join(plane.folder, 'certs')}`, ...given, last];
  return spawnSync(apiserver, words, { encoding: 'utf8', timeout: 20_000 }).stderr;
}

test('what a kube-apiserver does not start with: an API version that it does not know any more, on or off; an emulated version that is too old', async () => {
  const { unregistered } = configValues();
  for (const { apiVersion } of unregistered)
    expect(await ended(`--runtime-config=${apiVersion}=true`)).toContain(`group version ${apiVersion} that has not been registered`);
  expect(await ended(`--runtime-config=${unregistered[0]!.apiVersion}=false`)).toContain('has not been registered');
  for (const taken of ['batch/v1beta1=true', 'policy/v1beta1=true', 'storage.k8s.io/v1beta1=true'])
    expect(await ended(`--runtime-config=${taken}`)).toContain('audit policy file');
  // Three minors back, and no more.
  for (const flag of ['--emulated-version', '--min-compatibility-version'])
    expect(await ended(`${flag}=1.33`)).toContain('1.33 is not between [1.34');
  expect(await ended('--emulated-version=1.34')).toContain('audit policy file');
});

test("a gate is locked, and has the default, of the emulated version; which gates and flags there are is the binary's", async () => {
  const at = minorOf(NEWEST);
  const known = components().gates.filter(
    ({ since, removedIn, components: only, lockedTo }) =>
      lockedTo !== undefined &&
      !since.startsWith('<') &&
      minorOf(since) <= 34 &&
      !(removedIn && minorOf(removedIn) <= at) &&
      (!only || only.includes('kube-apiserver')),
  );
  for (const emulated of [34, 35, 36, 37]) {
    const said = await ended(
      `--emulated-version=1.${emulated}`,
      `--feature-gates=${known.map(({ name, lockedTo }) => `${name}=${!lockedTo}`).join(',')}`,
    );
    const locked = [...said.matchAll(/cannot set feature gate (\w+) to/g)].map(([, name]) => name!);
    const expected = known.filter(({ lockedIn = '' }) => minorOf(lockedIn) <= emulated).map(({ name }) => name);
    // Locked by 1.36, which wrote it into the stage of an earlier minor.
    if (emulated < 36) expected.push('TopologyManagerPolicyOptions');
    expect(locked.toSorted(), `emulating 1.${emulated}`).toEqual(expected.toSorted());
  }
  const rules = '--feature-gates=DRADeviceTaintRules=true';
  expect(await ended('--emulated-version=1.35', rules)).toContain('depends on features that are disabled: [DRADeviceTaints]');
  expect(await ended('--emulated-version=1.36', rules)).toContain('audit policy file');
  expect(await ended('--emulated-version=1.36', '--feature-gates=APIServerTracing=true')).toContain('unrecognized feature gate');
});
