// The live cluster as a World to write to: one guarded request at a time, and for each no the word that tells the executor what to do next.
import { type ApiResource, type Raw, type Ref, type World, WorldError, type WorldErrorKind } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import { object, type Status, statusOf } from './answers.ts';
import { type Discovery, discovery, objectPath } from './discovery.ts';
import type { Connection } from './kubeconfig.ts';
import { type Answer, type ClientOptions, NoAnswer, type Transport, transport } from './transport.ts';

const FIELD_MANAGER = 'upgrade-guard';

/** Reads are uncached; a write that got no answer is `unanswered` and never sent again. Both throw WorldError, or the signal's reason. */
export function clusterWorld(connection: Connection, signal: AbortSignal, options: ClientOptions): World {
  const http = transport(connection, signal, options);
  const apis = discovery(http);
  return {
    async get(ref) {
      return guarded(async () => {
        const api = await apiOf(apis, ref);
        if (!api) return undefined;
        const answer = await http.request({ method: 'GET', path: objectPath(api, ref) });
        return answer.status === 404 ? undefined : answered(answer);
      });
    },
    async write({ on, subresource, patch }, options) {
      return guarded(async () => {
        const api = await apiOf(apis, on);
        if (!api) throw new WorldError('missing', `the server has no ${on.kind} of ${on.apiVersion}`);
        const query = new URLSearchParams({
          fieldManager: FIELD_MANAGER,
          fieldValidation: 'Strict',
          ...(options?.dryRun ? { dryRun: 'All' } : {}),
        });
        return answered(await sendPatch(http, `${objectPath(api, on, subresource)}?${query}`, JSON.stringify(patch)));
      });
    },
  };
}

function sendPatch(http: Transport, path: string, body: string): Promise<Answer> {
  return http.request({ method: 'PATCH', path, body, contentType: 'application/json-patch+json' });
}

/** undefined: no such kind, also after looking again, since an earlier step may have brought it. */
async function apiOf(apis: Discovery, ref: Ref): Promise<ApiResource | undefined> {
  let api = await apis.byKind(ref.apiVersion, ref.kind);
  if (!api || 'why' in api) {
    apis.forget();
    api = await apis.byKind(ref.apiVersion, ref.kind);
  }
  if (api && 'why' in api)
    throw new WorldError(api.why === 'forbidden' ? 'forbidden' : 'unanswered', api.detail ?? `no discovery of ${ref.apiVersion}`);
  return api;
}

async function guarded<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof NoAnswer) throw new WorldError('unanswered', oneLine(error.sent ? error.message : `not sent: ${error.message}`));
    // Credentials could not be had: nothing was sent.
    if (error instanceof UserError) throw new WorldError('forbidden', oneLine(error.message));
    throw error;
  }
}

function answered(answer: Answer): Raw {
  const { status } = answer;
  const found = status >= 200 && status < 300 ? object(answer) : undefined;
  if (found) return found;
  if (status >= 200 && status < 300) throw new WorldError('unanswered', 'the answer is not an object', status);
  throw new WorldError(kindOf(answer), statusOf(answer).message, status);
}

function kindOf(answer: Answer): WorldErrorKind {
  const said = statusOf(answer);
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
    case 503:
      // Of an API server: not done. Of something between us and it: who knows.
      return said.none ? 'unanswered' : 'throttled';
    default:
      return answer.status >= 400 && answer.status < 500 ? 'refused' : 'unanswered';
  }
}

/** A failed `test`, or a path that is not there, names no field (seen on 1.24 and 1.37); a validation does, and a webhook says so. In doubt: look again. */
function invalid({ fields, message }: Status): WorldErrorKind {
  if (fields.some((field) => field === 'metadata.uid' || field === 'metadata.resourceVersion')) return 'conflict';
  return fields.length > 0 || message.includes('denied the request') ? 'refused' : 'conflict';
}
