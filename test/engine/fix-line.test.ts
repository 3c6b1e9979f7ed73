// The fix line is made of the plan: the steps that there are, to which objects, and what is left out.
import { expect, test } from 'vitest';
import type { Ref, StepDraft } from '../../src/engine/contracts.ts';
import { fixLine } from '../../src/engine/fix-line.ts';

const common = { guard: [], undo: 'exact', text: { en: 'manual: do it', zh: '手动：做' } } as const;
const pod = (name: string): Ref => ({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name });
const draft = (action: object): StepDraft => ({ ...common, ...action }) as unknown as StepDraft;
const evict = (name: string) => draft({ do: 'evict', on: pod(name), within: 1 });
const endpoint = (name: string): Ref => ({ ...pod(name), apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderEndpoint' });
const crd = (name: string) =>
  draft({ do: 'apply', object: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name } } });
const WHY = { en: 'a PodDisruptionBudget forbids it', zh: 'PodDisruptionBudget 不允许' };

test.each<[string, StepDraft[], Ref[], string, string]>([
  [
    'each thing with its own objects',
    [draft({ do: 'delete', on: endpoint('cart-0') }), evict('cart-0'), evict('web')],
    [],
    'deletes SpiderEndpoint shop/cart-0; evicts 2 Pods: shop/cart-0, shop/web',
    '删除 SpiderEndpoint shop/cart-0；驱逐 2 个 Pod shop/cart-0、shop/web',
  ],
  [
    'what is applied and what is not, each by its number',
    ['a', 'b', 'c', 'd', 'e'].map(crd),
    [pod('x'), pod('y')],
    'applies 5 CRDs: a, b, c and 2 more; skips 2 objects (a PodDisruptionBudget forbids it)',
    '应用 5 个 CRD a、b、c 等；跳过 2 个对象（PodDisruptionBudget 不允许）',
  ],
  [
    'a kind of which the plural is not one letter more',
    ['a', 'b'].map((name) => draft({ do: 'delete', on: { ...pod(name), kind: 'NetworkPolicy' } })),
    [],
    'deletes 2 NetworkPolicies: shop/a, shop/b',
    '删除 2 个 NetworkPolicy shop/a、shop/b',
  ],
  [
    'a backup before a change',
    [draft({ do: 'backup', resources: ['plans.upgrade.cattle.io'], file: 'f' }), draft({ do: 'delete', on: endpoint('a') })],
    [],
    'backs up all plans; deletes SpiderEndpoint shop/a',
    '备份全部 plans；删除 SpiderEndpoint shop/a',
  ],
  ['only what is refused', [], [pod('x')], 'skipped: a PodDisruptionBudget forbids it', '已跳过：PodDisruptionBudget 不允许'],
  [
    'a field and its value',
    [draft({ do: 'patch', on: endpoint('a'), changes: [{ path: '/status/ownerControllerType', before: 'None', after: 'Pod' }] })],
    [],
    'sets status.ownerControllerType of SpiderEndpoint shop/a → Pod',
    '将 SpiderEndpoint shop/a 的 status.ownerControllerType 设为 Pod',
  ],
  [
    'a field that goes',
    [
      draft({
        do: 'patch',
        on: { apiVersion: 'v1', kind: 'Node', name: 'n' },
        changes: [{ path: '/metadata/labels/plan.io~1x', before: '1' }],
      }),
    ],
    [],
    'removes metadata.labels[plan.io/x] of Node n',
    '移除 Node n 的 metadata.labels[plan.io/x]',
  ],
  ['a person', [draft({ do: 'manual', commands: [] })], [], 'manual: do it', '手动：做'],
  [
    'a person behind what is done',
    [evict('web'), draft({ do: 'manual', commands: [] })],
    [],
    'evicts Pod shop/web; manual: 1 more',
    '驱逐 Pod shop/web；手动：另有 1 步',
  ],
  [
    'what only an upgrade does, and a person otherwise',
    [
      draft({
        ...{ do: 'patch', on: endpoint('a'), when: 'first', changes: [{ path: '/spec/x', before: 1, after: 2 }] },
        brief: () => ({ en: 'during the upgrade, sets x of', zh: '升级期间设置 {} 的 x' }),
      }),
      draft({ do: 'manual', when: 'instead', commands: [] }),
    ],
    [],
    'during the upgrade, sets x of SpiderEndpoint shop/a; fix without an upgrade: 1 manual step',
    '升级期间设置 SpiderEndpoint shop/a 的 x；只执行 fix 时需手动处理（1 步）',
  ],
])('%s', (_, drafts, refused, en, zh) => {
  const refusals = refused.length ? [{ refused: WHY, objects: refused }] : [];
  expect(fixLine({ drafts, refusals })).toEqual({ en, zh });
});
test('the words of the remedy, by the number of steps', () => {
  const brief = (n: number) => ({ en: `releases ${n} IPs of`, zh: `释放 {} 中的 ${n} 个 IP` });
  const released = (path: string) => draft({ do: 'patch', on: { ...endpoint('v4'), kind: 'Pool' }, changes: [{ path, before: 1 }], brief });
  expect(fixLine({ drafts: [released('/a'), released('/b')], refusals: [] })).toEqual({
    en: 'releases 2 IPs of Pool shop/v4',
    zh: '释放 Pool shop/v4 中的 2 个 IP',
  });
});
test('no value that is secret by its key', () => {
  const on = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'c' };
  const line = fixLine({ drafts: [draft({ do: 'patch', on, changes: [{ path: '/data/password', after: 'hunter2' }] })], refusals: [] });
  expect(line.en).not.toContain('hunter');
});
