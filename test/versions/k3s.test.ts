// The order of K3s versions, in every spelling that they have.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, minorOf, munged, parse, satisfies } from '../../src/versions/k3s.ts';

const ORDERED = [
  'v1.17.0+k3s1',
  'v1.27.4+k3s1',
  'v1.27.4+k3s2',
  'v1.27.10+k3s1',
  'v1.34.0-alpha1+k3s1',
  'v1.34.0-beta1+k3s1',
  'v1.34.0-rc1+k3s1',
  'v1.34.0-rc1+k3s2',
  'v1.34.0-rc2+k3s1',
  'v1.34.0-rc10+k3s1',
  'v1.34.0+k3s1',
  'v1.34.0+k3s10',
];

describe('parse', () => {
  test.each([
    ['v1.27.4+k3s1', 'v1.27.4+k3s1'],
    ['1.27.4+k3s1', 'v1.27.4+k3s1'],
    ['v1.27.4-k3s1', 'v1.27.4+k3s1'],
    ['v1.34.0-rc1-k3s1', 'v1.34.0-rc1+k3s1'],
    ['v1.17.0+k3s.1', 'v1.17.0+k3s1'],
    ['stable', undefined],
    ['v1.27.4', undefined],
    ['v0.3.13-suc', undefined],
    ['v1.27.4+k3s1-dirty', undefined],
    ['v1.27.4+rke2r1', undefined],
  ])('%s → %s', (text, version) => expect(parse(text)).toBe(version));
});

test('order: release, candidates before it, then the number behind k3s', () => {
  expect(ORDERED.toReversed().toSorted(compare)).toEqual(ORDERED);
});

const version = fc
  .record({
    minor: fc.nat(40),
    patch: fc.nat(20),
    stage: fc.constantFrom('', '-alpha', '-beta', '-rc'),
    candidate: fc.nat(12),
    build: fc.nat(12),
  })
  .map(({ minor, patch, stage, candidate, build }) => `v1.${minor}.${patch}${stage && `${stage}${candidate}`}+k3s${build}`);

test('spelling does not matter, and the order is one', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(parse(munged(a))).toBe(a);
      expect(compare(munged(a), b)).toBe(compare(a, b));
      expect(compare(a, b)).toBe(-compare(b, a) + 0);
      expect(compare(a, b) === 0).toBe(a === b);
      if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});

test('ranges speak of the Kubernetes version within', () => {
  expect(satisfies('v1.33.9+k3s2', '>=1.33.9 <1.34.0')).toBe(true);
  expect(satisfies('v1.34.0-rc1+k3s1', '>=1.34.0')).toBe(false);
  expect(satisfies('nonsense', '*')).toBe(false);
  expect(minorOf('v1.33.9+k3s2')).toBe(33);
});
