// Versions of Kubernetes: what is read, in which order, and how far apart.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actsAs, compare, distributionOf, minorOf, minorsBetween, parse, satisfies, skewOf } from '../../src/versions/kubernetes.ts';

describe('versions of Kubernetes are read as they are written by', () => {
  it.each([
    ['v1.37.2', 'v1.37.2', 37, undefined],
    ['1.36.4', 'v1.36.4', 36, undefined],
    ['1.37', '1.37', 37, undefined],
    ['v1.37', '1.37', 37, undefined],
    ['1.21+', '1.21', 21, undefined],
    ['v1.30.4-eks-a737599', 'v1.30.4-eks-a737599', 30, 'EKS'],
    ['v1.21.5-eks-bc4871b', 'v1.21.5-eks-bc4871b', 21, 'EKS'],
    ['v1.29.7-gke.1104000', 'v1.29.7-gke.1104000', 29, 'GKE'],
    ['v1.30.2+k3s1', 'v1.30.2+k3s1', 30, 'K3s'],
    ['v1.34.0-rc1+k3s2', 'v1.34.0-rc.1+k3s2', 34, 'K3s'],
    ['v1.31.4+rke2r1', 'v1.31.4+rke2r1', 31, 'RKE2'],
    ['v1.30.4-aliyun.1', 'v1.30.4-aliyun.1', 30, undefined],
    ['v1.38.0-beta.0', 'v1.38.0-beta.0', 38, undefined],
    ['v1.38.0-alpha.3.45+3f2c0c9e5e0f1a', 'v1.38.0-alpha.3.45+3f2c0c9e5e0f1a', 38, undefined],
    [' v1.24.17\n', 'v1.24.17', 24, undefined],
  ])('%s', (text, parsed, minor, distribution) => {
    expect(parse(text)).toBe(parsed);
    expect(minorOf(text)).toBe(minor);
    expect(distributionOf(text)).toBe(distribution);
    expect(parse(parsed)).toBe(parsed);
  });

  it.each(['', '1', 'v1', 'latest', '1.x', '1.37.2.1', 'v1.37.2\nv1.38.0', '1.37+3', 'v1.37.2/..', '-1.37.0'])('not %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it('another major has no minor to count with', () => {
    expect(minorOf('v2.3.0')).toBeNaN();
  });
});

describe('order', () => {
  it('goes by patch, then pre-release; a minor alone is its newest patch', () => {
    const ordered = [
      'v1.36.4',
      'v1.37.0-alpha.3',
      'v1.37.0-beta.0',
      'v1.37.0-rc.1',
      'v1.37.0',
      'v1.37.2',
      '1.37',
      'v1.38.0-beta.0',
      '1.38',
    ];
    for (const [i, a] of ordered.entries())
      for (const [j, b] of ordered.entries()) expect(compare(a, b), `${a} ${b}`).toBe(Math.sign(i - j));
  });

  it('builds of one patch are equal', () => {
    expect(compare('v1.30.4-eks-a737599', 'v1.30.4-gke.1104000')).toBe(0);
    expect(compare('v1.30.2+k3s1', 'v1.30.2+k3s2')).toBe(0);
  });

  it('is total and transitive', () => {
    const version = fc
      .tuple(fc.integer({ min: 20, max: 23 }), fc.option(fc.integer({ min: 0, max: 2 })), fc.constantFrom('', '-rc.1', '-beta.0', '-eks-1'))
      .map(([minor, patch, suffix]) => (patch === null ? `1.${minor}` : `v1.${minor}.${patch}${suffix}`));
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compare(a, b) + compare(b, a)).toBe(0);
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('ranges see the Kubernetes version within', () => {
    expect(satisfies('v1.30.4-eks-a737599', '>=1.30 <1.31')).toBe(true);
    expect(satisfies('1.37', '>=1.37.0')).toBe(true);
    expect(satisfies('v1.37.0-rc.1', '>=1.37.0')).toBe(false);
    expect(satisfies('nothing', '*')).toBe(false);
  });
});

describe('hops', () => {
  it.each([
    ['v1.35.8', '1.38', ['1.36', '1.37', '1.38']],
    ['v1.36.4', 'v1.37.2', ['1.37']],
    ['v1.37.0', 'v1.37.2', []],
    ['v1.37.2', '1.37', []],
    ['v1.37.2', '1.36', []],
  ])('from %s to %s', (from, to, hops) => expect(minorsBetween(from, to)).toEqual(hops));

  it('an emulated version is what skew is counted against', () => {
    expect(actsAs({ gitVersion: 'v1.37.2', emulationMinor: '36' })).toBe(36);
    expect(actsAs({ gitVersion: 'v1.21.5-eks-bc4871b', emulationMinor: '21+' })).toBe(21);
    expect(actsAs({ gitVersion: 'v1.30.4' })).toBe(30);
    expect(actsAs({ gitVersion: 'v1.30.4', emulationMinor: 'x' })).toBe(30);
  });
});

// Vectors of kubernetes/website version-skew-policy.md, its examples with one and with two API server minors.
describe('skew', () => {
  it.each([
    [37, { oldest: 37, newest: 37 }, 3, 'supported'],
    [34, { oldest: 37, newest: 37 }, 3, 'supported'],
    [33, { oldest: 37, newest: 37 }, 3, 'too-old'],
    [38, { oldest: 37, newest: 37 }, 3, 'newer'],
    [37, { oldest: 36, newest: 37 }, 3, 'newer'],
    [33, { oldest: 36, newest: 37 }, 3, 'too-old'],
    [34, { oldest: 36, newest: 37 }, 3, 'supported'],
    [24, { oldest: 26, newest: 26 }, 2, 'supported'],
    [24, { oldest: 27, newest: 27 }, 2, 'too-old'],
    [36, { oldest: 37, newest: 37 }, 1, 'supported'],
    [35, { oldest: 36, newest: 37 }, 1, 'too-old'],
  ] as const)('%i under %o, %i behind at most: %4$s', (component, plane, older, is) => expect(skewOf(component, plane, older)).toBe(is));
});
