// Colour, only where a person looks at a terminal that can show it.
import { styleText } from 'node:util';

type Paint = (text: string) => string;
export interface Style {
  readonly coloured: boolean;
  bold: Paint;
  dim: Paint;
  red: Paint;
  yellow: Paint;
  green: Paint;
  cyan: Paint;
}

/** `flag`: false for --no-color. NO_COLOR (not empty, as no-color.org says), TERM=dumb and anything but a terminal switch it off too. */
export function style(stream: { isTTY?: boolean }, env: Record<string, string | undefined>, flag = true): Style {
  const coloured = flag && stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const paint = (format: Parameters<typeof styleText>[0]): Paint =>
    coloured ? (text) => styleText(format, text, { validateStream: false }) : (text) => text;
  return {
    coloured,
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    yellow: paint('yellow'),
    green: paint('green'),
    cyan: paint('cyan'),
  };
}
