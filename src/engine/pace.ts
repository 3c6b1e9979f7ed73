// How fast the waits of a run pass: polls, quiet times, the pulse of the Lease, notes of progress. Tests of the binary hasten them by UPGRADE_GUARD_TEST_CLOCK;
// cli says so at the start of every command (a Lease is then stale too soon for a run at the usual pace).

/** How tests hasten the waits of one command. */
export const CLOCK = 'UPGRADE_GUARD_TEST_CLOCK';

let times = 1;

/** A time that a run sits out, in whatever unit, as long as it takes here. */
export const paced = (time: number): number => time / times;

export function hasten(by: number): void {
  times = by;
}
