import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';
import { INSTALLED_BY_HELM } from './installed.ts';
import { releaseOf } from './release.ts';

const notice = 'notice Secret/kube-system/sh.helm.release.v1.spiderpool.v1';

grid('spiderpool/values-defaults', [
  { fixture: 'found', to: 'spiderpool=0.9.13', expect: notice },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  // Of a renamed key the old setting counts.
  {
    objects: [releaseOf('0.9.4', { ipam: { enableSpiderSubnet: false } })],
    to: 'spiderpool=1.0.6',
    expect: new Array(4).fill(notice),
  },
  {
    objects: [releaseOf('0.5.0', { feature: { enableIPv6: true, gc: { enabled: false } } })],
    to: 'spiderpool=0.9.13',
    expect: new Array(4).fill(notice),
  },
  {
    objects: [releaseOf('0.9.4', {})],
    to: 'spiderpool=0.9.13',
    intent: { given: { spiderpoolAgent: { tuneSysctlConfig: true } } },
    expect: 'passed',
  },
  { objects: [releaseOf('0.9.4', {})], to: 'spiderpool=0.9.13', intent: { given: {}, reuse: 'reuse' }, expect: 'not-applicable' },
  { objects: [releaseOf('0.9.4', {})], to: 'spiderpool=0.9.99', expect: 'unknown' },
]);

test('it says what the default was and becomes, what is new and on, and the flag that keeps it', async () => {
  const objects = [INSTALLED_BY_HELM, releaseOf('0.9.13', {})];
  const { results, remedies } = await examine(dumpSource(dumpOf({ objects, whole: true })), SYSTEMS, {
    checks: ['spiderpool/values-defaults'],
    targets: [{ system: 'spiderpool', version: '1.0.6' }],
  });
  const said = results[0]!.findings.map(({ message }) => message.en);
  expect(said).toContain(
    '1.0.6 adds plugins.installSriovCNI and turns it on by default. To keep it off: --set plugins.installSriovCNI=false',
  );
  expect(said).toContainEqual(
    expect.stringMatching(/^1\.0\.6 changes the default of \S+certValidityDuration from 365 to 36500\. To keep it: --set /),
  );
  expect(remedies).toEqual([]);
});

test('what a default breaks is said with it', async () => {
  const said = async (from: string, to: string) => {
    const { results } = await examine(dumpSource(dumpOf({ objects: [INSTALLED_BY_HELM, releaseOf(from, {})], whole: true })), SYSTEMS, {
      checks: ['spiderpool/values-defaults'],
      targets: [{ system: 'spiderpool', version: to }],
    });
    return results[0]!.findings.map(({ severity, message }) => `${severity} ${message.en}`).filter((line) => /[sS]piderSubnet/.test(line));
  };
  expect(await said('0.5.1', '0.6.1')).toEqual([
    'warning 0.6.1 changes the default of ipam.enableSpiderSubnet from true to false: Pods whose annotations name a SpiderSubnet get no IP. To keep it: --set ipam.enableSpiderSubnet=true',
  ]);
  expect(await said('0.6.1', '1.2.2')).toEqual([
    'notice 1.2.2 changes the default of ipam.spiderSubnet.enable from false to true. To keep it: --set ipam.spiderSubnet.enable=false',
  ]);
});
