// Roles of others than the API server, by what their rules grant: read alike by the checks of permissions that it asks for besides from some minor on.
import type { Finding, Ref, RowOf } from '../../engine/contracts.ts';
import { each, label, list, texts } from '../../engine/read/index.ts';

const ROLE = {
  /** The API server updates its own roles itself. */
  own: label('kubernetes.io/bootstrapping'),
  rules: each('rules', {
    groups: texts('apiGroups'),
    resources: texts('resources'),
    names: texts('resourceNames'),
    verbs: texts('verbs'),
  }),
};
export type Role = RowOf<typeof ROLE>;
export type Rule = Role['rules'][number];

/** Those of both kinds for which `only` holds. `hops`: the minors that they concern. */
export function rolesWith(only: (role: Role) => boolean, hops: readonly string[]) {
  const options = {
    optional: true as const,
    concerns: (path: readonly string[]) => path.some((hop) => hops.includes(hop)),
    only: (role: Role) => role.own === undefined && only(role),
  };
  return {
    clusterRoles: list('clusterroles.rbac.authorization.k8s.io', ROLE, options),
    roles: list('roles.rbac.authorization.k8s.io', ROLE, options),
  };
}

const has = (values: readonly string[], ...any: string[]): boolean => any.some((each) => values.includes(each));

/** Whether a rule names it: `resources` as RBAC has it for one subresource, `pods/exec` and `*` + `/exec`. */
export const names = ({ groups, resources }: Rule, group: string, subresource: string): boolean =>
  has(groups, group, '*') && has(resources, subresource, subresource.replace(/^[^/]+/, '*'));
/** The same, also with all resources. */
export const covers = (rule: Rule, group: string, subresource: string): boolean =>
  names(rule, group, subresource) || (has(rule.groups, group, '*') && rule.resources.includes('*'));
export const allows = ({ verbs }: Rule, ...any: string[]): boolean => has(verbs, '*', ...any);

/** What findings about a role share. Another role of the same account may grant what this one lacks. */
export const ofRole = (ref: Ref): Pick<Finding, 'severity' | 'certainty' | 'key' | 'objects'> => ({
  severity: 'warning',
  certainty: 'medium',
  key: [ref.kind, ref.namespace ?? '', ref.name],
  objects: [ref],
});
export const nameOf = ({ kind, namespace, name }: Ref): string => `${kind} ${[namespace, name].filter(Boolean).join('/')}`;
