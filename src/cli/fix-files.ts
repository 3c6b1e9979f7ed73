// fix -f: check the manifests, show what changes in them as a diff, ask, change the files, check again, compare.
import { randomBytes } from 'node:crypto';
import { objectName } from '../engine/acceptance.ts';
import { compare, sideOf } from '../engine/compare.ts';
import { begin, newRunId } from '../engine/conduct.ts';
import type { JudgedFinding, Manifest, Ref, Refusal, Run, Step, StepDraft, Text } from '../engine/contracts.ts';
import { WorldError } from '../engine/contracts.ts';
import { assumedBy, isByPlace, sawAll } from '../engine/declared.ts';
import { type Examination, type ExamineOptions, examine } from '../engine/examine.ts';
import { targetsOf } from '../engine/paths.ts';
import { makePlan, type Plan, type Repair, stepsOf } from '../engine/plan.ts';
import { kindOf } from '../engine/steps/index.ts';
import { unifiedDiff } from '../files/diff.ts';
import { previewed, twice } from '../files/world.ts';
import { keyOf, refOf } from '../kube/refs.ts';
import { comparison } from '../report/comparison.ts';
import { leftOpen } from '../report/left-open.ts';
import { planView, SHOWN } from '../report/plan.ts';
import { table } from '../report/table.ts';
import { worstFirst } from '../report/view.ts';
import { HEADLINES, SYSTEMS } from '../systems/index.ts';
import { printable } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import { attended, ended, lookedAgain } from './attend.ts';
import { beside } from './baseline.ts';
import type { Call } from './call.ts';
import { type LiveFiles, openFiles } from './file-session.ts';
import { declaredIn, inFiles, tellManifests } from './manifests.ts';
import { refuseBeside } from './own-runs.ts';
import { isConfident } from './repair.ts';

export async function fixFiles(call: Call, options: ExamineOptions): Promise<number> {
  if (call.flags.rehearse || call.flags['dry-run'] === 'server') throw onlyClient();
  const live = await openFiles(call);
  try {
    const isDry = call.flags['dry-run'] === 'client';
    if (!isDry) await refuseBeside(live.store);
    const before = await examined(call, live, options);
    call.say(...table(before, SYSTEMS, HEADLINES, call.face), '');
    tellManifests(call, live.manifests);
    const { plan, fingerprints, told } = await repairs(call, before, live);
    const steps = stepsOf(plan);
    const left = leftOpen(before.results, ({ fingerprint }) => told.has(fingerprint), steps.length > 0, call.face);
    if (!steps.length) {
      const [worst] = before.results.filter(({ findings }) => findings.some(({ accepted }) => !accepted)).toSorted(worstFirst);
      const none = worst ? noChange(worst.id) : { en: 'Nothing to fix in these manifests.', zh: '这些清单中没有需要修复的问题。' };
      call.say(...(left.length ? left : [call.t(none)]));
      if (worst) return EXIT.findings;
      return sawAll(before) ? EXIT.ok : EXIT.unknown;
    }
    const diff = await shownDiff(live, steps);
    const show = isDry ? call.out : call.say;
    show(...planView(plan, call.face, isDry ? {} : { shown: SHOWN }), ...left, '', ...diff.map((line) => printable(line)), '');
    if (isDry) return EXIT.ok;
    const files = new Set(steps.map((step) => fileOf(step, live)));
    if (
      !call.flags.yes &&
      !(await call.confirm({
        en: `Change ${files.size === 1 ? '1 file' : `${files.size} files`} as shown?`,
        zh: `按以上内容修改 ${files.size} 个文件？`,
      }))
    ) {
      call.say(call.t({ en: 'Nothing was changed.', zh: '未做任何更改。' }));
      return EXIT.interrupted;
    }
    return await carryOut(call, live, before, plan, fingerprints, options);
  } finally {
    live.close();
  }
}

async function examined({ flags }: Call, { source, manifests, offline }: LiveFiles, options: ExamineOptions): Promise<Examination> {
  const assume = offline ? assumedBy(source.manifests?.() ?? [], options.targets ?? []) : undefined;
  return declaredIn(await examine(source, SYSTEMS, { ...options, assume }), source, manifests, offline, { flags, options });
}

interface Repairs {
  plan: Plan;
  /** Of findings that its steps repair, or an edit by a person in the same place. */
  fingerprints: Set<string>;
  /** These, and findings of which it was said what a person decides. */
  told: Set<string>;
}

/** What can be repaired where it is declared, and of the rest what a person decides there. */
async function repairs(call: Call, { results }: Examination, live: LiveFiles): Promise<Repairs> {
  const { declared, source } = live;
  const manifests = [...(source.manifests?.() ?? []).filter((each) => !isByPlace(each)), ...declared.filter(isByPlace)];
  const found = results.flatMap(({ findings }) => findings);
  const proposals: Repair[] = [];
  const manual: Text[] = [];
  const [asked, told] = [new Set<string>(), new Set<string>()];
  const doubled = new Map<string, { on: Ref; places: Manifest[]; needs: Text[] }>();
  for (const { findings, made, twice: more } of inFiles(results, manifests, (finding) => isWanted(finding, call))) {
    for (const each of more)
      doubled.set(keyOf(each.on), { ...each, needs: [...(doubled.get(keyOf(each.on))?.needs ?? []), ...each.needs] });
    const drafts = made.filter((each): each is StepDraft => 'do' in each).map(plain);
    const refused = made.filter((each): each is Refusal => 'refused' in each);
    if (drafts.length || more.length) for (const { fingerprint } of findings) asked.add(fingerprint);
    if (made.length || more.length) for (const { fingerprint } of findings) told.add(fingerprint);
    manual.push(...refused.map(({ refused: why, objects }) => decision(why, objects, found)));
    if (drafts.length) proposals.push({ drafts, refusals: [], reasons: findings.map(({ fingerprint }) => fingerprint) });
  }
  const unwritable = sharedLists(proposals, declared);
  await attempt(
    makePlan(proposals).stages.flatMap(({ steps }) => steps),
    declared,
    (step, why) => unwritable.set(changeOf(step), withNeeds(why, [step.text])),
  );
  tellManual(call, [...manual, ...[...doubled.values()].map(declaredTwice), ...unwritable.values()]);
  const { stages, refusals } = makePlan(
    proposals
      .map((each) => ({ ...each, drafts: each.drafts.filter((draft) => !unwritable.has(changeOf(draft))) }))
      .filter(({ drafts }) => drafts.length),
  );
  const inTurn = stages.map((stage) => ({ ...stage, steps: oneAfterAnother(stage.steps, declared) }));
  return { plan: { stages: inTurn, refusals }, fingerprints: asked, told };
}

/** By the change: of an object whose apiVersion is that of its list, where not every object of the list is to have the same new one. */
function sharedLists(proposals: readonly Repair[], declared: LiveFiles['declared']): Map<string, Text> {
  const unwritable = new Map<string, Text>();
  const moves = proposals.flatMap(({ drafts }) => drafts.flatMap((draft) => (draft.do === 'patch' ? [draft] : [])));
  const toOf = (draft: StepDraft) => ('changes' in draft ? draft.changes.find(({ path }) => path === '/apiVersion')?.after : undefined);
  const sharing = Map.groupBy(
    declared.filter(({ shares }) => shares),
    ({ real, document }) => `${real} ${document}`,
  );
  for (const items of sharing.values()) {
    const drafts = items.map(({ object }) => moves.find((draft) => toOf(draft) !== undefined && isDeclaration(refOf(object), draft.on)));
    const to = new Set(drafts.map((draft) => draft && toOf(draft)));
    if (to.size === 1) continue;
    for (const [at, draft] of drafts.entries()) if (draft) unwritable.set(changeOf(draft), withNeeds(ofItsList(items[at]!), [draft.text]));
  }
  return unwritable;
}

const ofItsList = ({ file, line, object }: LiveFiles['declared'][number]): Text => ({
  en: `${file}:${line}: apiVersion comes from the ${object.kind}List, whose other objects cannot all be changed in the same way: give the object its own apiVersion and kind`,
  zh: `${file}:${line}：apiVersion 取自 ${object.kind}List，而列表中的其他对象不能全部做相同更改：请为该对象单独写明 apiVersion 和 kind`,
});

const changeOf = (step: StepDraft | Step): string => JSON.stringify(step.do === 'patch' ? [step.on, step.changes] : step.text);

/** Confident enough, or named by --confirm; else how to name it. */
function isWanted(finding: JudgedFinding, call: Call): boolean {
  if (isConfident(finding) || finding.objects.some((ref) => call.flags.confirm?.includes(objectName(ref)))) return true;
  const { message, objects } = finding;
  const how = `{retry} --confirm ${shellWord(objectName(objects[0]!))}`;
  call.say(
    call.t({
      en: `skipped (uncertain): ${message.en}. To fix it anyway: ${how}`,
      zh: `已跳过（不确定）：${message.zh}。如仍需修复：${how}`,
    }),
  );
  return false;
}

/** A run names objects; where they stand is not stored. */
function plain(draft: StepDraft): StepDraft {
  if (!('on' in draft)) return draft;
  const { file: _, line: __, inside: ___, ...on } = draft.on;
  return { ...draft, on } as StepDraft;
}

/** Lines of what a person decides before the rest is a count. */
const DECISIONS = 10;

function tellManual(call: Call, all: readonly Text[]): void {
  const lines = [...new Set(all.map((each) => call.t({ en: `manual: ${each.en}`, zh: `手动：${each.zh}` })))];
  call.say(...lines.slice(0, DECISIONS));
  const more = lines.length - DECISIONS;
  if (more > 0) call.say(call.t({ en: `manual: ${more} more (check -f names all)`, zh: `手动：另有 ${more} 处（check -f 列出全部）` }));
}

function declaredTwice({ on, places, needs }: { on: Ref; places: readonly Manifest[]; needs: readonly Text[] }): Text {
  const said = twice(on, places);
  const [{ file }] = places as [Manifest];
  const apart = places.some((each) => each.file !== file);
  const each = apart
    ? { en: `, or fix each file alone (-f ${shellWord(file)})`, zh: `，或逐个修复文件（-f ${shellWord(file)}）` }
    : { en: '', zh: '' };
  return withNeeds({ en: `${said.en}: remove all but one${each.en}`, zh: `${said.zh}：请只保留一处${each.zh}` }, needs);
}

/** `needs`: what is to be changed there, each once. */
function withNeeds({ en, zh }: Text, needs: readonly Text[]): Text {
  if (!needs.length) return { en, zh };
  const all = (language: 'en' | 'zh') => [...new Set(needs.map((need) => need[language]))].join({ en: '; ', zh: '；' }[language]);
  return { en: `${en}; change needed: ${all('en')}`, zh: `${zh}；所需更改：${all('zh')}` };
}

/** `objects`: as plain references; the findings know where they are declared. */
function decision(why: Text, objects: readonly Ref[], findings: readonly JudgedFinding[]): Text {
  const [on] = objects;
  const at = on?.file === undefined ? on && findings.flatMap(({ objects: all }) => all).find((each) => keyOf(each) === keyOf(on)) : on;
  const where = at?.file === undefined ? '' : `${at.file}:${at.line} `;
  const name = on?.file === undefined ? on && objectName(on) : [on.kind, on.inside && `(${on.inside})`].filter(Boolean).join(' ');
  return { en: `${where}${name ?? ''}: ${why.en}`, zh: `${where}${name ?? ''}：${why.zh}` };
}

/** Steps on one file follow each other, so that an undo finds the file as each of them left it. */
function oneAfterAnother(steps: readonly Step[], declared: LiveFiles['declared']): Step[] {
  const last = new Map<string | undefined, string>();
  return steps.map((step) => {
    const file = fileOf(step, { declared });
    const before = last.get(file);
    last.set(file, step.id);
    return before === undefined ? step : { ...step, after: [...new Set([...step.after, before])] };
  });
}

const fileOf = (step: Step, { declared }: Pick<LiveFiles, 'declared'>): string | undefined =>
  'on' in step ? declared.find(({ object }) => isDeclaration(refOf(object), step.on))?.real : undefined;

/** Of one without a namespace any will do. */
const isDeclaration = (declared: Ref, on: Ref): boolean =>
  keyOf({ ...declared, namespace: declared.namespace ?? on.namespace }) === keyOf(on);

async function shownDiff({ declared }: LiveFiles, steps: readonly Step[]): Promise<string[]> {
  const changed = await attempt(steps, declared, () => {});
  return changed.flatMap(({ file, before, after }) => unifiedDiff(file, before, after));
}

/** All of them in memory. `refused`: what cannot be written in the text: an alias, a merge key. */
async function attempt(
  steps: readonly Step[],
  declared: LiveFiles['declared'],
  refused: (step: Step, why: Text) => void,
): Promise<ReturnType<ReturnType<typeof previewed>['changed']>> {
  const { world, changed } = previewed(declared);
  for (const step of steps) {
    try {
      const kind = kindOf(step);
      const look = await kind.look(step, world);
      const write = look.is === 'to-do' ? kind.write(step, look.now) : undefined;
      if (write) await world.write(write);
    } catch (error) {
      if (!(error instanceof WorldError)) throw error;
      refused(step, error.text);
    }
  }
  return changed();
}

async function carryOut(
  call: Call,
  live: LiveFiles,
  before: Examination,
  { stages }: Plan,
  asked: ReadonlySet<string>,
  options: ExamineOptions,
): Promise<number> {
  const now = new Date();
  const run: Run = {
    schema: 2,
    id: newRunId(now, randomBytes(4).toString('hex')),
    tool: `upgrade-guard ${call.version}`,
    what: ['fix', ...call.args].join(' '),
    at: now.toISOString(),
    checks: [
      ...new Set(before.results.filter(({ findings }) => findings.some(({ fingerprint }) => asked.has(fingerprint))).map(({ id }) => id)),
    ],
    targets: targetsOf(before.paths),
    accept: call.flags.accept,
    stages,
    cluster: live.identity,
  };
  const executed = await begin(run, attended(call, { ...live, world: live.worldOf(run.id) }, run));
  const exit = ended(call, run, 'apply', executed);
  if (executed.state !== 'finished') return exit;
  const again = await openFiles(call);
  try {
    const after = await examined(call, again, options);
    const compared = compare(sideOf(before.results), sideOf(after.results));
    call.out(...comparison(compared, call.face));
    const found = after.results.flatMap(({ findings }) => findings);
    const left = found.filter(({ fingerprint, accepted }) => !accepted && asked.has(fingerprint)).map(({ fingerprint }) => fingerprint);
    lookedAgain(call, run, executed, { remaining: left.length, selected: asked.size, ...beside(compared, new Set(left)) });
    if (left.length) return EXIT.findings;
    return sawAll(after) ? exit : EXIT.unknown;
  } finally {
    again.close();
  }
}

const noChange = (id: string): Text => ({
  en: `fix changes nothing in these manifests: what was found is manual. What to do: {tool} explain ${id}`,
  zh: `fix 不修改这些清单：发现的问题需手动修复。处理方法请查看：{tool} explain ${id}`,
});
const onlyClient = (): UserError =>
  new UserError(
    {
      en: '-f cannot be used with --rehearse or --dry-run=server: changes of manifests are shown as a diff',
      zh: '-f 不能与 --rehearse 或 --dry-run=server 同时使用：对清单的更改以 diff 显示',
    },
    { en: 'to show the diff: {retry:dry-run,rehearse} --dry-run=client', zh: '显示 diff：{retry:dry-run,rehearse} --dry-run=client' },
  );
