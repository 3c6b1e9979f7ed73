// What a component was told on its command line: flags with their values, feature gates, admission plugins. Flags may be written with dashes or underscores.

import type { Json } from '../../engine/contracts.ts';
import { isRaw } from '../../kube/json.ts';

/** By flag, with dashes, in the order given; a flag without a value is 'true'. */
export type Flags = ReadonlyMap<string, readonly string[]>;

export function flagsOf(given: readonly { name: string; value?: string }[]): Flags {
  const named = given.map(({ name, value = 'true' }) => ({ name: name.replaceAll('_', '-'), value }));
  return new Map([...Map.groupBy(named, ({ name }) => name)].map(([name, all]) => [name, all.map(({ value }) => value)]));
}

/** Of several --feature-gates the component reads all; a later one wins. */
export function gatesOf(flags: Flags): Map<string, boolean> {
  return new Map(
    listOf(flags, 'feature-gates').flatMap((word): [string, boolean][] => {
      // Newer ones may name the component before it, which is kube for all of them (component-base featuregate, `kube:Name=true`).
      const [name = '', value = 'true'] = word
        .replace(/^kube:/, '')
        .split('=', 2)
        .map((part) => part.trim());
      return name ? [[name, value.toLowerCase() === 'true']] : [];
    }),
  );
}

/** The comma-separated values of a flag, of all its occurrences. */
export const listOf = (flags: Flags, name: string): string[] =>
  (flags.get(name) ?? []).flatMap((value) => value.split(',').map((word) => word.trim())).filter(Boolean);

/** Feature gates of a configuration file. */
export const gatesIn = (gates: Json | undefined): Map<string, boolean> =>
  new Map(Object.entries(isRaw(gates) ? gates : {}).flatMap(([name, on]) => (typeof on === 'boolean' ? [[name, on] as const] : [])));
