// What a component was told on its command line: flags with their values, feature gates, admission plugins. Flags may be written with dashes or underscores.

/** By flag, with dashes, in the order given; a flag without a value is 'true'. */
export type Flags = ReadonlyMap<string, readonly string[]>;

/** `--feature-gates=A=true,B=false` and `--v 2`; what is not a flag is left out. */
export function flagsOf(words: readonly string[]): Flags {
  const flags = new Map<string, string[]>();
  for (const [i, word] of words.entries()) {
    const found = /^--?(?<name>[A-Za-z][\w-]*)(?:=(?<value>[\s\S]*))?$/.exec(word)?.groups;
    if (!found) continue;
    const next = words[i + 1];
    const value = found.value ?? (next === undefined || next.startsWith('-') ? 'true' : next);
    const name = found.name!.replaceAll('_', '-');
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  return flags;
}

/** Of several --feature-gates the component reads all; a later one wins. */
export function gatesOf(flags: Flags): Map<string, boolean> {
  return new Map(
    listOf(flags, 'feature-gates').flatMap((word): [string, boolean][] => {
      const [name = '', value = 'true'] = word.split('=', 2).map((part) => part.trim());
      return name ? [[name, value.toLowerCase() === 'true']] : [];
    }),
  );
}

/** The comma-separated values of a flag, of all its occurrences. */
export const listOf = (flags: Flags, name: string): string[] =>
  (flags.get(name) ?? []).flatMap((value) => value.split(',').map((word) => word.trim())).filter(Boolean);
