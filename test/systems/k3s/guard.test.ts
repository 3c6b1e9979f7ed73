// The guard of the upgrade image, over the inputs and verdicts of its own tests. They lie beside the checkout; a clone without them skips those by name.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isGuarded, refusesBuild, refusesDate, refusesVersion } from '../../../src/systems/k3s/guard.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const VECTORS = path.join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'k3s', 'vectors');

describeUpstream('vectors', ['data', 'k3s', 'vectors'], () => {
  const read = (name: string) => JSON.parse(readFileSync(path.join(VECTORS, name), 'utf8'));

  test('versions and build dates', () => {
    const { version, buildDate } = read('k3s-upgrade-guard-vectors.json');
    expect(version.length + buildDate.length).toBeGreaterThan(15);
    for (const [current, target, refused] of version) expect(refusesVersion(current, target), `${current} → ${target}`).toBe(refused === 1);
    for (const [current, target, refused] of buildDate) expect(refusesBuild(current, target), `${current} → ${target}`).toBe(refused === 1);
  });

  test('which images have it', () => {
    const { byMinor } = read('k3s-upgrade-guards.json');
    for (const { lastUnguarded, firstGuarded } of Object.values<{ lastUnguarded?: string; firstGuarded?: string }>(byMinor)) {
      if (lastUnguarded) expect(isGuarded(lastUnguarded), lastUnguarded).toBe(false);
      if (firstGuarded) expect(isGuarded(firstGuarded), firstGuarded).toBe(true);
    }
  });
});

test('of releases by their dates: a build may be some days older than its release', () => {
  expect(refusesDate('v1.33.9+k3s1', 'v1.34.2+k3s1')).toEqual({ refuses: true, certain: true });
  expect(refusesDate('v1.35.0+k3s3', 'v1.36.0+k3s1')).toEqual({ refuses: false, certain: true });
  // Released on 4 March; it may have been built in February.
  expect(refusesDate('v1.35.2+k3s1', 'v1.35.1+k3s1')).toEqual({ refuses: true, certain: false });
  expect(refusesDate('v1.20.0+k3s1', 'v1.34.2+k3s1').refuses).toBe(false);
});
