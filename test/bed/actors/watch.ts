// An actor's line to the API server: requests, watches that outlive their connection, and work that ends when the actor is stopped.
import { readFileSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { request as send } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Body } from '../client.ts';
import { certificateOf, tokenOf } from '../control-plane.ts';
import type { Bed } from '../index.ts';

export interface Actor {
  /** Answers when it will write nothing more. Rejects with the first thing that went wrong while it played. */
  stop(): Promise<void>;
}
export interface Line extends Actor {
  /** As the bed's own. Once stopped it only rejects. */
  request: Bed['request'];
  /** Like `request`; an answer that is neither 2xx nor one of `also` is an error. 404 and 409 by default: the object went or changed, and its event is on its way. */
  write(method: string, path: string, body?: unknown, contentType?: string, also?: number[]): Promise<Answer>;
  /** Keeps `known` (by keyOf) like a collection. Answers when all that is there is in it and `changed` was called for each; `now` is undefined when it is gone. */
  watch(path: string, known: Map<string, Body>, changed: Changed): Promise<void>;
  /** In the background; what goes wrong is told by stop(). */
  run(work: () => Promise<unknown>): void;
  stopped: AbortSignal;
}
type Changed = (now: Body | undefined, before: Body | undefined) => void;
type Event = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: Body };

export const keyOf = ({ metadata }: Body): string => `${metadata.namespace ?? ''}/${metadata.name}`;
/** As metav1.Time is stored: whole seconds. */
export const timestamp = () => new Date().toISOString().replace(/\.\d+/, '');

const STOPPED = new Error('the actor was stopped');
/** A collection that cannot be watched yet (its CRD is being installed) is asked for again after this, in ms. */
const AGAIN = 200;

export function lineTo(bed: Bed): Line {
  const end = new AbortController();
  const [underWay, streams] = [new Set<Promise<unknown>>(), new Set<ClientRequest>()];
  let trouble: { error: unknown } | undefined;

  async function request(...asked: Parameters<Bed['request']>): Promise<Answer> {
    if (end.signal.aborted) throw STOPPED;
    const answer = bed.request(...asked);
    underWay.add(answer);
    try {
      return await answer;
    } finally {
      underWay.delete(answer);
    }
  }

  async function write(method: string, path: string, body?: unknown, contentType?: string, also = [404, 409]): Promise<Answer> {
    let answer = await request(method, path, body, contentType);
    // "storage is (re)initializing", for a moment behind a change of its CRD.
    while (answer.status === 429) {
      await sleep(AGAIN);
      answer = await request(method, path, body, contentType);
    }
    if (answer.status < 300 || also.includes(answer.status)) return answer;
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body?.message ?? JSON.stringify(answer.body)}`);
  }

  function run(work: () => Promise<unknown>): void {
    work().catch((error) => {
      if (!end.signal.aborted) trouble ??= { error };
    });
  }

  async function watch(path: string, known: Map<string, Body>, changed: Changed): Promise<void> {
    const take = (now: Body) => {
      const before = known.get(keyOf(now));
      known.set(keyOf(now), now);
      if (before?.metadata.resourceVersion !== now.metadata.resourceVersion) changed(now, before);
    };
    const drop = (key: string) => {
      const before = known.get(key);
      known.delete(key);
      if (before) changed(undefined, before);
    };
    /** What is there now; answers from where to watch, undefined when the server cannot tell. */
    async function list(): Promise<string | undefined> {
      const { status, body } = await request('GET', path);
      if (status !== 200) return undefined;
      const keys = new Set<string>(body.items.map(keyOf));
      for (const key of [...known.keys()]) if (!keys.has(key)) drop(key);
      // Items of a list lack what all have in common.
      for (const item of body.items) take({ apiVersion: body.apiVersion, kind: body.kind.replace(/List$/, ''), ...item });
      return body.metadata.resourceVersion;
    }
    async function follow(from: string | undefined): Promise<void> {
      for (let version = from; !end.signal.aborted; ) {
        version ??= await list();
        if (version === undefined) {
          await sleep(AGAIN);
          continue;
        }
        version = await stream(`${path}?watch=1&allowWatchBookmarks=true&resourceVersion=${version}`, version, ({ type, object }) => {
          if (type === 'DELETED') drop(keyOf(object));
          else if (type !== 'BOOKMARK') take(object);
        });
      }
    }
    const from = await list();
    run(() => follow(from));
  }

  /** One connection's worth of events. Answers the version to go on from; undefined: list again. */
  function stream(path: string, from: string, heard: (event: Event) => void): Promise<string | undefined> {
    let version: string | undefined = from;
    return new Promise((resolve) => {
      const headers = { authorization: `Bearer ${tokenOf('admin')}`, accept: 'application/json' };
      const asked = send(`${bed.server}${path}`, { agent: false, ca: readFileSync(certificateOf(bed)), headers }, (answer) => {
        if (answer.statusCode !== 200) version = undefined;
        let rest = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          if (version === undefined || end.signal.aborted) return;
          for (const event of lines.map((line): Event => JSON.parse(line))) {
            if (event.type === 'ERROR') version = undefined;
            else {
              version = event.object.metadata.resourceVersion;
              heard(event);
            }
          }
        });
        answer.on('error', () => {});
      });
      streams.add(asked);
      asked.on('error', () => {});
      asked.on('close', async () => {
        streams.delete(asked);
        // A watch of a resource that is not served ends at once: no busy loop over it.
        if (version === undefined && !end.signal.aborted) await sleep(AGAIN);
        resolve(version);
      });
      asked.end();
    });
  }

  return {
    request,
    write,
    watch,
    run,
    stopped: end.signal,
    async stop() {
      end.abort();
      for (const each of streams) each.destroy();
      await Promise.allSettled(underWay);
      if (trouble) throw trouble.error;
    },
  };
}

/** Work by key: never twice at once for one key, and once more when it was called for meanwhile. */
export function keyed(line: Line, work: (key: string) => Promise<unknown>): (key: string) => void {
  const busy = new Map<string, { again: boolean }>();
  return function wake(key) {
    const now = busy.get(key);
    if (now) {
      now.again = true;
      return;
    }
    const turn = { again: false };
    busy.set(key, turn);
    line.run(async () => {
      try {
        do {
          turn.again = false;
          await work(key);
        } while (turn.again);
      } finally {
        busy.delete(key);
      }
    });
  };
}
