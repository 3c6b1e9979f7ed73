// Progress on a terminal, by ora. It is loaded only when there is something to draw: it costs as much as our whole start.
import type { Ora } from 'ora';
import { oneLine } from '../text/sanitise.ts';
import { width } from '../text/width.ts';

export interface Spinner {
  /** There is a terminal to draw on. */
  draws: boolean;
  /** Asked again every second: it may say how long. */
  text(line: () => string): void;
  /** Before anything else is printed. */
  clear(): void;
}

const NONE: Spinner = { draws: false, text: () => {}, clear: () => {} };
/** So long a person sits still; what takes longer says how long. */
export const STILL_MS = 5_000;
export const TICK_MS = 1_000;
/** The turning sign, its blank, and one column so that no terminal wraps. */
const BESIDE = 4;

/** ora never returns in a terminal of 0 columns, and colours whatever NO_COLOR says; there, and without a terminal, nothing is drawn. */
export function spinner(stream: NodeJS.WriteStream, env: Record<string, string | undefined>, wanted: boolean): Spinner {
  const drawable = stream.isTTY && stream.columns > BESIDE && env.TERM !== 'dumb' && !env.NO_COLOR && !env.CI;
  if (!wanted || !drawable) return NONE;
  let ora: Ora | undefined;
  let line: (() => string) | undefined;
  let loading = false;
  const show = () => {
    if (line) ora?.start(fitted(oneLine(line(), 1000), stream.columns - BESIDE));
  };
  return {
    draws: true,
    text: (asked) => {
      line = asked;
      if (ora) show();
      else if (!loading) void draw();
    },
    clear: () => {
      line = undefined;
      ora?.stop();
    },
  };
  async function draw() {
    loading = true;
    const { default: make } = await import('ora');
    ora = make({ stream, discardStdin: false });
    show();
    setInterval(show, TICK_MS).unref();
  }
}

/** One line that is drawn over: here alone a name may be cut. */
export function fitted(line: string, columns: number): string {
  if (width(line) <= columns) return line;
  let taken = '';
  for (const character of line) {
    if (width(taken + character) > columns - 1) break;
    taken += character;
  }
  return `${taken}…`;
}
