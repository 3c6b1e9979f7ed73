// fix -f: check the manifests, show what changes in them as a diff, ask, change the files, check again, compare.
import { randomBytes } from 'node:crypto';
import { objectName } from '../engine/acceptance.ts';
import { compare, sideOf } from '../engine/compare.ts';
import { begin, newRunId } from '../engine/conduct.ts';
import type { Check, JudgedFinding, Manifest, Ref, Refusal, Run, Step, StepDraft, Text } from '../engine/contracts.ts';
import { WorldError } from '../engine/contracts.ts';
import { assumedBy, declarationsIn, declaredRefs, spokenOf } from '../engine/declared.ts';
import { type Examination, type ExamineOptions, examine } from '../engine/examine.ts';
import { targetsOf } from '../engine/paths.ts';
import { makePlan, type Plan, type Repair, stepsOf } from '../engine/plan.ts';
import { kindOf } from '../engine/steps/index.ts';
import { isComplete } from '../engine/verdict.ts';
import { unifiedDiff } from '../files/diff.ts';
import { previewed } from '../files/world.ts';
import { keyOf, refOf } from '../kube/refs.ts';
import { comparison } from '../report/comparison.ts';
import { planView, SHOWN } from '../report/plan.ts';
import { table } from '../report/table.ts';
import { CHECKS, HEADLINES, SYSTEMS } from '../systems/index.ts';
import { printable } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import { attended, ended, lookedAgain } from './attend.ts';
import type { Call } from './call.ts';
import { type LiveFiles, openFiles } from './file-session.ts';
import { declaredIn, tellManifests } from './manifests.ts';
import { refuseBeside } from './own-runs.ts';
import { isConfident } from './repair.ts';

export async function fixFiles(call: Call, options: ExamineOptions): Promise<number> {
  if (call.flags.rehearse || call.flags['dry-run'] === 'server') throw onlyClient();
  const live = await openFiles(call);
  try {
    const isDry = call.flags['dry-run'] === 'client';
    if (!isDry) await refuseBeside(live.store);
    const before = await examined(live, options);
    call.say(...table(before, SYSTEMS, HEADLINES, call.face), '');
    tellManifests(call, live.manifests);
    const { plan, fingerprints } = repairs(call, before, live);
    const steps = stepsOf(plan);
    if (!steps.length) {
      call.say(call.t({ en: 'Nothing to fix in these manifests.', zh: '这些清单中没有需要修复的问题。' }));
      const open = before.results.some(({ findings }) => findings.some(({ accepted }) => !accepted));
      if (open) return EXIT.findings;
      return isComplete(spokenOf(before)) ? EXIT.ok : EXIT.unknown;
    }
    const diff = await shownDiff(live, steps);
    const show = isDry ? call.out : call.say;
    show(...planView(plan, call.face, isDry ? {} : { shown: SHOWN }), '', ...diff.map((line) => printable(line)), '');
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

async function examined({ source, manifests, offline }: LiveFiles, options: ExamineOptions): Promise<Examination> {
  const assume = offline ? assumedBy(source.manifests?.() ?? [], options.targets ?? []) : undefined;
  return declaredIn(await examine(source, SYSTEMS, { ...options, assume }), source, manifests, offline);
}

/** What can be repaired where it is declared; the rest of what was found is named. */
function repairs(call: Call, { results }: Examination, { declared, source }: LiveFiles): { plan: Plan; fingerprints: Set<string> } {
  const isDocument = ({ configuration }: Manifest): boolean => configuration === true;
  const manifests = [...(source.manifests?.() ?? []).filter((each) => !isDocument(each)), ...declared.filter(isDocument)];
  const objectOf = declarationsIn(manifests);
  const proposals: Repair[] = [];
  for (const { id, findings } of results) {
    const check: Check | undefined = CHECKS.find((each) => each.id === id);
    const inFiles = findings.filter(({ accepted }) => !accepted).flatMap((finding) => ofFiles(finding, manifests));
    const mine = inFiles.filter(
      (finding) => !check?.inFiles || isConfident(finding) || finding.objects.some((ref) => call.flags.confirm?.includes(objectName(ref))),
    );
    for (const { message, objects } of inFiles.filter((finding) => !mine.includes(finding))) {
      const how = `{retry} --confirm ${shellWord(objectName(objects[0]!))}`;
      call.say(
        call.t({
          en: `skipped (uncertain): ${message.en}. To fix it anyway: ${how}`,
          zh: `已跳过（不确定）：${message.zh}。如仍需修复：${how}`,
        }),
      );
    }
    if (!mine.length) continue;
    const made = check?.inFiles?.(mine, objectOf) ?? [];
    const drafts = made.filter((each): each is StepDraft => 'do' in each);
    const refused = made.filter((each): each is Refusal => 'refused' in each);
    for (const { refused: why, objects } of refused.slice(0, DECISIONS)) call.say(call.t(decision(why, objects, findings)));
    const more = refused.length - DECISIONS;
    if (more > 0) call.say(call.t({ en: `manual: ${more} more (check -f names all)`, zh: `手动：另有 ${more} 处（check -f 列出全部）` }));
    if (refused.length && !drafts.length) continue;
    if (drafts.length) proposals.push({ drafts, refusals: [], reasons: mine.map(({ fingerprint }) => fingerprint) });
    else
      call.say(
        call.t({
          en: `skipped: ${id} cannot be fixed in manifests; see: {tool} explain ${id}`,
          zh: `已跳过 ${id}：其修复不在清单中进行；参见：{tool} explain ${id}`,
        }),
      );
  }
  const { stages, refusals } = makePlan(proposals);
  const inTurn = stages.map((stage) => ({ ...stage, steps: oneAfterAnother(stage.steps, declared) }));
  return { plan: { stages: inTurn, refusals }, fingerprints: new Set(proposals.flatMap(({ reasons }) => reasons)) };
}

/** Lines of what a person decides before the rest is a count. */
const DECISIONS = 10;

/** `objects`: as plain references; the findings know where they are declared. */
function decision(why: Text, objects: readonly Ref[], findings: readonly JudgedFinding[]): Text {
  const [on] = objects;
  const at = on?.file === undefined ? on && findings.flatMap(({ objects: all }) => all).find((each) => keyOf(each) === keyOf(on)) : on;
  const where = at?.file === undefined ? '' : `${at.file}:${at.line} `;
  const name = on?.file === undefined ? on && objectName(on) : on.kind;
  return { en: `manual: ${where}${name ?? ''}: ${why.en}`, zh: `手动：${where}${name ?? ''}：${why.zh}` };
}

/** The finding with only those of its objects that a file declares. */
function ofFiles(finding: JudgedFinding, manifests: readonly Manifest[]): JudgedFinding[] {
  const objects = declaredRefs(finding.objects, manifests);
  return objects.length ? [{ ...finding, objects }] : [];
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

/** Throws UserError where a change cannot be made in the text: an alias, a merge key, a file that cannot be written. */
async function shownDiff({ declared }: LiveFiles, steps: readonly Step[]): Promise<string[]> {
  const { world, changed } = previewed(declared);
  try {
    for (const step of steps) {
      const kind = kindOf(step);
      const look = await kind.look(step, world);
      const write = look.is === 'to-do' ? kind.write(step, look.now) : undefined;
      if (write) await world.write(write);
    }
  } catch (error) {
    if (!(error instanceof WorldError)) throw error;
    throw new UserError({ en: `changing ${error.text.en}`, zh: `修改 ${error.text.zh}` });
  }
  return changed().flatMap(({ file, before, after }) => unifiedDiff(file, before, after));
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
    const after = await examined(again, options);
    call.out(...comparison(compare(sideOf(before.results), sideOf(after.results)), call.face));
    const found = after.results.flatMap(({ findings }) => findings);
    const remaining = found.filter(({ fingerprint, accepted }) => !accepted && asked.has(fingerprint)).length;
    lookedAgain(call, run, executed, remaining);
    if (remaining) return EXIT.findings;
    return isComplete(spokenOf(after)) ? exit : EXIT.unknown;
  } finally {
    again.close();
  }
}

const onlyClient = (): UserError =>
  new UserError(
    {
      en: '-f excludes --rehearse and --dry-run=server: changes of manifests are shown as a diff',
      zh: '-f 不能与 --rehearse 或 --dry-run=server 同时使用：对清单的更改以 diff 显示',
    },
    { en: 'show the diff: {retry:dry-run,rehearse} --dry-run=client', zh: '显示 diff：{retry:dry-run,rehearse} --dry-run=client' },
  );
