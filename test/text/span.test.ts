// Lengths of time as people read them.
import { expect, test } from 'vitest';
import { span } from '../../src/text/span.ts';

test.each([
  [30, '30 s', '30 秒'],
  [1_800, '1800 s', '1800 秒'],
  [3_600, '1 hour', '1 小时'],
  [7_260, '2 hours 1 minute', '2 小时 1 分钟'],
  [612_000, '7 days 2 hours', '7 天 2 小时'],
  [86_401, '1 day 1 second', '1 天 1 秒'],
])('%d', (seconds, en, zh) => expect(span(seconds)).toEqual({ en, zh }));
