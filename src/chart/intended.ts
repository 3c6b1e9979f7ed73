// The upgrade that is meant, as far as it is helm's: the chart and the values that were given. Made from the flags, handed on by the engine unread, read by the checks of chart/ and of systems.
import type { Gap, Installation, Raw, Situation } from '../engine/contracts.ts';
import type { ExamineOptions } from '../engine/examine.ts';
import { isGap } from '../engine/gaps.ts';
import type { Chart, Intent, Rendering, Templates } from '../helm/contracts.ts';

/** What was given; the same for all systems. */
export interface HelmMeant {
  /** Of the system whose chart it is. */
  chart?: Chart;
  /** What the upgrade will be told about values; undefined: nothing. */
  intent?: Intent;
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
  ({ chart: given, intent, templates }: HelmMeant): NonNullable<ExamineOptions['intended']> =>
  (system, installation, server): HelmIntended => {
    const chart = given?.name === system.chart ? given : undefined;
    return { chart, intent, helm: chart && templates && bound(templates, installation, server) };
  };

export const intendedOf = ({ intended }: Pick<Situation, 'intended'>): HelmIntended => (intended ?? {}) as HelmIntended;

function bound(templates: Templates, { namespace = '', name }: Installation, server: string | Gap): HelmIntended['helm'] {
  const kubernetes = isGap(server) ? undefined : server;
  return { version: templates.version, render: (values) => templates.render(values, { namespace, name, kubernetes }) };
}
