// Several looks at once, in order of what they are about.

/** Point reads at a time; kind to the API server where hundreds of addresses are looked at. */
const AT_ONCE = 8;

/** In their order, a few at a time. */
export async function each<Item, Result>(items: readonly Item[], look: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await look(items[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}
