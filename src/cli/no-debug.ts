// NODE_DEBUG=http makes Node.js print every header of a request, a bearer token among them, and it is read before the first line of ours: the process is begun again without it. boot.ts imports this before anything that connects.
// kubectl masks tokens whatever is asked of it; here -v 6 shows requests without their headers.
const ASKED = ['NODE_DEBUG', 'NODE_DEBUG_NATIVE'].filter((name) => process.env[name]);
if (ASKED.length) {
  for (const name of ASKED) delete process.env[name];
  // Where there is something in argv beside the executable (node dist/upgrade-guard.cjs) it is named again.
  const { isSea } = process.getBuiltinModule('node:sea');
  const words = [...process.execArgv.filter(() => !isSea()), ...process.argv.slice(isSea() ? 2 : 1)];
  const { execve } = process as { execve?(file: string, words: string[], env: NodeJS.ProcessEnv): void };
  if (execve && process.platform !== 'win32') execve.call(process, process.execPath, [process.argv0, ...words], process.env);
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  process.exit(spawnSync(process.execPath, words, { stdio: 'inherit' }).status ?? 1);
}
