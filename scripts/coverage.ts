// Coverage pages: what an upgrade guide says, statement by statement in our own words, and what here answers it. One table per guide in scripts/coverage/; `npm run docs` writes
// docs/<name>-coverage.md and .zh-CN.md from it, and a test holds that every check it names exists.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Language, Text } from '../src/engine/contracts.ts';
import { checkOf } from '../src/systems/index.ts';
import { textOf } from '../src/text/language.ts';

export interface Coverage {
  /** Of the guide. */
  title: Text;
  /** Where the guide is, and which version of it was read. */
  sources: (string | Text)[];
  rows: CoverageRow[];
  /** What breaks besides, which the guide does not say. */
  hazards?: Hazard[];
}
/** Each with what is seen to report it, and what is seen to be silent where it is not there. */
export interface Hazard {
  hazard: Text;
  /** Versions of the path: installed, target. */
  from: string;
  to: string;
  by: Answer[];
  /** Fixtures as `CHECK/NAME`, below test/fixtures. */
  found: string[];
  healthy: string[];
  /** Tests, as their file and their name. */
  tests?: [file: string, name: string][];
}
export interface CoverageRow {
  /** A heading above this row and those behind it. */
  section?: Text;
  /** What the guide says, in our own words. */
  statement: Text;
  by: Answer | Answer[];
}
/** A check finds it; the remedy of a check does it; a step of `plan` and `upgrade` does or shows it; or a note says why none of these is needed. */
export type Answer = { check: string } | { remedy: string } | { step: Text } | { note: Text };

const FOLDER = join(import.meta.dirname, 'coverage');
const LANGUAGES: readonly Language[] = ['en', 'zh'];
const SUFFIX: Record<Language, string> = { en: '.md', zh: '.zh-CN.md' };
const ANY: Text = { en: 'any', zh: '任意' };
/** What stands for a version. */
const VERSIONS: Record<string, string> = { any: '任意', older: '更旧的版本', 'ubi8, pre-release': 'ubi8、预发布版本' };
const versionWord = (version: string, language: Language): string =>
  language === 'zh' ? (VERSIONS[version] ?? version.replaceAll(', ', '、')) : version;
const WORDS = {
  other: { en: '中文', zh: 'English' },
  title: { en: (guide: string) => `Coverage: ${guide}`, zh: (guide: string) => `对照：${guide}` },
  lead: {
    en: 'Each statement of the guide in our own words, and what answers it here.',
    zh: '逐条列出该指南的要求（概括，非原文），以及本工具的对应内容。',
  },
  source: { en: 'Sources: ', zh: '来源：' },
  statement: { en: 'statement', zh: '要求' },
  by: { en: 'answered by', zh: '对应' },
  check: { en: 'check', zh: '检查项' },
  remedy: { en: 'fix', zh: '修复' },
  step: { en: 'step of the plan', zh: '升级步骤' },
  note: { en: 'note', zh: '说明' },
  hazards: { en: 'What else breaks, without a word in the guide', zh: '指南未提及的问题' },
  hazardsLead: {
    en: 'Each with fixtures on which it is reported and fixtures on which it is not; the tests check them in memory and on a real API server.',
    zh: '每个问题附有应报告和不应报告的测试用例；测试既在内存中，也在真实的 API 服务器上检查它们。',
  },
  hazard: { en: 'problem', zh: '问题' },
  path: { en: 'path', zh: '升级路径' },
  fires: { en: 'reported in', zh: '报告于' },
  silent: { en: 'silent in', zh: '不报告于' },
} as const;

/** Every table, by the name of its file. */
export async function coverages(): Promise<Map<string, Coverage>> {
  const made = new Map<string, Coverage>();
  for (const file of readdirSync(FOLDER).sort()) {
    const { coverage } = (await import(join(FOLDER, file))) as { coverage: Coverage };
    made.set(file.replace(/\.ts$/, ''), coverage);
  }
  return made;
}

/** All pages by path below docs. */
export async function coveragePages(): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const [name, coverage] of await coverages())
    for (const language of LANGUAGES) made.set(`${name}-coverage${SUFFIX[language]}`, page(name, coverage, language));
  return made;
}

function page(name: string, { title, sources, rows, hazards = [] }: Coverage, language: Language): string {
  const other = language === 'en' ? 'zh' : 'en';
  const head = ['', `| ${WORDS.statement[language]} | ${WORDS.by[language]} |`, '| --- | --- |'];
  return `${[
    `# ${WORDS.title[language](title[language])}`,
    '',
    `[${WORDS.other[language]}](${name}-coverage${SUFFIX[other]})`,
    '',
    WORDS.lead[language],
    `${WORDS.source[language]}${sources.map((source) => textOf(source)[language]).join({ en: ', ', zh: '、' }[language])}`,
    ...rows.flatMap(({ section, statement, by }, at) => [
      ...(section ? ['', `## ${section[language]}`] : []),
      ...(section || at === 0 ? head : []),
      `| ${cell(statement[language])} | ${[by]
        .flat()
        .map((answer) => answered(answer, language))
        .join('<br>')} |`,
    ]),
    ...(hazards.length ? hazardTable(hazards, language) : []),
  ].join('\n')}\n`;
}

function hazardTable(hazards: readonly Hazard[], language: Language): string[] {
  const heads = [WORDS.hazard, WORDS.path, WORDS.by, WORDS.fires, WORDS.silent].map((head) => head[language]);
  const fixtures = (names: readonly string[]) => names.map((name) => linkTo(`test/fixtures/${name}.yaml`, name));
  const tests = (all: readonly [string, string][] = []) => all.map(([file, test]) => linkTo(file, test));
  return [
    ...['', `## ${WORDS.hazards[language]}`, '', WORDS.hazardsLead[language], ''],
    ...[`| ${heads.join(' | ')} |`, `| ${heads.map(() => '---').join(' | ')} |`],
    ...hazards.map(({ hazard, from, to, by, found, healthy, tests: run }) => {
      const cells = [
        [cell(hazard[language])],
        [from === '*' && to === '*' ? ANY[language] : cell(`${versionWord(from, language)} → ${versionWord(to, language)}`)],
        by.map((answer) => answered(answer, language)),
        [...fixtures(found), ...tests(run)],
        fixtures([...new Set(healthy)]),
      ];
      return `| ${cells.map((lines) => lines.join('<br>')).join(' | ')} |`;
    }),
  ];
}
const linkTo = (file: string, text: string): string => `[${cell(text)}](../${file})`;

function answered(answer: Answer, language: Language): string {
  const said = (what: 'check' | 'remedy' | 'step' | 'note', text: string) =>
    `${WORDS[what][language]}${{ en: ': ', zh: '：' }[language]}${text}`;
  if ('check' in answer) return said('check', linked(answer.check, language));
  if ('remedy' in answer) return said('remedy', linked(answer.remedy, language));
  return 'step' in answer ? said('step', cell(answer.step[language])) : said('note', cell(answer.note[language]));
}

const linked = (id: string, language: Language): string => `[${id}](checks/${checkOf(id).id}${SUFFIX[language]})`;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
