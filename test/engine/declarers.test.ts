// Objects that are declared elsewhere: the owner is named beside the finding, and a repair that would not last is refused with where to change it.
import { expect, test } from 'vitest';
import { finding, setFields } from '../../src/engine/builders.ts';
import type { Check, Raw, System } from '../../src/engine/contracts.ts';
import { examine } from '../../src/engine/examine.ts';
import { list, word } from '../../src/engine/read/index.ts';
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
