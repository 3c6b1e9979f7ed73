// What the flags of check and fix ask of an examination: systems, checks, targets, what is accepted.
import type { SystemId } from '../engine/contracts.ts';
import type { Acceptance, ExamineOptions } from '../engine/examine.ts';
import { parseTarget } from '../engine/paths.ts';
import { checkOf, SYSTEMS } from '../systems/index.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';

export function examineOptions(call: Call, only: { systems?: SystemId[]; checks?: string[] }): ExamineOptions {
  const { to, accept, namespace } = call.flags;
  return {
    ...only,
    targets: (to ?? []).map((text) => parseTarget(text, SYSTEMS)),
    accept: (accept ?? []).map(acceptance),
    namespace: call.flags['all-namespaces'] ? undefined : namespace,
    began: (what) => call.progress({ en: `looking at ${what} …`, zh: `正在查看 ${what} …` }),
  };
}

function acceptance(text: string): Acceptance {
  const colon = text.indexOf(':');
  const id = colon < 0 ? text : text.slice(0, colon);
  const object = colon < 0 ? undefined : text.slice(colon + 1);
  const check = checkOf(id).id;
  if (object !== undefined && !/^[^/]+(\/[^/]+){1,2}$/.test(object)) {
    throw new UserError(
      {
        en: `reading --accept ${text}: after the colon comes KIND/NAMESPACE/NAME or KIND/NAME`,
        zh: `读取 --accept ${text}：冒号之后应为 KIND/NAMESPACE/NAME 或 KIND/NAME`,
      },
      { en: `for example: --accept ${check}:Pod/default/web-0`, zh: `例如：--accept ${check}:Pod/default/web-0` },
    );
  }
  return { check, object };
}
