// What answers for a webhook: the Service that it names, with the port that it calls and a ready endpoint in some EndpointSlice. Source: kube-aggregator
// pkg/apiserver/resolvers.go, apiserver pkg/util/proxy (ResolveCluster, findServicePort).
import type { PointReader, Ref } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { each, flag, label, list, number, rowOf, word } from '../../engine/read/index.ts';

const SLICE = { service: label('kubernetes.io/service-name'), endpoints: each('endpoints', { ready: flag('conditions.ready', true) }) };
export const slices = list('endpointslices.discovery.k8s.io', SLICE);

const SERVICE = { type: word('spec.type'), address: word('spec.clusterIP'), ports: each('spec.ports', { port: number('port') }) };
/** What is read of a Service, for `pointReads`. */
export const serviceColumns = Object.values(SERVICE);
/** As the configuration of a webhook names it. */
export const SERVED = { namespace: word('namespace', ''), name: word('name', ''), port: number('port', 443) };
export interface Served {
  namespace: string;
  name: string;
  port: number;
}

export type NoBackend = 'no-service' | 'no-endpoints' | 'no-port';
/** What only the API servers can see. */
export type Unseen = 'external' | 'headless';
export const isUnseen = (is: string | undefined): is is Unseen => is === 'external' || is === 'headless';
interface Slice {
  ref: Ref;
  service?: string;
  endpoints: { ready: boolean }[];
}

/**
 * Lists are not one moment: the Service first, then its slices. undefined: it has a backend after all, or that cannot be seen. `external`: of type ExternalName, which the API
 * server calls by that name, without endpoints. `headless`: without an address, which it calls only where it goes to endpoints itself (--enable-aggregator-routing).
 */
export async function backendOf(
  { namespace, name, port }: Served,
  slices: readonly Slice[],
  look: PointReader,
): Promise<NoBackend | Unseen | undefined> {
  const found = await look.get({ apiVersion: 'v1', kind: 'Service', namespace, name });
  if (isGap(found)) return undefined;
  if (!found) return 'no-service';
  const { type, address, ports } = rowOf(SERVICE)(found);
  if (type === 'ExternalName') return 'external';
  // A Service without any is not one that the API server would have taken: these were not read.
  if (ports.length && !ports.some((each) => each.port === port)) return 'no-port';
  if (address === 'None') return 'headless';
  const mine = slices.filter(({ ref, service }) => ref.namespace === namespace && service === name);
  if (mine.some(({ endpoints }) => endpoints.some(({ ready }) => ready))) return undefined;
  for (const { ref } of mine) {
    const slice = await look.get(ref);
    if (isGap(slice) || (slice && rowOf(SLICE)(slice).endpoints.some(({ ready }) => ready))) return undefined;
  }
  return 'no-endpoints';
}
