// The last line: what was found over all clusters, or why that is not said.
import type { Text } from '../engine/contracts.ts';
import { SEVERITIES, type Summary } from '../engine/verdict.ts';
import { counted, type Face } from './face.ts';
import { ACCEPTED, listed, severityCount } from './words.ts';

/** Over all these clusters. `looked`: there was something to check at all. `left`: installations left out; `failed`: clusters that could not be looked at; `unread`: manifests that no check has read; `alone`: only manifests were; `back`: the way back alone is asked about. */
export function sumOf(
  summaries: readonly Summary[],
  looked: boolean,
  { language }: Face,
  { left = 0, failed = 0, unread = 0, alone = false, back = false } = {},
): string {
  const total = (count: (summary: Summary) => number) => summaries.reduce((sum, summary) => sum + count(summary), 0);
  const counts = SEVERITIES.map((severity) => ({ severity, count: total(({ findings }) => findings[severity]) })).filter(
    ({ count }) => count,
  );
  const [accepted, unknown] = [total((each) => each.accepted), total(({ checks }) => checks.unknown + checks['not-looked-at'])];
  const parts = counts.map(({ severity, count }) => severityCount(severity, count)[language]);
  if (accepted) parts.push(ACCEPTED(accepted)[language]);
  if (unknown) parts.push({ en: `${unknown} unknown`, zh: `${unknown} 项未知` }[language]);
  if (left) parts.push({ en: `${counted(left, 'installation', '').en} left out by -n`, zh: `${left} 个安装实例被 -n 排除` }[language]);
  if (failed) parts.push({ en: `${counted(failed, 'cluster', '').en} not checked`, zh: `${failed} 个集群无法检查` }[language]);
  if (unread) parts.push({ en: `${counted(unread, 'manifest', '').en} not checked`, zh: `${unread} 份清单未检查` }[language]);
  if (parts.length) return listed(parts, language) + { en: '.', zh: '。' }[language];
  const applied = total(({ checks }) => checks.passed);
  return (alone ? CLEAN_ALONE : !looked ? EMPTY : !applied ? NONE_APPLY : back ? CLEAN_BACK : CLEAN)[language];
}

const CLEAN: Text = { en: 'No problems found. All checks ran completely.', zh: '未发现问题，全部检查均已完成。' };
/** A cluster that is broken as it is has no problem there. */
const CLEAN_BACK: Text = {
  en: 'The way-back checks found nothing. Not checked: the rest of the cluster (run check without --back-to), and whether a backup exists where restoring one is the only way back (etcd).',
  zh: '针对回退的检查未发现问题。未检查：集群的其他状态（去掉 --back-to 即可检查）；只能通过恢复 etcd 备份回退时，备份是否存在。',
};
const CLEAN_ALONE: Text = { en: 'No problems found in these manifests.', zh: '这些清单中未发现问题。' };
/** No check could run on manifests alone. */
export const BLIND: Text = {
  en: 'None of the checks could run on these manifests alone.',
  zh: '仅凭这些清单，没有可以运行的检查项。',
};
export const BLIND_TARGETLESS: Text = {
  en: 'None of the checks could run without a cluster or a target version.',
  zh: '没有集群，也没有目标版本：没有可以运行的检查项。',
};
const NONE_APPLY: Text = { en: 'No check applies.', zh: '没有适用的检查项。' };
const EMPTY: Text = { en: 'Nothing to check: none of these systems was found.', zh: '没有可检查的内容：未找到这些系统。' };
