// Completion: what may stand where the cursor is, and the scripts that make a shell ask us. kubectl and Helm ask in the same form: one candidate a line,
// a tab before its description, and last `:N`, where 0 lets the shell offer files and 4 does not (cobra's directives).
import type { Language } from '../engine/contracts.ts';
import { COMMANDS, type CommandSpec, choicesOf, commandOf } from './commands.ts';
import { FLAGS, type FlagName, GLOBAL, specOf } from './flags.ts';

/** The hidden command that the scripts call. */
export const COMPLETE = '__complete';

interface Offer {
  candidates: readonly (readonly [word: string, text: string])[];
  files: boolean;
}

/** @param words everything after our name up to the cursor; the last one is being typed and may be empty. */
export function complete(words: readonly string[], language: Language): string {
  const typing = words.at(-1) ?? '';
  const { candidates, files } = offer(words.slice(0, -1), typing, language);
  const fitting = candidates.filter(([word]) => word.startsWith(typing)).map(([word, text]) => (text ? `${word}\t${text}` : word));
  return [...fitting, files ? ':0' : ':4', ''].join('\n');
}

function offer(before: readonly string[], typing: string, language: Language): Offer {
  const { positionals, open } = read(before);
  const command = positionals[0] === undefined ? undefined : commandOf(positionals[0]);
  if (open) return valuesOf(open, command, '');
  const assigned = /^(--[a-z-]+)=/.exec(typing)?.[1];
  if (assigned) {
    const name = flagNamed(assigned);
    return name ? valuesOf(name, command, `${assigned}=`) : NOTHING;
  }
  if (typing.startsWith('-'))
    return { candidates: flagsFor(command).map((name) => [`--${name}`, specOf(name).text[language]]), files: false };
  if (positionals.length === 0) return { candidates: COMMANDS.map(({ name, text }) => [name, text[language]]), files: false };
  if (!command) return NOTHING;
  return argumentsOf(command, positionals.length - 1, language);
}
const NOTHING: Offer = { candidates: [], files: false };

/** The words that are arguments, and the flag whose value comes next. */
function read(words: readonly string[]): { positionals: string[]; open: FlagName | undefined } {
  const positionals: string[] = [];
  let open: FlagName | undefined;
  for (const word of words) {
    if (open) open = undefined;
    else if (word.startsWith('-') && word.length > 1) {
      const name = flagNamed(word);
      open = name && specOf(name).kind !== 'boolean' ? name : undefined;
    } else positionals.push(word);
  }
  return { positionals, open };
}

function flagNamed(written: string): FlagName | undefined {
  return flagNames.find((name) => written === `--${name}` || written === `-${specOf(name).short}`);
}
const flagNames = Object.keys(FLAGS) as FlagName[];

function flagsFor(command: CommandSpec | undefined): readonly FlagName[] {
  // A flag that is written with one dash only has no long form to offer.
  return [...(command?.flags ?? []), ...GLOBAL].filter((name) => specOf(name).short !== name);
}

function valuesOf(name: FlagName, command: CommandSpec | undefined, prefix: string): Offer {
  const choices = choicesOf(command, name) ?? [];
  return { candidates: choices.map((choice) => [prefix + choice, '']), files: specOf(name).file === true };
}

function argumentsOf(command: CommandSpec, index: number, language: Language): Offer {
  if (command.name === 'help')
    return index === 0 ? { candidates: COMMANDS.map(({ name, text }) => [name, text[language]]), files: false } : NOTHING;
  const last = command.positionals.at(-1);
  const positional = command.positionals[index] ?? (last?.many ? last : undefined);
  return { candidates: (positional?.values ?? []).map((value) => [value, '']), files: positional?.file === true };
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
  $words[1] ${COMPLETE} $words[2..-1] "$typing" 2>/dev/null | string match -v -r '^:'
end
complete -c upgrade-guard -a '(__upgrade_guard_complete)'
complete -c kubectl-upgrade_guard -a '(__upgrade_guard_complete)'`,
};
