// What the user may have meant by an unknown word.

/** Longer words are not typing errors. */
const LONGEST = 80;
/** More suggestions are a list. */
const MOST = 3;

/** The one that can be reached with the fewest edits, if they are few for its length. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  return reachable(word, candidates)[0];
}

/** Ids like `spiderpool/duplicate-pod-ip` for a word that may be a part of one, its parts in another order or with some left out, or misspelled: the likeliest first. */
export function likelyIds(word: string, ids: readonly string[]): string[] {
  const wanted = word.toLowerCase().replaceAll('_', '-');
  if (wanted.length > LONGEST) return [];
  const [name] = wanted.split('/').toReversed() as [string];
  const nameOf = (id: string) => id.split('/')[1] ?? id;
  const parts = name.split('-').filter(Boolean);
  const ofAll = ids.filter(
    (id) =>
      parts.length > 0 &&
      parts.every((part) =>
        nameOf(id)
          .split('-')
          .some((each) => each.startsWith(part)),
      ),
  );
  // Of the system that was named, then those that begin with the word, then those that hold it anywhere.
  const rank = (id: string) => (id.startsWith(`${wanted.split('/', 1)[0]}/`) ? 0 : nameOf(id).startsWith(name) ? 1 : 2);
  const inside = ids.filter((id) => name.length > 2 && id.includes(name)).toSorted((a, b) => rank(a) - rank(b));
  const misspelled = ids.filter((id) => reachable(name, [nameOf(id)]).length > 0);
  const nearby = misspelled.toSorted((a, b) => editsBetween(name, nameOf(a)) - editsBetween(name, nameOf(b)));
  return [...new Set([...inside, ...ofAll, ...nearby])].slice(0, MOST);
}

function reachable(word: string, candidates: readonly string[]): string[] {
  if (word.length > LONGEST) return [];
  return candidates
    .map((candidate) => ({ candidate, edits: editsBetween(word, candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits)
    .map(({ candidate }) => candidate);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? beforeLast[j - 2]! + 1 : Infinity;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
