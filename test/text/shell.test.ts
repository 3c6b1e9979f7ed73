// Commands to paste: one that reads JSON is the same on one line, as a shell itself has it.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { fedWith } from '../../src/engine/steps/shell.ts';
import { commandLine, inOneLine } from '../../src/text/shell.ts';

test('a document on standard input arrives the same over several lines and on one', () => {
  const json = { a: "it's", b: ['back\\slash', 'two\nlines', '$HOME `id` %s'], c: { d: 1 } };
  const command = fedWith('cat', json);
  expect(inOneLine(command)).not.toContain('\n');
  for (const each of [command, inOneLine(command)]) {
    const { stdout, stderr, status } = spawnSync('sh', ['-c', each], { encoding: 'utf8' });
    expect([status, stderr, JSON.parse(stdout)]).toEqual([0, '', json]);
  }
  // What is cut cannot be pasted.
  const long = commandLine(fedWith('cat', 'x'.repeat(5000)));
  expect(spawnSync('sh', ['-c', long], { encoding: 'utf8' }).stdout).toBe(`"${'x'.repeat(5000)}"`);
  expect(inOneLine('kubectl get pods')).toBe('kubectl get pods');
});
