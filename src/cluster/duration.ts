// Durations as kubectl and helm read them.
import type { Text } from '../engine/contracts.ts';
import { UserError } from '../text/user-error.ts';

const UNITS: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, μs: 0.001, ns: 0.000_001 };

/** Milliseconds; 0 = no limit. A plain integer counts seconds; else Go's notation: `30s`, `1m30s`, `500ms`. Throws UserError. */
export function requestTimeout(text: string | undefined): number {
  if (!text) return 0;
  return duration(text, '--request-timeout', { en: ', or 0 for no limit', zh: '，或用 0 表示不限时' });
}

/** Milliseconds. `flag`: whose value it is, for errors. Throws UserError. */
export function duration(text: string, flag: string, more: Text = { en: '', zh: '' }): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const unsigned = text.replace(/^\+(?=[\d.])/, '');
  const parts = [...unsigned.matchAll(/(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|μs|ns|m|s)/gy)];
  if (parts.map(([part]) => part).join('') !== unsigned) {
    throw new UserError(
      { en: `reading ${flag} ${text}: not a duration`, zh: `读取 ${flag} ${text}：不是有效的时长` },
      { en: `for example: ${flag} 30s, 1m${more.en}`, zh: `例如：${flag} 30s、1m${more.zh}` },
    );
  }
  return Math.ceil(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit!]!, 0));
}

/** To the minute: skewed clocks are often off by less than a day. */
export const minute = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
