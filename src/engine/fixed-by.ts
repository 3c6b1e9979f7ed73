// Which findings the steps of a plan are for. All findings of a check are the reasons of its steps together; where its remedy leaves some of them out, or to a person, each is asked about alone.
import { keyOf } from '../kube/refs.ts';
import type { JudgedFinding, Step, StepDraft } from './contracts.ts';
import type { CheckRemedy } from './examine.ts';

/** What is changed for as long as an upgrade lasts is a step of the upgrade alone. */
export const isForFix = ({ when }: StepDraft): boolean => when !== 'first' && when !== 'last';

interface Asking {
  remedies: readonly CheckRemedy[];
  /** Only such findings are told apart. */
  among(finding: JudgedFinding): boolean;
  /** A draft that is a step of this plan, and of the kind that was asked for. */
  counts(draft: StepDraft): boolean;
}

/** Fingerprints. `steps`: those of the plan that are of that kind. */
export async function fixedBy(steps: readonly Step[], { remedies, among, counts }: Asking): Promise<Set<string>> {
  const reasons = new Set(steps.flatMap((step) => step.reasons));
  for (const remedy of remedies.filter(({ findings }) => findings.length > 1)) {
    for (const finding of remedy.findings.filter((each) => reasons.has(each.fingerprint) && among(each)))
      if (!isPlainly(finding, remedy, counts) && !(await remedy.propose([finding])).drafts.some(counts))
        reasons.delete(finding.fingerprint);
  }
  return new Set([...reasons, ...steps.flatMap(({ fixes = [] }) => fixes)]);
}

/** A step changes one of its objects, and nothing of the check is left out or for a person: that is not read again for each of hundreds. */
function isPlainly({ objects }: JudgedFinding, { offered }: CheckRemedy, counts: Asking['counts']): boolean {
  if (offered.refusals.length || offered.drafts.some((draft) => draft.do === 'manual')) return false;
  const own = new Set(objects.map(keyOf));
  return offered.drafts.some((draft) => counts(draft) && 'on' in draft && own.has(keyOf(draft.on)));
}
