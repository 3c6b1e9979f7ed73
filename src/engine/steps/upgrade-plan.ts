// Plans of the system-upgrade-controller are not put back by us: applying an old one starts the upgrade again. It is kept, and its command is told.
import { describe } from '../../kube/refs.ts';
import { shellWord } from '../../text/shell.ts';
import type { Raw, Step, StepOf, Text } from '../contracts.ts';
import { bare, withoutStatus } from './objects.ts';

/** Words of a command as one line of a terminal can show them. */
const PIECE = 500;

/** The inverse of a step that changed or deleted a Plan: the command, for a person to run. */
export function oldPlanByHand(step: StepOf<'patch'> | StepOf<'delete'>, before: Raw | undefined): Step | { none: Text } {
  if (step.do === 'delete' && !before) return { none: RESTARTS };
  const { id, phase, after, reasons } = step;
  const name = describe(step.on);
  return {
    ...{ id, phase, after, reasons, guard: [], undo: 'none', undoNote: RESTARTS },
    text: {
      en: `put the old ${name} back by hand, if you want that upgrade to run again`,
      zh: `如需再次执行该升级，请手动恢复旧的 ${name}`,
    },
    do: 'manual',
    // Values of its environment are often tokens.
    ...(step.do === 'patch'
      ? { commands: patchCommand(step) }
      : { commands: [], makes: { object: withoutStatus(bare(before!)), file: `plan-${id}.json` } }),
  };
}

const RESTARTS: Text = {
  en: 'putting an old Plan back would start its upgrade again',
  zh: '恢复旧的 Plan 会重新触发其升级',
};

function patchCommand({ on, changes }: StepOf<'patch'>): string[] {
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
