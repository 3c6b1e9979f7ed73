// No text among the values of a release, or of those given on the command line, comes back in any output: whatever the key is called, a password may stand there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Raw } from '../../src/engine/contracts.ts';
import { run } from '../bed/binary.ts';
import { INSTALLED_BY_HELM } from '../systems/spiderpool/installed.ts';
import { releaseOf } from '../systems/spiderpool/release.ts';

const folder = mkdtempSync(join(tmpdir(), 'ug-unseen-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CONFIG: Raw = {
  db: { url: 'postgres://u:CANARY-url@h/x', list: ['CANARY-list'], 'odd.key': 'CANARY-odd' },
  cert: '-----BEGIN PRIVATE KEY-----CANARY-pem',
  dockerconfig: '{"auths":{"h":{"auth":"CANARY-docker"}}}',
  awsKey: 'CANARY-aws',
  ipam: {
    enableSpiderSubnet: 'CANARY-renamed',
    enableIPV6: 'CANARY-slip',
    gc: { GcDeletingTimeOutPod: 'CANARY-shape' },
    unknown: 7,
    spidersubnet: ['CANARY-moved'],
  },
  coordinator: { detectGateway: 'CANARY-ignored' },
  multus: { multusCNI: { log: { logLevel: 'CANARY-unread' } } },
  spiderpoolAgent: { env: { FOO: 'CANARY-env', PIN: 4711 }, extraEnv: [{ name: 'A', value: 'CANARY-extra' }], prometheus: 'CANARY-map' },
  spiderpoolInit: 'CANARY-init',
};

const objects: Raw[] = [INSTALLED_BY_HELM, releaseOf('0.9.13', CONFIG)];
const from = join(folder, 'cluster');
mkdirSync(from);
writeFileSync(join(from, 'version.json'), JSON.stringify({ gitVersion: 'v1.30.4' }));
writeFileSync(join(from, 'objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
const values = join(folder, 'values.json');
writeFileSync(values, JSON.stringify({ given: { by: 'CANARY-file' }, ipam: { enableSpiderSubnet: 'CANARY-file' } }));

const OUTPUTS = ['table', 'wide', 'json', 'yaml', 'markdown', 'html', 'sarif', 'junit'];
const INTENTS: Record<string, string[]> = {
  'nothing given': [],
  reuse: ['--reuse-values', '--set', 'ipam.enableIPv6=true,ipam.enableSpiderSubnet=CANARY-set'],
  'reset, then reuse': ['--reset-then-reuse-values', '--set-string', 'a.b=CANARY-set'],
  dropped: ['--values', values, '--set-json', 'c=["CANARY-json"]'],
};
const ASKED = ['--from', from, '--to', 'spiderpool=1.0.6'];

test.each(Object.entries(INTENTS))('check, in every output: %s', { timeout: 60_000 }, async (_, intent) => {
  for (const output of OUTPUTS) {
    for (const lang of output === 'table' ? ['en', 'zh'] : ['en']) {
      const ran = await run(['check', ...ASKED, ...intent, '-o', output, '--lang', lang]);
      expect(ran.stdout, ran.stderr).toContain('values-keys');
      expect(`${ran.stdout}${ran.stderr}`.match(/CANARY[\w-]*|4711/g) ?? [], `${output} ${lang}`).toEqual([]);
    }
  }
});

test('what it says instead: the key, and what kind of value it has', async () => {
  const said = async (lang: string) => (await run(['check', 'spiderpool/values-keys', ...ASKED, '-o', 'json', '--lang', lang])).stdout;
  const findings = (JSON.parse(await said('en')) as { checks: { findings: Raw[] }[] }).checks.flatMap((check) => check.findings);
  const evidence = findings.flatMap((found) => (found.evidence as { text: { en: string; zh: string } }[]).map(({ text }) => text));
  expect(evidence).toContainEqual({ en: 'spiderpool-0.9.13: db.url (a string)', zh: 'spiderpool-0.9.13: db.url（字符串）' });
  expect(evidence).toContainEqual({ en: 'spiderpool-0.9.13: db.list (a list)', zh: 'spiderpool-0.9.13: db.list（列表）' });
  expect(evidence).toContainEqual({ en: 'spiderpool-0.9.13: ipam.unknown=7', zh: 'spiderpool-0.9.13: ipam.unknown=7' });
  expect(JSON.stringify(findings)).toContain('To keep it: --set-string ipam.spiderSubnet.enable=VALUE');
});

test('fix: the value must be filled in, and no command is offered to paste', async () => {
  for (const lang of ['en', 'zh']) {
    const { stdout, stderr } = await run(['fix', 'spiderpool/values-keys', '--dry-run=client', ...ASKED, '--lang', lang]);
    expect(stdout, stderr).toContain('ipam.spiderSubnet.enable=VALUE');
    expect(stdout).toContain('helm get values');
    expect(stdout + stderr).not.toMatch(/CANARY|helm upgrade spiderpool/);
  }
});
