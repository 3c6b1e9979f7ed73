// The wording rules, held over every text of the tool: each `en:` and `zh:` literal in src, with an X for every argument.
// What is quoted in Chinese (“…”) is text of others; names with a dash in them are names.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CHECKS } from '../src/systems/index.ts';
import { textOf } from '../src/text/language.ts';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');
const ENGLISH =
  /(?<!-)\b(?:anew|half-way|yours to do|left to you|by hand|in vain|on record|stands? in the way|tak(?:e|es|en|ing)(?: \w+)? back|go(?:es)? on|(?:fails?|panics?) over|(?:some|no|any)body|whoever|brings?|folder|definitions?|live Pods?|living Pod|may not|those of|that of|exclude each other|also (?:if|where|when)|rights|repair(?:s|ed|ing)?|replaced? \w+ by)\b|(?<![Tt]here )\b(?:is|are) no (?!longer|such)/;
const CHINESE =
  /您|存活|修订版(?!本)|试做|(?<!预)发布版本|API server|没有动静|用不到|遗留在|归属|由您|对 .* 而言|[，。；：、）] |\p{Script=Han}[,:;]|\S …/u;

const TEXT = /\b(en|zh): ('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;
const ARGUMENT = /\$\{(?:[^{}`]|\{[^{}]*\})*\}/g;

const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

/** `FILE: [what is against the rules] the text`. */
function against(file: string): string[] {
  const found: string[] = [];
  for (const [, language, literal = ''] of readFileSync(file, 'utf8').matchAll(TEXT)) {
    const text = literal.slice(1, -1).replace(ARGUMENT, 'X');
    // An argument that lacks its braces is printed as it stands.
    const bare = literal.startsWith('`') ? /\$[a-z]\w*/.exec(text) : null;
    const broken = bare ?? (language === 'en' ? ENGLISH.exec(text) : CHINESE.exec(text.replace(/“[^”]*”/g, '“”')));
    if (broken) found.push(`${file.slice(SRC.length + 1)}: [${broken[0]}] ${text}`);
  }
  return found;
}

test('every text is written by the rules', () => {
  const all = files.flatMap(against);
  expect(files.length).toBeGreaterThan(300);
  expect(all).toEqual([]);
});

test('no English sentence stands among the sources of a Chinese page', () => {
  const chinese = CHECKS.flatMap(({ id, sources }) => sources.map((source) => `${id}: ${textOf(source).zh}`));
  expect(chinese.length).toBeGreaterThan(200);
  expect(chinese.filter((source) => / (?:to|and|the|of|in|at|with|from|on) /.test(source))).toEqual([]);
});

test('what is printed over the fixtures of every check, and every document, is written by them too', () => {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!zh-CN)\.md$/.test(file));
  const broken = [...pages.map((file) => join('docs', file)), 'README.md', 'CHANGELOG.md', 'plugin.yaml', 'krew-manifest.yaml'].flatMap(
    (file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line) => {
          const [word] = ENGLISH.exec(line.replace(/`[^`]*`/g, 'X')) ?? [];
          return word ? [`${file}: [${word}] ${line}`] : [];
        }),
  );
  expect(pages.length).toBeGreaterThan(100);
  expect(broken).toEqual([]);
});

describe('headlines of checks', () => {
  test.each(CHECKS.map(({ id, headline, title }) => ({ id, headline, title })))('$id', ({ headline, title }) => {
    expect(headline.en.length, headline.en).toBeLessThanOrEqual(60);
    expect(headline.en).not.toMatch(/^no |\bit\b|\bthe target(?! version)/i);
    // What should hold and what is found are two sentences.
    expect(headline.en).not.toBe(title.en);
    expect(headline.zh).not.toBe(title.zh);
  });
});
