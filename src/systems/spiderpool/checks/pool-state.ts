// SpiderIPPools that are being deleted (their finalizer holds them until every IP is released; they give no more), and pools whose counter is not the number of their records.
// Sources: knowledge/notes.json (poolState).
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Raw, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { hot, number, time } from '../../../engine/read/index.ts';
import { countMembers } from '../../../kube/json.ts';
import { satisfies } from '../../../versions/chart.ts';
import { notes } from '../knowledge/tables.ts';
import { entriesOf, POOL_COLUMNS, poolRow, refOfPool } from '../rows.ts';

const COUNT = { deleted: time('metadata.deletionTimestamp'), count: number('status.allocatedIPCount') };

interface PoolState {
  on: Ref;
  deleted: boolean;
  count?: number;
  records: number;
  /** status.allocatedIPs is there at all. */
  written: boolean;
}
interface Args {
  is: 'deleting' | 'drifted';
  pool: string;
  records: number;
  count: number;
  written: boolean;
  /** The next allocation or release of the installed version corrects it. */
  heals: boolean;
}

/** Only what is not in order is held. What cannot be read is named by the checks of the IPs. */
function stateOf(object: Raw): PoolState | undefined {
  const row = poolRow(object);
  const [deleted, count] = [COUNT.deleted.read(object) !== undefined, COUNT.count.read(object)];
  // Nearly every pool is in order, and has up to thousands of records: they are counted, and not read.
  if (!deleted && typeof row.written === 'string' && row.written !== '' && countMembers(row.written) === count) return undefined;
  const { coding, entries } = entriesOf(row);
  const records = Object.keys(entries).length;
  const drifted = coding !== 'unreadable' && count !== undefined && count !== records;
  return deleted || drifted
    ? { on: refOfPool(row), deleted, records, written: row.written !== undefined && row.written !== null, ...(drifted ? { count } : {}) }
    : undefined;
}

const reads = { pools: hot('spiderippools.spiderpool.spidernet.io', [...POOL_COLUMNS, ...Object.values(COUNT)], stateOf) };

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/pool-state',
  title: { en: 'SpiderIPPools are not being deleted, and count their IPs correctly', zh: '没有正在删除的 SpiderIPPool，且 IP 计数正确' },
  headline: { en: 'SpiderIPPools are being deleted, or count IPs wrong', zh: 'SpiderIPPool 正在删除，或 IP 计数有误' },
  page: {
    impact: {
      en: 'A SpiderIPPool with a deletionTimestamp stays until its last IP is released, assigns no new ones, and its webhook rejects every change. A wrong allocatedIPCount shows in kubectl and metrics; before 0.9.7 (in 0.8.x always) it also counts against the limit of IPs per pool and is never corrected.',
      zh: '带有 deletionTimestamp 的 SpiderIPPool 会保留到最后一个 IP 释放为止，不再分配新的 IP，webhook 也会拒绝对它的任何修改。allocatedIPCount 错误会体现在 kubectl 和监控指标中；0.9.7 之前（0.8.x 则始终如此）还会计入单个池的 IP 上限，且不会自动更正。',
    },
    detection: {
      en: 'Reads metadata.deletionTimestamp, and compares status.allocatedIPCount with the records in status.allocatedIPs of the same object.',
      zh: '读取 metadata.deletionTimestamp，并将 status.allocatedIPCount 与同一对象 status.allocatedIPs 中的记录数比较。',
    },
    fix: {
      en: 'Sets allocatedIPCount to the number of records, counted at the moment of the write. A deletion cannot be cancelled: move its Pods to another pool.',
      zh: '将 allocatedIPCount 设为写入时的记录数。删除无法取消：请将其 Pod 迁移到其他池。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().poolState.source}`];
  },
  applies: { stage: 'both' },
  reads,
  judge: ({ pools }, { path: { from } }) => {
    const heals = typeof from === 'string' && satisfies(from, notes().poolState.heals);
    return pools.flatMap((pool) => [
      ...(pool.deleted ? [deleting(pool)] : []),
      ...(pool.count === undefined ? [] : [drifted(pool, heals)]),
    ]);
  },
  say: ({ is, pool, records, count, heals }) =>
    is === 'deleting'
      ? {
          en: `SpiderIPPool ${pool} is being deleted: it assigns no new IPs, and stays until its ${records} IP${records === 1 ? ' is' : 's are'} released`,
          zh: `SpiderIPPool ${pool} 正在删除：不再分配新的 IP，直到其 ${records} 个 IP 全部释放`,
        }
      : {
          en: `SpiderIPPool ${pool} has ${records} IP${records === 1 ? '' : 's'} allocated, but allocatedIPCount is ${count}${heals ? '; the next allocation corrects it' : ''}`,
          zh: `SpiderIPPool ${pool} 已分配 ${records} 个 IP，但 allocatedIPCount 为 ${count}${heals ? '；下次分配时会自动更正' : ''}`,
        },
  remedy: {
    writes: [
      { verbs: ['get'], group: 'spiderpool.spidernet.io', resource: 'spiderippools' },
      { verbs: ['patch'], group: 'spiderpool.spidernet.io', resource: 'spiderippools/status' },
    ],
    steps: async (found) => found.flatMap(({ args, objects }) => (args.is === 'drifted' ? objects.map((on) => recounted(on, args)) : [])),
  },
};
export default check;

const deleting = ({ on, records, written, count = records }: PoolState): Finding<Args> =>
  finding<Args>({
    severity: 'warning',
    key: [on.name, 'deleting'],
    objects: [on],
    args: { is: 'deleting', pool: on.name, records, count, written, heals: false },
    evidence: [{ seen: `metadata.deletionTimestamp; status.allocatedIPs: ${records}` }],
  });

const drifted = ({ on, records, written, count = records }: PoolState, heals: boolean): Finding<Args> =>
  finding<Args>({
    severity: 'notice',
    key: [on.name, 'count'],
    objects: [on],
    args: { is: 'drifted', pool: on.name, records, count, written, heals },
    evidence: [{ seen: `status.allocatedIPCount: ${count}; status.allocatedIPs: ${records}` }],
  });

/** Of the status: no webhook stands before it. What agents write meanwhile is counted too. */
function recounted(on: Ref, { written, count }: Args): StepDraft {
  const text: Text = {
    en: `set allocatedIPCount of SpiderIPPool ${on.name} to the number of its allocated IPs`,
    zh: `将 SpiderIPPool ${on.name} 的 allocatedIPCount 设为已分配 IP 的数量`,
  };
  const common = { do: 'patch', on, subresource: 'status', optional: true, text } as const;
  if (!written) {
    const guard = [{ on, must: [{ path: '/status/allocatedIPs' }] }];
    return { ...common, changes: [{ path: '/status/allocatedIPCount', before: count, after: 0 }], guard, undo: 'exact' };
  }
  return {
    ...common,
    ...{ changes: [], guard: [{ on, must: 'exist' }], undo: 'none' },
    counters: [{ path: '/status/allocatedIPCount', keysOf: '/status/allocatedIPs' }],
    undoNote: { en: 'undo: not needed, the old count was wrong', zh: '撤销时：无需恢复，原计数有误' },
  };
}
