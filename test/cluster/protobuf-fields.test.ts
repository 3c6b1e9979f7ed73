// What checks and systems declare to read, field by field, against the protobuf schema: one field that it does not have turns the whole list into JSON.
import { expect, test } from 'vitest';
import { readerFor } from '../../src/cluster/protobuf.ts';
import schema from '../../src/cluster/protobuf-schema.json' with { type: 'json' };
import type { Reads } from '../../src/engine/contracts.ts';
import { listsIn } from '../../src/engine/gather.ts';
import { SYSTEMS } from '../../src/systems/index.ts';

/** `pods` and `deployments.apps`, with each version that the schema has. */
const VERSIONS = Map.groupBy(
  Object.keys(schema.resources).map((key) => {
    const [group = '', version = '', resource = ''] = key.split('/');
    return { group, version, resource, name: group ? `${resource}.${group}` : resource };
  }),
  ({ name }) => name,
);
const DECLARED = SYSTEMS.flatMap((system) => [system, ...system.checks])
  .flatMap(({ reads }) => listsIn(reads as Reads))
  .flatMap(({ resource, fields }) => fields.map((field) => ({ resource, field })));
const fallsBack = ({ resource, field }: { resource: string; field: string }): boolean =>
  (VERSIONS.get(resource) ?? []).some((api) => !readerFor(api, [field]));
const named = ({ resource, field }: { resource: string; field: string }): string => `${resource} ${field}`;

test('of what may be 150,000 nothing falls back to JSON', () => {
  const big = ['pods', 'nodes', 'endpointslices.discovery.k8s.io', 'replicasets.apps', 'events'];
  for (const resource of big) expect(VERSIONS.has(resource), resource).toBe(true);
  expect(DECLARED.filter(({ resource }) => resource === 'pods').length).toBeGreaterThan(20);
  expect(DECLARED.filter((one) => big.includes(one.resource) && fallsBack(one)).map(named)).toEqual([]);
  // It can be told.
  expect(
    ['pods spec.nonsense', 'nodes status.nodeInfo.none']
      .map((one) => one.split(' '))
      .map(([resource, field]) => fallsBack({ resource: resource!, field: field! })),
  ).toEqual([true, true]);
});

test('of the rest only these do', () => {
  expect(DECLARED.filter(fallsBack).map(named).sort()).toEqual([
    // A claim for a volume had `resources.claims` from 1.26 to 1.28; `tolerance` is a field of autoscaling/v2.
    'cronjobs.batch spec.jobTemplate.spec.template.spec.volumes.ephemeral.volumeClaimTemplate.spec.resources.claims',
    'daemonsets.apps spec.template.spec.volumes.ephemeral.volumeClaimTemplate.spec.resources.claims',
    'deployments.apps spec.template.spec.volumes.ephemeral.volumeClaimTemplate.spec.resources.claims',
    'horizontalpodautoscalers.autoscaling spec.behavior.scaleDown.tolerance',
    'horizontalpodautoscalers.autoscaling spec.behavior.scaleUp.tolerance',
    'persistentvolumeclaims spec.resources.claims',
    'statefulsets.apps spec.template.spec.volumes.ephemeral.volumeClaimTemplate.spec.resources.claims',
    'statefulsets.apps spec.volumeClaimTemplates.spec.resources.claims',
  ]);
});
