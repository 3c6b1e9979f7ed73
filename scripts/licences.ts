// The licences of everything that ends up in the bundle, read from what esbuild says it took, and Node.js's own for the single executable.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { hostTarget } from './targets.ts';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i;

/** Names of the packages that a bundle holds, sorted. */
export function packagesOf(metafile: Metafile): string[] {
  const names = Object.keys(metafile.inputs).flatMap((input) => folderOf(input)?.name ?? []);
  return [...new Set(names)].sort();
}

/** The text of THIRD_PARTY_LICENSES. A package that ships no licence file is listed with the licence that it declares. */
export function licencesOf(root: string, metafiles: Metafile[]): string {
  const folders = new Set(metafiles.flatMap((metafile) => Object.keys(metafile.inputs).flatMap((input) => folderOf(input)?.folder ?? [])));
  const packages = [...folders].sort().map((folder) => section(join(root, folder)));
  return [...packages, nodeSection(root)].join('\n');
}

/** The innermost package of a path such as node_modules/a/node_modules/@b/c/index.js. */
function folderOf(input: string): { name: string; folder: string } | undefined {
  const match = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(input);
  return match ? { folder: match[1]!, name: match[2]! } : undefined;
}

function section(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .sort();
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return heading(`${name} ${version} (${license})`, texts.length > 0 ? texts.join('\n\n') : 'The package holds no licence file.');
}

function nodeSection(root: string): string {
  const file = join(root, 'node_modules', hostTarget().package, 'LICENSE');
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'See LICENSE in the Node.js distribution.';
  return heading(`Node.js ${process.versions.node}`, text);
}

function heading(title: string, text: string): string {
  return `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n${text}\n`;
}
