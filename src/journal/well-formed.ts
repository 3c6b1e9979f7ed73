// Whether what was read from disk has the shape of a run, down to the last field: its steps are carried out as they stand there,
// so a field or a kind that this build does not know is as little trusted as one that is missing.
import type { Action, Entry, Raw, Ref, Run, Step } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { keyOf, NAME, NAMESPACE, refOf } from '../kube/refs.ts';

/** undefined: well-formed; else the first place that is not, as `steps[3].on.name`. */
type Shape = (value: unknown, at: string) => string | undefined;

/** Of a run; `id`: the folder's name. */
export const wrongInRun = (value: unknown, id: string): string | undefined => wrongIn(RUN, value, id);
/** Of a run of whose steps, each seen by `wrongInStep`, only `id` and `after` are left: of 100,000 no second copy is made. */
export const wrongInRunOfSeen = (value: unknown, id: string): string | undefined => wrongIn(RUN_OF_SEEN, value, id);
/** Of one step, alone. */
export const wrongInStep = (value: unknown, at: string): string | undefined => step(value, at);

function wrongIn(shape: Shape, value: unknown, id: string): string | undefined {
  const wrong = shape(value, '');
  if (wrong !== undefined) return wrong;
  const run = value as Run;
  if (run.id !== id) return 'id';
  const known = new Set<string>();
  for (const [at, { steps }] of run.stages.entries()) {
    for (const [i, step] of steps.entries()) {
      if (known.has(step.id)) return `stages[${at}].steps[${i}].id`;
      // A plan names only what stands before it; a circle would never end.
      if (!step.after.every((earlier) => known.has(earlier))) return `stages[${at}].steps[${i}].after`;
      known.add(step.id);
    }
  }
  return undefined;
}

/** Of one line of a journal, alone. */
export const wrongInEntry = (value: unknown): string | undefined => ENTRY(value, '');

/** An entry about a step must be about its object: its undo is made of it. */
export function wrongForStep(entry: Extract<Entry, { step: string }>, step: Step | undefined): string | undefined {
  if (!step) return 'step';
  const on = 'on' in step ? step.on : 'object' in step ? refOf(step.object) : step.do === 'manual' ? step.restarts?.on : undefined;
  // Of a release it is one of its records.
  const isRecord = ({ kind, namespace }: Ref) =>
    (step.do === 'helm' || step.do === 'revise') && (kind === 'Secret' || kind === 'ConfigMap') && namespace === step.release.namespace;
  const isOther = (object: Raw | undefined) => object !== undefined && (on ? keyOf(refOf(object)) !== keyOf(on) : !isRecord(refOf(object)));
  if (entry.is === 'progress') return undefined;
  if (entry.is === 'intent') return isOther(entry.before) ? 'before' : undefined;
  return isOther(entry.after) ? 'after' : undefined;
}

// ---- shapes ---------------------------------------------------------------------------------------------------------

const like =
  (pattern: RegExp): Shape =>
  (value, at) =>
    typeof value === 'string' && pattern.test(value) ? undefined : at;
const oneOf =
  (...values: unknown[]): Shape =>
  (value, at) =>
    values.includes(value) ? undefined : at;
const number =
  (least: number, most: number): Shape =>
  (value, at) =>
    typeof value === 'number' && value >= least && value <= most ? undefined : at;
const listOf =
  (shape: Shape): Shape =>
  (value, at) => {
    if (!Array.isArray(value)) return at;
    for (const [i, item] of value.entries()) {
      const wrong = shape(item, `${at}[${i}]`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
/** These fields and no others. */
const fields =
  (required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape =>
  (value, at) => {
    if (!isRaw(value)) return at || '.';
    const below = (name: string) => (at ? `${at}.${name}` : name);
    for (const [name, shape] of Object.entries(required)) {
      const wrong = shape(value[name], below(name));
      if (wrong !== undefined) return wrong;
    }
    for (const [name, inner] of Object.entries(value)) {
      if (Object.hasOwn(required, name)) continue;
      if (!Object.hasOwn(optional, name)) return below(name);
      const wrong = optional[name]!(inner, below(name));
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };

const json: Shape = () => undefined;
const raw: Shape = (value, at) => (isRaw(value) ? undefined : at);
const text: Shape = (value, at) => (typeof value === 'string' ? undefined : at);
const yesOrNo = oneOf(true, false);
const both = fields({ en: text, zh: text });
/** Seconds; longer than a month is not a wait. */
const seconds = number(0, 30 * 24 * 3600);
const pointer = like(/^\/./s);

const ref = fields(
  {
    apiVersion: like(/^(?:[a-z0-9][a-z0-9.-]{0,252}\/)?[a-z0-9]{1,63}$/),
    kind: like(/^[A-Za-z][A-Za-z0-9]{0,62}$/),
    name: like(NAME),
  },
  { namespace: like(NAMESPACE), uid: like(/^[\x21-\x7e]{1,128}$/) },
);
/** Any object that says who it is. */
const object: Shape = (value, at) => {
  try {
    return ref(refOf(value as Raw), `${at}.metadata`);
  } catch {
    return at;
  }
};

const age = number(0, 1e9);
const expectation = fields(
  { path: pointer },
  {
    inString: pointer,
    is: json,
    isNot: json,
    same: pointer,
    in: listOf(json),
    words: both,
    atLeast: number(-1e15, 1e15),
    olderThan: age,
    newerThan: age,
    startsWith: text,
  },
);
const must: Shape = (value, at) => (value === 'exist' || value === 'be-gone' ? undefined : listOf(expectation)(value, at));
const selection = fields({ apiVersion: text, kind: text }, { namespace: like(NAMESPACE), labels: text, fields: text });
const reading = fields({ path: pointer }, { every: yesOrNo });
const which: Shape = (value, at) =>
  isRaw(value) ? fields({ atLeast: number(0, 1e6) })(value, at) : oneOf('every', 'some', 'none')(value, at);
/** It is tried on what a cluster says: short, and one that a RegExp takes. */
const pattern: Shape = (value, at) => {
  try {
    return typeof value === 'string' && value.length <= 200 && new RegExp(value) ? undefined : at;
  } catch {
    return at;
  }
};
const condition: Shape = (value, at) => {
  if (isRaw(value) && 'reading' in value)
    return ('contains' in value ? fields({ reading, contains: text }) : fields({ reading, matches: pattern }, { words: both }))(value, at);
  if (isRaw(value) && 'of' in value)
    return fields({ of: selection, which, must }, { tells: fields({ by: pointer, why: listOf(pointer) }) })(value, at);
  return fields({ on: ref, must })(value, at);
};
const conditions = listOf(condition);
const changes = listOf(fields({ path: pointer }, { inString: pointer, before: json, after: json }));
const assumed: Shape = (value, at) => (isRaw(value) && 'gone' in value ? fields({ gone: ref }) : fields({ on: ref, changes }))(value, at);

/** A name of 53 signs at most: helm's own rule (pkg/chart/common/util, ValidateReleaseName). */
const release = fields(
  { namespace: like(NAMESPACE), name: like(/^[a-z0-9](?:[a-z0-9.-]{0,51}[a-z0-9])?$/) },
  { driver: oneOf('configmap') },
);
const revision = number(1, 1e9);
const DIGEST = like(/^[0-9a-f]{64}$/);

const rule = fields({ verbs: listOf(text), group: text, resource: text }, { names: listOf(text), namespace: text });

const STEP_ID = like(/^[\w.-]{1,64}$/);
const COMMON: Record<string, Shape> = {
  id: STEP_ID,
  after: listOf(STEP_ID),
  reasons: listOf(text),
  text: both,
  guard: conditions,
  undo: oneOf('exact', 'compensates', 'none'),
};
const command: Shape = (value, at) => (typeof value === 'string' ? text : both)(value, at);
const RESTORE = fields({ text: both }, { commands: listOf(command), file: like(/^[a-z0-9.-]{1,64}$/) });
const REMINDER = fields({ when: condition, text: both, commands: listOf(text) });
const kind = (required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape =>
  fields(
    { do: json, ...COMMON, ...required },
    {
      undoNote: both,
      optional: oneOf(true),
      onUndo: oneOf(true),
      restore: RESTORE,
      fixes: listOf(text),
      reminds: listOf(REMINDER),
      ...optional,
    },
  );
const KINDS: Record<Action['do'], Shape> = {
  patch: kind({ on: ref, changes }, { subresource: oneOf('status'), counters: listOf(fields({ path: pointer, keysOf: pointer })) }),
  create: kind({ object }, { unheld: listOf(pointer) }),
  apply: kind({ object }, { like: raw }),
  delete: kind(
    { on: ref },
    { propagation: oneOf('Foreground', 'Background', 'Orphan'), like: raw, again: fields({ whileLives: ref, finalizers: listOf(text) }) },
  ),
  evict: kind({ on: ref, within: seconds }),
  drain: kind({ on: ref, within: seconds }, { lose: listOf(ref), repairs: listOf(text), unless: conditions }),
  verbosity: kind({ on: ref, level: number(0, 10), before: number(0, 10) }),
  wait: kind(
    { until: conditions, within: seconds, assume: listOf(assumed) },
    { lasting: seconds, fails: conditions, retry: listOf(command), repairs: listOf(text), goesOn: both },
  ),
  backup: kind({ resources: listOf(text), file: like(/^[a-z0-9.-]{1,64}$/) }),
  keep: kind({ release, on: ref, digest: DIGEST, given: yesOrNo }),
  forget: kind({ on: ref }),
  helm: kind(
    {
      ...{
        action: oneOf('upgrade', 'rollback'),
        release,
        from: revision,
        chart: fields({ path: like(/^(?:\/|[A-Za-z]:[\\/])/), name: text, version: text, digest: DIGEST }),
      },
      ...{ values: ref, digest: DIGEST, reuse: yesOrNo, config: DIGEST, within: seconds },
    },
    { rights: listOf(rule) },
  ),
  migrate: kind(
    { on: ref, of: fields({ apiVersion: text, kind: text }), storage: text, stored: listOf(text) },
    { status: oneOf(true), generation: number(0, Number.MAX_SAFE_INTEGER) },
  ),
  revise: kind(
    {
      ...{ release, records: oneOf('Secret', 'ConfigMap'), from: revision, to: revision },
      apis: listOf(fields({ apiVersion: text, kind: text }, { to: text })),
    },
    { back: oneOf(true), labels: raw },
  ),
  unpend: kind({ release, revision, quiet: seconds }),
  recheck: kind({ hop: text, systems: listOf(text) }),
  manual: kind(
    { commands: listOf(command) },
    {
      changesNothing: oneOf(true),
      notes: listOf(both),
      seen: conditions,
      wrong: listOf(fields({ when: condition, text: both }, { while: condition, commands: listOf(command), sets: like(/^[A-Z]+$/) })),
      restarts: fields({ on: ref, said: yesOrNo }, { others: listOf(ref) }),
    },
  ),
};
const step: Shape = (value, at) => {
  const doing = isRaw(value) ? String(value.do) : '';
  return Object.hasOwn(KINDS, doing) ? KINDS[doing as Action['do']](value, at) : `${at}.do`;
};

const runOf = (step: Shape): Shape =>
  fields(
    {
      schema: oneOf(2),
      id: text,
      tool: text,
      what: text,
      at: like(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      checks: listOf(like(/^[a-z0-9-]+\/[a-z0-9-]+$/)),
      stages: listOf(fields({ id: STEP_ID, title: both, steps: listOf(step) }, { hop: text })),
      cluster: fields({ uid: text, certain: yesOrNo, server: text, context: text }),
    },
    { targets: listOf(fields({ system: text, installation: text, version: text }, { back: oneOf(true) })), accept: listOf(text), as: text },
  );
const RUN = runOf(step);
const RUN_OF_SEEN = runOf(fields({ id: STEP_ID, after: listOf(STEP_ID) }));

const direction = oneOf('apply', 'undo');
const ENTRIES: Record<Entry['is'], Shape> = {
  begin: fields({ at: text, is: json, direction, pid: number(0, Number.MAX_SAFE_INTEGER) }),
  intent: fields({ at: text, is: json, direction, step: STEP_ID }, { before: object }),
  progress: fields({
    at: text,
    is: json,
    direction,
    step: STEP_ID,
    progress: fields({ done: number(0, 1e9), of: number(0, 1e9) }, { now: text }),
  }),
  outcome: fields(
    { at: text, is: json, direction, step: STEP_ID, result: oneOf('done', 'already', 'obsolete', 'left', 'failed', 'manual') },
    { after: object, detail: both },
  ),
  end: fields({ at: text, is: json, direction, state: oneOf('finished', 'stopped', 'unchanged') }),
};
const ENTRY: Shape = (value, at) => {
  const is = isRaw(value) ? String(value.is) : '';
  return Object.hasOwn(ENTRIES, is) ? ENTRIES[is as Entry['is']](value, at) : 'is';
};
