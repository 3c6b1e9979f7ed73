// Before anything else: what the checks found that bites on the way to this minor, and the urgent notes of its changelog; and how kube-controller-manager can be treated, with
// the price of either. Nothing shows that they were read: a person confirms it.
import type { StageDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { oneLine } from '../../text/sanitise.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import type { ClusterParts } from './upgrade-parts.ts';
import { type Hop, manual } from './upgrade-steps.ts';

const CHANGELOG = 'https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-';

/** Only of a new minor. */
export function notesStage(hop: Hop, at: Pick<Upgrading, 'found' | 'stopController' | 'logVerbosity'>, parts: ClusterParts): StageDraft[] {
  if (!isNewMinor(hop)) return [];
  const found = (at.found ?? []).map(({ check, findings }) => ({
    check,
    findings: findings.filter((each) => !each.accepted && (each.hop === undefined ? hop.first : each.hop === hop.hop)),
  }));
  const concerned = found.filter(({ findings }) => findings.length);
  const count = concerned.reduce((sum, { findings }) => sum + findings.length, 0);
  const to = minor(minorOf(hop.version));
  const none: Text = {
    en: `read the urgent upgrade notes in the changelog of ${to}; the checks found nothing that concerns this cluster`,
    zh: `阅读 ${to} 更新日志中的紧急升级说明；检查没有发现与该集群有关的问题`,
  };
  const some: Text = {
    en: `read what ${to} changes for this cluster: ${count} ${count === 1 ? 'finding' : 'findings'} of ${concerned.length} ${concerned.length === 1 ? 'check' : 'checks'}, and the urgent upgrade notes of its changelog`,
    zh: `阅读 ${to} 对该集群的影响：${concerned.length} 个检查项的 ${count} 个问题，以及其更新日志中的紧急升级说明`,
  };
  const commands = [
    ...concerned.map(({ check, findings }) => `kubectl upgrade-guard explain ${check}   # ${oneLine(findings[0]!.message.en, 200)}`),
    `# ${CHANGELOG}${to}.md#urgent-upgrade-notes`,
    ...(parts.by ? [] : WAY_BACK(hop).map((line) => `# ${line}`)),
    ...(parts.by
      ? []
      : [
          `# ${at.logVerbosity === undefined ? LOGS : `log verbosity of the API servers: ${at.logVerbosity} until the upgrade is over (--log-verbosity)`}`,
        ]),
    ...(parts.by ? [] : CONTROLLER(at.stopController === true, parts.kubeadm).map((line) => `# ${line}`)),
  ];
  return [
    { hop: hop.hop, first: true, title: { en: `Notes for ${to}`, zh: `${to} 的说明` }, steps: [manual(count ? some : none, commands)] },
  ];
}

export const isNewMinor = ({ version, before }: Pick<Hop, 'version' | 'before'>): boolean => minorOf(version) > minorOf(before);

/** How long it holds, stage by stage. Source: kubernetes/website version-skew-policy.md; an API server of the new minor stores objects that the old one may not read. */
const WAY_BACK = ({ before, version }: Hop): string[] => [
  `way back to ${before}: until the first API server is ${version}, nothing has to be restored`,
  `way back to ${before}: from then on the backup of etcd, without what was written since; kubeadm's own copy is not one (kubernetes#143087)`,
  `way back of a kubelet to ${before}: at any time, on a drained Node; it may be older than the API servers`,
];

const LOGS =
  'log verbosity: unchanged; to raise it for as long as the upgrade lasts: --log-verbosity 4 (API servers), --kubelet-log-verbosity 4';

/** The argument of the in-place guide, and its price. */
const CONTROLLER = (stopped: boolean, kubeadm: boolean): string[] =>
  kubeadm
    ? ['kube-controller-manager: kubeadm upgrades it with the API server of its Node, and needs its manifest']
    : [
        'kube-controller-manager must not be newer than any API server: it is upgraded behind all of them',
        'stopped meanwhile, it cannot act on what a half-upgraded control plane shows it; but until it is back no endpoints, rollouts, Node evictions or garbage collection happen',
        stopped ? 'chosen: stop it (--stop-controller-manager)' : 'chosen: leave it running; to stop it: --stop-controller-manager',
      ];
