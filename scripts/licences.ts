// The licences of everything that ends up in the bundle, read from what esbuild says it took, and Node.js's own for the single executable.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { NODE_VERSION, TARGETS } from './targets.ts';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i;

/** Names of the packages that a bundle holds, sorted. */
export function packagesOf(metafile: Metafile): string[] {
  const names = Object.keys(metafile.inputs).flatMap((input) => folderOf(input)?.name ?? []);
  return [...new Set(names)].sort();
}

/** One section a package. A package that ships no licence file is listed with the licence that it declares. */
export function licencesOf(root: string, metafiles: Metafile[]): string {
  const folders = new Set(metafiles.flatMap((metafile) => Object.keys(metafile.inputs).flatMap((input) => folderOf(input)?.folder ?? [])));
  const sections = [...folders].map((folder) => section(join(root, folder)));
  return sections.sort().join('\n');
}

/** The same text on every platform; the packages for Windows lack it. Throws when npm brought none: nothing may be shipped without it. */
export function licenceOfNode(root: string): string {
  const file = TARGETS.map((target) => join(root, 'node_modules', target.package, 'LICENSE')).find((candidate) => existsSync(candidate));
  if (!file) throw new Error('collecting licences: node_modules holds no Node.js with its LICENSE; run "npm ci" (without --omit=optional)');
  return heading(`Node.js ${NODE_VERSION}`, readFileSync(file, 'utf8').trim());
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

function heading(title: string, text: string): string {
  return `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n${text}\n`;
}
