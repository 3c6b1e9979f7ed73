// The remedy of removed-api for Helm releases: helm reads the stored manifest in the versions that stand there before it upgrades, and stops with "no matches for kind". Each
// release gets one step for all of its versions. What needs more than another apiVersion is for the chart. Source: helm pkg/action/upgrade.go (performUpgrade, Build of the current manifest).
import type { ApiChange, Cluster, Refusal, Remedy, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { recordBody } from '../../helm/record-column.ts';
import { packedRecord, recordText } from '../../helm/release.ts';
import { RECORD_MAX, revisedRecord, superseded } from '../../helm/revise.ts';
import { groupOf } from '../../kube/refs.ts';
import { isSame } from './rewrites.ts';

export interface RecordOf {
  kind: 'Secret' | 'ConfigMap';
  name: string;
  revision: number;
  next: number;
  /** The newest one, where helm has not ended it. */
  pending?: { name: string; revision: number; status: string };
  /** What became of `revision`, where none of the release is deployed. */
  undeployed?: string;
}
interface Args {
  apiVersion: string;
  kind: string;
  replacement?: string;
  decide?: Text;
  /** NAMESPACE/NAME of the release. */
  manager: string;
  record?: RecordOf;
}

export const inReleases: Remedy<Args> = {
  // The record is helm's alone; that helm owns the objects in it is why it is rewritten.
  lasts: true,
  pointReads: ['secrets', 'configmaps'].map((resource) => ({ resource, columns: [recordBody] })),
  writes: ['secrets', 'configmaps'].map((resource) => ({ verbs: ['create', 'delete', 'get', 'patch'], group: '', resource })),
  steps: async (found, { look, cluster, now }) => {
    const steps: (StepDraft | Refusal)[] = [];
    for (const [manager, all] of Map.groupBy(
      found.filter(({ args }) => args.record),
      ({ args }) => args.manager,
    )) {
      const record = all[0]!.args.record!;
      const refusal = record.pending ? pendingIn(record, manager) : record.undeployed ? undeployed(record, manager) : undefined;
      if (refusal) {
        steps.push({ refused: refusal, objects: all.flatMap(({ objects }) => objects) });
        continue;
      }
      // In the text all objects of a kind change alike: one of them is for a person, and none of them changes.
      const decided = new Set(all.filter(({ args }) => args.decide && args.replacement).map(({ args }) => kindOf(args)));
      const own = all.map((each) => ({ each, change: decided.has(kindOf(each.args)) ? undefined : changeFor(each.args) }));
      for (const { each, change } of own) if (!change) steps.push({ refused: byChart(each.args), objects: each.objects });
      const apis = own.flatMap(({ change }) => change ?? []);
      if (!apis.length) continue;
      const [namespace = '', name = ''] = manager.split('/');
      const objects = own.flatMap(({ each, change }) => (change ? each.objects : []));
      const object = await look.get({ apiVersion: 'v1', kind: record.kind, namespace, name: record.name });
      const text = object && !isGap(object) ? recordText(object) : undefined;
      const revised =
        typeof text === 'string'
          ? revisedRecord(text, apis, { from: record.revision, to: record.next, at: new Date(now) })
          : { refused: UNSEEN };
      // Both are written: the new one, and the old one with its new status.
      const refused = 'refused' in revised ? revised.refused : (tooLarge(revised.text) ?? tooLarge(superseded(text as string)));
      if (refused) steps.push({ refused, objects });
      else steps.push(stepFor({ namespace, name }, record, apis, { count: objects.length, late: !(await served(apis, cluster)) }));
    }
    return steps;
  },
};

const kindOf = ({ apiVersion, kind }: Args): string => `${apiVersion} ${kind}`;

/** undefined: more than its apiVersion has to change. */
function changeFor({ apiVersion, kind, replacement: to }: Args): ApiChange | undefined {
  if (to === undefined) return { apiVersion, kind };
  return isSame({ apiVersion, kind, metadata: { name: kind } }, to) ? { apiVersion, kind, to } : undefined;
}

/** Whether helm could build the new manifest as things stand. */
async function served(apis: readonly ApiChange[], { serves }: Cluster): Promise<boolean> {
  for (const { kind, to } of apis) {
    if (to === undefined) continue;
    const found = await serves(groupOf(to), kind);
    if (found && !isGap(found) && !found.versions.includes(to.split('/').at(-1)!)) return false;
  }
  return true;
}

function stepFor(
  release: { namespace: string; name: string },
  { kind, revision, next }: RecordOf,
  apis: ApiChange[],
  { count, late }: { count: number; late: boolean },
): StepDraft {
  const named = `${release.namespace}/${release.name}`;
  return {
    ...{ do: 'revise', release, records: kind, from: revision, to: next, apis, guard: [] },
    ...(late ? { when: 'after' as const } : {}),
    text: {
      en: `record revision ${next} of Helm release ${named}: revision ${revision} with the API versions of ${count} ${count === 1 ? 'object' : 'objects'} rewritten`,
      zh: `写入 Helm release ${named} 的修订版本 ${next}：内容为修订版本 ${revision}，其中 ${count} 个对象的 API 版本已改写`,
    },
    undo: 'exact',
    undoNote: {
      en: `undo: sets revision ${revision} to deployed again and deletes the record of revision ${next}, unless helm has upgraded the release since`,
      zh: `撤销时：将修订版本 ${revision} 恢复为 deployed 并删除修订版本 ${next} 的记录，除非其间 helm 升级过该 release`,
    },
  };
}

const UNSEEN: Text = { en: 'the record of the release could not be read', zh: '无法读取该 release 的记录' };
const pendingIn = ({ kind, pending }: RecordOf, manager: string): Text => {
  const [at, { name, revision, status }] = [manager.split('/')[0], pending!];
  return {
    en: `revision ${revision} of Helm release ${manager} is ${status}: wait until helm has ended; if no helm runs, delete its record ${kind}/${at}/${name}`,
    zh: `Helm release ${manager} 的修订版本 ${revision} 处于 ${status} 状态：请等待 helm 结束；如果没有 helm 在运行，请删除其记录 ${kind}/${at}/${name}`,
  };
};
const undeployed = ({ revision, undeployed: status }: RecordOf, manager: string): Text => ({
  en: `revision ${revision} of Helm release ${manager} is ${status} and no revision is deployed: upgrade it to a chart without removed API versions, or uninstall it`,
  zh: `Helm release ${manager} 的修订版本 ${revision} 处于 ${status} 状态，且没有 deployed 的修订版本：请升级到不使用已移除 API 版本的 chart，或将其卸载`,
});
const byChart = ({ apiVersion, kind, manager }: Args): Text => ({
  en: `${kind} of ${apiVersion} needs more changes than apiVersion: upgrade Helm release ${manager} to a chart without it, while ${apiVersion} is still served`,
  zh: `${apiVersion} 的 ${kind} 不能只改 apiVersion：请在 ${apiVersion} 仍可用时，将 Helm release ${manager} 升级到不再使用它的 chart`,
});

/** Compressed and base64, as the API server counts it. */
function tooLarge(text: string): Text | undefined {
  const size = packedRecord(text, 'ConfigMap').length;
  if (size <= RECORD_MAX) return undefined;
  const kib = Math.ceil(size / 1024);
  return {
    en: `the record would have ${kib} KiB, and the API server takes ${RECORD_MAX / 1024} KiB: upgrade the release to a chart without the removed API versions instead`,
    zh: `该记录将有 ${kib} KiB，而 API 服务器最多接受 ${RECORD_MAX / 1024} KiB：请改为将该 release 升级到不使用已移除 API 版本的 chart`,
  };
}
