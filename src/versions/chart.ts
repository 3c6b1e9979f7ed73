// Versions of Helm charts and of what they install: semver, with or without a leading v.
import semver from 'semver';

/** Normalised (no v), or undefined where it is not a full semver. */
export const parse = (version: string): string | undefined => semver.valid(version.trim()) ?? undefined;

/** Order of semver: a release candidate stands before its release. */
export const compare = (a: string, b: string): number => semver.compare(a, b);

/** npm's range notation; a release candidate is in a range when it lies between its ends. */
export const satisfies = (version: string, range: string): boolean => semver.satisfies(version, range, { includePrerelease: true });
