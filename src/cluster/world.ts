// The live cluster as a World to write to: one guarded request at a time, and for each no the word that tells the executor what to do next.
import {
  type ApiResource,
  type ApiWrite,
  isApiWrite,
  type Raw,
  type Ref,
  type Selection,
  type Text,
  type World,
  WorldError,
  type WorldErrorKind,
} from '../engine/contracts.ts';
import { LOGGER } from '../engine/steps/verbosity.ts';
import { isRaw } from '../kube/json.ts';
import { notServed, refOf } from '../kube/refs.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import { notAllowed } from './allowed.ts';
import { object, type Status, statusOf } from './answers.ts';
import { collectionPath, type Discovery, discovery, objectPath } from './discovery.ts';
import type { Connection } from './kubeconfig.ts';
import { isNamed } from './list.ts';
import { logger, setLevel } from './log-level.ts';
import { clusterSource } from './source.ts';
import { type Answer, type Call, type ClientOptions, NoAnswer, type Transport, transport } from './transport.ts';
import { serverNamed, ways } from './ways.ts';

const FIELD_MANAGER = 'upgrade-guard';
/** Commands that drive helm wrap this world (helm/world.ts). */
const NO_HELM: Text = { en: 'helm cannot be called here', zh: '此处无法调用 helm' };
const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';

/** Reads are uncached; a write that got no answer is `unanswered` and never sent again. All throw WorldError, or the signal's reason. */
export function clusterWorld(connection: Connection, signal: AbortSignal, options: ClientOptions): World {
  const http = transport(connection, signal, options);
  const apis = discovery(http);
  const source = clusterSource(connection, signal, options);
  const serversAt = ways(connection, signal, options, http);
  /** undefined: an API server that is gone. */
  const wayTo = async ({ kind, name }: Ref): Promise<Transport | undefined> =>
    kind === 'Kubelet' ? http : (await serverNamed(name, serversAt, http, apis))?.http();
  return {
    async get(ref) {
      return guarded(async () => {
        if (ref.apiVersion === LOGGER) {
          const way = await wayTo(ref);
          return way && logger(way, ref);
        }
        const api = await apiOf(apis, ref);
        if (!api) return undefined;
        const answer = await http.request({ method: 'GET', path: objectPath(api, ref) });
        return answer.status === 404 ? undefined : ofKind(answered(answer), api.kind);
      });
    },
    async write(write, options) {
      if (!isApiWrite(write)) throw new WorldError('refused', NO_HELM);
      return guarded(async () => {
        const on = 'on' in write ? write.on : refOf(write.object);
        if (write.verb === 'verbosity') {
          const way = await wayTo(on);
          if (!way) throw new WorldError('missing', on.name);
          return setLevel(way, on, write.level, options?.dryRun === true);
        }
        const api = await apiOf(apis, on);
        if (!api) throw notServed(on);
        const calls = callsOf(write, api, on, options?.dryRun === true);
        let answer = await http.request(calls[0]);
        if (calls[1] && isUnknownKind(answer)) answer = await http.request(calls[1]);
        return withoutStatusKind(answered(answer));
      });
    },
    async any(of) {
      return guarded(async () => {
        const api = await apiOf(apis, of);
        if (!api) return false;
        const answer = await http.request({ method: 'GET', path: `${collectionPath(api)}?limit=1`, accept: METADATA_ONLY });
        return itemsOf(answer).length > 0;
      });
    },
    inside: (namespace) => guarded(() => objectsInside(http, apis, namespace)),
    page: (of, next) => guarded(() => pageOf(http, apis, of, next)),
    select: (of) => guarded(() => selected(http, apis, of)),
    async read(query) {
      const answers = new Map<string, string[]>();
      const gaps = await source.text!(query, {
        line: (line, server) => {
          const lines = answers.get(server);
          if (lines) lines.push(line);
          else answers.set(server, [line]);
        },
        restart: () => answers.clear(),
      });
      const [gap] = gaps;
      if (gap)
        throw new WorldError(gap.why === 'forbidden' ? 'forbidden' : 'unanswered', oneLine(`${query.path}: ${gap.detail ?? gap.why}`));
      return [...answers].map(([server, lines]) => ({ server, text: lines.join('\n') }));
    },
    allowed: (rules) => guarded(() => notAllowed(http, rules)),
  };
}

/** Objects of one page: some are 100 kB. */
const PAGE = 250;

async function selected(http: Transport, apis: Discovery, of: Selection): Promise<Raw[]> {
  const api = await apiOf(apis, of);
  if (!api) return [];
  const found: Raw[] = [];
  let token = '';
  do {
    const query = {
      limit: String(PAGE),
      ...(of.labels ? { labelSelector: of.labels } : {}),
      ...(of.fields ? { fieldSelector: of.fields } : {}),
      ...(token ? { continue: token } : {}),
    };
    const answer = await http.request({ method: 'GET', path: `${collectionPath(api, of.namespace)}?${new URLSearchParams(query)}` });
    // The list changed too much while it was read: the next look reads it from its beginning.
    if (answer.status === 410) throw new WorldError('unanswered', statusOf(answer).message, 410);
    const { metadata } = answered(answer);
    for (const item of itemsOf(answer)) found.push({ apiVersion: of.apiVersion, kind: api.kind, ...item });
    token = isRaw(metadata) && typeof metadata.continue === 'string' ? metadata.continue : '';
  } while (token);
  return found;
}

/** What is not a list, or holds what is not an object, is not taken for an empty one; Go writes an empty one as null here and there. */
function itemsOf(answer: Answer): Raw[] {
  const { items } = answered(answer);
  if (items === null) return [];
  if (!Array.isArray(items) || !items.every(isNamed))
    throw new WorldError('unanswered', { en: 'the answer is not a list', zh: '返回的不是列表' }, answer.status);
  return items;
}

/** Enough of each kind to see whether it is anything but what belongs to another. */
const INSIDE = 100;

async function objectsInside(http: Transport, apis: Discovery, namespace: string): Promise<Raw[]> {
  const known = await apis.all();
  const gap = 'why' in known ? known : known.gaps[0];
  if (gap || 'why' in known) throw new WorldError('unanswered', oneLine(`${gap?.resource}: ${gap?.detail ?? gap?.why}`));
  const kinds = known.resources.filter(
    (api) => api.namespaced && api.preferred && api.verbs.includes('list') && api.verbs.includes('delete'),
  );
  const lists = await Promise.all(
    kinds.map(async (api) => {
      const answer = await http.request({
        method: 'GET',
        path: `${collectionPath(api, namespace)}?limit=${INSIDE}`,
        accept: METADATA_ONLY,
      });
      if (answer.status === 404 || answer.status === 405) return [];
      const apiVersion = api.group ? `${api.group}/${api.version}` : api.version;
      return itemsOf(answer).map((item): Raw => ({ ...item, apiVersion, kind: api.kind }));
    }),
  );
  return lists.flat();
}

/** As many as kubectl asks for. */
const METADATA_PAGE = 500;

/** Metadata alone. Where the list has expired, the server gives a token that goes on behind the last page, with what has changed since. */
async function pageOf(
  http: Transport,
  apis: Discovery,
  of: Parameters<World['page']>[0],
  next: string | undefined,
): ReturnType<World['page']> {
  const api = await apiOf(apis, of);
  if (!api) return { objects: [], left: 0 };
  const ask = (token: string | undefined) => {
    const query = new URLSearchParams({ limit: String(METADATA_PAGE), ...(token ? { continue: token } : {}) });
    return http.request({ method: 'GET', path: `${collectionPath(api)}?${query}`, accept: METADATA_ONLY });
  };
  let answer = await ask(next);
  const expired = answer.status === 410 ? object(answer)?.metadata : undefined;
  if (isRaw(expired) && typeof expired.continue === 'string') answer = await ask(expired.continue);
  if (answer.status === 410) throw new WorldError('unanswered', statusOf(answer).message, 410);
  const { metadata } = answered(answer);
  const { continue: token, remainingItemCount: left } = isRaw(metadata) ? metadata : {};
  const objects = itemsOf(answer).map((item) => ({ ...item, apiVersion: of.apiVersion, kind: api.kind }));
  return { objects, ...(typeof token === 'string' && token ? { next: token } : {}), left: typeof left === 'number' ? left : 0 };
}

/** The request for a write; and the one to fall back to where the server does not know the first one's body. */
function callsOf(write: Exclude<ApiWrite, { verb: 'verbosity' }>, api: ApiResource, on: Ref, dryRun: boolean): [Call, Call?] {
  const query = (more: Record<string, string> = {}) => `?${new URLSearchParams({ ...more, ...(dryRun ? { dryRun: 'All' } : {}) })}`;
  const managed = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' };
  const at = objectPath(api, on);
  switch (write.verb) {
    case 'patch':
      return [
        {
          method: 'PATCH',
          path: `${objectPath(api, on, write.subresource)}${query(managed)}`,
          body: JSON.stringify(write.patch),
          contentType: 'application/json-patch+json',
        },
      ];
    case 'create':
      return [creation(write.object)];
    case 'apply':
      // Server-side apply has no way to say "only if it does not exist".
      if (write.resourceVersion === undefined) return [creation(write.object)];
      return [
        {
          method: 'PATCH',
          path: `${at}${query({ ...managed, force: 'true' })}`,
          body: JSON.stringify(atVersion(write.object, write.resourceVersion)),
          // JSON is YAML.
          contentType: 'application/apply-patch+yaml',
        },
      ];
    case 'delete': {
      const options = {
        ...{ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: write.propagation },
        preconditions: { uid: on.uid, resourceVersion: write.resourceVersion },
        dryRun: dryRun ? ['All'] : undefined,
      };
      return [{ method: 'DELETE', path: at, body: JSON.stringify(options) }];
    }
    case 'evict':
      // policy/v1 is known from 1.22 on.
      return [eviction('policy/v1'), eviction('policy/v1beta1')];
  }

  function creation(body: Raw): Call {
    return { method: 'POST', path: `${collectionPath(api, on.namespace)}${query(managed)}`, body: JSON.stringify(body) };
  }
  function eviction(apiVersion: string): Call {
    const metadata = { namespace: on.namespace, name: on.name };
    const body = { apiVersion, kind: 'Eviction', metadata, deleteOptions: { preconditions: { uid: on.uid } } };
    // A PodDisruptionBudget refuses with 429; how long that is waited for is the step's own business.
    return { method: 'POST', path: `${objectPath(api, on, 'eviction')}${query()}`, body: JSON.stringify(body), hurried: true };
  }
}

function atVersion(body: Raw, resourceVersion: string): Raw {
  return { ...body, metadata: { ...(isRaw(body.metadata) ? body.metadata : {}), resourceVersion } };
}

/** Refused before anything was done: `no kind "Eviction" is registered for version "policy/v1"`. */
function isUnknownKind(answer: Answer): boolean {
  return answer.status === 400 && /no kind "Eviction" is registered/.test(statusOf(answer).message);
}

/** Deletions and evictions may answer with a Status instead of the object. */
function withoutStatusKind(answer: Raw): Raw | undefined {
  return answer.kind === 'Status' && answer.apiVersion === 'v1' ? undefined : answer;
}

/** undefined: no such kind, also after looking again, since an earlier step may have brought it. */
async function apiOf(apis: Discovery, { apiVersion, kind }: Pick<Ref, 'apiVersion' | 'kind'>): Promise<ApiResource | undefined> {
  let api = await apis.byKind(apiVersion, kind);
  if (!api || 'why' in api) {
    apis.forget();
    api = await apis.byKind(apiVersion, kind);
  }
  if (api && 'why' in api)
    throw new WorldError(api.why === 'forbidden' ? 'forbidden' : 'unanswered', api.detail ?? noDiscovery(apiVersion));
  return api;
}

const noDiscovery = (apiVersion: string): Text => ({ en: `no discovery of ${apiVersion}`, zh: `无法发现 ${apiVersion}` });

async function guarded<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof NoAnswer) throw new WorldError('unanswered', error.sent ? oneLine(error.message) : notSent(error));
    // Credentials could not be had: nothing was sent.
    if (error instanceof UserError) throw new WorldError('forbidden', { en: oneLine(error.text.en), zh: oneLine(error.text.zh) });
    throw error;
  }
}

const notSent = ({ message }: NoAnswer): Text => ({ en: oneLine(`not sent: ${message}`), zh: oneLine(`未发送：${message}`) });

/** Whatever answers `{}` to everything would otherwise look like an object without fields. */
function ofKind(found: Raw, kind: string): Raw {
  if (found.kind !== kind) throw new WorldError('unanswered', { en: `the answer is not a ${kind}`, zh: `返回的不是 ${kind}` });
  return found;
}

function answered(answer: Answer): Raw {
  const { status } = answer;
  const found = status >= 200 && status < 300 ? object(answer) : undefined;
  if (found) return found;
  if (status >= 200 && status < 300)
    throw new WorldError('unanswered', { en: 'the answer is not an object', zh: '返回的不是对象' }, status);
  const budget = budgetOf(answer);
  if (budget) throw new WorldError('blocked', budget, status);
  throw new WorldError(kindOf(answer), statusOf(answer).message, status);
}

/** What the PodDisruptionBudget that refuses an eviction says; only its 429 has that cause. */
function budgetOf(answer: Answer): string | undefined {
  if (answer.status !== 429) return undefined;
  const details = object(answer)?.details;
  const causes = isRaw(details) && Array.isArray(details.causes) ? details.causes.filter(isRaw) : [];
  const cause = causes.find(({ reason }) => reason === 'DisruptionBudget');
  return cause && oneLine(String(cause.message || statusOf(answer).message));
}

function kindOf(answer: Answer): WorldErrorKind {
  const said = statusOf(answer);
  // A webhook denies with whatever code it likes, 404 and 409 among them: nothing is gone, and nothing has changed. 429 it means.
  if (isDenied(answer.status, said)) return 'refused';
  switch (answer.status) {
    case 400:
    case 405:
    case 413:
    case 415:
      return 'refused';
    case 401:
      return 'forbidden';
    case 403:
      // Authorisation says who cannot do what; everything else with 403 is admission: webhooks, quotas, policies.
      return /\bcannot \S+ /.test(said.message) ? 'forbidden' : 'refused';
    case 404:
      return 'missing';
    case 409:
      return 'conflict';
    case 422:
      return invalid(said);
    case 429:
      return 'throttled';
    case 500:
      // Several budgets select one Pod: the eviction API has no way for that.
      if (/more than one PodDisruptionBudget/.test(said.message)) return 'refused';
      // Admission comes before storage: what a webhook was not there to allow was not written. The webhook may come back.
      return /failed calling webhook/.test(said.message) ? 'throttled' : 'unanswered';
    case 503:
      // Of an API server: not done. Of something between us and it: who knows.
      return said.none ? 'unanswered' : 'throttled';
    default:
      return answer.status >= 400 && answer.status < 500 ? 'refused' : 'unanswered';
  }
}

/** Source: apiserver pkg/admission/plugin/webhook/errors; policies say "denied request" (pkg/admission/plugin/policy/validating). */
const isDenied = (status: number, { message }: Status): boolean =>
  status >= 400 && status < 500 && status !== 429 && /\bdenied (?:the )?request\b/.test(message);

/** A failed `test`, or a path that is not there, names no field (seen on 1.24 and 1.37); a validation does. In doubt: look again. */
function invalid({ fields }: Status): WorldErrorKind {
  if (fields.some((field) => field === 'metadata.uid' || field === 'metadata.resourceVersion')) return 'conflict';
  return fields.length > 0 ? 'refused' : 'conflict';
}
