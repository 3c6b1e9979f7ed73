// kuberc where the kubectl of test/connect is too old to be asked: apiVersion v1, which came with 1.38. And what is warned about, once.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { pluginPolicy, refusal } from '../../src/cluster/kuberc.ts';
import type { Text } from '../../src/engine/contracts.ts';

function policyOf(fields: object, version: string) {
  const HOME = mkdtempSync(path.join(tmpdir(), 'kuberc-'));
  mkdirSync(path.join(HOME, '.kube'));
  const content = { apiVersion: `kubectl.config.k8s.io/${version}`, kind: 'Preference', ...fields };
  writeFileSync(path.join(HOME, '.kube', 'kuberc'), JSON.stringify(content));
  const warnings: Text[] = [];
  return { policy: pluginPolicy(undefined, { HOME }, (text) => warnings.push(text)), warnings };
}

test.each(['v1beta1', 'v1'])('%s has a policy', (version) => {
  const { policy, warnings } = policyOf(
    { credentialPluginPolicy: 'Allowlist', credentialPluginAllowlist: [{ command: '/bin/p' }] },
    version,
  );
  expect(policy).toMatchObject({ type: 'Allowlist', allowed: ['/bin/p'] });
  expect(warnings).toEqual([]);
});

test('v1 has no "name" any more: an entry that has only that is empty', () => {
  const entry = { credentialPluginPolicy: 'Allowlist', credentialPluginAllowlist: [{ name: '/bin/p' }] };
  expect(() => policyOf(entry, 'v1')).toThrow(/empty allowlist entry #1/);
});

test('a version that is still to come is not read, which is said', () => {
  const { policy, warnings } = policyOf({ credentialPluginPolicy: 'DenyAll' }, 'v2');
  expect(policy).toBeUndefined();
  expect(warnings[0]!.en).toMatch(/^kuberc: no preferences loaded from .*: no valid preferences found$/);
  expect(warnings[0]!.zh).toMatch(/^kuberc：未加载 .* 中的偏好设置/);
});

test('a command is compared in its shortest form, whatever the kubeconfig writes', () => {
  const policy = { file: 'k', type: 'Allowlist', allowed: ['/bin/sh'] } as const;
  expect(refusal(policy, '/usr/..//bin/sh', { PATH: '' })).toBeUndefined();
});
