// What the webhooks refuse, as the real controller of 1.2.2 was recorded to (../shared/data/spiderpool/recorded), for `startAdmission`. Of SpiderIPPools the gateway inside the ranges,
// an address taken out while it is in use, a changed subnet, and a foreign podAffinity on a pool that it made by itself; of SpiderCoordinators a hijackCIDR that is none.
import { inRanges, isRange } from '../../../src/kube/addresses.ts';
import type { Body } from '../client.ts';

const P = 'ipam.spidernet.io/';
const OWN = ['app-api-group', 'app-api-version', 'app-kind', 'app-namespace', 'app-name'].map((key) => P + key);

/** The message, in its words; undefined: admitted. */
export function refusedBy(request: Body): string | undefined {
  if (request.kind.kind === 'SpiderIPPool') return poolRefusedBy(request);
  if (request.kind.kind !== 'SpiderCoordinator') return undefined;
  const { metadata, spec } = request.object;
  const at = (spec.hijackCIDR ?? []).findIndex((each: string) => !isRange(each));
  const said = `spec.extraCIDR[${at}]: Invalid value: "${spec.hijackCIDR?.[at]}": ParseAddr("${spec.hijackCIDR?.[at]}"): unable to parse IP`;
  return at < 0 ? undefined : `SpiderCoordinator "${metadata.name}" is invalid: ${said}`;
}

function poolRefusedBy({ object, oldObject }: Body): string | undefined {
  const { name, labels = {} } = object.metadata;
  const { ips = [], excludeIPs = [], gateway, subnet, podAffinity } = object.spec;
  const isIn = (address: string) => inRanges(ips)(address) && !inRanges(excludeIPs)(address);
  const invalid = (what: string) => `SpiderIPPool "${name}" is invalid: ${what}`;
  if (oldObject && oldObject.spec.subnet !== subnet) return invalid('spec.subnet: Forbidden: is not changeable');
  if (gateway && isIn(gateway)) {
    return invalid(
      `spec.ips[0]: Invalid value: "${ips[0]}": conflicts with 'spec.gateway' ${gateway}, add the gateway IP address to 'spec.excludeIPs' or remove it from 'spec.ips'`,
    );
  }
  const keys = Object.keys(podAffinity?.matchLabels ?? {});
  if (labels[`${P}owner-application-name`] !== undefined && keys.some((key) => !OWN.includes(key)))
    return invalid("spec.podAffinity: it's invalid to add additional podAffinity matchLabels for auto-created SpiderIPPool");
  for (const [address, record] of Object.entries<Body>(JSON.parse(object.status?.allocatedIPs || '{}'))) {
    if (!isIn(address)) return invalid(`spec.ips: Forbidden: remove an IP address ${address} that is being used by Pod ${record.pod}`);
  }
  return undefined;
}
