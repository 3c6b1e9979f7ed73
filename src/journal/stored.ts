// Reading what a run left on disk. A last line without its end was never acknowledged and is ignored; any other damage is named, and the command that
// wrote it: entries are numbered, the length that a journal once had is kept beside it, and nothing is believed that has not the shape of a run.
import type { Stats } from 'node:fs';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Entry, JournalEnd, Progress, Run, Step, Text } from '../engine/contracts.ts';
import { stepsOf } from '../engine/plan.ts';
import { advance, noProgress } from '../engine/progress.ts';
import { recalled } from '../engine/steps/index.ts';
import { NOT_REGULAR } from '../files/input.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { UserError } from '../text/user-error.ts';
import { isOthers } from './state-folder.ts';
import { wrongForStep, wrongInEntry, wrongInRun, wrongInRunOfSeen, wrongInStep } from './well-formed.ts';

export const RUN_FILE = 'run.json';
export const JOURNAL_FILE = 'journal.jsonl';
/** Bytes that the journal has at least, as digits; written when it is opened and behind every group of entries. Journals of older builds lack it. */
export const LENGTH_FILE = 'journal.length';
const SCHEMA = 2;

/** undefined: no such run. `id`: the folder's name. */
export async function readRun(folder: string, id: string): Promise<Run | undefined> {
  const found = await lstat(folder).catch(absent);
  if (found === undefined) return undefined;
  if (!found.isSymbolicLink() && !found.isDirectory()) throw noFolder(folder);
  const file = path.join(folder, RUN_FILE);
  await ownAlone(folder);
  // Its own three, and what lies beside them: an undo reads old objects and files from there.
  for (const name of await readdir(folder)) await ownAlone(path.join(folder, name));
  let run: unknown;
  try {
    run = await parsedRun(file);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw damaged(file, undefined, unreadable(error));
  }
  if (run === undefined) return undefined;
  if (isRaw(run) && typeof run.schema === 'number' && run.schema > SCHEMA) throw tooNew(file, run.schema);
  const wrong = wrongInRun(run, id);
  if (wrong !== undefined) throw damaged(file, undefined, misshapen(wrong));
  return run as Run;
}

/** What `readRun` would refuse of a run's file that was just written; undefined: it reads back. Step by step: of 100,000 there is no second copy. `does`: what the step does. */
export async function wrongInWritten(folder: string, id: string): Promise<{ at: string; does?: Text } | undefined> {
  let wrong: { at: string; does?: Text } | undefined;
  const run = await parsedRun(path.join(folder, RUN_FILE), (step, stage, i) => {
    const at = wrongInStep(step, `stages[${stage}].steps[${i}]`);
    const { id, after, text } = step as Step;
    if (at !== undefined) wrong ??= { at, does: text };
    return { id, after };
  });
  if (wrong) return wrong;
  const at = wrongInRunOfSeen(run, id);
  return at === undefined ? undefined : { at };
}

/**
 * A run's file: one line for all but its stages, then of each stage one line for all but its steps, and one line a step. Still one JSON text;
 * but to read it as one takes several times the memory, and there may be 100,000 steps.
 */
export function* runLines({ stages, ...rest }: Run): Generator<string> {
  yield `${JSON.stringify(rest).slice(0, -1)}${STAGES}`;
  for (const [i, { steps, ...stage }] of stages.entries()) {
    yield `${i ? ',' : ''}\n${JSON.stringify(stage).slice(0, -1)}${STEPS}`;
    for (let at = 0; at < steps.length; at += AT_ONCE) {
      const lines = steps.slice(at, at + AT_ONCE).map((step) => JSON.stringify(step));
      yield `${at ? ',' : ''}\n${lines.join(',\n')}`;
    }
    yield '\n]}';
  }
  yield '\n]}\n';
}
const STAGES = ',"stages":[';
const STEPS = ',"steps":[';
/** Steps per write to the disk. */
const AT_ONCE = 500;

/** undefined: no such file. `kept`: what is kept of each step. Throws SyntaxError. */
async function parsedRun(file: string, kept = (step: unknown, _stage: number, _at: number): unknown => step): Promise<unknown> {
  let run: { stages: { steps: unknown[] }[] } | undefined;
  let steps: unknown[] | undefined;
  let ended = false;
  for await (const line of wholeLines(file)) {
    const text = line.toString('utf8');
    if (!run) {
      // Of an older build, or reformatted by a user.
      if (!text.endsWith(STAGES)) break;
      run = parseJson(`${text}]}`) as { stages: { steps: unknown[] }[] };
    } else if (ended) throw new SyntaxError('more behind its end');
    else if (steps) {
      if (text === ']}' || text === ']},') steps = undefined;
      else steps.push(kept(parseJson(text.replace(/,$/, '')), run.stages.length - 1, steps.length));
    } else if (text === ']}') ended = true;
    else if (text.endsWith(STEPS)) {
      const stage = parseJson(`${text}]}`) as { steps: unknown[] };
      run.stages.push(stage);
      steps = stage.steps;
    } else throw new SyntaxError('a stage without steps');
  }
  if (run && !ended) throw new SyntaxError('its end is missing');
  if (run) return run;
  const text = await readFile(file, 'utf8').catch(absent);
  return text === undefined ? undefined : parseJson(text);
}

/** A run says what is written to a cluster: where others may write it, it is not to be trusted. Links are not followed for the same reason. */
async function ownAlone(file: string): Promise<void> {
  const found = await lstat(file).catch(absent);
  if (found && !found.isFile() && !found.isDirectory() && !found.isSymbolicLink()) throw damaged(file, undefined, NOT_REGULAR);
  if (!found || process.platform === 'win32') return;
  if (!found.isSymbolicLink() && isOthers(found)) throw foreign(file, found.uid);
  if (!isOpenToOthers(found)) return;
  throw new UserError(
    { en: `reading ${file}: writable by other users, or a symbolic link`, zh: `读取 ${file}：其他用户可写，或是符号链接` },
    {
      en: `verify its content, then: chmod -R go-rwx ${shellWord(path.dirname(file))}`,
      zh: `请检查其内容，确认无误后执行：chmod -R go-rwx ${shellWord(path.dirname(file))}`,
    },
  );
}
const foreign = (file: string, uid: number): UserError =>
  new UserError(
    { en: `reading ${file}: owned by another user (uid ${uid})`, zh: `读取 ${file}：属于其他用户（uid ${uid}）` },
    {
      en: `verify its content, then as root: chown -R $(id -u) ${shellWord(path.dirname(file))}`,
      zh: `请检查其内容，确认无误后以 root 执行：chown -R $(id -u) ${shellWord(path.dirname(file))}`,
    },
  );
/** Group and others. */
const OTHERS_WRITE = 0o022;
const isOpenToOthers = (found: Stats): boolean => found.isSymbolicLink() || (found.mode & OTHERS_WRITE) !== 0;

/** What the journal says of a run, and where its last whole entry ends. Read line by line, and only what undo needs is kept. */
export async function readJournal(folder: string, run: Run): Promise<{ progress: Progress; end: JournalEnd; lengthUnknown?: true }> {
  const file = path.join(folder, JOURNAL_FILE);
  // Before the journal: a process at work on it makes the journal longer first.
  const least = await leastLength(folder);
  const steps = new Map(stepsOf(run).map((step) => [step.id, step]));
  const progress = noProgress();
  const end: JournalEnd = { size: 0, lines: 0 };
  let numbered = false;
  for await (const line of wholeLines(file)) {
    const number = end.lines + 1;
    const { entry, n } = entryOf(line, file, number);
    if (n === undefined ? numbered : n !== number) throw damaged(file, number, missing(n));
    numbered = n !== undefined;
    const wrong = wrongThere(entry, progress, steps);
    if (wrong !== undefined) throw damaged(file, number, misshapen(wrong));
    advance(progress, entry.is === 'intent' ? { ...entry, before: recalled(steps.get(entry.step)!, entry.before) } : entry);
    end.lines = number;
    end.size += line.length + 1;
  }
  if (end.size < (least ?? 0)) throw damaged(file, undefined, cut(end, least!));
  return { progress, end, ...(least === undefined ? { lengthUnknown: true } : {}) };
}

/** Lines that have their end. No file: none. */
async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end)]);
        rest = [];
        from = end + 1;
      }
      if (from < chunk.length) rest.push(chunk.subarray(from));
    }
  } catch (error) {
    absent(error as NodeJS.ErrnoException);
  }
}

/** undefined: it is lost. After a power cut it may hold anything but digits. */
async function leastLength(folder: string): Promise<number | undefined> {
  const text = (await readFile(path.join(folder, LENGTH_FILE), 'latin1').catch(absent)) ?? '';
  return /^\d{16}\n$/.test(text) ? Number(text) : undefined;
}

/** As `leastLength` reads it; always of the same length, so that a write never leaves half of an older one behind. */
export const writtenLength = (size: number): Buffer => Buffer.from(`${String(size).padStart(16, '0')}\n`);

/** A file that is not there; every other error goes on. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

/** `n`: the entry's number; entries of older builds have none. */
function entryOf(line: Buffer, file: string, number: number): { entry: Entry; n?: unknown } {
  let read: unknown;
  try {
    read = parseJson(line.toString('utf8'));
  } catch (error) {
    throw damaged(file, number, unreadable(error));
  }
  const { n, ...entry } = isRaw(read) ? read : {};
  const wrong = wrongInEntry(entry);
  if (wrong !== undefined) throw damaged(file, number, misshapen(wrong));
  return { entry: entry as unknown as Entry, n };
}

/** They write nothing, so that no intent comes before. */
const UNSENT: ReadonlySet<Step['do']> = new Set(['wait', 'manual', 'recheck']);

/** What cannot follow on the entries before: an attempt begins first, and of what was written the intent comes first. */
function wrongThere(entry: Entry, progress: Progress, steps: ReadonlyMap<string, Step>): string | undefined {
  if (entry.is === 'begin' || entry.is === 'end') return undefined;
  if (!progress.last) return 'is';
  const step = steps.get(entry.step);
  const isSent = entry.is === 'outcome' && entry.result === 'done' && !(step && UNSENT.has(step.do));
  if (isSent && progress.states[entry.direction].get(entry.step)?.result !== 'in-doubt') return 'result';
  return wrongForStep(entry, step);
}

// ---- errors ---------------------------------------------------------------------------------------------------------

function unreadable(error: unknown): Text {
  const why = oneLine(error instanceof Error ? error.message : String(error));
  return { en: why, zh: why };
}
const misshapen = (at: string): Text => ({
  en: `${oneLine(at, 200)} has an unexpected format`,
  zh: `${oneLine(at, 200)} 的格式不符`,
});
const missing = (n: unknown): Text => ({
  en: `entries before it are missing (it is number ${oneLine(String(n), 20)})`,
  zh: `它之前的记录有缺失（该行编号为 ${oneLine(String(n), 20)}）`,
});
const cut = ({ size, lines }: JournalEnd, least: number): Text => ({
  en: `truncated after entry ${lines}, ${size} of ${least} bytes`,
  zh: `内容在第 ${lines} 条记录之后中断，${least} 字节中只有 ${size} 字节`,
});

function damaged(file: string, line: number | undefined, why: Text): UserError {
  return new UserError(
    {
      en: `reading ${file}${line === undefined ? '' : `, line ${line}`}: damaged: ${why.en}`,
      zh: `读取 ${file}${line === undefined ? '' : ` 第 ${line} 行`}：文件已损坏：${why.zh}`,
    },
    {
      en: 'keep the directory. Restore the file from a backup, or finish manually using the remaining journal entries',
      zh: '请保留该目录。从备份恢复此文件，或根据其余的运行日志记录手动处理',
    },
  );
}

const noFolder = (folder: string): UserError =>
  new UserError(
    { en: `reading ${folder}: not a run directory (it is a file)`, zh: `读取 ${folder}：此处应为运行目录，却是一个文件` },
    { en: 'restore the directory from a backup, or move the file away', zh: '请从备份恢复该目录，或将此文件移走' },
  );

function tooNew(file: string, schema: number): UserError {
  return new UserError(
    {
      en: `reading ${file}: written by a newer upgrade-guard (schema ${schema}, this one supports up to ${SCHEMA})`,
      zh: `读取 ${file}：它由更新版本的 upgrade-guard 写入（格式 ${schema}，本版本最高支持 ${SCHEMA}）`,
    },
    { en: 'use that version, or a newer one, to resume or undo this run', zh: '请使用该版本或更新的版本来继续或撤销这次运行' },
  );
}
