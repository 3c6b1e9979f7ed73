// What an API server warns of our reads: only with -v, marked as its words, once each, without what would act on a terminal. Of writes: test/cluster/transport.test.ts.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../bed/binary.ts';

const WARNINGS = ['299 - "unknown field \\"spec.x\\"\u009b31m"', '299 - "v1beta1 is deprecated"'];
const server = createServer((_, response) => {
  response.setHeader('warning', WARNINGS).setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ kind: 'Namespace', metadata: { uid: 'u' }, gitVersion: 'v1.30.0', groups: [], resources: [] }));
});
let at: string[];
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  at = ['--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}`, '--token', 't'];
});
afterAll(() => server.close());

describe.each([
  ['en', 'warning from the API server: '],
  ['zh', 'API 服务器警告：'],
])('in %s', (lang, mark) => {
  test.each(['check', 'undo'])('%s', async (verb) => {
    expect((await run([verb, ...at, '--lang', lang])).stderr).not.toContain(mark);
    const said = (await run([verb, ...at, '-v', '1', '--lang', lang])).stderr.split('\n').filter((line) => line.includes(mark));
    expect(said.map((line) => line.slice(line.indexOf(mark)))).toEqual([`${mark}unknown field "spec.x"`, `${mark}v1beta1 is deprecated`]);
  });
});
