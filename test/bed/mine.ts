// The control plane that a test file has to itself while it runs: the first of its version that no other file uses.
// What the tool looks at (all namespaces, CRDs, one Lease for the cluster) cannot be shared by two files.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { isAlive } from './cache.ts';
import type { ControlPlane } from './control-plane.ts';

export const mine: ControlPlane = await take(inject('beds'));

export const giveBack = () => rmSync(lockOf(mine), { force: true });

async function take(planes: ControlPlane[]): Promise<ControlPlane> {
  for (;;) {
    const free = planes.find(taken);
    if (free) return free;
    await sleep(50);
  }
}

function lockOf({ folder }: ControlPlane): string {
  return join(folder, 'in-use');
}

function taken(plane: ControlPlane): boolean {
  const lock = lockOf(plane);
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch {
    const holder = Number(read(lock));
    // A worker that was killed leaves its lock behind.
    if (holder && (holder === process.pid || !isAlive(holder))) rmSync(lock, { force: true });
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
