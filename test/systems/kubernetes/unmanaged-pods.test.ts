import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid, laid } from '../../grid.ts';

const WAITING = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'waiting', namespace: 'team-shop', uid: 'pod-waiting' } },
  ...{ spec: { containers: [{ name: 'c', image: 'x' }] }, status: { phase: 'Pending' } },
};

grid('kubernetes/unmanaged-pods', [
  { fixture: 'found', expect: ['warning Pod/team-shop/debug, Pod/team-shop/shell', 'warning Pod/team-batch/import'] },
  // Where Nodes are drained the upgrade ends there.
  { fixture: 'found', nodes: 'drain', expect: ['blocker Pod/team-shop/debug, Pod/team-shop/shell', 'blocker Pod/team-batch/import'] },
  { fixture: 'found', nodes: 'replace', expect: ['blocker Pod/team-shop/debug, Pod/team-shop/shell', 'blocker Pod/team-batch/import'] },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  { fixture: 'healthy', expect: 'passed' },
  // On no Node yet.
  { objects: [WAITING], expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);

test('a blocker that can be accepted says what the upgrade then does', async () => {
  const folder = laid('kubernetes/unmanaged-pods', { fixture: 'found', expect: '' });
  const dump = await readDump(folder);
  rmSync(folder, { recursive: true, force: true });
  const said = async (nodes: 'drain' | undefined) =>
    (await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/unmanaged-pods'], nodes })).results.flatMap(({ findings }) =>
      findings.map(({ message }) => [message.en, message.zh]),
    );
  for (const [en, zh] of await said('drain')) {
    expect(en).toMatch(/--force deletes (it|them) for good, as does upgrade with --accept kubernetes\/unmanaged-pods$/);
    expect(zh).toMatch(/升级时指定 --accept kubernetes\/unmanaged-pods 同样会永久删除$/);
  }
  expect((await said(undefined)).flat().join()).not.toContain('--accept');
});
