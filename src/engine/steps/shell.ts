// Steps as commands of kubectl, for a runbook: what comes from a cluster is quoted, objects go in on standard input.
import { groupOf } from '../../kube/refs.ts';
import { jsonOf } from '../../text/json.ts';
import { fed, shellWord } from '../../text/shell.ts';
import type { Json, Ref, Selection } from '../contracts.ts';

/** `KIND.GROUP NAME -n NAMESPACE`, as kubectl takes it. */
export function kubectlName({ apiVersion, kind, namespace, name }: Ref): string {
  const group = groupOf(apiVersion);
  return [shellWord(group ? `${kind}.${group}` : kind), shellWord(name), ...(namespace ? ['-n', shellWord(namespace)] : [])].join(' ');
}

/** `KIND.GROUP -n NAMESPACE -l LABELS`. */
export function kubectlSelection({ apiVersion, kind, namespace, labels, fields }: Selection): string {
  const group = groupOf(apiVersion);
  const where = namespace ? ['-n', shellWord(namespace)] : [];
  return [
    shellWord(group ? `${kind}.${group}` : kind),
    ...where,
    ...(labels ? ['-l', shellWord(labels)] : []),
    ...(fields ? ['--field-selector', shellWord(fields)] : []),
  ].join(' ');
}

/** A command that reads JSON from standard input. Nothing in the text ends the document early: JSON has no line of that word alone. */
export const fedWith = (command: string, json: Json): string => fed(command, jsonOf(json));

/** From a file: what it holds may be secret. */
export const createFrom = (file: string): string => `kubectl create -f ${shellWord(file)}`;
