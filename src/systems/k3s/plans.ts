// What the system-upgrade-controller makes of a Plan: the hash that it labels nodes with, and whether its image follows the version.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan/plan.go (DigestStatus, MungeVersion), pkg/upgrade/container.
import { createHash } from 'node:crypto';
import { tolerates } from '../../kube/taints.ts';
import { munged } from '../../versions/k3s.ts';
import type { NodeRow, PlanRow } from './reads.ts';

/** Label of a Node that the Plan has done: the hash that it did. */
export const planLabel = (plan: string): string => `plan.upgrade.cattle.io/${plan}`;

/** status.latestHash for this version; of a Plan without digest annotation and without secrets. */
export function latestHash(version: string, serviceAccount: string): string {
  return createHash('sha224')
    .update(`${munged(version)}${serviceAccount}`)
    .digest('hex');
}

/** It upgrades K3s, and to the version that the Plan names: an image with a tag of its own does not follow it. */
export function followsVersion({ image }: Pick<PlanRow, 'image'>): boolean {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return name === 'k3s-upgrade';
}

/** Of all taints the Jobs tolerate this one, and what the Plan says (pkg/upgrade/job/job.go). */
const OF_JOBS = { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' };
/** The first taint, as `KEY:EFFECT`, that keeps the Jobs of this Plan from the Node. */
export function untolerated({ taints }: Pick<NodeRow, 'taints'>, { tolerations }: Pick<PlanRow, 'tolerations'>): string | undefined {
  const kept = taints.find((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates([OF_JOBS, ...tolerations], taint));
  return kept && `${kept.key}:${kept.effect}`;
}
