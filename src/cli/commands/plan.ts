// plan: a whole upgrade as ordered steps, for a person or a machine. Changes nothing.
import { isComplete } from '../../engine/verdict.ts';
import { jsonOf, yamlOf } from '../../report/data.ts';
import { planView } from '../../report/plan.ts';
import { type PlannedUpgrade, planData, planHtml, planMarkdown, planShell } from '../../report/planned.ts';
import { table } from '../../report/table.ts';
import { HEADLINES, SYSTEMS } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import type { Call } from '../call.ts';
import { migratedValues } from '../migrated-values.ts';
import { planAll } from '../repair.ts';
import { openSource } from '../session.ts';
import { asksFirst, intended, nothingNewer, refusal, solvedBy, unrepaired } from '../upgrading.ts';

const WOULD_NOT = { en: 'upgrade would not start', zh: '升级无法开始' };

export async function plan(call: Call): Promise<number> {
  const { source, close } = await openSource(call);
  try {
    const asked = await intended(call, source, 'run');
    const { before, stages } = asked;
    const nothing = nothingNewer(call, asked);
    const made = nothing === undefined ? await planAll(before.remedies, stages) : { stages: [], refusals: [] };
    const stopping = nothing === undefined ? await unrepaired(before, made) : [];
    const planned: PlannedUpgrade = { cluster: before.identity, paths: before.paths, plan: made, stopping };
    switch (call.flags.output) {
      case 'json':
        call.out(jsonOf(planData(planned)));
        break;
      case 'yaml':
        call.out(yamlOf(planData(planned)));
        break;
      case 'markdown':
        call.out(...planMarkdown(planned, call.face));
        break;
      case 'html':
        call.out(planHtml(planned, call.face));
        break;
      case 'values':
        call.out(migratedValues(call, before).trimEnd());
        break;
      case 'shell':
        call.out(...planShell(planned, call.face));
        break;
      default:
        call.out(
          ...table({ ...before, solved: solvedBy(before, stages) }, SYSTEMS, HEADLINES, call.face),
          '',
          ...(nothing === undefined ? [] : [nothing]),
          ...planView(made, call.face),
        );
        if (stopping.length) call.out('', ...refusal(call, stopping, WOULD_NOT));
        for (const line of asksFirst(call, before, made, stopping)) call.out('', line);
    }
    if (nothing !== undefined) {
      // A file or a pipe gets the plan without steps alone.
      if (call.flags.output !== undefined && call.flags.output !== 'table') call.say(nothing);
      return EXIT.ok;
    }
    if (stopping.length) return EXIT.findings;
    return isComplete(before.results) ? EXIT.ok : EXIT.unknown;
  } finally {
    close();
  }
}
