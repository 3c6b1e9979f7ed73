// What a person hears of the requests to a server: with -v what is done, and always that, and how long, something is waited for. Silence looks like a hanging program.
import { NoAnswer } from '../cluster/transport.ts';
import type { Asked, Watch } from '../cluster/watch.ts';
import type { Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Call } from './call.ts';
import { STILL_MS, TICK_MS } from './spinner.ts';

/** Between two lines about the same wait, where nothing can be drawn over. */
const AGAIN_MS = 60_000;
/** kubectl's level for one line per request, and ours for pages. */
const REQUESTS = 6;
const PAGES = 2;

/** One for each connection: its server's silence. */
export function watchOf(call: Pick<Call, 'say' | 't' | 'log' | 'waiting'>, server: string): Watch {
  /** With what stands in its way, once something does. */
  const open = new Map<Asked, Text | undefined>();
  let timer: NodeJS.Timeout | undefined;
  /** Since when nothing was answered although something was asked; and when the last try failed with nothing left open. */
  let since = 0;
  let leftAt: number | undefined;
  let said: { at: number; trouble: boolean } | undefined;
  const pages = new Map<string, number>();

  const look = () => {
    if (!open.size) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    const now = performance.now();
    if (now - since < STILL_MS) return;
    const [asked, because] = [...open].find(([, why]) => why) ?? [...open][0]!;
    const text = spoken(because ?? noAnswer(server, asked), now - since);
    const drawn = call.waiting(text);
    const trouble = because !== undefined;
    if (!drawn && (!said || (trouble && !said.trouble) || now - said.at >= AGAIN_MS)) {
      call.say(call.t(text));
      said = { at: now, trouble };
    }
  };
  return {
    begun(asked) {
      const now = performance.now();
      // A gap between two tries that a person hardly notices belongs to the same wait.
      if (!open.size && (leftAt === undefined || now - leftAt > STILL_MS)) since = now;
      leftAt = undefined;
      open.set(asked, undefined);
      timer ??= setInterval(look, TICK_MS).unref();
    },
    tried(asked, end, ms, again) {
      const failed = end instanceof NoAnswer;
      const what = `${asked.method} ${asked.url}`;
      const came = failed ? oneLine(end.message) : `${end.status}`;
      call.log(REQUESTS, { en: `${what} ${came} in ${ms} ms`, zh: `${what} ${came} 用时 ${ms} ms` });
      if (again === undefined) return;
      open.set(asked, failed ? unreachable(server, end) : asksToWait(server, end.status, again));
      call.log(1, { en: `${what}: ${came}; again in ${again / 1000} s`, zh: `${what}：${came}；${again / 1000} 秒后重试` });
    },
    ended(asked, answered) {
      open.delete(asked);
      const now = performance.now();
      if (!answered) {
        if (open.size) return;
        leftAt = now;
        call.waiting(undefined);
        return;
      }
      if (now - since >= STILL_MS) call.waiting(undefined);
      // That a slow one answered needs no word; nor does each of its answers.
      if (said?.trouble) {
        call.say(call.t(wellAgain(server, now - since)));
        said = undefined;
      }
      since = now;
    },
    page(resource, objects) {
      const page = (pages.get(resource) ?? 0) + 1;
      pages.set(resource, page);
      call.log(PAGES, { en: `${resource}: page ${page}, ${objects} objects`, zh: `${resource}：第 ${page} 页，${objects} 个对象` });
    },
  };
}

const seconds = (ms: number): number => Math.round(ms / 1000);

/** The seconds first: a narrow terminal cuts the end. */
const spoken = ({ en, zh }: Text, ms: number): Text => ({
  en: `waiting for ${seconds(ms)} s: ${en}`,
  zh: `已等待 ${seconds(ms)} 秒：${zh}`,
});

const noAnswer = (server: string, { method, url }: Asked): Text => {
  const what = `${method} ${oneLine(url.slice(server.length))}`;
  return { en: `no answer yet from ${server} to ${what}`, zh: `${server} 尚未应答 ${what}` };
};

const asksToWait = (server: string, status: number, ms: number): Text => ({
  en: `the API server ${server} asks to wait ${seconds(ms)} s (${status})`,
  zh: `API 服务器 ${server} 要求等待 ${seconds(ms)} 秒（${status}）`,
});

const unreachable = (server: string, { code, message }: NoAnswer): Text => ({
  en: `no connection to ${server}, trying again: ${oneLine(message)}`,
  zh: `无法连接 ${server}，正在重试：${oneLine(message) || code}`,
});

const wellAgain = (server: string, ms: number): Text => ({
  en: `${server} answers again, after ${seconds(ms)} s`,
  zh: `${server} 恢复响应，历时 ${seconds(ms)} 秒`,
});
