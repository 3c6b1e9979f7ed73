// The least rights that are enough, from what systems, checks and remedies declare. One place, so that `rbac` and the explanations of gaps agree.

import { refOf } from '../kube/refs.ts';
import { parseResourceName, resourceOfKind } from '../kube/resources.ts';
import type { Check, PointRead, Reads, ResourceName, Rule, Step, System } from './contracts.ts';

/** Read by every command, to know which cluster this is. */
const IDENTITY: Rule = { verbs: ['get'], group: '', resource: 'namespaces', names: ['kube-system'] };

export function rightsToCheck(systems: readonly System[]): Rule[] {
  const declared = systems.flatMap(({ reads, pointReads, checks }) => [
    ...listRules(reads),
    ...pointReads.map(askRule),
    ...checks.flatMap((check) => [
      ...listRules(check.reads),
      ...(check.pointReads ?? []).map(askRule),
      ...(check.remedy?.pointReads ?? []).map(askRule),
      ...screenRules(check),
    ]),
  ]);
  return merged([IDENTITY, ...declared]);
}

/** `lease`: what holding the one-writer Lease needs. */
export function rightsToFix(systems: readonly System[], lease: readonly Rule[]): Rule[] {
  const writes = systems.flatMap(({ checks }) => checks.flatMap(({ remedy }) => remedy?.writes ?? []));
  return merged([...rightsToCheck(systems), ...lease, ...writes]);
}

const listRules = (reads: Record<string, { resource: ResourceName }>): Rule[] =>
  Object.values(reads).map(({ resource }) => ({ verbs: ['list'], ...parseResourceName(resource) }));

const screenRules = ({ screen }: Check): Rule[] =>
  screen ? [...listRules(screen.tables), ...listRules(screen.reads as Reads), ...screen.pointReads.map(askRule)] : [];

function askRule({ resource, verb = 'get', names }: PointRead): Rule {
  const split = parseResourceName(resource);
  return verb === 'log' ? { verbs: ['get'], ...split, resource: `${split.resource}/log` } : { verbs: [verb], ...split, names };
}

/** Per resource: the verbs for all names, and one rule for those that are needed of single names only. */
function merged(rules: readonly Rule[]): Rule[] {
  const paths = [...new Set(rules.flatMap(({ nonResourceURLs = [] }) => nonResourceURLs))].sort();
  const resources = rules.filter(({ nonResourceURLs }) => !nonResourceURLs);
  const merged = [...Map.groupBy(resources, ({ group, resource }) => `${group}/${resource}`)].toSorted(([a], [b]) => a.localeCompare(b));
  const ofResources = merged.flatMap(([, same]) => {
    const { group, resource } = same[0]!;
    const everywhere = new Set(same.filter(({ names }) => !names).flatMap(({ verbs }) => verbs));
    const named = same.flatMap(({ names = [], verbs }) => verbs.filter((verb) => !everywhere.has(verb)).map((verb) => ({ verb, names })));
    const verbs = [...new Set(named.map(({ verb }) => verb))].sort();
    const names = [...new Set(named.flatMap((each) => each.names))].sort();
    return [
      ...(everywhere.size ? [{ verbs: [...everywhere].sort(), group, resource }] : []),
      ...(verbs.length && names.length ? [{ verbs, group, resource, names }] : []),
    ];
  });
  // Paths can only be read.
  return paths.length ? [...ofResources, { verbs: ['get'], group: '', resource: '', nonResourceURLs: paths }] : ofResources;
}

// ---- of single steps ------------------------------------------------------------------------------------------------

/** Applying what is not there is a creation (cluster/world.ts); remedies that apply declare both. */
const VERBS: Record<Step['do'], string | undefined> = {
  patch: 'patch',
  create: 'create',
  apply: 'patch',
  delete: 'delete',
  evict: 'create',
  keep: 'create',
  forget: 'delete',
  // helm does those with rights of its own.
  helm: undefined,
  unpend: undefined,
  backup: undefined,
  wait: undefined,
  manual: undefined,
};

/** What a step needs to be carried out; undefined: it writes nothing. */
export function rightOf(step: Step): Rule | undefined {
  const verb = VERBS[step.do];
  const on = 'on' in step ? step.on : 'object' in step ? refOf(step.object) : undefined;
  if (!verb || !on) return undefined;
  const { group, resource } = resourceOfKind(on);
  const below = step.do === 'evict' ? '/eviction' : step.do === 'patch' && step.subresource ? `/${step.subresource}` : '';
  return { verbs: [verb], group, resource: `${resource}${below}`, names: [on.name], ...(on.namespace ? { namespace: on.namespace } : {}) };
}

/** Whether one of the rules gives this right. */
export function isAllowed(right: Rule, rules: readonly Rule[]): boolean {
  return rules.some(
    ({ verbs, group, resource, names, namespace }) =>
      group === right.group &&
      resource === right.resource &&
      right.verbs.every((verb) => verbs.includes(verb)) &&
      (!names || right.names?.every((name) => names.includes(name))) &&
      (!namespace || namespace === right.namespace),
  );
}
