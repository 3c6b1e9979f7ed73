// npm run docs: writes docs/checks/<system>/<name>.md and .zh-CN.md, and an index of each system, from the checks themselves and from what they print over their own bad fixture;
// docs/<guide>-coverage.md from the tables in scripts/coverage/; and docs/kubernetes-urgent-notes.md from knowledge/notes.json.
// With CHECK-IDs behind --: the pages of these alone. A test fails when a page is not what the code says.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgv } from '../src/cli/argv.ts';
import { type Call, callOf } from '../src/cli/call.ts';
import { callerOf } from '../src/cli/caller.ts';
import { check } from '../src/cli/commands/check.ts';
import type { Check, Language, System, Text } from '../src/engine/contracts.ts';
import { explainedInMarkdown } from '../src/report/explain.ts';
import { SYSTEMS } from '../src/systems/index.ts';
import { notes } from '../src/systems/kubernetes/knowledge/tables.ts';
import { style } from '../src/text/colour.ts';
import { flagsOf, hasFixture, layOut } from '../test/fixtures.ts';
import { coveragePages } from './coverage.ts';

const ROOT = join(import.meta.dirname, '..');
const CHECKS = join(ROOT, 'docs', 'checks');
const TOOL = 'kubectl upgrade-guard';
/** Columns of the output that a page shows. */
const COLUMNS = 110;
/** Ages in an example are counted to this moment: a page stays what it is tomorrow. */
const NOW = Date.parse('2026-11-30T00:00:00Z');
const LANGUAGES: readonly Language[] = ['en', 'zh'];
const SUFFIX: Record<Language, string> = { en: '.md', zh: '.zh-CN.md' };

const WORDS = {
  example: { en: 'Example', zh: '示例' },
  other: { en: '中文', zh: 'English' },
  checks: { en: 'Checks', zh: '检查项' },
  name: { en: 'check', zh: '检查项' },
  should: { en: 'checks that', zh: '检查内容' },
  versions: { en: 'Versions known', zh: '已知版本' },
  provisional: { en: 'provisional', zh: '暂定数据' },
} satisfies Record<string, Text>;

/** All pages by path below docs/checks. `only`: of these checks, and the indexes. */
export async function pages(only: readonly string[] = []): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const system of SYSTEMS) {
    for (const language of LANGUAGES) {
      made.set(join(system.id, `README${SUFFIX[language]}`), index(system, language));
      const asked = system.checks.filter(({ id }) => !only.length || only.includes(id));
      for (const each of asked) made.set(fileOf(each, language), await page(each, language));
    }
  }
  return made;
}

const nameOf = ({ id }: Check): string => id.slice(id.indexOf('/') + 1);
const fileOf = (each: Check, language: Language): string => `${each.id}${SUFFIX[language]}`;

async function page(each: Check, language: Language): Promise<string> {
  const face = { language, columns: COLUMNS, tool: TOOL, wide: false, style: style({ isTTY: false }, {}) };
  const other = language === 'en' ? 'zh' : 'en';
  const text = explainedInMarkdown(each, face).replace('\n', `\n\n[${WORDS.other[language]}](${nameOf(each)}${SUFFIX[other]})\n`);
  return `${text}\n${hasFixture(each.id, 'found') ? await example(each, language) : ''}`;
}

const example = async ({ id }: Check, language: Language): Promise<string> =>
  `\n## ${WORDS.example[language]}\n\n${await output(id, [id], language)}\n`;

/** What `check ASKED`, or `check` alone, prints over the bad fixtures of checks in one cluster, with the command that does it. */
async function output(asked: string | undefined, [id, ...beside]: readonly string[], language: Language): Promise<string> {
  const folder = layOut(id!, { fixture: 'found', beside });
  try {
    const flags = flagsOf(id!, 'found');
    const words = ['check', ...(asked ? [asked] : []), ...flags];
    const lines = await printed([...words, '--from', folder], flags, language);
    const text = lines.join('\n').replace(`(${folder})`, 'prod-1').trim();
    return `\`\`\`console\n$ ${[TOOL, ...words].join(' ')}\n${text}\n\`\`\``;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const BLOCK = /(<!-- output: check(?: (\S+))? over ([^>]+) -->\n)[\s\S]*?(\n<!-- end -->)/;

/** README.md and README.zh-CN.md with their block of output as it is today, by file name. */
export async function readmes(): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const language of LANGUAGES) {
    const name = `README${SUFFIX[language]}`;
    const text = readFileSync(join(ROOT, name), 'utf8');
    const [, head, asked, ids = '', end] = BLOCK.exec(text) ?? [];
    if (!head) throw new Error(`${name} has no block of output`);
    made.set(name, text.replace(BLOCK, `${head}${(await output(asked, ids.split(' '), language)).replaceAll('$', '$$$$')}${end}`));
  }
  return made;
}

/** `again`: flags that the next command keeps; where the fixture lies is not among them. */
async function printed(words: readonly string[], again: readonly string[], language: Language): Promise<string[]> {
  const caller = { ...callerOf('kubectl-upgrade_guard', {}), usage: TOOL };
  const env = { COLUMNS: String(COLUMNS) };
  const parsed = parseArgv(words, TOOL);
  const call = callOf({ ...parsed, caller, env, version: '0', language, signal: new AbortController().signal });
  const lines: string[] = [];
  const face = { ...call.face, again: again.map((word) => ` ${word}`).join(''), columns: COLUMNS, style: style({ isTTY: false }, {}) };
  const quiet: Call = {
    ...call,
    face,
    out: (...more) => void lines.push(...more),
    say: () => {},
    begins: () => false,
    progress: () => false,
  };
  const { now } = Date;
  Date.now = () => NOW;
  try {
    await check(quiet);
  } finally {
    Date.now = now;
  }
  return lines;
}

function index(system: System, language: Language): string {
  const other = language === 'en' ? 'zh' : 'en';
  const [open, close] = { en: [' (', ')'], zh: ['（', '）'] }[language];
  const early = system.provisionalUpTo ? `${open}${system.provisionalUpTo} ${WORDS.provisional[language]}${close}` : '';
  const rows = system.checks.map((each) => `| [${nameOf(each)}](${nameOf(each)}${SUFFIX[language]}) | ${each.title[language]} |`);
  return `${[
    `# ${system.title[language]}`,
    '',
    `[${WORDS.other[language]}](README${SUFFIX[other]})`,
    '',
    `${WORDS.versions[language]}${{ en: ': ', zh: '：' }[language]}${system.knownFrom} – ${system.knownUpTo}${early}`,
    '',
    `| ${WORDS.name[language]} | ${WORDS.should[language]} |`,
    '| --- | --- |',
    ...rows,
  ].join('\n')}\n`;
}

/** Of each Urgent Upgrade Note of Kubernetes the check that covers it, or the reason why none does. */
export function urgentNotes(): { file: string; text: string } {
  const { notes: all, provisional = '' } = notes();
  const row = ({ minor, pr, in: where, summary, check: covers, why = '' }: (typeof all)[number]) => {
    const link = covers ? `[${covers}](checks/kubernetes/${covers}.md)${why ? `: ${why}` : ''}` : `none: ${why}`;
    return `| ${minor}${where === 'final' ? '' : ' (pre-release)'} | [${pr}](https://github.com/kubernetes/kubernetes/pull/${pr}) | ${summary} | ${link} |`;
  };
  const covered = all.filter((note) => note.check).length;
  const text = [
    '# Urgent Upgrade Notes of Kubernetes',
    '',
    `Every Urgent Upgrade Note in the changelogs of Kubernetes 1.25 to 1.37 (1.30 has none), and of 1.38 as of ${provisional}. A check covers ${covered} of ${all.length}; each of the others has a reason why none does.`,
    'Generated by `npm run docs` from src/systems/kubernetes/knowledge/notes.json; the summaries are ours.',
    '',
    '| version | pull request | note | covered by |',
    '| --- | --- | --- | --- |',
    ...all.map(row),
  ];
  return { file: join(ROOT, 'docs', 'kubernetes-urgent-notes.md'), text: `${text.join('\n')}\n` };
}

/** Files below docs/checks, as paths below it. */
export const written = (): string[] =>
  readdirSync(CHECKS, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(CHECKS.length + 1));

if (process.argv[1] === import.meta.filename) {
  const only = process.argv.slice(2);
  const made = await pages(only);
  if (!only.length) rmSync(CHECKS, { recursive: true, force: true });
  for (const [file, text] of made) {
    mkdirSync(dirname(join(CHECKS, file)), { recursive: true });
    writeFileSync(join(CHECKS, file), text);
  }
  const { file: notesPage, text: notesText } = urgentNotes();
  writeFileSync(notesPage, notesText);
  for (const [file, text] of await readmes()) writeFileSync(join(ROOT, file), text);
  for (const [file, text] of await coveragePages()) writeFileSync(join(ROOT, 'docs', file), text);
  console.log(`${made.size} pages in docs/checks`);
}
