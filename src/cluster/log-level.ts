// How much an API server or a kubelet logs while it runs: PUT /debug/flags/v, where /debug/flags says that there is such a flag. A kubelet is asked by way of the API server.
// Sources: k8s.io/apiserver pkg/server/routes/flags.go; k8s.io/kubernetes pkg/kubelet/server/server.go.
import { type Raw, type Ref, WorldError } from '../engine/contracts.ts';
import { loggerOf } from '../engine/steps/verbosity.ts';
import { statusOf } from './answers.ts';
import type { Answer, Transport } from './transport.ts';

const FLAGS = '/debug/flags';
/** As the page of flags has it. */
const SERVED = '<tr>v<br>';
/** Answers that there is no such page: it is switched off, or the Node is gone. */
const NONE = new Set([404, 405, 406]);

/** `to`: leads to the server itself, of a kubelet to any API server. undefined: it cannot be set. */
export async function logger(to: Transport, on: Ref): Promise<Raw | undefined> {
  // The page of flags is HTML, which no first answer of an API server may be.
  if (!to.answered()) await to.request({ method: 'GET', path: '/version' });
  const answer = await to.request({ method: 'GET', path: pathOf(on), accept: '*/*' });
  if (NONE.has(answer.status)) return undefined;
  return textOf(answer).includes(SERVED) ? loggerOf(on) : undefined;
}

export async function setLevel(to: Transport, on: Ref, level: number, dryRun: boolean): Promise<Raw> {
  if (dryRun) return loggerOf(on, level);
  const answer = await to.request({
    ...{ method: 'PUT', path: `${pathOf(on)}/v`, body: `${level}`, contentType: 'text/plain', accept: '*/*' },
  });
  const said = textOf(answer);
  if (!new RegExp(`successfully set .* to ${level}\\b`).test(said)) throw new WorldError('refused', statusOf(answer).message);
  return loggerOf(on, level);
}

const pathOf = ({ kind, name }: Ref): string => (kind === 'Kubelet' ? `/api/v1/nodes/${encodeURIComponent(name)}/proxy${FLAGS}` : FLAGS);

/** Throws WorldError for any no. */
function textOf(answer: Answer): string {
  const { status, body } = answer;
  if (status === 200) return body.toString('utf8');
  const why =
    status === 401 || status === 403
      ? 'forbidden'
      : status === 429 || status === 503
        ? 'throttled'
        : status < 500
          ? 'refused'
          : 'unanswered';
  throw new WorldError(why, statusOf(answer).message, status);
}
