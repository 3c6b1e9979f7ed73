// Bundles the program in two stages into dist/upgrade-guard.cjs: the core becomes compressed text inside a small main, so that `version` and `--help` never parse it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { type BuildOptions, build as bundle, type Metafile, type Plugin } from 'esbuild';
import { licencesOf, packagesOf } from './licences.ts';
import { writeRegistries } from './registry.ts';

const ROOT = join(import.meta.dirname, '..');
export const DIST = join(ROOT, 'dist');
export const BUNDLE = join(DIST, 'upgrade-guard.cjs');

/** All that main may carry of node_modules: each of the others costs milliseconds at every start. */
const IN_MAIN = ['cac'];
/** Quality 11 makes the whole file 7 % smaller and takes 20 times as long. */
const BROTLI_QUALITY = 9;

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
  plugins: [TABLES_AS_TEXT],
  // Only modules of Node.js itself are left to import at run time, and require finds them; import() inside vm.Script is experimental and says so.
  supported: { 'dynamic-import': false },
  write: false,
  metafile: true,
} as const satisfies BuildOptions;

export interface Built {
  file: string;
  sha256: string;
  bytes: number;
  coreBytes: number;
  /** Of the packages that the bundle holds. */
  licences: string;
}

/** Throws when esbuild does, or when something heavy found its way into main. */
export async function build(): Promise<Built> {
  writeRegistries();
  const core = await bundle({ ...COMMON, entryPoints: ['src/cli/core.ts'] });
  const source = core.outputFiles[0]!.contents;
  const text = brotliCompressSync(source, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }).toString('base64');
  // Only now: it imports the registries that were just written.
  const { horizons } = await import('../src/systems/index.ts');
  const define = { CORE: JSON.stringify(text), VERSION: JSON.stringify(projectVersion()), HORIZONS: JSON.stringify(horizons()) };
  const main = await bundle({ ...COMMON, entryPoints: ['src/main.ts'], define });
  assertLight(main.metafile);
  const contents = main.outputFiles[0]!.contents;
  mkdirSync(DIST, { recursive: true });
  put(BUNDLE, contents);
  return {
    file: BUNDLE,
    sha256: createHash('sha256').update(contents).digest('hex'),
    bytes: contents.length,
    coreBytes: source.length,
    licences: licencesOf(ROOT, [core.metafile, main.metafile]),
  };
}

export function projectVersion(): string {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
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
  if (!process.argv.includes('--quiet')) {
    const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`;
    console.log(`dist/upgrade-guard.cjs  ${kilobytes(built.bytes)}, of which the core unpacks to ${kilobytes(built.coreBytes)}`);
  }
}
