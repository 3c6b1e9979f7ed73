// npm run package as a user runs it: in a fresh copy of the checkout, without network. Two such copies, in two places, give the same bytes; what they
// hold can be installed.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectVersion } from '../../scripts/build.ts';
import { hostTarget, nameOf } from '../../scripts/targets.ts';
import { tools } from '../bed/tools.ts';
import { entriesOf } from './entries.ts';

const ROOT = join(import.meta.dirname, '../..');
const NEEDED = ['LICENSE', 'krew-manifest.yaml', 'package.json', 'plugin.complete', 'plugin.yaml', 'scripts', 'src', 'tsconfig.json'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ug-release-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As npm leaves it, without what was built in it. */
function copyOf(checkout: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  for (const name of NEEDED) cpSync(join(checkout, name), join(to, name), { recursive: true, filter: (file) => !file.endsWith('.gen.ts') });
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'));
}

/** Ends every attempt to reach a network, in the process and in the Node.js processes that it starts, and leaves a trace of it. */
const NO_NETWORK = `
const { appendFileSync } = require('node:fs');
const refuse = (what) => () => {
  appendFileSync(process.env.ATTEMPTS, what + '\\n');
  throw new Error('the test allows no network: ' + what);
};
require('node:net').Socket.prototype.connect = refuse('connect');
require('node:dns').lookup = refuse('lookup');
require('node:dgram').Socket.prototype.send = refuse('send');
`;

const attempts = () => {
  const file = join(folder, 'attempts');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

/** Runs Node.js without network and without commands: nothing can be fetched through npm either. */
function alone(words: string[], cwd = folder): Promise<{ stdout: string; stderr: string }> {
  const guard = join(folder, 'no-network.cjs');
  writeFileSync(guard, NO_NETWORK);
  const env = {
    PATH: join(folder, 'no-commands'),
    HOME: join(folder, 'home'),
    NODE_OPTIONS: `--require=${guard}`,
    ATTEMPTS: join(folder, 'attempts'),
  };
  return promisify(execFile)(process.execPath, words, { cwd, env });
}

async function packaged(checkout: string, ...words: string[]): Promise<string> {
  const { stdout, stderr } = await alone(['scripts/run.mjs', 'package', ...words], checkout);
  expect(stderr).toBe('');
  return stdout;
}

/** Every file below, with what is in it. */
function filesOf(checkout: string): Map<string, Buffer> {
  const dist = join(checkout, 'dist');
  const names = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(dist, name)).isFile());
  return new Map(names.sort().map((name) => [name, readFileSync(join(dist, name))]));
}

const first = () => join(folder, 'first');
const second = () => join(folder, 'somewhere/else entirely');
let said: string;

it('needs no network, and gives the same bytes in another place', { timeout: 300_000 }, async () => {
  copyOf(ROOT, first());
  copyOf(first(), second());
  said = await packaged(first());
  // What goes into the archives; that these are then the same is in krew.test.ts, where they are small.
  await packaged(second(), '--host');
  expect(attempts()).toEqual([]);
  const [files, others] = [filesOf(first()), filesOf(second())];
  expect([...others.keys()]).toEqual([...files.keys()].filter((name) => !name.startsWith('release/')));
  for (const [name, bytes] of others) expect([name, bytes.equals(files.get(name)!)]).toEqual([name, true]);
});

it('would have seen an attempt to reach one', async () => {
  await expect(alone(['-e', "fetch('http://127.0.0.1:8999').catch((error) => { throw error.cause; })"])).rejects.toThrow(
    'no network: connect',
  );
  expect(attempts()).toEqual(['connect']);
});

it('states everything that it wrote, and how to install it', () => {
  const stated = said.split('\n').flatMap((line) => /^ {2}(dist\/\S+) +\d+ [kM]B {2}\S/.exec(line)?.[1] ?? []);
  for (const path of stated) expect(existsSync(join(first(), path))).toBe(true);
  const isStated = (file: string) => stated.some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path));
  const others = [...filesOf(first()).keys()].filter((name) => !isStated(`dist/${name}`));
  expect(others.map((name) => name.replace(/-[0-9a-f]{12}\./, '.'))).toEqual([
    ...['client', 'core', 'main'].flatMap((part) => [`parts/${part}.cjs`, `parts/${part}.code`]),
    'upgrade-guard.cjs',
  ]);
  const host = nameOf(hostTarget());
  expect(said).toContain(`upgrade-guard ${projectVersion()} for ${host}, `);
  expect(said).toContain(`helm plugin install dist/release/${host}/spiderpool-upgrade\n`);
  expect(said).toMatch(
    /kubectl krew install --manifest=dist\/release\/krew-manifest\.yaml --archive=dist\/release\/kubectl-upgrade_guard_\S+\n/,
  );
});

it('the krew archive, unpacked and linked as krew does it, answers to kubectl', async () => {
  const release = join(first(), 'dist/release');
  const { bin, uri, sha256 } = parse(readFileSync(join(release, 'krew-manifest.yaml'), 'utf8')).spec.platforms[0];
  const archive = join(release, basename(uri));
  expect(createHash('sha256').update(readFileSync(archive)).digest('hex')).toBe(sha256);
  const [store, links] = [join(folder, 'store'), join(folder, 'links')];
  for (const path of [store, links]) mkdirSync(path);
  for (const { header, bytes } of await entriesOf(archive)) writeFileSync(join(store, header.name), bytes, { mode: header.mode });
  symlinkSync(join(store, bin), join(links, 'kubectl-upgrade_guard'));
  const env = { PATH: `${links}:/usr/bin:/bin`, HOME: folder };
  const { stdout } = await promisify(execFile)(tools().kubectl, ['upgrade-guard', 'version', '-o', 'json'], { env });
  expect(JSON.parse(stdout)).toMatchObject({ name: 'upgrade-guard', version: projectVersion() });
});
