// Versions of K3s: `v1.34.0-rc1+k3s2`. Not semver: the part behind the plus counts, and in image tags and labels the plus is a dash.
// Source: rancher/system-upgrade-controller pkg/upgrade/plan (MungeVersion); tags of k3s-io/k3s.
import semver from 'semver';

const SHAPE = /^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:-(alpha|beta|rc)\.?(\d{1,4}))?[+-]k3s\.?(\d{1,4})$/;
/** A release stands after its candidates. */
const STAGES = ['alpha', 'beta', 'rc', undefined];

interface Parts {
  numbers: [number, number, number];
  stage?: string;
  candidate: number;
  build: number;
}

function partsOf(version: string): Parts | undefined {
  const match = SHAPE.exec(version.trim());
  if (!match) return undefined;
  const [, major, minor, patch, stage, candidate = '0', build] = match;
  return { numbers: [Number(major), Number(minor), Number(patch)], stage, candidate: Number(candidate), build: Number(build) };
}

/** `v1.34.0-rc1+k3s2`, also of a label's or an image tag's spelling; undefined where it is not a version of K3s. */
export function parse(version: string): string | undefined {
  const parts = partsOf(version);
  if (!parts) return undefined;
  const { numbers, stage, candidate, build } = parts;
  return `v${numbers.join('.')}${stage ? `-${stage}${candidate}` : ''}+k3s${build}`;
}

/** Release, candidate, then the number behind k3s. Throws for what `parse` does not take. */
export function compare(a: string, b: string): number {
  const [left, right] = [a, b].map(rankOf) as [number[], number[]];
  const at = left.findIndex((number, i) => number !== right[i]);
  return at < 0 ? 0 : Math.sign(left[at]! - right[at]!);
}

function rankOf(version: string): number[] {
  const parts = partsOf(version);
  if (!parts) throw new Error(`not a version of K3s: ${version}`);
  return [...parts.numbers, STAGES.indexOf(parts.stage), parts.candidate, parts.build];
}

/** npm's range notation over the Kubernetes version within; the number behind k3s does not matter. */
export function satisfies(version: string, range: string): boolean {
  const parts = partsOf(version);
  if (!parts) return false;
  const kubernetes = `${parts.numbers.join('.')}${parts.stage ? `-${parts.stage}.${parts.candidate}` : ''}`;
  return semver.satisfies(kubernetes, range, { includePrerelease: true });
}

/** The same minor release of Kubernetes, as one number to count with. */
export const minorOf = (version: string): number => partsOf(version)?.numbers[1] ?? Number.NaN;

/** As the system-upgrade-controller writes it in labels, image tags and Plan status. */
export const munged = (version: string): string => version.replaceAll('+', '-');
