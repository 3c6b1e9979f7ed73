// What completion cannot know from the command line alone: checks, contexts, namespaces, releases and runs. Never an error, never longer than a person waits for a key.
import { connect, contexts } from '../cluster/kubeconfig.ts';
import { clusterSource } from '../cluster/source.ts';
import type { Language, Source } from '../engine/contracts.ts';
import { releaseRecord } from '../helm/records.ts';
import { runStore } from '../journal/run-store.ts';
import { stateFolder } from '../journal/state-folder.ts';
import { stateOf } from '../report/words.ts';
import { CHECKS } from '../systems/index.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Asked, Candidate } from './completion.ts';
import { connectionFlags } from './session.ts';

/** Milliseconds that asking the cluster may take. */
const PATIENCE = 300;
/** More than a person reads. */
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
  namespaces: asking(async (source) => {
    const names: Candidate[] = [];
    await source.list(
      { resource: 'namespaces', fields: [] },
      { object: ({ metadata }) => names.push([nameOf(metadata), '']), restart: () => names.splice(0) },
    );
    return names;
  }),
  releases: asking(async (source, { flags: { namespace } }) => {
    const found = new Map<string, string>();
    for (const resource of ['secrets', 'configmaps']) {
      await source.list(
        { resource, labels: 'owner=helm', fields: ['metadata.labels'] },
        {
          object(object) {
            const record = releaseRecord(object);
            if (record && (namespace === undefined || namespace === record.namespace)) found.set(record.name, record.namespace);
          },
          restart: () => {},
        },
      );
    }
    return [...found].sort();
  }),
  runs: asking(async (source, { env, language }) => {
    const { uid } = await source.identity();
    const { runs } = await runStore(stateFolder(env), uid).list();
    return runs.map(({ id, what, state, ...more }) => [id, `${what}: ${stateOf(state, more)[language]}`]);
  }),
};

const nameOf = (metadata: unknown): string => String((metadata as { name?: string } | undefined)?.name ?? '');

function asking(ask: (source: Source, place: Place) => Promise<Candidate[]>): (place: Place) => Promise<Candidate[]> {
  return async (place) => {
    const connection = await connect(connectionFlags(place.flags), place.env);
    try {
      return await ask(clusterSource(connection, AbortSignal.timeout(PATIENCE), { version: place.version, warning: () => {} }), place);
    } finally {
      connection.close();
    }
  };
}
