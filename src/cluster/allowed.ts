// May this user do that? Asked of the API server itself, by SelfSubjectAccessReview: it knows every authorizer, not RBAC alone.
import { type Rule, WorldError } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import { object, statusOf } from './answers.ts';
import type { Transport } from './transport.ts';

const PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
/** Reviews in flight. */
const AT_ONCE = 8;

interface Question {
  rule: Rule;
  attributes: object;
}

/** The rules, one verb and one name each, that are not allowed. Throws WorldError where the server does not say. */
export async function notAllowed(http: Transport, rules: readonly Rule[]): Promise<Rule[]> {
  const questions = rules.flatMap(questionsOf);
  const answers: boolean[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < questions.length; at = next++) answers[at] = await isAllowed(http, questions[at]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return questions.flatMap(({ rule }, at) => (answers[at] ? [] : [rule]));
}

function questionsOf(rule: Rule): Question[] {
  const { verbs, group, resource, names = [undefined], namespace, nonResourceURLs } = rule;
  if (nonResourceURLs)
    return nonResourceURLs.flatMap((path) =>
      verbs.map((verb) => ({
        rule: { ...rule, verbs: [verb], nonResourceURLs: [path] },
        attributes: { nonResourceAttributes: { path, verb } },
      })),
    );
  const [plural, subresource] = resource.split('/');
  return verbs.flatMap((verb) =>
    names.map((name) => ({
      rule: { ...rule, verbs: [verb], ...(name === undefined ? {} : { names: [name] }) },
      attributes: { resourceAttributes: { verb, group, resource: plural, subresource, namespace, name } },
    })),
  );
}

async function isAllowed(http: Transport, { attributes }: Question): Promise<boolean> {
  const body = JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: attributes });
  const answer = await http.request({ method: 'POST', path: PATH, body });
  const status = answer.status === 201 || answer.status === 200 ? object(answer)?.status : undefined;
  if (isRaw(status) && typeof status.allowed === 'boolean') return status.allowed;
  throw new WorldError(
    answer.status === 403 ? 'forbidden' : 'unanswered',
    // The message is bounded already: a webhook's error ends with its cause.
    oneLine(`selfsubjectaccessreviews: ${statusOf(answer).message}`, 700),
    answer.status,
  );
}
