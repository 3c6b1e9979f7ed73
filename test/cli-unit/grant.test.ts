// The command that grants what is not permitted: it binds, in the cluster that was looked at, and comes as an administrator.
import { expect, test } from 'vitest';
import { parseArgv } from '../../src/cli/argv.ts';
import { callOf } from '../../src/cli/call.ts';
import { callerOf } from '../../src/cli/caller.ts';
import { settleGap } from '../../src/engine/gaps.ts';

const GAP = { why: 'forbidden', verb: 'list', resource: 'pods' } as const;

function said(...flags: string[]) {
  const caller = callerOf('upgrade-guard', {});
  const parsed = parseArgv(['check', ...flags], caller.usage);
  const { face } = callOf({ ...parsed, caller, env: {}, version: '0', language: 'en', signal: new AbortController().signal });
  return settleGap(GAP, face);
}

test.each([
  [
    ['--as', 'bob', '--as-group', 'g', '--as-uid', '7', '--user', 'u', '--token', 'secret', '--context', 'prod'],
    'upgrade-guard rbac --for check --bind-to user/bob --context prod | kubectl --context prod apply -f -',
  ],
  [
    ['--as', 'system:serviceaccount:ci:upgrades'],
    'upgrade-guard rbac --for check --bind-to serviceaccount/ci/upgrades | kubectl apply -f -',
  ],
  [['--as', 'a b'], "upgrade-guard rbac --for check --bind-to 'user/a b' | kubectl apply -f -"],
])('%j: it is known to whom', (flags, command) => {
  expect(said(...flags)).toEqual({
    en: `grant access (as an administrator): ${command}`,
    zh: `授予权限（由管理员执行）：${command}`,
  });
});
test('whose credentials they are is not known: NAME is to be replaced', () => {
  const command = 'upgrade-guard rbac --for check --bind-to user/NAME --kubeconfig kc | kubectl --kubeconfig kc apply -f -';
  expect(said('--kubeconfig', 'kc', '--token', 'secret')).toEqual({
    en: `grant access (as an administrator; replace NAME): ${command}`,
    zh: `授予权限（由管理员执行，请替换 NAME）：${command}`,
  });
});
