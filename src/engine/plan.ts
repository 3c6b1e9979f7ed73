// The plan: the drafts of all remedies as one ordered list of steps. Identical steps merge; phases follow each other; ids are stable within a run.
import { isRaw } from '../kube/json.ts';
import { groupOf, keyOf, refOf } from '../kube/refs.ts';
import type { Phase, Raw, Refusal, Step, StepDraft } from './contracts.ts';
import type { Proposal } from './examine.ts';
import { isDefinition } from './steps/objects.ts';

export interface Plan {
  steps: Step[];
  refusals: Refusal[];
}

export const PHASES: readonly Phase[] = ['prepare', 'upgrade', 'after'];

/** Orders by phase, then as the remedies gave them; a step that another one needs stands before it; steps on one object follow each other. `reasons`: fingerprints of the findings. */
export function makePlan(proposals: readonly (Proposal & { reasons: string[] })[]): Plan {
  const drafted = definitionsFirst(proposals.flatMap(({ drafts, reasons }) => drafts.map((draft) => ({ draft, reasons }))));
  const ids = new Map<StepDraft, string>();
  const steps: Step[] = [];
  const twins = new Map<string, Step>();
  const lastOn = new Map<string, string>();
  for (const phase of PHASES) {
    for (const { draft, reasons } of drafted.filter((each) => each.draft.phase === phase)) {
      const { after = [], ...rest } = draft;
      const needed = after.map((each) => idOf(each, ids));
      // To wait once more for the same, later, is another step.
      const key = draft.do === 'wait' ? `${doing(draft)} ${needed}` : doing(draft);
      const twin = twins.get(key);
      const optional = isOptional(draft, reasons);
      if (twin) {
        twin.reasons = [...new Set([...twin.reasons, ...reasons])];
        if (!optional) delete twin.optional;
        ids.set(draft, twin.id);
        continue;
      }
      const id = String(steps.length + 1);
      ids.set(draft, id);
      // Two writes to one object at a time would only collide on its resourceVersion.
      const object = 'on' in draft ? keyOf(draft.on) : undefined;
      const before = object !== undefined && lastOn.get(object);
      const needs = [...needed, ...(before ? [before] : [])];
      const step: Step = { ...rest, id, after: [...new Set(needs)], reasons, ...(optional ? { optional: true as const } : {}) };
      if (object !== undefined) lastOn.set(object, id);
      twins.set(key, step);
      steps.push(step);
    }
  }
  return { steps, refusals: proposals.flatMap(({ refusals }) => refusals) };
}

/** A write that repairs a finding is not needed any more once its guard is broken; whatever else ends obsolete stops the run. */
const isOptional = (draft: StepDraft, reasons: string[]): boolean =>
  draft.optional ?? (reasons.length > 0 && draft.do !== 'wait' && draft.do !== 'manual' && draft.do !== 'helm');

interface Drafted {
  draft: StepDraft;
  reasons: string[];
}

/** Seconds for every API server to have taken up a definition; on one server it takes less than one. */
const TAKEN_UP = 5;

/**
 * What writes objects of a kind whose definition changes comes behind that, and a moment later: a server that still goes by the old one would drop the fields that it lacks.
 * What needs such a write moves along.
 */
function definitionsFirst(drafted: Drafted[]): Drafted[] {
  const definitions = drafted.flatMap(({ draft }) =>
    draft.do === 'apply' && isDefinition(draft.object) ? [{ draft, object: draft.object }] : [],
  );
  const kinds = new Set<string | undefined>(definitions.map(({ object }) => kindDefined(object)));
  const behind = new Set(drafted.flatMap(({ draft }) => (kinds.has(kindWritten(draft)) ? [draft] : [])));
  if (!behind.size) return drafted;
  for (let before = 0; before !== behind.size; ) {
    before = behind.size;
    for (const { draft } of drafted) if (draft.after?.some((each) => behind.has(each))) behind.add(draft);
  }
  const wait: StepDraft = {
    ...{ phase: 'prepare', do: 'wait', guard: [], undo: 'none', within: 30, lasting: TAKEN_UP, assume: [] },
    until: definitions.map(({ object }) => ({ on: refOf(object), must: 'exist' })),
    after: definitions.map(({ draft }) => draft),
    text: {
      en: 'wait until the API servers go by the new definitions, before objects of theirs are written',
      zh: '等待 API server 采用新的定义，然后再写入相应的对象',
    },
  };
  for (const { draft } of drafted) if (kinds.has(kindWritten(draft))) draft.after = [...(draft.after ?? []), wait];
  return [
    ...drafted.filter(({ draft }) => !behind.has(draft)),
    { draft: wait, reasons: [] },
    ...drafted.filter(({ draft }) => behind.has(draft)),
  ];
}

/** `group/Kind`. */
function kindDefined({ spec }: Raw): string {
  const names = isRaw(spec) && isRaw(spec.names) ? spec.names : {};
  return `${isRaw(spec) ? spec.group : ''}/${names.kind}`;
}

/** undefined: it writes no object. */
function kindWritten(draft: StepDraft): string | undefined {
  if (draft.do !== 'patch' && draft.do !== 'create' && draft.do !== 'apply') return undefined;
  const on = draft.do === 'patch' ? draft.on : refOf(draft.object);
  return `${groupOf(on.apiVersion)}/${on.kind}`;
}

function idOf(draft: StepDraft, ids: Map<StepDraft, string>): string {
  const id = ids.get(draft);
  if (!id) throw new Error('a remedy names a step in `after` that it does not give before it');
  return id;
}

/** What is done to which object, as a key: not why, nor what it depends on. */
function doing({
  phase: _phase,
  text: _text,
  guard: _guard,
  undo: _undo,
  undoNote: _note,
  after: _after,
  optional: _optional,
  ...what
}: StepDraft): string {
  return JSON.stringify(what);
}
