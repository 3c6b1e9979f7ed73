// The checks that decide whether an upgrade of Spiderpool can start, with the real charts by real helm; and the way through a target that is known to be bad.
// The bed's kubelet plays spiderpool-init and multus: what the one writes into the ConfigMap, and what the other copies from it when it starts (v0.9.4, v0.9.5).
// Nothing answers the charts' webhooks, so their configurations are taken away.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { hastened, newHome, type Ran, run, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { type Seen, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const cluster = bed();
const { kubeconfig } = cluster;
const NAMESPACE = 'kube-system';
const helm = cluster.helm3;
const env = { HELM_BIN: tools().helm3, ...hastened(5) };
const NETWORK = 'k8s-pod-network';
const CONFIG = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'spiderpool-multus', namespace: NAMESPACE } };
const COORDINATOR = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderCoordinator', metadata: { name: 'default' } };

describeUpstream('whether an upgrade can start', ['data', 'spiderpool', 'charts'], (charts) => {
  const started: Actor[] = [];
  /** clusterNetwork that multus of an agent found when it started, by Pod. */
  const copied = new Map<string, string>();
  const chartOf = (version: string) => join(charts, version, 'spiderpool');
  const network = async (): Promise<string | undefined> => {
    const conf = (await cluster.get(CONFIG))?.data['cni-conf.json'];
    return conf === undefined ? undefined : JSON.parse(conf).clusterNetwork;
  };
  const setNetwork = async () => {
    const conf = JSON.parse((await cluster.get(CONFIG))?.data['cni-conf.json']);
    const data = { 'cni-conf.json': JSON.stringify({ ...conf, clusterNetwork: NETWORK }) };
    const path = `/api/v1/namespaces/${NAMESPACE}/configmaps/${CONFIG.metadata.name}?fieldManager=spiderpool-init`;
    await cluster.request('PATCH', path, { data }, 'application/merge-patch+json');
  };
  const noWebhooks = async () => {
    for (const kind of ['mutating', 'validating']) await cluster.kubectl(['delete', `${kind}webhookconfigurations`, '--all']);
  };
  const history = async (): Promise<Body[]> => JSON.parse((await helm(['history', 'sp', '-n', NAMESPACE, '-o', 'json'])).stdout);
  const upgrade = (to: string, ...words: string[]) =>
    run(['upgrade', 'spiderpool', '--chart', chartOf(to), ...words], { kubeconfig, env, home });
  const checked = async (id: string, ...words: string[]) => {
    const ran = await run(['check', 'spiderpool', '-o', 'json', ...words], { kubeconfig, home });
    return JSON.parse(ran.stdout).checks.find((each: Body) => each.id === id);
  };
  const said = ({ stdout, stderr }: Ran) => stdout + stderr;
  const agents = async (): Promise<Body[]> => {
    const { body } = await cluster.request(
      'GET',
      `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io/component=spiderpool-agent`,
    );
    return body.items.filter((pod: Body) => !pod.metadata.deletionTimestamp);
  };
  const install = async (version: string, ...words: string[]) => {
    const installed = await helm(['install', 'sp', chartOf(version), '-n', NAMESPACE, ...words]);
    expect(installed.code, installed.stderr).toBe(0);
    await noWebhooks();
  };
  const isInit = (pod: Body) => ['my-init', 'spiderpool-init'].includes(pod.metadata.name);
  let home = newHome();

  beforeAll(async () => {
    const played = async (container: Body, pod: Body) => {
      if (container.name === 'multus-cni') copied.set(pod.metadata.name, (await network()) ?? '');
      if (isInit(pod)) await setNetwork();
      return pod.spec.restartPolicy === 'Always' ? undefined : { exit: 0 };
    };
    started.push(
      await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'], play: { label: 'app.kubernetes.io/component', container: played } }),
    );
  });
  afterEach(async () => {
    await helm(['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks']);
    await noWebhooks();
    await cluster.kubectl(['delete', 'crd', '--all', '--timeout=60s']);
    home = newHome();
  });
  afterAll(async () => {
    for (const actor of started) await actor.stop();
  });

  test('0.9.4 → 0.9.5: refused with what to take instead; accepted by name it ends where Pods start, and is undone', async () => {
    await install('0.9.4');
    await expect.poll(network, { timeout: 60_000 }).toBe(NETWORK);
    await cluster.apply({ ...COORDINATOR, spec: { mode: 'auto', hostRuleTable: 500, txQueueLen: 0 } });
    expect((await cluster.get(COORDINATOR))?.spec.podRPFilter).toBeUndefined();

    const refused = await upgrade('0.9.5', '--yes');
    expect(refused.code, said(refused)).toBe(2);
    expect(said(refused)).toMatch(/0\.9\.4 → 0\.9\.5: .*clusterNetwork.*Upgrade to 0\.9\.13 instead/s);
    expect(await history()).toHaveLength(1);

    const healthy = await upgrade('0.9.13', '--dry-run=client');
    expect(said(healthy)).not.toMatch(/set (clusterNetwork|spec)|mark the Pods/);

    const done = await upgrade('0.9.5', '--accept', 'spiderpool/target-version', '--yes');
    expect([0, 3], said(done)).toContain(done.code);
    expect((await history()).map(({ chart, status }) => `${chart} ${status}`)).toEqual([
      'spiderpool-0.9.4 superseded',
      'spiderpool-0.9.5 deployed',
    ]);
    expect(await network()).toBe(NETWORK);
    expect((await cluster.get(COORDINATOR))?.spec.podRPFilter).toBe(0);
    const pods = await agents();
    expect(pods).toHaveLength(3);
    for (const { metadata, spec } of pods) {
      expect(spec.containers[0].image).toContain('0.9.5');
      expect(copied.get(metadata.name), metadata.name).toBe(NETWORK);
    }

    await noWebhooks();
    const undone = await run(['undo', '--yes'], { kubeconfig, env, home });
    expect(undone.code, said(undone)).toBe(0);
    expect((await history()).at(-1)).toMatchObject({ chart: 'spiderpool-0.9.4', status: 'deployed' });
    // spiderpool-init of 0.9.4 is a Pod, which the rollback creates again.
    await expect.poll(network, { timeout: 60_000 }).toBe(NETWORK);
  });

  test('killed behind helm, with clusterNetwork empty: what it was is in the journal, and resume puts it back', async () => {
    await install('0.9.4');
    await expect.poll(network, { timeout: 60_000 }).toBe(NETWORK);
    const proxy = await startFaultProxy(cluster);
    try {
      const through = await proxy.kubeconfigFrom(kubeconfig);
      const words = ['upgrade', 'spiderpool', '--chart', chartOf('0.9.5'), '--accept', 'spiderpool/target-version', '--yes'];
      const cut = start(words, { kubeconfig: through, env, home, input: '' });
      const isOurs = ({ method, path }: Seen) => method === 'PATCH' && /\/configmaps\/spiderpool-multus\?.*upgrade-guard/.test(path);
      proxy.faults.push({ do: 'hold', where: isOurs, andThen: cut.kill });
      const { signal, stdout, stderr } = await cut.ended;
      expect(signal, stdout + stderr).toBe('SIGKILL');
    } finally {
      await proxy.close();
    }
    expect(await network()).toBe('');
    await noWebhooks();
    const resumed = await run(['resume', '--yes'], { kubeconfig, env, home });
    expect([0, 3], said(resumed)).toContain(resumed.code);
    expect(await network()).toBe(NETWORK);
    for (const { metadata } of await agents()) expect(copied.get(metadata.name), metadata.name).toBe(NETWORK);
  });

  test('0.9.0 → 0.9.4: the init Pod of the install, by whatever name, makes way for a new one that runs again', async () => {
    const values = ['--set', 'spiderpoolInit.name=my-init'];
    const init = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'my-init', namespace: NAMESPACE } };
    await install('0.9.0', ...values);
    await expect.poll(async () => (await cluster.get(init))?.status.phase, { timeout: 60_000 }).toBe('Succeeded');
    const before = await cluster.get(init);
    const found = await checked('spiderpool/init-pod', '--to', 'spiderpool=0.9.4');
    expect(found.findings.map(({ severity, objects }: Body) => [severity, objects[0].name])).toEqual([['blocker', 'my-init']]);
    expect((await checked('spiderpool/init-pod', '--to', 'spiderpool=0.9.13')).outcome).toBe('not-applicable');

    const done = await upgrade('0.9.4', '--accept', 'spiderpool/target-version', '--yes');
    expect([0, 3], said(done)).toContain(done.code);
    expect(said(done)).toContain('delete completed Pod kube-system/my-init');
    await expect.poll(async () => (await cluster.get(init))?.status.phase, { timeout: 60_000 }).toBe('Succeeded');
    expect((await cluster.get(init))?.metadata.uid).not.toBe(before?.metadata.uid);
    await expect.poll(network, { timeout: 60_000 }).toBe(NETWORK);
    expect((await history()).at(-1)).toMatchObject({ chart: 'spiderpool-0.9.4', status: 'deployed' });
    // The new one blocks nothing any more: there is no upgrade to what is installed.
    expect((await checked('spiderpool/init-pod', '--to', 'spiderpool=0.9.4')).outcome).toBe('not-applicable');
  });

  test('0.9.4 → 1.0.6: fields that go, and what a rollback would miss; silent once the new definitions are there', async () => {
    await install('0.9.4');
    const chart = ['--chart', chartOf('1.0.6')];
    const ids = ['spiderpool/removed-fields', 'spiderpool/rollback-crds'] as const;
    const both = async () => {
      const [removed, rollback] = [await checked(ids[0], ...chart), await checked(ids[1], ...chart)];
      return [removed, rollback].map(({ outcome, findings }: Body) => [
        outcome,
        ...findings.map(({ args }: Body) => args.field ?? args.what),
      ]);
    };
    await cluster.apply({ ...COORDINATOR, spec: { mode: 'auto', detectGateway: true, detectIPConflict: false } });
    expect(await both()).toEqual([
      ['found', 'spec.detectGateway'],
      ['found', 'agents', 'fields'],
    ]);
    const applied = await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(chartOf('1.0.6'), 'crds')]);
    expect(applied.code, applied.stderr).toBe(0);
    // The field has gone, as the check said.
    await expect.poll(async () => (await cluster.get(COORDINATOR))?.spec.detectGateway, { timeout: 20_000 }).toBeUndefined();
    await expect.poll(both, { timeout: 30_000 }).toEqual([['passed'], ['passed']]);
  });
});
