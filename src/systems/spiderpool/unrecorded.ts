// An IP that a running Pod uses and its pool has not allocated to it: why the record can or cannot be put back, and what is done instead.
import type { Finding, Gap, Refusal, Situation, StepDraft, Text } from '../../engine/contracts.ts';
import type { BudgetRow } from '../../kube/budgets.ts';
import { lives } from '../../kube/refs.ts';
import { type AddressRows, gives, type Hold, nameOf, recordKey, saidByPod } from './ledger.ts';
import { inTurn, type PoolNow, type RecordChange, recordOf, recordStep } from './records.ts';
import { type Restart, restartOf, restarts } from './restart.ts';
import { claimsOf } from './rows.ts';
import type { Unrecorded } from './suspicions.ts';

export interface MissingRecord {
  address: string;
  pool: string;
  /** Whom the pool has it allocated to instead; '': none. */
  instead: string;
  holder: Restart;
  /** null: the record cannot simply be put back. */
  putBack: RecordChange | null;
  /** Why not; '' where it can. */
  because: '' | 'held' | 'outside' | 'no-endpoint' | 'old';
}

export interface Look {
  suspect: Unrecorded;
  hold: Hold;
  pool: PoolNow;
}

export function missingRecord(
  { suspect: { address }, hold, pool }: Look,
  rows: AddressRows & { budgets: BudgetRow[] | Gap },
  version?: string,
): Finding<MissingRecord> {
  const record = pool.records.get(address);
  const because = whyNotBack(address, hold, pool, rows);
  const at = { apiVersion: 'v1', kind: 'Pod', namespace: hold.pod.namespace, name: hold.pod.name };
  return {
    severity: 'warning',
    key: [pool.row.name, address],
    certainty: hold.claim ? 'certain' : 'medium',
    objects: [at],
    args: {
      address,
      pool: pool.row.name,
      instead: record?.pod ?? '',
      holder: restartOf(hold, rows.budgets),
      putBack: because === '' ? recordOf(address, hold, pool, version) : null,
      because,
    },
    evidence: [
      hold.claim
        ? { seen: `status.current.ips: ${address}`, at: { ...hold.claim.endpoint, uid: undefined } }
        : { seen: saidByPod(address), at },
      {
        seen: record
          ? `status.allocatedIPs: ${address} → ${record.pod}${record.pod === nameOf(hold.pod) ? `, podUid ${record.uid}` : ''}`
          : { en: `status.allocatedIPs: no ${address}`, zh: `status.allocatedIPs 中没有 ${address}` },
        at: { apiVersion: pool.row.apiVersion, kind: 'SpiderIPPool', name: pool.row.name },
      },
    ],
  };
}

function whyNotBack(address: string, { pod, claim }: Hold, { row, coding, records }: PoolNow, rows: AddressRows): MissingRecord['because'] {
  if (coding !== 'string') return 'old';
  if (!claim) return 'no-endpoint';
  if (!gives(row, address)) return 'outside';
  const others = rows.endpoints.filter((each) => !each.deleted && nameOf(each) !== nameOf(claim.endpoint));
  if (others.some((each) => claimsOf(each).some((other) => other.address === address))) return 'held';
  const record = records.get(address);
  const isThere = (one: { namespace: string; name: string }) => nameOf(one) === record?.pod;
  const itself = record?.pod === recordKey(pod, false) || record?.pod === nameOf(claim.endpoint);
  return record && !itself && (rows.pods.some(isThere) || others.some(isThere)) ? 'held' : '';
}

export async function unrecordedSteps(
  found: readonly Finding<MissingRecord>[],
  at: Pick<Situation, 'look' | 'path'>,
): Promise<(StepDraft | Refusal)[]> {
  const records = inTurn(found.flatMap(({ args }) => (args.putBack ? [recorded(args.putBack, args)] : [])));
  const others = found.filter(({ args }) => !args.putBack);
  const wanted = others.map(({ args }) => ({ restart: args.holder, because: BECAUSE(args), guard: [], after: [] }));
  return [...records, ...(await restarts(wanted, at))];
}

const BECAUSE = ({ address, pool, because }: MissingRecord): Text =>
  ({
    held: { en: `because another object also holds ${address}`, zh: `因为 ${address} 另有持有者` },
    outside: { en: `because SpiderIPPool ${pool} cannot assign ${address}`, zh: `因为 SpiderIPPool ${pool} 不能分配 ${address}` },
    'no-endpoint': { en: `because no SpiderEndpoint of it has ${address}`, zh: `因为它没有带 ${address} 的 SpiderEndpoint` },
    old: { en: `because SpiderIPPool ${pool} has no record of ${address}`, zh: `因为 SpiderIPPool ${pool} 没有 ${address} 的记录` },
    '': { en: '', zh: '' },
  })[because];

function recorded(change: RecordChange, { holder, address, pool }: MissingRecord): StepDraft {
  const { endpoint, pod } = holder;
  return recordStep(change, [lives(pod), ...(endpoint ? [{ on: endpoint, must: 'exist' as const }] : [])], {
    en: `allocate ${address} in SpiderIPPool ${pool} to Pod ${nameOf(pod)}, which uses it`,
    zh: `在 SpiderIPPool ${pool} 中将 ${address} 分配给正在使用它的 Pod ${nameOf(pod)}`,
  });
}
