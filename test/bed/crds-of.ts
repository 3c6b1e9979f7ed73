// Small CustomResourceDefinitions of our own that say everything our knowledge says of a Spiderpool version, and let the rest through: a healthy cluster without upstream files.

import type { WantedCrd } from '../../src/chart/crds.ts';
import type { Json, Raw } from '../../src/engine/contracts.ts';
import { wantedByTable } from '../../src/systems/spiderpool/crds.ts';

type Schema = { [key: string]: Json };

/** Kinds whose names do not follow from their plurals by taking an s away and capital letters from here. */
const KINDS = [
  'NetworkAttachmentDefinition',
  'OVSNetwork',
  'SpiderClaimParameter',
  'SpiderCoordinator',
  'SpiderEndpoint',
  'SpiderIPPool',
  'SpiderMultusConfig',
];
KINDS.push(
  'SpiderReservedIP',
  'SpiderSubnet',
  'SriovIBNetwork',
  'SriovNetworkNodePolicy',
  'SriovNetworkNodeState',
  'SriovNetworkPoolConfig',
  'SriovNetwork',
  'SriovOperatorConfig',
);
const NAMESPACED = new Set(['SpiderEndpoint', 'SpiderMultusConfig', 'NetworkAttachmentDefinition']);
/** Served with a status subresource since 0.4.0 (facts: SpiderEndpoint is not). */
const WITH_STATUS = new Set(['SpiderIPPool', 'SpiderSubnet', 'SpiderCoordinator']);

export function crdsOf(version: string): Raw[] {
  const wanted = wantedByTable(version);
  if (!wanted) throw new Error(`no release ${version} is known`);
  return wanted.map(crdOf);
}

function crdOf({ name, versions }: WantedCrd): Raw {
  const [plural = '', ...group] = name.split('.');
  const kind = KINDS.find((each) => plural.replaceAll('-', '').startsWith(each.toLowerCase().replace(/y$/, ''))) ?? plural;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group: group.join('.'),
      scope: NAMESPACED.has(kind) ? 'Namespaced' : 'Cluster',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: versions.map(({ name: api, markers }, i) => {
        const [said, subresources] = [markers as string[], WITH_STATUS.has(kind) || (markers as string[]).includes('/status')];
        return {
          name: api,
          served: true,
          storage: i === 0,
          ...(subresources ? { subresources: { status: {} } } : {}),
          schema: { openAPIV3Schema: schemaOf(said) },
        };
      }),
    },
  };
}

const anything = (): Schema => ({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });

/** From `a.b[].c`, `a.b{}.c`, `a=1` (default) and `a:"x"` (choice). */
function schemaOf(markers: readonly string[]): Schema {
  const root = anything();
  for (const marker of markers.filter((each) => !each.startsWith('/'))) {
    const [, path = '', sign, value = ''] = /^([^=:]*)(?:([=:])(.*))?$/s.exec(marker) ?? [];
    const schema = path.split('.').reduce(child, root);
    if (!sign) continue;
    typed(schema, JSON.parse(value));
    if (sign === '=') schema.default = JSON.parse(value);
    else schema.enum = [...((schema.enum as Json[]) ?? []), JSON.parse(value)];
    // Only what differs between releases is a marker: the other choices, the default among them, are not known here.
    const choices = schema.enum as Json[] | undefined;
    if (choices && schema.default !== undefined && !choices.includes(schema.default)) choices.push(schema.default);
  }
  return root;
}

function child(parent: Schema, segment: string): Schema {
  const [name = '', ...ends] = segment.split(/(?=\[\]|\{\})/);
  let schema = inner(holder(parent, 'properties'), name);
  for (const end of ends) {
    schema.type = end === '[]' ? 'array' : 'object';
    delete schema[ANYTHING];
    schema = inner(schema, end === '[]' ? 'items' : 'additionalProperties');
  }
  return schema;
}

const ANYTHING = 'x-kubernetes-preserve-unknown-fields';

function inner(of: Schema, key: string): Schema {
  of[key] ??= { [ANYTHING]: true };
  return of[key] as Schema;
}

function holder(of: Schema, key: string): Schema {
  of.type ??= 'object';
  of[key] ??= {};
  return of[key] as Schema;
}

/** A value tells the type. */
function typed(schema: Schema, value: Json): void {
  delete schema[ANYTHING];
  schema.type = Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
  if (schema.type === 'array') schema.items ??= { type: 'string' };
}
