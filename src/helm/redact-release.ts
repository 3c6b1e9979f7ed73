// Helm's release records without their secrets, for snapshots. Apart from reading them, since it needs a YAML parser, which is slow to load.
import { parseDocument, stringify } from 'yaml';
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw, withinDepth } from '../kube/json.ts';
import { REDACTED, redact, redactMarked, redactText } from '../text/redact.ts';
import { redactObject } from './redact-object.ts';
import { redactDefaults, redactSettings } from './redact-values.ts';
import { objectAt, type Release, textAt } from './release.ts';

/** The record without its secrets: values by their keys and by what the chart has, Secrets in manifest and hooks emptied, environments, notes. */
export function redactRelease({ raw }: Release): Raw {
  const chart = only(objectAt(raw.chart), CHART);
  const info = only(objectAt(raw.info), INFO);
  const values = chart.values === undefined ? undefined : redactDefaults(chart.values);
  return replaced(only(raw, RELEASE), {
    config: (config) => redactSettings(config, chart.values, values),
    manifest: (manifest) => redactManifest(textAt(manifest)),
    hooks: (hooks) => (Array.isArray(hooks) ? hooks.map(redactHook) : hooks),
    // Notes greet with passwords.
    info: () =>
      replaced(info, {
        notes: () => REDACTED,
        description: (text) => redactDescription(textAt(text)),
        resources: (resources) => redactResources(resources),
      }),
    chart: () => replaced(chart, { metadata: redactChart, values: () => values!, templates: redactFiles, files: redactFiles }),
  });
}

/** What Helm 3 and 4 write (pkg/release/v1, pkg/chart/v2); other keys are not kept. */
const RELEASE = new Set(['name', 'info', 'chart', 'config', 'manifest', 'hooks', 'version', 'namespace', 'apply_method']);
const INFO = new Set(['first_deployed', 'last_deployed', 'deleted', 'description', 'status', 'notes', 'resources', 'rollback_revision']);
const CHART = new Set(['metadata', 'lock', 'templates', 'values', 'schema', 'files']);
const only = (object: Raw, keys: ReadonlySet<string>): Raw => Object.fromEntries(Object.entries(object).filter(([key]) => keys.has(key)));

/** Helm's own sentences (pkg/action: install.go, upgrade.go, rollback.go, uninstall.go); the user may give another with --description. */
const DESCRIPTION =
  /^(?:Install complete|Initial install underway|Upgrade complete|Preparing upgrade|Rollback to \d+|Deletion in progress \(or silently failed\)|Uninstallation complete|Dry run complete)$/;
/** Behind it comes what the API server said. */
const FAILED = /^((?:Upgrade|Release|Rollback|Installation) "[\w.-]{1,100}" failed)\b/;
const redactDescription = (text: string): string => (text === '' || DESCRIPTION.test(text) ? text : (FAILED.exec(text)?.[1] ?? REDACTED));

function redactChart(metadata: Json): Json {
  const clean = redact(metadata);
  return isRaw(clean) && isRaw(clean.annotations) ? { ...clean, annotations: redact(clean.annotations, true) } : clean;
}

function replaced(object: Raw, how: Record<string, (value: Json) => Json>): Raw {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, Object.hasOwn(how, key) ? how[key]!(value) : value]));
}

function redactHook(hook: Json): Json {
  return isRaw(hook) ? replaced(hook, { manifest: (manifest) => redactManifest(textAt(manifest)) }) : hook;
}

/** Objects by kind, as `helm status --show-resources` stores them. */
function redactResources(resources: Json): Json {
  return isRaw(resources)
    ? Object.fromEntries(
        Object.entries(resources).map(([kind, items]) => [
          kind,
          Array.isArray(items) ? items.map((item) => (isRaw(item) ? redactObject(item) : item)) : items,
        ]),
      )
    : resources;
}

/** A chart's files are base64. Templates and CRDs keep their text but for what is a secret by its shape. */
function redactFiles(files: Json): Json {
  return Array.isArray(files)
    ? files.map((file) => (isRaw(file) ? replaced(file, { data: (data) => redactFile(textAt(file.name), textAt(data)) }) : file))
    : files;
}

function redactFile(name: string, data: string): string {
  const bytes = Buffer.from(data, 'base64');
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) return data;
  const clean = /^(?:templates|crds)\/|\.tpl$/.test(name) ? redactMarked(text) : redactText(text);
  return clean === text ? data : Buffer.from(clean).toString('base64');
}

/** Only documents that hold something to take out are parsed: YAML is slow, and the others stay to the letter. */
export function redactManifest(manifest: string): string {
  return manifest
    .split(/^(?=---(?:\s|$))/m)
    .map(redactDocument)
    .join('');
}

// Kinds, groups of custom resources and keys whose values are redacted; in JSON notation too. A Secret inside a List is found by its kind as well.
const SECRETIVE =
  /\bkind["']?\s*:\s*["']?(?:Secret|ConfigMap)\b|\bapiVersion["']?\s*:\s*["']?(?![\w.-]+\.k8s\.io\/)[\w-]+\.[\w.-]+\/|^[\s-]*["']?(?:envs?|args|command|annotations|httpHeaders|httpGet)["']?\s*:|last-applied|[{,]\s*["']?(?:envs?|annotations|httpHeaders|httpGet)["']?\s*:/m;

function redactDocument(text: string): string {
  if (!SECRETIVE.test(text)) return redactMarked(text);
  const [, head = '', body = ''] = /^((?:---[^\n]*\n)?(?:#[^\n]*\n)*)([\s\S]*)$/.exec(text) ?? [];
  const value = parsedDocument(body);
  if (value === null) return text;
  if (!isRaw(value)) return `${head}# left out: could not be read, so its secrets could not be taken out\n`;
  const clean = redactObject(value);
  return JSON.stringify(clean) === JSON.stringify(value) ? redactMarked(text) : `${head}${stringify(clean, { version: '1.1' })}`;
}

/** undefined: not YAML, or nested too deeply. */
function parsedDocument(body: string): Json | undefined {
  const document = parseDocument(body, { logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  try {
    const value = document.toJS({ maxAliasCount: 100 }) as Json;
    return withinDepth(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
