// The rooms of the house: imports run one way, the start stays light, files stay small. A rule that breaks says what to use instead.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const MAX_LINES = 400;

interface Import {
  /** Both relative to src/, or a package's name, or node:something. */
  from: string;
  to: string;
  typeOnly: boolean;
}
interface Rule {
  name: string;
  instead: string;
  /** True for an import that breaks the rule. */
  breaks(edge: Import): boolean;
}

const room = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : file);
const systemOf = (file: string) => /^systems\/([^/]+)\//.exec(file)?.[1];
const isCheck = (file: string) => /^systems\/[^/]+\/checks\//.test(file);
const isOurs = (to: string) => to.endsWith('.ts') || to.endsWith('.json') || to.endsWith('.gz');
const isContract = (edge: Import) => /^engine\/contracts(\.ts$|\/)/.test(edge.to);
const isContractType = (edge: Import) => edge.typeOnly && isContract(edge);

/** Which rooms a room may take code from. The contracts are open to all. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  text: ['text'],
  files: ['files', 'engine', 'kube', 'text'],
  kube: ['kube', 'text'],
  versions: ['versions', 'kube', 'text'],
  helm: ['helm', 'engine', 'files', 'kube', 'versions', 'text'],
  engine: ['engine', 'versions', 'kube', 'text'],
  chart: ['chart', 'engine', 'helm', 'versions', 'kube', 'text'],
  systems: ['systems', 'chart', 'engine', 'helm', 'versions', 'kube', 'text'],
  report: ['report', 'engine', 'versions', 'kube', 'text'],
  cluster: ['cluster', 'engine', 'files', 'helm', 'kube', 'text'],
  snapshot: ['snapshot', 'engine', 'files', 'helm', 'kube', 'text'],
  journal: ['journal', 'engine', 'files', 'kube', 'text'],
};
/** Rooms that are handed to the engine from outside; they alone do I/O. */
const IO_ROOMS = ['cluster', 'snapshot', 'journal'];
/** Reads what a user names; for those rooms, and for cli. */
const FILES = 'files/input.ts';
/** The modules of helm/ that do so too. */
const IO_HELM = ['helm/run.ts', 'helm/drive.ts', 'helm/fetch.ts', 'helm/load-chart.ts'];
const IO_MODULES = /^node:(fs|fs\/promises|child_process|net|tls|http|https|http2|dns|dgram|worker_threads)$/;
const MAIN_MAY_IMPORT =
  /^(cli\/(about|command-spec|commands|commands-change|flags|flags-connection|flags-kubernetes|flags-spiderpool|argv|caller|help|completion|least-node|output|parts|plugin)\.ts|text\/.+)$/;

const RULES: Rule[] = [
  {
    name: 'rooms import one way: cli → systems → chart → engine → versions, kube, text',
    instead: 'move what both need down into engine, kube, versions or text, or hand it in from cli',
    breaks: (edge) =>
      isOurs(edge.to) && room(edge.from) in MAY_IMPORT && !isContract(edge) && !MAY_IMPORT[room(edge.from)]!.includes(room(edge.to)),
  },
  {
    name: `cluster, snapshot, journal, ${IO_HELM.join(' and ')} are handed in by cli`,
    instead: 'depend on the interface in engine/contracts.ts (Source, World, RunStore, Lock) and let cli pass the implementation',
    breaks: ({ from, to }) =>
      (IO_ROOMS.includes(room(to)) && room(from) !== room(to) && room(from) !== 'cli') ||
      (IO_HELM.includes(to) && room(from) !== 'cli') ||
      (to === FILES && ![...IO_ROOMS, 'files', 'cli'].includes(room(from)) && !IO_HELM.includes(from)),
  },
  {
    name: 'the JSON of a table is imported by knowledge/tables.ts alone',
    instead: 'declare the table there with knowledge(), and call it where it is used: --knowledge replaces it',
    breaks: ({ from, to }) => /\/knowledge\/[\w-]+\.json$/.test(to) && !from.endsWith('/knowledge/tables.ts'),
  },
  {
    name: 'no system imports another',
    instead: 'what two systems share lives in kube/',
    breaks: ({ from, to }) => systemOf(from) !== undefined && systemOf(to) !== undefined && systemOf(from) !== systemOf(to),
  },
  {
    name: 'a check imports neither report/ nor what does I/O',
    instead: 'declare a read or an ask; the engine brings the rows, and report/ shows what the check returns',
    breaks: ({ from, to }) =>
      isCheck(from) && (['report', 'files', ...IO_ROOMS].includes(room(to)) || IO_HELM.includes(to) || IO_MODULES.test(to)),
  },
  {
    name: 'main.ts imports only the light half of cli, and text',
    instead: 'import it from cli/core.ts or below, which is decoded at first use',
    breaks: (edge) => edge.from === 'main.ts' && isOurs(edge.to) && !isContractType(edge) && !MAIN_MAY_IMPORT.test(edge.to),
  },
  {
    name: 'the light half of cli stays light',
    instead: 'keep it in data and pure functions; what needs more belongs into cli/commands/',
    breaks: (edge) =>
      /^cli\/(about|command-spec|commands|commands-change|flags|flags-connection|flags-kubernetes|flags-spiderpool|argv|caller|help|completion|plugin)\.ts$/.test(
        edge.from,
      ) &&
      !isContractType(edge) &&
      edge.to !== 'cac' &&
      !MAIN_MAY_IMPORT.test(edge.to),
  },
  {
    name: `only cluster, snapshot, journal, files, ${IO_HELM.join(', ')}, cli and main.ts do I/O`,
    instead: 'take the bytes as an argument, or declare an interface in engine/contracts.ts',
    breaks: ({ from, to }) =>
      IO_MODULES.test(to) && ![...IO_ROOMS, 'files', 'cli', 'main.ts'].includes(room(from)) && !IO_HELM.includes(from),
  },
  {
    name: 'client-node is for cluster/ alone',
    instead: 'use Source and World of engine/contracts.ts',
    breaks: ({ from, to }) => to === '@kubernetes/client-node' && room(from) !== 'cluster',
  },
];

// ---- reading --------------------------------------------------------------------------------------------------------

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

/** import … from, export … from, import 'x' and import('x'); comments do not count. */
function importsOf(from: string, source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const [, clause = '', path = ''] of code.matchAll(/^\s*(?:import|export)\s+([^'"`;]*?)\s*from\s*['"]([^'"]+)['"]/gm)) {
    const names = /^\{([\s\S]*)\}$/.exec(clause.trim())?.[1];
    const everyNameIsType = names?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
    found.push({ from, to: resolve(from, path), typeOnly: clause.startsWith('type ') || everyNameIsType === true });
  }
  for (const [, path = ''] of code.matchAll(/(?:^\s*import\s*|\bimport\s*\(\s*)['"]([^'"]+)['"]/gm))
    found.push({ from, to: resolve(from, path), typeOnly: false });
  return found;
}

function resolve(from: string, path: string): string {
  return path.startsWith('.') ? posix.join(posix.dirname(from), path) : path;
}

const files = filesBelow('src');
const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, 'src', file), 'utf8')]));
const edges = [...sources].flatMap(([file, source]) => importsOf(file, source));

function broken(rule: Rule, among: readonly Import[]): string[] {
  return among.filter((edge) => rule.breaks(edge)).map(({ from, to }) => `src/${from} imports ${to}: ${rule.instead}`);
}

// ---- the rules ------------------------------------------------------------------------------------------------------

describe('architecture', () => {
  it('sees the imports at all', () => {
    expect(edges).toContainEqual({ from: 'main.ts', to: 'cli/argv.ts', typeOnly: false });
    expect(edges).toContainEqual({ from: 'main.ts', to: 'engine/contracts.ts', typeOnly: true });
    expect(
      importsOf(
        'a/b.ts',
        "export { x } from '../c/d.ts';\nconst e = await import('../f.ts');\nimport './g.ts';\n// import h from './i.ts'",
      ),
    ).toEqual([
      { from: 'a/b.ts', to: 'c/d.ts', typeOnly: false },
      { from: 'a/b.ts', to: 'f.ts', typeOnly: false },
      { from: 'a/b.ts', to: 'a/g.ts', typeOnly: false },
    ]);
  });

  for (const rule of RULES) it(rule.name, () => expect(broken(rule, edges)).toEqual([]));

  it('every room has a rule', () => {
    const rooms = new Set(files.map(room));
    for (const known of [...Object.keys(MAY_IMPORT), 'cli', 'main.ts']) rooms.delete(known);
    expect([...rooms]).toEqual([]);
  });

  // One import that each rule must catch, so that a rule that never fires is noticed.
  it.each([
    ['engine/plan.ts', 'systems/spiderpool/index.ts'],
    ['systems/spiderpool/detect.ts', 'cluster/source.ts'],
    ['systems/k3s/detect.ts', 'systems/spiderpool/detect.ts'],
    ['systems/spiderpool/checks/x.ts', 'report/table.ts'],
    ['main.ts', 'cli/core.ts'],
    ['cli/help.ts', 'string-width'],
    ['engine/execute.ts', 'node:fs'],
    ['engine/contracts/checking.ts', 'helm/contracts.ts'],
    ['engine/examine.ts', 'chart/intended.ts'],
    ['systems/spiderpool/crds.ts', 'helm/load-chart.ts'],
    ['systems/spiderpool/crds.ts', 'systems/spiderpool/knowledge/crds.json'],
    ['snapshot/read.ts', '@kubernetes/client-node'],
  ])('catches %s importing %s', (from, to) => {
    expect(RULES.flatMap((rule) => broken(rule, [{ from, to, typeOnly: false }]))).not.toEqual([]);
  });

  // Of systems, of what they manage, and of a chart's values the engine knows nothing.
  const FOREIGN = /spiderpool|\bSpider[A-Z]|\bk3s\b|osm-edge|\bK3s\b|upgrade\.cattle\.io|multus|cattle/i;
  const EXAMPLES = /^\s*(?:\/\/|\/?\*)/;
  it('the engine names no system, neither in code nor in what it says', () => {
    const named = [...sources]
      .filter(([file]) => room(file) === 'engine')
      .flatMap(([file, source]) =>
        source
          .split('\n')
          .flatMap((line, at) => (FOREIGN.test(line) && !EXAMPLES.test(line) ? [`src/${file}:${at + 1}: ${line.trim()}`] : [])),
      );
    expect(named).toEqual([]);
  });

  it(`no file in src has more than ${MAX_LINES} lines`, () => {
    const long = [...sources]
      .map(([file, source]) => ({ file, lines: source.split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(long).toEqual([]);
  });

  it('no "as any": a type that is not known is unknown, and is looked at before it is used', () => {
    const everywhere = ['src', 'scripts', 'test'].flatMap((folder) => filesBelow(folder).map((file) => join(ROOT, folder, file)));
    const self = import.meta.filename;
    const found = everywhere
      .filter((file) => file !== self && /\bas any\b/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(ROOT, file));
    expect(found).toEqual([]);
  });
});
