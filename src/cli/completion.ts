// Completion: what may stand where the cursor is, and the scripts that make a shell ask us. kubectl and Helm ask in the same form: one candidate a line,
// a tab before its description, and last `:N`, where 0 lets the shell offer files and 4 does not (cobra's directives).
import type { Language } from '../engine/contracts.ts';
import type { CommandSpec } from './command-spec.ts';
import { COMMANDS, choicesOf, commandOf, textOf } from './commands.ts';
import { FLAGS, type FlagName, type Flags, GLOBAL, specOf } from './flags.ts';

/** The hidden command that the scripts call. */
export const COMPLETE = '__complete';

export type Candidate = readonly [word: string, text: string];
/** What only the core can tell, some of it with the cluster's help. */
export type Asked = 'checks' | 'contexts' | 'namespaces' | 'releases' | 'runs';
/** `flags`: those on the line so far, which say where to ask. Never throws. */
export type LookUp = (asked: Asked, flags: Flags) => Promise<Candidate[]>;

interface Offer {
  candidates: readonly Candidate[];
  files: boolean;
  /** Put before what is looked up. */
  asked?: { what: Asked; prefix: string };
}

/**
 * @param words everything after our name up to the cursor; the last one is being typed and may be empty. @param aliases flags under the names that helm knows them by: it calls us, and
 * takes a release where we take a command.
 */
export async function complete(
  words: readonly string[],
  language: Language,
  lookUp: LookUp,
  aliases?: Readonly<Record<string, FlagName>>,
): Promise<string> {
  const typing = words.at(-1) ?? '';
  const line = read(words.slice(0, -1));
  const offered = offer(line, typing, language);
  const { candidates, files, asked } = aliases && isFirst(line, typing) ? { ...offered, asked: RELEASES } : offered;
  const found = asked ? (await lookUp(asked.what, line.flags)).map(([word, text]): Candidate => [asked.prefix + word, text]) : [];
  const renamed = Object.entries(aliases ?? {}).map(([alias, name]): Candidate => [`--${alias}`, specOf(name).text[language]]);
  const more = typing.startsWith('-') && !typing.includes('=') && !line.open ? renamed : [];
  const fitting = [...candidates, ...more, ...found]
    .filter(([word]) => word.startsWith(typing))
    .map(([word, text]) => (text ? `${word}\t${text}` : word));
  return [...fitting, files ? ':0' : ':4', ''].join('\n');
}

const RELEASES: Offer['asked'] = { what: 'releases', prefix: '' };
const isFirst = ({ positionals, open }: Line, typing: string): boolean => !positionals.length && !open && !typing.startsWith('-');

function offer({ positionals, open }: Line, typing: string, language: Language): Offer {
  const command = positionals[0] === undefined ? undefined : commandOf(positionals[0]);
  if (open) return valuesOf(open, command, '', typing);
  const [, assigned, value = ''] = /^(--[a-z-]+)=(.*)/.exec(typing) ?? [];
  if (assigned) {
    const name = flagNamed(assigned);
    return name ? valuesOf(name, command, `${assigned}=`, value) : NOTHING;
  }
  if (typing.startsWith('-'))
    return { candidates: flagsFor(command).map((name) => [`--${name}`, textOf(command, name)[language]]), files: false };
  if (positionals.length === 0) return { candidates: COMMANDS.map(({ name, text }) => [name, text[language]]), files: false };
  if (!command) return NOTHING;
  return argumentsOf(command, positionals.length - 1, language);
}
const NOTHING: Offer = { candidates: [], files: false };

/** The words that are arguments, the flags that have their value, and the flag whose value comes next. */
interface Line {
  positionals: string[];
  flags: Flags;
  open: FlagName | undefined;
}

function read(words: readonly string[]): Line {
  const positionals: string[] = [];
  const flags: Record<string, unknown> = {};
  let open: FlagName | undefined;
  const set = (name: FlagName, value: string) => {
    flags[name] = specOf(name).kind === 'list' ? [...((flags[name] as string[] | undefined) ?? []), value] : value;
  };
  for (const word of words) {
    if (open) {
      set(open, word);
      open = undefined;
    } else if (word.startsWith('-') && word.length > 1) {
      const [, written = word, value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? [];
      const name = flagNamed(written);
      if (name && specOf(name).kind === 'boolean') flags[name] = value !== 'false';
      else if (name && value !== undefined) set(name, value);
      else open = name;
    } else positionals.push(word);
  }
  return { positionals, flags: flags as Flags, open };
}

function flagNamed(written: string): FlagName | undefined {
  return flagNames.find((name) => written === `--${name}` || written === `-${specOf(name).short}`);
}
const flagNames = Object.keys(FLAGS) as FlagName[];

function flagsFor(command: CommandSpec | undefined): readonly FlagName[] {
  // A flag that is written with one dash only has no long form to offer.
  return [...(command?.flags ?? []), ...GLOBAL].filter((name) => specOf(name).short !== name);
}

const ASKED_OF_FLAGS: Partial<Record<FlagName, Asked>> = {
  accept: 'checks',
  context: 'contexts',
  contexts: 'contexts',
  namespace: 'namespaces',
  'take-over': 'runs',
};
const ASKED_OF_ARGUMENTS: Partial<Record<string, Asked>> = { 'CHECK-ID': 'checks', RELEASE: 'releases', RUN: 'runs' };

/** `typed`: the value so far. */
function valuesOf(name: FlagName, command: CommandSpec | undefined, prefix: string, typed: string): Offer {
  const choices = choicesOf(command, name) ?? [];
  const what = ASKED_OF_FLAGS[name];
  // Of several contexts with commas between them only the last one is being typed.
  const before = name === 'contexts' ? typed.slice(0, typed.lastIndexOf(',') + 1) : '';
  return {
    candidates: choices.map((choice) => [prefix + choice, '']),
    files: specOf(name).file === true,
    asked: what && { what, prefix: prefix + before },
  };
}

function argumentsOf(command: CommandSpec, index: number, language: Language): Offer {
  if (command.name === 'help')
    return index === 0 ? { candidates: COMMANDS.map(({ name, text }) => [name, text[language]]), files: false } : NOTHING;
  const last = command.positionals.at(-1);
  const positional = command.positionals[index] ?? (last?.many ? last : undefined);
  const what = positional && ASKED_OF_ARGUMENTS[positional.name.split('|').at(-1)!];
  return {
    candidates: (positional?.values ?? []).map((value) => [value, '']),
    files: positional?.file === true,
    asked: what && { what, prefix: '' },
  };
}

/** @param shell one of those that the command `completion` names. */
export function completionScript(shell: string): string {
  return `${SCRIPTS[shell as keyof typeof SCRIPTS]}\n`;
}

const SCRIPTS = {
  bash: `# bash completion of upgrade-guard
_upgrade_guard() {
  local typed="\${COMP_LINE:0:COMP_POINT}" line lines=() words=() typing shown last directive
  read -r -a words <<< "$typed"
  [[ "$typed" == *' ' ]] && words+=('')
  typing="\${words[\${#words[@]}-1]}"
  # bash cuts words at = and : as well, and replaces only what comes after
  last="\${COMP_WORDS[COMP_CWORD]}"
  [[ "$last" == '=' || "$last" == ':' ]] && last=''
  shown="\${typing%"$last"}"
  while IFS= read -r line; do lines+=("$line"); done < <("\${words[0]}" ${COMPLETE} "\${words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  for line in "\${lines[@]}"; do
    case "$line" in
      :*) directive="$line" ;;
      *) line="\${line%%$'\\t'*}"; COMPREPLY+=("\${line#"$shown"}") ;;
    esac
  done
  if [[ "$directive" == ':0' ]]; then
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$last")
  fi
}
complete -F _upgrade_guard upgrade-guard kubectl-upgrade_guard`,
  zsh: `#compdef upgrade-guard kubectl-upgrade_guard
_upgrade_guard() {
  local line directive
  local -a lines described
  lines=("\${(@f)$("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${lines[@]}"; do
    case "$line" in
      :*) directive="$line" ;;
      *) described+=("\${\${line//:/\\\\:}/$'\\t'/:}") ;;
    esac
  done
  (( \${#described} )) && _describe 'upgrade-guard' described
  [[ "$directive" == ':0' ]] && _files
}
compdef _upgrade_guard upgrade-guard kubectl-upgrade_guard`,
  fish: `# fish completion of upgrade-guard
function __upgrade_guard_complete
  set -l words (commandline -opc)
  set -l typing (commandline -ct)
  set -l lines ($words[1] ${COMPLETE} $words[2..-1] "$typing" 2>/dev/null)
  string match -v -r '^:' -- $lines
  contains -- ':0' $lines; and __fish_complete_path "$typing"
end
complete -c upgrade-guard -f -a '(__upgrade_guard_complete)'
complete -c kubectl-upgrade_guard -f -a '(__upgrade_guard_complete)'`,
};
