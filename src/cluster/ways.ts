// The way to one API server among several, by its own address.
import type { Discovery } from './discovery.ts';
import type { Connection } from './kubeconfig.ts';
import { ASKED_SLICES, addressed, apiServers, type Server } from './text.ts';
import { type ClientOptions, type Transport, transport } from './transport.ts';

/** `http`: the way that is known to work. It leads to the only one as well: from outside of a cluster its own address is mostly out of reach. */
export function ways(connection: Connection, signal: AbortSignal, options: ClientOptions, http: Transport) {
  const direct = new Map<string, Transport>();
  return (found: readonly { host: string; port: number }[]): Server[] =>
    found.length === 1 ? [{ name: addressed(found[0]!.host, found[0]!.port), http: () => http }] : found.map(serverAt);

  function serverAt({ host, port }: { host: string; port: number }): Server {
    const name = addressed(host, port);
    return {
      name,
      http() {
        if (connection.server === `https://${name}`) return http;
        const known = direct.get(name) ?? transport(connection.direct(host, port), signal, options);
        direct.set(name, known);
        return known;
      },
    };
  }
}

/** undefined: no API server says of itself that it is there. */
export async function serverNamed(
  name: string,
  serversAt: ReturnType<typeof ways>,
  http: Transport,
  apis: Discovery,
): Promise<Server | undefined> {
  const api = await apis.byName(ASKED_SLICES.resource);
  const found = api && 'why' in api ? api : await apiServers(http, api);
  return 'why' in found ? undefined : serversAt(found).find((server) => server.name === name);
}
