// An actor's line to the API server: what is missed while a watch is down is made up for, work on one object never overlaps, and stop means stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { keyed, type Line, lineTo } from '../bed/actors/watch.ts';
import type { Body } from '../bed/client.ts';
import { type Fault, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';

const cluster = bed();
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

const configMap = (namespace: string, name: string, data = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
const scene = async () => {
  const namespace = await cluster.namespace();
  const proxy = await startFaultProxy(cluster);
  const line = lineTo({ ...cluster, server: proxy.server });
  open.push(line, { stop: proxy.close });
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const known = new Map<string, Body>();
  const heard: string[] = [];
  const follow = () =>
    line.watch(path, known, (now, before) => {
      const { name } = (now ?? before).metadata;
      if (name !== 'kube-root-ca.crt') heard.push(`${now ? (before ? 'changed' : 'new') : 'gone'} ${name}`);
    });
  return { namespace, proxy, line, known, heard, follow, path };
};
const soon = (look: () => void) => vi.waitFor(look, { timeout: 10_000, interval: 20 });

test('a watch tells what is there, then what comes, changes and goes', async () => {
  const { namespace, heard, known, follow } = await scene();
  await cluster.apply(configMap(namespace, 'a'));
  await follow();
  expect(heard).toEqual(['new a']);
  await cluster.apply(configMap(namespace, 'b'), configMap(namespace, 'a', { x: '1' }));
  await cluster.remove(configMap(namespace, 'b'));
  await soon(() => expect(heard).toEqual(['new a', 'new b', 'changed a', 'gone b']));
  expect(known.get(`${namespace}/a`)).toMatchObject({ kind: 'ConfigMap', data: { x: '1' } });
});

const tooOld = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } };
test.each<[string, Fault]>([
  ['says that its version is too old', { do: 'answer', status: 200, body: `${JSON.stringify(tooOld)}\n` }],
  ['is refused', { do: 'answer', status: 410 }],
  ['is cut', { do: 'cut' }],
])('a watch that %s: nothing is missed', async (_, fault) => {
  const { namespace, proxy, heard, follow } = await scene();
  await cluster.apply(configMap(namespace, 'a'), configMap(namespace, 'b'));
  const meanwhile = async () => {
    await cluster.remove(configMap(namespace, 'a'));
    await cluster.apply(configMap(namespace, 'c'));
  };
  proxy.faults.push({ ...fault, path: /watch=1/, andThen: () => void meanwhile() });
  await follow();
  await soon(() => expect(heard.toSorted()).toEqual(['gone a', 'new a', 'new b', 'new c']));
});

test('work by key: never twice at once, and once more for what came meanwhile', async () => {
  const { line } = await scene();
  const log: string[] = [];
  const wake = keyed(line, async (key) => {
    log.push(`begin ${key}`);
    await sleep(30);
    log.push(`end ${key}`);
  });
  for (const key of ['a', 'a', 'a', 'b']) wake(key);
  await sleep(150);
  expect(log.filter((entry) => entry.endsWith('a'))).toEqual(['begin a', 'end a', 'begin a', 'end a']);
  expect(log.filter((entry) => entry.endsWith('b'))).toEqual(['begin b', 'end b']);
});

test('stopped: no event is heard, no request sent; a request under way is waited for', async () => {
  const { namespace, line, heard, follow, path } = await scene();
  await follow();
  const under = line.request('POST', path, configMap(namespace, 'under'));
  await line.stop();
  expect((await cluster.get(configMap(namespace, 'under'))).metadata.name).toBe('under');
  await under;
  const before = [...heard];
  await cluster.apply(configMap(namespace, 'late'));
  await sleep(200);
  expect(heard).toEqual(before);
  await expect(line.request('GET', path)).rejects.toThrow('the actor was stopped');
});

test('what a server refuses is told by stop', async () => {
  const line: Line = lineTo(cluster);
  line.run(() => line.write('POST', '/api/v1/namespaces', { metadata: { name: 'Not A Name' } }));
  await sleep(200);
  await expect(line.stop()).rejects.toThrow(/POST \/api\/v1\/namespaces: 422/);
});
