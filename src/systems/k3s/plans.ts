// What the system-upgrade-controller makes of a Plan: the hash that it labels nodes with, and whether its image follows the version.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan/plan.go (DigestStatus, MungeVersion), pkg/upgrade/container.
import { createHash } from 'node:crypto';
import { tolerates } from '../../kube/taints.ts';
import { munged, parse } from '../../versions/k3s.ts';
import { channels } from './knowledge/tables.ts';
import { selectedBy } from './ownership.ts';
import type { NodeRow, PlanRow } from './reads.ts';

/** Label of a Node that the Plan has done: the hash that it did. */
export const planLabel = (plan: string): string => `plan.upgrade.cattle.io/${plan}`;

/** With this the names of the Plans begin that an upgrade by this tool makes. */
export const OWN_PLANS = 'upgrade-guard-';

/** status.latestHash for this version; of a Plan without digest annotation and without secrets. */
export function latestHash(version: string, serviceAccount: string): string {
  return createHash('sha224')
    .update(`${munged(version)}${serviceAccount}`)
    .digest('hex');
}

/** It upgrades K3s, and to the version that the Plan names: an image with a tag of its own does not follow it. */
export const followsVersion = ({ image }: Pick<PlanRow, 'image'>): boolean => lastPart(image) === 'k3s-upgrade';
/** It upgrades K3s at all; Plans of other images do other things, Rancher's agent among them. */
export const upgradesK3s = ({ image }: Pick<PlanRow, 'image'>): boolean => /^k3s-upgrade(?:[:@]|$)/.test(lastPart(image));
const lastPart = (image: string): string => image.slice(image.lastIndexOf('/') + 1);

/** The version that it asks for: spec.version counts more than a channel, of which only the status knows what it resolved to. undefined: none, or none of K3s. */
export const targetOf = (plan: Pick<PlanRow, 'version' | 'latestVersion' | 'channel'>): string | undefined =>
  parse(wantedBy(plan) ?? plan.latestVersion ?? '');

/** Of its version, or of its channel where an answer of the channel server was given. */
function wantedBy({ version, channel }: Pick<PlanRow, 'version' | 'channel'>): string | undefined {
  const name = version === undefined ? channel?.split('/').at(-1) : undefined;
  return version ?? channels().channels.find((each) => each.name === name)?.latest;
}

/** A label of the Node excludes it from this Plan. */
export const isExcluded = ({ labels }: Pick<NodeRow, 'labels'>, plan: Pick<PlanRow, 'ref'>): boolean =>
  labels[planLabel(plan.ref.name)] === 'disabled';

/** Nodes that it speaks about and has not done yet; without a status, all of them. */
export function pendingOf(plan: PlanRow, nodes: readonly NodeRow[]): NodeRow[] {
  const wanted = wantedBy(plan);
  const moves = wanted !== undefined && parse(wanted) !== parse(plan.latestVersion ?? '');
  return selectedBy(plan, nodes).filter((node) => {
    const label = node.labels[planLabel(plan.ref.name)];
    return !isExcluded(node, plan) && (moves || label === undefined || label !== plan.latestHash);
  });
}

/** K3s Plans that have Nodes left, each with these. */
export const openPlans = (plans: readonly PlanRow[], nodes: readonly NodeRow[]): { plan: PlanRow; pending: NodeRow[] }[] =>
  plans.filter(upgradesK3s).flatMap((plan) => {
    const pending = pendingOf(plan, nodes);
    return pending.length ? [{ plan, pending }] : [];
  });

export const planName = ({ ref }: Pick<PlanRow, 'ref'>): string => `${ref.namespace}/${ref.name}`;

const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
export const ETCD = 'node-role.kubernetes.io/etcd';
export const isServer = ({ labels }: Pick<NodeRow, 'labels'>): boolean =>
  [...CONTROL_PLANE, ETCD].some((role) => labels[role] !== undefined);

/** Of all taints the Jobs tolerate this one, and what the Plan says (pkg/upgrade/job/job.go). */
const OF_JOBS = { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' };
/** The first taint, as `KEY:EFFECT`, that keeps the Jobs of this Plan from the Node. */
export function untolerated({ taints }: Pick<NodeRow, 'taints'>, { tolerations }: Pick<PlanRow, 'tolerations'>): string | undefined {
  const kept = taints.find((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates([OF_JOBS, ...tolerations], taint));
  return kept && `${kept.key}:${kept.effect}`;
}
