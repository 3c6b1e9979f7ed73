// An error that a user can act on: what was being done, to which object, what is wrong, what to do next. Everything else that is thrown is a bug.
import type { Text } from '../engine/contracts.ts';
import { typeset } from './language.ts';
import { oneLine } from './sanitise.ts';

/** Exit codes of DESIGN.md section 5; what ends a command early. */
export const EXIT = { ok: 0, failed: 1, findings: 2, unknown: 3, halfWay: 4, interrupted: 130 } as const;

/** Characters; the longest of ours list a dozen names. */
const LONGEST = 4000;
/** Words of the user, of files and of servers come to a terminal here: this is the one place that all of them pass. */
const clean = ({ en, zh }: Text): Text => ({ en: oneLine(en, LONGEST), zh: typeset(oneLine(zh, LONGEST)) });

export class UserError extends Error {
  override readonly name = 'UserError';
  readonly text: Text;
  /** One line: the next thing to try. */
  readonly next?: Text;
  readonly exit: number;
  constructor(text: Text, next?: Text, exit: number = EXIT.failed) {
    super(clean(text).en);
    this.text = clean(text);
    this.next = next && clean(next);
    this.exit = exit;
  }
}
