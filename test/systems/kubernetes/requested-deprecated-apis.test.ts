import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { explainedInMarkdown } from '../../../src/report/explain.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { checkOf, SYSTEMS } from '../../../src/systems/index.ts';
import { listedByChecks } from '../../../src/systems/kubernetes/apis.ts';
import { layOut } from '../../fixtures.ts';
import { grid } from '../../grid.ts';

test('of several API servers it says how many were asked, how often, and since when', async () => {
  const folder = layOut('kubernetes/requested-deprecated-apis', { fixture: 'two' });
  try {
    const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: ['kubernetes/requested-deprecated-apis'] });
    expect(results.flatMap(({ findings }) => findings.map(({ message }) => message.en))).toEqual([
      'policy/v1beta1/poddisruptionbudgets was requested on 1 of 2 API servers (12 times since the API server started on 2025-10-09): removed in 1.25',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('where a full check itself lists the only version that is served, requests of that verb are left out of the number', async () => {
  const folder = layOut('kubernetes/requested-deprecated-apis', { fixture: 'alone' });
  try {
    const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: ['kubernetes/requested-deprecated-apis'] });
    const [said] = results.flatMap(({ findings }) => findings.map(({ message }) => message));
    expect(said?.en).toContain(
      '(12 times besides LIST since the API server started; full checks of upgrade-guard list it too): removed in 1.25',
    );
    expect(said?.zh).toContain(
      '（API 服务器启动以来，除 LIST 外 12 次；upgrade-guard 执行全部检查时也会 LIST 它）：该版本将在 1.25 中移除',
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  // The newest that 1.24 serves; 1.26 has another.
  ['flowcontrol.apiserver.k8s.io/v1beta2', 'flowschemas', 'v1.24.17', ['1.25'], true],
  ['flowcontrol.apiserver.k8s.io/v1beta2', 'flowschemas', 'v1.26.15', ['1.27'], false],
  ['policy/v1beta1', 'podsecuritypolicies', 'v1.24.17', ['1.25'], true],
  // Read as policy/v1.
  ['policy/v1beta1', 'poddisruptionbudgets', 'v1.24.17', ['1.25'], false],
  ['flowcontrol.apiserver.k8s.io/v1beta2', 'flowschemas/status', 'v1.24.17', ['1.25'], false],
  ['v1', 'endpoints', 'v1.36.2', ['1.37'], false],
] as const)('%s %s on %s: does a full check list it in this version?', (apiVersion, resource, from, hops, listed) => {
  expect(listedByChecks(apiVersion, resource, { from, hops })).toBe(listed);
});

test('its page names the permissions that it needs', () => {
  const page = explainedInMarkdown(checkOf('kubernetes/requested-deprecated-apis'), {
    language: 'en',
    tool: 'kubectl upgrade-guard',
  } as Parameters<typeof explainedInMarkdown>[1]);
  expect(page).toContain('- `get /metrics`\n- `list endpointslices.discovery.k8s.io -n default`');
});

grid('kubernetes/requested-deprecated-apis', [
  // For 1.25 the first is due, the second not yet.
  { fixture: 'found', expect: ['warning ', 'notice '] },
  { fixture: 'found', to: 'kubernetes=1.26', expect: ['warning ', 'warning '] },
  // Served for one release more than they should be: the next minor does not.
  { fixture: 'found', server: 'v1.25.16', to: 'kubernetes=1.26', expect: ['warning ', 'warning '] },
  { fixture: 'found', server: 'v1.25.16', to: 'kubernetes=v1.25.17', expect: ['notice ', 'notice '] },
  // PodSecurityPolicies have no other version, and every API server watches its own flow control: the control plane asks for them.
  { fixture: 'alone', expect: ['notice ', 'notice ', 'notice ', 'notice '] },
  { fixture: 'alone', to: 'kubernetes=1.29', expect: ['notice ', 'notice ', 'notice ', 'notice '] },
  // An API server of 1.26 watches a later version: another client asked for this one.
  { fixture: 'alone', server: 'v1.26.15', to: 'kubernetes=1.29', expect: ['notice ', 'warning ', 'warning ', 'warning '] },
  { fixture: 'two', expect: 'warning ' },
  { fixture: 'healthy', expect: 'passed' },
  { base: 'managed', bare: true, expect: 'unknown' },
]);
