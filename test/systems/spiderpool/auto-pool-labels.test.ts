// Automatic pools: each layout that a release wrote, the owner by its uid, and what is refused.
import { describe, expect, test } from 'vitest';
import type { Raw, Refusal, StepDraft } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid } from '../../grid.ts';
import { installed } from './installed.ts';

const ID = 'spiderpool/auto-pool-labels';
const POOL = 'SpiderIPPool/auto-web-v4-eth0-000000000301';
const P = 'ipam.spidernet.io/';
const label = (name: string, after: string) => `${POOL} /metadata/labels/ipam.spidernet.io~1${name}: ∅ → ${after}`;

grid(ID, [
  {
    fixture: 'found',
    expect: `warning ${POOL}`,
    steps: [
      label('owner-application-gv', 'apps_v1'),
      label('owner-application-kind', 'Deployment'),
      label('owner-application-namespace', 'shop'),
      label('owner-application-name', 'web'),
      label('interface', 'eth0'),
      label('ip-version', 'IPv4'),
      `${POOL} /spec/podAffinity: [object Object] → [object Object]`,
    ],
  },
  { fixture: 'labelled', expect: `blocker ${POOL}`, steps: [`${POOL} /spec/podAffinity: [object Object] → [object Object]`] },
  { fixture: 'twins', expect: [`blocker ${POOL}`, 'blocker SpiderIPPool/auto4-web-eth0-00000'] },
  {
    fixture: 'found',
    objects: [
      {
        apiVersion: 'spiderpool.spidernet.io/v2beta1',
        kind: 'SpiderIPPool',
        metadata: {
          ...{ name: 'auto-2', uid: 'u-going', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['spiderpool.spidernet.io'] },
          labels: { [`${P}owner-spider-subnet`]: 's', [`${P}owner-application-uid`]: 'u' },
          annotations: { [`${P}application`]: 'apps/v1:Deployment:shop:none' },
        },
        spec: { ipVersion: 4, subnet: '10.7.0.0/16', ips: ['10.7.0.1'] },
      },
    ],
    expect: [`warning ${POOL}`, 'notice SpiderIPPool/auto-2'],
  },
  { fixture: 'gateway', expect: `warning ${POOL}` },
  // One of its IPs is in use and not in its ranges.
  {
    fixture: 'found',
    objects: [
      {
        ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' },
        metadata: {
          ...{ name: 'auto-2', uid: 'u-2', labels: { [`${P}owner-spider-subnet`]: 's', [`${P}owner-application-uid`]: 'u' } },
          annotations: { [`${P}application`]: 'apps/v1:Deployment:shop:none' },
        },
        spec: { ipVersion: 4, subnet: '10.7.0.0/16', ips: ['10.7.0.1'] },
        status: { allocatedIPs: '{"10.7.0.9":{"pod":"a/b","podUid":"u"}}', allocatedIPCount: 1 },
      },
    ],
    expect: [`warning ${POOL}`, 'notice SpiderIPPool/auto-2'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', objects: [installed('0.4.0')], to: 'spiderpool=0.4.1', expect: 'not-applicable' },
  { fixture: 'healthy', forbidden: ['spiderippools.spiderpool.spidernet.io'], expect: 'unknown' },
]);

// ---- layouts --------------------------------------------------------------------------------------------------------

const owner = (kind: string, name: string, { uid = 'u-1', annotations = {} as Raw, namespace = 'shop' } = {}): Raw => {
  const template = { metadata: { annotations }, spec: {} };
  return {
    apiVersion: kind.endsWith('Job') ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { name, namespace, uid },
    spec: kind === 'CronJob' ? { jobTemplate: { spec: { template } } } : { template },
  };
};
const pool = (labels: Raw, { annotations = {} as Raw, apiVersion = 'v2beta1', spec = {} as Raw, metadata = {} as Raw } = {}): Raw => ({
  apiVersion: `spiderpool.spidernet.io/${apiVersion}`,
  kind: 'SpiderIPPool',
  metadata: { name: 'auto-x', uid: 'u-pool', labels, annotations, ...metadata },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.1.1'], podAffinity: { matchLabels: { app: 'x' } }, ...spec },
});
const old = (app: string, more: Raw = {}) =>
  pool({ [`${P}owner-spider-subnet`]: 's', [`${P}owner-application`]: app, [`${P}owner-application-uid`]: 'u-1', ...more });

async function offered(version: string, objects: Raw[]) {
  const { results, remedies } = await examine(dumpSource(dumpOf({ objects: [installed(version), ...objects], whole: true })), SYSTEMS, {
    checks: [ID],
    targets: [{ system: 'spiderpool', version: '0.9.13' }],
  });
  const { drafts, refusals } = remedies[0]?.offered ?? { drafts: [] as StepDraft[], refusals: [] as Refusal[] };
  const set = drafts.flatMap((draft) => (draft.do === 'patch' ? draft.changes : []));
  const labelled = Object.fromEntries(
    set.flatMap(({ path, after }) => (path.startsWith('/metadata/labels/') ? [[path.split('~1')[1], after]] : [])),
  );
  return { findings: results[0]!.findings, labelled, drafts, refused: refusals.map(({ refused }) => refused.en), set };
}

describe('whose it is', () => {
  test.each<[string, Raw, Raw, Raw]>([
    [
      '0.2: no prefix',
      pool({ 'owner-spider-subnet': 's', 'owner-application': 'deployment-shop-web', 'owner-application-uid': 'u-1' }),
      owner('Deployment', 'web'),
      { 'owner-application-name': 'web', 'owner-spider-subnet': 's', 'owner-application-uid': 'u-1' },
    ],
    [
      '0.3.5: small letters and dashes',
      old('statefulset-shop-my-db'),
      owner('StatefulSet', 'my-db'),
      { 'owner-application-kind': 'StatefulSet', 'owner-application-name': 'my-db' },
    ],
    [
      '0.3.5: a namespace with dashes',
      old('daemonset-shop-a-b-c'),
      owner('DaemonSet', 'c', { namespace: 'shop-a-b' }),
      { 'owner-application-namespace': 'shop-a-b', 'owner-application-name': 'c' },
    ],
    [
      '0.3.7: split by _',
      old('Job_shop_once'),
      owner('Job', 'once'),
      { 'owner-application-gv': 'batch_v1', 'owner-application-kind': 'Job' },
    ],
    [
      '0.4: in an annotation',
      pool(
        { [`${P}owner-spider-subnet`]: 's', [`${P}owner-application-uid`]: 'u-1' },
        { annotations: { [`${P}application`]: 'batch/v1:CronJob:shop:nightly' } },
      ),
      owner('CronJob', 'nightly', { annotations: { [`${P}ippool-reclaim`]: 'false' } }),
      { 'owner-application-kind': 'CronJob', 'ippool-reclaim': 'false' },
    ],
  ])('%s', async (_, made, its, labels) => {
    const { findings, labelled } = await offered('0.9.4', [made, its]);
    expect(findings).toMatchObject([{ severity: 'warning', args: { is: 'labels' } }]);
    expect(labelled).toMatchObject(labels);
  });
  test('another uid is another object, also of the same name: nothing is labelled', async () => {
    const { findings, drafts, refused } = await offered('0.9.4', [old('Deployment_shop_web'), owner('Deployment', 'web', { uid: 'u-2' })]);
    expect([findings[0]!.severity, drafts]).toEqual(['notice', []]);
    expect(refused).toEqual([expect.stringContaining('its owner no longer exists')]);
  });
  test('of names that can be cut in several ways, the one with the uid', async () => {
    const others = [owner('Deployment', 'b-web', { namespace: 'a', uid: 'u-2' }), owner('Deployment', 'web', { namespace: 'a-b' })];
    expect((await offered('0.9.4', [old('deployment-a-b-web'), ...others])).labelled).toMatchObject({
      'owner-application-namespace': 'a-b',
    });
  });
  test('a kind that is not one of the six, and several interfaces of one subnet: refused', async () => {
    const foreign = pool(
      { [`${P}owner-spider-subnet`]: 's', [`${P}owner-application-uid`]: 'u-1' },
      { annotations: { [`${P}application`]: 'apps.kruise.io/v1alpha1:CloneSet:shop:x' } },
    );
    const subnets = JSON.stringify(['eth0', 'net1'].map((nic) => ({ interface: nic, ipv4: ['s'] })));
    const twice = owner('Deployment', 'web', { annotations: { [`${P}subnets`]: subnets } });
    for (const objects of [[foreign], [old('Deployment_shop_web'), twice]]) {
      const { findings, drafts, refused } = await offered('0.9.4', objects);
      expect([findings[0]!.args, drafts]).toMatchObject([{ is: 'unclear' }, []]);
      expect(refused).toEqual([expect.stringContaining('cannot be determined')]);
    }
  });
  test('the interface that the Pod template names for this subnet', async () => {
    const subnets = JSON.stringify([
      { interface: 'eth0', ipv4: ['t'] },
      { interface: 'net1', ipv4: ['s'] },
    ]);
    const its = owner('Deployment', 'web', { annotations: { [`${P}subnets`]: subnets } });
    expect((await offered('0.9.4', [old('Deployment_shop_web'), its])).labelled).toMatchObject({ interface: 'net1' });
  });
});

test('with 0.4.x running: the labels before the upgrade, the podAffinity behind it, once the controller is new', async () => {
  const { drafts } = await offered('0.4.1', [old('Deployment_shop_web'), owner('Deployment', 'web')]);
  expect(drafts.map(({ when, do: what }) => [what, when])).toEqual([
    ['patch', undefined],
    ['patch', 'after'],
  ]);
  expect(drafts[1]).toMatchObject({
    changes: [{ path: '/spec/podAffinity', after: { matchLabels: { [`${P}app-name`]: 'web', [`${P}app-api-group`]: 'apps' } } }],
    guard: [{ must: 'exist' }, { which: 'some', must: [{ is: '0.9.13' }] }],
  });
});

test('what the webhook would reject is not written, and it says what to do', async () => {
  const its = owner('Deployment', 'web');
  const spec = { gateway: '10.6.1.1' };
  const given = pool(
    { [`${P}owner-spider-subnet`]: 's', [`${P}owner-application`]: 'Deployment_shop_web', [`${P}owner-application-uid`]: 'u-1' },
    { spec },
  );
  expect((await offered('0.9.4', [given, its])).refused).toEqual([expect.stringContaining('add the gateway to spec.excludeIPs')]);
  const going = { ...given, metadata: { ...(given.metadata as Raw), deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect((await offered('0.9.4', [going, its])).refused).toEqual([expect.stringContaining('being deleted')]);
  const v1 = { ...old('Deployment_shop_web'), apiVersion: 'spiderpool.spidernet.io/v1' };
  expect((await offered('0.3.7', [v1, its])).refused).toEqual([expect.stringContaining('are converted to v2beta1')]);
});
