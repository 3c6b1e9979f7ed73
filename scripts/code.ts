// Makes what V8 needs to start a part of the program without compiling it: node code.ts PART SOURCE RESULT. A process of its own, started with --random-seed, so that the same source gives the same bytes.
// The part is used once before, because only functions that were called are in the result: what every command needs, and what `demo` does (a check, a repair, a check again); of main a page, and the way to the core.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import v8 from 'node:v8';
import { type PartName, SHELF, scriptOf } from '../src/cli/parts.ts';

interface Parts {
  main: undefined;
  core: { run(invocation: object): Promise<number> };
  client: { requestOptions(settled: object): Promise<object> };
}
type Load = (require?: (id: string) => unknown) => unknown;
const USED: { [Name in PartName]: (load: () => Parts[Name], again: Load) => Promise<unknown> } = {
  // It begins by itself, and ends the process.
  main: async (_, load) => {
    const { argv, exit } = process;
    const core = { run: async () => 0 };
    for (const words of [['version'], ['--help'], ['checks', '-o', 'json']]) {
      process.argv = [...argv.slice(0, 2), ...words];
      const code = await new Promise((resolve) => {
        process.exit = resolve as typeof exit;
        load((id) => (id === SHELF ? { part: () => core } : require(id)));
      });
      if (code !== 0) throw new Error(`${words.join(' ')} failed`);
    }
    process.exit = exit;
  },
  core: async (load) => {
    const { run } = load();
    const { write } = process.stdout;
    process.stdout.write = () => true;
    const caller = { kind: 'hand', usage: 'upgrade-guard' };
    const common = { args: [], flags: {}, caller, env: {}, version: '', language: 'en', signal: new AbortController().signal };
    for (const verb of ['checks', 'demo']) if ((await run({ ...common, verb })) !== 0) throw new Error(`${verb} failed`);
    process.stdout.write = write;
  },
  client: (load) => load().requestOptions({ server: 'https://localhost', insecure: false, name: 'a', password: 'b' }),
};

const [name, source, result] = process.argv.slice(2) as [PartName, string, string];
const script = scriptOf(name, readFileSync(source, 'utf8'));
const require = createRequire(process.execPath);
const load: Load = (from = require) => {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, from, module, process.execPath, '.');
  return module.exports;
};
// What was called is kept until it has been written down, whatever memory is like; V8 writes its settings into the result, so they are put back.
v8.setFlagsFromString('--no-flush-bytecode');
await USED[name](load as never, load);
v8.setFlagsFromString('--flush-bytecode');
writeFileSync(result, script.createCachedData());
process.exit();
