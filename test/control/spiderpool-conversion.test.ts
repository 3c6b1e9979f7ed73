// A cluster of 0.3.5, whose objects are stored as v1: check says so; the upgrade stops Spiderpool, converts every object where it is and drops v1. Refused while an object cannot be converted;
// killed in the middle of the objects and resumed, by real helm with the real charts; undone, and everything is as it was, uids too.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { hastened, newHome, type Ran, run, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { layCrds } from '../bed/crds.ts';
import { startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';

const cluster = bed();
const GROUP = '/apis/spiderpool.spidernet.io';
const KINDS = ['spiderendpoints', 'spiderippools', 'spiderreservedips', 'spidersubnets'];
const P = 'ipam.spidernet.io/';
const own = (kind: string, name: string, more: object, metadata: object = {}): Body => ({
  ...{ apiVersion: 'spiderpool.spidernet.io/v1', kind, metadata: { name, ...metadata } },
  ...more,
});
const pod = (name: string): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'registry.example/c:1' }] },
});
const record = (name: string, ownerControllerType = 'None') => ({
  ...{ containerID: 'c', interface: 'eth0', node: 'n1', namespace: 'default', pod: name, ownerControllerType, ownerControllerName: '' },
});
const endpoint = (name: string, ip: string, type = 'None') =>
  own(
    'SpiderEndpoint',
    name,
    {
      status: {
        current: {
          containerID: 'c',
          node: 'n1',
          creationTime: '2026-01-01T00:00:00Z',
          ips: [{ interface: 'eth0', ipv4: `${ip}/24`, ipv4Pool: 'plain' }],
        },
        history: [{ containerID: 'c', node: 'n1', ips: [] }],
        ...{ ownerControllerType: type, ownerControllerName: '' },
      },
    },
    { namespace: 'default', finalizers: ['spiderpool.spidernet.io'] },
  );

describeUpstream('from before 0.4.0', ['data', 'spiderpool', 'charts'], (charts) => {
  const chartOf = (version: string) => join(charts, version, 'spiderpool');
  const started: Actor[] = [];
  const home = newHome();
  const options = { kubeconfig: cluster.kubeconfig, home, env: { HELM_BIN: tools().helm3, ...hastened(10) }, input: '' };
  const call = (...words: string[]) => run(words, options);
  const all = ({ stdout, stderr }: Ran) => `${stdout}${stderr}`.replaceAll(/\s+/g, ' ');
  // The SpiderCoordinator passes through the webhook of 0.9.13, behind which nothing runs here.
  const WITHOUT = ['--accept', 'spiderpool/coordinator-object'];
  const UPGRADE = ['--chart', chartOf('0.9.13'), '--set', 'multus.multusCNI.install=false', '--reset-then-reuse-values', ...WITHOUT];
  const stored = async () => Promise.all(KINDS.map(async (kind) => (await crd(kind)).status.storedVersions));
  const crd = async (kind: string) =>
    (await cluster.request('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${kind}.spiderpool.spidernet.io`)).body;
  // An API server takes up a CRD that has just changed within a second, and answers 404 until then.
  const list = (path: string): Promise<Body[]> =>
    vi.waitFor(
      async () => {
        const { status, body } = await cluster.request('GET', path);
        expect(status, path).toBe(200);
        return body.items;
      },
      { timeout: 20_000, interval: 100 },
    );
  const objects = async (version: string): Promise<Body[]> =>
    (await Promise.all(KINDS.map((kind) => list(`${GROUP}/${version}/${kind}`))))
      .flat()
      .map(({ metadata: { resourceVersion: _r, generation: _g, managedFields: _m, ...metadata }, ...rest }) => ({ metadata, ...rest }));
  const one = async (version: string, name: string) => (await objects(version)).find(({ metadata }) => metadata.name === name)!;

  beforeAll(async () => {
    started.push(await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'] }));
    await layCrds(cluster, join(chartOf('0.3.5'), 'crds'));
    const web: Body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] } },
      },
    };
    await cluster.apply(pod('bare'), web);
    const { uid } = (await cluster.get(web)).metadata;
    const labels = {
      [`${P}owner-spider-subnet`]: 'net',
      [`${P}owner-application`]: 'deployment-default-web',
      [`${P}owner-application-uid`]: uid,
    };
    await cluster.apply(
      endpoint('bare', '10.9.0.2'),
      endpoint('db-0', '10.9.0.3', 'StatefulSet'),
      own('SpiderIPPool', 'plain', {
        spec: { ipVersion: 4, subnet: '10.9.0.0/24', ips: ['10.9.0.2-10.9.0.9'] },
        status: {
          allocatedIPs: { '10.9.0.2': record('bare'), '10.9.0.3': record('db-0', 'StatefulSet') },
          allocatedIPCount: 2,
          totalIPCount: 8,
        },
      }),
      own(
        'SpiderIPPool',
        'auto-deployment-default-web-v4-0123456789ab',
        {
          spec: { ipVersion: 4, subnet: '10.8.0.0/24', ips: ['10.8.0.2'], podAffinity: { matchLabels: { app: 'web' } } },
          status: { autoDesiredIPCount: 1, totalIPCount: 1, allocatedIPCount: 0 },
        },
        { labels },
      ),
      own('SpiderSubnet', 'net', {
        spec: { ipVersion: 4, subnet: '10.8.0.0/24', ips: ['10.8.0.2-10.8.0.9'] },
        status: {
          controlledIPPools: { 'auto-deployment-default-web-v4-0123456789ab': { ips: ['10.8.0.2'] } },
          totalIPCount: 8,
          allocatedIPCount: 1,
        },
      }),
      own('SpiderReservedIP', 'kept', { spec: { ipVersion: 4, ips: ['10.9.0.9'] } }),
    );
    // From here on the webhooks of 0.3.5 refuse every write of a main resource: no controller runs behind them.
    const words = ['--no-hooks', '--skip-crds', '--set', 'spiderpoolController.replicas=2', '--set', 'feature.enableIPv6=false'];
    const installed = await cluster.helm3(['install', 'sp', chartOf('0.3.5'), '-n', 'kube-system', ...words]);
    expect(installed.code, installed.stderr).toBe(0);
  });
  afterAll(async () => {
    for (const actor of started) await actor.stop();
  });

  test('checked, refused, killed, resumed, undone', { timeout: 300_000 }, async () => {
    const before = await objects('v1');
    const checked = JSON.parse((await call('check', 'spiderpool', '--to', 'spiderpool=0.9.13', '-o', 'json')).stdout);
    expect(checked.installations).toMatchObject([{ version: '0.3.5' }]);
    const storage = checked.checks.find(({ id }: Body) => id === 'spiderpool/crd-storage-version');
    expect(storage.findings).toMatchObject([
      { severity: 'blocker', objects: KINDS.map((kind) => ({ name: `${kind}.spiderpool.spidernet.io` })) },
    ]);

    // One object that cannot be converted: nothing begins.
    const status = `${GROUP}/v1/namespaces/default/spiderendpoints/bare/status`;
    await cluster.request('PATCH', status, { status: { current: null } });
    const refused = await call('upgrade', 'spiderpool', ...UPGRADE, '--yes');
    expect(refused.code, all(refused)).toBe(2);
    expect(all(refused)).toContain('SpiderEndpoint default/bare has no allocated IPs in status.current');
    await cluster.request('PATCH', status, { status: endpoint('bare', '10.9.0.2').status });
    expect(await objects('v1')).toEqual(before);

    const planned = await call('plan', 'spiderpool', ...UPGRADE, '-o', 'json');
    expect(JSON.parse(planned.stdout).blockers, all(planned)).toEqual([]);

    // In memory every object is converted; at the server only what v1 allows can be tried. Neither changes anything.
    const rehearsed = await call('upgrade', 'spiderpool', ...UPGRADE, '--rehearse');
    expect(rehearsed.code, all(rehearsed)).toBe(0);
    expect(all(rehearsed)).toMatch(/convert SpiderEndpoint default\/bare .*rewrite every SpiderIPPool in v2beta1/);
    expect(all(rehearsed)).toMatch(/helm upgrade of release .* [^:]*: not rehearsed.*Rehearsed in memory: \d+ steps/);
    const tried = await call('upgrade', 'spiderpool', ...UPGRADE, '--dry-run=server');
    expect(tried.code, all(tried)).toBe(0);
    expect(all(tried)).toMatch(/convert SpiderEndpoint default\/bare: .*possible only after step/);
    expect(await objects('v1')).toEqual(before);
    expect(await stored()).toEqual(KINDS.map(() => ['v1']));

    const proxy = await startFaultProxy(cluster);
    try {
      const cut = start(['upgrade', 'spiderpool', ...UPGRADE, '--yes'], {
        ...options,
        kubeconfig: await proxy.kubeconfigFrom(cluster.kubeconfig),
      });
      proxy.faults.push({ do: 'forward-unanswered', method: 'PATCH', path: /v2beta1\/spiderippools\/plain/, andThen: () => cut.kill() });
      const ended = await cut.ended;
      expect(ended.signal, all(ended)).toBe('SIGKILL');
    } finally {
      await proxy.close();
    }
    const resumed = await call('resume', '--yes');
    expect(resumed.code, all(resumed)).toBe(0);
    expect(await stored()).toEqual(KINDS.map(() => ['v2beta1']));
    const uid = (await cluster.get(pod('bare'))).metadata.uid;
    const was = (name: string) => before.find(({ metadata }) => metadata.name === name)!.metadata;
    expect(await one('v2beta1', 'bare')).toMatchObject({
      metadata: was('bare'),
      status: { current: { uid, node: 'n1', ips: [{ ipv4: '10.9.0.2/24' }] }, ownerControllerType: 'Pod', ownerControllerName: 'bare' },
    });
    const plain = await one('v2beta1', 'plain');
    expect([plain.metadata.uid, JSON.parse(plain.status.allocatedIPs), plain.status.allocatedIPCount]).toEqual([
      was('plain').uid,
      { '10.9.0.2': { pod: 'default/bare', podUid: uid }, '10.9.0.3': { pod: 'default/db-0', podUid: '' } },
      2,
    ]);
    expect((await one('v2beta1', 'auto-deployment-default-web-v4-0123456789ab')).metadata.labels).toMatchObject({
      [`${P}owner-application-name`]: 'web',
    });
    expect(JSON.parse((await cluster.helm3(['list', '-n', 'kube-system', '-o', 'json'])).stdout)).toMatchObject([
      { chart: 'spiderpool-0.9.13', status: 'deployed' },
    ]);
    const again = await call(
      'check',
      'spiderpool/crd-storage-version',
      'spiderpool/auto-pool-labels',
      'spiderpool/owner-controller-type',
      '--to',
      'spiderpool=0.9.13',
    );
    expect(again.code, all(again)).toBe(0);

    const undone = await call('undo', '--yes');
    expect(undone.code, all(undone)).toBe(0);
    expect(await stored()).toEqual(KINDS.map(() => ['v1']));
    expect((await crd('spiderippools')).spec.versions.map(({ name }: Body) => name)).toEqual(['v1']);
    expect(await objects('v1')).toEqual(before);
    const agents = await cluster.request('GET', '/apis/apps/v1/namespaces/kube-system/daemonsets/spiderpool-agent');
    expect(agents.body.spec.template.spec.containers[0].image).toContain('v0.3.5');
  });
});
