// Bundles the program into dist/upgrade-guard.cjs, which boots, and the parts that it loads (src/cli/parts.ts): main at every start, the others when a command needs them; `version` and `--help` never read those.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BuildOptions, build as bundle, type Metafile, type Plugin } from 'esbuild';
import { CLIENT, type PartName, SHELF } from '../src/cli/parts.ts';
import { licencesOf, packagesOf } from './licences.ts';
import { writeRegistries } from './registry.ts';

const ROOT = join(import.meta.dirname, '..');
export const DIST = join(ROOT, 'dist');
export const BUNDLE = join(DIST, 'upgrade-guard.cjs');
export const PARTS = join(DIST, 'parts');

/** All that main may carry of node_modules: each of the others costs milliseconds at every start. */
const IN_MAIN = ['cac'];
const ENTRIES: Record<PartName, string> = { main: 'src/main.ts', core: 'src/cli/core.ts', client: 'src/cluster/client-node.ts' };
/** Any number: it makes V8's hashes the same in every build. */
export const SEED = 1;
/** Milliseconds after which the main of an earlier build is no longer running. */
const OLD = 24 * 60 * 60 * 1000;

/** Tables of knowledge stay text: decoding all of them would cost every start. engine/knowledge.ts decodes those that are used; what lies beside a loader goes through it. */
const TABLES_AS_TEXT: Plugin = {
  name: 'tables as text',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]knowledge[/\\][\w-]+\.json$/ }, ({ path }) =>
      existsSync(join(dirname(path), 'tables.ts'))
        ? { contents: JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))), loader: 'text' }
        : undefined,
    );
  },
};

/** The client is a part of its own; who imports it gets it from src/cli/parts.ts. */
const CLIENT_APART: Plugin = {
  name: 'client apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/client-node\.ts$/ }, ({ kind }) => (kind === 'entry-point' ? undefined : { path: CLIENT, external: true }));
  },
};

/** Main asks for parts where they are kept: with what booted it. */
const SHELF_APART: Plugin = {
  name: 'shelf apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/parts\.ts$/ }, () => ({ path: SHELF, external: true }));
  },
};

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  loader: { '.gz': 'binary' },
  plugins: [TABLES_AS_TEXT, CLIENT_APART],
  // Only modules of Node.js itself are left to import at run time, and require finds them; import() inside vm.Script is experimental and says so.
  supported: { 'dynamic-import': false },
  write: false,
  metafile: true,
} as const satisfies BuildOptions;

export interface Built {
  file: string;
  /** Files in dist/parts, by name, with what V8 made of them for this platform (`.code`). */
  parts: string[];
  /** Of all of these. */
  sha256: string;
  bytes: number;
  /** Of the packages that the bundles hold. */
  licences: string;
}

/** Throws when esbuild does, or when something heavy found its way into main. */
export async function build(): Promise<Built> {
  writeRegistries();
  mkdirSync(PARTS, { recursive: true });
  const core = await partOf('core');
  const client = await partOf('client');
  // Only now: it imports the registries that were just written.
  const { horizons } = await import('../src/systems/index.ts');
  const main = await partOf('main', {
    define: { VERSION: JSON.stringify(projectVersion()), HORIZONS: JSON.stringify(horizons()) },
    plugins: [...COMMON.plugins, SHELF_APART],
  });
  assertLight(main.metafile);
  const define = {
    PARTS: JSON.stringify({ main: main.name, core: core.name, client: client.name }),
    LEAST_NODE: JSON.stringify(leastNode()),
  };
  // In words that an old Node.js can read: it has to get as far as saying that it is too old.
  const boot = await bundle({ ...COMMON, target: 'node12', entryPoints: ['src/cli/boot.ts'], define });
  const contents = boot.outputFiles[0]!.contents;
  put(BUNDLE, contents);
  const parts = [main, core, client].flatMap(({ name }) => [`${name}.cjs`, `${name}.code`]);
  forgetOld(parts);
  const all = [contents, ...parts.map((name) => readFileSync(join(PARTS, name)))];
  return {
    file: BUNDLE,
    parts,
    sha256: createHash('sha256').update(all.map(sha256).join()).digest('hex'),
    bytes: all.reduce((sum, { length }) => sum + length, 0),
    licences: licencesOf(ROOT, [core.metafile, client.metafile, main.metafile]),
  };
}

async function partOf(part: PartName, more: Pick<BuildOptions, 'define' | 'plugins'> = {}): Promise<{ name: string; metafile: Metafile }> {
  const { outputFiles, metafile } = await bundle({ ...COMMON, ...more, entryPoints: [ENTRIES[part]] });
  const source = Buffer.from(`(function (exports, require, module, __filename, __dirname) {${inAscii(outputFiles[0]!.text)}\n})`, 'latin1');
  const name = `${part}-${sha256(source).slice(0, 12)}`;
  put(join(PARTS, `${name}.cjs`), source);
  const code = join(PARTS, `${name}.code`);
  const fresh = `${code}.${process.pid}.new`;
  const words = [`--random-seed=${SEED}`, join(import.meta.dirname, 'run.mjs'), 'code', part, join(PARTS, `${name}.cjs`), fresh];
  execFileSync(process.execPath, words, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  renameSync(fresh, code);
  return { name, metafile };
}

/** One character of another alphabet would make V8 hold the whole part in two bytes a character. Only regular expressions and raw templates still have some: esbuild writes the rest so itself. */
const inAscii = (source: string): string =>
  source.replace(/[^\0-\x7f]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What earlier builds left: a main of theirs that is running may still want it. */
function forgetOld(current: string[]): void {
  for (const name of readdirSync(PARTS).filter((one) => !current.includes(one))) {
    const file = join(PARTS, name);
    if (Date.now() - statSync(file).mtimeMs > OLD) rmSync(file, { force: true });
  }
}

export function projectVersion(): string {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
}

/** 22.19: undici 8, which @kubernetes/client-node 2 brings, declares it. */
function leastNode(): string {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).engines.node.replace('>=', '');
}

function assertLight(metafile: Metafile): void {
  const heavy = packagesOf(metafile).filter((name) => !IN_MAIN.includes(name));
  if (heavy.length === 0) return;
  throw new Error(
    `bundling src/main.ts: it now imports ${heavy.join(', ')}, which every start would pay for; import it from src/cli/core.ts or below instead`,
  );
}

/** In one move: a test that runs the old file at this moment is not disturbed. */
export function put(file: string, contents: Uint8Array | string): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, contents);
  renameSync(fresh, file);
}

if (process.argv[1] === import.meta.filename) {
  const built = await build();
  if (!process.argv.includes('--quiet')) console.log(`dist/upgrade-guard.cjs, dist/parts/  ${Math.round(built.bytes / 1000)} kB`);
}
