// Values as helm reads them from YAML: its parser speaks YAML 1.1 (`yes` and `on` are true, 0644 is octal), but knows neither dates nor base 60.
// Source: sigs.k8s.io/yaml over go-yaml v2 (resolve.go), as pkg/cli/values and pkg/chart/loader use it.
import { parseAllDocuments, type Tags } from 'yaml';
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw, withinDepth } from '../kube/json.ts';
import { mergeMaps, type Rules } from './values.ts';

/** Throws Error for what is not YAML, not a map, or a trap. */
export function readValues(text: string, documents: Rules['documents']): Raw {
  const all = [...parseAllDocuments(text, { version: '1.1', customTags: asInGo, logLevel: 'silent', uniqueKeys: false })];
  const values = (documents === 'first' ? all.slice(0, 1) : all).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value = document.toJS({ maxAliasCount: 100 }) as Json;
    if (!withinDepth(value)) throw new Error('nested too deeply');
    if (!finite(value)) throw new Error('.inf and .nan are not valid values');
    if (value !== null && !isRaw(value)) throw new Error('not a map');
    return value ?? {};
  });
  return values.reduce<Raw>((below, above) => mergeMaps(below, above), {});
}

const LEFT_OUT = new Set(['timestamp', 'binary', 'set', 'omap', 'pairs'].map((name) => `tag:yaml.org,2002:${name}`));
/** Texts in disguise, and the octal numbers of YAML 1.2. */
const TAKEN_IN: Exclude<Tags[number], string>[] = [
  { tag: 'tag:yaml.org,2002:binary', resolve: (text: string) => Buffer.from(text, 'base64').toString() },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[+-]?0o[0-7]+$/,
    resolve: (text: string) => Number(text.replace(/^[+-]/, '')) * (text.startsWith('-') ? -1 : 1),
  },
];
const asInGo = (tags: Tags): Tags => [
  ...TAKEN_IN,
  ...tags.filter((tag) => typeof tag === 'string' || (!LEFT_OUT.has(tag.tag) && !('format' in tag && tag.format === 'TIME'))),
];

/** JSON has no other numbers, and helm brings values through JSON. */
const finite = (value: Json): boolean =>
  typeof value === 'number' ? Number.isFinite(value) : typeof value !== 'object' || value === null || Object.values(value).every(finite);
