// Workloads and the templates that they make their Pods of: read alike by several checks. Jobs are left out: they have made theirs.
import type { Columns, Field, Gap, RowOf } from '../../engine/contracts.ts';
import { seen } from '../../engine/gaps.ts';
import { list } from '../../engine/read/index.ts';

interface Options<C extends Columns> {
  only?(row: RowOf<C>): boolean;
  concerns?(hops: readonly string[]): boolean;
}

/** `columns`: of a template, by where it stands in the object. Each kind is judged by itself: a file may hold one of them alone. */
export function templates<C extends Columns>(columns: (template: Field) => C, options: Options<C> = {}) {
  const of = (resource: string, template: Field) => list(resource, columns(template), { ...options, optional: true as const });
  return {
    deployments: of('deployments.apps', 'spec.template'),
    daemonSets: of('daemonsets.apps', 'spec.template'),
    statefulSets: of('statefulsets.apps', 'spec.template'),
    cronJobs: of('cronjobs.batch', 'spec.jobTemplate.spec.template'),
  };
}

export const templatesIn = <Row>({
  deployments,
  daemonSets,
  statefulSets,
  cronJobs,
}: Record<'deployments' | 'daemonSets' | 'statefulSets' | 'cronJobs', Row[] | Gap>): Row[] => [
  ...seen(deployments),
  ...seen(daemonSets),
  ...seen(statefulSets),
  ...seen(cronJobs),
];
