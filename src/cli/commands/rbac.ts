// rbac: the least ClusterRole that is enough for a command, as one manifest.
import { stringify } from 'yaml';
import { LEASE_RULES } from '../../cluster/lease.ts';
import { rightsToCheck, rightsToFix } from '../../engine/rights.ts';
import { SYSTEMS } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import type { Call } from '../call.ts';

export async function rbac(call: Call): Promise<number> {
  const what = call.flags.for ?? 'check';
  const rules = what === 'check' ? rightsToCheck(SYSTEMS) : rightsToFix(SYSTEMS, LEASE_RULES);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `upgrade-guard-${what}` },
    rules: rules.map(({ group, resource, verbs, names, nonResourceURLs }) =>
      nonResourceURLs
        ? { nonResourceURLs, verbs }
        : { apiGroups: [group], resources: [resource], ...(names ? { resourceNames: names } : {}), verbs },
    ),
  };
  // kubectl reads YAML 1.1: `version` quotes what it would take for something else.
  call.out(stringify(role, { version: '1.1', lineWidth: 0 }).trimEnd());
  call.say(
    call.t({
      en: `# Give it to somebody: kubectl create clusterrolebinding ${role.metadata.name} --clusterrole=${role.metadata.name} --user=NAME`,
      zh: `# 授予某个用户：kubectl create clusterrolebinding ${role.metadata.name} --clusterrole=${role.metadata.name} --user=NAME`,
    }),
  );
  return EXIT.ok;
}
