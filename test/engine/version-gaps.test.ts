// A place that may name another version and could not be read: it shows, and whatever judges by the version is not known.
import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { examine } from '../../src/engine/examine.ts';
import { parseTarget } from '../../src/engine/paths.ts';
import { exitCode, isComplete } from '../../src/engine/verdict.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { laid } from '../grid.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The agent is still what it was; the controller, which may not be seen, is the target's already. */
const AGENT = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'spiderpool-agent', namespace: 'kube-system', uid: 'agent', labels: { 'app.kubernetes.io/name': 'spiderpool' } },
  spec: { template: { spec: { containers: [{ name: 'a', image: 'ghcr.io/spidernet-io/spiderpool/spiderpool-agent:v0.8.0' }] } } },
};

test.each([['deployments.apps'], ['daemonsets.apps'], ['secrets']])(
  'without the right to list %s nothing is called fine',
  async (resource) => {
    const folder = laid('spiderpool/target-version', { objects: [AGENT], forbidden: [resource], expect: '' });
    folders.push(folder);
    const { installations, results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, {
      checks: ['spiderpool/target-version'],
      targets: [parseTarget('spiderpool=0.9.13', SYSTEMS)],
    });
    const gap = { why: 'forbidden', verb: 'list', resource };
    for (const { gaps } of installations) expect(gaps).toEqual([expect.objectContaining(gap)]);
    expect(installations.length).toBeGreaterThan(0);
    const [target] = results.filter(({ id }) => id === 'spiderpool/target-version');
    expect(target).toMatchObject({ outcome: 'unknown', gaps: [gap] });
    expect(isComplete(results)).toBe(false);
    expect(exitCode(results, 'blocker')).toBe(3);
  },
);

test('with all of them seen there is no gap', async () => {
  const folder = laid('spiderpool/target-version', { expect: '' });
  folders.push(folder);
  const { installations } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { systems: ['spiderpool'] });
  expect(installations.map(({ gaps }) => gaps)).toEqual([undefined]);
});
