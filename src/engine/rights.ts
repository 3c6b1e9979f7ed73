// The least rights that are enough, from what systems, checks and remedies declare. One place, so that `rbac` and the explanations of gaps agree.

import { refOf } from '../kube/refs.ts';
import { parseResourceName, resourceOfKind } from '../kube/resources.ts';
import type { Check, Condition, PointRead, Reads, Ref, ResourceName, Rule, Step, StepOf, System, TextQuery, World } from './contracts.ts';
import { bodiesIn } from './declarations.ts';
import { listsIn, namedIn } from './gather.ts';
import { SERVERS } from './servers.ts';

/** Read by every command, to know which cluster this is. */
const IDENTITY: Rule = { verbs: ['get'], group: '', resource: 'namespaces', names: ['kube-system'] };

/** `custom`: resources that only the cluster tells of, as far as it was asked. */
export function rightsToCheck(systems: readonly System[], custom: readonly ResourceName[] = []): Rule[] {
  const declared = systems.flatMap(({ reads, pointReads, checks }) => [
    ...readRules(reads),
    ...pointReads.map(askRule),
    ...checks.flatMap((check) => [
      ...readRules(check.reads),
      ...(check.pointReads ?? []).map(askRule),
      ...(check.remedy?.pointReads ?? []).map(askRule),
      ...screenRules(check),
    ]),
  ]);
  const servers = systems.some(({ everyServer }) => everyServer) ? rightsToText(SERVERS) : [];
  return merged([IDENTITY, ...servers, ...declared, ...custom.map(listRule)]);
}

/** To ask what is allowed, before anything is written. */
const REVIEW: Rule = { verbs: ['create'], group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews' };

/** `lease`: what holding the one-writer Lease needs. */
export function rightsToFix(
  systems: readonly System[],
  lease: readonly Rule[],
  custom?: readonly ResourceName[],
  more: readonly Rule[] = [],
): Rule[] {
  const writes = systems.flatMap(({ checks }) => checks.flatMap(({ remedy }) => remedy?.writes ?? []));
  return merged([...rightsToCheck(systems, custom), REVIEW, ...lease, ...writes, ...more]);
}

/** `more`: what the upgrade itself is known to need beside what a system declares, such as helm's. */
export function rightsToUpgrade(
  systems: readonly System[],
  lease: readonly Rule[],
  more: readonly Rule[],
  custom?: readonly ResourceName[],
): Rule[] {
  return merged([...rightsToFix(systems, lease, custom), ...systems.flatMap(({ writes = [] }) => writes), ...more]);
}

const listRule = (resource: ResourceName): Rule => ({ verbs: ['list'], ...parseResourceName(resource) });
const listRules = (reads: Record<string, { resource: ResourceName }>): Rule[] =>
  Object.values(reads).map(({ resource }) => listRule(resource));

function readRules(reads: Reads): Rule[] {
  const texts = Object.values(reads).flatMap((read) => (read.read === 'text' ? rightsToText(read) : []));
  return [
    ...listsIn(reads).map(({ resource }) => listRule(resource)),
    ...namedIn(reads).flatMap(({ known }) => known.map(listRule)),
    ...texts,
    ...bodiesIn(reads).map(askRule),
  ];
}

const screenRules = ({ screen }: Check): Rule[] =>
  screen ? [...listRules(screen.tables), ...readRules(screen.reads as Reads), ...screen.pointReads.map(askRule)] : [];

function askRule({ resource, verb = 'get', names }: PointRead): Rule {
  const split = parseResourceName(resource);
  return verb === 'log' ? { verbs: ['get'], ...split, resource: `${split.resource}/log` } : { verbs: [verb], ...split, names };
}

/** Per resource: the verbs for all names, and one rule for those that are needed of single names only. */
function merged(rules: readonly Rule[]): Rule[] {
  const ofPaths = [...Map.groupBy(rules, ({ verbs }) => verbs.join())]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .flatMap(([, same]): Rule[] => {
      const paths = [...new Set(same.flatMap(({ nonResourceURLs = [] }) => nonResourceURLs))].sort();
      return paths.length ? [{ verbs: same[0]!.verbs, group: '', resource: '', nonResourceURLs: paths }] : [];
    });
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
  return [...ofResources, ...ofPaths];
}

// ---- of single steps ------------------------------------------------------------------------------------------------

/** Applying what is not there is a creation (cluster/world.ts); remedies that apply declare both. */
const VERBS: Record<Step['do'], string | undefined> = {
  patch: 'patch',
  create: 'create',
  apply: 'patch',
  delete: 'delete',
  evict: 'create',
  drain: 'patch',
  // Not a write of an object.
  verbosity: undefined,
  migrate: 'patch',
  keep: 'create',
  forget: 'delete',
  // helm does those with rights of its own.
  helm: undefined,
  revise: undefined,
  unpend: undefined,
  backup: undefined,
  wait: undefined,
  manual: undefined,
  recheck: undefined,
};

/** What a step needs to be carried out; undefined: it writes nothing. */
export function rightOf(step: Step): Rule | undefined {
  const verb = VERBS[step.do];
  const on = 'on' in step ? step.on : 'object' in step ? refOf(step.object) : undefined;
  if (!verb || !on) return undefined;
  const { group, resource } = resourceOfKind(on);
  const below =
    step.do === 'evict'
      ? '/eviction'
      : step.do === 'patch' && step.subresource
        ? `/${step.subresource}`
        : step.do === 'migrate'
          ? '/status'
          : '';
  return { verbs: [verb], group, resource: `${resource}${below}`, names: [on.name], ...(on.namespace ? { namespace: on.namespace } : {}) };
}

/** What carrying a step out asks of the server beyond what found its reason: what it writes, and what it waits for. */
export function rightsOf(step: Step): Rule[] {
  const write = rightOf(step);
  const on = 'on' in step ? step.on : 'object' in step ? refOf(step.object) : undefined;
  return [
    ...(write ? [write] : []),
    // Applying what is not there is a creation.
    ...(write && step.do === 'apply' ? [{ ...write, verbs: ['create'] }] : []),
    ...(write && on ? [readOf(on)] : []),
    ...conditionsOf(step).flatMap(rightsToSee),
    ...('rights' in step ? (step.rights ?? []) : []),
    ...(step.do === 'migrate' ? rightsToRewrite(step) : []),
    ...(step.do === 'drain' ? TO_DRAIN : []),
    ...(step.do === 'manual' && step.restarts ? [{ verbs: ['list'], group: '', resource: 'pods' }] : []),
    ...(step.do === 'verbosity' ? rightsToLog(step) : []),
    ...(step.do === 'revise' ? rightsToRevise(step) : []),
  ];
}

function rightsToRewrite({ of, status }: StepOf<'migrate'>): Rule[] {
  const { group, resource } = resourceOfKind(of);
  return [
    { verbs: ['get', 'list'], group, resource },
    { verbs: ['patch'], group, resource: status ? `${resource}/status` : resource },
  ];
}

function rightsToLog({ on: { kind, name } }: StepOf<'verbosity'>): Rule[] {
  if (kind === 'Kubelet') return [{ verbs: ['get', 'update'], group: '', resource: 'nodes/proxy', names: [name] }];
  return [...TO_LOG, { verbs: ['list'], group: 'discovery.k8s.io', resource: 'endpointslices', namespace: 'default' }];
}

/** To read and set the log verbosity of API servers. */
export const TO_LOG: Rule[] = [
  { verbs: ['get'], group: '', resource: '', nonResourceURLs: ['/debug/flags'] },
  { verbs: ['put'], group: '', resource: '', nonResourceURLs: ['/debug/flags/v'] },
];

const TO_DRAIN: Rule[] = [
  { verbs: ['list'], group: '', resource: 'pods' },
  { verbs: ['create'], group: '', resource: 'pods/eviction' },
];

/** The name of the new record cannot be in a rule for create: the API server does not know names there. */
function rightsToRevise({ release: { namespace, name }, records, from, to, back }: StepOf<'revise'>): Rule[] {
  const at = { group: '', resource: `${records.toLowerCase()}s`, namespace };
  const named = (revision: number) => [`sh.helm.release.v1.${name}.v${revision}`];
  return [
    { verbs: ['get', 'patch'], ...at, names: named(from) },
    { verbs: ['get'], ...at, names: named(to) },
    back ? { verbs: ['delete'], ...at, names: named(to) } : { verbs: ['create'], ...at },
  ];
}

function conditionsOf(step: Step): Condition[] {
  if (step.do === 'wait') return [...step.until, ...(step.fails ?? [])];
  return step.do === 'manual' ? (step.seen ?? []) : [];
}

function rightsToSee(condition: Condition): Rule[] {
  if ('on' in condition) return [readOf(condition.on)];
  if ('of' in condition) return [{ verbs: ['list'], ...resourceOfKind(condition.of), ...inNamespace(condition.of.namespace) }];
  return rightsToText(condition.reading);
}

/** The path itself, and where every API server is asked the EndpointSlice that names them. */
export function rightsToText({ path, every }: TextQuery): Rule[] {
  const rule: Rule = { verbs: ['get'], group: '', resource: '', nonResourceURLs: [path.replace(/\?.*/s, '')] };
  const slices: Rule = { verbs: ['list'], group: 'discovery.k8s.io', resource: 'endpointslices', namespace: 'default' };
  return every ? [rule, slices] : [rule];
}

const inNamespace = (namespace: string | undefined) => (namespace === undefined ? {} : { namespace });
const readOf = (on: Ref): Rule => ({ verbs: ['get'], ...resourceOfKind(on), names: [on.name], ...inNamespace(on.namespace) });

/** Rules that the missing ones are named by; there may be one for each of 100,000 objects. */
const NAMED_MAX = 1000;

/**
 * What of all this is not allowed to us, asked from the wide to the narrow: most may do a thing everywhere, some in a namespace, few to single objects.
 * Throws WorldError where the server does not say.
 */
export async function missingRights(rules: Iterable<Rule>, world: Pick<World, 'allowed'>): Promise<Rule[]> {
  const exact = new Map<string, Rule>();
  for (const rule of rules)
    for (const verb of rule.verbs)
      for (const name of rule.names ?? [undefined]) {
        const one: Rule = { ...rule, verbs: [verb], ...(name === undefined ? {} : { names: [name] }) };
        exact.set(keyOf(one), one);
      }
  let open = [...exact.values()];
  for (const widened of [everywhere, withoutName]) {
    const wide = new Map(open.map((rule) => [keyOf(widened(rule)), widened(rule)]));
    const refused = new Set((await world.allowed([...wide.values()])).map(keyOf));
    open = open.filter((rule) => refused.has(keyOf(widened(rule))));
    if (!open.length) return [];
  }
  // Without a name, this was the question.
  const [named, rest] = [open.filter(({ names }) => names), open.filter(({ names }) => !names)];
  return [...rest, ...(await world.allowed(named.slice(0, NAMED_MAX)))];
}

const keyOf = ({ verbs, group, resource, names = [], namespace = '', nonResourceURLs = [] }: Rule): string =>
  [verbs, group, resource, namespace, names, nonResourceURLs].join(' ');
const everywhere = ({ namespace: _, names: __, ...rule }: Rule): Rule => rule;
const withoutName = ({ names: _, ...rule }: Rule): Rule => rule;

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
