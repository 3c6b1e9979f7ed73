// Coverage pages: what an upgrade guide says, statement by statement in our own words, and what here answers it. One table per guide in scripts/coverage/; `npm run docs` writes
// docs/<name>-coverage.md and .zh-CN.md from it, and a test holds that every check it names exists.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Language, Text } from '../src/engine/contracts.ts';
import { checkOf } from '../src/systems/index.ts';

export interface Coverage {
  /** Of the guide. */
  title: Text;
  /** Where the guide is, and which version of it was read. */
  sources: string[];
  rows: CoverageRow[];
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
const WORDS = {
  other: { en: '中文', zh: 'English' },
  title: { en: (guide: string) => `Coverage: ${guide}`, zh: (guide: string) => `对照：${guide}` },
  lead: {
    en: 'Each statement of the guide in our own words, and what answers it here.',
    zh: '逐条列出该指南的要求（以我们自己的话概括），以及本工具的对应内容。',
  },
  source: { en: 'Sources: ', zh: '来源：' },
  statement: { en: 'statement', zh: '要求' },
  by: { en: 'answered by', zh: '对应' },
  check: { en: 'check', zh: '检查项' },
  remedy: { en: 'fix', zh: '修复' },
  step: { en: 'step of the plan', zh: '升级步骤' },
  note: { en: 'note', zh: '说明' },
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

function page(name: string, { title, sources, rows }: Coverage, language: Language): string {
  const other = language === 'en' ? 'zh' : 'en';
  const head = ['', `| ${WORDS.statement[language]} | ${WORDS.by[language]} |`, '| --- | --- |'];
  return `${[
    `# ${WORDS.title[language](title[language])}`,
    '',
    `[${WORDS.other[language]}](${name}-coverage${SUFFIX[other]})`,
    '',
    WORDS.lead[language],
    `${WORDS.source[language]}${sources.join({ en: ', ', zh: '、' }[language])}`,
    ...rows.flatMap(({ section, statement, by }, at) => [
      ...(section ? ['', `## ${section[language]}`] : []),
      ...(section || at === 0 ? head : []),
      `| ${cell(statement[language])} | ${[by]
        .flat()
        .map((answer) => answered(answer, language))
        .join('<br>')} |`,
    ]),
  ].join('\n')}\n`;
}

function answered(answer: Answer, language: Language): string {
  const said = (what: 'check' | 'remedy' | 'step' | 'note', text: string) =>
    `${WORDS[what][language]}${{ en: ': ', zh: '：' }[language]}${text}`;
  if ('check' in answer) return said('check', linked(answer.check, language));
  if ('remedy' in answer) return said('remedy', linked(answer.remedy, language));
  return 'step' in answer ? said('step', cell(answer.step[language])) : said('note', cell(answer.note[language]));
}

const linked = (id: string, language: Language): string => `[${id}](checks/${checkOf(id).id}${SUFFIX[language]})`;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
