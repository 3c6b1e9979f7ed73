// Manifests that can be changed (fix -f), in the shape of a cluster that can: a source to check, a world of files, a store of runs, and a lock of this machine.
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Lock, Manifest, Raw, World } from '../engine/contracts.ts';
import { isByPlace } from '../engine/declared.ts';
import { makeFolder } from '../files/folder.ts';
import { isPipe, isStdin } from '../files/input.ts';
import type { Manifests } from '../files/manifests.ts';
import { type Declared, fileWorld, type Records } from '../files/world.ts';
import { lockFolder } from '../journal/lock.ts';
import { runStore } from '../journal/run-store.ts';
import { assertOwnFolder, stateFolder } from '../journal/state-folder.ts';
import { refOf } from '../kube/refs.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { FILES, LOCKS } from './declared.ts';
import { withHelm } from './helm.ts';
import { readJudged } from './manifests.ts';
import { type Live, type Opened, openCluster, openSource } from './session.ts';

export interface LiveFiles extends Live {
  manifests: Manifests;
  /** There is no cluster under them. */
  offline: boolean;
  /** As the files declare them. */
  declared: Declared[];
  /** The world of one run: its way back lies beside its journal. */
  worldOf(run: string): World;
}

/** What a command changes: the cluster, or the manifests that -f names. */
export async function openLive(call: Call): Promise<Live> {
  // To undo, or to look at runs, no cluster is needed.
  return call.flags.filename === undefined ? openCluster(call) : openFiles(call, call.verb === 'resume');
}

/** With helm, where it is a cluster; of files, with the way back that lies beside the run. */
export const worldFor = (call: Call, live: Live, run: string): World =>
  'worldOf' in live ? (live as LiveFiles).worldOf(run) : withHelm(call, live, run);

/** Throws UserError for what cannot be written back. */
export async function openFiles(call: Call, looks = true): Promise<LiveFiles> {
  const paths = call.flags.filename ?? [];
  if (paths.some((each) => isStdin(each) || isPipe(each))) throw noWayBack();
  const manifests = await readJudged(paths, call);
  const opened = await openSource(looks ? call : { ...call, flags: { ...call.flags, offline: true } }, manifests);
  const declared = manifests.manifests.map(withReal);
  const uid = `${FILES}${createHash('sha256')
    .update(
      paths
        .map((each) => realpathSync(each))
        .sort()
        .join('\n'),
    )
    .digest('hex')}`;
  const state = stateFolder(call.env);
  const store = runStore(state, uid);
  return {
    ...livePart(opened),
    manifests,
    offline: opened.offline === true,
    declared,
    world: fileWorld(declared),
    worldOf: (run) => fileWorld(declared, recordsIn(store, run)),
    lock: lockOf(state, uid),
    identity: { uid, certain: true, server: '', context: paths.join(' ') },
    store,
  };
}

const livePart = ({ source, close }: Opened): Pick<Live, 'source' | 'steady' | 'close'> => ({ source, steady: source, close });
function withReal(manifest: Manifest): Declared {
  const real = realpathSync(manifest.file);
  return { ...manifest, real, ...(isByPlace(manifest) ? { object: placed(manifest, real), as: refOf(manifest.object).name } : {}) };
}

/** What has no name is known by its place. */
function placed({ object, document, item, within }: Manifest, real: string): Raw {
  const file = path
    .basename(real)
    .replace(/[^\w.-]/g, '_')
    .slice(0, 100);
  const place = createHash('sha256')
    .update([real, ...(within ?? [])].join('\0'))
    .digest('hex')
    .slice(0, 12);
  return { ...object, metadata: { name: `${file}#${document + 1}${item === undefined ? '' : `.${item + 1}`}-${place}` } };
}

function recordsIn(store: Live['store'], run: string): Records {
  const beside = store.beside(run);
  return {
    put: (name, text) => beside.put(name, text),
    get(name) {
      try {
        return readFileSync(path.join(beside.folder, name), 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** One process of this machine at a time. */
function lockOf(state: string, uid: string): Lock {
  const folder = path.join(state, LOCKS, uid);
  return {
    async acquire() {
      await assertOwnFolder(state);
      await makeFolder(folder, 0o700);
      const held = await lockFolder(folder);
      if (typeof held !== 'function') throw inUse(held.pid);
      return { lost: new AbortController().signal, release: () => held().then(() => true) };
    },
    own: async () => undefined,
  };
}

const inUse = (pid: number): UserError =>
  new UserError(
    { en: `changing the manifests: process ${pid} is changing them`, zh: `修改清单：进程 ${pid} 正在修改它们` },
    { en: 'wait for it, then: {retry}', zh: '请等待其结束，然后：{retry}' },
  );
const noWayBack = (): UserError =>
  new UserError(
    { en: 'reading -f: a pipe or standard input cannot be changed', zh: '读取 -f：无法修改管道或标准输入' },
    { en: 'name a file or a directory: -f FILE|DIR', zh: '请指定文件或目录：-f FILE|DIR' },
  );
