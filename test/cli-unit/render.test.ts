// render: what was saved looks as it did when it was found, in every format and language; a hostile file does no harm.
import { expect, test } from 'vitest';
import { publish, readPublished } from '../../src/report/check-result.ts';
import { jsonOf, yamlOf } from '../../src/report/data.ts';
import { html } from '../../src/report/html.ts';
import { markdown } from '../../src/report/markdown.ts';
import { publishList, reportOf } from '../../src/report/report.ts';
import { shownFrom } from '../../src/report/saved.ts';
import { tables } from '../../src/report/table.ts';
import { style } from '../../src/text/colour.ts';
import { CATALOGUE, clean, mixed, small } from '../report/examined.ts';
import { hostile } from '../report/examples.ts';

const face = (language: 'en' | 'zh') => ({ language, columns: 100, tool: 'upgrade-guard', wide: true, style: style({}, {}) });
const LOOKS = { mixed, clean, hostile };

for (const language of ['en', 'zh'] as const)
  for (const [name, look] of Object.entries(LOOKS))
    test.each([
      ['json', jsonOf],
      ['yaml', yamlOf],
    ])(`${name}, ${language}, saved as %s`, (_, written) => {
      const saved = readPublished(written(publish(look)), 'result');
      const at = face(language);
      const before = reportOf([look], [], CATALOGUE, at);
      const after = reportOf(saved.results.map(shownFrom), saved.failed, CATALOGUE, at);
      expect(after.views).toEqual(before.views);
      for (const view of [markdown, html]) expect(view(after, at)).toBe(view(before, at));
    });

test('several clusters, one of which did not answer', () => {
  const failed = [{ context: 'far', why: { en: 'timed out', zh: '超时' } }];
  const saved = readPublished(jsonOf(publishList([mixed, clean], failed)), 'result');
  const at = face('zh');
  expect(tables(reportOf(saved.results.map(shownFrom), saved.failed, CATALOGUE, at), at)).toEqual(
    tables(reportOf([mixed, clean], failed, CATALOGUE, at), at),
  );
});

/** Every place of a result, with something else in it. */
function* damaged(value: unknown, put: (other: unknown) => unknown): Generator<unknown> {
  for (const other of [null, 7, 'x\u001b[31m', [], {}, [null]]) yield put(other);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value))
    yield* damaged(each, (other) => put(Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other }));
}

test('a file with anything anywhere is shown without it, or refused by name', () => {
  const whole = JSON.parse(jsonOf(publish(small)));
  let shown = 0;
  for (const other of damaged(whole, (one) => one)) {
    try {
      const { results } = readPublished(JSON.stringify(other), 'result.json');
      const lines = tables(reportOf(results.map(shownFrom), [], CATALOGUE, face('en')), face('en'));
      expect(lines.join('\n')).not.toContain('\u001b');
      shown++;
    } catch (error) {
      expect((error as Error).name, String((error as Error).stack)).toBe('UserError');
    }
  }
  expect(shown).toBeGreaterThan(100);
});
