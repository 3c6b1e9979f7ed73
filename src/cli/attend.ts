// Attending a run: what a person sees while it goes on, and what its end means for the exit code. Shared by fix, resume and undo.
import path from 'node:path';
import type { Attempt, RunDeps } from '../engine/conduct.ts';
import type { Command, Direction, Run, Step, StepProgress, StoredRun, Text } from '../engine/contracts.ts';
import type { Person } from '../engine/performing.ts';
import { stepsOf } from '../engine/plan.ts';
import { evenedIn, isHarmless, isPassed, putBackIn, settledIn, spentIn } from '../engine/progress.ts';
import { pending } from '../engine/steps/conditions.ts';
import { kindOf } from '../engine/steps/index.ts';
import { calledAs } from '../report/face.ts';
import { type LookedAgain, lookedAgainText } from '../report/looked-again.ts';
import { farText, runEnded, stepEnded, undone } from '../report/run.ts';
import { textOf } from '../text/language.ts';
import { oneLine } from '../text/sanitise.ts';
import { commandLine, shellWord } from '../text/shell.ts';
import { span } from '../text/span.ts';
import { EXIT } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { recheck } from './recheck.ts';
import { unrepaired } from './repair-first.ts';
import type { Live } from './session.ts';
import { STILL_MS } from './spinner.ts';

/** Up to this number each step gets a line; beyond it only steps that failed, wait or were skipped do. */
const LOUD = 50;

const HALTING = {
  en: 'Stopping after the current step. Press Ctrl-C again to exit immediately.',
  zh: '当前步骤结束后停止。再按一次 Ctrl-C 立即退出。',
};

/** The hands that carry a run out, with their reports. `total`: steps that this attempt is about. */
export function attended(call: Call, live: Live, run: Run, direction: Direction = 'apply', total = stepsOf(run).length): RunDeps {
  const under = new Map<Step, { since: number; patience?: NodeJS.Timeout; far?: StepProgress }>();
  const said = new Set<string>();
  let count = 0;
  // stdout may be a terminal where stderr is a log, which gets whole lines.
  const face = process.stderr.isTTY ? call.face : { ...call.face, columns: Number.POSITIVE_INFINITY };
  const at = (step: Step): Text => {
    const { en, zh } = direction === 'undo' ? undone(step) : step.text;
    return { en: `${count}/${total}  ${en}`, zh: `${count}/${total}  ${zh}` };
  };
  const halting = () => {
    // What is waited for continues in the cluster.
    const further = [...under.keys()].flatMap((step) => (step.do === 'wait' && step.goesOn && direction === 'apply' ? [step.goesOn] : []));
    if (under.size) call.say(call.t(HALTING), ...further.map(({ en, zh }) => call.t({ en: `${en}.`, zh: `${zh}。` })));
  };
  call.signal.addEventListener('abort', halting, { once: true });
  return {
    store: live.store,
    lock: live.lock,
    world: live.world,
    takeOver: call.flags['take-over'],
    halt: call.signal,
    on: (step, outcome) => {
      if (outcome === 'begun') {
        const drawn = call.begins(at(step));
        const most = longest(step);
        const patience =
          !drawn && most
            ? setTimeout(() => call.say(call.t(patient(step, direction, most, under.get(step)?.far))), STILL_MS).unref()
            : undefined;
        under.set(step, { since: performance.now(), patience });
      } else {
        clearTimeout(under.get(step)?.patience);
        under.delete(step);
        count++;
        const fine = outcome.result === 'done' || outcome.result === 'already';
        const passed = direction === 'apply' && step.onUndo;
        if (!passed && (!fine || total <= LOUD)) call.say(stepEnded(step, outcome, face, direction));
        if (outcome.commands?.length)
          call.say(call.t({ en: 'To put it back:', zh: '恢复方法：' }), ...outcome.commands.map((each) => lineOf(call, each)));
        if (fine && step.do === 'backup') call.say(call.t(savedIn(path.join(live.store.beside(run.id).folder, step.file))));
        const [next] = under;
        if (next) call.progress(at(next[0]), next[1].since);
      }
    },
    person: personOf(call, at),
    recheck: (step) => recheck(live, run, step),
    unrepaired: async (checks) => (await unrepaired(live, run.id, checks))?.because,
    progressed: (step, progress, held) => {
      const [{ en, zh }, far] = [at(step), held ?? farText(progress)];
      const its = under.get(step);
      if (its) its.far = progress;
      const drawn = call.progress({ en: `${en}: ${far.en}`, zh: `${zh}：${far.zh}` }, under.get(step)?.since);
      // A terminal draws it over and cuts it: what keeps a Pod is said once besides, whole.
      if (held && !said.has(held.en) && said.size < HOLDS) {
        said.add(held.en);
        call.say(call.t(holding(step, held)));
        if (drawn) call.progress(at(step), under.get(step)?.since);
      }
    },
    waiting: ({ run: other, who }) =>
      call.say(
        call.t({
          en: `run ${other} by ${who} holds the lock; waiting up to a minute to see whether it is still active...`,
          zh: `${who} 的运行 ${other} 持有锁；最多等待一分钟，以确认它是否仍在进行……`,
        }),
      ),
  };
}

/** Who is asked about manual steps: on a terminal one after the other, else only by --confirm-step. */
function personOf(call: Call, at: (step: Step) => Text): Person {
  const named = new Set(call.flags['confirm-step']);
  let asking: Promise<unknown> = Promise.resolve();
  return {
    watches: call.terminal,
    told: (step, because) => {
      if (!call.terminal || named.has(step.id)) return;
      call.say('', call.t(manualText(step)), ...notesOf(call, step), ...commandsOf(call, step));
      if (because)
        call.say(call.t({ en: `Waiting until it is done: ${oneLine(because.en, 600)}`, zh: `等待完成：${oneLine(because.zh, 600)}` }));
      call.progress(at(step));
    },
    confirms: (step) => {
      if (named.has(step.id)) return Promise.resolve(true);
      if (!call.terminal) return Promise.resolve(false);
      const name = stepName(step);
      const asked = asking.then(() =>
        call.typed({
          en: `The cluster does not show this step. Once it is done, type ${name}; anything else stops the run here:`,
          zh: `此步骤无法自动确认。完成后请输入 ${name}；输入其他内容则运行在此停止：`,
        }),
      );
      asking = asked.catch(() => undefined);
      return asked.then((word) => word.trim() === name);
    },
  };
}

const stepName = ({ id }: Step): string => `step-${id}`;

const manualText = ({ id, text }: Step): Text => ({
  en: `manual: ${id}. ${oneLine(text.en, 1000)}`,
  zh: `手动：${id}. ${oneLine(text.zh, 1000)}`,
});
const notesOf = (call: Call, step: Step): string[] =>
  step.do === 'manual' ? (step.notes ?? []).map((note) => `     ${oneLine(call.t(note), 1000)}`) : [];
const commandsOf = (call: Call, step: Step): string[] =>
  kindOf(step)
    .commands(step)
    .map((command) => lineOf(call, command));
const lineOf = (call: Call, command: Command): string => `     ${commandLine(calledAs(textOf(command)[call.language], call.face))}`;

/** Without a terminal a command that would ask ends with an error: the one that is printed goes through. */
const yesFor = ({ terminal }: Call): string => (terminal ? '' : ' --yes');

/** The manual steps that a run stopped at, each with what to do and how it goes on. */
export function manualLeft(call: Call, run: Run, steps: readonly Step[]): string[] {
  const unseen = steps.filter((step) => step.do === 'manual' && !step.seen);
  const confirm = unseen.map((step) => ` --confirm-step ${step.id}`).join('') + yesFor(call);
  return [
    '',
    call.t({ en: 'Manual steps that the run waits for:', zh: '运行正在等待的手动步骤：' }),
    ...steps.flatMap((step) => [`  ${step.id}. ${oneLine(call.t(step.text), 1000)}`, ...notesOf(call, step), ...commandsOf(call, step)]),
    call.t({
      en: `Once they are done: {tool} resume ${run.id}${confirm}{reach}`,
      zh: `完成后执行：{tool} resume ${run.id}${confirm}{reach}`,
    }),
  ];
}

const savedIn = (file: string): Text => ({ en: `   saved in ${file}`, zh: `   已保存到 ${file}` });

/** Seconds that a step may take by itself; 0: too short to notice. */
function longest(step: Step): number {
  if (step.do === 'wait') return step.within + (step.lasting ?? 0);
  return 'within' in step ? step.within : step.do === 'unpend' ? step.quiet : 0;
}

/** At most so many reasons of a run for which a step waits get a line. */
const HOLDS = 50;
const holding = ({ id }: Step, { en, zh }: Text): Text => ({
  en: `  waiting in step ${id}: ${oneLine(en, 600)}`,
  zh: `  步骤 ${id} 正在等待：${oneLine(zh, 600)}`,
});

/** The line for a step that takes long, where no spinner can be drawn. */
function patient(step: Step, direction: Direction, most: number, progress: StepProgress | undefined): Text {
  const { en, zh } = direction === 'undo' ? undone(step) : step.text;
  return {
    en: `waiting, at most ${span(most).en}: ${step.id}. ${oneLine(en, 1000)}${progress ? ` (${farText(progress).en})` : ''}`,
    zh: `正在等待，最多 ${span(most).zh}：${step.id}. ${oneLine(zh, 1000)}${progress ? `（${farText(progress).zh}）` : ''}`,
  };
}

/** Its journal may be on another machine: what it still had to put back is not known here, and its run is not ended by this one. */
function leftByTaken(run: string): Text {
  const id = oneLine(run, 80);
  return {
    en: `Run ${id}, which was taken over, is not ended by this: what it still had to put back, such as cordoned Nodes or lowered PodDisruptionBudgets, stays. On the machine that started it: {tool} resume ${shellWord(id)} or {tool} undo ${shellWord(id)}.`,
    zh: `被接管的运行 ${id} 并未因此结束：它尚未恢复的更改（例如被封锁的节点、被放宽的 PodDisruptionBudget）仍然存在。请在启动它的机器上执行 {tool} resume ${shellWord(id)} 或 {tool} undo ${shellWord(id)}。`,
  };
}

/** Says what an attempt came to. Exit code: 0 finished; 4 interrupted, or an undo that is incomplete; 130 interrupted, or 1, before any change. */
export function ended(call: Call, run: Run, direction: Direction, executed: Attempt, steps: readonly Step[] = stepsOf(run)): number {
  const ours = direction === 'undo' ? steps : steps.filter(({ onUndo }) => !onUndo);
  const own = new Set(ours.map(({ id }) => id));
  const outcomes = new Map([...executed.outcomes].filter(([id]) => own.has(id)));
  const open = ours.filter((step) => !isPassed(step, outcomes.get(step.id)?.result, 'apply'));
  const far = direction === 'undo' ? { total: ours.length, settled: 0 } : settledIn(run, open);
  const { text, next } = runEnded(run.id, direction, far, { ...executed, outcomes }, yesFor(call));
  if (executed.leaseLost) call.say(call.t(LEASE_LOST));
  if (executed.leaseGone) call.say(call.t(LEASE_GONE));
  call.say(call.t(text));
  const taken = call.flags['take-over'];
  if (taken !== undefined && executed.state !== 'unchanged') call.say(call.t(leftByTaken(taken)));
  const toRetry = stepsOf(run).filter((step): step is Wait => isWayBack(step) === (direction === 'undo') && hasFailed(step, executed));
  const manual = direction === 'apply' ? stepsOf(run).filter((step) => executed.outcomes.get(step.id)?.result === 'manual') : [];
  // What follows a run that went through is said once it has been looked at again; of what waits for a person, can be tried again, or given up in a certain order, below.
  if (next && !toRetry.length && !manual.length && (direction === 'undo' || executed.state !== 'finished'))
    call.say(call.t({ en: `Next: ${next.en}`, zh: `下一步：${next.zh}` }));
  if (manual.length) call.say(...manualLeft(call, run, manual));
  if (manual.length && executed.state === 'stopped')
    call.say(
      call.t({
        en: `To undo the run instead: {tool} undo ${run.id}${yesFor(call)}{reach}`,
        zh: `如需改为撤销：{tool} undo ${run.id}${yesFor(call)}{reach}`,
      }),
    );
  for (const step of toRetry) call.say(...(direction === 'undo' ? stuck : retrying)(call, run, step));
  const held = stepsOf(run).find((step) => step.do === 'drain' && step.repairs && executed.outcomes.get(step.id)?.result === 'failed');
  if (held?.do === 'drain' && direction === 'apply') call.say(...heldBy(call, run, held.repairs ?? []));
  if (executed.state === 'unchanged') return call.signal.aborted ? EXIT.interrupted : EXIT.failed;
  if (executed.state === 'stopped') return EXIT.halfWay;
  const broken = steps.some(({ id, undo }) => undo !== 'none' && executed.outcomes.get(id)?.result === 'left');
  if (!broken) return EXIT.ok;
  call.say(
    call.t({
      en: `To retry the remaining steps: {tool} undo ${run.id}${yesFor(call)}{reach}`,
      zh: `重试剩余步骤：{tool} undo ${run.id}${yesFor(call)}{reach}`,
    }),
  );
  return EXIT.halfWay;
}

type Wait = Extract<Step, { do: 'wait' }>;
const isWayBack = ({ onUndo }: Step): boolean => onUndo === true;
const hasFailed = (step: Step, { outcomes }: Attempt): step is Wait =>
  step.do === 'wait' && step.retry !== undefined && outcomes.get(step.id)?.result === 'failed';

/** How what has failed in the cluster is tried again, and the run goes on; or how it is given up. */
const retrying = (call: Call, run: Run, { retry = [], repairs = [] }: Wait): string[] => [
  '',
  call.t({ en: 'To retry once the cause is removed:', zh: '排除原因后重试：' }),
  ...retry.map((command) => lineOf(call, command)),
  call.t({ en: `     {tool} resume ${run.id}${yesFor(call)}{reach}`, zh: `     {tool} resume ${run.id}${yesFor(call)}{reach}` }),
  ...(repairs.length
    ? [
        call.t({ en: 'To give up instead, in this order:', zh: '如需放弃，请依次执行：' }),
        call.t(repairedBeside(run.id, repairs)),
        call.t({ en: `     {tool} undo ${run.id}${yesFor(call)}{reach}`, zh: `     {tool} undo ${run.id}${yesFor(call)}{reach}` }),
      ]
    : []),
];

/** What an undo did not see end, and how it continues. */
const stuck = (call: Call, run: Run, { retry = [], repairs = [] }: Wait): string[] => [
  '',
  call.t({ en: 'To continue the undo:', zh: '继续撤销：' }),
  ...retry.map((command) => lineOf(call, command)),
  ...(repairs.length ? [call.t(repairedBeside(run.id, repairs))] : []),
  call.t({ en: `     {tool} undo ${run.id}${yesFor(call)}{reach}`, zh: `     {tool} undo ${run.id}${yesFor(call)}{reach}` }),
];

/** What came after the plan is in no step of the run: it is shown, with what a person runs. */
const heldBy = (call: Call, run: Run, repairs: readonly string[]): string[] => [
  '',
  call.t({ en: 'To see what holds the drain, and how to change it:', zh: '查看是什么阻止了腾空，以及如何处理：' }),
  call.t({
    en: `     {tool} fix ${repairs.join(' ')} --dry-run=client{reach}`,
    zh: `     {tool} fix ${repairs.join(' ')} --dry-run=client{reach}`,
  }),
  call.t({ en: `     {tool} resume ${run.id}${yesFor(call)}{reach}`, zh: `     {tool} resume ${run.id}${yesFor(call)}{reach}` }),
];

const repairedBeside = (id: string, repairs: readonly string[]): Text => {
  const command = `     {tool} fix ${repairs.join(' ')} --take-over ${id}{reach}`;
  return { en: command, zh: command };
};

/** What a run that has gone through reminds of, as long as it is so. */
export async function remind(call: Call, { world }: Live, run: Run): Promise<void> {
  for (const { when, text, commands } of stepsOf(run).flatMap(({ reminds = [] }) => reminds)) {
    // Where it cannot be read it is said all the same.
    const open = await pending([when], world).catch(() => undefined);
    if (!open) call.say(call.t(text), ...commands.map((each) => `     ${commandLine(each)}`));
  }
}

const LEASE_LOST = {
  en: 'Lease kube-system/upgrade-guard was taken over by another run, or could not be renewed: nothing more was sent.',
  zh: 'Lease kube-system/upgrade-guard 已被另一次运行接管，或无法续期：没有再发出任何请求。',
};
const LEASE_GONE = {
  en: 'warning: Lease kube-system/upgrade-guard was deleted or taken over during this run: another run may have changed the cluster at the same time. An undo restores only what its own run changed.',
  zh: '警告：本次运行期间，Lease kube-system/upgrade-guard 被删除或被接管：可能有另一次运行同时更改了集群。撤销只还原该次运行自己的更改。',
};

/** What an earlier attempt did counts too. */
const doneIn =
  ({ outcomes }: Attempt) =>
  ({ id }: { id: string }): boolean =>
    (outcomes.get(id)?.result ?? 'done') === 'done';
/** Fingerprints of what the run was to get past, and has brought back itself. */
export const broughtBack = (run: Run, executed: Attempt): Set<string> => putBackIn(run, doneIn(executed));

/** The last words on a run that went through, after the second look: what it came to, and that it can be undone. */
export function lookedAgain(call: Call, run: Run, executed: Attempt, found: LookedAgain): void {
  call.say(call.t(lookedAgainText(found)));
  const spent = spentIn(run, () => true);
  // What the run has put back itself, whichever attempt changed it.
  const even = evenedIn(run, doneIn(executed));
  const changed = stepsOf(run).some(
    (step) =>
      !isHarmless(step) && !step.onUndo && !spent.includes(step) && !even.has(step.id) && executed.outcomes.get(step.id)?.result === 'done',
  );
  const stays = spent.findLast(({ undoNote }) => undoNote)?.undoNote;
  if (stays) call.say(call.t(stays));
  if (changed) call.say(call.t({ en: `To undo it: {tool} undo ${run.id}{reach}`, zh: `如需撤销：{tool} undo ${run.id}{reach}` }));
}

/** For a run that is over: its own Lease, should one be left, is taken away. Never disturbs another's. */
export async function clearOwnLease(live: Live, { run }: StoredRun): Promise<void> {
  const held = await live.lock.own(run.id);
  await held?.release('finished');
}
