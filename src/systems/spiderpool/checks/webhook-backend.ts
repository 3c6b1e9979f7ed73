// The Service behind Spiderpool's webhooks: it exists, has the port that the webhooks call, and a ready endpoint. Without one every write of a pool, a subnet or a coordinator fails.
// Sources: charts/spiderpool/templates/{tls,service}.yaml@v0.9.13, @v1.2.2; recorded: with the controller down, writes of pools fail, those of a status do not.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, PointReader, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, flag, label, list, number, rowOf } from '../../../engine/read/index.ts';
import { hooksOf, PODS_HOOK, webhookReads } from '../webhooks.ts';

const SLICE = { service: label('kubernetes.io/service-name'), endpoints: each('endpoints', { ready: flag('conditions.ready', true) }) };
const PORTS = { ports: each('spec.ports', { port: number('port', 0) }) };
/** The slices have the labels of their Service. */
const OWN = { labels: 'app.kubernetes.io/name=spiderpool' } as const;
const reads = {
  ...webhookReads({}),
  services: list('services', PORTS, OWN),
  slices: list('endpointslices.discovery.k8s.io', SLICE, OWN),
};
type Is = 'no-service' | 'no-port' | 'no-endpoints';
interface Args {
  is: Is;
  service: string;
  port: number;
  /** Pods cannot be created either. */
  pods: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/webhook-backend',
  title: { en: 'the webhooks of Spiderpool have a ready backend', zh: 'Spiderpool 的 webhook 有就绪的后端' },
  headline: { en: 'webhooks of Spiderpool have no ready backend', zh: 'Spiderpool 的 webhook 没有就绪的后端' },
  page: {
    impact: {
      en: 'The webhooks have failurePolicy Fail: without a backend the API server rejects every change of SpiderIPPools, SpiderSubnets, SpiderCoordinators and SpiderMultusConfigs, including changes by fix, and new applications get no automatic pool. IPs are still assigned, since status and SpiderEndpoints pass no webhook. With podResourceInject, no Pod is created.',
      zh: '这些 webhook 的 failurePolicy 为 Fail：没有后端时，API 服务器会拒绝对 SpiderIPPool、SpiderSubnet、SpiderCoordinator 和 SpiderMultusConfig 的所有修改（包括修复），新应用也无法获得自动创建的池。status 和 SpiderEndpoint 不经过 webhook，IP 仍可分配。启用 podResourceInject 时无法创建 Pod。',
    },
    detection: {
      en: 'Compares clientConfig.service of the webhooks with the ports of the Service and its EndpointSlices, and reads both once more.',
      zh: '将 webhook 的 clientConfig.service 与 Service 的端口及其 EndpointSlice 比较，并再次读取确认。',
    },
    fix: {
      en: 'manual: restore spiderpool-controller (see kubectl describe), or run helm upgrade where Service and webhooks name different ports.',
      zh: '手动：恢复 spiderpool-controller（用 kubectl describe 查看原因）；如果 Service 与 webhook 的端口不同，请执行 helm upgrade。',
    },
  },
  sources: ['spidernet-io/spiderpool: charts/spiderpool/templates/{tls,service}.yaml@v0.9.13, @v1.2.2'],
  applies: { stage: 'both' },
  reads,
  pointReads: [{ resource: 'services' }, { resource: 'endpointslices.discovery.k8s.io' }],
  judge: async (rows: Rows<typeof reads>, { look, path: { installation } }) => {
    const findings: Finding<Args>[] = [];
    const called = hooksOf(rows, installation).map(({ service, ...hook }) => ({ ...hook, service: service! }));
    for (const [key, all] of Map.groupBy(called, ({ service }) => `${service.name}:${service.port}`)) {
      const { name, port } = all[0]!.service;
      const on: Ref = { apiVersion: 'v1', kind: 'Service', namespace: installation.namespace, name };
      const slices = rows.slices.filter(({ ref, service }) => ref.namespace === on.namespace && service === name);
      const service = rows.services.find(({ ref }) => ref.namespace === on.namespace && ref.name === name);
      const isReady = slices.some(({ endpoints }) => endpoints.some(({ ready }) => ready));
      if (service?.ports.some((one) => one.port === port) && isReady) continue;
      const is = await confirmed(
        on,
        port,
        slices.map(({ ref }) => ref),
        look,
      );
      if (is)
        findings.push(
          found(
            is,
            key,
            { is, service: `${on.namespace}/${name}`, port, pods: all.some((hook) => hook.name === PODS_HOOK) },
            all.map((hook) => hook.on),
          ),
        );
    }
    return findings;
  },
  say: ({ is, service, port, pods }) => ({
    en: `webhooks of Spiderpool call Service ${service} port ${port}, ${STATE[is].en}: changes of its objects${pods ? ', and the creation of Pods,' : ''} are rejected`,
    zh: `Spiderpool 的 webhook 调用 Service ${service} 的端口 ${port}，${STATE[is].zh}：对 Spiderpool 对象的修改${pods ? '以及 Pod 的创建' : ''}会被拒绝`,
  }),
};
export default check;

const STATE: Record<Is, Text> = {
  'no-service': { en: 'which does not exist', zh: '但该 Service 不存在' },
  'no-port': { en: 'which it does not have', zh: '但它没有该端口' },
  'no-endpoints': { en: 'which has no ready endpoint', zh: '但它没有就绪的端点' },
};

/** Lists are not one moment: the Service first, then its slices. undefined: it has a backend after all, or that cannot be seen. */
async function confirmed(on: Ref, port: number, slices: readonly Ref[], look: PointReader): Promise<Is | undefined> {
  const service = await look.get(on);
  if (isGap(service)) return undefined;
  if (!service) return 'no-service';
  if (!rowOf(PORTS)(service).ports.some((one) => one.port === port)) return 'no-port';
  for (const ref of slices) {
    const slice = await look.get(ref);
    if (isGap(slice) || (slice && rowOf(SLICE)(slice).endpoints.some(({ ready }) => ready))) return undefined;
  }
  return 'no-endpoints';
}

/** Traffic goes on unless Pods are held up. */
function found(is: Is, key: string, args: Args, on: Ref[]): Finding<Args> {
  const objects = [...new Map(on.map((ref) => [ref.kind, ref])).values()];
  return finding<Args>({
    severity: args.pods ? 'blocker' : 'warning',
    key: [is, key],
    certainty: 'high',
    objects,
    args,
    evidence: [{ seen: `clientConfig.service.port: ${args.port}` }],
  });
}
