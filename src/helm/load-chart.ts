// Reads a chart from where the user says it is: a folder, or an archive. Does I/O, and is handed in by cli.
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Text } from '../engine/contracts.ts';
import { readInput } from '../files/input.ts';
import { whyOf } from '../text/system-error.ts';
import { badChart, CHART_LIMITS, type ChartFile, filesOf, isChartFile, isHidden, readChart, tooMuch, unpackChart } from './chart.ts';
import type { Chart } from './contracts.ts';

/** `from`: a folder with a Chart.yaml, or a .tgz. Throws UserError. */
export async function loadChart(from: string): Promise<Chart> {
  const found = await stat(from).catch((error: Error) => {
    throw badChart(from, whyOf(error));
  });
  if (found.isDirectory()) return readChart(await folderFiles(from), from);
  if (!found.isFile()) throw badChart(from, { en: 'neither a file nor a directory', zh: '既不是文件也不是目录' });
  if (found.size > CHART_LIMITS.packed) throw tooMuch(from, '16 MiB', '16 MiB');
  return readChart(await unpackChart(bytesOf(from, CHART_LIMITS.packed, from), from), from);
}

/** helm follows links as well. */
async function leadsToFolder(root: string, name: string): Promise<boolean> {
  try {
    return (await stat(path.join(root, name))).isDirectory();
  } catch (error) {
    throw badChart(root, about(name, whyOf(error)));
  }
}

/** `chart`: what to call it in errors. */
function bytesOf(file: string, maxBytes: number, chart: string): Buffer {
  try {
    return readInput(file, maxBytes);
  } catch (error) {
    throw badChart(chart, about(path.relative(chart, file), whyOf(error)));
  }
}

const about = (file: string, why: Text): Text => (file ? { en: `${file}: ${why.en}`, zh: `${file}：${why.zh}` } : why);

async function folderFiles(root: string): Promise<ChartFile[]> {
  const files: ChartFile[] = [];
  let size = 0;
  for (const name of await filesBelow(root, '', 0)) {
    const full = path.join(root, name);
    const bytes = bytesOf(full, isChartFile(name) ? CHART_LIMITS.file : CHART_LIMITS.unpacked, root);
    size += bytes.length;
    if (size > CHART_LIMITS.unpacked) throw tooMuch(root, '64 MiB', '64 MiB');
    files.push(...(await filesOf(name, bytes, root)));
  }
  return files;
}

const OUGHT_TO_BE_FILES: ReadonlySet<string> = new Set(['Chart.yaml', 'values.yaml']);

/** `folder`: empty, or ends with a slash. */
async function filesBelow(root: string, folder: string, depth: number): Promise<string[]> {
  if (depth > CHART_LIMITS.depth) throw badChart(root, { en: 'directories nested too deeply', zh: '目录嵌套过深' });
  const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch((error: Error) => {
    throw badChart(root, about(folder, whyOf(error)));
  });
  const names: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = folder + entry.name;
    if (isHidden(name)) continue;
    const link = entry.isSymbolicLink();
    if (link && isChartFile(name)) throw badChart(root, { en: `${name} is a link`, zh: `${name} 是链接` });
    const isFolder = link ? await leadsToFolder(root, name) : entry.isDirectory();
    // Reading one that should be a file says what is wrong.
    if (isFolder && !OUGHT_TO_BE_FILES.has(name)) names.push(...(await filesBelow(root, `${name}/`, depth + 1)));
    else names.push(name);
    if (names.length > CHART_LIMITS.files) throw tooMuch(root, `${CHART_LIMITS.files} files`, `${CHART_LIMITS.files} 个文件`);
  }
  return names;
}
