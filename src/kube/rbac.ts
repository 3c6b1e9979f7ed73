// What a ServiceAccount is allowed in the whole cluster, by ClusterRoles that ClusterRoleBindings give it. Source: kubernetes pkg/registry/rbac/validation, staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount.
export interface RoleRule {
  groups: string[];
  resources: string[];
  verbs: string[];
  /** Empty: all objects. */
  names: string[];
}
export interface Subject {
  kind: string;
  name: string;
  namespace: string;
}
export interface ResourceAttributes {
  group: string;
  /** With its subresource, as in a rule: `pods/eviction`. */
  resource: string;
  verb: string;
}

/** Whether this subject is, or stands for, the ServiceAccount. */
export function isAccount({ kind, name, namespace }: Subject, account: { namespace: string; name: string }): boolean {
  if (kind === 'ServiceAccount') return name === account.name && namespace === account.namespace;
  if (kind === 'User') return name === `system:serviceaccount:${account.namespace}:${account.name}`;
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`, 'system:authenticated'];
  return kind === 'Group' && groups.includes(name);
}

/** Of all objects of the resource: a rule that names objects allows only those. */
export function allows(rules: readonly RoleRule[], { group, resource, verb }: ResourceAttributes): boolean {
  const has = (list: readonly string[], word: string) => list.includes(word) || list.includes('*');
  const [main, sub] = resource.split('/');
  return rules.some(
    ({ groups, resources, verbs, names }) =>
      !names.length &&
      has(groups, group) &&
      has(verbs, verb) &&
      (has(resources, resource) || (sub !== undefined && (resources.includes(`*/${sub}`) || resources.includes(`${main}/*`)))),
  );
}
