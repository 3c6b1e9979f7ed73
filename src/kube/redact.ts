// Taking secrets out of Kubernetes objects. What a check declared to read stays in the shape in which it is read; typed fields of Kubernetes' own kinds stay
// as they are, since verdicts hang on them; everything that carries words of somebody else goes: a Secret's values, environments, command lines, headers,
// annotations, messages, a ConfigMap's secrets, and strings of custom resources. docs/snapshot.md says it for users.
import type { Field, Json, Raw } from '../engine/contracts.ts';
import { looksSecret, REDACTED, redact, redactCommand, redactLabel, redactMarked, redactText } from '../text/redact.ts';
import { parseField } from './fields.ts';
import { isRaw, parseJson } from './json.ts';
import { groupOf } from './refs.ts';

/** Annotations that hold a copy of the whole object as somebody applied it, Secrets' values included. */
const COPIES = /last-applied|last-handled|objectset\.rio\.cattle\.io\/applied|kapp\.k14s\.io\/original/;
/** Annotations by which Helm says what it made and when. */
const OF_HELM = /^(?:meta\.)?helm\.sh\//;
/** What Helm's drivers label their records with, as far as anybody reads it. */
const RELEASE_LABELS = new Set(['owner', 'name', 'status', 'version']);
/** JSON in a string, by the name of its field or annotation, with the keys that are read of each of its entries. */
const SHAPES: Record<string, ReadonlySet<string>> = {
  allocatedIPs: new Set(['containerID', 'node', 'namespace', 'ownerControllerType', 'ownerControllerName', 'interface', 'pod', 'podUid']),
  'k8s.v1.cni.cncf.io/network-status': new Set(['default', 'interface', 'ips', 'name']),
};
/** Maps of words that a driver or a provisioner understands. */
const OPTIONS = new Set(['options', 'parameters', 'volumeAttributes', 'attributes']);
/** Maps of labels, and of labels to look for. */
const LABELS = new Set(['labels', 'matchLabels', 'nodeSelector', 'selector']);

/** What checks declared to read of the resource; and the annotations that they declared of any. */
export interface Declared {
  fields: readonly Field[] | 'whole';
  annotations: ReadonlySet<string>;
  /** Of all objects of the resource: where a command line is read, it is read for these. */
  names: ReadonlySet<string>;
}
const NOTHING: Declared = { fields: [], annotations: new Set(), names: new Set() };

interface Walk {
  /** Of an API that may keep plain strings anywhere. */
  custom: boolean;
  annotations: ReadonlySet<string>;
  names: ReadonlySet<string>;
  /** Did somebody declare to read what lies here? */
  isDeclared(path: readonly string[]): boolean;
}

export function redactObject(object: Raw, declared: Declared = NOTHING): Raw {
  const { metadata, ...rest } = object;
  const walk = walkOf(object, declared);
  const body = redactBody(object, rest, walk);
  if (metadata === undefined) return body;
  return { ...body, metadata: isRaw(metadata) ? redactMetadata(metadata, walk, isRecord(object)) : REDACTED };
}

function walkOf(object: Raw, { fields, annotations, names }: Declared): Walk {
  const group = groupOf(String(object.apiVersion ?? ''));
  const paths = fields === 'whole' ? [[]] : fields.map(parseField);
  return {
    custom: group.includes('.') && !group.endsWith('.k8s.io'),
    annotations,
    names,
    isDeclared: (path) => paths.some((shorter) => shorter.length <= path.length && shorter.every((key, at) => key === path[at])),
  };
}

function redactBody(object: Raw, rest: Raw, walk: Walk): Raw {
  const group = groupOf(String(object.apiVersion ?? ''));
  if (group === '' && object.kind === 'Secret') return emptiedSecret(rest);
  if (group === '' && object.kind === 'ConfigMap') return { ...rest, ...redactedParts(rest, ['data', 'binaryData'], redact) };
  // Schemas name many a `token` and hold none; they are public, and verdicts hang on every word of them.
  if (group === 'apiextensions.k8s.io') return redactMarkedIn(rest) as Raw;
  if (object.kind === 'List' && Array.isArray(rest.items)) {
    return { ...rest, items: rest.items.map((item) => (isRaw(item) ? redactObject(item) : REDACTED)) };
  }
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      key === 'apiVersion' || key === 'kind' ? redactMarkedIn(value) : redactField(key, value, [key], walk),
    ]),
  );
}

/** A Secret or ConfigMap in which Helm keeps a release. */
function isRecord({ kind, metadata, apiVersion }: Raw): boolean {
  if (groupOf(String(apiVersion ?? '')) !== '') return false;
  return kind === 'Secret' || (kind === 'ConfigMap' && isRaw(metadata) && isRaw(metadata.labels) && metadata.labels.owner === 'helm');
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

function redactMetadata(metadata: Raw, walk: Walk, record = false): Raw {
  const { annotations, labels } = metadata;
  const clean = { ...metadata };
  if (isRaw(annotations)) {
    const kept = Object.entries(annotations).filter(([key]) => !COPIES.test(key) || walk.annotations.has(key));
    clean.annotations = Object.fromEntries(kept.map(([key, value]) => [key, redactAnnotation(key, value, walk)]));
  }
  if (labels !== undefined) clean.labels = redactLabels(labels, record);
  return clean;
}

function redactLabels(labels: Json, record = false): Json {
  if (!isRaw(labels)) return redactMarkedIn(labels);
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => {
      if (record && !RELEASE_LABELS.has(key)) return [key, REDACTED];
      return [key, typeof value === 'string' ? redactLabel(key, value) : redactLabels(value)];
    }),
  );
}

/** That it is there may matter; what it says is kept only where somebody declared to read it. */
function redactAnnotation(key: string, value: Json, { annotations }: Walk): Json {
  if (typeof value !== 'string') return value;
  if (!annotations.has(key) && !OF_HELM.test(key)) return redact(value, true);
  if (SHAPES[key]) return redactShaped(value, SHAPES[key]);
  // Kubernetes' own say how tokens and secrets are used, never which.
  if (looksSecret(key) && !/(?:^|\.)(?:kubernetes|k8s)\.io\//.test(key)) return redact(value, true);
  if (!/^\s*[[{]/.test(value)) return redactMarked(value);
  try {
    return redactEmbedded(value, parseJson(value));
  } catch {
    return redactText(value);
  }
}

/** JSON in a string: an object's copy is redacted as an object, other JSON as configuration. What holds no secret stays to the letter. */
function redactEmbedded(text: string, value: Json): string {
  return rewritten(text, value, isRaw(value) && typeof value.kind === 'string' ? redactObject(value) : redact(value));
}

function rewritten(text: string, before: Json, after: Json): string {
  const written = JSON.stringify(after);
  return written === JSON.stringify(before) ? text : written;
}

// ---- JSON of which the shape is known -------------------------------------------------------------------------------

/** Words, numbers, addresses and `namespace/name`, each as its reader expects it. */
const WORD = /^[\w.:/@-]{0,320}$/;

/** What is no such JSON stays none; what is odd in it stays odd. */
function redactShaped(text: string, keys: ReadonlySet<string>): string {
  if (text === '') return text;
  try {
    const value = parseJson(text);
    const clean = Array.isArray(value) ? value.map((item) => entryOf(item, keys)) : isRaw(value) ? recordsOf(value, keys) : REDACTED;
    return rewritten(text, value, clean);
  } catch {
    return REDACTED;
  }
}

function recordsOf(records: Raw, keys: ReadonlySet<string>): Raw {
  return Object.fromEntries(Object.entries(records).map(([key, record]) => [redactMarked(key), entryOf(record, keys)]));
}

function entryOf(entry: Json, keys: ReadonlySet<string>): Json {
  if (!isRaw(entry)) return entry === null || typeof entry === 'boolean' ? entry : REDACTED;
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, keys.has(key) ? wordsOf(value) : REDACTED]));
}

function wordsOf(value: Json): Json {
  if (Array.isArray(value)) return value.map(wordsOf);
  if (typeof value === 'string') return WORD.test(value) ? redactMarked(value) : REDACTED;
  return isRaw(value) ? {} : value;
}

// ---- everything else ------------------------------------------------------------------------------------------------

function redactMarkedIn(value: Json): Json {
  if (typeof value === 'string') return redactMarked(value);
  if (Array.isArray(value)) return value.map(redactMarkedIn);
  return isRaw(value) ? mapValues(value, redactMarkedIn) : value;
}

function redactTyped(value: Json, path: readonly string[], walk: Walk): Json {
  if (typeof value === 'string') return walk.custom && !walk.isDeclared(path) ? redact(value, true) : redactMarked(value);
  if (Array.isArray(value)) return value.map((item) => redactTyped(item, path, walk));
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactField(key, inner, [...path, key], walk)]));
}

function redactField(key: string, value: Json, path: readonly string[], walk: Walk): Json {
  if (key === 'metadata' && isRaw(value)) return redactMetadata(value, walk);
  if (LABELS.has(key) && isRaw(value)) return redactSelector(value);
  // `envs`: of Plans of the system-upgrade-controller.
  if ((key === 'env' || key === 'envs') && Array.isArray(value)) return value.map(redactVariable);
  if ((key === 'args' || key === 'command') && isStrings(value))
    return redactWords(value, key === 'command', walk.isDeclared(path) ? walk.names : new Set());
  if (key === 'conditions' && walk.custom && Array.isArray(value)) return value.map((condition) => redactCondition(condition, path, walk));
  if (key === 'httpHeaders' && Array.isArray(value)) return value.map(redactVariable);
  if (key === 'httpGet' && isRaw(value)) return redactProbe(value, path, walk);
  if (OPTIONS.has(key) && isRaw(value)) return redact(value);
  if (typeof value === 'string') {
    if (key === 'message') return walk.isDeclared(path) ? redactText(value) : redact(value, true);
    if (SHAPES[key]) return redactShaped(value, SHAPES[key]);
    if (walk.custom && looksSecret(key)) return redact(value, true);
    // Chart values in a HelmChart of K3s: YAML in a string.
    if (walk.custom && value.includes('\n')) return redactText(value);
  }
  // Records as Spiderpool wrote them up to 0.3.7: an object.
  if (SHAPES[key] && isRaw(value)) return recordsOf(value, SHAPES[key]);
  return redactTyped(value, path, walk);
}

/** `prepare` of a Plan waits for another Plan, which its arguments name. */
function redactWords(words: readonly string[], program: boolean, names: ReadonlySet<string>): string[] {
  const clean = redactCommand(words, program);
  return words.map((word, at) => (names.has(word) ? word : clean[at]!));
}

/** Of a failed Job the system-upgrade-controller says there on which Node; whatever else stands in a message, no verdict hangs on it. */
function redactCondition(condition: Json, path: readonly string[], walk: Walk): Json {
  const clean = redactTyped(condition, path, walk);
  return isRaw(clean) && isRaw(condition) && condition.message !== undefined && condition.reason !== 'JobFailed'
    ? { ...clean, message: redact(condition.message, true) }
    : clean;
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

function redactProbe(probe: Raw, at: readonly string[], walk: Walk): Json {
  const clean = redactTyped(probe, at, walk) as Raw;
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
