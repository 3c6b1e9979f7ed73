// Measuring a whole process: wall time, CPU time of all its threads, peak memory.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Measured {
  /** Milliseconds. */
  wall: number;
  /** User and system time, milliseconds. */
  cpu: number;
  /** Peak resident memory, MB; 0 where the system does not tell (/proc). */
  rss: number;
  code: number | null;
}

/** ms between two looks at the peak: the last before the end is what counts. */
const LOOK = 20;

/** bash's `time` asks the kernel for the child's usage, which Node.js cannot; the peak comes from /proc. */
export function measure(command: string[], env: NodeJS.ProcessEnv = process.env): Promise<Measured> {
  const script = `TIMEFORMAT='%R %U %S'; time { "$@" >/dev/null 2>&1 & echo $! >&3; wait $!; }`;
  const child = spawn('bash', ['-c', script, 'bench', ...command], {
    env: { ...env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let [times, pid, rss] = ['', '', 0];
  child.stdio[2]?.on('data', (chunk) => {
    times += chunk;
  });
  child.stdio[3]?.on('data', (chunk) => {
    pid += chunk;
  });
  const looking = setInterval(() => {
    rss = Math.max(rss, pid ? peakOf(pid.trim()) : 0);
  }, LOOK);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(looking);
      const [wall = 0, user = 0, system = 0] = times
        .trim()
        .split('\n')
        .at(-1)!
        .split(' ')
        .map((seconds) => Number(seconds) * 1000);
      resolve({ wall, cpu: user + system, rss, code });
    });
  });
}

function peakOf(pid: string): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended
  }
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
