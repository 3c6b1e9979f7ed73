// What the user may have meant: typing errors, parts of an id, its words in another order.
import { describe, expect, test } from 'vitest';
import { likelyIds, nearest } from '../../src/text/nearest.ts';

describe('nearest', () => {
  test('knows a swap of neighbours as one edit', () => expect(nearest('udno', ['undo', 'runs'])).toBe('undo'));
  test('suggests nothing far-fetched', () => expect(nearest('zzz', ['fix', 'runs'])).toBeUndefined());
});

const IDS = [
  'k3s/nodes-cordoned-by-plan',
  'spiderpool/crds-current',
  'spiderpool/duplicate-pod-ip',
  'spiderpool/leaked-ip',
  'spiderpool/owner-controller-type',
  'spiderpool/release-deployed',
  'spiderpool/unrecorded-pod-ip',
];

describe('likelyIds', () => {
  test('of the system that was named first, then what begins with the word', () => {
    const ids = ['k3s/gateway-api-crds', 'osm-edge/crds-current', 'osm-edge/rollback-crds', 'spiderpool/crds-current'];
    expect(likelyIds('crds', ids)).toEqual(['osm-edge/crds-current', 'spiderpool/crds-current', 'k3s/gateway-api-crds']);
    expect(likelyIds('k3s/crds', ids)).toEqual(['k3s/gateway-api-crds', 'osm-edge/crds-current', 'spiderpool/crds-current']);
  });
  test.each([
    ['duplicate-ip', ['spiderpool/duplicate-pod-ip']],
    ['duplicate', ['spiderpool/duplicate-pod-ip']],
    ['spiderpool/duplicat-pod-ip', ['spiderpool/duplicate-pod-ip']],
    ['ip-leaked', ['spiderpool/leaked-ip']],
    ['lekaed-ip', ['spiderpool/leaked-ip']],
    ['pod-ip', ['spiderpool/duplicate-pod-ip', 'spiderpool/unrecorded-pod-ip']],
    ['osm-edge/crds-current', ['spiderpool/crds-current']],
    ['Owner_Controller', ['spiderpool/owner-controller-type']],
    ['spiderpool/', []],
    ['', []],
    ['xyz', []],
    ['x'.repeat(5000), []],
  ])('%s', (word, likely) => expect(likelyIds(word, IDS)).toEqual(likely));
});
