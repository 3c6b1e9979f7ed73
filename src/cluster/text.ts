// Answers that are text (`/metrics`, `/readyz?verbose`), line by line in flat memory: of the server that the kubeconfig leads to, or of every API server.
import { isIP, isIPv6 } from 'node:net';
import type { ApiResource, Gap, Raw, Text, TextQuery, TextSink } from '../engine/contracts.ts';
import { inOurWords } from '../engine/gaps.ts';
import { isRaw } from '../kube/json.ts';
import { UserError } from '../text/user-error.ts';
import { gapOf, gapOfFailure, object } from './answers.ts';
import { collectionPath } from './discovery.ts';
import { type Answer, NoAnswer, type Pieces, type Transport } from './transport.ts';

/** Bytes. The longest lines of metrics have some hundred. */
const LINE_MAX = 64 * 1024;
/** Bytes of one server's answer: the metrics of an API server of a big cluster are 10 to 50 MB. */
const TEXT_MAX = 256 * 1024 * 1024;
/** Milliseconds for one answer, and for the connection to an address that is perhaps out of reach from here. */
const ANSWER_MS = 60_000;
const REACH_MS = 10_000;
/** How often all are asked again because one answer was cut off. */
const REPEATS = 2;
/** More API servers than a cluster has. */
const SERVERS_MAX = 64;
/** /metrics, /flagz and /statusz give other forms to who asks for JSON. */
const ACCEPT = 'text/plain, */*;q=0.1';

/** `name`: host and port; '' for the one that the kubeconfig leads to. */
export interface Server {
  name: string;
  /** Throws UserError where it is not to be asked. */
  http(): Transport;
}

/** A Gap has the path alone, as a rule has it. */
export const askedPath = ({ path }: TextQuery) => ({ verb: 'get-path', resource: path.replace(/\?.*/s, '') }) as const;

/**
 * What was given of a server with a Gap may be only the beginning. Where none of several can be reached by its own address, `one` answers for one of them: that is seen, and what the
 * others would say is not. Throws for the only server's NoAnswer, and the signal's reason.
 */
export async function text(servers: readonly Server[], query: TextQuery, sink: TextSink, one: Server): Promise<Gap[]> {
  const ends = await all(servers, query, sink);
  const away = ends.filter((end) => end.away);
  if (!away.length) return gapsOf(ends);
  const none = away.length === servers.length;
  const rest = none ? await all([one], query, sink) : ends.filter((end) => !end.away);
  return [...gapsOf(rest), { why: 'failed', ...askedPath(query), ...inOurWords(AWAY(away, none)), settle: FROM_THERE }];
}

interface End {
  server: Server;
  gap?: Gap;
  /** Lines were given of an answer that then broke off. */
  cut?: boolean;
  /** No connection to its own address. */
  away?: boolean;
}
const gapsOf = (ends: readonly End[]): Gap[] => ends.flatMap(({ gap }) => gap ?? []);

async function all(servers: readonly Server[], query: TextQuery, sink: TextSink): Promise<End[]> {
  const lost: End[] = [];
  let left = servers;
  for (let repeated = 0; ; repeated++) {
    const ends = await Promise.all(left.map((server) => askOne(server, query, sink)));
    const cut = ends.filter((end) => end.cut);
    if (!cut.length) return [...lost, ...ends];
    sink.restart();
    if (repeated < REPEATS) continue;
    lost.push(...cut);
    left = left.filter((server) => !cut.some((end) => end.server === server));
  }
}

async function askOne(server: Server, query: TextQuery, sink: TextSink): Promise<End> {
  const { name, http } = server;
  const asked = askedPath(query);
  const named = (gap: Gap): Gap => {
    const { detail, detailZh } = gap;
    if (!name) return gap;
    return { ...gap, detail: `${name}: ${detail}`, ...(detailZh === undefined ? {} : { detailZh: `${name}：${detailZh}` }) };
  };
  const lines = splitter((line) => sink.line(line, name));
  let answer: Answer;
  try {
    answer = await http().request({
      ...{ method: 'GET', path: query.path, accept: ACCEPT, into: lines, timeoutMs: ANSWER_MS },
      ...(name ? { connectMs: query.reachMs ?? REACH_MS } : {}),
    });
  } catch (error) {
    if (!name && !lines.begun) throw error;
    const away = name !== '' && (error instanceof UserError || (error instanceof NoAnswer && error.why === 'connect'));
    return away ? { server, gap: gapOfFailure(asked, error), away } : { server, gap: named(gapOfFailure(asked, error)), cut: lines.begun };
  }
  if (answer.status !== 200 && !saysWhy(query, answer)) return { server, gap: named(gapOf(asked, answer)) };
  lines.take(answer.body);
  const left = lines.end();
  return left ? { server, gap: named({ why: 'failed', ...asked, ...inOurWords(left) }) } : { server };
}

const FROM_THERE: Text = {
  en: 'on a machine that reaches every API server, such as a control-plane node: {tool} check{asked}{again}',
  zh: '请在能连接所有 API 服务器的机器上执行（例如控制平面节点）：{tool} check{asked}{again}',
};
function AWAY(away: readonly End[], none: boolean): Text {
  const reasons = [...Map.groupBy(away, ({ gap }) => gap!.detail ?? '')].map(([detail, same]) => {
    const names = same.map(({ server: { name } }) => name);
    return { en: `${names.join(', ')} (${detail})`, zh: `${names.join('、')}（${same[0]!.gap!.detailZh ?? detail}）` };
  });
  const [en, zh] = [reasons.map((each) => each.en).join(', '), reasons.map((each) => each.zh).join('、')];
  return none
    ? {
        en: `only one of ${away.length} API servers answered, at the address in the kubeconfig; no connection from this machine to ${en}`,
        zh: `共 ${away.length} 个 API 服务器，只有一个经 kubeconfig 中的地址应答；本机无法连接 ${zh}`,
      }
    : { en: `no connection from this machine to API server ${en}`, zh: `本机无法连接 API 服务器 ${zh}` };
}

/** An API server that is not well says so with status 500, and in the body line by line what is wrong with it. */
function saysWhy({ path }: TextQuery, { status, headers }: Answer): boolean {
  return status === 500 && /^\/(readyz|livez|healthz)\b/.test(path) && /^text\/plain\b/.test(headers['content-type'] ?? '');
}

/** `end` gives what has no newline, and says what was left out; whatever `give` throws comes from there. Limits in bytes. */
export function splitter(give: (line: string) => void, { line = LINE_MAX, total = TEXT_MAX } = {}): Pieces & { end(): Text | undefined } {
  let held: Buffer[] = [];
  let length = 0;
  let taken = 0;
  let long = 0;
  let thrown: { error: unknown } | undefined;

  function hold(part: Buffer): void {
    length += part.length;
    if (length > line) held = [];
    else if (part.length) held.push(part);
  }
  function endLine(): void {
    if (length > line) long++;
    else give((held.length === 1 ? held[0]! : Buffer.concat(held)).toString('utf8'));
    held = [];
    length = 0;
  }
  function split(bytes: Buffer): void {
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      hold(bytes.subarray(from, end));
      endLine();
      from = end + 1;
    }
    hold(bytes.subarray(from));
  }
  function guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      thrown = { error };
    }
  }
  return {
    begun: false,
    take(bytes) {
      taken += bytes.length;
      if (taken <= total) guarded(() => split(bytes));
      return taken <= total && !thrown;
    },
    end() {
      if (length && taken <= total && !thrown) guarded(endLine);
      if (thrown) throw thrown.error;
      if (taken > total) return LONGER(total);
      return long ? LEFT_OUT(long, line) : undefined;
    },
  };
}

const LONGER = (total: number): Text => ({
  en: `the answer is longer than ${total} bytes; the rest was not read`,
  zh: `应答超过 ${total} 字节，其余部分未读取`,
});
const LEFT_OUT = (long: number, line: number): Text => ({
  en: `${long} lines are longer than ${line} bytes and were left out`,
  zh: `有 ${long} 行超过 ${line} 字节，已略去`,
});

// ---- which servers --------------------------------------------------------------------------------------------------

const SLICES = 'kubernetes.io/service-name=kubernetes';
export const ASKED_SLICES = { verb: 'list', resource: 'endpointslices.discovery.k8s.io', namespace: 'default' } as const;

/** Host and port of every API server, by what each says of itself in the EndpointSlices of Service default/kubernetes. Throws NoAnswer. */
export async function apiServers(http: Transport, api: ApiResource | undefined): Promise<{ host: string; port: number }[] | Gap> {
  if (!api) return { why: 'failed', ...ASKED_SLICES, ...inOurWords(NOT_SERVED) };
  const path = `${collectionPath(api, ASKED_SLICES.namespace)}?${new URLSearchParams({ labelSelector: SLICES })}`;
  const answer = await http.request({ method: 'GET', path });
  if (answer.status !== 200) return gapOf(ASKED_SLICES, answer);
  const found = new Map(
    rawsOf(object(answer)?.items)
      .flatMap(addressesOf)
      .map((at) => [addressed(at.host, at.port), at]),
  );
  if (!found.size) return { why: 'failed', ...ASKED_SLICES, ...inOurWords(NO_ADDRESS) };
  if (found.size > SERVERS_MAX) return { why: 'failed', ...ASKED_SLICES, ...inOurWords(TOO_MANY(found.size)) };
  return [...found.values()];
}

const NOT_SERVED: Text = { en: 'the server does not serve EndpointSlices', zh: '服务器不提供 EndpointSlice' };
const NO_ADDRESS: Text = {
  en: 'the EndpointSlices of Service default/kubernetes have no address',
  zh: 'Service default/kubernetes 的 EndpointSlice 中没有地址',
};
const TOO_MANY = (count: number): Text => ({
  en: `${count} addresses of API servers are too many`,
  zh: `API 服务器的地址过多（${count} 个）`,
});

export const addressed = (host: string, port: number): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;

function addressesOf({ endpoints, ports }: Raw): { host: string; port: number }[] {
  const numbers = rawsOf(ports).flatMap(({ port }) => (typeof port === 'number' ? [port] : []));
  const hosts = rawsOf(endpoints).flatMap(({ addresses }) => (Array.isArray(addresses) ? addresses : []));
  return hosts.flatMap((host) => (typeof host === 'string' && isIP(host) ? numbers.map((port) => ({ host, port })) : []));
}

const rawsOf = (value: unknown): Raw[] => (Array.isArray(value) ? value.filter(isRaw) : []);
