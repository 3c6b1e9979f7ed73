// Workloads and the templates that they make their Pods of: read alike by several checks. Jobs are left out: they have made theirs.
import type { Columns, Field, RowOf } from '../../engine/contracts.ts';
import { list } from '../../engine/read/index.ts';

/** `columns`: of a template, by where it stands in the object; of these rows those that are held. */
export function templates<C extends Columns>(columns: (template: Field) => C, only?: (row: RowOf<C>) => boolean) {
  const of = (resource: string, template: Field) => list(resource, columns(template), only ? { only } : {});
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
}: Record<'deployments' | 'daemonSets' | 'statefulSets' | 'cronJobs', Row[]>): Row[] => [
  ...deployments,
  ...daemonSets,
  ...statefulSets,
  ...cronJobs,
];
