// The plan: the drafts of all remedies as one ordered list of steps. Identical steps merge; phases follow each other; ids are stable within a run.
import { keyOf } from '../kube/refs.ts';
import type { Phase, Refusal, Step, StepDraft } from './contracts.ts';
import type { Proposal } from './examine.ts';

export interface Plan {
  steps: Step[];
  refusals: Refusal[];
}

export const PHASES: readonly Phase[] = ['prepare', 'upgrade', 'after'];

/** Orders by phase, then as the remedies gave them; a step that another one needs stands before it; steps on one object follow each other. `reasons`: fingerprints of the findings. */
export function makePlan(proposals: readonly (Proposal & { reasons: string[] })[]): Plan {
  const drafted = proposals.flatMap(({ drafts, reasons }) => drafts.map((draft) => ({ draft, reasons })));
  const ids = new Map<StepDraft, string>();
  const steps: Step[] = [];
  const twins = new Map<string, Step>();
  const lastOn = new Map<string, string>();
  for (const phase of PHASES) {
    for (const { draft, reasons } of drafted.filter((each) => each.draft.phase === phase)) {
      const twin = twins.get(doing(draft));
      if (twin) {
        twin.reasons = [...new Set([...twin.reasons, ...reasons])];
        ids.set(draft, twin.id);
        continue;
      }
      const { after = [], ...rest } = draft;
      const id = String(steps.length + 1);
      ids.set(draft, id);
      // Two writes to one object at a time would only collide on its resourceVersion.
      const object = 'on' in draft ? keyOf(draft.on) : undefined;
      const before = object !== undefined && lastOn.get(object);
      const needs = [...after.map((each) => idOf(each, ids)), ...(before ? [before] : [])];
      const step: Step = { ...rest, id, after: [...new Set(needs)], reasons };
      if (object !== undefined) lastOn.set(object, id);
      twins.set(doing(draft), step);
      steps.push(step);
    }
  }
  return { steps, refusals: proposals.flatMap(({ refusals }) => refusals) };
}

function idOf(draft: StepDraft, ids: Map<StepDraft, string>): string {
  const id = ids.get(draft);
  if (!id) throw new Error('a remedy names a step in `after` that it does not give before it');
  return id;
}

/** What is done to which object, as a key: not why, nor what it depends on. */
function doing({ phase: _phase, text: _text, guard: _guard, undo: _undo, undoNote: _note, after: _after, ...what }: StepDraft): string {
  return JSON.stringify(what);
}
