// snapshot: everything that the checks read of this cluster, redacted, in one file.

import { collectDeclared } from '../../engine/collect.ts';
import type { CheckResult, Source, Text, UpgradePath } from '../../engine/contracts.ts';
import { declarationsOf } from '../../engine/declarations.ts';
import { examine } from '../../engine/examine.ts';
import { isGap } from '../../engine/gaps.ts';
import { recordingSource } from '../../snapshot/record.ts';
import { writeSnapshot } from '../../snapshot/write.ts';
import { SYSTEMS } from '../../systems/index.ts';
import { shellWord } from '../../text/shell.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { examineOptions } from '../asked.ts';
import type { Call } from '../call.ts';
import { openSource } from '../session.ts';

export async function snapshot(call: Call): Promise<number> {
  const file = call.args[0]!;
  const { source, close } = await openSource(call);
  try {
    const recording = recordingSource(source, declarationsOf(SYSTEMS));
    const { installations, paths, results } = await examine(recording.source, SYSTEMS, await examineOptions(call, {}));
    const there = SYSTEMS.filter(({ id }) => installations.some(({ system }) => system === id));
    await collectDeclared(recording.source, there, recording.has);
    await readForPlans(recording.source, paths, results);
    await writeSnapshot(await recording.dump(), file, { force: call.flags.force });
    // A name that begins with a dash would be taken for a flag.
    const from = shellWord(file.startsWith('-') ? `./${file}` : file);
    call.say(
      call.t({
        en: `Wrote ${file} (secrets redacted). Check it anywhere: {tool} check --from ${from}`,
        zh: `已写入 ${file}（敏感内容已脱敏）。可在任何地方检查：{tool} check --from ${from}`,
      }),
    );
    const forbidden = forbiddenIn(results);
    if (forbidden) call.say(call.t(lacking(forbidden)));
    return EXIT.ok;
  } finally {
    close();
  }
}

/** Checks that lack a right, whatever else they lack. */
export const forbiddenIn = (results: readonly Pick<CheckResult, 'outcome' | 'gaps'>[]): number =>
  results.filter(({ outcome, gaps }) => outcome === 'unknown' && gaps.some(({ why }) => why === 'forbidden')).length;

/** The cluster may be out of reach once the snapshot is looked at. */
const lacking = (count: number): Text => ({
  en: `warning: ${count} ${count === 1 ? 'check' : 'checks'} will be unknown: this user has no permission to read what ${count === 1 ? 'it needs' : 'they need'}. Required permissions: {tool} rbac --for check`,
  zh: `警告：${count} 个检查项将为未知：当前用户没有读取所需对象的权限。所需权限：{tool} rbac --for check`,
});

/** What a plan reads of single objects hangs on what is there: it is made once, and thrown away. Why one cannot be made, the plan says itself. */
async function readForPlans(source: Source, paths: readonly UpgradePath[], results: readonly CheckResult[]): Promise<void> {
  const found = results.map(({ id, findings }) => ({ check: id, findings }));
  for (const path of paths) {
    const { plans, stages } = SYSTEMS.find(({ id }) => id === path.installation.system) ?? {};
    if (!plans || !stages || isGap(path.from)) continue;
    try {
      await stages({ path: { ...path, to: path.to ?? path.from }, source, found });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
}
