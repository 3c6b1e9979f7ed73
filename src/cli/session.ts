// Where a command looks, and with what it changes things: a live cluster by kubeconfig and flags, or a dump given with --from.
import path from 'node:path';
import { type Connection, type ConnectionFlags, connect, isWithoutKubeconfig } from '../cluster/kubeconfig.ts';
import { clusterLock } from '../cluster/lease.ts';
import { clusterSource } from '../cluster/source.ts';
import type { ClientOptions } from '../cluster/transport.ts';
import { clusterWorld } from '../cluster/world.ts';
import { whoAmI } from '../engine/conduct.ts';
import type { ClusterIdentity, Lock, QuickSource, RunStore, Source, Text, World } from '../engine/contracts.ts';
import type { Manifests } from '../files/manifests.ts';
import { runStore } from '../journal/run-store.ts';
import { stateFolder } from '../journal/state-folder.ts';
import type { Dump } from '../snapshot/dump.ts';
import { readDump } from '../snapshot/read.ts';
import { dumpSource } from '../snapshot/source.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { commandOf } from './commands.ts';
import type { Flags } from './flags.ts';
import { laidOver } from './manifests.ts';
import { watchOf } from './watch.ts';

/** A cluster that can be changed. */
export interface Live {
  source: Source;
  /** The same, but not ended by Ctrl-C: for what a step in flight has to read. */
  steady: Source;
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
  const connection = await connected(call);
  const options = clientOptions(call, connection);
  const source = clusterSource(connection, call.signal, options);
  const identity = await source.identity();
  const unhurried = new AbortController().signal;
  return {
    source,
    steady: clusterSource(connection, unhurried, options),
    world: clusterWorld(connection, unhurried, options),
    lock: clusterLock(connection, unhurried, { ...options, who: whoAmI() }),
    identity,
    store: runStore(path.join(stateFolder(call.env)), identity.uid),
    as: connection.as,
    close: () => connection.close(),
  };
}

/** What has been said once need not be said for each context. */
const said = new Set<string>();

async function connected(call: Call): Promise<Connection> {
  const connection = await connect(connectionFlags(call.flags), call.env).catch((error: unknown) => {
    throw error instanceof UserError && isWithoutKubeconfig(error) ? withoutCluster(error, call) : error;
  });
  for (const warning of connection.warnings) {
    if (!said.has(warning.en)) call.log(0, warning);
    said.add(warning.en);
  }
  return connection;
}

/** What else this command can be given in place of a cluster. */
function withoutCluster({ text, next }: UserError, { verb }: Call): UserError {
  const flags = commandOf(verb)?.flags ?? [];
  const ways: Text[] = [];
  if (flags.includes('from')) ways.push({ en: 'a snapshot (--from)', zh: '快照（--from）' });
  if (flags.includes('filename') && flags.includes('from')) ways.push({ en: 'manifests (-f)', zh: '清单（-f）' });
  if (next && flags.includes('filename') && !flags.includes('from'))
    return new UserError(text, {
      en: `${next.en}; for a run of fix -f, name the same files: {tool} ${verb} -f FILE`,
      zh: `${next.zh}；如果是 fix -f 的运行，请加上当时的 -f：{tool} ${verb} -f FILE`,
    });
  if (!next || !ways.length) return new UserError(text, next);
  return new UserError(text, {
    en: `${next.en}; without a cluster, give ${ways.map(({ en }) => en).join(' or ')}: {tool} ${verb} --help`,
    zh: `${next.zh}；没有集群时可使用${ways.map(({ zh }) => zh).join('或')}：{tool} ${verb} --help`,
  });
}

/** Warnings of the server about what we read (a deprecated version, mostly) are for -v: the user has not chosen how we read. */
function clientOptions(call: Call, { server }: Connection): ClientOptions {
  const warned = new Set<string>();
  return {
    version: call.version,
    warning: (text, about) => {
      const level = about === 'read' ? 1 : 0;
      if (warned.has(`${level} ${text}`)) return;
      warned.add(`${level} ${text}`);
      call.log(level, { en: `warning from the API server: ${text}`, zh: `API 服务器警告：${text}` });
    },
    watch: watchOf(call, server),
  };
}

export interface Opened {
  source: Source;
  live?: QuickSource;
  dump?: Dump;
  /** There is no cluster under the manifests of -f. */
  offline?: true;
  close(): void;
}

/** A source alone: the cluster's (`live` is the same), or that of --from; with the manifests of -f laid over it. */
export async function openSource(call: Call, manifests?: Manifests): Promise<Opened> {
  if (!manifests) return openPlain(call);
  const opened = call.flags.offline ? undefined : await openPlain(call).catch(none);
  const source = await laidOver(call, manifests, opened?.source, opened?.namespace ?? 'default');
  return opened ? { ...opened, live: undefined, source } : { source, offline: true, close: () => {} };
}

function none(error: unknown): undefined {
  if (!isWithoutKubeconfig(error)) throw error;
}

async function openPlain(call: Call): Promise<Opened & { namespace?: string }> {
  if (call.flags.from !== undefined) {
    const dump = await readDump(call.flags.from);
    return { source: named(dumpSource(dump), call.flags.from), dump, close: () => {} };
  }
  const connection = await connected(call);
  const live = clusterSource(connection, call.signal, clientOptions(call, connection));
  return { source: live, live, namespace: connection.namespace, close: () => connection.close() };
}

export function connectionFlags(flags: Flags): ConnectionFlags {
  return {
    kubeconfig: flags.kubeconfig,
    kuberc: flags.kuberc,
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
