// Alerting and recording rules that ask for metrics of Kubernetes that a minor on the way hides, removes, or strips of a label: the rule matches nothing and says nothing.
// The metrics are rows of knowledge/metrics.json, made from the metric options in the source of the five components.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Rows } from '../../../engine/contracts.ts';
import { alertRules, expressionsIn } from '../alert-rules.ts';
import { metrics } from '../knowledge/tables.ts';

type Metric = ReturnType<typeof metrics>['metrics'][number];
interface Args {
  is: 'removed' | 'hidden' | 'labels';
  metric: string;
  labels: string[];
  hop: string;
  /** '': upstream names none. */
  replacement: string;
}

const check: Check<typeof alertRules, Args> = {
  id: 'kubernetes/metric-renames',
  title: { en: 'alerting rules use metrics that the target version has', zh: '告警规则使用目标版本提供的指标' },
  headline: { en: 'alerting rules use metrics that are removed or renamed', zh: '告警规则使用了被移除或改名的指标' },
  page: {
    impact: {
      en: 'A rule over a metric that no longer exists matches nothing: the alert never fires again, a recording rule stays empty. Nothing reports an error.',
      zh: '指标不再存在后，规则匹配不到任何数据：告警不再触发，记录规则为空，且不会报错。',
    },
    detection: {
      en: 'Searches the expressions of PrometheusRules and VMRules for metrics of the API server, controller manager, scheduler, kubelet and kube-proxy that the path hides or removes, or that lose a label.',
      zh: '在 PrometheusRule 和 VMRule 的表达式中，查找升级路径上被隐藏、被移除或失去标签的 API 服务器、控制器管理器、调度器、kubelet 和 kube-proxy 指标。',
    },
    fix: {
      en: 'manual: change the expression to the replacement before the upgrade. If the rule has to work before and after it, join the old and the new metric with "or".',
      zh: '手动：升级前将表达式改为替代指标。如果规则在升级前后都要有效，可用“or”连接新旧指标。',
    },
    limits: {
      en: 'Dashboards, rule files and metrics of other software are not covered. A hidden metric can be shown for one more minor with --show-hidden-metrics-for-version.',
      zh: '不包括仪表盘、规则文件和其他软件的指标。被隐藏的指标可用 --show-hidden-metrics-for-version 再保留一个次要版本。',
    },
  },
  sources: [
    {
      en: 'kubernetes/kubernetes 1.23.17 to 1.38.0-beta.0: metric options of the five components',
      zh: 'kubernetes/kubernetes 1.23.17 至 1.38.0-beta.0：五个组件的指标选项',
    },
    'kubernetes/component-base: metrics/registry.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: alertRules,
  judge: (rows: Rows<typeof alertRules>, { path: { hops } }) => {
    const rules = expressionsIn(rows).map(({ ref, exprs }) => ({ ref, exprs: exprs.map(wordsOf) }));
    return metrics().metrics.flatMap((metric) => {
      const change = changeOf(metric, hops);
      if (!change) return [];
      const users = rules.filter(({ exprs }) => exprs.some((words) => uses(words, metric.name, change.labels)));
      return users.length ? [foundOf(metric, change, users)] : [];
    });
  },
  say: ({ is, metric, labels, hop, replacement }, { length }) => {
    const use = {
      en: `${length} rule object${length === 1 ? ' uses' : 's use'} metric ${metric}`,
      zh: `${length} 个规则对象使用指标 ${metric}`,
    };
    const instead = replacement ? { en: `; use ${replacement}`, zh: `；请改用 ${replacement}` } : { en: '', zh: '' };
    if (is === 'labels')
      return {
        en: `${use.en}, which loses label ${labels.join(', ')} in ${hop}: the expression matches nothing`,
        zh: `${use.zh}，该指标在 ${hop} 中失去标签 ${labels.join('、')}：表达式匹配不到数据`,
      };
    return is === 'hidden'
      ? { en: `${use.en}: hidden by default in ${hop}${instead.en}`, zh: `${use.zh}：在 ${hop} 中默认隐藏${instead.zh}` }
      : { en: `${use.en}: removed in ${hop}${instead.en}`, zh: `${use.zh}：在 ${hop} 中移除${instead.zh}` };
  },
};
export default check;

/** What is quoted left out. */
const wordsOf = (expr: string): Set<string> => new Set(expr.replace(/"[^"]*"|'[^']*'/g, ' ').match(/[A-Za-z_:][\w:]*/g) ?? []);

/** A histogram is asked for by its parts. */
const PARTS = ['', '_bucket', '_sum', '_count'];
const uses = (words: ReadonlySet<string>, metric: string, labels: readonly string[]): boolean =>
  PARTS.some((part) => words.has(metric + part)) && (!labels.length || labels.some((label) => words.has(label)));

type Change = Pick<Args, 'is' | 'hop' | 'labels'>;

/** The first thing on the way that a rule notices; what was hidden before the path began is gone already. */
function changeOf({ hiddenIn, removedIn, labelsRemoved = [] }: Metric, hops: readonly string[]): Change | undefined {
  if (hiddenIn !== undefined && hops.includes(hiddenIn)) return { is: 'hidden', hop: hiddenIn, labels: [] };
  if (removedIn !== undefined && hops.includes(removedIn))
    return hiddenIn === undefined ? { is: 'removed', hop: removedIn, labels: [] } : undefined;
  const lost = labelsRemoved.find(([minor]) => hops.includes(minor));
  return lost && { is: 'labels', hop: lost[0], labels: [...lost[1]] };
}

const foundOf = ({ name, replacement = '', source }: Metric, change: Change, users: { ref: Ref }[]): Finding<Args> =>
  finding({
    severity: 'warning',
    key: [name, change.is],
    certainty: change.is === 'labels' ? 'medium' : 'high',
    objects: users.map(({ ref }) => ref),
    args: { ...change, metric: name, replacement },
    evidence: [{ seen: `spec.groups[].rules[].expr: ${name}` }, { seen: source }],
    hop: change.hop,
  });
