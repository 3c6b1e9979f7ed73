// Bounds, patience and what is sent twice, against servers of our own that misbehave in ways a real one rarely does.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { type ConnectionFlags, connect } from '../../src/cluster/kubeconfig.ts';
import { clusterSource } from '../../src/cluster/source.ts';
import { type NoAnswer, type Transport, transport } from '../../src/cluster/transport.ts';
import { clusterWorld } from '../../src/cluster/world.ts';
import type { Gap } from '../../src/engine/contracts.ts';
import { describeGap } from '../../src/engine/gaps.ts';
import { hasten } from '../../src/engine/pace.ts';

// Patience is not waited out at its length.
hasten(20);

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<{ address: string; seen: IncomingMessage[]; sockets: Set<Socket> }> {
  const seen: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  server.on('connection', (socket) => sockets.add(socket));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, sockets };
}
async function to(
  server: string,
  flags: ConnectionFlags = {},
  signal = new AbortController().signal,
  warning?: (text: string, about: 'read' | 'write') => void,
): Promise<Transport> {
  return transport(await connect({ server, token: 't', ...flags }, { HOME: '/nonexistent' }), signal, { version: '1.2.3', warning });
}
const failure = (asked: Promise<unknown>): Promise<NoAnswer> =>
  asked.then(
    () => Promise.reject(new Error('it succeeded')),
    (error) => error,
  );

describe('an exchange', () => {
  test('keeps its connection, and says who it is', async () => {
    const { address, seen, sockets } = await serve((_, response) => response.end('{}'));
    const http = await to(`${address}/base`);
    for (let index = 0; index < 5; index++) expect(await http.request({ method: 'GET', path: '/x' })).toMatchObject({ status: 200 });
    expect(sockets.size).toBe(1);
    expect(seen[0]).toMatchObject({
      url: '/base/x',
      headers: { 'user-agent': 'upgrade-guard/1.2.3', accept: 'application/json' },
    });
    expect(seen[0]?.headers).not.toHaveProperty('accept-encoding');
  });

  test('unpacks gzip', async () => {
    const { address } = await serve((_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('x'.repeat(300_000))));
    const { body } = await (await to(address)).request({ method: 'GET', path: '/' });
    expect(body.toString()).toBe('x'.repeat(300_000));
  });

  test('a page is used again and grows', async () => {
    let size = 10;
    const { address } = await serve((_, response) => response.end('y'.repeat(size)));
    const http = await to(address);
    const page = { bytes: Buffer.alloc(0) };
    await http.request({ method: 'GET', path: '/', page });
    const first = page.bytes;
    await http.request({ method: 'GET', path: '/', page });
    expect(page.bytes).toBe(first);
    size = 500_000;
    expect((await http.request({ method: 'GET', path: '/', page })).body).toHaveLength(size);
  });

  test('a body beyond the bound is refused, also one that gzip made small', async () => {
    const { address } = await serve((request, response) => {
      if (request.url === '/gzip') response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(5_000_000)));
      else response.end(Buffer.alloc(5_000_000));
    });
    const http = await to(address);
    for (const path of ['/plain', '/gzip'])
      expect(await failure(http.request({ method: 'GET', path, maxBytes: 1000 }))).toMatchObject({ why: 'too-big' });
  });

  test('warnings are heard once of reads and once of writes, unquoted and clean', async () => {
    const heard: string[] = [];
    const { address } = await serve((_, response) =>
      response.setHeader('warning', ['299 - "use \\"v2\\"\u009b31m instead"', '299 k8s "second"']).end('{}'),
    );
    const http = await to(address, {}, undefined, (text, about) => heard.push(`${about}: ${text}`));
    await http.request({ method: 'GET', path: '/' });
    await http.request({ method: 'GET', path: '/' });
    await http.request({ method: 'PUT', path: '/', body: '{}' });
    expect(heard).toEqual(['read: use "v2" instead', 'read: second', 'write: use "v2" instead', 'write: second']);
  });

  test('ends with --request-timeout, body included', async () => {
    const { address } = await serve((_, response) => response.write('{'));
    const begun = performance.now();
    expect(await failure((await to(address, { requestTimeout: '200ms' })).request({ method: 'GET', path: '/' }))).toMatchObject({
      why: 'timeout',
      sent: true,
    });
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  test('ends with Ctrl-C: while waiting for an answer, and while waiting to ask again', async () => {
    const silent = await serve(() => {});
    const busy = await serve((_, response) => response.writeHead(429, { 'retry-after': '9' }).end());
    for (const { address } of [silent, busy]) {
      const stop = new AbortController();
      const asked = failure((await to(address, {}, stop.signal)).request({ method: 'GET', path: '/' }));
      setTimeout(() => stop.abort(new Error('Ctrl-C')), 50);
      expect((await asked).message).toBe('Ctrl-C');
    }
  });
});

describe('patience', () => {
  test('429 with Retry-After is bounded: five tries', async () => {
    const { address, seen } = await serve((_, response) => response.writeHead(429, { 'retry-after': '0' }).end('{}'));
    expect((await (await to(address)).request({ method: 'GET', path: '/' })).status).toBe(429);
    expect(seen).toHaveLength(5);
  });

  test('503 without Retry-After is an answer', async () => {
    const { address, seen } = await serve((_, response) => response.writeHead(503).end('{}'));
    expect((await (await to(address)).request({ method: 'PATCH', path: '/', body: '[]' })).status).toBe(503);
    expect(seen).toHaveLength(1);
  });

  test('401 is asked again once with new credentials', async () => {
    const { address, seen } = await serve((_, response) => response.writeHead(seen.length === 1 ? 401 : 200).end('{}'));
    expect((await (await to(address)).request({ method: 'PATCH', path: '/', body: '[]' })).status).toBe(200);
    expect(seen).toHaveLength(2);
    const closed = await serve((_, response) => response.writeHead(401).end('{}'));
    const http = await to(closed.address);
    expect((await http.request({ method: 'GET', path: '/' })).status).toBe(401);
    expect(closed.seen).toHaveLength(2);
    expect(http.answered()).toBe(false);
  });

  test('a read that is cut is asked again; a write is not', async () => {
    const { address, seen } = await serve((request, response) =>
      seen.length === 1 || request.method !== 'GET' ? request.socket.destroy() : response.end('{}'),
    );
    const http = await to(address);
    expect((await http.request({ method: 'GET', path: '/' })).status).toBe(200);
    const before = seen.length;
    for (const method of ['PATCH', 'POST', 'PUT', 'DELETE'] as const) {
      expect(await failure(http.request({ method, path: '/', body: '{}' }))).toMatchObject({ why: 'cut', sent: true });
    }
    expect(seen.length - before).toBe(4);
  });

  test('a write that waited for a free connection is not sent twice either', async () => {
    const { address, seen } = await serve((_, response) => {
      // The first eight are answered; those that waited for their sockets are cut.
      if (seen.length <= 9) setTimeout(() => response.end('{}'), 30);
      else response.socket?.destroy();
    });
    const http = await to(address);
    await http.request({ method: 'GET', path: '/' });
    const all = await Promise.allSettled(Array.from({ length: 16 }, () => http.request({ method: 'PATCH', path: '/', body: '[]' })));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(8);
    for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ why: 'cut', sent: true });
    expect(seen).toHaveLength(17);
  });

  test('a server that answered before and is gone is tried again, also by a write, which never left', async () => {
    const { address, seen } = await serve((_, response) => response.setHeader('connection', 'close').end('{}'));
    const http = await to(address);
    await http.request({ method: 'GET', path: '/' });
    const server = servers.at(-1)!;
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const asked = http.request({ method: 'PATCH', path: '/', body: '[]' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect((await asked).status).toBe(200);
    expect(seen).toHaveLength(2);
  });

  test('a server that never answered is an error at once, with its address and what to do', async () => {
    const { address } = await serve(() => {});
    servers.splice(0).forEach((server) => {
      server.close();
    });
    const begun = performance.now();
    const connection = await connect({ server: address.replace('http://', 'http://user:secret@'), token: 't' }, { HOME: '/nonexistent' });
    const error = await clusterSource(connection, new AbortController().signal, { version: '1' })
      .identity()
      .catch((thrown) => thrown);
    expect(error).toMatchObject({
      name: 'UserError',
      text: { en: `connecting to ${address}: connection refused`, zh: expect.stringContaining('连接被拒绝') },
      next: { en: expect.stringContaining('cluster-info') },
    });
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  test('an unknown host is named as such', async () => {
    const connection = await connect({ server: 'http://no-such-host.invalid', token: 't' }, { HOME: '/nonexistent' });
    await expect(clusterSource(connection, new AbortController().signal, { version: '1' }).serverVersion()).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringContaining('DNS lookup of no-such-host.invalid failed'),
    });
  });
});

describe('a source', () => {
  test('that fails after it answered gives gaps', async () => {
    const { address, seen } = await serve((request, response) =>
      request.url === '/version' ? response.end('{"gitVersion":"v1\\u001b[31m.2"}') : request.socket.destroy(),
    );
    const here = clusterSource(await connect({ server: address, token: 't' }, { HOME: '/nonexistent' }), new AbortController().signal, {
      version: '1',
    });
    expect(await here.serverVersion()).toBe('v1.2');
    const gap = await here.list({ resource: 'pods', fields: 'whole' }, { object() {}, restart() {} });
    expect(gap).toMatchObject({ why: 'failed', verb: 'list', resource: 'pods', detail: expect.any(String) });
    expect(seen.length).toBeGreaterThan(3);
  }, 20_000);

  test('gives the last lines of a log', async () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`).join('\n');
    const { address, seen } = await serve((request, response) =>
      request.url?.includes('/gone/') ? response.writeHead(404).end() : response.end(`${lines}\n`),
    );
    const here = clusterSource(await connect({ server: address, token: 't' }, { HOME: '/nonexistent' }), new AbortController().signal, {
      version: '1',
    });
    const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'p' };
    expect(await here.log(pod, 'main', 25)).toBe('line 998\nline 999\n');
    expect(seen[0]?.url).toBe('/api/v1/namespaces/a/pods/p/log?container=main&tailLines=2');
    expect(await here.log(pod, 'main', 100_000)).toBe(`${lines}\n`);
    expect(await here.log({ ...pod, name: 'gone' }, 'main', 10)).toBeUndefined();
  });

  test('takes garbage for a gap', async () => {
    const { address } = await serve((request, response) => {
      if (request.url === '/api/v1')
        response.end(
          JSON.stringify({
            kind: 'APIResourceList',
            resources: [
              { name: 'pods', kind: 'Pod', namespaced: true },
              { name: 'secrets', kind: 'Secret', namespaced: true },
            ],
          }),
        );
      else if (request.url?.includes('/pods'))
        response.setHeader('content-type', 'application/vnd.kubernetes.protobuf').end(Buffer.from('k8s\0\x12\xff\x01', 'latin1'));
      else response.setHeader('content-type', 'application/json').end('{"items": {}}');
    });
    const here = clusterSource(await connect({ server: address, token: 't' }, { HOME: '/nonexistent' }), new AbortController().signal, {
      version: '1',
    });
    const sink = { object() {}, restart() {} };
    expect(await here.list({ resource: 'pods', fields: ['spec.nodeName'] }, sink)).toMatchObject({
      why: 'failed',
      verb: 'decode',
      resource: 'pods',
      detail: expect.stringContaining('truncated'),
    });
    expect(await here.list({ resource: 'secrets', fields: 'whole' }, sink)).toMatchObject({
      why: 'failed',
      verb: 'decode',
      resource: 'secrets',
    });
  });

  const answering = async (answers: Record<string, object | number>) => {
    const { address } = await serve(({ url }, response) => {
      const answer = answers[new URL(url!, 'http://x').pathname] ?? answers['*'] ?? 404;
      const status = typeof answer === 'number' ? answer : 200;
      const body = typeof answer === 'number' ? { kind: 'Status', message: 'no', code: answer } : answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    const connection = await connect({ server: address, token: 't' }, { HOME: '/nonexistent' });
    return { connection, source: clusterSource(connection, new AbortController().signal, { version: '1' }) };
  };
  const PODS = { kind: 'APIResourceList', resources: [{ name: 'pods', kind: 'Pod', namespaced: true }] };
  const sink = { object() {}, restart() {} };

  test.each([
    ['{} to everything', { '*': {} }],
    ['an object of its own to everything', { '*': { status: 'ok' } }],
    ['gitVersion of another type', { '/version': { gitVersion: 1 } }],
  ])('takes what answers 200 with %s for no API server', async (_, answers) => {
    const { source } = await answering(answers);
    const error = { name: 'UserError', message: expect.stringMatching(/GET \/version: HTTP 200 \{/) };
    await expect(source.serverVersion()).rejects.toMatchObject(error);
    if ('*' in answers) await expect(source.identity()).rejects.toMatchObject({ message: expect.stringContaining('not an API server') });
  });

  test('takes a 404 that is no Status for no API server, and one that is for a cluster it may not name', async () => {
    const { address } = await serve((_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found'));
    const connection = await connect({ server: address, token: 't' }, { HOME: '/nonexistent' });
    const source = clusterSource(connection, new AbortController().signal, { version: '1' });
    await expect(source.identity()).rejects.toMatchObject({ message: expect.stringContaining('not an API server') });
    const { source: honest } = await answering({});
    expect(await honest.identity()).toMatchObject({ certain: false });
  });

  test.each<[string, Record<string, object | number>, object]>([
    ['discovery without its kind', { '/api/v1': {} }, { verb: 'discover' }],
    ['no core group', { '/api/v1': 404 }, { verb: 'discover' }],
    ['a list without items', { '/api/v1': PODS, '/api/v1/pods': { kind: 'PodList' } }, { verb: 'decode' }],
    ['a list without its kind', { '/api/v1': PODS, '/api/v1/pods': { items: [] } }, { verb: 'decode' }],
    ['a Status with items', { '/api/v1': PODS, '/api/v1/pods': { kind: 'Status', items: [] } }, { verb: 'decode' }],
  ])('never takes %s for an empty list', async (_, answers, gap) => {
    const { source } = await answering(answers);
    expect(await source.list({ resource: 'pods', fields: 'whole' }, sink)).toMatchObject({ why: 'failed', resource: 'pods', ...gap });
  });

  test('does not take a bug in the code that takes the objects for an answer of the server', async () => {
    const { source } = await answering({ '/api/v1': PODS, '/api/v1/pods': { kind: 'PodList', items: [{ metadata: { name: 'a' } }] } });
    const buggy = {
      ...sink,
      object() {
        throw new TypeError('a bug');
      },
    };
    await expect(source.list({ resource: 'pods', fields: 'whole' }, buggy)).rejects.toThrow('a bug');
  });

  test('never takes {} for discovery of groups, an object, or no objects at all', async () => {
    const { connection, source } = await answering({ '/api/v1': PODS, '*': {} });
    expect(await source.resource('deployments.apps')).toMatchObject({ why: 'failed', verb: 'discover' });
    const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'p' };
    const gap = await source.get(pod);
    expect(gap).toMatchObject({ why: 'failed', verb: 'decode', detail: 'the answer is not a Pod', detailZh: '应答不是 Pod' });
    expect(describeGap(gap as Gap)).toEqual({
      en: 'could not decode pods a/p: the answer is not a Pod',
      zh: '无法解码 pods a/p：应答不是 Pod',
    });
    const world = clusterWorld(connection, new AbortController().signal, { version: '1' });
    await expect(world.get(pod)).rejects.toMatchObject({ kind: 'unanswered' });
    await expect(world.any(pod)).rejects.toMatchObject({ kind: 'unanswered' });
  });
});
