// Webhooks whose Service is missing, lacks the port that they call or has no ready endpoint. With failurePolicy Fail they reject what they match: also the Pods that would bring them back during a drain.
// Source: kubernetes/website, Admission Webhook Good Practices; apiserver pkg/admission/plugin/webhook.

import type { Check, Finding, Gap, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { inOurWords } from '../../../engine/gaps.ts';
import { maybe, origin } from '../../../engine/read/index.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { shellWord } from '../../../text/shell.ts';
import { backendOf, isUnseen, type NoBackend, SERVED, type Served, serviceColumns, slices, type Unseen } from '../backends.ts';
import { untilUpgraded } from '../webhook-policy.ts';
import { hooksOf, webhookReads } from '../webhooks.ts';

const reads = {
  ...webhookReads({
    service: maybe('clientConfig.service', SERVED),
    url: origin('clientConfig.url'),
  }),
  slices,
};
type Is = NoBackend;
interface Args {
  is: Is;
  /** NAMESPACE/NAME. */
  service: string;
  port: number;
  fails: boolean;
  hooks: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/webhook-backend',
  title: { en: 'admission webhooks have a Service with ready endpoints', zh: '准入 webhook 的 Service 有就绪的端点' },
  headline: { en: 'admission webhooks have no ready backend', zh: '准入 webhook 没有就绪的后端' },
  page: {
    impact: {
      en: 'A webhook with failurePolicy Fail and no backend rejects every request that it matches. Pods that are evicted during the upgrade are then not re-created, not even the backend of the webhook.',
      zh: 'failurePolicy 为 Fail 且没有后端的 webhook 会拒绝所有匹配的请求。此时升级期间被驱逐的 Pod 无法重新创建，包括该 webhook 自身的后端。',
    },
    detection: {
      en: 'Compares the Service of each webhook, and the port that it calls, with its EndpointSlices, and reads both once more before reporting.',
      zh: '检查每个 webhook 的 Service、所调用的端口及其 EndpointSlice，报告前再次读取确认。',
    },
    fix: {
      en: 'upgrade sets failurePolicy to Ignore before all other steps and back to Fail at its end; resume and undo restore it too. Otherwise manual: restore its backend, or delete the webhook configuration if its software is no longer installed.',
      zh: 'upgrade 会在所有其他步骤之前将 failurePolicy 设为 Ignore，结束时改回 Fail；继续或撤销运行时也会恢复。其他情况需手动：恢复其后端；如果对应的软件已卸载，则删除该 webhook 配置。',
    },
    limits: {
      en: 'Only the API servers can see whether a webhook that is called by URL, by a Service of type ExternalName or by a headless Service answers: if it has failurePolicy Fail and nothing else is found, the check is unknown. Webhooks without rules match nothing and are ignored.',
      zh: '通过 URL、ExternalName 类型的 Service 或无头 Service 调用的 webhook 是否可用，只有 API 服务器能看到：如果其 failurePolicy 为 Fail 且没有其他问题，该检查为未知。没有 rules 的 webhook 不匹配任何请求，会被忽略。',
    },
  },
  sources: ['kubernetes/website: Admission Webhook Good Practices'],
  applies: { stage: 'both', back: true },
  reads,
  pointReads: [{ resource: 'services', columns: serviceColumns }, { resource: 'endpointslices.discovery.k8s.io' }],
  judge: async (rows: Rows<typeof reads>, { look }) => {
    const called = hooksOf(rows);
    const byService = Map.groupBy(
      called.filter(({ service }) => service),
      ({ service }) => `${service!.namespace}/${service!.name}:${service!.port}`,
    );
    const findings: Finding<Args>[] = [];
    const gaps = called
      .filter(({ url }) => url !== undefined)
      .filter(isFatal)
      .map(byUrl);
    for (const all of byService.values()) {
      const service = all[0]!.service!;
      const is = await backendOf(service, rows.slices, look);
      if (isUnseen(is)) gaps.push(...all.filter(isFatal).map((hook) => byName(hook, service, is)));
      else if (is) findings.push(...[...Map.groupBy(all, ({ policy }) => policy).values()].map((same) => finding(is, service, same)));
    }
    return { findings, gaps };
  },
  say: ({ is, service, port, fails, hooks }) => {
    const at =
      is === 'no-port'
        ? { en: `port ${port} of Service ${service}`, zh: ` Service ${service} 的端口 ${port}` }
        : { en: `Service ${service}`, zh: ` Service ${service}` };
    const named =
      hooks.length === 1
        ? { en: `webhook ${hooks[0]} calls`, zh: `webhook ${hooks[0]} 调用` }
        : { en: `${hooks.length} webhooks call`, zh: `${hooks.length} 个 webhook 调用` };
    return {
      en: `${named.en} ${at.en}, ${STATE[is].en}: ${fails ? 'all matching requests are rejected' : `the webhook${hooks.length === 1 ? ' is' : 's are'} skipped`} (failurePolicy ${fails ? 'Fail' : 'Ignore'})`,
      zh: `${named.zh}${at.zh}，${STATE[is].zh}：${fails ? '会拒绝匹配的请求' : '会被跳过'}（failurePolicy ${fails ? 'Fail' : 'Ignore'}）`,
    };
  },
  remedy: untilUpgraded,
};
export default check;

const STATE: Record<Is, Text> = {
  'no-service': { en: 'which does not exist', zh: '但该 Service 不存在' },
  'no-port': { en: 'which does not have that port', zh: '但它没有这个端口' },
  'no-endpoints': { en: 'which has no ready endpoint', zh: '但它没有就绪的端点' },
};

const isFatal = ({ policy }: { policy: string }): boolean => policy !== 'Ignore';

/** The API server calls the name that it stands for; of a headless one, nothing or its endpoints. */
const byName = ({ name, on }: { name: string; on: Ref }, service: Served, is: Unseen): Gap => {
  const called = { en: `webhook ${oneLine(name, 100)} (${on.name}) calls`, zh: `webhook ${oneLine(name, 100)}（${on.name}）调用` };
  const of = `${service.namespace}/${service.name}`;
  const words =
    is === 'external'
      ? {
          en: `Service ${of} of type ExternalName and has failurePolicy Fail: only the API servers can see whether it answers`,
          zh: ` ExternalName 类型的 Service ${of} 且 failurePolicy 为 Fail：它是否可用只有 API 服务器能看到`,
        }
      : {
          en: `headless Service ${of} and has failurePolicy Fail: API servers without --enable-aggregator-routing reject all matching requests`,
          zh: `无头 Service ${of} 且 failurePolicy 为 Fail：未启用 --enable-aggregator-routing 的 API 服务器会拒绝所有匹配的请求`,
        };
  return {
    ...{ why: 'not-collected', verb: 'get', resource: RESOURCES[on.kind] ?? on.kind, name: on.name },
    ...inOurWords({ en: `${called.en} ${words.en}`, zh: `${called.zh}${words.zh}` }),
  };
};

/** A dry run of a write would show it, and a check writes nothing. `url`: without its path, which may hold a token; any path gets an answer. */
const byUrl = ({ name, url, on }: { name: string; url?: string; on: Ref }): Gap => ({
  ...{ why: 'not-collected', verb: 'get', resource: RESOURCES[on.kind] ?? on.kind, name: on.name },
  ...inOurWords({
    en: `webhook ${oneLine(name, 100)} (${on.name}) is called by URL and has failurePolicy Fail: only the API servers can see whether it answers`,
    zh: `webhook ${oneLine(name, 100)}（${on.name}）通过 URL 调用且 failurePolicy 为 Fail：它是否可用只有 API 服务器能看到`,
  }),
  settle: {
    en: `on each control-plane node (any HTTP status is an answer): curl -k -sS -I ${shellWord(oneLine(url ?? '', 500))}`,
    zh: `在每个控制平面节点上执行（返回任何 HTTP 状态码都说明可用）：curl -k -sS -I ${shellWord(oneLine(url ?? '', 500))}`,
  },
});
const RESOURCES: Record<string, string> = {
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations.admissionregistration.k8s.io',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations.admissionregistration.k8s.io',
};

function finding(is: Is, { namespace, name: of, port }: Served, same: { name: string; policy: string; on: Ref }[]): Finding<Args> {
  const service = `${namespace}/${of}`;
  const fails = same[0]!.policy !== 'Ignore';
  const objects = [...new Map(same.map(({ on }) => [`${on.kind}/${on.name}`, on])).values()];
  return {
    severity: fails ? 'blocker' : 'notice',
    key: [is, service, ...(is === 'no-port' ? [String(port)] : []), fails ? 'Fail' : 'Ignore'],
    // Endpoints may come back by themselves: whether to let everything through is asked.
    certainty: is === 'no-endpoints' ? 'medium' : 'high',
    objects,
    args: { is, service, port, fails, hooks: [...new Set(same.map(({ name }) => name))] },
    evidence: same.slice(0, 3).map(({ name, policy, on }) => ({ seen: `webhooks[name=${name}].failurePolicy=${policy}`, at: on })),
  };
}
