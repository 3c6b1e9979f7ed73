// One case: real kubectl and our binary with the same files, flags and environment against the recording servers.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BINARY } from '../bed/binary.ts';
import type { RecordingServer, Seen } from '../bed/recording-server.ts';
import { tools } from '../bed/tools.ts';

export interface Case {
  name: string;
  /** ~/.kube/config. */
  config?: object | string;
  /** Others below the case's folder; scripts (#!) become executable. Objects are written as JSON, which is YAML. */
  files?: Record<string, object | string>;
  /** `{dir}` in values of env and flags stands for the case's folder. */
  env?: Record<string, string>;
  flags?: string[];
  input?: string;
}
export interface Outcome {
  /** The first request that arrived. */
  first?: Seen;
  /** The tool was content. */
  ok: boolean;
  stderr: string;
  code: number | null;
  /** Requests that arrived. */
  requests: number;
}
export type Who = 'kubectl' | 'ours';

const COMMAND: Record<Who, string[]> = { kubectl: ['version'], ours: ['runs'] };

export async function connecting(who: Who, one: Case, server: RecordingServer, after?: (folder: string) => void): Promise<Outcome> {
  const dir = mkdtempSync(path.join(tmpdir(), 'connect-'));
  const filled = (text: string) => text.replaceAll('{dir}', dir);
  try {
    for (const [name, content] of Object.entries({ ...(one.config === undefined ? {} : { '.kube/config': one.config }), ...one.files }))
      write(path.join(dir, name), typeof content === 'string' ? filled(content) : filled(JSON.stringify(content, null, 2)));
    server.seen();
    const env = Object.fromEntries(Object.entries(one.env ?? {}).map(([key, value]) => [key, filled(value)]));
    const flags = [...COMMAND[who], ...(one.flags ?? []).map(filled)];
    const { code, stderr } = await ended(who === 'kubectl' ? tools().kubectl36 : BINARY, flags, env, dir, one.input ?? '');
    const requests = server.seen();
    after?.(dir);
    return { first: requests[0], ok: code === 0, code, stderr, requests: requests.length };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function write(file: string, content: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  if (content.startsWith('#!')) chmodSync(file, 0o755);
}

function ended(command: string, args: string[], env: Record<string, string>, dir: string, input: string) {
  return new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    const own = { PATH: process.env.PATH ?? '', HOME: dir, XDG_STATE_HOME: path.join(dir, 'state'), LANG: 'C.UTF-8', ...env };
    const child = spawn(command, args, { env: own, cwd: dir, stdio: 'pipe' });
    const stderr: Buffer[] = [];
    child.stdout.resume();
    child.stderr.on('data', (chunk) => stderr.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr: Buffer.concat(stderr).toString() }));
  });
}
