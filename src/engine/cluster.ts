// The cluster as detection and checks are handed it: its version, what it serves, what is installed.
import type { Cluster, Gap, HelmDriver, Installation, Served, ServedResource, Source } from './contracts.ts';
import { isGap } from './gaps.ts';

/** `installations`: filled while systems are detected. */
export function clusterOf(
  source: Source,
  serverVersion: string | Gap,
  installations: readonly Installation[],
  helmDriver?: HelmDriver,
  servers: Pick<Cluster, 'servers' | 'unasked' | 'emulationMinor'> = {},
): Cluster {
  let asked: Promise<{ resources: ServedResource[]; gaps: Gap[] } | Gap> | undefined;
  const apis = () => {
    asked ??= source.apis?.() ?? Promise.resolve(NOT_ASKED);
    return asked;
  };
  return {
    serverVersion,
    installations,
    helmDriver,
    ...servers,
    servesAs: async (apiVersion, kind) => source.serves?.(apiVersion, kind) ?? { ...NOT_ASKED, resource: apiVersion },
    async serves(group, name) {
      const all = await apis();
      return isGap(all) ? all : servedBy(all, group, name);
    },
  };
}

const NOT_ASKED: Gap = { why: 'not-collected', verb: 'discover', resource: 'apis' };

/** A group of which some version does not answer may serve anything. */
function servedBy(
  { resources, gaps }: { resources: ServedResource[]; gaps: Gap[] },
  group: string,
  name: string,
): Served | undefined | Gap {
  const found = resources.filter((each) => each.group === group && (each.kind === name || each.resource === name));
  const [first] = found;
  if (!first) return gaps.find(({ resource }) => resource === group || resource.startsWith(`${group}/`));
  const versions = [...new Set(found.map(({ version }) => version))];
  return { kind: first.kind, resource: first.resource, versions, preferred: (found.find(({ preferred }) => preferred) ?? first).version };
}
