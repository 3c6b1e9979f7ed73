// The file of a sweep (`npm run test:sweep`): each kill that ended right is told there, a line of JSON each; what it tells already is left out.
import { appendFileSync, readFileSync } from 'node:fs';
import type { Cell } from './sweep.ts';

const FILE = process.env.UPGRADE_GUARD_SWEEP;
const TOLD = new Set(FILE ? readFileSync(FILE, 'utf8').split('\n') : []);

/** Everything is swept, not what `npm test` chooses. */
export const SWEEPING = FILE !== undefined;

export const isLeft = (cell: Cell): boolean => !TOLD.has(JSON.stringify(cell));

export function tell(cell: Cell): void {
  if (FILE) appendFileSync(FILE, `${JSON.stringify(cell)}\n`);
}
