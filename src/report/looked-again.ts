// What the look after a run came to, in one sentence that counts the same findings as the comparison above it.
import type { Text } from '../engine/contracts.ts';
import { counted } from './face.ts';

export interface LookedAgain {
  /** Of a fix: findings that it was to repair and that are still there; of an upgrade: blockers that were not accepted. */
  remaining: number;
  /** Of a fix: how many it was to repair; undefined: it is an upgrade. */
  selected?: number;
  /** Findings that were not there before. */
  added?: number;
  /** Blockers that the run brought back itself. */
  restored?: number;
  /** Further findings that are as before. */
  others?: number;
}

export function lookedAgainText({ remaining, selected, added = 0, restored = 0, others = 0 }: LookedAgain): Text {
  const also = {
    en: added ? `, but ${counted(added, 'finding', '').en} ${added === 1 ? 'is' : 'are'} new (see above)` : '',
    zh: added ? `，但出现了 ${added} 个新问题（见上文）` : '',
  };
  const beside = {
    en: others ? `; ${counted(others, 'other finding', '').en} ${others === 1 ? 'is' : 'are'} as before` : '',
    zh: others ? `；另有 ${others} 个问题与之前相同` : '',
  };
  const { en, zh } = said(remaining, selected, restored);
  return { en: `Re-checked: ${en}${also.en}${beside.en}.`, zh: `复查：${zh}${also.zh}${beside.zh}。` };
}

function said(remaining: number, selected: number | undefined, restored: number): Text {
  const verb = remaining === 1 ? 'remains' : 'remain';
  if (remaining)
    return selected === undefined
      ? { en: `${counted(remaining, 'blocker', '').en} ${verb}`, zh: `仍有 ${remaining} 个阻断项` }
      : {
          en: `${remaining} of ${counted(selected, 'selected finding', '').en} ${verb}`,
          zh: `所选的 ${selected} 个问题中仍有 ${remaining} 个`,
        };
  if (restored)
    return {
      en: `${counted(restored, 'blocker', '').en} found before the upgrade ${restored === 1 ? 'is' : 'are'} there again, because the run restored what it had changed for the upgrade`,
      zh: `升级前的 ${restored} 个阻断项再次出现，因为本次运行已还原其在升级期间所做的更改`,
    };
  return selected === undefined
    ? { en: 'no blockers remain', zh: '没有剩余的阻断项' }
    : { en: 'all selected findings are fixed', zh: '所选问题均已修复' };
}
