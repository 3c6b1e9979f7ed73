// Reading and merging kubeconfig files with kubectl's rules; client-node differs (several files, missing or empty ones, no user).
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { type Document, isScalar, parseAllDocuments, visit } from 'yaml';
import type { Text } from '../engine/contracts.ts';
import { readInput } from '../files/input.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';

/** Bytes; of thousands of clusters with their certificates. */
const LARGEST = 64 * 1024 * 1024;

export type Env = Record<string, string | undefined>;
/** One cluster, user or context in the file's own field names. */
export type Fields = Record<string, unknown>;
export interface Kubeconfig {
  clusters: Map<string, Fields>;
  users: Map<string, Fields>;
  contexts: Map<string, Fields>;
  current: string;
  /** The files that were read, for messages. */
  files: string[];
  /** Which of them a cluster, user or context is from. */
  origin: Map<Fields, string>;
}

/** `--kubeconfig` must exist; of $KUBECONFIG and ~/.kube/config what exists is read. Throws UserError for what cannot be read. */
export function readKubeconfig(explicit: string | undefined, env: Env): Kubeconfig {
  const files = explicit ? [path.resolve(explicit)] : defaultFiles(env).filter((file) => existsSync(file));
  const merged: Kubeconfig = { clusters: new Map(), users: new Map(), contexts: new Map(), current: '', files, origin: new Map() };
  for (const file of files) {
    const one = readOne(file);
    for (const key of KINDS) {
      for (const [name, fields] of one[key]) {
        if (merged[key].has(name)) continue;
        merged[key].set(name, fields);
        merged.origin.set(fields, file);
      }
    }
    merged.current ||= one.current;
  }
  return merged;
}

const KINDS = ['clusters', 'users', 'contexts'] as const;

/** A $KUBECONFIG that names nothing (`:`) is not a reason to look at ~/.kube/config; an empty one is. */
function defaultFiles(env: Env): string[] {
  if (env.KUBECONFIG)
    return env.KUBECONFIG.split(path.delimiter)
      .filter(Boolean)
      .map((file) => path.resolve(file));
  return [path.join(kubeFolder(env), 'config')];
}

/** Where kubectl keeps what is the user's. */
export function kubeFolder(env: Env): string {
  return path.join(env.HOME || env.USERPROFILE || homedir(), '.kube');
}

function readOne(file: string): Pick<Kubeconfig, (typeof KINDS)[number] | 'current'> {
  const root = parsed(file);
  const dir = path.dirname(file);
  return {
    clusters: named(root.clusters, 'cluster', file, (cluster) => absolute(cluster, dir, ['certificate-authority'])),
    users: named(root.users, 'user', file, (user) => userPaths(user, dir)),
    contexts: named(root.contexts, 'context', file, (context) => ({ ...context })),
    current: text(root['current-context']),
  };
}

function parsed(file: string): Fields {
  let source: string;
  try {
    source = readInput(file, LARGEST, { substituted: true }).toString('utf8');
  } catch (error) {
    const why = whyOf(error);
    throw new UserError(
      { en: `reading kubeconfig ${file}: ${why.en}`, zh: `读取 kubeconfig ${file} 失败：${why.zh}` },
      {
        en: 'check --kubeconfig and $KUBECONFIG, and that the file is readable',
        zh: '请检查 --kubeconfig 与 $KUBECONFIG，以及该文件是否可读',
      },
    );
  }
  // As kubectl: the first document, YAML 1.1 (merge keys, `yes` for true), and of a key that is there twice the last.
  const [document] = parseAllDocuments(source, { version: '1.1', logLevel: 'silent', uniqueKeys: false });
  if (!document || !('contents' in document)) return {};
  if (document.errors.length) throw malformed(file, said(document.errors[0]!.message.split('\n')[0]!.replace(/:$/, '')));
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return {};
  let root: unknown;
  try {
    root = asWritten(document).toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw malformed(file, said((error as Error).message));
  }
  if (!isFields(root)) throw malformed(file, NOT_A_MAP);
  return root;
}

/** Every plain value is text: a token 0012 and a context named no stay what they are. kubectl refuses such files. */
function asWritten(document: Document): Document {
  visit(document, {
    Pair(_key, pair) {
      // For others to read (exec plugins get theirs), so as it is.
      return isScalar(pair.key) && pair.key.value === 'extensions' ? visit.SKIP : undefined;
    },
    Scalar(_key, node) {
      if (typeof node.value !== 'string' && node.value !== null && node.source !== undefined) node.value = node.source;
    },
  });
  return document;
}

const NOT_A_MAP: Text = { en: 'not a mapping', zh: '内容不是映射（map）' };

function malformed(file: string, why: Text): UserError {
  return new UserError(
    { en: `reading kubeconfig ${file}: ${why.en}`, zh: `解析 kubeconfig ${file} 失败：${why.zh}` },
    {
      en: `correct the file; verify with: kubectl config view --kubeconfig ${file}`,
      zh: `请更正该文件；可用 kubectl config view --kubeconfig ${file} 验证`,
    },
  );
}

/** What the parser says in English, with its line, column and reason. */
function said(why: string): Text {
  const [, detail = why, line] = /^(.*?) at line (\d+), column \d+$/.exec(why) ?? [];
  return { en: why, zh: line === undefined ? `不是有效的 YAML（${detail}）` : `第 ${line} 行不是有效的 YAML（缩进或语法有误；${detail}）` };
}

const CALLED: Record<string, string> = { context: '上下文', cluster: '集群', user: '用户' };

function named(list: unknown, key: string, file: string, settle: (fields: Fields) => Fields): Map<string, Fields> {
  const all = new Map<string, Fields>();
  for (const entry of Array.isArray(list) ? list : []) {
    if (!isFields(entry)) continue;
    const name = text(entry.name);
    if (all.has(name)) throw malformed(file, { en: `the ${key} ${name} is there twice`, zh: `有两个名为 ${name} 的${CALLED[key] ?? key}` });
    all.set(name, settle(isFields(entry[key]) ? entry[key] : {}));
  }
  return all;
}

function userPaths(user: Fields, dir: string): Fields {
  const settled = absolute(user, dir, ['client-certificate', 'client-key', 'tokenFile']);
  // As kubectl: a bare command is looked up in PATH, one with a separator is relative to the file.
  if (isFields(settled.exec) && /[\\/]/.test(text(settled.exec.command))) settled.exec = absolute(settled.exec, dir, ['command']);
  return settled;
}

function absolute(fields: Fields, dir: string, keys: string[]): Fields {
  const settled = { ...fields };
  for (const key of keys) if (text(settled[key])) settled[key] = path.resolve(dir, text(settled[key]));
  return settled;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The words that YAML 1.1 takes for true. */
export function isTrue(value: unknown): boolean {
  return /^(y|yes|true|on)$/i.test(text(value));
}

export function text(value: unknown): string {
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}
