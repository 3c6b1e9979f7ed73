// Ages are counted to the moment when a snapshot was recorded: a backup that was fresh then is fresh in it for ever. A folder of plain dumps says no moment, and is of now.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { collectDeclared } from '../../src/engine/collect.ts';
import type { Raw } from '../../src/engine/contracts.ts';
import { declarationsOf } from '../../src/engine/declarations.ts';
import { examine } from '../../src/engine/examine.ts';
import { pending } from '../../src/engine/steps/conditions.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { recordingSource } from '../../src/snapshot/record.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { dumpWorld } from '../../src/snapshot/world.ts';
import { writeSnapshot } from '../../src/snapshot/write.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { layOut } from '../fixtures.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'ug-recorded-'));
afterAll(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const CHECK = 'k3s/etcd-snapshot';
const DAY = 24 * 60 * 60 * 1000;
const found = async (from: string) => {
  const { results, recordedAt } = await examine(dumpSource(await readDump(from)), SYSTEMS, { checks: [CHECK] });
  return { outcome: results[0]!.outcome, recordedAt };
};

test('a snapshot is as old as it was', async () => {
  const healthy = layOut(CHECK, { fixture: 'healthy' });
  const dump = await readDump(healthy);
  const taken = [...dump.collected.values()].flatMap(({ objects }) =>
    objects.flatMap(({ kind, status }) => (kind === 'ETCDSnapshotFile' ? [Date.parse(String((status as Raw).creationTime))] : [])),
  );
  const then = Math.max(...taken) + 60_000;
  vi.useFakeTimers({ now: then, toFake: ['Date'] });
  expect(await found(healthy)).toEqual({ outcome: 'passed' });

  const recording = recordingSource(dumpSource(dump), declarationsOf(SYSTEMS));
  await examine(recording.source, SYSTEMS, {});
  await collectDeclared(recording.source, SYSTEMS, recording.has);
  const file = path.join(folder, 'a.tar.gz');
  await writeSnapshot(await recording.dump(), file);

  vi.setSystemTime(then + 100 * DAY);
  expect(await found(healthy), 'a folder is of now').toEqual({ outcome: 'found' });
  expect(await found(file)).toEqual({ outcome: 'passed', recordedAt: then });

  // A wait that is rehearsed on it counts so as well.
  const world = dumpWorld(await readDump(file));
  const of = { apiVersion: 'v1', kind: 'Node' };
  const at = new Date(then - 30_000).toISOString();
  const seen = { ...world, select: async () => [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, status: { at } }] };
  const within = (newerThan: number) => pending([{ of, which: 'some', must: [{ path: '/status/at', newerThan }] }], seen);
  expect(await within(60)).toBeUndefined();
  expect(await within(20)).toBeDefined();
  rmSync(healthy, { recursive: true, force: true });
});

test('a moment that is none', async () => {
  const identity = { uid: 'x', certain: true, server: '', context: '' };
  writeFileSync(path.join(folder, 'cluster.json'), JSON.stringify({ schema: 1, recordedAt: 'yesterday', identity }));
  await expect(readDump(folder)).rejects.toThrow(/recordedAt is not a time/);
});
