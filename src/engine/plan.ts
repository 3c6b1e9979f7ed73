// The plan: the drafts of all remedies and of the system's own stages, in order. Identical steps merge; ids are stable within a run.
import { isRaw } from '../kube/json.ts';
import { groupOf, keyOf, refOf } from '../kube/refs.ts';
import type { Raw, Refusal, Stage, StageDraft, Step, StepDraft, SystemId, Text } from './contracts.ts';
import type { Proposal } from './examine.ts';
import { isDefinition } from './steps/objects.ts';

export interface Plan {
  stages: Stage[];
  refusals: Refusal[];
}
/** `reasons`: fingerprints of the findings. */
export type Repair = Proposal & { reasons: string[] };
/** A stage before its steps have ids and order. */
export interface StageParts {
  hop?: string;
  title: Text;
  parts: readonly Repair[];
}

/** In their order; of a run and of a plan alike. */
export const stepsOf = ({ stages }: { stages: readonly Stage[] }): Step[] =>
  stages.length === 1 ? stages[0]!.steps : stages.flatMap(({ steps }) => steps);

/** These steps without stages of their own. */
export const oneStage = (steps: Step[]): Plan => ({ stages: [{ id: '1', title: { en: '', zh: '' }, steps }], refusals: [] });
/** The stages with only these steps; those without any are left out. */
export function stagesOf({ stages }: { stages: readonly Stage[] }, steps: readonly Step[]): Stage[] {
  const wanted = new Set(steps.map(({ id }) => id));
  return stages.flatMap((stage) => {
    const left = stage.steps.filter(({ id }) => wanted.has(id));
    return left.length ? [{ ...stage, steps: left }] : [];
  });
}

const REPAIRS: Text = { en: 'Fixes', zh: '修复' };
const REPAIRS_BEHIND: Text = { en: 'Fixes after the upgrade', zh: '升级后的修复' };

const MEANWHILE: Text = { en: 'For as long as the upgrade lasts', zh: '升级期间' };
const PUT_BACK: Text = { en: 'Restore what was changed for the upgrade', zh: '还原为升级所做的更改' };

/** Repairs alone, as one stage. What a person runs in the place of an upgrade stands beside it: no run waits for that. */
export function makePlan(repairs: readonly Repair[]): Plan {
  const manual = ({ do: doing }: StepDraft) => doing === 'manual';
  const alone = repairs.map((each) => only({ ...each, refusals: [] }, 'instead'));
  const parts = [
    // An upgrade would do that itself, and what makes way for one comes behind it.
    ...alone.map((each) => ({ ...each, drafts: each.drafts.filter((draft) => !manual(draft)) })),
    ...repairs.map((each) => only(each, 'before')),
    ...repairs.map((each) => only({ ...each, refusals: [] }, 'after')),
  ];
  const { stages, refusals } = planOf([{ title: REPAIRS, parts }]);
  const isSkipped = refusals.some(({ as }) => as === undefined);
  const advice = alone.flatMap(({ drafts }) => drafts.filter(manual).map((draft) => advised(draft, isSkipped)));
  return { stages, refusals: saidOnce([...refusals, ...advice]) };
}

/** Advice for several objects is one; what is skipped is named for each. */
function saidOnce(refusals: readonly Refusal[]): Refusal[] {
  const same = (each: Refusal) => (each.as ? JSON.stringify([each.refused.en, each.command, each.commands]) : each);
  return [...Map.groupBy(refusals, same).values()].map((group) => ({ ...group[0]!, objects: group.flatMap(({ objects }) => objects) }));
}

const SKIPPED_FIRST: Text = {
  en: '. Before that, resolve what is skipped above: the command does not',
  zh: '。执行前请先处理上方已跳过的内容，此命令不会处理',
};
const NONE: Text = { en: '', zh: '' };

/** Values that `upgrade` gives helm by itself: that first, then how a person gives them. `isSkipped`: something else is left out of the plan, and a person would upgrade without it. */
function advised(draft: StepDraft, isSkipped: boolean): Refusal {
  const { text, helmValues, brief } = draft;
  const said = helmValues && brief?.(1);
  const first = isSkipped && helmValues ? SKIPPED_FIRST : NONE;
  const whole = said ? { en: `${said.en}. Or: ${text.en}`, zh: `${said.zh}。或者：${text.zh}` } : text;
  const refused = { en: whole.en + first.en, zh: whole.zh + first.zh };
  return { refused, objects: [], as: said ? 'upgrade' : 'manual', commands: draft.do === 'manual' ? draft.commands : [] };
}

const only = (repair: Repair, ...when: NonNullable<StepDraft['when']>[]): Repair => ({
  ...repair,
  drafts: repair.drafts.filter((draft) => when.includes(draft.when ?? 'before')),
});

export interface HopParts {
  hop: string;
  repairs: readonly Repair[];
  /** The system's own. */
  stages: readonly StageDraft[];
}

/** An upgrade: of each hop what comes first, the repairs, the system's stages, the repairs behind them; and between two hops a look whether the next may begin. */
export function planUpgrade(hops: readonly HopParts[], systems: readonly SystemId[]): Plan {
  return planOf(
    hops.flatMap(({ hop, repairs, stages }, at): StageParts[] => {
      const own = (first: boolean) =>
        stages
          .filter((stage) => (stage.first === true) === first)
          .map(({ title, steps }) => ({ hop, title, parts: [{ drafts: steps, refusals: [], reasons: [] }] }));
      const meanwhile = (when: 'first' | 'last') =>
        unblocking(
          hops.flatMap((each) => each.repairs.map((repair) => only({ ...repair, refusals: [] }, when))),
          when,
        );
      const next = hops[at + 1]?.hop;
      return [
        ...own(true),
        ...(at === 0 ? [{ hop, title: MEANWHILE, parts: meanwhile('first') }] : []),
        {
          hop,
          title: REPAIRS,
          parts: repairs.map((each) => only({ ...each, refusals: each.refusals.filter(({ as }) => as !== 'upgrade') }, 'before')),
        },
        ...own(false),
        { hop, title: REPAIRS_BEHIND, parts: repairs.map((each) => only({ ...each, refusals: [] }, 'after')) },
        ...(next === undefined ? [{ hop, title: PUT_BACK, parts: meanwhile('last') }] : [recheck(next, systems)]),
      ];
    }),
  );
}

/** A webhook that is not answered may reject any other write: it is opened before all of them. It is closed whatever becomes of the others. */
function unblocking(repairs: readonly Repair[], when: 'first' | 'last'): Repair[] {
  const opens = ({ drafts }: Repair) => drafts.some((draft) => 'on' in draft && draft.on.kind.endsWith('WebhookConfiguration'));
  const [hooks, others] = [repairs.filter(opens), repairs.filter((repair) => !opens(repair))];
  if (when === 'last') return [...others, ...hooks];
  const needed = hooks.flatMap(({ drafts }) => drafts);
  const behind = (draft: StepDraft): StepDraft => Object.assign(draft, { after: [...(draft.after ?? []), ...needed] });
  return [...hooks, ...others.map((repair) => ({ ...repair, drafts: repair.drafts.map(behind) }))];
}

/** `hop`: the one that comes next. */
function recheck(hop: string, systems: readonly SystemId[]): StageParts {
  const draft: StepDraft = {
    ...{ do: 'recheck', hop, systems: [...systems], guard: [], undo: 'none' },
    text: { en: `check again before the upgrade to ${hop}`, zh: `升级到 ${hop} 之前再次检查` },
  };
  return { hop, title: { en: 'Re-check', zh: '复查' }, parts: [{ drafts: [draft], refusals: [], reasons: [] }] };
}

/** A step before it has its number. `needs`: what the remedies say must come before it. */
interface Part {
  draft: StepDraft;
  stage: number;
  reasons: string[];
  optional: boolean;
  needs: Set<Part>;
}

/** Steps as the remedies gave them; a step that another one needs stands before it; steps on one object follow each other. Stages without a step are left out. */
function planOf(inputs: readonly StageParts[]): Plan {
  const ids = new Map<Part, string>();
  const lastOn = new Map<string, string>();
  const stages = merged(inputs).map((parts, at): Stage => {
    const steps = inOrder(parts).map((part): Step => {
      const { after: _after, when: _when, brief: _brief, helmValues: _values, ...rest } = part.draft;
      const id = String(ids.size + 1);
      ids.set(part, id);
      // Two writes to one object at a time would only collide on its resourceVersion.
      const object = 'on' in part.draft ? keyOf(part.draft.on) : undefined;
      const before = object === undefined ? undefined : lastOn.get(object);
      if (object !== undefined) lastOn.set(object, id);
      const needs = new Set([...[...part.needs].map((each) => ids.get(each)!), ...(before === undefined ? [] : [before])]);
      return { ...rest, id, after: [...needs], reasons: part.reasons, ...(part.optional ? { optional: true as const } : {}) };
    });
    const { hop, title } = inputs[at]!;
    return { id: '', ...(hop === undefined ? {} : { hop }), title, steps };
  });
  return {
    stages: stages.filter(({ steps }) => steps.length).map((stage, at) => ({ ...stage, id: String(at + 1) })),
    refusals: saidOnce(inputs.flatMap(({ parts }) => parts.flatMap(({ refusals }) => refusals))),
  };
}

/** The steps of each stage; what several remedies do alike is one step, which comes behind what any of them needs. */
function merged(inputs: readonly StageParts[]): Part[][] {
  const parts = new Map<StepDraft, Part>();
  const twins = new Map<string, Part>();
  const serial = new Map<Part, number>();
  return inputs.map(({ parts: repairs }, stage) => {
    const own: Part[] = [];
    for (const { draft, reasons } of definitionsFirst(
      repairs.flatMap((each) => each.drafts.map((draft) => ({ draft, reasons: each.reasons }))),
    )) {
      const needs = (draft.after ?? []).map((each) => partOf(each, parts));
      // To wait or to look once more for the same, later, is another step; so is what a system does at each hop.
      const isLook = draft.do === 'wait' || draft.do === 'recheck';
      const key = `${doing(draft)} ${isLook ? `${needs.map((each) => serial.get(each))} ${stage}` : reasons.length ? '' : stage}`;
      const optional = isOptional(draft, reasons);
      const twin = twins.get(key);
      if (twin && joins(twin, needs, stage)) {
        twin.reasons = [...new Set([...twin.reasons, ...reasons])];
        twin.optional &&= optional;
        for (const each of needs) twin.needs.add(each);
        parts.set(draft, twin);
        continue;
      }
      const part: Part = { draft, stage, reasons, optional, needs: new Set(needs) };
      parts.set(draft, part);
      serial.set(part, serial.size);
      twins.set(key, part);
      own.push(part);
    }
    return own;
  });
}

/** Whether a step that is there can come behind these as well: not one of an earlier stage, nor one that they wait for. It is carried out twice then, and finds itself done. */
const joins = (twin: Part, needs: readonly Part[], stage: number): boolean =>
  needs.every((each) => each === twin || waitsFor(twin, each) || (twin.stage === stage && !waitsFor(each, twin)));

const waitsFor = (part: Part, other: Part): boolean => part.needs.has(other) || [...part.needs].some((each) => waitsFor(each, other));

/** As they are, but each behind what it needs. */
function inOrder(parts: readonly Part[]): Part[] {
  const ordered = new Set<Part>();
  const own = new Set(parts);
  const place = (part: Part) => {
    if (ordered.has(part)) return;
    for (const each of part.needs) if (own.has(each)) place(each);
    ordered.add(part);
  };
  for (const part of parts) place(part);
  return [...ordered];
}

/** A write that repairs a finding is not needed any more once its guard is broken; whatever else ends obsolete stops the run. */
const isOptional = (draft: StepDraft, reasons: string[]): boolean =>
  draft.optional ?? (reasons.length > 0 && draft.do !== 'wait' && draft.do !== 'manual' && draft.do !== 'helm');

interface Drafted {
  draft: StepDraft;
  reasons: string[];
}

/** Seconds for every API server to have taken up a CRD; on one server it takes less than one. */
const TAKEN_UP = 5;

/**
 * What writes objects of a kind whose CRD changes comes behind that, and a moment later: a server that still goes by the old one would drop the fields that it lacks.
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
    ...{ do: 'wait', guard: [], undo: 'none', within: 30, lasting: TAKEN_UP, assume: [] },
    until: definitions.map(({ object }) => ({ on: refOf(object), must: 'exist' })),
    after: definitions.map(({ draft }) => draft),
    text: {
      en: 'wait until the API servers serve the new CRDs, before their custom resources are written',
      zh: '等待 API 服务器采用新的 CRD，然后再写入相应的自定义资源',
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

function partOf(draft: StepDraft, parts: Map<StepDraft, Part>): Part {
  const part = parts.get(draft);
  if (!part) throw new Error('a remedy names a step in `after` that it does not give before it');
  return part;
}

/** What is done to which object, as a key: not why, nor what it depends on. */
function doing({
  when: _when,
  brief: _brief,
  text: _text,
  guard: _guard,
  undo: _undo,
  undoNote: _note,
  after: _after,
  optional: _optional,
  fixes: _fixes,
  reminds: _reminds,
  ...what
}: StepDraft): string {
  return JSON.stringify(what);
}
