// What a system says about the chart that installs it; the checks of this folder are made from it.
import type { Raw, SystemId } from '../engine/contracts.ts';
import type { KnownValues, ValueFacts } from './values.ts';

export interface ChartFacts {
  system: SystemId;
  /** `name` of its Chart.yaml. */
  chart: string;
  /** URL of the Helm repository. */
  repository: string;
  facts: ValueFacts;
  /** By a table of the releases; undefined: it does not have that version, or there is no table. */
  values?(version: string): KnownValues | undefined;
  /** What values.schema.json of a version refuses, as helm would; undefined: not known. */
  refused?(version: string, values: Raw, whole: boolean): Refused[] | undefined;
}

/** `unknown`: the schema is closed and does not have the key; `required`: the key is missing. */
export interface Refused {
  path: string[];
  why: 'unknown' | 'required';
}
