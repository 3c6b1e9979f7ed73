// A SpiderEndpoint of an earlier Pod of the same name: the new Pod is refused every allocation and stays Pending.
// Sources: knowledge/notes.json (staleEndpoint). Pods of StatefulSets (apps/v1) and KubeVirt keep their address so on purpose.
import { finding } from '../../../engine/builders.ts';
import type { Check, Condition, Finding, PointReader, Raw, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { isRaw } from '../../../kube/json.ts';
import { controllerOf } from '../../../kube/pods.ts';
import { lives } from '../../../kube/refs.ts';
import { notes } from '../knowledge/tables.ts';
import { ADDRESS_READS, endpoints, pods } from '../reads.ts';
import { inTurn, poolOfRow, RECORD_RIGHTS, recordAt, recordStep } from '../records.ts';
import { endpointSteps, isStatic } from '../restart.ts';
import { claimsOf, type EndpointRow, endpointRow, POOL_COLUMNS, type PodRow, podRow, poolRow, refOfPod } from '../rows.ts';

/** ms a Pod may wait while its predecessor is still cleaned up. */
const PATIENCE = 120_000;

const reads = { pods, endpoints };
interface Args {
  pod: string;
  /** uid of the earlier Pod. */
  uid: string;
  by: Ref;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/stale-endpoint',
  title: { en: 'SpiderEndpoints belong to the Pod that runs under their name', zh: 'SpiderEndpoint 均属于当前的同名 Pod' },
  headline: { en: 'SpiderEndpoints of earlier Pods keep new Pods Pending', zh: '旧 Pod 的 SpiderEndpoint 使新 Pod 一直 Pending' },
  page: {
    impact: {
      en: 'A Pod that was re-created under the same name finds the SpiderEndpoint of its predecessor, and spiderpool-agent refuses every allocation while the UID differs. The Pod stays Pending. An upgrade re-creates Pods, and does not heal this.',
      zh: '以同一名称重新创建的 Pod 遇到前一个 Pod 的 SpiderEndpoint 时，只要 UID 不同，spiderpool-agent 就会拒绝分配，Pod 一直处于 Pending。升级会重新创建 Pod，但无法解决此问题。',
    },
    detection: {
      en: 'Looks for Pods without an IP for more than 2 minutes whose SpiderEndpoint has another UID, and reads both once more. Pods of StatefulSets and of KubeVirt keep their SpiderEndpoint on purpose and do not count.',
      zh: '查找超过 2 分钟仍没有 IP、且 SpiderEndpoint 中记录的 UID 与自身不同的 Pod，并再次读取确认。StatefulSet 和 KubeVirt 的 Pod 会有意保留 SpiderEndpoint，不计入。',
    },
    fix: {
      en: 'Removes the finalizer of the SpiderEndpoint, deletes it, and releases the IPs that pools still have allocated to the earlier Pod; the next attempt of the Pod gets a new IP. Undo puts back what the new Pod has not replaced yet.',
      zh: '移除该 SpiderEndpoint 的 finalizer 并将其删除，再释放池中仍分配给旧 Pod 的 IP；Pod 下次重试时会分配新的 IP。撤销时恢复新 Pod 尚未替换的部分。',
    },
    limits: {
      en: 'Where IP garbage collection is on and the SpiderIPPool still has the record, its next scan (600 s) heals it. From 0.9.13, 1.0.4 and 1.2.0 on, ipam.enableCleanOutdatedEndpoint does; it is off by default.',
      zh: '已启用 IP 回收且 SpiderIPPool 中仍有记录时，下次扫描（600 秒）会修复。0.9.13、1.0.4、1.2.0 起可由 ipam.enableCleanOutdatedEndpoint 修复，默认关闭。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().staleEndpoint.source}`];
  },
  get applies() {
    return { from: notes().staleEndpoint.in, stage: 'both' as const };
  },
  reads,
  pointReads: ADDRESS_READS,
  judge: async (rows, { look, now }) => {
    const waiting = new Map(rows.pods.filter(isWaiting).map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
    const findings: Finding<Args>[] = [];
    for (const endpoint of rows.endpoints) {
      const pod = waiting.get(`${endpoint.namespace}/${endpoint.name}`);
      if (pod && isAnothers(endpoint, pod) && (await isStill(endpoint, pod, look, now))) findings.push(found(endpoint, pod));
    }
    return findings;
  },
  say: ({ pod }) => ({
    en: `SpiderEndpoint ${pod} belongs to an earlier Pod of that name: the Pod gets no IP and stays Pending`,
    zh: `SpiderEndpoint ${pod} 属于之前的同名 Pod：当前 Pod 无法分配 IP，一直处于 Pending`,
  }),
  remedy: {
    pointReads: [...ADDRESS_READS, { resource: 'spiderippools.spiderpool.spidernet.io', columns: POOL_COLUMNS }],
    writes: [
      { verbs: ['get', 'patch', 'delete', 'create'], group: 'spiderpool.spidernet.io', resource: 'spiderendpoints' },
      { verbs: ['get'], group: '', resource: 'pods' },
      ...RECORD_RIGHTS,
    ],
    steps: async (found, { look }) => {
      const all: StepDraft[] = [];
      for (const { objects, args } of found) for (const on of objects) all.push(...(await steps(on, args, look)));
      return all;
    },
  },
};
export default check;

const isWaiting = ({ uses, addresses, odd, machine }: PodRow): boolean => uses && addresses === '' && odd === '' && machine === undefined;
const isAnothers = ({ deleted, podUid }: EndpointRow, { uid }: PodRow): boolean =>
  !deleted && podUid !== '' && uid !== '' && podUid !== uid;

const refOfEndpoint = ({ apiVersion, namespace, name }: EndpointRow): Ref => ({ apiVersion, kind: 'SpiderEndpoint', namespace, name });

/** Lists are not one moment: the Pod first, then its endpoint. What cannot be seen is not a finding; the engine counts the gap. */
async function isStill(endpoint: EndpointRow, { uid, ...row }: PodRow, look: PointReader, now: number): Promise<boolean> {
  const pod = await look.get(refOfPod({ uid, ...row }));
  if (!pod || isGap(pod) || !isWaiting(podRow(pod)) || !hasWaited(pod, now)) return false;
  const owner = controllerOf(pod);
  if (owner && isStatic(owner)) return false;
  const again = await look.get(refOfEndpoint(endpoint));
  return again !== undefined && !isGap(again) && isAnothers(endpointRow(again), podRow(pod));
}

function hasWaited({ metadata }: Raw, now: number): boolean {
  const created = isRaw(metadata) ? Date.parse(String(metadata.creationTimestamp)) : Number.NaN;
  return now - created > PATIENCE;
}

function found(endpoint: EndpointRow, { uid, ...row }: PodRow): Finding<Args> {
  const on = refOfEndpoint(endpoint);
  return finding<Args>({
    severity: 'warning',
    key: [endpoint.namespace, endpoint.name],
    certainty: 'high',
    objects: [on],
    args: { pod: `${endpoint.namespace}/${endpoint.name}`, uid: endpoint.podUid, by: refOfPod({ uid, ...row }) },
    evidence: [{ seen: `status.current.uid: ${endpoint.podUid}` }, { seen: `metadata.uid: ${uid}`, at: refOfPod({ uid, ...row }) }],
  });
}

/** The endpoint goes, and with it what pools have allocated to the earlier Pod. No webhook stands before either. */
async function steps(on: Ref, { pod, uid, by }: Args, look: PointReader): Promise<StepDraft[]> {
  const now = await look.get(on);
  if (!now || isGap(now)) return [];
  const guard: Condition[] = [lives(by)];
  const gone = endpointSteps({ endpoint: on, now, uid, guard, after: [], pod: by, because: BECAUSE });
  const row = endpointRow(now);
  const released: StepDraft[] = [];
  for (const { address, pool: name } of claimsOf(row)) {
    const pool = await look.get({ apiVersion: row.apiVersion, kind: 'SpiderIPPool', name });
    if (!pool || isGap(pool)) continue;
    const read = poolOfRow(poolRow(pool));
    const record = read.records.get(address);
    if (read.coding !== 'string' || record?.pod !== pod || record.uid !== uid) continue;
    released.push(
      recordStep({ ...recordAt(read, address), after: null }, guard, {
        en: `release ${address} in SpiderIPPool ${name}: allocated to an earlier Pod ${pod}`,
        zh: `释放 SpiderIPPool ${name} 中的 ${address}：它分配给之前的 Pod ${pod}`,
      }),
    );
  }
  return [...gone, ...inTurn(released.map((step) => ({ ...step, after: gone.slice(-1) })))];
}

const BECAUSE: Text = { en: 'it belongs to an earlier Pod', zh: '它属于之前的 Pod' };
