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
  if (missing instanceof WorldError) throw cannotTell(missing);
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
      en: `have these permissions granted; the whole ClusterRole: {tool} rbac --for ${command}{reach}`,
      zh: `请申请这些权限；完整的 ClusterRole：{tool} rbac --for ${command}{reach}`,
    },
    EXIT.failed,
  );
}

const cannotTell = ({ kind, text }: WorldError): UserError =>
  new UserError(
    { en: `checking permissions: ${text.en}; nothing was changed`, zh: `检查权限：${text.zh}；未做任何更改` },
    /webhook/.test(text.en) ? OF_A_WEBHOOK : kind === 'forbidden' ? NO_REVIEW : NO_ANSWER,
    EXIT.failed,
  );

/** It answers before any right is looked at: asking is a write, and is refused like every other that it matches. */
const OF_A_WEBHOOK: Text = {
  en: 'this is not a missing permission: an admission webhook refuses the request, and would refuse the writes that it matches. Restore its backend, or set its failurePolicy to Ignore; find it: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations',
  zh: '这不是缺少权限：准入 webhook 拒绝了请求，也会拒绝各步骤中它所匹配的请求。请恢复其后端，或将其 failurePolicy 设为 Ignore；查找：kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations',
};
const NO_REVIEW: Text = {
  en: 'every user may ask this by default (ClusterRole system:basic-user); see that this user may create selfsubjectaccessreviews.authorization.k8s.io',
  zh: '默认情况下所有用户都有此权限（ClusterRole system:basic-user）；请确认该用户可以创建 selfsubjectaccessreviews.authorization.k8s.io',
};
const NO_ANSWER: Text = {
  en: 'the API server did not answer the question; run it again, and ask it yourself: kubectl auth can-i --list',
  zh: 'API 服务器没有给出答复；请重新执行，也可自行查询：kubectl auth can-i --list',
};
