// At which minor a feature gate of kube-apiserver that is on by default comes into force, heeding where it is set to false: in ConfigMap kubeadm-config, from which kubeadm writes
// the static Pods of the next version, else in the static Pods themselves (also of -f), or in what K3s passes on. Where nothing of it is visible, the default counts.
import type { PointRead, Ref, Rows, Situation } from '../../engine/contracts.ts';
import { isGap, seen } from '../../engine/gaps.ts';
import { each, rowOf, where, word, yaml } from '../../engine/read/index.ts';
import { gatesAhead } from './behind.ts';
import { flagsOf, gatesOf } from './command-line.ts';
import { k3sArguments } from './k3s-arguments.ts';
import { components } from './knowledge/tables.ts';
import { controlPlaneOf, staticPods } from './reads.ts';

const FLAG = 'feature-gates';
const CONFIG: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };
const COLUMNS = {
  config: yaml('data.ClusterConfiguration', {
    // Up to v1beta3 a map of flags, from v1beta4 a list of them.
    map: word(`apiServer.extraArgs.${FLAG}`, ''),
    list: each('apiServer.extraArgs', { gates: where('name', FLAG, word('value', '')) }),
  }),
};
export const gateLooks: PointRead[] = [{ resource: 'configmaps', names: [CONFIG.name], columns: Object.values(COLUMNS) }];

export function gateReads() {
  const beside = { optional: true, harmless: true } as const;
  const { pods, kops } = staticPods();
  return { pods: { ...pods, ...beside }, kops: { ...kops, ...beside }, k3s: { ...k3sArguments(), ...beside } };
}

/** The minor at which its default became true, and the one from which it cannot be set to false. */
export function minorsOf(gate: string): string[] {
  const row = components().gates.find(({ name }) => name === gate);
  if (!row) return [];
  const on = row.defaultChanges?.findLast(([, value]) => value)?.[0] ?? row.since;
  return row.lockedIn ? [on, row.lockedIn] : [on];
}

type Given = Rows<ReturnType<typeof gateReads>>;

/** undefined: at none that is ahead. */
export async function comesIn(gate: string, rows: Given, { path, cluster, look }: Situation): Promise<string | undefined> {
  const ahead = gatesAhead({ path, cluster });
  const minors = minorsOf(gate);
  if (!minors.some((each) => ahead.includes(each))) return undefined;
  const [on, locked] = minors;
  const at = (await isOff(gate, rows, look)) ? locked : on;
  return at !== undefined && ahead.includes(at) ? at : undefined;
}

async function isOff(gate: string, { pods, kops, k3s }: Given, look: Situation['look']): Promise<boolean> {
  const found = await look.get(CONFIG);
  const { config } = found && !isGap(found) ? rowOf(COLUMNS)(found) : {};
  const off = (flags: readonly { name: string; value?: string }[]) => gatesOf(flagsOf(flags)).get(gate) === false;
  if (typeof config === 'object')
    return off([config.map, ...config.list.map(({ gates = '' }) => gates)].map((value) => ({ name: FLAG, value })));
  const servers = [
    ...controlPlaneOf({ pods: [...seen(pods)], kops: [...seen(kops)] }).filter(({ component }) => component === 'kube-apiserver'),
    ...seen(k3s).flatMap(({ server, handed }) =>
      handed && server !== undefined ? [{ flags: handed.filter(({ component }) => component === 'kube-apiserver') }] : [],
    ),
  ];
  return servers.length > 0 && servers.every(({ flags }) => off(flags));
}
