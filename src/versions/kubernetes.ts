// Versions of Kubernetes as API servers, kubelets and image tags say them: `v1.37.2`, `v1.36.0-rc.1`, with what a distribution adds (`-eks-a737599`, `-gke.1104000`,
// `+k3s1`), and a minor alone as people name a target: `1.37`. Upgrades and skew are counted in minors.
import semver from 'semver';

const SHAPE = /^v?(?<major>\d{1,3})\.(?<minor>\d{1,4})(?:\+|(?:\.(?<patch>\d{1,5})(?<rest>[-+][\w.+-]{1,80})?))?$/;
/** Only these make a version a pre-release; any other suffix is a distribution's build. K3s writes rc1. */
const STAGE = /^-(?<stage>alpha|beta|rc)\.?(?<number>\d{1,5})?/;
/** A release stands after its candidates. */
const STAGES = ['alpha', 'beta', 'rc', undefined];

interface Parts {
  major: number;
  minor: number;
  /** undefined: a minor alone, whatever its patch. */
  patch?: number;
  stage?: string;
  number: number;
  /** Behind the pre-release, with its sign. */
  build: string;
}

function partsOf(version: string): Parts | undefined {
  const found = SHAPE.exec(version.trim())?.groups;
  if (!found) return undefined;
  const { major, minor, patch, rest = '' } = found;
  const stage = STAGE.exec(rest);
  return {
    major: Number(major),
    minor: Number(minor),
    patch: patch === undefined ? undefined : Number(patch),
    stage: stage?.groups?.stage,
    number: Number(stage?.groups?.number ?? 0),
    build: rest.slice(stage?.[0].length ?? 0),
  };
}

/** `v1.36.0-rc.1+k3s1`, or `1.37` for a minor alone (also written `1.37+`, as GET /version does); undefined where it is not a version. */
export function parse(version: string): string | undefined {
  const parts = partsOf(version);
  if (!parts) return undefined;
  const { major, minor, patch, stage, number, build } = parts;
  if (patch === undefined) return `${major}.${minor}`;
  return `v${major}.${minor}.${patch}${stage ? `-${stage}.${number}` : ''}${build}`;
}

/** Patch, then pre-release; builds of one patch count as equal. A minor alone means its newest patch, so it stands behind all of them. Throws for what `parse` does not take. */
export function compare(a: string, b: string): number {
  const [left, right] = [a, b].map(rankOf) as [number[], number[]];
  const at = left.findIndex((number, i) => number !== right[i]);
  return at < 0 ? 0 : Math.sign(left[at]! - right[at]!);
}

function rankOf(version: string): number[] {
  const parts = partsOf(version);
  if (!parts) throw new Error(`not a version of Kubernetes: ${version}`);
  return [parts.major, parts.minor, parts.patch ?? Number.POSITIVE_INFINITY, STAGES.indexOf(parts.stage), parts.number];
}

/** npm's range notation; a minor alone counts as its first release. */
export function satisfies(version: string, range: string): boolean {
  const parts = partsOf(version);
  if (!parts) return false;
  const { major, minor, patch = 0, stage, number } = parts;
  return semver.satisfies(`${major}.${minor}.${patch}${stage ? `-${stage}.${number}` : ''}`, range, { includePrerelease: true });
}

/** The number of the minor, to count with; NaN where it is not a version 1.x. */
export function minorOf(version: string): number {
  const parts = partsOf(version);
  return parts?.major === 1 ? parts.minor : Number.NaN;
}

export const minor = (number: number): string => `1.${number}`;

/** The minors that an upgrade goes through, the target's last; none within one minor. */
export function minorsBetween(from: string, to: string): string[] {
  const first = minorOf(from) + 1;
  const last = minorOf(to);
  return last >= first ? Array.from({ length: last - first + 1 }, (_, i) => minor(first + i)) : [];
}

/** What a distribution writes behind the version; undefined for upstream's own builds and for a minor alone. */
export function distributionOf(version: string): 'EKS' | 'GKE' | 'K3s' | 'RKE2' | undefined {
  const build = partsOf(version)?.build ?? '';
  if (/^-eks-/.test(build)) return 'EKS';
  if (/^-gke\./.test(build)) return 'GKE';
  if (/^[+-]k3s/.test(build)) return 'K3s';
  return /^[+-]rke2/.test(build) ? 'RKE2' : undefined;
}

/** The minor that an API server behaves as, by its answer to GET /version: with an emulated version (KEP-4330, from 1.31) skew is counted against that. */
export function actsAs(answer: { gitVersion: string; emulationMinor?: string }): number {
  const emulated =
    answer.emulationMinor && /^\d{1,4}\+?$/.test(answer.emulationMinor) ? Number.parseInt(answer.emulationMinor, 10) : undefined;
  return emulated ?? minorOf(answer.gitVersion);
}

// ---- skew -----------------------------------------------------------------------------------------------------------

/** The API servers of one control plane, by minor. While they differ, nothing may be newer than the oldest, nor further behind than the newest allows. */
export interface ControlPlane {
  oldest: number;
  newest: number;
}

/** How a component of this minor stands to the control plane, where it may be `older` minors behind and none ahead. */
export function skewOf(component: number, { oldest, newest }: ControlPlane, older: number): 'newer' | 'too-old' | 'supported' {
  if (component > oldest) return 'newer';
  return newest - component > older ? 'too-old' : 'supported';
}
