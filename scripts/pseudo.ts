// npm run pseudo-locale: prints, with how often it occurs, every English word of the output that no translation can reach.
// The program is bundled with each Chinese text in marks; then help, pages, checks of all fixtures and plans are printed in Chinese, and what stands outside the marks is listed.
// Names of objects, commands, flags and fields belong there. Prose does not. For reading, not for CI: what is a name, only a person knows.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { SYSTEMS } from '../src/systems/index.ts';
import { flagsOf, hasFixture, layOut } from '../test/fixtures.ts';

const ROOT = join(import.meta.dirname, '..');
const [OPEN, CLOSE] = ['⟦', '⟧'];

/** Marks around every Chinese text, and the parts of the program in one bundle. */
const MARKED: Plugin = {
  name: 'marked',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]cli[/\\]parts\.ts$/ }, () => ({
      contents: `export const CLIENT = ''; export const part = (name) => name === 'core' ? require('./core.ts') : require('../cluster/client-node.ts');`,
      loader: 'ts',
      resolveDir: join(ROOT, 'src/cli'),
    }));
    onLoad({ filter: /src[/\\].*\.ts$/ }, ({ path }) => ({ contents: marked(readFileSync(path, 'utf8')), loader: 'ts' }));
  },
};

/** The literals behind `zh:`; what is put together otherwise stays outside, and shows. */
export function marked(text: string): string {
  let out = '';
  let done = 0;
  for (const { index, 0: head } of text.matchAll(/\bzh: (?:\([^()]*\) => |\w+ => )?(?=['"`])/g)) {
    const from = index + head.length;
    if (from < done) continue;
    const to = endOf(text, from);
    out += `${text.slice(done, from)}('${OPEN}' + ${text.slice(from, to)} + '${CLOSE}')`;
    done = to;
  }
  return out + text.slice(done);
}

/** Behind the literal that begins at `from`. */
function endOf(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at + 1;
    else if (quote === '`' && text.startsWith('${', at)) at = closing(text, at + 2);
  }
  return text.length;
}

/** The brace that ends an expression in a template. */
function closing(text: string, from: number): number {
  for (let at = from, depth = 0; at < text.length; at++) {
    if (text[at] === '}' && depth-- === 0) return at;
    if (text[at] === '{') depth++;
    if (text[at] === "'" || text[at] === '"' || text[at] === '`') at = endOf(text, at) - 1;
  }
  return text.length;
}

/** What is left when everything in marks, nested ones too, is taken out. */
export function outside(text: string): string {
  let depth = 0;
  let left = '';
  for (const character of text) {
    if (character === OPEN) depth++;
    else if (character === CLOSE) depth--;
    else if (depth === 0) left += character;
  }
  return left;
}

if (process.argv[1] === import.meta.filename) {
  const scratch = mkdtempSync(join(tmpdir(), 'upgrade-guard-pseudo-'));
  const entry = join(scratch, 'main.cjs');
  const define = { VERSION: '"0"', HORIZONS: '[]', LEAST_NODE: '"22.0"' };
  const shape = { bundle: true, platform: 'node', format: 'cjs', target: 'node22', loader: { '.gz': 'binary' } } as const;
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    outfile: entry,
    ...shape,
    define,
    plugins: [MARKED],
    logLevel: 'error',
  });
  const words = new Map<string, number>();
  const look = (...args: string[]) => {
    for (const word of outside(printed(entry, args)).match(/[A-Za-z]{3,}/g) ?? []) words.set(word, (words.get(word) ?? 0) + 1);
  };
  look('--help');
  if (!words.size) throw new Error('the bundle with marks does not start');
  for (const { checks } of SYSTEMS)
    for (const { id } of checks) {
      look('explain', id);
      if (!hasFixture(id, 'found')) continue;
      const folder = layOut(id, { fixture: 'found' });
      look('check', id, '--from', folder, ...flagsOf(id, 'found'));
      look('fix', id, '--from', folder, '--dry-run=client', ...flagsOf(id, 'found'));
      rmSync(folder, { recursive: true });
    }
  rmSync(scratch, { recursive: true });
  for (const [word, count] of [...words].sort(([, a], [, b]) => b - a)) console.log(`${String(count).padStart(6)}  ${word}`);
}

function printed(entry: string, args: string[]): string {
  try {
    return execFileSync(process.execPath, [entry, ...args, '--lang', 'zh'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? '');
  }
}
