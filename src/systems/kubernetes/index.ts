// Kubernetes itself: found wherever an API server answers, upgraded one minor at a time.
import type { Installation, System } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { compare, minor, minorOf, minorsBetween, parse, satisfies } from '../../versions/kubernetes.ts';
import { detect, READS } from './detect.ts';
import { versions } from './knowledge/tables.ts';
import checks from './registry.gen.ts';
import { stages, WRITES } from './upgrade.ts';
import { PARTS_READ } from './upgrade-parts.ts';

/** The next minor, none may be skipped; on the last that is known, its newest patch. */
function defaultTarget({ version }: Installation): string | undefined {
  if (isGap(version)) return undefined;
  const last = minorOf(versions().knownUpTo);
  const here = minorOf(version);
  return here <= last ? minor(Math.min(here + 1, last)) : undefined;
}

const kubernetes: System = {
  id: 'kubernetes',
  title: { en: 'Kubernetes', zh: 'Kubernetes' },
  get reads() {
    return READS();
  },
  pointReads: [],
  checks,
  signs: { en: 'an API server that answers', zh: '可访问的 API 服务器' },
  get knownFrom() {
    return `v${versions().knownFrom}.0`;
  },
  get knownUpTo() {
    return versions().knownUpTo;
  },
  get provisionalUpTo() {
    return versions().provisionalUpTo;
  },
  parse,
  compare,
  satisfies,
  hops: minorsBetween,
  detect,
  defaultTarget,
  byNode: true,
  everyServer: true,
  stages,
  get plans() {
    return PARTS_READ();
  },
  writes: WRITES,
};

export default kubernetes;
