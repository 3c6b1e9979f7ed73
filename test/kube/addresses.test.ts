// Every textual form of an address has one key; different addresses have different keys; ranges hold what lies in them.
import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressKey, inRanges, looseForm } from '../../src/kube/addresses.ts';

describe('addressKey', () => {
  test.each([
    ['10.6.168.41', '10.6.168.41'],
    ['10.6.168.41/16', '10.6.168.41'],
    ['010.006.168.041', '10.6.168.41'],
    ['::ffff:10.6.168.41', '10.6.168.41'],
    ['::FFFF:0a06:a829', '10.6.168.41'],
    ['FD00:0172:0000:0000:0000:0000:0000:0001/64', 'fd00:172::1'],
    ['fd00:172::0:1', 'fd00:172::1'],
    ['fd00:172:0:0:1:0:0:1', 'fd00:172::1:0:0:1'],
    ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
    ['1:2:3:4:5:6:0:8', '1:2:3:4:5:6:0:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::', '::'],
    ['::1', '::1'],
    ['64:ff9b::10.6.168.41', '64:ff9b::a06:a829'],
  ])('%s → %s', (text, key) => expect(addressKey(text)).toBe(key));

  test.each([
    '',
    '/',
    '10.6.168',
    '10.6.168.256',
    '10.6.168.41/33',
    '10.6.168.41/',
    '10.6.168.41-10.6.168.50',
    'fe80::1%eth0',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    'fd00::1/129',
    '10.6.168.41:80',
    'x'.repeat(1e6),
  ])('%s is no address', (text) => expect(addressKey(text)).toBeUndefined());

  test('one key for every spelling, a canonical one, and another for another address', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, fc.infiniteStream(fc.nat(3)), (parts, how) => {
        const spelt = parts.map((part) => respelt(part, how.next().value as number)).join(':');
        const key = addressKey(parts.map((part) => part.toString(16)).join(':'))!;
        expect(addressKey(spelt)).toBe(key);
        expect(addressKey(key)).toBe(key);
        expect(isIPv6(key) || isIPv4(key)).toBe(true);
        const changed = parts.with(7, parts[7]! ^ 1).map((part) => part.toString(16));
        expect(addressKey(changed.join(':'))).not.toBe(key);
        // The same as the URL parser of Node makes of it, which follows RFC 5952.
        if (isIPv6(key)) expect(new URL(`http://[${spelt}]/`).hostname).toBe(`[${key}]`);
      }),
    );
  });
});

const respelt = (part: number, how: number): string => {
  const hex = part.toString(16);
  return [hex, hex.toUpperCase(), hex.padStart(4, '0'), hex.padStart(3, '0')][how]!;
};

describe('inRanges', () => {
  const held = inRanges([
    '10.6.0.1-10.6.0.9',
    '10.6.1.1',
    '10.7.0.0/30',
    'fd00::10-fd00::1f',
    'fd01::/64',
    'nonsense',
    '10.9.0.9-fd00::1',
    '5-6-7',
  ]);
  test.each(['10.6.0.1', '10.6.0.9', '10.6.1.1', '10.7.0.0', '10.7.0.3', 'fd00::10', 'fd00::1f', 'fd01::ffff:ffff:ffff:ffff'])(
    '%s is in',
    (key) => expect(held(key)).toBe(true),
  );
  test.each(['10.6.0.0', '10.6.0.10', '10.6.1.2', '10.7.0.4', 'fd00::20', 'fd01:0:0:1::', '::a06:1', 'nonsense'])('%s is out', (key) =>
    expect(held(key)).toBe(false),
  );
});

test.each([
  ['10.0.0.010', 'leading-zeros'],
  ['010.0.0.0/8', 'leading-zeros'],
  ['10.0.0.0/08', 'leading-zeros'],
  ['::ffff:192.0.2.07', 'leading-zeros'],
  ['::ffff:192.0.2.7', 'ipv4-mapped'],
  ['::ffff:c000:207', 'ipv4-mapped'],
  ['::ffff:192.0.2.0/120', 'ipv4-mapped'],
  ['10.0.0.5/8', 'host-bits'],
  ['2001:db8::1/64', 'host-bits'],
  ['10.0.0.10', undefined],
  ['10.0.0.0/8', undefined],
  ['2001:DB8:0::0007', undefined],
  ['2001:db8::/64', undefined],
  ['no address', undefined],
  ['', undefined],
])('what Kubernetes took once: %s is %s', (text, form) => expect(looseForm(text)).toBe(form));
