// The core: everything that a command needs and that is too heavy for the start. A bundle of its own, decoded at first use.

import { delimiter } from 'node:path';
import { CLOCK, hasten } from '../engine/pace.ts';
import { drainPipes } from '../files/input.ts';
import { UserError } from '../text/user-error.ts';
import type { Invocation } from './argv.ts';
import { type Call, callOf, reaching } from './call.ts';
import type { candidates as Candidates } from './candidates.ts';
import { loadChannels } from './channels.ts';
import type { Verb } from './commands.ts';
import { loadKnowledge } from './knowledge.ts';

/** What main does itself needs no core. */
type CoreVerb = Exclude<Verb, 'help' | 'options' | 'completion'>;

/** Each with what it alone needs: `checks` and `explain` have no use for what talks to a cluster. */
const COMMANDS: Record<CoreVerb, () => Promise<(call: Call) => Promise<number>>> = {
  check: async () => (await import('./commands/check.ts')).check,
  checks: async () => (await import('./commands/checks.ts')).checks,
  compare: async () => (await import('./commands/compare.ts')).compare,
  demo: async () => (await import('./commands/demo.ts')).demo,
  explain: async () => (await import('./commands/explain.ts')).explain,
  fix: async () => (await import('./commands/fix.ts')).fix,
  plan: async () => (await import('./commands/plan.ts')).plan,
  rbac: async () => (await import('./commands/rbac.ts')).rbac,
  render: async () => (await import('./commands/render.ts')).render,
  resume: async () => (await import('./commands/resume.ts')).resume,
  runs: async () => (await import('./commands/runs.ts')).runs,
  snapshot: async () => (await import('./commands/snapshot.ts')).snapshot,
  undo: async () => (await import('./commands/undo.ts')).undo,
  upgrade: async () => (await import('./commands/upgrade.ts')).upgrade,
  version: async () => (await import('./commands/version.ts')).version,
};

/** Runs one command to its exit code. Throws UserError for what the user can mend. */
export async function run(invocation: Invocation): Promise<number> {
  const call = callOf(invocation);
  hastened(call, Number(invocation.env[CLOCK]));
  try {
    await drainPipes(readLater(invocation), PIPE_MAX, call);
    // The tables are declared by the systems; the file takes their place before anything is read of them.
    if (invocation.flags.knowledge) {
      await import('../systems/index.ts');
      loadKnowledge(invocation.flags.knowledge);
    }
    if (invocation.flags.channels) {
      await import('../systems/index.ts');
      loadChannels(invocation.flags.channels);
    }
    const command = await COMMANDS[invocation.verb as CoreVerb]();
    return await command(call);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(reaching(error.text, invocation), error.next && reaching(error.next, invocation), error.exit);
  } finally {
    call.say(); // an error is not printed behind the progress
  }
}

/** Bytes; what needs less says so where it is read. */
const PIPE_MAX = 64 * 1024 * 1024;

/** Files of the command line that kubectl or helm read also from a pipe (`<(command)`, mkfifo), and that are opened here once or more later on. */
function readLater({ flags: { knowledge, channels, kubeconfig, values = [], 'set-file': set = [] }, env }: Invocation): string[] {
  const configs = kubeconfig === undefined ? (env.KUBECONFIG ?? '').split(delimiter) : [kubeconfig];
  const texts = set.map((each) => each.slice(each.indexOf('=') + 1));
  return [knowledge, channels, ...configs, ...values, ...texts].filter((each): each is string => !!each);
}

/** `by`: so many times as fast. A run that is hastened unawares would lose its Lease: so it is said. */
function hastened(call: Call, by: number): void {
  if (!(by >= 1)) return;
  hasten(by);
  call.say(
    call.t({
      en: `warning: ${CLOCK} is set: waits end ${by} times as soon, and so does the Lease; for tests only`,
      zh: `警告：已设置 ${CLOCK}：各种等待以及 Lease 的时限都缩短为 1/${by}；仅供测试使用`,
    }),
  );
}

/** What completion cannot know by itself. */
export const candidates = async (...words: Parameters<typeof Candidates>): ReturnType<typeof Candidates> =>
  (await import('./candidates.ts')).candidates(...words);
