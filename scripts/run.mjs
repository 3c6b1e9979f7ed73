// Starts one of the scripts beside it, on the right Node.js: `node scripts/run.mjs NAME …`. Plain JavaScript, because an older Node.js has to be able to read it and say so.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// @kubernetes/client-node 2 brings undici 8, which declares >=22.19; from 22.18 on Node.js runs TypeScript by itself.
const LEAST = [22, 19];

const [name = '', ...words] = process.argv.slice(2);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
  const needs = `error: this project needs Node.js ${LEAST.join('.')} or newer, this is ${process.versions.node}`;
  console.error(`${needs}: run "npm ci" (it brings a newer Node.js, unless --omit=optional is set), then "npm run ${name || 'NAME'}"`);
  process.exit(1);
}
// Said once per process about the very feature that we rely on.
const { emitWarning } = process;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).includes('Type Stripping')) emitWarning.call(process, warning, ...rest);
};
const script = join(import.meta.dirname, `${name}.ts`);
process.argv.splice(1, process.argv.length, script, ...words);
try {
  await import(pathToFileURL(script).href);
} catch (error) {
  // Our own errors say everything; whatever else is thrown shows where.
  const ours = error instanceof Error && error.name === 'Error' && !('code' in error);
  console.error(ours ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
