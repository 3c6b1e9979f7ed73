// What most checks return, with what is the same for most of them filled in.
import type { Change, Finding, Ref, StepDraft, Text } from './contracts.ts';

/** A finding; certain unless it says otherwise. The first object stands beside evidence that names none. */
export function finding<Args = object>({
  certainty = 'certain',
  evidence = [],
  ...rest
}: Omit<Finding<Args>, 'certainty' | 'evidence'> & Partial<Pick<Finding<Args>, 'certainty' | 'evidence'>>): Finding<Args> {
  const [first] = rest.objects;
  return { ...rest, certainty, evidence: evidence.map((each) => ({ at: first, ...each })) };
}

/** Sets fields of one object, each only as long as it still has the value that was seen; undone to the letter. */
export function setFields(on: Ref, changes: Change[], text: Text): StepDraft {
  const must = changes.map(({ path, inString, before }) => ({
    path,
    ...(inString === undefined ? {} : { inString }),
    ...(before === undefined ? {} : { is: before }),
  }));
  return { do: 'patch', on, changes, guard: [{ on, must }], text, undo: 'exact' };
}
