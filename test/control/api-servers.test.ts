// Two API servers on one etcd: what each says of itself, that the tool asks both, and that one can be replaced by the next minor under the other.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connect } from '../../src/cluster/kubeconfig.ts';
import { clusterSource } from '../../src/cluster/source.ts';
import { run } from '../bed/binary.ts';
import { type Body, type Client, clientOf } from '../bed/client.ts';
import { advertised, type Started, startControlPlane } from '../bed/control-plane.ts';
import { foundApiserver, foundBed, MORE_APISERVERS, NEWEST } from '../bed/prepare.ts';
import { type Routes, startRoutes } from '../bed/routes.ts';

const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 100 });
const versionOf = async (client: Client) => (await client.request('GET', '/version')).body.gitVersion;
const SLICE = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes';

/** What every API server answers to GET /version, by its address. */
async function saysOfEach(kubeconfig: string): Promise<Map<string, string>> {
  const connection = await connect({ kubeconfig }, {});
  const lines = new Map<string, string>();
  try {
    const source = clusterSource(connection, new AbortController().signal, { version: 'test' });
    const gaps = await source.text!(
      { path: '/version', every: true },
      {
        line: (line, server) => lines.set(server, `${lines.get(server) ?? ''}${line}`),
        restart: () => lines.clear(),
      },
    );
    expect(gaps).toEqual([]);
  } finally {
    connection.close();
  }
  return new Map([...lines].map(([server, text]) => [server, JSON.parse(text).gitVersion]));
}

describe('two API servers', () => {
  let plane: Started;
  let routes: Routes;
  let clients: Client[];
  let port: string;
  beforeAll(async () => {
    plane = await startControlPlane(NEWEST, await foundBed(NEWEST), { controllers: false, servers: 2 });
    routes = await startRoutes(plane);
    clients = plane.servers.map((server) => clientOf({ ...plane, server }));
    port = new URL(plane.server).port;
  });
  afterAll(async () => {
    await routes?.close();
    await plane?.stop();
  });

  test('EndpointSlice default/kubernetes lists both; what is written through one is read through the other', async () => {
    await soon(async () => {
      const { endpoints, ports } = (await clients[1]!.request('GET', SLICE)).body;
      expect(endpoints.flatMap(({ addresses }: { addresses: string[] }) => addresses).sort()).toEqual([advertised(0), advertised(1)]);
      expect(ports).toMatchObject([{ port: Number(port) }]);
    });
    const [one, two] = clients as [Client, Client];
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'default' }, data: { a: '1' } };
    await one.apply(object);
    expect((await two.get(object)).data).toEqual({ a: '1' });
  });

  test('a text that is asked of every API server comes from both, by the addresses that they say', async () => {
    const version = await versionOf(clients[0]!);
    expect(await saysOfEach(routes.kubeconfig)).toEqual(
      new Map([
        [`${advertised(0)}:${port}`, version],
        [`${advertised(1)}:${port}`, version],
      ]),
    );
    expect(routes.asked).toContain(`${advertised(1)}:${port}`);
  });
});

const [OLDER] = MORE_APISERVERS;
const older = await foundApiserver(OLDER);
const leftOut = older ? undefined : `needs kube-apiserver ${OLDER}: npm run bed -- ${OLDER}`;
const replacing = older ? test : test.skip;
replacing(`an API server of ${OLDER} is replaced by one of ${NEWEST}, under another`, { meta: { leftOut } }, async () => {
  const binaries = await foundBed(NEWEST);
  const plane = await startControlPlane(OLDER, { ...binaries, apiserver: older! }, { controllers: false, servers: 2 });
  const routes = await startRoutes(plane);
  try {
    const [first, second] = plane.servers.map((server) => clientOf({ ...plane, server })) as [Client, Client];
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'default' }, data: { a: '1' } };
    await first.apply(object);
    await plane.replaceServer(1, binaries.apiserver);
    expect([await versionOf(first), await versionOf(second)]).toEqual([
      expect.stringMatching(/^v1\.36\./),
      expect.stringMatching(/^v1\.37\./),
    ]);
    expect((await second.get(object)).data).toEqual({ a: '1' });
    await soon(async () =>
      expect([...(await saysOfEach(routes.kubeconfig)).values()].sort()).toEqual([await versionOf(first), await versionOf(second)]),
    );
    const checked = await run(['check', 'kubernetes', '-o', 'json'], { kubeconfig: routes.kubeconfig });
    const [installation] = JSON.parse(checked.stdout).installations;
    expect(installation).toMatchObject({ id: 'kubernetes@cluster', version: expect.stringMatching(/^v1\.36\./), gaps: [] });
    expect(installation.sources.map(({ from, says }: Body) => [from.split(' (')[0], says.slice(0, 5)]).sort()).toEqual([
      [`API server ${advertised(0)}:${new URL(plane.server).port}`, 'v1.36'],
      [`API server ${advertised(1)}:${new URL(plane.server).port}`, 'v1.37'],
    ]);
    // Of a control plane that is half upgraded the way back begins at what is upgraded.
    const back = await run(['check', 'kubernetes', '--back-to', OLDER], { kubeconfig: routes.kubeconfig });
    expect(back.stdout, back.stderr).toMatch(/^kubernetes +v1\.37\.\S+ → 1\.36 \(way back\)/m);
    await plane.replaceServer(0, binaries.apiserver);
    expect(await versionOf(first)).toBe(await versionOf(second));
    expect((await first.get(object)).data).toEqual({ a: '1' });
  } finally {
    await routes.close();
    await plane.stop();
  }
});
