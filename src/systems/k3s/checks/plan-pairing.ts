// Plans for agents that do not fit the Plan for servers: their prepare step waits until every server runs the version of the agents, so that a Plan that is gone or of another version
// is waited for without end; and without the step agents may be upgraded before the servers. Sources: k3s-io/k3s-upgrade scripts/upgrade.sh (prepare); docs.k3s.io/upgrades/automated.
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { compare, parse } from '../../../versions/k3s.ts';
import { selectedBy } from '../ownership.ts';
import { ETCD, isExcluded, isServer, pendingOf, planLabel, planName, targetOf, upgradesK3s } from '../plans.ts';
import { type NodeRow, nodes, type PlanRow, plans } from '../reads.ts';

const reads = { nodes: { ...nodes, optional: true } as const, plans };
type Is = 'missing' | 'version' | 'excluded' | 'unordered' | 'etcd';
interface Args {
  plan: string;
  is: Is;
  /** The Plan for servers. */
  of: string;
  version?: string;
  other?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/plan-pairing',
  title: { en: 'Plans for agents follow the Plan for servers', zh: 'agent 的 Plan 与 server 的 Plan 匹配' },
  headline: { en: 'Plans for agents do not fit the Plan for servers', zh: 'agent 的 Plan 与 server 的 Plan 不匹配' },
  page: {
    impact: {
      en: 'The prepare step of a Plan waits until every server runs the version that the Plan itself names; until then its Jobs fail at their deadline. Agents newer than their server are not supported.',
      zh: 'Plan 的 prepare 步骤会等待所有 server 运行该 Plan 自身指定的版本；在此之前其 Job 会因超时而失败。不支持 agent 的版本高于 server。',
    },
    detection: {
      en: 'Reads spec.prepare.args and the versions of both Plans, and which Nodes each selects. Also reported: a server that runs only etcd, selected by the Plan for agents; and a server that a label excludes, for which the agents wait. Plans that have upgraded all their Nodes are ignored.',
      zh: '读取 spec.prepare.args、两个 Plan 的版本，以及各自选中的节点；仅运行 etcd 的 server 不应与 agent 一同选中；被标签排除的 server 会使 agent 一直等待。全部节点都已升级的 Plan 会被忽略。',
    },
    fix: {
      en: 'manual: set spec.version of both Plans to the same version, and spec.prepare.args to ["prepare", "<Plan for servers>"].',
      zh: '手动：将两个 Plan 的 spec.version 设为同一版本，并将 spec.prepare.args 设为 ["prepare", "<server 的 Plan>"]。',
    },
  },
  sources: [
    'k3s-io/k3s-upgrade v1.36.1+k3s1: scripts/upgrade.sh',
    'docs.k3s.io/upgrades/automated',
    'vitobotta/hetzner-k3s: issue 750',
    'k3s-io/k3s: issue 2996',
  ],
  applies: { stage: 'both' },
  reads,
  judge: ({ nodes: all, plans: rows }) => {
    const k3s = rows.filter(upgradesK3s);
    // From manifests alone only Plans that are among them can be compared.
    if (isGap(all)) return k3s.flatMap((plan) => mismatch(plan, k3s) ?? []);
    return k3s.flatMap((plan) =>
      pendingOf(plan, all).length ? [misfit(plan, k3s, all), etcdAmongAgents(plan, all)].flatMap((each) => each ?? []) : [],
    );
  },
  say: (args) => SAID[args.is](args),
};
export default check;

function mismatch(plan: PlanRow, all: readonly PlanRow[]): Finding<Args> | undefined {
  const named = plan.prepareArgs.at(-1);
  const other = all.find(({ ref }) => ref.namespace === plan.ref.namespace && ref.name === named);
  const [mine, theirs] = [targetOf(plan), other && targetOf(other)];
  return other && mine && theirs && compare(mine, theirs) !== 0
    ? finding(plan, { is: 'version', of: planName(other), version: mine, other: theirs })
    : undefined;
}

function misfit(plan: PlanRow, all: readonly PlanRow[], nodesOf: readonly NodeRow[]): Finding<Args> | undefined {
  const named = plan.prepareArgs.at(-1);
  const near = all.filter(({ ref }) => ref.namespace === plan.ref.namespace && ref.name !== plan.ref.name);
  if (named !== undefined) {
    const other = near.find(({ ref }) => ref.name === named);
    if (!other) return finding(plan, { is: 'missing', of: named });
    return mismatch(plan, all) ?? keptBack(plan, other, nodesOf);
  }
  const servers = near.find((other) => selectedBy(other, nodesOf).some(isServer) && pendingOf(other, nodesOf).length);
  if (!servers || selectedBy(plan, nodesOf).some(isServer)) return undefined;
  return finding(plan, { is: 'unordered', of: planName(servers) });
}

/** Its prepare step counts every control-plane Node, those as well that a label excludes from the Plan for servers. */
function keptBack(plan: PlanRow, servers: PlanRow, all: readonly NodeRow[]): Finding<Args> | undefined {
  const target = targetOf(plan);
  const kept = all.filter(
    (node) =>
      node.labels[CONTROL_PLANE] !== undefined &&
      isExcluded(node, servers) &&
      target !== undefined &&
      parse(node.kubeletVersion) !== target,
  );
  return kept.length
    ? finding(plan, { is: 'excluded', of: planLabel(servers.ref.name), version: kept.map(({ ref }) => ref.name).join(', '), other: target })
    : undefined;
}

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

/** Servers that run etcd alone have no control-plane label: the selector that the documentation gives agents takes them as well. */
function etcdAmongAgents(plan: PlanRow, all: readonly NodeRow[]): Finding<Args> | undefined {
  const selected = pendingOf(plan, all);
  const isEtcdAlone = ({ labels }: NodeRow) => labels[ETCD] !== undefined && labels[CONTROL_PLANE] === undefined;
  const found = selected.filter(isEtcdAlone);
  return found.length && selected.some((node) => !isServer(node))
    ? finding(plan, { is: 'etcd', of: '', version: String(found.length) })
    : undefined;
}

function finding(plan: PlanRow, args: Omit<Args, 'plan'>): Finding<Args> {
  return {
    severity: args.is === 'unordered' || args.is === 'etcd' ? 'warning' : 'blocker',
    key: [planName(plan), args.is],
    certainty: 'certain',
    objects: [plan.ref],
    args: { plan: planName(plan), ...args },
    evidence: [
      {
        seen:
          args.is === 'version'
            ? `spec.version: ${args.version}`
            : args.is === 'excluded'
              ? `${args.of}: disabled`
              : args.is === 'etcd'
                ? 'spec.nodeSelector'
                : `spec.prepare.args: ${JSON.stringify(plan.prepareArgs)}`,
        at: plan.ref,
      },
    ],
  };
}

const SAID: Record<Is, (args: Args) => Text> = {
  missing: ({ plan, of }) => ({
    en: `Plan ${plan} waits in its prepare step for Plan ${of}, which does not exist in its namespace`,
    zh: `Plan ${plan} 的 prepare 步骤等待 Plan ${of}，但其命名空间中没有该 Plan`,
  }),
  version: ({ plan, of, version, other }) => ({
    en: `Plan ${plan} (${version}) waits for all servers to run ${version}, but Plan ${of} upgrades them to ${other}`,
    zh: `Plan ${plan}（${version}）等待所有 server 运行 ${version}，但 Plan ${of} 将其升级到 ${other}`,
  }),
  excluded: ({ plan, of, version: names = '', other }) => ({
    en: `Plan ${plan} waits in its prepare step until every server runs ${other}: label ${of}=disabled excludes server ${names}`,
    zh: `Plan ${plan} 的 prepare 步骤会等待所有 server 运行 ${other}，但标签 ${of}=disabled 排除了 server ${names.replaceAll(', ', '、')}`,
  }),
  etcd: ({ plan, version: count }) => ({
    en: `Plan ${plan} selects agents and ${count} server${count === '1' ? '' : 's'} with etcd alone: etcd is upgraded last, and as agents are`,
    zh: `Plan ${plan} 同时选中了 agent 和 ${count} 个仅运行 etcd 的 server：etcd 成员会按 agent 的方式最后升级`,
  }),
  unordered: ({ plan, of }) => ({
    en: `Plan ${plan} has no prepare step: agents may be upgraded before the servers of Plan ${of}`,
    zh: `Plan ${plan} 没有 prepare 步骤：agent 可能先于 Plan ${of} 的 server 升级`,
  }),
};
