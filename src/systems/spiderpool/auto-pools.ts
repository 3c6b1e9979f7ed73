// Pools that Spiderpool made by itself for an application (SpiderSubnet): whose they are, in each layout that releases wrote, and what 0.5.0 and later look for.
// Sources: pkg/constant/k8s.go@v0.2.3, @v0.3.5, @v0.3.7, @v0.4.1, @v0.5.0; pkg/ipam/pool_selections.go@v0.5.0 (findAppAutoPool: eight labels, and exactly one pool);
// pkg/ippoolmanager/utils.go@v0.5.0 (NewAutoPoolPodAffinity, IsMatchAutoPoolAffinity); pkg/subnetmanager/controllers/utils.go@v0.3.7 (AppLabelValue).
import type { Json, PointRead, PointReader, Raw, Ref } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { annotation, each, json, labels, number, rowOf, texts, tree, UNREADABLE, word } from '../../engine/read/index.ts';
import { isRaw } from '../../kube/json.ts';
import { POOL_SHAPE, type PoolShape } from './webhook-refusal.ts';

const P = 'ipam.spidernet.io/';
const SUBNET = `${P}owner-spider-subnet`;
const UID = `${P}owner-application-uid`;
const RECLAIM = `${P}ippool-reclaim`;
/** By which the agents of 0.5.0 and later find the pool of an application. */
const KEYS = [
  SUBNET,
  ...['gv', 'kind', 'namespace', 'name', 'uid'].map((part) => `${P}owner-application-${part}`),
  `${P}interface`,
  `${P}ip-version`,
];

export const AUTO_POOL = {
  labels: labels(),
  /** 0.4.x. */
  application: annotation(`${P}application`),
  affinity: tree('spec.podAffinity'),
  ipVersion: number('spec.ipVersion'),
  ...POOL_SHAPE,
};
export interface AutoPool extends PoolShape {
  ref: Ref;
  labels: Record<string, string>;
  application: string | undefined;
  affinity: Json | undefined;
  ipVersion: number | undefined;
}

/** A label under its key, or under that of 0.2.x, which had no prefix. */
const labelOf = ({ labels: all }: Pick<AutoPool, 'labels'>, key: string): string => all[key] ?? all[key.slice(P.length)] ?? '';

export const isAuto = (pool: Pick<AutoPool, 'labels'>): boolean => labelOf(pool, SUBNET) !== '' && labelOf(pool, UID) !== '';
export const hasLabels = ({ labels: all }: AutoPool): boolean => KEYS.every((key) => all[key] !== undefined);
/** Pools with the same identity are one too many. */
export const identityOf = (all: Record<string, string>): string => JSON.stringify(KEYS.map((key) => all[key] ?? ''));

const AFFINITY = ['app-api-group', 'app-api-version', 'app-kind', 'app-namespace', 'app-name'].map((key) => P + key);

/** Exactly the five keys of 0.5.0 and later; any other is refused by its webhook, none matches no Pod. */
export function hasAffinity({ affinity }: AutoPool): boolean {
  const { matchLabels, matchExpressions } = isRaw(affinity) ? affinity : ({} as Raw);
  const isBare = !Array.isArray(matchExpressions) || matchExpressions.length === 0;
  const keys = isRaw(matchLabels) ? Object.keys(matchLabels) : [];
  return isBare && keys.length === AFFINITY.length && AFFINITY.every((key) => keys.includes(key));
}

// ---- the owner ------------------------------------------------------------------------------------------------------

const KINDS: Record<string, string> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
};
const TEMPLATES = ['spec.template', 'spec.jobTemplate.spec.template'];
const NETWORK = { nic: word('interface', 'eth0'), v4: texts('ipv4'), v6: texts('ipv6') };
const templateColumns = (at: string) => ({
  subnet: json(`${at}.metadata.annotations['${P}subnet']`, NETWORK),
  subnets: json(`${at}.metadata.annotations['${P}subnets']`, { all: each('', NETWORK) }),
  reclaim: word(`${at}.metadata.annotations['${P}ippool-reclaim']`),
});
const [POD, CRON] = [templateColumns(TEMPLATES[0]!), templateColumns(TEMPLATES[1]!)];

export const OWNER_READS: PointRead[] = [
  ...['deployments.apps', 'replicasets.apps', 'statefulsets.apps', 'daemonsets.apps', 'jobs.batch'].map((resource) => ({
    resource,
    columns: Object.values(POD),
  })),
  { resource: 'cronjobs.batch', columns: Object.values(CRON) },
];

/** `gone`: no one of that name has the recorded uid. `unclear`: it names no owner that can be looked up, or several interfaces. */
export type Owner = { is: 'gone' | 'unclear' } | { is: 'owner'; ref: Ref; nic: string; reclaim: string };

/** Characters that the value of a label can have. */
const LABEL = 63;

/** Whose the pool is: derived from its labels, and verified by the uid that it bears. A Gap counts as the check's. */
export async function ownerOf(pool: AutoPool, look: PointReader): Promise<Owner> {
  const candidates = candidatesFor(pool);
  if (!candidates.length) return { is: 'unclear' };
  for (const ref of candidates) {
    if (ref.name.length > LABEL) return { is: 'unclear' };
    const object = await look.get(ref);
    if (!object || isGap(object) || (object.metadata as Raw).uid !== labelOf(pool, UID)) continue;
    const nic = interfaceOf(pool, object, ref.kind);
    if (nic === undefined) return { is: 'unclear' };
    const said = rowOf(ref.kind === 'CronJob' ? CRON : POD)(object).reclaim;
    return { is: 'owner', ref: { ...ref, uid: labelOf(pool, UID) }, nic, reclaim: said === 'false' ? 'false' : 'true' };
  }
  return { is: 'gone' };
}

function candidatesFor(pool: AutoPool): Ref[] {
  const named = (kind: string, namespace: string, name: string): Ref[] =>
    KINDS[kind] && namespace && name ? [{ apiVersion: KINDS[kind], kind, namespace, name }] : [];
  const [kind, namespace, name] = ['kind', 'namespace', 'name'].map((part) => pool.labels[`${P}owner-application-${part}`] ?? '');
  if (kind) return named(kind, namespace!, name!);
  const annotated = pool.application?.split(':') ?? [];
  if (annotated.length === 4) return named(annotated[1]!, annotated[2]!, annotated[3]!);
  const app = labelOf(pool, `${P}owner-application`);
  const parts = app.split('_');
  if (parts.length === 3) return named(parts[0]!, parts[1]!, parts[2]!);
  // Up to 0.3.5 in small letters, joined by dashes, which names have too: every way to cut it.
  const [small = '', ...words] = app.split('-');
  const its = Object.keys(KINDS).find((each) => each.toLowerCase() === small) ?? '';
  return words.slice(1).flatMap((_, at) => named(its, words.slice(0, at + 1).join('-'), words.slice(at + 1).join('-')));
}

/** By the annotations of the Pod template; eth0 where they say nothing. undefined: they name several for this subnet. */
function interfaceOf(pool: AutoPool, owner: Raw, kind: string): string | undefined {
  const known = pool.labels[`${P}interface`];
  if (known !== undefined) return known;
  const { subnet, subnets } = rowOf(kind === 'CronJob' ? CRON : POD)(owner);
  if (subnet === UNREADABLE || subnets === UNREADABLE) return undefined;
  const its = (subnets?.all ?? []).filter(({ v4, v6 }) => [...v4, ...v6].includes(labelOf(pool, SUBNET)));
  const all = new Set([...(subnet ? [subnet.nic] : []), ...its.map(({ nic }) => nic)]);
  return all.size > 1 ? undefined : ([...all][0] ?? 'eth0');
}

// ---- what it must have ----------------------------------------------------------------------------------------------

/** Every label that 0.5.0 and later write, except the one that the webhook sets by itself (ippool-cidr). */
export function labelsFor(pool: AutoPool, { ref, nic, reclaim }: Extract<Owner, { is: 'owner' }>): Record<string, string> {
  const [group, version] = groupVersion(ref);
  const values = [labelOf(pool, SUBNET), group ? `${group}_${version}` : version, ref.kind, ref.namespace!, ref.name, ref.uid!, nic];
  return {
    ...Object.fromEntries(KEYS.map((key, at) => [key, values[at] ?? `IPv${pool.ipVersion ?? 4}`])),
    [RECLAIM]: pool.labels[RECLAIM] ?? reclaim,
  };
}

export function affinityFor({ ref }: Extract<Owner, { is: 'owner' }>): Raw {
  const [group, version] = groupVersion(ref);
  const values = [group, version, ref.kind, ref.namespace!, ref.name];
  return { matchLabels: Object.fromEntries(AFFINITY.map((key, at) => [key, values[at]!])) };
}

function groupVersion({ apiVersion }: Ref): [group: string, version: string] {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? ['', first] : [first, second];
}
