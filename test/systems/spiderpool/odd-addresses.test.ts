// What a SpiderEndpoint, or the network-status of a Pod, has where an address should be and is none: it is then unknown which address it uses. The checks are unknown, by object and field.
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { Json, Raw } from '../../../src/engine/contracts.ts';
import { type Examination, examine } from '../../../src/engine/examine.ts';
import { hasten } from '../../../src/engine/pace.ts';
import { exitCode } from '../../../src/engine/verdict.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { laid } from '../../grid.ts';

hasten(20);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const CHECKS = ['spiderpool/duplicate-pod-ip', 'spiderpool/unrecorded-pod-ip', 'spiderpool/leaked-ip'];

/** A fixture of the check, with these SpiderEndpoints more. */
async function looked(check: string, fixture: string, more: readonly Raw[]): Promise<Examination> {
  const folder = laid(check, { fixture, objects: more, expect: '' });
  folders.push(folder);
  return examine(dumpSource(await readDump(folder)), SYSTEMS, { checks: [check] });
}
const endpoint = (name: string, ips: Json, metadata: Raw = {}): Raw => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderEndpoint',
  metadata: { name, namespace: 'odd', uid: `uid-${name}`, ...metadata },
  status: { current: { uid: `pod-${name}`, node: 'n1', ips }, ownerControllerType: 'Deployment', ownerControllerName: 'x' },
});
const pod = (name: string, written: string, status: Raw = { phase: 'Running' }, spec: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'odd', uid: `uid-${name}`, annotations: { 'k8s.v1.cni.cncf.io/network-status': written } },
  spec,
  status,
});
const eth0 = (more: Raw) => [{ interface: 'eth0', ipv4Pool: 'v4', ...more }];
const said = ({ results: [result] }: Examination) =>
  result!.gaps.map(({ resource, namespace, name, detail }) => [resource, namespace, name, detail].join(' '));
const ODD = 'spiderendpoints.spiderpool.spidernet.io odd';

describe.each(CHECKS)('%s', (check) => {
  test.each<[string, Json, string]>([
    ['no address', eth0({ ipv4: '10.6.168.999/24' }), 'status.current.ips[0].ipv4'],
    ['a prefix that is none', eth0({ ipv4: '10.6.168.81/99' }), 'status.current.ips[0].ipv4'],
    ['a number', eth0({ ipv6: 5 }), 'status.current.ips[0].ipv6'],
    ['the second of two', [...eth0({ ipv4: '10.6.168.82/24' }), ...eth0({ ipv4: 'x' })], 'status.current.ips[1].ipv4'],
    ['no mapping', ['10.6.168.81'], 'status.current.ips[0]'],
    ['no list', { ipv4: '10.6.168.81' }, 'status.current.ips'],
    ['many', ['a', 'b', 'c', 'd', 'e'], 'status.current.ips[0], status.current.ips[1], status.current.ips[2] (+2)'],
  ])('%s: unknown, by name', async (_, ips, detail) => {
    const examination = await looked(check, 'healthy', [endpoint('unclear', ips)]);
    expect(examination.results).toMatchObject([{ outcome: 'unknown', findings: [] }]);
    expect(said(examination)).toEqual([`${ODD} unclear ${detail}`]);
  });

  test('no address at all, and one on its way out, are clear', async () => {
    const none = [endpoint('a', []), endpoint('b', null), endpoint('c', eth0({ ipv4: '', ipv6: null }))];
    const going = endpoint('d', eth0({ ipv4: 'x' }), { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] });
    const examination = await looked(check, 'healthy', [...none, going]);
    expect(examination.results).toMatchObject([{ outcome: 'passed', gaps: [] }]);
  });

  test.each([
    ['cut', '[{"ips":["10.6.168.81"]}'],
    ['no list', '{"ips":["10.6.168.81"]}'],
    ['no address', '[{"ips":["oops 10.6.168.81"]}]'],
  ])('a network-status that is %s: unknown, by name; not of a Pod that is over, nor in the network of its node', async (_, written) => {
    const examination = await looked(check, 'healthy', [pod('unclear', written)]);
    expect(examination.results).toMatchObject([{ outcome: 'unknown', findings: [] }]);
    expect(said(examination)).toEqual(["pods odd unclear metadata.annotations['k8s.v1.cni.cncf.io/network-status']"]);
    const others = [pod('over', written, { phase: 'Succeeded' }), pod('host', written, { phase: 'Running' }, { hostNetwork: true })];
    expect((await looked(check, 'healthy', others)).results).toMatchObject([{ outcome: 'passed', gaps: [] }]);
  });

  test('many of them are counted', async () => {
    const all = Array.from({ length: 50 }, (_, at) => endpoint(`e-${at}`, eth0({ ipv4: 'x' })));
    const lines = said(await looked(check, 'healthy', all));
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toMatch(/ \+30$/);
  });

  test('the findings of others stay, and are not the whole truth', async () => {
    const examination = await looked(check, 'found', [endpoint('unclear', eth0({ ipv4: 'x' }))]);
    expect(examination.results[0]!.outcome).toBe('found');
    expect(said(examination)).toContain(`${ODD} unclear status.current.ips[0].ipv4`);
    const accepted = examination.results.map((result) => ({ ...result, findings: [] }));
    expect(exitCode(accepted, 'blocker')).toBe(3);
  });
});
