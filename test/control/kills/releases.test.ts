// Kills of kubernetes/removed-api over a Helm release: real helm installs it, its record is then brought to what it would be after an upgrade of the cluster (a budget in
// policy/v1beta1, which 1.25 dropped), and real helm of both majors reads, upgrades and rolls back what comes out.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { newHome, run } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { bed } from '../../bed/index.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const sweeps = await sweeper(cluster);
const CHECK = 'kubernetes/removed-api';
const namespace = 'shop';

const budget = (name: string, hook = '') => `# by the chart
kind: PodDisruptionBudget
apiVersion: "policy/v1"   # quoted
metadata:
  name: ${name}
${hook}spec:
  minAvailable: 0
  selector: {matchLabels: {app: ${name}}}
`;
/** A chart with a budget, and one in a hook. */
function chart(): string {
  const folder = join(newHome(), 'web');
  mkdirSync(join(folder, 'templates'), { recursive: true });
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: web\nversion: 1.0.0\n');
  writeFileSync(join(folder, 'values.yaml'), 'large: 12345678901234567\npart: one\n');
  writeFileSync(join(folder, 'templates', 'pdb.yaml'), budget('{{ .Release.Name }}'));
  writeFileSync(
    join(folder, 'templates', 'hook.yaml'),
    budget('{{ .Release.Name }}-hook', '  annotations: {helm.sh/hook: "post-upgrade,post-rollback"}\n'),
  );
  writeFileSync(
    join(folder, 'templates', 'config.yaml'),
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  part: {{ .Values.part }}\n  like: |\n    apiVersion: policy/v1beta1\n    kind: PodDisruptionBudget\n',
  );
  return folder;
}
const CHART = chart();

const secrets = `/api/v1/namespaces/${namespace}/secrets`;
const nameOf = (release: string, revision: number) => `sh.helm.release.v1.${release}.v${revision}`;
const read = (data: string): string => gunzipSync(Buffer.from(Buffer.from(data, 'base64').toString(), 'base64')).toString();
const packed = (text: string): string => Buffer.from(gzipSync(text).toString('base64')).toString('base64');
/** Of a kind that has no successor. */
const POLICY = '---\n# Source: web/templates/psp.yaml\nkind: PodSecurityPolicy\napiVersion: policy/v1beta1\nmetadata:\n  name: web\n';
/** As it would stand there had the release been installed before 1.25. */
async function aged(release: string, revision = 1): Promise<void> {
  const at = `${secrets}/${nameOf(release, revision)}`;
  const text = read((await cluster.request('GET', at)).body.data.release);
  // The manifest stands before the hooks, which have one each.
  const old = text
    .replaceAll('apiVersion: \\"policy/v1\\"', 'apiVersion: \\"policy/v1beta1\\"')
    .replace('"manifest":"', () => `"manifest":${JSON.stringify(POLICY).slice(0, -1)}`);
  expect(old).not.toBe(text);
  expect((await cluster.request('PATCH', at, { data: { release: packed(old) } })).status).toBe(200);
}
const helm = async (args: string[], major: 3 | 4 = 3) => (major === 3 ? cluster.helm3 : cluster.helm4)([...args, '-n', namespace]);
async function ok(args: string[], major: 3 | 4 = 3): Promise<string> {
  const { code, stdout, stderr } = await helm(args, major);
  expect(code, `helm${major} ${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}
/** Every record with its labels and what it holds. */
const state = async () => {
  const { items } = (await cluster.request('GET', `${secrets}?labelSelector=owner%3Dhelm`)).body;
  return items.map(({ metadata: { name, labels }, type, data }: Body) => ({ name, labels, type, text: read(data.release) }));
};
const status = async (release: string, major: 3 | 4 = 3): Promise<string[]> =>
  JSON.parse(await ok(['history', release, '-o', 'json'], major)).map(
    ({ revision, status: is, description }: { revision: number; status: string; description: string }) =>
      `${revision} ${is} ${description}`,
  );
const REWRITTEN = 'API versions of revision 1 rewritten by upgrade-guard';

beforeAll(async () => {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
});

sweeps.remedy({
  name: CHECK,
  fix: ['fix', CHECK],
  // Two releases in one run.
  writes: ['POST leases', 'POST secrets', 'POST secrets', 'PATCH secrets', 'PATCH secrets', 'DELETE leases'],
  undoWrites: ['POST leases', 'PATCH secrets', 'PATCH secrets', 'DELETE secrets', 'DELETE secrets', 'DELETE leases'],
  reset: async () => {
    const { items } = (await cluster.request('GET', `${secrets}?labelSelector=owner%3Dhelm`)).body;
    await cluster.remove(...items.map((item: Body) => ({ ...item, apiVersion: 'v1', kind: 'Secret' })));
    for (const release of ['web', 'api']) {
      await ok(['upgrade', '--install', '--take-ownership', release, CHART]);
      await aged(release);
    }
  },
  state,
  fixed: async () => {
    for (const release of ['web', 'api'])
      expect(await status(release)).toEqual(['1 superseded Install complete', `2 deployed ${REWRITTEN}`]);
  },
  undone: async (before) => expect(await state()).toEqual(before),
});

test('helm refuses to upgrade before; both majors list, upgrade and roll back after; an undo behind that leaves what helm has done', async () => {
  await cluster.remove(
    ...(await cluster.request('GET', `${secrets}?labelSelector=owner%3Dhelm`)).body.items.map((item: object) => ({
      ...item,
      apiVersion: 'v1',
      kind: 'Secret',
    })),
  );
  await ok(['upgrade', '--install', '--take-ownership', 'web', CHART]);
  await aged('web');
  const refused = await helm(['upgrade', 'web', CHART, '--set', 'part=two']);
  expect(refused.stderr).toMatch(/no matches for kind "Pod(DisruptionBudget|SecurityPolicy)" in version "policy\/v1beta1"/);
  expect(await status('web')).toEqual(['1 deployed Install complete']);

  const home = newHome();
  const tried = await run(['fix', CHECK, '--dry-run=server'], { kubeconfig: cluster.kubeconfig, home });
  expect(tried.code, tried.stdout + tried.stderr).toBe(0);
  expect(await status('web')).toEqual(['1 deployed Install complete']);
  const fixed = await run(['fix', CHECK, '--yes'], { kubeconfig: cluster.kubeconfig, home });
  expect(fixed.code, fixed.stdout + fixed.stderr).toBe(0);

  expect(JSON.parse(await ok(['list', '-o', 'json']))).toMatchObject([
    { name: 'web', revision: '2', status: 'deployed', chart: 'web-1.0.0' },
  ]);
  expect(JSON.parse(await ok(['list', '-o', 'json'], 4))).toMatchObject([{ name: 'web', revision: '2', status: 'deployed' }]);
  const manifest = await ok(['get', 'manifest', 'web']);
  expect(manifest).toContain('kind: PodDisruptionBudget\napiVersion: "policy/v1"   # quoted\n');
  expect(manifest).toContain('    apiVersion: policy/v1beta1\n');
  expect(manifest).not.toContain('PodSecurityPolicy');
  expect(await ok(['get', 'hooks', 'web'])).toContain('apiVersion: "policy/v1"');
  await ok(['upgrade', 'web', CHART, '--set', 'part=two']);
  await ok(['rollback', 'web', '2']);
  await ok(['upgrade', 'web', CHART, '--set', 'part=three'], 4);
  expect((await status('web', 4)).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    ...['1 superseded', '2 superseded', '3 superseded', '4 superseded', '5 deployed'],
  ]);
  const ahead = await run(['undo', '--dry-run=client'], { kubeconfig: cluster.kubeconfig, home });
  // Lines are wrapped.
  const plain = (text: string) => text.replace(/\s+/g, ' ');
  expect(plain(ahead.stdout)).toMatch(/As things stand, undo leaves unchanged: .*1\. .*left unchanged \(revision 3/);
  const undone = await run(['undo', '--yes'], { kubeconfig: cluster.kubeconfig, home });
  expect(undone.code, undone.stdout + undone.stderr).toBe(4);
  expect(plain(undone.stdout + undone.stderr)).toContain('revision 3 was created in the meantime; to go back to revision');
  expect((await status('web')).at(-1)).toMatch(/^5 deployed/);
});
