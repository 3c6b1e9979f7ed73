// What a Plan names as its version: none at all, one without a leading v, one that was never released, or a channel that moves by itself.
// Sources: rancher/system-upgrade-controller v0.20.1 pkg/upgrade/plan (ResolveChannel, MungeVersion); tags of k3s-io/k3s-upgrade; k3s-io/k3s issues 11416, 12971, 14282, 14530.
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { oneLine } from '../../../text/sanitise.ts';
import { compare, minorOf, parse } from '../../../versions/k3s.ts';
import { releases } from '../knowledge/tables.ts';
import { planName, upgradesK3s } from '../plans.ts';
import { type PlanRow, plans } from '../reads.ts';

const reads = { plans };
type Is = 'none' | 'spelling' | 'unreleased' | 'channel' | 'both';
interface Args {
  plan: string;
  is: Is;
  version: string;
  channel?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-version',
  title: { en: 'every Plan names a released version', zh: '每个 Plan 都指定了已发布的版本' },
  headline: { en: 'Plans do not name a released version', zh: 'Plan 未指定已发布的版本' },
  page: {
    impact: {
      en: 'The version is the tag of the upgrade image. If there is no such tag, the Job cordons the Node and then waits for the image. A channel is resolved again every 15 minutes and starts an upgrade when it points to another version; if spec.version is set, the channel has no effect.',
      zh: '版本即升级镜像的 tag。若该 tag 不存在，Job 会先封锁节点，然后一直等待镜像。channel 每 15 分钟重新解析一次，其版本变化时即开始升级；同时设置了 spec.version 时，channel 不起作用。',
    },
    detection: {
      en: 'Compares spec.version (which counts more than spec.channel), or else status.latestVersion, with the known releases. Versions newer than the newest known release of their minor are not judged.',
      zh: '将 spec.version（优先于 spec.channel）与已知的版本比较；未设置时比较 status.latestVersion。比该次要版本的最新已知版本还新的版本不作判断。',
    },
    fix: {
      en: 'manual: set spec.version of the Plan to a release of K3s.',
      zh: '手动：将 Plan 的 spec.version 设为 K3s 已发布的某个版本。',
    },
  },
  sources: [
    'rancher/system-upgrade-controller v0.20.1: pkg/upgrade/plan/plan.go',
    'k3s-io/k3s-upgrade: tags',
    'k3s-io/k3s: issues 11416, 12971, 14282, 14530',
  ],
  applies: { stage: 'both' },
  reads,
  judge: (rows) => rows.plans.filter(upgradesK3s).flatMap((plan) => finding(plan, wrongWith(plan)) ?? []),
  say: ({ plan, is, version, channel = '' }) => {
    const { en, zh } = SAID[is](version, channel);
    return { en: `Plan ${plan} ${en}`, zh: `Plan ${plan} ${zh}` };
  },
};
export default check;

function wrongWith({ version, channel, latestVersion }: PlanRow): Is | undefined {
  const named = version ?? latestVersion;
  if (version === undefined && channel === undefined) return 'none';
  if (named === undefined) return 'channel';
  const release = parse(named);
  if (!release || !named.startsWith('v')) return 'spelling';
  const known = releases().releases.filter((each) => minorOf(each) === minorOf(release));
  // Pre-releases are not in the table, nor are patches that came out behind it.
  const judged = known.some((each) => compare(release, each) <= 0) && !/-(?:alpha|beta|rc)/.test(release);
  if (judged && !known.includes(release)) return 'unreleased';
  if (channel === undefined) return undefined;
  return version === undefined ? 'channel' : 'both';
}

function finding(plan: PlanRow, is: Is | undefined): Finding<Args> | undefined {
  if (!is) return undefined;
  const version = oneLine(plan.version ?? plan.latestVersion ?? '', 200);
  const channel = plan.channel === undefined ? undefined : oneLine(plan.channel, 200);
  return {
    severity: is === 'channel' || is === 'both' ? 'notice' : is === 'unreleased' ? 'warning' : 'blocker',
    key: [planName(plan), is],
    certainty: is === 'unreleased' ? 'medium' : 'certain',
    objects: [plan.ref],
    args: { plan: planName(plan), is, version, channel },
    evidence: [{ seen: is === 'channel' || is === 'both' ? `spec.channel: ${channel}` : `spec.version: ${version}`, at: plan.ref }],
  };
}

const SAID: Record<Is, (version: string, channel: string) => Text> = {
  none: () => ({ en: 'has neither spec.version nor spec.channel', zh: '既没有 spec.version，也没有 spec.channel' }),
  spelling: (version) => ({
    en: `names version "${version}", which is not a tag of the K3s upgrade image (vX.Y.Z+k3sN)`,
    zh: `的版本“${version}”不是 K3s 升级镜像的 tag（vX.Y.Z+k3sN）`,
  }),
  unreleased: (version) => ({ en: `names ${version}, for which no upgrade image is known`, zh: `的版本为 ${version}，没有已知的升级镜像` }),
  channel: (_, channel) => ({
    en: `follows channel ${channel}: it starts an upgrade whenever the channel moves`,
    zh: `跟随 channel“${channel}”：channel 的版本一旦变化就会开始升级`,
  }),
  both: (version, channel) => ({
    en: `names version ${version} and channel ${channel}: the version counts, the channel has no effect`,
    zh: `同时指定了版本 ${version} 和 channel“${channel}”：以版本为准，channel 不起作用`,
  }),
};
