// The version of every API server, asked one by one by their own addresses: while a control plane is upgraded they differ, and the address of a kubeconfig leads to any of them.
import type { Cluster, Source, TextQuery } from './contracts.ts';

/** ms until a server that does not take the connection is not waited for any more: from outside of a cluster its addresses are often out of reach. */
const REACH_MS = 2000;
export const SERVERS: TextQuery = { path: '/version', every: true, reachMs: REACH_MS };

/**
 * Servers that answered by their own address, and what could not be asked of the others. Where none can be reached so, nothing is known but what the kubeconfig leads to, and that is not a gap:
 * it is so from outside of most clusters.
 */
export async function serversOf(source: Source): Promise<Pick<Cluster, 'servers' | 'unasked' | 'emulationMinor'>> {
  const found = new Map<string, string>();
  const emulated = new Map<string, string>();
  const gaps = await source.text?.(SERVERS, {
    line(line, server) {
      const version = /"gitVersion":\s*"([^"]{1,100})"/.exec(line)?.[1];
      if (version !== undefined) found.set(server, version);
      const emulates = /"emulationMinor":\s*"(\d{1,4}\+?)"/.exec(line)?.[1];
      if (emulates !== undefined) emulated.set(server, emulates);
      return version !== undefined || emulates !== undefined;
    },
    restart: () => {
      found.clear();
      emulated.clear();
    },
  });
  found.delete('');
  const ofOne = emulated.get('');
  if (!found.size) return ofOne === undefined ? {} : { emulationMinor: ofOne };
  const servers = [...found].map(([address, version]) => {
    const emulationMinor = emulated.get(address);
    return { address, version, ...(emulationMinor === undefined ? {} : { emulationMinor }) };
  });
  return { servers, unasked: gaps ?? [] };
}
