// plan kubernetes by the built binary, from manifests: every format in both languages, and what it does not take.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import schema from '../../docs/upgrade-plan.schema.json' with { type: 'json' };
import { run } from '../bed/binary.ts';

const folder = mkdtempSync(join(tmpdir(), 'ug-plan-kubernetes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
cpSync(join(import.meta.dirname, '../fixtures/kubernetes/installed.yaml'), join(folder, 'installed.yaml'));
writeFileSync(join(folder, 'version.json'), '{"major":"1","minor":"30","gitVersion":"v1.30.4"}');
const plan = (...words: string[]) => run(['plan', 'kubernetes', '--from', folder, ...words]);
/** What no manifest holds is unknown: /metrics. */
const CODE = 3;

describe.each(['en', 'zh'])('%s', (lang) => {
  test.each(['table', 'json', 'yaml', 'markdown', 'html', 'shell'])('-o %s', async (output) => {
    const { code, stdout, stderr } = await plan('--to', '1.32', '-o', output, '--lang', lang);
    expect(code, stderr).toBe(CODE);
    expect(stdout).toContain('v1.31.14');
    expect(stdout).toContain('v1.32.13');
    expect(stdout).not.toMatch(/undefined|\[object|\{(tool|retry)/);
    if (output !== 'json' && output !== 'yaml') expect(/\p{Script=Han}/u.test(stdout)).toBe(lang === 'zh');
    else {
      const data = output === 'json' ? JSON.parse(stdout) : parse(stdout);
      const valid = new Ajv({ strict: false }).compile(schema);
      expect(valid(data), JSON.stringify(valid.errors)).toBe(true);
      const hops = data.stages.map(({ hop }: { hop: string }) => hop);
      expect([...new Set(hops)]).toEqual(['1.31', '1.32']);
      // A blocker that only says that there are several hops does not stop a plan that goes hop by hop.
      expect(data.blockers).toEqual([]);
    }
  });
});

test('--nodes in-place drains nothing', async () => {
  const { stdout } = await plan('--to', 'kubernetes=1.31', '--nodes', 'in-place', '-o', 'shell');
  expect(stdout).toContain('systemctl start kubelet');
  expect(stdout).not.toContain('kubectl drain');
});

test('flags that speak to helm are refused', async () => {
  const { code, stderr } = await plan('--to', '1.31', '--chart', 'x.tgz', '--set', 'a=b');
  expect(code).toBe(1);
  expect(stderr).toMatch(/error: upgrading kubernetes: it does not take --chart, --set\nnext: without: upgrade-guard plan kubernetes /);
});
