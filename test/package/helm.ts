// Real Helm with a home of its own, for the tests of the plugin.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Tools, tools } from '../bed/tools.ts';

/** The Helms that the plugin must work in: the oldest and newest that npm carries of each, and those that most tests use. */
export const HELMS = [
  { which: 'helm39', version: '3.9.4', major: 3 },
  { which: 'helm3', version: '3.17.1', major: 3 },
  { which: 'helm4', version: '4.1.4', major: 4 },
  { which: 'helm42', version: '4.2.3', major: 4 },
] as const satisfies { which: keyof Tools; version: string; major: number }[];
export type WhichHelm = (typeof HELMS)[number]['which'];

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}
export interface Helm {
  /** Nothing of this machine reaches it: neither plugins nor kubeconfig. */
  (words: string[], env?: Record<string, string>): Promise<Said>;
  /** Everything it keeps is below this. */
  home: string;
  /** Where it puts plugins. */
  plugins: string;
}

/** Inside a test; goes away with it. */
export function helmAlone(which: WhichHelm): Helm {
  const home = mkdtempSync(join(tmpdir(), `ug-${which}-`));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  // Helm reads plugins from HELM_PLUGINS, but installs them here whatever that says.
  const plugins = join(home, 'data', 'plugins');
  mkdirSync(plugins, { recursive: true });
  const own = {
    PATH: '/usr/bin:/bin',
    HOME: home,
    HELM_PLUGINS: plugins,
    HELM_DATA_HOME: join(home, 'data'),
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    LANG: 'en_US.UTF-8',
  };
  const helm = (words: string[], env: Record<string, string> = {}) =>
    new Promise<Said>((resolve, reject) => {
      execFile(tools()[which], words, { env: { ...own, ...env }, cwd: home }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
      });
    });
  return Object.assign(helm, { home, plugins });
}
