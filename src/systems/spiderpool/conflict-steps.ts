// The steps of an IP conflict: the record of the Pod that keeps the IP is put back where it is missing, the others are restarted; where the record cannot be written, a person is told.
import type { Finding, Refusal, Situation, StepDraft, Text } from '../../engine/contracts.ts';
import { lives } from '../../kube/refs.ts';
import type { Because, Conflict } from './keeper.ts';
import { nameOf, someOf } from './ledger.ts';
import { inTurn, type RecordChange, recordStep } from './records.ts';
import { type Restart, type RestartRequest, restarts } from './restart.ts';
import { stopped } from './terminating.ts';

export async function conflictSteps(
  found: readonly Finding<Conflict>[],
  at: Pick<Situation, 'look' | 'path'>,
): Promise<(StepDraft | Refusal)[]> {
  const stuck = found.filter(({ args }) => args.stuck);
  const open = found.filter(({ args }) => !args.stuck && !args.terminating);
  const missing = open.flatMap(({ args }) => (args.putBack ? [{ address: args.address, step: recorded(args.putBack, args) }] : []));
  const records = inTurn(missing.map(({ step }) => step));
  const putBack = new Map(missing.map(({ address }, nth) => [address, records[nth]]));
  return [
    ...stuck.map(({ args, objects }) => ({ refused: STUCK(args), objects, command: args.stuck!.exclude })),
    ...found.flatMap(({ args }) => (args.terminating ? [stopped(args.terminating, args.address)] : [])),
    ...records,
    ...(await restarts(
      open.flatMap(({ args }) => losersOf(args, putBack.get(args.address))),
      at,
    )),
  ];
}

const KEEPS: Record<Because, (keeper: string, address: string) => Text> = {
  record: (keeper, address) => ({
    en: `because the IPPool has ${address} allocated to ${keeper}`,
    zh: `因为 IPPool 中 ${address} 已分配给 ${keeper}`,
  }),
  endpoint: (keeper, address) => ({
    en: `because only the SpiderEndpoint of ${keeper} claims ${address}`,
    zh: `因为只有 ${keeper} 的 SpiderEndpoint 声明了 ${address}`,
  }),
  restart: (keeper, address) => ({
    en: `because ${keeper}, which also uses ${address}, cannot be evicted automatically`,
    zh: `因为同样使用 ${address} 的 ${keeper} 无法自动驱逐`,
  }),
  older: (keeper, address) => ({
    en: `because ${keeper}, which also uses ${address}, is older`,
    zh: `因为同样使用 ${address} 的 ${keeper} 创建更早`,
  }),
};

function losersOf({ address, holders, because }: Conflict, putBack: StepDraft | undefined): RestartRequest[] {
  const [keeper, ...losers] = holders;
  return losers.map((restart) => ({
    restart,
    because: KEEPS[because](nameOf(keeper!.pod), address),
    guard: [lives(keeper!.pod)],
    after: putBack ? [putBack] : [],
  }));
}

function recorded(change: RecordChange, { holders, address }: Conflict): StepDraft {
  const keeper = holders[0]!.pod;
  return recordStep(change, [lives(keeper)], {
    en: `allocate ${address} in SpiderIPPool ${change.pool.name} to Pod ${nameOf(keeper)}, so that it is not assigned to another Pod`,
    zh: `在 SpiderIPPool ${change.pool.name} 中将 ${address} 分配给 Pod ${nameOf(keeper)}，避免再分配给其他 Pod`,
  });
}

const STUCK = ({ address, holders: [keeper, ...losers], stuck }: Conflict): Text => {
  const names = (list: Restart[]) => someOf(list.map(({ pod }) => nameOf(pod)));
  const [alone, others] = [losers.filter(({ way }) => way === 'alone'), losers.filter(({ way }) => way !== 'alone')];
  const then = {
    en: [others.length && `evict ${names(others).en}`, alone.length && `delete and re-create ${names(alone).en} (no controller)`].filter(
      Boolean,
    ),
    zh: [others.length && `驱逐 ${names(others).zh}`, alone.length && `删除并重新创建 ${names(alone).zh}（没有控制器）`].filter(Boolean),
  };
  return {
    en: `the record of ${address} in SpiderIPPool ${stuck!.pool} is unreadable and cannot be rewritten for ${nameOf(keeper!.pod)}, so ${address} could be assigned again. Add it to spec.excludeIPs of the pool, then ${then.en.join('; ')}`,
    zh: `SpiderIPPool ${stuck!.pool} 中 ${address} 的记录无法识别，也无法为 ${nameOf(keeper!.pod)} 重写，${address} 可能再次被分配。请先将其加入该地址池的 spec.excludeIPs，然后${then.zh.join('；')}`,
  };
};
