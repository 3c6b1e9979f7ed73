// Plans of the system-upgrade-controller are not put back by us: applying an old one starts its upgrade again. It is kept, and its command is told.
import type { Change, Ref, StepDraft, Text } from '../../engine/contracts.ts';
import { describe } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';

/** Words of a command as one line of a terminal can show them. */
const PIECE = 500;

/** What an undo says of a Plan that was changed: the command that puts the old fields back. */
export const oldFields = (on: Ref, changes: Change[]): NonNullable<StepDraft['restore']> => ({
  text: restored(on),
  commands: patchCommand(on, changes),
});
/** Of one that was deleted: values of its environment are often tokens, so that the old object lies in a file. */
export const oldPlan = (on: Ref): NonNullable<StepDraft['restore']> => ({ text: restored(on), file: fileOf(on) });

const restored = (on: Ref): Text => ({
  en: `manual: restore the old ${describe(on)}, if that upgrade is to run again`,
  zh: `手动：如需再次执行该升级，请恢复旧的 ${describe(on)}`,
});
const fileOf = ({ namespace = '', name }: Ref): string =>
  `plan-${namespace}-${name}`
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, 59)
    .concat('.json');

function patchCommand(on: Ref, changes: Change[]): string[] {
  const ops = changes.map(({ path, before }) => (before === undefined ? { op: 'remove', path } : { op: 'add', path, value: before }));
  const at = `kubectl -n ${shellWord(on.namespace ?? 'default')} patch plans.upgrade.cattle.io ${shellWord(on.name)} --type=json`;
  return inPieces(`${at} -p "$(printf %s`, JSON.stringify(ops), ')"');
}

/** The JSON as several words of one command, since a line of a preview is bounded. */
function inPieces(head: string, json: string, tail: string): string[] {
  const words: string[] = [];
  // Nothing in it is invisible or beyond ASCII, so that a shell word is the same when pasted.
  const plain = json.replace(/[^ -~]/gu, (character) =>
    [...Array(character.length).keys()].map((at) => unicodeEscape(character, at)).join(''),
  );
  for (let at = 0; at < plain.length; at += PIECE) words.push(quoted(plain.slice(at, at + PIECE)));
  return [`${head} \\`, ...words.map((word) => `  ${word} \\`), `  ${tail}`];
}

const unicodeEscape = (text: string, at: number): string => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
