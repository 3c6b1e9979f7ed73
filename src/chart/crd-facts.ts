// What a system says about the CRDs of its chart, and which of them an upgrade wants: those of the chart that was given, else those of a table.
import type { Severity } from '../engine/contracts.ts';
import type { Chart } from '../helm/contracts.ts';
import { type CrdKnowledge, crdsByChart, crdsByTable, type WantedCrd } from './crds.ts';

export interface CrdFacts {
  table: CrdKnowledge;
  /** Is this CRD the system's own, and not one of other software that its chart brings along? */
  isOwn(crd: string): boolean;
  severity(crd: string, state: 'missing' | 'older' | 'stored'): Severity;
}

/** A CRD of the system that the chart lacks, although that version has it, is wanted as the table has it. undefined: nothing is known of that version. */
export function wantedCrds({ table, isOwn }: CrdFacts, version: string, chart: Chart | undefined): WantedCrd[] | undefined {
  const known = crdsByTable(table, version);
  if (!chart) return known;
  const wanted = crdsByChart(chart.crds);
  if (!known) return wanted.some(({ name }) => isOwn(name)) ? wanted : undefined;
  const lacking = known.filter(({ name }) => isOwn(name) && !wanted.some((each) => each.name === name));
  return [...wanted, ...lacking];
}

export const noCrds = (target: string) => ({
  en: `no CRD data for ${target} in this version of upgrade-guard; pass its chart with --chart`,
  zh: `当前版本的 upgrade-guard 没有 ${target} 的 CRD 数据；请用 --chart 指定该版本的 chart`,
});
export const INSTALLED = { en: 'target version is already installed', zh: '目标版本已安装' };
export const NO_VERSION = { en: 'installed version unknown', zh: '当前版本未知' };
