// The quick look for one address on two Pods: the tables of Pods and Nodes, as `kubectl get -o wide` prints them, and what is asked about an address that stands there
// twice. A table has no namespaces and of each Pod only the first address; who uses it is said by the Pods themselves, read whole.
// Sources: printPod and printNode in pkg/printers/internalversion/printers.go at v1.24.17 and v1.37.2.
import type { PointReader, QuickReader, Table } from '../../engine/contracts.ts';
import { each } from '../../engine/each.ts';
import { isGap } from '../../engine/gaps.ts';
import { addressKey } from '../../kube/addresses.ts';
import { type AddressRows, apiVersionOf, endpointOf } from './ledger.ts';
import { pods } from './reads.ts';
import { endpointRow, type PoolRow, podRow } from './rows.ts';

/** Words of the column Status for a Pod that has ended; a running one shows them too while a container of it has ended, so they count where none is ready. */
const ENDED =
  /^(?:Completed|Succeeded|Failed|Error|Evicted|OOMKilled|Terminated|DeadlineExceeded|ContainerStatusUnknown|(?:ExitCode|Signal):\d+)$/;
const LEAVING = 'Terminating';

/** What printers write where there is nothing. */
const NONE = '<none>';

export const TABLES = {
  /** Addresses of Pods that seem to live, as they are written; whether it is one is asked of those that stand twice. */
  pods: {
    resource: 'pods',
    columns: ['Ready', 'Status', 'IP'],
    keep: ([ready, status, ip]) => (ip === '' || ip === NONE || hasEnded(ready!, status!) ? undefined : ip),
  } as Table<string>,
  /** A Pod in its node's network has the node's address; keys of kube/addresses.ts. */
  nodes: { resource: 'nodes', columns: ['Internal-IP'], keep: ([ip]) => addressKey(ip!) } as Table<string>,
};

const hasEnded = (ready: string, status: string): boolean => status === LEAVING || (ready.startsWith('0/') && ENDED.test(status));

/** Every spelling of one address that stands in more than one row. */
export type Suspicion = string[];

export function suspect(rows: { pods: string[]; nodes: string[] }): Suspicion[] {
  const seen = new Map<string, string>();
  const twice = new Map<string, Set<string>>();
  for (const written of rows.pods) {
    // IPv4 has one spelling in what Go writes; 150,000 keys would cost a tenth of a second for nothing.
    const key = written.includes(':') ? (addressKey(written) ?? written) : written;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, written);
    else twice.set(key, (twice.get(key) ?? new Set([first])).add(written));
  }
  const nodes = new Set(rows.nodes);
  const ours = [...twice].filter(([key]) => addressKey(key) !== undefined && !nodes.has(key));
  return ours.map(([, spellings]) => [...spellings]);
}

/** What the full look has of these addresses: their Pods, and their SpiderEndpoints. */
export async function rowsOf(suspicions: readonly Suspicion[], pools: PoolRow[], look: QuickReader): Promise<AddressRows> {
  const found = await each(suspicions.flat(), (address) => look.having(pods.resource, 'status.podIP', address));
  const users = found.flatMap((list) => (isGap(list) ? [] : list.map(podRow))).filter(({ uses }) => uses);
  const apiVersion = apiVersionOf({ endpoints: [], pools });
  const endpoints = await each(users, (pod) => endpointOf(pod, apiVersion, look));
  return { pods: users, endpoints: endpoints.flatMap((raw) => (raw ? endpointRow(raw) : [])), pools };
}

/** Those of these names (`NAMESPACE/NAME`) that a Pod or a SpiderEndpoint has. */
export async function thereOf(names: readonly string[], { pools }: AddressRows, look: PointReader): Promise<Set<string>> {
  const apiVersion = apiVersionOf({ endpoints: [], pools });
  const there = await each(names, async (full) => {
    const [namespace, name = ''] = full.split('/');
    if (name === '') return []; // whatever a pool has allocated
    const pod = await look.get({ apiVersion: 'v1', kind: 'Pod', namespace, name });
    // What cannot be seen may be there.
    return (pod ?? (await look.get({ apiVersion, kind: 'SpiderEndpoint', namespace, name }))) ? [full] : [];
  });
  return new Set(there.flat());
}
