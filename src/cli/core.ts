// The core: everything that a command needs and that is too heavy for the start. A bundle of its own, decoded at first use.

import { CLOCK, hasten } from '../engine/pace.ts';
import { UserError } from '../text/user-error.ts';
import type { Invocation } from './argv.ts';
import { type Call, callOf, reaching } from './call.ts';
import { check } from './commands/check.ts';
import { checks } from './commands/checks.ts';
import { compare } from './commands/compare.ts';
import { demo } from './commands/demo.ts';
import { explain } from './commands/explain.ts';
import { fix } from './commands/fix.ts';
import { plan } from './commands/plan.ts';
import { rbac } from './commands/rbac.ts';
import { resume } from './commands/resume.ts';
import { runs } from './commands/runs.ts';
import { snapshot } from './commands/snapshot.ts';
import { undo } from './commands/undo.ts';
import { upgrade } from './commands/upgrade.ts';
import { version } from './commands/version.ts';
import type { Verb } from './commands.ts';
import { loadKnowledge } from './knowledge.ts';

/** What main does itself needs no core. */
type CoreVerb = Exclude<Verb, 'help' | 'options' | 'completion'>;

const COMMANDS: Record<CoreVerb, (call: Call) => Promise<number>> = {
  check,
  checks,
  compare,
  demo,
  explain,
  fix,
  plan,
  rbac,
  resume,
  runs,
  snapshot,
  undo,
  upgrade,
  version,
};

/** Runs one command to its exit code. Throws UserError for what the user can mend. */
export async function run(invocation: Invocation): Promise<number> {
  const call = callOf(invocation);
  hastened(call, Number(invocation.env[CLOCK]));
  try {
    // Before anything is read of it.
    if (invocation.flags.knowledge) loadKnowledge(invocation.flags.knowledge);
    return await COMMANDS[invocation.verb as CoreVerb](call);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(reaching(error.text, invocation), error.next && reaching(error.next, invocation), error.exit);
  } finally {
    call.say(); // an error is not printed behind the progress
  }
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

export { candidates } from './candidates.ts';
