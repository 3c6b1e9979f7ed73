// Rights are asked for before the first write: what is missing stops a run before anything is changed, and is named as the rule that would give it.
import { LEASE_RULES } from '../cluster/lease.ts';
import { type Rule, type Run, type Step, type Text, type World, WorldError } from '../engine/contracts.ts';
import { orTrouble } from '../engine/performing.ts';
import { missingRights, rightsOf } from '../engine/rights.ts';
import { ruleText } from '../kube/resources.ts';
import { EXIT, UserError } from '../text/user-error.ts';

/** Missing rules that are named one by one. */
const NAMED = 10;

/** Throws UserError where some step, or holding the Lease, is not allowed; also where that cannot be told. `command`: whose rights `rbac --for` prints. */
export async function mayAll(steps: Iterable<Step>, world: Pick<World, 'allowed'>, command: 'fix' | 'upgrade'): Promise<void> {
  const missing = await orTrouble(missingRights(rulesOf(steps), world));
  if (missing instanceof WorldError) throw cannotTell(missing.text);
  if (missing.length) throw lacking(missing, command);
}

/** Of a run: whose rights are enough for it. */
export const commandOf = ({ what }: Run): 'fix' | 'upgrade' => (what.startsWith('upgrade') ? 'upgrade' : 'fix');

function* rulesOf(steps: Iterable<Step>): Iterable<Rule> {
  yield* LEASE_RULES;
  for (const step of steps) yield* rightsOf(step);
}

function lacking(missing: readonly Rule[], command: string): UserError {
  const named = [...new Set(missing.map(ruleText))];
  const rest = named.length - NAMED;
  const shown = named.slice(0, NAMED);
  const lacks = {
    en: `${shown.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`,
    zh: `${shown.join('；')}${rest > 0 ? `；另有 ${rest} 条` : ''}`,
  };
  return new UserError(
    { en: `checking permissions: no permission to ${lacks.en}; nothing was changed`, zh: `检查权限：没有权限 ${lacks.zh}；未做任何更改` },
    {
      en: `have them granted; all that is needed: {tool} rbac --for ${command}`,
      zh: `请申请授予这些权限；所需的全部权限：{tool} rbac --for ${command}`,
    },
    EXIT.failed,
  );
}

const cannotTell = (why: Text): UserError =>
  new UserError(
    { en: `checking permissions: ${why.en}; nothing was changed`, zh: `检查权限：${why.zh}；未做任何更改` },
    {
      en: 'every user may ask this by default (ClusterRole system:basic-user); see that this user may create selfsubjectaccessreviews.authorization.k8s.io',
      zh: '默认情况下所有用户都有此权限（ClusterRole system:basic-user）；请确认该用户可以创建 selfsubjectaccessreviews.authorization.k8s.io',
    },
    EXIT.failed,
  );
