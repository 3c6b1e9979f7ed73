// An object in the manifest of a release without its secrets: whatever carries free text of users goes. A Secret's values, environments, command lines, headers,
// annotations, messages, a ConfigMap's secrets, and strings of custom resources; typed fields of Kubernetes' own kinds stay.
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { groupOf } from '../kube/refs.ts';
import { looksSecret, REDACTED, redact, redactCommand, redactLabel, redactMarked, redactText } from '../text/redact.ts';

/** Annotations that hold a copy of the whole object as it was applied, Secrets' values included. */
const COPIES = /last-applied|last-handled|objectset\.rio\.cattle\.io\/applied|kapp\.k14s\.io\/original/;
/** Annotations by which Helm says what it made and when. */
const OF_HELM = /^(?:meta\.)?helm\.sh\//;
/** Maps of words that a driver or a provisioner understands. */
const OPTIONS = new Set(['options', 'parameters', 'volumeAttributes', 'attributes']);
/** Maps of labels, and of labels to look for. */
const LABELS = new Set(['labels', 'matchLabels', 'nodeSelector', 'selector']);

/** Of an API whose objects may hold plain strings anywhere. */
export const isCustom = (apiVersion: string): boolean => {
  const group = groupOf(apiVersion);
  return group.includes('.') && !group.endsWith('.k8s.io');
};

export function redactObject(object: Raw): Raw {
  const { metadata, ...rest } = object;
  const body = redactBody(object, rest);
  if (metadata === undefined) return body;
  return { ...body, metadata: isRaw(metadata) ? redactMetadata(metadata) : REDACTED };
}

function redactBody(object: Raw, rest: Raw): Raw {
  const apiVersion = String(object.apiVersion ?? '');
  const group = groupOf(apiVersion);
  if (group === '' && object.kind === 'Secret') return emptiedSecret(rest);
  if (group === '' && object.kind === 'ConfigMap') return { ...rest, ...redactedParts(rest, ['data', 'binaryData'], redact) };
  // Schemas name many a `token` and hold none; they are public, and verdicts hang on every word of them.
  if (group === 'apiextensions.k8s.io') return redactMarkedIn(rest) as Raw;
  if (object.kind === 'List' && Array.isArray(rest.items)) {
    return { ...rest, items: rest.items.map((item) => (isRaw(item) ? redactObject(item) : REDACTED)) };
  }
  const custom = isCustom(apiVersion);
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      key === 'apiVersion' || key === 'kind' ? redactMarkedIn(value) : redactField(key, value, custom),
    ]),
  );
}

/** A Secret with its keys and without its values. */
function emptiedSecret({ apiVersion, kind, type, immutable, ...secret }: Raw): Raw {
  const emptied = redactedParts(secret, ['data', 'stringData'], (values) => (isRaw(values) ? mapValues(values, () => '') : {}));
  const known = Object.entries({ apiVersion, kind, type, immutable }).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return { ...Object.fromEntries(known), ...emptied };
}

function redactedParts(object: Raw, names: readonly string[], redacted: (value: Json) => Json): Raw {
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(object, name) ? [[name, redacted(object[name] as Json)]] : [])));
}

// ---- metadata -------------------------------------------------------------------------------------------------------

function redactMetadata(metadata: Raw): Raw {
  const { annotations, labels } = metadata;
  const clean = { ...metadata };
  if (isRaw(annotations)) {
    const kept = Object.entries(annotations).filter(([key]) => !COPIES.test(key));
    clean.annotations = Object.fromEntries(kept.map(([key, value]) => [key, redactAnnotation(key, value)]));
  }
  if (labels !== undefined) clean.labels = redactLabels(labels);
  return clean;
}

function redactLabels(labels: Json): Json {
  if (!isRaw(labels)) return redactMarkedIn(labels);
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key, typeof value === 'string' ? redactLabel(key, value) : redactLabels(value)]),
  );
}

/** That it is there may matter; what it says is kept only where Helm says it. */
function redactAnnotation(key: string, value: Json): Json {
  if (typeof value !== 'string') return value;
  if (!OF_HELM.test(key)) return redact(value, true);
  if (!/^\s*[[{]/.test(value)) return redactMarked(value);
  try {
    return redactEmbedded(value, parseJson(value));
  } catch {
    return redactText(value);
  }
}

/** JSON in a string: an object's copy is redacted as an object, other JSON as configuration. What holds no secret stays to the letter. */
function redactEmbedded(text: string, value: Json): string {
  const written = JSON.stringify(isRaw(value) && typeof value.kind === 'string' ? redactObject(value) : redact(value));
  return written === JSON.stringify(value) ? text : written;
}

// ---- everything else ------------------------------------------------------------------------------------------------

function redactMarkedIn(value: Json): Json {
  if (typeof value === 'string') return redactMarked(value);
  if (Array.isArray(value)) return value.map(redactMarkedIn);
  return isRaw(value) ? mapValues(value, redactMarkedIn) : value;
}

function redactTyped(value: Json, custom: boolean): Json {
  if (typeof value === 'string') return custom ? redact(value, true) : redactMarked(value);
  if (Array.isArray(value)) return value.map((item) => redactTyped(item, custom));
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactField(key, inner, custom)]));
}

function redactField(key: string, value: Json, custom: boolean): Json {
  if (key === 'metadata' && isRaw(value)) return redactMetadata(value);
  if (LABELS.has(key) && isRaw(value)) return redactSelector(value);
  if (/^envs?$/.test(key) && Array.isArray(value)) return value.map(redactVariable);
  if ((key === 'args' || key === 'command') && isStrings(value)) return redactCommand(value, key === 'command');
  if (key === 'httpHeaders' && Array.isArray(value)) return value.map(redactVariable);
  if (key === 'httpGet' && isRaw(value)) return redactProbe(value, custom);
  if (OPTIONS.has(key) && isRaw(value)) return redact(value);
  if (typeof value === 'string') {
    if (key === 'message' || (custom && looksSecret(key))) return redact(value, true);
    // YAML in a string.
    if (custom && value.includes('\n')) return redactText(value);
  }
  return redactTyped(value, custom);
}

/** Labels by name, or `matchLabels` and `matchExpressions` below. */
function redactSelector(selector: Raw): Raw {
  const { matchExpressions, matchLabels, ...labels } = selector;
  return {
    ...(redactLabels(labels) as Raw),
    ...(matchLabels === undefined ? {} : { matchLabels: redactLabels(matchLabels) }),
    ...(matchExpressions === undefined ? {} : { matchExpressions: redactExpressions(matchExpressions) }),
  };
}

function redactExpressions(expressions: Json): Json {
  if (!Array.isArray(expressions)) return redactMarkedIn(expressions);
  return expressions.map((one) => {
    if (!isRaw(one) || !Array.isArray(one.values)) return redactMarkedIn(one);
    const key = String(one.key);
    return { ...one, values: one.values.map((value) => (typeof value === 'string' ? redactLabel(key, value) : value)) };
  });
}

function redactProbe(probe: Raw, custom: boolean): Json {
  const clean = redactTyped(probe, custom) as Raw;
  const { path } = probe;
  if (typeof path !== 'string') return clean;
  const query = path.indexOf('?');
  return { ...clean, path: query < 0 ? redactText(path) : `${redactText(path.slice(0, query))}?${REDACTED}` };
}

/** An environment variable, or a header: with its name, and where its value comes from. */
function redactVariable(variable: Json): Json {
  if (!isRaw(variable)) return typeof variable === 'string' ? REDACTED : variable;
  return Object.hasOwn(variable, 'value') ? { ...variable, value: REDACTED } : variable;
}

function isStrings(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function mapValues(object: Raw, to: (value: Json) => Json): Raw {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, to(value)]));
}
