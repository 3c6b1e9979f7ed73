import { expect, test } from 'vitest';
import type { Judgement, Situation } from '../../../src/engine/contracts.ts';
import check from '../../../src/systems/kubernetes/checks/client-skew.ts';
import { grid } from '../../grid.ts';

grid('kubernetes/client-skew', [
  { fixture: 'found', to: 'kubernetes=1.31', expect: ['notice Deployment/ops/waiter', 'notice CronJob/ops/clean-up'] },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'notice Deployment/ops/waiter' },
  { fixture: 'healthy', to: 'kubernetes=1.31', expect: 'passed' },
  { fixture: 'healthy', forbidden: ['cronjobs.batch'], expect: 'unknown' },
]);

test('half upgraded: too old for one of the API servers is enough', async () => {
  const server = (version: string) => ({ address: version, version });
  const at = { path: { from: 'v1.30.4', hops: [] }, cluster: { servers: [server('v1.30.4'), server('v1.31.2')] } } as unknown as Situation;
  const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ops', name: 'old' };
  const found = async (version: string) => {
    const rows = {
      daemonSets: [],
      statefulSets: [],
      cronJobs: [],
      deployments: [{ ref, containers: [{ image: `bitnami/kubectl:${version}` }], inits: [] }],
    };
    const judged = (await check.judge(rows as never, at)) as Extract<Judgement<{ server: string }>, readonly unknown[]>;
    return judged.map(({ args }) => args.server);
  };
  expect([await found('1.29'), await found('1.30'), await found('1.32'), await found('1.33')]).toEqual([['1.31'], [], ['1.30'], ['1.30']]);
});
