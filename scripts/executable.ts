// Makes single executables with @yao-pkg/pkg in SEA mode, without network: pkg finds the Node.js binaries that npm brought in the cache where it would have put its downloads.
// dist/upgrade-guard for this machine, dist/upgrade-guard-<os>-<arch>[.exe] for the others; beside them the licences of what they hold.
import childProcess from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Built, build, DIST, PARTS, put, SEED } from './build.ts';
import { licenceOfNode } from './licences.ts';
import { signAdHoc } from './macho.ts';
import { nodeBinary } from './node-base.ts';
import { withoutSignature } from './pe.ts';
import { exeOf, hostTarget, NODE_VERSION, nameOf, pkgNameOf, type Target } from './targets.ts';

const ROOT = join(import.meta.dirname, '..');
const WORK = join(ROOT, 'build', 'package');
/** In a Mach-O signature. */
const IDENTIFIER = 'upgrade-guard';

const require = createRequire(import.meta.url);

/**
 * No flag of V8: with one, it passes over the code that Node.js carries for its modules (src/cluster/young.ts).
 * --no-deprecation: Node.js reports DEP0123 when a SOCKS proxy is given by address. --use-system-ca: as kubectl, trust what the system trusts.
 * --v8-pool-size: one thread beside the main one; each more holds memory of its own for little to do.
 * execArgvExtension none: otherwise NODE_OPTIONS of the user's shell reaches our binary and can stop it from starting.
 */
const SEA_CONFIG = {
  disableExperimentalSEAWarning: true,
  useSnapshot: false,
  execArgv: ['--no-deprecation', '--use-system-ca', '--v8-pool-size=1'],
  execArgvExtension: 'none',
};

/** Third-party licences; goes into every archive. */
export const LICENCES = join(DIST, 'THIRD_PARTY_LICENSES');

export interface Executable {
  target: Target;
  path: string;
}

/** Makes those that are not current, one after the other: each takes about 1 GB of memory meanwhile. */
export async function executablesFor(targets: Target[]): Promise<Executable[]> {
  const built = await build();
  put(LICENCES, [built.licences, licenceOfNode(ROOT)].join('\n'));
  const made: Executable[] = [];
  for (const target of targets) made.push({ target, path: await executableFor(target, built) });
  return made;
}

function binaryOf(target: Target): string {
  const name = target === hostTarget() ? 'upgrade-guard' : `upgrade-guard-${nameOf(target)}`;
  return join(DIST, name + exeOf(target));
}

async function executableFor(target: Target, built: Built): Promise<string> {
  if (process.versions.node !== NODE_VERSION) {
    throw new Error(
      `packaging: what makes the executable must be Node.js ${NODE_VERSION} as well, this is ${process.versions.node}; start it with "npm run package"`,
    );
  }
  const output = binaryOf(target);
  const stamp = join(WORK, `${nameOf(target)}.stamp`);
  const inputs = inputsOf(target, built);
  if (isCurrent(stamp, inputs, output)) return output;
  const fresh = await pack(target, built, await nodeBinary(target));
  renameSync(fresh, output);
  writeFileSync(stamp, stampOf(inputs, output));
  return output;
}

// ---- is it current? -------------------------------------------------------------------------------------------------

/** A hash over everything that decides what comes out. */
function inputsOf(target: Target, built: Built): string {
  const hash = createHash('sha256')
    .update(built.sha256)
    .update(JSON.stringify([target, NODE_VERSION, SEA_CONFIG]));
  hash.update(require('@yao-pkg/pkg/package.json').version);
  for (const script of ['executable.ts', 'macho.ts', 'pe.ts']) hash.update(readFileSync(join(import.meta.dirname, script)));
  return hash.digest('hex');
}

function isCurrent(stamp: string, inputs: string, output: string): boolean {
  return existsSync(stamp) && existsSync(output) && readFileSync(stamp, 'utf8') === stampOf(inputs, output);
}

function stampOf(inputs: string, output: string): string {
  const { size, mtimeMs } = statSync(output);
  return `${inputs} ${size} ${mtimeMs}\n`;
}

// ---- pkg ------------------------------------------------------------------------------------------------------------

interface Sea {
  default(entry: string, options: object): Promise<void>;
}

/** Returns the finished file, still in the work folder. */
async function pack(target: Target, built: Built, node: string): Promise<string> {
  const home = join(WORK, `home-${process.pid}`);
  const output = join(WORK, `${nameOf(target)}-${process.pid}${exeOf(target)}`);
  const entry = join(home, 'upgrade-guard.cjs');
  try {
    seed(home, target, node);
    copyFileSync(built.file, entry);
    const assets = assetsFor(target, built);
    for (const name of assets) copyFileSync(join(PARTS, name), join(home, name));
    await inPlace({ HOME: home, USERPROFILE: home, TMPDIR: home, TEMP: home }, () => runPkg(target, entry, output, assets));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  // pkg would call codesign, which exists on macOS only.
  if (target.os === 'darwin') writeFileSync(output, signAdHoc(readFileSync(output), IDENTIFIER));
  chmodSync(output, 0o755);
  return output;
}

/** What V8 made of the parts is for this platform alone: Node.js warns that elsewhere it may crash, and compiles them again where there is none. */
function assetsFor(target: Target, { parts }: Built): string[] {
  return target === hostTarget() ? parts : parts.filter((name) => !name.endsWith('.code'));
}

async function runPkg(target: Target, input: string, output: string, assets: string[]): Promise<void> {
  const sea = seededSea();
  const original = sea.default;
  // pkg 6.23.0 has no public way to set these. The entry's path ends up in the binary; seen from pkg's own temporary folder it is the same everywhere,
  // which keeps the binary reproducible.
  const seaConfig = {
    ...SEA_CONFIG,
    // As with the code of the parts: it is for this platform alone.
    useCodeCache: target === hostTarget(),
    main: '../upgrade-guard.cjs',
    assets: Object.fromEntries(assets.map((name) => [name, `../${name}`])),
  };
  sea.default = (entry, options) => original(entry, { ...options, signature: false, seaConfig });
  try {
    await require('@yao-pkg/pkg').exec({ input, output, sea: true, targets: [`node${NODE_VERSION}-${pkgNameOf(target)}`] });
  } finally {
    sea.default = original;
  }
}

/** pkg's module, in which the Node.js that makes the blob is started with a fixed seed, since otherwise what V8 makes of main differs from build to build. */
function seededSea(): Sea {
  const { execFile } = childProcess;
  const plain = promisify(execFile);
  const seeded = (file: string, words: string[]) => plain(file, [`--random-seed=${SEED}`, ...words]);
  childProcess.execFile = Object.assign(() => {}, { [promisify.custom]: seeded }) as unknown as typeof execFile;
  try {
    return require('@yao-pkg/pkg/lib-es5/sea.js');
  } finally {
    childProcess.execFile = execFile;
  }
}

/** Puts the binary where pkg keeps its downloads; the markers say that archive and binary are whole. */
function seed(home: string, target: Target, node: string): void {
  const cache = join(home, '.pkg-cache', 'sea');
  const name = join(cache, `node-v${NODE_VERSION}-${pkgNameOf(target).replace('macos', 'darwin')}`);
  mkdirSync(cache, { recursive: true });
  const windows = target.os === 'windows';
  const archive = `${name}.${windows ? 'zip' : 'tar.gz'}`;
  const binary = windows ? `${name}.exe` : join(name, 'bin', 'node');
  mkdirSync(dirname(binary), { recursive: true });
  if (windows) writeFileSync(binary, withoutSignature(readFileSync(node)));
  else copyFileSync(node, binary);
  chmodSync(binary, 0o755);
  for (const empty of [archive, `${archive}.ok`, `${binary}.ok`]) writeFileSync(empty, '');
}

async function inPlace(environment: Record<string, string>, work: () => Promise<void>): Promise<void> {
  const before = { ...process.env };
  Object.assign(process.env, environment);
  try {
    await work();
  } finally {
    for (const name of Object.keys(environment)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}
