// Where a command looks, and with what it changes things: a live cluster by kubeconfig and flags, or a dump given with --from.
import path from 'node:path';
import { type Connection, type ConnectionFlags, connect } from '../cluster/kubeconfig.ts';
import { clusterLock } from '../cluster/lease.ts';
import { clusterSource } from '../cluster/source.ts';
import { clusterWorld } from '../cluster/world.ts';
import { whoAmI } from '../engine/conduct.ts';
import type { ClusterIdentity, Lock, QuickSource, RunStore, Source, World } from '../engine/contracts.ts';
import { runStore } from '../journal/run-store.ts';
import { stateFolder } from '../journal/state-folder.ts';
import type { Dump } from '../snapshot/dump.ts';
import { readDump } from '../snapshot/read.ts';
import { dumpSource } from '../snapshot/source.ts';
import type { Call } from './call.ts';
import type { Flags } from './flags.ts';

/** A cluster that can be changed. */
export interface Live {
  source: Source;
  world: World;
  lock: Lock;
  identity: ClusterIdentity;
  store: RunStore;
  /** Impersonated user. */
  as?: string;
  close(): void;
}

/** Connects; nothing is read before the first question. The world ignores the first Ctrl-C: a step in flight ends. */
export async function openCluster(call: Call): Promise<Live> {
  const connection = await connect(connectionFlags(call.flags), call.env);
  const options = { version: call.version, warning: (text: string) => call.say(text) };
  const source = clusterSource(connection, call.signal, options);
  const identity = await source.identity();
  const unhurried = new AbortController().signal;
  return {
    source,
    world: clusterWorld(connection, unhurried, options),
    lock: clusterLock(connection, unhurried, { ...options, who: whoAmI() }),
    identity,
    store: runStore(path.join(stateFolder(call.env)), identity.uid),
    as: connection.as,
    close: () => connection.close(),
  };
}

/** A source alone: the cluster's (`live` is the same), or that of --from. */
export async function openSource(call: Call): Promise<{ source: Source; live?: QuickSource; dump?: Dump; close(): void }> {
  if (call.flags.from !== undefined) {
    const dump = await readDump(call.flags.from);
    return { source: named(dumpSource(dump), call.flags.from), dump, close: () => {} };
  }
  const connection: Connection = await connect(connectionFlags(call.flags), call.env);
  const live = clusterSource(connection, call.signal, { version: call.version, warning: () => {} });
  return { source: live, live, close: () => connection.close() };
}

export function connectionFlags(flags: Flags): ConnectionFlags {
  return {
    kubeconfig: flags.kubeconfig,
    context: flags.context,
    cluster: flags.cluster,
    user: flags.user,
    namespace: flags.namespace,
    server: flags.server,
    token: flags.token,
    certificateAuthority: flags['certificate-authority'],
    tlsServerName: flags['tls-server-name'],
    insecureSkipTlsVerify: flags['insecure-skip-tls-verify'],
    as: flags.as,
    asGroup: flags['as-group'],
    asUid: flags['as-uid'],
    requestTimeout: flags['request-timeout'],
  };
}

/** A file is never taken for the cluster that it was made of: its name stands in every heading. */
function named(source: Source, from: string): Source {
  return {
    ...source,
    identity: async () => {
      const { context, ...identity } = await source.identity();
      return { ...identity, context: [context, `(${from})`].filter(Boolean).join(' ') };
    },
  };
}
