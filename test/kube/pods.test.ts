// What is read of a Pod: liveness, its controller, and its addresses from status and from multus; whatever else stands there does no harm.
import { describe, expect, test } from 'vitest';
import type { Raw } from '../../src/engine/contracts.ts';
import { recording, undeclared } from '../../src/kube/fields.ts';
import { ADDRESS_FIELDS, addressesOf, controllerOf, isLive, NETWORK_FIELD } from '../../src/kube/pods.ts';

const pod = (status: Raw, metadata: Raw = {}, spec: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'shop', uid: 'u', ...metadata },
  spec: { nodeName: 'n1', ...spec },
  status,
});
const networks = (value: unknown) => ({
  annotations: { 'k8s.v1.cni.cncf.io/network-status': typeof value === 'string' ? value : JSON.stringify(value) },
});

describe('addressesOf', () => {
  test('addresses of status and of every interface, each once, dual-stack', () => {
    const status = { phase: 'Running', podIP: '10.6.0.1', podIPs: [{ ip: '10.6.0.1' }, { ip: 'fd00::0:1' }] };
    const multus = networks([
      { name: 'a', ips: ['10.6.0.1', 'FD00::1'] },
      { name: 'b', interface: 'net1', ips: ['10.7.0.5'] },
    ]);
    expect(addressesOf(pod(status, multus))).toEqual({ keys: ['10.6.0.1', 'fd00::1', '10.7.0.5'], odd: [] });
  });
  test.each<[string, string[]]>([
    ['{', []],
    ['"x"', []],
    ['[{"ips":["10.6.0.9"]}', []], // cut
    ['{"ips":["10.6.0.9"]}', []],
    ['[{"ips":["10.6.0.9"]},{"ips":"10.6.0.8"}]', ['10.6.0.9']],
    ['[null,{"ips":["10.6.0.9"]}]', ['10.6.0.9']],
    ['[[]]', []],
    ['[{"ips":[4,"10.6.0.9"]}]', ['10.6.0.9']],
    ['[{"ips":["10.6.1.300"]}]', []],
    [`[${'['.repeat(50_000)}`, []],
    [`[${' '.repeat(300_000)}]`, []],
  ])('a network-status of %.60s may hide others', (written, keys) =>
    expect(addressesOf(pod({}, networks(written)))).toEqual({ keys, odd: [NETWORK_FIELD] }),
  );
  test.each(['', '[]', 'null', '[{"name":"a"}]', '[{"ips":null},{"ips":[]}]'])(
    'a network-status of %j has none, and hides none',
    (written) => expect(addressesOf(pod({}, networks(written)))).toEqual({ keys: [], odd: [] }),
  );
  test('what is odd is called by its own field', () => {
    expect(addressesOf(pod({ podIPs: [{ ip: '10.6.0.1' }, { ip: '10.6.0.999' }] }))).toEqual({
      keys: ['10.6.0.1'],
      odd: ['status.podIPs'],
    });
    expect(addressesOf(pod({ podIP: 'x' }, networks('{')))).toEqual({ keys: [], odd: ['status.podIP', NETWORK_FIELD] });
  });
  test('reads what it declares', () => {
    const all = pod(
      { phase: 'Running', podIP: '1.2.3.4', podIPs: [{ ip: '1.2.3.4' }] },
      { ...networks([]), ownerReferences: [{ controller: true, kind: 'X', name: 'x', apiVersion: 'v1' }] },
    );
    const { object, reads } = recording(all);
    addressesOf(object);
    expect(undeclared(reads(), ADDRESS_FIELDS)).toEqual([]);
  });
  test('an object of no Pod at all does not throw', () => expect(addressesOf({ kind: 'Pod' })).toEqual({ keys: [], odd: [] }));
});

test.each([
  [{ phase: 'Running' }, {}, true],
  [{ phase: 'Pending' }, {}, true],
  [{}, {}, true],
  [{ phase: 'Unknown' }, {}, true],
  [{ phase: 'Succeeded' }, {}, false],
  [{ phase: 'Failed' }, {}, false],
  [{ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }, false],
])('%j %j lives: %s', (status, metadata, lives) => expect(isLive(pod(status, metadata))).toBe(lives));

test('the controller among several owners', () => {
  const ownerReferences: Raw[] = [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'c' },
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', controller: true },
  ];
  expect(controllerOf({ metadata: { ownerReferences } })).toEqual({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' });
  expect(controllerOf({ metadata: { ownerReferences: ownerReferences.slice(0, 1) } })).toBeUndefined();
  expect(controllerOf({})).toBeUndefined();
});
