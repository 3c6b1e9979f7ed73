// The way back to an older Kubernetes: which minors lie between, and what of a kind the older API server serves. Upstream supports no downgrade of API servers; clouds sell one minor
// back. Sources: kubernetes/website reference/using-api/deprecation-policy.md (rule 4b: a storage version is read by the release before); KEP-3136 (new betas are off, from 1.24 on).
import type { WayBack } from '../../engine/contracts.ts';
import { minorOf, minorsBetween } from '../../versions/kubernetes.ts';
import type { Api } from './knowledge/tables.ts';

/** The minors that are left, the newest last; empty within one minor. */
export const minorsLeft = ({ from, to }: WayBack): string[] => minorsBetween(to, from);

/** Something that came with a minor which is left. */
export const isLeft = (since: string, left: readonly string[]): boolean => left.includes(since);

const FIRST_OFF = 24;

/** Does an API server of that minor serve some version of the kind, without being told to? */
export function servesKind(rows: readonly Api[], minor: number): boolean {
  const betas = rows.filter(({ version }) => version.includes('beta')).map(({ introduced }) => minorOf(introduced));
  const betasAreOn = betas.length > 0 && Math.min(...betas) < FIRST_OFF;
  return rows.some(({ version, introduced, removed }) => {
    const isThere = minorOf(introduced) <= minor && (removed === undefined || minorOf(removed) > minor);
    return isThere && (/^v\d+$/.test(version) || (betasAreOn && version.includes('beta')));
  });
}

/** The version in which objects may be stored and which an older API server cannot read: a version is stored at the earliest one minor after it came. */
export function unreadable(rows: readonly Api[], older: number, newer: number): Api | undefined {
  return rows.find(({ version, introduced }) => /^v\d+$/.test(version) && minorOf(introduced) > older && minorOf(introduced) < newer);
}
