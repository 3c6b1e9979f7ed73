// One process per journal. Each writes a lock file of its own name first and looks for others then: of two that come at once at least one
// sees the other, so both can be refused but never both let in. No lock is ever taken from a living process.
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import type { RunOwner } from '../engine/contracts.ts';

/** Resolves to what gives the lock back, or to who holds it. Rejects when the lock file cannot be written. */
export async function lockFolder(folder: string): Promise<(() => Promise<void>) | RunOwner> {
  const { own, host } = await ownLock();
  try {
    const file = await open(path.join(folder, own), 'wx', 0o600);
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return { host: decoded(host), pid: process.pid, here: true, sure: true };
    throw error;
  }
  const release = () => rm(path.join(folder, own), { force: true });
  try {
    const other = await otherOwner(folder, own, host, (name) => rm(path.join(folder, name), { force: true }));
    if (other === undefined) return release;
    await release();
    return other;
  } catch (error) {
    await release();
    throw error;
  }
}

/** Who works on it now, other than this process. Nothing is written. */
export async function ownerOf(folder: string): Promise<RunOwner | undefined> {
  const { own, host } = await ownLock();
  return otherOwner(folder, own, host, async () => {});
}

/** The name of this process's lock file, and of its machine as it stands there. */
async function ownLock(): Promise<{ own: string; host: string }> {
  const host = encodeURIComponent(hostname()).slice(0, 128);
  const started = (await startOf(process.pid)) ?? 'unknown';
  return { own: ['lock', process.pid, started, host].join(','), host };
}

/** A living owner; the files of dead ones are passed on the way. Their names hold pid and start time, so no new owner ever has the same. */
async function otherOwner(folder: string, own: string, host: string, dead: (name: string) => Promise<void>): Promise<RunOwner | undefined> {
  for (const name of await readdir(folder)) {
    const [, pid, started, owner] = /^lock,(\d{1,10}),(\w+),(.+)$/.exec(name) ?? [];
    if (name === own || pid === undefined || started === undefined || owner === undefined) continue;
    const here = owner === host;
    if (!here || (await lives(Number(pid), started)))
      return { host: decoded(owner), pid: Number(pid), here, sure: here && started !== 'unknown' };
    await dead(name);
  }
  return undefined;
}

/** As the machine calls itself; one that was cut in the middle of a character stays as it is. */
function decoded(host: string): string {
  try {
    return decodeURIComponent(host);
  } catch {
    return host;
  }
}

async function lives(pid: number, started: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, as another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const start = await startOf(pid);
  return start === undefined || started === 'unknown' || start === started;
}

/** Linux tells when a process started (field 22 of /proc/PID/stat, in ticks since boot): a pid that was given out again is not the owner. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field, the program's name in brackets, may hold blanks.
  return stat
    ?.slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .at(19);
}
