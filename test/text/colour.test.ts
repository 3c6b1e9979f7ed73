import { expect, it } from 'vitest';
import { style } from '../../src/text/colour.ts';

const terminal = { isTTY: true };

it('colours on a terminal', () => {
  expect(style(terminal, {}).red('x')).toBe('\u001b[31mx\u001b[39m');
  expect(style(terminal, { NO_COLOR: '' }).coloured).toBe(true);
});

it.each([
  ['not a terminal', {}, {}, undefined],
  ['NO_COLOR', terminal, { NO_COLOR: '1' }, undefined],
  ['TERM=dumb', terminal, { TERM: 'dumb' }, undefined],
  ['--no-color', terminal, {}, false],
])('does not colour: %s', (_, stream, env, flag) => {
  const plain = style(stream, env, flag);
  expect(plain.coloured).toBe(false);
  expect(plain.bold('x')).toBe('x');
});
