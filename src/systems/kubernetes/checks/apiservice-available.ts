// Aggregated APIs that are not Available: discovery fails for their group, namespaces cannot be deleted, garbage collection and quotas stop over kinds that they cannot list.
// Source: kube-aggregator pkg/controllers/status.
import type { Check, Text } from '../../../engine/contracts.ts';
import { each, list, maybe, word } from '../../../engine/read/index.ts';

const reads = {
  services: list('apiservices.apiregistration.k8s.io', {
    service: maybe('spec.service', { namespace: word('namespace', ''), name: word('name', '') }),
    conditions: each('status.conditions', { type: word('type'), status: word('status'), reason: word('reason', '') }),
  }),
};
interface Args {
  name: string;
  service: string;
  reason: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/apiservice-available',
  title: { en: 'every APIService is Available', zh: '所有 APIService 均可用' },
  headline: { en: 'APIServices are not Available', zh: '有 APIService 不可用' },
  page: {
    impact: {
      en: 'Requests to an aggregated API that is not Available fail. Deleting namespaces hangs, and garbage collection and resource quotas miss its kinds. After an upgrade this cannot be told from new damage.',
      zh: '访问不可用的聚合 API 会失败。命名空间无法删除，垃圾收集和资源配额会遗漏其资源。升级后将无法区分新旧问题。',
    },
    detection: { en: 'Reads condition Available of each APIService.', zh: '读取每个 APIService 的 Available 状况。' },
    fix: {
      en: 'manual: fix the Service behind it, or delete an APIService that is left over.',
      zh: '手动：修复其后端 Service，或删除遗留的 APIService。',
    },
  },
  sources: ['kubernetes/kube-aggregator: pkg/controllers/status'],
  applies: { stage: 'both' },
  reads,
  judge: ({ services }) =>
    services.flatMap(({ ref, service, conditions }) => {
      const available = conditions.find(({ type }) => type === 'Available');
      // Those that the API server serves itself have no Service and are never unavailable for long.
      if (!service || available?.status === 'True') return [];
      const reason = available?.reason || 'Unknown';
      return [
        {
          severity: 'warning' as const,
          key: [ref.name],
          certainty: 'certain' as const,
          objects: [ref],
          args: { name: ref.name, service: `${service.namespace}/${service.name}`, reason },
          evidence: [{ seen: `status.conditions[type=Available].reason=${reason}`, at: ref }],
        },
      ];
    }),
  say: ({ name, service, reason }): Text => ({
    en: `APIService ${name} is not Available (${reason}): Service ${service}`,
    zh: `APIService ${name} 不可用（${reason}）：Service ${service}`,
  }),
};
export default check;
