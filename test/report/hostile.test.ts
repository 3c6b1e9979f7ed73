// Names that attack a terminal, a page or a shell: none survives in any format; what machines read keeps them to the letter, as escapes.

import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import schema from '../../docs/check-result.schema.json' with { type: 'json' };
import { oneStage, stepsOf } from '../../src/engine/plan.ts';
import { publish, readPublished } from '../../src/report/check-result.ts';
import { jsonOf, yamlOf } from '../../src/report/data.ts';
import { html } from '../../src/report/html.ts';
import { markdown } from '../../src/report/markdown.ts';
import { planView } from '../../src/report/plan.ts';
import { planHtml } from '../../src/report/planned.ts';
import { reportOf } from '../../src/report/report.ts';
import { stepEnded } from '../../src/report/run.ts';
import { table } from '../../src/report/table.ts';
import { style } from '../../src/text/colour.ts';
import { CATALOGUE, mixed, planned as plannedSteps } from './examined.ts';
import { ATTACKS, hostile } from './examples.ts';

/** Controls but the newline, bidi and invisible characters, line separators. */
const ACTS = /[^\P{Cc}\n]|[\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u;
const face = { language: 'en' as const, columns: 80, tool: 'upgrade-guard', wide: true, style: style({}, {}) };
const report = reportOf(
  [hostile],
  [{ context: Object.values(ATTACKS).join(), why: { en: ATTACKS.bidi, zh: ATTACKS.colour } }],
  CATALOGUE,
  face,
);
const published = publish(hostile);
const [patch] = stepsOf(plannedSteps).filter((step) => step.do === 'patch');

describe('nothing acts', () => {
  test.each([
    ['table', table(hostile, CATALOGUE.systems, CATALOGUE.checks, { ...face, wide: false }).join('\n')],
    ['wide', table(hostile, CATALOGUE.systems, CATALOGUE.checks, face).join('\n')],
    ['markdown', markdown(report, face)],
    ['html', html(report, face)],
    ['json', jsonOf(published)],
    ['yaml', yamlOf(published)],
  ])('in %s', (_, text) => expect(ACTS.exec(text)?.[0]).toBeUndefined());

  test('in plans and runs', () => {
    const step = { ...patch!, text: { en: Object.values(ATTACKS).join(), zh: '' } };
    const detail = { en: Object.values(ATTACKS).join(), zh: '' };
    const lines = [
      ...planView({ ...oneStage([step]), refusals: [{ refused: detail, objects: [] }] }, face),
      stepEnded(step, { result: 'failed', detail }, face),
    ];
    expect(ACTS.exec(lines.join('\n'))?.[0]).toBeUndefined();
  });

  const attacked = Object.values(ATTACKS).join();
  const plan = {
    ...oneStage([{ ...patch!, text: { en: attacked, zh: attacked }, undoNote: { en: attacked, zh: attacked } }]),
    refusals: [{ refused: { en: attacked, zh: attacked }, objects: [] }],
  };
  const planned = planHtml({ cluster: hostile.identity, paths: hostile.paths, plan, stopping: [] }, face);
  test('in a plan as html', () => expect(ACTS.exec(planned)?.[0]).toBeUndefined());

  test.each([
    ['report', html(report, face)],
    ['plan', planned],
  ])('html of a %s holds no element and no attribute of a name, and no script', (_, page) => {
    expect(page).not.toMatch(/<(img|script|a|iframe|link)\b/);
    expect(page).not.toMatch(/https?:\/\//);
  });

  test('markdown makes no link, code, emphasis or heading of a name', () => {
    const bare = markdown(report, face)
      .replaceAll(/(`+)[^`](?:.*?[^`])?\1(?!`)/g, '')
      .replaceAll(/\\[^\w\s]/g, '');
    expect(bare).not.toMatch(/\]\(|`|<img|^# head/m);
  });
});

test('machines get every name to the letter', () => {
  const names = (data: typeof published) =>
    data.checks.flatMap(({ findings }) => findings.flatMap(({ objects }) => objects.map(({ name }) => name)));
  expect(names(JSON.parse(jsonOf(published)))).toEqual(Object.values(ATTACKS));
  expect(names(parse(yamlOf(published), { version: '1.1' }))).toEqual(Object.values(ATTACKS));
});

test('what YAML 1.1 takes for something else is quoted', () => {
  const tricky = { yes: 'yes', n: 'on', octal: '017', time: '1:30', date: '2026-01-02', tilde: '~', empty: '', number: '1e3' };
  expect(parse(yamlOf(tricky), { version: '1.1' })).toEqual(tricky);
});

test('the examples are as the schema has them', () => {
  const valid = new Ajv({ strict: false }).compile(schema);
  for (const each of [hostile, mixed]) expect(valid(JSON.parse(jsonOf(publish(each)))), JSON.stringify(valid.errors)).toBe(true);
  expect(readPublished(jsonOf(publish(mixed)), 'x').clusters[0]!.side.findings).toHaveLength(
    mixed.results.flatMap(({ findings }) => findings).length,
  );
});
