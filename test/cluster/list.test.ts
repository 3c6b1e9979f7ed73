// The next page is asked for before this one is read. What that guess may never do: change what is listed, or hide what went wrong.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../src/cluster/kubeconfig.ts';
import { list, listGates } from '../../src/cluster/list.ts';
import { transport } from '../../src/cluster/transport.ts';

const POOLS = { group: 'example.com', version: 'v1', resource: 'pools', kind: 'Pool', namespaced: false, subresources: [] };
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Lists from a server that answers each continue token with these bytes (a number: that status); `seen`: what happened, in order. */
async function listed(pages: Record<string, string | number>, sees: (name: string) => void = () => {}) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const token = new URL(request.url!, 'http://localhost').searchParams.get('continue') ?? '';
    seen.push(`asked ${token}`);
    const page = pages[token] ?? 500;
    if (typeof page === 'number') response.writeHead(page, { 'content-type': 'application/json' }).end('{}');
    else response.writeHead(200, { 'content-type': 'application/json' }).end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { signal } = new AbortController();
  const to = await connect({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't' }, { HOME: '/nonexistent' });
  const sink = {
    object: ({ metadata }: { metadata: { name: string } }) => {
      seen.push(metadata.name);
      sees(metadata.name);
    },
    restart: () => seen.push('restart'),
  };
  const query = { resource: 'pools.example.com', fields: 'whole' } as const;
  return { seen, end: await list(transport(to, signal, { version: '1.2.3' }), POOLS, query, sink as never, listGates(), signal) };
}

const page = (name: string, token: string, spec = '{}') =>
  `{"apiVersion":"example.com/v1","items":[{"metadata":{"name":"${name}"},"spec":${spec}}],"kind":"PoolList","metadata":{"continue":"${token}","resourceVersion":"1"}}`;

test('every page is asked for once and read in its order', async () => {
  const { seen, end } = await listed({ '': page('a', 'B'), B: page('b', 'C'), C: page('c', 'D'), D: page('d', '') });
  expect(end).toBeUndefined();
  expect(seen.filter((word) => !word.startsWith('asked'))).toEqual(['a', 'b', 'c', 'd']);
  expect(seen.filter((word) => word.startsWith('asked'))).toEqual(['asked ', 'asked B', 'asked C', 'asked D']);
});

test('what an object says of a continue token is not followed', async () => {
  const spec = '{"metadata":{"continue":"EVIL","resourceVersion":"1"}}';
  // The list's own metadata stands before the objects, so that the last one in the bytes is the object's.
  const first = `{"metadata":{"continue":"C"},"kind":"PoolList","items":[{"metadata":{"name":"b"},"spec":${spec}}]}`;
  const { seen, end } = await listed({ '': page('a', 'B'), B: first, C: page('c', ''), EVIL: page('evil', '') });
  expect(end).toBeUndefined();
  expect(seen.filter((word) => !word.startsWith('asked'))).toEqual(['a', 'b', 'c']);
});

test('a page that cannot be read ends the list, whatever was asked for meanwhile', async () => {
  const { end } = await listed({
    '': page('a', 'B'),
    B: page('b', 'C').replace('"name":"b"', '"name":7'),
    C: page('c', ''),
  });
  expect(end).toMatchObject({ why: 'failed', verb: 'decode' });
});

test('an error of the sink is thrown, and that of the page asked for meanwhile is dropped', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  closing.push(() => void process.off('unhandledRejection', note));
  const faulty = (name: string) => {
    if (name !== 'b') return;
    for (const close of closing) close();
    throw new RangeError('of the sink');
  };
  await expect(listed({ '': page('a', 'B'), B: page('b', 'C'), C: page('c', '') }, faulty)).rejects.toThrow('of the sink');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(unhandled).toEqual([]);
});

test('an expired token starts the list again', async () => {
  const { seen } = await listed({ '': page('a', 'B'), B: page('b', 'C'), C: 410 });
  expect(seen.indexOf('restart')).toBeGreaterThan(seen.indexOf('b'));
  expect(seen.filter((word) => word === 'restart')).toHaveLength(3);
});

test.each([
  ['items is an object', '{"a":{"metadata":{"name":"a"}}}'],
  ['items is an object without anything', '{}'],
  ['items is a word', '"none"'],
  ['an item is null', '[null]'],
  ['an item is a word', '["a"]'],
  ['an item has no metadata', '[{"spec":{}}]'],
  ['an item has no name', '[{"metadata":{}}]'],
])('a list whose %s is unknown, not empty', async (_, items) => {
  const { end } = await listed({ '': `{"apiVersion":"example.com/v1","kind":"PoolList","items":${items},"metadata":{}}` });
  expect(end).toMatchObject({ why: 'failed', verb: 'decode' });
});

test('null is an empty list', async () => {
  const { seen, end } = await listed({ '': '{"apiVersion":"example.com/v1","kind":"PoolList","items":null,"metadata":{}}' });
  expect([seen, end]).toEqual([['asked '], undefined]);
});
