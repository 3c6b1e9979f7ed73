// Who gets a role that is printed (--bind-to): a ClusterRoleBinding for each, so that one that is applied later takes nothing from another.
import { createHash } from 'node:crypto';
import type { Raw } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';

const GROUP = 'rbac.authorization.k8s.io';
const SHAPE = /^(?:(?<kind>user|group)\/(?<name>.+)|serviceaccount\/(?<namespace>[a-z0-9-]+)\/(?<account>[a-z0-9.-]+))$/s;

/** @param role its name. @param to as --bind-to has it: user/NAME, group/NAME or serviceaccount/NAMESPACE/NAME. Throws UserError. */
export function bindingOf(role: string, to: string): Raw {
  const { kind, name, namespace, account } = SHAPE.exec(to)?.groups ?? {};
  const subject: Raw | undefined =
    kind && name
      ? { kind: kind === 'user' ? 'User' : 'Group', apiGroup: GROUP, name }
      : namespace && account
        ? { kind: 'ServiceAccount', namespace, name: account }
        : undefined;
  if (!subject) throw noSubject(to);
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: `${role}:${nameOf(to)}` },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
    subjects: [subject],
  };
}

/** A name of RBAC is a part of a path. What it cannot hold is replaced, and told apart by its digest. */
function nameOf(to: string): string {
  const [kind, ...rest] = to.split('/');
  const plain = [kind, ...(kind === 'serviceaccount' ? rest : [rest.join('/')])].join(':');
  const safe = plain.replace(/[^\w.:@-]/g, '-').slice(0, 150);
  return safe === plain ? safe : `${safe}-${createHash('sha256').update(plain).digest('hex').slice(0, 8)}`;
}

const noSubject = (to: string): UserError => {
  const shown = oneLine(to, 200);
  return new UserError(
    /^serviceaccount\/[^/]+$/.test(to)
      ? {
          en: `--bind-to ${shown}: the namespace of the ServiceAccount is missing`,
          zh: `--bind-to ${shown}：缺少 ServiceAccount 的命名空间`,
        }
      : { en: `--bind-to ${shown}: not a user, group or ServiceAccount`, zh: `--bind-to ${shown}：不是用户、组或 ServiceAccount` },
    {
      en: 'for example: --bind-to user/alice, --bind-to group/ops or --bind-to serviceaccount/ci/upgrades',
      zh: '例如：--bind-to user/alice、--bind-to group/ops 或 --bind-to serviceaccount/ci/upgrades',
    },
  );
};
