// The one writer: a Lease in kube-system says which run may change this cluster, and stops us when it no longer says so.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Held, Holder, Lock, Raw, Rule } from '../engine/contracts.ts';
import { paced } from '../engine/pace.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import { connectionError, object, statusOf } from './answers.ts';
import type { Connection } from './kubeconfig.ts';
import { type Answer, type ClientOptions, NoAnswer, pause, type Transport, transport } from './transport.ts';

/** All in milliseconds. */
export interface LeaseTimes {
  /** Between two renewals. */
  renew: number;
  /** Without a change for this long, by our own clock, a Lease is stale. */
  stale: number;
  /** Without a renewal for this long our own is lost: well before others call it stale. */
  lost: number;
  /** Between two reads of another run's. */
  look: number;
}
export const LEASE_TIMES: LeaseTimes = { renew: 10_000, stale: 60_000, lost: 40_000, look: 2_000 };
/** `look` is paced where it is sat out. */
const pacedTimes = ({ renew, stale, lost, look }: LeaseTimes): LeaseTimes => ({
  renew: paced(renew),
  stale: paced(stale),
  lost: paced(lost),
  look,
});
/** So many renewals in a row may fail. */
const FAILURES = 3;

/** A Lease that stays behind costs the next operator a minute and a question. */
const RELEASE_PATIENCE_MS = [500, 2000];

const NAME = 'upgrade-guard';
const NAMESPACE = 'kube-system';
const STATE = 'upgrade-guard.io/state';
const COLLECTION = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
const PATH = `${COLLECTION}/${NAME}`;

/** What the Lease needs. A name cannot narrow `create`. */
export const LEASE_RULES: Rule[] = [
  { verbs: ['create'], group: 'coordination.k8s.io', resource: 'leases', namespace: NAMESPACE },
  { verbs: ['get', 'update', 'delete'], group: 'coordination.k8s.io', resource: 'leases', names: [NAME], namespace: NAMESPACE },
];

export interface LockOptions extends ClientOptions {
  /** user@host, for those who find the Lease taken. */
  who: string;
  /** For tests. */
  times?: LeaseTimes;
}

/**
 * The Lock over this connection. `acquire` answers Held, or the Holder that is in the way: at once if its run was interrupted,
 * as soon as it is seen to be alive, or as stale after `times.stale`. Throws UserError without the right to the Lease or without a connection, and the signal's reason.
 */
export function clusterLock(connection: Connection, signal: AbortSignal, options: LockOptions): Lock {
  const http = transport(connection, signal, options);
  const times = options.times ?? pacedTimes(LEASE_TIMES);
  const claim = async (lease: Raw | undefined, run: string): Promise<Held | undefined> => {
    const mine = await take(http, lease, `${run} ${options.who}`, times);
    return mine && hold(http, mine, times);
  };
  return {
    async acquire(run, { takeOver, waiting }) {
      let watched: { version: string; since: number } | undefined;
      for (;;) {
        const lease = await look(http, times);
        const holder = lease && holderOf(lease);
        // Not even with --take-over from a run that is active.
        const named = holder !== undefined && holder.run === takeOver;
        const given = named && (holder.state === 'stopped' || isStale(watched, versionOf(lease!), times));
        if (!holder || holder.run === run || given) {
          const held = await claim(lease, run);
          if (held) return held;
          // Another run was faster: look at what it wrote.
          continue;
        }
        if (holder.state === 'stopped') return holder;
        const version = versionOf(lease!);
        // Monotonic: what counts is that we watched it for so long.
        const now = performance.now();
        if (!watched) {
          watched = { version, since: now };
          waiting?.(holder);
        } else if (watched.version !== version) return holder;
        else if (now - watched.since >= times.stale) return { ...holder, stale: true };
        await pause(times.look, signal);
      }
    },
    async own(run) {
      try {
        const lease = await look(http, times);
        return lease && holderOf(lease)?.run === run ? await claim(lease, run) : undefined;
      } catch (error) {
        if (error instanceof UserError) return undefined;
        throw error;
      }
    },
  };
}

/** The same for so long as to be given up, by our own clock. */
function isStale(watched: { version: string; since: number } | undefined, version: string, times: LeaseTimes): boolean {
  return watched?.version === version && performance.now() - watched.since >= times.stale;
}

/** undefined: there is none. */
async function look(http: Transport, times: LeaseTimes): Promise<Raw | undefined> {
  const answer = await ask(http, { method: 'GET', path: PATH, timeoutMs: times.lost });
  if (answer.status === 404) return undefined;
  return written(answer, 'get');
}

/** undefined: it changed meanwhile. */
async function take(http: Transport, lease: Raw | undefined, identity: string, times: LeaseTimes): Promise<Raw | undefined> {
  const now = microTime(new Date());
  const spec = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(times.stale / 1000),
    acquireTime: now,
    renewTime: now,
    leaseTransitions: lease ? (Number(specOf(lease).leaseTransitions) || 0) + 1 : 0,
  };
  const metadata = lease
    ? { ...metadataOf(lease), annotations: { ...annotationsOf(lease), [STATE]: 'running' } }
    : { name: NAME, namespace: NAMESPACE, annotations: { [STATE]: 'running' } };
  const body = JSON.stringify({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
  const verb = lease ? 'update' : 'create';
  const answer = await ask(http, { method: lease ? 'PUT' : 'POST', path: lease ? PATH : COLLECTION, body, timeoutMs: times.lost });
  return answer.status === 409 || (lease && answer.status === 404) ? undefined : written(answer, verb);
}

async function ask(http: Transport, call: Parameters<Transport['request']>[0]): Promise<Answer> {
  try {
    const answer = await http.request(call);
    if (answer.status === 401) throw connectionError(http.connection, answer);
    return answer;
  } catch (error) {
    throw error instanceof NoAnswer ? connectionError(http.connection, error) : error;
  }
}

function written(answer: Answer, verb: string): Raw {
  const lease = answer.status < 300 ? object(answer) : undefined;
  if (lease?.kind === 'Lease') return lease;
  const { message } = statusOf(answer);
  if (answer.status === 403) {
    throw new UserError(
      {
        en: `acquiring Lease ${NAMESPACE}/${NAME}: no permission to ${verb} leases.coordination.k8s.io (needs get, create, update, delete in namespace ${NAMESPACE})`,
        zh: `获取 Lease ${NAMESPACE}/${NAME}：没有权限对 leases.coordination.k8s.io 执行 ${verb}（需要命名空间 ${NAMESPACE} 中的 get、create、update、delete）`,
      },
      {
        en: 'print the minimal ClusterRole: {tool} rbac --for fix{reach}',
        zh: '输出最小 ClusterRole：{tool} rbac --for fix{reach}',
      },
    );
  }
  throw new UserError(
    {
      en: `acquiring Lease ${NAMESPACE}/${NAME}: ${verb} failed: ${message}`,
      zh: `获取 Lease ${NAMESPACE}/${NAME}：${verb} 失败：${message}`,
    },
    { en: 'retry; nothing was changed', zh: '请重试；集群未作任何更改' },
  );
}

/** Renews until released or lost. */
function hold(http: Transport, first: Raw, times: LeaseTimes): Held {
  const lost = new AbortController();
  let lease = first;
  let renewed = 0;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let renewing: Promise<void> | undefined;
  let released = false;

  const lose = (why: string) => {
    clearTimeout(timer);
    clearTimeout(deadline);
    lost.abort(new Error(`the Lease ${NAMESPACE}/${NAME} was lost: ${why}`));
  };
  const renew = async () => {
    const outcome = await update(http, lease, 'running', times.renew);
    if (outcome.is === 'ours') {
      lease = outcome.lease;
      failures = 0;
      keep();
    } else if (outcome.is === 'theirs' || ++failures >= FAILURES) lose(outcome.why);
  };
  const keep = () => {
    renewed = Date.now();
    clearTimeout(deadline);
    // Also while a renewal hangs.
    deadline = setTimeout(() => lose(`not renewed for ${times.lost / 1000} s`), times.lost).unref();
  };
  const schedule = () => {
    timer = setTimeout(() => {
      // By wall time: a machine that slept finds its time over, whatever the server would say now.
      if (Date.now() - renewed >= times.lost) return lose('this machine slept');
      renewing = renew().finally(() => {
        renewing = undefined;
        if (!released && !lost.signal.aborted) schedule();
      });
    }, times.renew);
    // Nothing waits for a renewal: the process may end.
    timer.unref();
  };
  keep();
  schedule();

  return {
    lost: lost.signal,
    async release(state) {
      released = true;
      clearTimeout(timer);
      clearTimeout(deadline);
      await renewing;
      if (lost.signal.aborted) return false;
      const letGo = () => (state === 'stopped' ? mark(http, lease, times) : remove(http, lease, times));
      let sure = true;
      for (const wait of RELEASE_PATIENCE_MS) {
        try {
          // Behind an attempt without an answer it may be that attempt which took it away.
          return (await letGo()) || !sure;
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          sure = false;
          await sleep(paced(wait));
        }
      }
      return (await letGo()) || !sure;
    },
  };
}

type Update = { is: 'ours'; lease: Raw } | { is: 'theirs'; why: string } | { is: 'failed'; why: string };

/** Writes state and renewTime, guarded by resourceVersion. A conflict may be our own earlier write that got no answer: then we go on from what is there. */
async function update(http: Transport, lease: Raw, state: Holder['state'], timeoutMs: number): Promise<Update> {
  try {
    const answer = await put(http, lease, state, timeoutMs);
    if (answer.status !== 409) return judged(answer, lease);
    const now = await http.request({ method: 'GET', path: PATH, timeoutMs });
    const found = judged(now, lease);
    return found.is === 'ours' ? judged(await put(http, found.lease, state, timeoutMs), lease) : found;
  } catch (error) {
    // Also Ctrl-C: the user knows about that.
    return { is: 'failed', why: oneLine((error as Error).message) };
  }
}

function put(http: Transport, lease: Raw, state: Holder['state'], timeoutMs: number): Promise<Answer> {
  const metadata = { ...metadataOf(lease), annotations: { ...annotationsOf(lease), [STATE]: state } };
  const body = JSON.stringify({ ...lease, metadata, spec: { ...specOf(lease), renewTime: microTime(new Date()) } });
  return http.request({ method: 'PUT', path: PATH, body, timeoutMs });
}

function judged(answer: Answer, ours: Raw): Update {
  if (answer.status === 404) return { is: 'theirs', why: 'it was deleted' };
  if (answer.status === 409) return { is: 'theirs', why: 'it keeps changing' };
  const found = answer.status < 300 ? object(answer) : undefined;
  if (!found) return { is: 'failed', why: statusOf(answer).message };
  const same =
    metadataOf(found).uid === metadataOf(ours).uid &&
    ['holderIdentity', 'acquireTime', 'leaseTransitions'].every((key) => specOf(found)[key] === specOf(ours)[key]);
  return same
    ? { is: 'ours', lease: found }
    : { is: 'theirs', why: `taken over by ${oneLine(String(specOf(found).holderIdentity ?? 'an unknown holder'), 120)}` };
}

/** False: it is no longer ours. */
async function mark(http: Transport, lease: Raw, times: LeaseTimes): Promise<boolean> {
  const outcome = await update(http, lease, 'stopped', times.renew);
  if (outcome.is === 'failed') throw notReleased(outcome.why);
  return outcome.is === 'ours';
}

/** Twice: a renewal that got no answer may have changed the resourceVersion that we know. False: it was no longer ours. */
async function remove(http: Transport, lease: Raw, times: LeaseTimes): Promise<boolean> {
  let known = lease;
  for (let again = true; ; again = false) {
    const { uid, resourceVersion } = metadataOf(known);
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } });
    try {
      const answer = await http.request({ method: 'DELETE', path: PATH, body, timeoutMs: times.renew });
      if (answer.status < 300) return true;
      if (answer.status === 404) return false;
      if (answer.status !== 409 || !again) throw notReleased(statusOf(answer).message);
      const found = judged(await http.request({ method: 'GET', path: PATH, timeoutMs: times.renew }), lease);
      if (found.is === 'theirs') return false;
      if (found.is === 'failed') throw notReleased(found.why);
      known = found.lease;
    } catch (error) {
      throw error instanceof NoAnswer ? notReleased(error.message) : error;
    }
  }
}

function notReleased(why: string): UserError {
  return new UserError(
    { en: `releasing the Lease ${NAMESPACE}/${NAME}: ${oneLine(why)}`, zh: `释放 Lease ${NAMESPACE}/${NAME} 失败：${oneLine(why)}` },
    {
      en: `it expires in a minute; if no run is active: kubectl -n ${NAMESPACE} delete lease ${NAME}`,
      zh: `一分钟后它会过期；确认没有运行在进行后可执行：kubectl -n ${NAMESPACE} delete lease ${NAME}`,
    },
  );
}

/** undefined: it is not held. Any user may have written it, so all of it is cleaned. */
function holderOf(lease: Raw): Holder | undefined {
  const identity = oneLine(String(specOf(lease).holderIdentity ?? ''), 300);
  if (!identity) return undefined;
  const [run = '', ...who] = identity.split(' ');
  return {
    run,
    who: who.join(' '),
    since: oneLine(String(specOf(lease).acquireTime ?? ''), 40),
    state: annotationsOf(lease)[STATE] === 'stopped' ? 'stopped' : 'running',
    stale: false,
  };
}

function versionOf(lease: Raw): string {
  return `${metadataOf(lease).uid} ${metadataOf(lease).resourceVersion}`;
}

function metadataOf(lease: Raw): Raw {
  return part(lease.metadata);
}

function annotationsOf(lease: Raw): Raw {
  return part(metadataOf(lease).annotations);
}

function specOf(lease: Raw): Raw {
  return part(lease.spec);
}

function part(value: Raw[string] | undefined): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** metav1.MicroTime. */
function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
