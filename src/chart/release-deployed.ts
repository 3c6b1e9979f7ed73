// The check release-deployed, for any system that Helm installs: the release is in a state from which helm upgrade starts.
// Source: helm pkg/action/upgrade.go (prepareUpgrade): the status inside the newest record counts, not its label; pending refuses always. Else helm goes on from the newest revision that is
// labelled deployed; where there is none, only from a newest one that is failed or superseded. One storage driver alone is looked at (pkg/action/action.go, Init).
import type { Check, Finding, Page, Refusal, Situation, StepDraft, SystemId, Text } from '../engine/contracts.ts';
import { isGap } from '../engine/gaps.ts';
import { driverOf, history, oddRecords, otherHistory, type ReleaseRecord } from '../helm/records.ts';
import { shellWord } from '../text/shell.ts';
import { decoded, helmFor, RELEASE_BODIES, RELEASE_READS, recordsIn, refOfRecord } from './release.ts';

interface Args {
  release: string;
  namespace: string;
  revision: number;
  status: string;
  /** `two-drivers`: the other driver holds another history, whose newest revision this is. `not-found`: HELM_DRIVER leads helm past the records. */
  state: 'refused' | 'open' | 'two-drivers' | 'not-found';
  /** Where this record lies. */
  kind: string;
  /** Newest revision that was deployed or is superseded by a later one; 0: none. */
  good: number;
}

const PAGE: Page = {
  impact: {
    en: 'helm refuses to upgrade a release whose newest revision is pending (an earlier helm was interrupted or is still running), or that was uninstalled. A failed newest revision can be upgraded, but the last operation did not complete.',
    zh: 'release 的最新修订版本处于 pending 状态（之前的 helm 被中断或仍在运行）或已被卸载时，helm 会拒绝升级。最新修订版本为 failed 时可以升级，但说明上一次操作没有完成。',
  },
  detection: {
    en: 'Reads the labels of the release records, and the status inside the newest record, which helm follows even if the label was edited; if that record is pending, also the status inside the record before it. If a release has records in Secrets and in ConfigMaps, the history that HELM_DRIVER selects is checked, by default the Secrets.',
    zh: '读取 release 记录的标签，以及最新记录（处于 pending 时还包括前一条记录）中的状态：即使标签被改过，helm 也以记录中的状态为准。Secret 和 ConfigMap 中的记录是两份历史；两者都存在时检查 HELM_DRIVER 选择的那一份，默认是 Secret。',
  },
  fix: {
    en: 'Deletes the record of a pending upgrade or rollback, after 10 minutes without activity and with no helm process on this machine. Everything else is manual; fix prints the commands.',
    zh: '删除 pending 的升级或回滚记录（前提：10 分钟内无写入，且本机没有 helm 进程）。其他情况需手动处理，由 fix 给出命令。',
  },
  limits: {
    en: 'From 4.3 on, helm uninstall keeps objects without the annotations meta.helm.sh/release-name and meta.helm.sh/release-namespace of the release, and lists them; an install after it fails while they exist.',
    zh: '从 4.3 起，helm uninstall 会保留没有该 release 注解（meta.helm.sh/release-name 和 meta.helm.sh/release-namespace）的对象并列出它们；它们存在时，随后的安装会失败。',
  },
};

export function releaseDeployed(system: SystemId): Check<typeof RELEASE_READS, Args> {
  return {
    id: `${system}/release-deployed`,
    title: { en: 'Helm release is deployed, no operation pending', zh: 'Helm release 处于 deployed 状态，没有未完成的操作' },
    headline: { en: 'Helm release is not in status deployed', zh: 'Helm release 未处于 deployed 状态' },
    page: PAGE,
    sources: [
      'helm/helm: pkg/action/upgrade.go, pkg/action/action.go',
      'helm/helm: pkg/storage/storage.go, pkg/storage/driver',
      'helm/helm: pkg/action/uninstall.go@v4.3.1 (verifyOwnershipBeforeDelete)',
    ],
    applies: { stage: 'both' },
    reads: RELEASE_READS,
    pointReads: RELEASE_BODIES,
    judge: async (rows, at) => {
      const { installation } = at.path;
      const { helmDriver } = at.cluster;
      if (helmDriver === 'elsewhere') return installation.byHelm ? { unknown: OUTSIDE } : { notApplicable: NO_HELM };
      const [all, namespace, name] = [recordsIn(rows), installation.namespace ?? '', installation.name];
      const gaps = oddRecords(all, namespace, name);
      if (gaps.length) return { findings: [], gaps };
      const records = history(all, namespace, name, helmDriver);
      if (!records.length) return installation.byHelm ? { unknown: NO_RECORD } : { notApplicable: NO_HELM };
      return judged(records, otherHistory(all, namespace, name, helmDriver), at);
    },
    say: (args) => MESSAGES[args.state](args),
    remedy: {
      writes: [{ verbs: ['delete'], group: '', resource: 'secrets' }],
      steps: async (found) =>
        found.map((each) => {
          if (each.severity !== 'blocker') return later(each);
          return isRepairable(each) ? unpend(each) : manual(each);
        }),
    },
  };
}

const MESSAGES: Record<Args['state'], (args: Args) => Text> = {
  refused: ({ namespace, release, revision, status }) => ({
    en: `helm upgrade will fail (${ERROR(status)}): ${namespace}/${release} revision ${revision} is ${status}`,
    zh: `helm upgrade 会失败（${ERROR(status, '“', '”')}）：${namespace}/${release} 修订版本 ${revision} 的状态为 ${status}`,
  }),
  open: ({ namespace, release, revision, status }) => ({
    en: `last operation on ${namespace}/${release} did not complete (revision ${revision} is ${status}); helm can still upgrade it`,
    zh: `${namespace}/${release} 的上一次操作未完成（修订版本 ${revision} 的状态为 ${status}）；helm 仍可升级`,
  }),
  'two-drivers': ({ namespace, release, revision, status, kind }) => ({
    en: `${namespace}/${release} also has records in ${kind}s (revision ${revision} is ${status}); ${kind === 'ConfigMap' ? 'helm uses the ones in Secrets unless HELM_DRIVER is configmap' : 'helm uses the ones in ConfigMaps because HELM_DRIVER is configmap'}`,
    zh: `${namespace}/${release} 在 ${kind} 中还有记录（修订版本 ${revision} 的状态为 ${status}）；${kind === 'ConfigMap' ? '除非 HELM_DRIVER 为 configmap，helm 使用 Secret 中的记录' : 'HELM_DRIVER 为 configmap，因此 helm 使用 ConfigMap 中的记录'}`,
  }),
  'not-found': ({ namespace, release, kind }) => ({
    en: `helm does not find ${namespace}/${release}: its records are in ${kind}s, but HELM_DRIVER is ${otherDriver(kind)}; for helm set HELM_DRIVER=${kind.toLowerCase()}`,
    zh: `helm 找不到 ${namespace}/${release}：其记录在 ${kind} 中，而 HELM_DRIVER 为 ${otherDriver(kind)}；运行 helm 时请设置 HELM_DRIVER=${kind.toLowerCase()}`,
  }),
};

/** What helm says then. */
const ERROR = (status: string, open = '"', close = '"'): string =>
  `${open}${status.startsWith('pending') ? 'another operation (install/upgrade/rollback) is in progress' : 'has no deployed releases'}${close}`;

const otherDriver = (kind: string): string => (kind === 'Secret' ? 'configmap' : 'secret');
const OUTSIDE: Text = {
  en: 'HELM_DRIVER names a store outside the cluster (sql, memory), which cannot be read here; see: helm history',
  zh: 'HELM_DRIVER 指向集群之外的存储（sql、memory），此处无法读取；请用“helm history”查看',
};
const NO_HELM: Text = { en: 'not installed by Helm', zh: '不是由 Helm 安装的' };
const NO_RECORD: Text = {
  en: 'its annotations say Helm, but there is no release record in Secrets or ConfigMaps (HELM_DRIVER=sql keeps them outside the cluster); see: helm history',
  zh: '注解显示由 Helm 安装，但 Secret 和 ConfigMap 中都没有 release 记录（HELM_DRIVER=sql 时记录在集群之外）；请用“helm history”查看',
};

async function judged(
  records: ReleaseRecord[],
  others: ReleaseRecord[],
  { look, cluster: { helmDriver } }: Situation,
): Promise<Finding<Args>[] | { unknown: Text }> {
  const [newest, ...older] = records as [ReleaseRecord, ...ReleaseRecord[]];
  const body = await decoded(newest, look);
  const label = stateOf(newest.status, records, older);
  // What helm would skip is never passed; a label that helm refuses by is enough.
  if (!isGap(body) && 'unknown' in body && label !== 'refused') return body;
  const status = isGap(body) || 'unknown' in body ? newest.status : body.release.status || newest.status;
  const state = stateOf(status, records, older);
  const past = helmDriver && helmDriver !== driverOf(newest) ? [finding(newest, 'not-found', newest.status, [], 'warning')] : [];
  const second = others[0] ? [finding(others[0], 'two-drivers', others[0].status, [], 'notice')] : [];
  if (!state) return [...past, ...second];
  const main = finding(newest, state, status, older, state === 'refused' ? 'blocker' : 'warning');
  // Without the pending record helm goes by the one before it: looked into too, so that a rehearsal, and a snapshot, can tell what comes then.
  const next = older[0] && isRepairable(main) ? await decoded(older[0], look) : undefined;
  const then = next && !isGap(next) && !('unknown' in next) ? [statusSeen(older[0]!, next.release.status || older[0]!.status)] : [];
  return [{ ...main, evidence: [...main.evidence, ...then] }, ...past, ...second];
}

/** undefined: deployed. */
function stateOf(status: string, records: readonly ReleaseRecord[], older: readonly ReleaseRecord[]): 'refused' | 'open' | undefined {
  if (status === 'deployed') return undefined;
  if (status.startsWith('pending-')) return 'refused';
  const goesOn = older.some((each) => each.status === 'deployed') || status === 'failed' || status === 'superseded';
  return goesOn || records[0]!.status === 'deployed' ? 'open' : 'refused';
}

function finding(
  record: ReleaseRecord,
  state: Args['state'],
  status: string,
  older: readonly ReleaseRecord[],
  severity: Finding['severity'],
): Finding<Args> {
  const { namespace, name, revision } = record;
  const good = older.find((each) => each.status === 'deployed') ?? older.find((each) => each.status === 'superseded');
  const at = refOfRecord(record);
  return {
    severity,
    key: [namespace, name, state === 'two-drivers' || state === 'not-found' ? state : status],
    certainty: 'certain',
    objects: [at],
    args: { release: name, namespace, revision, status, state, kind: record.kind, good: good?.revision ?? 0 },
    evidence: [statusSeen(record, status)],
  };
}

const statusSeen = (record: ReleaseRecord, status: string): Finding<Args>['evidence'][number] => ({
  at: refOfRecord(record),
  seen:
    status === record.status
      ? { en: `label status=${status}`, zh: `标签 status=${status}` }
      : { en: `info.status: ${status} (label status=${record.status})`, zh: `info.status: ${status}（标签 status=${record.status}）` },
});

// ---- the remedy -----------------------------------------------------------------------------------------------------

/** Seconds: twice as long as helm takes by default (--timeout 5m) for whatever it waits for, without a write to its record. */
const QUIET = 600;

/** An upgrade or a rollback that was interrupted: without its record, helm goes on from the revision before. A rollback is not always the fix: it fails where the interrupted revision dropped an object. */
const isRepairable = ({ args: { good, status, kind } }: Finding<Args>): boolean =>
  good > 0 && (status === 'pending-upgrade' || status === 'pending-rollback') && kind === 'Secret';

function unpend({ args: { release, namespace, revision, status, good } }: Finding<Args>): StepDraft {
  return {
    ...{ do: 'unpend', release: { namespace, name: release }, revision, quiet: QUIET, guard: [] },
    text: {
      en: `delete the record of ${status} revision ${revision} of ${namespace}/${release} (after 10 min without activity and with no helm process here); helm then continues from revision ${good}`,
      zh: `删除 ${namespace}/${release} 修订版本 ${revision} 的 ${status} 记录（前提：10 分钟内无写入，且本机没有 helm 进程）；之后 helm 从修订版本 ${good} 继续`,
    },
    undo: 'none',
    undoNote: {
      en: `undo: none; what the interrupted helm changed stays until the next upgrade, or until: helm rollback ${shellWord(release)} ${good} -n ${shellWord(namespace)}`,
      zh: `无法撤销：中断的 helm 已做的更改会保留，直到下一次升级，或执行：helm rollback ${shellWord(release)} ${good} -n ${shellWord(namespace)}`,
    },
  };
}

function manual({ args: { release, namespace, revision, good, kind }, objects }: Finding<Args>): StepDraft {
  const helm = helmFor(kind === 'ConfigMap' ? 'configmap' : undefined);
  const [it, at, record] = [release, namespace, objects[0]!.name].map(shellWord);
  const commands = good
    ? [
        `${helm} history ${it} -n ${at}`,
        `${helm} rollback ${it} ${good} -n ${at}`,
        `kubectl delete ${objects[0]!.kind.toLowerCase()} ${record} -n ${at}`,
      ]
    : [`${helm} history ${it} -n ${at}`, `${helm} uninstall ${it} -n ${at}`];
  return {
    do: 'manual',
    commands,
    seen: [{ on: objects[0]!, must: 'be-gone' }],
    guard: [],
    text: good
      ? {
          en: `make sure that no helm is running, then roll ${namespace}/${release} back to revision ${good}; if that fails, delete the record of revision ${revision} instead`,
          zh: `确认没有 helm 在运行，然后将 ${namespace}/${release} 回滚到修订版本 ${good}；如果回滚失败，则改为删除修订版本 ${revision} 的记录`,
        }
      : {
          en: `make sure that no helm is running; ${namespace}/${release} was never deployed: uninstall it, delete what helm 4.3 lists as not deleted, and install again`,
          zh: `确认没有 helm 在运行；${namespace}/${release} 从未部署成功：请卸载，删除 helm 4.3 列出的未删除对象，然后重新安装`,
        },
    undo: 'none',
  };
}

/** What does not keep helm from upgrading: the next helm upgrade finishes it, cleans it up or reports it. */
function later({ args: { release, namespace, good, kind, state }, objects }: Finding<Args>): Refusal {
  const helm = helmFor(kind === 'ConfigMap' ? 'configmap' : undefined);
  const [it, at] = [release, namespace].map(shellWord);
  const left = (refused: Text, command: string): Refusal => ({ as: 'manual', refused, objects, command });
  if (state === 'not-found')
    return left(
      { en: `set HELM_DRIVER=${kind.toLowerCase()} for helm`, zh: `运行 helm 时设置 HELM_DRIVER=${kind.toLowerCase()}` },
      `${helm} history ${it} -n ${at}`,
    );
  if (state === 'two-drivers')
    return left(
      { en: `delete the records in ${kind}s if they are not needed any more`, zh: `如果不再需要，删除 ${kind} 中的记录` },
      `kubectl get ${kind.toLowerCase()}s -l owner=helm,name=${it} -n ${at}`,
    );
  return left(
    {
      en: `repeat the upgrade${good ? `, or roll back to revision ${good}` : ''}`,
      zh: `重新执行升级${good ? `，或回滚到修订版本 ${good}` : ''}`,
    },
    good ? `${helm} rollback ${it} ${good} -n ${at}` : `${helm} history ${it} -n ${at}`,
  );
}
