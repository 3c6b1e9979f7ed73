// Progress on a terminal, by ora. It is loaded only when there is something to draw: it costs as much as our whole start.
import type { Ora } from 'ora';

export interface Spinner {
  text(line: string): void;
  /** Before anything else is printed. */
  clear(): void;
}

const NONE: Spinner = { text: () => {}, clear: () => {} };

/** ora never returns in a terminal of 0 columns, and colours whatever NO_COLOR says; there, and where nobody looks, nothing is drawn. */
export function spinner(stream: NodeJS.WriteStream, env: Record<string, string | undefined>, wanted: boolean): Spinner {
  const drawable = stream.isTTY && stream.columns > 0 && env.TERM !== 'dumb' && !env.NO_COLOR && !env.CI;
  if (!wanted || !drawable) return NONE;
  let ora: Ora | undefined;
  let pending: string | undefined;
  return {
    text: (line) => {
      const loading = pending !== undefined;
      pending = line.slice(0, stream.columns - 4);
      if (ora) ora.start(pending);
      else if (!loading) void draw();
    },
    clear: () => {
      pending = undefined;
      ora?.stop();
    },
  };
  async function draw() {
    const { default: make } = await import('ora');
    ora = make({ stream, discardStdin: false });
    if (pending !== undefined) ora.start(pending);
  }
}
