// npm run test:sweep: kills the tool at every place of every write of every remedy, on the newest Kubernetes, and writes what was swept into docs/reliability.md.
// It can be run in parts: what has ended right is kept in build/sweep.jsonl, and the next run of the same sources goes on from there. Arguments are vitest's
// (a file of test/control/kills, -t NAME); a run without any does all that is left, and writes the page.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEWEST } from '../test/bed/prepare.ts';
import type { Cell, Place } from '../test/control/kills/sweep.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs/reliability.md');
const [BEGIN, END] = ['<!-- sweep: written by npm run test:sweep -->', '<!-- /sweep -->'];
const PLACES: Record<Place, string> = { hold: 'held', 'forward-unanswered': 'unanswered', 'answer-then': 'answered' };

const KEPT = join(ROOT, 'build/sweep.jsonl');
const words = process.argv.slice(2);
const cellsKept = (): Cell[] =>
  (existsSync(KEPT) ? readFileSync(KEPT, 'utf8').trimEnd().split('\n').slice(1) : []).map((line) => JSON.parse(line));

// The first line says of which sources the cells are: those of others say nothing about these.
const sources = `${JSON.stringify({ sources: digestOfSources() })}\n`;
if (!existsSync(KEPT) || !readFileSync(KEPT, 'utf8').startsWith(sources)) {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  writeFileSync(KEPT, sources);
}
console.log(`sweep: ${cellsKept().length} kills of these sources ended right before`);
// Beside the kills: every kind of request with every kind of fault, and every pair of charts.
const FILES = [
  'test/control/kills',
  'test/control/osm-edge.test.ts',
  'test/control/faults.test.ts',
  'test/systems/spiderpool/values-render.test.ts',
];
const files = words.some((word) => word.startsWith('test/')) ? words : [...FILES, ...words];
const args = ['scripts/run.mjs', 'test', '--project', `kubernetes-${NEWEST}`, '--project', 'unit', ...files];
const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, UPGRADE_GUARD_SWEEP: KEPT } });
console.log(`sweep: ${cellsKept().length} kills ended right`);
if (status === 0 && words.length === 0) {
  writeFileSync(PAGE, page(readFileSync(PAGE, 'utf8'), cellsKept()));
  rmSync(KEPT);
}
process.exitCode = status ?? 1;

/** Of what a kill depends on, as it lies there. */
function digestOfSources(): string {
  const git = (...command: string[]) => execFileSync('git', command, { cwd: ROOT, encoding: 'utf8' });
  const paths = git('ls-files', '-z', '--cached', '--others', '--exclude-standard', 'src', 'test', 'package-lock.json');
  const digest = createHash('sha256');
  for (const path of [...new Set(paths.split('\0'))].filter((name) => name && existsSync(join(ROOT, name))).sort())
    digest.update(`${path}\0`).update(readFileSync(join(ROOT, path)));
  return digest.digest('hex');
}

function page(old: string, cells: Cell[]): string {
  const [before, after] = [old.indexOf(BEGIN), old.indexOf(END)];
  if (before < 0 || after < 0) throw new Error(`${PAGE} has no place for the table: ${BEGIN} … ${END}`);
  return `${old.slice(0, before)}${BEGIN}\n${tableOf(cells)}${old.slice(after)}`;
}

function tableOf(cells: Cell[]): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const rows = Map.groupBy(cells, ({ name, command, write }) => `| ${name} | ${command} | ${write} |`);
  const at = (own: Cell[], place: Place) =>
    own
      .filter((cell) => cell.place === place)
      .map(({ ending }) => ending)
      .sort()
      .join(', ');
  const lines = [...rows].map(([row, own]) => `${row} ${(Object.keys(PLACES) as Place[]).map((place) => at(own, place)).join(' | ')} |`);
  return [
    `${new Date().toISOString().slice(0, 10)}, commit ${commit}, Kubernetes ${NEWEST}: ${cells.length} kills, after each of which resume and undo did what they promise.`,
    '',
    `| remedy | command | killed at | ${Object.values(PLACES).join(' | ')} |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...lines.sort(),
    '',
  ].join('\n');
}
