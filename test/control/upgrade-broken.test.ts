// The upgrade as it is needed: the real 0.9.4 by real helm, broken in the ways that are known, and one command of the Helm plugin that checks, repairs, upgrades and proves it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { helmPluginFolder } from '../../scripts/archive.ts';
import { hostTarget } from '../../scripts/targets.ts';
import { startKubelet, startSpiderpool } from '../bed/actors/index.ts';
import { BINARY, hastened, newHome, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { layCrds } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';
import { describeUpstream } from '../bed/upstream.ts';
import { COORDINATOR, DEFAULT_NETWORK } from './scene.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });
const cluster = bed();
const NAMESPACE = 'kube-system';
const helm = cluster.helm4;
const apiVersion = 'spiderpool.spidernet.io/v2beta1';
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 60_000, interval: 200 });
const ended = async (running: Promise<{ code: number | null; stdout: string; stderr: string }>) => {
  const ran = await running;
  expect(ran.code, `${ran.stdout}${ran.stderr}`).toBe(0);
  return ran;
};

const pool = { apiVersion, kind: 'SpiderIPPool', metadata: { name: 'pool' } };
const workload = (kind: string, name: string, namespace: string) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace },
  spec: {
    replicas: 1,
    ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations: { 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: ['pool'] }) } },
      spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] },
    },
  },
});
const bare = {
  apiVersion,
  kind: 'SpiderEndpoint',
  metadata: { name: 'bare', namespace: 'default' },
  status: { current: { uid: 'u', node: 'n1', ips: [] }, ownerControllerType: 'None', ownerControllerName: 'bare' },
};

describeUpstream('a definition that lacks a field, and objects to write under it', ['data', 'spiderpool', 'charts'], (charts) => {
  test('the definition is put right first, and no address is lost', async () => {
    const chart = join(charts, '0.9.13', 'spiderpool');
    await layCrds(cluster, join(chart, 'crds'));
    await ended(helm(['install', 'sp', chart, '-n', NAMESPACE, '--no-hooks', '--skip-crds']));
    const ips = [{ interface: 'eth0', ipv4: '10.6.1.7/16', ipv4Pool: 'pool', vlan: 0 }];
    await cluster.apply({ ...bare, status: { ...bare.status, current: { ...bare.status.current, ips } } });
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/spiderendpoints.spiderpool.spidernet.io';
    const whole = (await cluster.request('GET', path)).body;
    const cut = structuredClone(whole);
    const { properties } = cut.spec.versions[0].schema.openAPIV3Schema.properties.status;
    delete properties.current.properties.ips.items.properties.ipv4;
    await cluster.request('PUT', path, cut);
    const address = async () => (await cluster.get(bare)).status.current.ips[0].ipv4;
    await soon(async () => expect(await address()).toBeUndefined());
    const home = newHome();
    const words = ['fix', 'spiderpool/owner-controller-type', 'spiderpool/crds-current', '--chart', chart, '--yes'];
    const fixed = await run(words, { kubeconfig: cluster.kubeconfig, home });
    expect(fixed.code, `${fixed.stdout}${fixed.stderr}`).toBe(0);
    expect((await cluster.get(bare)).status.ownerControllerType).toBe('Pod');
    expect(await address()).toBe('10.6.1.7/16');
    await ended(helm(['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks', '--wait']));
    await cluster.remove(bare);
  });
});

describeUpstream('0.9.4, broken', ['data', 'spiderpool', 'charts'], (charts) => {
  test('helm spiderpool-upgrade checks it, repairs it, upgrades it to 0.9.13 and proves it', async () => {
    const chartOf = (version: string) => join(charts, version, 'spiderpool');
    const values = ['--set', 'spiderpoolController.podResourceInject.enabled=false'];
    await layCrds(cluster, join(chartOf('0.9.4'), 'crds'));
    await ended(helm(['install', 'sp', chartOf('0.9.4'), '-n', NAMESPACE, '--no-hooks', '--skip-crds', ...values, ...DEFAULT_NETWORK]));
    // Nothing answers the webhooks here; helm brings them again.
    for (const kind of ['validating', 'mutating']) await ended(cluster.kubectl(['delete', `${kind}webhookconfigurations`, '--all']));
    await cluster.apply(COORDINATOR);
    const spiderpool = await startSpiderpool(cluster);
    const kubelet = await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'], ips: spiderpool.ips });
    const data = mkdtempSync(join(tmpdir(), 'ug-upgrade-broken-'));
    try {
      const namespace = await cluster.namespace('shop');
      const running = (app: string) =>
        soon(async () => {
          const { items } = (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`)).body;
          const [pod] = items.filter(({ metadata, status }: Body) => !metadata.deletionTimestamp && status.podIPs?.length);
          expect(pod?.status.phase).toBe('Running');
          return pod;
        });
      await cluster.apply({ ...pool, spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.1.20'] }, status: {} });
      await cluster.apply(workload('StatefulSet', 'cart', namespace), bare);
      const cart = await running('cart');
      // As the garbage collection of 0.9.4 does it: the record of a running Pod is gone, and the next one is given its address.
      await cluster.request('PATCH', `/apis/${apiVersion}/spiderippools/pool/status`, {
        status: { allocatedIPs: '', allocatedIPCount: 0 },
      });
      await cluster.apply(workload('Deployment', 'web', namespace));
      const web = await running('web');
      expect(web.status.podIP).toBe(cart.status.podIP);

      mkdirSync(join(data, 'plugins'), { recursive: true });
      symlinkSync(helmPluginFolder({ target: hostTarget(), path: BINARY }, data), join(data, 'plugins', 'spiderpool-upgrade'));
      const env = { HELM_DATA_HOME: data, HELM_CACHE_HOME: join(data, 'cache'), XDG_STATE_HOME: join(data, 'state'), ...hastened(5) };
      const plugin = (...words: string[]) => helm(['spiderpool-upgrade', ...words], { env });
      const done = await ended(plugin('--to', '0.9.13', '--chart', chartOf('0.9.13'), '--yes'));
      for (const check of ['duplicate-pod-ip', 'owner-controller-type', 'crds-current'])
        expect(done.stdout, check).toContain(`gone: spiderpool/${check}`);
      const history = JSON.parse((await ended(helm(['history', 'sp', '-n', NAMESPACE, '-o', 'json']))).stdout);
      expect(history.at(-1)).toMatchObject({ revision: 2, status: 'deployed', chart: 'spiderpool-0.9.13' });
      expect((await cluster.get(bare)).status.ownerControllerType).toBe('Pod');
      const moved = await running('cart');
      expect(moved.status.podIP).not.toBe(cart.status.podIP);
      expect((await running('web')).metadata.uid).toBe(web.metadata.uid);
      await ended(plugin('check', 'spiderpool', '--chart', chartOf('0.9.13')));
    } finally {
      await kubelet.stop();
      await spiderpool.stop();
      rmSync(data, { recursive: true, force: true });
    }
  });
});
