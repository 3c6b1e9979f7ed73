// What could not be seen, in words: what is missing, and the command that settles it.
import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { text } from '../../src/cluster/text.ts';
import { NoAnswer } from '../../src/cluster/transport.ts';
import type { Gap } from '../../src/engine/contracts.ts';
import { examine } from '../../src/engine/examine.ts';
import { describeGap, settleGap } from '../../src/engine/gaps.ts';
import { parseTarget } from '../../src/engine/paths.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { layOut } from '../fixtures.ts';

const ways = { tool: 'kubectl upgrade-guard', asked: ' kubernetes', again: ' --context prod' };
const rms: string[] = [];
afterAll(() => {
  for (const each of rms) rmSync(each, { recursive: true, force: true });
});
const examined = async (check: string, laid: object) => {
  const folder = layOut(check, laid);
  rms.push(folder);
  return examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: [check], targets: [parseTarget('kubernetes=1.31', SYSTEMS)] });
};

test('static Pods that are not visible: where their files are, and the command for them', async () => {
  const { results } = await examined('kubernetes/component-flags', { base: 'managed' });
  const [gap] = results[0]!.gaps as [Gap];
  expect(results[0]!.outcome).toBe('unknown');
  expect(describeGap(gap)).toEqual({ en: 'no static Pods of the control plane are visible', zh: '看不到控制平面的静态 Pod' });
  expect(settleGap(gap, ways).en).toBe(
    'on each control-plane node, with upgrade-guard copied to it: kubectl upgrade-guard check kubernetes -f /etc/kubernetes/manifests --offline --to kubernetes=1.31',
  );
});

test('several API servers out of reach: the answer of one is seen, the others are one gap with the command that asks them', async () => {
  const away = (name: string) => ({
    name,
    http: () => ({ request: () => Promise.reject(new NoAnswer('connect', false, 'ETIMEDOUT', 'no connection within 10 s')) }) as never,
  });
  const answer = { status: 200, headers: {}, body: Buffer.from('a 1\n') };
  const one = { name: '', http: () => ({ request: async () => answer }) as never };
  const lines: string[] = [];
  const sink = { line: (line: string, server: string) => void lines.push(`${server}|${line}`), restart: () => void lines.splice(0) };
  const gaps = await text([away('10.0.0.1:6443'), away('10.0.0.2:6443')], { path: '/metrics', every: true }, sink, one);
  expect(lines).toEqual(['|a 1']);
  expect(gaps.map((gap) => [describeGap(gap).en, settleGap(gap, ways).en])).toEqual([
    [
      'could not get /metrics: only one of 2 API servers answered, at the address in the kubeconfig; no connection from this machine to 10.0.0.1:6443, 10.0.0.2:6443 (no connection within 10 s)',
      'on a machine that reaches every API server, such as a control-plane node: kubectl upgrade-guard check kubernetes --context prod',
    ],
  ]);
});

test('checks that pass for want of Pods are counted', async () => {
  expect((await examined('kubernetes/unmanaged-pods', { base: 'managed' })).empty).toEqual({ kinds: ['Pod'], checks: 1 });
  expect((await examined('kubernetes/unmanaged-pods', { fixture: 'healthy' })).empty).toBeUndefined();
});
