// Taking secrets out of Kubernetes objects. Typed fields stay as they are, since verdicts hang on them; what carries configuration is redacted:
// a Secret's values, environments, command lines, a ConfigMap's data, annotations, and strings in custom resources under secret-looking keys.
import type { Json, Raw } from '../engine/contracts.ts';
import { looksSecret, REDACTED, redact, redactArguments, redactMarked, redactText } from '../text/redact.ts';
import { isRaw, parseJson } from './json.ts';
import { groupOf } from './refs.ts';

/** Annotations that hold a copy of the whole object as somebody applied it, Secrets' values included. */
const COPIES = /last-applied|last-handled|objectset\.rio\.cattle\.io\/applied|kapp\.k14s\.io\/original/;

/** `keep`: annotations with a copy of the object that a check declared to read; redacted alike instead of dropped. */
export function redactObject(object: Raw, keep: ReadonlySet<string> = new Set()): Raw {
  const { metadata, ...rest } = object;
  const body = redactBody(object, rest);
  return isRaw(metadata) ? { ...body, metadata: redactMetadata(metadata, keep) } : metadata === undefined ? body : { ...body, metadata };
}

function redactBody(object: Raw, rest: Raw): Raw {
  const group = groupOf(String(object.apiVersion ?? ''));
  if (group === '' && object.kind === 'Secret') return emptiedSecret(rest);
  if (group === '' && object.kind === 'ConfigMap') return { ...rest, ...redactedParts(rest, ['data', 'binaryData'], redact) };
  // Schemas name many a `token` and hold none; they are public and large.
  if (group === 'apiextensions.k8s.io') return rest;
  if (object.kind === 'List' && Array.isArray(rest.items)) {
    return { ...rest, items: rest.items.map((item) => (isRaw(item) ? redactObject(item) : item)) };
  }
  const custom = group.includes('.') && !group.endsWith('.k8s.io');
  return redactTyped(rest, custom) as Raw;
}

/** A Secret with its keys and without its values. */
function emptiedSecret(secret: Raw): Raw {
  return { ...secret, ...redactedParts(secret, ['data', 'stringData'], (values) => (isRaw(values) ? mapValues(values, () => '') : {})) };
}

function redactedParts(object: Raw, names: readonly string[], redacted: (value: Json) => Json): Raw {
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(object, name) ? [[name, redacted(object[name] as Json)]] : [])));
}

function redactMetadata(metadata: Raw, keep: ReadonlySet<string>): Raw {
  const { annotations } = metadata;
  if (!isRaw(annotations)) return metadata;
  const kept = Object.entries(annotations).filter(([key]) => !COPIES.test(key) || keep.has(key));
  return { ...metadata, annotations: Object.fromEntries(kept.map(([key, value]) => [key, redactAnnotation(key, value)])) };
}

function redactAnnotation(key: string, value: Json): Json {
  if (typeof value !== 'string') return value;
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
  const clean = isRaw(value) && typeof value.kind === 'string' ? redactObject(value) : redact(value);
  const written = JSON.stringify(clean);
  return written === JSON.stringify(value) ? text : written;
}

/** `custom`: of an API that may keep plain strings under secret-looking keys. */
function redactTyped(value: Json, custom: boolean): Json {
  if (typeof value === 'string') return redactMarked(value);
  if (Array.isArray(value)) return value.map((item) => redactTyped(item, custom));
  if (!isRaw(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactField(key, inner, custom)]));
}

function redactField(key: string, value: Json, custom: boolean): Json {
  if (key === 'metadata' && isRaw(value)) return redactMetadata(value, new Set());
  // `envs`: of Plans of the system-upgrade-controller.
  if ((key === 'env' || key === 'envs') && Array.isArray(value)) return value.map(redactVariable);
  if ((key === 'args' || key === 'command') && isStrings(value)) return redactArguments(value);
  if (custom && typeof value === 'string' && looksSecret(key)) return redact(value, true);
  // Chart values in a HelmChart of K3s: YAML in a string.
  if (custom && typeof value === 'string' && value.includes('\n')) return redactText(value);
  return redactTyped(value, custom);
}

function redactVariable(variable: Json): Json {
  return isRaw(variable) && Object.hasOwn(variable, 'value') ? { ...variable, value: REDACTED } : variable;
}

function isStrings(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function mapValues(object: Raw, to: () => Json): Raw {
  return Object.fromEntries(Object.keys(object).map((key) => [key, to()]));
}
