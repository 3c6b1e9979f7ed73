// The Node.js binary that a platform's executable is made from: the one npm installed, or fetched with `npm pack` and checked against the sum in targets.json.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { exeOf, NODE_VERSION, type Target } from './targets.ts';

const ROOT = join(import.meta.dirname, '..');
const CACHE = join(ROOT, 'build', 'nodes');

/** Path of the plain `node` or `node.exe` of the version that we ship. */
export async function nodeBinary(target: Target): Promise<string> {
  const inPackage = join('bin', `node${exeOf(target)}`);
  const installed = join(ROOT, 'node_modules', target.package);
  // npm checked it against the lockfile.
  if (existsSync(join(installed, inPackage)) && versionOf(installed) === NODE_VERSION) return join(installed, inPackage);
  const binary = join(CACHE, `${target.package}-${NODE_VERSION}${exeOf(target)}`);
  if (!existsSync(binary)) await fetchBinary(target, `package/${inPackage.replaceAll('\\', '/')}`, binary);
  return binary;
}

function versionOf(folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}

async function fetchBinary(target: Target, entry: string, binary: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const spec = `${target.package}@${NODE_VERSION}`;
  const packed = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', CACHE], { encoding: 'utf8' }).trim();
  const archive = join(CACHE, packed.split('\n').at(-1) ?? '');
  const sum = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (sum !== target.integrity) {
    rmSync(archive);
    throw new Error(`fetching ${spec}: its sum is ${sum}, but scripts/targets.json says ${target.integrity}; do not use it, find out why`);
  }
  await unpackOne(archive, entry, binary);
  rmSync(archive);
}

async function unpackOne(archive: string, entry: string, to: string): Promise<void> {
  const entries = createReadStream(archive).pipe(createGunzip()).pipe(extract());
  for await (const file of entries) {
    if (file.header.name !== entry) {
      file.resume();
      continue;
    }
    // Only a whole file gets its name: a killed download leaves nothing that looks like one.
    await writeFile(`${to}.new`, await buffer(file), { mode: 0o755 });
    renameSync(`${to}.new`, to);
    return;
  }
  throw new Error(`unpacking ${archive}: it holds no ${entry}`);
}
