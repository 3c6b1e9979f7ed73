// What is read of a Pod: liveness, its controller, and its addresses from status and from multus; whatever else stands there does no harm.
import { describe, expect, test } from 'vitest';
import type { Raw } from '../../src/engine/contracts.ts';
import { recording, undeclared } from '../../src/kube/fields.ts';
import { ADDRESS_FIELDS, addressesOf, controllerOf, isLive } from '../../src/kube/pods.ts';

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
    expect(addressesOf(pod(status, multus))).toEqual(['10.6.0.1', 'fd00::1', '10.7.0.5']);
  });
  test.each(['{', '"x"', '{"ips":["10.6.0.9"]}', '[{"ips":"10.6.0.9"},null,3,[]]', '[{"ips":[4,{},"no"]}]'])(
    'a network-status of %s gives none',
    (written) => expect(addressesOf(pod({}, networks(written)))).toEqual([]),
  );
  test('reads what it declares', () => {
    const all = pod(
      { phase: 'Running', podIP: '1.2.3.4', podIPs: [{ ip: '1.2.3.4' }] },
      { ...networks([]), ownerReferences: [{ controller: true, kind: 'X', name: 'x', apiVersion: 'v1' }] },
    );
    const { object, reads } = recording(all);
    addressesOf(object);
    expect(undeclared(reads(), ADDRESS_FIELDS)).toEqual([]);
  });
  test('an object of no Pod at all does not throw', () => expect(addressesOf({ kind: 'Pod' })).toEqual([]));
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
