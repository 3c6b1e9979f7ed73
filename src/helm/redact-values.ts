// The values in a release record without what users wrote into them. Pure.
// Of the user's settings a text stays only where the chart itself has a text: under any other key it may be a password. Yes and no, numbers, lists, maps and keys stay.
import type { Json, Raw } from '../engine/contracts.ts';
import { deepEqual, isRaw } from '../kube/json.ts';
import { isEnvironment, looksPrivate, REDACTED, redact } from '../text/redact.ts';

/** Two values that became the same: a check that compares them must still see that they were not. */
const ANOTHER = `${REDACTED} (not the default)`;

/** Of a chart: what looks secret, and environments. */
export function redactDefaults(values: Json): Json {
  return withoutEnvironments(redact(values));
}

function withoutEnvironments(value: Json): Json {
  if (Array.isArray(value))
    return value.map((item) => withoutEnvironments(isVariable(item) ? { ...item, value: redact(item.value!, true) } : item));
  if (!isRaw(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, isEnvironment(key) ? redact(inner, true) : withoutEnvironments(inner)]),
  );
}

const isVariable = (item: Json): item is Raw => isRaw(item) && typeof item.name === 'string' && item.value !== undefined;

/** Of a user, laid over the chart's `defaults`, of which `clean` is what stays. */
export function redactSettings(config: Json, defaults: Json | undefined, clean: Json | undefined, isHidden = false): Json {
  if (isRaw(config)) {
    const [before, after] = [mapAt(defaults), mapAt(clean)];
    return Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key,
        redactSettings(value, own(before, key), own(after, key), isHidden || looksPrivate(key)),
      ]),
    );
  }
  // Helm replaces lists as a whole, so that one is either the chart's or the user's.
  if (clean !== undefined && deepEqual(config, defaults)) return clean;
  const isChartsPlace = typeof defaults === 'string' || typeof defaults === 'number' || defaults === null;
  const kept = typeof config === 'string' && isChartsPlace && !isHidden ? redact(config) : hidden(config, isHidden);
  return deepEqual(kept, clean) && clean !== undefined ? another(kept) : kept;
}

const mapAt = (value: Json | undefined): Raw => (isRaw(value) ? value : {});
const own = (map: Raw, key: string): Json | undefined => (Object.hasOwn(map, key) ? map[key] : undefined);

/** Without any text; numbers go where a secret's name says so. */
function hidden(value: Json, isHidden: boolean): Json {
  if (typeof value === 'string' || isHidden) return redactAll(value);
  if (Array.isArray(value)) return value.map((item) => hidden(item, false));
  if (!isRaw(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, hidden(inner, looksPrivate(key) || (key === 'value' && isVariable(value)))]),
  );
}

const redactAll = (value: Json): Json => redact(value, true);

function another(value: Json): Json {
  if (typeof value === 'string') return value.replace(REDACTED, ANOTHER);
  if (Array.isArray(value)) return value.map(another);
  return isRaw(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, another(inner)])) : value;
}
