// Text paths and the list of all APIs, on real API servers: two of them on one etcd, an address without an answer, and one where another server answers.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Gap, ServedResource, Source } from '../../../src/engine/contracts.ts';
import { isGap } from '../../../src/engine/gaps.ts';
import { authority } from '../../bed/certificates.ts';
import { startAnotherApiServer } from '../../bed/control-plane.ts';
import { bed } from '../../bed/index.ts';
import { type BedVersion, foundBed } from '../../bed/prepare.ts';
import { sources } from './sources.ts';

const plane = bed();
const { source, proxied } = sources(plane);

async function read(from: Source, path: string, every = false) {
  const lines = new Map<string, string[]>();
  let restarts = 0;
  const line = (text: string, server: string) => {
    const known = lines.get(server) ?? [];
    lines.set(server, known);
    known.push(text);
  };
  const restart = () => {
    lines.clear();
    restarts++;
  };
  const gaps = await from.text!({ path, every }, { line, restart });
  return { lines, gaps, restarts };
}

describe('text of the server that the kubeconfig leads to', () => {
  test('comes line by line', async () => {
    const here = await source();
    const ready = await read(here, '/readyz?verbose');
    expect(ready.gaps).toEqual([]);
    expect([...ready.lines.keys()]).toEqual(['']);
    expect(ready.lines.get('')).toEqual(expect.arrayContaining(['[+]ping ok', '[+]etcd ok', 'readyz check passed']));
    const metrics = await read(here, '/metrics');
    const { body } = await plane.request('GET', '/metrics', undefined, undefined, 'text/plain');
    const names = (lines: string[]) => new Set(lines.filter((line) => line.startsWith('# TYPE')));
    expect(metrics.gaps).toEqual([]);
    expect([...names(metrics.lines.get('')!)]).toEqual(expect.arrayContaining(['# TYPE apiserver_request_total counter']));
    const missing = [...names(body.split('\n'))].filter((name) => !names(metrics.lines.get('')!).has(name));
    expect(missing.length).toBeLessThan(5);
  });

  test('starts again when the answer breaks off, and is a gap when it always does', async () => {
    const { proxy, source } = await proxied();
    proxy.faults.push({ do: 'truncate', path: '/metrics' });
    const once = await read(source, '/metrics');
    expect(once).toMatchObject({ gaps: [], restarts: 1 });
    expect(once.lines.get('')!.length).toBeGreaterThan(1000);
    proxy.faults.push({ do: 'truncate', path: '/metrics', times: 100 });
    const never = await read(source, '/metrics');
    expect(never.gaps).toMatchObject([{ why: 'failed', verb: 'get-path', resource: '/metrics', detail: expect.any(String) }]);
    expect(never.lines.size).toBe(0);
  });

  test('of a server that is not well says what is wrong with it', async () => {
    const { proxy, source } = await proxied();
    const body = '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n';
    proxy.faults.push({ do: 'answer', status: 500, headers: { 'content-type': 'text/plain; charset=utf-8' }, body, path: /readyz/ });
    const { lines, gaps } = await read(source, '/readyz?verbose');
    expect({ lines: lines.get(''), gaps }).toEqual({ lines: body.trimEnd().split('\n'), gaps: [] });
  });

  test('is a gap where it may not be read or is not served', async () => {
    const nobody = await source(await plane.user('nobody'));
    expect(await read(nobody, '/metrics?x=y')).toMatchObject({
      lines: new Map(),
      gaps: [{ why: 'forbidden', verb: 'get-path', resource: '/metrics', detail: expect.stringContaining('cannot get path "/metrics"') }],
    });
    const allowed = await source(await plane.user('user-1', [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }]));
    expect((await read(allowed, '/metrics')).gaps).toEqual([]);
    expect((await read(await source(), '/no-such-path')).gaps).toMatchObject([{ why: 'failed', resource: '/no-such-path' }]);
  });
});

test('text of every API server comes from the only one by the way of the kubeconfig: from outside its own address is mostly out of reach', async () => {
  const own = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'kubernetes', namespace: 'default' } };
  await expect.poll(async () => (await plane.get(own))?.endpoints?.length, { timeout: 30_000 }).toBe(1);
  const { endpoints, ports } = await plane.get(own);
  const { lines, gaps } = await read(await source(), '/metrics', true);
  expect([[...lines.keys()], gaps]).toEqual([[`${endpoints[0].addresses[0]}:${ports[0].port}`], []]);
});

describe('text of every API server', () => {
  const host = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)!.address;
  const stops: (() => unknown)[] = [];
  afterAll(async () => {
    for (const stop of stops) await stop();
  });
  const stranger = { name: '', asked: 0 };
  let second = '';
  /** What the first API server says of itself: it listens on a loopback address alone, so there is no answer there. */
  let deaf = '';
  beforeAll(async () => {
    const another = await startAnotherApiServer(plane, await foundBed(plane.version as BedVersion), host);
    stops.push(another.stop);
    const server = createServer(
      authority('somebody else').issue({ name: 'kubernetes', hosts: ['kubernetes.default.svc', host] }),
      (_, response) => {
        stranger.asked++;
        response.end('[+]ping ok\n');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    stops.push(() => server.close());
    second = `${host}:${another.port}`;
    stranger.name = `${host}:${(server.address() as AddressInfo).port}`;
    for (const address of [second, stranger.name]) {
      await plane.apply({
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
        metadata: {
          name: `kubernetes-${address.replace(/.*:/, '')}`,
          namespace: 'default',
          labels: { 'kubernetes.io/service-name': 'kubernetes' },
        },
        endpoints: [{ addresses: [host], conditions: { ready: true } }],
        ports: [{ name: 'https', protocol: 'TCP', port: Number(address.replace(/.*:/, '')) }],
      });
    }
    const own = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'kubernetes', namespace: 'default' } };
    while (!(await plane.get(own))?.endpoints?.length) await sleep(200);
    const { endpoints, ports } = await plane.get(own);
    deaf = `${endpoints[0].addresses[0]}:${ports[0].port}`;
  });

  test('comes from each that answers, and is one gap of those that do not', async () => {
    const { lines, gaps } = await read(await source(), '/readyz?verbose', true);
    expect([...lines.keys()]).toEqual([second]);
    expect(lines.get(second)).toContain('[+]ping ok');
    expect(gaps).toMatchObject([
      { why: 'failed', verb: 'get-path', resource: '/readyz', settle: { en: expect.stringContaining('{tool} check') } },
    ]);
    for (const name of [deaf, stranger.name]) expect(gaps[0]!.detail).toContain(`${name} (`);
    // It does not prove to be of this cluster, so it gets to see no token.
    expect(stranger.asked).toBe(0);
  });

  test('comes by the way of the kubeconfig from the one that it leads to', async () => {
    const copy = join(plane.folder, 'second.kubeconfig');
    writeFileSync(copy, readFileSync(plane.kubeconfig, 'utf8').replace(plane.server, `https://${second}`), { mode: 0o600 });
    const named = readFileSync(copy, 'utf8').replace('certificate-authority:', 'tls-server-name: kubernetes, certificate-authority:');
    writeFileSync(copy, named, { mode: 0o600 });
    const { lines } = await read(await source(copy), '/livez?verbose', true);
    expect(lines.get(second)).toContain('[+]ping ok');
  });

  test('is not asked for where no certificate is looked at: the one of the kubeconfig answers for one of them', async () => {
    const copy = join(plane.folder, 'insecure.kubeconfig');
    const trusting = readFileSync(plane.kubeconfig, 'utf8').replace(/certificate-authority: "[^"]*"/, 'insecure-skip-tls-verify: true');
    writeFileSync(copy, trusting, { mode: 0o600 });
    const { lines, gaps } = await read(await source(copy), '/readyz?verbose', true);
    expect([...lines.keys()]).toEqual(['']);
    expect(gaps).toMatchObject([{ detail: expect.stringContaining('only one of 3 API servers answered') }]);
    for (const { detail, detailZh } of gaps)
      expect([detail, detailZh]).toEqual([expect.stringContaining('no request sent'), expect.stringContaining('未向')]);
    expect(stranger.asked).toBe(0);
  });

  test('is at least that of one where the addresses may not be read', async () => {
    const user = await source(await plane.user('user-2', [{ verbs: ['get'], nonResourceURLs: ['/readyz'] }]));
    const { lines, gaps } = await read(user, '/readyz?verbose', true);
    expect([...lines.keys()]).toEqual(['']);
    expect(gaps).toMatchObject([{ why: 'forbidden', verb: 'list', resource: 'endpointslices.discovery.k8s.io', namespace: 'default' }]);
    const slices = { verbs: ['list'], apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], namespace: 'default' };
    const more = await source(await plane.user('user-3', [{ verbs: ['get'], nonResourceURLs: ['/readyz'] }, slices]));
    expect([...(await read(more, '/readyz?verbose', true)).lines.keys()]).toEqual([second]);
  });
});

describe('all APIs', () => {
  async function all(from: Source): Promise<{ resources: ServedResource[]; gaps: Gap[] }> {
    const found = await from.apis!();
    if (isGap(found)) throw new Error(found.detail);
    return found;
  }

  test('are what kubectl finds, in every version', async () => {
    const { proxy, source } = await proxied();
    const { resources, gaps } = await all(source);
    expect(gaps).toEqual([]);
    if (plane.version !== '1.24') expect(proxy.seen).toHaveLength(2);
    const named = ({ resource, group }: ServedResource) => (group ? `${resource}.${group}` : resource);
    const kubectl = await plane.kubectl(['api-resources', '--no-headers', '-o', 'name']);
    expect(kubectl.code, kubectl.stderr).toBe(0);
    const preferred = resources.filter((api) => api.preferred);
    expect(new Set(preferred.filter(({ verbs }) => verbs.length).map(named))).toEqual(new Set(kubectl.stdout.trim().split('\n')));
    expect(new Set(preferred.map(named)).size).toBe(preferred.length);
    const groups = (await plane.request('GET', '/apis')).body.groups as { versions: { groupVersion: string }[] }[];
    const served = groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion));
    expect(new Set(resources.filter(({ group }) => group).map(({ group, version }) => `${group}/${version}`))).toEqual(new Set(served));
    expect(resources.filter(({ resource }) => resource === 'horizontalpodautoscalers').map((api) => [api.version, api.preferred])).toEqual(
      expect.arrayContaining([
        ['v2', true],
        ['v1', false],
      ]),
    );
    expect(resources.find((api) => api.resource === 'pods' && !api.group)).toMatchObject({
      ...{ version: 'v1', kind: 'Pod', namespaced: true, preferred: true },
      ...{ subresources: expect.arrayContaining(['log', 'eviction']), verbs: expect.arrayContaining(['list', 'delete']) },
    });
  });

  test('with a broken APIService are the others, and a gap that names it', async () => {
    const service = {
      ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.broken.example' } },
      spec: {
        ...{ group: 'broken.example', version: 'v1', groupPriorityMinimum: 100, versionPriority: 100 },
        service: { name: 'no-such', namespace: 'default' },
      },
    };
    await plane.apply(service);
    await expect
      .poll(async () => (await all(await source())).gaps, { timeout: 30_000, interval: 500 })
      .toMatchObject([{ why: 'failed', verb: 'discover', resource: 'broken.example/v1', detail: expect.any(String) }]);
    expect((await all(await source())).resources.some(({ resource }) => resource === 'deployments')).toBe(true);
    await plane.remove(service);
  });
});
