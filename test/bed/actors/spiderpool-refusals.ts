// What the webhook of SpiderIPPools refuses, as the real controller of 1.2.2 was recorded to (../shared/data/spiderpool/recorded), for `startAdmission`: the gateway inside the ranges,
// an address taken out while it is in use, a changed subnet, and a foreign podAffinity on a pool that it made by itself.
import { inRanges } from '../../../src/kube/addresses.ts';
import type { Body } from '../client.ts';

const P = 'ipam.spidernet.io/';
const OWN = ['app-api-group', 'app-api-version', 'app-kind', 'app-namespace', 'app-name'].map((key) => P + key);

/** The message, in its words; undefined: admitted. */
export function poolRefusedBy({ object, oldObject }: Body): string | undefined {
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
