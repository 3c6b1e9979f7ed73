// Setup of every control plane test file: waits until no other file uses this control plane, then empties it.
// What the tool looks at (all namespaces, CRDs, one Lease for the cluster) cannot be shared by two files.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, inject } from 'vitest';
import { isAlive } from './cache.ts';
import { clientOf } from './client.ts';
import { reset } from './reset.ts';

const plane = inject('bed');
const lock = join(plane.folder, 'in-use');
while (!taken()) await sleep(50);
afterAll(() => rmSync(lock, { force: true }));
await reset(clientOf(plane), join(plane.folder, 'baseline.json'));

function taken(): boolean {
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
