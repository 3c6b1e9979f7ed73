// Records of a release in ConfigMaps (HELM_DRIVER=configmap): helm is led to where they are, whatever our own environment says.
// And the images of the target, pulled ahead from a mirror: a node that cannot is named with why before anything is changed; killed meanwhile, resumed and undone.
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import schema from '../../docs/check-result.schema.json' with { type: 'json' };
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import type { Ending } from '../bed/actors/pod.ts';
import { hastened, killStarted, newHome, run, start } from '../bed/binary.ts';
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
/** Workloads have to be ready for 10 s on end, of which a fifth is waited out here. */
const ENV = { HELM_BIN, ...hastened(5) };
const RECORDS = { env: { HELM_DRIVER: 'configmap' } };

describeUpstream('records in ConfigMaps', ['data', 'spiderpool', 'charts'], (charts) => {
  const started: Actor[] = [];
  beforeAll(async () => {
    started.push(await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'], play: { label: 'upgrade-guard/pulls', container: pulls } }));
  });
  afterAll(async () => {
    for (const actor of started) await actor.stop();
  });
  /** What becomes of the first image on n2; elsewhere, and of the others, it is there at once. */
  let onSecond: () => Promise<Ending | undefined> | Ending = () => ({ exit: 0 });
  const pulls = ({ name }: Body, { spec }: Body) =>
    name === 'pulled' ? undefined : spec.nodeName === 'n2' && name === 'pull-1' ? onSecond() : { exit: 0 };
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
    const options = { kubeconfig: cluster.kubeconfig, home: newHome(), env: { ...ENV, ...said } };
    const done = await run(upgrade, options);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(await history()).toEqual(['spiderpool-0.9.4 superseded', 'spiderpool-0.9.13 deployed']);
    // What is changed manually after the upgrade does not outlive the rollback: said before.
    const conf = '/api/v1/namespaces/kube-system/configmaps/spiderpool-conf';
    await cluster.request('PATCH', conf, { data: { clusterNetwork: 'mine' } });
    expect((await run(['undo', '--dry-run=client'], options)).stdout.replace(/\s+/g, ' ')).toContain('Lost: what was changed manually');
    const undone = await run(['undo', '--yes'], options);
    expect(undone.code, undone.stdout + undone.stderr).toBe(0);
    expect((await history()).at(-1)).toBe('spiderpool-0.9.4 deployed');
    expect((await cluster.request('GET', conf)).body.data.clusterNetwork).not.toBe('mine');
  });

  test('the result says so, and a runbook tells helm', async () => {
    await install();
    const options = { kubeconfig: cluster.kubeconfig, env: ENV };
    const checked = JSON.parse((await run(['check', 'spiderpool', '-o', 'json'], options)).stdout);
    expect(checked.installations[0].release).toMatchObject({ name: 'sp', driver: 'configmap' });
    const valid = new Ajv({ strict: false }).compile(schema);
    expect(valid(checked), JSON.stringify(valid.errors)).toBe(true);
    const runbook = await run(['plan', ...upgrade.slice(1, -1), '-o', 'shell'], options);
    expect(runbook.stdout).toMatch(/^set -eu\nif .* exit 1; fi\nexport HELM_DRIVER=configmap$/m);
  });

  test('beside a history in Secrets: the one that HELM_DRIVER chooses is judged and planned for, the other is named', async () => {
    await install();
    // As after a change of the driver: helm takes over what is there.
    const again = await helm(['install', 'sp', chartOf('0.9.4'), '-n', NAMESPACE, '--no-hooks', '--skip-crds', ...DEFAULT_NETWORK]);
    expect(again.code, again.stderr).toBe(0);
    const options = (env: Record<string, string>) => ({ kubeconfig: cluster.kubeconfig, env: { ...ENV, ...env } });
    for (const [env, other, exported] of [
      [{}, 'ConfigMap', false],
      [{ HELM_DRIVER: 'secret' }, 'ConfigMap', false],
      [{ HELM_DRIVER: 'configmap' }, 'Secret', true],
    ] as const) {
      const checked = await run(['check', 'spiderpool/release-deployed', '-o', 'json'], options(env));
      const [{ findings }] = JSON.parse(checked.stdout).checks;
      expect(findings, checked.stderr).toMatchObject([{ severity: 'notice', args: { state: 'two-drivers', kind: other, revision: 1 } }]);
      const runbook = await run(['plan', ...upgrade.slice(1, -1), '-o', 'shell'], options(env));
      expect(/^export HELM_DRIVER=configmap$/m.test(runbook.stdout), runbook.stdout + runbook.stderr).toBe(exported);
    }
    await helm(['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks', '--wait']);
  });

  test('images are pulled ahead from a mirror', async () => {
    await install();
    const home = newHome();
    const options = { kubeconfig: cluster.kubeconfig, home, env: { HELM_BIN, ...hastened(10) }, input: '' };
    const all = (ran: { stdout: string; stderr: string }) => `${ran.stdout}${ran.stderr}`.replaceAll(/\s+/g, ' ');
    const mirrored = [...upgrade, '--mirror', 'registry.example:5000/ghcr'];
    const lists = async (...images: string[]) => {
      const status = { images: images.map((image) => ({ names: [image] })) };
      for (const node of ['n1', 'n2', 'n3']) await cluster.request('PATCH', `/api/v1/nodes/${node}/status`, { status });
    };
    const sets = async (): Promise<Body[]> =>
      (await cluster.request('GET', `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets`)).body.items.filter(({ metadata }: Body) =>
        metadata.name.startsWith('upgrade-guard-'),
      );
    await lists('registry.k8s.io/pause:3.10');

    onSecond = () => ({ waiting: 'ImagePullBackOff', message: 'registry.example:5000: no such host' });
    const failed = await run([...mirrored, '--timeout', '60s'], options);
    expect(failed.code, all(failed)).toBe(4);
    expect(all(failed)).toMatch(/2 of 3 Pod in kube-system \(\S+\): n2 \(registry\.example:5000: no such host\)/);
    const [set] = await sets();
    expect(set!.spec.template.spec.containers[0].image).toBe('registry.example:5000/ghcr/spidernet-io/spiderpool/spiderpool-agent:v0.9.13');
    expect(await history()).toEqual(['spiderpool-0.9.4 deployed']);
    const given = await run(['undo', '--yes'], options);
    expect([given.code, await sets()], all(given)).toEqual([0, []]);

    const pulled = Promise.withResolvers<Ending>();
    const begun = Promise.withResolvers<void>();
    onSecond = () => {
      begun.resolve();
      return pulled.promise;
    };
    const cut = start(mirrored, options);
    await begun.promise;
    cut.kill();
    expect((await cut.ended).signal).toBe('SIGKILL');
    pulled.resolve({ exit: 0 });
    const resumed = await run(['resume', '--yes'], options);
    expect(resumed.code, all(resumed)).toBe(0);
    expect(await sets()).toEqual([]);
    expect(await history()).toEqual(['spiderpool-0.9.4 superseded', 'spiderpool-0.9.13 deployed']);
    // Only the registry is new: what the release was given stays.
    expect(JSON.parse((await helm(['get', 'values', 'sp', '-n', NAMESPACE, '-o', 'json'], RECORDS)).stdout)).toMatchObject({
      global: { imageRegistryOverride: 'registry.example:5000/ghcr' },
      spiderpoolController: { replicas: 2 },
      multus: { multusCNI: { defaultCniCRName: 'k8s-pod-network' } },
    });
    const undone = await run(['undo', '--yes'], options);
    expect([undone.code, await sets()], all(undone)).toEqual([0, []]);
    expect((await history()).at(-1)).toBe('spiderpool-0.9.4 deployed');

    // Once nodes list them, nothing is left to pull.
    const containers = [...set!.spec.template.spec.containers, ...set!.spec.template.spec.initContainers];
    await lists(...containers.map(({ image }: Body) => image));
    const plan = await run(['plan', ...mirrored.slice(1).filter((word) => word !== '--yes'), '-o', 'json'], options);
    expect(JSON.parse(plan.stdout).stages.flatMap(({ steps }: Body) => steps.map((step: Body) => step.do))).not.toContain('create');
    await lists();
  });

  test('helm killed with us: resume takes the pending record away and goes on', async () => {
    await install();
    const proxy = await startFaultProxy(cluster);
    const home = newHome();
    try {
      const options = { kubeconfig: await proxy.kubeconfigFrom(cluster.kubeconfig), home, env: ENV, input: '' };
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
    const resumed = await run(['resume', '--yes'], { kubeconfig: cluster.kubeconfig, home, env: ENV });
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    expect(await history()).toEqual(['spiderpool-0.9.4 superseded', 'spiderpool-0.9.13 deployed']);
  });
});
