// From what was found to what will be done: which findings a person lets us repair, and the plan for them.
import type { JudgedFinding, StepDraft } from '../engine/contracts.ts';
import { type CheckRemedy, objectName } from '../engine/examine.ts';
import { makePlan, type Plan } from '../engine/plan.ts';
import { GRADES } from '../engine/verdict.ts';
import { shellWord } from '../text/shell.ts';
import type { Call } from './call.ts';

/** Certain enough that --yes answers for it (DESIGN section 4). */
const isSure = ({ sure }: JudgedFinding): boolean => sure === 'certain' || sure === 'high';

/** Every finding's steps; nothing is asked. For previews and rehearsals. `around`: the steps of an upgrade, whose first ones come before any repair. */
export const planAll = (remedies: readonly CheckRemedy[], around: StepDraft[] = []): Promise<Plan> =>
  planOf(remedies, around, async () => true);

/** Doubtful findings only where --confirm names one of their objects or a person says yes to each. */
export function planChosen(remedies: readonly CheckRemedy[], call: Call, around: StepDraft[] = []): Promise<Plan> {
  const named = new Set(call.flags.confirm);
  return planOf(remedies, around, async (finding) => {
    if (isSure(finding) || finding.objects.some((ref) => named.has(objectName(ref)))) return true;
    const names = finding.objects.map(objectName).join(', ');
    const about = { en: `${finding.message.en} (${names}): not certain.`, zh: `${finding.message.zh}（${names}）：不确定。` };
    if (call.flags.yes) {
      call.say(
        call.t({
          en: `skipped: ${about.en} Repair it: {retry} --confirm ${shellWord(objectName(finding.objects[0]!))}`,
          zh: `已跳过：${about.zh}如需修复：{retry} --confirm ${shellWord(objectName(finding.objects[0]!))}`,
        }),
      );
      return false;
    }
    return call.confirm({ en: `${about.en} Repair it?`, zh: `${about.zh}是否修复？` });
  });
}

async function planOf(
  remedies: readonly CheckRemedy[],
  around: StepDraft[],
  wanted: (finding: JudgedFinding) => Promise<boolean>,
): Promise<Plan> {
  const proposals = [];
  for (const { findings, propose } of remedies.toSorted((a, b) => worst(a) - worst(b))) {
    const chosen: JudgedFinding[] = [];
    for (const finding of findings) if (await wanted(finding)) chosen.push(finding);
    if (chosen.length) proposals.push({ ...(await propose(chosen)), reasons: chosen.map(({ fingerprint }) => fingerprint) });
  }
  // Nothing is repaired before the upgrade has saved what there is.
  const first = around.filter(({ phase }) => phase === 'prepare');
  for (const { drafts } of proposals) for (const draft of drafts) draft.after = [...(draft.after ?? []), ...first];
  return makePlan([{ drafts: around, refusals: [], reasons: [] }, ...proposals]);
}

/** What stops an upgrade comes before what merely troubles it. */
const worst = ({ findings }: CheckRemedy): number => Math.min(...findings.map(({ grade }) => GRADES.indexOf(grade)));
