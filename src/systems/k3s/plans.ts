// What the system-upgrade-controller makes of a Plan: the hash that it labels nodes with, and whether its image follows the version.
// Source: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan/plan.go (DigestStatus, MungeVersion), pkg/upgrade/container.
import { createHash } from 'node:crypto';
import { munged } from '../../versions/k3s.ts';
import type { PlanRow } from './reads.ts';

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
