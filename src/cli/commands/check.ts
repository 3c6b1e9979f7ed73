// check: detect, look, report; one cluster, or several as one result.
import type { ClusterIdentity, RunSummary } from '../../engine/contracts.ts';
import { assumedBy, sawAll, spokenOf } from '../../engine/declared.ts';
import { type Examination, type ExamineOptions, examine } from '../../engine/examine.ts';
import { exitCode } from '../../engine/verdict.ts';
import type { Manifests } from '../../files/manifests.ts';
import { runStore } from '../../journal/run-store.ts';
import { stateFolder } from '../../journal/state-folder.ts';
import { publish } from '../../report/check-result.ts';
import { jsonOf, yamlOf } from '../../report/data.ts';
import { html } from '../../report/html.ts';
import { markdown } from '../../report/markdown.ts';
import { type Failed, publishList, reportOf } from '../../report/report.ts';
import { table, tables } from '../../report/table.ts';
import { shownOf } from '../../report/view.ts';
import { chosenChecks, HEADLINES, SYSTEMS } from '../../systems/index.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { assertInstalled, examineOptions } from '../asked.ts';
import { type Call, reaching } from '../call.ts';
import { contextsAsked } from '../contexts.ts';
import { declaredIn, manifestsOf, tellManifests } from '../manifests.ts';
import { cutShort, howToEnd, running, verbFor } from '../own-runs.ts';
import { forPipeline } from '../pipeline.ts';
import { renderedChart } from '../rendered.ts';
import { openSource } from '../session.ts';

/** Clusters looked at side by side: one that does not answer should not hold up the others. */
const AT_ONCE = 4;

export async function check(call: Call): Promise<number> {
  if (call.flags.quick && call.flags.from !== undefined) throw quickFrom();
  const rendered = await renderedChart(call);
  return rendered ? checkOne(rendered.call, rendered.manifests) : checkOne(call);
}

/** `rendered`: the objects of a chart, where one was rendered. */
async function checkOne(call: Call, rendered?: Manifests): Promise<number> {
  const options = await examineOptions(call, chosenChecks(call.args, 'check'));
  const contexts = contextsAsked(call);
  if (contexts) return checkAll(call, contexts, options);
  const manifests = rendered ?? (await manifestsOf(call));
  const examination = await examined(call, options, manifests);
  const cut = call.flags.from === undefined ? await cutRuns(call, [examination]) : [];
  call.out(...shown(call, [examination], { cut }));
  tellOf(call, cut);
  if (manifests) tellManifests(call, manifests);
  const exit = exitOf(call, [examination]);
  assertInstalled(call, options, [examination], exit);
  return exit;
}

/** Neither a quick look is a green light, not even where nothing is installed that it could look at, nor is a look that left installations out. */
function exitOf({ flags }: Call, examinations: readonly Examination[]): number {
  const exit = exitCode(examinations.flatMap(spokenOf), flags['fail-on'] ?? 'blocker');
  const partly = flags.quick || !examinations.every(sawAll);
  return partly && exit === EXIT.ok ? EXIT.unknown : exit;
}

const quickFrom = (): UserError =>
  new UserError(
    {
      en: '--quick and --from cannot be used together: --quick needs an API server',
      zh: '--quick 与 --from 不能同时使用：--quick 需要 API 服务器',
    },
    { en: 'omit --quick', zh: '请去掉 --quick' },
  );

/** Runs of ours that were cut short, or are running: each matters more than any finding of its cluster. */
async function cutRuns(call: Call, examinations: readonly Examination[]): Promise<Cut[]> {
  const cut: Cut[] = [];
  // Two contexts may lead to one cluster.
  const clusters = new Map(examinations.map(({ identity }) => [identity.uid, identity]));
  for (const identity of clusters.values()) {
    // The journals are not what was asked for.
    const { runs } = await runStore(stateFolder(call.env), identity.uid)
      .list()
      .catch(() => ({ runs: [] }));
    // Beside one that is running no other can be ended.
    const run = running(runs) ?? cutShort(runs);
    if (run) cut.push({ identity, run });
  }
  return cut;
}

interface Cut {
  identity: ClusterIdentity;
  run: RunSummary;
}

/** Also where nothing of the report says what to do next: JSON and YAML. */
function tellOf(call: Call, cut: readonly Cut[]): void {
  const { flags } = call;
  const several = flags.contexts !== undefined || flags['all-contexts'];
  for (const { identity, run } of cut) {
    const { text, next } = howToEnd(run);
    const there = several ? { ...call, flags: { ...flags, context: identity.context } } : call;
    const said = run.by?.here
      ? { en: `${sentence(text.en)}. Findings may change until it ends.`, zh: `${text.zh}。在其结束之前，检查结果可能变化。` }
      : { en: `Before anything else: ${text.en}.`, zh: `请先处理：${text.zh}。` };
    call.say(call.t(said), call.t(reaching(next, there)));
  }
}

const sentence = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

async function examined(call: Call, options: ExamineOptions, manifests?: Manifests): Promise<Examination> {
  if (call.flags.from === undefined && !call.flags.offline) call.begins({ en: 'Connecting...', zh: '正在连接……' });
  const { source, live, offline = false, close } = await openSource(call, manifests);
  try {
    const assume = offline ? assumedBy(source.manifests?.() ?? [], options.targets ?? []) : undefined;
    const examination = await examine(source, SYSTEMS, { ...options, assume, ...(call.flags.quick ? { quick: live } : {}) });
    return manifests ? declaredIn(examination, source, manifests, offline, { flags: call.flags, options }) : examination;
  } finally {
    close();
  }
}

/** In any form that -o takes. `failed`: only with several clusters. `cut`: runs that have to be ended first. */
export function shown(call: Call, examinations: Examination[], { failed, cut = [] }: { failed?: Failed[]; cut?: Cut[] } = {}): string[] {
  const published = () => (failed ? publishList(examinations, failed) : publish(examinations[0]!));
  const first = new Map(cut.map(({ identity, run }) => [identity.uid, { id: run.id, verb: verbFor(run) }]));
  const report = () => reportOf(examinations, failed ?? [], { systems: SYSTEMS, checks: HEADLINES }, call.face, first);
  switch (call.flags.output) {
    case 'json':
      return [jsonOf(published())];
    case 'yaml':
      return [yamlOf(published())];
    case 'markdown':
      return [markdown(report(), call.face)];
    case 'html':
      return [html(report(), call.face)];
    case 'sarif':
    case 'junit':
      return [forPipeline(call, call.flags.output, examinations.map(shownOf), failed ?? [])];
    default:
      return failed
        ? tables(report(), call.face)
        : table(examinations[0]!, SYSTEMS, HEADLINES, call.face, { cut: first.get(examinations[0]!.identity.uid) });
  }
}

/** The worst of them decides: findings, then what could not be seen, a cluster that does not answer among it. None that answers: the tool failed. */
async function checkAll(call: Call, contexts: readonly string[], options: ExamineOptions): Promise<number> {
  const examinations: Examination[] = [];
  const failed: Failed[] = [];
  for (let next = 0; next < contexts.length; next += AT_ONCE) {
    const names = contexts.slice(next, next + AT_ONCE);
    const ends = await Promise.allSettled(names.map((context) => examined({ ...call, flags: { ...call.flags, context } }, options)));
    for (const [i, end] of ends.entries()) {
      if (end.status === 'fulfilled') examinations.push(end.value);
      else if (end.reason instanceof UserError) failed.push({ context: names[i]!, why: end.reason.text });
      else throw end.reason;
    }
  }
  const cut = await cutRuns(call, examinations);
  call.out(...shown(call, examinations, { failed, cut }));
  tellOf(call, cut);
  if (!examinations.length) return EXIT.failed;
  const exit = exitOf(call, examinations);
  if (!failed.length) assertInstalled(call, options, examinations, exit);
  return failed.length && exit === EXIT.ok ? EXIT.unknown : exit;
}
