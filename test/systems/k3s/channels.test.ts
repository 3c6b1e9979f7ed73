// --channels FILE: what the channel of a Plan resolves to is known from a saved answer alone, and the Plan is judged by it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadChannels } from '../../../src/cli/channels.ts';
import { examine } from '../../../src/engine/examine.ts';
import { forgetReplaced } from '../../../src/engine/knowledge.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { layOut } from '../../fixtures.ts';

const folders: string[] = [];
afterEach(() => {
  forgetReplaced();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const PLAN = {
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'server', namespace: 'system-upgrade', uid: 'plan-server' },
  spec: {
    concurrency: 1,
    cordon: true,
    channel: 'https://update.k3s.io/v1-release/channels/stable',
    nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }] },
    upgrade: { image: 'rancher/k3s-upgrade' },
  },
};

async function skewOf(): Promise<string[]> {
  const folder = layOut('k3s/plan-skew', { objects: [PLAN] });
  folders.push(folder);
  const { results } = await examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: ['k3s/plan-skew'] });
  return results[0]!.findings.map(({ message }) => message.en);
}

const written = (content: string): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ug-channels-'));
  folders.push(folder);
  const file = path.join(folder, 'channels.json');
  writeFileSync(file, content);
  return file;
};

test('a channel that skips a minor is found once its answer is there', async () => {
  expect(await skewOf()).toEqual([]);
  forgetReplaced();
  loadChannels(written(JSON.stringify({ type: 'collection', data: [{ id: 'stable', name: 'stable', latest: 'v1.35.5+k3s1' }] })));
  expect(await skewOf()).toEqual([expect.stringContaining('from v1.33.9+k3s1 to v1.35.5+k3s1, which skips a minor version')]);
});

test.each([
  ['not JSON', '<html>', /not JSON/],
  ['another answer', '{"data": []}', /no channels in data/],
])('%s is refused', (_, content, why) => {
  expect(() => loadChannels(written(content))).toThrow(why);
});
