// The table of etcd's removed flags against a real etcd 3.6: it has none of those that went with it, and all that etcd 3.7 drops, as well as what is said to take their place.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { etcdFloors } from '../../src/systems/kubernetes/knowledge/tables.ts';
import { foundBed, NEWEST } from '../bed/prepare.ts';

const execute = promisify(execFile);

test('removed in 3.6, still there in 3.6', async () => {
  const { etcd } = await foundBed(NEWEST);
  const version = (await execute(etcd, ['--version'])).stdout;
  expect(version).toContain('etcd Version: 3.6.');
  // An empty value: a flag that takes no such value refuses that; the others let etcd print its version.
  const has = async (flag: string): Promise<boolean> => {
    const { stderr } = await execute(etcd, [`--${flag}=`, '--version']).catch((error: { stderr: string }) => error);
    return !stderr.includes('flag provided but not defined');
  };
  const { flags } = etcdFloors();
  const there: string[] = [];
  for (const { name } of flags) if (await has(name)) there.push(name);
  expect(there).toEqual(flags.flatMap(({ name, removedIn }) => (removedIn > 6 ? [name] : [])));
  const missing: string[] = [];
  for (const { instead } of flags) {
    const flag = instead?.replace(/^--/, '').replace(/=.*/, '');
    if (flag && !(await has(flag))) missing.push(flag);
  }
  expect(missing).toEqual([]);
});
