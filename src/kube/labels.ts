// Label selectors as kubectl's -l has them: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas.
import type { Raw } from '../engine/contracts.ts';
import { isRaw } from './json.ts';

export type LabelSelector = (object: Raw) => boolean;
type Labels = (key: string) => string | undefined;

const KEY = '[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?';
const SET = new RegExp(String.raw`^(${KEY})\s+(in|notin)\s+\(([^()]*)\)$`);
const EQUALITY = new RegExp(String.raw`^(${KEY})\s*(==|=|!=)\s*([A-Za-z0-9_.-]*)$`);
const EXISTS = new RegExp(String.raw`^(!?)\s*(${KEY})$`);

/** A malformed selector is a bug of the check that declares it. Without one, everything matches. */
export function labelSelector(selector: string | undefined): LabelSelector {
  if (selector === undefined || selector.trim() === '') return () => true;
  const terms = selector.split(/,(?![^(]*\))/).map((term) => requirement(term.trim(), selector));
  return (object) => {
    const labels = labelsOf(object);
    return terms.every((holds) => holds(labels));
  };
}

/** The labels that a selector looks at. */
export const selectedLabels = (selector: string | undefined): string[] =>
  (selector ?? '')
    .split(/,(?![^(]*\))/)
    .flatMap((term) => [SET, EQUALITY].map((form) => form.exec(term.trim())?.[1]).find(Boolean) ?? EXISTS.exec(term.trim())?.[2] ?? []);

function requirement(term: string, selector: string): (labels: Labels) => boolean {
  const set = SET.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    // notin, like !=, also holds where the label is missing.
    return (labels) => values.has(labels(key) as string) === (operator === 'in');
  }
  const equality = EQUALITY.exec(term);
  if (equality !== null) {
    const [, key = '', operator, value] = equality;
    return (labels) => (labels(key) === value) === (operator !== '!=');
  }
  const exists = EXISTS.exec(term);
  if (exists === null) throw new Error(`not a label selector: ${selector}`);
  const [, not, key = ''] = exists;
  return (labels) => (labels(key) !== undefined) === (not === '');
}

function labelsOf(object: Raw): Labels {
  const labels = isRaw(object.metadata) ? object.metadata.labels : undefined;
  return (key) => {
    const value = isRaw(labels) && Object.hasOwn(labels, key) ? labels[key] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
}
