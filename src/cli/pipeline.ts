// -o sarif and -o junit: what pipelines and code hosts read. Paths are those of the repository that the current directory belongs to.
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { isPipe, isStdin } from '../files/input.ts';
import { jsonOf } from '../report/data.ts';
import { junit } from '../report/junit.ts';
import { type Failed, failuresOf } from '../report/report.ts';
import { sarif } from '../report/sarif.ts';
import type { Shown } from '../report/view.ts';
import { CHECKS, HEADLINES, SYSTEMS } from '../systems/index.ts';
import type { Call } from './call.ts';

export function forPipeline(
  { face, version }: Call,
  output: 'sarif' | 'junit',
  looks: readonly Shown[],
  failed: readonly Failed[],
): string {
  const catalogue = { systems: SYSTEMS, checks: HEADLINES };
  const failures = failuresOf(failed, face);
  const root = rootOf(process.cwd());
  const tool = { version, pages: CHECKS, inRepository: (file: string) => withinRoot(root, file) };
  if (output === 'junit') return junit(looks, failures, catalogue, tool, face);
  return jsonOf(sarif(looks, failures, catalogue, tool, face));
}

/** The work tree that a directory lies in (in one that git added, `.git` is a file); outside of any, the directory itself. */
export function rootOf(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, '.git'))) return at;
    if (at === path.dirname(at)) return folder;
  }
}

/** undefined: standard input, a pipe, or a file outside of it. */
export function withinRoot(root: string, file: string): string | undefined {
  if (isStdin(file) || isPipe(file)) return undefined;
  // The current directory has its links followed, a path that was typed need not.
  for (const each of [path.resolve(file), real(file)]) {
    const within = path.relative(root, each);
    if (within && within !== '..' && !within.startsWith(`..${path.sep}`) && !path.isAbsolute(within))
      return within.split(path.sep).join('/');
  }
  return undefined;
}

function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}
