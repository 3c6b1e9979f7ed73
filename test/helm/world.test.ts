// What the world with helm in it says where it cannot go on, in both languages. What helm itself does is tried on a real cluster (test/control/upgrade.test.ts).
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Beside, HelmWrite, Raw, StepOf } from '../../src/engine/contracts.ts';
import { troubleWith } from '../../src/engine/outcomes.ts';
import { orTrouble } from '../../src/engine/performing.ts';
import { digestOf, helmWorld } from '../../src/helm/world.ts';
import { dumpOf } from '../../src/snapshot/dump.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { dumpWorld } from '../../src/snapshot/world.ts';
import { releaseOf } from '../systems/spiderpool/release.ts';

const RELEASE = { namespace: 'kube-system', name: 'spiderpool' };
const KEPT = { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system', name: 'kept' };
const VALUES = { ipam: { spiderSubnet: { enable: false } } };
const beside: Beside = { folder: '/', has: async () => false, append: async () => {}, put: async () => {}, write: async () => {} };

/** helm ends with `code` and says that. */
function worldWith(objects: Raw[], ended?: { code: number; output: string }) {
  const dump = dumpOf({ objects, whole: true });
  const helm = async () => ({ version: '4.1.4', call: async () => ended ?? { code: 0, output: '' } });
  return helmWorld(dumpWorld(dump), { source: dumpSource(dump), helm, isAlive: async () => false, beside });
}
const kept = (values: Raw) => worldWith([]).write({ verb: 'keep', release: RELEASE, on: KEPT, digest: digestOf(values) });
const helm = (action: 'upgrade' | 'rollback'): HelmWrite => ({
  verb: 'helm',
  step: { do: 'helm', action, release: RELEASE, from: 1, values: KEPT, digest: digestOf(VALUES), within: 1 } as StepOf<'helm'>,
});
const OTHERS: Raw = {
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'kube-system', name: 'kept' } },
  data: { values: gzipSync('{}').toString('base64') },
};

test.each<[string, () => Promise<unknown>, string, string]>([
  [
    'values that only the first command knew',
    () => kept(VALUES),
    'refused: the values of this run are not stored: undo the run, then start again',
    '被拒绝：此次运行的 values 没有保存：请撤销（undo）后重新开始',
  ],
  [
    'values that are gone',
    () => worldWith([releaseOf('0.9.4', {})]).write(helm('upgrade')),
    'refused: the values are lost: Secret kube-system/kept not found',
    '被拒绝：values 已丢失：找不到 Secret kube-system/kept',
  ],
  [
    'values of somebody else',
    () => worldWith([releaseOf('0.9.4', {}), OTHERS]).write(helm('upgrade')),
    'refused: Secret kube-system/kept contains different values',
    '被拒绝：Secret kube-system/kept 中的 values 与此次运行的不同',
  ],
  [
    'a revision that came to its end',
    () => worldWith([releaseOf('0.9.4', {})]).write({ verb: 'unpend', release: RELEASE, revision: 1 }),
    'gave up after 5 tries: revision 1 is no longer pending',
    '尝试 5 次后放弃：修订版本 1 已不再是 pending 状态',
  ],
  [
    'a helm that says nothing',
    () => worldWith([releaseOf('0.9.4', {})], { code: 1, output: '' }).write(helm('rollback')),
    'refused: helm rollback: no output (killed?)',
    '被拒绝：helm rollback：没有任何输出（是否被终止？）',
  ],
  [
    'a helm that refuses',
    () => worldWith([releaseOf('0.9.4', {})], { code: 1, output: 'a warning\nError: no\n' }).write(helm('rollback')),
    'refused: helm rollback: Error: no',
    '被拒绝：helm rollback：Error: no',
  ],
  [
    'a rehearsal',
    () => dumpWorld(dumpOf({ objects: [], whole: true })).write(helm('upgrade')),
    'refused: helm is not rehearsed',
    '被拒绝：演练不会调用 helm',
  ],
])('%s', async (_, failing, en, zh) => {
  const error = await orTrouble(failing());
  expect(troubleWith(error as Parameters<typeof troubleWith>[0])).toEqual({ en, zh });
});
