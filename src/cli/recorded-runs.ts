// Runs of a cluster that does not answer, as while its control plane is being upgraded: the journals of this machine are here all the same.
import { readdir } from 'node:fs/promises';
import { connect } from '../cluster/kubeconfig.ts';
import type { RunStore } from '../engine/contracts.ts';
import { runStore } from '../journal/run-store.ts';
import { stateFolder } from '../journal/state-folder.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { FILES } from './declared.ts';
import { connectionFlags, type Live } from './session.ts';

/** `error`: why the cluster was not reached; thrown again where no run of this machine was made at its address. Of several clusters that had this address the one with the newest run. */
export async function recorded(call: Call, error: unknown): Promise<Pick<Live, 'store' | 'identity' | 'close'>> {
  if (!(error instanceof UserError) || call.flags.filename !== undefined) throw error;
  const connection = await connect(connectionFlags(call.flags), call.env).catch(() => {
    throw error;
  });
  const { server, fingerprint } = connection;
  connection.close();
  const state = stateFolder(call.env);
  const found: { store: RunStore; run: { at: string; cluster: Live['identity'] } }[] = [];
  // One of which kube-system could not be read is named by its address and CA.
  for (const uid of [...(await readdir(state).catch(() => [])), fingerprint]) {
    if (uid.startsWith(FILES)) continue;
    const store = runStore(state, uid);
    const [newest] = (await store.list().catch(() => ({ runs: [] }))).runs;
    const run = newest && (await store.read(newest.id).catch(() => undefined))?.run;
    if (run?.cluster.server === server) found.push({ store, run });
  }
  const [last] = found.toSorted((a, b) => b.run.at.localeCompare(a.run.at));
  if (!last) throw error;
  const { en, zh } = error.text;
  call.say(
    call.t({
      en: `warning: ${en}; the runs below are as this machine recorded them`,
      zh: `警告：${zh}；以下为本机记录的运行`,
    }),
  );
  return { store: last.store, identity: last.run.cluster, close: () => undefined };
}
