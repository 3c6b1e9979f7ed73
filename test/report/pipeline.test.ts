// -o sarif and -o junit: valid by the schema of SARIF and as XML, whatever things are called; nothing that could not be seen passes. What the engine makes of real fixtures is kept in both languages.

import schema from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' };
import { Ajv } from 'ajv';
import type { Log } from 'sarif';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import type { CheckResult } from '../../src/engine/contracts.ts';
import { NEEDS_CLUSTER } from '../../src/engine/declared.ts';
import type { Examination } from '../../src/engine/examine.ts';
import { publish, readPublished } from '../../src/report/check-result.ts';
import { jsonOf } from '../../src/report/data.ts';
import { junit } from '../../src/report/junit.ts';
import { sarif } from '../../src/report/sarif.ts';
import { shownFrom } from '../../src/report/saved.ts';
import { shownOf } from '../../src/report/view.ts';
import { CHECKS } from '../../src/systems/index.ts';
import { style } from '../../src/text/colour.ts';
import { CATALOGUE, clean, mixed, unknown } from './examined.ts';
import * as examples from './examples.ts';

const { hostile, shades } = examples;
const face = (language: 'en' | 'zh' = 'en') => ({ language, columns: 80, tool: 'upgrade-guard', wide: false, style: style({}, {}) });
const TOOL = { version: '1.2.3', pages: CHECKS, inRepository: (file: string) => (file.startsWith('/') ? undefined : file) };
const FAR = { context: 'far', why: 'timed out' };

/** Two objects of manifests, one of them twice in a chart outside of the repository; what -f passed over; a check that needs a cluster. */
const files: Examination = {
  ...examples.examination(
    [
      examples.found(
        'kubernetes/removed-api',
        [
          examples.finding({
            message: { en: 'CronJob default/old: batch/v1beta1 is gone in 1.25', zh: 'CronJob default/old：1.25 起没有 batch/v1beta1' },
            objects: [
              { ...examples.ref('Pod', 'default', 'live') },
              { ...examples.ref('CronJob', 'default', 'old'), file: 'manifests/a b/ü#1.yaml', line: 7 },
              { ...examples.ref('CronJob', 'default', 'out'), file: '/elsewhere/c.yaml', line: 2 },
            ],
          }),
        ],
        { en: 'sets apiVersion batch/v1', zh: '将 apiVersion 改为 batch/v1' },
      ),
    ],
    [
      examples.result('kubernetes/kubelet-skew', 'not-looked-at', { note: NEEDS_CLUSTER }),
      examples.result('kubernetes/webhook-scope', 'passed'),
    ],
  ),
  manifests: {
    objects: 2,
    offline: true,
    skipped: [
      { file: 'manifests/values.yaml', why: { en: 'values of a chart', zh: 'chart 的 values' }, unseen: false },
      { file: 'manifests/t.yaml', line: 3, why: { en: 'a Helm template', zh: 'Helm 模板' }, unseen: true },
    ],
  },
};
const EXAMPLES = { mixed, clean, unknown, hostile, shades, files };
const logOf = (name: keyof typeof EXAMPLES, language: 'en' | 'zh' = 'en') =>
  sarif([shownOf(EXAMPLES[name])], [], CATALOGUE, TOOL, face(language));
const suitesOf = (name: keyof typeof EXAMPLES, language: 'en' | 'zh' = 'en') =>
  junit([shownOf(EXAMPLES[name])], [], CATALOGUE, TOOL, face(language));

// The schema is of draft 4, whose words this one uses mean the same in draft 7.
const { $schema: _, id: __, ...seven } = schema as Record<string, unknown>;
const valid = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(seven);
function held(log: Log): Log {
  const text = jsonOf(log);
  expect(valid(JSON.parse(text)), JSON.stringify(valid.errors)).toBe(true);
  return JSON.parse(text) as Log;
}

/** Objects and lists without others in them on a line of their own, and what then fits on one: to be read, and compared, by a person. */
function dense(json: string): string {
  const folded = json.replace(
    /([[{])\s*([^[\]{}]*?)\s*([\]}])/g,
    (_, open, inner, close) => `${open} ${inner.replace(/\n\s*/g, ' ')} ${close}`,
  );
  return folded.replace(/([[{])\n\s*([^\n]*)\n\s*([\]}])/g, '$1 $2 $3');
}

interface Node {
  name: string;
  attributes: Record<string, string>;
  nodes: Node[];
  text: string;
}
/** Strict: throws at anything that is not well-formed XML 1.0. */
function parsed(xml: string): Node {
  const root: Node = { name: '', attributes: {}, nodes: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const node: Node = { name, attributes: attributes as Record<string, string>, nodes: [], text: '' };
    open.at(-1)!.nodes.push(node);
    open.push(node);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', (text) => {
    open.at(-1)!.text += text;
  });
  parser.write(xml).close();
  return root.nodes[0]!;
}
const below = (node: Node, name: string): Node[] =>
  node.nodes.flatMap((each) => [...(each.name === name ? [each] : []), ...below(each, name)]);
const isPassed = ({ nodes }: Node) => !nodes.some(({ name }) => ['failure', 'error', 'skipped'].includes(name));

describe.each(['en', 'zh'] as const)('%s', (language) => {
  test.each(['shades', 'hostile', 'files', 'clean'] as const)('sarif and junit of %s are valid, and nothing in them acts', (name) => {
    for (const text of [jsonOf(held(logOf(name, language))), suitesOf(name, language)])
      expect(/[^\P{Cc}\n]|[\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u.exec(text)?.[0]).toBeUndefined();
    parsed(suitesOf(name, language));
  });
  test.each(['mixed', 'unknown'] as const)('sarif of %s', (name) => {
    const log = held(logOf(name, language));
    // The pages of checks have goldens of their own, in docs/.
    for (const rule of log.runs[0]!.tool.driver.rules!) {
      if (!rule.help) continue;
      expect(rule.help.markdown).toContain(`# ${rule.id}`);
      delete rule.help;
      rule.fullDescription!.text = rule.fullDescription!.text.split('\n')[0]!;
    }
    return expect(dense(jsonOf(log))).toMatchFileSnapshot(`goldens/${name}.${language}.sarif`);
  });
  test.each(['mixed', 'unknown'] as const)('junit of %s', (name) => {
    const xml = suitesOf(name, language);
    parsed(xml);
    return expect(xml).toMatchFileSnapshot(`goldens/${name}.${language}.xml`);
  });
});

describe('sarif', () => {
  test('every finding is one result, with its fingerprint, level and rule; accepted ones are suppressed', () => {
    for (const name of Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[]) {
      const [run] = held(logOf(name)).runs;
      const findings = EXAMPLES[name].results.flatMap(({ id, findings }) => findings.map((finding) => ({ id, ...finding })));
      expect(
        run!.results!.map(({ ruleId, ruleIndex, level, partialFingerprints, suppressions }) => ({
          ...{ ruleId, level, partialFingerprints, accepted: suppressions !== undefined },
          rule: run!.tool.driver.rules![ruleIndex!]!.id,
        })),
      ).toEqual(
        findings.map(({ id, severity, fingerprint, accepted }) => ({
          ...{ ruleId: id, accepted, partialFingerprints: { 'upgradeGuard/v1': fingerprint } },
          level: { blocker: 'error', warning: 'warning', notice: 'note' }[severity],
          rule: id,
        })),
      );
    }
  });

  test('the first place of a finding is a file of the repository, as a relative URI; objects without one are only named', () => {
    const [result] = held(logOf('files')).runs[0]!.results!;
    expect(
      result!.locations!.map(({ physicalLocation, logicalLocations, properties }) => [
        physicalLocation?.artifactLocation?.uri,
        physicalLocation?.region?.startLine,
        logicalLocations?.[0]?.fullyQualifiedName,
        properties?.file,
      ]),
    ).toEqual([
      ['manifests/a%20b/%C3%BC%231.yaml', 7, 'v1 CronJob default/old', undefined],
      [undefined, undefined, 'v1 Pod default/live', undefined],
      [undefined, undefined, 'v1 CronJob default/out', '/elsewhere/c.yaml:2'],
    ]);
  });

  test('what could not be seen is a notification of its rule and fails the invocation; nothing passes', () => {
    const [run] = held(logOf('unknown')).runs;
    const [invocation] = run!.invocations!;
    expect(invocation!.executionSuccessful).toBe(false);
    const errors = invocation!.toolExecutionNotifications!.filter(({ level }) => level === 'error');
    const blind = unknown.results.filter(({ outcome }) => outcome === 'unknown' || outcome === 'not-looked-at').map(({ id }) => id);
    expect([...new Set(errors.map(({ associatedRule }) => associatedRule!.id))]).toEqual(blind);
    expect(errors.every(({ associatedRule }) => run!.tool.driver.rules![associatedRule!.index!]!.id === associatedRule!.id)).toBe(true);
    expect(run!.results).toEqual([]);
    expect(logOf('clean').runs[0]!.invocations![0]!.executionSuccessful).toBe(true);
  });

  test('without a cluster the run speaks of the manifests; a file that was passed over unseen fails it', () => {
    const [invocation] = held(logOf('files')).runs[0]!.invocations!;
    expect(invocation!.executionSuccessful).toBe(false);
    expect(
      invocation!.toolExecutionNotifications!.map(({ level, locations }) => [level, locations?.[0]?.physicalLocation?.region?.startLine]),
    ).toEqual([
      ...[
        ['note', undefined],
        ['note', 1],
        ['error', 3],
      ],
    ]);
    const whole = { ...files, manifests: { ...files.manifests!, skipped: [] } };
    expect(sarif([shownOf(whole)], [], CATALOGUE, TOOL, face()).runs[0]!.invocations![0]!.executionSuccessful).toBe(true);
  });

  test('several clusters are runs with ids of their own, one that did not answer among them', () => {
    const log = held(sarif([shownOf(mixed), shownOf(clean)], [FAR], CATALOGUE, TOOL, face()));
    const ids = log.runs.map(({ automationDetails }) => automationDetails!.id);
    expect(log.runs).toHaveLength(3);
    expect(ids.at(-1)).toBe('upgrade-guard/far/');
    expect(log.runs[2]!.invocations![0]).toEqual({
      executionSuccessful: false,
      toolExecutionNotifications: [{ level: 'error', message: { text: 'far could not be checked: timed out' } }],
    });
    expect(logOf('mixed').runs[0]!.automationDetails).toBeUndefined();
  });

  test('no name makes a link', () => {
    for (const { message } of held(logOf('hostile')).runs[0]!.results!) expect(message.text).not.toMatch(/\]\(/);
  });
});

describe('junit', () => {
  test('one case for each check, counted; only what passed passes', () => {
    for (const name of Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[]) {
      const root = parsed(suitesOf(name));
      const cases = below(root, 'testcase');
      for (const suite of [root, ...below(root, 'testsuite')]) {
        const mine = below(suite, 'testcase');
        const having = (part: string) => String(mine.filter(({ nodes }) => nodes.some((each) => each.name === part)).length);
        const { tests, failures, errors, skipped } = suite.attributes;
        expect({ tests, failures, errors, skipped }, name).toEqual({
          ...{ tests: String(mine.length), failures: having('failure'), errors: having('error'), skipped: having('skipped') },
        });
      }
      const { results } = EXAMPLES[name];
      const passing = ({ outcome, findings, gaps }: CheckResult) =>
        outcome === 'passed' ||
        (outcome === 'found' && !gaps.length && findings.every(({ accepted, severity }) => accepted || severity === 'notice'));
      const asCases = cases.filter(({ attributes }) => attributes.classname !== '-f');
      expect(
        asCases.map(({ attributes }) => attributes.name),
        name,
      ).toEqual(results.map(({ id }) => id));
      expect(
        asCases.filter(isPassed).map(({ attributes }) => attributes.name),
        name,
      ).toEqual(results.filter(passing).map(({ id }) => id));
    }
  });

  test('a failure says all findings, with objects, files and the fix; a notice is told in a case that passes', () => {
    const [failure] = below(parsed(suitesOf('files')), 'failure');
    expect(failure!.attributes.type).toBe('blocker');
    expect(failure!.text.split('\n')).toEqual([
      'blocker: CronJob default/old: batch/v1beta1 is gone in 1.25',
      '  Pod default/live',
      '  CronJob default/old manifests/a b/ü#1.yaml:7',
      '  CronJob default/out /elsewhere/c.yaml:2',
      'fix: manual: sets apiVersion batch/v1',
    ]);
    const [shade] = below(parsed(suitesOf('shades')), 'testcase');
    expect(below(shade!, 'failure')[0]!.text).toContain('the pool will be too small');
    expect(below(shade!, 'system-out')[0]!.text).toMatch(/notice: .*may be held twice[\s\S]*accepted by --accept/);
  });

  test('a notice does not hide that a part could not be read', () => {
    const [first] = shades.results;
    const [notice] = first!.findings;
    const gap = { why: 'forbidden', verb: 'list', resource: 'secrets' } as const;
    const results = [{ ...first!, findings: [notice!], gaps: [gap] }];
    const [one] = below(parsed(junit([shownOf({ ...shades, results })], [], CATALOGUE, TOOL, face())), 'testcase');
    expect(one!.nodes.map(({ name }) => name)).toEqual(['error', 'system-out']);
  });

  test('several clusters', () => {
    const root = parsed(junit([shownOf(mixed), shownOf(clean)], [FAR], CATALOGUE, TOOL, face('zh')));
    expect(below(root, 'testsuite').map(({ attributes }) => attributes.name)).toEqual([
      ...['prod-1 kubernetes@cluster', 'prod-1 spiderpool@kube-system/spiderpool'],
      ...['prod-1 kubernetes@cluster', 'prod-1 spiderpool@kube-system/spiderpool'],
      'far',
    ]);
    expect(below(root, 'error').at(-1)!.attributes.message).toBe('无法检查：timed out');
  });
});

test('a saved result gives the same, what needed a cluster included', () => {
  for (const name of Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[]) {
    const saved = readPublished(jsonOf(publish(EXAMPLES[name])), 'x').results.map(shownFrom);
    expect(jsonOf(sarif(saved, [], CATALOGUE, TOOL, face('zh')))).toBe(jsonOf(logOf(name, 'zh')));
    expect(junit(saved, [], CATALOGUE, TOOL, face('zh'))).toBe(suitesOf(name, 'zh'));
  }
});

test('sarif: a finding in the record of a Helm release has the place of the file that holds the record', () => {
  const record = { ...examples.ref('Secret', 'shop', 'sh.helm.release.v1.web.v1'), file: 'dump/web.yaml', line: 3 };
  const objects = [examples.ref('PodDisruptionBudget', 'shop', 'a'), examples.ref('PodDisruptionBudget', 'shop', 'b')];
  const finding = examples.finding({
    message: { en: 'm', zh: 'm' },
    objects,
    evidence: [{ seen: 'apiVersion: policy/v1beta1', at: record }],
  });
  const shown = shownOf(examples.examination([examples.found('kubernetes/removed-api', [finding], { en: 'x', zh: 'x' })], []));
  const [result] = sarif([shown], [], CATALOGUE, TOOL, face()).runs[0]!.results!;
  expect(result!.locations!.map(({ physicalLocation }) => physicalLocation?.artifactLocation?.uri)).toEqual(['dump/web.yaml', undefined]);
  expect(result!.locations!.map(({ logicalLocations }) => logicalLocations![0]!.name)).toEqual(['a', 'b']);
});

test('an object inside another one is named with it in every format, also of a saved result', () => {
  const on = { ...examples.ref('CronJob', 'shop', 'old'), file: 'hub/w.yaml', line: 9, inside: 'ManifestWork spokes/w' };
  const finding = examples.finding({ message: { en: 'm', zh: 'm' }, objects: [on] });
  const examination = examples.examination([examples.found('kubernetes/removed-api', [finding], { en: 'x', zh: 'x' })], []);
  for (const shown of [shownOf(examination), ...readPublished(jsonOf(publish(examination)), 'x').results.map(shownFrom)]) {
    const [result] = held(sarif([shown], [], CATALOGUE, TOOL, face())).runs[0]!.results!;
    expect(result!.locations![0]!.logicalLocations![0]!.fullyQualifiedName).toMatch(/CronJob shop\/old \(ManifestWork spokes\/w\)$/);
    expect(junit([shown], [], CATALOGUE, TOOL, face())).toContain('CronJob shop/old hub/w.yaml:9 (ManifestWork spokes/w)');
  }
});
