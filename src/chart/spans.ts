// Spans of versions as the tables of knowledge/ have them.

/** `0.9.0..0.9.13 1.0.6`, over a table's own list of versions. */
export type Spans = string;

type Places = readonly (readonly [first: number, last: number])[];

/** By list of versions: a table is a thousand rows over one list, and asked for several versions. */
const PLACES = new WeakMap<readonly string[], Map<Spans, Places>>();

/** Does it hold the version that stands at `at` of the list? */
export function within(spans: Spans, at: number, versions: readonly string[]): boolean {
  return placesOf(spans, versions).some(([first, last]) => first <= at && at <= last);
}

function placesOf(spans: Spans, versions: readonly string[]): Places {
  const known = PLACES.get(versions) ?? new Map<Spans, Places>();
  PLACES.set(versions, known);
  let places = known.get(spans);
  if (!places) {
    places = spans.split(' ').map((span) => {
      const [first = '', last = first] = span.split('..');
      return [versions.indexOf(first), versions.indexOf(last)] as const;
    });
    known.set(spans, places);
  }
  return places;
}
