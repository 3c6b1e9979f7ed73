// What completion cannot know from the command line alone: checks, contexts, namespaces and runs. Never an error, never longer than a person waits for a key.
import { connect, contexts } from '../cluster/kubeconfig.ts';
import { clusterSource } from '../cluster/source.ts';
import type { Language } from '../engine/contracts.ts';
import { runStore } from '../journal/run-store.ts';
import { stateFolder } from '../journal/state-folder.ts';
import { RUN_STATES } from '../report/words.ts';
import { CHECKS } from '../systems/index.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Asked, Candidate } from './completion.ts';
import { connectionFlags } from './session.ts';

/** Milliseconds that asking the cluster may take. */
const PATIENCE = 300;
/** More than anybody reads. */
const MOST = 500;

export interface Place {
  flags: Parameters<typeof connectionFlags>[0];
  env: Record<string, string | undefined>;
  version: string;
  language: Language;
}

export async function candidates(asked: Asked, place: Place): Promise<Candidate[]> {
  try {
    const late = new Promise<Candidate[]>((resolve) => setTimeout(resolve, PATIENCE, []).unref());
    return (await Promise.race([ANSWERS[asked](place), late])).slice(0, MOST).map(([word, text]) => [oneLine(word, 300), oneLine(text)]);
  } catch {
    return [];
  }
}

const ANSWERS: Record<Asked, (place: Place) => Promise<Candidate[]>> = {
  checks: async ({ language }) => CHECKS.map(({ id, title }) => [id, title[language]]),
  contexts: async ({ flags, env }) => contexts(flags, env).names.map((name) => [name, '']),
  namespaces: async (place) => {
    const { source, close } = await opened(place);
    const names: Candidate[] = [];
    try {
      await source.list(
        { resource: 'namespaces', fields: [] },
        { object: ({ metadata }) => names.push([nameOf(metadata), '']), restart: () => names.splice(0) },
      );
    } finally {
      close();
    }
    return names;
  },
  runs: async (place) => {
    const { source, close } = await opened(place);
    try {
      const { uid } = await source.identity();
      const { runs } = await runStore(stateFolder(place.env), uid).list();
      return runs.map(({ id, what, state }) => [id, `${what}: ${RUN_STATES[state][place.language]}`]);
    } finally {
      close();
    }
  },
};

const nameOf = (metadata: unknown): string => String((metadata as { name?: string } | undefined)?.name ?? '');

async function opened({ flags, env, version }: Place) {
  const connection = await connect(connectionFlags(flags), env);
  const source = clusterSource(connection, AbortSignal.timeout(PATIENCE), { version, warning: () => {} });
  return { source, close: () => connection.close() };
}
