// What a newer component refuses on its command line: rows of the tables, summed over hops, and nothing about what stays as it is.
import { describe, expect, test } from 'vitest';
import { flagsOf, gatesOf, listOf } from '../../../src/systems/kubernetes/command-line.ts';
import { components } from '../../../src/systems/kubernetes/knowledge/tables.ts';
import { type Component, refusedBy } from '../../../src/systems/kubernetes/refusals.ts';
import { minor, minorOf, minorsBetween } from '../../../src/versions/kubernetes.ts';

const flagsIn = (words: string[]) =>
  flagsOf(words.map((word) => ({ name: word.slice(2).split('=')[0]!, value: word.split('=').slice(1).join('=') })));
const said = (component: Component, words: string[], from: string, to: string) =>
  refusedBy(component, flagsIn(words), minorsBetween(from, to), from).map(({ why, name, value, hop, instead, heldBefore, held }) =>
    [why, name, value, held ? 'no hop' : hop, instead, heldBefore && `held before ${heldBefore}`].filter(Boolean).join(' '),
  );

describe('command lines', () => {
  test('dashes and underscores are the same, all values of a flag are kept, a flag alone is true', () => {
    const flags = flagsOf([
      { name: 'audit_log_maxage', value: '30' },
      { name: 'v', value: '2' },
      { name: 'v', value: '4' },
      { name: 'allow-privileged' },
      { name: 'etcd-servers', value: 'https://a:2379, https://b' },
    ]);
    expect(Object.fromEntries(flags)).toEqual({
      'audit-log-maxage': ['30'],
      v: ['2', '4'],
      'allow-privileged': ['true'],
      'etcd-servers': ['https://a:2379, https://b'],
    });
    expect(listOf(flags, 'etcd-servers')).toEqual(['https://a:2379', 'https://b']);
    expect(listOf(flagsOf([{ name: 'runtime-config', value: 'batch/v1=true,' }]), 'runtime-config')).toEqual(['batch/v1=true']);
  });
  test('gates of all occurrences, the later wins', () => {
    const gates = ['A=true, B=false', 'B=True', 'C'].map((value) => ({ name: 'feature-gates', value }));
    expect(Object.fromEntries(gatesOf(flagsOf(gates)))).toEqual({ A: true, B: true, C: true });
  });
});

describe('refused', () => {
  test.each<[Component, string[], string, string, string[]]>([
    // k/k:pkg/features of 1.36.4 and 1.37.2.
    ['kube-apiserver', ['--feature-gates=APIServerTracing=true'], 'v1.36.4', '1.37', ['gate-removed APIServerTracing true 1.37']],
    ['kube-apiserver', ['--feature-gates=APIServerTracing=true'], 'v1.35.8', '1.36', []],
    ['kube-apiserver', ['--feature-gates=APIServerTracing=false'], 'v1.33.13', '1.35', ['gate-locked APIServerTracing false 1.34 true']],
    ['kube-apiserver', ['--feature-gates=APIServerTracing=true'], 'v1.33.13', '1.35', []],
    [
      'kube-apiserver',
      ['--enable-admission-plugins=NodeRestriction,PodSecurityPolicy'],
      'v1.24.17',
      '1.25',
      ['plugin-removed PodSecurityPolicy enable-admission-plugins 1.25'],
    ],
    [
      'kube-apiserver',
      ['--disable-admission-plugins=PersistentVolumeLabel'],
      'v1.30.14',
      '1.32',
      ['plugin-removed PersistentVolumeLabel disable-admission-plugins 1.31'],
    ],
    ['kube-scheduler', ['--enable-admission-plugins=PodSecurityPolicy'], 'v1.24.17', '1.25', []],
    ['kube-apiserver', ['--logtostderr=true'], 'v1.25.16', '1.26', ['flag-removed logtostderr true 1.26']],
    ['kube-apiserver', ['--cloud-provider=openstack'], 'v1.28.15', '1.29', ['value-refused cloud-provider openstack 1.29 external']],
    ['kube-apiserver', ['--cloud-provider=external'], 'v1.28.15', '1.29', []],
    ['kube-apiserver', ['--cloud-provider=vsphere', '--feature-gates=DisableCloudProviders=false'], 'v1.28.15', '1.29', []],
    ['kube-apiserver', ['--feature-gates=kube:APIServerTracing=true'], 'v1.36.4', '1.37', ['gate-removed APIServerTracing true 1.37']],
    // pkg/apis/*/install/install.go of 1.34.4 and 1.35.4. Switched off it is refused too; a single resource; what is known and not served is taken.
    [
      'kube-apiserver',
      ['--runtime-config=api/all=true,storagemigration.k8s.io/v1alpha1=false'],
      'v1.34.4',
      '1.35',
      ['api-unknown storagemigration.k8s.io/v1alpha1 storagemigration.k8s.io/v1alpha1=false 1.35'],
    ],
    [
      'kube-apiserver',
      ['--runtime-config=resource.k8s.io/v1alpha2/resourceclaims=true'],
      'v1.30.14',
      '1.33',
      ['api-unknown resource.k8s.io/v1alpha2 resource.k8s.io/v1alpha2/resourceclaims=true 1.31'],
    ],
    // As 1.37.2 says: kube=1.34..1.37.
    ['kube-scheduler', ['--emulated-version=kube=1.34'], 'v1.36.3', '1.38', ['value-refused emulated-version kube=1.34 1.38 1.35']],
    ['kube-apiserver', ['--min-compatibility-version=1.33'], 'v1.35.4', '1.37', ['value-refused min-compatibility-version 1.33 1.37 1.34']],
    ['kube-apiserver', ['--emulated-version=1.34,wardle=1.1'], 'v1.36.3', '1.37', []],
    ['kube-apiserver', ['--runtime-config=storagemigration.k8s.io/v1alpha1=true'], 'v1.35.4', '1.37', []],
    ['kube-apiserver', ['--runtime-config=batch/v1beta1=true,policy/v1beta1,v1=true'], 'v1.24.17', '1.37', []],
    ['kube-scheduler', ['--runtime-config=storagemigration.k8s.io/v1alpha1=true'], 'v1.34.4', '1.35', []],
    ['kube-apiserver', ['--feature-gates=AllAlpha=true'], 'v1.34.10', '1.37', ['gate-needs AllAlpha true 1.35 AllBeta']],
    ['kube-apiserver', ['--feature-gates=AllAlpha=true,AllBeta=true'], 'v1.34.10', '1.37', []],
    ['kube-apiserver', ['--feature-gates=OfADistribution=true', '--some-flag=1'], 'v1.24.17', '1.38', []],
  ])('%s %j from %s to %s: %j', (component, words, from, to, expected) => expect(said(component, words, from, to)).toEqual(expected));

  // What a lock and a default are follows the emulated version; which gates, flags and plugins are known at all is the binary's (component-base featuregate).
  const EMULATING = '--emulated-version=1.35';
  const UNLOCKED = '--feature-gates=ImageVolume=false'; // locked to true in 1.36
  test.each<[Component, string[], string, string, string[]]>([
    ['kube-apiserver', [UNLOCKED], 'v1.35.4', '1.37', ['gate-locked ImageVolume false 1.36 true']],
    ['kube-apiserver', [UNLOCKED, EMULATING], 'v1.35.4', '1.37', ['gate-locked ImageVolume false no hop true held before 1.36']],
    [
      'kube-scheduler',
      [UNLOCKED, '--emulated-version=kube=1.35'],
      'v1.36.3',
      '1.38',
      ['gate-locked ImageVolume false no hop true held before 1.36'],
    ],
    // It is the second step of such an upgrade.
    ['kube-apiserver', [UNLOCKED, EMULATING], 'v1.36.3', 'v1.36.3', ['gate-locked ImageVolume false no hop true held before 1.36']],
    ['kube-apiserver', [UNLOCKED, '--emulated-version=1.36'], 'v1.36.3', '1.38', []],
    ['kube-apiserver', [UNLOCKED, EMULATING], 'v1.34.4', '1.35', []],
    ['kube-apiserver', ['--feature-gates=ImageVolume=true', EMULATING], 'v1.35.4', '1.37', []],
    // 1.39 emulates 1.36 at the least.
    [
      'kube-apiserver',
      [UNLOCKED, EMULATING],
      'v1.37.2',
      '1.39',
      ['value-refused emulated-version 1.35 1.39 1.36', 'gate-locked ImageVolume false 1.39 true held before 1.36'],
    ],
    [
      'kube-apiserver',
      ['--feature-gates=APIServerTracing=true', EMULATING],
      'v1.36.3',
      '1.37',
      ['gate-removed APIServerTracing true 1.37'],
    ],
    // No kubelet emulates.
    ['kubelet', [UNLOCKED, EMULATING], 'v1.35.4', '1.37', ['gate-locked ImageVolume false 1.36 true']],
    // Off by default before 1.36.
    ['kube-apiserver', ['--feature-gates=DRADeviceTaintRules=true'], 'v1.36.4', '1.37', []],
    [
      'kube-apiserver',
      ['--feature-gates=DRADeviceTaintRules=true', EMULATING],
      'v1.36.4',
      '1.37',
      ['gate-needs DRADeviceTaintRules true 1.37 DRADeviceTaints'],
    ],
  ])('emulating: %s %j from %s to %s: %j', (component, words, from, to, expected) =>
    expect(said(component, words, from, to)).toEqual(expected),
  );

  test('a path of several minors is the sum of its hops, for every row of the tables', { timeout: 60_000 }, () => {
    for (const gate of components().gates.filter(({ components: only, removedEarlierIn }) => !only && !removedEarlierIn)) {
      for (const value of [true, false]) {
        const words = [`--feature-gates=${gate.name}=${value}`];
        const whole = said('kube-apiserver', words, minor(23), minor(38));
        const first = minorsBetween(minor(23), minor(38)).flatMap((hop) => said('kube-apiserver', words, minor(minorOf(hop) - 1), hop));
        expect(whole, gate.name).toEqual(first.slice(0, 1));
      }
    }
  });

  test('an unchanged minor refuses nothing, whatever is set', () => {
    const everything = components().gates.map(({ name }) => `--feature-gates=${name}=false`);
    const flags = components().flags.map(({ name }) => `--${name}=x`);
    for (const { component } of components().flags) expect(said(component, [...everything, ...flags], 'v1.36.4', 'v1.36.9')).toEqual([]);
  });
});
