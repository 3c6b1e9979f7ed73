// Finding K3s: the kubelets of its nodes carry +k3s in their version. The whole cluster is the installation.
// Named besides: what its Plans ask for, the controller that carries them out, and Rancher where it manages the cluster.
import type { Gap, Installation, PointRead, PointReader, Raw, Text } from '../../engine/contracts.ts';
import { inOurWords, isGap } from '../../engine/gaps.ts';
import { textOf } from '../../text/language.ts';
import { compare, parse } from '../../versions/k3s.ts';
import { CONTROLLER, controllerIn, DEPLOYMENTS } from './controller.ts';
import { rancherAgent, rancherOf } from './ownership.ts';
import { planName, targetOf, upgradesK3s } from './plans.ts';
import { type NodeRow, nodes, type PlanRow, planRow, plans } from './reads.ts';

export const READS = { nodes, plans: { ...plans, optional: true } as const };
export const ASKS: PointRead[] = [DEPLOYMENTS];

const SERVER_ROLES = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/etcd', 'node-role.kubernetes.io/master'];

/** Found, absent, or cannot tell: without the nodes there is nothing to go by. */
export async function detect(rows: { nodes: NodeRow[] | Gap; plans: PlanRow[] | Gap }, look: PointReader): Promise<Installation[] | Gap> {
  if (isGap(rows.nodes)) return rows.nodes;
  const members = rows.nodes.filter(({ kubeletVersion }) => kubeletVersion.includes('+k3s'));
  if (!members.length) return [];
  const planRows = isGap(rows.plans) ? [] : rows.plans;
  return [
    {
      id: 'k3s@cluster',
      system: 'k3s',
      name: 'cluster',
      version: versionOf(members),
      sources: [...nodeSources(members, await rancherMark(members, planRows, look)), ...(await planSources(planRows, look))],
      byHelm: false,
    },
  ];
}

/** The oldest server: from there minors are counted, and agents never run ahead of it. Nodes that differ are the usual sight during an upgrade. */
function versionOf(members: NodeRow[]): string | Gap {
  const servers = members.filter(({ labels }) => SERVER_ROLES.some((role) => labels[role] !== undefined));
  const versions = (servers.length ? servers : members).flatMap(({ kubeletVersion }) => parse(kubeletVersion) ?? []);
  return (
    versions.toSorted(compare)[0] ?? {
      why: 'failed',
      verb: 'decode',
      resource: 'nodes',
      ...inOurWords({
        en: `${members[0]!.kubeletVersion} is not a released version of K3s`,
        zh: `${members[0]!.kubeletVersion} 不是已发布的 K3s 版本`,
      }),
    }
  );
}

function nodeSources(members: NodeRow[], rancher: Text): Installation['sources'] {
  const counts = Map.groupBy(members, ({ kubeletVersion }) => kubeletVersion);
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([says, { length }]) => ({
      from: { en: `kubelet of ${length} Node${length === 1 ? '' : 's'}${rancher.en}`, zh: `${length} 个 Node 的 kubelet${rancher.zh}` },
      says,
    }));
}

/** Of Plans that are not applied yet. */
export const declaredSources = (objects: readonly Raw[]): Installation['sources'] =>
  objects
    .filter(({ kind, apiVersion }) => kind === 'Plan' && apiVersion === 'upgrade.cattle.io/v1')
    .map(planRow)
    .filter(upgradesK3s)
    .flatMap((plan) => {
      const says = targetOf(plan);
      return says === undefined ? [] : [{ from: `Plan ${planName(plan)}`, says, beside: true as const }];
    });

/** What a Plan asks for disagrees with the nodes until it has been carried out. The version of a Plan for other software is none of K3s. */
async function planSources(planRows: PlanRow[], look: PointReader): Promise<Installation['sources']> {
  const sources: Installation['sources'] = [];
  for (const [namespace, rows] of Map.groupBy(planRows.filter(upgradesK3s), ({ ref }) => ref.namespace ?? '')) {
    const controller = await controllerIn(namespace, look);
    const by = controller ? textOf(`${CONTROLLER} ${controller.version ?? controller.image}`) : noController(namespace);
    for (const { ref, latestVersion, version, channel } of rows) {
      const says = latestVersion ?? version ?? channel ?? '';
      const plan = `Plan ${namespace}/${ref.name}`;
      sources.push({ from: { en: `${plan} (${by.en})`, zh: `${plan}（${by.zh}）` }, says: parse(says) ?? says, beside: true });
    }
  }
  return sources.sort((a, b) => textOf(a.from).en.localeCompare(textOf(b.from).en));
}

const noController = (namespace: string): Text => ({
  en: `no Deployment ${namespace}/${CONTROLLER}`,
  zh: `没有 Deployment ${namespace}/${CONTROLLER}`,
});

async function rancherMark(members: NodeRow[], planRows: PlanRow[], look: PointReader): Promise<Text> {
  const rancher = rancherOf(members, planRows) ?? (await rancherAgent(look));
  if (!rancher) return textOf('');
  const { name, mark } = rancher;
  return { en: ` (managed by ${name}: ${mark})`, zh: `（由 ${name} 管理：${mark}）` };
}
