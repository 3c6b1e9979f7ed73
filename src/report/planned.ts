// A planned upgrade as data, as Markdown, and as a runbook for a shell. Values for helm are in none of them.
import type { ClusterIdentity, JudgedFinding, Language, Step, Text, UpgradePath } from '../engine/contracts.ts';
import type { Plan } from '../engine/plan.ts';
import { isHarmless } from '../engine/progress.ts';
import { kindOf } from '../engine/steps/index.ts';
import { valuesFile } from '../engine/steps/keep.ts';
import { seenLines } from '../engine/steps/manual.ts';
import { installationName } from '../text/installation-name.ts';
import { textOf } from '../text/language.ts';
import { oneLine } from '../text/sanitise.ts';
import { commandLine, shellWord } from '../text/shell.ts';
import { calledAs, type Face } from './face.ts';
import { page, safe, unbroken } from './html.ts';
import { NOTE } from './installations.ts';
import { clusterName, promise, stepSum, UNDO_COLUMN, undoneBy } from './plan.ts';
import { confirmLine, helpers, unlessLines, waitLines } from './runbook-waits.ts';

export interface PlannedUpgrade {
  cluster: ClusterIdentity;
  paths: readonly UpgradePath[];
  plan: Plan;
  /** Blockers that none of the steps repairs. */
  stopping: readonly Stopping[];
}
export interface Stopping {
  check: string;
  finding: JudgedFinding;
  /** The object that --confirm names so that upgrade fixes it; undefined: upgrade cannot. */
  confirm?: string;
  /** For --accept: the check, or its objects, where other findings of the check are fixed. */
  accept: readonly string[];
}
/** With the ID by which it is accepted. */
export const saidOf = ({ check, finding: { message } }: Stopping): Text => ({
  en: `${check}: ${message.en}`,
  zh: `${check}：${message.zh}`,
});

/** docs/upgrade-plan.schema.json. */
export function planData({ cluster, paths, plan: { stages, refusals }, stopping }: PlannedUpgrade): object {
  return {
    apiVersion: 'upgrade-guard/v1',
    kind: 'UpgradePlan',
    cluster,
    paths: paths.map(({ installation: { id }, from, to, provisional }) => ({
      installation: id,
      from: typeof from === 'string' ? from : null,
      to: to ?? null,
      ...(provisional ? { provisional } : {}),
    })),
    stages: stages.map(({ id, hop, title, steps }) => ({
      ...{ id, hop: hop ?? null, title },
      steps: steps.map((step) => ({
        ...{ id: step.id, do: step.do, text: step.text, changes: kindOf(step).preview(step).map(textOf) },
        ...{ undo: step.undo, undoNote: step.undoNote ?? null, after: step.after, reasons: step.reasons, onUndo: step.onUndo ?? false },
      })),
    })),
    refusals,
    blockers: stopping.map(({ check, finding: { fingerprint, message, objects } }) => ({ check, fingerprint, message, objects })),
  };
}

const TITLE: Text = { en: 'Upgrade plan', zh: '升级计划' };
const BLOCKED: Text = { en: 'Blockers that no step fixes', zh: '没有步骤能修复的阻断项' };
const SKIPPED: Text = { en: 'Skipped', zh: '已跳过' };

const pathLine = ({ installation: { id }, from, to, provisional }: UpgradePath, language: Language): string =>
  `${installationName(id)} ${typeof from === 'string' ? from : '?'} → ${to ?? '?'}${provisional ? inBrackets(NOTE.provisional[language], language) : ''}`;
/** Behind the count of steps: a list has no columns. */
const UNDO_IN_BRACKETS: Text = { en: '. How each is undone stands in brackets.', zh: '。括号内为撤销方式。' };
const COLON: Text = { en: ': ', zh: '：' };
const inBrackets = (text: string, language: Language): string => (language === 'zh' ? `（${text}）` : ` (${text})`);

/** Nothing of a cluster's text acts as Markdown. */
const plain = (text: string): string => oneLine(text, 1000).replace(/[\\`*_{}[\]<>#|!]/g, '\\$&');

const commandsOf = (step: Step, face: Face): string[] =>
  kindOf(step)
    .commands(step)
    .map((command) => commandLine(calledAs(textOf(command)[face.language], face)));

/** Commands to paste, as they are. */
function fenced(commands: readonly string[]): string[] {
  const longest = Math.max(2, ...commands.flatMap((command) => [...command.matchAll(/`+/g)].map(([run]) => run.length)));
  const fence = '`'.repeat(longest + 1);
  return commands.length ? [`${fence}sh`, ...commands, fence] : [];
}

export function planMarkdown({ cluster, paths, plan: { stages, refusals }, stopping }: PlannedUpgrade, face: Face): string[] {
  const { language } = face;
  const steps = stages.flatMap((stage) => stage.steps);
  const back = undoneBy(steps);
  const line = (step: Step) => [
    `${step.id}. ${plain(step.text[language])}${inBrackets(promise(step, language, back.get(step.id)), language)}`,
    // What is below a step belongs to it only as far in as its text begins.
    ...below(step).map((each) => `${' '.repeat(step.id.length + 2)}${each}`),
  ];
  const bullet = (text: Text) => `- ${plain(text[language])}`;
  const below = (step: Step): string[] =>
    step.do === 'manual'
      ? [...(step.notes ?? []).map(bullet), ...fenced(commandsOf(step, face)), ...seenLines(step).map(bullet)]
      : [...kindOf(step).preview(step).map(textOf), ...(step.undoNote ? [step.undoNote] : [])].map(bullet);
  return [
    `# ${TITLE[language]}${COLON[language]}${plain(clusterName(cluster))}`,
    '',
    ...paths.map((path) => `- ${plain(pathLine(path, language))}`),
    ...(steps.length ? ['', `${plain(stepSum(steps)[language])}${UNDO_IN_BRACKETS[language]}`] : []),
    ...(stopping.length ? ['', `## ${BLOCKED[language]}`, '', ...stopping.map((each) => `- ${plain(saidOf(each)[language])}`)] : []),
    ...stages.flatMap(({ title, steps }) => ['', `## ${plain(title[language])}`, '', ...steps.flatMap(line)]),
    ...refusals.map(({ refused }) => `- ${plain(refused[language])}`),
  ];
}

/** One file, as the report of a check is one: no script, nothing from the network. Every text of a cluster is escaped. */
export function planHtml({ cluster, paths, plan: { stages, refusals }, stopping }: PlannedUpgrade, face: Face): string {
  const { language } = face;
  const line = (text: string) => safe(oneLine(text, 1000));
  const steps = stages.flatMap((stage) => stage.steps);
  const back = undoneBy(steps);
  const shown = (step: Step) => {
    const changes = kindOf(step)
      .preview(step)
      .map((change) => unbroken(commandLine(calledAs(textOf(change)[language], face))));
    const note = step.undoNote && step.do !== 'manual' ? `<div class="quiet">${line(step.undoNote[language])}</div>` : '';
    const tone = step.do === 'manual' ? 'manual' : isHarmless(step) || step.onUndo || back.has(step.id) ? '' : step.undo;
    return `<li class="${tone}"><p><span class="step">${line(step.id)}.</span> <span>${line(step.text[language])}</span> <span class="undo">${line(promise(step, language, back.get(step.id)))}</span></p>${changes.length ? `<pre>${changes.join('\n')}</pre>` : ''}${note}</li>`;
  };
  const sum = stepSum(steps);
  const blocked = stopping.map((each) => `<li>${line(saidOf(each)[language])}</li>`);
  const skipped = refusals.map(({ refused }) => `<li>${line(refused[language])}</li>`);
  return page(
    `${TITLE[language]}${COLON[language]}${clusterName(cluster)}`,
    sum[language],
    [
      `<section>${paths.map((path) => `<p class="path">${line(pathLine(path, language))}</p>`).join('')}</section>`,
      ...(blocked.length ? [`<article class="blocker"><h3>${safe(BLOCKED[language])}</h3><ul>${blocked.join('')}</ul></article>`] : []),
      ...stages.map(
        ({ title, steps: own }) => `<section><h2>${line(title[language])}</h2>
<p class="head">${safe(UNDO_COLUMN[language])}</p>
<ol class="steps">
${own.map(shown).join('\n')}
</ol></section>`,
      ),
      ...(skipped.length ? [`<article class="unknown"><h3>${safe(SKIPPED[language])}</h3><ul>${skipped.join('')}</ul></article>`] : []),
    ],
    language,
  );
}

const keptIn = (file: string): Text => ({
  en: `save the values for helm in ${file}, readable by you alone, until the upgrade has finished`,
  zh: `在升级完成之前，把传给 helm 的 values 保存在仅当前用户可读的文件 ${file} 中`,
});
const removed = (file: string): Text => ({ en: `delete ${file}`, zh: `删除 ${file}` });

/** Seconds in which a person does a step. */
const BY_PERSON = 3600;

/** What the script stops at behind the commands of a step: until what the step is for is so, or a person says that it is. */
function held(step: Step, language: Language): { lines: string[]; seen: readonly Text[] } {
  const { id, text } = step;
  if (step.onUndo || (step.do !== 'manual' && step.do !== 'wait')) return { lines: [], seen: [] };
  const conditions = step.do === 'wait' ? step.until : (step.seen ?? []);
  const within = step.do === 'wait' ? step.within : BY_PERSON;
  const { lines, unseen } = waitLines(conditions, { id, within, language });
  const again = step.do === 'wait' && step.lasting ? [`sleep ${step.lasting}`, ...lines] : [];
  // What no command does is asked first, and looked at all the same: a script that only waits does not say for what.
  const isSilent = step.do === 'manual' && !kindOf(step).commands(step).length;
  const ask = [confirmLine(id, text[language])];
  return {
    lines: [...(isSilent ? ask : []), ...lines, ...again, ...(!isSilent && (unseen || !conditions.length) ? ask : [])],
    seen: step.do === 'manual' && unseen ? seenLines(step) : [],
  };
}

/** Of Nodes that the reader sets one after the other there is none to set once all are there. */
function unlessSo(step: Step, commands: string[], language: Language): string[] {
  const done = step.do === 'drain' ? step.unless : step.do === 'manual' && commands.some((each) => SETS_NODE.test(each)) ? step.seen : [];
  return done?.length ? unlessLines(commands, done, step.id, language) : commands;
}
const SETS_NODE = /^NODE= /;

/** A script is read in one shell and run in another, where kubectl may point elsewhere. A cluster is known by the uid of its kube-system. */
function sameCluster({ uid, certain }: PlannedUpgrade['cluster'], language: Language): string[] {
  if (!certain || !/^[\w-]{1,64}$/.test(uid)) return [];
  const other = {
    en: 'error: kubectl points to another cluster than the one this plan was made for, or does not reach it; set KUBECONFIG or the context',
    zh: '错误：kubectl 当前指向的不是生成本计划时的集群，或无法访问；请设置 KUBECONFIG 或切换上下文',
  }[language];
  return [`if [ "$(kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}')" != '${uid}' ]; then echo '${other}' >&2; exit 1; fi`];
}

/** The flags that the plan was made with, once for the whole script: its waits call kubectl as well. Plugins take them behind their own name. */
const aimedFunctions = ({ aim, language }: Face): string[] => [
  ...(aim?.kubectl || aim?.helm
    ? [
        `# ${{ en: 'The cluster that the plan was made for, by the same flags.', zh: '以下参数与生成本计划时相同，指向同一集群。' }[language]}`,
      ]
    : []),
  ...(aim?.kubectl
    ? [`kubectl() { if [ "$1" = upgrade-guard ]; then command kubectl "$@"; else command kubectl${aim.kubectl} "$@"; fi; }`]
    : []),
  ...(aim?.helm ? [`helm() { command helm${aim.helm} "$@"; }`] : []),
];

/** A runbook: read it, then run it step by step. It stops at the first command that fails, and until what a step is for is so. */
export function planShell({ cluster, paths, plan: { stages, refusals }, stopping }: PlannedUpgrade, face: Face): string[] {
  const { language } = face;
  const comment = (text: string) => `# ${oneLine(text, 1000)}`;
  const none: Text = {
    en: 'no kubectl equivalent; only upgrade-guard can run this step (edits inside a string, or a recomputed counter)',
    zh: '没有等价的 kubectl 命令，只能由 upgrade-guard 执行（涉及字符串内的值或需重新计算的计数）',
  };
  // A run keeps the values in a Secret; a person with a shell keeps them in a file.
  const files = new Map(
    stages.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'keep' ? [[step.on.name, valuesFile(step.release)]] : []))),
  );
  // A value that the reader sets once holds for the steps behind it; a Node is another one in each.
  const set = new Set<string>();
  const isFirst = (command: string): boolean => {
    if (!/^(?!NODE=)[A-Z]+= /.test(command)) return true;
    const isNew = !set.has(command);
    set.add(command);
    return isNew;
  };
  const back = undoneBy(stages.flatMap(({ steps }) => steps));
  const shown = (step: Step): string[] => {
    const file = step.do === 'keep' || step.do === 'forget' ? files.get(step.on.name) : undefined;
    const { lines: stops, seen } = held(step, language);
    const commands =
      step.do === 'wait'
        ? []
        : step.do === 'forget' && file !== undefined
          ? [`rm -f ${shellWord(file)}`]
          : kindOf(step)
              .commands(step)
              .map((each) => calledAs(textOf(each)[language], { ...face, aim: undefined }));
    const notes = step.do === 'manual' ? (step.notes ?? []) : [];
    const instead = notes.length || stops.length ? [] : [comment(none[language])];
    const text = file === undefined ? step.text : step.do === 'keep' ? keptIn(file) : removed(file);
    return [
      '',
      comment(`${step.id}. ${text[language]}${file === undefined ? inBrackets(promise(step, language, back.get(step.id)), language) : ''}`),
      ...(step.undoNote ? [comment(`   ${step.undoNote[language]}`)] : []),
      ...notes.map((note) => comment(`   ${note[language]}`)),
      ...(step.onUndo ? commands.map(comment) : commands.length ? unlessSo(step, commands.filter(isFirst), language) : instead),
      ...seen.map((line) => comment(`   ${line[language]}`)),
      ...stops,
    ];
  };
  const body = stages.flatMap(({ title, steps }) => ['', comment(`==== ${title[language]}`), ...steps.flatMap(shown)]);
  const functions = helpers(body, language);
  return [
    '#!/bin/sh',
    comment(`${TITLE[language]}${COLON[language]}${clusterName(cluster)}`),
    ...paths.map((path) => comment(pathLine(path, language))),
    comment(
      {
        en: 'Read every step before running it, then run the script in a terminal. It stops at the first failure, waits until a step is seen to be done, and asks where kubectl does not show it.',
        zh: '执行前请逐步阅读，然后在终端中运行。脚本在第一次失败时停止；能看到步骤是否完成时会等待，kubectl 看不到时会询问。',
      }[language],
    ),
    ...stopping.map((each) => comment(`${BLOCKED[language]}${COLON[language]}${saidOf(each)[language]}`)),
    ...refusals.map(({ refused }) => comment(refused[language])),
    'set -eu',
    ...(stopping.length
      ? [
          `echo '${{ en: 'blockers are left, see the head of this script; to continue, remove this line', zh: '仍有阻断项，见脚本开头；确认后删除本行再执行' }[language]}' >&2; exit 1`,
        ]
      : []),
    ...aimedFunctions(face),
    ...sameCluster(cluster, language),
    // helm does not look for its records: it is told where they are.
    ...(paths.some(({ installation: { release } }) => release?.driver) ? ['export HELM_DRIVER=configmap'] : []),
    ...(functions.length ? ['', ...functions] : []),
    ...body,
  ];
}
