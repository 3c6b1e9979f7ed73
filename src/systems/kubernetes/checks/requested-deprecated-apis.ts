// API versions that some client has asked the API servers for since they started, and that are deprecated: also by requests that leave no trace in any object.
// Source: apiserver pkg/endpoints/metrics: apiserver_requested_deprecated_apis, joined with apiserver_request_total as its help text says.
import type { Check, Finding, Gap, Rows, Situation, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { text } from '../../../engine/read/index.ts';
import { minor, minorOf } from '../../../versions/kubernetes.ts';
import { apiVersionOf, isDeprecatedVersion, listedByChecks, onlyVersion } from '../apis.ts';
import { hopOf, minorsAhead, servedFrom } from '../behind.ts';

interface Row {
  is: 'requested' | 'count' | 'started';
  server: string;
  apiVersion: string;
  /** With its subresource. */
  resource: string;
  removed: string;
  /** Requests; of `started` seconds since the epoch. */
  count: number;
  /** They are of verb LIST, as those of the checks themselves. */
  lists?: true;
}
const reads = { metrics: text('/metrics', rowOf, { every: true }) };
/** Every API server asks for these itself (Endpoints default/kubernetes), so that they say nothing of clients until a minor removes them. */
const OWN = new Set(['v1 endpoints']);
/** The version of its flow control that an API server watches itself, by its minor (k8s.io/apiserver, pkg/util/flowcontrol); 1.29 and later watch v1, which is not deprecated. */
const FLOW_CONTROL: Record<string, string[]> = {
  v1beta1: ['1.20', '1.21', '1.22'],
  v1beta2: ['1.23', '1.24', '1.25'],
  v1beta3: ['1.26', '1.27', '1.28'],
};
const isOwnFlowControl = (apiVersion: string, from: string | Gap): boolean =>
  !isGap(from) &&
  Object.entries(FLOW_CONTROL).some(
    ([version, minors]) => apiVersion === `flowcontrol.apiserver.k8s.io/${version}` && minors.includes(minor(minorOf(from))),
  );

interface Args {
  apiVersion: string;
  resource: string;
  /** '': no minor is named. */
  removed: string;
  count: number;
  /** API servers that were asked for it, and those that answered at all. */
  servers: number;
  of: number;
  /** Day on which the one that has run longest of these started; '' where it does not say. */
  since: string;
  /** A full check lists it too: `count` is without requests of verb LIST. */
  ours?: true;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/requested-deprecated-apis',
  title: { en: 'clients request only API versions that are not deprecated', zh: '客户端只请求未弃用的 API 版本' },
  headline: { en: 'deprecated API versions were requested', zh: '有客户端请求过已弃用的 API 版本' },
  page: {
    impact: {
      en: 'Once the version is removed, these requests fail with 404: a controller, CI job or dashboard stops working. Requests that only read leave no trace in any object.',
      zh: '该版本移除后，这些请求会返回 404：相应的控制器、CI 任务或仪表盘会停止工作。只读请求不会在对象上留下痕迹。',
    },
    detection: {
      en: 'Reads metric apiserver_requested_deprecated_apis of every API server, with the number of requests from apiserver_request_total and the start of the process. An API server keeps an entry until it restarts, even if the client is gone: a finding is never more than a warning.',
      zh: '读取每个 API 服务器的指标 apiserver_requested_deprecated_apis、apiserver_request_total 中的请求数以及进程的启动时间。该指标在 API 服务器重启前一直保留，即使客户端已不再使用，因此最高只报告为警告。',
    },
    fix: {
      en: 'manual: find the client in the audit log (annotation k8s.io/deprecated), and upgrade it. Later run this check alone (other checks make such requests themselves): if the number has not grown, the client is gone.',
      zh: '手动：在审计日志中查找该客户端（注解 k8s.io/deprecated）并升级。稍后只运行该检查项（其他检查项自身会请求这些 API）：如果请求数没有增加，说明客户端已不存在。',
    },
    limits: {
      en: 'The metric does not name the client, and an API server that restarted recently has counted few requests. API servers themselves request v1 Endpoints (ignored) and flowcontrol.apiserver.k8s.io in the version of their minor (low certainty). A full check makes LIST requests itself: where only a deprecated version is served, the number leaves LIST requests out, and the finding says so.',
      zh: '该指标不包含客户端名称；刚重启的 API 服务器可能尚未记录到请求。API 服务器自身会请求 v1 的 Endpoints（不报告）和自身版本的 flowcontrol.apiserver.k8s.io（可信度为低）。运行全部检查项时，upgrade-guard 自己也会发出 LIST 请求，因此服务器只提供已弃用的版本时，不计 LIST 请求，问题中会注明。',
    },
  },
  sources: ['kubernetes/apiserver: pkg/endpoints/metrics/metrics.go'],
  applies: { stage: 'both' },
  reads,
  judge: ({ metrics }: Rows<typeof reads>, at) => {
    const keyOf = ({ apiVersion, resource }: Row) => `${apiVersion} ${resource}`;
    const counts = Map.groupBy(
      metrics.filter(({ is }) => is === 'count'),
      keyOf,
    );
    return [
      ...Map.groupBy(
        metrics.filter((row) => row.is === 'requested' && !(row.removed === '' && OWN.has(keyOf(row)))),
        keyOf,
      ),
    ].map(([key, same]) =>
      finding(
        same,
        counts.get(key) ?? [],
        metrics.filter(({ is }) => is === 'started'),
        at,
      ),
    );
  },
  say: ({ apiVersion, resource, removed, count, servers, of, since, ours }) => {
    const where =
      of > 1 ? { en: ` on ${servers} of ${of} API servers`, zh: `，见于 ${of} 个 API 服务器中的 ${servers} 个` } : { en: '', zh: '' };
    const start = { en: since ? ` started on ${since}` : ' started', zh: since ? `于 ${since} 启动以来` : '启动以来' };
    const times = `${count} ${count === 1 ? 'time' : 'times'}`;
    const often = ours
      ? {
          en: ` (${times} besides LIST since the API server${start.en}; full checks of upgrade-guard list it too)`,
          zh: `（API 服务器${start.zh}，除 LIST 外 ${count} 次；upgrade-guard 执行全部检查时也会 LIST 它）`,
        }
      : { en: count ? ` (${times} since the API server${start.en})` : '', zh: count ? `（API 服务器${start.zh} ${count} 次）` : '' };
    const asked = {
      en: `${apiVersion}/${resource} was requested${where.en}${often.en}`,
      zh: `${apiVersion}/${resource} 曾被请求${where.zh}${often.zh}`,
    };
    return removed
      ? { en: `${asked.en}: removed in ${removed}`, zh: `${asked.zh}：该版本将在 ${removed} 中移除` }
      : { en: `${asked.en}: deprecated`, zh: `${asked.zh}：该版本已弃用` };
  },
};
export default check;

function finding(same: Row[], counts: Row[], started: Row[], at: Situation): Finding<Args> {
  const { apiVersion, resource, removed } = same[0]!;
  // Of a version that should be gone already and is still served (KUBE_APISERVER_SERVE_REMOVED_APIS_FOR_ONE_RELEASE) the next minor does not serve it.
  const [from, hops] = [servedFrom(at.path), minorsAhead(at)];
  const isLate = removed !== '' && minorOf(removed) < minorOf(hops[0] ?? '');
  const bites = hops.includes(removed) || isLate;
  const hop = bites ? hopOf(at.path, removed) : undefined;
  // Of a kind that has no other version the control plane itself asks for this one (garbage collection lists every kind), and every API server for its own flow control.
  const isAlone = onlyVersion(apiVersion, resource.split('/')[0]!) || isOwnFlowControl(apiVersion, from);
  const starts = started.filter(({ server }) => same.some((each) => each.server === server)).map((each) => each.count);
  const since = starts.length ? new Date(Math.min(...starts) * 1000).toISOString().slice(0, 10) : '';
  const ours = !isGap(from) && listedByChecks(apiVersion, resource, { from, hops });
  const count = counts.filter(({ lists }) => !(lists && ours)).reduce((sum, { count }) => sum + count, 0);
  return {
    // Whether the client is still there cannot be told from the metric.
    severity: bites && !isAlone ? 'warning' : 'notice',
    key: [apiVersion, resource],
    certainty: isAlone ? 'low' : 'medium',
    objects: [],
    args: {
      apiVersion,
      resource,
      removed,
      count,
      servers: same.length,
      of: Math.max(started.length, same.length),
      since,
      ...(ours ? { ours } : {}),
    },
    evidence: same.slice(0, 3).map(({ server }): { seen: Text } => ({
      seen: server
        ? { en: `apiserver_requested_deprecated_apis of ${server}`, zh: `${server} 的 apiserver_requested_deprecated_apis` }
        : { en: 'apiserver_requested_deprecated_apis', zh: '指标 apiserver_requested_deprecated_apis' },
    })),
    hop,
  };
}

/** Of two families, and of the second only what is deprecated: there are thousands of its lines. And when the process began. */
function rowOf(line: string, server: string): Row | undefined {
  const started = /^process_start_time_seconds (\S+)$/.exec(line)?.[1];
  if (started && Number(started) > 0) return { is: 'started', server, apiVersion: '', resource: '', removed: '', count: Number(started) };
  const [, name, inner = '', value = ''] = /^(apiserver_requested_deprecated_apis|apiserver_request_total)\{(.*)\} (\S+)$/.exec(line) ?? [];
  if (!name) return undefined;
  const labels = new Map([...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!]));
  const at = (label: string) => labels.get(label) ?? '';
  const api = { group: at('group'), version: at('version') };
  const is = name === 'apiserver_request_total' ? 'count' : 'requested';
  if (is === 'count' && !isDeprecatedVersion(api)) return undefined;
  const resource = at('subresource') ? `${at('resource')}/${at('subresource')}` : at('resource');
  const removed = Number.isNaN(minorOf(at('removed_release'))) ? '' : at('removed_release');
  const lists = at('verb') === 'LIST' ? { lists: true as const } : {};
  return { is, server, apiVersion: apiVersionOf(api), resource, removed, count: Number(value) || 0, ...lists };
}
