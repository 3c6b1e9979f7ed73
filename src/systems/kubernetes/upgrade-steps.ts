// What the stages of an upgrade of Kubernetes are written with: one version on the way, and a step of a person.
import type { Command, Condition, Expectation, StepDraft, Text, Upgrading, Wrong } from '../../engine/contracts.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import type { Member } from './upgrade-parts.ts';

/** One version on the way. */
export interface Hop {
  /** As the path has it. */
  hop: string;
  /** What is installed. */
  version: string;
  before: string;
  /** Of the path. */
  first: boolean;
  /** Versions that count as reached. */
  patches: string[];
}

const SKEW = 'kubernetes/control-plane-skew';
/** Checks whose findings are what the stages are for. */
const FIXED = ['kubernetes/version-skip', SKEW];
/** API servers that are too far apart are not brought together by it: the older ones would skip a minor. */
export const fixedOf = ({ found = [] }: Pick<Upgrading, 'found'>): string[] =>
  found.some(({ check, findings }) => check === SKEW && findings.some(({ key }) => key[0] === 'api-servers'))
    ? FIXED.filter((id) => id !== SKEW)
    : FIXED;

/** A step of a person that follows those before it. */
export const inOrder = (steps: StepDraft[]): StepDraft[] => {
  for (const [i, step] of steps.entries()) if (i) step.after = [...(step.after ?? []), steps[i - 1]!];
  return steps;
};
export const manual = (text: Text, commands: Command[], seen?: Condition[], wrong: Wrong[] = [], notes: Text[] = []): StepDraft => ({
  ...{ do: 'manual', guard: [], undo: 'none', text, commands },
  ...(notes.length ? { notes } : {}),
  ...(seen ? { seen } : {}),
  ...(wrong.length ? { wrong } : {}),
});
/** Notes to read, a backup, a rehearsal: an undo leaves nothing of it to a person. */
export const changesNothing = (step: StepDraft): StepDraft => (step.do === 'manual' ? { ...step, changesNothing: true } : step);
/** Versions that count as reached, or what has one of them as its tag. */
export const reached = ({ patches }: Hop, path: string, of: (version: string) => string = (version) => version): Expectation => ({
  ...{ path, in: patches.map(of), words: orLater(of(patches[0]!), patches.length > 1) },
});
export const orLater = (least: string, later: boolean): Text =>
  later ? { en: `${least} or a later patch`, zh: `${least} 或更新的补丁版本` } : { en: least, zh: least };
export const READY: Expectation = { path: '/status/conditions[type=Ready]/status', is: 'True' };

export const KUBELET = '/status/nodeInfo/kubeletVersion';
export const isNewMinor = ({ version, before }: Pick<Hop, 'version' | 'before'>): boolean => minorOf(version) > minorOf(before);
/** As it is written: of a provider's or distribution's patch the suffix cannot be known beforehand. */
export const goalOf = (hop: Hop, by: string | undefined): string => (by && isNewMinor(hop) ? minor(minorOf(hop.version)) : hop.version);
export const kubeletIs = (hop: Hop, by: string | undefined): Expectation =>
  by ? { path: KUBELET, startsWith: `v${minor(minorOf(hop.version))}.` } : reached(hop, KUBELET);
export const kubeletAt = ({ ref: { name }, kubelet }: Pick<Member, 'ref' | 'kubelet'>, hop: Hop, by: string | undefined): Condition => ({
  on: { apiVersion: 'v1', kind: 'Node', name },
  must: [kubeletIs(hop, by), ...(by ? [{ path: KUBELET, isNot: kubelet }] : []), READY],
});

/** Those whose kubelet is newer than the API servers are before this hop: they are told, and get no step before the API servers are as new. */
export const newerKubelets = (members: readonly Member[], { before }: Pick<Hop, 'before'>): Member[] =>
  members.filter(({ kubelet }) => minorOf(kubelet) > minorOf(before));

/** The same image with another tag; a digest is of the old one. */
export const tagged = (image: string, version: string): string => `${image.replace(/@.*$/, '').replace(/:[\w][\w.+-]*$/, '')}:${version}`;
