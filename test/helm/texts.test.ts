// What helm says about values, without these values.
import { expect, test } from 'vitest';
import { textsOf, withoutTexts } from '../../src/helm/texts.ts';

test('takes out every text, also as helm quotes it, and of one within another the whole', () => {
  const values = { a: 'hunter2', b: ['hunter2-longer'], c: { d: 'say "x"\nsecond line', e: 'postgres://u:pw@h/x' }, n: 1, short: 'at' };
  const said = 'parsing "hunter2-longer" and hunter2 at second line: "say \\"x\\"", postgres://REDACTED@h/x';
  expect(withoutTexts(said, [...textsOf(values)])).toBe('parsing "REDACTED" and REDACTED at REDACTED: "REDACTED", REDACTED');
});
