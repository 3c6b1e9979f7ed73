// The Helm release is in a state from which helm upgrade starts.
// Source: helm pkg/action/upgrade.go (prepareUpgrade): a pending newest revision refuses; without a deployed revision only a failed or superseded newest one goes on.
import type { Check, Finding, Ref, StepDraft } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { history, oddRecords, type ReleaseRecord } from '../../../helm/records.ts';
import { shellWord } from '../../../text/shell.ts';
import { releaseConfigMaps, releaseSecrets } from '../reads.ts';

const reads = { releases: releaseSecrets, releasesInConfigMaps: releaseConfigMaps } as const;

interface Args {
  release: string;
  namespace: string;
  revision: number;
  status: string;
  /** Newest revision that was deployed or is superseded by a later one; 0: none. */
  good: number;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/release-deployed',
  title: { en: 'the Helm release is in a state from which an upgrade can start', zh: 'Helm release 处于可以开始升级的状态' },
  headline: { en: 'no upgrade can start from the state of the Helm release', zh: 'Helm release 当前的状态无法开始升级' },
  page: {
    impact: {
      en: 'helm refuses to upgrade a release whose newest revision is pending (an earlier helm was cut off, or is still running), and one that was uninstalled. A failed newest revision can be upgraded, but says that the last operation did not end well. Read from the labels of the release records; their content is not needed.',
      zh: '如果 release 的最新修订版处于 pending 状态（之前的 helm 被中断或仍在运行），或者已被卸载，helm 会拒绝升级。最新修订版为 failed 时可以升级，但说明上一次操作没有顺利完成。本检查只读取 release 记录的标签，不需要其内容。',
    },
  },
  sources: ['helm/helm: pkg/action/upgrade.go', 'helm/helm: pkg/storage/driver'],
  applies: { stage: 'both' },
  reads,
  judge: ({ releases, releasesInConfigMaps }, { path: { installation } }) => {
    const all = [...releases, ...(isGap(releasesInConfigMaps) ? [] : releasesInConfigMaps)];
    const [namespace, name] = [installation.namespace ?? '', installation.name];
    const gaps = oddRecords(all, namespace, name);
    if (gaps.length) return { findings: [], gaps };
    const records = history(all, namespace, name);
    if (records.length) return judged(records);
    return installation.byHelm ? { unknown: NO_RECORD } : { notApplicable: NO_HELM };
  },
  say: ({ release, namespace, revision, status }) => ({
    en: `release ${namespace}/${release}: revision ${revision} is ${status}`,
    zh: `release ${namespace}/${release}：修订版 ${revision} 的状态为 ${status}`,
  }),
  remedy: {
    writes: [{ verbs: ['delete'], group: '', resource: 'secrets' }],
    steps: async (found) =>
      found.filter(({ severity }) => severity === 'blocker').map((each) => (isRepairable(each) ? unpend(each) : byHand(each))),
  },
};
export default check;

const NO_HELM = { en: 'not installed by Helm', zh: '不是由 Helm 安装的' };
const NO_RECORD = {
  en: 'its annotations say Helm, but there is no release record in Secrets or ConfigMaps (HELM_DRIVER=sql keeps them outside the cluster); look with: helm history',
  zh: '注解显示由 Helm 安装，但 Secret 和 ConfigMap 中都没有 release 记录（HELM_DRIVER=sql 时记录在集群之外）；请用 helm history 查看',
};

/** Statuses from which helm refuses to upgrade. */
const REFUSED = new Set(['pending-install', 'pending-upgrade', 'pending-rollback', 'uninstalling', 'uninstalled', 'unknown']);

function judged([newest, ...older]: ReleaseRecord[]): Finding<Args>[] {
  const { namespace, name, revision, status } = newest!;
  const deployed = older.find((record) => record.status === 'deployed');
  if (status === 'deployed') return [];
  const good = (deployed ?? older.find((record) => record.status === 'superseded'))?.revision ?? 0;
  const on: Ref = { apiVersion: 'v1', kind: newest!.kind, namespace, name: newest!.object };
  return [
    {
      severity: REFUSED.has(status) ? 'blocker' : 'warning',
      key: [namespace, name, status],
      certainty: 'certain',
      objects: [on],
      args: { release: name, namespace, revision, status, good },
      evidence: [{ seen: { en: `label status=${status}`, zh: `标签 status=${status}` }, at: on }],
    },
  ];
}

/** Seconds: twice as long as helm takes by default (--timeout 5m) for whatever it waits for, without a word to its record. */
const QUIET = 600;

/** An upgrade or a rollback that was cut: without its record, helm goes on from the revision before. A rollback is not always the repair: it fails where the cut revision dropped an object. */
const isRepairable = ({ args: { good, status }, objects }: Finding<Args>): boolean =>
  good > 0 && (status === 'pending-upgrade' || status === 'pending-rollback') && objects[0]!.kind === 'Secret';

function unpend({ args: { release, namespace, revision, status, good } }: Finding<Args>): StepDraft {
  return {
    ...{ do: 'unpend', release: { namespace, name: release }, revision, quiet: QUIET, guard: [] },
    text: {
      en: `remove the record of revision ${revision} (${status}) of ${namespace}/${release}: helm then goes on from revision ${good}`,
      zh: `删除 ${namespace}/${release} 修订版 ${revision}（${status}）的记录：之后 helm 从修订版 ${good} 继续`,
    },
    undo: 'none',
    undoNote: {
      en: `what that helm had already changed stays until the next upgrade, or until: helm rollback ${shellWord(release)} ${good} -n ${shellWord(namespace)}`,
      zh: `该 helm 已做的更改会保留，直到下一次升级，或执行：helm rollback ${shellWord(release)} ${good} -n ${shellWord(namespace)}`,
    },
  };
}

function byHand({ args: { release, namespace, revision, good }, objects }: Finding<Args>): StepDraft {
  const [it, at, record] = [release, namespace, objects[0]!.name].map(shellWord);
  const commands = good
    ? [
        `helm history ${it} -n ${at}`,
        `helm rollback ${it} ${good} -n ${at}`,
        `kubectl delete ${objects[0]!.kind.toLowerCase()} ${record} -n ${at}`,
      ]
    : [`helm history ${it} -n ${at}`, `helm uninstall ${it} -n ${at}`];
  return {
    do: 'manual',
    commands,
    seen: [{ on: objects[0]!, must: 'be-gone' }],
    guard: [],
    text: good
      ? {
          en: `make sure that no helm is running, then roll ${namespace}/${release} back to revision ${good}; where that fails, delete the record of revision ${revision} instead`,
          zh: `确认没有 helm 在运行，然后把 ${namespace}/${release} 回滚到修订版 ${good}；如果回滚失败，则改为删除修订版 ${revision} 的记录`,
        }
      : {
          en: `make sure that no helm is running; ${namespace}/${release} was never deployed: uninstall it and install again`,
          zh: `确认没有 helm 在运行；${namespace}/${release} 从未部署成功：请卸载后重新安装`,
        },
    undo: 'none',
  };
}
