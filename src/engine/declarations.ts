// All that systems and their checks declare to read, by resource: what a snapshot keeps.
import { selectedLabels } from '../kube/labels.ts';
import { isBuiltIn } from '../kube/resources.ts';
import type { Column, PointRead, Reads, ResourceName, System } from './contracts.ts';
import { listsIn, namedIn } from './gather.ts';
import { DECLARER, label } from './read/index.ts';

export interface Declarations {
  get(resource: ResourceName): readonly Column[] | undefined;
}

/** What is read of single objects of a resource: what the point read says, else what the lists of the same resource declare. */
export const columnsOf = ({ resource, columns }: PointRead, reads: Reads): readonly Column[] =>
  columns ??
  listsIn(reads)
    .filter((read) => read.resource === resource)
    .flatMap((read) => read.columns);

/** Single objects that reads bring by themselves. */
export const bodiesIn = (reads: Reads): PointRead[] => Object.values(reads).flatMap((read) => (read.read === 'bodies' ? read.bodies : []));

export function declarationsOf(systems: readonly System[]): Declarations {
  const all = new Map<ResourceName, Set<Column>>();
  const declare = (resource: ResourceName, columns: readonly Column[]): void => {
    const known = all.get(resource) ?? new Set();
    all.set(resource, known);
    for (const column of columns) known.add(column);
  };
  const owner = (reads: Reads, points: readonly PointRead[]): void => {
    for (const { resource, columns, labels } of listsIn(reads)) declare(resource, [...columns, ...selectedLabels(labels).map(label)]);
    for (const point of [...points, ...bodiesIn(reads)]) declare(point.resource, [...columnsOf(point, reads), DECLARER]);
  };
  for (const system of systems) {
    owner(system.reads, system.pointReads);
    if (system.plans) owner(system.plans.reads, system.plans.pointReads);
    for (const { reads, pointReads = [], remedy } of system.checks) owner(reads, [...pointReads, ...(remedy?.pointReads ?? [])]);
  }
  const checks = systems.flatMap((system) => system.checks);
  const ofCustom = new Set(checks.flatMap(({ reads }) => namedIn(reads).flatMap(({ columns }) => columns)));
  return {
    get: (resource) => {
      const own = all.get(resource);
      return isBuiltIn(resource) ? own && [...own] : [...new Set([...(own ?? []), ...ofCustom])];
    },
  };
}
