// From what was found to what will be done: which findings a person lets us repair, and the plan for them.

import { objectName } from '../engine/acceptance.ts';
import type { JudgedFinding, StageDraft, SystemId, Text } from '../engine/contracts.ts';
import type { CheckRemedy, Examination, Proposal } from '../engine/examine.ts';
import { fixedBy, isForFix } from '../engine/fixed-by.ts';
import { makePlan, type Plan, planUpgrade, type Repair, stepsOf } from '../engine/plan.ts';
import { SEVERITIES } from '../engine/verdict.ts';
import { counted, type Face } from '../report/face.ts';
import { isToldOf, leftOpen } from '../report/left-open.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { namedFew } from './confirmed.ts';

/** Certain enough that --yes answers for it (DESIGN section 4). */
export const isConfident = ({ certainty }: JudgedFinding): boolean => certainty === 'certain' || certainty === 'high';

/** Every finding's steps; nothing is asked. For previews and rehearsals. `upgrade`: the stages of an upgrade, around the repairs. */
export const planAll = (remedies: readonly CheckRemedy[], upgrade?: Stages): Promise<Plan> => planOf(remedies, upgrade, async () => true);

/** Of a system's upgrade. */
export interface Stages {
  system: SystemId;
  drafts: readonly StageDraft[];
}

/** What of a call is needed to ask about doubtful findings. */
export type Asking = Pick<Call, 'flags' | 'say' | 't' | 'confirm' | 'terminal'>;

/** Doubtful findings only where --confirm names one of their objects or a person says yes to each. Throws UserError for a --confirm that names none. */
export async function planChosen(remedies: readonly CheckRemedy[], call: Asking, upgrade?: Stages): Promise<Plan> {
  const named = new Set(call.flags.confirm);
  assertFound(named, remedies);
  const needed = new Set<string>();
  const plan = await planOf(remedies, upgrade, async (finding, { propose }) => {
    if (isConfident(finding)) return true;
    const names = finding.objects.map(objectName);
    const given = names.filter((name) => named.has(name));
    const about = { en: `${finding.message.en} (${names.join(', ')})`, zh: `${finding.message.zh}（${names.join('、')}）` };
    const proposal = await propose([finding]);
    // Without a step of this command there is nothing to decide: what a person can do is listed.
    if (!upgrade && !proposal.drafts.some(isStep)) return true;
    if (given.length) {
      for (const name of given) needed.add(name);
      return true;
    }
    if (isByHand(proposal)) {
      call.say(
        call.t({
          en: `skipped (uncertain): ${about.en}. To list the manual steps: {retry:yes,confirm} --dry-run=client`,
          zh: `已跳过（不确定）：${about.zh}。列出手动步骤：{retry:yes,confirm} --dry-run=client`,
        }),
      );
      return false;
    }
    // Without a terminal no question is answered: what to name is said, and the steps are shown all the same.
    if (call.flags.yes || !call.terminal) {
      call.say(
        call.t({
          en: `skipped (uncertain): ${about.en}. To fix it anyway: {retry} --confirm ${shellWord(objectName(finding.objects[0]!))}`,
          zh: `已跳过（不确定）：${about.zh}。如仍需修复：{retry} --confirm ${shellWord(objectName(finding.objects[0]!))}`,
        }),
      );
      return false;
    }
    return call.confirm(asked(about, proposal.drafts.filter(upgrade ? isForUpgrade : isStep)));
  });
  for (const name of named)
    if (!needed.has(name))
      call.say(
        call.t({
          en: `--confirm ${name} has no effect: no fix of this object has to be confirmed.`,
          zh: `--confirm ${name} 不起作用：该对象的修复无需确认。`,
        }),
      );
  return plan;
}

/** Behind the steps of a fix: blockers and warnings that none of them is for. Advice that stands beside them is not a step. */
export async function leftBeside({ results, remedies }: Examination, plan: Plan, face: Face): Promise<string[]> {
  const steps = stepsOf(plan);
  const fixed = await fixedBy(steps, { remedies, among: isToldOf, counts: isStep });
  const left = leftOpen(results, ({ fingerprint }) => fixed.has(fingerprint), steps.length > 0, face);
  return left.length && !steps.length && plan.refusals.length ? ['', ...left] : left;
}

/** Of a fix: advice that stands in place of a step is none. */
const isStep = (draft: Proposal['drafts'][number]): boolean => isForFix(draft) && !(draft.do === 'manual' && draft.when === 'instead');

/** Of an upgrade: what only a fix without one does is not done. */
const isForUpgrade = ({ when }: Proposal['drafts'][number]): boolean => when !== 'instead';

/** Steps that the question names; of more, how many. */
const ASKED = 3;
function asked(about: Text, drafts: Proposal['drafts']): Text {
  const texts = drafts.slice(0, ASKED).map(({ text }) => text);
  const more = drafts.length - texts.length;
  if (!texts.length) return { en: `Uncertain: ${about.en}. Fix it?`, zh: `不确定：${about.zh}。是否修复？` };
  return {
    en: `Uncertain: ${about.en}. Fix: ${oneLine(texts.map(({ en }) => en).join('; '), 1000)}${more ? `; and ${counted(more, 'more step', '').en}` : ''}. Fix it?`,
    zh: `不确定：${about.zh}。修复步骤：${oneLine(texts.map(({ zh }) => zh).join('；'), 1000)}${more ? `；另有 ${more} 步` : ''}。是否修复？`,
  };
}

/** There are steps, and a person has to do all of them. */
const isByHand = ({ drafts }: Proposal): boolean => drafts.length > 0 && drafts.every((draft) => draft.do === 'manual');

/** As an unknown --accept: who names what is not there has mistyped it, or it is repaired. */
export function assertFound(named: ReadonlySet<string>, remedies: readonly CheckRemedy[]): void {
  const findings = remedies.flatMap((remedy) => remedy.findings);
  const found = new Set(findings.flatMap(({ objects }) => objects.map(objectName)));
  const none = [...named].find((name) => !found.has(name));
  if (none === undefined) return;
  const doubtful = [...new Set(findings.filter((finding) => !isConfident(finding)).flatMap(({ objects }) => objects.map(objectName)))];
  const few = namedFew(doubtful);
  throw new UserError(
    {
      en: `--confirm ${none}: no fixable finding on this object; nothing was sent`,
      zh: `--confirm ${none}：该对象上没有可以修复的问题；没有发出任何请求`,
    },
    doubtful.length
      ? {
          en: `what can be confirmed: ${few.en}`,
          zh: `可以确认的有：${few.zh}`,
        }
      : { en: 'no finding needs --confirm; without it: {retry:confirm}', zh: '没有问题需要 --confirm；去掉后执行：{retry:confirm}' },
  );
}

async function planOf(
  remedies: readonly CheckRemedy[],
  upgrade: Stages | undefined,
  wanted: (finding: JudgedFinding, remedy: CheckRemedy) => Promise<boolean>,
): Promise<Plan> {
  const hops = hopsOf(upgrade);
  const repairs = new Map(hops.map((hop): [string | undefined, Repair[]] => [hop, []]));
  for (const remedy of remedies.toSorted((a, b) => worst(a) - worst(b))) {
    const { findings, propose } = remedy;
    const chosen: JudgedFinding[] = [];
    for (const finding of findings) if (await wanted(finding, remedy)) chosen.push(finding);
    // What no hop is said of comes before the first.
    for (const [hop, here] of Map.groupBy(chosen, (finding) => (hops.includes(finding.hop) ? finding.hop : hops[0])))
      repairs.get(hop)!.push({ ...(await propose(here)), reasons: here.map(({ fingerprint }) => fingerprint) });
  }
  if (!upgrade) return makePlan(repairs.get(undefined)!);
  const stagesOf = (hop: string | undefined) => upgrade.drafts.filter((stage) => (stage.hop ?? hops[0]) === hop);
  return planUpgrade(
    hops.map((hop) => ({ hop: hop!, repairs: repairs.get(hop)!, stages: stagesOf(hop) })),
    [upgrade.system],
  );
}

/** In the order of the system's stages. */
function hopsOf(upgrade: Stages | undefined): (string | undefined)[] {
  const hops = new Set(upgrade?.drafts.flatMap(({ hop }) => hop ?? []));
  return hops.size ? [...hops] : [undefined];
}

/** What stops an upgrade comes before what merely troubles it. */
const worst = ({ findings }: CheckRemedy): number => Math.min(...findings.map(({ severity }) => SEVERITIES.indexOf(severity)));
