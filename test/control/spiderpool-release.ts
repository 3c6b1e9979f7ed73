// A release of the real Spiderpool chart, installed by real helm, seen through a fault proxy; with what an upgrade of it may change, and how it has to look at the end.
// One node more than controllers: they take ports of their node, and a rollout needs room. What kubelets would do is done by the bed's actor.

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { startKubelet } from '../bed/actors/index.ts';
import { hastened, killStarted, type Ran, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { layCrds } from '../bed/crds.ts';
import { startFaultProxy } from '../bed/fault-proxy.ts';
import type { Bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { COORDINATOR, DEFAULT_NETWORK, LEASE } from './scene.ts';

export const NAMESPACE = 'kube-system';
export const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;

/** Everything that the upgrade may change, without what a server or a controller counts up. */
const WATCHED = [
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ...['configmaps', 'services', 'serviceaccounts'].map((name) => `/api/v1/namespaces/${NAMESPACE}/${name}`),
  ...['deployments', 'daemonsets'].map((name) => `/apis/apps/v1/namespaces/${NAMESPACE}/${name}`),
  ...['clusterroles', 'clusterrolebindings'].map((name) => `/apis/rbac.authorization.k8s.io/v1/${name}`),
  ...['validating', 'mutating'].map((name) => `/apis/admissionregistration.k8s.io/v1/${name}webhookconfigurations`),
];

/** Of a file's own bed: its nodes and its proxy come and go with the file. `charts`: the folder of the charts, by version. */
export function releaseOf(cluster: Bed, charts: string) {
  const proxy = { ...({} as Awaited<ReturnType<typeof startFaultProxy>>) };
  const release = {
    proxy,
    kubeconfig: '',
    helm: cluster.helm4,
    HELM_BIN: tools().helm4,
    use(by: 'helm3' | 'helm4'): void {
      [release.helm, release.HELM_BIN] = [cluster[by], tools()[by]];
    },
    killHelms: () => killStarted(release.HELM_BIN, 'upgrade', NAMESPACE),
    chartOf: (version: string) => join(charts, version, 'spiderpool'),
    call: (words: string[], home: string): Promise<Ran> => run(words, { kubeconfig: release.kubeconfig, home, env: release.env() }),
    /** Workloads have to be ready for 10 s on end, of which a fifth is waited out here. */
    env: (): Record<string, string> => ({ HELM_BIN: release.HELM_BIN, ...hastened(5) }),
    upgrade: (to: string) => ['upgrade', 'spiderpool', '--chart', release.chartOf(to), '--yes'],
    history: async (): Promise<Body[]> => JSON.parse((await release.helm(['history', 'sp', '-n', NAMESPACE, '-o', 'json'])).stdout),
    newest: async () => (await release.history()).at(-1)!,
    keptSecrets: async (): Promise<Body[]> =>
      (await cluster.request('GET', SECRETS)).body.items.filter(({ metadata }: Body) => metadata.name.startsWith('upgrade-guard-')),
    async state(): Promise<Record<string, object>> {
      const lists = await Promise.all(
        WATCHED.map(async (path) => (await cluster.request('GET', path)).body.items.map((object: Body) => steady(path, object))),
      );
      return Object.fromEntries(lists.flat());
    },
    fine: (ran: Ran) => expect(ran.code, `${ran.stdout}${ran.stderr}`).toBe(0),

    async install(version: string): Promise<void> {
      proxy.faults.length = 0;
      await cluster.request('DELETE', LEASE);
      await release.helm(['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks', '--wait']);
      for (const { metadata } of await release.keptSecrets()) await cluster.request('DELETE', `${SECRETS}/${metadata.name}`);
      await layCrds(cluster, join(release.chartOf(version), 'crds'));
      await cluster.apply(COORDINATOR);
      const values = ['--set', 'spiderpoolController.podResourceInject.enabled=false', '--set', 'spiderpoolController.replicas=2'];
      const quiet = ['--no-hooks', '--skip-crds', ...values, ...DEFAULT_NETWORK];
      const { code, stderr } = await release.helm(['install', 'sp', release.chartOf(version), '-n', NAMESPACE, ...quiet]);
      expect(code, stderr).toBe(0);
    },
    /** Installs, unless what stands is exactly what an install by this helm made: an undo that was whole leaves nothing to install again. Answers the state. */
    async installed(version: string): Promise<Record<string, object>> {
      const last = stands?.version === version && stands.by === release.HELM_BIN ? stands.state : undefined;
      if (!last || !isDeepStrictEqual(await release.state(), last)) {
        await release.install(version);
        stands = { version, by: release.HELM_BIN, state: await release.state() };
      }
      return stands!.state;
    },
    async upgraded(to: string): Promise<void> {
      expect(await release.newest()).toMatchObject({ status: 'deployed', chart: `spiderpool-${to}` });
      const deployment = await cluster.get({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { namespace: NAMESPACE, name: 'spiderpool-controller' },
      });
      // The values of the release are still those that its owner gave it.
      expect(deployment.spec.replicas).toBe(2);
      expect(await release.keptSecrets()).toEqual([]);
      expect((await cluster.request('GET', LEASE)).status).toBe(404);
    },
  };
  let stands: { version: string; by: string; state: Record<string, object> } | undefined;
  let kubelet: Awaited<ReturnType<typeof startKubelet>> | undefined;
  beforeAll(async () => {
    kubelet = await startKubelet(cluster, { nodes: ['n1', 'n2', 'n3'] });
    Object.assign(proxy, await startFaultProxy(cluster));
    release.kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
  });
  afterAll(async () => {
    await proxy.close();
    await kubelet?.stop();
  });
  return release;
}

function steady(path: string, { metadata, status: _, ...rest }: Body): [string, object] {
  const { resourceVersion: _v, generation: _g, managedFields: _m, uid: _u, creationTimestamp: _c, annotations = {}, ...who } = metadata;
  const { 'deployment.kubernetes.io/revision': _r, 'deprecated.daemonset.template.generation': _t, ...notes } = annotations;
  return [`${path}/${metadata.name}`, { metadata: { ...who, annotations: notes }, ...rest }];
}
