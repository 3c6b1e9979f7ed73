import { expect, test } from 'vitest';
import { unifiedDiff } from '../../src/files/diff.ts';

test('a file whose name a line cannot hold is named as git does: nothing in it begins the diff of another file', () => {
  const headOf = (file: string) => unifiedDiff(file, 'a\n', 'b\n').slice(0, 2);
  expect(headOf('web/x.yaml')).toEqual(['--- a/web/x.yaml', '+++ b/web/x.yaml']);
  expect(headOf('清单/x y.yaml')).toEqual(['--- a/清单/x y.yaml', '+++ b/清单/x y.yaml']);
  expect(headOf('e\n--- a/other\n+++ b/other')).toEqual([
    '--- "a/e\\012--- a/other\\012+++ b/other"',
    '+++ "b/e\\012--- a/other\\012+++ b/other"',
  ]);
  expect(headOf('a\u2028b\u2029')).toEqual(['--- "a/a\\342\\200\\250b\\342\\200\\251"', '+++ "b/a\\342\\200\\250b\\342\\200\\251"']);
  expect(headOf('a"\\\u001b[31m\u202e')).toEqual(['--- "a/a\\"\\\\\\033[31m\\342\\200\\256"', '+++ "b/a\\"\\\\\\033[31m\\342\\200\\256"']);
});
