// What an answer says: its object, or the server's no as one line for a Gap; and one UserError for when nothing could be read at all.
import type { Gap, Raw } from '../engine/contracts.ts';
import { inOurWords } from '../engine/gaps.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Connection } from './kubeconfig.ts';
import { readStatus } from './protobuf.ts';
import { type Answer, NoAnswer } from './transport.ts';
import { explained } from './unreachable.ts';

/** A Kubernetes Status, as far as we look at it. `none`: the body was something else, so a proxy may have written it. */
export interface Status {
  message: string;
  reason: string;
  /** Fields that a validation complains about; a failed JSON Patch names none. */
  fields: string[];
  none: boolean;
}

const LONGEST = 300;
/** A webhook's error ends with the cause, behind two addresses. */
const MESSAGE = 600;

/** Reads a Status from JSON or protobuf; any other body becomes its message. Never throws. */
export function statusOf({ status, headers, body }: Answer): Status {
  const decoded = /protobuf/.test(headers['content-type'] ?? '')
    ? attempt(() => readStatus(body))
    : attempt(() => JSON.parse(body.toString('utf8')));
  const raw = (typeof decoded === 'object' && decoded !== null ? decoded : {}) as Record<string, unknown>;
  const details = (typeof raw.details === 'object' && raw.details !== null ? raw.details : {}) as Record<string, unknown>;
  const none = raw.kind !== 'Status';
  const said = none
    ? `HTTP ${status}${/json|text\/plain/.test(headers['content-type'] ?? '') ? ` ${body.toString('utf8', 0, 1000)}` : ''}`
    : withoutObject(String(raw.message ?? ''));
  return {
    message: oneLine(said, MESSAGE) || `HTTP ${status}`,
    reason: oneLine(String(raw.reason ?? ''), 60),
    fields: (Array.isArray(details.causes) ? details.causes : []).slice(0, 20).map((cause) => oneLine(String(cause?.field ?? ''), 100)),
    none,
  };
}

/** A server that cannot read what a patch made repeats the whole object, Secret or not, before it says why. */
function withoutObject(message: string): string {
  return message.replace(/Invalid value: "\{.*\}": /s, '');
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The object of a JSON answer, undefined if it is none. */
export function object(answer: Answer): Raw | undefined {
  try {
    const parsed = JSON.parse(answer.body.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Something answers 200 with what no API server says there. */
export function foreignAnswer(connection: Connection, path: string, answer: Answer): UserError {
  return connectionError(connection, new NoAnswer('connect', true, 'EFOREIGN', `GET ${path}: ${statusOf(answer).message}`));
}

/** The Gap of an answer that is not an answer to the question. */
export function gapOf(asked: Omit<Gap, 'why' | 'detail'>, answer: Answer): Gap {
  return { why: answer.status === 403 ? 'forbidden' : 'failed', ...asked, detail: statusOf(answer).message };
}

/** The Gap of an exchange that failed; rethrows a bug. */
export function gapOfFailure(asked: Omit<Gap, 'why' | 'detail'>, error: unknown): Gap {
  if (!(error instanceof NoAnswer) && !(error instanceof UserError)) throw error;
  if (error instanceof NoAnswer) return { why: 'failed', ...asked, detail: oneLine(error.message, LONGEST) };
  const { en, zh } = error.text;
  return { why: 'failed', ...asked, ...inOurWords({ en: oneLine(en, LONGEST), zh: oneLine(zh, LONGEST) }) };
}

/** Nothing could be read: names the server, the context and the proxy, why, and what to try. `error` is a NoAnswer or the 401. */
export function connectionError(connection: Connection, error: NoAnswer | Answer): UserError {
  const server = oneLine(connection.server, LONGEST);
  const context = oneLine(connection.context, LONGEST);
  const proxy = oneLine(connection.proxy ?? '', LONGEST);
  const en = [context && `context ${context}`, proxy && `through the proxy ${proxy}`].filter(Boolean).join(', ');
  const zh = [context && `上下文 ${context}`, proxy && `经由代理 ${proxy}`].filter(Boolean).join('，');
  const { is, next } = explained(connection, error);
  return new UserError(
    { en: `connecting to ${server}${en && ` (${en})`}: ${is.en}`, zh: `连接 ${server}${zh && `（${zh}）`} 失败：${is.zh}` },
    next,
  );
}
