// The page of a check, as explain shows it.
import { expect, test } from 'vitest';
import { span } from '../../src/report/explain.ts';

test('the versions that a check applies to are told in words, not as an expression', () => {
  expect(span('<=0.8.7 || 0.9.0-rc0 - 0.9.4 || >=1.0.0-rc4')).toEqual({
    en: '0.8.7 and older, 0.9.0-rc0 to 0.9.4, 1.0.0-rc4 and newer',
    zh: '0.8.7 及更早版本、0.9.0-rc0 至 0.9.4、1.0.0-rc4 及更高版本',
  });
  expect(span('1.2.3')).toEqual({ en: '1.2.3', zh: '1.2.3' });
});
