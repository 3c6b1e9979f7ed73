// Knowledge: tables of facts that ship with the tool. A loader beside the data declares the table with its shape; its users call what they get back, and only then
// is the table decoded. `--knowledge FILE` puts newer tables in their place, before anything is read: FILE is untrusted, and is checked to the last field.
import { UserError } from '../text/user-error.ts';
import type { Text } from './contracts.ts';
import { map, oneOf, row, type Shape, text, type Wrong } from './shapes.ts';

interface Table {
  shape: Shape<unknown>;
  built: () => unknown;
  given?: unknown;
  /** Read already: too late to replace it. */
  value?: unknown;
}
const TABLES = new Map<string, Table>();

const anything: Shape<unknown> = () => undefined;
/** Tables by name, each whole. */
const FILE = row({ apiVersion: oneOf('upgrade-guard/v1'), kind: oneOf('Knowledge'), tables: map(anything) }, { source: text });
export const KNOWLEDGE_MAX_BYTES = 16 * 1024 * 1024;

/** Declares the table SYSTEM/NAME. `built`: what ships with the tool; in the bundle that is still text (scripts/build.ts). */
export function knowledge<T>(name: `${string}/${string}`, shape: Shape<T>, built: () => unknown): () => T {
  if (TABLES.has(name)) throw new Error(`knowledge ${name} is declared twice`);
  const table: Table = { shape, built };
  TABLES.set(name, table);
  return () => {
    table.value ??= table.given ?? decoded(built());
    return table.value as T;
  };
}

/** Something that is made of a table; made again where another one took its place. */
export function derived<A, T>(table: () => A, make: (of: A) => T): () => T {
  let known: { of: A; made: T } | undefined;
  return () => {
    const of = table();
    if (known?.of !== of) known = { of, made: make(of) };
    return known.made;
  };
}

const decoded = (built: unknown): unknown => (typeof built === 'string' ? JSON.parse(built) : built);

/** What is not of its shape in the tables that ship; for a test. */
export function wrongInBuilt(): { table: string; wrong: Wrong }[] {
  return [...TABLES].flatMap(([table, { shape, built }]) => {
    const wrong = shape(decoded(built()), '');
    return wrong ? [{ table, wrong }] : [];
  });
}

export const tableNames = (): string[] => [...TABLES.keys()].sort();

/** The names of the tables that a file replaced. */
export const replacedTables = (): string[] => tableNames().filter((name) => TABLES.get(name)!.given !== undefined);

/** Puts the tables of a file in place of the built-in ones. Throws UserError, and then has replaced none. Not to be called once a table was read. */
export function replaceKnowledge(content: string, file: string): void {
  const parsed = parse(content, file);
  const wrong = FILE(parsed, '') ?? wrongInTables((parsed as { tables: Record<string, unknown> }).tables);
  if (wrong) throw unusable(file, { en: `${wrong.at || 'the file'}: ${wrong.why.en}`, zh: `${wrong.at || '文件'}：${wrong.why.zh}` });
  for (const [name, value] of Object.entries((parsed as { tables: Record<string, unknown> }).tables)) {
    const table = TABLES.get(name)!;
    if (table.value !== undefined) throw new Error(`knowledge ${name} was read before ${file} could replace it`);
    table.given = value;
  }
}

/** Back to what ships; for tests, which share one process. */
export function forgetReplaced(): void {
  for (const table of TABLES.values()) {
    delete table.given;
    delete table.value;
  }
}

function parse(content: string, file: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    throw unusable(file, { en: 'not JSON', zh: '不是 JSON' });
  }
}

function wrongInTables(tables: Record<string, unknown>): Wrong | undefined {
  for (const [name, value] of Object.entries(tables)) {
    const table = TABLES.get(name);
    if (!table) return { at: `tables["${name}"]`, why: noTable() };
    const wrong = table.shape(value, `tables["${name}"]`);
    if (wrong) return wrong;
  }
  return undefined;
}

const noTable = (): Text => ({
  en: `unknown table; tables: ${tableNames().join(', ')}`,
  zh: `没有这个表；可用的表：${tableNames().join('、')}`,
});

const unusable = (file: string, why: Text): UserError =>
  new UserError(
    { en: `--knowledge ${file}: ${why.en}`, zh: `--knowledge ${file}：${why.zh}` },
    {
      en: 'correct the file, or use a version of upgrade-guard that supports its format. With the built-in data: {retry:knowledge}',
      zh: '请修正该文件，或改用支持其格式的 upgrade-guard 版本。使用内置数据：{retry:knowledge}',
    },
  );
