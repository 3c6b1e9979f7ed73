// A length of time as a person reads it: seconds below an hour, above it days, hours and minutes.
import type { Text } from '../engine/contracts.ts';

const UNITS = [
  [86_400, 'day', '天'],
  [3_600, 'hour', '小时'],
  [60, 'minute', '分钟'],
  [1, 'second', '秒'],
] as const;

export function span(seconds: number): Text {
  if (seconds < 3_600) return { en: `${seconds} s`, zh: `${seconds} 秒` };
  let rest = seconds;
  const parts = UNITS.flatMap(([length, en, zh]) => {
    const count = Math.floor(rest / length);
    rest -= count * length;
    return count ? [{ en: `${count} ${en}${count === 1 ? '' : 's'}`, zh: `${count} ${zh}` }] : [];
  });
  return { en: parts.map(({ en }) => en).join(' '), zh: parts.map(({ zh }) => zh).join(' ') };
}
