// How long ago something was, as people say it: in hours up to two days, then in days.
import type { Text } from '../engine/contracts.ts';

export const ageOf = (hours: number): Text =>
  hours < 48
    ? { en: `${hours} hour${hours === 1 ? '' : 's'}`, zh: `${hours} 小时` }
    : { en: `${Math.floor(hours / 24)} days`, zh: `${Math.floor(hours / 24)} 天` };
