// The least rights that are enough, from what systems, checks and remedies declare. One place, so that `rbac` and the explanations of gaps agree.

import { parseResourceName } from '../kube/resources.ts';
import type { Asked, Reads, Rule, System } from './contracts.ts';

/** Read by every command, to know which cluster this is. */
const IDENTITY: Rule = { verbs: ['get'], group: '', resource: 'namespaces', names: ['kube-system'] };

export function rightsToCheck(systems: readonly System[]): Rule[] {
  const declared = systems.flatMap(({ reads, asks, checks }) => [
    ...listRules(reads),
    ...asks.map(askRule),
    ...checks.flatMap((check) => [
      ...listRules(check.reads),
      ...(check.asks ?? []).map(askRule),
      ...(check.remedy?.asks ?? []).map(askRule),
    ]),
  ]);
  return merged([IDENTITY, ...declared]);
}

/** `lease`: what holding the one-writer Lease needs. */
export function rightsToFix(systems: readonly System[], lease: readonly Rule[]): Rule[] {
  const writes = systems.flatMap(({ checks }) => checks.flatMap(({ remedy }) => remedy?.writes ?? []));
  return merged([...rightsToCheck(systems), ...lease, ...writes]);
}

const listRules = (reads: Reads): Rule[] =>
  Object.values(reads).map(({ resource }) => ({ verbs: ['list'], ...parseResourceName(resource) }));

function askRule({ resource, verb, names }: Asked): Rule {
  const split = parseResourceName(resource);
  return verb === 'log' ? { verbs: ['get'], ...split, resource: `${split.resource}/log` } : { verbs: ['get'], ...split, names };
}

/** One rule per resource and set of names; a rule for all names makes the same verb for single ones needless. */
function merged(rules: readonly Rule[]): Rule[] {
  const byKey = new Map<string, Rule>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.group, rule.resource, rule.names?.toSorted() ?? null]);
    const known = byKey.get(key);
    byKey.set(key, { ...rule, verbs: [...new Set([...(known?.verbs ?? []), ...rule.verbs])].sort() });
  }
  const all = [...byKey.values()];
  const covering = (rule: Rule) => all.find((other) => other.group === rule.group && other.resource === rule.resource && !other.names);
  return all
    .map((rule) => (rule.names ? { ...rule, verbs: rule.verbs.filter((verb) => !covering(rule)?.verbs.includes(verb)) } : rule))
    .filter(({ verbs }) => verbs.length)
    .toSorted((a, b) => `${a.group}/${a.resource}`.localeCompare(`${b.group}/${b.resource}`));
}
