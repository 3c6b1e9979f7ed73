// Spans of versions as the tables of knowledge/ have them.

/** `0.9.0..0.9.13 1.0.6`, over a table's own list of versions. */
export type Spans = string;

/** Does it hold the version that stands at `at` of the list? */
export function within(spans: Spans, at: number, versions: readonly string[]): boolean {
  return spans.split(' ').some((span) => {
    const [first = '', last = first] = span.split('..');
    return versions.indexOf(first) <= at && at <= versions.indexOf(last);
  });
}
