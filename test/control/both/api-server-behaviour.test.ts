// What API servers themselves do that checks rely on: the settings of kubernetes/ignored-settings, which the oldest still honours and the newest no longer does, and the calls of
// webhooks of which kubernetes/webhook-backend speaks.
import { expect, test, vi } from 'vitest';
import { bed } from '../../bed/index.ts';

const cluster = bed();
const OLD = cluster.version === '1.24';
const KEY = 'seccomp.security.alpha.kubernetes.io';

test('a seccomp profile in annotations reaches the fields of a new Pod, of init containers too, or nothing', async () => {
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      name: 'p',
      namespace: 'default',
      annotations: { [`${KEY}/pod`]: 'docker/default', [`container.${KEY}/i`]: 'localhost/i.json' },
    },
    spec: { containers: [{ name: 'c', image: 'i:1' }], initContainers: [{ name: 'i', image: 'i:1' }] },
  };
  const { status, body } = await cluster.request('POST', '/api/v1/namespaces/default/pods?dryRun=All', pod);
  expect(status, body.message).toBe(201);
  const { securityContext, initContainers } = body.spec;
  expect([securityContext.seccompProfile, initContainers[0].securityContext?.seccompProfile]).toEqual(
    OLD ? [{ type: 'RuntimeDefault' }, { type: 'Localhost', localhostProfile: 'i.json' }] : [undefined, undefined],
  );
});

test('a CronJob with a time zone in its schedule is created, or refused', async () => {
  const job = {
    ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'c', namespace: 'default' } },
    spec: {
      schedule: 'CRON_TZ=UTC 0 3 * * *',
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1' }] } } } },
    },
  };
  const { status, body } = await cluster.request('POST', '/apis/batch/v1/namespaces/default/cronjobs?dryRun=All', job);
  expect([status, status === 422 && /spec\.schedule: .*TZ/.test(body.message)]).toEqual(OLD ? [201, false] : [422, true]);
});

test.each([
  [{ clusterIP: 'None', ports: [{ port: 443 }] }, 'cannot route to service with ClusterIP "None"'],
  [{ ports: [{ port: 8443 }] }, 'no service port 443 found'],
  [undefined, 'not found'],
])('a webhook with Service %j: %s', async (spec, said) => {
  const namespace = await cluster.namespace('hooks');
  if (spec) await cluster.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace }, spec });
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }];
  await cluster.apply({
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: namespace } },
    webhooks: [
      {
        ...{ name: 'h.example.com', failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'], rules },
        clientConfig: { service: { namespace, name: 's' } },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      },
    ],
  });
  const created = () =>
    cluster.request('POST', `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c' },
    });
  await vi.waitFor(async () => expect((await created()).body.message).toContain(said), { timeout: 30_000, interval: 100 });
});

test('a Pod that is not ready cannot be evicted where its budget asks for none to stay; it can where others are enough', async () => {
  const namespace = await cluster.namespace('budgets');
  const pod = (name: string, app: string, ready: string) => ({
    ...{
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i:1' }] },
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
  });
  const budget = (name: string) => ({
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name, namespace } },
    spec: { minAvailable: name === 'none' ? 0 : 1, selector: { matchLabels: { app: name } } },
  });
  await cluster.apply(
    pod('none-0', 'none', 'False'),
    pod('some-0', 'some', 'False'),
    pod('some-1', 'some', 'True'),
    budget('none'),
    budget('some'),
  );
  const evicted = async (name: string) => {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
    const { status, body } = await cluster.request('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction?dryRun=All`, eviction);
    return [status, body.details?.causes?.[0]?.message];
  };
  await vi.waitFor(
    async () => {
      expect(await evicted('none-0')).toEqual([429, 'The disruption budget none needs 0 healthy pods and has 0 currently']);
      expect(await evicted('some-0')).toEqual([201, undefined]);
    },
    { timeout: 30_000, interval: 100 },
  );
});

// kubernetes/exec-rights: what a WebSocket begins with is a GET. The API server asks before it looks for the Pod.
test.each(['exec', 'attach', 'portforward'])('get on pods/%s is enough for it, or create is asked for too', async (subresource) => {
  const opened = async (...verbs: string[]) => {
    const kubeconfig = await cluster.user('user-1', [{ apiGroups: [''], resources: [`pods/${subresource}`], verbs }]);
    const { stderr } = await cluster.kubectl(['get', '--raw', `/api/v1/namespaces/default/pods/absent/${subresource}`], { kubeconfig });
    return /\((\w+)\)/.exec(stderr)?.[1];
  };
  expect([await opened('get'), await opened('get', 'create')]).toEqual([OLD ? 'NotFound' : 'Forbidden', 'NotFound']);
});

test('the credentials of a kubelet read every Node and Pod, or those of its own Node', async () => {
  const read = async (path: string) => {
    const asKubelet = ['--as', 'system:node:w1', '--as-group', 'system:nodes'];
    const { stderr } = await cluster.kubectl(['get', '--raw', `/api/v1/${path}`, ...asKubelet]);
    return /\((\w+)\)/.exec(stderr)?.[1] ?? stderr;
  };
  const own = ['pods?fieldSelector=spec.nodeName%3Dw1', 'nodes?fieldSelector=metadata.name%3Dw1', 'services'];
  expect(await Promise.all(own.map(read))).toEqual(own.map(() => ''));
  const all = ['nodes', 'pods', 'nodes/w2'];
  expect(await Promise.all(all.map(read))).toEqual(OLD ? ['', '', 'NotFound'] : all.map(() => 'Forbidden'));
});
