// The parts of the program: main, which every start needs; the core and the Kubernetes client, which few do. Each is a file in parts/ beside what boots, or an asset of the single executable.
// With it lies what V8 made of it when it was built: where V8 takes that, the part need not be compiled again.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type vm from 'node:vm';

export type PartName = 'main' | 'core' | 'client';

/** Put in by scripts/build.ts: the file of each part. It is named after what is in it, so that none meets another build's part. */
declare const PARTS: Record<PartName, string>;
declare const __dirname: string;

/** What one part calls another by; and what they are asked for by. */
export const CLIENT = 'upgrade-guard:client';
export const SHELF = 'upgrade-guard:parts';

const loaded = new Map<PartName, object>();

export function part<Exports extends object>(name: PartName): Exports {
  const before = loaded.get(name);
  if (before) return before as Exports;
  const { source, code } = filesOf(PARTS[name]);
  const module = { exports: {} };
  scriptOf(name, source, code).runInThisContext()(module.exports, required, module, process.execPath, '.');
  loaded.set(name, module.exports);
  return module.exports as Exports;
}

/** Parts need one another, and modules of Node.js itself. */
function required(id: string): object {
  if (id === CLIENT) return part('client');
  if (id === SHELF) return { part };
  const found = process.getBuiltinModule(id);
  if (!found) throw Object.assign(new Error(`there is no module ${id}`), { code: 'MODULE_NOT_FOUND' });
  return found;
}

/** `source`: a function of what CommonJS gives to a module. `code`: V8 looks whether it fits this V8 and a source of this length; if it does not, it compiles the source and says nothing. */
export function scriptOf(name: PartName, source: string, code?: Uint8Array): vm.Script {
  const { Script } = process.getBuiltinModule('node:vm');
  return new Script(source, { filename: `upgrade-guard-${name}.cjs`, cachedData: code });
}

function filesOf(file: string): { source: string; code?: Uint8Array } {
  const sea = process.getBuiltinModule('node:sea');
  const read = (name: string): Buffer =>
    sea.isSea() ? Buffer.from(sea.getRawAsset(name)) : readFileSync(path.join(__dirname, 'parts', name));
  const source = read(`${file}.cjs`).toString('latin1'); // scripts/build.ts makes it ASCII
  try {
    return { source, code: read(`${file}.code`) };
  } catch {
    return { source }; // made for another platform, or taken away
  }
}
