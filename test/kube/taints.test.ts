import { expect, test } from 'vitest';
import { type Toleration, tolerates } from '../../src/kube/taints.ts';

const taint = { key: 'k', value: 'v', effect: 'NoSchedule' };
test.each<[Toleration, boolean]>([
  [{ key: 'k', operator: 'Exists' }, true],
  [{ key: 'k', value: 'v' }, true],
  [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' }, true],
  [{ operator: 'Exists' }, true],
  [{ key: 'k' }, false],
  [{ key: 'k', value: 'w' }, false],
  [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }, false],
  [{ value: 'v' }, false],
])('%j: %s', (toleration, expected) => expect(tolerates([toleration], taint)).toBe(expected));
