// Clients that write objects in a version of their API that a minor on the way does not serve: their next request fails, whatever version the object is declared in.
// From managedFields: who, which version, when. What a server-side apply still declares is of removed-api, unless another manager has written the object since.
// Source: apimachinery pkg/util/managedfields/internal (an old Update entry stays as long as its manager owns a field there).
import type { Check, Finding, Ref, Rows, UpgradePath } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { clientOf } from '../../../kube/owners.ts';
import { type Bites, goingText } from '../apis.ts';
import { type Ahead, aheadOf, hopOf } from '../behind.ts';
import { type Evidence, evidenceOf } from '../evidence.ts';
import { evidentIn, type Written, writtenObjects } from '../written.ts';

interface Args {
  manager: string;
  does: 'applies' | 'updates';
  apiVersion: string;
  kind: string;
  /** Of the last write in this version: `2026-01-31`; '' where managedFields do not say. */
  last: string;
  minor?: string;
  removed: boolean;
  /** By the installed version already; the API servers serve it all the same. */
  still?: true;
}
type Reads = ReturnType<typeof writtenObjects>;

const check: Check<Reads, Args> = {
  id: 'kubernetes/api-writers',
  title: { en: 'clients write objects in API versions that the target version serves', zh: '客户端均以目标版本提供的 API 版本写入对象' },
  headline: { en: 'client wrote in a removed or deprecated API version', zh: '有客户端曾以已移除或已弃用的 API 版本写入' },
  page: {
    impact: {
      en: 'After the upgrade each request of the client in the old version fails with 404: a controller stops reconciling, a CI job fails. A kind without another version, such as PodSecurityPolicy, no longer exists, and what the client did with it stops working.',
      zh: '升级后，客户端以旧版本发出的请求会返回 404：控制器停止调谐，CI 任务失败。没有其他版本的类型（如 PodSecurityPolicy）则随之消失，客户端的相应功能也不再可用。',
    },
    detection: {
      en: 'Reads managedFields of the kinds with an API version that the path removes or deprecates. An Update entry counts, unless since then its manager has written in a newer version, or another manager has applied the object. The control plane, Helm (its records are in removed-api) and writes of status do not count.',
      zh: '对于在升级路径上有 API 版本被移除或弃用的类型，读取其对象的 managedFields。“operation”为“Update”的条目会计入，除非该字段管理器此后以较新的版本写入过，或其他字段管理器此后应用过该对象。控制平面和 Helm（其记录见 removed-api）写入的条目以及对 status 的写入不计入。',
    },
    fix: {
      en: 'manual: upgrade the named client, or remove it. The audit log, or check requested-deprecated-apis, shows whether it still runs.',
      zh: '手动：升级或移除该客户端。可通过审计日志或 requested-deprecated-apis 确认它是否仍在运行。',
    },
    limits: {
      en: 'An Update entry says that a client wrote once, not that it still does. After 10 such entries the API server merges the oldest, and their writer is unknown.',
      zh: '“operation”为“Update”的条目只表示客户端曾经写入，不表示仍在写入。超过 10 个条目后 API 服务器会合并最旧的条目，无法再得知其写入者。',
    },
  },
  sources: ['kubernetes/apimachinery: pkg/util/managedfields/internal', 'kubernetes/api: zz_generated.prerelease-lifecycle.go'],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return writtenObjects();
  },
  judge: async (all: Rows<Reads>, { path, cluster }) => {
    const ahead = await aheadOf({ path, cluster });
    const rows = Object.values(all).flatMap((each) => (isGap(each) ? [] : each));
    const wrote = rows.flatMap((row) => writesIn(row, ahead));
    return [...Map.groupBy(wrote, keyOf).values()].map((same) => finding(same, path));
  },
  say: ({ manager, does, apiVersion, kind, last, minor, removed, still }, { length }) => {
    const objects = { en: `${length} ${kind}${length === 1 ? '' : ' objects'}`, zh: `${length} 个 ${kind}` };
    const client = clientOf(manager);
    const when = { en: last && `, last on ${last}`, zh: last && `（最后一次：${last}）` };
    const gone = goingText({ minor, removed, still });
    return {
      en: `${client.en} ${does === 'applies' ? 'applied' : 'updated'} ${objects.en} as ${apiVersion}${when.en}: ${gone.en}`,
      zh: `${client.zh} 曾以 ${apiVersion} ${does === 'applies' ? '应用' : '更新'} ${objects.zh}${when.zh}：${gone.zh}`,
    };
  },
};
export default check;

interface Wrote {
  ref: Ref;
  evidence: Evidence & { manager: string };
  bites: Bites;
}

/** Writes of which removed-api does not speak. */
function writesIn(row: Written, ahead: Ahead): Wrote[] {
  const { ref } = row;
  return evidenceOf(evidentIn(row), ref.kind, (apiVersion) => ahead(apiVersion, ref.kind) !== undefined).flatMap((evidence) => {
    const { by, overtaken, manager } = evidence;
    if (!manager || !(by === 'update' || overtaken)) return [];
    return [{ ref, evidence: { ...evidence, manager }, bites: ahead(evidence.apiVersion, ref.kind)! }];
  });
}

const keyOf = ({ evidence: { manager, by, apiVersion }, ref }: Wrote): string => [manager, by, apiVersion, ref.kind].join(' ');

function finding(same: Wrote[], path: UpgradePath): Finding<Args> {
  const { ref, evidence, bites } = same[0]!;
  const { manager, by, apiVersion } = evidence;
  const removed = bites.severity === 'blocker';
  const last = Math.max(...same.map(({ evidence: { time } }) => time ?? 0));
  const does = by === 'update' ? 'updates' : 'applies';
  return {
    // Whether the client is still there managedFields do not say.
    severity: removed ? 'warning' : 'notice',
    key: [manager, does, apiVersion, ref.kind],
    certainty: by === 'update' ? 'medium' : 'high',
    objects: same.map(({ ref }) => ref),
    args: {
      manager,
      does,
      apiVersion,
      kind: ref.kind,
      last: last ? dayOf(last) : '',
      minor: bites.minor,
      removed,
      ...(bites.still ? { still: true as const } : {}),
    },
    evidence: same.slice(0, 3).map(({ evidence: { time }, ref }) => ({
      seen: `metadata.managedFields=${manager}/${by}/${apiVersion}${time === undefined ? '' : ` ${dayOf(time)}`}`,
      at: ref,
    })),
    hop: removed ? hopOf(path, bites.minor!) : undefined,
  };
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
