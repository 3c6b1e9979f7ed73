// npm run test:sweep: kills the tool at every place of every write of every remedy, on the newest Kubernetes, and writes what was swept into docs/reliability.md.
// It takes some ten minutes on two cores. Arguments are vitest's; with any (-t NAME) the page stays as it is.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEWEST } from '../test/bed/prepare.ts';
import type { Cell, Place } from '../test/control/kills/sweep.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs/reliability.md');
const [BEGIN, END] = ['<!-- sweep: written by npm run test:sweep -->', '<!-- /sweep -->'];
const PLACES: Record<Place, string> = { hold: 'held', 'forward-unanswered': 'unanswered', 'answer-then': 'answered' };

const scratch = mkdtempSync(join(tmpdir(), 'upgrade-guard-sweep-'));
const told = join(scratch, 'cells.jsonl');
const words = process.argv.slice(2);
const args = ['scripts/run.mjs', 'test', '--project', `kubernetes-${NEWEST}`, 'test/control/kills', ...words];
const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, UPGRADE_GUARD_SWEEP: told } });
const cells = existsSync(told)
  ? readFileSync(told, 'utf8')
      .trim()
      .split('\n')
      .map((line): Cell => JSON.parse(line))
  : [];
rmSync(scratch, { recursive: true });
if (status === 0 && words.length === 0) writeFileSync(PAGE, page(readFileSync(PAGE, 'utf8'), cells));
process.exitCode = status ?? 1;

function page(old: string, cells: Cell[]): string {
  const [before, after] = [old.indexOf(BEGIN), old.indexOf(END)];
  if (before < 0 || after < 0) throw new Error(`${PAGE} has no place for the table: ${BEGIN} … ${END}`);
  return `${old.slice(0, before)}${BEGIN}\n${tableOf(cells)}${old.slice(after)}`;
}

function tableOf(cells: Cell[]): string {
  const rows = Map.groupBy(cells, ({ name, command, write }) => `| ${name} | ${command} | ${write} |`);
  const at = (own: Cell[], place: Place) =>
    own
      .filter((cell) => cell.place === place)
      .map(({ ending }) => ending)
      .sort()
      .join(', ');
  const lines = [...rows].map(([row, own]) => `${row} ${(Object.keys(PLACES) as Place[]).map((place) => at(own, place)).join(' | ')} |`);
  return [
    `${new Date().toISOString().slice(0, 10)}, Kubernetes ${NEWEST}: ${cells.length} kills, all of which ended right.`,
    '',
    `| remedy | command | killed at | ${Object.values(PLACES).join(' | ')} |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...lines.sort(),
    '',
  ].join('\n');
}
