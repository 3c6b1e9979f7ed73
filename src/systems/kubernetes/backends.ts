// What answers for a webhook: the Service that it names, with a ready endpoint in some EndpointSlice of it.
import type { PointReader, Ref } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { each, flag, label, list, rowOf } from '../../engine/read/index.ts';

const SLICE = { service: label('kubernetes.io/service-name'), endpoints: each('endpoints', { ready: flag('conditions.ready', true) }) };
export const slices = list('endpointslices.discovery.k8s.io', SLICE);

export type NoBackend = 'no-service' | 'no-endpoints';

/** Lists are not one moment: the Service first, then its slices. `service`: NAMESPACE/NAME. undefined: it has a backend after all, or that cannot be seen. */
export async function withoutBackend(service: string, slices: readonly Ref[], look: PointReader): Promise<NoBackend | undefined> {
  const [namespace, name = ''] = service.split('/');
  const found = await look.get({ apiVersion: 'v1', kind: 'Service', namespace, name });
  if (isGap(found)) return undefined;
  if (!found) return 'no-service';
  for (const ref of slices) {
    const slice = await look.get(ref);
    if (isGap(slice) || (slice && rowOf(SLICE)(slice).endpoints.some(({ ready }) => ready))) return undefined;
  }
  return 'no-endpoints';
}
