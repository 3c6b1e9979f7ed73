// Makes what V8 needs to start a part of the program without compiling it: node code.ts PART SOURCE RESULT. A process of its own, started with --random-seed, so that the same source gives the same bytes.
// The part is used once before, because only functions that were called are in the result: what every command needs, and what `demo` does (a check, a repair, a check again).
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import v8 from 'node:v8';
import { type PartName, scriptOf } from '../src/cli/parts.ts';

interface Parts {
  core: { run(invocation: object): Promise<number> };
  client: { requestOptions(settled: object): Promise<object> };
}
const USED: { [Name in PartName]: (part: Parts[Name]) => Promise<unknown> } = {
  core: async ({ run }) => {
    const { write } = process.stdout;
    process.stdout.write = () => true;
    const caller = { kind: 'hand', usage: 'upgrade-guard' };
    const common = { args: [], flags: {}, caller, env: {}, version: '', language: 'en', signal: new AbortController().signal };
    for (const verb of ['checks', 'demo']) if ((await run({ ...common, verb })) !== 0) throw new Error(`${verb} failed`);
    process.stdout.write = write;
  },
  client: ({ requestOptions }) => requestOptions({ server: 'https://localhost', insecure: false, name: 'a', password: 'b' }),
};

const [name, source, result] = process.argv.slice(2) as [PartName, string, string];
const script = scriptOf(name, readFileSync(source, 'utf8'));
const module = { exports: {} };
// What was called is kept until it has been written down, whatever memory is like; V8 writes its settings into the result, so they are put back.
v8.setFlagsFromString('--no-flush-bytecode');
script.runInThisContext()(module.exports, createRequire(process.execPath), module, process.execPath, '.');
await (USED[name] as (part: object) => Promise<unknown>)(module.exports);
v8.setFlagsFromString('--flush-bytecode');
writeFileSync(result, script.createCachedData());
process.exit();
