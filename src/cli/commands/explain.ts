// explain: one check as a page.
import { jsonOf, yamlOf } from '../../report/data.ts';
import { explained, explainedInMarkdown } from '../../report/explain.ts';
import { checkOf } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import type { Call } from '../call.ts';

export async function explain(call: Call): Promise<number> {
  const check = checkOf(call.args[0]!);
  const { id, title, headline, page, applies, sources, remedy } = check;
  const data = { json: jsonOf, yaml: yamlOf }[call.flags.output ?? ''];
  if (data) call.out(data({ id, title, headline, page, applies, sources, writes: remedy?.writes ?? null }));
  else if (call.flags.output === 'markdown') call.out(explainedInMarkdown(check, call.face));
  else call.out(...explained(check, call.face));
  return EXIT.ok;
}
