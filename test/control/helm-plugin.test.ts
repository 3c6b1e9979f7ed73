// Called by real Helm on a real cluster: the plugin goes where Helm itself would go with the same flags and environment, and as whom.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { helmPluginFolder } from '../../scripts/archive.ts';
import { hostTarget } from '../../scripts/targets.ts';
import { BINARY, newHome, run } from '../bed/binary.ts';
import { certificateOf, tokenOf } from '../bed/control-plane.ts';
import { bed } from '../bed/index.ts';
import { CHART, scene } from './scene.ts';

const cluster = bed();
const notInstalled = await run(['upgrade', 'spiderpool', '--chart', CHART], {
  kubeconfig: cluster.kubeconfig,
  home: newHome(),
});
await scene(cluster);
const folder = mkdtempSync(join(tmpdir(), 'ug-helm-plugin-'));
const data = join(folder, 'data');
mkdirSync(join(data, 'plugins'), { recursive: true });
symlinkSync(helmPluginFolder({ target: hostTarget(), path: BINARY }, folder), join(data, 'plugins', 'spiderpool-upgrade'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOWHERE = 'https://127.0.0.1:1';
/** Contexts of several names; nothing answers in `nowhere`, and `shop` names a namespace. */
function kubeconfig(name: string, current: string): string {
  const file = join(folder, name);
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': current },
    clusters: [
      { name: 'bed', cluster: { server: cluster.server, 'certificate-authority': certificateOf(cluster) } },
      { name: 'nowhere', cluster: { server: NOWHERE } },
    ],
    users: [{ name: 'admin', user: { token: tokenOf('admin') } }],
    contexts: [
      { name: 'bed', context: { cluster: 'bed', user: 'admin' } },
      { name: 'shop', context: { cluster: 'bed', user: 'admin', namespace: 'shop' } },
      { name: 'nowhere', context: { cluster: 'nowhere', user: 'admin' } },
    ],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
const toBed = kubeconfig('to-bed', 'bed');
const toShop = kubeconfig('to-shop', 'shop');
const toNowhere = kubeconfig('to-nowhere', 'nowhere');

interface Where {
  flags?: string[];
  /** KUBECONFIG. */
  from: string;
  env?: Record<string, string>;
}

test('an upgrade of what is not installed says what was looked for, and where to look', () => {
  expect(notInstalled.code).toBe(1);
  expect(notInstalled.stderr).toMatch(/spiderpool not installed in .* \(looked for: .*next: .*upgrade-guard check/s);
});

test('without a helm nothing is fetched or upgraded, and it is said where helm was looked for', async () => {
  const words = ['upgrade', 'spiderpool', '--repo', 'https://charts.example', '--to', '0.9.13'];
  const started = (env: Record<string, string>, lang = 'en') =>
    run([...words, '--lang', lang], { kubeconfig: toBed, home: newHome(), env });
  const none = join(folder, 'none');
  const named = await started({ HELM_BIN: none });
  expect([named.code, named.stderr]).toEqual([1, expect.stringContaining(`error: looking for helm (HELM_BIN=${none}): no such`)]);
  expect((await started({ PATH: folder })).stderr).toMatch(/looking for helm: it is not on PATH\nnext: install Helm 3 or 4/);
  expect((await started({ PATH: folder }, 'zh')).stderr).toMatch(/查找 helm：不在 PATH 中/);
});

describe.each(['helm3', 'helm4'] as const)('%s', (which) => {
  const helm = (args: string[], { flags = [], from, env = {} }: Where) =>
    cluster[which]([...args, ...flags], {
      kubeconfig: from,
      env: { HELM_DATA_HOME: data, HELM_CACHE_HOME: join(folder, 'cache'), ...env },
    });
  const check = (where: Where) => helm(['spiderpool-upgrade', 'check', 'spiderpool', '--fail-on', 'warning'], where);

  test.each<[string, Where]>([
    ['KUBECONFIG', { from: toBed }],
    ['--kubeconfig', { from: toNowhere, flags: ['--kubeconfig', toBed] }],
    ['--kube-context', { from: toNowhere, flags: ['--kube-context', 'bed'] }],
    ['both', { from: join(folder, 'absent'), flags: [`--kubeconfig=${toNowhere}`, '--kube-context=bed'] }],
    ['HELM_KUBECONTEXT', { from: toNowhere, env: { HELM_KUBECONTEXT: 'bed' } }],
    [
      'server, token and CA, over another context',
      {
        from: toNowhere,
        flags: ['--kube-apiserver', cluster.server, '--kube-token', tokenOf('admin'), '--kube-ca-file', certificateOf(cluster)],
      },
    ],
  ])('%s: where helm itself goes', async (_, where) => {
    const listed = await helm(['list', '--all-namespaces', '--short'], where);
    expect([listed.code, listed.stdout], listed.stderr).toEqual([0, 'spiderpool\n']);
    const checked = await check(where);
    expect(checked.stdout, checked.stderr).toContain('release kube-system/spiderpool, revision 1');
    expect(checked.code).toBe(2);
  });

  test('completes a release of the cluster beside our commands, then helm’s flags', async () => {
    const offered = async (...words: string[]) => (await helm(['__complete', 'spiderpool-upgrade', ...words], { from: toBed })).stdout;
    await vi.waitFor(async () => expect(await offered('sp')).toMatch(/^spiderpool\tkube-system$/m), { timeout: 20_000 });
    expect(await offered('sp', '--resu')).not.toContain('spiderpool');
    expect(await offered('spiderpool', '--reset')).toMatch(/^--reset-values\t/m);
  });

  test('nor elsewhere: where helm reaches nothing, neither do we, and say so', async () => {
    const where = { from: toBed, flags: ['--kube-context', 'nowhere'] };
    expect((await helm(['list'], where)).code).toBe(1);
    const checked = await check(where);
    expect(checked.code).toBe(1);
    expect(checked.stderr).toContain('127.0.0.1:1');
  });

  test('as whom helm goes', async () => {
    const where = { from: toBed, flags: ['--kube-as-user', 'nobody'] };
    expect((await helm(['list', '--all-namespaces'], where)).stderr).toContain('User "nobody" cannot list');
    const checked = await check(where);
    expect(checked.code, checked.stdout).toBe(3);
    expect(checked.stdout).not.toContain('kube-system/spiderpool');
  });

  test('the next command goes there too', async () => {
    const { stdout } = await check({ from: toNowhere, flags: ['--kubeconfig', toBed, '--kube-context', 'shop'] });
    const [, next] = /Next: helm (spiderpool-upgrade fix.*)/.exec(stdout.replaceAll(/\n\s+/g, ' ')) ?? [];
    const fixed = await helm([...(next ?? '').split(' '), '--dry-run=client'], { from: toNowhere });
    expect(fixed.code, `${next}: ${fixed.stderr}`).toBe(0);
    expect(fixed.stdout).toContain('3 steps');
  });

  test('a bad target is explained before its chart is asked for, and an --accept leaves only the chart', async () => {
    const upgrade = (...words: string[]) => helm(['spiderpool-upgrade', 'spiderpool', ...words], { from: toBed });
    const refused = await upgrade('--to', '0.9.5');
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toContain('release kube-system/spiderpool, revision 1');
    const said = 'error: upgrading spiderpool: 0.9.4 → 0.9.5: empties clusterNetwork in the Multus config';
    expect(refused.stderr).toContain(said);
    expect(refused.stderr).toMatch(/Upgrade to 0\.9\.13 instead\nnext: .*--accept spiderpool\/target-version.*--chart PATH/);
    const chinese = await upgrade('--to', '0.9.5', '--lang', 'zh');
    expect(chinese.stderr).toMatch(/升级 spiderpool：0\.9\.4 → 0\.9\.5：.*请改为升级到 0\.9\.13\n.*--accept spiderpool\/target-version/);
    for (const words of [
      ['--to', '0.9.13'],
      ['--to', '0.9.5', '--accept', 'spiderpool/target-version'],
    ]) {
      const chartless = await upgrade(...words);
      expect(chartless.code).toBe(1);
      expect(chartless.stderr).toMatch(/error: upgrading spiderpool: no chart specified\nnext: pass --chart PATH/);
    }
  });

  test.each<[string, Where, boolean]>([
    ['-n of the installation', { from: toBed, flags: ['-n', 'kube-system'] }, true],
    ['--namespace of another', { from: toBed, flags: ['--namespace=ops'] }, false],
    ['HELM_NAMESPACE of another', { from: toBed, env: { HELM_NAMESPACE: 'ops' } }, false],
    ['-A beside it', { from: toBed, flags: ['-A', '-n', 'ops'] }, true],
    ['the namespace of the context is not a choice', { from: toShop }, true],
    ['-n over the namespace of the context', { from: toShop, flags: ['-n', 'ops'] }, false],
    ['-nNAME, which helm leaves to us', { from: toShop, flags: ['-nshop'] }, false],
  ])('%s', async (_, where, found) => {
    const { stdout, stderr } = await check(where);
    expect(stdout.includes('release kube-system/spiderpool, revision 1'), stdout + stderr).toBe(found);
  });
});
