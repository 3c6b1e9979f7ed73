// What an answer says: its object, or the server's no as one line for a Gap; and one UserError for when nothing could be read at all.
import type { Gap, Raw, Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Connection } from './kubeconfig.ts';
import { readStatus } from './protobuf.ts';
import { type Answer, NoAnswer } from './transport.ts';

/** A Kubernetes Status, as far as we look at it. `none`: the body was something else, so a proxy may have written it. */
export interface Status {
  message: string;
  reason: string;
  /** Fields that a validation complains about; a failed JSON Patch names none. */
  fields: string[];
  none: boolean;
}

const LONGEST = 300;

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
    message: oneLine(said, LONGEST) || `HTTP ${status}`,
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

/** The Gap of an answer that is no answer to the question. */
export function gapOf(asked: Omit<Gap, 'why' | 'detail'>, answer: Answer): Gap {
  return { why: answer.status === 403 ? 'forbidden' : 'failed', ...asked, detail: statusOf(answer).message };
}

/** The Gap of an exchange that failed; rethrows a bug. */
export function gapOfFailure(asked: Omit<Gap, 'why' | 'detail'>, error: unknown): Gap {
  if (!(error instanceof NoAnswer) && !(error instanceof UserError)) throw error;
  return { why: 'failed', ...asked, detail: oneLine(error.message, LONGEST) };
}

/** Nothing could be read: names server and context, and what to try. `error` is a NoAnswer or the 401. */
export function connectionError(connection: Connection, error: NoAnswer | Answer): UserError {
  const where = connection.context ? `${shown(connection.server)} (context ${connection.context})` : shown(connection.server);
  const whereZh = connection.context ? `${shown(connection.server)}（上下文 ${connection.context}）` : shown(connection.server);
  const { is, next } = explained(error);
  return new UserError({ en: `connecting to ${where}: ${is.en}`, zh: `连接 ${whereZh} 失败：${is.zh}` }, next);
}

function explained(error: NoAnswer | Answer): { is: Text; next: Text } {
  if (!(error instanceof NoAnswer)) {
    return {
      is: { en: 'the server does not accept the credentials (401)', zh: '服务器不接受所用的凭据（401）' },
      next: {
        en: 'log in again, or choose another user: --user, --token, --context',
        zh: '请重新登录，或改用其他用户：--user、--token、--context',
      },
    };
  }
  const code = error.code;
  if (code === 'ECONNREFUSED') {
    return {
      is: { en: 'connection refused', zh: '连接被拒绝' },
      next: {
        en: 'is the API server running, and is this its address? kubectl cluster-info asks the same',
        zh: '请确认 API server 正在运行且地址正确；可用 kubectl cluster-info 验证',
      },
    };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      is: { en: 'the name of the server is unknown here', zh: '无法解析服务器名称' },
      next: { en: 'check the server address in the kubeconfig, DNS and VPN', zh: '请检查 kubeconfig 中的服务器地址、DNS 与 VPN' },
    };
  }
  if (/^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO)/.test(code)) {
    return {
      is: { en: `TLS: ${oneLine(error.message, LONGEST)}`, zh: `TLS 错误：${oneLine(error.message, LONGEST)}` },
      next: {
        en: 'check certificate-authority in the kubeconfig, or --certificate-authority and --tls-server-name',
        zh: '请检查 kubeconfig 中的 certificate-authority，或 --certificate-authority 与 --tls-server-name',
      },
    };
  }
  if (error.why === 'timeout' || code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return {
      is: { en: oneLine(error.message, LONGEST), zh: `超时或网络不可达（${oneLine(error.message, LONGEST)}）` },
      next: {
        en: 'check network, VPN and proxy; a slow server may need a longer --request-timeout',
        zh: '请检查网络、VPN 与代理；服务器较慢时可加大 --request-timeout',
      },
    };
  }
  return {
    is: { en: `${oneLine(error.message, LONGEST)} (${code})`, zh: `${oneLine(error.message, LONGEST)}（${code}）` },
    next: {
      en: 'check that the address is that of an API server; kubectl cluster-info asks the same',
      zh: '请确认该地址是 API server；可用 kubectl cluster-info 验证',
    },
  };
}

/** Without user and password, which a URL may hold. */
function shown(server: string): string {
  const url = new URL(server);
  return oneLine(`${url.origin}${url.pathname === '/' ? '' : url.pathname}`, LONGEST);
}
