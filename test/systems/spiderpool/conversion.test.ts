// From v1 to v2beta1: what becomes of each object, which steps there are in which order, and what keeps it from beginning.
import { describe, expect, test } from 'vitest';
import type { Call } from '../../../src/cli/call.ts';
import { rehearseUpgrade } from '../../../src/cli/rehearse.ts';
import type { JudgedFinding, Raw, StepDraft } from '../../../src/engine/contracts.ts';
import { planUpgrade } from '../../../src/engine/plan.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { conversionStages } from '../../../src/systems/spiderpool/conversion.ts';
import { converted, NEW_API } from '../../../src/systems/spiderpool/convert.ts';
import type { SpiderpoolUpgrade } from '../../../src/systems/spiderpool/repairs.ts';

const P = 'ipam.spidernet.io/';
const own = (kind: string, name: string, more: Raw, metadata: Raw = {}): Raw => ({
  ...{ apiVersion: 'spiderpool.spidernet.io/v1', kind, metadata: { name, uid: `u-${name}`, ...metadata } },
  ...more,
});
const endpoint = (status: Raw): Raw => own('SpiderEndpoint', 'web', { status }, { namespace: 'a' });
const pool = (status: Raw, metadata: Raw = {}, spec: Raw = {}): Raw =>
  own('SpiderIPPool', 'p', { spec: { ipVersion: 4, subnet: '10.8.0.0/24', ...spec }, status }, metadata);
const ips = [{ interface: 'eth0', ipv4: '10.8.0.2/24', ipv4Pool: 'p' }];
const record = (pod: string, type = 'None'): Raw => ({
  namespace: 'a',
  pod,
  interface: 'net1',
  node: 'n',
  containerID: 'c',
  ownerControllerType: type,
});
const web: Raw = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'a', uid: 'u-app' },
  spec: { template: {} },
};
const labels = {
  [`${P}owner-spider-subnet`]: 'net',
  [`${P}owner-application`]: 'deployment-a-web',
  [`${P}owner-application-uid`]: 'u-app',
};

const made = async (object: Raw, { target = '0.9.13', objects = [] as Raw[], defaults = [] as string[] } = {}) => {
  const source = dumpSource(dumpOf({ objects, whole: true }));
  const look = { get: source.get, log: async () => undefined };
  const result = await converted(object, { target, pods: new Map([['a/web', 'u-pod']]), defaults, look });
  return 'refused' in result ? result.refused.en : Object.fromEntries(result.changes.map(({ path, after }) => [path, after]));
};

describe('one object', () => {
  test.each<[string, Raw, unknown]>([
    ['None', { ownerControllerType: 'None', ownerControllerName: '' }, { ownerControllerType: 'Pod', ownerControllerName: 'web' }],
    [
      'a StatefulSet',
      { ownerControllerType: 'StatefulSet', ownerControllerName: 'w' },
      { ownerControllerType: 'StatefulSet', ownerControllerName: 'w' },
    ],
    ['no owner yet (0.1)', {}, { ownerControllerType: 'Pod', ownerControllerName: 'web' }],
  ])('a SpiderEndpoint of %s', async (_, owner, expected) => {
    const status = { current: { containerID: 'c', creationTime: 't', node: 'n', ips }, history: [{ containerID: 'b' }], ...owner };
    expect(await made(endpoint(status))).toEqual({ '/status': { current: { uid: 'u-pod', node: 'n', ips }, ...(expected as Raw) } });
  });
  test('records of a pool: without those of Pods that are gone, but for a StatefulSet', async () => {
    const allocatedIPs = { '10.8.0.2': record('web'), '10.8.0.3': record('gone'), '10.8.0.4': record('db-0', 'StatefulSet') };
    const after = { '10.8.0.2': { pod: 'a/web', podUid: 'u-pod' }, '10.8.0.4': { pod: 'a/db-0', podUid: '' } };
    expect(await made(pool({ allocatedIPs, allocatedIPCount: 3, totalIPCount: 9 }))).toEqual({
      '/status/allocatedIPs': JSON.stringify(after),
      '/status/allocatedIPCount': 2,
    });
    // Up to 0.8.1 a record has its interface.
    const old = await made(pool({ allocatedIPs: { '10.8.0.2': record('web') }, allocatedIPCount: 1 }), { target: '0.5.1' });
    expect(old).toEqual({ '/status/allocatedIPs': JSON.stringify({ '10.8.0.2': { interface: 'net1', pod: 'a/web', podUid: 'u-pod' } }) });
    expect(await made(pool({ allocatedIPs: {}, allocatedIPCount: 0 }), { defaults: ['p'] })).toEqual({
      '/status/allocatedIPs': undefined,
      '/spec/default': true,
    });
  });
  test('an automatic pool gets what 0.5.0 and later look for', async () => {
    const its = pool({ autoDesiredIPCount: 2 }, { labels }, { podAffinity: { matchLabels: { app: 'web' } } });
    expect(await made(its, { objects: [web] })).toMatchObject({
      '/status/autoDesiredIPCount': undefined,
      '/metadata/labels/ipam.spidernet.io~1owner-application-name': 'web',
      '/metadata/labels/ipam.spidernet.io~1interface': 'eth0',
      '/metadata/annotations/ipam.spidernet.io~1ippool-ip-number': '2',
      '/spec/podAffinity': { matchLabels: { [`${P}app-kind`]: 'Deployment', [`${P}app-name`]: 'web' } },
    });
  });
  test('a subnet, and owners of the old version', async () => {
    const owner = { apiVersion: 'spiderpool.spidernet.io/v1', kind: 'SpiderSubnet', name: 'net', uid: 'u' };
    const subnet = own('SpiderSubnet', 'net', { status: { controlledIPPools: { p: { ips: ['10.8.0.2'] } } } });
    expect(await made(subnet)).toEqual({ '/status/controlledIPPools': '{"p":{"ips":["10.8.0.2"]}}' });
    const ownerReferences = [owner, web.metadata as Raw];
    expect(await made(pool({}, { ownerReferences }))).toEqual({
      '/metadata/ownerReferences': [{ ...owner, apiVersion: 'spiderpool.spidernet.io/v2beta1' }, web.metadata],
    });
    expect(await made(own('SpiderReservedIP', 'r', { spec: { ips: [] } }))).toEqual({});
  });
  test.each<[string, Raw, Raw[], string | undefined]>([
    ['in deletion', own('SpiderReservedIP', 'r', {}, { deletionTimestamp: 't' }), [], 'SpiderReservedIP r is being deleted'],
    ['without IPs', endpoint({ history: [] }), [], 'SpiderEndpoint a/web has no allocated IPs'],
    ['of 0.2.2', own('SpiderSubnet', 's', { status: { freeIPs: [] } }), [], 'SpiderSubnet s has status.freeIPs'],
    ['unreadable', pool({ allocatedIPs: 'x' }), [], 'SpiderIPPool p has a status.allocatedIPs'],
    [
      'of an application that is gone, in use',
      pool({ allocatedIPs: { '10.8.0.2': record('web') } }, { labels }),
      [],
      'SpiderIPPool p is an automatic pool in use',
    ],
  ])('refused: %s', async (_, object, objects, expected) => {
    expect(await made(object, { objects })).toContain(expected);
  });
});

const KINDS = {
  spiderendpoints: 'SpiderEndpoint',
  spiderippools: 'SpiderIPPool',
  spiderreservedips: 'SpiderReservedIP',
  spidersubnets: 'SpiderSubnet',
};
const crd = (plural: string, version: string, stored?: string[]): Raw => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.spiderpool.spidernet.io`, uid: `u-${plural}` },
  spec: {
    group: 'spiderpool.spidernet.io',
    names: { kind: KINDS[plural as keyof typeof KINDS], plural },
    versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
  ...(stored ? { status: { storedVersions: stored, conditions: [{ type: 'Established', status: 'True' }] } } : {}),
});
const crds = (version: string, stored?: string[]) => Object.keys(KINDS).map((plural) => crd(plural, version, stored));
const workload = (kind: string, name: string): Raw => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace: 'sp', uid: `u-${name}`, labels: { 'app.kubernetes.io/name': 'spiderpool' } },
  spec: { selector: { matchLabels: { app: name } } },
});
const hook: Raw = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'spiderpool-controller', uid: 'u-hook' },
  webhooks: [{ rules: [{ apiGroups: ['spiderpool.spidernet.io'] }] }],
};
const INSTALLED = [...crds('v1', ['v1']), workload('Deployment', 'spiderpool-controller'), workload('DaemonSet', 'spiderpool-agent'), hook];

function upgrade(objects: Raw[], more: Partial<SpiderpoolUpgrade> = {}): SpiderpoolUpgrade {
  return {
    source: dumpSource(dumpOf({ objects, whole: true })),
    path: { from: '0.3.5', to: '0.9.13', hops: ['0.9.13'] } as SpiderpoolUpgrade['path'],
    intended: {
      release: { namespace: 'sp', name: 'sp', revision: 1, status: 'deployed' },
      chart: { path: '/c', name: 'spiderpool', version: '0.9.13', digest: '' },
      crds: crds('v2beta1'),
      values: {},
      kept: { on: { apiVersion: 'v1', kind: 'Secret', namespace: 'sp', name: 'k' }, digest: '', given: false, config: '' },
      reuse: false,
      rights: [],
    },
    ...more,
  };
}

describe('the stages', () => {
  const said = ({ do: doing, onUndo, ...draft }: StepDraft) =>
    `${doing}${'on' in draft ? ` ${draft.on.kind}` : ''}${onUndo ? ' (undo)' : ''}`;
  test('stop, serve both, convert, drop the old; and on the way back stop and store the old again', async () => {
    const stages = await conversionStages(upgrade([...INSTALLED, pool({ allocatedIPs: { '10.8.0.2': record('web') } })]));
    expect(stages.map(({ steps }) => steps.map(said))).toEqual([
      ['delete ValidatingWebhookConfiguration', 'delete Deployment', 'delete DaemonSet', 'wait'],
      [...Array.from({ length: 4 }, () => ['apply', 'migrate CustomResourceDefinition (undo)', 'wait (undo)', 'apply']).flat(), 'wait'],
      ['patch SpiderIPPool', 'wait'],
      [
        ...Array.from({ length: 4 }, () => 'migrate CustomResourceDefinition'),
        ...Array.from({ length: 4 }, () => 'apply'),
        ...['wait (undo)', 'delete ValidatingWebhookConfiguration (undo)', 'delete Deployment (undo)', 'delete DaemonSet (undo)'],
      ],
    ]);
    expect(stages.every(({ first }) => first)).toBe(true);
  });
  test('of what is found of CRDs, that of those which are converted is fixed on the way', async () => {
    const one = (fingerprint: string, ...names: string[]) =>
      ({
        fingerprint,
        objects: names.map((name) => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name })),
      }) as JudgedFinding;
    const [pools, endpoints] = ['spiderippools.spiderpool.spidernet.io', 'spiderendpoints.spiderpool.spidernet.io'];
    const found = [
      { check: 'spiderpool/crd-storage-version', findings: [one('stored', pools!, endpoints!)] },
      {
        check: 'spiderpool/crds-current',
        findings: [one('pools', pools!), one('foreign', 'network-attachment-definitions.k8s.cni.cncf.io')],
      },
    ];
    const stages = await conversionStages(upgrade(INSTALLED, { found }));
    const fixed = stages.flatMap(({ steps }) => steps).flatMap(({ fixes = [] }) => fixes);
    expect([...new Set(fixed)].sort()).toEqual(['pools', 'stored']);
  });
  test('are rehearsed to the end in memory, the Pods of Spiderpool gone; what comes behind is not counted', async () => {
    const agent: Raw = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'x', namespace: 'sp', uid: 'u-x', labels: { app: 'spiderpool-agent' } },
    };
    const dump = dumpOf({
      objects: [...INSTALLED, agent, pool({ allocatedIPs: { '10.8.0.2': record('db-0', 'StatefulSet') } })],
      whole: true,
    });
    const stages = await conversionStages(upgrade([], { source: dumpSource(dump) }));
    const plan = planUpgrade([{ hop: '0.9.13', repairs: [], stages }], ['spiderpool']);
    const lines: string[] = [];
    const face = { language: 'en', columns: 200, style: { bold: String, green: String, dim: String } };
    const t = ({ en }: { en: string }) => en;
    const call = { face, t, out: (...each: string[]) => void lines.push(...each), signal: new AbortController().signal };
    expect(await rehearseUpgrade(call as unknown as Call, dump, plan), lines.join('\n')).toBe(0);
    expect(lines.at(-1)).toMatch(/^Rehearsed in memory: \d+ steps\. Not rehearsed: 0 /);
    const source = dumpSource(dump);
    const now = (kind: string, name: string) =>
      source.get({ apiVersion: kind === 'SpiderIPPool' ? NEW_API : 'apiextensions.k8s.io/v1', kind, name });
    expect(await now('SpiderIPPool', 'p')).toMatchObject({ status: { allocatedIPs: '{"10.8.0.2":{"pod":"a/db-0","podUid":""}}' } });
    expect(await now('CustomResourceDefinition', 'spiderippools.spiderpool.spidernet.io')).toMatchObject({
      spec: { versions: [{ name: 'v2beta1' }] },
      status: { storedVersions: ['v2beta1'] },
    });
  });
  test('none where nothing is stored as v1, or where the target has v1', async () => {
    expect(await conversionStages(upgrade(crds('v2beta1', ['v2beta1'])))).toEqual([]);
    const { intended } = upgrade([]);
    expect(await conversionStages(upgrade(INSTALLED, { intended: { ...intended, crds: crds('v1') } }))).toEqual([]);
  });
  const open = { remedy: { automatic: true }, accepted: false } as JudgedFinding;
  test.each<[string, Raw[], Partial<SpiderpoolUpgrade>, string]>([
    ['an object that cannot be converted', [endpoint({})], {}, 'SpiderEndpoint a/web has no allocated IPs'],
    ['a finding about IPs', [], { found: [{ check: 'spiderpool/leaked-ip', findings: [open] }] }, 'spiderpool/leaked-ip'],
    ['an earlier conversion', crds('v1', ['v1', 'v2beta1']), {}, 'an earlier conversion is unfinished'],
    ['a chart without CRDs', [], { intended: { ...upgrade([]).intended, crds: [] } }, 'has no CRD spiderendpoints'],
  ])('do not begin with %s', async (_, objects, more, expected) => {
    const named = new Map([...INSTALLED, ...objects].map((object) => [`${object.kind} ${(object.metadata as Raw).name}`, object]));
    await expect(conversionStages(upgrade([...named.values()], more))).rejects.toThrow(expected);
  });
  test('nor where something cannot be read', async () => {
    const source = dumpSource(dumpOf({ objects: INSTALLED, whole: true, absent: [{ why: 'forbidden', verb: 'list', resource: 'pods' }] }));
    await expect(conversionStages(upgrade([], { source }))).rejects.toThrow('no permission to list pods');
  });
});
