// An error that a user can act on: what was being done, to which object, what is wrong, what to do next. Everything else that is thrown is a bug.
import type { Text } from '../engine/contracts.ts';

/** Exit codes of DESIGN.md section 5; what ends a command early. */
export const EXIT = { ok: 0, failed: 1, findings: 2, unknown: 3, halfWay: 4, interrupted: 130 } as const;

export class UserError extends Error {
  override readonly name = 'UserError';
  readonly text: Text;
  /** One line: the next thing to try. */
  readonly next?: Text;
  readonly exit: number;
  constructor(text: Text, next?: Text, exit: number = EXIT.failed) {
    super(text.en);
    this.text = text;
    this.next = next;
    this.exit = exit;
  }
}
