// The folder outside the checkout that holds what is expensive to make or fetch, and how things get into it whole or not at all.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Prints one line of progress. */
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

/** Work that another process may be doing at this moment: waits until none is. `work` looks again at what is left to do. */
export async function oneAtATime<Result>(name: string, say: Say, work: () => Promise<Result>): Promise<Result> {
  const lock = join(cacheFolder(), `${name}.lock`);
  mkdirSync(cacheFolder(), { recursive: true });
  for (let waited = 0; !taken(lock); waited++) {
    if (waited % 60 === 0) say(`waiting for process ${holderOf(lock) || '(just ended)'}, which does a ${name} here already`);
    await sleep(1000);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Takes a lock file for this process. false: another one has it, or just had. */
export function taken(lock: string): boolean {
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch {
    const holder = holderOf(lock);
    // Who was killed leaves its lock behind.
    if (holder && (holder === process.pid || !isAlive(holder))) rmSync(lock, { force: true });
    return false;
  }
}

function holderOf(lock: string): number {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return 0;
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
