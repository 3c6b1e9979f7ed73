import { expect, test } from 'vitest';
import { allows, isAccount } from '../../../src/kube/rbac.ts';
import { grid } from '../../grid.ts';

const AGENTS = 'Plan/system-upgrade/agents';

grid('k3s/plan-access', [
  {
    fixture: 'found',
    expect: [`blocker ${AGENTS}`, `blocker ${AGENTS}`, `warning ${AGENTS}`, `blocker ${AGENTS}`, `blocker ${AGENTS}`],
  },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'no-drain', expect: `blocker ${AGENTS}` },
  { fixture: 'healthy', forbidden: ['clusterroles.rbac.authorization.k8s.io'], expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['serviceaccounts'], expect: 'unknown' },
  { expect: 'passed' },
]);

const rule = (more: object) => [{ groups: [''], resources: ['nodes'], verbs: ['patch'], names: [], ...more }];
const PATCH = { group: '', resource: 'nodes', verb: 'patch' };

test.each<[object, boolean]>([
  [{}, true],
  [{ verbs: ['*'] }, true],
  [{ resources: ['*'], groups: ['*'] }, true],
  [{ names: ['s1'] }, false],
  [{ verbs: ['update'] }, false],
  [{ groups: ['apps'] }, false],
])('a rule with %j allows a patch of all nodes: %s', (more, is) => expect(allows(rule(more), PATCH)).toBe(is));

test('a subresource is allowed by its name, and by that of all', () => {
  const wanted = { group: '', resource: 'pods/eviction', verb: 'create' };
  const of = (resources: string[]) => allows(rule({ resources, verbs: ['create'] }), wanted);
  expect([of(['pods']), of(['pods/eviction']), of(['*/eviction']), of(['*'])]).toEqual([false, true, true, true]);
});

test.each<[string, string, string, boolean]>([
  ['ServiceAccount', 'sa', 'ns', true],
  ['ServiceAccount', 'sa', 'other', false],
  ['User', 'system:serviceaccount:ns:sa', '', true],
  ['Group', 'system:serviceaccounts:ns', '', true],
  ['Group', 'system:masters', '', false],
])('%s %s/%s: %s', (kind, name, namespace, is) => expect(isAccount({ kind, name, namespace }, { namespace: 'ns', name: 'sa' })).toBe(is));
