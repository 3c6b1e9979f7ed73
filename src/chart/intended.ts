// The upgrade that is meant, as far as it is helm's: the chart and the values that were given. Made from the flags, handed on by the engine unread, read by the checks of chart/ and of systems.
import type { Gap, Installation, Raw, Situation, System } from '../engine/contracts.ts';
import type { ExamineOptions } from '../engine/examine.ts';
import { isGap } from '../engine/gaps.ts';
import type { Chart, Intent, Rendering, Templates } from '../helm/contracts.ts';
import { mergeMaps } from '../helm/values.ts';

/** What was given; the same for all systems. */
export interface HelmMeant {
  /** Of the system whose chart it is. */
  chart?: Chart;
  /** What the upgrade will be told about values; undefined: nothing. */
  intent?: Intent;
  /** The registry that all images are to come from. */
  mirror?: string;
  /** Renders that chart. */
  templates?: Templates;
}
/** The same for one installation. */
export interface HelmIntended {
  chart?: Chart;
  intent?: Intent;
  /** Where a chart was given and there is a helm; bound to the installation and the cluster's version. */
  helm?: { version: string; render(values: Raw): Promise<Rendering> };
}

export const intendedBy =
  ({ chart: given, intent, mirror, templates }: HelmMeant): NonNullable<ExamineOptions['intended']> =>
  (system, installation, server): HelmIntended => {
    const chart = given?.name === system.chart ? given : undefined;
    return { chart, intent: intentWith(intent, system, mirror), helm: chart && templates && bound(templates, installation, server) };
  };

export const intendedOf = ({ intended }: Pick<Situation, 'intended'>): HelmIntended => (intended ?? {}) as HelmIntended;

/** With a mirror: the values that the chart takes it from, beside all others. Alone they must not make helm drop those of the release. */
export function intentWith(intent: Intent | undefined, { mirrored }: Pick<System, 'mirrored'>, mirror?: string): Intent | undefined {
  if (mirror === undefined || !mirrored) return intent;
  const { given, reuse } = intent ?? { given: {} };
  return { given: mergeMaps(given, mirrored(mirror)), reuse: reuse ?? (Object.keys(given).length ? undefined : 'reset-then-reuse') };
}

function bound(templates: Templates, { namespace = '', name }: Installation, server: string | Gap): HelmIntended['helm'] {
  const kubernetes = isGap(server) ? undefined : server;
  return { version: templates.version, render: (values) => templates.render(values, { namespace, name, kubernetes }) };
}
