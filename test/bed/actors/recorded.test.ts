// The system-upgrade-controller actor against recordings of the real one (0.20.1 on Kubernetes 1.37): the Jobs it makes, field by field.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Body } from '../client.ts';
import { describeUpstream } from '../upstream.ts';
import { APPLIED, appliedTo, jobOf } from './upgrade-job.ts';

describeUpstream('Jobs of the real system-upgrade-controller', ['data', 'k3s', 'recorded', 'suc-0.20.1'], (folder) => {
  const [nodes, failed, drained, failedPlan, drainPlan] = [
    'nodes-failed.json',
    'jobs-failed.json',
    'job-drain.json',
    'plans-failed.json',
    'plan-drain.json',
  ].map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).items as Body[]);
  const made = (plan: Body, job: Body) => {
    const node = nodes!.find(({ metadata }) => metadata.name === job.metadata.labels['upgrade.cattle.io/node']);
    const { backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished } = job.spec;
    return jobOf('v0.20', plan, node, { backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished });
  };
  const pairs = [
    { of: 'cordons', plan: failedPlan![0], job: failed![0] },
    { of: 'drains', plan: drainPlan![0], job: drained![0] },
  ];

  test.each(pairs)('of a Plan that $of: what the controller applied', ({ plan, job }) => {
    expect(appliedTo(made(plan, job))).toEqual(appliedTo(job!));
  });
  test.each(pairs)('of a Plan that $of: the API server kept nothing else of it but defaults', ({ plan, job }) => {
    const { metadata, spec } = made(plan, job);
    const { [APPLIED]: _, ...annotations } = metadata.annotations;
    expect(job).toMatchObject({ metadata: { ...metadata, annotations }, spec });
    expect(Object.keys(job!.metadata.annotations).sort()).toEqual(Object.keys(metadata.annotations).sort());
    expect(Object.keys(job!.metadata.labels).sort()).toEqual(Object.keys(metadata.labels).sort());
  });
});
