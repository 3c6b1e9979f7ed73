// The life of one Pod whose containers a test plays: addresses, init containers in order, containers at once, and the status that a kubelet reports of it.
import type { Body } from '../client.ts';
import { timestamp } from './watch.ts';

/** What became of a container. `waiting`: it never starts (ImagePullBackOff). undefined from a Play: it runs on, and is Ready. */
export type Ending = { exit: number; log?: string } | { waiting: string; message?: string };
/** Plays one container of a Pod; init containers first, in order. As long as its promise is open, the container runs. `ended`: the Pod is going away, or the kubelet ends. */
type Container = (container: Body, pod: Body, ended: AbortSignal) => Promise<Ending | undefined> | Ending | undefined;
export interface Play {
  /** Pods with this label, whatever its value, are played; all others are kwok's. */
  label: string;
  container: Container;
}

export interface Host {
  play: Container;
  ips(pod: Body): Promise<string[]> | string[];
  hostIP: string;
  log(container: string, text: string): void;
  ended: AbortSignal;
  /** false: the Pod is over or gone, nothing more is to be done. */
  report(status: object): Promise<boolean>;
}
type State = { waiting: object } | { running: object } | { terminated: { exitCode: number } & object };

export async function runPod(pod: Body, host: Host): Promise<void> {
  const [inits, mains]: [Body[], Body[]] = [pod.spec.initContainers ?? [], pod.spec.containers];
  const waiting = { waiting: { reason: inits.length ? 'PodInitializing' : 'ContainerCreating' } };
  const states = new Map<string, State>([...inits, ...mains].map(({ name }) => [name, waiting]));
  const statesOf = (containers: Body[]) => containers.map(({ name }) => states.get(name) ?? waiting);
  const since = new Map<string, { status: string; lastTransitionTime: string }>();
  const startTime = timestamp();
  // Those it has from an earlier kubelet stay: its sandbox outlives that.
  const podIPs = pod.status.podIPs ?? (await host.ips(pod)).map((ip) => ({ ip }));

  const report = () => {
    const initialized = statesOf(inits).every((state) => isDone(state) || 'running' in state);
    const ready = initialized && statesOf(mains).every((state) => 'running' in state);
    const holds = { Initialized: initialized, Ready: ready, ContainersReady: ready, PodScheduled: true };
    const conditions = Object.entries(holds).map(([type, yes]) => {
      const status = yes ? 'True' : 'False';
      if (since.get(type)?.status !== status) since.set(type, { status, lastTransitionTime: timestamp() });
      return { type, ...since.get(type) };
    });
    const statuses = (containers: Body[]) => containers.map((each) => containerStatus(each, states.get(each.name) ?? waiting));
    const phase = phaseOf(statesOf(inits), statesOf(mains));
    return host.report({
      ...{ phase, startTime, conditions, hostIP: host.hostIP, podIP: podIPs[0]?.ip, podIPs },
      ...(inits.length ? { initContainerStatuses: statuses(inits) } : {}),
      containerStatuses: statuses(mains),
    });
  };

  /** Plays one to its end. That it runs is reported only where its end is not known at once: a short life costs one report. */
  async function live(container: Body, restarts: 'never' | 'after failure' | 'always'): Promise<void> {
    const startedAt = timestamp();
    const played = host.play(container, pod, host.ended);
    states.set(container.name, { running: { startedAt } });
    const [ending] = await Promise.all([played, played instanceof Promise && report()]);
    if (!ending) return;
    if ('waiting' in ending) {
      const { waiting: reason, message } = ending;
      states.set(container.name, { waiting: { reason, message } });
      return;
    }
    const { exit: exitCode, log } = ending;
    if (log !== undefined) host.log(container.name, log);
    const again = restarts === 'always' || (restarts === 'after failure' && exitCode !== 0);
    const terminated = { exitCode, reason: exitCode ? 'Error' : 'Completed', startedAt, finishedAt: timestamp() };
    states.set(container.name, again ? CRASHED : { terminated });
  }

  const { restartPolicy } = pod.spec;
  for (const init of inits) {
    await live(init, restartPolicy === 'Never' ? 'never' : 'after failure');
    if (statesOf([init]).some((state) => isDone(state) || 'running' in state)) continue;
    await report();
    return;
  }
  // The containers of a Pod that was deleted meanwhile must not start.
  if (inits.length && !(await report())) return;
  const restarts = restartPolicy === 'Always' ? 'always' : restartPolicy === 'Never' ? 'never' : 'after failure';
  await Promise.all(mains.map((main) => live(main, restarts)));
  await report();
}

/** Where a real kubelet would start it again; here it stays like this. */
const CRASHED: State = { waiting: { reason: 'CrashLoopBackOff' } };
const isDone = (state: State) => 'terminated' in state && state.terminated.exitCode === 0;

function phaseOf(inits: State[], mains: State[]): string {
  if (inits.some((state) => 'terminated' in state && !isDone(state))) return 'Failed';
  if (mains.every((state) => 'terminated' in state)) return mains.every(isDone) ? 'Succeeded' : 'Failed';
  // A container that never ran keeps its Pod Pending; one that crashed does not.
  return mains.some((state) => 'waiting' in state && state !== CRASHED) ? 'Pending' : 'Running';
}

function containerStatus({ name, image }: Body, state: State): object {
  const running = 'running' in state;
  return { name, image, imageID: '', ready: running || isDone(state), restartCount: 0, started: running, state };
}

let addresses = 0;
/** What a Pod gets where no test cares, beside those that kwok gives (kwok.ts). */
export function nextAddress(): string[] {
  addresses++;
  return [`10.244.${128 + ((addresses >> 8) & 127)}.${addresses & 255}`];
}
