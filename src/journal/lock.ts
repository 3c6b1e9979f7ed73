// One process per journal. Each writes a lock file of its own name first and looks for others then: of two that come at once at least one
// sees the other, so both can be refused but never both let in. No lock is ever taken from a living process.
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

export interface Owner {
  host: string;
  pid: number;
  /** Its lock file. */
  file: string;
}

/** Resolves to what gives the lock back, or to who holds it. Rejects when the lock file cannot be written. */
export async function lockFolder(folder: string): Promise<(() => Promise<void>) | Owner> {
  const host = encodeURIComponent(hostname()).slice(0, 128);
  const started = (await startOf(process.pid)) ?? 'unknown';
  const own = ['lock', process.pid, started, host].join(',');
  try {
    const file = await open(path.join(folder, own), 'wx', 0o600);
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return { host, pid: process.pid, file: own };
    throw error;
  }
  const release = () => rm(path.join(folder, own), { force: true });
  try {
    const other = await otherOwner(folder, own, host);
    if (other === undefined) return release;
    await release();
    return other;
  } catch (error) {
    await release();
    throw error;
  }
}

/** A living owner; the files of dead ones are removed on the way. Their names hold pid and start time, so no new owner ever has the same. */
async function otherOwner(folder: string, own: string, host: string): Promise<Owner | undefined> {
  for (const name of await readdir(folder)) {
    const [, pid, started, owner] = /^lock,(\d{1,10}),(\w+),(.+)$/.exec(name) ?? [];
    if (name === own || pid === undefined || started === undefined || owner === undefined) continue;
    if (owner !== host || (await lives(Number(pid), started))) return { host: owner, pid: Number(pid), file: name };
    await rm(path.join(folder, name), { force: true });
  }
  return undefined;
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
