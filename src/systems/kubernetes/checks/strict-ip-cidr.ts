// IPs and CIDRs in forms that StrictIPCIDRValidation refuses (on from 1.36, locked in 1.38): leading zeros, IPv4-mapped IPv6, host bits. A value that an object holds already
// stays, but not in Pods. Sources: kubernetes pkg/features/kube_features.go:2045@1.36.4, pkg/apis/core/validation/validation.go:4296, :4463@1.37.2; KEP-4858.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Text } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { each, list, texts, word } from '../../../engine/read/index.ts';
import { looseForm } from '../../../kube/addresses.ts';
import { gatesAhead, hopOf } from '../behind.ts';
import { templates, templatesIn } from '../templates.ts';

const HOP = '1.36';
const options = { optional: true, concerns: (hops: readonly string[]) => hops.includes(HOP) } as const;
const blocks = { cidr: word('ipBlock.cidr', ''), except: texts('ipBlock.except') };
const reads = {
  services: list(
    'services',
    {
      clusterIP: word('spec.clusterIP', ''),
      clusterIPs: texts('spec.clusterIPs'),
      externalIPs: texts('spec.externalIPs'),
      loadBalancerIP: word('spec.loadBalancerIP', ''),
      ranges: texts('spec.loadBalancerSourceRanges'),
      ingress: each('status.loadBalancer.ingress', { ip: word('ip', '') }),
    },
    options,
  ),
  policies: list(
    'networkpolicies.networking.k8s.io',
    {
      from: each('spec.ingress', { peers: each('from', blocks) }),
      to: each('spec.egress', { peers: each('to', blocks) }),
    },
    options,
  ),
  slices: list('endpointslices.discovery.k8s.io', { endpoints: each('endpoints', { addresses: texts('addresses') }) }, options),
  ...templates(
    (at) => ({
      hosts: each(`${at}.spec.hostAliases`, { ip: word('ip', '') }),
      servers: texts(`${at}.spec.dnsConfig.nameservers`),
    }),
    { concerns: options.concerns },
  ),
};
type Is = NonNullable<ReturnType<typeof looseForm>>;
interface Args {
  is: Is;
  field: string;
  value: string;
  hop: string;
  /** Of a template: its Pods cannot be made. */
  pods: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/strict-ip-cidr',
  title: { en: 'IPs and CIDRs are written in the strict form', zh: 'IP 和 CIDR 使用严格格式' },
  headline: { en: 'IPs or CIDRs are in a form the target version refuses', zh: 'IP 或 CIDR 的写法不被目标版本接受' },
  page: {
    impact: {
      en: 'From 1.36 on the API server refuses IPs with leading zeros, IPv4-mapped IPv6 addresses and CIDRs with host bits. Existing values stay as they are, but no new Pod can be created with such a value in hostAliases or dnsConfig.',
      zh: '自 1.36 起，API 服务器拒绝含前导零的 IP、IPv4 映射的 IPv6 地址以及主机位不为零的 CIDR。已有的值保持不变，但 hostAliases 或 dnsConfig 中含有此类值时无法创建新的 Pod。',
    },
    detection: {
      en: 'Reads the addresses of Services, NetworkPolicies and EndpointSlices, and hostAliases and nameservers in the Pod templates of workloads.',
      zh: '读取 Service、NetworkPolicy、EndpointSlice 中的地址，以及工作负载 Pod 模板中的 hostAliases 和 dnsConfig.nameservers。',
    },
    fix: {
      en: 'manual: write the value in canonical form where the object is declared. As a stopgap up to 1.37, set feature gate StrictIPCIDRValidation=false on kube-apiserver.',
      zh: '手动：在声明该对象的位置改为标准写法。在 1.37 及之前，可暂时在 kube-apiserver 上设置特性门控 StrictIPCIDRValidation=false。',
    },
    limits: { en: 'Jobs and custom resources are not covered.', zh: '不包括 Job 和自定义资源。' },
  },
  sources: [
    'kubernetes/apimachinery: pkg/util/validation/ip.go',
    'kubernetes/kubernetes: pkg/apis/core/validation/validation.go',
    'KEP-4858',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ services, policies, slices, ...workloads }, { path, cluster }) => {
    if (!gatesAhead({ path, cluster }).includes(HOP)) return [];
    const peersOf = (rules: { peers: { cidr: string; except: string[] }[] }[]) =>
      rules.flatMap(({ peers }) => peers.flatMap(({ cidr, except }) => [cidr, ...except]));
    const found = findings([
      ...seen(services).flatMap(({ ref, clusterIP, clusterIPs, externalIPs, loadBalancerIP, ranges, ingress }) => [
        // The API server fills in the list; a manifest mostly has the one.
        ...(clusterIPs.length ? at(ref, 'spec.clusterIPs', clusterIPs) : at(ref, 'spec.clusterIP', [clusterIP])),
        ...at(ref, 'spec.externalIPs', externalIPs),
        ...at(ref, 'spec.loadBalancerIP', [loadBalancerIP]),
        ...at(ref, 'spec.loadBalancerSourceRanges', ranges),
        ...at(
          ref,
          'status.loadBalancer.ingress',
          ingress.map(({ ip }) => ip),
        ),
      ]),
      ...seen(policies).flatMap(({ ref, from, to }) => [...at(ref, 'spec.ingress', peersOf(from)), ...at(ref, 'spec.egress', peersOf(to))]),
      ...seen(slices).flatMap(({ ref, endpoints }) =>
        at(
          ref,
          'endpoints.addresses',
          endpoints.flatMap(({ addresses }) => addresses),
        ),
      ),
      ...templatesIn(workloads).flatMap(({ ref, hosts, servers }) => [
        ...at(
          ref,
          'hostAliases',
          hosts.map(({ ip }) => ip),
          true,
        ),
        ...at(ref, 'dnsConfig.nameservers', servers, true),
      ]),
    ]);
    return found.map((each) => ({ ...each, hop: hopOf(path, HOP) }));
  },
  say: ({ is, field, value, hop, pods }) => {
    const then = pods
      ? { en: `from ${hop} on new Pods with it are refused`, zh: `自 ${hop} 起无法创建其 Pod` }
      : { en: `from ${hop} on changes to it are refused`, zh: `自 ${hop} 起不接受对该字段的更改` };
    return { en: `${field} ${FORM[is].en} (${value}): ${then.en}`, zh: `${field} ${FORM[is].zh}（${value}）：${then.zh}` };
  },
};
export default check;

const FORM: Record<Is, Text> = {
  'leading-zeros': { en: 'has leading zeros', zh: '含前导零' },
  'ipv4-mapped': { en: 'holds an IPv4-mapped IPv6 address', zh: '含 IPv4 映射的 IPv6 地址' },
  'host-bits': { en: 'holds a CIDR with host bits', zh: '含主机位不为零的 CIDR' },
};

interface Loose extends Omit<Args, 'hop'> {
  ref: Ref;
}
/** The first value of a field that is not in the strict form. */
function at(ref: Ref, field: string, values: readonly string[], pods = false): Loose[] {
  const value = values.find((each) => looseForm(each)) ?? '';
  const is = looseForm(value);
  return is ? [{ ref, field, value, is, pods }] : [];
}

const findings = (loose: Loose[]): Finding<Args>[] =>
  [...Map.groupBy(loose, ({ ref, field, is }) => `${ref.kind} ${field} ${is}`).values()].map((same) => {
    const { is, field, value, pods, ref } = same[0]!;
    return finding({
      severity: pods ? 'blocker' : 'warning',
      key: [ref.kind, field, is],
      objects: same.map((each) => each.ref),
      args: { is, field, value, hop: HOP, pods },
      evidence: same.slice(0, 3).map((each) => ({ seen: `${each.field}: ${each.value}`, at: each.ref })),
    });
  });
