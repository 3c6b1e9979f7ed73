import { expect, test } from 'vitest';
import { forbiddenIn } from '../../src/cli/commands/snapshot.ts';
import type { CheckResult, Gap } from '../../src/engine/contracts.ts';

test('snapshot warns of checks that are unknown for want of a right, of no others', () => {
  const of = (outcome: CheckResult['outcome'], ...why: Gap['why'][]) => ({
    outcome,
    gaps: why.map((each) => ({ why: each, verb: 'list', resource: 'pods', detail: '' }) as Gap),
  });
  expect(
    forbiddenIn([of('unknown', 'failed', 'forbidden'), of('unknown', 'failed'), of('passed', 'forbidden'), of('unknown', 'forbidden')]),
  ).toBe(2);
});
