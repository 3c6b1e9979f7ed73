// A patch step: single fields of one object, also inside a string that itself holds JSON, each with the value it has now and the value it shall have.
// A change inside a list names its element by a field (`/webhooks[name=a.example.com]/failurePolicy`), since others may put elements before it.
// Preview, the look before a write, the request, and the inverse are all derived from that list of changes.
import { isRaw } from '../../kube/json.ts';
import { pointerGet } from '../../kube/pointer.ts';
import type { Change, Json, Look, PatchOp, Raw, StepKind, StepOf, Text, World } from '../contracts.ts';
import { brokenGuard, concrete, isNowhere, pathOf, segmentsOf } from './conditions.ts';
import { keysIn, type Reader, readerOf, setInPlace, shown } from './fields.ts';
import { restoring } from './manual.ts';
import { isSecret, NO_SECRET_VALUES, secretValues, uidOf, whole } from './objects.ts';
import { fedWith, kubectlName } from './shell.ts';

type PatchStep = StepOf<'patch'>;

export const patch: StepKind<PatchStep> = {
  preview: ({ changes, counters = [] }) => [
    ...changes.map((change) => {
      const [path, before, after] = [pathOf(change), valueAt(change, change.before), valueAt(change, change.after)];
      return { en: `${path}: ${before.en} → ${after.en}`, zh: `${path}: ${before.zh} → ${after.zh}` };
    }),
    ...counters.map(({ path }) => ({ en: `${path}: recomputed`, zh: `${path}: 重新计算` })),
  ],
  commands,
  look,
  write: (step, now) => ({ verb: 'patch', on: step.on, subresource: step.subresource, patch: patchOps(placed(step, now!), now!) }),
  remember: whole,
  inverse: (step, before, after) => {
    if (step.restore) return restoring(step, step.restore, before);
    if (!step.changes.length) return { none: RECOUNTED };
    return {
      ...step,
      on: { ...step.on, uid: step.on.uid ?? uidOf(after ?? before) },
      guard: [],
      undoNote: undefined,
      changes: step.changes.map((change) => ({ ...change, before: change.after, after: change.before })),
    };
  },
};

const valueAt = ({ path, inString = '' }: Change, value: Json | undefined): Text => shown(value, undefined, path + inString);

/** With a test of every old value. Numbers that are recomputed, and JSON inside a string, are beyond one command that a person could read. */
function commands({ on, subresource, changes, counters = [] }: PatchStep): string[] {
  if (counters.length || changes.some(({ inString }) => inString !== undefined)) return [];
  const patches: PatchOp[] = changes.flatMap(({ path, before, after }) => [
    ...(before === undefined ? [] : [{ op: 'test' as const, path, value: before }]),
    after === undefined ? { op: 'remove' as const, path } : { op: 'add' as const, path, value: after },
  ]);
  const at = subresource ? ` --subresource=${subresource}` : '';
  if (changes.some(({ path }) => segmentsOf(path).some((segment) => typeof segment !== 'string'))) return [byName(on, changes)];
  return [fedWith(`kubectl patch ${kubectlName(on)}${at} --type=json --patch-file=/dev/stdin`, patches as unknown as Json)];
}

/** Lists of kinds that Kubernetes itself has are merged by the names of their elements: kubectl finds one wherever it stands. */
function byName(on: PatchStep['on'], changes: readonly Change[]): string {
  const patch: Raw = {};
  for (const { path, after = null } of changes) {
    const segments = segmentsOf(path);
    const last = segments.pop();
    if (typeof last === 'string') segments.reduce(below, patch)[last] = after;
  }
  return fedWith(`kubectl patch ${kubectlName(on)} --type=strategic --patch-file=/dev/stdin`, patch);
}

/** What a segment leads to, made where it is not there. */
function below(parent: Raw, segment: ReturnType<typeof segmentsOf>[number]): Raw {
  if (typeof segment === 'string') {
    if (!isRaw(parent[segment])) parent[segment] = {};
    return parent[segment] as Raw;
  }
  const { list, key, value } = segment;
  const items = (Array.isArray(parent[list]) ? parent[list] : []) as Raw[];
  parent[list] = items;
  const known = items.find((each) => each[key] === value);
  const item = known ?? { [key]: value };
  if (!known) items.push(item);
  return item;
}

/** The same with its paths as they lead now: an element of a list is found by a field of it, wherever others have moved it. */
const placed = (step: PatchStep, now: Raw): PatchStep => ({
  ...step,
  changes: step.changes.map((change) => ({ ...change, path: concrete(now, change.path) })),
});

const GONE: Text = { en: 'the object is gone', zh: '对象已不存在' };
const REPLACED: Text = { en: 'replaced by another object of the same name', zh: '同名对象已被替换' };
const NO_ELEMENT: Text = { en: 'the list item to change is gone', zh: '要修改的列表项已不存在' };
const RECOUNTED: Text = { en: 'a recomputed counter is not restored', zh: '重新计算的计数不会改回' };

/** Done before obsolete: where our value already stands, why we wanted it has gone by our own doing. A step that only recounts is done when the count is right. */
async function look(asked: PatchStep, world: World): Promise<Look> {
  if (isSecret(asked.on) && secretValues(asked.changes.map(({ path }) => path))) return { is: 'refused', because: NO_SECRET_VALUES };
  const now = await world.get(asked.on);
  if (!now) return { is: 'obsolete', because: GONE };
  if (asked.on.uid && uidOf(now) !== asked.on.uid) return { is: 'obsolete', because: REPLACED };
  const step = placed(asked, now);
  if (step.changes.some(({ path }) => isNowhere(path))) return { is: 'obsolete', because: NO_ELEMENT };
  const reader = readerOf(now);
  const standsAt = (which: 'before' | 'after') => step.changes.every((change) => reader.is(change, change[which]));
  if (standsAt('after') && (step.changes.length || countsRight(step, reader))) return { is: 'done', now };
  const broken = await brokenGuard(step.guard, world, now, step.on);
  if (broken) return { is: 'obsolete', because: broken };
  const paths = [
    ...asked.changes.filter((_, at) => !reader.is(step.changes[at]!, step.changes[at]!.before)).map(pathOf),
    ...(step.counters ?? []).filter(({ keysOf }) => reader.held(keysOf) === undefined).map(({ keysOf }) => keysOf),
  ];
  return paths.length ? { is: 'moved', paths } : { is: 'to-do', now };
}

const countsRight = ({ counters = [] }: PatchStep, reader: Reader): boolean =>
  counters.every(({ path, keysOf }) => reader.value({ path }) === keysIn(reader.held(keysOf)));

/** Tests the uid, the resourceVersion and every old value, then writes: nothing that changed since the look is overwritten. */
function patchOps({ changes, counters = [] }: PatchStep, now: Raw): PatchOp[] {
  const tests: PatchOp[] = ['/metadata/uid', '/metadata/resourceVersion'].flatMap((path) => {
    const value = pointerGet(now, path);
    return value === undefined ? [] : [{ op: 'test', path, value }]; // a snapshot may lack them, a server never does
  });
  const plain = changes.filter(({ inString }) => inString === undefined);
  for (const { path, before } of plain) if (before !== undefined) tests.push({ op: 'test', path, value: before });
  const held = heldAfter(changes, now);
  const counts = counters.map(({ path, keysOf }) => ({ path, value: keysIn(held.get(keysOf) ?? readerOf(now).held(keysOf)) }));
  const made = new Set<string>();
  return [
    ...tests,
    ...plain.flatMap((change) => setOps(now, change.path, change.after, made)),
    ...[...held].flatMap(([path, value]) => setOps(now, path, isEmptied(value) ? undefined : JSON.stringify(value), made)),
    ...counts.flatMap(({ path, value }) => setOps(now, path, value, made)),
  ];
}

/** An object without keys goes away with its string, as Spiderpool itself writes it. */
const isEmptied = (value: Json): boolean => isRaw(value) && Object.keys(value).length === 0;

/** What the strings that hold JSON hold once changed, by path. */
function heldAfter(changes: Change[], now: Raw): Map<string, Json> {
  const held = new Map<string, Json>();
  const reader = readerOf(now);
  for (const { path, inString, after } of changes) {
    if (inString === undefined) continue;
    const value = held.get(path) ?? reader.held(path) ?? {};
    setInPlace(value, inString, after);
    held.set(path, value);
  }
  return held;
}

/** The operations that bring a field to a value (undefined: away). */
function setOps(now: Raw, path: string, value: Json | undefined, made: Set<string>): PatchOp[] {
  const stands = pointerGet(now, path) !== undefined;
  if (value === undefined) return stands ? [{ op: 'remove', path }] : [];
  if (stands) return [{ op: 'replace', path, value }];
  return [...missingParents(path, now, made), { op: 'add', path, value }];
}

/** JSON Patch adds into objects that exist: those above the new field that do not are made first, each once. */
function missingParents(path: string, now: Raw, made: Set<string>): PatchOp[] {
  const parts = path.split('/').slice(1, -1);
  const parents = parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
  return parents
    .filter((parent) => pointerGet(now, parent) === undefined && !made.has(parent))
    .map((parent) => {
      made.add(parent);
      return { op: 'add', path: parent, value: {} };
    });
}
