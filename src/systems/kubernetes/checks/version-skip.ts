// An API server must not skip a minor, also where there is only one. Source: kubernetes/website version-skew-policy.md; kubeadm refuses it (phases/upgrade/policy.go).
import type { Check } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';

interface Args {
  from: string;
  to: string;
  /** The minors on the way, the target last. */
  hops: string[];
}

const check: Check<Record<string, never>, Args> = {
  id: 'kubernetes/version-skip',
  title: { en: 'the target version is the next minor version', zh: '目标版本是下一个次要版本' },
  headline: { en: 'the target version is several minor versions ahead', zh: '目标版本高出不止一个次要版本' },
  page: {
    impact: {
      en: 'Kubernetes supports API server upgrades of one minor version at a time. Objects that were stored by an older minor can be unreadable after a jump, and kubeadm refuses it.',
      zh: 'Kubernetes 的 API 服务器只支持每次升级一个次要版本。跳过版本后，旧版本存储的对象可能无法读取；kubeadm 也会拒绝。',
    },
    detection: { en: 'Compares the version of the API server with the target.', zh: '比较 API 服务器的版本与目标版本。' },
    fix: {
      en: 'manual: upgrade to each minor version in turn, and check again before each. The command upgrade kubernetes goes that way by itself; this finding does not stop it.',
      zh: '手动：依次升级到每个次要版本，每次升级前重新检查。“upgrade kubernetes”命令会自动按此顺序进行，本问题不会阻止它。',
    },
    limits: {
      en: 'All other checks already include the changes of every minor on the way.',
      zh: '其他检查项已汇总途经的每个次要版本带来的变化。',
    },
  },
  sources: [
    'kubernetes/website: content/en/releases/version-skew-policy.md',
    'kubernetes/kubernetes: cmd/kubeadm/app/phases/upgrade/policy.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: {},
  judge: (_, { path: { from, to = '', hops } }) =>
    isGap(from)
      ? { findings: [], gaps: [from] }
      : hops.length < 2
        ? []
        : [
            {
              severity: 'blocker',
              key: ['skip'],
              certainty: 'certain',
              objects: [],
              args: { from, to, hops },
              evidence: [{ seen: hops.join(', ') }],
            },
          ],
  say: ({ from, to, hops }) => ({
    en: `${from} → ${to} takes ${hops.length} upgrades, one minor version each: ${hops.join(', ')}`,
    zh: `${from} → ${to} 需要升级 ${hops.length} 次，每次一个次要版本：${hops.join('、')}`,
  }),
};
export default check;
