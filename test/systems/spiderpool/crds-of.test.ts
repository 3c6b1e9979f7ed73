// The small CRDs that stand in for upstream's in a healthy cluster lack nothing that the table wants.
import { expect, test } from 'vitest';
import { lacking } from '../../../src/chart/crds.ts';
import { wantedByTable } from '../../../src/systems/spiderpool/crds.ts';
import { crdsOf } from '../../bed/crds-of.ts';

test.each(['0.3.7', '0.9.13', '1.2.2'])('%s', (version) => {
  const made = crdsOf(version);
  const wanted = wantedByTable(version)!;
  expect(wanted.map((one, i) => lacking(made[i]!, one))).toEqual(wanted.map(() => []));
});
