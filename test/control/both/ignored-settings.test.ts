// What API servers themselves do with the settings of kubernetes/ignored-settings: the oldest still honours them, the newest no longer does.
import { expect, test } from 'vitest';
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
