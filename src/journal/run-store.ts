// The runs of one cluster on disk: <state>/<cluster>/<run>/run.json, journal.jsonl and journal.length, folders 0700, files 0600.
// Cluster uids and run ids come from outside and become paths only through `clusterFolder` and `isRunId`.
import { createHash } from 'node:crypto';
import { constants, type FileHandle, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { goOnOrBack } from '../engine/conduct.ts';
import type { Entry, Journal, JournalEnd, Run, RunStore, RunSummary, Text, Unreadable } from '../engine/contracts.ts';
import { summaryOf } from '../engine/progress.ts';
import { makeFolder, syncFolder } from '../files/folder.ts';
import { oneLine } from '../text/sanitise.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';
import { appender } from './append.ts';
import { filesIn } from './beside.ts';
import { inUse } from './in-use.ts';
import { lockFolder, ownerOf } from './lock.ts';
import { assertOwnFolder } from './state-folder.ts';
import { JOURNAL_FILE, LENGTH_FILE, RUN_FILE, readJournal, readRun, runLines, writtenLength, wrongInWritten } from './stored.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** `folder`: see `stateFolder`. Everything it throws for the state of the disk is a UserError. */
export function runStore(folder: string, clusterUid: string): RunStore {
  const cluster = path.join(folder, clusterFolder(clusterUid));
  const folderOf = (id: string) => path.join(cluster, id);
  const assertOwn = async () => {
    for (const each of [folder, cluster]) await assertOwnFolder(each);
  };

  /** What a list read last, for a request for just that run next: one of 100,000 steps takes seconds to read. `reopen` sees whether it is still so. */
  let newest: Awaited<ReturnType<RunStore['read']>>;

  const read: RunStore['read'] = async (id) => {
    const known = newest?.run.id === id ? newest : undefined;
    newest = undefined;
    if (known || !isRunId(id)) return known;
    return onDisk(`read run ${id}`, `读取运行 ${id}`, async () => {
      await assertOwn();
      const run = await readRun(folderOf(id), id);
      if (run === undefined || run.cluster.uid !== clusterUid) return undefined;
      // Before the journal: one that ends meanwhile has then written its end.
      const by = await ownerOf(folderOf(id));
      return { run, ...(await readJournal(folderOf(id), run)), ...(by ? { by } : {}) };
    });
  };

  return {
    async create(run) {
      if (!isRunId(run.id)) throw new Error(`not a run id: ${run.id}`);
      if (run.cluster.uid !== clusterUid) throw new Error('a run of another cluster');
      return onDisk(`store run ${run.id}`, `保存运行 ${run.id}`, async () => {
        await assertOwn();
        await makeFolders([folder, cluster]);
        // Under its name it appears whole, with a journal that is known to be empty: a run that was killed before it began can be recognised.
        const made = path.join(cluster, `.${run.id}.new`);
        await mkdir(made, { mode: FOLDER_MODE });
        await writeFile(path.join(made, LENGTH_FILE), writtenLength(0), { mode: FILE_MODE });
        await writeRun(made, run);
        const wrong = await wrongInWritten(made, run.id);
        if (wrong) {
          await rm(made, { recursive: true, force: true });
          throw unreadableRun(run.id, wrong);
        }
        await rename(made, folderOf(run.id));
        await syncFolder(cluster);
        return openJournal(folderOf(run.id), run.id, { size: 0, lines: 0 });
      });
    },

    async list() {
      const runs: RunSummary[] = [];
      newest = undefined;
      const unreadable: Unreadable[] = [];
      for (const id of await onDisk('list the runs of this cluster', '列出此集群的运行记录', async () => {
        await assertOwn();
        return runIds(cluster);
      })) {
        try {
          const stored = await read(id);
          if (stored === undefined) unreadable.push({ id, why: NOT_OURS });
          else {
            const { lengthUnknown, by } = stored;
            runs.push({ ...summaryOf(stored), ...(lengthUnknown ? { lengthUnknown } : {}), ...(by ? { by } : {}) });
            newest = stored;
          }
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          unreadable.push({ id, why: { en: oneLine(error.text.en, 500), zh: oneLine(error.text.zh, 500) }, next: error.next });
        }
      }
      return { runs: runs.sort((a, b) => compareText(b.at, a.at) || compareText(b.id, a.id)), unreadable };
    },

    read,

    async reopen(id, end) {
      if (!isRunId(id)) throw new Error(`not a run id: ${id}`);
      return onDisk(`open the journal of run ${id}`, `打开运行 ${id} 的日志`, () => openJournal(folderOf(id), id, end));
    },

    beside(id) {
      if (!isRunId(id)) throw new Error(`not a run id: ${id}`);
      const files = filesIn(folderOf(id));
      const stored = <T>(what: () => Promise<T>) => onDisk(`store files of run ${id}`, `保存运行 ${id} 的文件`, what);
      return {
        ...files,
        append: (name, text) => stored(() => files.append(name, text)),
        put: (name, text) => stored(() => files.put(name, text)),
        write: (name, fill) => stored(() => files.write(name, fill)),
      };
    },
  };
}

const NOT_OURS: Text = { en: `no ${RUN_FILE} of this cluster`, zh: `其中没有此集群的 ${RUN_FILE}` };

/** A UUID as it is; anything else (a hash of server and CA, or whatever a server calls a uid) by its digest. */
function clusterFolder(uid: string): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) return uid;
  return `other-${createHash('sha256').update(uid).digest('hex').slice(0, 40)}`;
}

/** Safe as a file name on every system: no separators, no leading or trailing dot, lower case so that two never become one. */
function isRunId(id: string): boolean {
  return /^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/.test(id) && !/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/.test(id);
}

/** Oldest first: they begin with their time. */
async function runIds(cluster: string): Promise<string[]> {
  try {
    // Links and files too: where a run should be, they are damage.
    return (await readdir(cluster)).filter(isRunId).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Ours are made private; one that is there keeps its mode. */
async function makeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await makeFolder(folder, FOLDER_MODE);
    await syncFolder(path.dirname(folder));
  }
}

/** The run's file appears whole or not at all. */
async function writeRun(folder: string, run: Run): Promise<void> {
  const temporary = path.join(folder, `${RUN_FILE}.new`);
  const file = await open(temporary, 'w', FILE_MODE);
  try {
    await file.writeFile(runLines(run));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path.join(folder, RUN_FILE));
  await syncFolder(folder);
}

async function openJournal(folder: string, id: string, end: JournalEnd): Promise<Journal> {
  const lock = await lockFolder(folder);
  if (typeof lock !== 'function') throw inUse(id, lock, folder);
  const files: FileHandle[] = [];
  try {
    const file = await open(path.join(folder, JOURNAL_FILE), constants.O_RDWR | constants.O_CREAT, FILE_MODE);
    files.push(file);
    if (await hasGrown(file, end)) throw goneOn(id);
    await file.truncate(end.size);
    await file.sync();
    const length = await open(path.join(folder, LENGTH_FILE), constants.O_RDWR | constants.O_CREAT, FILE_MODE);
    files.push(length);
    await noteLength(length, end.size);
    await syncFolder(folder);
    return journal(file, length, end, id, folder, lock);
  } catch (error) {
    for (const file of files) await file.close();
    await lock();
    throw error;
  }
}

/** What stands there stays true when this fails: the journal only grows. */
async function noteLength(file: FileHandle, size: number): Promise<void> {
  const written = writtenLength(size);
  await file.write(written, 0, written.length, 0).catch(() => undefined);
}

/** Another process has stored whole entries since `end` was read, or has lost some. */
async function hasGrown(file: FileHandle, { size }: JournalEnd): Promise<boolean> {
  const rest = (await file.stat()).size - size;
  if (rest <= 0) return rest < 0;
  const { buffer } = await file.read(Buffer.alloc(rest), 0, rest, size);
  return buffer.includes(10);
}

function journal(file: FileHandle, length: FileHandle, end: JournalEnd, id: string, folder: string, unlock: () => Promise<void>): Journal {
  const refusal = (cause: unknown, entry: Entry) => notStored(id, folder, entry, cause);
  const entries = appender(file, end, refusal, (size) => noteLength(length, size));
  let closed = false;
  return {
    async append(entry) {
      if (closed) throw new Error(`the journal of run ${id} is closed`);
      await entries.append(entry);
    },
    async close() {
      if (closed) return;
      closed = true;
      await entries.drained();
      await file.close();
      // As after a power cut: a length of before stays true, though entries behind it could be lost without a word.
      await length.sync().catch(() => undefined);
      await length.close();
      await unlock();
    },
  };
}

// ---- errors ---------------------------------------------------------------------------------------------------------

/** Turns what the disk refuses into words; UserErrors and bugs go through. */
async function onDisk<T>(en: string, zh: string, doing: () => Promise<T>): Promise<T> {
  try {
    return await doing();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof UserError || code === undefined) throw error;
    const why = whyOf(error);
    throw new UserError(
      { en: `could not ${en}: ${why.en}; nothing was sent`, zh: `无法${zh}：${why.zh}；没有发出任何请求` },
      remedyOf(code),
    );
  }
}

function remedyOf(code: string | undefined): { en: string; zh: string } {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return {
        en: 'free some space there, or set another directory with XDG_STATE_HOME, then retry',
        zh: '请先清理磁盘空间，或通过 XDG_STATE_HOME 指定其他位置，然后重试',
      };
    case 'EEXIST':
      return { en: 'retry: the next run gets a new ID', zh: '请重试：下一次运行会使用新的编号' };
    default:
      return {
        en: 'grant this user write access to that directory, or set another one with XDG_STATE_HOME (Windows: LOCALAPPDATA)',
        zh: '请为当前用户授予该目录的写权限，或通过 XDG_STATE_HOME（Windows 为 LOCALAPPDATA）指定其他位置',
      };
  }
}

/** A run that could not be read back could not be resumed or undone either: it does not begin. */
function unreadableRun(id: string, { at, does }: { at: string; does?: Text }): UserError {
  const step = { en: does ? ` (step: ${oneLine(does.en, 200)})` : '', zh: does ? `（步骤：${oneLine(does.zh, 200)}）` : '' };
  return new UserError(
    {
      en: `could not store run ${id}: ${oneLine(at, 200)} has an unexpected format${step.en}, so that it could not be resumed or undone; nothing was sent`,
      zh: `无法保存运行 ${id}：${oneLine(at, 200)} 的格式不符${step.zh}，之后将无法继续或撤销；没有发出任何请求`,
    },
    {
      en: 'this is a bug in upgrade-guard, report it with this message; for the other findings, leave out the object of that step with --accept',
      zh: '这是 upgrade-guard 的缺陷，请附上此消息反馈；如需修复其他问题，请用 --accept 排除该步骤的对象',
    },
  );
}

function notStored(id: string, folder: string, entry: Entry, cause: unknown): UserError {
  const why = whyOf(cause);
  const code = (cause as NodeJS.ErrnoException).code;
  const what = notStoredWhat(entry);
  const then = goOnOrBack(id, entry.direction);
  return new UserError(
    {
      en: `could not store ${what.en} in the journal of run ${id} (${folder}): ${why.en}. ${what.consequenceEn}`,
      zh: `无法将${what.zh}写入运行 ${id} 的运行日志（${folder}）：${why.zh}。${what.consequenceZh}`,
    },
    {
      en: `${code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space on that disk' : 'fix that disk'}, then ${then.en}`,
      zh: `请先${code === 'ENOSPC' || code === 'EDQUOT' ? '清理该磁盘空间' : '修复该磁盘'}，然后${then.zh}`,
    },
  );
}

function notStoredWhat(entry: Entry): { en: string; zh: string; consequenceEn: string; consequenceZh: string } {
  switch (entry.is) {
    case 'intent':
      return {
        en: `the intent of step ${entry.step}`,
        zh: `步骤 ${entry.step} 的意图`,
        consequenceEn: 'Nothing was sent for it, and nothing more will be.',
        consequenceZh: '该步骤的请求没有发出，后续也不会再发出任何请求。',
      };
    case 'outcome':
      return {
        en: `the outcome of step ${entry.step} (${entry.result})`,
        zh: `步骤 ${entry.step} 的结果（${entry.result}）`,
        consequenceEn: `Nothing more will be sent; ${entry.direction === 'undo' ? 'the next undo' : 'resume'} reads from the cluster what this step did.`,
        consequenceZh: `后续不会再发出任何请求；${entry.direction === 'undo' ? '再次撤销' : '继续运行'}时会从集群确认该步骤的实际结果。`,
      };
    default:
      return {
        en: `the ${entry.is} of the run`,
        zh: entry.is === 'begin' ? '运行的开始' : '运行的结束',
        consequenceEn: 'Nothing was sent after that.',
        consequenceZh: '此后没有发出任何请求。',
      };
  }
}

const goneOn = (id: string): UserError =>
  new UserError(
    {
      en: `run ${id} was resumed by another process in the meantime; nothing was sent`,
      zh: `其间另一个进程继续了运行 ${id}；没有发出任何请求`,
    },
    { en: 'see: {tool} runs{reach}', zh: '参见：{tool} runs{reach}' },
  );
