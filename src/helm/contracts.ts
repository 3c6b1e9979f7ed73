// Charts, and what helm will be told: what checks of systems that are installed by one look into. The engine knows none of it.
import type { Raw, Text } from '../engine/contracts.ts';

/** A Helm chart, as far as checks look into it. */
export interface Chart {
  name: string;
  version: string;
  /** sha256 of the names and contents of its files, hex: the same of a folder and of its archive. */
  digest: string;
  /** The CRDs of its crds/ directory, then those of the charts that it contains, as helm takes them. */
  crds: Raw[];
  /** values.yaml. */
  values: Raw;
  /** The paths below .Values that its templates name, as --set writes them; '' for all. */
  read: string[];
  /** What its Chart.yaml depends on, and the charts in its charts/ directory. */
  dependencies?: { name: string; version: string; alias?: string }[];
  parts?: Chart[];
}
/** What `helm upgrade` will be told about values. */
export interface Intent {
  /** --values, --set and --set-string, laid together as helm does. */
  given: Raw;
  /** --reuse-values, --reset-values, --reset-then-reuse-values. */
  reuse?: 'reuse' | 'reset' | 'reset-then-reuse';
}
/** `key`: the value at which rendering failed, as --set writes it; `at`: template, line and column; `said`: helm's own words, redacted. */
export type Rendering = { is: 'rendered' } | { is: 'failed'; key?: string; at?: string; said: string } | { is: 'unknown'; why: Text };
/** helm, as far as checks may use it: it renders the chart that was given, and reaches no cluster. */
export interface Templates {
  version: string;
  /** `values`: as a file of values would give them. */
  render(values: Raw, as: { namespace: string; name: string; kubernetes?: string }): Promise<Rendering>;
}
