// What the ServiceAccount of a Plan's Jobs must be allowed, and what it is allowed: to cordon or drain its Node, and where agents wait for servers, to see these.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/job/job.go, manifests/clusterrole.yaml; kubectl drain (what it reads and writes); rancher/k3s-upgrade scripts/upgrade.sh (prepare).
import type { Rows } from '../../engine/contracts.ts';
import { each, list, texts, word } from '../../engine/read/index.ts';
import { allows, isAccount, type ResourceAttributes } from '../../kube/rbac.ts';
import type { PlanRow } from './reads.ts';

export const ROLES = {
  roles: list('clusterroles.rbac.authorization.k8s.io', {
    rules: each('rules', {
      groups: texts('apiGroups'),
      resources: texts('resources'),
      verbs: texts('verbs'),
      names: texts('resourceNames'),
    }),
  }),
  bindings: list('clusterrolebindings.rbac.authorization.k8s.io', {
    role: word('roleRef.name', ''),
    subjects: each('subjects', { kind: word('kind', ''), name: word('name', ''), namespace: word('namespace', '') }),
  }),
};

export const accountOf = ({ ref, serviceAccount }: PlanRow) => ({ namespace: ref.namespace ?? '', name: serviceAccount || 'default' });

const wanted = (group: string, resource: string, ...verbs: string[]): ResourceAttributes[] =>
  verbs.map((verb) => ({ group, resource, verb }));

function needed({ cordons, drain, prepareArgs }: PlanRow): ResourceAttributes[] {
  return [
    ...(cordons ? wanted('', 'nodes', 'get', 'patch') : []),
    ...(drain ? [...wanted('', 'pods', 'get', 'list'), ...wanted('apps', 'daemonsets', 'get')] : []),
    ...(drain ? (drain.disablesEviction ? wanted('', 'pods', 'delete') : wanted('', 'pods/eviction', 'create')) : []),
    ...(prepareArgs.length ? [...wanted('', 'nodes', 'list'), ...wanted('upgrade.cattle.io', 'plans', 'get')] : []),
  ];
}

/** `VERB RESOURCE` of each right that the account lacks. */
export function missingRights(plan: PlanRow, { roles, bindings }: Rows<typeof ROLES>): string[] {
  const account = accountOf(plan);
  const bound = new Set(bindings.filter(({ subjects }) => subjects.some((each) => isAccount(each, account))).map(({ role }) => role));
  const rules = roles.filter(({ ref }) => bound.has(ref.name)).flatMap((role) => role.rules);
  return needed(plan)
    .filter((each) => !allows(rules, each))
    .map(({ verb, resource }) => `${verb} ${resource}`);
}
