// The way back to an older Kubernetes: which minors lie between, and what of a kind the older API server serves. Upstream supports no downgrade of API servers; clouds sell one minor
// back. Sources: kubernetes/website reference/using-api/deprecation-policy.md (rule 4b: a storage version is read by the release before); KEP-3136 (new betas are off, from 1.24 on).
import { finding } from '../../engine/builders.ts';
import type { Finding, Gap, Severity, WayBack } from '../../engine/contracts.ts';
import { minor, minorOf, minorsBetween } from '../../versions/kubernetes.ts';
import { type Api, kubeadm } from './knowledge/tables.ts';
import { type Running, unreadable as unread } from './skew.ts';

/** The minors that are left, the newest last; empty within one minor. */
export const minorsLeft = ({ from, to }: WayBack): string[] => minorsBetween(to, from);

/** Something that came with a minor which is left. */
export const isLeft = (since: string, left: readonly string[]): boolean => left.includes(since);

const FIRST_OFF = 24;

/** Does an API server of that minor serve some version of the kind, without being told to? */
export function servesKind(rows: readonly Api[], minor: number): boolean {
  const isOn = betasAreOn(rows);
  return rows.some(({ version, introduced, removed }) => {
    const isThere = minorOf(introduced) <= minor && (removed === undefined || minorOf(removed) > minor);
    return isThere && (/^v\d+$/.test(version) || (isOn && version.includes('beta')));
  });
}

/** Are beta versions of the kind served without being asked for? */
export function betasAreOn(rows: readonly Api[]): boolean {
  return rows.some(({ version, introduced }) => version.includes('beta') && minorOf(introduced) < FIRST_OFF);
}

/** The version in which objects may be stored and which an older API server cannot read: a version is stored at the earliest one minor after it came. */
export function unreadable(rows: readonly Api[], older: number, newer: number): Api | undefined {
  return rows.find(({ version, introduced }) => /^v\d+$/.test(version) && minorOf(introduced) > older && minorOf(introduced) < newer);
}

/** The etcd that kubeadm installs for a minor. */
export const etcdOf = (version: string): string | undefined => {
  const number = minorOf(version);
  return kubeadm().images.find((row) => minorOf(row.minor) === number)?.etcd;
};
/** Of etcd 3.6.5: 6. */
export const etcdMinorOf = (version: string): number => Number(version.split('.')[1]);
/** Does kubeadm install another minor of etcd with the newer version? undefined: one of them is not known. */
export function crossesEtcd(older: string, newer: string): boolean | undefined {
  const [a, b] = [etcdOf(older), etcdOf(newer)];
  return a && b ? etcdMinorOf(a) !== etcdMinorOf(b) : undefined;
}

export interface NewerArgs {
  component: string;
  version: string;
  to: string;
}
/** One finding for each minor of a component that is newer than the version to return to: it must not be newer than any API server. */
export function newerThan(
  { to }: WayBack,
  component: string,
  running: readonly Running[],
  severity: (minor: number) => Severity,
): { findings: Finding<NewerArgs>[]; gaps: Gap[] } {
  const byMinor = Map.groupBy(running, ({ version }) => minorOf(version));
  const findings = [...byMinor].flatMap(([number, same]): Finding<NewerArgs>[] =>
    number > minorOf(to)
      ? [
          finding({
            severity: severity(number),
            key: [component, minor(number)],
            objects: same.map(({ ref }) => ref),
            args: { component, version: minor(number), to },
            evidence: [{ seen: `${component} ${same[0]!.version}` }],
          }),
        ]
      : [],
  );
  return { findings, gaps: (byMinor.get(Number.NaN) ?? []).map(({ ref, version }) => unread(ref, version)) };
}
