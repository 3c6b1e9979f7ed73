// check: detect, look, report.
import { examine } from '../../engine/examine.ts';
import { exitCode } from '../../engine/verdict.ts';
import { publish } from '../../report/check-result.ts';
import { table } from '../../report/table.ts';
import { SYSTEMS, systemIds, TITLES } from '../../systems/index.ts';
import { examineOptions } from '../asked.ts';
import type { Call } from '../call.ts';
import { openSource } from '../session.ts';

export async function check(call: Call): Promise<number> {
  const options = examineOptions(call, { systems: systemIds(call.args) });
  const { source, close } = await openSource(call);
  try {
    const examination = await examine(source, SYSTEMS, options);
    if (call.flags.output === 'json') call.out(JSON.stringify(publish(examination), null, 2));
    else call.out(...table(examination, SYSTEMS, TITLES, call.face));
    return exitCode(examination.results, call.flags['fail-on'] ?? 'blocker');
  } finally {
    close();
  }
}
