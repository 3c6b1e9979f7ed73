// Reading what a run left on disk. A last line without its end was never acknowledged and is ignored; any other damage is named.
import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { Entry, Run } from '../engine/contracts.ts';
import { NOT_REGULAR, readInput } from '../files/input.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';

export const RUN_FILE = 'run.json';
export const JOURNAL_FILE = 'journal.jsonl';
const SCHEMA = 1;

/** undefined: no such run. */
export async function readRun(folder: string): Promise<Run | undefined> {
  const file = path.join(folder, RUN_FILE);
  const text = textOf(file);
  if (text === undefined) return undefined;
  for (const each of [folder, file, path.join(folder, JOURNAL_FILE)]) await ownAlone(each);
  let run: unknown;
  try {
    run = parseJson(text);
  } catch (error) {
    throw damaged(file, undefined, error);
  }
  if (isRaw(run) && typeof run.schema === 'number' && run.schema > SCHEMA) throw tooNew(file, run.schema);
  if (!isRun(run)) throw damaged(file, undefined, 'not a run');
  return run;
}

/** Bytes; a run of 100,000 steps has less. */
const LARGEST = 1024 * 1024 * 1024;

function textOf(file: string): string | undefined {
  try {
    return readInput(file, LARGEST).toString('utf8');
  } catch (error) {
    if ('text' in (error as object)) throw damaged(file, undefined, error);
    return absent(error as NodeJS.ErrnoException);
  }
}

/** A run says what is written to a cluster: where others may write it, it is not to be trusted. Links are not followed for the same reason. */
async function ownAlone(file: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined);
  if (!found || process.platform === 'win32') return;
  if (!found.isSymbolicLink() && (found.mode & OTHERS_WRITE) === 0) return;
  throw new UserError(
    { en: `reading ${file}: others can write it, or it is a link`, zh: `读取 ${file}：他人可写，或它是一个链接` },
    {
      en: `look at it, and if it is as you left it: chmod -R go-rwx ${path.dirname(file)}`,
      zh: `请检查其内容，确认无误后执行：chmod -R go-rwx ${path.dirname(file)}`,
    },
  );
}
/** Group and others. */
const OTHERS_WRITE = 0o022;

/** The entries, and where the last whole one ends (bytes). */
export async function readJournal(folder: string): Promise<{ entries: Entry[]; size: number }> {
  const file = path.join(folder, JOURNAL_FILE);
  const entries: Entry[] = [];
  let size = 0;
  let rest: Buffer[] = [];
  const found = await lstat(file).catch(absent);
  if (found === undefined) return { entries, size };
  if (!found.isFile()) throw damaged(file, undefined, new Error(NOT_REGULAR.en));
  const stream = createReadStream(file, { highWaterMark: 1 << 20 });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...rest, chunk.subarray(from, end)]);
        rest = [];
        entries.push(entryOf(line, file, entries.length + 1));
        size += line.length + 1;
        from = end + 1;
      }
      if (from < chunk.length) rest.push(chunk.subarray(from));
    }
  } catch (error) {
    return absent(error as NodeJS.ErrnoException) ?? { entries, size };
  }
  return { entries, size };
}

/** A file that is not there; every other error goes on. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

function entryOf(line: Buffer, file: string, number: number): Entry {
  let entry: unknown;
  try {
    entry = parseJson(line.toString('utf8'));
  } catch (error) {
    throw damaged(file, number, error);
  }
  if (!isEntry(entry)) throw damaged(file, number, 'not an entry');
  return entry;
}

function isRun(value: unknown): value is Run {
  if (!isRaw(value) || !isRaw(value.cluster) || !Array.isArray(value.steps)) return false;
  const texts = [value.id, value.tool, value.what, value.at, value.cluster.uid];
  return (
    value.schema === SCHEMA &&
    texts.every((text) => typeof text === 'string') &&
    value.steps.every((step) => isRaw(step) && typeof step.id === 'string')
  );
}

function isEntry(value: unknown): value is Entry {
  if (!isRaw(value) || typeof value.at !== 'string' || (value.way !== 'do' && value.way !== 'undo')) return false;
  switch (value.is) {
    case 'begin':
      return typeof value.pid === 'number';
    case 'intent':
      return typeof value.step === 'string';
    case 'outcome':
      return typeof value.step === 'string' && typeof value.result === 'string';
    case 'end':
      return typeof value.state === 'string';
    default:
      return false;
  }
}

function damaged(file: string, line: number | undefined, cause: unknown): UserError {
  const why = oneLine(cause instanceof Error ? cause.message : String(cause));
  return new UserError(
    {
      en: `${file}${line === undefined ? '' : `, line ${line},`} is damaged: ${why}`,
      zh: `${file}${line === undefined ? '' : ` 第 ${line} 行`}已损坏：${why}`,
    },
    {
      en: 'Keep the folder. What the run changed stands in the other lines of its journal; restore the file from a backup, or go on by hand from there.',
      zh: '请保留该目录。该次运行所做的改动记录在日志的其余各行中；请从备份恢复此文件，或据此手动处理。',
    },
  );
}

function tooNew(file: string, schema: number): UserError {
  return new UserError(
    {
      en: `${file} was written by a newer upgrade-guard (schema ${schema}, this one knows up to ${SCHEMA})`,
      zh: `${file} 由更新版本的 upgrade-guard 写入（格式 ${schema}，本版本最高支持 ${SCHEMA}）`,
    },
    { en: 'Use that version, or a newer one, to resume or undo this run.', zh: '请使用该版本或更新的版本来继续或撤销这次运行。' },
  );
}
