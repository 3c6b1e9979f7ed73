// What the stages of an upgrade of Kubernetes are written with: one version on the way, and a step of a person.
import type { Condition, Expectation, StepDraft, Text, Wrong } from '../../engine/contracts.ts';

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

/** Checks whose findings are what the stages are for. */
export const FIXED = ['kubernetes/version-skip', 'kubernetes/control-plane-skew'];

/** A step of a person that follows those before it. */
export const inOrder = (steps: StepDraft[]): StepDraft[] => {
  for (const [i, step] of steps.entries()) if (i) step.after = [...(step.after ?? []), steps[i - 1]!];
  return steps;
};
export const manual = (text: Text, commands: string[], seen?: Condition[], wrong: Wrong[] = [], notes: Text[] = []): StepDraft => ({
  ...{ do: 'manual', guard: [], undo: 'none', text, commands },
  ...(notes.length ? { notes } : {}),
  ...(seen ? { seen } : {}),
  ...(wrong.length ? { wrong } : {}),
});
export const READY: Expectation = { path: '/status/conditions[type=Ready]/status', is: 'True' };

/** The same image with another tag; a digest is of the old one. */
export const tagged = (image: string, version: string): string => `${image.replace(/@.*$/, '').replace(/:[\w][\w.+-]*$/, '')}:${version}`;
