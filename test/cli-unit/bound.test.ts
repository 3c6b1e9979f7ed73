// The binding of a printed role: for each subject one of its own, with a name that a path can hold.
import { expect, test } from 'vitest';
import { bindingOf } from '../../src/cli/bound.ts';

test.each([
  ['user/alice', 'role:user:alice', { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'alice' }],
  ['group/system:masters', 'role:group:system:masters', { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:masters' }],
  ['serviceaccount/ci/upgrades', 'role:serviceaccount:ci:upgrades', { kind: 'ServiceAccount', namespace: 'ci', name: 'upgrades' }],
])('%s', (to, name, subject) =>
  expect(bindingOf('role', to)).toMatchObject({
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { kind: 'ClusterRole', name: 'role' },
    subjects: [subject],
  }),
);
test('a user of an identity provider may have any name: of two alike each has its own binding', () => {
  const names = ['oidc:a/b', 'oidc:a%b', 'oidc:a-b'].map((name) => {
    const { metadata, subjects } = bindingOf('role', `user/${name}`) as { metadata: { name: string }; subjects: { name: string }[] };
    expect(subjects[0]!.name).toBe(name);
    expect(metadata.name).toMatch(/^role:user:oidc:a-b(-[0-9a-f]{8})?$/);
    return metadata.name;
  });
  expect(new Set(names).size).toBe(3);
});
test.each(['alice', 'user/', 'serviceaccount/ci/a/b', 'node/a'])('%s is refused', (to) =>
  expect(() => bindingOf('role', to)).toThrow(`--bind-to ${to}: not a user, group or ServiceAccount`),
);
test('of a ServiceAccount without its namespace just that is said', () =>
  expect(() => bindingOf('role', 'serviceaccount/few')).toThrow(
    '--bind-to serviceaccount/few: the namespace of the ServiceAccount is missing',
  ));
