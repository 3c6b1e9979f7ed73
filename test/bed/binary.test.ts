// The helper that runs the binary, shown on a shell in its place: nothing of this machine's environment comes through, and a kill is a kill.
import { existsSync, rmSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { newHome, run, start } from './binary.ts';

const binary = '/bin/sh';
afterEach(() => vi.unstubAllEnvs());

test('it gives back what was printed and how it ended', async () => {
  expect(await run(['-c', 'read a; echo "got $a"; echo oops >&2; exit 3'], { binary, input: 'x\n' })).toMatchObject({
    ...{ code: 3, signal: null },
    ...{ stdout: 'got x\n', stderr: 'oops\n' },
  });
});

test('a home of its own, and neither KUBECONFIG nor a cluster around us', async () => {
  vi.stubEnv('KUBECONFIG', '/theirs');
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1');
  const { stdout } = await run(['-c', 'echo "$HOME $XDG_STATE_HOME $LANG [$KUBECONFIG] [$KUBERNETES_SERVICE_HOST]"'], { binary });
  expect(stdout).toMatch(/^(\S+) \1\/state en_US\.UTF-8 \[] \[]\n$/);
  expect(existsSync(stdout.split(' ')[0]!)).toBe(false);
});

test('a home that was given stays', async () => {
  const home = newHome();
  await run(['-c', 'echo 1 > "$HOME/kept"'], { binary, home });
  expect(existsSync(`${home}/kept`)).toBe(true);
  rmSync(home, { recursive: true });
});

test('a started one can be killed at once, even if something that it had started lives on', async () => {
  const { child, kill, ended } = start(['-c', 'sleep 3 & echo begun; wait'], { binary });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  kill();
  const { code, signal, ms } = await ended;
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  expect(ms).toBeLessThan(2500);
});
