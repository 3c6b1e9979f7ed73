// What is not there, not known, or not possible: each says so in its own words, with the exit code that a script can go by, and what to do next.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import spiderpool from '../../src/systems/spiderpool/knowledge/versions.json' with { type: 'json' };
import { run } from '../bed/binary.ts';

const INSTALLED = readFileSync(join(import.meta.dirname, '../fixtures/spiderpool/installed.yaml'), 'utf8');
const K3S = readFileSync(join(import.meta.dirname, '../fixtures/k3s/installed.yaml'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'ug-not-there-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The record of the Helm release with another version in it: base64, twice, of what gzip made. */
function recordOf(data: string, version: string): string {
  const release = gunzipSync(Buffer.from(Buffer.from(data, 'base64').toString(), 'base64')).toString();
  const changed = gzipSync(release.replaceAll('0.9.4', version)).toString('base64');
  return Buffer.from(changed).toString('base64');
}

/** Spiderpool of this version, by every place that names one. */
function dump(version: string): string {
  const at = join(folder, version);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'version.json'), '{"gitVersion":"v1.30.4"}');
  writeFileSync(
    join(at, 'installed.yaml'),
    INSTALLED.replaceAll('0.9.4', version).replace(/(?<=\{release: )[\w+/=]+/, (data) => recordOf(data, version)),
  );
  return at;
}
const IN = ['en', 'zh'] as const;
const newest = spiderpool.knownUpTo;

describe.each(IN)('in %s', (lang) => {
  const upgradeGuard = (...words: string[]) => run([...words, '--lang', lang]);

  test.each([['k3s'], ['k3s/nodes-cordoned-by-plan']])(
    'check %s where it is not installed: an error, with where it was looked for',
    async (name) => {
      const { code, stdout, stderr } = await upgradeGuard('check', name, '--from', dump('0.9.4'), '-o', 'json');
      expect([code, JSON.parse(stdout).checks]).toEqual([1, []]);
      expect(stderr).toMatch({ en: /error: k3s not found in .*\+k3s/, zh: /错误：.* 中未找到 k3s.*\+k3s/ }[lang]);
      expect(stderr).toMatch(/\n(next: |下一步：).*upgrade-guard check --from /);
      expect(stderr).not.toContain('--context');
    },
  );
  test('a manifest as --from: it has no version, and how manifests are checked', async () => {
    const file = join(folder, 'ok.yaml');
    writeFileSync(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n');
    const { code, stderr } = await upgradeGuard('check', 'kubernetes', '--from', file);
    expect(code).toBe(1);
    expect(stderr).toContain({ en: 'does not hold the version of an API server', zh: '中没有 API 服务器的版本' }[lang]);
    expect(stderr).toMatch(/upgrade-guard check --filename \S+ok\.yaml --offline --to kubernetes=\d/);
  });
  test('where no check applies, none has passed', async () => {
    const { code, stdout } = await upgradeGuard('check', 'kubernetes/container-restart', '--nodes', 'drain', '--from', dump('0.9.4'));
    expect([code, stdout]).toEqual([0, expect.stringContaining({ en: 'No check applies.', zh: '没有适用的检查项。' }[lang])]);
    expect(stdout).not.toMatch(/No problems|未发现问题/);
  });
  test('beside one that is installed, whose findings say more', async () => {
    const names = ['check', 'spiderpool', 'k3s', '--from', dump('0.9.4')];
    const [plain, strict] = [
      await upgradeGuard(...names),
      await upgradeGuard(...names, '--fail-on', 'notice', '--to', 'spiderpool=0.9.13'),
    ];
    expect(plain.stdout).toContain('spiderpool');
    expect([plain.code, strict.code].every((code) => code === 1 || code === 2)).toBe(true);
    expect(strict.stderr).toContain('k3s');
  });
  test.each([
    ['check', '--to', '1.30', '--to kubernetes=1.30'],
    ['check', '--to', 'v1.30.4+k3s1', '--to k3s=v1.30.4+k3s1'],
    ['check', '--to', '0.9.13', '--to spiderpool=0.9.13'],
    ['check', '--back-to', '1.29', '--back-to kubernetes=1.29'],
    ['check', '--to', 'x', '--to kubernetes='],
    ['check', 'nothing', '', 'upgrade-guard check kubernetes;'],
  ])('%s %s %s: the example is one for this version, or for every cluster', async (verb, flag, value, example) => {
    const { code, stderr } = await upgradeGuard(verb, ...[flag, value].filter(Boolean), '--from', dump('0.9.4'));
    expect(code).toBe(1);
    expect(stderr.replaceAll('；', ';')).toContain(example);
  });
  test('nothing named and nothing installed is no error', async () => {
    const nothing = join(folder, 'nothing');
    mkdirSync(nothing, { recursive: true });
    writeFileSync(join(nothing, 'version.json'), '{"gitVersion":"v1.30.4"}');
    // Kubernetes itself is always there; in an empty cluster the control plane cannot be seen.
    expect(await upgradeGuard('check', '--from', nothing)).toMatchObject({ code: 3, stderr: '' });
    expect((await upgradeGuard('fix', 'spiderpool', '--from', nothing)).code).toBe(1);
  });
  test('what -n leaves out is named, and no green light for it', async () => {
    const at = dump('0.9.4');
    writeFileSync(join(at, 'k3s.yaml'), K3S.replaceAll(/^kind: Namespace\nmetadata: .*$/gm, 'kind: Namespace\nmetadata: {name: other}'));
    const words = ['check', 'spiderpool', 'k3s', '--from', at, '-n', 'default'];
    const { code, stdout } = await upgradeGuard(...words);
    const data = JSON.parse((await upgradeGuard(...words, '-o', 'json')).stdout);
    rmSync(join(at, 'k3s.yaml'));
    expect(data).toMatchObject({ leftOut: ['spiderpool@kube-system/spiderpool'], complete: false });
    expect(code, stdout).toBe(3);
    expect(stdout).toMatch(
      { en: /left out by -n: spiderpool@kube-system\/spiderpool/, zh: /被 -n 排除：spiderpool@kube-system\/spiderpool/ }[lang],
    );
    const end = {
      en: `1 installation left out by -n.   Next: upgrade-guard check spiderpool k3s --from ${at}`,
      zh: `1 个安装实例被 -n 排除。   下一步：upgrade-guard check spiderpool k3s --from ${at}`,
    };
    expect(stdout.trimEnd().endsWith(end[lang]), stdout).toBe(true);
  });
  test('a target beyond what is known: unknown, and the newest that could be judged', async () => {
    const at = dump('0.9.4');
    const { code, stdout } = await upgradeGuard('check', 'spiderpool', '--from', at, '--to', 'spiderpool=99.0.0');
    expect(code).toBe(3);
    expect(stdout).toContain(`99.0.0`);
    expect(stdout.trimEnd()).toMatch(new RegExp(`upgrade-guard check spiderpool --from ${at} --to spiderpool=${newest}$`));
  });
  test('an installed version that is older than anything known', async () => {
    const { code, stdout } = await upgradeGuard('check', 'spiderpool', '--from', dump('0.0.1'));
    expect(code).toBe(3);
    expect(stdout).toMatch(
      {
        en: /this upgrade-guard does not know 0\.0\.1 \(only from 0\.0\.5 on\)/,
        zh: /当前版本的 upgrade-guard 不支持 0\.0\.1（最低 0\.0\.5）/,
      }[lang],
    );
  });
  test('tags that are no versions', async () => {
    const { code, stdout } = await upgradeGuard('check', 'spiderpool', '--from', dump('nightly-dirty'));
    expect(code).toBe(3);
    expect(stdout).toMatch(
      {
        en: /cannot determine the installed spiderpool version: .*nightly-dirty.* (is not a released version|are not released versions)/,
        zh: /无法确定已安装的 spiderpool 版本：.*nightly-dirty.*不是正式版本号/,
      }[lang],
    );
    expect(stdout).not.toMatch(/no newer version|没有已知的更新版本|kubectl get/);
  });
  test('definitions that are missing: which, who needs them, and where to get them', async () => {
    const at = dump('0.9.4');
    const { code, stdout } = await upgradeGuard('check', 'spiderpool/crds-current', '--from', at, '--to', 'spiderpool=0.9.13');
    expect(code).toBe(2);
    expect(stdout).toMatch(
      {
        en: /spiderippools\.spiderpool\.spidernet\.io is not installed, and helm upgrade to 0\.9\.13 will not install it/,
        zh: /缺少 CRD spiderippools\.spiderpool\.spidernet\.io；helm upgrade 到 0\.9\.13 不会自动安装/,
      }[lang],
    );
    expect(stdout).toContain('helm pull spiderpool');
  });
  test('a server to try writes on, where there is a file', async () => {
    const at = dump('0.9.4');
    const { code, stdout, stderr } = await upgradeGuard('fix', '--from', at, '--dry-run=server');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch({ en: /--dry-run=server needs a cluster; --from reads a file/, zh: /--dry-run=server 需要集群/ }[lang]);
    expect(stderr).toContain(`upgrade-guard fix --from ${at} --lang ${lang} --dry-run=client`);
    expect((await upgradeGuard('fix', '--rehearse', '--dry-run=server')).stderr).toContain('--rehearse');
    expect(await upgradeGuard('fix', '--from', at, '--dry-run=client')).toMatchObject({ code: 0 });
  });
});
