// The live cluster as the engine's Source: every no of the server is a Gap, and only a server that never answered is an error.
import type { ApiResource, ClusterIdentity, Gap, QuickSource, Raw, ResourceName, Text } from '../engine/contracts.ts';
import { inOurWords, isGap } from '../engine/gaps.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import { connectionError, foreignAnswer, gapOf, gapOfFailure, object, statusOf } from './answers.ts';
import { discovery, objectPath, resourceName } from './discovery.ts';
import type { Connection } from './kubeconfig.ts';
import { list, listGates } from './list.ts';
import { having, table } from './table.ts';
import { ASKED_SLICES, apiServers, askedPath, type Server, text } from './text.ts';
import { type Answer, type ClientOptions, NoAnswer, pause, type Transport, transport } from './transport.ts';
import { ways } from './ways.ts';

/** Shortest line we expect in a log, to turn bytes into the lines that the API can count from the end. */
const LOG_LINE_BYTES = 16;

const VERSION_PATH = '/version';
const SYSTEM_PATH = '/api/v1/namespaces/kube-system';

/** Reads through this connection until `signal` aborts (its reason is then thrown). Throws UserError while nothing was ever read: unreachable, untrusted, or not let in. */
export function clusterSource(connection: Connection, signal: AbortSignal, options: ClientOptions): QuickSource {
  const http = transport(connection, signal, options);
  const apis = discovery(http);
  const gates = listGates();
  const serversAt = ways(connection, signal, options, http);

  /** What the kubeconfig leads to, and where the EndpointSlices could not be read the Gap of that besides. */
  async function everyServer(): Promise<{ servers: Server[]; gaps: Gap[] }> {
    const found = await reach<{ host: string; port: number }[] | Gap>(http, ASKED_SLICES, async () => {
      const api = await apis.byName(ASKED_SLICES.resource);
      return api && 'why' in api ? { ...api, ...ASKED_SLICES } : apiServers(http, api);
    });
    return isGap(found) ? { servers: [ONE], gaps: [found] } : { servers: serversAt(found), gaps: [] };
  }
  const ONE: Server = { name: '', http: () => http };

  return {
    identity: () => identity(http, signal),
    async serverVersion() {
      const asked = { verb: 'get', resource: 'version' } as const;
      const answer = await reach(http, asked, () => http.request({ method: 'GET', path: VERSION_PATH }));
      if ('why' in answer) return answer;
      if (answer.status !== 200) return gapOf(asked, answer);
      const { gitVersion } = object(answer) ?? {};
      if (typeof gitVersion !== 'string' || gitVersion === '') throw foreignAnswer(connection, VERSION_PATH, answer);
      return oneLine(gitVersion, 100);
    },
    resource: (name) => reach(http, { verb: 'discover', resource: name }, () => apis.byName(name)),
    async list(query, sink) {
      const asked = { verb: 'list', resource: query.resource } as const;
      return reach<undefined | Gap>(http, asked, async () => {
        const api = await apis.byName(query.resource);
        if (!api || 'why' in api) return api;
        const gap = await list(http, api, query, sink, gates, signal);
        if (gap !== 'missing') return gap;
        // Gone since discovery, or not quite there yet.
        apis.forget();
        if (await apis.byName(query.resource)) return { why: 'failed', ...asked, ...inOurWords(SILENT) };
        sink.restart();
        return undefined;
      });
    },
    async table(query, row) {
      return reach<undefined | Gap>(http, { verb: 'list', resource: query.resource }, async () => {
        const api = await apis.byName(query.resource);
        return !api || 'why' in api ? api : table(http, api, query, row, signal);
      });
    },
    async having(resource, field, value) {
      return reach(http, { verb: 'list', resource }, async () => {
        const api = await apis.byName(resource);
        return !api ? [] : 'why' in api ? api : having(http, api, field, value, signal);
      });
    },
    async get(ref) {
      const asked = { verb: 'get', resource: ref.kind, namespace: ref.namespace, name: ref.name } as const;
      return reach(http, asked, async () => {
        const api = await apis.byKind(ref.apiVersion, ref.kind);
        if (!api || 'why' in api) return api;
        return read(http, { ...asked, resource: resourceName(api) }, api, ref);
      });
    },
    async log(pod, container, lastBytes) {
      const asked = { verb: 'log', resource: 'pods', namespace: pod.namespace, name: pod.name } as const;
      const lines = Math.ceil(lastBytes / LOG_LINE_BYTES);
      const path = `${objectPath(PODS, pod, 'log')}?${new URLSearchParams({ container, tailLines: String(lines) })}`;
      const answer = await reach(http, asked, () =>
        http.request({ method: 'GET', path, accept: '*/*', maxBytes: lastBytes * 2, tail: true }),
      );
      if ('why' in answer) return answer;
      if (answer.status === 404) return undefined;
      return answer.status === 200 ? lastLines(answer.body, lastBytes) : gapOf(asked, answer);
    },
    async text(query, sink) {
      const { servers, gaps } = query.every ? await everyServer() : { servers: [ONE], gaps: [] };
      const more = await reach(http, askedPath(query), () => text(servers, query, sink, ONE));
      return [...gaps, ...(isGap(more) ? [more] : more)];
    },
    async serves(apiVersion, kind) {
      const api = await reach(http, { verb: 'discover', resource: apiVersion }, () => apis.byKind(apiVersion, kind));
      return api && 'why' in api ? api : api !== undefined;
    },
    apis: () => reach(http, { verb: 'discover', resource: '' }, () => apis.all()),
  };
}

const PODS: ApiResource = { group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true, subresources: ['log'] };

/** An exchange that fails is a Gap, unless the server never answered at all. */
async function reach<T>(
  http: Transport,
  asked: { verb: Gap['verb']; resource: ResourceName; namespace?: string; name?: string },
  ask: () => Promise<T>,
): Promise<T | Gap> {
  try {
    const result = await ask();
    if (!http.answered()) throw connectionError(http.connection, { status: 401, headers: {}, body: Buffer.alloc(0) });
    return result;
  } catch (error) {
    if (!http.answered() && error instanceof NoAnswer) throw connectionError(http.connection, error);
    if (!http.answered() && error instanceof UserError) throw error;
    return gapOfFailure(asked, error);
  }
}

async function read(
  http: Transport,
  asked: Omit<Gap, 'why' | 'detail'>,
  api: ApiResource,
  ref: { namespace?: string; name: string },
): Promise<Raw | undefined | Gap> {
  const answer = await http.request({ method: 'GET', path: objectPath(api, ref) });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) return gapOf(asked, answer);
  const found = object(answer);
  return found?.kind === api.kind ? found : { why: 'failed', ...asked, verb: 'decode', ...inOurWords(notA(api.kind)) };
}

const SILENT: Text = {
  en: 'the server lists this API but does not answer for it (404)',
  zh: '服务器列出了此 API，但对其请求返回 404',
};
const notA = (kind: string): Text => ({ en: `the answer is not a ${kind}`, zh: `应答不是 ${kind}` });

/** At most the last `bytes`, from the beginning of a line if there was more. */
function lastLines(body: Buffer, bytes: number): string {
  if (body.length <= bytes) return body.toString('utf8');
  const tail = body.subarray(body.length - bytes);
  const newline = tail.indexOf(0x0a);
  return tail.subarray(newline < 0 ? 0 : newline + 1).toString('utf8');
}

/** Answers that say whether kube-system may be read; any other is a server in trouble. */
const SETTLED = new Set([200, 403, 404]);
/** As for lists: while a server restarts. */
const PATIENCE_MS = [300, 1000, 3000];

/** The uid of kube-system names a cluster whichever address and context lead to it. Another name because the server was in trouble for a moment would hide the journals. */
async function identity(http: Transport, signal: AbortSignal): Promise<ClusterIdentity> {
  const { connection } = http;
  const asked = { verb: 'get', resource: 'namespaces', name: 'kube-system' } as const;
  for (const wait of [...PATIENCE_MS, undefined]) {
    const answer = await reach(http, asked, () => http.request({ method: 'GET', path: SYSTEM_PATH }));
    if (!('why' in answer) && isForeign(answer)) throw foreignAnswer(connection, SYSTEM_PATH, answer);
    const known = !('why' in answer) && SETTLED.has(answer.status) ? uidOf(answer) : undefined;
    if (known) return { ...known, server: connection.server, context: connection.context };
    if (wait !== undefined) await pause(wait, signal);
    else throw unknownCluster('why' in answer ? answer : gapOf(asked, answer));
  }
  throw new Error('unreachable');

  function uidOf(answer: Answer): { uid: string; certain: boolean } | undefined {
    if (answer.status !== 200) return { uid: connection.fingerprint, certain: false };
    const uid = (object(answer)?.metadata as Raw | undefined)?.uid;
    return typeof uid === 'string' && uid !== '' ? { uid: oneLine(uid, 100), certain: true } : undefined;
  }
}

/** A page of a login proxy, for instance. */
const HTML = /^\s*</;

/** A Namespace, or a Status that says no: nothing else is an API server's answer. What is not JSON may be one that was cut. */
function isForeign(answer: Answer): boolean {
  if (answer.status === 200 && HTML.test(answer.body.toString('utf8', 0, 200))) return true;
  if (answer.status === 404) return statusOf(answer).none;
  const found = answer.status === 200 ? object(answer) : undefined;
  return found !== undefined && found.kind !== 'Namespace';
}

function unknownCluster({ detail = '', detailZh = detail }: Gap): UserError {
  return new UserError(
    {
      en: `cannot identify the cluster (get namespace kube-system): ${detail}`,
      zh: `读取命名空间 kube-system 失败（用其 UID 识别集群）：${detailZh}`,
    },
    { en: 'retry when the API server works again', zh: '请在 API 服务器恢复正常后重试' },
  );
}
