// The control plane that a test file has to itself while it runs: the first of its version that no other file uses.
// What the tool looks at (all namespaces, CRDs, one Lease for the cluster) cannot be shared by two files.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { taken } from './cache.ts';
import type { ControlPlane } from './control-plane.ts';

export const mine: ControlPlane = await take(inject('beds'));

export const giveBack = () => rmSync(lockOf(mine), { force: true });

async function take(planes: ControlPlane[]): Promise<ControlPlane> {
  for (;;) {
    const free = planes.find((plane) => taken(lockOf(plane)));
    if (free) return free;
    await sleep(50);
  }
}

function lockOf({ folder }: ControlPlane): string {
  return join(folder, 'in-use');
}
