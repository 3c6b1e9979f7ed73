// The steps that make good what a bad target breaks: for which targets, from which values, with which guards; and none for a good one.
import { describe, expect, test } from 'vitest';
import type { Raw, StepDraft } from '../../../src/engine/contracts.ts';
import { executeRun } from '../../../src/engine/execute.ts';
import { makePlan, planUpgrade, stepsOf } from '../../../src/engine/plan.ts';
import { progressOf } from '../../../src/engine/progress.ts';
import { pointerGet } from '../../../src/kube/pointer.ts';
import { refOf } from '../../../src/kube/refs.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { dumpWorld } from '../../../src/snapshot/world.ts';
import {
  coordinatorRepairs,
  droppedFields,
  networkRepairs,
  rollbackTrap,
  type SpiderpoolUpgrade,
} from '../../../src/systems/spiderpool/repairs.ts';
import { stages } from '../../../src/systems/spiderpool/upgrade.ts';

const NAMESPACE = 'sp-system';
const VALUES: Raw = {
  global: { configName: 'spiderpool-conf' },
  multus: { multusCNI: { name: 'spiderpool-multus', install: true, defaultCniCRName: '' } },
  spiderpoolAgent: { name: 'spiderpool-agent' },
  spiderpoolController: { name: 'spiderpool-controller' },
};
/** In the place of helm's; seen to be done. */
const HELM: StepDraft = {
  do: 'manual',
  commands: [],
  seen: [],
  guard: [],
  undo: 'none',
  text: { en: 'helm', zh: 'helm' },
};

const config = (name: string, data: Raw): Raw => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: NAMESPACE, uid: `u-${name}` },
  data,
});
const conf = (clusterNetwork: string): Raw => ({
  'cni-conf.json': `{ "type": "multus",\n "clusterNetwork": ${JSON.stringify(clusterNetwork)} }`,
});
const coordinator = (spec: Raw): Raw => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
  metadata: { name: 'default', uid: 'u-default' },
  spec,
});
const agents = (annotations?: Raw): Raw => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'spiderpool-agent', namespace: NAMESPACE, uid: 'u-agents' },
  spec: { template: { metadata: annotations ? { annotations } : {} } },
});

const situation = (version: string, objects: Raw[], values: Raw = VALUES, forbidden: string[] = []): SpiderpoolUpgrade => ({
  source: dumpSource(dumpOf({ objects, whole: true, absent: forbidden.map((resource) => ({ why: 'forbidden', verb: 'list', resource })) })),
  path: { from: '0.9.4', to: version, hops: [version] } as SpiderpoolUpgrade['path'],
  intended: {
    release: { namespace: NAMESPACE, name: 'sp', revision: 4, status: 'deployed' },
    chart: { path: '/c', name: 'spiderpool', version, digest: '' },
    values,
    kept: { on: { apiVersion: 'v1', kind: 'Secret', namespace: NAMESPACE, name: 'k' }, digest: 'd', given: false, config: 'd' },
    reuse: false,
    rights: [],
  },
});
const said = (drafts: StepDraft[]) =>
  drafts.map((draft) =>
    draft.do === 'patch'
      ? `${draft.on.kind} ${draft.changes.map(({ inString, path, after }) => `${inString ?? path} → ${after}`)}`
      : draft.do,
  );
const MARK = '/spec/template/metadata/annotations/upgrade-guard~1clusterNetwork';
const BACK = (network: string) => [`ConfigMap /clusterNetwork → ${network}`, `DaemonSet ${MARK} → ${network}, revision 5`];

describe('clusterNetwork', () => {
  const live = [config('spiderpool-multus', conf('k8s-pod-network')), agents()];
  const network = async (...[version, objects, values, forbidden]: Parameters<typeof situation>) =>
    said((await networkRepairs(situation(version, objects, values, forbidden)))(HELM));

  test.each(['0.8.8', '0.9.5', '0.9.6', '0.9.7', '1.0.0-rc2'])('%s gets it back', async (version) =>
    expect(await network(version, live)).toEqual(BACK('k8s-pod-network')),
  );
  test.each(['0.8.7', '0.8.9', '0.9.4', '0.9.8', '0.9.13', '1.0.6', '1.2.2'])('%s needs nothing', async (version) =>
    expect(await network(version, live)).toEqual([]),
  );
  test('none where the values pin it, or multus is not installed', async () => {
    for (const multusCNI of [{ defaultCniCRName: 'calico' }, { install: false }] as Raw[])
      expect(await network('0.9.5', live, { ...VALUES, multus: { multusCNI } })).toEqual([]);
  });
  test('remembered from wherever the installed version keeps it', async () => {
    const of07 = config('multus-cni-config', conf('default'));
    const of089 = config('spiderpool-conf', { 'conf.yml': 'x', clusterNetwork: 'cilium' });
    expect(await network('0.8.8', [of07, agents()])).toEqual(BACK('default'));
    expect(await network('0.9.5', [of089, agents()])).toEqual(BACK('cilium'));
    expect(await network('0.9.5', [config('spiderpool-multus', conf('')), of089])).toEqual(BACK('cilium'));
    const own = { ...VALUES, multus: { multusCNI: { name: 'mine' } } };
    expect(await network('0.9.5', [config('mine', conf('flannel'))], own)).toEqual(BACK('flannel'));
  });
  test('left to a person where it cannot be told', async () => {
    const broken = config('spiderpool-multus', { 'cni-conf.json': '{' });
    for (const objects of [[], [broken], [config('spiderpool-multus', conf(''))], [config('spiderpool-multus', conf('x\u001b[2J'))]])
      expect(await network('0.9.5', objects)).toEqual(['manual']);
    expect(await network('0.9.5', live, VALUES, ['configmaps'])).toEqual(['manual']);
  });
  test('a mark of an earlier upgrade is replaced', async () => {
    const marked = situation('0.9.6', [live[0]!, agents({ 'upgrade-guard/clusterNetwork': 'k8s-pod-network, revision 3' })]);
    const [, mark] = (await networkRepairs(marked))(HELM);
    expect(mark).toMatchObject({ changes: [{ before: 'k8s-pod-network, revision 3', after: 'k8s-pod-network, revision 5' }] });
  });
  test('what another user has set meanwhile stays, and no agent is restarted for it', async () => {
    const drafts = (await networkRepairs(situation('0.9.5', live)))(HELM);
    const world = dumpWorld(dumpOf({ objects: [config('spiderpool-multus', conf('calico')), agents()], whole: true }));
    const { stages } = makePlan([{ drafts: [HELM, ...drafts], refusals: [], reasons: [] }]);
    const run = {
      schema: 2 as const,
      id: 'x',
      tool: '',
      what: '',
      at: '',
      checks: [],
      stages,
      cluster: { uid: 'u', certain: true, server: '', context: '' },
    };
    const { outcomes } = await executeRun(run, {
      world,
      journal: { append: async () => {} },
      progress: progressOf([]),
      halt: new AbortController().signal,
    });
    expect([...outcomes.values()].map(({ result }) => result)).toEqual(['already', 'obsolete', 'obsolete']);
    expect(pointerGet((await world.get(refOf(agents())))!, MARK)).toBeUndefined();
  });
});

describe('fields of the SpiderCoordinator', () => {
  const fields = async (version: string, spec: Raw) => said(await coordinatorRepairs(situation(version, [coordinator(spec)])));
  const bare = { mode: 'auto', detectGateway: false, detectIPConflict: false, hostRuleTable: 500 };
  test.each<[string, Raw, string[]]>([
    ['0.9.5', bare, ['podRPFilter → 0', 'txQueueLen → 0']],
    ['0.9.5', { ...bare, txQueueLen: 0 }, ['podRPFilter → 0']],
    ['0.9.5', {}, ['detectGateway → false', 'detectIPConflict → false', 'hostRuleTable → 500', 'podRPFilter → 0', 'txQueueLen → 0']],
    ['0.9.6', { ...bare, podRPFilter: 2, txQueueLen: 0 }, []],
    ['0.9.7', bare, ['podRPFilter → 0', 'txQueueLen → 0']],
    ['0.8.8', bare, ['podRPFilter → 0']],
    ['0.9.0', bare, ['hostRPFilter → 0', 'txQueueLen → 0']],
    ['0.9.4', {}, []],
    ['0.9.13', {}, []],
    ['1.2.2', {}, []],
  ])('%s, %o', async (version, spec, expected) =>
    expect(await fields(version, spec)).toEqual(expected.map((each) => `SpiderCoordinator /spec/${each}`)),
  );
  test('none where they cannot be listed', async () => {
    const blind = situation('0.9.5', [coordinator({})], VALUES, ['spidercoordinators.spiderpool.spidernet.io']);
    expect(await coordinatorRepairs(blind)).toEqual([]);
  });
});

describe('in the whole upgrade', () => {
  const objects = [config('spiderpool-multus', conf('calico')), agents(), coordinator({})];
  const plan = async (version: string) => {
    return stepsOf(planUpgrade([{ hop: version, repairs: [], stages: await stages(situation(version, objects)) }], ['spiderpool']));
  };
  test('behind helm; the network first, the fields behind the new controllers, all before the agents are waited for', async () => {
    const steps = await plan('0.9.5');
    const at = (match: (step: (typeof steps)[number]) => boolean) => steps.findIndex(match);
    const places = [
      at((step) => step.do === 'helm'),
      at((step) => step.do === 'patch' && step.on.kind === 'ConfigMap'),
      at((step) => step.do === 'patch' && step.on.kind === 'DaemonSet'),
      at((step) => step.do === 'wait' && step.until.length === 1),
      at((step) => step.do === 'patch' && step.on.kind === 'SpiderCoordinator'),
      at((step) => step.do === 'wait' && step.until.length === 2),
    ];
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    const ready = steps[places.at(-1)!]!;
    const patches = steps.filter((step) => step.do === 'patch').map(({ id }) => id);
    expect(patches.filter((id) => !ready.after.includes(id))).toEqual([]);
  });
  test('a good target gets neither patches nor a second wait', async () => {
    const kinds = (await plan('0.9.13')).map((step) => step.do);
    expect(kinds).not.toContain('patch');
    expect(kinds.filter((kind) => kind === 'wait')).toHaveLength(1);
  });
});

describe('fields that the CRDs of the target drop', () => {
  const crd = (fields: Raw): Raw => ({
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: 'spidercoordinators.spiderpool.spidernet.io', uid: 'u-crd' },
    spec: { versions: [{ name: 'v2beta1', schema: { openAPIV3Schema: { properties: { spec: { properties: fields } } } } }] },
  });
  const OLD = crd({ detectGateway: {}, hostRPFilter: {} });
  const FILLED = crd({ detectGateway: { default: false }, hostRPFilter: { default: 0 } });
  test.each<[string, string, Raw, Raw, unknown[]]>([
    ['without defaults all are set again', '1.0.6', OLD, { detectGateway: false, hostRPFilter: 0, hostRuleTable: 500 }, [false, 0]],
    ['a default that the old CRD fills in is left to it', '1.0.6', FILLED, { detectGateway: true, hostRPFilter: 0 }, [true]],
    ['a target that drops none', '0.9.13', OLD, { detectGateway: false, hostRPFilter: 0 }, []],
    ['a target of which nothing is known', '9.9.9', OLD, { detectGateway: false }, []],
  ])('%s', async (_, version, definition, spec, expected) => {
    const drafts = await droppedFields(situation(version, [coordinator(spec), definition]));
    expect(drafts.flatMap((draft) => (draft.do === 'patch' ? draft.changes.map(({ after }) => after) : []))).toEqual(expected);
    expect(drafts.every(({ onUndo, undo }) => onUndo && undo === 'exact')).toBe(true);
  });
});

describe('what a rollback by helm alone would break', () => {
  const between = (from: string, version: string) => {
    const { path, intended } = situation(version, []);
    return rollbackTrap({ path: { ...path, from }, intended });
  };
  test.each([
    ['0.6.1', '1.2.2', ['detectGateway', 'detectIPConflict', 'hostRPFilter']],
    ['0.7.3', '0.9.13', []],
    ['0.9.4', '0.9.13', []],
    ['0.9.4', '1.0.6', ['detectGateway', 'detectIPConflict', 'hostRPFilter']],
    // From 0.9.9 on its agents read none of them.
    ['0.9.13', '1.0.6', []],
    ['1.1.2', '1.2.2', []],
  ])('%s → %s: %j', (from, version, fields) => {
    const { en, zh } = between(from, version);
    if (!fields.length) return expect([en, zh]).toEqual(['', '']);
    expect(en).toContain(`agents of ${from} crash on SpiderCoordinators without ${fields.join(', ')}, which ${version} drops`);
    expect(zh).toContain(fields.join('、'));
  });
});
