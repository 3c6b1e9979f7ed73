// Upstream artefacts that lie beside the checkout, not in it. A suite that needs them is left out by name where they are absent; with CI=true that fails.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';

const UPSTREAM = join(import.meta.dirname, '..', '..', '..', 'shared');

declare module 'vitest' {
  interface TaskMeta {
    /** Why this suite was left out and how to get it; the reporter prints it. */
    leftOut?: string;
  }
}

/** A path below ../shared; undefined when it is not there. */
export function upstream(...path: string[]): string | undefined {
  const found = join(UPSTREAM, ...path);
  return existsSync(found) ? found : undefined;
}

/** A suite over upstream data; `needs` is its path below ../shared. */
export function describeUpstream(name: string, needs: string[], suite: (folder: string) => void): void {
  const folder = upstream(...needs);
  if (folder) {
    describe(name, () => suite(folder));
    return;
  }
  const leftOut = `needs ${['..', 'shared', ...needs].join('/')} beside the checkout`;
  if (process.env.CI === 'true') {
    test(name, () => {
      throw new Error(`left out: ${leftOut}`);
    });
  } else test.skip(name, { meta: { leftOut } }, () => {});
}
