// Records of a release in ConfigMaps (HELM_DRIVER=configmap): helm is led to where they are, whatever our own environment says.
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import schema from '../../docs/check-result.schema.json' with { type: 'json' };
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { killStarted, newHome, run, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { layCrds } from '../bed/crds.ts';
import { startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';
import { COORDINATOR, DEFAULT_NETWORK } from './scene.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const cluster = bed();
const NAMESPACE = 'kube-system';
const [helm, HELM_BIN] = [cluster.helm3, tools().helm3];
const RECORDS = { env: { HELM_DRIVER: 'configmap' } };

describeUpstream('records in ConfigMaps', ['data', 'spiderpool', 'charts'], (charts) => {
  const started: Actor[] = [];
  beforeAll(async () => {
    started.push(await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'] }));
  });
  afterAll(async () => {
    for (const actor of started) await actor.stop();
  });
  const chartOf = (version: string) => join(charts, version, 'spiderpool');
  const history = async (): Promise<string[]> => {
    const { stdout } = await helm(['history', 'sp', '-n', NAMESPACE, '-o', 'json'], RECORDS);
    return JSON.parse(stdout).map(({ chart, status }: Body) => `${chart} ${status}`);
  };
  const install = async () => {
    await cluster.request('DELETE', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/upgrade-guard');
    await helm(['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks', '--wait'], RECORDS);
    await layCrds(cluster, join(chartOf('0.9.4'), 'crds'));
    await cluster.apply(COORDINATOR);
    const values = ['--set', 'spiderpoolController.podResourceInject.enabled=false', '--set', 'spiderpoolController.replicas=2'];
    const installed = await helm(
      ['install', 'sp', chartOf('0.9.4'), '-n', NAMESPACE, '--no-hooks', '--skip-crds', ...values, ...DEFAULT_NETWORK],
      RECORDS,
    );
    expect(installed.code, installed.stderr).toBe(0);
  };
  const upgrade = ['upgrade', 'spiderpool', '--chart', chartOf('0.9.13'), '--yes'];

  test.each<Record<string, string>>([{}, { HELM_DRIVER: 'secret' }])('%o: upgraded, and undone', async (said) => {
    await install();
    const options = { kubeconfig: cluster.kubeconfig, home: newHome(), env: { HELM_BIN, ...said } };
    const done = await run(upgrade, options);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(await history()).toEqual(['spiderpool-0.9.4 superseded', 'spiderpool-0.9.13 deployed']);
    const undone = await run(['undo', '--yes'], options);
    expect(undone.code, undone.stdout + undone.stderr).toBe(0);
    expect((await history()).at(-1)).toBe('spiderpool-0.9.4 deployed');
  });

  test('the result says so, and a runbook tells helm', async () => {
    await install();
    const options = { kubeconfig: cluster.kubeconfig, env: { HELM_BIN } };
    const checked = JSON.parse((await run(['check', 'spiderpool', '-o', 'json'], options)).stdout);
    expect(checked.installations[0].release).toMatchObject({ name: 'sp', driver: 'configmap' });
    const valid = new Ajv({ strict: false }).compile(schema);
    expect(valid(checked), JSON.stringify(valid.errors)).toBe(true);
    const runbook = await run(['plan', ...upgrade.slice(1, -1), '-o', 'shell'], options);
    expect(runbook.stdout).toMatch(/^set -eu\nexport HELM_DRIVER=configmap$/m);
  });

  test('helm killed with us: resume takes the pending record away and goes on', async () => {
    await install();
    const proxy = await startFaultProxy(cluster);
    const home = newHome();
    try {
      const options = { kubeconfig: await proxy.kubeconfigFrom(cluster.kubeconfig), home, env: { HELM_BIN }, input: '' };
      const cut = start(upgrade, options);
      const andThen = () => {
        cut.kill();
        killStarted(HELM_BIN, 'upgrade', NAMESPACE);
      };
      proxy.faults.push({ do: 'hold', method: 'PATCH', path: /daemonsets/, andThen });
      const { signal, stdout, stderr } = await cut.ended;
      expect(signal, stdout + stderr).toBe('SIGKILL');
    } finally {
      await proxy.close();
    }
    expect((await history()).at(-1)).toBe('spiderpool-0.9.13 pending-upgrade');
    const resumed = await run(['resume', '--yes'], { kubeconfig: cluster.kubeconfig, home, env: { HELM_BIN } });
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    expect(await history()).toEqual(['spiderpool-0.9.4 superseded', 'spiderpool-0.9.13 deployed']);
  });
});
