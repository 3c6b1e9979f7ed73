// Which recovery the nodes of a Plan get (remedy.ts makes their steps), and why a node gets none: another owner, a cordon that another user may have set, a Job that is still at work.
import type { Ref, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';

/** How all nodes of one Plan are repaired; computed with the findings, as steps may not list. */
export interface Repair {
  plan: { namespace?: string; name: string; ref?: Ref; version?: string; latestHash?: string };
  /** Another tool manages the Plan and would revert a change. */
  owner?: { name: string; mark: string };
  /** The Plan is done and its Jobs are gone: nothing will cordon again. */
  settled: boolean;
  /** R1, or why not. */
  retarget: Retarget | Text;
  /** R3: a node on which the Plan, as it is now, has succeeded; no other Plan waits for it. */
  worked?: string;
  /** A Job whose upgrade must not be cut off: its Node. */
  busy?: string;
  /** Jobs of the Plan that have not gone well. */
  jobs: Ref[];
  /** Plans whose `prepare` waits for this one, each with its Jobs; they would wait for ever. */
  dependants: { ref: Ref; jobs: Ref[]; owner?: { name: string; mark: string } }[];
}
export interface Retarget {
  /** R4: the Plan names this version already. */
  again?: true;
  version: string;
  hash: string;
  /** Unschedulable nodes that the Plan selects: R1 gives all of them back. */
  cordoned: string[];
  /** s, for one Job. */
  deadline: number;
  /** Nodes worked on at a time. */
  concurrency: number;
}
/** One node that was found. */
export interface Left {
  node: Ref;
  /** The value of the Plan's label on it. */
  label?: string;
  /** Jobs of the Plan on it that have not gone well. */
  jobs: Ref[];
  repair: Repair;
  /** Who else is at work on it: other Plans, the lock of kured. */
  shared: string[];
  low: boolean;
}

export type RepairMethod = 'uncordon' | 'R1' | 'R2' | 'R3' | 'R4';
/** R1 and R4 give back every node of the Plan, so that all of them must have been chosen, and nothing may be under way. */
export function wayOf({ settled, retarget, busy, worked }: Repair, chosen: readonly string[]): RepairMethod {
  if (settled) return 'uncordon';
  const all = 'version' in retarget && busy === undefined && retarget.cordoned.every((name) => chosen.includes(name));
  if (all) return retarget.again ? 'R4' : 'R1';
  return worked === undefined ? 'R2' : 'R3';
}

export const planName = ({ plan: { namespace, name } }: Repair): string => (namespace === undefined ? name : `${namespace}/${name}`);

/** Why nothing is done about this node here. */
export function refusalOf({ node, low, shared, repair }: Left): Text | undefined {
  if (low) return unclear(node);
  if (shared.length) {
    return {
      en: `in use by ${shared.join(', ')}; uncordon it when that has finished`,
      zh: `${shared.join('、')} 正在处理该节点；请待其结束后再取消封锁`,
    };
  }
  const { owner, busy, settled, worked } = repair;
  const owned = [owner, ...(settled ? [] : repair.dependants.map((each) => each.owner))].find(Boolean);
  if (owned) return ownedBy(owned);
  if (busy !== undefined && !settled && worked === undefined)
    return {
      en: `a Job of Plan ${planName(repair)} is upgrading Node ${busy}; interrupting it could break K3s there. Retry when it has finished`,
      zh: `Plan ${planName(repair)} 的 Job 正在升级 Node ${busy}，此时中断可能损坏该节点上的 K3s。请待其结束后重试`,
    };
  return undefined;
}

const unclear = ({ name }: Ref): Text => ({
  en: `cannot tell who cordoned it; if it need not stay cordoned: kubectl uncordon ${shellWord(name)}`,
  zh: `无法判断是谁封锁了该节点；确认无需封锁后执行：kubectl uncordon ${shellWord(name)}`,
});
const ownedBy = ({ name, mark }: { name: string; mark: string }): Text =>
  name === 'Rancher'
    ? {
        en: `Rancher manages this cluster (${mark}) and would revert the change; upgrade or fix it in Rancher`,
        zh: `该集群由 Rancher 管理（${mark.replace(', ', '，')}），更改会被还原；请在 Rancher 中升级或修复`,
      }
    : {
        en: `${name} manages the Plan (${mark}) and would revert the change; change it where it is declared`,
        zh: `该 Plan 由 ${name} 管理（${mark.replace(', ', '，')}），更改会被还原；请在其声明处修改`,
      };
