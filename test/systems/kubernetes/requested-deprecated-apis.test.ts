import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { layOut } from '../../fixtures.ts';
import { grid } from '../../grid.ts';

test('of several API servers it says how many were asked, how often, and since when', async () => {
  const folder = layOut('kubernetes/requested-deprecated-apis', { fixture: 'two' });
  try {
    const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: ['kubernetes/requested-deprecated-apis'] });
    expect(results.flatMap(({ findings }) => findings.map(({ message }) => message.en))).toEqual([
      'policy/v1beta1/poddisruptionbudgets was requested on 1 of 2 API servers (12 times since the API server started on 2025-10-09): removed in 1.25',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

grid('kubernetes/requested-deprecated-apis', [
  // For 1.25 the first is due, the second not yet.
  { fixture: 'found', expect: ['warning ', 'notice '] },
  { fixture: 'found', to: 'kubernetes=1.26', expect: ['warning ', 'warning '] },
  // Served for one release more than they should be: the next minor does not.
  { fixture: 'found', server: 'v1.25.16', to: 'kubernetes=1.26', expect: ['warning ', 'warning '] },
  { fixture: 'found', server: 'v1.25.16', to: 'kubernetes=v1.25.17', expect: ['notice ', 'notice '] },
  // PodSecurityPolicies have no other version, and every API server watches its own flow control: the control plane asks for them.
  { fixture: 'alone', expect: ['notice ', 'notice ', 'notice ', 'notice '] },
  { fixture: 'alone', to: 'kubernetes=1.29', expect: ['notice ', 'notice ', 'notice ', 'notice '] },
  // An API server of 1.26 watches a later version: another client asked for this one.
  { fixture: 'alone', server: 'v1.26.15', to: 'kubernetes=1.29', expect: ['notice ', 'warning ', 'warning ', 'warning '] },
  { fixture: 'two', expect: 'warning ' },
  { fixture: 'healthy', expect: 'passed' },
  { base: 'managed', bare: true, expect: 'unknown' },
]);
