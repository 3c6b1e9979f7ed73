// The caBundle of a webhook: one that does not parse, whose certificates have all expired, or that is missing where a Service is called, lets no call through: the API server then
// verifies NAME.NAMESPACE.svc against the roots of its own machine. Source: apiserver pkg/util/webhook; client-go transport.
import type { Check, Finding, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { type Certificate, certificates, maybe, NO_CERTIFICATE } from '../../../engine/read/index.ts';
import { hooksOf, webhookReads } from '../webhooks.ts';

const DAY = 24 * 3600 * 1000;
const SOON = 30 * DAY;

const reads = webhookReads({ ca: certificates('clientConfig.caBundle'), service: maybe('clientConfig.service', {}) });
type Is = 'missing' | 'unreadable' | 'expired' | 'expiring';
interface Args {
  is: Is;
  hook: string;
  on: string;
  fails: boolean;
  /** The last day of the newest certificate. */
  until: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/webhook-certificate',
  title: { en: 'admission webhooks have a valid CA bundle', zh: '准入 webhook 的 CA 证书有效' },
  headline: { en: 'admission webhooks have an invalid or expiring CA bundle', zh: '准入 webhook 的 CA 证书无效或即将过期' },
  page: {
    impact: {
      en: 'With an invalid certificate the API server cannot verify the backend of the webhook. With failurePolicy Fail it then rejects every request that the webhook matches.',
      zh: '证书无效时，API 服务器无法验证 webhook 的后端。failurePolicy 为 Fail 时，会拒绝所有匹配的请求。',
    },
    detection: {
      en: 'Reads the certificates in clientConfig.caBundle. Reported if they do not parse, if there are none although the webhook calls a Service, or if all have expired or expire within 30 days.',
      zh: '读取 clientConfig.caBundle 中的证书。如果无法解析，或 webhook 调用 Service 却未设置证书，或证书全部已过期或将在 30 天内过期，则报告。',
    },
    fix: {
      en: 'manual: renew the certificate where it is issued (cert-manager, or the chart that it belongs to). If caBundle is missing, find out why what injects it (cert-manager-cainjector, a Job of the chart) has not run, and run it.',
      zh: '手动：由签发方（例如 cert-manager 或所属 chart）更新证书。未设置 caBundle 时，请检查并恢复负责注入的组件（cert-manager-cainjector 或 chart 的 Job）。',
    },
    limits: {
      en: 'The certificate that the backend serves is not checked. A CA that the API servers trust on their own machines is not visible.',
      zh: '不检查后端实际使用的证书。API 服务器所在机器信任的 CA 不可见。',
    },
  },
  sources: ['kubernetes/apiserver: pkg/util/webhook'],
  applies: { stage: 'both', back: true },
  reads,
  judge: (rows: Rows<typeof reads>, { now }) =>
    hooksOf(rows).flatMap(({ name, policy, on, ca, service }) => {
      const is = stateOf(ca, service !== undefined, now);
      return is ? [finding(is, name, policy !== 'Ignore', on, ca)] : [];
    }),
  say: ({ is, hook, on, fails, until }) => {
    const then = fails
      ? { en: 'requests that it matches are rejected', zh: '匹配的请求会被拒绝' }
      : { en: 'the API server skips this webhook', zh: 'API 服务器会跳过该 webhook' };
    const seen = SEEN[is](until);
    return {
      en: `webhook ${hook} (${on}): caBundle ${seen.en}; ${then.en}`,
      zh: `webhook ${hook}（${on}）：caBundle ${seen.zh}；${then.zh}`,
    };
  },
};
export default check;

const SEEN: Record<Is, (until: string) => Text> = {
  missing: () => ({ en: 'is missing, so the certificate of its Service cannot be verified', zh: '未设置，无法验证其 Service 的证书' }),
  unreadable: () => ({ en: 'is not a PEM certificate', zh: '不是 PEM 证书' }),
  expired: (until) => ({ en: `expired on ${until}`, zh: `已于 ${until} 过期` }),
  expiring: (until) => ({ en: `expires on ${until}, then`, zh: `将于 ${until} 过期，届时` }),
};

type Bundle = Certificate[] | typeof NO_CERTIFICATE | undefined;
const lastOf = (ca: Bundle): number => (Array.isArray(ca) ? Math.max(...ca.map(({ notAfter }) => notAfter)) : 0);

/** Without a bundle the roots of the machine count: no public one signs for a Service. */
function stateOf(ca: Bundle, byService: boolean, now: number): Is | undefined {
  if (ca === undefined) return byService ? 'missing' : undefined;
  if (ca === NO_CERTIFICATE) return 'unreadable';
  if (lastOf(ca) <= now) return 'expired';
  return lastOf(ca) <= now + SOON ? 'expiring' : undefined;
}

function finding(is: Is, hook: string, fails: boolean, on: Ref, ca: Bundle): Finding<Args> {
  const until = Array.isArray(ca) ? new Date(lastOf(ca)).toISOString().slice(0, 10) : '';
  return {
    severity: is === 'expiring' ? 'warning' : fails ? 'blocker' : 'warning',
    key: [on.kind, on.name, hook, is],
    certainty: is === 'missing' ? 'high' : 'certain',
    objects: [on],
    args: { is, hook, on: on.name, fails, until },
    evidence: [
      { seen: Array.isArray(ca) ? `clientConfig.caBundle: ${ca.map(({ subject }) => subject).join('; ')}` : SEEN[is](''), at: on },
    ],
  };
}
