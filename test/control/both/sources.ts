// What the tests of the live Source share: connections to the control plane of the bed, directly and through a proxy that watches and disturbs.
import { afterAll } from 'vitest';
import { type Connection, connect } from '../../../src/cluster/kubeconfig.ts';
import { clusterSource } from '../../../src/cluster/source.ts';
import type { Gap, ListQuery, QuickSource, Raw, Source } from '../../../src/engine/contracts.ts';
import { type FaultProxy, startFaultProxy } from '../../bed/fault-proxy.ts';
import type { Bed } from '../../bed/index.ts';

export const never = new AbortController().signal;
export const OPTIONS = { version: 'test' };

/** What is opened is closed when the file's tests have ended. */
export function sources(plane: Bed) {
  const open: { close(): unknown }[] = [];
  afterAll(async () => {
    for (const one of open) await one.close();
  });
  async function connected(kubeconfig = plane.kubeconfig, flags = {}): Promise<Connection> {
    const connection = await connect({ kubeconfig, ...flags }, {});
    open.push(connection);
    return connection;
  }
  async function source(kubeconfig?: string): Promise<QuickSource> {
    return clusterSource(await connected(kubeconfig), never, OPTIONS);
  }
  async function proxied(): Promise<{ proxy: FaultProxy; source: QuickSource }> {
    const proxy = await startFaultProxy(plane);
    open.push(proxy);
    return { proxy, source: await source(await proxy.kubeconfigFrom(plane.kubeconfig)) };
  }
  return { connected, source, proxied };
}

export async function listed(from: Source, query: ListQuery): Promise<{ objects: Raw[]; gap: Gap | undefined; restarts: number }> {
  let objects: Raw[] = [];
  let restarts = 0;
  const gap = await from.list(query, {
    object: (object) => objects.push(object),
    restart() {
      objects = [];
      restarts++;
    },
  });
  return { objects, gap, restarts };
}

export async function inParallel<T>(items: T[], width: number, each: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await each(item);
    }),
  );
}
