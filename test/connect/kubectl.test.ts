// Connecting exactly as kubectl does: real kubectl and our binary, with the same files, flags and environment, against one recording server.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BINARY } from '../bed/binary.ts';
import { jwt, recordingServer, type Seen } from '../bed/recording-server.ts';
import { CONNECTING, prepareTools } from '../bed/tools.ts';
import { connecting, type Outcome } from './as-kubectl.ts';
import { casesOf } from './cases.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 600_000 });
const noTools = await prepareTools(() => {}, CONNECTING);
const bed = await recordingServer();
beforeAll(() => {
  if (!existsSync(BINARY)) throw new Error('there is no dist/upgrade-guard; npm run package makes it');
});
afterAll(() => bed.close());

/** What must be the same. We do not ask a loopback for gzip; kubectl does. */
function arrival({ ok, first }: Outcome): Partial<Seen> | 'refused' {
  if (!ok || !first) return 'refused';
  const { gzip, ...seen } = first;
  const told = /^Bearer info\.(.*)$/.exec(first.authorization)?.[1];
  if (told) seen.authorization = sorted(JSON.parse(Buffer.from(told, 'base64').toString('utf8')));
  return first.via === 'direct' ? seen : { ...seen, gzip };
}

function sorted(value: unknown): string {
  const isMapping = (one: unknown): one is object => typeof one === 'object' && one !== null && !Array.isArray(one);
  return JSON.stringify(value, (_, one) => (isMapping(one) ? Object.fromEntries(Object.entries(one).sort()) : one));
}

describe.skipIf(noTools)('as kubectl', () => {
  for (const [group, cases] of Object.entries(casesOf(bed))) {
    // A request of the case before may come late on a busy machine: once more then, both of us.
    test.each(cases)(`${group}: $name`, { retry: 1 }, async (one) => {
      const theirs = await connecting('kubectl', one, bed);
      const ours = await connecting('ours', one, bed);
      const said = `kubectl said: ${theirs.stderr}\nwe said: ${ours.stderr}`;
      if (one.differs) {
        expect(arrival(theirs), said).toBe('refused');
        expect(arrival(ours), said).toMatchObject(one.differs.ours);
        return;
      }
      expect(arrival(ours), said).toEqual(arrival(theirs));
      if (one.both) for (const { stderr } of [theirs, ours]) expect(stderr, said).toMatch(one.both);
      if (!one.says) return expect(arrival(theirs), said).not.toBe('refused');
      expect(ours.code, said).toBe(1);
      expect(ours.stderr).toMatch(one.says);
      expect(ours.stderr).toMatch(/^error: .+\nnext: .+\n$/m);
      expect(ours.stderr).not.toMatch(/this is a bug/);
    });
  }

  test('an expired token of OpenID Connect is renewed, and stored in the kubeconfig', async () => {
    const ca = Buffer.from(bed.root.cert).toString('base64');
    const server = `https://${bed.servers.good}`;
    const config = `# kept by hand
clusters: [{name: k, cluster: {server: "${server}", certificate-authority-data: ${ca}}}]
users:
- name: other # not this one
  user: {token: 0x10}
- name: u
  user:
    auth-provider:
      name: oidc
      config: {idp-issuer-url: "${server}", client-id: me, id-token: ${jwt({ exp: 1 })}, refresh-token: first, idp-certificate-authority-data: ${ca}}
contexts: [{name: c, context: {cluster: k, user: u}}]
current-context: c
`;
    const kept: string[] = [];
    const after = (folder: string) => void kept.push(readFileSync(path.join(folder, '.kube/config'), 'utf8'));
    for (const who of ['kubectl', 'ours'] as const) {
      const theirs = who === 'kubectl';
      // kubectl refuses a token that YAML takes for a number.
      const outcome = await connecting(who, { name: 'oidc', config: theirs ? config.replace('0x10', 't') : config }, bed, after);
      expect(outcome.stderr).toBe('');
      expect(outcome.first?.authorization).toMatch(/^Bearer ey/);
    }
    for (const file of kept) {
      expect(file).toMatch(/refresh-token: "?second/);
      expect(file).not.toContain(jwt({ exp: 1 }));
    }
    expect(kept[1]).toMatch(/^# kept by hand\n/);
    expect(kept[1]).toMatch(/- name: other # not this one\s+user: \{ token: 0x10 }/);
  });
});
