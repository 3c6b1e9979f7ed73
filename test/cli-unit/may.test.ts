// The permission check before a run: what refuses it is named whole, and what is said to be done about it is of that cause.
import { expect, test } from 'vitest';
import { type Invocation, parseArgv } from '../../src/cli/argv.ts';
import { reaching } from '../../src/cli/call.ts';
import { callerOf } from '../../src/cli/caller.ts';
import { mayAll } from '../../src/cli/may.ts';
import { notAllowed } from '../../src/cluster/allowed.ts';
import type { Answer, Transport } from '../../src/cluster/transport.ts';
import type { Rule } from '../../src/engine/contracts.ts';
import { UserError } from '../../src/text/user-error.ts';

/** As an API server answers. */
const answering = (code: number, message: string) => {
  const body = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', message, code }));
  const answer = { status: code, headers: { 'content-type': 'application/json' }, body } as unknown as Answer;
  const http = { request: async () => answer } as unknown as Transport;
  return { allowed: (rules: Parameters<typeof notAllowed>[1]) => notAllowed(http, rules) };
};
async function refused(code: number, message: string): Promise<UserError> {
  try {
    await mayAll([], answering(code, message), 'fix');
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it was allowed');
}

const LOST =
  'Internal error occurred: failed calling webhook "all.example.com": failed to call webhook: Post "https://hooks.example.com/a/path/that/is/rather/long/as/those/of/policy/engines/are?timeout=10s": dial tcp: lookup hooks.example.com on 192.0.2.53:53: no such host';
test.each([
  [500, LOST],
  [403, 'admission webhook "deny.example.com" denied the request: not today'],
])('a webhook that refuses it (%d) is the cause, to its end', async (code, message) => {
  const { text, next } = await refused(code, message);
  expect(text.en).toBe(`checking permissions: selfsubjectaccessreviews: ${message}; nothing was changed`);
  expect(text.zh).toContain(message);
  expect(next?.en).toContain('kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations');
  expect(next?.zh).toContain('准入 webhook 拒绝了请求');
  expect(next?.en).not.toContain('system:basic-user');
});

test('who may not ask is told so, and whose server does not answer is not', async () => {
  expect((await refused(403, 'selfsubjectaccessreviews is forbidden')).next?.en).toContain('system:basic-user');
  const { next } = await refused(503, 'the server is currently unable to handle the request');
  expect(next?.en).toContain('did not answer');
  expect(next?.zh).toContain('没有给出答复');
});

test('the command that prints the whole role leads to the same cluster: else it is printed without its custom resources', async () => {
  const lacking = { allowed: async (rules: readonly Rule[]) => [...rules] };
  const error = await mayAll([], lacking as never, 'fix').catch((thrown: unknown) => thrown);
  const parsed = parseArgv(['fix', '--kubeconfig', 'few.yaml', '--context', 'c', '--token', 's', '--yes'], 'upgrade-guard');
  const invocation = { ...parsed, caller: callerOf('upgrade-guard', {}), env: {}, version: '0', signal: new AbortController().signal };
  const said = reaching((error as UserError).next!, invocation as Invocation);
  for (const each of [said.en, said.zh]) expect(each).toMatch(/\{tool\} rbac --for fix --kubeconfig few\.yaml --context c$/);
});
