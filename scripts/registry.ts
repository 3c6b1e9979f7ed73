// Writes the registries that are made from what lies in the folders: the checks of each system, and the systems. Not committed; made before build, test, lint and typecheck.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const HEADER = '// Made by scripts/registry.ts. Do not edit.';

/** Returns the files that changed, relative to the checkout. */
export function writeRegistries(root = ROOT): string[] {
  const systems = join(root, 'src', 'systems');
  const names = readdirSync(systems, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(systems, entry.name, 'index.ts')))
    .map((entry) => entry.name)
    .sort();
  const changed = names.filter((name) => put(join(systems, name, 'registry.gen.ts'), checksOf(join(systems, name)))).map(genOf);
  if (put(join(systems, 'registry.gen.ts'), listing('System', 'systems', '../engine', names.map(systemEntry))))
    changed.push('src/systems/registry.gen.ts');
  return changed;
}

const genOf = (name: string) => `src/systems/${name}/registry.gen.ts`;
const systemEntry = (name: string): Entry => ({ local: `${camel(name)}System`, path: `./${name}/index.ts` });

interface Entry {
  local: string;
  path: string;
}

function checksOf(system: string): string {
  const folder = join(system, 'checks');
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.ts'))
        .sort()
    : [];
  const entries = files.map((file): Entry => {
    const name = file.slice(0, -'.ts'.length);
    if (!CHECK_NAME.test(name))
      throw new Error(`making ${system}/registry.gen.ts: ${file} is no name of a check; use lower case letters, digits and dashes`);
    return { local: `${camel(name)}Check`, path: `./checks/${file}` };
  });
  return listing('Check', 'checks', '../../engine', entries);
}
export const CHECK_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

function listing(type: string, name: string, engine: string, entries: Entry[]): string {
  const imports = entries.map(({ local, path }) => `import ${local} from '${path}';`);
  const items = entries.map(({ local }) => `  ${local},`);
  const list = [`const ${name}: ${type}[] = [`, ...items, '];', `export default ${name};`];
  return [HEADER, `import type { ${type} } from '${engine}/contracts.ts';`, ...imports, '', ...list, ''].join('\n');
}

function camel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Writes only what differs, so that nothing is built again for nothing. */
function put(file: string, text: string): boolean {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return false;
  writeFileSync(file, text);
  return true;
}

if (process.argv[1] === import.meta.filename) writeRegistries();
