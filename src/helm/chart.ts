// A Helm chart as files: its name and version, the CRDs of its crds/ directory and of the charts that it contains, its values, and which of them its templates read. Pure: the files are given.
// helm bounds a chart to 100 MiB, and up to 4.2 and in 3.22 a file to 5 MiB (pkg/chart/loader); from 4.3 on only the chart. Here a chart is bounded more tightly, and of its files those that
// are looked into: a helm that takes no other larger file says so when it renders. Links and paths that leave the chart are refused.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { parseAllDocuments } from 'yaml';
import type { Json, Raw, Text } from '../engine/contracts.ts';
import { isRaw, withinDepth } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Chart } from './contracts.ts';
import { readBy } from './keys.ts';
import { dependenciesOf } from './release.ts';
import { readValues } from './values-file.ts';

export interface ChartFile {
  /** Relative to the chart's folder, with slashes. */
  path: string;
  /** Of its bytes, hex. */
  sha256: string;
  /** Of those that are looked into. */
  text?: string;
  /** It lies in a packed chart of charts/, whose own file counts for the digest. */
  unpacked?: true;
}

const MIB = 1024 * 1024;
/** Bytes, and files; `file`: one that is looked into. The charts of our systems have some hundred files of less than 100 KiB. */
export const CHART_LIMITS = { packed: 16 * MIB, unpacked: 64 * MIB, file: 5 * MIB, files: 5000, depth: 16 } as const;

/** Files of version control, editors and systems: helm's own .helmignore leaves them out of an archive. */
export const isHidden = (path: string): boolean => /(?:^|\/)\./.test(path);

export const chartFile = (path: string, bytes: Buffer): ChartFile => ({
  path,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  ...(isChartFile(path) ? { text: withoutMark(bytes) } : {}),
});

/** Is this a file that says something about the chart, or about one that lies in its charts/? */
export const isChartFile = (path: string): boolean =>
  /^(?:charts\/[^/]+\/)*(?:Chart\.yaml|values\.yaml|crds\/.+\.(?:ya?ml|json)|templates\/.+)$/.test(path);
/** A chart in charts/ that is packed. */
export const isPackedPart = (path: string): boolean => /^(?:charts\/[^/]+\/)*charts\/[^/]+\.(?:tgz|tar\.gz)$/.test(path);
/** Where the files of a packed chart would lie if it were not. */
export const partFolder = (path: string): string => `${path.replace(/\.(?:tgz|tar\.gz)$/, '')}/`;

export function badChart(name: string, why: Text): UserError {
  const shown = oneLine(name, 300);
  return new UserError(
    { en: `reading the chart ${shown}: ${oneLine(why.en, 300)}`, zh: `读取 chart ${shown}：${oneLine(why.zh, 300)}` },
    {
      en: 'pass the directory of a chart, or its archive as saved by helm pull',
      zh: '请指定 chart 的目录，或 helm pull 保存的归档文件',
    },
  );
}

/** `name`: what to call it in errors. Throws UserError. */
export function readChart(all: readonly ChartFile[], name: string): Chart {
  return { ...chartOf(all, name), digest: digestOf(all.filter(({ unpacked }) => !unpacked)) };
}

/** As helm takes CRDs: its own, then those of each chart that it contains (pkg/chart/chart.go, CRDObjects). */
function chartOf(all: readonly ChartFile[], name: string): Chart {
  const files = all.flatMap(({ path, text }) => (text === undefined ? [] : [{ path, text }]));
  const about = onlyOne(files, 'Chart.yaml', name);
  if (about === undefined) throw badChart(name, { en: 'no Chart.yaml', zh: '没有 Chart.yaml' });
  const { name: called, version } = about;
  if (typeof called !== 'string' || typeof version !== 'string')
    throw badChart(name, { en: 'Chart.yaml has no name or no version', zh: 'Chart.yaml 缺少 name 或 version' });
  const crds = files.filter(({ path }) => path.startsWith('crds/')).flatMap((file) => documents(file, name));
  const parts = [...partsOf(all)].map(([folder, inner]) => chartOf(inner, `${name} ${folder}`));
  return {
    name: called,
    version: version.replace(/^v(?=\d)/, ''),
    digest: '',
    crds: [...crds.filter(isRaw).filter(({ kind }) => kind === 'CustomResourceDefinition'), ...parts.flatMap((part) => part.crds)],
    parts,
    dependencies: dependenciesOf(about),
    values: valuesOf(files, name),
    read: readBy(files.filter(({ path }) => path.startsWith('templates/')).map(({ text }) => text)),
  };
}

/** The files of each chart in charts/, as seen from there; what begins with _ or . is not one (pkg/chart/loader/load.go). */
function partsOf(all: readonly ChartFile[]): Map<string, ChartFile[]> {
  const parts = new Map<string, ChartFile[]>();
  for (const file of all) {
    const [, folder, path] = /^charts\/([^/_.][^/]*)\/(.+)$/.exec(file.path) ?? [];
    if (!folder || !path) continue;
    parts.set(folder, [...(parts.get(folder) ?? []), { ...file, path }]);
  }
  return new Map([...parts].filter(([, files]) => files.some(({ path }) => path === 'Chart.yaml')));
}

interface Looked {
  path: string;
  text: string;
}

/** Whatever order they were read in. */
function digestOf(files: readonly ChartFile[]): string {
  const lines = files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}

function valuesOf(files: readonly Looked[], name: string): Raw {
  const file = files.find(({ path }) => path === 'values.yaml');
  try {
    return file ? readValues(file.text, 'first') : {};
  } catch (error) {
    const { message } = error as Error;
    throw badChart(name, { en: `values.yaml is not valid YAML: ${message}`, zh: `values.yaml 不是有效的 YAML：${message}` });
  }
}

function onlyOne(files: readonly Looked[], path: string, name: string): Raw | undefined {
  const file = files.find((each) => each.path === path);
  if (file === undefined) return undefined;
  const value = documents(file, name)[0] ?? {};
  if (!isRaw(value)) throw badChart(name, { en: `${path} is not a map`, zh: `${path} 不是映射（map）` });
  return value;
}

function documents({ path, text }: Looked, name: string): Json[] {
  const bad = (why: string) => badChart(name, { en: `${path} is not valid YAML: ${why}`, zh: `${path} 不是有效的 YAML：${why}` });
  return [...parseAllDocuments(text, { logLevel: 'silent' })].map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw bad(error.message);
    try {
      const value = document.toJS({ maxAliasCount: 100 }) as Json;
      if (!withinDepth(value)) throw new Error('nested too deeply');
      return value;
    } catch (failure) {
      throw bad((failure as Error).message);
    }
  });
}

/** A file of a chart; where it is a packed chart of charts/, with the files of that. */
export async function filesOf(path: string, bytes: Buffer, name: string, depth = 0): Promise<ChartFile[]> {
  const file = chartFile(path, bytes);
  if (!isPackedPart(path)) return [file];
  if (depth >= CHART_LIMITS.depth) throw badChart(name, { en: 'charts nested too deeply', zh: 'chart 嵌套过深' });
  const folder = partFolder(path);
  const inner = await unpackChart(bytes, `${name} ${path}`, depth + 1);
  return [file, ...inner.map((each) => ({ ...each, path: folder + each.path, unpacked: true as const }))];
}

/** The files of a chart's archive. Throws UserError for what is no such archive, or a trap. */
export async function unpackChart(archive: Buffer, name: string, depth = 0): Promise<ChartFile[]> {
  const entries = extract();
  entries.end(unzipped(archive, name));
  const files: ChartFile[] = [];
  let count = 0;
  try {
    for await (const entry of entries) {
      const { type, size = 0 } = entry.header;
      const path = insideChart(entry.header.name, name);
      if (type === 'symlink' || type === 'link') throw badChart(name, { en: `${path} is a link`, zh: `${path} 是链接` });
      if (++count > CHART_LIMITS.files) throw tooMuch(name, `${CHART_LIMITS.files} files`, `${CHART_LIMITS.files} 个文件`);
      if (size > CHART_LIMITS.file && isChartFile(path)) throw tooMuch(`${name} ${path}`, '5 MiB', '5 MiB');
      if (type !== 'file' || isHidden(path)) entry.resume();
      else files.push(...(await filesOf(path, await bytesOf(entry), name, depth)));
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(name, error as Error);
  } finally {
    entries.destroy();
  }
  return files;
}

function unzipped(archive: Buffer, name: string): Buffer {
  if (archive.length > CHART_LIMITS.packed) throw tooMuch(name, '16 MiB', '16 MiB');
  try {
    return gunzipSync(archive, { maxOutputLength: CHART_LIMITS.unpacked });
  } catch (error) {
    throw unreadable(name, error as Error);
  }
}

/** All of an archive lies below one folder, whatever its name. */
function insideChart(entry: string, name: string): string {
  const parts = entry.split('/').filter((part) => part !== '' && part !== '.');
  if (entry.startsWith('/') || parts.includes('..') || /[\\\0:]/.test(entry)) {
    throw badChart(name, { en: `the path ${entry} leads out of the archive`, zh: `路径 ${entry} 指向归档之外` });
  }
  return parts.slice(1).join('/');
}

async function bytesOf(entry: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Of a byte order mark. */
const withoutMark = (bytes: Buffer): string => bytes.toString('utf8').replace(/^\ufeff/, '');

export const tooMuch = (name: string, en: string, zh: string): UserError => badChart(name, { en: `more than ${en}`, zh: `超过 ${zh}` });

function unreadable(name: string, { message }: Error): UserError {
  return badChart(name, { en: `not a readable .tgz (${message})`, zh: `不是可读取的 .tgz（${message}）` });
}
