// Each fault of the proxy does what it says: seen from the client in front of it and from the real API server behind it.
import { readFileSync } from 'node:fs';
import { Agent, request as send } from 'node:https';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { certificateOf, kubeconfigOf, tokenOf } from '../bed/control-plane.ts';
import { type Fault, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';

const cluster = bed();
const namespace = await cluster.namespace();
const proxy = await startFaultProxy(cluster);
const path = `/api/v1/namespaces/${namespace}/configmaps`;
const agent = new Agent({ keepAlive: true, ca: readFileSync(certificateOf(cluster)), maxSockets: 1 });
let names = 0;

beforeEach(() => {
  proxy.faults.length = 0;
  proxy.seen.length = 0;
});
afterAll(async () => {
  agent.destroy();
  await proxy.close();
});

interface Got {
  status?: number;
  headers?: NodeJS.Dict<string | string[]>;
  text: string;
  /** Of the connection that broke. */
  error?: string;
}
/** Through the proxy. `undefined`: no answer within the time. */
function ask(method: string, at: string, body?: string, patience = 5000): Promise<Got | undefined> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${tokenOf('admin')}`, 'content-type': 'application/json' };
    const asked = send(`${proxy.server}${at}`, { method, headers, agent }, (answer) => {
      let text = '';
      const got = () => ({ status: answer.statusCode, headers: answer.headers, text });
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve(got()));
      answer.on('error', (error: NodeJS.ErrnoException) => resolve({ ...got(), error: error.code }));
    });
    asked.on('error', (error: NodeJS.ErrnoException) => resolve({ text: '', error: error.code }));
    asked.setTimeout(patience, () => {
      resolve(undefined);
      asked.destroy();
    });
    asked.end(body);
  });
}
const create = (name: string, patience?: number) => ask('POST', path, JSON.stringify({ metadata: { name } }), patience);
const newName = () => `map-${++names}`;
const exists = async (name: string) => (await cluster.request('GET', `${path}/${name}`)).status === 200;

/** Adds a fault; resolves when its callback was called. */
function happens(fault: Fault): Promise<void> {
  return new Promise((resolve) => proxy.faults.push({ ...fault, andThen: resolve }));
}

describe('without a fault', () => {
  test('it passes requests on and remembers them, over one connection', async () => {
    const name = newName();
    expect((await create(name))?.status).toBe(201);
    expect(JSON.parse((await ask('GET', `${path}/${name}`))?.text ?? '').metadata.name).toBe(name);
    expect(proxy.seen.map((seen) => [seen.method, seen.path])).toEqual([
      ['POST', path],
      ['GET', `${path}/${name}`],
    ]);
  });

  test('real kubectl and helm work through it', async () => {
    const kubeconfig = await proxy.kubeconfigFrom(kubeconfigOf(cluster, 'admin'));
    expect((await cluster.kubectl(['get', 'namespaces', '-o', 'name'], { kubeconfig })).stdout).toContain(`namespace/${namespace}`);
    expect(await cluster.helm4(['list', '-A'], { kubeconfig })).toMatchObject({ code: 0 });
    expect(proxy.seen.length).toBeGreaterThan(2);
  });

  test('a watch is streamed, not collected', async () => {
    const name = newName();
    const watched = new Promise<string>((resolve) => {
      const headers = { authorization: `Bearer ${tokenOf('admin')}` };
      const asked = send(`${proxy.server}${path}?watch=1`, { headers, ca: readFileSync(certificateOf(cluster)) }, (answer) => {
        answer.on('error', () => {});
        answer.on('data', (chunk) => {
          if (!String(chunk).includes(name)) return;
          resolve(String(chunk));
          asked.destroy();
        });
        void create(name);
      });
      asked.on('error', () => {});
      asked.end();
    });
    expect(await watched).toContain('"ADDED"');
  });
});

describe('each fault', () => {
  test('hold: the server never hears of it, the client never hears back', async () => {
    const name = newName();
    const arrived = happens({ do: 'hold', method: 'POST' });
    const answer = create(name, 500);
    await arrived;
    expect(await answer).toBeUndefined();
    expect(await exists(name)).toBe(false);
  });

  test('forward-unanswered: done at the server when the callback comes, no answer', async () => {
    const name = newName();
    const done = happens({ do: 'forward-unanswered', method: 'POST' });
    const answer = create(name, 1000);
    await done;
    expect(await exists(name)).toBe(true);
    expect(await answer).toBeUndefined();
  });

  test('forward-unanswered: the server hears the whole request even from a client that is gone', async () => {
    const name = newName();
    const done = happens({ do: 'forward-unanswered', method: 'POST' });
    void create(name, 1);
    await done;
    expect(await exists(name)).toBe(true);
  });

  test('answer-then: answered, and then the callback', async () => {
    const name = newName();
    const answered = happens({ do: 'answer-then', method: 'POST' });
    expect((await create(name))?.status).toBe(201);
    await answered;
  });

  test('cut: the connection is reset, nothing was done', async () => {
    const name = newName();
    const cut = happens({ do: 'cut', method: 'POST' });
    expect(await create(name)).toMatchObject({ error: 'ECONNRESET' });
    await cut;
    expect(await exists(name)).toBe(false);
  });

  test('delay: late, but whole', async () => {
    proxy.faults.push({ do: 'delay', ms: 300, method: 'POST' });
    const begun = Date.now();
    expect((await create(newName()))?.status).toBe(201);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(295);
  });

  test.each([409, 410, 422, 429, 500, 503])('answer %i: with a Status, nothing was done', async (status) => {
    const name = newName();
    proxy.faults.push({ do: 'answer', status, headers: { 'Retry-After': '1' } });
    const answer = await create(name);
    expect([answer?.status, answer?.headers?.['retry-after']]).toEqual([status, '1']);
    expect(JSON.parse(answer?.text ?? '')).toMatchObject({ kind: 'Status', code: status });
    expect(await exists(name)).toBe(false);
  });

  test('answer: with a body of the test', async () => {
    proxy.faults.push({ do: 'answer', status: 200, body: { kind: 'Odd' } });
    expect((await ask('GET', path))?.text).toBe('{"kind":"Odd"}');
  });

  test('truncate: the answer ends in the middle, noticeably', async () => {
    const whole = (await ask('GET', path))?.text ?? '';
    const truncated = happens({ do: 'truncate', method: 'GET' });
    const answer = await ask('GET', path);
    await truncated;
    expect(answer?.error).toBe('ECONNRESET');
    expect(answer?.text).toBe(whole.slice(0, Math.floor(whole.length / 2)));
  });

  test('truncate: an answer of several megabytes too', async () => {
    const data = { a: 'x'.repeat(900_000) };
    for (const name of ['big-1', 'big-2', 'big-3'])
      await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
    const whole = (await ask('GET', path))?.text ?? '';
    expect(whole.length).toBeGreaterThan(2_700_000);
    proxy.faults.push({ do: 'truncate' });
    const answer = await ask('GET', path);
    expect(answer?.error).toBe('ECONNRESET');
    expect(answer?.text.length).toBeLessThan(whole.length);
  });
});

describe('which requests', () => {
  test('by method, path without its query, pattern and predicate', async () => {
    proxy.faults.push(
      { do: 'answer', status: 500, method: 'DELETE', times: Infinity },
      { do: 'answer', status: 501, path: `${path}/none`, times: Infinity },
      { do: 'answer', status: 502, path: /limit=7/, times: Infinity },
      { do: 'answer', status: 503, where: (seen) => seen.headers['content-type'] === 'application/json' && seen.method === 'PUT' },
    );
    const status = async (method: string, at: string) => (await ask(method, at))?.status;
    expect(await status('DELETE', `${path}/none`)).toBe(500);
    expect(await status('GET', `${path}/none?x=1`)).toBe(501);
    expect(await status('GET', `${path}?limit=7`)).toBe(502);
    expect(await status('PUT', `${path}/other`)).toBe(503);
    expect(await status('GET', `${path}?limit=8`)).toBe(200);
  });

  test('the nth, and as often as asked', async () => {
    proxy.faults.push({ do: 'answer', status: 500, nth: 2, times: 2, method: 'GET' });
    const statuses: (number | undefined)[] = [];
    for (let turn = 0; turn < 4; turn++) statuses.push((await ask('GET', `${path}?limit=1`))?.status);
    expect(statuses).toEqual([200, 500, 500, 200]);
  });
});
