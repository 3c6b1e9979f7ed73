// One call of the tool, as the commands see it: what was asked, and how to speak to whoever asked.
import { createInterface } from 'node:readline/promises';
import type { Text } from '../engine/contracts.ts';
import type { Face } from '../report/face.ts';
import { style } from '../text/colour.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import type { Invocation } from './argv.ts';
import { spinner } from './spinner.ts';

export interface Call extends Invocation {
  /** How to print results on stdout. */
  face: Face;
  /** The text in the user's language, with `{tool}` replaced by how the user calls us. */
  t(text: Text): string;
  /** Results. */
  out(...lines: string[]): void;
  /** Everything else: progress, previews, questions. */
  say(...lines: string[]): void;
  /** Progress that is drawn over, on a terminal only. */
  progress(text: Text): void;
  /** Asks yes or no on a terminal. Throws where there is none: nothing may be changed unasked. */
  confirm(question: Text): Promise<boolean>;
}

/** Narrower than this a table is unreadable anyway; also what a terminal of 0 columns gets. */
const MIN_COLUMNS = 40;

export function callOf(invocation: Invocation): Call {
  const { env, flags, language } = invocation;
  const tool = invocation.caller.usage;
  const columns = Math.max(process.stdout.columns || Number(env.COLUMNS) || 80, MIN_COLUMNS);
  const face: Face = { language, columns, tool, wide: flags.output === 'wide', style: style(process.stdout, env, !flags['no-color']) };
  const t = (text: Text) => text[language].replaceAll('{tool}', tool);
  const drawn = spinner(process.stderr, env, flags.output !== 'json' && !flags['no-color']);
  return {
    ...invocation,
    face,
    t,
    out: (...lines) => {
      drawn.clear();
      process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    },
    say: (...lines) => {
      drawn.clear();
      process.stderr.write(lines.map((line) => `${line}\n`).join(''));
    },
    progress: (text) => drawn.text(t(text)),
    confirm: (question) => {
      drawn.clear();
      return ask(t(question), invocation.signal);
    },
  };
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UserError(
      { en: 'asking for confirmation: there is no terminal; nothing was changed', zh: '请求确认：没有终端；未做任何更改' },
      { en: 'add --yes once you have read the steps above', zh: '阅读以上步骤后，加上 --yes 再运行' },
      EXIT.failed,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal });
    return /^(y|yes|是)$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
