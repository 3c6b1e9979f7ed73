// API versions that some client has asked the API servers for since they started, and that are deprecated: also by requests that leave no trace in any object.
// Source: apiserver pkg/endpoints/metrics: apiserver_requested_deprecated_apis, joined with apiserver_request_total as its help text says.
import type { Check, Finding, Rows, Text } from '../../../engine/contracts.ts';
import { text } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { apiVersionOf, isDeprecatedVersion, onlyVersion } from '../apis.ts';

interface Row {
  is: 'requested' | 'count';
  server: string;
  apiVersion: string;
  /** With its subresource. */
  resource: string;
  removed: string;
  count: number;
}
const reads = { metrics: text('/metrics', rowOf, { every: true }) };

interface Args {
  apiVersion: string;
  resource: string;
  /** '': no minor is named. */
  removed: string;
  count: number;
  servers: number;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/requested-deprecated-apis',
  title: { en: 'clients request only API versions that are not deprecated', zh: '客户端只请求未弃用的 API 版本' },
  headline: { en: 'clients request deprecated API versions', zh: '有客户端请求已弃用的 API 版本' },
  page: {
    impact: {
      en: 'Once the version is removed, these requests fail with 404: a controller, CI job or dashboard stops working. No object needs to show it.',
      zh: '该版本移除后，这些请求会返回 404：相应的控制器、CI 任务或面板会停止工作。对象上不一定有痕迹。',
    },
    detection: {
      en: 'Reads metric apiserver_requested_deprecated_apis of every API server, with the number of requests from apiserver_request_total. A row stays until that API server restarts, also when the client is gone.',
      zh: '读取每个 API 服务器的指标 apiserver_requested_deprecated_apis，以及 apiserver_request_total 中的请求数。该指标在 API 服务器重启前一直保留，即使客户端已不再使用。',
    },
    fix: {
      en: 'manual: find the client in the audit log (annotation k8s.io/deprecated), and upgrade it.',
      zh: '手动：在审计日志中查找该客户端（注解 k8s.io/deprecated）并升级。',
    },
    limits: {
      en: 'The metric does not name the client. An API server that restarted a short while ago has seen few of them.',
      zh: '该指标不包含客户端名称。刚重启的 API 服务器可能尚未记录到。',
    },
  },
  sources: ['kubernetes/apiserver: pkg/endpoints/metrics/metrics.go'],
  applies: { stage: 'both' },
  reads,
  judge: ({ metrics }: Rows<typeof reads>, { path: { hops } }) => {
    const keyOf = ({ apiVersion, resource }: Row) => `${apiVersion} ${resource}`;
    const counts = Map.groupBy(
      metrics.filter(({ is }) => is === 'count'),
      keyOf,
    );
    return [
      ...Map.groupBy(
        metrics.filter(({ is }) => is === 'requested'),
        keyOf,
      ),
    ].map(([key, same]) =>
      finding(
        same,
        (counts.get(key) ?? []).reduce((sum, { count }) => sum + count, 0),
        hops,
      ),
    );
  },
  say: ({ apiVersion, resource, removed, count }) => {
    const asked = {
      en: `${apiVersion}/${resource} is requested${count ? ` (${count} requests since the API server started)` : ''}`,
      zh: `${apiVersion}/${resource} 仍被请求${count ? `（API 服务器启动以来 ${count} 次）` : ''}`,
    };
    return removed
      ? { en: `${asked.en}: removed in ${removed}`, zh: `${asked.zh}：将在 ${removed} 中移除` }
      : { en: `${asked.en}: deprecated`, zh: `${asked.zh}：已弃用` };
  },
};
export default check;

function finding(same: Row[], count: number, hops: readonly string[]): Finding<Args> {
  const { apiVersion, resource, removed } = same[0]!;
  const bites = hops.includes(removed);
  // Of a kind that has no other version the control plane itself asks for this one (garbage collection lists every kind).
  const isAlone = onlyVersion(apiVersion, resource.split('/')[0]!);
  return {
    // Whether the client is still there cannot be told from the metric.
    severity: bites && !isAlone ? 'warning' : 'notice',
    key: [apiVersion, resource],
    certainty: isAlone ? 'low' : 'medium',
    objects: [],
    args: { apiVersion, resource, removed, count, servers: same.length },
    evidence: same.slice(0, 3).map(({ server }): { seen: Text } => ({
      seen: server
        ? { en: `apiserver_requested_deprecated_apis of ${server}`, zh: `${server} 的 apiserver_requested_deprecated_apis` }
        : { en: 'apiserver_requested_deprecated_apis', zh: '指标 apiserver_requested_deprecated_apis' },
    })),
    hop: bites ? removed : undefined,
  };
}

/** Of two families, and of the second only what is deprecated: there are thousands of its lines. */
function rowOf(line: string, server: string): Row | undefined {
  const [, name, inner = '', value = ''] = /^(apiserver_requested_deprecated_apis|apiserver_request_total)\{(.*)\} (\S+)$/.exec(line) ?? [];
  if (!name) return undefined;
  const labels = new Map([...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!]));
  const at = (label: string) => labels.get(label) ?? '';
  const api = { group: at('group'), version: at('version') };
  const is = name === 'apiserver_request_total' ? 'count' : 'requested';
  if (is === 'count' && !isDeprecatedVersion(api)) return undefined;
  const resource = at('subresource') ? `${at('resource')}/${at('subresource')}` : at('resource');
  const removed = Number.isNaN(minorOf(at('removed_release'))) ? '' : at('removed_release');
  return { is, server, apiVersion: apiVersionOf(api), resource, removed, count: Number(value) || 0 };
}
