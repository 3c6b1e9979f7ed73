// CoreDNS as kubeadm upgrade looks at it in its preflight checks, at every minor: over a plugin that its migration does not know, and over a release that is newer than its own or
// none that it knows, it stops, unless the check is ignored; it then leaves the plugin, or CoreDNS, as it is. Sources: kubernetes cmd/kubeadm/app/phases/upgrade/preflight.go,
// cmd/kubeadm/app/phases/addons/dns/dns.go@1.37.2; coredns/corefile-migration migration/migrate.go@1.14.2.
import semver from 'semver';
import { type Line, outline } from '../../engine/read/index.ts';
import { corefile as facts, kubeadm } from './knowledge/tables.ts';

export const LINES = { lines: outline('data.Corefile') };

export const coreDnsOf = (version: string): string | undefined =>
  kubeadm().images.find((row) => row.minor === /1\.\d+/.exec(version)?.[0])?.coreDNS;

/** Behind the addresses of a server block stand its plugins, behind these their options. Snippets are imported into server blocks. */
export function pluginsIn(lines: readonly Line[]): { plugin: string; options: string[] }[] {
  const found: { plugin: string; options: string[] }[] = [];
  for (const { word, depth } of lines) {
    if (depth === 1 && word !== 'import') found.push({ plugin: word, options: [] });
    if (depth === 2) found.at(-1)?.options.push(word);
  }
  return found;
}

/** Why the kubeadm of that minor does not migrate from this release. One newer than the table may be known to a newer kubeadm. */
export function notMigrated(installed: string, minor: string): 'newer' | 'unsupported' | undefined {
  const ships = coreDnsOf(minor);
  if (!ships || installed === ships || !semver.valid(installed)) return undefined;
  if (semver.gt(installed, ships)) return 'newer';
  const { releases } = facts();
  return releases.includes(installed) || semver.gt(installed, releases.at(-1)!) ? undefined : 'unsupported';
}

const UNSUPPORTED = 'CoreDNSUnsupportedPlugins';
/** As the pages of coredns-corefile and addon-versions name it; '' where nothing stops it. `lines`: of the Corefile. */
export function ignoredPreflight(installed: string | undefined, lines: readonly Line[], minor: string): string {
  const { migrated, removed } = facts();
  const foreign = pluginsIn(lines).some(
    ({ plugin }) => !migrated.includes(plugin) && !removed.some((row) => row.plugin === plugin && !row.option),
  );
  const stops = installed !== undefined && notMigrated(installed, minor) !== undefined;
  const checks = stops ? [UNSUPPORTED, 'CoreDNSMigration'] : foreign ? [UNSUPPORTED] : [];
  return checks.length ? `--ignore-preflight-errors=${checks.join(',')}` : '';
}
