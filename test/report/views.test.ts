// What a person sees of examinations that the engine made over real fixtures, kept as files in goldens/: every view in both languages, at 80 and 200 columns.
// `npm test -- --project unit test/report -u` writes them again. What holds of any examination is asserted, over invented ones too (examples.ts).

import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Language, Step, StepOf, StoredRun } from '../../src/engine/contracts.ts';
import type { Examination } from '../../src/engine/examine.ts';
import type { StepOutcome } from '../../src/engine/execute.ts';
import { oneStage, stepsOf } from '../../src/engine/plan.ts';
import { progressOf, summaryOf } from '../../src/engine/progress.ts';
import { comparison } from '../../src/report/comparison.ts';
import type { Face } from '../../src/report/face.ts';
import { html } from '../../src/report/html.ts';
import { markdown } from '../../src/report/markdown.ts';
import { planView, promise, question } from '../../src/report/plan.ts';
import { reportOf } from '../../src/report/report.ts';
import { dryRunEnded, runDetail, runEnded, runList, stepEnded } from '../../src/report/run.ts';
import { table, tables } from '../../src/report/table.ts';
import { style } from '../../src/text/colour.ts';
import { width } from '../../src/text/width.ts';
import { CATALOGUE, clean, IDENTITY, mixed, notInstalled, planned, plannedMany, unknown } from './examined.ts';
import * as examples from './examples.ts';

const LANGUAGES = ['en', 'zh'] as const satisfies Language[];
const { many, fifty, longNames, hostile, shades } = examples;
/** As the engine made them. */
const EXAMINED: Record<string, Examination> = { mixed, clean, notInstalled, unknown };
const EXAMINATIONS: Record<string, Examination> = { ...EXAMINED, many, fifty, longNames, hostile, shades };
/** One step of each kind. */
const steps: Step[] = (['unpend', 'patch', 'wait', 'delete', 'evict'] as const).map((kind) => {
  const step = stepsOf(planned).find((each) => each.do === kind);
  if (!step) throw new Error(`no step of the plan is ${kind}: ${stepsOf(planned).map((each) => each.do)}`);
  return step;
});

const face = (language: Language, columns: number, more: Partial<Face> & { colour?: boolean } = {}): Face => ({
  language,
  columns,
  tool: 'kubectl upgrade-guard',
  wide: false,
  style: style({ isTTY: more.colour ?? false }, {}),
  ...more,
});
const shown = (examination: Examination, at: Face) => table(examination, CATALOGUE.systems, CATALOGUE.checks, at, {});

/** The same view at both widths, one below the other; colours as their sequences, written out. */
const golden = (name: string, language: Language, view: (columns: number) => string[], widths = [80, 200]) => {
  const text = widths.flatMap((columns) => [`──── ${columns} columns ────`, ...view(columns), '']).join('\n');
  return expect(text.replaceAll('\x1b', '␛')).toMatchFileSnapshot(`goldens/${name}.${language}.txt`);
};

test('every check that is unknown is named, however many reasons are folded away', () => {
  const [one] = unknown.results;
  const detail = (resource: string) =>
    `${resource} is forbidden: User "u" cannot list resource "${resource}" in API group "" at the cluster scope`;
  const gap = (resource: string) => ({ why: 'forbidden', verb: 'list', resource, detail: detail(resource) }) as const;
  const results = Array.from({ length: 24 }, (_, at) => ({
    ...one!,
    id: `spiderpool/check-${at}`,
    outcome: 'unknown' as const,
    findings: [],
    // The first twelve share their reason, the others have one each.
    gaps: [gap(at < 12 ? 'pods' : `things-${at}`)],
  }));
  const at = { ...face('en', 80), admin: { reach: ' --context c', kubectl: ' --context c', to: "'user/a b'" } };
  const text = shown({ ...unknown, results }, at).join('\n');
  expect(text).toContain('… and 7 more (-o wide)');
  expect(results.map(({ id }) => id).filter((id) => !text.split(/[\s,]+/).includes(id))).toEqual([]);
  // One act settles them all, and is said once, whatever the API server says of each.
  expect(text.match(/^\? /gm)).toHaveLength(1);
  // Rights are not granted as the user who lacks them.
  expect(text.split('Next (as an administrator): ')[1]).toBe(
    "kubectl upgrade-guard rbac --for check --bind-to 'user/a b' --context c | kubectl --context c apply -f -",
  );
});

test('the next command over manifests is one that fix takes: never standard input, and nothing that only a cluster has steps for', () => {
  const next = (again: string) =>
    /Next.*?: (.*)/.exec(
      shown(
        { ...EXAMINATIONS.mixed!, ...(again && { manifests: { objects: 1, offline: true, skipped: [] } }) },
        { ...face('en', 200), again },
      ).join('\n'),
    )![1];
  expect(next('')).toContain(' fix');
  for (const again of [' --filename -', ' --filename - --offline', ' --chart web --offline', ' --filename m --offline'])
    expect(next(again)).not.toMatch(/ fix(?!.*--dry-run)/);
  expect(next(' --filename - --offline')).toContain(' explain ');
});

describe.each(LANGUAGES)('where the findings of a check differ in severity, each says its own: %s', (language) => {
  const at = face(language, 200);
  const nodes = mixed.results.find(({ id }) => id === 'kubernetes/nodes-ready')!;
  const alike = mixed.results.find(({ id }) => id === 'spiderpool/duplicate-pod-ip')!;
  const lineOf = (text: string, message: string) => text.split('\n').find((line) => line.includes(message)) ?? '';
  const words = { en: ['blocker', 'warning', 'accepted'], zh: ['阻断项', '警告', '已接受'] }[language];
  const signs = ['✗', '!', '-'];
  test.each([
    ['terminal', signs.map((sign) => `  ${sign} `)],
    ['wide', signs.map((sign) => `  ${sign} `)],
    ['markdown', words.map((word) => `- **${word}** · `)],
    ['html', words.map((word, i) => `${signs[i]} ${word}</span> `)],
  ])('%s', (name, marks) => {
    const text = {
      terminal: () => shown(mixed, at).join('\n'),
      wide: () => shown(mixed, { ...at, wide: true }).join('\n'),
      markdown: () => markdown(reportOf([mixed], [], CATALOGUE, at), at),
      html: () => html(reportOf([mixed], [], CATALOGUE, at), at),
    }[name]!();
    for (const { severity, accepted, message } of nodes.findings) {
      const mark = marks[accepted ? 2 : severity === 'blocker' ? 0 : 1]!;
      expect(lineOf(text, message[language])).toContain(`${mark}${message[language]}`);
    }
    for (const { message } of alike.findings) for (const mark of marks) expect(text).not.toContain(`${mark}${message[language]}`);
  });
});

test('what does not apply gets no tick', () => {
  const [one] = clean.results;
  const results = [{ ...one!, outcome: 'not-applicable' as const }];
  expect(shown({ ...clean, results }, face('en', 80))).toContain('- 1 does not apply');
  expect(shown({ ...clean, results: [one!, ...results] }, face('en', 80))).toContain('✓ 1 passed, 1 does not apply');
});

describe.each(LANGUAGES)('%s', (language) => {
  test.each(Object.keys(EXAMINED))('table of %s', (name) =>
    golden(`table-${name}`, language, (columns) => shown(EXAMINED[name]!, face(language, columns))),
  );
  test('wide table', () => golden('wide-mixed', language, (columns) => shown(mixed, face(language, columns, { wide: true })), [120]));
  test('colour changes no character, and marks what is bad, unknown and good', () => {
    for (const examination of Object.values(EXAMINATIONS)) {
      const coloured = shown(examination, face(language, 80, { colour: true })).join('\n');
      expect(stripVTControlCharacters(coloured)).toBe(shown(examination, face(language, 80)).join('\n'));
    }
    const signs = (examination: Examination) => shown(examination, face(language, 80, { colour: true })).join('\n');
    for (const sign of ['\x1b[31m✗\x1b[39m', '\x1b[36m?\x1b[39m', '\x1b[32m✓\x1b[39m']) expect(signs(mixed)).toContain(sign);
    expect(signs(many)).toContain('\x1b[33m!\x1b[39m');
  });
  test('several clusters: each as alone, and a line for each at the end', () => {
    const failed = [{ context: 'far-away', why: { en: 'connecting to https://far: timed out', zh: '连接 https://far 失败：超时' } }];
    const all = (columns: number) => tables(reportOf([mixed, clean], failed, CATALOGUE, face(language, columns)), face(language, columns));
    const alone = (columns: number) =>
      all(columns).slice(
        0,
        all(columns).findLastIndex((line) => /^─+$/.test(line)),
      );
    for (const { id } of mixed.results.filter(({ outcome }) => outcome === 'found')) expect(alone(80).join('\n')).toContain(id);
    return golden('several', language, (columns) => all(columns).slice(alone(columns).length + 1));
  });
  test.each(['mixed', 'unknown'])('markdown of %s', (name) => {
    const at = face(language, 80);
    return expect(markdown(reportOf([EXAMINED[name]!], [], CATALOGUE, at), at)).toMatchFileSnapshot(`goldens/${name}.${language}.md`);
  });
  test.each(['mixed', 'unknown'])('html of %s', (name) => {
    const at = face(language, 80);
    return expect(html(reportOf([EXAMINED[name]!], [], CATALOGUE, at), at)).toMatchFileSnapshot(`goldens/${name}.${language}.html`);
  });
  test('markdown and html name every finding, however many there are', () => {
    const at = face(language, 80);
    for (const examination of [many, fifty])
      for (const view of [markdown, html]) {
        const text = view(reportOf([examination], [], CATALOGUE, at), at);
        for (const { findings } of examination.results) for (const { message } of findings) expect(text).toContain(message[language]);
      }
  });
  test('a plan, with what can be undone of it, and the question', () =>
    golden(
      'plan',
      language,
      (columns) => [
        ...planView(
          {
            ...planned,
            refusals: [{ refused: { en: 'it belongs to another system', zh: '属于其他系统' }, objects: [examples.ref('Pod', 'a', 'b')] }],
          },
          face(language, columns),
        ),
        '',
        question(stepsOf(planned), { uid: 'u', certain: true, server: 'https://prod.example', context: 'prod-1' })[language],
      ],
      [80],
    ));
  test('a wait changes nothing: no promise of its own, and not counted among what cannot be undone', () => {
    const wait: StepOf<'wait'> = {
      ...{ id: '9', do: 'wait', until: [], within: 60, assume: [], guard: [] },
      ...{ after: [], reasons: [], undo: 'none', text: { en: 'watch it', zh: '观察' } },
    };
    const words = { en: ['nothing to undo', '(all can be undone).'], zh: ['无需撤销', '（均可撤销）。'] }[language];
    for (const undo of ['none', 'exact'] as const) {
      const waiting = { ...wait, undo };
      const exact = steps.filter((step) => step.undo === 'exact');
      const view = planView(oneStage([waiting]), face(language, 80)).join('\n');
      expect(view).toContain(words[0]);
      expect(question([waiting, ...exact], IDENTITY)[language]).toContain(words[1]);
    }
  });
  test('what a step of the way back puts back can be undone, and says by which step; the command of several pieces of advice stands once', () => {
    const on = examples.ref('Deployment', 'shop', 'api');
    const restart = (id: string, more: object): StepOf<'patch'> => ({
      ...{ id, do: 'patch', on, changes: [{ path: '/a', after: id }], guard: [], after: [], reasons: [] },
      ...{ undo: 'none', text: { en: 'restart', zh: '重启' }, ...more },
    });
    const all = [restart('1', { onUndo: true, undo: 'exact' }), restart('2', {})];
    const advice = (en: string) => ({ refused: { en, zh: `升级会设置${en}` }, objects: [], as: 'upgrade' as const, command: 'up' });
    const view = planView({ ...oneStage(all), refusals: [advice('one'), advice('two')] }, face(language, 80));
    expect(view.join('\n')).toContain({ en: 'undo: by step 1', zh: '撤销：由第 1 步完成' }[language]);
    expect(view.slice(-3).map((line) => line.trim().slice(-3))).toEqual(['one', 'two', 'up']);
    const read: StepOf<'manual'> = { ...all[1]!, do: 'manual', commands: [], changesNothing: true };
    expect(promise(read, language, undefined)).toBe({ en: 'manual step: nothing to undo', zh: '手动步骤：无需撤销' }[language]);
    expect(question(all, IDENTITY)[language]).toContain({ en: '(all can be undone)', zh: '（均可撤销）' }[language]);
  });
  test('what is left of a run is shown with every change, and without the commands of a person, which stand behind a command', () => {
    const common = { guard: [], after: [], reasons: [] };
    const person = (id: string): StepOf<'manual'> => ({
      ...{ ...common, id, do: 'manual', undo: 'none', text: { en: `upgrade ${id}`, zh: `升级 ${id}` } },
      commands: [`ssh ${id} reboot`],
    });
    const patch: StepOf<'patch'> = {
      ...{ ...common, id: '2', do: 'patch', undo: 'exact', on: examples.ref('Node', '', 'w1'), text: { en: 'cordon', zh: '封锁' } },
      changes: [{ path: '/spec/unschedulable', after: true }],
    };
    const view = (brief: boolean, ...left: Step[]) =>
      planView(oneStage(left), face(language, 200), { rest: 'resume r --dry-run=client', stored: true, brief }).join('\n');
    const left = [person('1'), patch, person('3')];
    const command = { en: 'commands and conditions of these steps: ', zh: '这些步骤的命令和完成条件：' }[language];
    expect(view(true, ...left)).not.toContain('reboot');
    for (const text of ['Node w1', '/spec/unschedulable', { en: 'upgrade 3', zh: '升级 3' }[language]])
      expect(view(true, ...left)).toContain(text);
    expect(view(true, ...left).endsWith(`  ${command}resume r --dry-run=client`)).toBe(true);
    expect(view(true, patch)).not.toContain(command);
    expect(view(false, ...left)).toContain('ssh 3 reboot');
    expect(view(false, ...left)).not.toContain(command);
  });
  test('a plan of 200 steps is folded, and counts what it leaves out', () => {
    const lines = planView(plannedMany, face(language, 80), { shown: 20 });
    expect(stepsOf(plannedMany)).toHaveLength(200);
    expect(lines.filter((line) => /^ +\d+\. /.test(line))).toHaveLength(20);
    expect(lines.join('\n')).toContain({ en: '180 more steps', zh: '180' }[language]);
    expect(lines.filter((line) => width(line) > 80)).toEqual([]);
  });
  test('steps as they end, forwards and backwards, and what it came to', () => {
    const outcomes: StepOutcome[] = [
      { result: 'already' },
      { result: 'done' },
      { result: 'obsolete', detail: { en: 'the object is gone', zh: '对象已不存在' } },
      { result: 'failed', detail: { en: 'forbidden: not today', zh: '没有权限：今天不行' } },
      { result: 'in-doubt' },
    ];
    const all = new Map(steps.map((step, i) => [step.id, outcomes[i]!]));
    return golden(
      'run',
      language,
      (columns) => [
        ...steps.map((step, i) => stepEnded(step, outcomes[i]!, face(language, columns))),
        ...(['finished', 'stopped', 'unchanged'] as const).flatMap((state) =>
          told(runEnded('20260102-030405-abcd', 'apply', { total: 5, settled: 2 }, { outcomes: all, state }), language),
        ),
        '',
        stepEnded(
          steps[1]!,
          { result: 'left', detail: { en: '/status changed by another user', zh: '/status 已被其他用户改动' } },
          face(language, columns),
          'undo',
        ),
        ...(['finished', 'stopped'] as const).flatMap((state) =>
          told(
            runEnded(
              '20260102-030405-abcd',
              'undo',
              { total: 2, settled: 0 },
              {
                outcomes: new Map([
                  [steps[1]!.id, { result: 'left' }],
                  [steps[2]!.id, { result: 'done' }],
                ]),
                state,
              },
            ),
            language,
          ),
        ),
      ],
      [80],
    );
  });
  test('what a dry run at the server came to', () => {
    const none = { accepted: 0, refused: 0, held: 0, untried: 0 };
    const sums = [none, { accepted: 2 }, { untried: 2 }, { accepted: 1, untried: 2 }, { accepted: 1, refused: 1, held: 1, untried: 1 }];
    return golden('dry-run', language, (columns) => [
      stepEnded(steps[1]!, { result: 'untried', detail: { en: 'a dry run does not wait', zh: '试运行不等待' } }, face(language, columns)),
      stepEnded(steps[2]!, { result: 'held', detail: { en: 'it needs 2 Pods', zh: '至少需要 2 个 Pod' } }, face(language, columns)),
      ...sums.map((sum) => dryRunEnded({ ...none, ...sum })[language]),
    ]);
  });
  test('runs', () => {
    const at = '2026-01-02T03:04:05.678Z';
    const stored: StoredRun = {
      run: {
        schema: 2,
        id: '20260102-030405-abcd',
        tool: 'upgrade-guard 1',
        what: 'fix spiderpool/owner-controller-type',
        at,
        checks: [],
        stages: planned.stages,
        cluster: IDENTITY,
      },
      progress: progressOf([
        { at, is: 'begin', direction: 'apply', pid: 1 },
        { at, is: 'outcome', direction: 'apply', step: steps[0]!.id, result: 'done' },
        { at, is: 'intent', direction: 'apply', step: steps[1]!.id },
        { at, is: 'outcome', direction: 'apply', step: steps[1]!.id, result: 'done' },
        { at, is: 'intent', direction: 'apply', step: steps[2]!.id },
      ]),
    };
    const CLUSTER = { en: 'this cluster', zh: '该集群' };
    return golden(
      'runs',
      language,
      (columns) => [
        ...runList([], face(language, columns), { of: CLUSTER }),
        ...runList(
          [stored, { run: { ...stored.run, id: '20260101-000000-0000', what: 'fix' }, progress: progressOf([]) }].map(summaryOf),
          face(language, columns),
          { of: CLUSTER },
        ),
        '',
        ...runDetail(stored, face(language, columns), new Map([[steps[0]!.id, ['kubectl uncordon a1']]])),
      ],
      [80],
    );
  });
  test('comparison', () => {
    const each = (n: number) => ({
      fingerprint: String(n),
      check: 'spiderpool/duplicate-pod-ip',
      installation: 'x',
      severity: 'blocker' as const,
      message: mixed.results.find(({ id }) => id === 'spiderpool/duplicate-pod-ip')!.findings[0]!.message,
      accepted: n === 2,
    });
    return golden('comparison', language, (columns) => [
      ...comparison({ new: [each(1)], still: [each(2)], notLookedAt: [each(3)], gone: [each(4)] }, face(language, columns)),
      ...comparison({ new: [], still: [], notLookedAt: [], gone: [] }, face(language, columns)),
    ]);
  });
  test('nothing is wider than the terminal but names and commands, which are never cut', () => {
    for (const [name, examination] of Object.entries(EXAMINATIONS)) {
      for (const columns of [60, 80, 200]) {
        const lines = shown(examination, face(language, columns)).join('\n').split('\n');
        // A name takes as much as it takes, and so does a command that is to be copied.
        const mayBeWide = (line: string) =>
          /^(?:Next|下一步| {2}kubectl )/.test(line) || line.split(/\s+/).some((word) => width(word) > columns - 12);
        expect(
          lines.filter((line) => width(line) > columns && !mayBeWide(line)),
          name,
        ).toEqual([]);
      }
    }
  });
  test('fifty findings fit on two screens, two hundred too; every check is named, and the sum stands last', () => {
    for (const examination of [examples.fifty, examples.many]) {
      const lines = shown(examination, face(language, 80)).join('\n').split('\n');
      expect(lines.length).toBeLessThanOrEqual(100);
      for (const { id } of examination.results.filter(({ outcome }) => outcome === 'found')) expect(lines.join('\n')).toContain(id);
      expect(lines.slice(-2).join(' ')).toContain('kubectl upgrade-guard fix');
    }
  });
});

describe('the next command', () => {
  const at = face('en', 200, { again: ' --context b --to spiderpool=0.9.13', reach: ' --context b' });
  const fix = { en: 'what is to be done', zh: '要做什么' };
  const one = (id: string, automatic: boolean, command?: string) => {
    const made = examples.found(`spiderpool/${id}`, [examples.finding({ message: fix })], fix);
    made.result.findings[0]!.remedy = { automatic, text: fix, steps: command ? 0 : 1 };
    if (command) made.remedy!.check.remedy!.command = () => command;
    return made;
  };
  const CHART = 'helm pull spiderpool && {tool} fix spiderpool/crds-current{again} --chart x.tgz';
  const closing = (parts: Parameters<typeof examples.examination>[0], words: Face = at) =>
    shown(examples.examination(parts, []), words)
      .at(-1)!
      .split(/\.\s{3}/)
      .at(-1);
  const again = '--context b --to spiderpool=0.9.13';

  test('repairs what can be repaired, also beside what a person has to do', () => {
    expect(closing([one('a', true)])).toBe(`Next: kubectl upgrade-guard fix ${again}`);
    expect(closing([one('a', false), one('b', true), one('c', false, CHART)])).toBe(`Next: kubectl upgrade-guard fix ${again}`);
    expect(closing([one('a', true)], { ...at, again: ' --from x' })).toBe('Next: kubectl upgrade-guard fix --from x --rehearse');
  });
  test('gets the chart where nothing can be repaired without one', () => {
    const command = `helm pull spiderpool && kubectl upgrade-guard fix spiderpool/crds-current ${again} --chart x.tgz`;
    expect(closing([one('a', false, CHART)])).toBe(`Next: ${command}`);
    expect(closing([one('a', false), one('b', false, CHART)])).toBe(`Next: ${command}`);
  });
  test('shows the steps where all of them are for a person, and is no repair', () => {
    expect(closing([one('a', false)])).toBe(`Next (lists the manual steps): kubectl upgrade-guard fix ${again} --dry-run=client`);
    expect(closing([one('a', false)], { ...at, language: 'zh', again: '' })).toContain(
      '下一步（列出手动步骤）：kubectl upgrade-guard fix --dry-run=client',
    );
    const skipped = one('b', false);
    skipped.result.findings[0]!.remedy!.steps = 0;
    for (const each of [examples.found('spiderpool/b', [examples.finding({ message: fix })]), skipped])
      expect(closing([each])).toBe('Next: kubectl upgrade-guard explain spiderpool/b');
  });
  test.each(['resume', 'undo', 'runs'] as const)('names a run first that was cut, or is running (%s)', (verb) => {
    const cut = { id: '20260102-030405-abcd', verb };
    const command = `kubectl upgrade-guard ${verb} 20260102-030405-abcd`;
    for (const examination of [mixed, clean, notInstalled]) {
      const last = table(examination, CATALOGUE.systems, CATALOGUE.checks, at, { cut }).at(-1);
      expect(last!.endsWith(`Next: ${command} --context b`), last).toBe(true);
    }
    const of = (uid: string) => reportOf([mixed, clean], [], CATALOGUE, { ...at, again: '', reach: '' }, new Map([[uid, cut]]));
    for (const view of [tables, markdown, html]) {
      const text = (uid: string) =>
        [view(of(uid), at)]
          .flat()
          .join('\n')
          .replace(/<[^>]*>/g, '');
      expect(text(IDENTITY.uid)).toContain(`${command} --context prod-1`);
      expect(text('another')).not.toContain(command);
    }
  });
});

const told = ({ text, next }: ReturnType<typeof runEnded>, language: Language): string[] => [
  text[language],
  ...(next ? [next[language]] : []),
];

test('-o wide folds nothing', () => {
  const text = shown(examples.many, face('en', 80, { wide: true })).join('\n');
  for (const { findings } of examples.many.results) for (const { message } of findings) expect(text).toContain(message.en);
  expect(text).not.toContain('-o wide');
});
