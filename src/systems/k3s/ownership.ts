// Who owns a Plan: Rancher, a GitOps controller, or only its author. What is owned elsewhere is not changed here: the owner writes it back.
// Sources: rancher/rancher pkg/controllers/management/k3sbasedupgrade, managementuser/nodesyncer, pkg/capr; facts of the marks in kube/owners.ts.
import type { PointReader, Ref } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { selects } from '../../kube/budgets.ts';
import { RANCHER_AGENT } from './controller.ts';
import type { NodeRow, PlanRow } from './reads.ts';

export interface Owner {
  name: string;
  /** The mark that says so, and the object that bears it. */
  mark: string;
  at?: Ref;
}

/** Labels of Nodes: provisioned by Rancher; imported, and an upgrade was asked for there. */
const NODE_MARKS = ['rke.cattle.io/machine', 'upgrade.cattle.io/kubernetes-upgrade'];
const RANCHER_NAMESPACE = 'cattle-system';
/** Put into the selector of a foreign Plan, so that it selects nothing. */
const DISABLED = /(?:^|\.)upgrade\.cattle\.io\/disable$/;

/** Rancher manages the upgrades of this cluster, by what is in it; the agent alone is asked for elsewhere. */
export function rancherOf(nodes: readonly NodeRow[], plans: readonly PlanRow[]): Owner | undefined {
  for (const { ref, labels } of nodes) {
    const mark = NODE_MARKS.find((key) => labels[key] !== undefined);
    if (mark) return { name: 'Rancher', mark: `${mark}, Node ${ref.name}`, at: ref };
  }
  for (const plan of plans) {
    const mark = rancherMark(plan);
    if (mark) return { name: 'Rancher', mark: `${mark}, Plan ${plan.ref.namespace}/${plan.ref.name}`, at: plan.ref };
  }
  return undefined;
}

function rancherMark({ ref, labels, selector }: PlanRow): string | undefined {
  if (labels['rancher-managed'] === 'true') return 'rancher-managed=true';
  if (ref.namespace === RANCHER_NAMESPACE) return RANCHER_NAMESPACE;
  return isDisabled({ selector }) ? 'upgrade.cattle.io/disable' : undefined;
}

/** A foreign Plan that Rancher has made select nothing. */
export function isDisabled({ selector }: Pick<PlanRow, 'selector'>): boolean {
  const expressions = JSON.stringify(selector).match(/"key":"[^"]*"/g) ?? [];
  return expressions.some((key) => DISABLED.test(key.slice('"key":"'.length, -1)));
}
/** One that Rancher made for itself. */
export const isRanchers = ({ ref, labels }: Pick<PlanRow, 'ref' | 'labels'>): boolean =>
  labels['rancher-managed'] === 'true' || ref.namespace === RANCHER_NAMESPACE;

/** Some Rancher manages this cluster; whether its version management is on cannot be seen from here. */
export async function rancherAgent(look: PointReader): Promise<Owner | undefined> {
  const agent = await look.get(RANCHER_AGENT);
  return agent && !isGap(agent)
    ? { name: 'Rancher', mark: `Deployment ${RANCHER_AGENT.namespace}/${RANCHER_AGENT.name}`, at: RANCHER_AGENT }
    : undefined;
}

/** Whom this Plan belongs to. */
export function ownerOf(plan: PlanRow | undefined, rancher: Owner | undefined): Owner | undefined {
  if (rancher) return rancher;
  const declarer = plan?.declarer;
  return declarer && { name: declarer.name, mark: `${declarer.mark}, Plan ${plan.ref.namespace}/${plan.ref.name}` };
}

/** The nodes that a Plan speaks about, whether or not it has done them. */
export const selectedBy = (plan: PlanRow, nodes: readonly NodeRow[]): NodeRow[] =>
  nodes.filter(({ labels }) => labels['kubernetes.io/hostname'] !== undefined && selects(plan.selector, labels));
