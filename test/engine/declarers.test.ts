// Objects that are declared elsewhere: the owner is named beside the finding, and a repair that would not last is refused with where to change it.
import { expect, test } from 'vitest';
import { finding, setFields } from '../../src/engine/builders.ts';
import type { BodiesRead, Check, Installation, Raw, Source, System } from '../../src/engine/contracts.ts';
import { refusedThere, withDeclarer } from '../../src/engine/declarers.ts';
import { examine } from '../../src/engine/examine.ts';
import { list, word } from '../../src/engine/read/index.ts';
import { releases } from '../../src/helm/releases.ts';
import { keyOf } from '../../src/kube/refs.ts';
import type { Face } from '../../src/report/face.ts';
import { findingView } from '../../src/report/view.ts';
import { liveSource } from '../snapshot/helpers.ts';

const reads = { maps: list('configmaps', { mark: word('data.mark') }, { only: ({ mark }) => mark === 'broken' }) };
const check: Check<typeof reads, object> = {
  id: 'x/marked',
  title: { en: 't', zh: '题' },
  headline: { en: 'h', zh: '头' },
  page: { impact: { en: 'i', zh: '影' }, detection: { en: 'd', zh: '检' } },
  sources: [],
  applies: { stage: 'both' },
  reads,
  judge: ({ maps }) => maps.map(({ ref }) => finding({ severity: 'warning', key: [ref.name], objects: [ref], args: {} })),
  say: () => ({ en: 'broken', zh: '损坏' }),
  remedy: {
    writes: [],
    steps: async (found) =>
      found.flatMap(({ objects }) =>
        objects.map((on) => setFields(on, [{ path: '/data/mark', before: 'broken', after: 'fine' }], { en: 's', zh: '步' })),
      ),
  },
};
const system = (lasts?: true): System =>
  ({
    id: 'x',
    title: { en: 'X', zh: 'X' },
    reads: {},
    pointReads: [],
    checks: [{ ...check, remedy: { ...check.remedy!, lasts } }],
    signs: { en: '', zh: '' },
    knownFrom: '1.0.0',
    knownUpTo: '9.0.0',
    compare: () => 0,
    satisfies: () => true,
    parse: (version: string) => version,
    detect: async () => [{ id: 'x@cluster', system: 'x', name: 'cluster', version: '1.0.0', sources: [], byHelm: false }],
    defaultTarget: () => undefined,
  }) as unknown as System;

const map = (name: string, metadata: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'shop', ...metadata },
  data: { mark: 'broken' },
});
const OBJECTS = [
  map('own'),
  map('argo', { annotations: { 'argocd.argoproj.io/tracking-id': 'app:/ConfigMap:shop/argo' } }),
  map('helm', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }),
];

test('of a finding with objects of several owners all are named, of many the first three', () => {
  const refs = ['a', 'b', 'c', 'd'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name }));
  const declarers = new Map(
    refs.map((ref) => [keyOf(ref), { name: `Helm release shop/${ref.name}`, mark: 'm', release: `shop/${ref.name}` }]),
  );
  const owned = (count: number) => {
    const found = finding({ severity: 'warning', key: ['k'], objects: refs.slice(0, count), args: {} });
    return withDeclarer(found, declarers, { namespace: '', name: 'cluster', byHelm: false } as unknown as Installation).declaredBy?.name;
  };
  expect([1, 2, 4].map(owned)).toEqual([
    'Helm release shop/a',
    'Helm release shop/a, Helm release shop/b',
    'Helm release shop/a, Helm release shop/b, Helm release shop/c, ...',
  ]);
});

test('is named, and its live repair refused', async () => {
  const { results, remedies } = await examine(liveSource(OBJECTS), [system()]);
  const owners = results[0]!.findings.map(({ objects, declaredBy }) => [objects[0]!.name, declaredBy?.name]);
  expect(owners.sort()).toEqual([
    ['argo', 'Argo CD Application app'],
    ['helm', 'Helm'],
    ['own', undefined],
  ]);
  const { drafts, refusals } = await remedies[0]!.propose(remedies[0]!.findings);
  expect(drafts.map((draft) => 'on' in draft && (draft.on as { name: string }).name)).toEqual(['own']);
  expect(refusals.map(({ refused, objects }) => [objects[0]!.name, refused.en]).sort()).toEqual([
    ['argo', 'owned by Argo CD Application app (argocd.argoproj.io/tracking-id), which would revert the change: change it there'],
    ['helm', 'owned by Helm (app.kubernetes.io/managed-by=Helm), which would revert the change: change it there'],
  ]);
});

test('a repair that lasts is offered', async () => {
  const { remedies } = await examine(liveSource(OBJECTS), [system(true)]);
  const { drafts, refusals } = await remedies[0]!.propose(remedies[0]!.findings);
  expect([drafts.length, refusals.length]).toEqual([3, 0]);
});

/** What a release has left behind, and an object of one that is there; both kept in Secrets. */
const HELD = [
  ...['gone', 'removed', 'there'].map((release) =>
    map(release, { annotations: { 'meta.helm.sh/release-name': release, 'meta.helm.sh/release-namespace': 'shop' } }),
  ),
  ...[
    ['there', 'deployed'],
    ['removed', 'uninstalled'],
  ].map(
    ([name, status]): Raw => ({
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1', data: {} },
      metadata: {
        name: `sh.helm.release.v1.${name}.v1`,
        namespace: 'shop',
        labels: { owner: 'helm', name: name!, status: status!, version: '1' },
      },
    }),
  ),
];
const seeing = (lists: BodiesRead): System => {
  const [one] = system().checks;
  return { ...system(), checks: [{ ...one!, reads: { ...reads, releases: lists } }] } as unknown as System;
};

test('of a release that does not exist nothing but annotations is left: its objects can be repaired where they are', async () => {
  const { results, remedies } = await examine(liveSource(HELD), [seeing(releases())]);
  expect(results[0]!.findings.map(({ declaredBy }) => [declaredBy?.name, declaredBy?.gone ?? false]).sort()).toEqual([
    ['Helm release shop/gone', true],
    ['Helm release shop/removed', true],
    ['Helm release shop/there', false],
  ]);
  const { drafts, refusals } = await remedies[0]!.propose(remedies[0]!.findings);
  expect([drafts.length, refusals.map(({ objects }) => objects[0]!.name)]).toEqual([2, ['there']]);
  const gone = results[0]!.findings.find(({ objects }) => objects[0]!.name === 'gone')!;
  const said = (language: 'en' | 'zh') => findingView(gone, [], { language } as Face).message;
  expect(said('en')).toMatch(/annotated with Helm release shop\/gone, which does not exist: change the object itself/);
  expect(said('zh')).toContain('注解写明属于 Helm release shop/gone，但该 release 不存在，请直接修改对象');
});

test.each<[string, BodiesRead, ((source: Source) => Source) | undefined, 'elsewhere' | undefined]>([
  ['only releases of one chart were read', releases({ chart: 'web' }), undefined, undefined],
  ['records in ConfigMaps could not be listed', releases(), without('configmaps', 'owner=helm'), undefined],
  ['records in Secrets could not be listed', releases({ optional: true }), without('secrets', 'owner=helm'), undefined],
  ['no check reads any', { ...releases(), installed: undefined }, undefined, undefined],
  ['HELM_DRIVER keeps them outside the cluster', releases(), undefined, 'elsewhere'],
])('whether a release is there is not said, where %s', async (_, lists, hidden = (source) => source, helmDriver) => {
  const { results } = await examine(hidden(liveSource(HELD)), [seeing(lists)], { helmDriver });
  for (const found of results[0]!.findings) {
    const name = `Helm release shop/${found.objects[0]!.name}`;
    expect(found.declaredBy).toEqual({ name, mark: 'meta.helm.sh/release-name', watches: false, unchecked: true });
    expect(refusedThere(found).refused.en).toBe(
      `annotated with ${name} (meta.helm.sh/release-name), which would revert the change if it exists: change it there`,
    );
    const said = (language: 'en' | 'zh') => findingView(found, [], { language } as Face).message;
    expect(said('en')).toContain(`annotated with ${name}: change it there if that release exists`);
    expect(said('zh')).toContain(`注解写明属于 ${name}，如果该 release 存在，请在该处修改`);
  }
});

test('a release by which something is installed exists: its records were read to detect that', async () => {
  const installed: Installation = {
    ...{ id: 'x@cluster', system: 'x' as never, name: 'cluster', version: '1.0.0', sources: [], byHelm: true },
    release: { namespace: 'shop', name: 'there', revision: 1, status: 'deployed' },
  };
  const { results } = await examine(liveSource(HELD), [{ ...system(), detect: async () => [installed] }]);
  expect(results[0]!.findings.map(({ declaredBy }) => [declaredBy?.name, declaredBy?.unchecked ?? false]).sort()).toEqual([
    ['Helm release shop/gone', true],
    ['Helm release shop/removed', true],
    ['Helm release shop/there', false],
  ]);
});

function without(resource: string, labels: string): (source: Source) => Source {
  return (source) => ({
    ...source,
    list: async (query, sink) =>
      query.resource === resource && query.labels === labels ? { why: 'forbidden', verb: 'list', resource } : source.list(query, sink),
  });
}
