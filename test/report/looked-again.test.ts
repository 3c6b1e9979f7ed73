// The sentence behind the comparison counts the same findings as the comparison.
import { expect, test } from 'vitest';
import { beside } from '../../src/cli/baseline.ts';
import { type ComparedFinding, compare } from '../../src/engine/compare.ts';
import { type LookedAgain, lookedAgainText } from '../../src/report/looked-again.ts';

test('what is still there is what remains and the others, and what is new is neither', () => {
  const found = (...fingerprints: string[]) => ({
    findings: fingerprints.map((fingerprint) => ({ fingerprint, check: 'c', installation: 'i' }) as ComparedFinding),
    looked: new Set(['c i']),
  });
  const compared = compare(found('a', 'b', 'c', 'd'), found('b', 'c', 'd', 'new'));
  expect(compared.still.length).toBe(3);
  expect(beside(compared, new Set(['b']))).toEqual({ added: 1, others: 2 });
  // A blocker that is new remains, and is none of those that are as before.
  expect(beside(compared, new Set(['b', 'new']))).toEqual({ added: 1, others: 2 });
});

test.each<[LookedAgain, string, string]>([
  [{ remaining: 0, selected: 2 }, 'Re-checked: all selected findings are fixed.', '复查：所选问题均已修复。'],
  [
    { remaining: 0, selected: 2, added: 1, others: 1 },
    'Re-checked: all selected findings are fixed, but 1 finding is new (see above); 1 other finding is as before.',
    '复查：所选问题均已修复，但出现了 1 个新问题（见上文）；另有 1 个问题与之前相同。',
  ],
  [
    { remaining: 1, selected: 2, others: 16 },
    'Re-checked: 1 of 2 selected findings remains; 16 other findings are as before.',
    '复查：所选的 2 个问题中仍有 1 个；另有 16 个问题与之前相同。',
  ],
  [
    { remaining: 1, others: 16 },
    'Re-checked: 1 blocker remains; 16 other findings are as before.',
    '复查：仍有 1 个阻断项；另有 16 个问题与之前相同。',
  ],
  [{ remaining: 0 }, 'Re-checked: no blockers remain.', '复查：没有剩余的阻断项。'],
])('%j', (found, en, zh) => expect(lookedAgainText(found)).toEqual({ en, zh }));
