// The folder outside the checkout that holds what is expensive to make or fetch, and how things get into it whole or not at all.
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Says one line of progress to whoever waits. */
export type Say = (line: string) => void;

/** $XDG_CACHE_HOME/upgrade-guard/bed, by default below ~/.cache. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'upgrade-guard', 'bed');
}

const UNFINISHED = /^unfinished-(\d+)-/;

/** A folder for work in progress, inside the cache so that a rename out of it is atomic. It is removed when `work` ends; after a kill, by the next call. */
export async function inUnfinishedFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) {
    const pid = UNFINISHED.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(cache, name), { recursive: true, force: true });
  }
  const folder = join(cache, `unfinished-${process.pid}-${Date.now()}`);
  mkdirSync(folder);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives a finished file its name in the cache. */
export function keep(finished: string, ...name: string[]): string {
  const path = join(cacheFolder(), ...name);
  mkdirSync(join(path, '..'), { recursive: true });
  renameSync(finished, path);
  return path;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
