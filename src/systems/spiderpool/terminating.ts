// A terminating Pod whose containers still run, and a running Pod that has been given its IP: Spiderpool releases the IP of a Pod that is past its grace period, or whose node is not ready
// (ipam.gc.statelessPod, ipam.gc.gcDeletingTimeOutPod), and the kubelet may not have stopped it. Sources: pkg/gcmanager/{tracePod_worker,scanAll_IPPool}.go@v0.9.13; issues 3751, 3817.
import type { Finding, PointReader, Raw, StepDraft, Text } from '../../engine/contracts.ts';
import { each } from '../../engine/each.ts';
import { isGap } from '../../engine/gaps.ts';
import { inRanges } from '../../kube/addresses.ts';
import { isRaw } from '../../kube/json.ts';
import { shellWord } from '../../text/shell.ts';
import type { Conflict } from './keeper.ts';
import { type AddressRows, apiVersionOf, type Hold, holdOf, nameOf, podsByEndpoint, saidByPod, settle } from './ledger.ts';
import { restartOf } from './restart.ts';
import { claimsOf, type PodRow, podRow, refOfPod, wordsOf } from './rows.ts';

/** ms behind the end of the grace period after which the kubelet is late. */
const LATE = 60_000;

/** Plain data, for a finding's arguments. */
export interface Terminating {
  pod: string;
  namespace: string;
  name: string;
  node: string;
  /** Its grace period is over, and it does not go. */
  late: boolean;
}
interface Suspect {
  address: string;
  terminating: PodRow;
  by: PodRow;
}
interface Look extends Suspect {
  hold: Hold;
  raw: Raw;
}

/** Seen twice, a second apart: a kubelet that has stopped a Pod says so within it. */
export async function usedByTerminating(rows: AddressRows, look: PointReader, now: number): Promise<Finding<Conflict>[]> {
  const suspects = suspectsOf(rows);
  if (!suspects.length) return [];
  const first = await lookedAt(suspects, rows, look);
  if (!first.length) return [];
  await settle();
  return (await lookedAt(first, rows, look)).map((found) => finding(found, now));
}

function suspectsOf(rows: AddressRows): Suspect[] {
  const held = new Map<string, PodRow>();
  for (const pod of rows.pods) if (pod.held) for (const address of wordsOf(pod.held)) held.set(address, pod);
  if (!held.size) return [];
  const found = new Map<string, Suspect>();
  const use = (address: string, by: PodRow): void => {
    const terminating = held.get(address);
    if (terminating && !isSameMachine(terminating, by)) found.set(`${address} ${by.uid}`, { address, terminating, by });
  };
  for (const pod of rows.pods) for (const address of wordsOf(pod.addresses)) use(address, pod);
  const podOf = podsByEndpoint(rows);
  const claimed = new Set<string>();
  for (const endpoint of rows.endpoints)
    for (const { address } of claimsOf(endpoint)) {
      if (!held.has(address)) continue;
      claimed.add(address);
      const pod = podOf(endpoint);
      if (pod) use(address, pod);
    }
  const pooled = inRanges(rows.pools.flatMap(({ ranges }) => ranges));
  return [...found.values()].filter(({ address }) => claimed.has(address) || pooled(address));
}

const isSameMachine = (a: PodRow, b: PodRow): boolean => a.namespace === b.namespace && a.machine !== undefined && a.machine === b.machine;

async function lookedAt(suspects: readonly Suspect[], rows: AddressRows, look: PointReader): Promise<Look[]> {
  const looked = await each(suspects, async ({ address, terminating, by }): Promise<Look[]> => {
    const hold = await holdOf(by, address, apiVersionOf(rows), look);
    const raw = await look.get(refOfPod(terminating));
    if (!hold || !raw || isGap(raw)) return [];
    const row = podRow(raw);
    const isStill = row.uid === terminating.uid && wordsOf(row.held).includes(address) && isRunning(raw);
    return isStill ? [{ address, terminating: row, by, hold, raw }] : [];
  });
  return looked.flat();
}

function isRunning({ status }: Raw): boolean {
  const all = isRaw(status) && Array.isArray(status.containerStatuses) ? status.containerStatuses : [];
  return all.some((one) => isRaw(one) && isRaw(one.state) && isRaw(one.state.running));
}

function finding({ address, terminating: { namespace, name }, hold, raw }: Look, now: number): Finding<Conflict> {
  const { deletionTimestamp } = raw.metadata as Raw;
  const node = isRaw(raw.spec) && typeof raw.spec.nodeName === 'string' ? raw.spec.nodeName : '';
  const late = now - Date.parse(String(deletionTimestamp)) > LATE;
  const at = { apiVersion: 'v1', kind: 'Pod', namespace, name };
  const keeper = { apiVersion: 'v1', kind: 'Pod', namespace: hold.pod.namespace, name: hold.pod.name };
  return {
    // Within its grace period it ends by itself.
    severity: late ? 'blocker' : 'warning',
    key: [address, 'terminating'],
    certainty: 'high',
    objects: [keeper, at],
    args: {
      ...{ address, holders: [restartOf(hold, [])], because: 'older', putBack: null, stuck: null },
      terminating: { pod: nameOf({ namespace, name }), namespace, name, node, late },
    },
    evidence: [
      { seen: saidByPod(address), at: keeper },
      { seen: `metadata.deletionTimestamp: ${String(deletionTimestamp)}; state.running`, at },
    ],
  };
}

/** Deleting it with --force would only hide it. */
export function stopped({ pod, namespace, name, node }: Terminating, address: string): StepDraft {
  return {
    ...{ do: 'manual', guard: [], undo: 'none' },
    commands: [
      `kubectl get pod ${shellWord(name)} -n ${shellWord(namespace)} -o wide`,
      ...(node ? [`kubectl describe node ${shellWord(node)}`] : []),
    ],
    seen: [{ on: { apiVersion: 'v1', kind: 'Pod', namespace, name }, must: 'be-gone' }],
    text: {
      en: `stop the containers of terminating Pod ${pod}, which still use ${address}: restart the kubelet of its node, or shut the node down; kubectl delete --force leaves them running`,
      zh: `停止正在终止的 Pod ${pod} 的容器（仍在使用 ${address}）：重启其节点的 kubelet，或关闭该节点；kubectl delete --force 不会停止它们`,
    },
  };
}

export const terminatingText = ({ pod, node, late }: Terminating): Text => ({
  en: `${pod}${node ? ` on ${node}` : ''}, which ${late ? 'does not terminate' : 'is terminating'} while its containers run`,
  zh: `${pod}（${node ? `节点 ${node}，` : ''}${late ? '无法终止' : '正在终止'}，容器仍在运行）`,
});
