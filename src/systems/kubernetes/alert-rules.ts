// Alerting and recording rules, as several checks read them: those of the Prometheus operator and of VictoriaMetrics.
import type { Ref, Rows } from '../../engine/contracts.ts';
import { seen } from '../../engine/gaps.ts';
import { each, list, word } from '../../engine/read/index.ts';

const RULES = { groups: each('spec.groups', { rules: each('rules', { expr: word('expr', '') }) }) };
export const alertRules = {
  prometheus: list('prometheusrules.monitoring.coreos.com', RULES, { optional: true }),
  victoria: list('vmrules.operator.victoriametrics.com', RULES, { optional: true }),
};

export const expressionsIn = ({ prometheus, victoria }: Rows<typeof alertRules>): { ref: Ref; exprs: string[] }[] =>
  [...seen(prometheus), ...seen(victoria)].map(({ ref, groups }) => ({
    ref,
    exprs: groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
  }));
