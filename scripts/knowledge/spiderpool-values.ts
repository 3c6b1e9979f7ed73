// Makes src/systems/spiderpool/knowledge/values.json from a clone of github.com/spidernet-io/spiderpool with its tags, and a helm binary:
//   node scripts/run.mjs knowledge/spiderpool-values PATH-OF-THE-CLONE PATH-OF-HELM
// Facts only: which values each release's chart has, which of them its templates read, and at which key helm fails to render when a map of them is missing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Raw } from '../../src/engine/contracts.ts';
import { isRead, leavesOf, mapsOf, pathOf, readBy, written } from '../../src/helm/keys.ts';
import { readValues } from '../../src/helm/values-file.ts';
import { FOLDER, releases, spansOf } from './releases.ts';

/** Of the versions that run on a Kubernetes that is still met. */
const FIRST = '0.2.0';
const CHART = 'charts/spiderpool';

interface Seen {
  version: string;
  values: Raw;
  read: string[];
  needs: string[];
}

/** One chart, laid out in a folder of its own. */
function seen(clone: string, helm: string, version: string, known: Map<string, string[]>): Seen {
  const folder = mkdtempSync(join(tmpdir(), 'ug-values-'));
  try {
    const archive = execFileSync('git', ['-C', clone, 'archive', `v${version}`, CHART], { maxBuffer: 64 * 1024 * 1024 });
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    const chart = join(folder, CHART);
    const templates = readdirSync(join(chart, 'templates'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    const text = readFileSync(join(chart, 'values.yaml'), 'utf8');
    const values = readValues(text, 'first');
    const read = readBy(templates);
    // Charts of several tags are the same but for their version.
    const same = JSON.stringify([text, templates]);
    const needs = known.get(same) ?? needsOf(chart, helm, values, read);
    known.set(same, needs);
    return { version, values, read, needs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `MAP EXPRESSION` in the order in which helm meets them: without the map, rendering fails at the expression. */
function needsOf(chart: string, helm: string, values: Raw, read: readonly string[]): string[] {
  const found: { text: string; at: [string, number, number] }[] = [];
  // Only what a template looks below can be missed.
  const looked = mapsOf(values).filter((map) => read.some((text) => text.startsWith(`${written(map)}.`)));
  for (const map of looked) {
    writeFileSync(join(chart, 'values.yaml'), JSON.stringify(without(values, map)));
    const { status, stderr } = spawnSync(helm, ['template', 'x', chart], { encoding: 'utf8' });
    if (status === 0) continue;
    const expression = [...stderr.matchAll(/<(?:\$\w*)?\.Values\.([\w.]+)>/g)].at(-1)?.[1];
    const [, file = '', line, column] = /(\S*templates\/[^\s:]+):(\d+):(\d+)/.exec(stderr) ?? [];
    if (!expression) throw new Error(`rendering ${chart} without ${written(map)}: not understood: ${stderr}`);
    found.push({ text: `${written(map)} ${expression}`, at: [file, Number(line), Number(column)] });
  }
  return found.sort((a, b) => inOrder(a.at, b.at)).map(({ text }) => text);
}

/** Helm's order of templates: the deepest first, then by name, both downwards (pkg/engine/engine.go, sortTemplates). */
function inOrder([fileA, lineA, columnA]: [string, number, number], [fileB, lineB, columnB]: [string, number, number]): number {
  const depth = fileB.split('/').length - fileA.split('/').length;
  return depth || (fileA === fileB ? lineA - lineB || columnA - columnB : fileA < fileB ? 1 : -1);
}

function without(values: Raw, [name = '', ...rest]: readonly string[]): Raw {
  const { [name]: inner, ...others } = values;
  return rest.length ? { ...others, [name]: without(inner as Raw, rest) } : others;
}

/** By key, then by default value as JSON: in which versions. */
function defaultsOf(charts: readonly Seen[], versions: readonly string[]): Record<string, Record<string, string>> {
  const leaves = charts.map(({ values }) => new Map(leavesOf(values).map(({ path, value }) => [written(path), JSON.stringify(value)])));
  const keys = [...new Set(leaves.flatMap((chart) => [...chart.keys()]))].sort();
  return Object.fromEntries(
    keys.map((key) => {
      const values = [...new Set(leaves.flatMap((chart) => chart.get(key) ?? []))];
      const spans = values.map((value) => [
        value,
        spansOf(
          leaves.map((chart) => chart.get(key) === value),
          versions,
        ),
      ]);
      return [key, Object.fromEntries(spans)];
    }),
  );
}

function spansBy(charts: readonly Seen[], versions: readonly string[], pick: (chart: Seen) => string[]): Record<string, string> {
  const sets = charts.map((chart) => new Set(pick(chart)));
  const all = [...new Set(sets.flatMap((set) => [...set]))].sort();
  const spans = (text: string) =>
    spansOf(
      sets.map((set) => set.has(text)),
      versions,
    );
  return Object.fromEntries(all.map((text) => [text, spans(text)]));
}

/** The table of knowledge/values.json. */
export function tableOf(charts: readonly Seen[]) {
  const versions = charts.map(({ version }) => version);
  const paths = (chart: Seen) => leavesOf(chart.values).map(({ path }) => path);
  const needs = [...new Set(charts.map((chart) => chart.needs.join('\n')))];
  return {
    versions,
    defaults: defaultsOf(charts, versions),
    read: spansBy(charts, versions, (chart) => {
      const leaves = new Set(paths(chart).map(written));
      return chart.read.filter((text) => !leaves.has(text));
    }),
    unread: spansBy(charts, versions, (chart) => {
      const read = chart.read.map(pathOf);
      return paths(chart)
        .filter((path) => !isRead(path, read))
        .map(written);
    }),
    needs: needs.map((text) => ({
      in: spansOf(
        charts.map((chart) => chart.needs.join('\n') === text),
        versions,
      ),
      missing: text.split('\n').filter(Boolean),
    })),
  };
}

function main(clone: string | undefined, helm: string | undefined): void {
  if (!clone || !helm) throw new Error('making knowledge/values.json: name the folder of a clone of spidernet-io/spiderpool, and a helm');
  const known = new Map<string, string[]>();
  const charts = releases(clone, FIRST).map((version) => {
    console.log(version);
    return seen(clone, helm, version, known);
  });
  const source =
    'charts/spiderpool of github.com/spidernet-io/spiderpool at each tag, rendered by helm 4; made by scripts/knowledge/spiderpool-values.ts';
  writeFileSync(join(FOLDER, 'values.json'), `${JSON.stringify({ source, ...tableOf(charts) }, null, 1)}\n`);
}

if (process.argv[1] === import.meta.filename) main(process.argv[2], process.argv[3]);
